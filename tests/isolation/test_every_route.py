"""Every route of the OpenAPI document, walked by company A with company B's ids: refused, and not a byte of B."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response

from tests.helpers import SignedUpCompany, create, member, sign_up, unique

CANARY = "Canari"
METHODS = ("get", "post", "patch", "delete", "put")
# What these answer does not depend on ids: they create, log in, or are about the caller alone.
WITHOUT_IDS = re.compile(r"^/api/v1/(companies|auth/)|^/health/|^/calendar/")
REFUSED = frozenset({403, 404, 409, 410, 412, 422})


@dataclass(frozen=True, slots=True)
class Foreign:
    """Company B, and one id of each kind of thing it has."""

    company: SignedUpCompany
    ids: dict[str, str]


async def _stage(client: AsyncClient) -> Foreign:
    company = await sign_up(client, f"{CANARY} Compagnie", city=f"{CANARY}-sur-Mer")
    headers = company.headers
    job = await create(
        client, headers, "/jobs", code="canari", label=f"{CANARY} métier", department="stage", annexe="8"
    )
    person = await create(
        client, headers, "/people", first_name=CANARY, last_name=CANARY, email=f"{unique('canari')}@example.org",
        job="machiniste",
    )  # fmt: skip
    production = await create(client, headers, "/productions", title=f"{CANARY} pièce", kind="creation")
    venue = await create(client, headers, "/venues", name=f"{CANARY} lieu", timezone="Europe/Paris")
    call = await create(
        client, headers, "/calls", production_id=production["id"], venue_id=venue["id"], kind="setup",
        title=f"{CANARY} montage", starts_at="2027-02-01T10:00:00+01:00", ends_at="2027-02-01T13:00:00+01:00",
    )  # fmt: skip
    position = await create(client, headers, f"/calls/{call['id']}/positions", job="machiniste", headcount=2)
    assignment = await create(
        client, headers, "/assignments", call_id=call["id"], person_id=person["id"], job="machiniste"
    )
    invitation = await create(client, headers, "/invitations", email=f"{unique('canari')}@example.org", role="viewer")
    await member(client, company, "planner")
    members = (await client.get("/api/v1/members", headers=headers)).json()["items"]
    sessions = (await client.get("/api/v1/me/sessions", headers=headers)).json()["items"]
    feed = await create(client, headers, "/me/calendar-feeds", name=f"{CANARY} calendrier")
    entry = await create(
        client, headers, "/me/hours/entries", employer=f"{CANARY} employeur", kind="annexe_8", minutes=420,
        starts_on="2026-10-05", ends_on="2026-10-05",
    )  # fmt: skip
    unavailability = await create(
        client, headers, "/me/unavailabilities", starts_on="2027-02-08", ends_on="2027-02-08", note=f"{CANARY} secret"
    )
    recorded = await create(
        client, headers, f"/people/{person['id']}/unavailabilities", starts_on="2027-02-08", ends_on="2027-02-08",
        note=f"{CANARY} note",
    )  # fmt: skip
    template = await create(
        client, headers, "/call-templates", kind="setup", title=f"{CANARY} modèle", duration_minutes=240,
        positions=[{"job": "machiniste"}],
    )  # fmt: skip
    derogation = await create(
        client, headers, "/planning/derogations", rule="WT-REST-11", ground="agreement", document=f"{CANARY} accord",
        valid_from="2027-01-01", valid_to="2027-12-31", person_id=person["id"],
    )  # fmt: skip
    skill = await create(client, headers, "/skills", code="canari", label=f"{CANARY} savoir")
    permit = await create(
        client, headers, f"/people/{person['id']}/permits", kind="ssiap", issuer=f"{CANARY} organisme",
        issued_on="2026-01-01",
    )  # fmt: skip
    other_venue = await create(client, headers, "/venues", name=f"{CANARY} studio", latitude=47.2, longitude=-1.5)
    trip = await client.put(
        f"/api/v1/venues/{venue['id']}/travel/{other_venue['id']}", json={"minutes": 20}, headers=headers
    )
    assert trip.status_code == 200, trip.text
    agreement = await create(
        client, headers, "/planning/agreements", rule="WT-DAY-10", limit_minutes=660, document=f"{CANARY} accord",
        valid_from="2027-01-01",
    )  # fmt: skip
    ids = {
        "job_id": job["id"], "person_id": person["id"], "production_id": production["id"], "venue_id": venue["id"],
        "call_id": call["id"], "position_id": position["id"], "assignment_id": assignment["id"],
        "invitation_id": invitation["id"], "member_id": members[0]["id"], "session_id": sessions[0]["id"],
        "feed_id": feed["id"], "entry_id": entry["id"], "subject_id": person["id"], "file": "people",
        "derogation_id": derogation["id"], "skill_id": skill["id"], "permit_id": permit["id"],
        "other_venue_id": other_venue["id"],
        "agreement_id": agreement["id"], "unavailability_id": unavailability["id"],
        "recorded_id": recorded["id"], "template_id": template["id"],
    }  # fmt: skip
    return Foreign(company, ids)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    body: Any

    def filled(self, ids: dict[str, str]) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: ids[found.group(1)], self.path)

    def with_ids(self, ids: dict[str, str]) -> Any:
        if not isinstance(self.body, dict):
            return self.body
        return {name: ids.get(name, value) for name, value in self.body.items()}


def operations(app: FastAPI) -> Iterator[Operation]:
    for path, methods in app.openapi()["paths"].items():
        if WITHOUT_IDS.search(path):
            continue
        for method in METHODS:
            if method in methods:
                media = methods[method].get("requestBody", {}).get("content", {}).get("application/json", {})
                yield Operation(method, path, media.get("example"))


@pytest.fixture
async def foreign(client: AsyncClient) -> Foreign:
    return await _stage(client)


async def send(client: AsyncClient, op: Operation, foreign: Foreign, headers: dict[str, str]) -> Response:
    params = {"from": "2027-01-15T00:00:00Z", "to": "2027-02-15T00:00:00Z"} if op.method == "get" else {}
    return await client.request(
        op.method.upper(), op.filled(foreign.ids), json=op.with_ids(foreign.ids), params=params,
        headers={**headers, "If-Match": "*"},
    )  # fmt: skip


def silent(answer: Response) -> bool:
    return CANARY.lower() not in answer.text.lower()


async def test_the_canaries_sing_for_their_own_company(client: AsyncClient, app: FastAPI, foreign: Foreign) -> None:
    """There is something to refuse: B's own owner reads the canary on every readable route that holds one."""
    heard = 0
    for op in operations(app):
        if op.method == "get":
            heard += not silent(await send(client, op, foreign, foreign.company.headers))
    assert heard >= 12


