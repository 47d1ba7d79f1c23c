"""Invitations: two links, one use, and an address that must be proved before a second company links it."""

import asyncio
from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import text

from backend.core.clock import utc_now
from tests.helpers import PASSWORD, SignedUpCompany, problem, sign_up, token_of, unique
from tests.portal.conftest import House
from tests.portal.test_two_companies import Mails, accept, as_person, invite, mails

__all__ = ["mails"]


async def handed_over(client: AsyncClient, company: SignedUpCompany, email: str, role: str = "viewer") -> str:
    """Invite, and return the token of the link that the inviter hands over."""
    answer = await client.post("/api/v1/invitations", json={"email": email, "role": role}, headers=company.headers)
    assert answer.status_code == 201, answer.text
    return token_of(answer.json()["accept_url"])


async def is_verified(client: AsyncClient, login: str) -> bool:
    return bool((await client.get("/api/v1/users/me", headers=as_person(login))).json()["is_verified"])


async def test_the_handed_over_link_makes_an_unverified_account_and_the_mailed_one_a_verified(
    client: AsyncClient, company: SignedUpCompany, mails: Mails
) -> None:
    by_hand = await accept(client, await handed_over(client, company, f"{unique('a')}@example.org"))
    assert by_hand.status_code == 422, "no name, and nobody in the directory to take it from"
    token = await handed_over(client, company, f"{unique('a')}@example.org")
    mailed = token_of(mails.all[-1].context["accept_url"])
    assert mailed != token
    body = {"token": token, "password": PASSWORD, "full_name": "Dominique Petit"}
    login = (await client.post("/api/v1/invitations/accept", json=body)).json()["access_token"]
    assert await is_verified(client, login) is False
    await handed_over(client, company, f"{unique('b')}@example.org")
    body["token"] = token_of(mails.all[-1].context["accept_url"])
    other = (await client.post("/api/v1/invitations/accept", json=body)).json()["access_token"]
    assert await is_verified(client, other) is True


