"""Every metric of the product, on one screen (names and labels: the operator's contract)."""

import os
from wsgiref.simple_server import WSGIServer

os.environ.setdefault("PROMETHEUS_DISABLE_CREATED_SERIES", "1")

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    start_http_server,
)

from backend.telemetry.logs import get_logger

# OpenTelemetry's advised bounds for http.server.request.duration, and the SLO's 0.3 s.
HTTP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


PORTS_TRIED = 16


class Metrics:
    """The metrics of one process; a registry of its own, so two apps in one process do not collide."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
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
        self.build_info = Gauge("filage_build_info", "Always 1.", ("version", "alembic_head"), registry=self.registry)

    def serve(self, host: str, port: int) -> WSGIServer | None:
        """Expose the metrics on the first free port from `port` on, one per worker; None when `port` is 0."""
        if port == 0:
            return None
        for candidate in range(port, port + PORTS_TRIED):
            try:
                server, _thread = start_http_server(candidate, host, self.registry)
            except OSError:
                continue
            get_logger("filage.metrics").info("metrics", port=candidate)
            return server
        get_logger("filage.metrics").error("metrics_port_taken", first=port, last=port + PORTS_TRIED - 1)
        return None