async def test_no_route_answers_company_a_with_anything_of_company_b(
    client: AsyncClient, app: FastAPI, foreign: Foreign, company: SignedUpCompany
) -> None:
    before = await _rows(client, foreign)
    wrong = []
    for op in operations(app):
        if op.path.endswith(("/users/me", "/me/sharing", "/invitations/accept")) or op.path.startswith(
            "/api/v1/company"
        ):
            continue
        answer = await send(client, op, foreign, company.headers)
        refused = answer.status_code in REFUSED
        harmless = "{" not in op.path and op.method in {"get", "post"} and answer.status_code < 300
        names_foreign = any(name in (op.body or {}) for name in foreign.ids) if isinstance(op.body, dict) else False
        if not silent(answer) or not (refused or (harmless and not names_foreign)):
            wrong.append((op.method, op.path, answer.status_code, answer.text[:200]))
    assert wrong == []
    assert await _rows(client, foreign) == before


async def test_with_company_bs_name_every_company_route_answers_as_if_it_did_not_exist(
    client: AsyncClient, app: FastAPI, foreign: Foreign, company: SignedUpCompany
) -> None:
    headers = {**company.headers, "X-Tenant": foreign.company.slug}
    missing = {**company.headers, "X-Tenant": "nulle-part-ici"}
    for op in operations(app):
        if re.match(r"^/api/v1/(me/|users/|invitations/accept)", op.path):
            continue
        answer = await send(client, op, foreign, headers)
        unknown = await send(client, op, foreign, missing)
        assert silent(answer), op
        assert answer.status_code == unknown.status_code, op
        if answer.status_code == 404:
            assert answer.json()["code"] == unknown.json()["code"] == "tenant_not_found", op
        else:
            assert answer.status_code == 422, (op, answer.text)


async def _rows(client: AsyncClient, foreign: Foreign) -> list[Any]:
    paths = ("people", "venues", "productions", "calls", "assignments", "jobs", "members", "invitations")
    return [(await client.get(f"/api/v1/{p}?limit=200", headers=foreign.company.headers)).json() for p in paths]
