"""A head without an end fills nobody's memory: it is refused in a sentence, and bodies are not counted in it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from backend.cli.heads import HEAD_BYTES, BoundedHeads
from tests.deploy.processes import PATIENCE_SECONDS, ask, serving

ENOUGH = 30_000_000  # beyond what a connection on the loopback holds
TOO_LARGE = "HTTP/1.1 431 Request Header Fields Too Large"
GET = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


class House:
    """An application that says how much body it was given; `asked` counts whom it was asked by."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        body = b"%d" % size
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def at_the_door(house: House) -> AsyncIterator[int]:
    server = uvicorn.Server(uvicorn.Config(house, log_config=None, lifespan="off", http=BoundedHeads))
    with socket.create_server(("127.0.0.1", 0)) as door:
        running = asyncio.create_task(server.serve(sockets=[door]))
        try:
            yield door.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            await running


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (GET + b"X-Long: " + b"a" * (HEAD_BYTES - 200) + b"\r\n\r\n", "HTTP/1.1 200 OK"),
        (GET + b"X-Long: " + b"a" * HEAD_BYTES + b"\r\n\r\n", TOO_LARGE),
        (GET + b"X-Many: a\r\n" * (HEAD_BYTES // 7) + b"\r\n", TOO_LARGE),
        (GET.replace(b"/ ", b"/?q=" + b"a" * HEAD_BYTES + b" ", 1) + b"\r\n", TOO_LARGE),
        (b"GET nowhere\r\n\r\n", "HTTP/1.1 400 Bad Request"),
    ],
    ids=["within", "one header", "many headers", "address", "not HTTP"],
)
async def test_a_head_is_taken_up_to_its_bound(request_: bytes, status: str) -> None:
    house = House()
    async with at_the_door(house) as port:
        assert await ask(port, request_) == status
    assert house.asked == (status == "HTTP/1.1 200 OK")


async def test_a_refusal_says_why() -> None:
    async with at_the_door(House()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET + b"X-Long: " + b"a" * HEAD_BYTES + b"\r\n\r\n")
        answer = (await reader.read()).decode()
        writer.close()
    assert answer.endswith("trop long : 64 Ko au plus.\nThe head of the request is too long: 64 kB at most.\n")


@pytest.mark.parametrize("start", [b"X-Endless: ", b""], ids=["one header", "many headers"])
async def send_for_ever(port: int, start: bytes, piece: bytes) -> int:
    """Send until hung up on; return how many bytes left, with what waits in the system's buffers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(start)
    answer = asyncio.create_task(reader.read())
    sent = 0
    with suppress(ConnectionError):
        while sent < ENOUGH:
            writer.write(piece)
            await writer.drain()
            sent += len(piece)
    writer.close()
    await asyncio.gather(answer, return_exceptions=True)
    return sent


@pytest.mark.parametrize(
    ("start", "piece"),
    [(GET + b"X-Endless: ", b"a" * 10_000), (GET, b"X-More: a\r\n" * 1_000)],
    ids=["one header", "many headers"],
)
async def test_whoever_never_ends_is_hung_up_on(start: bytes, piece: bytes) -> None:
    house = House()
    async with at_the_door(house) as port, asyncio.timeout(PATIENCE_SECONDS):
        assert await send_for_ever(port, start, piece) < ENOUGH
    assert house.asked == 0


async def test_trailers_without_an_end_are_a_head_too() -> None:
    async with at_the_door(House()) as port, asyncio.timeout(PATIENCE_SECONDS):
        start = POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
        assert await send_for_ever(port, start, b"X-More: a\r\n" * 1_000) < ENOUGH


async def test_bodies_and_the_requests_before_it_are_not_counted() -> None:
    house, size = House(), 5_000_000
    async with at_the_door(house) as port:
        plain = POST + b"Content-Length: %d\r\n\r\n" % size + b"a" * size
        pieces = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
        chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n" + pieces * 80 + b"0\r\n\r\n"
        assert await ask(port, plain) == "HTTP/1.1 200 OK"
        assert await ask(port, chunked) == "HTTP/1.1 200 OK"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(20):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 10_000 + b"\r\n\r\n")
            assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
            await reader.readuntil(b"\r\n\r\n0")
        writer.close()
    assert house.asked == 22


@pytest.mark.database
@pytest.mark.postgresql
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("nobody_is_late")
@pytest.mark.parametrize("workers", [1, 2])
async def test_filage_serve_has_this_door(app: FastAPI, workers: int) -> None:
    async with serving(workers, {"FILAGE_ENVIRONMENT": "test"}) as served:
        assert await ask(served.port, GET + b"X-Long: " + b"a" * HEAD_BYTES + b"\r\n\r\n") == TOO_LARGE
