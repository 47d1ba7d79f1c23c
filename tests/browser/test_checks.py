"""What every page owes to whoever reads it, in a real browser: without colour, without much room, after signing out.

One company is on stage for the whole file; see docs/pages.md for which test holds which check.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute
from httpx import ASGITransport, AsyncClient
from playwright.async_api import Browser, Locator, Page, Response, expect

from backend.web.routes import ROUTERS
from tests.browser.conftest import DESK, Picture, Site, Windows, sign_in
from tests.helpers import PASSWORD, accept, create, sign_up, unique
from tests.planning.stage import PARIS, Stage

MONDAY = datetime(2031, 3, 3, 10, tzinfo=PARIS)
WEEK = "from=2031-03-03"
STATES = ("full", "option", "part", "none", "draft", "off")
BUSY = 12
STRANGE = ("\u05de\u05d7\u05d6\u05d4 abc", "<script>alert(1)</script>", "Tartuffe" * 25, "W" * 200)


@dataclass(frozen=True, slots=True)
class House:
    """A company with a call in each state on one Monday, and calls of strange names on the days after it."""

    stage: Stage
    calls: dict[str, dict[str, Any]]
    person: dict[str, Any]
    busy: dict[str, Any]
    email: str
    ids: dict[str, str]

    @property
    def home(self) -> str:
        return f"/c/{self.stage.company.slug}"


@pytest.fixture(scope="module")
async def house(site: Site) -> AsyncIterator[House]:
    """The company on stage: what tests change of it, they put back, or do not look at."""
    transport = ASGITransport(site.app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://filage.test") as client:
        yield await perform(Stage(client, await sign_up(client, "Compagnie du Cabestan")))


async def perform(stage: Stage) -> House:
    """Put the company on stage; its person has an account."""
    production, strange = await stage.production("La Mouette"), await stage.production(STRANGE[0])
    email = f"{unique('artiste')}@example.org"
    person = await stage.create("/people", first_name="Raymond", last_name="W" * 90, job="comedien", email=email)
    await accept(stage.client, stage.company, email, "intermittent", person["id"])
    people = [person, *[await stage.person() for _ in range(3)]]
    calls = {state: await staged(stage, production, state, people) for state in STATES}
    for day, name in enumerate(STRANGE, 1):
        venue = await stage.create("/venues", name=name, city="Nantes", address=name)
        call = await stage.call(strange, MONDAY + timedelta(days=day), title=name, venue_id=venue["id"])
        await stage.assignment(call, person)
        calls[name] = call
    places = (await stage.get("/venues")).json()["items"]
    offered = (await stage.get("/assignments", call_id=calls["option"]["id"])).json()["items"][0]
    ids = {
        "slug": stage.company.slug, "call_id": calls["part"]["id"], "person_id": person["id"],
        "production_id": production["id"], "venue_id": places[0]["id"], "assignment_id": offered["id"],
    }  # fmt: skip
    return House(stage, calls, person, await busy_one(stage, production, places[0]), email, ids)


async def busy_one(stage: Stage, production: dict[str, Any], venue: dict[str, Any]) -> dict[str, Any]:
    """Return somebody who is called twice a day from Monday to Saturday, and told of the first call."""
    person = await stage.person("Inès")
    for number in range(BUSY):
        starts = MONDAY + timedelta(days=number // 2, hours=5 * (number % 2))
        call = await stage.call(production, starts, title=f"Raccord {number}, avec orchestre", venue_id=venue["id"])
        await stage.assignment(call, person)
        if number == 0:
            assert (await stage.post(f"/calls/{call['id']}/publish")).status_code == 200
    return person


async def staged(stage: Stage, production: dict[str, Any], state: str, people: list[dict[str, Any]]) -> dict[str, Any]:
    """Create a call that stands as `state` says, on Monday, at a venue and at hours of its own."""
    number = STATES.index(state)
    venue = await stage.create("/venues", name=f"Salle {number}", city="Nantes")
    starts = MONDAY.replace(hour=8) + timedelta(hours=2 * number)
    call = await stage.call(production, starts, hours=2, title=f"Filage {number}", venue_id=venue["id"])
    await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=2)
    for person in {"full": people[:2], "option": people[:2], "part": people[:1]}.get(state, []):
        assignment = await stage.assignment(call, person)
        body = {"expires_at": (MONDAY - timedelta(days=2)).isoformat(), "rank": 1} if state == "option" else {}
        answer = await stage.act(assignment, "offer" if state == "option" else "confirm", **body)
        assert answer.status_code == 200, answer.text
    if state != "draft":
        assert (await stage.post(f"/calls/{call['id']}/publish")).status_code == 200
    if state == "off":
        gone = await stage.patch(f"/calls/{call['id']}", {"status": "cancelled", "cancel_reason": "Relâche"})
        assert gone.status_code == 200, gone.text
    return call


@pytest.fixture(scope="module")
async def owner(chromium: Browser, site: Site, house: House) -> Any:
    """What the owner's browser holds once they are signed in: each window of theirs begins with it."""
    return await held(chromium, site, house.stage.company.email)


