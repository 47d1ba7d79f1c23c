"""A person of two companies, who can say when they are away."""

from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response

from tests.helpers import SignedUpCompany, unique
from tests.portal.conftest import House, build
from tests.portal.test_two_companies import Mails, as_person, link_both

PATH = "/api/v1/me/unavailabilities"


@dataclass(frozen=True, slots=True)
class Artist:
    """Somebody with an account, linked in two companies that do not know of each other."""

    client: AsyncClient
    login: str
    house: House
    other: House

    @property
    def headers(self) -> dict[str, str]:
        return as_person(self.login)

    async def say(self, **fields: Any) -> Response:
        return await self.client.post(PATH, json=fields, headers=self.headers)

    async def away(self, **fields: Any) -> dict[str, Any]:
        answer = await self.say(**fields)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def listed(self) -> list[dict[str, Any]]:
        answer = await self.client.get(f"{PATH}?limit=200", headers=self.headers)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@pytest.fixture
def mails(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> Mails:
    found = Mails()
    monkeypatch.setattr(app.state.database, "_deliver", found.deliver)
    return found


@pytest.fixture
async def artist(client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany, mails: Mails) -> Artist:
    email = f"{unique('ariane')}@example.org"
    house, other = await build(client, company, email), await build(client, other_company, email)
    login, _ = await link_both(client, house, other, mails)
    return Artist(client, login, house, other)


@pytest.fixture
async def house(client: AsyncClient, company: SignedUpCompany) -> House:
    return await build(client, company, f"{unique('raymond')}@example.org")


@pytest.fixture
async def other_house(client: AsyncClient, other_company: SignedUpCompany) -> House:
    return await build(client, other_company, f"{unique('raymond')}@example.org")
