"""The counter of one person over two companies and by hand: what counts, what does not, and who reads it."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import update

import backend.demo
from backend.identity.access import Caller
from backend.portal import hours
from backend.portal.schemas import MyHours
from backend.tenancy.models import Company
from backend.tenancy.session import Database
from tests.counting import statements
from tests.helpers import SignedUpCompany, accept, create, member, problem, unique
from tests.portal.conftest import House, act, assign, call
from tests.portal.test_two_companies import MORNING, Mails, as_person, confirmed, link_both, mails

__all__ = ["mails"]

SEASON = Path(backend.demo.__file__).parent / "season" / "compagnie-de-la-rampe"
CASE = Path(__file__).parents[1] / "hours" / "cases" / "07-season-of-an-actor-by-month.json"
REFERENCE = "2027-06-30"
HOURS = 60


@pytest.fixture(autouse=True)
def in_november(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counter is read on 22 November 2026: what counts as past must not depend on the day of the test."""
    counted = hours.my_hours

    async def then(
        database: Database, caller: Caller, asked: date | None, used_until: date | None, language: str, _now: datetime
    ) -> MyHours:  # fmt: skip
        return await counted(database, caller, asked, used_until, language, datetime(2026, 11, 22, 12, tzinfo=UTC))

    monkeypatch.setattr(hours, "my_hours", then)


async def counter(client: AsyncClient, headers: Mapping[str, str], reference: str = REFERENCE) -> dict[str, Any]:
    answer = await client.get(f"/api/v1/me/hours?reference_date={reference}", headers=dict(headers))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def linked(client: AsyncClient, house: House) -> dict[str, str]:
    """Give the person of one house an account; return its headers, with no company in them."""
    login = await accept(client, house.company, house.person["email"], "intermittent", house.person["id"])
    return as_person(login)


