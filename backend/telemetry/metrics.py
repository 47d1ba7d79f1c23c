"""Every metric of the product, on one screen: names, labels and buckets are the operator's contract."""

import os

os.environ.setdefault("PROMETHEUS_DISABLE_CREATED_SERIES", "1")

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
)

from backend.telemetry.fleet import FleetCollector, ReadFleet
from backend.telemetry.pools import PoolCollector

# OpenTelemetry's advised bounds for http.server.request.duration, and the SLO's 0.3 s.
HTTP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
DATABASE_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)  # OpenTelemetry's, db.client.*
COMPANY_SECONDS = (0.1, 0.25, 0.5, 1.0)
LAG_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
TASK_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """The metrics of one process; a registry of its own, so two apps in one process do not collide.

    `read_fleet` adds the state of the fleet and of its migrations (backend/telemetry/fleet.py).
    """

    def __init__(self, read_fleet: ReadFleet | None = None) -> None:
        self.registry = CollectorRegistry()
        self.read_fleet = read_fleet
        self.pools = PoolCollector()
        fleet = [] if read_fleet is None else [FleetCollector(read_fleet)]
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR, self.pools, *fleet):
            self.registry.register(collector)
        self._add_requests()
        self._add_companies()
        self._add_database()
        self._add_refusals()
        self._add_tasks()
        self._add_rest()

    def _add_requests(self) -> None:
        http = ("http_request_method", "http_route", "http_response_status_code")
        self.request_seconds = self._histogram(
            "http_server_request_duration_seconds", "Duration of HTTP requests.", http, HTTP_SECONDS
        )
        self.active_requests = self._gauge("http_server_active_requests", "Requests under way.", http[:1])
        self.slo_target = self._gauge(
            "filage_slo_p95_target_seconds", "What the p95 of a route should stay under.", ("http_route",)
        )

    def _add_companies(self) -> None:
        # Of at most 200 companies and `_other` (backend/telemetry/companies.py): never label these directly.
        self.company_seconds = self._histogram(
            "filage_tenant_request_duration_seconds", "Requests of a company.", ("tenant",), COMPANY_SECONDS
        )
        self.company_requests = self._counter(
            "filage_tenant_requests_total", "Requests of a company: ok, slow or error.", ("tenant", "outcome")
        )
        self.company_held = self._counter(
            "filage_tenant_db_connection_held_seconds_total", "How long its requests held connections.", ("tenant",)
        )

    def _add_database(self) -> None:
        self.statement_seconds = self._histogram(
            "db_client_operation_duration_seconds", "Duration of statements.", ("db_operation_name",), DATABASE_SECONDS
        )
        self.connection_wait = self._histogram(
            "db_client_connection_wait_time_seconds", "Wait for a connection.", ("pool",), DATABASE_SECONDS
        )
        self.connection_timeouts = self._counter(
            "db_client_connection_timeouts_total", "Waits for a connection that were given up.", ("pool",)
        )
        self.loop_lag = self._histogram(
            "filage_event_loop_lag_seconds", "How late the event loop came to what was due.", (), LAG_SECONDS
        )

    def _add_refusals(self) -> None:
        self.auth_failures = self._counter("filage_auth_failures_total", "Refused logins and tokens.", ("reason",))
        self.tenant_resolution_failures = self._counter(
            "filage_tenant_resolution_failures_total", "Requests whose company was missing or refused.", ("reason",)
        )
        self.availability_refusals = self._counter(
            "filage_availability_refusals_total", "Bookings refused because the person is held elsewhere.", ()
        )
        self.mails = self._counter("filage_mails_total", "Mails by outcome.", ("kind", "outcome"))

    def _add_tasks(self) -> None:
        self.task_queue_depth = self._gauge("filage_task_queue_depth", "Tasks that wait.", ("queue",))
        self.task_oldest_age = self._gauge(
            "filage_task_oldest_age_seconds", "How long the oldest due task has waited.", ("queue",)
        )
        self.task_seconds = self._histogram(
            "filage_task_duration_seconds", "Duration of tasks.", ("task", "outcome"), TASK_SECONDS
        )
        self.task_last_success = self._gauge(
            "filage_task_last_success_timestamp_seconds", "When a task was last done.", ("task",)
        )

    def _add_rest(self) -> None:
        self.dropped = self._counter(
            "filage_telemetry_dropped_total", "Spans, roll-ups and log lines that could not be delivered.", ("signal",)
        )
        self.spare_schemas = self._gauge("filage_spare_schemas", "Schemas ready for a sign-up.", ())
        self.build_info = self._gauge("filage_build_info", "Always 1.", ("version", "alembic_head"))

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, labels: tuple[str, ...], bounds: tuple[float, ...]) -> Histogram:
        return Histogram(name, text, labels, buckets=bounds, registry=self.registry)
