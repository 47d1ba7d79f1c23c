"""The board: what it shows, that its address holds what it asks for, and the forms that each of its gestures is."""

import re
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from backend.core.pagination import PageRequest
from backend.web import assets, board
from backend.web.board_view import suits
from tests.counting import statements
from tests.helpers import SignedUpCompany, accept, sign_up, unique
from tests.planning.stage import PARIS, SOON, Stage
from tests.web.conftest import Browser, hidden_fields, open_browser

WEEK = "2031-03-03"
_CHIP = re.compile(r'<a class="chip ([^"]*)"[^>]*data-call="([^"]*)".*?</a>', re.DOTALL)


@pytest.fixture
def stage(client: AsyncClient, company: SignedUpCompany) -> Stage:
    return Stage(client, company)


@pytest.fixture
async def played(stage: Stage) -> dict[str, Any]:
    """One call on Monday at ten at one venue, which needs two actors and has one confirmed."""
    production = await stage.production()
    venue = await stage.create("/venues", name="Salle du Cabestan", city="Nantes")
    call = await stage.call(production, venue_id=venue["id"])
    position = await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=2)
    person = await stage.person()
    await stage.confirmed(call, person)
    return {"production": production, "venue": venue, "call": call, "position": position, "person": person}


@pytest.fixture
def home(company: SignedUpCompany) -> str:
    return f"/c/{company.slug}"


@pytest.fixture
async def viewer(app: FastAPI, client: AsyncClient, company: SignedUpCompany) -> AsyncIterator[Browser]:
    email = f"{unique('regard')}@example.org"
    await accept(client, company, email, "viewer")
    async with open_browser(app) as found:
        await found.sign_in(email)
        yield found


def chips(text: str) -> list[tuple[str, str]]:
    """Return the classes and the call of each chip of the table."""
    table = text.partition("<table")[2].partition("</table>")[0]
    return _CHIP.findall(table)


async def test_a_week_is_a_table_with_a_caption_and_heads_that_say_what_each_cell_is(
    owner: Browser, home: str, played: dict[str, Any]
) -> None:
    page = await owner.get(home, params={"from": "2031-03-06"})

    assert page.status_code == 200
    assert "<caption" in page.text
    assert page.text.count('<th scope="col"') == 8
    assert '<th scope="row"' in page.text
    assert "lun. 3 mars" in page.text
    assert "10\u00a0h\u201313\u00a0h" in page.text
    assert "Salle du Cabestan" in page.text
    assert '</span><span class="about">' not in page.text, "read aloud, the name and the town would be one word"
    assert "1/2" in page.text
    assert "incomplet" in page.text
    assert "À pourvoir" in page.text


@pytest.mark.parametrize(("by", "state"), [("venue", "part"), ("person", "full"), ("department", "part")])
async def test_each_grouping_says_how_it_stands_by_icon_figure_and_class(
    owner: Browser, home: str, played: dict[str, Any], by: str, state: str
) -> None:
    page = await owner.get(home, params={"from": WEEK, "by": by})

    open_one, shown = chips(page.text)
    assert open_one[0].split()[0] == "part"
    assert shown[0].split() == [state, "unpublished"]
    assert shown[1] == played["call"]["id"]
    assert "#pencil" in page.text


async def test_the_filters_stay_in_every_link_of_the_page(owner: Browser, home: str, played: dict[str, Any]) -> None:
    production = played["production"]["id"]
    page = await owner.get(home, params={"from": WEEK, "by": "person", "production": production, "department": "stage"})

    following = re.search(r'<a class="button second" href="([^"]*)" rel="next"', page.text)
    assert following is not None
    for part in ("by=person", f"production={production}", "department=stage", "from=2031-03-10", "view=week"):
        assert part in following[1]
    assert "Aucune convocation ne répond à ces filtres" in page.text


@pytest.mark.parametrize(
    "query", ["view=nonsense", "by=%00", "from=2031-02-30", "from=9999-12-31", "production=x", "from=0001-01-01"]
)
async def test_an_address_that_makes_no_sense_still_shows_a_board(owner: Browser, home: str, query: str) -> None:
    assert (await owner.get(f"{home}?{query}")).status_code == 200