async def held(chromium: Browser, site: Site, email: str) -> Any:
    """Sign somebody in, and return what their browser holds then."""
    context = await chromium.new_context(base_url=site.address)
    await sign_in(await context.new_page(), email)
    state = await context.storage_state()
    await context.close()
    return state


@dataclass(frozen=True, slots=True)
class Visit:
    """Opens windows of the signed-in owner."""

    windows: Windows
    house: House
    state: Any

    async def open(self, path: str = f"?{WEEK}", **options: Any) -> Page:
        """Return a page of the company."""
        page = await self.windows.open(options.pop("size", DESK), storage_state=self.state, **options)
        await page.goto(self.house.home + path)
        return page


@pytest.fixture
def visit(windows: Windows, house: House, owner: Any) -> Visit:
    return Visit(windows, house, owner)


def chip(page: Page, call: dict[str, Any]) -> Locator:
    """The chip of the whole call in the table, not of what is still open of it."""
    return page.locator(f'table tr:not(.open) .chip[data-call="{call["id"]}"]').first


# Why nobody sees where the focus is: it is nowhere, or something lies on it; "" where it is seen.
UNSEEN = """() => {
    const one = document.activeElement;
    if (!one || one === document.body) return "nowhere";
    const box = one.getClientRects()[0];
    if (!box || box.width < 2) return "";
    const [x, y] = [box.left + Math.min(box.width / 2, 20), box.top + Math.min(box.height / 2, 20)];
    const at = document.elementFromPoint(x, y);
    return at && (one.contains(at) || at.closest("label")?.contains(one)) ? "" : `under ${at?.outerHTML.slice(0, 80)}`;
}"""


async def test_whoever_goes_by_keys_always_sees_where_they_are(visit: Visit, house: House) -> None:
    page = await visit.open(size=(1440, 420))
    assert await page.locator("#board .chip[tabindex='0']").count() == 1
    unseen = []
    for _ in range(45):
        await page.keyboard.press("Tab")
        found = await page.evaluate(UNSEEN)
        if found == "nowhere":
            break  # past the last stop: the browser itself has the focus
        unseen.append(found)
    assert len(unseen) > 10
    await chip(page, house.calls["full"]).focus()
    for key in ("ArrowDown",) * 6 + ("ArrowUp",) * 7 + ("ArrowRight",) * 3:
        await page.keyboard.press(key)
        unseen.append(await page.evaluate(UNSEEN))

    assert [one for one in unseen if one] == []


async def test_a_call_is_moved_by_clicks_alone(visit: Visit, house: House) -> None:
    page = await visit.open()
    call = house.calls["none"]
    for day, said in (("2031-03-05", "mer. 5 mars"), ("2031-03-03", "lun. 3 mars")):
        await chip(page, call).click()
        sheet = page.locator("#sheet")
        await sheet.get_by_label("Jour").fill(day)
        await sheet.get_by_role("button", name="Déplacer").click()
        await expect(page.locator("#done")).to_contain_text(said)