async def test_an_invitation_serves_once_also_when_two_accept_at_once(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    token = await handed_over(client, company, f"{unique('a')}@example.org")
    body = {"token": token, "password": PASSWORD, "full_name": "Dominique Petit"}
    answers = await asyncio.gather(*(client.post("/api/v1/invitations/accept", json=body) for _ in range(4)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 200
    assert statuses[1:] == [409, 409, 409] or set(statuses[1:]) <= {401, 409, 410}
    problem(await client.post("/api/v1/invitations/accept", json=body), 410, "invitation_expired")


async def test_an_invitation_ends_after_its_days_or_when_withdrawn(
    client: AsyncClient, app: FastAPI, company: SignedUpCompany
) -> None:
    token = await handed_over(client, company, f"{unique('a')}@example.org")
    late = {"past": utc_now() - timedelta(seconds=1), "company": company.id.replace("-", "")}
    async with app.state.database.shared() as session:
        condition = "replace(cast(company_id as varchar(40)), '-', '') = :company"
        await session.execute(text(f"update shared.invitation set expires_at = :past where {condition}"), late)
    problem(await accept(client, token), 410, "invitation_expired")
    token = await handed_over(client, company, f"{unique('a')}@example.org")
    listed = (await client.get("/api/v1/invitations", headers=company.headers)).json()["items"]
    gone = await client.delete(f"/api/v1/invitations/{listed[0]['id']}", headers=company.headers)
    assert gone.status_code == 204
    problem(await accept(client, token), 404, "not_found")


async def test_an_address_with_an_account_accepts_with_that_account_and_no_other(
    client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    token = await handed_over(client, company, other_company.email, "planner")
    problem(await accept(client, token), 401, "login_required")
    problem(await accept(client, token, company.token), 401, "login_required")
    problem(await accept(client, token, other_company.token), 403, "not_allowed")
    await verify(client, other_company)
    accepted = await client.post(
        "/api/v1/invitations/accept", json={"token": token, "password": "ignored-by-rule"},
        headers=as_person(other_company.token),
    )  # fmt: skip
    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["access_token"] is None
    login = await client.post("/api/v1/auth/login", data={"username": other_company.email, "password": PASSWORD})
    assert login.status_code == 200, "the password given with the acceptance changed nothing"


async def verify(client: AsyncClient, company: SignedUpCompany) -> None:
    """Verify an owner's address as its reader would: by a mailed token, issued again."""
    app = client._transport.app  # type: ignore[attr-defined]
    async with app.state.database.shared() as session:
        await session.execute(
            text('update shared."user" set is_verified = :yes where email = :email'),
            {"yes": True, "email": company.email},
        )


async def test_a_second_company_links_only_a_verified_address(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    first = await handed_over(client, house.company, house.person["email"], "intermittent")
    login = (await accept(client, first)).json()["access_token"]
    second = await handed_over(client, other_house.company, house.person["email"], "intermittent")
    problem(await accept(client, second, login), 403, "not_allowed")
    mailed = token_of(mails.all[-1].context["accept_url"])
    assert (await accept(client, mailed, login)).status_code == 200
    assert await is_verified(client, login) is True


async def test_an_intermittent_whose_address_is_in_the_directory_is_tied_to_that_person(
    client: AsyncClient, house: House
) -> None:
    token = await handed_over(client, house.company, house.person["email"], "intermittent")
    accepted = (await accept(client, token)).json()
    assert accepted["person_id"] == house.person["id"]
    person = await client.get(f"/api/v1/people/{house.person['id']}", headers=house.headers)
    assert person.json()["has_account"] is True


async def test_a_person_is_linked_to_one_account_and_an_unknown_person_is_refused(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    assert (await accept(client, await invite(client, house, mails))).status_code == 200
    body = {"email": f"{unique('z')}@example.org", "role": "intermittent", "person_id": house.person["id"]}
    problem(await client.post("/api/v1/invitations", json=body, headers=house.headers), 409, "state_conflict")
    body["person_id"] = other_house.person["id"]
    problem(await client.post("/api/v1/invitations", json=body, headers=house.headers), 422)


async def test_the_link_is_shown_once_and_a_repeated_request_invites_once(
    client: AsyncClient, company: SignedUpCompany, mails: Mails
) -> None:
    headers = {**company.headers, "Idempotency-Key": unique("k")}
    body = {"email": f"{unique('z')}@example.org", "role": "viewer"}
    first = await client.post("/api/v1/invitations", json=body, headers=headers)
    again = await client.post("/api/v1/invitations", json=body, headers=headers)
    assert again.json()["id"] == first.json()["id"]
    assert (again.json()["accept_url"], again.json()["code"]) == (None, "secret_shown_once")
    assert len([mail for mail in mails.all if mail.to == body["email"]]) == 1


@pytest.mark.parametrize("token", ["", "x" * 2001, "a\x00b", "é" * 10, "'; drop table shared.user; --"])
async def test_a_hostile_token_is_refused_in_words(client: AsyncClient, token: str) -> None:
    answer = await client.post("/api/v1/invitations/accept", json={"token": token, "password": PASSWORD})
    problem(answer, answer.status_code)
    assert answer.status_code in {404, 422}


async def test_a_deleted_account_leaves_the_directory_and_takes_its_link_and_feeds(
    client: AsyncClient, house: House, mails: Mails
) -> None:
    login = (await accept(client, await invite(client, house, mails))).json()["access_token"]
    feed = await client.post("/api/v1/me/calendar-feeds", json={}, headers=as_person(login))
    problem(
        await client.request("DELETE", "/api/v1/users/me", json={"password": "not mine"}, headers=as_person(login)), 422
    )
    gone = await client.request("DELETE", "/api/v1/users/me", json={"password": PASSWORD}, headers=as_person(login))
    assert gone.status_code == 204, gone.text
    problem(await client.get("/api/v1/users/me", headers=as_person(login)), 401)
    problem(await client.get(feed.json()["url"].split("8000", 1)[1]), 404)
    person = (await client.get(f"/api/v1/people/{house.person['id']}", headers=house.headers)).json()
    assert (person["has_account"], person["email"]) == (False, house.person["email"])


async def test_the_last_owner_cannot_delete_their_account(client: AsyncClient) -> None:
    company = await sign_up(client)
    headers = as_person(company.token)
    refused = await client.request("DELETE", "/api/v1/users/me", json={"password": PASSWORD}, headers=headers)
    problem(refused, 409, "last_owner")
