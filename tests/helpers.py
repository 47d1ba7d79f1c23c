"""Acts that many tests need, done through the API as a client would."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from httpx import AsyncClient, Response

PASSWORD = "trois-coups-au-lever"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class SignedUpCompany:
    """A company as its owner holds it."""

    id: str
    slug: str
    name: str
    token: str
    email: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "X-Tenant": self.slug}


def unique(prefix: str) -> str:
    """Return a name that no other test uses."""
    return f"{prefix}-{uuid4().hex[:8]}{next(_numbers)}"


async def sign_up(client: AsyncClient, name: str = "Compagnie du Lever", **fields: Any) -> SignedUpCompany:
    """Sign a company up; its slug and its owner are new."""
    slug, email = unique("lever"), f"{unique('owner')}@example.org"
    owner = {"email": email, "password": PASSWORD, "full_name": "Camille Renard"}
    answer = await client.post("/api/v1/companies", json={"name": name, "slug": slug, "owner": owner, **fields})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return SignedUpCompany(body["company"]["id"], slug, name, body["access_token"], email)


async def member(
    client: AsyncClient, company: SignedUpCompany, role: str, person_id: str | None = None
) -> dict[str, str]:
    """Return the headers of a new member of `company` (with their own new account) who has `role`."""
    token = await accept(client, company, f"{unique(role)}@example.org", role, person_id)
    return {"Authorization": f"Bearer {token}", "X-Tenant": company.slug}


async def accept(
    client: AsyncClient, company: SignedUpCompany, email: str, role: str, person_id: str | None = None
) -> str:
    """Invite `email`, accept by the handed-over link with a new account, and return its access token."""
    body = {"email": email, "role": role, "person_id": person_id}
    invited = await client.post("/api/v1/invitations", json=body, headers=company.headers)
    assert invited.status_code == 201, invited.text
    token = token_of(invited.json()["accept_url"])
    accepted = await client.post(
        "/api/v1/invitations/accept", json={"token": token, "full_name": "Dominique Petit", "password": PASSWORD}
    )
    assert accepted.status_code == 200, accepted.text
    found: str = accepted.json()["access_token"]
    return found


def token_of(url: str) -> str:
    """Return the token of a mailed or handed-over link."""
    return parse_qs(urlsplit(url).query)["token"][0]


async def create(client: AsyncClient, headers: Mapping[str, str], path: str, **body: Any) -> dict[str, Any]:
    """POST to a collection and return what was created."""
    answer = await client.post(f"/api/v1{path}", json=body, headers=dict(headers))
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def problem(answer: Response, status: int, code: str | None = None) -> dict[str, Any]:
    """Check that `answer` is a problem document of this status, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["detail"]
    assert code is None or body["code"] == code, body
    return body