# How a chip looks without its colours, and what it says.
LOOKS = """chip => {
    const style = getComputedStyle(chip);
    return {
        icons: [...chip.querySelectorAll(".fig use")].map(use => use.getAttribute("href").split("#")[1]).join(" "),
        pattern: [
            style.borderTopStyle, style.borderTopWidth, style.backgroundImage !== "none",
            getComputedStyle(chip.querySelector(".what")).textDecorationLine,
        ].join(" "),
        border: style.borderTopStyle, outline: style.outlineStyle,
        says: chip.querySelector(".hidden-visually").textContent, figure: chip.querySelector(".fig").textContent.trim(),
    };
}"""
WORDS = {
    "full": "complet", "option": "option en attente", "part": "incomplet", "none": "personne", "draft": "personne",
    "off": "annulé",
}  # fmt: skip
MOVES = """() => [...document.querySelectorAll("*")].filter(one => {
    const style = getComputedStyle(one);
    return `${style.transitionDuration},${style.animationDuration}`.split(",").some(time => parseFloat(time) > 0);
}).length"""


@pytest.mark.parametrize("forced", [False, True], ids=["colours", "forced-colours"])
async def test_each_state_is_told_by_icon_figure_and_pattern_and_never_by_colour_alone(
    visit: Visit, house: House, forced: bool, picture: Picture
) -> None:
    colours = {"forced_colors": "active", "reduced_motion": "reduce"} if forced else {}
    page = await visit.open(**colours)
    looks = {}
    for state in STATES:
        await chip(page, house.calls[state]).focus()
        looks[state] = await chip(page, house.calls[state]).evaluate(LOOKS)
    await picture(page, f"states{'-forced' if forced else ''}")

    assert len({look["icons"] for look in looks.values()}) == len(STATES), looks
    # Forced colours take the stripes of a draft away: its pencil and its words stay.
    assert len({look["pattern"] for look in looks.values()}) == len(STATES) - forced, looks
    for state, look in looks.items():
        assert WORDS[state] in look["says"], state
        assert look["figure"], state
        assert "none" not in {look["border"], look["outline"]}, state
    assert await page.evaluate(MOVES) == 0 if forced else True


async def test_forced_colours_keep_what_is_chosen_and_where_a_call_would_land(visit: Visit, house: House) -> None:
    page = await visit.open(forced_colors="active", dark=True)
    seen = "one => { const style = getComputedStyle(one); return [style.backgroundColor, style.borderBottomColor]; }"
    for kind in (".switch a", ".tabs a"):
        chosen = await page.locator(f"{kind}[aria-current]").first.evaluate(seen)
        other = await page.locator(f"{kind}:not([aria-current])").first.evaluate(seen)
        assert chosen != other, kind

    await chip(page, house.calls["full"]).focus()
    await page.keyboard.press("m")
    await page.keyboard.press("ArrowRight")
    assert await page.locator("td.over").evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    assert await page.locator(".held").evaluate("one => getComputedStyle(one).outlineStyle") == "dashed"
    await page.keyboard.press("Escape")