async def test_the_month_and_the_day_show_the_same_call(owner: Browser, home: str, played: dict[str, Any]) -> None:
    month = await owner.get(home, params={"from": WEEK, "view": "month"})
    day = await owner.get(home, params={"from": WEEK, "view": "day"})

    assert played["call"]["id"] in month.text
    assert "mars 2031" in month.text
    assert 'data-starts="2031-03-03T10:00"' in day.text
    assert 'data-ends="2031-03-03T13:00"' in day.text


async def test_an_empty_board_says_what_to_do_next(owner: Browser, home: str) -> None:
    page = await owner.get(home)

    assert "Aucune convocation cette semaine." in page.text
    assert f"{home}/calls/new" in page.text


async def test_a_board_takes_as_many_statements_for_one_call_as_for_254(
    owner: Browser, home: str, stage: Stage, played: dict[str, Any]
) -> None:
    await owner.get(home, params={"from": WEEK})
    with statements() as for_one:
        await owner.get(home, params={"from": WEEK, "by": "person"})
    for number in range(253):
        start = SOON + timedelta(hours=number % 150)
        await stage.call(played["production"], start, hours=1)
    with statements() as for_many:
        page = await owner.get(home, params={"from": WEEK, "by": "venue"})

    assert len(chips(page.text)) >= 254
    assert len(for_many) == len(for_one)
    assert len(for_one) < 25


async def test_a_move_by_its_form_keeps_the_hour_and_can_be_undone(
    owner: Browser, home: str, stage: Stage, played: dict[str, Any]
) -> None:
    call = played["call"]["id"]
    page = await owner.get(f"{home}/calls/{call}")
    answer = await owner.send_form(page, f"{home}/calls/{call}/move", day="2031-03-31", back=f"{home}?from=2031-03-31")

    assert answer.status_code == 303
    moved = (await stage.get(f"/calls/{call}")).json()
    # The clocks went forward on the 30th: ten in the morning is one hour earlier in UTC.
    assert (moved["starts_at"], moved["ends_at"]) == ("2031-03-31T08:00:00Z", "2031-03-31T11:00:00Z")
    board = await owner.get(answer.headers["location"])
    assert "Convocation déplacée au lun. 31 mars" in board.text

    await owner.send_form(board, f"{home}/calls/{call}/back")
    assert (await stage.get(f"/calls/{call}")).json()["starts_at"] == "2031-03-03T09:00:00Z"


async def test_a_drop_is_answered_with_the_board_as_it_is_then(
    owner: Browser, home: str, played: dict[str, Any]
) -> None:
    page = await owner.get(home, params={"from": WEEK})
    csrf, call = hidden_fields(page.text, "/sign-out")["csrf"], played["call"]
    fields = {
        "csrf": csrf, "once": "drop-1", "back": f"{home}?view=week&by=venue&from={WEEK}", "day": "2031-03-04",
        "version": str(call["version"]),
    }  # fmt: skip
    headers = {"HX-Request": "true"}

    answer = await owner.post(f"{home}/calls/{call['id']}/move", data=fields, headers=headers)
    again = await owner.post(f"{home}/calls/{call['id']}/move", data=fields, headers=headers)
    fragment = await owner.get(answer.headers["location"], headers=headers)

    assert answer.status_code == again.status_code == 303
    assert again.headers["location"] == answer.headers["location"]
    assert "<html" not in fragment.text
    assert "mar. 4 mars" in fragment.text
    assert f'action="{home}/calls/{call["id"]}/back"' in fragment.text


def seen_on(text: str) -> str:
    """Return what the script says of a board that it shows: its shape, and each part with its mark."""
    shape = re.search(r'data-shape="([^"]*)"', text)
    assert shape is not None
    return " ".join(
        [shape[1], *(f"{key}:{mark}" for key, mark in re.findall(r'data-k="([^"]*)" data-h="([^"]*)"', text))]
    )


