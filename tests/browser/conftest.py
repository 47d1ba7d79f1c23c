"""A real browser before the served application: two widths, axe, what the policy of the pages refused, pictures.

Chromium is Debian's (`CHROMIUM` names another one); without it these tests are skipped, and say so. Pictures go to the
folder that `FILAGE_TEST_PICTURES` names.
"""

import asyncio
import gzip
import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from backend.app import create_app
from backend.core.settings import Settings
from backend.tenancy.session import Urls
from tests.conftest import ON_SQLITE
from tests.helpers import PASSWORD

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
AXE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js.gz"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SERIOUS = frozenset({"serious", "critical"})
PHONE, DESK = (390, 844), (1440, 900)
PATIENCE_SECONDS = 10  # at the end, for a window that still waits and for the browser
# The console says what a page was refused and what its scripts could not do; an answer of 4xx is the test's own doing.
EXPECTED = ("Failed to load resource: the server responded with a status of", "net::ERR_INTERNET_DISCONNECTED")


@dataclass(frozen=True, slots=True)
class Site:
    """The served application; `address` is how a browser on this machine reaches it."""

    app: FastAPI
    address: str


@pytest.fixture(scope="session")
async def site(settings: Settings, urls: Urls) -> AsyncIterator[Site]:
    """The application behind a port of its own. Browsers keep its Secure cookies, since 127.0.0.1 is trustworthy."""
    if ON_SQLITE:
        pytest.skip("only on postgresql")
    with socket.create_server(("127.0.0.1", 0)) as door:
        address = f"http://127.0.0.1:{door.getsockname()[1]}"
        app = create_app(settings.model_copy(update={"public_url": address}), urls)
        options: dict[str, Any] = {"log_config": None, "access_log": False, "ws": "none", "lifespan": "on"}
        config = uvicorn.Config(app, timeout_graceful_shutdown=PATIENCE_SECONDS, **options)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([door]))
        while not server.started:
            assert not serving.done(), "the application did not start"
            await asyncio.sleep(0.01)
        yield Site(app, address)
        server.should_exit = True
        await serving


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser; each test opens windows of its own in it."""
    if CHROMIUM is None:
        pytest.skip("NOT RUN, in a browser: Chromium is not installed (Debian: apt install chromium)")
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        async with asyncio.timeout(PATIENCE_SECONDS):
            await browser.close()


@dataclass(slots=True)
class Windows:
    """Opens windows and notes what goes wrong in them: nothing may, unless a test empties `wrong`."""

    chromium: Browser
    site: Site
    closing: AsyncExitStack
    wrong: list[str] = field(default_factory=list)

    async def open(
        self, size: tuple[int, int] = PHONE, *, language: str = "fr-FR", scripts: bool = True, dark: bool = False,
        zone: str = "Europe/Paris", **options: Any,
    ) -> Page:  # fmt: skip
        """Return a page in a context of its own: nobody's cookies; `options` are Playwright's."""
        context = await self.chromium.new_context(
            base_url=self.site.address, viewport={"width": size[0], "height": size[1]}, locale=language,
            timezone_id=zone, java_script_enabled=scripts, color_scheme="dark" if dark else "light",
            has_touch=size == PHONE, **options,
        )  # fmt: skip
        context.set_default_timeout(20_000)
        self.closing.push_async_callback(context.close)
        self.listen(context)
        return await context.new_page()

    def listen(self, context: BrowserContext) -> None:
        """Note what the console of a context says is wrong, violations of the policy included."""

        def note(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"} and not any(part in message.text for part in EXPECTED):
                self.wrong.append(message.text)

        context.on("console", note)
        context.on("weberror", lambda found: self.wrong.append(str(found.error)))


@pytest.fixture
async def windows(chromium: Browser, site: Site) -> AsyncIterator[Windows]:
    """Windows of the browser; at the end of the test none of them may have complained."""
    async with AsyncExitStack() as closing:
        found = Windows(chromium, site, closing)
        yield found
    assert found.wrong == []


@pytest.fixture
async def phone(windows: Windows) -> Page:
    """A French page of 390 pixels, with touch."""
    return await windows.open(PHONE)


@pytest.fixture
async def desk(windows: Windows) -> Page:
    """A French page of 1,440 pixels."""
    return await windows.open(DESK)


async def sign_in(page: Page, email: str, password: str = PASSWORD, path: str = "/sign-in") -> None:
    """Sign in by the page, and wait for the page that follows; it works without scripts too."""
    await page.goto(path)
    await page.locator("#email").fill(email)
    await page.locator("#password").fill(password)
    async with page.expect_navigation(url=lambda url: "/sign-in" not in url):
        await page.locator("main form button[type=submit]").first.click()


async def violations(page: Page) -> list[str]:
    """Return what axe finds serious or critical on the page as it is now, each with the places."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(gzip.decompress(AXE.read_bytes()).decode())
    found = await page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})", RULES
    )
    return [
        f"{one['impact']} {one['id']}: " + ", ".join(str(node["target"][0]) for node in one["nodes"][:5])
        for one in found["violations"]
        if one["impact"] in SERIOUS
    ]


Picture = Callable[[Page, str], Awaitable[Path]]


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    """Takes a picture of a whole page, under a name."""
    folder = Path(os.environ.get("FILAGE_TEST_PICTURES", tmp_path))

    async def take(page: Page, name: str) -> Path:
        path = folder / f"{name}.png"
        await page.screenshot(path=path, full_page=True, animations="disabled")
        return path

    return take
