"""Two look-alike companies on five connections, and everything that can go wrong: nobody reads a row of the other.

Cancellations, clients that hang up, statement time-outs, errors at the commit and killed backends, in an order that the
printed seed repeats.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import uvicorn
from fastapi import FastAPI
from httpx import AsyncClient
from procrastinate import App, JobContext
from procrastinate.jobs import Job
from procrastinate.testing import InMemoryConnector
from psycopg.pq import PipelineStatus, TransactionStatus
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from backend.core.clock import utc_now
from backend.core.settings import Settings
from backend.tenancy.engine import DEFAULT_SEARCH_PATH
from backend.tenancy.models import CompanyInfo, TenantAnswer
from backend.tenancy.session import Database, Urls
from backend.worker.app import Kind, Order, Tools, carry_out
from tests.backstage import LONG, TWENTIETHS, BrokenError, running
from tests.helpers import SignedUpCompany, create
from tests.isolation.staging import CANARY, WHERE
from tests.pooler import POOLER

pytestmark = [pytest.mark.postgresql, pytest.mark.soak, LONG]
JOBS = 1000 * TWENTIETHS
AT_ONCE = 20
CONNECTIONS = 5
KILL_SECONDS = 0.15
PATH = "/api/v1/people?limit=200"


@dataclass(slots=True)
class Side:
    """One of the two companies, and what its requests must and must not show."""

    signed: SignedUpCompany
    info: CompanyInfo
    acknowledged: list[str] = field(default_factory=list)

    @property
    def mark(self) -> str:
        return f"Canari-{self.signed.slug}"


@dataclass(slots=True)
class Run:
    """One run of jobs over an application of its own."""

    app: FastAPI
    client: AsyncClient
    port: int
    sides: tuple[Side, Side]
    chance: random.Random
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[object] = field(default_factory=list)

    @property
    def database(self) -> Database:
        found: Database = self.app.state.database
        return found

    async def transaction(self, side: Side) -> None:
        """Write and read in one transaction, which may end in any way."""
        key, end = f"{side.mark}/{uuid4()}", self.chance.choice(["commit"] * 4 + ["raise", "time out", "swallow"])
        async with self.database.company(side.info) as session:
            session.add(TenantAnswer(scope="leaks", key=key, fingerprint="", created_at=utc_now(), headers=None))
            await session.flush()
            for _ in range(self.chance.randrange(3)):
                self.look(side, [*(await session.execute(WHERE)).one(), *(await session.scalars(CANARY))])
                async with session.begin_nested():
                    await session.execute(text("select pg_sleep(:nap)"), {"nap": self.chance.random() / 200})
            if end == "raise":
                raise BrokenError
            if end == "time out":
                await session.execute(text("select pg_sleep(20)"))
            if end == "swallow":
                with contextlib.suppress(DBAPIError):
                    await session.execute(text("select 1 / 0"))
        side.acknowledged.append(key)

    async def request(self, side: Side) -> None:
        """Ask through the application, in process."""
        answer = await self.client.get(PATH, headers=side.signed.headers)
        self.read(side, answer.status_code, answer.text)

    async def task(self, side: Side) -> None:
        """Carry out a background task of the company, as a worker in this process does."""

        async def perform(order: Order) -> None:
            assert order.company is not None
            async with order.tools.database.company(order.company) as session:
                self.look(side, [*(await session.execute(WHERE)).one(), *(await session.scalars(CANARY))])
                await session.execute(text("select pg_sleep(:nap)"), {"nap": self.chance.random() / 100})
                self.look(side, [*(await session.execute(WHERE)).one(), *(await session.scalars(CANARY))])
            self.seen["tasks"] += 1

        tools: Tools = self.app.state.runner.tools
        payload = tools.seal.close("leaks", side.info.id, {})
        job = Job(queue="leaks", lock=None, queueing_lock=None, task_name="leaks")
        context = JobContext(
            app=App(connector=InMemoryConnector()), job=job, start_timestamp=0.0, abort_reason=lambda: None
        )
        with contextlib.suppress(RuntimeError):  # what a killed backend makes of it: the queue would try again
            await carry_out(tools, Kind("leaks", "leaks", perform), context, company=str(side.info.id), payload=payload)

    async def hanging_up(self, side: Side) -> None:
        """Ask over a socket, and hang up before, while or after the answer comes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        headers = "".join(f"{name}: {value}\r\n" for name, value in side.signed.headers.items())
        writer.write(f"GET {PATH} HTTP/1.1\r\nHost: filage.test\r\nConnection: close\r\n{headers}\r\n".encode())
        try:
            patience = self.chance.choice([0.001, 0.005, 0.02, 30])
            answer = (await asyncio.wait_for(reader.read(), patience)).decode()
            self.read(side, int(answer[9:12]), answer)
        except TimeoutError:
            self.seen["hung up"] += 1
        finally:
            writer.transport.abort()

    def read(self, side: Side, status: int, body: str) -> None:
        """Hold an answer against what this company may see."""
        other = next(each for each in self.sides if each is not side)
        self.seen[f"status {status}"] += 1
        if other.mark in body or (status == 200 and side.mark not in body):
            self.wrong.append((side.mark, status, body[:200]))

    def look(self, side: Side, found: list[Any]) -> None:
        """Hold a transaction's place against where it must be."""
        self.seen["looks"] += 1
        if found != [side.info.role_name, side.info.schema_name, side.info.schema_name]:
            self.wrong.append((side.mark, found))


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[int]:
    """Serve on a free port, as the product is served."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_config=None, access_log=False))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn says so by this flag alone
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def killing(pids: set[int], superuser: str, chance: random.Random) -> AsyncIterator[Counter[str]]:
    """End a random backend of the run every moment; not behind PgBouncer, whose backends are everybody's."""
    killed: Counter[str] = Counter()

    async def kill() -> None:
        async with await psycopg.AsyncConnection.connect(superuser, autocommit=True) as connection:
            while True:
                await asyncio.sleep(KILL_SECONDS * chance.random() * 2)
                pid = chance.choice(sorted(pids)) if pids else 0
                cursor = await connection.execute("select pg_terminate_backend(%s)", (pid,))
                killed["killed"] += bool((await cursor.fetchone() or (False,))[0])

    task = asyncio.create_task(kill() if POOLER == "none" else asyncio.sleep(0))
    try:
        yield killed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def watch(database: Database, dirty: list[str]) -> set[int]:
    """Look at every connection before it is handed out, and return the backends' numbers as they come and go."""
    assert database._app is not None
    pids: set[int] = set()

    def checkout(_connection: object, _entry: object, proxy: Any) -> None:
        driver = proxy.driver_connection
        path = driver.info.parameter_status("search_path")
        if driver.closed:
            return  # killed while it lay in the pool: nothing is to be had from it
        if driver.info.transaction_status != TransactionStatus.IDLE:
            dirty.append(f"{driver.info.transaction_status}")
        if driver.pgconn.pipeline_status != PipelineStatus.OFF or path != DEFAULT_SEARCH_PATH:
            dirty.append(f"{driver.pgconn.pipeline_status} {path}")

    pool = database._app.sync_engine.pool
    event.listen(pool, "checkout", checkout, insert=True)
    event.listen(pool, "connect", lambda driver, _entry: pids.add(driver.info.backend_pid))
    event.listen(
        pool, "close", lambda driver, _entry: pids.discard(driver.info.backend_pid) if not driver.closed else None
    )
    return pids


