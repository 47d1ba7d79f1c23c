"""One load, measured from outside: latencies here, processor time from the kernel, statements from the server's log."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console

from tests.benchmarks import load, machine
from tests.benchmarks.figures import Figures, percentile
from tests.benchmarks.load import Closed, Open
from tests.benchmarks.site import Server, Site

WARM_UP = 10
REQUEST_LOG_EVENT = "request"
LOG_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """What to ask, how hard, and what to expect; `route` is the template under which the server logs it."""

    name: str
    route: str
    requests: Iterator[bytes]
    kind: Open | Closed
    status: int = 200
    goal_p95_ms: float | None = None
    warm_up: int = WARM_UP


async def measure(site: Site, server: Server, scenario: Scenario, console: Console) -> Figures:
    """Warm the server up, load it, and return the figures; what went wrong is printed."""
    if scenario.warm_up:
        warm_up = Closed(1, load_seconds(scenario), scenario.warm_up)
        await load.run(server.port, warm_up, scenario.requests, scenario.status)
    logged_before = server.log.stat().st_size
    server_before, database_before = _processor_seconds(site, server)
    outcome = await load.run(server.port, scenario.kind, scenario.requests, scenario.status)
    server_after, database_after = _processor_seconds(site, server)
    requests = len(outcome.latencies) + outcome.errors
    statements, round_trips = await _database_use(server, logged_before, scenario.route, requests)
    for failure in outcome.failures:
        console.print(f"{scenario.name}: {failure}", style="red", markup=False)
    count = max(1, requests)
    return Figures(
        name=scenario.name,
        load=str(scenario.kind),
        requests=requests,
        per_second=round(requests / outcome.seconds, 2),
        p50_ms=round(percentile(outcome.latencies, 0.5) * 1000, 2),
        p95_ms=round(percentile(outcome.latencies, 0.95) * 1000, 2),
        server_cpu_ms=round((server_after - server_before) * 1000 / count, 3),
        database_cpu_ms=round((database_after - database_before) * 1000 / count, 3),
        statements=statements,
        round_trips=round_trips,
        kilobytes=round(outcome.received / 1000 / max(1, len(outcome.latencies)), 2),
        errors=outcome.errors,
        goal_p95_ms=scenario.goal_p95_ms,
    )


def load_seconds(scenario: Scenario) -> float:
    """Return how long a warm-up may last at most: as long as the load itself."""
    return scenario.kind.seconds


def _processor_seconds(site: Site, server: Server) -> tuple[float, float]:
    return machine.processor_seconds(server.pid), machine.family_seconds(site.database_pid)


async def _database_use(server: Server, since: int, route: str, wanted: int) -> tuple[float, float]:
    """Return statements and round trips of one request, on average over the log lines of `route`."""
    until = time.monotonic() + LOG_SECONDS
    lines = _request_lines(server, since, route)
    # The line is written after the answer has left.
    while len(lines) < wanted and time.monotonic() < until:
        await asyncio.sleep(0.05)
        lines = _request_lines(server, since, route)
    count = max(1, len(lines))
    sums = [sum(line.get(name, 0) for line in lines) for name in ("statements", "round_trips")]
    return round(sums[0] / count, 2), round(sums[1] / count, 2)


def _request_lines(server: Server, since: int, route: str) -> list[dict[str, int]]:
    with server.log.open("rb") as stream:
        stream.seek(since)
        # What is not a whole line yet is left for the next look.
        lines = [line for line in stream.read().split(b"\n")[:-1] if line.startswith(b"{")]
    found = [json.loads(line) for line in lines]
    return [line for line in found if line.get("event") == REQUEST_LOG_EVENT and line.get("http.route") == route]