async def drop(browser: Browser, home: str, page: Any, call: dict[str, Any], day: str, **more: str) -> Any:
    fields = {
        "csrf": hidden_fields(page.text, "/sign-out")["csrf"], "once": unique("drop"), "day": day, "version": "*",
        "back": f"{home}?view=week&by=venue&from={WEEK}", "seen": seen_on(page.text), **more,
    }  # fmt: skip
    fields["version"] = more.get("version", str(call["version"]))
    return await browser.post(f"{home}/calls/{call['id']}/move", data=fields, headers={"HX-Request": "true"})


async def test_a_drop_is_answered_at_once_with_the_parts_that_changed_and_no_others(
    owner: Browser, home: str, stage: Stage, played: dict[str, Any]
) -> None:
    await stage.call(played["production"], SOON + timedelta(days=4), venue_id=played["venue"]["id"])
    page = await owner.get(home, params={"from": WEEK})

    answer = await drop(owner, home, page, played["call"], "2031-03-04")

    assert answer.status_code == 200
    assert 'id="board"' not in answer.text
    assert "Convocation déplacée au mar. 4 mars" in answer.text
    assert "Publier 2 changements" in answer.text
    # Of the row of what is open and of the venue: Monday and Tuesday; both days of the list; the findings are the same.
    assert set(re.findall(r'data-k="([^"]*)"', answer.text)) == {"0.1", "0.2", "1.1", "1.2", "d0", "d1"}
    whole = await owner.get(home, params={"from": WEEK})
    assert len(answer.text) < len(whole.text) / 2
    known = dict(pair.split(":") for pair in seen_on(whole.text).split()[1:])
    for key, mark in re.findall(r'data-k="([^"]*)" data-h="([^"]*)"', answer.text):
        assert known[key] == mark


async def test_a_drop_on_the_month_brings_its_two_days(owner: Browser, home: str, played: dict[str, Any]) -> None:
    page = await owner.get(home, params={"from": WEEK, "view": "month"})

    answer = await drop(owner, home, page, played["call"], "2031-03-04", back=f"{home}?view=month&from={WEEK}")

    assert set(re.findall(r'data-k="([^"]*)"', answer.text)) == {"1.0", "1.1", "d7", "d8"}


async def test_the_days_of_a_drag_say_where_a_call_would_suit(
    owner: Browser, home: str, stage: Stage, played: dict[str, Any]
) -> None:
    other = await stage.call(played["production"], SOON + timedelta(days=1, hours=1))
    await stage.confirmed(other, played["person"])

    answer = await owner.get(f"{home}/calls/{played['call']['id']}/days", params={"back": f"{home}?from={WEEK}"})

    assert list(answer.json().values()) == [0, 2, 0, 0, 0, 0, 0]


def test_a_day_on_which_somebody_is_away_is_marked_so_by_the_clock_of_the_place() -> None:
    call = {"id": "c", "starts_at": "2031-03-29T09:00:00Z", "ends_at": "2031-03-29T12:00:00Z"}
    # Ten in the morning in Paris is one hour earlier in UTC from the 30th on.
    away = {"person_id": "p", "starts_at": "2031-03-30T08:00:00Z", "ends_at": "2031-03-30T08:30:00Z"}
    on_it = {"call_id": "c", "person_id": "p", "status": "confirmed"}
    planning = {"calls": [call], "assignments": [on_it], "unavailabilities": [away]}
    days = [date(2031, 3, 29), date(2031, 3, 30), date(2031, 3, 31)]

    assert list(suits(planning, call, days, PARIS).values()) == [0, 1, 0]


async def test_a_drop_repeated_acts_once_and_leads_to_the_board(
    owner: Browser, home: str, stage: Stage, played: dict[str, Any]
) -> None:
    page = await owner.get(home, params={"from": WEEK})
    forged = await drop(owner, home, page, played["call"], "2031-03-04", copy="1", once="one", csrf="")
    assert forged.status_code == 403
    csrf = hidden_fields(page.text, "/sign-out")["csrf"]
    first, again = [
        await drop(owner, home, page, played["call"], "2031-03-04", copy="1", once="one", csrf=csrf) for _ in range(2)
    ]

    assert (first.status_code, again.status_code) == (200, 303)
    assert "Convocation copiée" in (await owner.get(again.headers["location"])).text
    assert len((await stage.get("/calls")).json()["items"]) == 2


