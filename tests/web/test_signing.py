"""Signing in and out in a browser, and what keeps a session and its forms from being used by others."""

import json
import re

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from tests.helpers import PASSWORD, SignedUpCompany
from tests.web.conftest import Browser, hidden_fields, open_browser

EVERYWHERE = ("default-src 'none'", "frame-ancestors 'none'", "form-action 'self'")


async def test_somebody_signs_in_sees_their_company_and_signs_out(browser: Browser, company: SignedUpCompany) -> None:
    answer = await browser.sign_in(company.email)

    assert (answer.status_code, answer.headers["location"]) == (303, f"/c/{company.slug}")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-filage=")
    for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert part in cookie
    page = await browser.get("/companies")
    assert company.name in page.text

    out = await browser.send_form(page, "/sign-out")
    assert out.headers["clear-site-data"] == '"cache", "storage"'
    again = await browser.get("/companies")
    assert (again.status_code, again.headers["location"]) == (303, "/sign-in?next=%2Fcompanies")


async def test_a_token_of_a_session_that_ended_is_worth_nothing(owner: Browser, company: SignedUpCompany) -> None:
    kept = dict(owner.cookies)
    await owner.send_form(await owner.get("/companies"), "/sign-out")

    owner.cookies.update(kept)

    assert (await owner.get("/companies")).status_code == 303


async def test_a_wrong_password_is_told_beside_what_was_typed(browser: Browser, company: SignedUpCompany) -> None:
    answer = await browser.sign_in(company.email, "pas le bon")

    assert answer.status_code == 401
    assert company.email in answer.text
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1"])
async def test_signing_in_leads_to_no_other_site(browser: Browser, company: SignedUpCompany, elsewhere: str) -> None:
    page = await browser.get("/sign-in", params={"next": elsewhere})

    answer = await browser.send_form(page, "/sign-in", email=company.email, password=PASSWORD)

    assert answer.headers["location"] == f"/c/{company.slug}"


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
     {"Origin": "null"}],
)  # fmt: skip
async def test_a_form_of_another_site_is_refused(
    browser: Browser, company: SignedUpCompany, headers: dict[str, str]
) -> None:
    fields = hidden_fields((await browser.get("/sign-in")).text, "/sign-in")
    typed = {**fields, "email": company.email, "password": PASSWORD}

    refused = await browser.post("/sign-in", data=typed, headers=headers)
    taken = await browser.post("/sign-in", data=typed)

    assert refused.status_code == 403
    assert "__Host-filage=" not in refused.headers.get("set-cookie", "")
    assert taken.status_code == 303


async def test_a_form_without_the_hidden_field_of_this_browser_is_shown_again_instead_of_acted_on(
    app: FastAPI, owner: Browser, company: SignedUpCompany
) -> None:
    async with open_browser(app) as stranger:
        stolen = hidden_fields((await stranger.get("/sign-in")).text, "/sign-in")["csrf"]

    for field in ({}, {"csrf": ""}, {"csrf": "a.b"}, {"csrf": stolen}):
        answer = await owner.post("/sign-out", data={**field, "note": "ce que j'ai tapé"})
        assert answer.status_code == 403
        assert "ce que j&#39;ai tapé" in answer.text
    assert (await owner.get("/companies")).status_code == 200


async def test_what_was_typed_survives_an_expired_session(
    client: AsyncClient, owner: Browser, company: SignedUpCompany
) -> None:
    del owner.cookies["__Host-filage"]
    page = await owner.get("/sign-in")
    fields = {**hidden_fields(page.text, "/sign-in"), "next": "", "email": company.email, "password": PASSWORD}

    resumed = [["title", "Répétition & <b>raccord</b>"], ["version", "7"], ["venue_id", ""]]
    answer = await owner.post(
        "/sign-in", data={**fields, "resume_path": f"/c/{company.slug}/calls", "resume": json.dumps(resumed)}
    )

    assert answer.status_code == 200
    assert "Répétition &amp; &lt;b&gt;raccord&lt;/b&gt;" in answer.text
    assert f'action="/c/{company.slug}/calls"' in answer.text
    assert re.findall("<dt>(.*?)</dt>", answer.text) == ["titre"]
    assert 'name="version" value="7"' in answer.text


async def test_every_page_forbids_scripts_of_others_and_frames(browser: Browser) -> None:
    for path in ("/", "/sign-in", "/forgot-password", "/nowhere"):
        page = await browser.get(path)
        assert all(part in page.headers["content-security-policy"] for part in EVERYWHERE)
        assert " style=" not in page.text
        assert "<script>" not in page.text
        assert page.headers["cache-control"] == "no-store"


async def test_an_address_that_is_not_there_is_a_page_for_people_and_a_problem_for_programs(browser: Browser) -> None:
    page = await browser.get("/nowhere")
    problem = await browser.get("/api/v1/nowhere")

    assert page.status_code == problem.status_code == 404
    assert "Cette page n&#39;existe pas" in page.text or "Cette page n'existe pas" in page.text
    assert problem.headers["content-type"] == "application/problem+json"


async def test_the_session_of_a_browser_opens_no_route_of_the_api(owner: Browser, company: SignedUpCompany) -> None:
    answer = await owner.get("/api/v1/company", headers={"X-Tenant": company.slug})

    assert answer.status_code == 401


async def test_the_pages_speak_english_to_who_prefers_it_or_chooses_it(app: FastAPI, browser: Browser) -> None:
    async with open_browser(app, "en-GB,en;q=0.9") as english:
        assert "Forgotten your password?" in (await english.get("/sign-in")).text
    page = await browser.get("/sign-in")
    assert "Mot de passe oublié ?" in page.text

    await browser.send_form(page, "/language", language="en")

    assert '<html lang="en">' in (await browser.get("/sign-in")).text


async def test_a_reset_link_is_asked_for_and_the_page_does_not_tell_who_has_an_account(browser: Browser) -> None:
    page = await browser.get("/forgot-password")

    unknown = await browser.send_form(page, "/forgot-password", email="personne@example.org")
    malformed = await browser.send_form(page, "/forgot-password", email="pas une adresse")

    assert unknown.status_code == 200
    assert malformed.status_code == 422
    assert "pas une adresse" in malformed.text
