"""Hours, calendar, profile and findings of a person on pages: what is typed, refused, shown once, and whose it is."""

import re
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from backend.core.errors import ConflictError, Sentence
from backend.identity.accounts import Accounts
from backend.identity.models import User
from backend.notifications.preferences import KINDS
from backend.web.my_calendar import links
from backend.web.my_hours import minutes_of
from backend.web.my_profile import KINDS as WORDS_OF_KINDS
from tests.helpers import PASSWORD, SignedUpCompany
from tests.portal.conftest import House, email, house, other_house
from tests.portal.test_two_companies import mails
from tests.web.conftest import Browser, open_browser
from tests.web.test_mine import confirmed, offered, person

__all__ = ["email", "house", "mails", "other_house", "person"]

PATHS = ("/me", "/me/hours", "/me/hours/entries/new", "/me/calendar", "/me/profile", "/me/findings",
         "/me/unavailabilities")  # fmt: skip
ENTRY = {
    "kind": "annexe_10", "employer": "Théâtre de la Cité", "company_id": "", "starts_on": "2026-10-05",
    "ends_on": "2026-10-09", "hours": "7 h 30", "cachets": "2", "status": "declared",
}  # fmt: skip


async def add(owner: Browser, **changes: str) -> str:
    """Enter hours, and return the path of their page."""
    page = await owner.get("/me/hours/entries/new")
    answer = await owner.send_form(page, "/me/hours/entries/new", **{**ENTRY, **changes})
    assert (answer.status_code, answer.headers.get("location")) == (303, "/me/hours#entries"), answer.text
    found: list[str] = re.findall(r'href="(/me/hours/entries/[0-9a-f-]{36})"', (await owner.get("/me/hours")).text)
    return found[0]


async def test_hours_are_entered_corrected_counted_and_deleted(owner: Browser) -> None:
    path = await add(owner)
    page = await owner.get("/me/hours", params={"reference_date": "2026-10-31"})
    assert "31\u00a0h\u00a030" in page.text  # 7 h 30 and two cachets of 12 h
    assert '<svg class="chart"' in page.text
    assert re.findall(r">(20\d\d)</text>", page.text) == ["2025", "2026"]  # no month without its year
    assert "oct. 2026 : 31\u00a0h\u00a030" in page.text
    assert "Octobre 2026, annexe 10 (artistes)" in page.text

    form = await owner.get(path)
    changed = await owner.send_form(form, path, **{**ENTRY, "hours": "10"})
    assert changed.status_code == 303
    assert "34\u00a0h" in (await owner.get("/me/hours", params={"reference_date": "2026-10-31"})).text

    await owner.send_form(await owner.get(path), f"{path}/delete")
    assert (await owner.get(path)).status_code == 404


async def test_what_is_wrong_is_told_beside_its_field_and_what_was_typed_is_kept(owner: Browser) -> None:
    page = await owner.get("/me/hours/entries/new")
    for wrong, sentence in (
        ({"hours": "sept"}, "Écrivez des heures"),
        ({"ends_on": "2026-10-01"}, "jour"),
        ({"starts_on": "hier"}, "date"),
        ({"cachets": "deux"}, "nombre entier"),
        ({"kind": "annexe_9"}, "Valeur inconnue"),
    ):
        refused = await owner.send_form(page, "/me/hours/entries/new", **{**ENTRY, **wrong})
        assert refused.status_code == 422, wrong
        assert sentence in refused.text
        assert "Théâtre de la Cité" in refused.text
        assert 'aria-invalid="true"' in refused.text


async def test_two_tabs_on_one_entry_are_told_apart(owner: Browser) -> None:
    path = await add(owner)
    first, second = await owner.get(path), await owner.get(path)
    await owner.send_form(first, path, **{**ENTRY, "hours": "8"})

    stale = await owner.send_form(second, path, **{**ENTRY, "hours": "9"})

    assert stale.status_code == 412
    assert "Vos valeurs sont conservées ci-dessous" in stale.text
    assert 'value="9"' in stale.text
    assert "8\u00a0h" in stale.text
    assert (await owner.send_form(stale, path, **{**ENTRY, "hours": "9"})).status_code == 303


