"""The pages of a call, the chooser of people, publishing and what is printed."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from backend.tenancy.session import Database
from backend.web.square import square_code
from tests.counting import statements
from tests.helpers import SignedUpCompany, accept, create, member, unique
from tests.planning.stage import PARIS, SOON, Stage, same_person
from tests.web.conftest import Browser, hidden_fields, open_browser

WEEK = "2031-03-03"


@pytest.fixture
def stage(client: AsyncClient, company: SignedUpCompany) -> Stage:
    return Stage(client, company)


@pytest.fixture
def home(company: SignedUpCompany) -> str:
    return f"/c/{company.slug}"


@pytest.fixture
async def planner(app: FastAPI, client: AsyncClient, company: SignedUpCompany) -> AsyncIterator[Browser]:
    email = f"{unique('plan')}@example.org"
    await accept(client, company, email, "planner")
    async with open_browser(app) as found:
        await found.sign_in(email)
        yield found


async def fill(stage: Stage, **changes: str) -> dict[str, str]:
    """Return a call's form as somebody fills it in."""
    production = await stage.production()
    return {
        "title": "Filage", "production_id": production["id"], "kind": "run_through", "venue_id": "",
        "starts_at": "2031-03-04T14:00", "ends_at": "2031-03-04T18:00", "unplaced_break_minutes": "0", **changes,
    }  # fmt: skip


async def create_by_form(browser: Browser, home: str, typed: dict[str, str]) -> Any:
    page = await browser.get(f"{home}/calls/new", params={"day": WEEK})
    return await browser.send_form(page, f"{home}/calls/new", **typed)


async def test_a_call_is_created_in_the_wall_time_of_its_place(owner: Browser, home: str, stage: Stage) -> None:
    venue = await stage.create("/venues", name="Salle de La Possession", timezone="Indian/Reunion")

    typed = await fill(stage, venue_id=venue["id"], **{"break-0-starts": "15:00", "break-0-ends": "15:20"})
    answer = await create_by_form(owner, home, typed)

    assert answer.status_code == 303, answer.text
    page = await owner.get(answer.headers["location"])
    assert "14\u00a0h\u201318\u00a0h" in page.text
    assert "Indian/Reunion" in page.text
    (call,) = (await stage.get("/calls")).json()["items"]
    assert (call["starts_at"], call["ends_at"]) == ("2031-03-04T10:00:00Z", "2031-03-04T14:00:00Z")
    assert [one["starts_at"] for one in call["breaks"]] == ["2031-03-04T11:00:00Z"]


async def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    owner: Browser, home: str, stage: Stage
) -> None:
    typed = await fill(stage, title="Un titre", ends_at="2031-03-04T13:00")

    answer = await create_by_form(owner, home, typed)

    assert answer.status_code == 422
    assert 'id="ends_at-error"' in answer.text
    assert "La fin doit venir après le début" in answer.text
    assert 'value="Un titre"' in answer.text
    assert 'value="2031-03-04T14:00"' in answer.text
    assert (await stage.get("/calls")).json()["items"] == []

    several = await create_by_form(owner, home, await fill(stage, title="a" * 300, unplaced_break_minutes="beaucoup"))
    assert several.status_code == 422
    assert "Quelques valeurs sont à corriger." in several.text
    assert several.text.count('id="title-error"') == several.text.count('id="unplaced_break_minutes-error"') == 1


@pytest.mark.parametrize("bad", ["", "demain", "2031-13-01T10:00", "2031-03-04T14:00Z", "9999-99-99", "\u0660"])
async def test_a_time_that_is_none_is_refused_in_words(owner: Browser, home: str, stage: Stage, bad: str) -> None:
    answer = await create_by_form(owner, home, await fill(stage, starts_at=bad))

    assert answer.status_code == 422
    assert "Écrivez un jour et une heure." in answer.text


