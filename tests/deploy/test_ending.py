"""SIGTERM, as every deployment sends it: nobody new is accepted, whoever was accepted is answered, the end is 0."""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import text
from starlette.types import Receive, Scope, Send
from uvicorn.config import STARTUP_FAILURE

from backend.cli import serving as ending
from backend.cli.serving import shut
from backend.tenancy.session import Database, Urls, hand_over
from tests.backstage import info
from tests.deploy.processes import PATIENCE_SECONDS, REFUSED, ask, serving, started
from tests.helpers import SignedUpCompany, create
from tests.smtp import free_port, smtp_server
from tests.worker.conftest import Post, reset_mail, rows

REQUESTS = 6
# Requests wait for a lock as long as the test holds it.
PATIENT = {"FILAGE_LOCK_TIMEOUT_MS": "100000", "FILAGE_STATEMENT_TIMEOUT_MS": "100000", "FILAGE_ENVIRONMENT": "test"}
WAITING = text("select count(*) from pg_locks where not granted and relation = cast(:name as regclass)")

pytestmark = [
    pytest.mark.database,
    pytest.mark.postgresql,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("nobody_is_late"),
]


@asynccontextmanager
async def locked(database: Database, schema: str) -> AsyncIterator[None]:
    """Hold the company's venues, so that whoever asks for them is kept waiting in the middle of a request."""
    async with database.owner() as session:
        await session.execute(text(f"lock table {schema}.venue in access exclusive mode"))
        yield


