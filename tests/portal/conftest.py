"""A person of two companies: the same e-mail in both directories, one account once invited."""

from dataclasses import dataclass
from typing import Any

import pytest
from httpx import AsyncClient

from tests.helpers import SignedUpCompany, create, unique


@dataclass(frozen=True, slots=True)
class House:
    """A company with one person in its directory and what a call needs."""

    company: SignedUpCompany
    person: dict[str, Any]
    production: dict[str, Any]
    venue: dict[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        return self.company.headers


async def build(client: AsyncClient, company: SignedUpCompany, email: str) -> House:
    person = await create(
        client, company.headers, "/people", first_name="Raymond", last_name="Marie", email=email, job="machiniste"
    )
    production = await create(client, company.headers, "/productions", title="La Mouette", kind="creation")
    venue = await create(
        client, company.headers, "/venues", name="Théâtre du Quai", city="Nantes", timezone="Europe/Paris"
    )
    return House(company, person, production, venue)


async def call(
    client: AsyncClient, house: House, starts_at: str, ends_at: str, *, publish: bool = True
) -> dict[str, Any]:
    """Create a call, and publish it."""
    made = await create(
        client, house.headers, "/calls", production_id=house.production["id"], venue_id=house.venue["id"],
        kind="setup", title="Montage (matin)", starts_at=starts_at, ends_at=ends_at,
    )  # fmt: skip
    if publish:
        answer = await client.post(f"/api/v1/calls/{made['id']}/publish", headers=house.headers)
        assert answer.status_code == 200, answer.text
    return made


async def assign(client: AsyncClient, house: House, call_id: str) -> str:
    """Put the person on a call as a draft, and return the assignment's id."""
    made = await create(
        client, house.headers, "/assignments", call_id=call_id, person_id=house.person["id"], job="machiniste"
    )
    found: str = made["id"]
    return found


async def act(client: AsyncClient, house: House, assignment_id: str, action: str, **body: Any) -> Any:
    """Do one act of the company on an assignment."""
    path = f"/api/v1/assignments/{assignment_id}/{action}"
    return await client.post(path, json=body or None, headers=house.headers)


@pytest.fixture
def email() -> str:
    return f"{unique('raymond')}@example.org"


@pytest.fixture
async def house(client: AsyncClient, company: SignedUpCompany, email: str) -> House:
    return await build(client, company, email)


@pytest.fixture
async def other_house(client: AsyncClient, other_company: SignedUpCompany, email: str) -> House:
    return await build(client, other_company, email)