async def test_an_hour_that_exists_twice_is_asked_about_and_one_that_does_not_exist_is_refused(
    owner: Browser, home: str, stage: Stage
) -> None:
    # The clocks go back in the night to 26 October 2031 and forward in that to 30 March 2031.
    typed = await fill(stage, starts_at="2031-10-25T23:00", ends_at="2031-10-26T02:30")
    asked = await create_by_form(owner, home, typed)
    assert asked.status_code == 422
    assert "Le 26 octobre 2031 à 2\u00a0h\u00a030 existe deux fois" in asked.text
    assert 'name="ends_at_second"' in asked.text

    for second, ends in (("0", "2031-10-26T00:30:00Z"), ("1", "2031-10-26T01:30:00Z")):
        answer = await create_by_form(owner, home, {**typed, "ends_at_second": second})
        assert answer.status_code == 303
        call = (await stage.get(f"/calls/{answer.headers['location'].split('/')[-1].partition('?')[0]}")).json()
        assert call["ends_at"] == ends

    missing = await create_by_form(
        owner, home, await fill(stage, starts_at="2031-03-30T02:30", ends_at="2031-03-30T05:00")
    )
    assert missing.status_code == 422
    assert "n&#39;existe pas" in missing.text


async def test_a_stale_form_shows_both_states_and_keeps_what_was_typed(owner: Browser, home: str, stage: Stage) -> None:
    call = await stage.call(await stage.production(), title="Titre d'avant")
    path = f"{home}/calls/{call['id']}"
    page = await owner.get(path)
    await stage.patch(f"/calls/{call['id']}", {"title": "Titre de quelqu'un d'autre"})
    typed = await fill(stage, title="Mon titre")

    stale = await owner.send_form(page, path, **typed)

    assert stale.status_code == 412
    assert "Quelqu&#39;un a modifié" in stale.text
    assert "Titre de quelqu&#39;un d&#39;autre" in stale.text
    assert 'value="Mon titre"' in stale.text
    assert (await owner.send_form(stale, path, **typed)).status_code == 303
    assert (await stage.get(f"/calls/{call['id']}")).json()["title"] == "Mon titre"


async def test_a_double_press_creates_one_call(owner: Browser, home: str, stage: Stage) -> None:
    typed = await fill(stage)
    page = await owner.get(f"{home}/calls/new")

    answers = [await owner.send_form(page, f"{home}/calls/new", **typed) for _ in range(2)]

    assert {answer.status_code for answer in answers} == {303}
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert len((await stage.get("/calls")).json()["items"]) == 1


async def test_a_cancelled_call_keeps_its_reason_and_offers_no_form_any_more(
    owner: Browser, home: str, stage: Stage
) -> None:
    call = await stage.call(await stage.production())
    path = f"{home}/calls/{call['id']}"
    page = await owner.get(path)
    answer = await owner.send_form(page, f"{path}/cancel", cancel_reason="La salle est fermée.")

    assert answer.status_code == 303
    shown = await owner.get(path)
    assert "La salle est fermée." in shown.text
    assert f'action="{path}/move"' not in shown.text


async def test_positions_are_added_changed_and_taken_away(owner: Browser, home: str, stage: Stage) -> None:
    call = await stage.call(await stage.production())
    path = f"{home}/calls/{call['id']}"
    page = await owner.get(path)
    assert "ne demande encore personne" in page.text
    assert (await owner.send_form(page, f"{path}/positions", job="electricien", headcount="2")).status_code == 303
    (position,) = (await stage.get(f"/calls/{call['id']}/positions")).json()["items"]

    page = await owner.get(path)
    twice = await owner.send_form(page, f"{path}/positions", job="electricien", headcount="1")
    assert twice.status_code == 409
    assert "a déjà un poste pour ce métier" in twice.text
    none = await owner.send_form(page, f"{path}/positions/{position['id']}", headcount="0")
    assert none.status_code == 422
    assert (await owner.send_form(page, f"{path}/positions/{position['id']}", headcount="3")).status_code == 303
    page = await owner.get(path)
    assert "0/3" in page.text
    assert (await owner.send_form(page, f"{path}/positions/{position['id']}", what="delete")).status_code == 303
    assert (await stage.get(f"/calls/{call['id']}/positions")).json()["items"] == []


async def cast(stage: Stage) -> dict[str, Any]:
    """A call of Monday with one place for an actor, and three actors: free, tired, booked on another call."""
    production = await stage.production()
    call = await stage.call(production)
    position = await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=1)
    free, tired, booked = [await stage.person(name) for name in ("Libre", "Fatigué", "Pris")]
    late = await stage.call(production, datetime(2031, 3, 2, 20, tzinfo=PARIS), hours=5)
    await stage.confirmed(late, tired)
    await stage.confirmed(await stage.call(production, SOON + timedelta(hours=1)), booked)
    return {"call": call, "position": position, "free": free, "tired": tired, "booked": booked}


