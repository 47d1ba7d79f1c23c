"""A company in a real browser: it signs up, imports its season, keeps its people; an admin changes a role."""

from importlib.resources import files
from pathlib import Path

import pytest
from httpx import AsyncClient
from playwright.async_api import Page

from tests.browser.conftest import DESK, PHONE, Picture, Windows, sign_in, violations
from tests.helpers import PASSWORD, SignedUpCompany, accept, create, unique

SEASON = Path(str(files("backend"))) / "demo" / "season"
SIZES = {"phone": PHONE, "desk": DESK}
DROP = """([zone, files]) => {
    const carried = new DataTransfer();
    for (const [name, text] of files) carried.items.add(new File([text], name, {type: "text/csv"}));
    const said = {dataTransfer: carried, bubbles: true, cancelable: true};
    for (const kind of ["dragenter", "dragover", "drop"])
        document.querySelector(zone).dispatchEvent(new DragEvent(kind, said));
}"""


def season(name: str = "theatre-du-pont") -> list[Path]:
    """Return the files of one folder of the season."""
    return sorted((SEASON / name).glob("*.csv"))


async def sign_up(page: Page, name: str) -> str:
    """Sign a company up by the form on the front page, and return its slug."""
    await page.goto("/")
    slug = unique("compagnie")
    await page.get_by_label("Nom de la compagnie").fill(name)
    await page.locator("#slug").fill(slug)
    await page.get_by_label("Vos prénom et nom").fill("Claire Essai")
    await page.get_by_label("Adresse e-mail").fill(f"{slug}@example.org")
    await page.get_by_label("Mot de passe").fill(PASSWORD)
    await page.get_by_role("button", name="Créer l'espace de la compagnie").click()
    await page.wait_for_url(f"**/c/{slug}/setup")
    return slug


BESIDE = """() => ["dragover", "drop"].map((kind) => {
  const carried = new DataTransfer();
  carried.items.add(new File(["x"], "people.csv"));
  const event = new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: carried });
  return document.querySelector("h1").dispatchEvent(event);
})"""


@pytest.mark.parametrize("size", SIZES)
async def test_a_company_signs_up_imports_its_season_and_sees_its_week(
    windows: Windows, size: str, picture: Picture
) -> None:
    page = await windows.open(SIZES[size])
    slug = await sign_up(page, "Théâtre des Essais")
    assert await violations(page) == []

    await page.set_input_files("#files", season("bad/07-unknown-job"))
    await page.get_by_text("astronaute").first.wait_for()
    assert await page.evaluate("document.activeElement.id") == "verdict"
    assert await page.get_by_role("button", name="Importer la saison").count() == 0
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Télécharger ces points").click()
    table = (await (await downloading.value).path()).read_text(encoding="utf-8-sig")
    assert "positions.csv,2,job," in table
    await picture(page, f"import-errors-{size}")
    assert await violations(page) == []
    for number in range(await page.locator("input[name^='fix:']").count()):
        await page.locator("input[name^='fix:']").nth(number).fill("machiniste")
    await page.get_by_role("button", name="Essayer avec ces corrections").click()
    await page.get_by_role("button", name="Importer la saison").wait_for()
    assert "1 cellule corrigée sur cette page" in await page.inner_text("#report")
    await picture(page, f"import-corrected-{size}")

    dropped = [(path.name, path.read_text(encoding="utf-8")) for path in season()]
    await page.evaluate(DROP, ["#drop", dropped])
    await page.get_by_role("button", name="Importer la saison").wait_for()
    await picture(page, f"import-tried-{size}")
    assert await violations(page) == []
    await page.get_by_role("button", name="Importer la saison").click()

    await page.wait_for_url(f"**/c/{slug}/setup?step=3")
    assert "11 oct. 2026" in await page.inner_text("main")
    week = page.get_by_role("link", name="Voir cette semaine")
    assert await week.get_attribute("href") == f"/c/{slug}?from=2026-10-11"
    await picture(page, f"imported-{size}")
    assert await violations(page) == []
    await page.get_by_role("link", name="Voir l'équipe").click()
    assert await page.locator("tbody tr").count() == 14
    await page.goto(f"/c/{slug}/productions")
    await page.locator("tbody a").first.click()
    await page.get_by_role("heading", name="Convocations").wait_for()
    assert await page.locator("tbody tr").count() > 0


