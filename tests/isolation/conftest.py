"""Two look-alike companies with a row each that tells whose schema was read, and a superuser to look from above."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from psycopg.conninfo import make_conninfo

from backend.core.settings import Settings
from backend.tenancy.models import CompanyInfo
from backend.tenancy.session import Database, Urls
from tests.backstage import info, running
from tests.helpers import SignedUpCompany, sign_up
from tests.isolation.staging import conninfo_of, with_canary


@pytest.fixture
def database(app: FastAPI) -> Database:
    found: Database = app.state.database
    return found


@pytest.fixture(scope="module")
async def our_company(client: AsyncClient) -> SignedUpCompany:
    return await sign_up(client)


@pytest.fixture(scope="module")
async def their_company(client: AsyncClient) -> SignedUpCompany:
    """A look-alike: same name, another company."""
    return await sign_up(client)


@pytest.fixture(scope="module")
async def ours(app: FastAPI, our_company: SignedUpCompany) -> CompanyInfo:
    return await with_canary(app.state.database, await info(app, our_company))


@pytest.fixture(scope="module")
async def theirs(app: FastAPI, their_company: SignedUpCompany) -> CompanyInfo:
    return await with_canary(app.state.database, await info(app, their_company))


@pytest.fixture
async def one_connection(settings: Settings, urls: Urls) -> AsyncIterator[Database]:
    """Return a database whose pool has one connection: whoever comes next gets the one just used."""
    async with running(settings, urls, db_pool_size=1, db_pool_overflow=0, db_pool_timeout_seconds=5) as (own, _):
        yield own.state.database


@pytest.fixture
def superuser(urls: Urls) -> str:
    """Return the libpq string of a superuser in the test's own database."""
    host = str(urls.owner.query["host"])
    return make_conninfo(host=host, user="postgres", dbname=urls.owner.database)


@pytest.fixture
def above(superuser: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(superuser, autocommit=True) as connection:
        yield connection


@pytest.fixture
def login(urls: Urls) -> str:
    """Return the libpq string of the app login: what whoever stole its password has."""
    return conninfo_of(urls.app)