def chooser(home: str, parts: dict[str, Any]) -> str:
    return f"{home}/calls/{parts['call']['id']}/positions/{parts['position']['id']}/candidates"


async def choose(browser: Browser, home: str, parts: dict[str, Any], **typed: str) -> Any:
    page = await browser.get(f"{home}/calls/{parts['call']['id']}")
    return await browser.send_form(page, chooser(home, parts), **typed)


async def test_the_chooser_says_who_is_free_at_what_cost_and_who_is_not(
    owner: Browser, home: str, stage: Stage
) -> None:
    parts = await cast(stage)

    page = await choose(owner, home, parts)

    assert page.status_code == 200
    free, possible, impossible = (
        page.text.index(words) for words in ("Libres, sans constat", "Possibles, avec constat", "Pas possibles")
    )
    assert free < page.text.index(parts["free"]["last_name"]) < possible
    assert possible < page.text.index(parts["tired"]["last_name"]) < impossible
    assert impossible < page.text.index(parts["booked"]["last_name"])
    assert "L3131-1" in page.text
    assert "5\u00a0h" in page.text


async def test_somebody_held_by_another_company_is_only_not_available_and_asking_is_counted(
    owner: Browser, home: str, stage: Stage, client: AsyncClient, app: FastAPI, other_company: SignedUpCompany
) -> None:
    other = Stage(client, other_company)
    parts = await cast(stage)
    twin = await other.person("Libre")
    database: Database = app.state.database
    await same_person(database, (stage.company, parts["free"]), (other.company, twin))
    secret = await other.call(await other.production("Spectacle secret"), title="Date secrète")
    await other.confirmed(secret, twin)

    page = await choose(owner, home, parts)

    assert page.text.index("Pas possibles") < page.text.index(parts["free"]["last_name"])
    assert "n&#39;est pas disponible" in page.text
    assert "secr" not in page.text
    frozen = app.state.settings
    app.state.settings = frozen.model_copy(update={"limit_unavailable_answers_per_hour": 1})
    try:
        assert (await choose(owner, home, parts)).status_code == 429
    finally:
        app.state.settings = frozen


async def test_the_chooser_beside_the_board_answers_with_the_board(owner: Browser, home: str, stage: Stage) -> None:
    parts = await cast(stage)
    back = f"{home}?view=week&by=venue&from={WEEK}"
    sheet = await owner.get(
        f"{home}/calls/{parts['call']['id']}/sheet", params={"back": back}, headers={"HX-Request": "true"}
    )

    beside = await owner.send_form(sheet, chooser(home, parts))
    assert beside.text.count(" data-quick") == 2
    fields = {
        "person_id": parts["free"]["id"], "position_id": parts["position"]["id"], "job": "comedien", "what": "draft",
    }  # fmt: skip
    answer = await owner.send_form(beside, f"{home}/calls/{parts['call']['id']}/assignments", **fields)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{home}?view=week")
    assert (
        "1/1"
        not in (await owner.get(answer.headers["location"])).text.partition('class="open"')[2].partition("</tr>")[0]
    )
    assert (await owner.send_form(beside, chooser(home, parts), q="Libre", back="//ailleurs")).text.count(
        " data-quick"
    ) == 0


async def test_a_thousand_people_are_searched_and_paged_with_as_many_statements_as_three(
    owner: Browser, home: str, stage: Stage
) -> None:
    parts = await cast(stage)
    page = await owner.get(f"{home}/calls/{parts['call']['id']}")
    with statements() as for_three:
        await owner.send_form(page, chooser(home, parts))
    for number in range(40):
        await create(
            stage.client,
            stage.company.headers,
            "/people",
            first_name="Ève",
            last_name=f"Zola {number:03}",
            job="comedien",
        )
    with statements() as for_many:
        first = await owner.send_form(page, chooser(home, parts))

    assert len(for_many) == len(for_three)
    assert first.text.count('class="card candidate"') == 25
    assert "Personnes suivantes" in first.text
    found = await owner.send_form(page, chooser(home, parts), q="zola 039")
    assert found.text.count('class="card candidate"') == 1
    nobody = await owner.send_form(page, chooser(home, parts), q="personne de ce nom")
    assert "Personne ne répond à cette recherche." in nobody.text


