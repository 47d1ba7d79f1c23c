"""A release as deploy/README.md tells it: migrate, then roll; whoever uses Filage meanwhile is answered throughout."""

import asyncio
import signal
from collections import Counter
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.deploy.processes import PATIENCE_SECONDS, Served, serving
from tests.helpers import SignedUpCompany, create, sign_up
from tests.migrations.stage import Stage

USERS = 2

pytestmark = [pytest.mark.database, pytest.mark.postgresql, pytest.mark.timeout(300)]


class Audience:
    """People who ask again and again; whom one server does not take is sent to the next, as a proxy does."""

    def __init__(self, company: SignedUpCompany, *servers: Served) -> None:
        self.servers = list(servers)
        self.answers: Counter[tuple[str, int]] = Counter()
        self._company = company
        self._asking: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        self._asking = [asyncio.create_task(self._ask()) for _ in range(USERS)]

    async def more(self, number: int = 20) -> None:
        """Wait until so many more answers have come."""
        wanted = self.answers.total() + number
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.answers.total() < wanted:  # noqa: ASYNC110 - each of several tasks may bring the last one
                await asyncio.sleep(0.01)

    async def end(self) -> None:
        for task in self._asking:
            task.cancel()
        found = await asyncio.gather(*self._asking, return_exceptions=True)
        assert [error for error in found if not isinstance(error, asyncio.CancelledError)] == []

    async def _ask(self) -> None:
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS, limits=limits) as client:
            while True:
                await self._ask_once(client)
                await asyncio.sleep(0.02)  # nobody asks so fast that the machine does nothing else

    async def _ask_once(self, client: httpx.AsyncClient) -> None:
        for served in list(self.servers):
            try:
                answer = await client.get(f"{served.url}/api/v1/venues", headers=self._company.headers)
            except httpx.TransportError:
                continue
            self.answers[served.url, answer.status_code] += 1
            return
        raise AssertionError("nobody took the request")


async def test_a_release_goes_out_while_everybody_is_served(stage: Stage) -> None:
    await stage.companies(10)
    later = stage.environment
    today = {name: value for name, value in later.items() if name != "ALEMBIC_CONFIG"}
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(serving(1, today))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=old.url, timeout=PATIENCE_SECONDS))
        company = await sign_up(client)
        await create(client, company.headers, "/venues", name="La Fonderie")
        audience = Audience(company, old)
        audience.begin()
        await audience.more()

        revision = stage.release()
        migrating = stage.start("--wait")
        await audience.more()
        out, errors = await asyncio.to_thread(migrating.communicate)
        assert migrating.returncode == 0, out + errors
        assert set(stage.revisions().values()) == {revision}
        await audience.more()  # the old code, on the new schema

        new = await stack.enter_async_context(serving(1, later))
        audience.servers.append(new)
        old.process.send_signal(signal.SIGTERM)
        assert await old.ended() == 0
        audience.servers.remove(old)
        await audience.more()
        await audience.end()
    assert {status for _, status in audience.answers} == {200}
    assert {url for url, _ in audience.answers} == {old.url, new.url}
