"""The board in a real browser: by keyboard, by mouse, by touch; findings, undo, publishing; hours."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from playwright.async_api import Page, Request, expect

from tests.browser.conftest import DESK, PHONE, Picture, Site, Windows, sign_in, violations
from tests.helpers import SignedUpCompany, sign_up
from tests.planning.stage import PARIS, Stage

MONDAY = datetime(2031, 3, 3, 10, tzinfo=PARIS)
WEEK = "from=2031-03-03"
A4_WITHIN_MARGINS = 703  # pixels: 186 mm


@dataclass(frozen=True, slots=True)
class Played:
    """A company with one call on Monday at ten and one on Tuesday at ten, at two venues, and somebody on both."""

    stage: Stage
    first: dict[str, Any]
    second: dict[str, Any]
    person: dict[str, Any]
    production: dict[str, Any]

    @property
    def home(self) -> str:
        return f"/c/{self.stage.company.slug}"

    async def starts(self, call: dict[str, Any]) -> str:
        found: str = (await self.stage.get(f"/calls/{call['id']}")).json()["starts_at"]
        return found


@pytest.fixture
async def own_company(site: Site) -> AsyncIterator[Stage]:
    transport = ASGITransport(site.app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://filage.test") as client:
        company: SignedUpCompany = await sign_up(client, "Compagnie du Cabestan")
        yield Stage(client, company)


@pytest.fixture
async def played(own_company: Stage) -> Played:
    stage = own_company
    production, person = await stage.production("La Mouette"), await stage.person()
    places = [await stage.create("/venues", name=name, city="Nantes") for name in ("Grande salle", "Studio")]
    first = await stage.call(production, MONDAY, title="Filage", venue_id=places[0]["id"])
    second = await stage.call(production, MONDAY + timedelta(days=1), title="Raccord", venue_id=places[1]["id"])
    for call in (first, second):
        await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=2)
        await stage.confirmed(call, person)
    return Played(stage, first, second, person, production)


async def open_board(windows: Windows, played: Played, query: str = WEEK, **options: Any) -> Page:
    page = await windows.open(options.pop("size", DESK), **options)
    await sign_in(page, played.stage.company.email)
    await page.goto(f"{played.home}?{query}")
    return page


def chip(page: Page, call: dict[str, Any]) -> Any:
    """The chip of the whole call in the table (not of what is still open)."""
    return page.locator(f'table tr:not(.open) .chip[data-call="{call["id"]}"]').first


def cell(page: Page, row: str, day: str) -> Any:
    return page.locator(f'tr[data-row="{row}"] td[data-day="{day}"]')


async def test_a_call_is_moved_by_keys_alone_and_each_step_is_said(windows: Windows, played: Played) -> None:
    page = await open_board(windows, played)
    stops = await page.locator("#board .chip[tabindex='0']").count()
    assert stops == 1

    await chip(page, played.first).focus()
    status = page.locator("#status")
    await page.keyboard.press("m")
    await expect(status).to_contain_text("Déplacement de")
    await expect(status).to_contain_text("Filage")
    await expect(page.locator("thead [data-date='2031-03-04']")).to_have_attribute("data-mark", "2")
    await page.keyboard.press("ArrowRight")
    await expect(status).to_contain_text("mar. 4 mars")
    await expect(status).to_contain_text("✕")
    await page.keyboard.press("ArrowRight")
    await expect(status).to_contain_text("mer. 5 mars")
    await page.keyboard.press("Enter")

    await expect(page.locator("#done")).to_contain_text("Convocation déplacée au mer. 5 mars")
    await expect(status).to_contain_text("Convocation déplacée")
    await expect(chip(page, played.first)).to_be_focused()
    assert await played.starts(played.first) == "2031-03-05T09:00:00Z"
    await page.locator("#done button").press("Enter")
    await expect(page.locator("#done")).to_contain_text("tout est comme avant")
    assert await played.starts(played.first) == "2031-03-03T09:00:00Z"


async def test_escape_gives_a_move_up_and_arrows_walk_from_chip_to_chip(windows: Windows, played: Played) -> None:
    page = await open_board(windows, played)
    await chip(page, played.first).focus()
    await page.keyboard.press("m")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Escape")
    await expect(page.locator("#status")).to_have_text("Déplacement abandonné.")
    await expect(page.locator(".held, .over")).to_have_count(0)

    await page.keyboard.press("ArrowDown")
    await expect(chip(page, played.second)).to_be_focused()
    assert await page.locator("#board .chip[tabindex='0']").count() == 1
    assert await played.starts(played.first) == "2031-03-03T09:00:00Z"


async def test_a_question_mark_opens_the_keys_of_the_board_and_the_focus_goes_back(
    windows: Windows, played: Played
) -> None:
    page = await open_board(windows, played)
    keys, button = page.locator("#keys"), page.get_by_role("button", name="Clavier")
    await chip(page, played.first).focus()
    await page.keyboard.press("?")
    await expect(keys).to_be_visible()
    await expect(keys).to_contain_text("la déplacer : flèches, puis Entrée")
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await expect(chip(page, played.first)).to_be_focused()

    await button.click()
    await keys.get_by_label("Ouvrir cette aide par la touche").uncheck()
    await keys.get_by_role("button", name="Fermer").click()
    await expect(button).to_be_focused()
    await page.reload()
    await page.keyboard.press("?")
    await expect(keys).to_be_hidden()


async def test_a_month_on_a_telephone_is_a_list_of_days_that_open(windows: Windows, played: Played) -> None:
    page = await open_board(windows, played, f"{WEEK}&view=month", size=PHONE)
    days = page.locator(".phone-days summary:visible")
    await expect(days).to_have_text([re.compile("lun. 3 mars.*1"), re.compile("mar. 4 mars.*1")])
    await expect(page.locator(".phone-days .chip:visible")).to_have_count(0)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    assert await violations(page) == []

    await days.first.tap()
    await page.locator(f'.phone-days .chip[data-call="{played.first["id"]}"]').tap()
    sheet = page.locator("#sheet")
    await sheet.get_by_label("Jour").fill("2031-03-06")
    await sheet.get_by_role("button", name="Déplacer").click()
    await expect(days).to_have_text([re.compile("mar. 4 mars"), re.compile("jeu. 6 mars")])


async def drag(page: Page, source: Any, target: Any, **keys: str) -> None:
    start, end = await source.bounding_box(), await target.bounding_box()
    await page.mouse.move(start["x"] + 20, start["y"] + 10)
    if keys:
        await page.keyboard.down(keys["with_key"])
    await page.mouse.down()
    await page.mouse.move(start["x"] + 40, start["y"] + 20, steps=3)
    await page.mouse.move(end["x"] + 20, end["y"] + 10, steps=5)
    await page.mouse.up()
    if keys:
        await page.keyboard.up(keys["with_key"])


async def test_a_call_is_dragged_to_another_day_and_venue_and_the_finding_appears(
    windows: Windows, played: Played
) -> None:
    page = await open_board(windows, played)
    late = datetime(2031, 3, 4, 20, tzinfo=PARIS)
    await played.stage.patch(
        f"/calls/{played.second['id']}",
        {"starts_at": late.isoformat(), "ends_at": (late + timedelta(hours=4)).isoformat()},
    )
    await page.reload()
    assert "L3131-1" not in await page.locator(".panel").inner_text()

    await drag(page, chip(page, played.first), cell(page, played.second["venue_id"], "2031-03-05"))

    await expect(page.locator(".panel")).to_contain_text("L3131-1")
    await expect(page.locator("#done")).to_contain_text("mer. 5 mars")
    moved = (await played.stage.get(f"/calls/{played.first['id']}")).json()
    assert (moved["starts_at"], moved["venue_id"]) == ("2031-03-05T09:00:00Z", played.second["venue_id"])
    cure = page.locator(".panel .finding:has-text('L3131-1') button").first
    await cure.click()
    await expect(page.locator(".panel")).not_to_contain_text("L3131-1")


async def test_alt_copies_and_the_undo_line_takes_the_copy_away(windows: Windows, played: Played) -> None:
    page = await open_board(windows, played)

    await drag(page, chip(page, played.first), cell(page, played.first["venue_id"], "2031-03-06"), with_key="Alt")

    await expect(page.locator("#done")).to_contain_text("Convocation copiée au jeu. 6 mars")
    assert len((await played.stage.get("/calls")).json()["items"]) == 3
    await page.locator("#done button").click()
    await expect(page.locator("#done")).to_contain_text("C'est annulé")
    assert len((await played.stage.get("/calls")).json()["items"]) == 2


async def test_an_open_position_dragged_on_somebody_is_theirs_and_marks_say_whom_it_suits(
    windows: Windows, played: Played
) -> None:
    other = await played.stage.person("Jeanne")
    await played.stage.assignment(await played.stage.call(played.production, MONDAY + timedelta(days=3)), other)
    page = await open_board(windows, played, f"{WEEK}&by=person")
    open_chip = page.locator(f'tr.open .chip[data-call="{played.first["id"]}"]')

    await open_chip.focus()
    await page.keyboard.press("m")
    await expect(page.locator(f'[data-person="{other["id"]}"]')).to_have_attribute("data-mark", "0")
    await page.keyboard.press("Escape")
    await drag(page, open_chip, cell(page, other["id"], "2031-03-03"))

    await expect(page.locator("#done")).to_contain_text("est sur cette convocation")
    await expect(cell(page, other["id"], "2031-03-03").locator(".chip")).to_have_count(1)


async def test_somebody_without_a_date_in_the_week_is_found_by_name_and_dragged_onto_a_place(
    windows: Windows, played: Played
) -> None:
    free = await played.stage.person("Zélie")
    page = await open_board(windows, played, f"{WEEK}&by=person")
    assert await page.locator(f'#board [data-person="{free["id"]}"]').count() == 0
    await page.get_by_label("Placer quelqu'un").fill("zélie")
    await page.keyboard.press("Enter")
    found = page.locator(f'#found-people [data-person="{free["id"]}"]')
    await drag(page, found, page.locator("tr.open .chip").first)

    await expect(page.locator("#done")).to_contain_text("Zélie")
    await expect(page.locator(f'tr[data-row="{free["id"]}"] .chip')).to_have_count(1)
    await expect(found).to_be_visible()  # the board is another: the search stays
    (made,) = (await played.stage.get("/assignments", call_id=played.first["id"], person_id=free["id"])).json()["items"]
    assert (made["status"], made["job"]) == ("draft", "comedien")


async def test_a_telephone_moves_by_the_sheet_and_a_swipe_scrolls_the_page(windows: Windows, played: Played) -> None:
    page = await open_board(windows, played, size=PHONE)
    await expect(page.locator("table.week")).to_be_hidden()
    line = page.locator(f'.phone-days .chip[data-call="{played.first["id"]}"]')
    box = await line.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390

    await line.tap()
    sheet = page.locator("#sheet")
    await expect(sheet).to_be_visible()
    assert await violations(page) == []
    await sheet.get_by_label("Jour").fill("2031-03-06")
    await sheet.get_by_role("button", name="Déplacer").click()

    await expect(page.locator("#done")).to_contain_text("jeu. 6 mars")
    assert await played.starts(played.first) == "2031-03-06T09:00:00Z"
    line = page.locator(".phone-days .chip").first
    await page.set_viewport_size({"width": PHONE[0], "height": 420})  # the week is short: on a low screen it scrolls
    await line.scroll_into_view_if_needed()
    await page.evaluate("scrollBy(0, 200)")
    before, where = await page.evaluate("scrollY"), await line.bounding_box()
    assert before > 0
    assert where is not None
    await swipe(page, where["x"] + 50, where["y"] + 20, [(0, 15 * step) for step in range(1, 12)])
    await page.wait_for_function("before => scrollY < before", arg=before)
    await expect(page.locator(".held")).to_have_count(0)


async def swipe(page: Page, x: float, y: float, way: list[tuple[float, float]], *, hold: str = "") -> None:
    """Put a finger down, wait for `hold` to be there if it is given, move along, and lift it."""
    session = await page.context.new_cdp_session(page)
    await session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})

    async def touch(kind: str, *points: dict[str, float]) -> None:
        await session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    await touch("touchStart", {"x": x, "y": y})
    if hold:
        await page.locator(hold).wait_for()
    for right, down in way:
        await touch("touchMove", {"x": x + right, "y": y + down})
    await touch("touchEnd")


async def test_a_long_press_lifts_a_call_and_the_finger_drops_it(windows: Windows, played: Played) -> None:
    page = await open_board(windows, played)
    start = await chip(page, played.first).bounding_box()
    end = await cell(page, played.first["venue_id"], "2031-03-05").bounding_box()
    assert start is not None
    assert end is not None
    x, y = start["x"] + 20, start["y"] + 20
    away = end["x"] + 20 - x

    await swipe(page, x, y, [(away / 3, 0), (away / 2, 0), (away, 0)], hold=".held")

    await expect(page.locator("#done")).to_contain_text("mer. 5 mars")
    assert await played.starts(played.first) == "2031-03-05T09:00:00Z"


async def test_publishing_begins_with_what_will_be_read_by_whom(windows: Windows, played: Played) -> None:
    page = await open_board(windows, played)
    await page.get_by_role("link", name="Publier 2 changements").click()
    await expect(page.locator("main")).to_contain_text(played.person["last_name"])
    assert await violations(page) == []
    await page.get_by_role("button", name="Publier 2 changements").click()
    await expect(page.locator("#done")).to_contain_text("Convocations publiées : 2")
    assert (await played.stage.get(f"/calls/{played.first['id']}")).json()["status"] == "published"


async def test_what_the_law_refuses_of_a_drop_is_shown_and_the_chip_stays(windows: Windows, played: Played) -> None:
    for call in (played.first, played.second):
        await played.stage.post(f"/calls/{call['id']}/publish")
    late = datetime(2031, 3, 4, 20, tzinfo=PARIS)
    await played.stage.patch(
        f"/calls/{played.second['id']}",
        {"starts_at": late.isoformat(), "ends_at": (late + timedelta(hours=4)).isoformat()},
    )
    page = await open_board(windows, played)

    await drag(page, chip(page, played.first), cell(page, played.first["venue_id"], "2031-03-05"))

    gate = page.locator("#alerts .gate")
    await expect(gate).to_contain_text("Rien n'a changé.")
    await expect(gate).to_contain_text("L3131-1")
    assert await violations(page) == []
    assert await played.starts(played.first) == "2031-03-03T09:00:00Z"
    await gate.get_by_label("Fondement").select_option("agreement")
    await gate.get_by_label("Document").fill("Accord du 3 mars")
    await gate.get_by_role("button", name="Passer outre").click()
    await expect(page.locator("#done")).to_contain_text("mer. 5 mars")


async def test_a_drop_after_somebody_else_moved_the_call_says_where_it_is_and_the_next_one_works(
    windows: Windows, played: Played
) -> None:
    page = await open_board(windows, played)
    row, there = played.first["venue_id"], MONDAY + timedelta(days=2)
    times = {"starts_at": there.isoformat(), "ends_at": (there + timedelta(hours=3)).isoformat()}
    assert (await played.stage.patch(f"/calls/{played.first['id']}", times)).status_code == 200

    await drag(page, chip(page, played.first), cell(page, row, "2031-03-06"))

    alert = page.locator("#alerts .alert")
    await expect(alert).to_contain_text("Filage")
    await expect(alert).to_contain_text("Vous avez modifié cette convocation entre-temps, dans une autre fenêtre")
    await expect(alert).to_contain_text("mer. 5 mars, 10\u00a0h")
    await expect(alert).not_to_contain_text("ci-dessous")
    await expect(cell(page, row, "2031-03-05").locator(".chip")).to_have_count(1)
    await expect(chip(page, played.first)).to_be_focused()
    await drag(page, chip(page, played.first), cell(page, row, "2031-03-07"))
    await expect(page.locator("#done")).to_contain_text("ven. 7 mars")
    assert await played.starts(played.first) == "2031-03-07T09:00:00Z"


async def test_a_sheet_over_a_call_that_is_gone_closes_and_the_board_says_so(windows: Windows, played: Played) -> None:
    italienne = await played.stage.call(played.production, MONDAY + timedelta(days=3), title="Italienne")
    await played.stage.create(f"/calls/{italienne['id']}/positions", job="comedien")
    page = await open_board(windows, played, size=PHONE)
    line = page.locator(f'.phone-days .chip[data-call="{italienne["id"]}"]')
    await line.tap()
    sheet, alert = page.locator("#sheet"), page.locator("#alerts .alert")
    await expect(sheet).to_be_visible()
    assert (await played.stage.delete(f"/calls/{italienne['id']}")).status_code == 204
    await sheet.get_by_role("button", name="Pourvoir").tap()

    await expect(alert).to_contain_text("Vous avez supprimé cette convocation entre-temps")
    await expect(sheet).to_be_hidden()
    await expect(line).to_have_count(0)
    await alert.get_by_role("button", name="Fermer").tap()
    await expect(alert).to_have_count(0)

    await page.locator(f'.phone-days .chip[data-call="{played.first["id"]}"]').tap()
    await page.context.clear_cookies(name="__Host-filage")
    await sheet.get_by_role("button", name="Pourvoir").tap()
    await page.wait_for_url("**/sign-in?*")


async def test_a_press_on_the_only_call_of_a_day_that_is_gone_says_so_with_the_focus_there(
    windows: Windows, played: Played
) -> None:
    italienne = await played.stage.call(played.production, MONDAY + timedelta(days=3), title="Italienne")
    page = await open_board(windows, played, "view=day&from=2031-03-06")
    assert (await played.stage.delete(f"/calls/{italienne['id']}")).status_code == 204
    await page.locator(".hours-list .chip").press("Enter")

    alert = page.locator("#alerts .alert")
    await expect(alert).to_contain_text("Vous avez supprimé cette convocation entre-temps")
    await expect(alert.get_by_role("button", name="Fermer")).to_be_focused()
    await expect(page.locator("#board .chip")).to_have_count(0)
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()


async def test_a_drop_on_a_row_that_changes_nothing_of_a_call_is_refused(windows: Windows, played: Played) -> None:
    await played.stage.create(f"/calls/{played.first['id']}/positions", job="regisseur_general")
    steps = [("venue", "ArrowUp"), ("person", "ArrowUp"), ("department", "ArrowUp"), ("department", "ArrowDown")]
    page = await open_board(windows, played)
    for by, step in steps:
        await page.goto(f"{played.home}?{WEEK}&by={by}")
        await chip(page, played.first).focus()
        await page.keyboard.press("m")
        await page.keyboard.press(step)
        over = page.locator("#board td.over")
        await expect(over).to_have_attribute("data-day", "2031-03-03")
        assert await over.evaluate("e => e.closest('tr').classList.contains('open')") == (step == "ArrowUp")
        await page.keyboard.press("Enter")
        await expect(page.locator("#status")).to_have_text("On ne peut pas poser ici.")
        await expect(page.locator("#done")).to_have_count(0)


async def test_a_day_is_drawn_by_venue_in_the_language_of_the_page_with_each_state(
    windows: Windows, played: Played
) -> None:
    for number in (0, 1):
        venue = await played.stage.create("/venues", name="Théâtre", city=("Brest", "Lyon")[number])
        start = MONDAY + timedelta(days=4, hours=6 + number)
        await played.stage.call(played.production, start, hours=0.75, title="Italienne", venue_id=venue["id"])
    page = await open_board(windows, played, "view=day&from=2031-03-07")
    await page.get_by_role("button", name="English").click()

    timeline = page.locator("#timeline")
    await expect(timeline.locator(".ec-row-head")).to_have_text(["Théâtre, Brest", "Théâtre, Lyon"])
    await expect(timeline.get_by_text("16:00", exact=True)).to_have_count(1)
    await expect(timeline.get_by_text("16 h", exact=True)).to_have_count(0)
    for event in await timeline.locator(".ec-event").all():
        block, icon = await event.bounding_box(), await event.locator("svg").first.bounding_box()
        assert block is not None
        assert icon is not None
        assert block["x"] <= icon["x"]
        assert icon["x"] + icon["width"] <= block["x"] + block["width"]
        assert icon["y"] + icon["height"] <= block["y"] + block["height"]


async def test_a_drop_without_network_changes_nothing_and_says_so(windows: Windows, played: Played) -> None:
    page = await open_board(windows, played)
    await page.context.set_offline(True)
    await drag(page, chip(page, played.first), cell(page, played.first["venue_id"], "2031-03-05"))
    await expect(page.locator("#alerts")).to_contain_text("Pas de réseau")
    await expect(cell(page, played.first["venue_id"], "2031-03-03").locator(".chip")).to_have_count(1)
    await page.context.set_offline(False)
    windows.wrong[:] = [one for one in windows.wrong if "ERR_INTERNET_DISCONNECTED" not in one]


async def test_the_board_reads_without_scripts(windows: Windows, played: Played) -> None:
    page = await open_board(windows, played, scripts=False)

    await expect(page.locator("table.week caption")).to_have_count(1)
    await chip(page, played.first).click()
    await expect(page.locator("h1")).to_have_text("Filage")
    await page.locator("#move-day").fill("2031-03-05")
    await page.locator("form[action$='/move'] button").first.click()
    await expect(page.locator("#done")).to_contain_text("mer. 5 mars")


async def test_a_call_sheet_and_a_week_are_one_printed_page_each(windows: Windows, played: Played) -> None:
    page = await open_board(windows, played)
    for path in ("/print/day?day=2031-03-03", f"/print/people/{played.person['id']}?{WEEK}"):
        await page.goto(played.home + path)
        await page.emulate_media(media="print")
        await expect(page.locator("header.top")).to_be_hidden()
        await page.set_viewport_size({"width": A4_WITHIN_MARGINS, "height": 1000})
        assert await page.locator(".sheet-table").evaluate("e => e.getBoundingClientRect().right < innerWidth"), path
        printed = await page.pdf(prefer_css_page_size=True)
        assert re.findall(rb"/Type /Pages\s+/Count (\d+)", printed) == [b"1"]
        if path.startswith("/print/day"):
            assert await page.locator(".sheet-table svg.code").first.is_visible()
        assert re.findall(rb"/MediaBox \[0 0 (\d+)[.\d]* (\d+)", printed) == [(b"594", b"841")]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("language", ["fr-FR", "en-GB"])
async def test_no_page_of_the_board_has_a_serious_fault(
    windows: Windows,
    played: Played,
    picture: Picture,
    dark: bool,
    language: str,
) -> None:
    page = await open_board(windows, played, dark=dark, language=language)
    position = (await played.stage.get(f"/calls/{played.first['id']}/positions")).json()["items"][0]
    paths = [
        f"?{WEEK}", f"?{WEEK}&by=person", f"?{WEEK}&by=department", f"?{WEEK}&view=month", f"?{WEEK}&view=day",
        "?from=2001-01-01", "/calls/new?day=2031-03-03", f"/calls/{played.first['id']}", f"/publish?{WEEK}",
        "/print/day?day=2031-03-03", f"/print/people/{played.person['id']}?{WEEK}",
    ]  # fmt: skip
    titles = set()
    for number, path in enumerate(paths):
        await page.goto(played.home + path)
        assert await violations(page) == [], path
        assert await page.locator("h1").count() == 1
        titles.add(await page.title())
        await picture(page, f"board-{number}-{'dark' if dark else 'light'}")
    assert len(titles) >= len(paths) - 4
    await page.goto(f"{played.home}/calls/{played.first['id']}")
    await page.locator(f"form[action$='/positions/{position['id']}/candidates'] button").click()
    await page.locator("h1").wait_for()
    assert await violations(page) == []
    await picture(page, f"board-chooser-{'dark' if dark else 'light'}")


# At which hour of its scale the timeline draws the beginning of its one event.
_READ_HOUR = """() => {
    const event = document.querySelector("#timeline .ec-event").getBoundingClientRect();
    const leaves = [...document.querySelectorAll("#timeline *")].filter((one) => !one.children.length);
    const at = (hour) => leaves.find((one) => one.textContent.trim() === `${hour} h`).getBoundingClientRect().left;
    return 17 + (event.left - at(17)) / (at(18) - at(17));
}"""


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Indian/Reunion"])
@pytest.mark.parametrize("today", ["2026-11-22T12:00:00+01:00", "2026-07-01T12:00:00+02:00"])
@pytest.mark.parametrize("day", ["2026-10-24", "2027-03-28"])
async def test_hours_are_those_of_the_place_wherever_and_whenever_they_are_read(
    windows: Windows, own_company: Stage, zone: str, today: str, day: str
) -> None:
    starts = datetime.fromisoformat(f"{day}T17:30").replace(tzinfo=PARIS)
    venue = await own_company.create("/venues", name="Grande salle", timezone="Europe/Paris")
    call = await own_company.call(await own_company.production(), starts, title="Filage", venue_id=venue["id"])
    page = await windows.open(DESK, zone=zone)
    await page.clock.install(time=today)
    await sign_in(page, own_company.company.email)
    await page.goto(f"/c/{own_company.company.slug}?view=day&from={day}")

    await expect(page.locator(".hours-list .hours")).to_have_text("17\u00a0h\u00a030\u201320\u00a0h\u00a030")
    event = page.locator("#timeline .ec-event")
    await expect(event).to_be_visible()
    await expect(event).to_contain_text("17\u00a0h\u00a030\u201320\u00a0h\u00a030")
    left = await page.evaluate(_READ_HOUR)
    assert left == pytest.approx(17.5, abs=0.3)
    box = await event.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 20, box["y"] + 10)
    await page.mouse.down()
    await page.mouse.move(box["x"] - 10, box["y"] + 10, steps=4)
    await page.mouse.move(box["x"] + 20 - 112, box["y"] + 10, steps=8)
    await page.mouse.up()
    await expect(page.locator("#done")).to_contain_text("15\u00a0h\u00a030")
    found = (await own_company.get(f"/calls/{call['id']}")).json()
    assert datetime.fromisoformat(found["starts_at"]) == starts - timedelta(hours=2)


async def test_254_calls_stand_on_one_board_within_the_weight_of_a_page(windows: Windows, played: Played) -> None:
    for number in range(252):
        start = MONDAY + timedelta(hours=number % 140)
        await played.stage.call(played.production, start, hours=1, title=f"Convocation {number}")
    page = await open_board(windows, played)

    assert await page.locator("table tr:not(.open) .chip").count() >= 254
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")  # without it, what is in memory already is not counted
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    await page.reload(wait_until="networkidle")
    weight = await page.evaluate(
        "performance.getEntries().filter((one) => one.transferSize).reduce((sum, one) => sum + one.transferSize, 0)"
    )
    assert weight <= 75 * 1024
    assert await violations(page) == []
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    page.on("requestfinished", note)
    await chip(page, played.first).focus()
    await page.keyboard.press("m")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await expect(page.locator("#done")).to_contain_text("mer. 5 mars")
    await expect(chip(page, played.first)).to_be_focused()
    # Beside the marks of the days, one request; and its answer holds only what changed.
    (dropped,) = [one for one in asked if one.resource_type == "fetch" and "/days?" not in one.url]
    assert dropped.url.endswith("/move")
    assert (await dropped.sizes())["responseBodySize"] < 12 * 1024