async def test_somebody_is_assigned_offered_and_confirmed(owner: Browser, home: str, stage: Stage) -> None:
    parts = await cast(stage)
    call = f"{home}/calls/{parts['call']['id']}"
    page = await choose(owner, home, parts)
    fields = {
        "person_id": parts["free"]["id"], "position_id": parts["position"]["id"], "job": "comedien",
        "expires_at": "2031-03-01T18:00",
    }  # fmt: skip
    past = await owner.send_form(
        page, f"{call}/assignments", **{**fields, "what": "offer", "expires_at": "2001-01-01T10:00"}
    )
    assert past.status_code == 422
    assert "expirerait dans le passé" in past.text
    offered = await owner.send_form(page, f"{call}/assignments", **fields, what="offer")
    assert offered.status_code == 303

    shown = await owner.get(call)
    assert "option en attente" in shown.text
    (found,) = (await stage.get("/assignments", call_id=parts["call"]["id"])).json()["items"]
    assert found["expires_at"] == "2031-03-01T17:00:00Z"
    confirmed = await owner.send_form(shown, f"{home}/assignments/{found['id']}/confirm", on_behalf="written")
    assert confirmed.status_code == 303
    assert (await stage.read(found))["status"] == "confirmed"
    (last, *_) = (await stage.get(f"/assignments/{found['id']}/history")).json()["items"]
    assert (last["to"], last["on_behalf"]) == ("confirmed", "written")
    assert "1/1" in (await owner.get(call)).text


async def test_what_the_law_refuses_is_shown_with_what_makes_it_pass_and_leaves_nothing_behind(
    owner: Browser, home: str, stage: Stage
) -> None:
    parts = await cast(stage)
    call = f"{home}/calls/{parts['call']['id']}"
    page = await choose(owner, home, parts)
    fields = {"person_id": parts["tired"]["id"], "position_id": parts["position"]["id"], "job": "comedien"}

    refused = await owner.send_form(page, f"{call}/assignments", **fields, what="confirm")

    assert refused.status_code == 409
    assert "L3131-1" in refused.text
    assert parts["tired"]["last_name"] in refused.text
    assert (await stage.get("/assignments", call_id=parts["call"]["id"])).json()["items"] == []
    given = {"ground-WT-REST-11": "agreement", "document-WT-REST-11": "Accord du 3 mars"}
    passed = await owner.send_form(refused, f"{call}/assignments", **given)
    assert passed.status_code == 303, passed.text
    (found,) = (await stage.get("/assignments", call_id=parts["call"]["id"])).json()["items"]
    assert found["status"] == "confirmed"


async def test_only_who_administers_passes_over_what_no_derogation_allows(
    owner: Browser, planner: Browser, home: str, stage: Stage
) -> None:
    call = await stage.call(await stage.production(), hours=9)
    position = await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=1)
    person = await stage.person()
    fields = {"person_id": person["id"], "position_id": position["id"], "job": "comedien", "what": "confirm"}
    path = f"{home}/calls/{call['id']}/assignments"

    for browser, status, may in ((planner, 403, False), (owner, 409, True)):
        page = await choose(browser, home, {"call": call, "position": position})
        refused = await browser.send_form(page, path, **fields)
        assert refused.status_code == status
        assert "L3121-16" in refused.text
        assert ('name="override_reason"' in refused.text) is may
    assert (await owner.send_form(refused, path, override_reason="Accord de la personne")).status_code == 303


async def test_publishing_says_who_reads_what_and_then_everything_is_published(
    owner: Browser, home: str, stage: Stage
) -> None:
    production = await stage.production()
    call, person = await stage.call(production), await stage.person()
    await stage.confirmed(call, person)
    await stage.call(production, SOON + timedelta(days=1))
    board = await owner.get(home, params={"from": WEEK})
    assert "Publier 2 changements" in board.text

    page = await owner.get(f"{home}/publish", params={"from": WEEK})
    assert person["last_name"] in page.text
    assert "1 personne est concernée" in page.text
    assert "lun. 3 mars – mar. 4 mars 2031" in page.text
    assert "Sans personne à prévenir" in page.text
    answer = await owner.send_form(page, f"{home}/publish")
    assert answer.status_code == 303
    assert "Publier" not in (await owner.get(home, params={"from": WEEK})).text

    await stage.patch(f"/calls/{call['id']}", {"starts_at": SOON.replace(hour=11).isoformat()})
    again = await owner.get(f"{home}/publish", params={"from": WEEK})
    assert " – lun. 3 mars" not in again.text
    assert "Publier 1 changement" in again.text
    assert "<s>lun. 3 mars 10\u00a0h</s> lun. 3 mars 11\u00a0h" in again.text


