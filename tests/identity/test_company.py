"""The company and its members: who may do what, and that an owner always stays."""

import asyncio
import re
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response
from sqlalchemy import select

from backend.identity.models import Membership, Role
from tests.backstage import join
from tests.helpers import SignedUpCompany, problem

ROLES = ("owner", "admin", "planner", "payroll", "viewer", "intermittent")
EVERYBODY = frozenset(ROLES)
READERS = EVERYBODY - {"intermittent"}
EXPORTERS = READERS - {"viewer"}
PLANNERS = frozenset({"owner", "admin", "planner"})
ADMINS = frozenset({"owner", "admin"})
# The first line whose pattern begins "METHOD path" decides. A new route must find its line here.
WHO_MAY = (
    ("(GET|POST) /companies", None), ("POST /auth/", None), ("[A-Z]+ /(users/)?me\\b", None),
    ("POST /invitations/accept", None),
    ("GET /company/travel", READERS), ("PATCH /company/travel", PLANNERS), ("GET /company", EVERYBODY),
    ("PATCH /company", ADMINS),
    ("DELETE /members/", EVERYBODY), ("(POST|PATCH|DELETE) /planning/agreements", ADMINS),
    ("GET /messages", PLANNERS),
    ("[A-Z]+ /(members|invitations|audit-events)", ADMINS),
    ("GET /people/[^/]+/(unavailabilities|busy)", PLANNERS),
    ("GET /(exports|people)", EXPORTERS), ("POST /imports/", PLANNERS),
    ("GET /(jobs|skills|venues|productions|calls|call-templates|positions|assignments|planning)", READERS),
    ("(POST|PUT|PATCH|DELETE) /(people|jobs|skills|venues|productions|calls|call-templates)", PLANNERS),
    ("(POST|PUT|PATCH|DELETE) /(positions|assignments|planning)", PLANNERS),
)  # fmt: skip
NO_ID = "0197a3c2-5b1e-7c3a-9d2f-1a2b3c4d5e6f"


def who_may(operation: str) -> frozenset[str] | None:
    return next(roles for pattern, roles in WHO_MAY if re.match(pattern, operation))


def company_operations(app: FastAPI) -> list[tuple[str, str, frozenset[str]]]:
    """Return (method, path, roles that may) of every company route of the OpenAPI document."""
    found = []
    for path, methods in app.openapi()["paths"].items():
        if not path.startswith("/api/v1"):
            continue
        for method in methods:
            roles = who_may(f"{method.upper()} {path.removeprefix('/api/v1')}")
            if roles is not None:
                found.append((method.upper(), path, roles))
    return found


async def act(client: AsyncClient, method: str, path: str, headers: dict[str, str]) -> Response:
    body: dict[str, Any] = {} if method in {"GET", "DELETE"} else {"json": {}}
    filled = re.sub(r"\{[^}]+\}", NO_ID, path)
    return await client.request(method, filled, headers={**headers, "If-Match": '"999"'}, **body)


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_may_do_what_the_table_says_and_nothing_else(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany, role: str
) -> None:
    headers = company.headers if role == "owner" else await join(app, client, company, role)
    operations = company_operations(app)
    assert len(operations) >= 9
    for method, path, roles in operations:
        answer = await act(client, method, path, headers)
        refused = answer.status_code == 403
        assert refused == (role not in roles), f"{role}: {method} {path} gave {answer.status_code}"
        assert answer.status_code < 500
        assert answer.status_code != 401