async def test_a_day_that_is_none_keeps_the_page(owner: Browser) -> None:
    for query in ({"reference_date": "hier"}, {"reference_date": "1990-01-01"}):
        page = await owner.get("/me/hours", params=query)
        assert page.status_code == 422
        assert 'id="reference_date-error"' in page.text


async def test_hours_by_hand_are_nobody_elses(app: FastAPI, owner: Browser, other_company: SignedUpCompany) -> None:
    path = await add(owner)
    async with open_browser(app) as stranger:
        await stranger.sign_in(other_company.email)
        form = await stranger.get("/me/hours/entries/new")
        csrf = re.findall(r'name="csrf" value="([^"]+)"', form.text)[0]
        answers = [
            await stranger.get(path),
            await stranger.post(path, data={**ENTRY, "csrf": csrf, "version": "1"}),
            await stranger.post(f"{path}/delete", data={"csrf": csrf, "version": "1"}),
        ]
        assert [answer.status_code for answer in answers] == [404, 404, 404]
        assert "Théâtre de la Cité" not in (await stranger.get("/me/hours")).text


@pytest.mark.parametrize(
    ("text", "minutes"), [("7", 420), ("7,5", 450), ("7.25", 435), ("7 h 30", 450), ("7h", 420), ("7:05", 425), ("", 0)]
)
def test_hours_are_read_as_people_write_them(text: str, minutes: int) -> None:
    assert minutes_of(text) == minutes


async def test_a_subscription_is_shown_once_and_read_until_it_ends(client: AsyncClient, person: Browser) -> None:
    page = await person.get("/me/calendar")
    made = await person.send_form(page, "/me/calendar", name="Téléphone")

    assert made.status_code == 200
    url = re.findall(r'id="address" readonly value="([^"]+)"', made.text)[0]
    feed = await client.get(f"/calendar/{url.rpartition('/')[2]}")
    assert "X-WR-CALNAME:Téléphone" in feed.text
    again = await person.send_form(page, "/me/calendar", name="Téléphone")
    assert (again.status_code, again.headers["location"]) == (303, "/me/calendar")
    listed = await person.get("/me/calendar")
    assert "Téléphone" in listed.text
    assert "Abonnements en cours (1)" in listed.text
    assert url not in listed.text

    action = re.findall(r'action="(/me/calendar/[0-9a-f-]{36}/end)"', listed.text)[0]
    await person.send_form(listed, action)

    assert (await client.get(f"/calendar/{url.rpartition('/')[2]}")).status_code == 404


def test_each_calendar_has_its_link() -> None:
    found = links("https://filage.example/calendar/s3cret.ics")

    assert found["device"] == "webcal://filage.example/calendar/s3cret.ics"
    assert found["google"].endswith("cid=webcal%3A%2F%2Ffilage.example%2Fcalendar%2Fs3cret.ics")
    for name, host in (("outlook", "outlook.live.com"), ("office", "outlook.office.com")):
        assert found[name].startswith(f"https://{host}/")
        assert "url=https%3A%2F%2Ffilage.example%2Fcalendar%2Fs3cret.ics" in found[name]


async def test_a_number_longer_than_any_is_refused_in_a_sentence(owner: Browser) -> None:
    page = await owner.get("/me/hours/entries/new")
    answer = await owner.send_form(page, "/me/hours/entries/new", **{**ENTRY, "cachets": "9" * 5_000})
    assert answer.status_code == 422
    assert 'class="wrong"' in answer.text


async def test_name_and_language_change_at_once(owner: Browser) -> None:
    page, second_tab = await owner.get("/me/profile"), await owner.get("/me/profile")
    await owner.send_form(page, "/me/profile/name", full_name="Camille Roux", language="en")

    found = await owner.get("/me/profile")

    assert '<html lang="en">' in found.text
    assert "Camille Roux" in found.text
    stale = await owner.send_form(second_tab, "/me/profile/name", full_name="Autre Nom", language="fr")
    assert stale.status_code == 412
    assert "in another tab" in stale.text
    assert 'value="Autre Nom"' in stale.text
    assert "Camille Roux" in (await owner.get("/me/profile")).text