async def test_a_production_is_published_whole_with_its_summary(
    owner: Browser, home: str, stage: Stage, other_company: SignedUpCompany, client: AsyncClient
) -> None:
    production, apart = await stage.production(), await stage.production("Autre spectacle")
    calls = [await stage.call(production, SOON + timedelta(days=90 * number)) for number in range(2)]
    kept = await stage.call(apart)
    await stage.confirmed(calls[0], await stage.person())
    path = f"{home}/productions/{production['id']}"
    assert "Publier 2 changements" in (await owner.get(path)).text
    link = {"production": production["id"], "whole": "1"}

    page = await owner.get(f"{home}/publish", params=link)
    done = await owner.send_form(page, f"{home}/publish")

    assert done.headers["location"].partition("?")[0] == path
    after = await owner.get(done.headers["location"])
    assert "publiées : 2. Personnes prévenues : 0. Sans adresse, à prévenir autrement : 1." in after.text
    assert "Personnes prévenues" not in (await owner.get(path)).text
    states = [(await stage.get(f"/calls/{one['id']}")).json()["status"] for one in (*calls, kept)]
    assert states == ["published", "published", "draft"]
    assert "Publier" not in (await owner.get(path)).text.partition("<main")[2]
    assert "Tout est publié pour ce spectacle" in (await owner.get(f"{home}/publish", params=link)).text
    twin = await create(client, other_company.headers, "/productions", title="La Traversée", kind="creation")
    assert (await owner.get(f"{home}/publish", params={**link, "production": twin["id"]})).status_code == 404


async def test_nobody_publishes_what_the_page_did_not_show(owner: Browser, home: str, stage: Stage) -> None:
    call = await stage.call(await stage.production())
    page = await owner.get(f"{home}/publish", params={"from": WEEK})
    await stage.patch(f"/calls/{call['id']}", {"title": "Autre"})

    answer = await owner.send_form(page, f"{home}/publish")

    assert answer.status_code == 412
    assert (await stage.get(f"/calls/{call['id']}")).json()["status"] == "draft"
    for forged in ("x", "x:y", f"{call['id']}:", f"{call['id']}:1 {call['id']}", "\u0661:\u0661"):
        fields = hidden_fields(page.text, f"{home}/publish") | {"calls": forged, "once": unique("o")}
        assert (await owner.post(f"{home}/publish", data=fields)).status_code in {412, 422}


async def test_the_call_sheet_and_the_week_of_a_person_are_dated_on_each_page(
    owner: Browser, home: str, stage: Stage
) -> None:
    venue = await stage.create("/venues", name="Salle du Cabestan", address="14 quai du Cabestan", city="Nantes")
    call, person = await stage.call(await stage.production(), venue_id=venue["id"]), await stage.person()
    await stage.confirmed(call, person)
    manager = await stage.person("Régie", job="regisseur_general")
    await stage.patch(f"/people/{manager['id']}", {"phone": "+33 6 39 98 00 55"})
    managing = await stage.assignment(call, manager, job="regisseur_general")
    assert (await stage.act(managing, "confirm", override_reason="Accord de la personne")).status_code == 200

    sheet = await owner.get(f"{home}/print/day", params={"day": WEEK})
    week = await owner.get(f"{home}/print/people/{person['id']}", params={"from": WEEK})

    for page in (sheet, week):
        head = page.text.partition("<thead>")[2].partition("</thead>")[0]
        assert "imprimée le" in head
        assert "Répétition" in page.text
        assert "14 quai du Cabestan" in page.text
        assert f"<bdi>Régie {manager['last_name']}</bdi>, <a" in page.text
        assert 'href="tel:+33639980055"' in page.text
    assert person["last_name"] in sheet.text
    assert "10\u00a0h\u201313\u00a0h" in week.text