async def test_a_board_of_another_shape_is_answered_whole(
    owner: Browser, home: str, stage: Stage, played: dict[str, Any]
) -> None:
    page = await owner.get(home, params={"from": WEEK})
    place = await stage.create("/venues", name="Studio")

    answer = await drop(owner, home, page, played["call"], "2031-03-04", venue=place["id"])

    assert answer.status_code == 200
    assert '<div id="board"' in answer.text
    assert "Studio" in answer.text
    assert "<html" not in answer.text


async def test_a_refused_drop_says_of_which_call_why_and_what_stands_in_its_way(
    owner: Browser, home: str, stage: Stage, played: dict[str, Any]
) -> None:
    other = await stage.call(played["production"], SOON + timedelta(days=1, hours=1), title="Italienne")
    await stage.confirmed(other, played["person"])
    page = await owner.get(home, params={"from": WEEK})

    answer = await drop(owner, home, page, played["call"], "2031-03-04")

    assert answer.status_code == 409
    assert "Répétition, lun. 3 mars, 10\u00a0h\u201313\u00a0h :" in answer.text
    assert "rien n'a changé" in answer.text
    assert "sont déjà confirmées ailleurs en même temps" in answer.text
    assert played["person"]["last_name"] in answer.text
    assert f'href="{home}/calls/{other["id"]}">Italienne, mar. 4 mars, 11\u00a0h\u201314\u00a0h' in answer.text
    assert (await stage.get(f"/calls/{played['call']['id']}")).json()["starts_at"] == played["call"]["starts_at"]


async def test_every_filter_stands_on_the_board_and_can_be_taken_off_alone(
    owner: Browser, home: str, stage: Stage, played: dict[str, Any]
) -> None:
    person, venue = played["person"], played["venue"]
    page = await owner.get(
        home, params={"from": WEEK, "person": person["id"], "venue": venue["id"], "department": "artistic"}
    )

    assert chips(page.text)
    for value in (person["id"], venue["id"], "artistic"):
        assert f'<option value="{value}" selected' in page.text
    tags = re.findall(r'<a class="tag" href="([^"]*)"', page.text)
    assert len(tags) == 3
    assert [f"person={person['id']}" in tag for tag in tags] == [True, False, True]
    assert "tout le monde est confirmé" in page.text  # the legend


async def test_among_many_people_the_filter_looks_for_a_name(
    owner: Browser, home: str, played: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "MANY", PageRequest(1, None))
    page = await owner.get(home, params={"from": WEEK})
    assert "Chercher un nom" not in page.text

    found = await owner.get(home, params={"from": WEEK, "who": played["person"]["last_name"]})
    nobody = await owner.get(home, params={"from": WEEK, "who": "personne de ce nom"})

    assert f'<option value="{played["person"]["id"]}"' in found.text
    assert "Personne ne répond à cette recherche." in nobody.text


async def test_people_are_found_by_name_to_be_dragged_onto_a_place(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany, owner: Browser, home: str, stage: Stage
) -> None:
    person, script = await stage.person("Zélie"), {"HX-Request": "true"}
    path, asked = f"{home}/found-people", {"q": person["last_name"]}
    found = await owner.get(path, params=asked, headers=script)
    assert f'data-person="{person["id"]}">Zélie {person["last_name"]}<' in found.text
    assert "Personne ne répond" in (await owner.get(path, params={"q": "%_nobody"}, headers=script)).text
    alone = await owner.get(path, params=asked)
    assert (alone.status_code, alone.headers["location"]) == (303, f"{home}/people?q={person['last_name']}")

    email = f"{unique('lit')}@example.org"
    await accept(client, company, email, "viewer")
    other = await sign_up(client, "Compagnie voisine")
    for stranger in (email, other.email):
        async with open_browser(app) as browser:
            await browser.sign_in(stranger)
            refused = await browser.get(path, params=asked, headers=script)
            assert refused.status_code in {403, 404}
            assert person["id"] not in refused.text


