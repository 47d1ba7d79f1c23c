"""An intermittent's telephone: answers in two taps, subscribes, reads without network; nobody after them reads it."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from httpx import AsyncClient
from playwright.async_api import Page, expect

from tests.availability.test_importing import at, calendar, event
from tests.browser.conftest import DESK, PHONE, Picture, Windows, sign_in, violations
from tests.helpers import PASSWORD, SignedUpCompany
from tests.portal.conftest import House, act, assign, call, email, house, other_house
from tests.portal.test_two_companies import Mails, link_both, mails
from tests.web.test_mine import confirmed, moved, offered, status

__all__ = ["email", "house", "mails", "other_house"]

PAGES = (
    "/me",
    "/me/hours",
    "/me/hours/entries/new",
    "/me/calendar",
    "/me/profile",
    "/me/findings",
    "/me/unavailabilities",
)
EVERYTHING_KEPT = """async () => {
  const kept = [document.documentElement.outerHTML, JSON.stringify(sessionStorage), JSON.stringify(localStorage)];
  for (const name of await caches.keys()) {
    kept.push(name);
    for (const request of await (await caches.open(name)).keys())
      kept.push(request.url, await (await caches.match(request)).text());
  }
  return kept.join("\\n");
}"""


@pytest.fixture
async def linked(client: AsyncClient, house: House, other_house: House, mails: Mails) -> House:
    """The person of both houses has an account; returns the first house."""
    await link_both(client, house, other_house, mails)
    return house


async def kept(page: Page) -> int:
    """Count the pages that the worker has kept (`wait_for_function` takes any promise as a yes)."""
    count: int = await page.evaluate(
        "async () => (await Promise.all((await caches.keys()).map(async name =>"
        " (await (await caches.open(name)).keys()).length))).reduce((sum, one) => sum + one, 0)"
    )
    return count


async def kept_by_worker(page: Page) -> None:
    """Wait until the worker looks after the page and has kept the planning."""
    await page.evaluate("() => navigator.serviceWorker.ready")
    await page.reload()
    while not await kept(page):
        await page.wait_for_timeout(50)


async def kept_no_more(page: Page) -> None:
    """Wait until nothing is kept; the test's own time-out says that it stays."""
    while await kept(page) or await page.evaluate("async () => (await caches.keys()).length"):
        await page.wait_for_timeout(50)


async def left_to_the_worker(page: Page) -> None:
    """Take the script of the sign-in page away, which would empty the caches too."""
    await page.context.route("**/js/forget.js*", lambda route: route.fulfill(body="", content_type="text/javascript"))


async def test_somebody_invited_answers_and_subscribes_on_their_telephone(
    client: AsyncClient, phone: Page, house: House, email: str, mails: Mails
) -> None:
    option = await offered(client, house)
    body = {"email": email, "role": "intermittent", "person_id": house.person["id"]}
    invited = await client.post("/api/v1/invitations", json=body, headers=house.headers)
    await phone.goto(urlsplit(invited.json()["accept_url"])._replace(scheme="", netloc="").geturl())
    await phone.get_by_label("Vos prénom et nom").fill("Raymond Marie")
    await phone.get_by_label("Choisissez un mot de passe").fill(PASSWORD)
    await phone.get_by_role("button", name="Accepter l'invitation").tap()
    await phone.wait_for_url("**/me")  # signed in, where the work begins
    await phone.get_by_role("button", name=re.compile("^Accepter : ")).tap()
    await phone.wait_for_url("**/me?accepted=*")
    assert (await status(client, house, option))["status"] == "accepted"
    await phone.get_by_role("link", name="Recevoir ces dates dans mon agenda").tap()
    await phone.get_by_role("button", name="S'abonner").tap()

    await expect(phone.get_by_role("link", name="Google Agenda")).to_have_attribute("href", re.compile("webcal%3A"))


