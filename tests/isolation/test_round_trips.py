"""How often a request waits for the database, read from the wire: the price of isolation, and no more than that."""

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from backend.core.settings import Settings
from tests.backstage import log_lines
from tests.counting import wire
from tests.helpers import SignedUpCompany

pytestmark = pytest.mark.postgresql

OPENED = 3  # BEGIN, the scope, COMMIT


async def test_a_request_waits_once_for_its_caller_and_then_for_its_transaction(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany, settings: Settings
) -> None:
    counts = []
    # The first ones look the company up, open connections and prepare statements: the fewest is what a request needs.
    for _ in range(12):
        with log_lines(settings) as log, wire(app.state.database) as found:
            answer = await client.get("/api/v1/productions?limit=1", headers=company.headers)
        assert answer.status_code == 200
        counts.append((found.round_trips, f'"round_trips": {found.round_trips},' in log.getvalue()))
    caller, work = 1, 1
    assert min(counts) == (caller + OPENED + work, True)
