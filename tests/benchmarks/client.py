"""A client so light that it measures the server and not itself: HTTP/1.1 over kept connections, on asyncio's streams.

It reads answers that say their length (all of Filage's do) and refuses any other.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

HOST = "127.0.0.1"
READ_AHEAD = 2**21  # bytes: a whole planning week waits in memory, so that reading it is one step
DEADLINE_SECONDS = 30.0


class BadAnswerError(Exception):
    """What arrived is no answer that this client can read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of one answer."""

    status: int
    body: bytes


def message(
    method: str, path: str, headers: Mapping[str, str], body: bytes = b"", media_type: str = "application/json"
) -> bytes:
    """Return the bytes of a whole request; made before the measuring begins."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += [f"Content-Type: {media_type}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def json_message(method: str, path: str, headers: Mapping[str, str], body: object) -> bytes:
    """Return a request with a JSON body."""
    return message(method, path, headers, json.dumps(body).encode())


class Connection:
    """One kept connection, opened at its first request."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Send a request and return its answer. Raises OSError, TimeoutError, EOFError or BadAnswerError."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            if self._streams is None:
                self._streams = await asyncio.open_connection(HOST, self._port, limit=READ_AHEAD)
            reader, writer = self._streams
            writer.write(request)
            status, length = _read_head(await reader.readuntil(b"\r\n\r\n"))
            return Answer(status, await reader.readexactly(length))

    def close(self) -> None:
        """Let go of the connection; the next request opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _read_head(head: bytes) -> tuple[int, int]:
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
    if "content-length" not in fields:
        raise BadAnswerError(first)
    return int(first.split(" ", 2)[1]), int(fields["content-length"])
