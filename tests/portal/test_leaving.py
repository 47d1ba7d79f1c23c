"""What ends when somebody leaves a company: their role, their link to the directory, and what they had invited."""

from httpx import AsyncClient

from tests.helpers import PASSWORD, SignedUpCompany, accept, problem, token_of, unique
from tests.portal.conftest import House
from tests.portal.test_invitations import handed_over
from tests.portal.test_two_companies import LATER, MORNING, Mails, as_person, confirmed, link_both, mails, mine

__all__ = ["mails"]


async def remove(client: AsyncClient, company: SignedUpCompany, email: str) -> None:
    members = (await client.get("/api/v1/members", headers=company.headers)).json()["items"]
    (member,) = [each for each in members if each["email"] == email]
    gone = await client.delete(f"/api/v1/members/{member['id']}", headers={**company.headers, "If-Match": "*"})
    assert gone.status_code == 204, gone.text


async def test_a_removed_member_reads_nothing_more_of_the_company_and_may_be_invited_again(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    await confirmed(client, house, MORNING)
    assert len(await mine(client, login)) == 1
    await remove(client, house.company, house.person["email"])
    assert await mine(client, login) == []
    person = (await client.get(f"/api/v1/people/{house.person['id']}", headers=house.headers)).json()
    assert person["has_account"] is False
    await confirmed(client, other_house, LATER)
    again = await handed_over(client, house.company, house.person["email"], "intermittent")
    joined = await client.post("/api/v1/invitations/accept", json={"token": again}, headers=as_person(login))
    assert joined.status_code == 200, joined.text
    assert joined.json()["contested"] == 1, "the bookings of the two companies meet again"


async def test_what_an_administrator_invited_ends_with_them(client: AsyncClient, company: SignedUpCompany) -> None:
    address, friend = f"{unique('admin')}@example.org", f"{unique('ami')}@example.org"
    login = await accept(client, company, address, "admin")
    body = {"email": friend, "role": "admin"}
    invited = await client.post("/api/v1/invitations", json=body, headers={**company.headers, **as_person(login)})
    token = token_of(invited.json()["accept_url"])
    await remove(client, company, address)
    late = {"token": token, "password": PASSWORD, "full_name": "Dominique Petit"}
    problem(await client.post("/api/v1/invitations/accept", json=late), 404, "not_found")


async def test_an_acceptance_whose_answer_was_lost_may_be_repeated_with_its_key(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    token = await handed_over(client, company, f"{unique('x')}@example.org")
    body = {"token": token, "password": PASSWORD, "full_name": "Dominique Petit"}
    headers = {"Idempotency-Key": unique("k")}
    first = await client.post("/api/v1/invitations/accept", json=body, headers=headers)
    again = await client.post("/api/v1/invitations/accept", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200), again.text
    assert (again.json()["access_token"], again.json()["code"]) == (None, "secret_shown_once")
    problem(await client.post("/api/v1/invitations/accept", json=body), 410, "invitation_expired")
    other = await client.post("/api/v1/invitations/accept", json=body, headers={"Idempotency-Key": unique("k")})
    problem(other, 410, "invitation_expired")


async def test_a_password_is_not_guessed_by_a_stolen_token(client: AsyncClient, company: SignedUpCompany) -> None:
    headers = {**as_person(company.token), "If-Match": "*"}
    statuses = []
    for guess in range(21):
        body = {"password": "une-autre-phrase", "current_password": str(guess)}
        statuses.append((await client.patch("/api/v1/users/me", json=body, headers=headers)).status_code)
    assert statuses == [422] * 20 + [429]


async def test_addresses_are_changed_a_few_times_an_hour(client: AsyncClient, company: SignedUpCompany) -> None:
    headers = {**as_person(company.token), "If-Match": "*"}
    statuses = []
    for _ in range(6):
        body = {"email": f"{unique('neuf')}@example.org", "current_password": PASSWORD}
        statuses.append((await client.patch("/api/v1/users/me", json=body, headers=headers)).status_code)
    assert statuses == [200] * 5 + [429]


async def test_two_tenant_headers_that_differ_and_odd_charsets_are_refused(
    client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    both = [("Authorization", f"Bearer {company.token}"), ("X-Tenant", company.slug), ("X-Tenant", other_company.slug)]
    problem(await client.get("/api/v1/company", headers=both), 400, "tenant_mismatch")
    for charset in ("undefined", "raw_unicode_escape", "utf-16"):
        headers = {**company.headers, "Content-Type": f"multipart/form-data; boundary=B; charset={charset}"}
        for key in ({}, {"Idempotency-Key": unique("k")}):
            refused = await client.post("/api/v1/imports/season", content=b"--B--", headers={**headers, **key})
            problem(refused, 422)
