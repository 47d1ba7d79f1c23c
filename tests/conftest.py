"""One database per test process, one application over it; tests sign up companies of their own instead of cleaning."""

import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import make_url, text

from backend.app import create_app
from backend.core.settings import Settings
from backend.tenancy import embedded, hardening, migrations
from backend.tenancy.session import Urls
from tests.helpers import SignedUpCompany, sign_up
from tests.pooler import POOLER, in_front_of
from tests.servers import sweep, throwaway_server
from tests.tracing import collected

ON_SQLITE = os.environ.get("FILAGE_TEST_DATABASE") == "sqlite"
NEEDS_DATABASE = frozenset({"settings", "urls", "app", "client", "company", "other_company"})
SERVERS_OF_THEIR_OWN = frozenset({"migrations", "worker"})
EVERYTHING = 1_000_000


def pytest_configure(config: pytest.Config) -> None:
    """Delete what the test processes of this run leave, once all have ended, and what killed ones left before."""
    if not hasattr(config, "workerinput"):
        sweep()
        config.add_cleanup(sweep)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a database, and leave out what the engine of this run cannot promise."""
    for item in items:
        by_place = SERVERS_OF_THEIR_OWN & set(item.path.parts)
        if by_place or NEEDS_DATABASE & set(getattr(item, "fixturenames", ())):
            item.add_marker("database")
    leave_out = "postgresql" if ON_SQLITE else "sqlite"
    for item in items:
        if item.get_closest_marker(leave_out):
            item.add_marker(pytest.mark.skip(reason=f"only on {leave_out}"))


@pytest.fixture(scope="session")
def var_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("var")


@pytest.fixture(scope="session")
def urls(var_dir: Path) -> Iterator[Urls]:
    """A migrated database: in a server of this process, or SQLite files."""
    with contextlib.ExitStack() as running:
        if ON_SQLITE:
            url = make_url(f"sqlite+aiosqlite:///{var_dir / 'filage.sqlite3'}")
            found = Urls(url, url)
        else:
            found = hardened(running.enter_context(throwaway_server()))
            os.environ["FILAGE_WORKER_DATABASE_URL"] = found.app.render_as_string(hide_password=False)
            if POOLER == "pgbouncer":
                found = replace(found, app=running.enter_context(in_front_of(found.app)))
        os.environ["FILAGE_DB_POOLER"] = POOLER
        os.environ["FILAGE_DATABASE_URL"] = found.app.render_as_string(hide_password=False)
        os.environ["FILAGE_OWNER_DATABASE_URL"] = found.owner.render_as_string(hide_password=False)
        migrations.upgrade()
        yield found


def hardened(server: embedded.EmbeddedServer) -> Urls:
    """Make the two logins and the database, as an operator would."""
    embedded.make_database(server)
    logins = hardening.Logins(embedded.APP_LOGIN, embedded.OWNER_LOGIN)
    assert all(found.in_force for found in hardening.harden(server.conninfo(database=embedded.DATABASE), logins))
    return Urls(make_url(server.url(embedded.APP_LOGIN)), make_url(server.url(embedded.OWNER_LOGIN)))


@pytest.fixture(scope="session")
def settings(urls: Urls, var_dir: Path) -> Settings:
    """Settings of a test process: limits out of the way, except where a test is about them."""
    return Settings(
        environment="test",
        var_dir=var_dir,
        database_url=urls.app.render_as_string(hide_password=False),
        owner_database_url=urls.owner.render_as_string(hide_password=False),
        metrics_port=0,
        tenant_cache_seconds=60,  # a look-up in the middle would be counted among the statements of a test
        limit_sign_ups_per_hour=EVERYTHING,
        limit_registers_per_hour=EVERYTHING,
        limit_unavailable_answers_per_hour=EVERYTHING,
        db_pool_size=10,
        db_pool_overflow=20,
    )


@pytest.fixture(scope="session")
async def app(settings: Settings, urls: Urls) -> AsyncIterator[FastAPI]:
    application = create_app(settings, urls)
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture(scope="session")
async def client(app: FastAPI) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://filage.test") as found:
        yield found


@pytest.fixture
async def nobody_is_late(app: FastAPI) -> None:
    """Bring to this release what other tests of this process left at an older one: `filage serve` would not start."""
    async with app.state.database.owner() as session:
        await session.execute(text("update shared.company set revision = :head"), {"head": migrations.head("tenant")})


@pytest.fixture
async def company(client: AsyncClient) -> SignedUpCompany:
    return await sign_up(client)


@pytest.fixture
async def other_company(client: AsyncClient) -> SignedUpCompany:
    """A look-alike: same name, another company. A test of refusal proves that there was something to refuse."""
    return await sign_up(client)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Return the spans of the applications that a test builds."""
    with collected() as found:
        yield found
