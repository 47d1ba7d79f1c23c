"""The front page, and a company that signs up in a browser."""

import pytest
from fastapi import FastAPI

from tests.helpers import PASSWORD, SignedUpCompany, unique
from tests.web.conftest import Browser, hidden_fields, open_browser

LONG = "Théâtre " + "très " * 38 + "long"


def typed(**changes: str) -> dict[str, str]:
    """Return what somebody types who signs a company up."""
    filled = {"name": "Compagnie du Radoub", "slug": unique("radoub"), "full_name": "Claire Essai"}
    return {**filled, "email": f"{unique('claire')}@example.org", "password": PASSWORD, **changes}


async def test_the_front_page_says_what_it_is_and_holds_the_form(browser: Browser) -> None:
    page = await browser.get("/")

    assert page.status_code == 200
    assert page.text.count("<h1") == 1
    assert 'action="/sign-up"' in page.text
    assert "Une semaine d'exemple" in page.text


async def test_a_company_signs_up_and_is_where_its_set_up_begins(browser: Browser) -> None:
    fields = typed()

    answer = await browser.send_form(await browser.get("/"), "/sign-up", **fields)

    assert (answer.status_code, answer.headers["location"]) == (303, f"/c/{fields['slug']}/setup")
    page = await browser.get(answer.headers["location"])
    assert page.status_code == 200
    assert "Claire Essai" in page.text
    assert f"{fields['email']} n'est pas encore confirmée" in page.text.replace("&#39;", "'")
    again = await browser.send_form(page, "/verification")
    assert "Un message est parti" in again.text
    assert f'href="/c/{fields["slug"]}/setup?step=2"' in again.text


async def test_an_address_is_made_of_the_name_where_none_is_given(browser: Browser) -> None:
    name = unique("Compagnie de l'Œil")

    answer = await browser.send_form(await browser.get("/sign-up"), "/sign-up", **typed(name=name, slug=""))

    assert answer.headers["location"].startswith("/c/compagnie-de-l-oeil-")


async def test_a_form_that_is_sent_twice_makes_one_company_and_lets_its_owner_in_both_times(
    app: FastAPI, browser: Browser
) -> None:
    fields = {**hidden_fields((await browser.get("/sign-up")).text, "/sign-up"), **typed()}
    kept = dict(browser.cookies)

    first = await browser.post("/sign-up", data=fields)
    async with open_browser(app) as late:
        late.cookies.update(kept)
        second = await late.post("/sign-up", data=fields)
        assert (await late.get(second.headers["location"])).status_code == 200

    assert first.headers["location"] == second.headers["location"]
    assert (await browser.get("/companies")).text.count("Compagnie du Radoub") == 1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": ""}, "ne peut pas rester vide"),
        ({"name": "=cmd|' /C calc'!A0"}, "un tableur l'exécuterait"),
        ({"name": "x" * 201}, "Trop long : 200 caractères au plus."),
        ({"slug": "Ça va"}, "lettres minuscules sans accent"),
        ({"slug": "admin"}, "réservée"),
        ({"email": "claire(at)example.org"}, "n'est pas valable"),
        ({"password": "court"}, "8"),
    ],
)
async def test_a_refused_form_keeps_what_was_typed_and_says_why_beside_the_field(
    browser: Browser, wrong: dict[str, str], sentence: str
) -> None:
    fields = typed(**wrong)

    answer = await browser.send_form(await browser.get("/sign-up"), "/sign-up", **fields)

    assert answer.status_code == 422
    said = answer.text.replace("&#39;", "'")
    assert sentence in said
    assert 'aria-invalid="true"' in said
    assert f'value="{fields["full_name"]}"' in said
    assert fields["password"] not in said.replace("caractères", "") or fields["password"] == "court"
    corrected = await browser.send_form(answer, "/sign-up", **typed())
    assert corrected.status_code == 303


async def test_a_taken_address_and_a_taken_mail_are_told_beside_their_fields(
    browser: Browser, company: SignedUpCompany
) -> None:
    for taken, name in ((typed(slug=company.slug), "slug"), (typed(email=company.email), "email")):
        answer = await browser.send_form(await browser.get("/sign-up"), "/sign-up", **taken)
        assert answer.status_code == 409
        field = answer.text.partition(f'id="{name}"')[2][:600]
        assert 'aria-invalid="true"' in field
        assert "déjà" in field


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "מסך עולה abc", LONG[:200]])
async def test_names_of_any_kind_are_text(browser: Browser, name: str) -> None:
    fields = typed(name=name)

    answer = await browser.send_form(await browser.get("/sign-up"), "/sign-up", **fields)

    page = await browser.get(answer.headers["location"])
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert name.replace("<", "&lt;").replace(">", "&gt;") in page.text


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"name": "", "slug": ""}, ""), ({"name": "Théâtre de l'Essai"}, "theatre-de-l-essai"),
     ({"slug": "www"}, "réservée"), ({"slug": "Ça va"}, "ca-va"), ({"slug": "<b>"}, "compagnie-b")],
)  # fmt: skip
async def test_an_address_is_checked_while_it_is_typed(browser: Browser, asked: dict[str, str], said: str) -> None:
    answer = await browser.get("/sign-up/address", params=asked)

    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "<b>" not in answer.text
    assert said in answer.text


async def test_a_taken_address_is_told_while_it_is_typed(browser: Browser, company: SignedUpCompany) -> None:
    assert "déjà prise" in (await browser.get("/sign-up/address", params={"slug": company.slug})).text


async def test_who_has_an_account_signs_a_second_company_up_by_its_name(owner: Browser) -> None:
    page = await owner.get("/sign-up")
    assert 'name="password"' not in page.text
    slug = unique("seconde")

    answer = await owner.send_form(page, "/sign-up", name="Seconde compagnie", slug=slug)

    assert answer.headers["location"] == f"/c/{slug}/setup"
    assert (await owner.get(f"/c/{slug}/setup")).status_code == 200


async def test_a_sign_up_of_another_site_is_refused(browser: Browser) -> None:
    fields = {**hidden_fields((await browser.get("/sign-up")).text, "/sign-up"), **typed()}

    assert (await browser.post("/sign-up", data=fields, headers={"Origin": "https://evil.example"})).status_code == 403
    assert (await browser.post("/sign-up", data={**fields, "csrf": "a.b"})).status_code == 403
