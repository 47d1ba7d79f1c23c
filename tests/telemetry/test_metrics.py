"""Metrics are the operator's contract: names as documented, bounded whatever clients send, true when read."""

import asyncio
import re
import time
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from prometheus_client import generate_latest

from backend.core.ending import cancel
from backend.core.settings import Settings
from backend.telemetry import loop
from backend.telemetry.companies import CompanyMetrics
from backend.telemetry.metrics import Metrics
from backend.tenancy.fleet import state
from backend.tenancy.session import Urls
from tests.backstage import TWENTIETHS, busy_metrics, running
from tests.helpers import SignedUpCompany, sign_up, unique

DOCUMENTED = Path(__file__).parents[2] / "docs" / "observability.md"
SCRAPE_LINES = 6_000
_OF_THE_LIBRARY = ("process_", "python_")


def value(metrics: Metrics, name: str, **labels: str) -> float:
    """Return a sample's value; 0 where nothing was counted yet."""
    return metrics.registry.get_sample_value(name, labels) or 0.0


def families(metrics: Metrics) -> dict[str, str]:
    """Return our own metrics by the name that a scrape shows, with their kinds."""
    found = {}
    for metric in metrics.registry.collect():
        if not metric.name.startswith(_OF_THE_LIBRARY):
            found[metric.name + ("_total" if metric.type == "counter" else "")] = metric.type
    return found


def test_the_documented_table_is_what_is_exposed(urls: Urls) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", DOCUMENTED.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows) == families(Metrics(state.reader(urls)))


async def test_a_company_is_counted_under_its_schema_with_its_outcome_and_what_it_held(
    app: FastAPI, client: AsyncClient, settings: Settings, urls: Urls
) -> None:
    async with running(settings, urls) as (own, own_client):
        company = await sign_up(own_client)
        for _ in range(3):
            assert (await own_client.get("/api/v1/venues", headers=company.headers)).status_code == 200
        metrics: Metrics = own.state.metrics
        info = await own.state.directory.by_slug(company.slug)
        assert value(metrics, "filage_tenant_request_duration_seconds_count", tenant=info.schema_name) == 3
        outcomes = ("ok", "slow")
        named = "filage_tenant_requests_total"
        assert sum(value(metrics, named, tenant=info.schema_name, outcome=found) for found in outcomes) == 3
        held = value(metrics, "filage_tenant_db_connection_held_seconds_total", tenant=info.schema_name)
        assert held > 0 or own.state.database.is_sqlite
        shown = generate_latest(metrics.registry).decode()
        assert company.slug not in shown


def test_the_company_after_the_last_one_admitted_is_counted_with_the_others() -> None:
    metrics = Metrics()
    companies = CompanyMetrics(metrics, pinned=["t_000999"], limit=200)
    for number in range(250 * TWENTIETHS):
        companies.observe(f"t_{number:06d}", 0.1, 200, 0.0)
    companies.observe("t_000999", 0.7, 500, 0.0)
    named = "filage_tenant_requests_total"
    assert value(metrics, named, tenant="_other", outcome="ok") == 250 * TWENTIETHS - 199 - (TWENTIETHS > 1)
    assert value(metrics, named, tenant="t_000999", outcome="error") == 1
    labels = {s.labels["tenant"] for m in metrics.registry.collect() for s in m.samples if "tenant" in s.labels}
    assert len(labels) == 201


async def test_random_addresses_and_companies_add_no_series(app: FastAPI, client: AsyncClient) -> None:
    def series() -> int:
        return len([line for line in generate_latest(app.state.metrics.registry).splitlines() if line[:1] != b"#"])

    for method in ("GET", "BREW"):
        await client.request(method, "/api/v1/personne", headers={"X-Tenant": unique("personne")})
    before = series()
    for number in range(500 * TWENTIETHS):
        slug = unique("personne")
        await client.request("BREW" if number % 2 else "GET", f"/api/v1/{slug}", headers={"X-Tenant": slug})
    assert series() == before


def test_a_scrape_with_sixty_routes_and_two_hundred_companies_stays_short() -> None:
    assert len(generate_latest(busy_metrics().registry).splitlines()) < SCRAPE_LINES


async def test_the_loop_s_lag_is_how_long_it_was_blocked() -> None:
    metrics = Metrics()
    watching = asyncio.create_task(loop.watch(metrics, 0.01))
    await asyncio.sleep(0)
    time.sleep(0.2)  # noqa: ASYNC251 - blocking the loop is what this is about
    await asyncio.sleep(0.02)
    await cancel({watching})
    assert value(metrics, "filage_event_loop_lag_seconds_sum") >= 0.15


@pytest.mark.postgresql
async def test_the_pool_tells_who_holds_and_who_gave_up(settings: Settings, urls: Urls) -> None:
    async with running(
        settings, urls, db_pool_size=1, db_pool_overflow=0, db_pool_timeout_seconds=0.1, metrics_port=0
    ) as (own, own_client):
        metrics: Metrics = own.state.metrics
        assert value(metrics, "db_client_connection_max", pool="app") == 1
        async with own.state.database.shared() as session:
            await session.connection()
            used = {"db_client_connection_state": "used", "pool": "app"}
            assert metrics.registry.get_sample_value("db_client_connection_count", used) == 1
            answer = await own_client.get("/health/ready")
            assert answer.status_code == 503
        assert value(metrics, "db_client_connection_timeouts_total", pool="app") >= 1
        assert metrics.registry.get_sample_value("db_client_connection_count", used) == 0
        assert value(metrics, "db_client_connection_wait_time_seconds_count", pool="app") >= 2


async def test_statements_are_timed_by_their_first_word(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany
) -> None:
    def counted(word: str) -> float:
        return value(app.state.metrics, "db_client_operation_duration_seconds_count", db_operation_name=word)

    before = counted("INSERT")
    answer = await client.post("/api/v1/venues", headers=company.headers, json={"name": "La Fonderie"})
    assert answer.status_code == 201
    assert counted("INSERT") > before


async def test_each_route_has_the_target_that_its_p95_is_held_against(app: FastAPI, client: AsyncClient) -> None:
    await client.get("/api/v1/users/me")
    await client.post("/api/v1/auth/login", data={"username": "personne@example.org", "password": "x"})
    named = "filage_slo_p95_target_seconds"
    assert value(app.state.metrics, named, http_route="/api/v1/users/me") == 0.3
    assert value(app.state.metrics, named, http_route="/api/v1/auth/login") == 0.5


async def test_companies_are_counted_by_state(client: AsyncClient, app: FastAPI, company: SignedUpCompany) -> None:
    found = app.state.metrics.read_fleet()
    assert found.statuses["active"] >= 1
    assert set(found.statuses) == {"active", "suspended"}
    assert sum(found.statuses.values()) == found.companies
