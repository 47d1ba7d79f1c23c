"""How fast the board is in a real browser: shown, and from a drop to its findings; by hand, it asserts no time.

`python -m tests.benchmarks.board_speed [DROPS]` makes a database, a company of 40 people with 254 calls in one week,
each with somebody confirmed, and drags some of them to the next day and back. "Visible" is the first frame painted
after the answer stands on the board. It needs Chromium (`CHROMIUM` names another one than Debian's).
"""

import asyncio
import json
import os
import shutil
import statistics
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import CDPSession, Page, async_playwright

from tests.benchmarks.data import PARIS
from tests.benchmarks.machine import processor_seconds
from tests.benchmarks.site import Server, make_site, serve
from tests.helpers import PASSWORD

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
MONDAY = datetime(2031, 3, 3, tzinfo=PARIS)
WEEK = "from=2031-03-03"
CALLS, PEOPLE, VENUES = 254, 40, 8
HOURS = (9, 11, 14, 16, 18, 20)
EMAIL = "direction@example.org"
RUNS = 5
PARTS = ("TaskDuration", "ScriptDuration", "RecalcStyleDuration", "LayoutDuration")
# From the release of the button to the paint that follows the board's own sign that the answer stands.
_WATCH = """() => {
    window.drops = [];
    let released = 0;
    addEventListener("pointerup", () => { released = performance.now(); }, true);
    document.addEventListener("board", () => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => drops.push(performance.now() - released);
        channel.port2.postMessage(0);
    }));
}"""


async def fill(address: str) -> str:
    """Plan the week through the API, and return the company's slug."""
    async with httpx.AsyncClient(base_url=f"{address}/api/v1", timeout=60) as client:
        owner = {"email": EMAIL, "password": PASSWORD, "full_name": "Camille Renard"}
        made = await _create(client, {}, "/companies", name="Compagnie du Lever", slug="lever", owner=owner)
        headers = {"Authorization": f"Bearer {made['access_token']}", "X-Tenant": "lever"}
        production = await _create(client, headers, "/productions", title="La Mouette", kind="creation")
        venues = [await _create(client, headers, "/venues", name=f"Salle {n}", city="Nantes") for n in range(VENUES)]
        people = [
            await _create(client, headers, "/people", first_name="Dominique", last_name=f"Petit {n}", job="comedien")
            for n in range(PEOPLE)
        ]
        for number in range(CALLS):
            day, person = divmod(number, PEOPLE)
            # Each day later than the day before, so that a call moved to its next day meets nobody twice.
            starts = MONDAY + timedelta(days=day, hours=HOURS[(person + day) % len(HOURS)])
            call = await _create(
                client, headers, "/calls", production_id=production["id"], kind="rehearsal", title=f"Scène {number}",
                venue_id=venues[number % VENUES]["id"], starts_at=starts.isoformat(),
                ends_at=(starts + timedelta(minutes=90)).isoformat(),
            )  # fmt: skip
            place = await _create(client, headers, f"/calls/{call['id']}/positions", job="comedien", headcount=2)
            standing = await _create(
                client, headers, "/assignments", call_id=call["id"], person_id=people[person]["id"], job="comedien",
                position_id=place["id"],
            )  # fmt: skip
            body = {"override_reason": "Accord de la personne"}
            answer = await client.post(f"/assignments/{standing['id']}/confirm", json=body, headers=headers)
            answer.raise_for_status()
    return "lever"