async def test_an_empty_board_says_when_the_next_calls_are_and_leads_there(
    owner: Browser, home: str, played: dict[str, Any]
) -> None:
    sought = {"from": "2031-02-10", "production": played["production"]["id"]}
    for query, said in (
        ({"from": "2031-02-10"}, "lundi 3 mars 2031, semaine 10</a>"),
        (sought, "lundi 3 mars 2031, semaine 10</a>"),
        ({"from": "2031-01-01", "view": "month"}, "lundi 3 mars 2031</a>"),
        ({"from": "2031-02-10", "view": "day"}, "lundi 3 mars 2031</a>"),
    ):
        page = await owner.get(home, params=query)
        (link,) = re.findall(r'<a href="([^"]*)">' + said, page.text)
        assert played["call"]["id"] in (await owner.get(unescape(link))).text

    for query in (
        {"from": "2031-03-10"},
        {"from": WEEK},
        sought | {"venue": str(uuid4())},
        sought | {"person": str(uuid4())},
    ):
        assert "La suite commence" not in (await owner.get(home, params=query)).text


async def test_an_empty_week_is_filled_from_another_with_its_positions_and_on_demand_its_people(
    owner: Browser, home: str, stage: Stage, played: dict[str, Any]
) -> None:
    page = await owner.get(home, params={"from": "2031-03-10"})
    assert "Copier la semaine</button>" not in page.text
    assert "Copier la semaine 10" in page.text

    answer = await owner.send_form(page, f"{home}/copy-week", week="2031-03-05", people="draft")

    assert answer.status_code == 303
    planned = (await stage.get("/planning", **{"from": "2031-03-10", "to": "2031-03-16"})).json()
    assert [one["starts_at"] for one in planned["calls"]] == ["2031-03-10T09:00:00Z"]
    assert [one["status"] for one in planned["assignments"]] == ["draft"]
    assert "enregistré" in (await owner.get(answer.headers["location"])).text
    refused = await owner.send_form(page, f"{home}/copy-week", week="2031-01-01")
    assert refused.status_code == 422
    assert 'class="alert wrong"' in refused.text


async def test_a_drop_on_an_older_state_changes_nothing_and_says_so(
    owner: Browser, home: str, stage: Stage, played: dict[str, Any]
) -> None:
    call = played["call"]
    await stage.patch(f"/calls/{call['id']}", {"title": "Autre titre"})
    page = await owner.get(home, params={"from": WEEK})
    fields = {
        "csrf": hidden_fields(page.text, "/sign-out")["csrf"], "day": "2031-03-04", "version": str(call["version"]),
        "back": home,
    }  # fmt: skip

    answer = await owner.post(f"{home}/calls/{call['id']}/move", data=fields, headers={"HX-Request": "true"})

    assert answer.status_code == 412
    assert answer.headers["hx-retarget"] == "#alerts"
    assert (await stage.get(f"/calls/{call['id']}")).json()["starts_at"] == call["starts_at"]


async def test_a_board_that_is_out_of_date_is_told_who_changed_the_call_and_gets_what_is_now(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany, home: str, stage: Stage, played: dict[str, Any]
) -> None:
    """The sentence names a colleague by name; the answer carries the board, so that the next gesture begins there."""
    call = played["call"]
    email = f"{unique('plan')}@example.org"
    await accept(client, company, email, "planner")
    later = {name: call[name].replace("2031-03-03", "2031-03-05") for name in ("starts_at", "ends_at")}
    await stage.patch(f"/calls/{call['id']}", later)
    async with open_browser(app) as planner:
        await planner.sign_in(email)
        page = await planner.get(home, params={"from": WEEK})
        fields = {
            "csrf": hidden_fields(page.text, "/sign-out")["csrf"], "version": str(call["version"]), "seen": "nothing",
            "back": f"{home}?from={WEEK}",
        }  # fmt: skip
        planner.headers["HX-Request"] = "true"
        for act, typed in (
            ("move", {"day": "2031-03-07"}),
            ("stretch", {"starts": "2031-03-05T10:00", "ends": "2031-03-05T14:00"}),
        ):
            answer = await planner.post(f"{home}/calls/{call['id']}/{act}", data={**fields, **typed})
            assert answer.status_code == 412
            me = (await stage.get("/members")).json()["items"]
            name = next(one["full_name"] for one in me if one["email"] == company.email)
            assert f"{name} a modifié cette convocation entre-temps : elle est maintenant le mer. 5 mars" in answer.text
            assert 'id="board"' in answer.text
            assert f'data-v="{call["version"] + 1}"' in answer.text
            assert "ci-dessous" not in answer.text


