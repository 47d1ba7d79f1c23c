"""`filage serve` as a process of its own, and requests that are held under way for as long as a test likes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import httpx

from tests.smtp import free_port

PATIENCE_SECONDS = 100
REFUSED, LOST = "refused at the door", "lost"


@dataclass(frozen=True, slots=True)
class Served:
    """A running `filage serve`."""

    process: asyncio.subprocess.Process
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ready(self) -> None:
        """Wait until requests are answered."""
        async with httpx.AsyncClient(base_url=self.url) as client, asyncio.timeout(PATIENCE_SECONDS):
            while True:
                with suppress(httpx.TransportError):
                    if (await client.get("/health/ready")).status_code == 200:
                        return
                assert self.process.returncode is None, "it ended instead"
                await asyncio.sleep(0.05)

    async def refuses(self) -> None:
        """Wait until nobody new is accepted."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    _reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except ConnectionRefusedError:
                    return
                writer.close()
                await asyncio.sleep(0.05)

    async def ended(self) -> int:
        """Wait for the end, and return its exit code."""
        return await asyncio.wait_for(self.process.wait(), PATIENCE_SECONDS)


async def ask(port: int, request: bytes) -> str:
    """Send one request on a connection of its own; return its status line, REFUSED or LOST."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return REFUSED
    try:
        writer.write(request)
        answer = await reader.read()
    except ConnectionResetError:
        return LOST
    finally:
        writer.close()
    return answer.split(b"\r\n", 1)[0].decode() if b"\r\n\r\n" in answer else LOST


@asynccontextmanager
async def started(workers: int, environment: Mapping[str, str]) -> AsyncIterator[Served]:
    """Start with `environment` besides this process's own; whatever happens, nothing is left running."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backend.cli.main", "serve", "--port", str(port), "--workers", str(workers),
        env={**os.environ, "FILAGE_METRICS_PORT": "0", "FILAGE_LOG_LEVEL": "warning", **environment},
        start_new_session=True,
    )  # fmt: skip
    try:
        yield Served(process, port)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        await process.wait()


@asynccontextmanager
async def serving(workers: int, environment: Mapping[str, str]) -> AsyncIterator[Served]:
    """Start, and wait until requests are answered."""
    async with started(workers, environment) as found:
        await found.ready()
        yield found