async def test_the_front_page_weighs_little(windows: Windows) -> None:
    page = await windows.open(PHONE)
    await page.goto("/", wait_until="networkidle")
    weights = await page.evaluate(
        "performance.getEntries().filter(e => e.transferSize).map(e => [e.name, e.transferSize])"
    )
    assert sum(size for _, size in weights) <= 50 * 1024, weights


async def test_the_address_is_checked_while_it_is_typed(
    windows: Windows, company: SignedUpCompany, picture: Picture
) -> None:
    page = await windows.open(DESK)
    await page.goto("/")
    await page.get_by_label("Nom de la compagnie").fill("Cie de l'Œil neuf")
    await page.get_by_text("cie-de-l-oeil-neuf").wait_for()
    await page.locator("#slug").fill(company.slug)
    await page.get_by_text("déjà prise").wait_for()
    assert await page.locator("#slug").get_attribute("aria-invalid") == "true"
    assert await violations(page) == []
    await page.locator("#slug").fill(unique("libre"))
    await page.get_by_text("Cette adresse est libre.").wait_for()
    assert await page.locator("#slug").get_attribute("aria-invalid") is None
    await picture(page, "address-checked")


async def test_a_company_signs_up_and_imports_by_keys_alone(windows: Windows) -> None:
    page = await windows.open(DESK)
    await page.goto("/sign-up")
    slug = unique("clavier")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    for typed in ("Théâtre du clavier", slug, "Claire Essai", f"{slug}@example.org", PASSWORD):
        await page.keyboard.press("Tab")
        await page.keyboard.type(typed)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/c/{slug}/setup")
    await page.locator("#files").focus()
    async with page.expect_file_chooser() as chosen:
        # An answer of the page says that it has heard of the expectation: a chooser that opens before is not told of.
        assert await page.evaluate("document.activeElement.id") == "files"
        await page.keyboard.press("Enter")
    await (await chosen.value).set_files(season("bad/00-valid"))
    await page.get_by_role("button", name="Importer la saison").wait_for()
    for _ in range(10):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == "store":
            break
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/c/{slug}/setup?step=3")


async def test_all_of_it_works_without_scripts(windows: Windows) -> None:
    page = await windows.open(PHONE, scripts=False)
    slug = await sign_up(page, "Théâtre sans script")
    await page.set_input_files("#files", season("bad/06-invalid-email"))
    await page.get_by_role("button", name="Vérifier sans enregistrer").click()
    await page.get_by_text("Ligne 2").first.wait_for()
    await page.locator("input[name^='fix:']").first.fill("ines@example.org")
    await page.set_input_files("#files", season("bad/06-invalid-email"))
    await page.get_by_role("button", name="Essayer avec ces corrections").click()
    await page.get_by_text("1 cellule corrigée sur cette page").wait_for()
    await page.set_input_files("#files", season("bad/00-valid"))
    await page.get_by_role("button", name="Vérifier sans enregistrer").click()
    await page.set_input_files("#files", season("bad/00-valid"))
    await page.get_by_role("button", name="Importer la saison").click()
    await page.wait_for_url(f"**/c/{slug}/setup?step=3")


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\x00\x00", b""])
async def test_a_picture_that_is_dropped_is_refused_in_a_sentence(windows: Windows, content: bytes) -> None:
    page = await windows.open(DESK)
    slug = await sign_up(page, "Théâtre des images")
    await page.set_input_files("#files", {"name": "affiche.png", "mimeType": "image/png", "buffer": content})
    await page.get_by_text("n'est pas de ceux d'une saison").wait_for()
    assert await violations(page) == []
    assert await page.evaluate(BESIDE) == [False, False]  # let go beside the zone, the file is not opened instead
    assert page.url.endswith(f"/c/{slug}/setup")


