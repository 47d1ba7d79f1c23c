"""The pages behind the mailed links do the acts of the API, and say so in words."""

import re

from fastapi import FastAPI
from httpx import AsyncClient, Response

from tests.helpers import PASSWORD, SignedUpCompany, token_of, unique
from tests.portal.test_two_companies import Mails, mails
from tests.web.conftest import Browser, open_browser

__all__ = ["mails"]


async def invite(client: AsyncClient, company: SignedUpCompany, mails: Mails, email: str, role: str = "viewer") -> str:
    """Invite somebody, and return the mailed token."""
    await client.post("/api/v1/invitations", json={"email": email, "role": role}, headers=company.headers)
    return token_of(mails.all[-1].context["accept_url"])


async def accept(browser: Browser, token: str, **typed: str) -> Response:
    """Fill in the page of an invitation."""
    page = await browser.get("/invitation", params={"token": token})
    return await browser.send_form(page, "/invitation", **typed)


async def test_an_invitation_is_accepted_on_its_page_and_leads_to_where_work_begins(
    browser: Browser, client: AsyncClient, company: SignedUpCompany, mails: Mails
) -> None:
    token = await invite(client, company, mails, f"{unique('page')}@example.org")
    page = await browser.get("/invitation", params={"token": token})
    assert page.status_code == 200
    assert company.name in page.text
    assert page.headers["referrer-policy"] == "same-origin"
    refused = await accept(browser, token, full_name="Dominique Petit", password="court")
    assert refused.status_code == 422
    assert "mot de passe a de 8" in refused.text
    assert 'value="Dominique Petit"' in refused.text

    done = await browser.send_form(refused, "/invitation", full_name="Dominique Petit", password=PASSWORD)

    assert (done.status_code, done.headers["location"]) == (303, f"/c/{company.slug}")
    assert company.name in (await browser.get("/companies")).text
    again = await browser.get("/invitation", params={"token": token})
    assert again.status_code == 410
    assert "a déjà servi" in again.text


async def test_an_intermittent_lands_on_their_own_planning(
    browser: Browser, client: AsyncClient, company: SignedUpCompany, mails: Mails
) -> None:
    token = await invite(client, company, mails, f"{unique('page')}@example.org", "intermittent")

    done = await accept(browser, token, full_name="Dominique Petit", password=PASSWORD)

    assert done.headers["location"] == "/me"


async def test_somebody_with_an_account_accepts_by_their_password(
    browser: Browser, client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany, mails: Mails
) -> None:
    token = await invite(client, company, mails, other_company.email)
    wrong = await accept(browser, token, password="pas le bon")
    assert wrong.status_code == 422
    assert "incorrect" in wrong.text

    done = await accept(browser, token, password=PASSWORD)

    assert (done.status_code, done.headers["location"]) == (303, "/companies")
    assert company.slug in (await browser.get("/companies")).text


async def test_whoever_is_signed_in_by_the_invited_address_accepts_by_one_press(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany, mails: Mails
) -> None:
    token = await invite(client, company, mails, other_company.email)
    async with open_browser(app) as browser:
        await browser.sign_in(other_company.email)

        done = await accept(browser, token)

        assert done.status_code == 303
        assert company.slug in (await browser.get("/companies")).text


async def test_an_invitation_is_no_way_into_the_account_of_another(
    owner: Browser, client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany, mails: Mails
) -> None:
    token = await invite(client, company, mails, other_company.email)

    answer = await accept(owner, token, full_name="Intrus", password=PASSWORD + "!")

    assert answer.status_code == 422
    assert "__Host-filage=" not in answer.headers.get("set-cookie", "")


async def test_an_invitation_that_is_not_there_is_a_page(browser: Browser) -> None:
    answer = await browser.get("/invitation", params={"token": "<script>"})

    assert answer.status_code == 404
    assert "Ce lien ne marche pas" in answer.text


async def test_an_address_is_verified_and_a_password_reset_by_their_links(
    browser: Browser, client: AsyncClient, mails: Mails
) -> None:
    email = f"{unique('page')}@example.org"
    await client.post("/api/v1/auth/register", json={"email": email, "password": PASSWORD, "full_name": "Claude Roy"})
    token = token_of(mails.all[-1].context["verify_url"])
    page = await browser.get("/verify", params={"token": token})
    assert re.search(r'name="token" value="[^"]+"', page.text)
    assert (await browser.send_form(page, "/verify")).status_code == 200
    assert (await browser.send_form(page, "/verify", token="faux")).status_code == 400
    await client.post("/api/v1/auth/forgot-password", json={"email": email})
    token = token_of(mails.all[-1].context["reset_url"])
    page = await browser.get("/reset-password", params={"token": token})
    refused = await browser.send_form(page, "/reset-password", password="x")
    assert refused.status_code == 422
    assert 'id="password-error"' in refused.text
    assert (await browser.send_form(page, "/reset-password", password="une-autre-phrase")).status_code == 200
    assert (await browser.send_form(page, "/reset-password", password="une-autre-phrase")).status_code == 400
    login = await client.post("/api/v1/auth/login", data={"username": email, "password": "une-autre-phrase"})
    assert login.status_code == 200


async def test_the_pages_of_the_mails_speak_both_languages(
    app: FastAPI, company: SignedUpCompany, mails: Mails
) -> None:
    async with open_browser(app, "en") as english:
        token = await invite(english, company, mails, f"{unique('page')}@example.org")
        page = await english.get("/invitation", params={"token": token})
        assert f"{company.name} invites you" in page.text
        assert "Choose a new password" in (await english.get("/reset-password", params={"token": "x"})).text


async def test_a_form_of_a_mailed_link_is_taken_from_its_page_alone(
    browser: Browser, client: AsyncClient, company: SignedUpCompany, mails: Mails
) -> None:
    token = await invite(client, company, mails, f"{unique('page')}@example.org")
    typed = {"token": token, "full_name": "Dominique Petit", "password": PASSWORD}

    assert (await browser.post("/invitation", data=typed)).status_code == 403
    assert (await browser.get("/invitation", params={"token": token})).status_code == 200