async def test_a_gesture_on_a_call_that_is_gone_says_who_deleted_it_and_shows_the_week_as_it_is(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany, home: str, stage: Stage, played: dict[str, Any]
) -> None:
    stays, draft = played["call"], await stage.call(played["production"], SOON + timedelta(days=1), title="Italienne")
    person = await stage.assignment(stays, await stage.person())
    email = f"{unique('plan')}@example.org"
    await accept(client, company, email, "planner")
    assert (await stage.delete(f"/calls/{draft['id']}")).status_code == 204
    assert (await stage.delete(f"/assignments/{person['id']}")).status_code == 204
    (owner,) = [one["full_name"] for one in (await stage.get("/members")).json()["items"] if one["role"] == "owner"]
    async with open_browser(app) as planner:
        await planner.sign_in(email)
        page = await planner.get(home, params={"from": WEEK})
        fields = {"csrf": hidden_fields(page.text, "/sign-out")["csrf"], "version": "1", "back": f"{home}?from={WEEK}"}
        for path, said in (
            (f"/calls/{draft['id']}/move", f"{owner} a supprimé cette convocation entre-temps."),
            (f"/assignments/{person['id']}/delete", f"{owner} a retiré cette personne entre-temps."),
            (f"/calls/{uuid4()}/move", "Ce que visait ce geste n'existe plus."),
        ):
            typed = {**fields, "day": "2031-03-07"}
            shown = await planner.post(home + path, data={**typed, "seen": "x"}, headers={"HX-Request": "true"})
            alone = await planner.post(home + path, data=typed)
            assert shown.status_code == 404, path
            assert said in unescape(shown.text), path
            assert "Votre geste n'a rien changé." in unescape(shown.text)
            assert 'id="board"' in shown.text
            assert stays["id"] in shown.text
            assert (alone.status_code, 'id="board"' in alone.text) == (404, False)
        asked, script = {"seen": "0", "back": fields["back"]}, {"HX-Request": "true"}
        gone = f"{home}/calls/{draft['id']}"
        sheet = await planner.get(f"{gone}/sheet", params=asked, headers=script)
        chooser = await planner.post(f"{gone}/positions/{uuid4()}/candidates", data=fields | asked, headers=script)
        for shown in (sheet, chooser):
            assert shown.status_code == 404
            assert f"{owner} a supprimé cette convocation entre-temps." in unescape(shown.text)
            assert 'id="board"' in shown.text
        page = await planner.get(gone)
        assert f'class="button" href="{home}"' in page.text


async def test_a_copy_takes_what_the_call_needs_and_on_demand_its_people(
    owner: Browser, home: str, stage: Stage, played: dict[str, Any]
) -> None:
    call = played["call"]["id"]
    page = await owner.get(f"{home}/calls/{call}")
    answer = await owner.send_form(page, f"{home}/calls/{call}/move", day="2031-03-05", copy="1", team="1")

    assert answer.status_code == 303
    planned = (await stage.get("/planning", **{"from": "2031-03-05", "to": "2031-03-05"})).json()
    (copy,) = planned["calls"]
    assert copy["status"] == "draft"
    assert [one["headcount"] for one in planned["positions"]] == [2]
    assert [one["status"] for one in planned["assignments"]] == ["draft"]
    board = await owner.get(answer.headers["location"])
    assert "Convocation copiée" in board.text