async def test_both_companies_and_entries_by_hand_add_up(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    me = as_person(login)
    await confirmed(client, house, MORNING)
    await confirmed(client, other_house, ("2027-02-01T09:00:00+01:00", "2027-02-01T14:30:00+01:00"))
    await create(
        client, me, "/me/hours/entries", employer="Ailleurs", kind="annexe_8", minutes=8 * HOURS,
        starts_on="2026-10-05", ends_on="2026-10-05",
    )  # fmt: skip
    found = await counter(client, me)
    assert found["declared"]["total_minutes"] == 8 * HOURS
    assert found["with_planned"]["total_minutes"] == (8 + 3) * HOURS + 330
    assert found["with_planned"]["missing_minutes"] == 507 * HOURS - 11 * HOURS - 330
    assert found["with_planned"]["governing_annexe"] == "annexe_8"
    blocks = [(b["status"], b["starts_on"], b["minutes"], b["leaves_from"]) for b in found["blocks"]]
    assert blocks == [
        ("declared", "2026-10-05", 480, "2027-10-05"),
        ("planned", "2027-01-26", 180, "2028-01-26"),
        ("planned", "2027-02-01", 330, "2028-02-01"),
    ]
    assert found["notice"] == "Estimation : seule la notification de France Travail fait foi."
    assert found["declared"]["steps"][-1]["code"] == "total"
    assert found["unavailable"] == []


async def test_the_answer_is_in_the_language_asked_for(client: AsyncClient, house: House) -> None:
    found = await counter(client, {**await linked(client, house), "Accept-Language": "en"})
    assert found["notice"] == "Estimate: only the notification of France Travail is authoritative."
    assert all(step["text"].isascii() for step in found["declared"]["steps"])


async def test_what_was_done_counts_as_declared_only_once_it_is(client: AsyncClient, house: House) -> None:
    me = await linked(client, house)
    await confirmed(client, house, ("2026-11-16T09:00:00+01:00", "2026-11-16T13:00:00+01:00"))
    found = await counter(client, me)
    assert [(b["status"], b["minutes"]) for b in found["blocks"]] == [("worked", 240)]
    assert (found["declared"]["total_minutes"], found["with_planned"]["total_minutes"]) == (0, 240)
    await create(
        client, me, "/me/hours/entries", company_id=house.company.id, kind="annexe_8", minutes=4 * HOURS,
        starts_on="2026-11-16", ends_on="2026-11-16",
    )  # fmt: skip
    found = await counter(client, me)
    assert [(b["status"], b["minutes"], b["employer"]) for b in found["blocks"]] == [
        ("declared", 240, house.company.name)
    ], "the certificate replaces what the company had planned on these days"
    assert (found["declared"]["total_minutes"], found["with_planned"]["total_minutes"]) == (240, 240)


async def test_drafts_cancelled_and_unpublished_calls_do_not_count_and_options_are_told_apart(
    client: AsyncClient, house: House
) -> None:
    me = await linked(client, house)
    draft = await call(client, house, "2027-02-01T09:00:00+01:00", "2027-02-01T10:00:00+01:00")
    await assign(client, house, draft["id"])
    hidden = await call(client, house, "2027-02-02T09:00:00+01:00", "2027-02-02T10:00:00+01:00", publish=False)
    await act(client, house, await assign(client, house, hidden["id"]), "confirm")
    offered = await call(client, house, "2027-02-03T09:00:00+01:00", "2027-02-03T10:00:00+01:00")
    option = await assign(client, house, offered["id"])
    answer = await act(client, house, option, "offer", expires_at="2027-01-20T10:00:00+01:00")
    assert answer.status_code == 200, answer.text
    gone = await confirmed(client, house, ("2027-02-04T09:00:00+01:00", "2027-02-04T10:00:00+01:00"))
    assert (await act(client, house, gone, "cancel", reason="Salle fermée")).status_code == 200
    found = await counter(client, me)
    assert (found["blocks"], found["undecided"]) == ([], 1)


async def test_unpaid_breaks_are_not_hours(client: AsyncClient, house: House) -> None:
    me = await linked(client, house)
    made = await create(
        client, house.headers, "/calls", production_id=house.production["id"], venue_id=house.venue["id"],
        kind="setup", title="Montage", starts_at="2027-02-01T09:00:00+01:00", ends_at="2027-02-01T18:00:00+01:00",
        breaks=[
            {"starts_at": "2027-02-01T12:00:00+01:00", "ends_at": "2027-02-01T13:00:00+01:00", "paid": False},
            {"starts_at": "2027-02-01T16:00:00+01:00", "ends_at": "2027-02-01T16:20:00+01:00", "paid": True},
        ],
        unplaced_break_minutes=15,
    )  # fmt: skip
    assert (await client.post(f"/api/v1/calls/{made['id']}/publish", headers=house.headers)).status_code == 200
    await act(client, house, await assign(client, house, made["id"]), "confirm")
    assert (await counter(client, me))["with_planned"]["total_minutes"] == 9 * HOURS - 60 - 15


async def test_permanent_staff_gather_no_hours(client: AsyncClient, house: House) -> None:
    me = await linked(client, house)
    await confirmed(client, house, MORNING)
    path = f"/api/v1/people/{house.person['id']}"
    changed = await client.patch(path, json={"annexe": "cdi"}, headers={**house.headers, "If-Match": "*"})
    assert changed.status_code == 200, changed.text
    assert (await counter(client, me))["blocks"] == []


async def test_contested_bookings_count_nowhere_until_the_person_has_chosen(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    await confirmed(client, house, MORNING)
    await confirmed(client, other_house, MORNING)
    login, second = await link_both(client, house, other_house, mails)
    assert second["contested"] == 1
    found = await counter(client, as_person(login))
    assert (len(found["blocks"]), found["undecided"]) == (1, 1)


async def test_the_age_that_a_company_knows_raises_the_teaching_limit(client: AsyncClient, house: House) -> None:
    me = await linked(client, house)
    await create(
        client, me, "/me/hours/entries", employer="Conservatoire", kind="teaching", minutes=100 * HOURS,
        starts_on="2026-09-01", ends_on="2026-10-31",
    )  # fmt: skip
    assert (await counter(client, me))["declared"]["teaching_minutes"] == 70 * HOURS
    path = f"/api/v1/people/{house.person['id']}"
    await client.patch(path, json={"birth_date": "1974-04-12"}, headers={**house.headers, "If-Match": "*"})
    assert (await counter(client, me))["declared"]["teaching_minutes"] == 100 * HOURS


async def test_a_company_whose_schema_is_late_is_left_out_and_named(
    client: AsyncClient, app: FastAPI, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    await confirmed(client, house, MORNING)
    async with app.state.database.shared() as session:
        await session.execute(update(Company).where(Company.slug == other_house.company.slug).values(revision=None))
    found = await counter(client, as_person(login))
    assert [each["slug"] for each in found["unavailable"]] == [other_house.company.slug]
    assert found["with_planned"]["total_minutes"] == 3 * HOURS


async def test_the_number_of_statements_does_not_grow_with_the_season(client: AsyncClient, house: House) -> None:
    me = await linked(client, house)
    counts = []
    for day in (1, 2, 3):
        await confirmed(client, house, (f"2027-02-0{day}T09:00:00+01:00", f"2027-02-0{day}T12:00:00+01:00"))
        with statements() as sent:
            found = await counter(client, me)
        counts.append(len(sent))
        assert len(found["blocks"]) == day
    assert len(set(counts)) == 1


async def test_no_company_reads_the_counter_of_its_people(client: AsyncClient, house: House) -> None:
    """The owner reads their own counter, which is empty."""
    me = await linked(client, house)
    await confirmed(client, house, MORNING)
    assert len((await counter(client, me))["blocks"]) == 1
    for headers in (house.headers, await member(client, house.company, "payroll")):
        assert (await counter(client, headers))["blocks"] == []
    problem(await client.get("/api/v1/me/hours"), 401, "login_required")


@pytest.mark.parametrize(
    "query",
    [
        "reference_date=1900-01-01", "reference_date=2100-01-01", "reference_date=0001-01-01",
        "reference_date=9999-12-31", "reference_date=2017-07-31", "reference_date=2026-02-30", "reference_date=hier",
        "reference_date=", "reference_date=2026-10-31&used_until=2026-10-31", "used_until=2100-01-01",
    ],
)  # fmt: skip
async def test_a_date_without_values_is_refused_in_a_sentence(
    client: AsyncClient, company: SignedUpCompany, query: str
) -> None:
    found = problem(await client.get(f"/api/v1/me/hours?{query}", headers=company.headers), 422)
    assert found["errors"][0]["loc"][0] == "query"


@pytest.mark.parametrize("reference", ["2017-08-01", "2020-02-29", "2028-02-29", "2029-12-31"])
async def test_the_first_the_last_and_the_leap_days_are_answered(
    client: AsyncClient, company: SignedUpCompany, reference: str
) -> None:
    found = await counter(client, company.headers, reference)
    assert found["window"]["last_day"] == reference


async def test_the_demo_season_of_an_actor_is_counted_as_the_worked_case(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    files = [("files", (path.name, path.read_bytes(), "text/csv")) for path in sorted(SEASON.glob("*.csv"))]
    files = [(part, (name, content.replace(b"@example.org", f"@{company.slug}.example.org".encode()), kind))
             for part, (name, content, kind) in files]  # fmt: skip
    loaded = await client.post("/api/v1/imports/season", files=files, headers=company.headers)
    assert loaded.status_code == 200, loaded.text
    people = (await client.get("/api/v1/people?limit=200", headers=company.headers)).json()["items"]
    (person,) = [each for each in people if each["ref"] == "C05"]
    login = await accept(client, company, f"{unique('c05')}@example.org", "intermittent", person["id"])
    found = await counter(client, as_person(login), "2027-08-31")
    expected = json.loads(CASE.read_text(encoding="utf-8"))["expected"]["months"]
    counted = {month["month"]: month["counted_minutes"] for month in found["with_planned"]["months"]}
    assert counted == {name: _minutes(text) for name, text in expected.items()}
    assert found["with_planned"]["total_minutes"] == 660 * HOURS + 30
    assert found["declared"]["total_minutes"] == 0


def _minutes(text: str) -> int:
    hours, _, rest = text.partition(" h")
    return int(hours) * HOURS + int(rest or 0)
