"""A service as an operator runs it, two API processes and a task worker, with a real Prometheus and a collector."""

import asyncio
import itertools
import json
import random
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from backend.demo import stage as demo
from observability.preview.processes import free_port, prometheus, running, wait_until_ready
from observability.preview.server import make_app
from tests.helpers import PASSWORD, unique

JOB, WORKER_JOB = "filage-api", "filage-worker"
PATIENCE_SECONDS = 120
CLIENTS = 2
SEED = 1897
PAGES = (
    "/people?limit=50", "/calls?limit=100", "/assignments?limit=100", "/productions", "/venues", "/users/me",
    "/me/assignments",
)  # fmt: skip
FIRST_DAY, DAYS, LONGEST = date(2026, 9, 7), 240, 45


@dataclass
class Collector:
    """What an OTLP receiver was sent."""

    port: int
    spans: list[Span] = field(default_factory=list)

    def trace(self, trace_id: str) -> list[Span]:
        return [span for span in self.spans if span.trace_id.hex() == trace_id]


@contextmanager
def collector() -> Iterator[Collector]:
    """Receive OTLP over HTTP, as a collector does."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    found.spans.extend(scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        found = Collector(server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


@dataclass
class Watched:
    """The running service, its owner's client, and who watches it."""

    client: httpx.Client
    prometheus: httpx.Client
    collector: Collector
    log: Path
    process_id: int
    ports: list[int]
    answered: list[int] = field(default_factory=list)

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Ask Prometheus now."""
        answer = self.prometheus.get("/api/v1/query", params={"query": expr}).json()
        assert answer["status"] == "success", answer
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def figure(self, expr: str) -> float:
        """Ask for the one figure of an expression."""
        (found,) = self.query(expr)
        return float(found["value"][1])

    def until(self, expr: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until Prometheus answers `expr` with anything."""
        deadline = time.monotonic() + seconds
        while not self.query(expr):
            assert time.monotonic() < deadline, f"no answer to {expr}"
            time.sleep(0.2)

    def processes(self) -> list[int]:
        """Return the ids of the API's processes: those children of `filage serve` that serve."""
        children = Path(f"/proc/{self.process_id}/task/{self.process_id}/children").read_text(encoding="utf-8")
        return [
            int(child) for child in children.split() if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]

    def requests(self) -> list[dict[str, Any]]:
        """Return the log lines of the requests under /api/, as the processes wrote them."""
        lines = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines() if line[:1] == "{"]
        return [line for line in lines if line["event"] == "request" and line["http.route"].startswith("/api/")]

    def load(self, seconds: float, least: int) -> None:
        """Ask for pages by a few clients at once, so long and so often; keep the status of every answer, 0 for none."""
        until, enough = time.monotonic() + seconds, len(self.answered) + least
        at_last = until + PATIENCE_SECONDS

        def ask(seed: int) -> None:
            chance = random.Random(seed)  # noqa: S311 - which page comes next is no secret
            with httpx.Client(base_url=self.client.base_url, headers=self.client.headers, timeout=30) as client:
                for turn in itertools.count():
                    now = time.monotonic()
                    if now > at_last or (now > until and len(self.answered) >= enough):
                        break
                    try:
                        answer = client.get(page(chance)) if turn % 15 else stumble(turn // 15, client)
                        self.answered.append(answer.status_code)
                    except httpx.TransportError:
                        self.answered.append(0)

        threads = [threading.Thread(target=ask, args=(SEED + number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def stumble(number: int, client: httpx.Client) -> httpx.Response:
    """Send a request that is refused, or one that ends in a background task: another one each time."""
    if number % 3 == 0:
        return client.post("/auth/login", data={"username": "nobody@example.org", "password": "forgotten"})
    if number % 3 == 1:
        return client.get("/venues", headers={"X-Tenant": "nobody-s-company"})
    account = {"email": f"{unique('anne')}@example.org", "password": PASSWORD, "full_name": "Anne Aubert"}
    return client.post("/auth/register", json=account)  # a mail each time: one address asks for few in an hour


def page(chance: random.Random) -> str:
    """Return a page to ask for: half of them plannings from a day to several weeks, so that answers take all times."""
    if chance.random() < 1 / 2:
        return chance.choice(PAGES)
    first = FIRST_DAY + timedelta(days=chance.randrange(DAYS))
    return f"/planning?from={first}&to={first + timedelta(days=chance.randrange(LONGEST))}"


def free_ports(number: int) -> list[int]:
    """Return ports in a row that nobody listens on now: a process takes the first free one from the one it is told."""
    while True:
        first = free_port()
        try:
            with ExitStack() as stack:
                for port in range(first, first + number):
                    stack.enter_context(ThreadingHTTPServer(("127.0.0.1", port), BaseHTTPRequestHandler))
        except OSError:
            continue
        return list(range(first, first + number))


@contextmanager
def watched(environment: dict[str, str], folder: Path) -> Iterator[Watched]:
    """Run the service over the database of `environment`, with one season in it, until the test is over."""
    ports = free_ports(3)
    port = free_port()
    command = [sys.executable, "-m", "backend.cli.main"]
    with ExitStack() as stack:
        receiver = stack.enter_context(collector())
        environment = {
            **environment,
            # Other tests of this process may have named their own database for workers.
            "FILAGE_WORKER_DATABASE_URL": environment["FILAGE_DATABASE_URL"],
            "FILAGE_LOG_FORMAT": "json",
            "FILAGE_METRICS_PORT": str(ports[0]),
            "FILAGE_WORKER_IN_PROCESS": "false",
            "FILAGE_LIMIT_SIGN_UPS_PER_HOUR": "1000",
            "FILAGE_LIMIT_REGISTERS_PER_HOUR": "100000",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.port}",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        log = folder / "api.log"
        api = stack.enter_context(running([*command, "serve", "--port", str(port), "--workers", "2"], log, environment))
        wait_until_ready(f"http://127.0.0.1:{port}/health/ready", api, log)
        for number in ports[:2]:
            wait_until_ready(f"http://127.0.0.1:{number}/metrics", api, log)
        worker_environment = environment | {"FILAGE_METRICS_PORT": str(ports[2])}
        worker = stack.enter_context(running([*command, "worker"], folder / "worker.log", worker_environment))
        wait_until_ready(f"http://127.0.0.1:{ports[2]}/metrics", worker, folder / "worker.log")
        targets = {JOB: [f"127.0.0.1:{number}" for number in ports[:2]], WORKER_JOB: [f"127.0.0.1:{ports[2]}"]}
        address = stack.enter_context(prometheus(folder / "prometheus", targets, every="1s"))
        client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=60))
        watcher = stack.enter_context(httpx.Client(base_url=address, timeout=30))
        yield Watched(_load_season(client), watcher, receiver, log, api.pid, ports)


def _load_season(client: httpx.Client) -> httpx.Client:
    """Sign a company up by `client`, which is its owner's from then on, and import a season."""
    slug = unique("rampe")
    owner = {"email": f"{slug}@example.org", "password": PASSWORD, "full_name": "Camille Renard"}
    answer = client.post("/companies", json={"name": "Compagnie de la Rampe", "slug": slug, "owner": owner})
    answer.raise_for_status()
    client.headers.update({"Authorization": f"Bearer {answer.json()['access_token']}", "X-Tenant": slug})
    files = [("files", (name, content, "text/csv")) for name, content in demo.season(demo.TROUPES[0].slug).items()]
    client.post("/imports/season", files=files).raise_for_status()
    return client


@asynccontextmanager
async def boards_of(prometheus: str) -> AsyncIterator[str]:
    """Serve the page of the boards over a Prometheus, and give its address."""
    serving = uvicorn.Server(uvicorn.Config(make_app(prometheus, dict), log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        task = asyncio.create_task(serving.serve([listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        serving.should_exit = True
        await task
