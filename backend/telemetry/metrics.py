"""Every metric of the product, on one screen (names and labels: the operator's contract)."""

import json
import os
import socket
import threading
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

os.environ.setdefault("PROMETHEUS_DISABLE_CREATED_SERIES", "1")

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    make_wsgi_app,
)

from backend.telemetry.fleet import FleetCollector, ReadFleet
from backend.telemetry.logs import get_logger

if TYPE_CHECKING:  # the names exist for type checkers only
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# OpenTelemetry's advised bounds for http.server.request.duration, and the SLO's 0.3 s.
HTTP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
TASK_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

PORTS_TRIED = 16


class Metrics:
    """The metrics of one process; a registry of its own, so two apps in one process do not collide.

    `read_fleet` adds the state of the fleet's migrations (backend/telemetry/fleet.py): metrics, and GET /migrations.
    """

    def __init__(self, read_fleet: ReadFleet | None = None) -> None:
        self.registry = CollectorRegistry()
        self._read_fleet = read_fleet
        if read_fleet is not None:
            self.registry.register(FleetCollector(read_fleet))
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            self.registry.register(collector)
        self.request_seconds = Histogram(
            "http_server_request_duration_seconds",
            "Duration of HTTP requests.",
            ("http_request_method", "http_route", "http_response_status_code"),
            buckets=HTTP_SECONDS,
            registry=self.registry,
        )
        self.active_requests = Gauge(
            "http_server_active_requests",
            "Requests under way.",
            ("http_request_method",),
            registry=self.registry,
        )
        self.auth_failures = Counter(
            "filage_auth_failures_total", "Refused logins and tokens.", ("reason",), registry=self.registry
        )
        self.tenant_resolution_failures = Counter(
            "filage_tenant_resolution_failures_total",
            "Requests whose company was missing, unknown or refused.",
            ("reason",),
            registry=self.registry,
        )
        self.availability_refusals = Counter(
            "filage_availability_refusals_total",
            "Bookings refused because the person is held elsewhere.",
            registry=self.registry,
        )
        self.mails = Counter("filage_mails_total", "Mails by outcome.", ("kind", "outcome"), registry=self.registry)
        self.task_queue_depth = Gauge("filage_task_queue_depth", "Tasks that wait.", ("queue",), registry=self.registry)
        self.task_oldest_age = Gauge(
            "filage_task_oldest_age_seconds",
            "How long the oldest due task has waited.",
            ("queue",),
            registry=self.registry,
        )
        self.task_seconds = Histogram(
            "filage_task_duration_seconds",
            "Duration of tasks.",
            ("task", "outcome"),
            buckets=TASK_SECONDS,
            registry=self.registry,
        )
        self.task_last_success = Gauge(
            "filage_task_last_success_timestamp_seconds",
            "When a task was last done.",
            ("task",),
            registry=self.registry,
        )
        self.build_info = Gauge("filage_build_info", "Always 1.", ("version", "alembic_head"), registry=self.registry)

    def serve(self, host: str, port: int) -> WSGIServer | None:
        """Expose the metrics on the first free port from `port` on, one per worker; None when `port` is 0."""
        if port == 0:
            return None
        for candidate in range(port, port + PORTS_TRIED):
            try:
                server = make_server(host, candidate, self.pages(), _server_class(host), handler_class=_SilentHandler)
            except OSError:
                continue
            threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
            get_logger("filage.metrics").info("metrics", port=candidate)
            return server
        get_logger("filage.metrics").error("metrics_port_taken", first=port, last=port + PORTS_TRIED - 1)
        return None

    def pages(self) -> "WSGIApplication":
        """Return what the metrics port answers: /metrics, and /migrations as JSON where the fleet can be read."""
        metrics_page = make_wsgi_app(self.registry)

        def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            path = environ.get("PATH_INFO", "/")
            if path in {"/", "/metrics"}:
                found: Iterable[bytes] = metrics_page(environ, start_response)
                return found
            state = self._read_fleet() if path == "/migrations" and self._read_fleet is not None else None
            if path != "/migrations" or self._read_fleet is None:
                return _json(start_response, "404 Not Found", {"pages": ["/metrics", "/migrations"]})
            if state is None:
                return _json(start_response, "503 Service Unavailable", {"detail": "The database does not answer."})
            return _json(start_response, "200 OK", state.shown())

        return answer


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def shutdown(self) -> None:
        """Stop answering, and give the port back at once."""
        super().shutdown()
        self.server_close()


class _ServerOfIpv6(_Server):
    address_family = socket.AF_INET6


def _server_class(host: str) -> type[WSGIServer]:
    return _ServerOfIpv6 if ":" in host else _Server


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Log nothing: a scrape every few seconds is no event."""


def _json(start_response: "StartResponse", status: str, body: object) -> list[bytes]:
    start_response(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    return [json.dumps(body, ensure_ascii=False).encode()]