async def perform(run: Run, jobs: int) -> None:
    """Run all jobs, some at once, and cancel a third of them at a random moment."""
    gate = asyncio.Semaphore(AT_ONCE)
    kinds: list[Callable[[Side], Awaitable[None]]] = [
        run.transaction, run.transaction, run.request, run.task, run.hanging_up,
    ]  # fmt: skip

    async def one() -> None:
        async with gate:
            side, kind = run.chance.choice(run.sides), run.chance.choice(kinds)
            task = asyncio.ensure_future(kind(side))
            if run.chance.random() < 1 / 3:
                await asyncio.wait([task], timeout=run.chance.random() / 20)
                run.seen["cancelled"] += task.cancel()
            found = (await asyncio.gather(task, return_exceptions=True))[0]
            if isinstance(found, BaseException):
                run.seen[type(found).__name__] += 1

    await asyncio.gather(*(one() for _ in range(jobs)))


async def test_nobody_reads_what_is_not_theirs_whatever_goes_wrong(
    settings: Settings, urls: Urls, superuser: str, our_company: SignedUpCompany, their_company: SignedUpCompany,
    ours: CompanyInfo, theirs: CompanyInfo, client: AsyncClient,
) -> None:  # fmt: skip
    seed = random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}")  # noqa: T201 - repeats a failure
    sides = (Side(our_company, ours), Side(their_company, theirs))
    for side in sides:
        await create(
            client, side.signed.headers, "/people", first_name="Colette", last_name=side.mark, job="machiniste"
        )
    changes = {
        "db_pool_size": CONNECTIONS, "db_pool_overflow": 0, "db_pool_timeout_seconds": 60, "statement_timeout_ms": 300,
        "db_pool_max_companies": 1000,
    }  # fmt: skip
    dirty: list[str] = []
    async with running(settings, urls, **changes) as (app, own_client), serving(app) as port:
        run = Run(app, own_client, port, sides, random.Random(seed))  # noqa: S311 - a schedule
        pids = watch(run.database, dirty)
        async with killing(pids, superuser, run.chance) as killed:
            await perform(run, JOBS)
        print(dict(run.seen), dict(killed))  # noqa: T201 - what the run was made of
    assert run.wrong == [], f"seed {seed}"
    assert dirty == [], f"seed {seed}"
    await nothing_lost_or_misplaced(client, superuser, sides, seed)
    assert run.seen["looks"] > JOBS / 10
    assert run.seen["cancelled"] > JOBS / 10
    assert run.seen["hung up"] > JOBS / 100
    assert run.seen["status 200"] > JOBS / 20
    assert run.seen["tasks"] > JOBS / 20
    # A backend that is killed is nobody's mistake: the client may try again.
    assert run.seen["status 500"] == 0
    if POOLER == "none":
        assert killed["killed"] > 0


async def nothing_lost_or_misplaced(_client: AsyncClient, superuser: str, sides: tuple[Side, Side], seed: int) -> None:
    """Read both schemas from above: each holds its own rows, and every row that was acknowledged."""
    with psycopg.connect(superuser) as above:
        for side in sides:
            query = f"select key from {side.info.schema_name}.idempotency_key where scope = 'leaks'"
            kept = {row[0] for row in above.execute(query.encode()).fetchall()}
            assert {key for key in kept if not key.startswith(side.mark)} == set(), f"seed {seed}"
            assert set(side.acknowledged) - kept == set(), f"seed {seed}"
