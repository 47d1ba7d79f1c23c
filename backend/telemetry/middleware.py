"""Pure-ASGI middleware around everything: one trace, log line and histogram sample per request, ids on its answer."""

import logging
import time
from collections.abc import Iterable, MutableMapping
from typing import Any

from opentelemetry.trace import Span, Status, StatusCode, use_span
from prometheus_client import Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.telemetry import record, slo
from backend.telemetry.companies import CompanyMetrics
from backend.telemetry.latency import Rollups
from backend.telemetry.logs import get_logger
from backend.telemetry.metrics import Metrics
from backend.telemetry.tracing import Tracing

ACCESS = "filage.access"
log = get_logger(ACCESS)
_access = logging.getLogger(ACCESS)

SERVER_ERROR = 500
OTHER_METHOD = "_OTHER"
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"
EXEMPLAR_COMPANY_LIMIT = 24  # the labels of an exemplar have 128 characters in all (OpenMetrics 1.0)


class TelemetryMiddleware:
    """Measures every HTTP request and gives it an id that the caller can quote."""

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, tracing: Tracing, rollups: Rollups, pinned: Iterable[str] = ()
    ) -> None:
        self.app = app
        self.metrics = metrics
        self.tracing = tracing
        self.companies = CompanyMetrics(metrics, pinned)
        self.rollups = rollups
        # A child of a metric is kept: finding it by its labels costs more than counting does.
        self._seconds: dict[tuple[str, str, int], Histogram] = {}
        self._active = {method: metrics.active_requests.labels(method) for method in (*KNOWN_METHODS, OTHER_METHOD)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application inside a span, and say what happened."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in KNOWN_METHODS else OTHER_METHOD
        span = self.tracing.start_request(method)
        found = self.tracing.begin_record(span)
        started, status = time.perf_counter(), SERVER_ERROR

        async def send_with_ids(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, found, time.perf_counter() - started)
            await send(message)

        active = self._active[method]
        active.inc()
        try:
            if span.is_recording():
                with use_span(span, end_on_exit=False, record_exception=False):
                    await self.app(scope, receive, send_with_ids)
            else:  # nothing below it will be a span: making it the current one would only cost
                await self.app(scope, receive, send_with_ids)
        finally:
            active.dec()
            self._finish(scope, found, span, method, status, time.perf_counter() - started)

    def _finish(
        self,
        scope: Scope,
        found: record.RequestRecord,
        span: Span,
        method: str,
        status: int,
        seconds: float,
    ) -> None:
        route = route_template(scope)
        self._measure(found, method, route, status, seconds)
        _end(span, found, method, route, status)
        level = _level(status)
        if _access.isEnabledFor(level):
            _write(level, scope, found, method, route, status, seconds)

    def _measure(self, found: record.RequestRecord, method: str, route: str, status: int, seconds: float) -> None:
        exemplar = {"trace_id": found.trace_id, "span_id": found.span_id}
        if found.company is not None:
            exemplar["tenant"] = found.company[:EXEMPLAR_COMPANY_LIMIT]
            self.companies.observe(found.company, seconds, status, found.held_seconds)
        key = method, route, status
        if key not in self._seconds:
            self._meet(*key)
        self._seconds[key].observe(seconds, exemplar)
        if slo.is_promised(route):
            self.rollups.add(found.company, seconds, status, time.time())

    def _meet(self, method: str, route: str, status: int) -> None:
        """Make the series of an answer that was not given before."""
        self._seconds[method, route, status] = self.metrics.request_seconds.labels(method, route, str(status))
        if slo.is_promised(route):
            self.metrics.slo_target.labels(route).set(slo.p95_target_seconds(route))


def _write(
    level: int, scope: Scope, found: record.RequestRecord, method: str, route: str, status: int, seconds: float
) -> None:
    caller = Headers(scope=scope).get("x-request-id", "")
    log.log(
        level,
        "request",
        **{
            "http.method": method,
            "http.route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 2),
            "db_ms": round(found.database_seconds * 1000, 2),
            "statements": found.statements,
            "round_trips": found.round_trips,
            "tenant": found.company,
            "caller_request_id": "".join(c for c in caller[:64] if c.isalnum() or c in "-_.") or None,
            **found.fields,
        },
    )


def _end(span: Span, found: record.RequestRecord, method: str, route: str, status: int) -> None:
    if span.is_recording():
        span.update_name(f"{method} {route}")
        span.set_attributes({"http.route": route, "http.response.status_code": status})
        if found.company is not None:
            span.set_attribute("filage.tenant", found.company)
        if status >= SERVER_ERROR:
            span.set_status(Status(StatusCode.ERROR))
    span.end()


def route_template(scope: MutableMapping[str, Any]) -> str:
    """Return the route with its parameters' names, never a value; `unmatched` where no route answered."""
    context = scope.get("fastapi", {}).get("effective_route_context")
    path = getattr(context, "path", None) or getattr(scope.get("route"), "path", None)
    return f"{scope.get('root_path', '')}{path}" if path else UNMATCHED


def _level(status: int) -> int:
    return 40 if status >= SERVER_ERROR else 20


def _add_headers(message: Message, found: record.RequestRecord, seconds: float) -> None:
    trace = found.traceparent
    timing = f'app;dur={seconds * 1000:.1f}, db;dur={found.database_seconds * 1000:.1f}, traceparent;desc="{trace}"'
    # No route sets these three, so none has to be looked for.
    message["headers"] = [
        *message.get("headers", ()),
        (b"x-request-id", found.trace_id.encode()),
        (b"traceresponse", trace.encode()),
        (b"server-timing", timing.encode()),
    ]