async def test_no_company_route_answers_to_a_stranger_or_to_nobody(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    stranger = {**other_company.headers, "X-Tenant": company.slug}
    nobody = {"X-Tenant": company.slug}
    unnamed = {"Authorization": f"Bearer {company.token}"}
    for method, path, _ in company_operations(app):
        problem(await act(client, method, path, stranger), 404, "tenant_not_found")
        problem(await act(client, method, path, nobody), 401, "login_required")
        problem(await act(client, method, path, unnamed), 400, "tenant_required")


async def members(client: AsyncClient, headers: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return the members by role."""
    answer = await client.get("/api/v1/members", headers=headers)
    assert answer.status_code == 200, answer.text
    return {row["role"]: row for row in answer.json()["items"]}


async def give(client: AsyncClient, headers: dict[str, str], row: dict[str, Any], role: str) -> Response:
    tag = {"If-Match": f'"{row["version"]}"'}
    return await client.patch(f"/api/v1/members/{row['id']}", json={"role": role}, headers={**headers, **tag})


async def demote(client: AsyncClient, headers: dict[str, str], row: dict[str, Any]) -> Response:
    return await give(client, headers, row, "viewer")


async def remove(client: AsyncClient, headers: dict[str, str], row: dict[str, Any]) -> Response:
    tag = {"If-Match": f'"{row["version"]}"'}
    return await client.delete(f"/api/v1/members/{row['id']}", headers={**headers, **tag})


async def test_the_last_owner_cannot_leave_or_be_demoted(client: AsyncClient, company: SignedUpCompany) -> None:
    owner = (await members(client, company.headers))["owner"]
    problem(await remove(client, company.headers, owner), 409, "last_owner")
    problem(await give(client, company.headers, owner, "admin"), 409, "last_owner")
    assert (await give(client, company.headers, owner, "owner")).status_code == 200
    assert "owner" in await members(client, company.headers)


@pytest.mark.parametrize("how", ["leave", "step down", "throw out each other", "demote each other"])
async def test_of_two_owners_who_go_at_once_exactly_one_stays(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany, how: str
) -> None:
    """Also by two acts on one reading: each checks the owners under a lock, not what it read before."""
    both = [company.headers, await join(app, client, company, "owner")]
    rows = (await client.get("/api/v1/members", headers=company.headers)).json()["items"]
    mine = [next(row for row in rows if row["email"] == company.email)]
    mine.append(next(row for row in rows if row["email"] != company.email))
    targets = mine if how in {"leave", "step down"} else mine[::-1]
    go = remove if how in {"leave", "throw out each other"} else demote
    answers = await asyncio.gather(*(go(client, h, row) for h, row in zip(both, targets, strict=True)))
    assert sum(answer.status_code in {200, 204} for answer in answers) == 1, [a.text for a in answers]
    assert {answer.status_code for answer in answers} <= {200, 204, 403, 404, 409, 412}
    async with app.state.database.shared(write=False) as session:
        query = select(Membership.id).where(Membership.company_id == UUID(company.id), Membership.role == Role.OWNER)
        assert len((await session.scalars(query)).all()) == 1


async def test_an_admin_makes_no_owner_and_touches_none(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany
) -> None:
    admin = await join(app, client, company, "admin")
    await join(app, client, company, "viewer")
    rows = await members(client, admin)
    problem(await give(client, admin, rows["viewer"], "owner"), 403, "not_allowed")
    problem(await give(client, admin, rows["admin"], "owner"), 403, "not_allowed")
    problem(await give(client, admin, rows["owner"], "viewer"), 403, "not_allowed")
    problem(await remove(client, admin, rows["owner"]), 403, "not_allowed")
    assert set(await members(client, admin)) == {"owner", "admin", "viewer"}
    changed = await give(client, admin, rows["viewer"], "planner")
    assert (changed.status_code, changed.json()["role"]) == (200, "planner")
    assert (await remove(client, admin, {**rows["viewer"], "version": 2})).status_code == 204


async def test_everybody_may_leave_and_nobody_below_an_admin_removes_others(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany
) -> None:
    viewer = await join(app, client, company, "viewer")
    await join(app, client, company, "intermittent")
    rows = await members(client, company.headers)
    problem(await remove(client, viewer, rows["intermittent"]), 403, "not_allowed")
    problem(await remove(client, viewer, rows["owner"]), 403, "not_allowed")
    assert (await remove(client, viewer, rows["viewer"])).status_code == 204
    problem(await client.get("/api/v1/company", headers=viewer), 404, "tenant_not_found")


async def test_a_role_that_was_taken_away_is_gone_at_the_next_request(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany
) -> None:
    admin = await join(app, client, company, "admin")
    rows = await members(client, admin)
    assert (await give(client, company.headers, rows["admin"], "viewer")).status_code == 200
    problem(await client.get("/api/v1/members", headers=admin), 403, "not_allowed")


async def test_members_of_another_company_are_out_of_reach(
    client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    theirs = (await members(client, other_company.headers))["owner"]
    problem(await give(client, company.headers, theirs, "viewer"), 404, "not_found")
    problem(await remove(client, company.headers, theirs), 404, "not_found")
    assert [m["email"] for m in (await members(client, company.headers)).values()] == [company.email]


async def test_members_change_under_their_version(app: FastAPI, client: AsyncClient, company: SignedUpCompany) -> None:
    await join(app, client, company, "viewer")
    row = (await members(client, company.headers))["viewer"]
    path = f"/api/v1/members/{row['id']}"
    problem(await client.patch(path, json={"role": "planner"}, headers=company.headers), 428, "precondition_required")
    problem(await client.delete(path, headers=company.headers), 428, "precondition_required")
    assert (await give(client, company.headers, row, "planner")).headers["etag"] == '"2"'
    problem(await give(client, company.headers, row, "payroll"), 412, "stale_etag")
    problem(await remove(client, company.headers, row), 412, "stale_etag")
    for wrong in ({}, {"role": "king"}, {"role": None}, {"role": "viewer", "email": "x@example.org"}):
        answer = await client.patch(path, json=wrong, headers={**company.headers, "If-Match": '"2"'})
        problem(answer, 422)


async def test_the_company_changes_field_by_field(client: AsyncClient, company: SignedUpCompany) -> None:
    async def patch(tag: str, **fields: Any) -> Response:
        return await client.patch("/api/v1/company", json=fields, headers={**company.headers, "If-Match": tag})

    licence = {"category": 2, "number": "PLATESV-R-2026-000001", "expires_on": "2031-01-01"}
    wanted = {
        "name": "Le Lever", "siret": "99999998000017", "idcc": "1285", "timezone": "Indian/Reunion",
        "city": "Saint-Denis", "licences": [licence], "contact_name": "Caroline de Sousa",
        "contact_phone": "+33 6 39 98 00 38",
    }  # fmt: skip
    changed = await patch('"1"', **wanted)
    assert changed.status_code == 200, changed.text
    assert {name: changed.json()[name] for name in wanted} == wanted
    assert (changed.headers["etag"], changed.json()["slug"]) == ('"2"', company.slug)
    cleared = await patch('"2"', siret=None, idcc=None, city=None)
    assert [cleared.json()[name] for name in ("siret", "idcc", "city", "name")] == [None, None, None, "Le Lever"]
    problem(await patch('"2"', name="Trop tard"), 412, "stale_etag")
    for tag in ('"x"', "3", "", '"99999999999999999999"'):
        problem(await patch(tag, name="Sans version"), 412, "stale_etag")
    missing = await client.patch("/api/v1/company", json={"name": "x"}, headers=company.headers)
    problem(missing, 428, "precondition_required")
    for wrong in (
        {"name": None}, {"timezone": None}, {"licences": None}, {"slug": "autre"}, {"status": "suspended"},
        {"licences": [{**licence, "category": 4}]}, {"licences": [{**licence, "category": True}]},
        {"licences": [licence] * 21}, {"contact_phone": "tout de suite"}, {"contact_name": "=Caroline"},
        {"siret": "1"}, {"idcc": "١٢٨٥"}, {"timezone": "Europe/Nantes"},
        {"licences": [{**licence, "expires_on": "31/12/2031"}]},
    ):  # fmt: skip
        problem(await patch('"3"', **wrong), 422)
    assert (await client.get("/api/v1/company", headers=company.headers)).headers["etag"] == '"3"'


async def test_of_two_changes_made_on_one_reading_one_is_stale(client: AsyncClient, company: SignedUpCompany) -> None:
    headers = {**company.headers, "If-Match": '"1"'}
    answers = await asyncio.gather(
        *(client.patch("/api/v1/company", json={"city": f"Ville {n}"}, headers=headers) for n in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


async def test_a_change_of_members_is_in_the_trail(app: FastAPI, client: AsyncClient, company: SignedUpCompany) -> None:
    await join(app, client, company, "viewer")
    row = (await members(client, company.headers))["viewer"]
    await give(client, company.headers, row, "planner")
    events = (await client.get("/api/v1/audit-events", headers=company.headers)).json()["items"]
    assert [(e["what"], e["before"], e["after"]) for e in events][:1] == [
        ("member.changed", {"role": "viewer"}, {"role": "planner"})
    ]


async def test_lists_of_members_are_cut_by_their_limit(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany
) -> None:
    for role in ("viewer", "planner"):
        await join(app, client, company, role)
    first = (await client.get("/api/v1/members?limit=2", headers=company.headers)).json()
    rest = (
        await client.get(
            "/api/v1/members", params={"limit": 2, "cursor": first["next_cursor"]}, headers=company.headers
        )
    ).json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)
    for wrong in ("limit=0", "limit=10000", "limit=x", "cursor=x", "cursor=%00", "cursor=WyJ4Il0"):
        problem(await client.get(f"/api/v1/members?{wrong}", headers=company.headers), 422)


async def test_a_user_reads_their_role_in_each_company(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    viewer = await join(app, client, company, "viewer")
    mine = (await client.get("/api/v1/me/companies", headers=viewer)).json()["items"]
    assert [(c["slug"], c["role"], c["status"]) for c in mine] == [(company.slug, "viewer", "active")]