# What spills sideways out of the page, and what scrolls inside of it beside the table and the rows of tabs.
SPILT = """() => {
    const shown = one => one.checkVisibility() && one.getClientRects().length
        && !one.closest(".scroll, .timeline, .tabs, .hidden-visually");
    const name = one => one.outerHTML.slice(0, 80);
    const all = [...document.querySelectorAll("main *")].filter(shown);
    const may = (one, side) => /auto|scroll/.test(getComputedStyle(one)[`overflow${side}`]);
    const scrolls = (one, side) => may(one, side) && !one.matches("input, select, textarea");
    return [
        ...document.documentElement.scrollWidth > document.documentElement.clientWidth ? ["the page"] : [],
        ...all.filter(one => one.getBoundingClientRect().right > innerWidth + 1).slice(0, 3).map(name),
        ...all.filter(one => one.scrollWidth > one.clientWidth + 1 && scrolls(one, "X")).map(name),
        ...all.filter(one => one.scrollHeight > one.clientHeight + 2 && scrolls(one, "Y")).map(name),
    ];
}"""
# How far the words of each row's head reach over the cells beside it.
OVER = """() => [...document.querySelectorAll("table.week tbody th")]
    .map(one => one.scrollWidth - one.clientWidth).filter(by => by > 1)"""


@pytest.mark.parametrize(("size", "scale"), [((320, 640), 1), ((720, 450), 2)], ids=["320px", "200-percent"])
async def test_names_of_any_length_and_kind_lose_nothing_where_there_is_little_room(
    visit: Visit, house: House, size: tuple[int, int], scale: int, picture: Picture
) -> None:
    page = await visit.open(size=size, device_scale_factor=scale)
    said: list[str] = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    strange = house.calls[STRANGE[1]]
    paths = [
        f"?{WEEK}", f"?{WEEK}&by=person", f"?{WEEK}&view=month", "?view=day&from=2031-03-05",
        f"/calls/{strange['id']}", f"/publish?{WEEK}", f"/print/people/{house.person['id']}?{WEEK}",
        f"/people/{house.person['id']}", "/settings/history",
    ]  # fmt: skip
    for path in paths:
        await page.goto(house.home + path)
        assert await page.evaluate(SPILT) == [], path
        assert await page.evaluate(OVER) == [], path
    await page.goto(f"{house.home}?{WEEK}")
    await page.locator(f'.chip[data-call="{strange["id"]}"]:visible').first.click()
    sheet = page.locator("#sheet")
    await expect(sheet.get_by_role("heading").first).to_contain_text(STRANGE[1])
    box = await sheet.bounding_box()
    assert box is not None
    await picture(page, f"strange-{size[0]}")
    assert 0 <= box["x"] <= box["x"] + box["width"] <= size[0]
    assert said == []


async def test_a_move_is_heard_step_by_step_and_a_chip_says_all_that_it_shows(visit: Visit, house: House) -> None:
    page = await visit.open()
    heard = (await chip(page, house.calls["part"]).aria_snapshot()).replace("\u00a0", " ")
    for said in ("link", "12 h–14 h", "1/2", "Filage 2", "La Mouette", "incomplet", "lun. 3 mars"):
        assert said in heard

    status, texts = page.locator("#status"), []
    await chip(page, house.calls["none"]).focus()
    for key, said in (
        ("m", "Déplacement de"), ("ArrowRight", "mar. 4 mars"), ("ArrowUp", "Salle 2"), ("Escape", "abandonné"),
        ("m", "Déplacement de"), ("ArrowRight", "mar. 4 mars"), ("Enter", "Convocation déplacée au mar. 4 mars"),
    ):  # fmt: skip
        await page.keyboard.press(key)
        await expect(status).to_contain_text(said)
        texts.append(await status.inner_text())
    assert "Constats" in texts[-1]
    await page.locator("#done button").click()
    await expect(page.locator("#done")).to_contain_text("tout est comme avant")


KEPT = """async () => {
    const kept = [document.documentElement.outerHTML, JSON.stringify(sessionStorage), JSON.stringify(localStorage)];
    for (const name of await caches.keys())
        for (const request of await (await caches.open(name)).keys())
            kept.push(request.url, await (await caches.match(request)).text());
    return kept.join("\\n");
}"""