async def _create(client: httpx.AsyncClient, headers: dict[str, str], path: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(path, json=body, headers=headers)
    if answer.is_error:
        raise SystemExit(f"{path}: {answer.status_code} {answer.text}")
    found: dict[str, Any] = answer.json()
    return found


async def measure(server: Server, address: str, slug: str, drops: int) -> None:
    """Print the table."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await browser.new_context(
            base_url=address, viewport={"width": 1440, "height": 900}, locale="fr-FR", timezone_id="Europe/Paris"
        )
        page = await context.new_page()
        await page.goto("/sign-in")
        await page.locator("#email").fill(EMAIL)
        await page.locator("#password").fill(PASSWORD)
        async with page.expect_navigation(url=lambda url: "/sign-in" not in url):
            await page.locator("main form button[type=submit]").first.click()
        for by in ("venue", "person"):
            await _shown(page, f"/c/{slug}?{WEEK}&by={by}")
            await _dropped(page, server, drops)
        await browser.close()


async def _shown(page: Page, path: str) -> None:
    session = await page.context.new_cdp_session(page)
    for rate in (1, 4):
        await session.send("Emulation.setCPUThrottlingRate", {"rate": rate})
        times = []
        for _ in range(RUNS):
            await page.goto(path, wait_until="load")
            times.append(
                await page.evaluate("""() => new Promise((shown) => requestAnimationFrame(() => setTimeout(() => shown([
                    performance.getEntriesByName("first-contentful-paint")[0].startTime,
                    performance.getEntriesByType("navigation")[0].loadEventEnd,
                    document.querySelectorAll(".chip").length,
                ]))))""")
            )
        first, loaded, chips = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"{path} CPU x{rate}: first paint {first:.0f} ms, loaded {loaded:.0f} ms, {chips:.0f} chips")
    await session.send("Emulation.setCPUThrottlingRate", {"rate": 1})


async def _dropped(page: Page, server: Server, drops: int) -> None:
    await page.evaluate(_WATCH)
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    weights: list[float] = []
    session.on("Network.loadingFinished", lambda event: weights.append(event["encodedDataLength"]))
    calls = await page.evaluate(
        "[...document.querySelectorAll('table tr:not(.open) td:nth-child(2) .chip')].map((one) => one.dataset.call)"
    )
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before, began = await _page_use(session), processor_seconds(server.pid)
    for number in range(drops):
        await _drag(page, calls[number // 2 % len(calls)], 3 if number % 2 == 0 else 2)
        await page.wait_for_function("wanted => drops.length === wanted", arg=number + 1)
    times = sorted(await page.evaluate("drops"))
    after = await _page_use(session)
    use = ", ".join(f"{name.lower()} {1000 * (after[name] - before[name]) / drops:.0f}" for name in PARTS)
    server_ms = 1000 * (processor_seconds(server.pid) - began) / drops
    print(
        f"  {drops} drops: visible p50 {statistics.median(times):.0f} ms, p95 {_p95(times):.0f} ms, "
        f"max {times[-1]:.0f} ms; {len(weights) / drops:.1f} requests and {sum(weights) / drops / 1024:.1f} kB each; "
        f"processor ms each: server {server_ms:.0f}, page {use}"
    )


async def _page_use(session: CDPSession) -> dict[str, float]:
    found = await session.send("Performance.getMetrics")
    return {one["name"]: float(one["value"]) for one in found["metrics"]}


async def _drag(page: Page, call: str, column: int) -> None:
    chip = page.locator(f'table tr:not(.open) .chip[data-call="{call}"]').first
    await chip.scroll_into_view_if_needed()
    row = chip.locator("xpath=ancestor::tr")
    source, target = await chip.bounding_box(), await row.locator(f"td:nth-child({column})").bounding_box()
    assert source is not None
    assert target is not None
    await page.mouse.move(source["x"] + 20, source["y"] + 10)
    await page.mouse.down()
    await page.mouse.move(source["x"] + 40, source["y"] + 14, steps=2)
    await page.mouse.move(target["x"] + 30, source["y"] + 14, steps=4)
    await page.mouse.up()


def _p95(times: Iterable[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def main(drops: int) -> None:
    """Measure once."""
    if CHROMIUM is None:
        raise SystemExit("NOT RUN: Chromium is not installed (Debian: apt install chromium)")
    with make_site() as site, serve(site) as server:
        address = f"http://127.0.0.1:{server.port}"
        slug = asyncio.run(fill(address))
        asyncio.run(measure(server, address, slug, drops))
        print(_server_share(server.log))


def _server_share(log: Path) -> str:
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if '"event": "request"' in line]
    found: dict[str, list[float]] = {}
    for line in map(json.loads, lines):
        route = f"{line['http.method']} {line['http.route']}"
        if "/c/{slug}" in route:
            found.setdefault(route, []).append(line["duration_ms"])
    return "\n".join(
        f"  server {route}: p50 {statistics.median(times):.0f} ms over {len(times)}" for route, times in found.items()
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
