"""What a board says of who has answered, who is contested, what is a draft: in words, figures and states."""

import re
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient

from backend.planning.models import CallStatus
from backend.web.board_view import Builder, coverage
from backend.web.speaking import Words
from tests.helpers import SignedUpCompany
from tests.planning.stage import SOON, Stage
from tests.web.conftest import Browser, hidden_fields

WEEK = "2031-03-03"
UNTIL = "2031-03-01T18:00:00+01:00"


@pytest.fixture
def stage(client: AsyncClient, company: SignedUpCompany) -> Stage:
    return Stage(client, company)


@pytest.fixture
def home(company: SignedUpCompany) -> str:
    return f"/c/{company.slug}"


async def offered(stage: Stage, call: dict[str, Any], first_name: str, **fields: Any) -> dict[str, Any]:
    """Somebody with an option on a call."""
    person = await stage.person(first_name)
    made = await stage.assignment(call, person, **fields)
    assert (await stage.act(made, "offer", expires_at=UNTIL)).status_code == 200
    return made | {"name": f"{first_name} {person['last_name']}"}


async def answered(stage: Stage, call: dict[str, Any], first_name: str, answer: str = "accept") -> dict[str, Any]:
    """Somebody who has answered an option, as the company noted it."""
    made = await offered(stage, call, first_name)
    told = await stage.post("/assignments/bulk", {"action": answer, "ids": [made["id"]], "on_behalf": "phone"})
    assert told.json()["failed"] == [], told.text
    return made


async def a_call(stage: Stage, headcount: int = 2, **fields: Any) -> dict[str, Any]:
    """A call that needs actors."""
    call = await stage.call(await stage.production(), **fields)
    await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=headcount)
    return call


def chip_of(text: str, call: dict[str, Any], *, open_row: bool = False) -> str:
    table = text.partition("<table")[2].partition("</table>")[0]
    found = re.findall(rf'<a class="chip [^>]*data-call="{call["id"]}".*?</a>', table, re.DOTALL)
    return str(found[0 if open_row else -1])


async def sheet(browser: Browser, home: str, call: dict[str, Any]) -> Any:
    back = f"{home}?view=week&by=venue&from={WEEK}"
    return await browser.get(f"{home}/calls/{call['id']}/sheet", params={"back": back}, headers={"HX-Request": "true"})


async def test_somebody_who_said_yes_is_seen_led_to_and_confirmed(owner: Browser, home: str, stage: Stage) -> None:
    call = await a_call(stage)
    people = [await answered(stage, call, name) for name in ("Ada", "Zoé")]

    board = await owner.get(home, params={"from": WEEK, "by": "person"})
    assert 'class="chip accepted unpublished"' in chip_of(board.text, call)
    assert "2 réponses à confirmer" in board.text
    assert f"{home}/calls/{call['id']}?back=" in board.text.partition("2 réponses à confirmer")[2]
    assert "acceptée, à confirmer" in chip_of(board.text, call)
    assert "icons.svg" in board.text
    assert "c'est à vous" in board.text.replace("&#39;", "'"), "the legend names the state"
    whole = chip_of((await owner.get(home, params={"from": WEEK})).text, call)
    assert 'class="chip accepted' in whole
    assert "#hand" in whole

    beside = await sheet(owner, home, call)
    assert all(f"Confirmer {one['name']}" in beside.text for one in people)
    done = await owner.send_form(beside, f"{home}/calls/{call['id']}/answers")
    assert done.status_code == 303, done.text
    after = await owner.get(done.headers["location"])
    assert "Réponses confirmées : 2." in after.text
    assert "réponses à confirmer" not in after.text.partition("<main")[2].partition("legend")[0]
    assert {(await stage.read(one))["status"] for one in people} == {"confirmed"}


async def test_one_who_cannot_be_confirmed_stops_all_and_is_named(owner: Browser, home: str, stage: Stage) -> None:
    call = await a_call(stage)
    people = [await answered(stage, call, name) for name in ("Ada", "Zoé")]
    taken = await stage.call(await stage.production("Autre"), SOON + timedelta(hours=1), title="Italienne")
    other = await stage.assignment(taken, {"id": people[0]["person_id"]})
    assert (await stage.act(other, "confirm", override_reason="x")).status_code == 200
    page = await owner.get(f"{home}/calls/{call['id']}")

    refused = await owner.send_form(page, f"{home}/calls/{call['id']}/answers")

    assert refused.status_code == 409
    assert people[0]["name"] in refused.text
    assert "Italienne" in refused.text
    assert {(await stage.read(one))["status"] for one in people} == {"accepted"}


