"""Style sheet, scripts, font and icons of the pages."""

import re

import pytest

from backend.web import assets, rendering
from tests.web.conftest import Browser


async def test_an_asset_is_compressed_and_kept_for_ever_under_its_tag(browser: Browser) -> None:
    answer = await browser.get(assets.address("filage.css"), headers={"Accept-Encoding": "gzip"})

    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert "@layer reset, tokens" in answer.text
    again = await browser.get(assets.address("filage.css"), headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "name", ["../app.py", "..%2fapp.py", "vendor/../../pages.py", "%00", "vendor", "vendor/", "", "css/.hidden"]
)
async def test_nothing_else_is_served(browser: Browser, name: str) -> None:
    assert (await browser.get(f"/static/{name}")).status_code == 404


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    sprite = assets.find("icons.svg")
    assert sprite is not None
    known = set(re.findall(r'<symbol id="([\w-]+)"', sprite.content.decode()))
    environment = rendering.environment("fr")
    assert environment.loader is not None
    sources = [environment.loader.get_source(environment, name)[0] for name in environment.list_templates()]
    named = {icon for source in sources for icon in re.findall(r'icon\("([\w-]+)"\)', source)}

    assert named
    assert named <= known


def test_the_style_sheet_stays_within_its_budget() -> None:
    sheet = assets.find("filage.css")
    assert sheet is not None
    assert sheet.compressed is not None
    assert len(sheet.compressed) <= 8 * 1024