async def test_an_option_is_accepted_by_one_tap_and_taken_back_by_another(
    client: AsyncClient, phone: Page, linked: House, email: str
) -> None:
    option = await offered(client, linked)
    await sign_in(phone, email)
    await phone.get_by_role("button", name=re.compile(r"^Accepter : lun\. 3 mars 2031 10.*Compagnie du Lever$")).tap()
    await phone.wait_for_url("**/me?accepted=*")
    assert (await status(client, linked, option))["status"] == "accepted"

    await phone.get_by_role("button", name="Annuler cette réponse").tap()
    await phone.wait_for_url("**/me")

    assert (await status(client, linked, option))["status"] == "option"


async def test_the_offer_to_take_an_answer_back_leaves_after_ten_seconds(
    client: AsyncClient, windows: Windows, linked: House, email: str
) -> None:
    await offered(client, linked)
    page = await windows.open(PHONE)
    await page.clock.install()
    await sign_in(page, email)
    await page.get_by_role("button", name=re.compile("^Accepter : ")).tap()
    await expect(page.get_by_role("button", name="Annuler cette réponse")).to_be_visible()

    await page.clock.fast_forward(10_500)

    await expect(page.get_by_role("button", name="Annuler cette réponse")).to_have_count(0)
    await expect(page.get_by_text("Accepté :")).to_be_visible()


async def test_what_would_pass_a_maximum_takes_two_taps(
    client: AsyncClient, phone: Page, linked: House, other_house: House, email: str, picture: Picture
) -> None:
    await confirmed(client, other_house, hours=6)
    option = await offered(client, linked, at=6.5, hours=5)
    await sign_in(phone, email)

    await phone.get_by_role("button", name=re.compile("^Accepter : ")).tap()
    await expect(phone.get_by_role("heading", name="Ce que dit la loi, tous employeurs réunis")).to_be_visible()
    await picture(phone, "my-option")
    assert await violations(phone) == []
    await phone.get_by_role("button", name="Confirmer : j'accepte cette date").tap()
    await phone.wait_for_url("**/me?accepted=*")

    found = await status(client, linked, option)
    assert (found["status"], found["declaration"]) == ("accepted", "with_warning")


async def test_two_quick_taps_are_one_answer(client: AsyncClient, phone: Page, linked: House, email: str) -> None:
    option = await offered(client, linked)
    await sign_in(phone, email)

    await phone.get_by_role("button", name=re.compile("^Accepter : ")).dblclick()
    await phone.wait_for_url("**/me?accepted=*")

    await expect(phone.get_by_text("Accepté :")).to_be_visible()
    events = (await client.get("/api/v1/audit-events", params={"limit": 200}, headers=linked.headers)).json()["items"]
    assert [event["what"] for event in events if event["subject_id"] == option].count("assignment.accepted") == 1


async def test_who_was_slower_reads_why(client: AsyncClient, phone: Page, linked: House, email: str) -> None:
    option = await offered(client, linked)
    await sign_in(phone, email)
    await act(client, linked, option, "release")

    await phone.get_by_role("button", name=re.compile("^Accepter : ")).tap()

    await expect(phone.get_by_role("alert").filter(has_text="n'attend plus de réponse")).to_be_visible()


async def test_a_month_is_pressed_without_scripts(windows: Windows, linked: House, email: str) -> None:
    page = await windows.open(PHONE, scripts=False)
    await sign_in(page, email, path="/sign-in?next=/me/unavailabilities")
    await page.get_by_role("link", name="Mois suivant").click()
    free = page.get_by_role("button", name="Me rendre indisponible ce jour")
    name = await free.nth(9).get_attribute("aria-label") or ""
    await free.nth(9).click()
    await expect(page.get_by_text(f"C'est noté : {name.partition(' : ')[0]}")).to_be_visible()
    await page.get_by_label("Se répète").select_option("weekly")
    until = page.get_by_label("Jusqu'au")
    await expect(until).to_be_visible()
    await page.get_by_role("button", name="Libérer ce jour").click()

    await expect(page.get_by_text("Supprimée :")).to_be_visible()
    await expect(page.get_by_role("heading", name="Ce que vous avez dit (0)")).to_be_visible()


