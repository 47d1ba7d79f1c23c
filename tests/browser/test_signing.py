"""Signing in and out in a real browser: its cookies, its policy, at both widths, in both languages."""

import pytest

from tests.browser.conftest import DESK, PHONE, Windows, sign_in, violations
from tests.helpers import SignedUpCompany


@pytest.mark.parametrize("scripts", [True, False])
async def test_somebody_signs_in_and_out(windows: Windows, company: SignedUpCompany, scripts: bool) -> None:
    page = await windows.open(PHONE, scripts=scripts)
    await sign_in(page, company.email, path="/sign-in?next=/companies")

    assert await page.get_by_role("link", name=company.name).count() == 1
    names = {cookie["name"] for cookie in await page.context.cookies()}
    assert "__Host-filage" in names

    await page.get_by_role("button", name="Compte").click()
    await page.get_by_role("button", name="Se déconnecter").click()
    await page.wait_for_url("**/sign-in")
    assert "__Host-filage" not in {cookie["name"] for cookie in await page.context.cookies()}


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [PHONE, DESK])
async def test_signing_in_can_be_read_by_everybody(windows: Windows, size: tuple[int, int], dark: bool) -> None:
    for language, words in (("fr-FR", "Connexion"), ("en-GB", "Sign in")):
        page = await windows.open(size, dark=dark, language=language)
        await page.goto("/sign-in")
        assert await page.get_by_role("heading", level=1).inner_text() == words
        assert await violations(page) == []


async def test_what_the_policy_refuses_is_noticed(windows: Windows) -> None:
    page = await windows.open()
    await page.goto("/sign-in")

    async with page.expect_console_message():
        await page.evaluate("() => document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">red</p>')")

    assert len(windows.wrong) == 1
    assert "Content Security Policy" in windows.wrong.pop()
