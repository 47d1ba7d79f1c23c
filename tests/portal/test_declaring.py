"""Accepting under the maxima over all employers: the person is told and declares; a company reads the word, no data."""

from typing import Any

import pytest
from httpx import AsyncClient, Response

from backend.planning import declarations
from backend.tenancy.session import Database
from tests.counting import statements
from tests.helpers import problem
from tests.imports.acts import acting
from tests.planning.stage import SOON
from tests.portal.conftest import House, act
from tests.portal.test_findings import AFTERNOON, HOUR, MORNING, confirm, mine, planned
from tests.portal.test_two_companies import Mails, as_person, link_both, mails

__all__ = ["mails"]

DECLARED = {"declaration": True}


@pytest.fixture
def database(app: Any) -> Database:
    found: Database = app.state.database
    return found


async def offered(client: AsyncClient, house: House, day: int, hours: tuple[float, float]) -> str:
    made = await planned(client, house, day, hours)
    answer = await act(client, house, made, "offer", expires_at=(SOON - 30 * 24 * HOUR).isoformat())
    assert answer.status_code == 200, answer.text
    return made


async def accept(client: AsyncClient, login: str, option: str, body: Any = None, **headers: str) -> Response:
    path = f"/api/v1/me/assignments/{option}/accept"
    return await client.post(path, json=body, headers=as_person(login) | headers)


async def read(client: AsyncClient, house: House, assignment: str) -> dict[str, Any]:
    answer = await client.get(f"/api/v1/assignments/{assignment}", headers=house.headers)
    found: dict[str, Any] = answer.json()
    return found


async def test_an_option_beyond_the_maxima_is_accepted_by_declaring_and_the_company_reads_that_word_alone(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    await confirm(client, house, 0, MORNING)
    option = await offered(client, other_house, 0, AFTERNOON)
    for body in (None, {}, {"declaration": False}):
        refused = problem(await accept(client, login, option, body), 409, "declaration_required")
        assert [(f["rule"], f["measured_minutes"]) for f in refused["findings"]] == [("WT-DAY-10", 630)]
        assert {c["slug"] for c in refused["findings"][0]["companies"]} == {
            house.company.slug, other_house.company.slug,
        }  # fmt: skip
        assert refused["unavailable"] == []
    untouched = await read(client, other_house, option)
    assert (untouched["status"], untouched["declaration"], untouched["declared_at"]) == ("option", "none", None)
    answer = await accept(client, login, option, DECLARED)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["assignment"]["status"], told["declaration"]) == ("accepted", "with_warning")
    assert [f["rule"] for f in told["findings"]] == ["WT-DAY-10"]
    found = await read(client, other_house, option)
    assert (found["status"], found["declaration"]) == ("accepted", "with_warning")
    assert found["declared_at"] == found["decided_at"]
    confirmed = await act(client, other_house, option, "confirm")
    assert (confirmed.json()["status"], confirmed.json()["declaration"]) == ("confirmed", "with_warning")