async def test_nothing_of_a_company_is_left_in_a_browser_that_signed_out(
    windows: Windows, house: House, client: AsyncClient
) -> None:
    """The look-alike: another company of the same name, in a window of its own and then in the same one."""
    other = await sign_up(client, "Compagnie du Cabestan")
    await create(client, other.headers, "/productions", title="Le Secret d'à côté", kind="creation")
    secrets = ("Filage 2", "W" * 90, "Salle 1", house.stage.company.slug)
    page, beside = await windows.open(DESK), await windows.open(DESK)
    await sign_in(page, house.stage.company.email)
    await page.goto(f"{house.home}?{WEEK}")
    await sign_in(beside, other.email, path=f"/sign-in?next=/c/{other.slug}/productions")
    assert [secret for secret in secrets if secret not in await page.evaluate(KEPT)] == []
    assert [secret for secret in secrets if secret in await beside.evaluate(KEPT)] == []
    assert "Le Secret" in await beside.evaluate(KEPT)
    answer = await beside.goto(house.home)
    assert answer is not None
    assert answer.status == 404

    for path in ("/people", f"/calls/{house.calls['part']['id']}"):
        await page.goto(house.home + path)
    await page.get_by_role("button", name="Se déconnecter").click()
    await page.wait_for_url("**/sign-in")
    left = []
    for _ in range(3):
        await page.go_back(wait_until="load")
        left.append((await page.evaluate(KEPT)).replace(page.url, ""))
    await sign_in(page, other.email, path=f"/sign-in?next=/c/{other.slug}")
    left.append(await page.evaluate(KEPT))
    assert [secret for secret in secrets[:3] for text in left if secret in text] == []
    await page.context.set_offline(True)
    for path in (house.home, "/me", "/companies"):
        with pytest.raises(Exception, match="ERR_INTERNET_DISCONNECTED"):
            await page.goto(path)
    windows.wrong.clear()  # Chromium complains of each resource that it could not fetch


async def test_a_drop_after_the_session_ended_says_so_and_leads_back(visit: Visit, house: House) -> None:
    page = await visit.open()
    await page.context.clear_cookies()
    await chip(page, house.calls["none"]).focus()
    for key in ("m", "ArrowRight", "Enter"):
        await page.keyboard.press(key)
    await page.wait_for_url("**/sign-in?next=*")
    await expect(page.get_by_text("Votre session a expiré : rien n'a changé.")).to_be_visible()

    await page.locator("#email").fill(house.stage.company.email)
    await page.locator("#password").fill(PASSWORD)
    await page.locator("#password").press("Enter")
    await page.wait_for_url(f"**{house.home}?{WEEK}*")
    assert (await house.stage.get(f"/calls/{house.calls['none']['id']}")).json()["starts_at"].startswith("2031-03-03")


async def test_a_busy_week_of_a_person_is_one_printed_page_that_says_which_version(visit: Visit, house: House) -> None:
    page = await visit.open(f"/print/people/{house.busy['id']}?{WEEK}")
    await page.emulate_media(media="print")
    printed = await page.pdf(prefer_css_page_size=True)
    assert await page.locator(".sheet-table td b").count() == BUSY + 1
    assert re.findall(rb"/Type /Pages\s+/Count (\d+)", printed) == [b"1"]
    assert re.findall(rb"/MediaBox \[0 0 (\d+)[.\d]* (\d+)", printed) == [(b"594", b"841")]
    head = await page.locator(".sheet-table thead").inner_text()
    assert re.search(r"· v1 · imprimée le .+ \d+\sh", head), head
    drawn = await page.evaluate(
        "[...document.querySelectorAll('.sheet-table tr')].map(one => getComputedStyle(one))"
        ".map(style => `${style.breakInside} ${style.color}`)"
    )
    assert set(drawn) == {"avoid rgb(0, 0, 0)"}
    heads = page.locator(".sheet-table thead")
    assert await heads.evaluate("one => getComputedStyle(one).display") == "table-header-group"


