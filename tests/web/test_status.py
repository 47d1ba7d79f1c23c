"""The page that tells whoever runs the service how it is."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from backend.core.settings import Settings
from backend.telemetry.fleet import FleetState
from backend.tenancy.backlog import Backlog
from backend.web import status
from tests.helpers import SignedUpCompany
from tests.web.conftest import Browser

HEADS = {"shared": "s1", "tenant": "t1"}


@pytest.fixture(autouse=True)
def _read_anew(app: FastAPI) -> None:
    app.state.status_parts = None


async def test_the_state_is_told_without_a_secret_or_a_company(browser: Browser, company: SignedUpCompany) -> None:
    page = await browser.get("/status")

    assert page.status_code == 200
    assert "Elle répond" in page.text
    for hidden in (company.slug, company.name, "postgresql", "sqlite", "@", "t_0"):
        assert hidden not in page.text


async def test_a_database_that_is_silent_is_told_and_answered_with_503(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(_database: object) -> bool:
        raise ConnectionError("secret address")

    monkeypatch.setattr(status, "is_migrated", silent)

    page = await browser.get("/status")

    assert page.status_code == 503
    assert "ne répond pas" in page.text
    assert "secret address" not in page.text


@pytest.mark.parametrize(
    ("backlog", "fleet", "sentence"),
    [
        (Backlog(3, 0, 2.0, 1), FleetState(HEADS, 2, 0), "3 en attente, 0 en échec"),
        (Backlog(3, 0, 2.0, 0), FleetState(HEADS, 2, 0), "filage worker"),
        (Backlog(3, 1, 2.0, 1), FleetState(HEADS, 2, 0), "à regarder"),
        (Backlog(3, 0, 200.0, 1), FleetState(HEADS, 2, 0), "attend depuis 200 s"),
        (Backlog(0, 0, 0.0, 1), FleetState(HEADS, 2, 2), "Espaces encore à mettre à jour : 2."),
        (
            Backlog(0, 0, 0.0, 1),
            FleetState(HEADS, 2, 1, states={"failed": 1}),
            "Mises à jour qui ont échoué : 1.",
        ),
        (Backlog(0, 0, 0.0, 1), None, "pas pu être lu"),
    ],
)
async def test_what_asks_for_attention_is_told_in_words(
    app: FastAPI, browser: Browser, monkeypatch: pytest.MonkeyPatch, backlog: Backlog, fleet: FleetState | None,
    sentence: str,
) -> None:  # fmt: skip
    async def read(_database: object) -> Backlog:
        return backlog

    monkeypatch.setattr("backend.tenancy.backlog.read", read)
    monkeypatch.setattr(app.state.metrics, "read_fleet", lambda: fleet)

    page = await browser.get("/status")

    assert page.status_code == 200
    assert sentence in page.text


@pytest.fixture
def _boards_named(app: FastAPI, settings: Settings) -> Iterator[None]:
    app.state.settings = settings.model_copy(update={"dashboards_url": "https://boards.example/"})
    yield
    app.state.settings = settings


async def test_it_names_no_dashboards_unless_a_setting_does(browser: Browser) -> None:
    assert "tableaux de bord" not in (await browser.get("/status")).text


@pytest.mark.usefixtures("_boards_named")
async def test_it_leads_to_the_dashboards_that_a_setting_names(browser: Browser) -> None:
    assert 'href="https://boards.example/"' in (await browser.get("/status")).text


async def test_those_who_ask_again_and_again_cost_the_database_nothing(
    app: FastAPI, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def migrated(database: object) -> bool:
        asked.append(database)
        return True

    monkeypatch.setattr(status, "is_migrated", migrated)
    monkeypatch.setattr(status, "KEPT_SECONDS", 3600.0)

    for _ in range(5):
        await browser.get("/status")

    assert len(asked) == 1