async def test_what_an_act_had_written_before_it_was_refused_is_taken_back(
    owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = Accounts.change

    async def change_and_refuse(*of_it: Any) -> User:
        await change(*of_it)
        raise ConflictError("held", Sentence("Trop tard.", "Too late."))

    monkeypatch.setattr(Accounts, "change", change_and_refuse)
    page = await owner.get("/me/profile")
    refused = await owner.send_form(page, "/me/profile/name", full_name="Autre Nom", language="fr")

    assert (refused.status_code, "Trop tard." in refused.text) == (409, True)
    assert 'value="Autre Nom"' in refused.text
    assert "Autre Nom" not in (await owner.get("/me/profile")).text


async def test_a_new_password_ends_the_other_sessions(app: FastAPI, owner: Browser, company: SignedUpCompany) -> None:
    async with open_browser(app) as elsewhere:
        await elsewhere.sign_in(company.email)
        page = await owner.get("/me/profile")
        assert "Connexions ouvertes (3)" in page.text  # that of the sign-up too
        wrong = await owner.send_form(
            page, "/me/profile/password", password="une-autre-phrase", current_password="pas le bon"
        )
        assert wrong.status_code == 422
        assert "pas le bon" not in wrong.text
        done = await owner.send_form(
            wrong, "/me/profile/password", password="une-autre-phrase", current_password=PASSWORD
        )
        assert done.headers["location"] == "/me/profile?done=password"
        assert (await elsewhere.get("/me")).status_code == 303
        assert (await owner.get("/me")).status_code == 200


async def test_a_session_is_ended_from_another_browser(app: FastAPI, owner: Browser, company: SignedUpCompany) -> None:
    async with open_browser(app) as elsewhere:
        await elsewhere.sign_in(company.email)
        page = await elsewhere.get("/me/profile")
        for action in re.findall(r'action="(/me/profile/sessions/[0-9a-f-]{36}/end)"', page.text)[1:]:
            await elsewhere.send_form(page, action)
        assert (await owner.get("/me")).status_code == 303
        assert (await elsewhere.get("/me")).status_code == 200


async def test_a_new_address_needs_the_password_and_is_to_be_confirmed(owner: Browser) -> None:
    page = await owner.get("/me/profile")
    typed = {"email": "nouvelle@example.org", "current_password": "faux"}
    refused = await owner.send_form(page, "/me/profile/address", **typed)
    assert refused.status_code == 422
    assert "nouvelle@example.org" in refused.text
    await owner.send_form(refused, "/me/profile/address", email="x@y", current_password=PASSWORD)
    mine = f"camille.{re.findall(r'owner-(.*?)@', page.text)[0]}@example.org"
    await owner.send_form(await owner.get("/me/profile"), "/me/profile/address", email=mine, current_password=PASSWORD)
    after = await owner.get("/me/profile")
    assert mine in after.text
    assert "à confirmer par le lien reçu" in after.text


async def test_messages_are_chosen_by_kind(app: FastAPI, owner: Browser) -> None:
    page, second_tab = await owner.get("/me/profile"), await owner.get("/me/profile")
    assert len(re.findall(r'name="wanted" value="\w+" checked', page.text)) == len(KINDS)
    chosen = await owner.send_form(page, "/me/profile/messages", wanted="cancelled")
    assert chosen.headers["location"] == "/me/profile?done=messages#messages"
    after = await owner.get("/me/profile?done=messages")
    assert "Choix de messages enregistré." in after.text
    assert re.findall(r'name="wanted" value="(\w+)" checked', after.text) == ["cancelled"]

    stale = await owner.send_form(second_tab, "/me/profile/messages", wanted="eve")

    assert stale.status_code == 412
    assert re.findall(r'name="wanted" value="(\w+)" checked', stale.text) == ["eve"]
    assert re.findall(r'value="(\w+)" checked', (await owner.get("/me/profile")).text) == ["cancelled"]


def test_every_kind_of_message_has_words() -> None:
    assert set(KINDS) <= set(WORDS_OF_KINDS)


async def test_nothing_declared_is_no_hours_rather_than_no_minutes(owner: Browser) -> None:
    page = (await owner.get("/me/hours")).text.replace("\u00a0", " ")

    assert "<dt>Déjà déclaré</dt><dd><strong>0 h</strong>" in page


async def test_findings_over_all_employers_stand_on_a_page(
    client: AsyncClient, person: Browser, house: House, other_house: House
) -> None:
    assert "Rien à signaler" in (await person.get("/me/findings")).text
    await confirmed(client, house, hours=5)
    await confirmed(client, other_house, at=6, hours=5.5)

    page = await person.get("/me/findings")

    assert "10 h 30 de travail" in page.text.replace("\u00a0", " ")
    assert "legifrance.gouv.fr" in page.text


async def test_nothing_on_these_pages_runs_or_is_drawn_from_inside_them(
    client: AsyncClient, person: Browser, house: House
) -> None:
    option = await offered(client, house)
    for path in (*PATHS, f"/me/assignments/{option}"):
        page = await person.get(path)
        assert page.status_code == 200
        assert not re.findall(r"""\s(?:style|on[a-z]+)=["']|<script>|<style""", page.text), path
        assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_nobody_reads_these_pages_without_signing_in(browser: Browser) -> None:
    for path in PATHS:
        answer = await browser.get(path)
        assert answer.headers["location"].startswith("/sign-in?next=%2Fme"), path


@pytest.mark.postgresql
async def test_a_password_changed_by_a_double_press_is_changed_once(owner: Browser) -> None:
    page = await owner.get("/me/profile")
    typed = {"password": "une-autre-phrase", "current_password": PASSWORD}

    first = await owner.send_form(page, "/me/profile/password", **typed)
    second = await owner.send_form(page, "/me/profile/password", **typed)

    assert first.headers["location"] == second.headers["location"] == "/me/profile?done=password"


async def test_hours_deleted_in_another_tab_are_shown_to_be_copied(owner: Browser) -> None:
    path = await add(owner)
    form = await owner.get(path)
    await owner.send_form(form, f"{path}/delete")
    refused = await owner.send_form(await owner.get("/me/hours/entries/new"), "/me/hours/entries/new", hours="x")
    csrf = re.findall(r'name="csrf" value="([^"]+)"', refused.text)[0]
    refused = await owner.post(path, data={**ENTRY, "employer": "Mot à garder", "csrf": csrf, "version": "1"})
    assert refused.status_code == 404
    assert "<dd>Mot à garder</dd>" in refused.text


async def test_hours_are_asked_for_and_limited_in_hours(owner: Browser) -> None:
    form = await owner.get("/me/hours/entries/new")
    for typed, said in (
        ({"hours": "9999"}, "Au plus 8784 heures."),
        ({"hours": "", "cachets": ""}, "la durée travaillée"),
    ):
        refused = await owner.send_form(form, "/me/hours/entries/new", **{**ENTRY, **typed})
        assert refused.status_code == 422
        assert said in refused.text


async def test_official_values_are_written_in_words(owner: Browser) -> None:
    page = await owner.get("/me/hours")
    for said in ("507 heures", "50 ans", "30 jours", "28 cachets"):
        assert f"<dd>{said}," in page.text
    await owner.send_form(page, "/language", language="en")
    english = await owner.get("/me/hours")
    assert "<dd>507 hours," in english.text
    assert "conditions non lues" not in english.text


async def test_a_name_too_long_is_refused_by_its_words(owner: Browser) -> None:
    form = await owner.get("/me/profile")
    refused = await owner.send_form(form, "/me/profile/name", full_name="x" * 1001)
    assert refused.status_code == 422
    assert "Prénom et nom : Trop long : 1000 caractères au plus." in refused.text
