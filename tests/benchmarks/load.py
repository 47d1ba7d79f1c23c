"""Two ways to load a server: open (so many requests a second, whatever it answers) and closed (one after the other).

Both are bounded in time and in count. In an open load a request's time begins when it was due, so a server that falls
behind shows it.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.benchmarks.client import BadAnswerError, Connection

FAILURES_KEPT = 3


@dataclass(frozen=True, slots=True)
class Open:
    """`per_second` requests a second for `seconds`, over as many connections as it takes."""

    per_second: float
    seconds: float

    def __str__(self) -> str:
        return f"{self.per_second:g} a second"


@dataclass(frozen=True, slots=True)
class Closed:
    """`connections` clients that ask again as soon as they have their answer, until `seconds` or `count` are over."""

    connections: int
    seconds: float
    count: int = 100_000

    def __str__(self) -> str:
        return f"{self.connections} at once"


@dataclass(slots=True)
class Outcome:
    """What one load saw: seconds of each right answer, the bytes they held, and what went wrong."""

    latencies: list[float] = field(default_factory=list)
    received: int = 0
    errors: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, seconds: float, size: int) -> None:
        self.latencies.append(seconds)
        self.received += size

    def fail(self, reason: str) -> None:
        self.errors += 1
        if len(self.failures) < FAILURES_KEPT:
            self.failures.append(reason)


async def run(port: int, kind: Open | Closed, requests: Iterator[bytes], status: int) -> Outcome:
    """Load the server on `port` with `requests`; each must answer `status`."""
    outcome, started = Outcome(), time.perf_counter()
    load = _Load(port, requests, status, outcome)
    await (load.run_open(kind) if isinstance(kind, Open) else load.run_closed(kind))
    outcome.seconds = time.perf_counter() - started
    return outcome


@dataclass(slots=True)
class _Load:
    port: int
    requests: Iterator[bytes]
    status: int
    outcome: Outcome
    free: list[Connection] = field(default_factory=list)

    async def run_open(self, kind: Open) -> None:
        started, tasks = time.perf_counter(), []
        for number in range(round(kind.per_second * kind.seconds)):
            request = next(self.requests, None)
            if request is None:
                break
            due = started + number / kind.per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(self._on_a_free_connection(request, due)))
        await asyncio.gather(*tasks)
        self._close()

    async def run_closed(self, kind: Closed) -> None:
        until, left = time.perf_counter() + kind.seconds, iter(range(kind.count))

        async def client() -> None:
            connection = Connection(self.port)
            self.free.append(connection)
            while time.perf_counter() < until and next(left, None) is not None:
                request = next(self.requests, None)
                if request is None:
                    return
                await self._ask(connection, request, time.perf_counter())

        await asyncio.gather(*(client() for _ in range(kind.connections)))
        self._close()

    async def _on_a_free_connection(self, request: bytes, due: float) -> None:
        connection = self.free.pop() if self.free else Connection(self.port)
        await self._ask(connection, request, due)
        self.free.append(connection)

    async def _ask(self, connection: Connection, request: bytes, since: float) -> None:
        try:
            answer = await connection.ask(request)
        except (OSError, TimeoutError, EOFError, BadAnswerError) as error:
            connection.close()
            self.outcome.fail(f"{type(error).__name__}: {error}")
            return
        if answer.status == self.status:
            self.outcome.add(time.perf_counter() - since, len(answer.body))
        else:
            self.outcome.fail(f"{answer.status}: {answer.body[:300].decode(errors='replace')}")

    def _close(self) -> None:
        for connection in self.free:
            connection.close()
