"""What watching costs: processor time per request of one application, bare and watched, each in a process of its own.

`python -m tests.benchmarks.telemetry_cost VARIANT` is one such process; it prints microseconds per request.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from statistics import median
from typing import Any
from unittest.mock import patch

from fastapi import FastAPI
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client import generate_latest
from rich.console import Console
from rich.table import Table
from starlette.types import ASGIApp, Receive, Scope, Send

from backend import app as application
from backend.core import memory
from backend.core.settings import Settings
from backend.productions.models import Venue
from backend.telemetry import tracing
from backend.tenancy import engine
from tests.backstage import busy_metrics
from tests.benchmarks.data import writing
from tests.benchmarks.site import ROOT, Site

ROUNDS = 7
REQUESTS, WARM_UP = 300, 50
ROWS = 50
PATHS = {"hello": "/health/live", f"{ROWS} rows": f"/api/v1/venues?limit={ROWS}"}
SAMPLED = {"traces, 0 %": "0", "traces, 10 %": "0.1", "traces, 100 %": "1"}
VARIANTS = ("bare", "metrics", *SAMPLED, "traces, 10 %, log line")
GOALS = "at 10 %: hello +60 µs, 50 rows +8 %"
SCRAPES = 20


async def measure(site: Site) -> dict[str, Any]:
    """Return the median cost of each variant and path (µs of processor time), in turns, and of a scrape (ms)."""
    async with writing(site) as writer:
        signed = await writer.sign_up()
        async with writer.database.company(signed.company) as session:
            stamps = {"created_at": writer.now, "updated_at": writer.now}
            session.add_all(Venue(name=f"Lieu {n}", timezone="Europe/Paris", **stamps) for n in range(ROWS))
        await writer.settle()
    rounds = [{name: _run(name, signed.headers) for name in VARIANTS} for _ in range(ROUNDS)]
    costs = {name: {path: round(median(one[name][path] for one in rounds), 1) for path in PATHS} for name in VARIANTS}
    return {"microseconds": costs, "scrape_ms": _scrape()}


def show(console: Console, found: Any) -> None:
    """Print the costs beside those of the bare application."""
    costs = found["microseconds"]
    table = Table("variant", title=f"What watching costs, processor time of one request (goals {GOALS})")
    for path in PATHS:
        table.add_column(f"{path}, µs", justify="right")
        table.add_column("more", justify="right")
        table.add_column("ratio", justify="right")
    for name, cost in costs.items():
        cells = [
            cell
            for path in PATHS
            for cell in (
                f"{cost[path]:.0f}",
                f"{cost[path] - costs['bare'][path]:+.0f}",
                f"{cost[path] / costs['bare'][path]:.2f}",
            )
        ]
        table.add_row(name, *cells)
    console.print(table)
    console.print(f"scrape with 60 routes and 200 companies: {found['scrape_ms']:.0f} ms (goal 60)")


def _run(variant: str, headers: Mapping[str, str]) -> dict[str, float]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FILAGE_LOG_LEVEL": "error", "BENCH": json.dumps(headers)}
    if variant.endswith("log line"):
        environment["FILAGE_LOG_LEVEL"] = "info"
    share = SAMPLED.get(variant.removesuffix(", log line"))
    if share is not None:
        environment |= {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": share,
                        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}  # fmt: skip
    words = [sys.executable, "-m", "tests.benchmarks.telemetry_cost", variant]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=120)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _scrape() -> float:
    metrics = busy_metrics()
    begun = time.process_time()
    for _ in range(SCRAPES):
        generate_latest(metrics.registry)
    return round((time.process_time() - begun) * 1000 / SCRAPES, 1)


class _Nowhere(SpanExporter):
    """Takes every span and keeps none: a collector's time is not ours."""

    def export(self, _spans: object) -> SpanExportResult:
        return SpanExportResult.SUCCESS


class _NotWatched:
    """Stands where the telemetry stands."""

    def __init__(self, app: ASGIApp, **_options: object) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


async def _ask(app: FastAPI, path: str, headers: Sequence[tuple[bytes, bytes]]) -> int:
    """Send one request without a client's own cost, and return the status."""
    where, _, query = path.partition("?")
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
             "path": where, "raw_path": where.encode(), "query_string": query.encode(), "headers": headers,
             "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "root_path": "", "state": {}}  # fmt: skip
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses[0]


async def _microseconds(app: FastAPI, path: str, headers: Sequence[tuple[bytes, bytes]]) -> float:
    for _ in range(WARM_UP):
        if await _ask(app, path, headers) != 200:
            raise SystemExit(f"{path} does not answer 200")
    begun = time.process_time()
    for _ in range(REQUESTS):
        await _ask(app, path, headers)
    return (time.process_time() - begun) * 1e6 / REQUESTS


async def _measure_here(variant: str) -> dict[str, float]:
    headers = [(name.lower().encode(), value.encode()) for name, value in json.loads(os.environ["BENCH"]).items()]
    with ExitStack() as patched:
        patched.enter_context(patch.object(tracing, "OTLPSpanExporter", _Nowhere))
        if variant == "bare":
            patched.enter_context(patch.object(application, "TelemetryMiddleware", _NotWatched))
            patched.enter_context(patch.object(engine, "_measure"))
            patched.enter_context(patch.object(engine, "_watch"))
        app = application.create_app(Settings(_env_file=None))
        memory.settle()
    async with app.router.lifespan_context(app):
        return {name: await _microseconds(app, path, headers) for name, path in PATHS.items()}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_measure_here(sys.argv[1]))))
