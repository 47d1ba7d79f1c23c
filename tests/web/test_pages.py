"""The pages behind the mailed links do the acts of the API, and say so in words."""

import re

from httpx import AsyncClient

from tests.helpers import PASSWORD, SignedUpCompany, token_of, unique
from tests.portal.test_two_companies import Mails, mails

__all__ = ["mails"]


async def test_an_invitation_is_accepted_on_its_page(
    client: AsyncClient, company: SignedUpCompany, mails: Mails
) -> None:
    email = f"{unique('page')}@example.org"
    await client.post("/api/v1/invitations", json={"email": email, "role": "viewer"}, headers=company.headers)
    token = token_of(mails.all[-1].context["accept_url"])
    page = await client.get("/invitation", params={"token": token})
    assert page.status_code == 200
    assert company.name in page.text
    assert "script" not in page.headers["content-security-policy"]
    form = {"token": token, "full_name": "Dominique Petit", "password": "court"}
    refused = await client.post("/invitation", data=form)
    assert refused.status_code == 422
    assert "mot de passe a de 8" in refused.text
    done = await client.post("/invitation", data={**form, "password": PASSWORD})
    assert done.status_code == 200
    assert "Bienvenue" in done.text
    login = await client.post("/api/v1/auth/login", data={"username": email, "password": PASSWORD})
    assert login.status_code == 200
    again = await client.get("/invitation", params={"token": token})
    assert again.status_code == 410


async def test_somebody_with_an_account_accepts_by_their_password(
    client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany, mails: Mails
) -> None:
    body = {"email": other_company.email, "role": "viewer"}
    await client.post("/api/v1/invitations", json=body, headers=company.headers)
    token = token_of(mails.all[-1].context["accept_url"])
    wrong = await client.post("/invitation", data={"token": token, "password": "pas le bon"})
    assert wrong.status_code == 422
    assert "incorrect" in wrong.text
    done = await client.post("/invitation", data={"token": token, "password": PASSWORD})
    assert done.status_code == 200


async def test_an_address_is_verified_and_a_password_reset_by_their_links(client: AsyncClient, mails: Mails) -> None:
    email = f"{unique('page')}@example.org"
    await client.post("/api/v1/auth/register", json={"email": email, "password": PASSWORD, "full_name": "Claude Roy"})
    token = token_of(mails.all[-1].context["verify_url"])
    page = await client.get("/verify", params={"token": token})
    assert re.search(r'name="token" value="[^"]+"', page.text)
    assert (await client.post("/verify", data={"token": token})).status_code == 200
    assert (await client.post("/verify", data={"token": "faux"})).status_code == 400
    await client.post("/api/v1/auth/forgot-password", json={"email": email})
    token = token_of(mails.all[-1].context["reset_url"])
    assert (await client.get("/reset-password", params={"token": token})).status_code == 200
    assert (await client.post("/reset-password", data={"token": token, "password": "x"})).status_code == 422
    new = {"token": token, "password": "une-autre-phrase"}
    assert (await client.post("/reset-password", data=new)).status_code == 200
    assert (await client.post("/reset-password", data=new)).status_code == 400
    login = await client.post("/api/v1/auth/login", data={"username": email, "password": new["password"]})
    assert login.status_code == 200