async def test_a_call_shows_the_same_figure_everywhere_and_who_is_beyond_it(
    owner: Browser, home: str, stage: Stage
) -> None:
    call = await a_call(stage)
    await offered(stage, call, "Ada")
    beyond = await stage.person("Régis", job="regisseur_general")
    made = await stage.assignment(call, beyond, job="regisseur_general")
    assert (await stage.act(made, "confirm", override_reason="x")).status_code == 200

    board = await owner.get(home, params={"from": WEEK})
    for open_row in (True, False):
        chip = chip_of(board.text, call, open_row=open_row)
        assert "0/2" in chip
        assert "1/2" not in chip
    assert "1 hors poste" in chip_of(board.text, call)
    page, beside = await owner.get(f"{home}/calls/{call['id']}"), await sheet(owner, home, call)
    for text in (page.text, beside.text):
        assert "0/2" in text
        assert "1/2" not in text
    assert "+1 hors poste" in beside.text


async def test_who_said_no_leaves_an_open_place_and_it_is_said_there(owner: Browser, home: str, stage: Stage) -> None:
    call = await a_call(stage, headcount=1)
    gone = await answered(stage, call, "Ada", "decline")

    board = await owner.get(home, params={"from": WEEK})
    assert "1 refus : la place est à pourvoir" in chip_of(board.text, call, open_row=True)
    for text in ((await owner.get(f"{home}/calls/{call['id']}")).text, (await sheet(owner, home, call)).text):
        assert f"{gone['name']} : a décliné, la place est à pourvoir." in text


def _planning(**assignment: Any) -> dict[str, Any]:
    call = {
        "id": "c", "version": 1, "title": "Filage", "kind": "rehearsal", "venue_id": None, "production_id": "p",
        "status": CallStatus.PUBLISHED, "starts_at": SOON.isoformat(), "ends_at": SOON.isoformat(),
        "to_fill": 0, "colour": "green",
    }  # fmt: skip
    on_it = {
        "id": "a", "call_id": "c", "position_id": "w", "person_id": "x", "job": "comedien", "status": "confirmed",
        "contested": False, "version": 1, **assignment,
    }  # fmt: skip
    return {
        "calls": [call], "productions": [], "venues": [], "people": [{"id": "x", "name": "Ada"}], "findings": [],
        "positions": [{"id": "w", "call_id": "c", "job": "comedien", "headcount": 1, "version": 1}],
        "assignments": [on_it],
    }  # fmt: skip


def test_what_is_contested_is_a_warning_and_not_sure() -> None:
    for contested, state, figure in ((False, "full", "1/1"), (True, "contested", "0/1")):
        planning = _planning(contested=contested)
        builder = Builder(planning, {}, Words("fr"), "Europe/Paris")
        whole, own = builder.whole(planning["calls"][0]), builder.of_person(planning["assignments"][0])
        assert (whole.state, whole.figure, own.state) == (state, figure, state)
    assert "pas sûre" in own.said
    assert own.icon == "circle-help"


@pytest.mark.parametrize(
    ("status", "state"),
    [("draft", "part"), ("option", "option"), ("accepted", "accepted"), ("confirmed", "full")],
)
def test_the_part_of_a_department_stands_as_the_whole_call_would(status: str, state: str) -> None:
    planning = _planning(status=status)
    assert coverage(planning["positions"], planning["assignments"]) == state


async def test_what_was_changed_since_its_publication_looks_so(owner: Browser, home: str, stage: Stage) -> None:
    call = await a_call(stage, headcount=1)
    assert (await stage.client.post(
        f"/api/v1/calls/{call['id']}/publish", headers=stage.company.headers | {"If-Match": "*"}
    )).status_code == 200  # fmt: skip
    assert "unpublished" not in chip_of((await owner.get(home, params={"from": WEEK})).text, call)

    await stage.patch(f"/calls/{call['id']}", {"title": "Autrement"})

    chip = chip_of((await owner.get(home, params={"from": WEEK})).text, call)
    assert "modifiée depuis sa publication" in chip
    assert "#pencil" in chip
    assert "unpublished" in chip