async def test_a_calendar_is_taken_on_the_telephone_and_what_is_refused_is_seen_at_once(
    windows: Windows, linked: House, email: str
) -> None:
    page = await windows.open(PHONE)
    await sign_in(page, email, path="/sign-in?next=/me/unavailabilities")
    field, send = page.get_by_label("Fichier .ics"), page.get_by_role("button", name="Importer cet agenda")
    await field.set_input_files({"name": "a.ics", "mimeType": "text/calendar", "buffer": b"x" * 1_000_001})
    assert "1 Mo" in await field.evaluate("input => input.validationMessage")
    await field.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"\x89PNG"})
    await send.tap()
    refusal = page.get_by_role("alert").filter(has_text="n'est pas un calendrier iCalendar lisible")
    await expect(refusal).to_be_in_viewport()
    day = f"{datetime.now(UTC) + timedelta(days=40):%Y%m%d}"
    taken = calendar(event("a", *at(day)), event("b", *at(day), "TRANSP:TRANSPARENT"))
    await field.set_input_files({"name": "a.ics", "mimeType": "text/calendar", "buffer": taken})
    await send.tap()

    await expect(page.get_by_text("Agenda importé. Ajoutés : 1")).to_be_visible()
    await expect(page.get_by_text("1 × marqué « disponible » dans l'agenda")).to_be_visible()
    assert await violations(page) == []


async def test_an_answer_without_network_stays_on_the_page_with_what_was_typed(
    client: AsyncClient, windows: Windows, linked: House, email: str
) -> None:
    option = await offered(client, linked)
    page = await windows.open(PHONE)
    await sign_in(page, email)
    await page.goto(f"/me/assignments/{option}#decline")
    await page.get_by_label("Pourquoi ?").fill("Déjà pris ailleurs.")
    await page.context.set_offline(True)
    await page.get_by_role("button", name="Décliner cette date").tap()

    await expect(page.get_by_role("alert").filter(has_text="Pas de réseau : rien n'est parti.")).to_be_visible()
    await expect(page.get_by_label("Pourquoi ?")).to_have_value("Déjà pris ailleurs.")
    assert (await status(client, linked, option))["status"] == "option"
    await page.context.set_offline(False)
    await page.get_by_role("button", name="Décliner cette date").tap()
    await page.wait_for_url("**/me?declined=*")
    assert (await status(client, linked, option))["reason"] == "Déjà pris ailleurs."


async def test_an_answer_lost_on_the_way_is_kept_by_the_worker_and_sent_again_once(
    client: AsyncClient, windows: Windows, linked: House, email: str
) -> None:
    """The device believes that it has a network: what was typed leaves the page, and comes back to be sent again."""
    option = await offered(client, linked)
    page = await windows.open(PHONE)
    await page.add_init_script("Object.defineProperty(Navigator.prototype, 'onLine', { get: () => true })")
    await sign_in(page, email)
    await kept_by_worker(page)
    await page.goto(f"/me/assignments/{option}")
    await page.get_by_label("Pourquoi ?").fill("<b>Déjà</b> pris ailleurs.")
    await page.context.set_offline(True)
    await page.get_by_role("button", name="Décliner cette date").tap()
    await expect(page.get_by_role("heading", name="Pas de réseau : rien n'est parti")).to_be_visible()
    await expect(page.get_by_text("<b>Déjà</b> pris ailleurs.")).to_be_visible()
    await page.context.set_offline(False)

    await page.get_by_role("button", name="Envoyer de nouveau").tap()
    await page.wait_for_url("**/me?declined=*")

    assert (await status(client, linked, option))["reason"] == "<b>Déjà</b> pris ailleurs."
    windows.wrong.clear()


async def test_a_session_that_ends_in_mid_form_keeps_what_was_typed(
    client: AsyncClient, phone: Page, linked: House, email: str
) -> None:
    option = await offered(client, linked)
    await sign_in(phone, email)
    await phone.goto(f"/me/assignments/{option}")
    await phone.get_by_label("Pourquoi ?").fill("Déjà pris ailleurs.")
    await phone.context.clear_cookies()
    await phone.get_by_role("button", name="Décliner cette date").tap()
    await phone.locator("#email").fill(email)
    await phone.locator("#password").fill(PASSWORD)
    await phone.locator("main form button[type=submit]").first.tap()
    await expect(phone.get_by_text("Déjà pris ailleurs.")).to_be_visible()
    await phone.get_by_role("button", name="Envoyer cette saisie").tap()
    await phone.wait_for_url("**/me?declined=*")

    assert (await status(client, linked, option))["reason"] == "Déjà pris ailleurs."