async def until_waiting(database: Database, schema: str, number: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with database.owner() as session:
                if (await session.execute(WAITING, {"name": f"{schema}.venue"})).scalar_one() >= number:
                    return
            await asyncio.sleep(0.05)


async def venues(url: str, company: SignedUpCompany) -> httpx.Response:
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as client:
        return await client.get("/api/v1/venues", headers=company.headers)


@pytest.mark.parametrize("workers", [1, 2])
async def test_requests_under_way_are_answered_nobody_new_is_accepted_and_the_exit_code_is_0(
    app: FastAPI, client: httpx.AsyncClient, company: SignedUpCompany, workers: int
) -> None:
    await create(client, company.headers, "/venues", name="La Fonderie")
    database: Database = app.state.database
    schema = (await info(app, company)).schema_name
    async with serving(workers, PATIENT) as served:
        async with locked(database, schema):
            asked = [asyncio.create_task(venues(served.url, company)) for _ in range(REQUESTS)]
            await until_waiting(database, schema, REQUESTS)
            served.process.send_signal(signal.SIGTERM)
            # Refused at the door: who comes now can go elsewhere at once. Accepted and never answered would be lost.
            await served.refuses()
            assert not any(task.done() for task in asked)
        answers = await asyncio.gather(*asked)
        assert await served.ended() == 0
    assert [(answer.status_code, len(answer.json()["items"])) for answer in answers] == [(200, 1)] * REQUESTS


async def test_under_load_nobody_is_accepted_and_then_forgotten(urls: Urls, company: SignedUpCompany) -> None:
    del urls
    headers = [f"{name}: {value}" for name, value in company.headers.items()]
    request = "\r\n".join(["GET /api/v1/venues HTTP/1.1", "Host: test", "Connection: close", *headers, "", ""]).encode()
    seen: Counter[str] = Counter()
    enough = asyncio.Event()
    async with serving(2, PATIENT) as served:

        async def visitor() -> None:
            outcome = ""
            while outcome != REFUSED:
                outcome = await ask(served.port, request)
                seen[outcome] += 1
                if seen.total() >= 10 * REQUESTS:
                    enough.set()

        visitors = [asyncio.create_task(visitor()) for _ in range(REQUESTS)]
        await asyncio.wait_for(enough.wait(), PATIENCE_SECONDS)
        served.process.send_signal(signal.SIGTERM)
        await asyncio.gather(*visitors)
        assert await served.ended() == 0
    assert set(seen) == {"HTTP/1.1 200 OK", REFUSED}


async def test_a_connection_that_is_kept_open_takes_the_request_on_its_way_and_then_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Closed at once, it reset the client that was writing, who cannot know whether the act was done."""
    monkeypatch.setattr(ending, "LET_IN_SECONDS", PATIENCE_SECONDS)
    config = uvicorn.Config(nothing_but_ok, lifespan="off", http=ending.Connection, log_config=None)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with socket.create_server(("127.0.0.1", 0)) as door:
        await server.startup([door])
        reader, writer = await asyncio.open_connection(*door.getsockname())
        first = await asked_again(reader, writer)
        stopping = asyncio.create_task(server.shutdown())
        await asyncio.sleep(0)  # until it waits for the connections to end
        last = await asked_again(reader, writer)
        assert [b"connection: close" in answer for answer in (first, last)] == [False, True]
        assert await reader.read() == b""
        writer.close()
        await stopping


async def asked_again(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
    return await reader.readuntil(b"\r\n\r\nok")


async def nothing_but_ok(_scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can shut the door of a socket that listens")
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_behind_a_door_that_is_shut_somebody_waits_to_be_taken_and_nobody_joins(
    family: socket.AddressFamily, host: str
) -> None:
    with socket.create_server((host, 0), family=family) as door:
        address = door.getsockname()[:2]
        with socket.create_connection(address, timeout=PATIENCE_SECONDS) as before:
            shut(door)
            with pytest.raises(TimeoutError):
                socket.create_connection(address, timeout=0.2)
            taken, _ = door.accept()
            with taken:
                before.sendall(b"bonsoir")
                assert taken.recv(10) == b"bonsoir"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("workers", [1, 2])
async def test_what_cannot_start_does_not_end_with_0(urls: Urls, workers: int) -> None:
    del urls
    nobody = f"127.0.0.1:{free_port()}/filage"
    environment = {
        "FILAGE_ENVIRONMENT": "production",
        "FILAGE_DATABASE_URL": f"postgresql+psycopg://filage_app@{nobody}",
        "FILAGE_OWNER_DATABASE_URL": f"postgresql+psycopg://filage_owner@{nobody}",
        "FILAGE_SECRET_KEY": "of-a-test-that-stays-dark-0123456789",
        "FILAGE_PUBLIC_URL": "https://filage.test",
    }
    async with started(workers, environment) as served:
        assert await served.ended() == STARTUP_FAILURE


class GatedPost(Post):
    """A mail server that keeps a mail in its hands until the gate opens."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.gate = threading.Event(), threading.Event()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.reached.set()
        await asyncio.to_thread(self.gate.wait, PATIENCE_SECONDS)
        return await super().handle_DATA(server, session, envelope)


@pytest.fixture
def post() -> GatedPost:
    return GatedPost()


@pytest.fixture
def mail_settings(post: GatedPost) -> Iterator[dict[str, str]]:
    with smtp_server(post) as port:
        yield {"FILAGE_SMTP_HOST": "127.0.0.1", "FILAGE_SMTP_PORT": str(port), "FILAGE_SMTP_TLS": "none"}
        post.gate.set()


async def test_a_worker_finishes_the_task_in_its_hands_and_leaves_the_others(
    app: FastAPI, post: GatedPost, mail_settings: dict[str, str]
) -> None:
    database: Database = app.state.database
    async with database.shared() as session:
        await session.execute(text("delete from procrastinate.procrastinate_jobs"))
        for number in range(3):
            hand_over(session, reset_mail(f"canary+{number}@example.org"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backend.cli.main", "worker", "--concurrency", "1", "--queues", "mails",
        env={**os.environ, **mail_settings, "FILAGE_METRICS_PORT": "0", "FILAGE_LOG_LEVEL": "warning"},
    )  # fmt: skip
    try:
        assert await asyncio.to_thread(post.reached.wait, PATIENCE_SECONDS)
        process.send_signal(signal.SIGTERM)
        post.gate.set()
        assert await asyncio.wait_for(process.wait(), PATIENCE_SECONDS) == 0
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    left = [row for row in await rows(database) if row.task_name == "mail"]
    assert len(left) + len(post.taken) == 3
    assert {row.status for row in left} <= {"todo"}
    assert len({number for number, _ in post.taken}) == len(post.taken) > 0