async def test_an_option_on_a_draft_says_that_nobody_is_told_and_a_draft_what_comes_next(
    owner: Browser, home: str, stage: Stage
) -> None:
    call = await a_call(stage)
    path = f"{home}/calls/{call['id']}/assignments"
    page = await owner.get(f"{home}/calls/{call['id']}")
    assert "Personne n'est prévenu avant la publication" in page.text
    assert "Personne n'est prévenu avant la publication" in (await sheet(owner, home, call)).text
    position = (await stage.get(f"/calls/{call['id']}/positions")).json()["items"][0]
    chooser = f"{home}/calls/{call['id']}/positions/{position['id']}/candidates"
    person = await stage.person("Ada")
    other = await stage.person("Zoé")
    chosen = await owner.send_form(page, chooser)
    fields = {"position_id": position["id"], "job": "comedien", "expires_at": "2031-03-01T18:00"}

    drafted = await owner.send_form(chosen, path, **fields, what="draft", person_id=person["id"])
    shown = await owner.get(drafted.headers["location"])
    assert "rien ne lui est dit" in shown.text
    assert "Proposer ou confirmer" in shown.text
    (made,) = (await stage.get("/assignments", call_id=call["id"])).json()["items"]
    undo = hidden_fields(shown.text, f"{home}/assignments/{made['id']}/delete")
    assert undo["version"] == "1"

    offer = await owner.send_form(chosen, path, **fields, what="offer", person_id=other["id"], once="another")
    told = await owner.get(offer.headers["location"])
    assert "qui ne le saura qu&#39;à la publication" in told.text


async def test_a_refused_drop_names_all_whom_a_call_holds_once(owner: Browser, home: str, stage: Stage) -> None:
    production = await stage.production()
    call, other = await stage.call(production), await stage.call(production, SOON + timedelta(days=1), title="Ailleurs")
    people = [await stage.person(f"Prénom{number}") for number in range(7)]
    for person in people:
        await stage.confirmed(call, person)
        await stage.confirmed(other, person)
    page = await owner.get(home, params={"from": WEEK})
    fields = hidden_fields(page.text, f"{home}/cure") | {"version": "*", "day": "2031-03-04", "back": home}
    fields["version"] = str((await stage.get(f"/calls/{call['id']}")).json()["version"])

    answer = await owner.post(
        f"{home}/calls/{call['id']}/move", data=fields, headers={"Origin": "https://filage.test", "HX-Request": "true"}
    )

    assert answer.status_code == 409
    assert answer.text.count(f'href="{home}/calls/{other["id"]}"') == 1
    assert "et 2 autres" in answer.text
    assert sum(one["last_name"] in answer.text for one in people) == 5
    assert "04/03/2031" not in answer.text
    assert "mar. 4 mars" in answer.text


async def test_publishing_says_who_is_reached_and_then_how_many_were_told(
    owner: Browser, home: str, stage: Stage
) -> None:
    call = await stage.call(await stage.production())
    mailed = await stage.create(
        "/people", first_name="Ada", last_name="Lettre", job="comedien", email="ada@example.org"
    )
    for person in (mailed, await stage.person("Zoé")):
        await stage.confirmed(call, person)

    page = await owner.get(f"{home}/publish", params={"from": WEEK})
    assert "2 personnes sont concernées" in page.text
    assert "1 personne sans compte" in page.text
    assert "1 personne n'a ni compte ni adresse" in page.text
    done = await owner.send_form(page, f"{home}/publish")

    shown = await owner.get(done.headers["location"])
    assert "Convocations publiées : 1. Personnes prévenues : 1." in shown.text
    assert "C&#39;est enregistré." not in shown.text


async def test_the_law_is_told_in_words_of_the_page_and_a_granted_derogation_as_granted(
    owner: Browser, home: str, stage: Stage
) -> None:
    production, person = await stage.production(), await stage.person()
    late = await stage.call(production, SOON.replace(hour=20), hours=4)
    await stage.confirmed(late, person)
    early = await stage.call(production, SOON.replace(hour=8) + timedelta(days=1))
    made = await stage.assignment(early, person)
    page = await owner.get(f"{home}/calls/{early['id']}")
    path = f"{home}/assignments/{made['id']}/confirm"

    refused = await owner.send_form(page, path)
    assert refused.status_code == 409
    assert "findings" not in refused.text.partition("<main")[2].replace('class="findings"', "")
    assert "« grounds »" not in refused.text.replace("\u00a0", " ")
    assert "Dérogation requise" in refused.text
    given = {"ground-WT-REST-11": "agreement", "document-WT-REST-11": "Accord du 3 mars"}
    assert (await owner.send_form(refused, path, **given)).status_code == 303

    panel = (await owner.get(home, params={"from": WEEK})).text.partition('<aside class="panel"')[2]
    assert "Dérogation accordée" in panel
    assert "Accord du 3 mars" in panel
    assert "Rien à signaler" not in panel