async def test_a_date_that_moved_meanwhile_is_shown_old_and_new_before_it_is_answered(
    client: AsyncClient, phone: Page, linked: House, email: str, picture: Picture
) -> None:
    option = await offered(client, linked)
    await sign_in(phone, email)
    await moved(client, linked, option, starts_at="2031-03-03T12:00:00+01:00", ends_at="2031-03-03T16:00:00+01:00")
    await phone.get_by_role("button", name=re.compile("^Accepter : ")).tap()

    await expect(phone.get_by_role("alert").filter(has_text="a changé cette date")).to_be_visible()
    await expect(phone.get_by_text(re.compile(r"Déplacé\s:.*10\sh–14\sh.*12\sh–16\sh"))).to_be_visible()
    assert await violations(phone) == []
    await picture(phone, "my-moved")
    await phone.get_by_role("button", name="Accepter cette date").tap()
    await phone.wait_for_url("**/me?accepted=*")


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York"])
async def test_a_device_on_another_clock_is_told_whose_hours_these_are(
    windows: Windows, linked: House, email: str, zone: str
) -> None:
    page = await windows.open(PHONE, zone=zone)
    await sign_in(page, email)

    told = page.get_by_text("Votre appareil n'est pas à l'heure de Paris.")
    await expect(told).to_be_visible(visible=zone != "Europe/Paris")


async def test_without_scripts_one_signs_in_reads_accepts_and_declines(
    client: AsyncClient, windows: Windows, linked: House, email: str
) -> None:
    first, second = await offered(client, linked), await offered(client, linked, day=1)
    page = await windows.open(PHONE, scripts=False)
    await sign_in(page, email)
    assert await page.get_by_text("Théâtre du Quai, Nantes").count() == 2

    await page.get_by_role("button", name=re.compile("^Accepter : lun. 3 mars 2031")).click()
    await page.wait_for_url("**/me?accepted=*")
    await page.get_by_role("link", name=re.compile("^Décliner : mar. 4 mars 2031")).click()
    await page.get_by_label("Pourquoi ?").fill("Déjà pris ailleurs.")
    await page.get_by_role("button", name="Décliner cette date").click()
    await page.wait_for_url("**/me?declined=*")

    assert (await status(client, linked, first))["status"] == "accepted"
    assert (await status(client, linked, second))["reason"] == "Déjà pris ailleurs."


async def test_a_calendar_is_subscribed_to_by_one_tap(
    client: AsyncClient, phone: Page, linked: House, email: str, picture: Picture
) -> None:
    await sign_in(phone, email)
    await phone.get_by_role("link", name="Agenda", exact=True).tap()
    await phone.get_by_role("button", name="S'abonner").tap()
    device = phone.get_by_role("link", name="Apple (iPhone, iPad, Mac)")
    await expect(device).to_be_visible()
    href = await device.get_attribute("href") or ""
    await picture(phone, "my-calendar")
    assert await violations(phone) == []

    assert href.startswith("webcal://127.0.0.1")
    feed = await client.get(f"/calendar/{href.rpartition('/')[2]}")
    assert feed.text.startswith("BEGIN:VCALENDAR")
    await phone.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await phone.get_by_role("button", name="Copier").tap()
    await expect(phone.get_by_role("button", name="Adresse copiée")).to_be_visible()
    assert href.partition("://")[2] in await phone.evaluate("() => navigator.clipboard.readText()")