@pytest.mark.parametrize(
    ("path", "most"), [(f"?{WEEK}&by=person", 75), (f"?{WEEK}&view=month", 75), ("?view=day&from=2031-03-03", 120)]
)
async def test_a_board_weighs_no_more_than_a_telephone_pays_for(
    visit: Visit, house: House, path: str, most: int
) -> None:
    page = await visit.open(path)
    await page.wait_for_load_state("networkidle")
    sizes = await page.evaluate(
        "performance.getEntries().filter(one => one.transferSize).map(one => [one.name, one.transferSize])"
    )

    assert sum(size for _, size in sizes) <= most * 1024, sizes
    assert any("event-calendar" in name for name, _ in sizes) == ("view=day" in path)  # heavy, and of use there alone


# These answer with a file, with a part of a page, or lead elsewhere.
NO_PAGES = frozenset({
    "/static/{name:path}", "/sign-up/address", "/c/{slug}/board", "/c/{slug}/calls/{call_id}/sheet", "/c/{slug}/cure",
    "/c/{slug}/calls/{call_id}/days", "/c/{slug}/calls/{call_id}/{rest:path}",
    "/c/{slug}/found-people", "/c/{slug}/settings/exports/{file}", "/me/worker.js",
})  # fmt: skip
MARKED = re.compile(r"<[^>]+\s(?:style|on[a-z]+)\s*=|<style|<script(?![^>]*\ssrc=)", re.IGNORECASE)


def addresses(of: str, ids: dict[str, str]) -> dict[str, str]:
    """Return the pages that `of` reads, each with its address; a new parameter of a path needs a value in `ids`."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    paths = {route.path for route in routes if "GET" in (route.methods or ())} - NO_PAGES
    kinds = {"person": "/me", "settings": "/c/{slug}/settings", "company": "/c", "anybody": "/"}
    mine = {path for path in paths if next(kind for kind, start in kinds.items() if path.startswith(start)) == of}
    return {path: re.sub(r"{(\w+)(?::\w+)?}", lambda found: ids[found[1]], path) for path in sorted(mine)}


async def entry_of(house: House) -> str:
    """Enter hours of the person by hand, and return the entry."""
    client = house.stage.client
    login = await client.post("/api/v1/auth/login", data={"username": house.email, "password": PASSWORD})
    headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
    day = {"starts_on": "2026-01-05", "ends_on": "2026-01-05"}
    body = {"kind": "annexe_10", "minutes": 240, "employer": "Ailleurs", **day}
    made = await client.post("/api/v1/me/hours/entries", json=body, headers=headers)
    assert made.status_code == 201, made.text
    found: str = made.json()["id"]
    return found


@pytest.mark.parametrize("of", ["anybody", "company", "settings", "person"])
async def test_every_page_there_is_keeps_to_the_policy_and_has_a_title_of_its_own(
    windows: Windows, house: House, of: str
) -> None:
    """Every route is walked, then Back and Forward; the fixture notes what the console says is wrong."""
    ids = house.ids | ({"entry_id": await entry_of(house)} if of == "person" else {})
    page = await windows.open(DESK)
    if of != "anybody":
        await sign_in(page, house.email if of == "person" else house.stage.company.email)
    found, titles = addresses(of, ids), {}
    for path, address in found.items():
        answer = await page.goto(address, wait_until="load")
        assert answer is not None
        await look(answer, path)
        titles[path] = await page.title()
        assert await page.locator("h1").count() == 1, path
    for _ in range(3):
        await page.go_back(wait_until="load")
    for _ in range(3):
        await page.go_forward(wait_until="load")

    assert len(found) >= {"anybody": 8, "company": 15, "settings": 6, "person": 7}[of]
    assert len(set(titles.values())) == len(titles), titles


async def look(answer: Response, path: str) -> None:
    """Check that a page was there, carries the policy, and nothing that the policy would refuse."""
    assert answer.status < 500, path
    assert "default-src 'none'" in answer.headers["content-security-policy"], path
    assert "unsafe" not in answer.headers["content-security-policy"], path
    assert MARKED.findall(await answer.text()) == [], path