@pytest.mark.parametrize(
    ("starts", "ends", "said"),
    [
        ("2026-10-24T23:00:00+02:00", "2026-10-25T03:30:00+01:00", "5\u00a0h\u00a030"),
        ("2027-03-27T23:00:00+01:00", "2027-03-28T03:30:00+02:00", "3\u00a0h\u00a030"),
    ],
)
async def test_a_strike_over_the_change_of_clocks_says_how_long_it_really_is(
    owner: Browser, home: str, stage: Stage, starts: str, ends: str, said: str
) -> None:
    production = await stage.production()
    call = await stage.create(
        "/calls", production_id=production["id"], kind="strike", title="Démontage", starts_at=starts, ends_at=ends
    )

    page = await owner.get(f"{home}/calls/{call['id']}")
    sheet = await owner.get(f"{home}/calls/{call['id']}/sheet", headers={"HX-Request": "true"})

    for text in (page.text, sheet.text):
        assert "23\u00a0h\u20133\u00a0h\u00a030" in text
        assert f"({said})" in text


@pytest.mark.parametrize("now", [datetime(2026, 11, 22, 12, tzinfo=PARIS), datetime(2026, 7, 1, 12, tzinfo=PARIS)])
async def test_a_clock_of_the_server_in_either_season_shows_the_same_hours(
    owner: Browser, home: str, stage: Stage, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    production = await stage.production()
    days = (datetime(2026, 10, 24, 17, 30, tzinfo=PARIS), datetime(2027, 3, 28, 17, 30, tzinfo=PARIS))
    for starts in days:
        await stage.call(production, starts)
    for module in ("identity.access", "web.sessions"):
        monkeypatch.setattr(f"backend.{module}.utc_now", lambda: now)

    for starts in days:
        page = await owner.get(home, params={"from": str(starts.date())})
        assert page.status_code == 200
        assert "17\u00a0h\u00a030\u201320\u00a0h\u00a030" in page.text


async def test_a_call_sheet_names_who_is_sure_and_marks_who_is_not(
    owner: Browser, home: str, stage: Stage, company: SignedUpCompany
) -> None:
    production = await stage.production()
    call, late = await stage.call(production), await stage.call(production, SOON + timedelta(hours=6), title="Raccord")
    sure, asked, drafted = [await stage.person(name) for name in ("Sûre", "Optionnée", "Brouillonne")]
    await stage.patch(f"/people/{sure['id']}", {"phone": "+33 6 39 98 00 77"})
    await stage.confirmed(call, sure)
    offered = await stage.assignment(call, asked)
    await stage.act(offered, "offer", expires_at="2031-03-01T12:00:00+01:00")
    await stage.assignment(call, drafted)
    await stage.patch("/company", {"contact_name": "Odile Bureau", "contact_phone": "+33 6 39 98 00 99"})

    sheet = (await owner.get(f"{home}/print/day", params={"day": WEEK})).text

    head = sheet.partition("<thead>")[2].partition("</thead>")[0]
    assert "<b>brouillon, non publié</b>" in head
    assert f"{sure['first_name']} {sure['last_name']}<" in sheet
    assert f"{asked['first_name']} {asked['last_name']} (option)" in sheet
    assert "Brouillonne" not in sheet
    assert "1 personne en brouillon, non nommée" in sheet
    assert 'href="tel:+33639980077"' in sheet
    assert "Odile Bureau" in sheet
    assert '<svg viewBox="0 0 ' in sheet
    await stage.post(f"/calls/{call['id']}/publish", **{"If-Match": "*"})
    sheet = (await owner.get(f"{home}/print/day", params={"day": WEEK})).text
    head = sheet.partition("<thead>")[2].partition("</thead>")[0]
    assert "v1, 1 convocation non publiée" in head
    assert sheet.count("brouillon, non publié") == 1
    await stage.patch(f"/calls/{call['id']}", {"title": "Répétition changée"})
    await stage.patch(f"/calls/{late['id']}", {"status": "cancelled"})
    sheet = (await owner.get(f"{home}/print/day", params={"day": WEEK})).text
    assert "modifié depuis sa publication" in sheet
    assert "Raccord" not in sheet


async def test_who_may_not_read_the_directory_prints_no_number(
    app: FastAPI, home: str, stage: Stage, client: AsyncClient, company: SignedUpCompany
) -> None:
    person = await stage.person("Discrète")
    await stage.patch(f"/people/{person['id']}", {"phone": "+33 6 39 98 00 77"})
    await stage.confirmed(await stage.call(await stage.production()), person)
    viewer = await member(client, company, "viewer")
    async with open_browser(app) as reader:
        reader.cookies.set("__Host-filage", viewer["Authorization"].removeprefix("Bearer "), domain="filage.test")
        sheet = await reader.get(f"{home}/print/day", params={"day": WEEK})

    assert sheet.status_code == 200
    assert "Discrète" in sheet.text
    assert "98 00 77" not in sheet.text


def test_a_square_code_holds_its_address_and_no_markup_of_it() -> None:
    drawn = square_code('https://filage.test/c/x"><script>alert(1)</script>')

    assert drawn.startswith("<svg ")
    assert "script" not in drawn
    assert "style=" not in drawn
    assert drawn != square_code("https://filage.test/c/y")


async def test_the_minutes_beside_the_day_stretch_a_call(owner: Browser, home: str, stage: Stage) -> None:
    call = await stage.call(await stage.production())
    page = await owner.get(home, params={"from": WEEK, "view": "day"})
    path = f"{home}/calls/{call['id']}/stretch"

    answer = await owner.send_form(page, path, by="15", starts="2031-03-03T10:00", ends="2031-03-03T13:00")

    assert answer.status_code == 303
    assert (await stage.get(f"/calls/{call['id']}")).json()["ends_at"] == "2031-03-03T12:15:00Z"
    page = await owner.get(answer.headers["location"])
    await owner.send_form(page, path, starts="2031-03-03T09:30", ends="2031-03-03T12:00")
    found = (await stage.get(f"/calls/{call['id']}")).json()
    assert (found["starts_at"], found["ends_at"]) == ("2031-03-03T08:30:00Z", "2031-03-03T11:00:00Z")


async def test_somebody_dropped_on_an_open_position_is_a_draft_that_can_be_taken_back(
    owner: Browser, home: str, stage: Stage
) -> None:
    parts = await cast(stage)
    page = await owner.get(f"{home}/calls/{parts['call']['id']}")
    path = f"{home}/calls/{parts['call']['id']}/move"
    fields = {
        "person": parts["free"]["id"],
        "position": parts["position"]["id"],
        "name": "Libre",
        "back": f"{home}?from={WEEK}",
    }

    answer = await owner.send_form(page, path, **fields)

    board = await owner.get(answer.headers["location"])
    assert "Libre est sur cette convocation" in board.text
    (made,) = (await stage.get("/assignments", call_id=parts["call"]["id"])).json()["items"]
    assert made["status"] == "draft"
    given = await owner.send_form(page, path, **{**fields, "position": "", "assignment": made["id"], "once": "2",
                                                 "person": parts["tired"]["id"]})  # fmt: skip
    assert given.status_code == 303
    (now,) = (await stage.get("/assignments", call_id=parts["call"]["id"])).json()["items"]
    assert now["person_id"] == parts["tired"]["id"]
    board = await owner.get(given.headers["location"])
    await owner.send_form(board, f"{home}/assignments/{now['id']}/delete")
    assert (await stage.get("/assignments", call_id=parts["call"]["id"])).json()["items"] == []


async def test_the_marks_of_a_drag_say_whom_a_position_would_suit(owner: Browser, home: str, stage: Stage) -> None:
    parts = await cast(stage)
    page = await owner.get(f"{home}/calls/{parts['call']['id']}")
    csrf = hidden_fields(page.text, chooser(home, parts))

    answer = await owner.post(chooser(home, parts).replace("candidates", "marks"), data=csrf)

    assert answer.json() == {parts["free"]["id"]: 0, parts["tired"]["id"]: 1, parts["booked"]["id"]: 2}


async def test_the_page_of_a_refused_act_shows_what_stands_not_what_was_tried(
    owner: Browser, home: str, stage: Stage
) -> None:
    parts = await cast(stage)
    draft = await stage.assignment(parts["call"], parts["booked"])
    page = await owner.get(f"{home}/calls/{parts['call']['id']}")

    refused = await owner.send_form(page, f"{home}/assignments/{draft['id']}/confirm")

    assert refused.status_code == 409
    assert "en même temps" in refused.text
    line = refused.text.partition(f'id="a-{draft["id"]}"')[2].partition("</li>")[0]
    assert "brouillon" in line
    assert (await stage.read(draft))["status"] == "draft"


async def test_a_page_that_only_forms_lead_to_leads_back_to_its_call(owner: Browser, home: str, stage: Stage) -> None:
    parts = await cast(stage)

    answer = await owner.get(chooser(home, parts))

    assert answer.status_code == 303
    assert answer.headers["location"] == f"{home}/calls/{parts['call']['id']}#p-{parts['position']['id']}"
    assert (await owner.get(f"{home}/cure")).headers["location"] == home