async def test_an_admin_changes_a_role_and_the_open_page_of_the_other_is_refused(
    windows: Windows, client: AsyncClient, company: SignedUpCompany, picture: Picture
) -> None:
    email = f"{unique('planner')}@example.org"
    await accept(client, company, email, "planner")
    owner, planner = await windows.open(DESK), await windows.open(PHONE)
    await sign_in(planner, email, path=f"/sign-in?next=/c/{company.slug}/venues/new")
    await planner.get_by_label("Nom du lieu").fill("Salle du Cabestan")
    await sign_in(owner, company.email, path=f"/sign-in?next=/c/{company.slug}/settings/members")

    await owner.get_by_label("Rôle de Dominique Petit").select_option("viewer")
    row = owner.locator("li", has_text=email)
    async with owner.expect_navigation():
        await row.get_by_role("button", name="Changer le rôle").click()
    await planner.get_by_role("button", name="Ajouter ce lieu").click()

    await planner.get_by_text("Votre rôle dans cette compagnie ne le permet pas").wait_for()
    await picture(planner, "refused")
    assert await owner.get_by_label("Rôle de Dominique Petit").input_value() == "viewer"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
async def test_every_page_of_a_company_can_be_read_by_everybody(
    windows: Windows, client: AsyncClient, company: SignedUpCompany, picture: Picture, size: str, dark: bool
) -> None:
    person = await create(
        client, company.headers, "/people", first_name="Inès", last_name="Vasseur" + "-Long" * 30, job="electricien",
        email=f"{unique('ines')}@example.org", phone="+33 6 39 98 12 34",
    )  # fmt: skip
    venue = await create(
        client, company.headers, "/venues", name="<script>alert(1)</script>", latitude=47.2, longitude=-1.5
    )
    production = await create(client, company.headers, "/productions", title="\u05de\u05e1\u05da abc", kind="creation")
    await create(
        client, company.headers, "/calls", production_id=production["id"], venue_id=venue["id"], kind="performance",
        title="Première", starts_at="2026-10-24T17:30:00+02:00", ends_at="2026-10-24T23:00:00+02:00",
    )  # fmt: skip
    base, shade = f"/c/{company.slug}", "dark" if dark else "light"
    paths = {
        "setup": f"{base}/setup", "people": f"{base}/people", "person": f"{base}/people/{person['id']}",
        "person-new": f"{base}/people/new", "productions": f"{base}/productions",
        "production": f"{base}/productions/{production['id']}", "calls": f"{base}/calls",
        "invite-team": f"{base}/people/invite",
        "publish-whole": f"{base}/publish?production={production['id']}&whole=1",
        "print": f"{base}/print/day?day=2026-10-24", "venues": f"{base}/venues",
        "venue": f"{base}/venues/{venue['id']}", "settings": f"{base}/settings", "members": f"{base}/settings/members",
        "jobs": f"{base}/settings/jobs", "agreements": f"{base}/settings/agreements",
        "travel": f"{base}/settings/travel", "history": f"{base}/settings/history", "status": "/status",
        "companies": "/companies",
    }  # fmt: skip
    language = "en-GB" if dark else "fr-FR"
    page = await windows.open(SIZES[size], dark=dark, language=language)
    await page.goto("/")
    assert await violations(page) == []
    await picture(page, f"front-{size}-{shade}")
    await sign_in(page, company.email)
    if dark:
        if size == "phone":
            await page.get_by_role("button", name="Compte").click()
        await page.get_by_role("button", name="English").click()
        await page.locator("html[lang=en]").wait_for()
    titles = set()
    for name, path in paths.items():
        await page.goto(path)
        assert await violations(page) == [], path
        wider = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wider, f"{path} scrolls sideways"
        titles.add(await page.title())
        await picture(page, f"{name}-{size}-{shade}")
    assert len(titles) == len(paths)
