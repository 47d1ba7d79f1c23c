"""The audit trail: every act once, only what changed, newest first, for owners and admins of this company."""

import base64
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import delete, update
from sqlalchemy.exc import ProgrammingError

from backend.audit.models import AuditEvent
from tests.counting import statements
from tests.helpers import SignedUpCompany, create, member, problem

URL = "/api/v1/audit-events"
NOTHING_ASKED: dict[str, list[str]] = {"required_skills": [], "required_permits": []}
BODIES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "job": (
        "/jobs",
        {"code": "peintre", "label": "p", "department": "stage", "annexe": "8"} | NOTHING_ASKED,
        {"label": "peintre"},
    ),
    "person": ("/people", {"first_name": "Anne", "last_name": "A", "job": "machiniste"}, {"birth_date": "1990-01-02"}),
    "venue": ("/venues", {"name": "La Fonderie", "capacity": 40}, {"capacity": 41}),
    "production": ("/productions", {"title": "Ubu", "kind": "creation"}, {"kind": "revival"}),
}


async def events(client: AsyncClient, company: SignedUpCompany, **params: str) -> list[dict[str, Any]]:
    answer = await client.get(URL, params=params, headers=company.headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


@pytest.mark.parametrize("kind", BODIES)
async def test_an_act_is_recorded_with_what_it_changed_and_no_more(
    client: AsyncClient, company: SignedUpCompany, kind: str
) -> None:
    path, body, change = BODIES[kind]
    row = await create(client, company.headers, path, **body)
    url = f"/api/v1{path}/{row['id']}"
    headers = {**company.headers, "If-Match": "*"}
    assert (await client.patch(url, json={**body, **change}, headers=headers)).status_code == 200
    assert (await client.delete(url, headers=headers)).status_code == 204
    deleted, changed, created = await events(client, company, subject_id=row["id"])
    acts = [event["what"] for event in (created, changed, deleted)]
    assert acts == [f"{kind}.created", f"{kind}.changed", f"{kind}.deleted"]
    assert created["before"] is None
    assert {name: created["after"][name] for name in body} == body
    assert changed["before"] == {name: row[name] for name in change}
    assert changed["after"] == change
    assert deleted["before"] == {**created["after"], **change}
    assert deleted["after"] is None
    assert {e["actor_name"] for e in (created, changed, deleted)} == {"Camille Renard"}
    assert created["at"].endswith("Z")
    assert "number" not in created["after"]


async def test_a_refused_act_leaves_no_event(client: AsyncClient, company: SignedUpCompany) -> None:
    await create(client, company.headers, "/venues", name="La Fonderie", ref="V1")
    before = await events(client, company)
    refused = await client.post("/api/v1/venues", json={"name": "Autre", "ref": "V1"}, headers=company.headers)
    problem(refused, 409, "duplicate")
    assert await events(client, company) == before


async def test_events_are_filtered_by_act_and_by_time(client: AsyncClient, company: SignedUpCompany) -> None:
    for name in ("Un", "Deux", "Trois"):
        await create(client, company.headers, "/venues", name=name)
    await create(client, company.headers, "/productions", title="Ubu", kind="creation")
    third, second, first = await events(client, company, what="venue.created")
    assert [e["after"]["name"] for e in (first, second, third)] == ["Un", "Deux", "Trois"]
    between = await events(client, company, **{"from": second["at"], "to": third["at"]})
    assert [event["id"] for event in between] == [second["id"]]
    assert third["id"] in [e["id"] for e in await events(client, company, **{"from": third["at"]})]
    later = (datetime.fromisoformat(third["at"]) + timedelta(days=1)).isoformat()
    assert await events(client, company, **{"from": later}) == []
    assert await events(client, company, what="venue.burnt") == []
    assert await events(client, company, subject_id=str(uuid4())) == []


@pytest.mark.parametrize(
    ("day", "begins", "ends"),
    [
        ("2026-11-16", "2026-11-15T23:00:00+00:00", "2026-11-16T23:00:00+00:00"),
        ("2027-03-28", "2027-03-27T23:00:00+00:00", "2027-03-28T22:00:00+00:00"),  # a day of 23 hours
    ],
)
async def test_a_day_is_the_companys_from_its_first_instant_to_its_last(
    client: AsyncClient, app: FastAPI, company: SignedUpCompany, day: str, begins: str, ends: str
) -> None:
    first, after = datetime.fromisoformat(begins), datetime.fromisoformat(ends)
    blink = timedelta(microseconds=1)
    info = await app.state.directory.by_slug(company.slug)
    async with app.state.database.company(info) as session:
        for at in (first - blink, first, after - blink, after):
            session.add(AuditEvent(at=at, what="venue.created", subject_id=None, actor_id=None, actor_name="Filage"))
    for params, expected in (
        ({"from": day, "to": day}, [after - blink, first]),
        ({"to": day}, [after - blink, first, first - blink]),
    ):
        found = await events(client, company, what="venue.created", **params)
        assert [datetime.fromisoformat(one["at"]) for one in found] == expected
    refused = problem(await client.get(URL, params={"from": "lundi"}, headers=company.headers), 422)
    assert refused["detail"].startswith("« from » n'est ni un jour (2026-11-16) ni un instant avec son décalage")


@pytest.mark.parametrize(
    "params",
    [
        {"from": "2026-11-16T10:00:00"}, {"to": "16/11/2026"}, {"from": "yesterday"}, {"from": "0001-01-01T00:00:00Z"},
        {"from": "2026-11-17", "to": "2026-11-16"}, {"to": "2026-02-30"},
        {"subject_id": "7"}, {"what": "a\x00"}, {"what": "x" * 201}, {"limit": "201"}, {"cursor": "x"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_wrong_filter_is_refused(client: AsyncClient, company: SignedUpCompany, params: dict[str, str]) -> None:
    problem(await client.get(URL, params=params, headers=company.headers), 422)


@pytest.mark.parametrize(
    "at", ["2026-11-16T10:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:00:00-23:00", "now", ""]
)
async def test_a_cursor_with_an_impossible_instant_is_refused(
    client: AsyncClient, company: SignedUpCompany, at: str
) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps([at, str(uuid4())]).encode()).decode()
    problem(await client.get(URL, params={"cursor": cursor}, headers=company.headers), 422)


async def test_pages_go_back_in_time_without_a_gap(client: AsyncClient, company: SignedUpCompany) -> None:
    for number in range(5):
        await create(client, company.headers, "/venues", name=f"Lieu {number}")
    seen, params = [], {"limit": "2", "what": "venue.created"}
    while True:
        answer = (await client.get(URL, params=params, headers=company.headers)).json()
        seen += [event["after"]["name"] for event in answer["items"]]
        await create(client, company.headers, "/venues", name="Plus tard")
        if answer["next_cursor"] is None:
            break
        params["cursor"] = answer["next_cursor"]
    assert seen == [f"Lieu {number}" for number in (4, 3, 2, 1, 0)]


async def test_only_owners_and_admins_read_the_trail(client: AsyncClient, company: SignedUpCompany) -> None:
    for role in ("admin", "planner", "payroll", "viewer", "intermittent"):
        answer = await client.get(URL, headers=await member(client, company, role))
        assert answer.status_code == (200 if role == "admin" else 403), role


async def test_the_other_company_reads_none_of_our_events(
    client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    ours = await create(client, company.headers, "/venues", name="La Fonderie")
    await create(client, other_company.headers, "/venues", name="La Fonderie")
    assert await events(client, other_company, subject_id=ours["id"]) == []
    assert len(await events(client, other_company, what="venue.created")) == 1
    assert len(await events(client, company, subject_id=ours["id"])) == 1


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "change", [delete(AuditEvent), update(AuditEvent).values(what="nothing")], ids=["delete", "update"]
)
async def test_the_companys_own_role_cannot_change_an_event(
    client: AsyncClient, app: FastAPI, company: SignedUpCompany, change: Any
) -> None:
    await create(client, company.headers, "/venues", name="La Fonderie")
    info = await app.state.directory.by_slug(company.slug)
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with app.state.database.company(info) as session:
            await session.execute(change)


async def test_a_list_of_many_costs_as_many_statements_as_a_list_of_one(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    counts = []
    for rows in (1, 3):
        for number in range(rows):
            await create(client, company.headers, "/venues", name=f"Lieu {number}")
        with statements() as sent:
            assert len(await events(client, company, what="venue.created")) >= rows
        counts.append(len(sent))
    assert counts[0] == counts[1] > 0