async def test_the_last_planning_is_read_without_network(
    client: AsyncClient, windows: Windows, linked: House, email: str, picture: Picture
) -> None:
    await confirmed(client, linked)
    await offered(client, linked, day=1)
    page = await windows.open(PHONE)
    await sign_in(page, email)
    await kept_by_worker(page)

    await page.context.set_offline(True)
    for path in ("/me", "/me/hours"):
        await page.goto(path)
        await expect(page.get_by_text(re.compile(r"^Pas de réseau\. Planning du .* à \d+\sh"))).to_be_visible()
        await expect(page.get_by_text("Théâtre du Quai, Nantes")).to_have_count(2)
        assert await page.locator("main button:visible").count() == 0
    await picture(page, "my-offline")
    await page.context.set_offline(False)
    await page.goto("/me")

    await expect(page.get_by_text("Pas de réseau.")).to_be_hidden()
    windows.wrong.clear()  # Chromium complains of each resource that it could not fetch


async def test_nothing_of_a_person_is_left_after_they_sign_out(
    client: AsyncClient, windows: Windows, linked: House, email: str
) -> None:
    await confirmed(client, linked)
    secrets = (linked.company.name, "La Mouette", "Théâtre du Quai", "Raymond Marie")
    page = await windows.open(PHONE)
    await sign_in(page, email)
    await kept_by_worker(page)
    before = await page.evaluate(EVERYTHING_KEPT)
    assert [secret for secret in secrets if secret not in before] == []

    await page.get_by_role("button", name="Compte").tap()
    await page.get_by_role("button", name="Se déconnecter").tap()
    await page.wait_for_url("**/sign-in")
    await kept_no_more(page)
    left = [await page.evaluate(EVERYTHING_KEPT)]
    await page.go_back()
    await page.wait_for_load_state()
    left.append(await page.evaluate(EVERYTHING_KEPT))
    await page.context.set_offline(True)
    for path in ("/me", "/me/hours"):
        with pytest.raises(Exception, match="ERR_INTERNET_DISCONNECTED"):
            await page.goto(path)

    assert not [secret for secret in secrets for text in left if secret in text]
    windows.wrong.clear()


@pytest.mark.timeout(60)
async def test_a_session_that_ended_elsewhere_empties_the_telephone_too(
    client: AsyncClient, windows: Windows, linked: House, email: str
) -> None:
    await confirmed(client, linked)
    page = await windows.open(PHONE)
    await sign_in(page, email)
    await kept_by_worker(page)
    await left_to_the_worker(page)
    await page.context.clear_cookies()

    await page.goto("/me")
    await page.wait_for_url("**/sign-in?next=*")

    await kept_no_more(page)


@pytest.mark.timeout(60)
async def test_two_people_in_two_windows_and_then_in_one_never_meet(
    client: AsyncClient, windows: Windows, linked: House, email: str, other_company: SignedUpCompany
) -> None:
    """The look-alike: another company of the same name, with a person of its own."""
    await confirmed(client, linked)
    first, second = await windows.open(PHONE), await windows.open(PHONE)
    await sign_in(first, email)
    await kept_by_worker(first)
    await sign_in(second, other_company.email, path="/sign-in?next=/me")
    await second.wait_for_url("**/me")
    await kept_by_worker(second)
    assert "La Mouette" not in await second.evaluate(EVERYTHING_KEPT)
    assert "La Mouette" in await first.evaluate(EVERYTHING_KEPT)

    # Without signing out: the cookie goes, and somebody else signs in on the same telephone.
    await left_to_the_worker(first)
    await first.context.clear_cookies()
    await sign_in(first, other_company.email, path="/sign-in?next=/me")
    await first.wait_for_url("**/me")
    await kept_by_worker(first)

    # The test's own time-out says that it stays.
    while "La Mouette" in await first.evaluate(EVERYTHING_KEPT):
        await first.wait_for_timeout(50)


@pytest.mark.parametrize("clock", ["2026-11-22T12:00:00Z", "2027-07-01T12:00:00Z"])
@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Indian/Reunion"])
async def test_an_hour_is_that_of_the_place_whatever_the_clock_and_the_zone_of_the_reader(
    client: AsyncClient, windows: Windows, linked: House, email: str, clock: str, zone: str
) -> None:
    for starts, ends in (
        ("2031-10-24T17:30:00+02:00", "2031-10-24T23:00:00+02:00"),
        ("2032-03-28T17:30:00+02:00", "2032-03-28T23:00:00+02:00"),
    ):
        made = await call(client, linked, starts, ends)
        assignment = await assign(client, linked, made["id"])
        assert (await act(client, linked, assignment, "confirm")).status_code == 200
    page = await windows.open(PHONE, zone=zone)
    await page.clock.install(time=clock)
    await sign_in(page, email)

    dates = [text.replace("\u00a0", " ") for text in await page.locator(".dates h4").all_inner_texts()]

    assert dates == ["ven. 24 oct. 2031 17 h 30–23 h", "dim. 28 mars 2032 17 h 30–23 h"]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [PHONE, DESK])
