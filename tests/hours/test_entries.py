"""Hours by hand: they can be kept, changed and deleted by their person alone, and every refusal is a sentence."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from backend.core.clock import utc_now
from backend.hours.models import HoursEntry
from backend.tenancy.directory import company_columns
from backend.tenancy.models import Company, CompanyInfo
from tests.helpers import PASSWORD, SignedUpCompany, member, problem, unique

SOON = (utc_now().date() + timedelta(days=20)).isoformat()
PATH = "/api/v1/me/hours/entries"
OCTOBER = {"employer": "Théâtre de la Cité", "kind": "annexe_10", "starts_on": "2026-10-05", "ends_on": "2026-10-09"}


async def account(client: AsyncClient) -> dict[str, str]:
    """Return the headers of somebody who belongs to no company."""
    email = f"{unique('artiste')}@example.org"
    body = {"email": email, "password": PASSWORD, "full_name": "Ariane Mnouche"}
    assert (await client.post("/api/v1/auth/register", json=body)).status_code == 201
    login = await client.post("/api/v1/auth/login", data={"username": email, "password": PASSWORD})
    return {"Authorization": f"Bearer {login.json()['access_token']}"}


@pytest.fixture
async def mine(client: AsyncClient) -> dict[str, str]:
    return await account(client)


async def add(client: AsyncClient, headers: dict[str, str], **fields: Any) -> dict[str, Any]:
    answer = await client.post(PATH, json={**OCTOBER, "cachets": 4, **fields}, headers=headers)
    assert answer.status_code == 201, answer.text
    added: dict[str, Any] = answer.json()
    return added


async def refused(client: AsyncClient, headers: dict[str, str], **fields: Any) -> dict[str, Any]:
    return problem(await client.post(PATH, json={**OCTOBER, "cachets": 4, **fields}, headers=headers), 422)


async def test_an_entry_is_kept_read_changed_and_deleted(client: AsyncClient, mine: dict[str, str]) -> None:
    made = await client.post(PATH, json={**OCTOBER, "cachets": 4}, headers=mine)
    entry = made.json()
    assert (made.headers["ETag"], made.headers["Location"]) == ('"1"', f"{PATH}/{entry['id']}")
    assert (entry["minutes"], entry["status"], entry["company_id"]) == (0, "declared", None)
    one = f"{PATH}/{entry['id']}"
    assert (await client.get(one, headers=mine)).json() == entry
    changed = await client.patch(one, json={"cachets": 5}, headers={**mine, "If-Match": '"1"'})
    assert (changed.json(), changed.headers["ETag"]) == ({**entry, "cachets": 5, "version": 2}, '"2"')
    problem(await client.patch(one, json={"cachets": 6}, headers={**mine, "If-Match": '"1"'}), 412, "stale_etag")
    problem(await client.patch(one, json={"cachets": 6}, headers=mine), 428, "precondition_required")
    problem(await client.delete(one, headers={**mine, "If-Match": '"1"'}), 412, "stale_etag")
    assert (await client.delete(one, headers={**mine, "If-Match": '"2"'})).status_code == 204
    problem(await client.get(one, headers=mine), 404, "not_found")


async def test_a_change_of_nothing_keeps_the_version(client: AsyncClient, mine: dict[str, str]) -> None:
    one = f"{PATH}/{(await add(client, mine))['id']}"
    same = await client.patch(one, json={"cachets": 4}, headers={**mine, "If-Match": "*"})
    assert same.json()["version"] == 1
    problem(await client.patch(one, json={}, headers={**mine, "If-Match": "*"}), 422)


async def test_the_list_has_the_newest_days_first_and_pages(client: AsyncClient, mine: dict[str, str]) -> None:
    for day in (1, 3, 2):
        await add(client, mine, starts_on=f"2026-09-0{day}", ends_on=f"2026-09-0{day}", cachets=1)
    first = (await client.get(f"{PATH}?limit=2", headers=mine)).json()
    second = (await client.get(f"{PATH}?limit=2&cursor={first['next_cursor']}", headers=mine)).json()
    days = [item["starts_on"][-1] for item in (*first["items"], *second["items"])]
    assert (days, second["next_cursor"]) == (["3", "2", "1"], None)


async def test_a_repeated_request_adds_one_entry(client: AsyncClient, mine: dict[str, str]) -> None:
    headers = {**mine, "Idempotency-Key": unique("entry")}
    ids = {(await add(client, headers))["id"] for _ in range(2)}
    assert len(ids) == 1
    assert len((await client.get(PATH, headers=mine)).json()["items"]) == 1


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"starts_on": "1900-01-01", "ends_on": "1900-01-02"}, "starts_on"),
        ({"ends_on": "2100-01-01"}, "ends_on"),
        ({"starts_on": "0001-01-01"}, "starts_on"),
        ({"starts_on": "2026-10-10"}, "ends_on"),
        ({"starts_on": "2024-10-05"}, "ends_on"),
        ({"starts_on": "2026-02-30"}, "starts_on"),
        ({"starts_on": 20261005}, "starts_on"),
        ({"starts_on": SOON, "ends_on": SOON}, "status"),
        ({"minutes": 5 * 24 * 60 + 1}, "minutes"),
        ({"minutes": -1}, "minutes"),
        ({"minutes": 10**30}, "minutes"),
        ({"minutes": 90.5}, "minutes"),
        ({"cachets": 16}, "cachets"),
        ({"cachets": 0}, "minutes"),
        ({"kind": "annexe_8"}, "cachets"),
        ({"kind": "assimilated"}, "cachets"),
        ({"kind": "unknown"}, "kind"),
        ({"employer": " "}, "employer"),
        ({"employer": None}, "employer"),
        ({"employer": "a\x00b"}, "employer"),
        ({"company_id": str(uuid4())}, "company_id"),
        ({"salary": 1000}, "salary"),
    ],
)
async def test_a_wrong_entry_is_refused_in_a_sentence_at_its_field(
    client: AsyncClient, mine: dict[str, str], fields: dict[str, Any], at: str
) -> None:
    found = await refused(client, mine, **fields)
    assert at in [error["loc"][-1] for error in found["errors"]]
    assert all(error["msg"] for error in found["errors"])
    assert (await client.get(PATH, headers=mine)).json()["items"] == []


async def test_the_same_days_for_the_same_employer_are_refused(client: AsyncClient, mine: dict[str, str]) -> None:
    first = await add(client, mine)
    twice = {
        **OCTOBER,
        "employer": "THÉÂTRE  de la cité",
        "starts_on": "2026-10-09",
        "ends_on": "2026-10-12",
        "cachets": 1,
    }
    found = problem(await client.post(PATH, json=twice, headers=mine), 409, "overlap")
    assert [conflict["id"] for conflict in found["conflicts"]] == [first["id"]]
    assert "5 octobre 2026" in found["detail"]
    other = await add(client, mine, employer="Compagnie B", starts_on="2026-10-09", cachets=1)
    moved = {"employer": "Théâtre de la Cité"}
    answer = await client.patch(f"{PATH}/{other['id']}", json=moved, headers={**mine, "If-Match": "*"})
    problem(answer, 409, "overlap")
    assert (await client.get(f"{PATH}/{other['id']}", headers=mine)).json() == other


async def test_absences_exclude_one_another(client: AsyncClient, mine: dict[str, str]) -> None:
    absence = {"starts_on": "2026-06-01", "ends_on": "2026-06-30", "kind": "assimilated"}
    assert (await client.post(PATH, json=absence, headers=mine)).status_code == 201
    sick = {**absence, "kind": "sickness", "starts_on": "2026-06-30"}
    problem(await client.post(PATH, json=sick, headers=mine), 409, "overlap")


async def test_more_than_24_hours_in_a_day_are_refused_over_all_employers(
    client: AsyncClient, mine: dict[str, str]
) -> None:
    day = {"kind": "annexe_8", "starts_on": "2026-10-05", "ends_on": "2026-10-05", "cachets": 0}
    await add(client, mine, **day, minutes=14 * 60)
    over = {**OCTOBER, **day, "employer": "Compagnie B", "minutes": 10 * 60 + 1}
    found = problem(await client.post(PATH, json=over, headers=mine), 409, "day_too_long")
    assert "5 octobre 2026" in found["detail"]
    await add(client, mine, **{**over, "minutes": 10 * 60})


@pytest.mark.postgresql
async def test_two_entries_at_the_same_moment_are_judged_one_after_the_other(
    client: AsyncClient, mine: dict[str, str]
) -> None:
    answers = await asyncio.gather(*(
        client.post(PATH, json={**OCTOBER, "cachets": 1}, headers=mine) for _ in range(6)
    ))  # fmt: skip
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]


async def test_nobody_reads_changes_or_deletes_the_entries_of_somebody_else(
    client: AsyncClient, mine: dict[str, str]
) -> None:
    theirs = await account(client)
    entry = await add(client, mine)
    await add(client, theirs, employer="Ailleurs")
    one, anyhow = f"{PATH}/{entry['id']}", {**theirs, "If-Match": "*"}
    problem(await client.get(one, headers=theirs), 404, "not_found")
    problem(await client.patch(one, json={"cachets": 1}, headers=anyhow), 404, "not_found")
    problem(await client.delete(one, headers=anyhow), 404, "not_found")
    assert [item["employer"] for item in (await client.get(PATH, headers=theirs)).json()["items"]] == ["Ailleurs"]
    assert "Cité" not in (await client.get("/api/v1/me/hours?reference_date=2026-11-01", headers=theirs)).text
    assert (await client.get(one, headers=mine)).json() == entry
    problem(await client.get(PATH), 401, "login_required")


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "statement",
    [
        "select count(*) from shared.hours_entry",
        "update shared.hours_entry set cachets = 0",
        "delete from shared.hours_entry",
        "insert into shared.hours_entry (id) values (gen_random_uuid())",
    ],
)
async def test_no_company_reaches_the_entries_in_the_database(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany, mine: dict[str, str], statement: str
) -> None:
    await add(client, mine)
    async with app.state.database.shared() as session:
        assert await session.scalar(select(func.count()).select_from(HoursEntry))
        row = (await session.execute(company_columns().where(Company.id == UUID(company.id)))).one()
    with pytest.raises(DBAPIError, match="permission denied for table hours_entry"):
        async with app.state.database.company(CompanyInfo(*row)) as session:
            await session.execute(text(statement))


async def test_deleting_the_account_deletes_its_entries(
    app: FastAPI, client: AsyncClient, mine: dict[str, str]
) -> None:
    theirs = await account(client)
    entry, other = await add(client, mine), await add(client, theirs)
    gone = await client.request("DELETE", "/api/v1/users/me", json={"password": PASSWORD}, headers=mine)
    assert gone.status_code == 204
    async with app.state.database.shared(write=False) as session:
        wanted = select(HoursEntry.id).where(HoursEntry.id.in_([UUID(entry["id"]), UUID(other["id"])]))
        assert (await session.scalars(wanted)).all() == [UUID(other["id"])]


async def test_an_entry_names_only_a_company_that_has_linked_its_person(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    """A member without a person in the directory is no intermittent of it."""
    viewer = await member(client, company, "viewer")
    found = await refused(client, {"Authorization": viewer["Authorization"]}, company_id=company.id)
    assert found["errors"][0]["loc"][-1] == "company_id"
