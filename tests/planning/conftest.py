"""Two companies with something to plan."""

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from backend.tenancy.session import Database
from tests.helpers import SignedUpCompany
from tests.planning.stage import Stage


@pytest.fixture
def database(app: FastAPI) -> Database:
    found: Database = app.state.database
    return found


@pytest.fixture
def stage(client: AsyncClient, company: SignedUpCompany) -> Stage:
    return Stage(client, company)


@pytest.fixture
def other_stage(client: AsyncClient, other_company: SignedUpCompany) -> Stage:
    return Stage(client, other_company)