async def test_everybody_can_read_every_page(
    client: AsyncClient, windows: Windows, linked: House, other_house: House, email: str, size: tuple[int, int],
    dark: bool, picture: Picture,
) -> None:  # fmt: skip
    option = await offered(client, linked)
    await confirmed(client, other_house, day=1)
    page = await windows.open(size, dark=dark)
    await sign_in(page, email)
    found = {}
    for path in (*PAGES, f"/me/assignments/{option}"):
        await page.goto(path)
        found[path] = await violations(page)
        assert await page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"), path
        assert await page.locator("h1").count() == 1
        await picture(page, f"{path.strip('/').split('/0')[0].replace('/', '-')}-{size[0]}{'-dark' if dark else ''}")

    assert found == {path: [] for path in found}


async def test_every_page_speaks_english(windows: Windows, company: SignedUpCompany) -> None:
    page = await windows.open(PHONE, language="en-GB")
    await sign_in(page, company.email, path="/sign-in?next=/me/profile")
    await page.get_by_label("Langue des pages et des messages").select_option("en")
    await page.get_by_role("button", name="Enregistrer nom et langue").tap()
    await expect(page.get_by_role("heading", name="My profile")).to_be_visible()
    for path in PAGES:
        await page.goto(path)
        assert await page.locator("html").get_attribute("lang") == "en"
        assert await violations(page) == []


@pytest.mark.parametrize("size", [(320, 640), PHONE])
async def test_long_names_and_a_narrow_screen_lose_nothing(
    client: AsyncClient, windows: Windows, linked: House, email: str, size: tuple[int, int]
) -> None:
    title = "\u05de\u05d7\u05d6\u05d4 <script>alert(1)</script> " + "Tartuffe" * 20
    answer = await client.post(
        "/api/v1/productions", json={"title": title[:200], "kind": "creation"}, headers=linked.headers
    )
    production: dict[str, Any] = answer.json()
    await offered(client, House(linked.company, linked.person, production, linked.venue))
    page = await windows.open(size)
    await sign_in(page, email)

    assert await page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    await expect(page.get_by_role("button", name=re.compile("^Accepter : "))).to_be_visible()


async def test_the_planning_weighs_little(client: AsyncClient, windows: Windows, linked: House, email: str) -> None:
    """The whole page, cold: web pages of a telephone are paid by the kilobyte."""
    for day in range(25):
        await confirmed(client, linked, day=day, hours=2)
    page = await windows.open(PHONE)
    await sign_in(page, email)
    fresh = await windows.open(PHONE)
    await fresh.context.add_cookies(await page.context.cookies())  # type: ignore[arg-type]  # what Playwright gave
    await fresh.goto("/me", wait_until="networkidle")

    sizes: dict[str, int] = json.loads(
        await fresh.evaluate(
            "() => JSON.stringify(Object.fromEntries(['navigation', 'resource'].flatMap(kind =>"
            " performance.getEntriesByType(kind)).map(one => [new URL(one.name).pathname, one.transferSize])))"
        )
    )

    assert sizes["/me"] <= 8 * 1024
    assert sum(sizes.values()) <= 70 * 1024, sizes


async def test_the_planning_can_be_installed(phone: Page, linked: House, email: str) -> None:
    await sign_in(phone, email)
    session = await phone.context.new_cdp_session(phone)

    found = await session.send("Page.getAppManifest")
    missing = await session.send("Page.getInstallabilityErrors")

    assert found["errors"] == []
    assert "mine.webmanifest" in found["url"]
    assert [one["errorId"] for one in missing["installabilityErrors"]] in ([], ["in-incognito"])