async def test_the_company_learns_the_word_and_nothing_else_wherever_it_asks(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    """The attack: whoever reads everything of the company that was told `with_warning` finds no trace of the other."""
    login, _ = await link_both(client, house, other_house, mails)
    elsewhere = await confirm(client, house, 0, MORNING)
    option = await offered(client, other_house, 0, AFTERNOON)
    problem(await accept(client, login, option), 409, "declaration_required")
    assert (await accept(client, login, option, DECLARED)).status_code == 200
    week = {"from": "2031-03-03", "to": "2031-03-09"}
    person = other_house.person["id"]
    answers = [
        await client.get(f"/api/v1{path}", params=params, headers=other_house.headers)
        for path, params in (
            (f"/assignments/{option}", {}), ("/assignments", {}), ("/planning", week), ("/audit-events", {}),
            (f"/people/{person}", {}), (f"/people/{person}/findings", {}), ("/exports/assignments.csv", {}),
        )
    ]  # fmt: skip
    answers.append(
        await client.post("/api/v1/planning/check", json={"released": [option]}, headers=other_house.headers)
    )
    everything = "".join(answer.text for answer in answers)
    assert {answer.status_code for answer in answers} == {200}
    secrets = (elsewhere, house.company.slug, str(house.company.id), house.production["id"], house.person["id"], ":630")
    assert [secret for secret in secrets if secret in everything] == []
    (event,) = [e for e in answers[3].json()["items"] if e["what"] == "assignment.declared"]
    assert event["after"] == {"declaration": "with_warning"}
    problem(await accept(client, other_house.company.token, option), 404, "not_found")


async def test_a_date_that_takes_the_rest_of_the_week_before_is_declared_too(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    for day in range(6):
        await confirm(client, house, day, (9, 13))
    option = await offered(client, other_house, 7, (-4, 0))
    refused = problem(await accept(client, login, option), 409, "declaration_required")
    assert [(f["rule"], f["measured_minutes"]) for f in refused["findings"]] == [("WT-WREST-35", 31 * 60)]


async def test_an_option_within_the_maxima_is_accepted_with_or_without_the_declaration(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    await confirm(client, house, 0, MORNING)
    for day, body, word in ((1, None, "none"), (2, DECLARED, "compliant")):
        option = await offered(client, other_house, day, AFTERNOON)
        answer = await accept(client, login, option, body)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["declaration"], answer.json()["findings"]) == (word, [])
        found = await read(client, other_house, option)
        assert (found["status"], found["declaration"], found["declared_at"] is None) == (
            "accepted", word, word == "none",
        )  # fmt: skip


async def test_what_was_agreed_counts_and_other_options_do_not(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    first, second = await offered(client, house, 0, MORNING), await offered(client, other_house, 0, AFTERNOON)
    assert (await accept(client, login, first)).status_code == 200
    problem(await accept(client, login, second), 409, "declaration_required")
    declined = await client.post(f"/api/v1/me/assignments/{first}/decline", headers=as_person(login))
    assert declined.status_code == 200, declined.text
    assert (await accept(client, login, second)).json()["declaration"] == "none"


async def test_a_day_that_is_too_long_already_is_no_finding_of_an_option_elsewhere_in_the_week(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    await confirm(client, house, 0, MORNING)
    await confirm(client, other_house, 0, AFTERNOON)
    option = await offered(client, other_house, 2, AFTERNOON)
    assert (await accept(client, login, option)).status_code == 200
    assert {f["rule"] for f in await mine(client, login, severity="DEROG")} == {"WT-DAY-10"}


async def test_a_short_rest_between_two_companies_asks_for_the_declaration(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    await confirm(client, house, 0, (8.0, 13.0))
    option = await offered(client, other_house, 1, (-3.0, 1.0))
    refused = problem(await accept(client, login, option), 409, "declaration_required")
    assert [(f["rule"], f["severity"], f["measured_minutes"]) for f in refused["findings"]] == [
        ("WT-REST-11", "HARD", 480)
    ]
    assert "declaration" in refused["detail"]
    english = problem(await accept(client, login, option, **{"Accept-Language": "en"}), 409)
    assert "nothing else" in english["detail"]


async def test_a_declaration_goes_with_the_acceptance_and_what_is_no_declaration_is_refused(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    option = await offered(client, house, 0, MORNING)
    bodies: tuple[Any, ...] = ({"declaration": "oui"}, {"declaration": 1}, {"declaration": None}, {"je": True}, [])
    for body in bodies:
        problem(await accept(client, login, option, body), 422, "invalid")
    assert (await accept(client, login, option, DECLARED)).json()["declaration"] == "compliant"
    problem(await accept(client, login, option, DECLARED), 409, "state_conflict")
    assert (await client.post(f"/api/v1/me/assignments/{option}/decline", headers=as_person(login))).status_code == 200
    found = await read(client, house, option)
    assert (found["status"], found["declaration"], found["declared_at"]) == ("declined", "none", None)


async def test_an_acceptance_is_repeated_with_its_key_and_the_list_of_assignments_tells_it(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    await confirm(client, house, 0, MORNING)
    option = await offered(client, other_house, 0, AFTERNOON)
    key = {"Idempotency-Key": "accepte-une-fois"}
    first = await accept(client, login, option, DECLARED, **key)
    assert first.status_code == 200, first.text
    assert (await accept(client, login, option, DECLARED, **key)).json() == first.json()
    listed = (await client.get("/api/v1/assignments", headers=other_house.headers)).json()["items"]
    assert [(one["id"], one["declaration"]) for one in listed] == [(option, "with_warning")]


async def test_a_company_without_the_table_yet_takes_an_acceptance_and_keeps_a_declaration_for_later(
    client: AsyncClient, house: House, other_house: House, mails: Mails, database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    login, _ = await link_both(client, house, other_house, mails)
    await confirm(client, house, 0, MORNING)
    beyond, within = await offered(client, other_house, 0, AFTERNOON), await offered(client, other_house, 2, MORNING)
    async with acting(database, other_house.company) as one:
        monkeypatch.setattr(declarations, "BEFORE_THEM", frozenset({one.company.revision}))
    with statements() as sent:
        assert (await accept(client, login, within)).status_code == 200
        found = await read(client, other_house, within)
    assert (found["status"], found["declaration"]) == ("accepted", "none")
    assert [one for one in sent if " declaration" in one] == []
    problem(await accept(client, login, beyond, DECLARED), 503, "tenant_outdated")
    assert (await read(client, other_house, beyond))["status"] == "option"


async def test_weighing_costs_as_many_statements_for_six_dates_as_for_one(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    counts = []
    for days in ((0,), range(1, 6)):
        for day in days:
            await confirm(client, house, day, MORNING)
        option = await offered(client, other_house, max(days), AFTERNOON)
        with statements() as sent:
            assert (await accept(client, login, option, DECLARED)).status_code == 200
        counts.append(len([one for one in sent if "INSERT INTO audit_event" not in one]))
    assert counts[0] == counts[1]


async def test_an_option_inside_a_day_that_is_too_wide_already_makes_nothing_worse(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    await confirm(client, house, 0, (0.0, 2.0))
    await confirm(client, other_house, 0, (12.0, 14.0))
    option = await offered(client, other_house, 0, (6.0, 7.0))
    assert (await accept(client, login, option)).json()["declaration"] == "none"
    (found,) = await mine(client, login, severity="DEROG")
    assert (found["rule"], found["measured_minutes"]) == ("WT-REST-11", 600)
