"""A company with something to plan: what the planning's tests put on stage through the API."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from httpx import AsyncClient, Response
from sqlalchemy import text

from backend.tenancy.directory import CompanyDirectory
from backend.tenancy.models import CompanyInfo
from backend.tenancy.session import Database
from tests.helpers import SignedUpCompany, create, unique

PARIS = ZoneInfo("Europe/Paris")
SOON = datetime(2031, 3, 3, 10, tzinfo=PARIS)  # a Monday, far enough for options to lie ahead


@dataclass(frozen=True, slots=True)
class Stage:
    """One company and its client; each method is one request that must succeed."""

    client: AsyncClient
    company: SignedUpCompany

    async def create(self, path: str, **body: Any) -> dict[str, Any]:
        return await create(self.client, self.company.headers, path, **body)

    async def get(self, path: str, **params: Any) -> Response:
        return await self.client.get(f"/api/v1{path}", params=params, headers=self.company.headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> Response:
        return await self.client.post(f"/api/v1{path}", json=body, headers=self.company.headers | headers)

    async def patch(self, path: str, body: Any, if_match: str = "*") -> Response:
        headers = self.company.headers | {"If-Match": if_match}
        return await self.client.patch(f"/api/v1{path}", json=body, headers=headers)

    async def delete(self, path: str, if_match: str = "*") -> Response:
        return await self.client.delete(f"/api/v1{path}", headers=self.company.headers | {"If-Match": if_match})

    async def production(self, title: str = "La Traversée") -> dict[str, Any]:
        return await self.create("/productions", title=title, kind="creation")

    async def person(self, first_name: str = "Geneviève", job: str = "comedien") -> dict[str, Any]:
        return await self.create("/people", first_name=first_name, last_name=unique("Roche"), job=job)

    async def call(
        self, production: dict[str, Any], starts_at: datetime = SOON, hours: float = 3, **fields: Any
    ) -> dict[str, Any]:
        times = {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + timedelta(hours=hours)).isoformat()}
        body = {"production_id": production["id"], "kind": "rehearsal", "title": "Répétition", **times, **fields}
        return await self.create("/calls", **body)

    async def assignment(
        self, call: dict[str, Any], person: dict[str, Any], job: str = "comedien", **fields: Any
    ) -> dict[str, Any]:
        return await self.create("/assignments", call_id=call["id"], person_id=person["id"], job=job, **fields)

    async def act(self, assignment: dict[str, Any], name: str, **body: Any) -> Response:
        return await self.post(f"/assignments/{assignment['id']}/{name}", body or None)

    async def confirmed(self, call: dict[str, Any], person: dict[str, Any]) -> dict[str, Any]:
        """Confirm; a call of six hours without a break is allowed by the owner's word."""
        answer = await self.act(await self.assignment(call, person), "confirm", override_reason="Accord de la personne")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def read(self, assignment: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self.get(f"/assignments/{assignment['id']}")).json()
        return found


async def same_person(database: Database, *people: tuple[SignedUpCompany, dict[str, Any]]) -> int:
    """Give these people of different companies one number, as linking one account to all of them does."""
    number = 0
    for company, person in people:
        info = await company_info(database, company)
        async with database.company(info) as session:
            query = text("select number from person where id = :id")
            own = await session.scalar(query, {"id": _key(database, person["id"])})
            number = number or own
            change = text("update person set number = :number where id = :id")
            await session.execute(change, {"number": number, "id": _key(database, person["id"])})
    return number


async def company_info(database: Database, company: SignedUpCompany) -> CompanyInfo:
    found = await CompanyDirectory(database, 0).by_slug(company.slug)
    assert found is not None
    return found


def _key(database: Database, value: str) -> str:
    return value.replace("-", "") if database.is_sqlite else value