async def test_a_finding_stands_beside_the_board_once_for_all_whom_it_is_about_and_its_cure_cures_it(
    owner: Browser, home: str, stage: Stage, played: dict[str, Any]
) -> None:
    late = await stage.call(played["production"], datetime(2031, 3, 2, 20, tzinfo=PARIS), hours=4)
    other = await stage.person("Lucas")
    await stage.confirmed(played["call"], other)
    for person in (played["person"], other):
        await stage.act(
            await stage.assignment(late, person), "confirm", override_reason="x",
            grounds=[{"rule": "WT-REST-11", "ground": "agreement", "document": "Accord"}],
        )  # fmt: skip
    await stage.patch(f"/calls/{played['call']['id']}", {"starts_at": SOON.replace(hour=8).isoformat()})

    page = await owner.get(home, params={"from": WEEK})

    panel = page.text.partition('<aside class="panel"')[2]
    rests = [part for part in panel.split('<li class="finding')[1:] if "L3131-1" in part.partition("</li>")[0]]
    assert len(rests) == 1
    assert all(one["last_name"] in rests[0] for one in (played["person"], other))
    cure = re.search(r'name="cure" value="([^"]*)"', rests[0])
    assert cure is not None
    answer = await owner.send_form(page, f"{home}/cure", cure=cure[1])
    assert answer.status_code == 303
    assert "L3131-1" not in (await owner.get(answer.headers["location"])).text.partition("<aside")[2]


async def test_a_viewer_reads_the_board_and_may_change_nothing(
    viewer: Browser, home: str, played: dict[str, Any]
) -> None:
    page = await viewer.get(home, params={"from": WEEK})
    csrf = hidden_fields(page.text, "/sign-out")["csrf"]

    assert page.status_code == 200
    assert "data-v=" not in page.text
    assert "/calls/new" not in page.text
    for path in ("move", "cancel", "delete", "stretch", "back", "positions", "assignments"):
        answer = await viewer.post(f"{home}/calls/{played['call']['id']}/{path}", data={"csrf": csrf})
        assert answer.status_code == 403, path


async def test_another_company_sees_no_board_and_moves_no_call(
    app: FastAPI, client: AsyncClient, home: str, played: dict[str, Any]
) -> None:
    twin = await sign_up(client)
    call = played["call"]["id"]
    async with open_browser(app) as other:
        await other.sign_in(twin.email)
        own = await other.get(f"/c/{twin.slug}")
        csrf = hidden_fields(own.text, "/sign-out")["csrf"]
        for path in (home, f"{home}/calls/{call}", f"/c/{twin.slug}/calls/{call}", f"{home}/publish",
                     f"{home}/print/day", f"/c/{twin.slug}/print/people/{played['person']['id']}"):  # fmt: skip
            assert (await other.get(path)).status_code == 404, path
        for slug in (home, f"/c/{twin.slug}"):
            answer = await other.post(f"{slug}/calls/{call}/move", data={"csrf": csrf, "day": WEEK, "version": "1"})
            assert answer.status_code == 404


async def test_names_are_shown_as_text_and_no_page_carries_a_style_or_a_script_of_its_own(
    owner: Browser, home: str, stage: Stage, played: dict[str, Any]
) -> None:
    await stage.patch(f"/calls/{played['call']['id']}", {"title": "<script>alert(1)</script> \u05d0\u05d1" + "x" * 160})

    for path in (home, f"{home}/calls/{played['call']['id']}", f"{home}/publish", f"{home}/print/day"):
        page = await owner.get(path, params={"from": WEEK, "day": WEEK})
        assert "<script>" not in page.text
        assert not re.search(r'\s(style|on\w+)="', page.text), path


def test_the_scripts_of_the_board_stay_within_their_budget() -> None:
    for name, most in (("js/board.js", 6 * 1024), ("js/timeline.js", 2 * 1024)):
        script = assets.find(name)
        assert script is not None
        assert script.compressed is not None
        assert len(script.compressed) <= most


async def test_the_board_speaks_english(app: FastAPI, company: SignedUpCompany, played: dict[str, Any]) -> None:
    async with open_browser(app, "en") as english:
        await english.sign_in(company.email)
        await english.send_form(await english.get("/companies"), "/language", language="en")
        page = await english.get(f"/c/{company.slug}", params={"from": WEEK})

    assert "To fill" in page.text
    assert "incomplete" in page.text
    assert "À pourvoir" not in page.text
