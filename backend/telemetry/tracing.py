"""Traces by OpenTelemetry, set by its own OTEL_* variables: a trace of our own per request, shared by its tasks.

A caller's `traceparent` is never its parent: it would choose our ids, and its sampled flag would force sampling. Spans
hold the route's template, never an address, a query string or a name; the company is its schema, an opaque name.
Without an OTLP endpoint no span is recorded, and the ids are there all the same.
"""

import os
import threading
from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, format_span_id, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from backend import __version__
from backend.telemetry import record
from backend.telemetry.logs import get_logger
from backend.telemetry.metrics import Metrics

log = get_logger("filage.tracing")

SERVICE = "filage-api"
QUERY_LIMIT = 2_000
SHUTDOWN_SECONDS = 5.0
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_INSTRUMENT = "backend.telemetry"


def is_exported() -> bool:
    """Tell whether the environment names a place to send spans to."""
    return os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true" and any(map(os.environ.get, _ENDPOINTS))


class Tracing:
    """The tracer of one application: the sampler and the exporter are those of the environment."""

    def __init__(self, metrics: Metrics, exporter: SpanExporter | None = None, service: str = SERVICE) -> None:
        resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", service),
                                    "service.version": __version__})  # fmt: skip
        exporter = exporter or (OTLPSpanExporter() if is_exported() else None)
        self.provider = TracerProvider(sampler=None if exporter else ALWAYS_OFF, resource=resource)
        if exporter is not None:
            counted = CountedExporter(exporter, metrics)
            self.provider.add_span_processor(CountedProcessor(counted, metrics))
        self.tracer: Tracer = self.provider.get_tracer(_INSTRUMENT, __version__)

    def start_request(self, method: str) -> Span:
        """Start the root span of one request; an empty context keeps the caller from choosing trace or sampling."""
        return self.tracer.start_span(
            method, context=Context(), kind=SpanKind.SERVER, attributes={"http.request.method": method}
        )

    def start_task(self, name: str, queue: str, parent: str) -> Span:
        """Start the span of one try of a background task, in the trace of the request that handed it over.

        `parent` is that request's `traceparent` as our own queue kept it; a trace of its own where there is none.
        """
        context = TraceContextTextMapPropagator().extract({"traceparent": parent}, Context())
        attributes = {"messaging.system": "procrastinate", "messaging.operation.type": "process",
                      "messaging.destination.name": queue}  # fmt: skip
        return self.tracer.start_span(f"task {name}", context, SpanKind.CONSUMER, attributes)

    def begin_record(self, span: Span) -> record.RequestRecord:
        """Begin the record of what `span` is about, with its ids; its statements get spans if it is recorded."""
        ids = span.get_span_context()
        found = record.RequestRecord(format_trace_id(ids.trace_id), format_span_id(ids.span_id))
        found.tracer = self.tracer if span.is_recording() else None
        record.begin(found)
        return found

    def shutdown(self) -> None:
        """Send what is still held; a collector that does not answer is waited for `SHUTDOWN_SECONDS`, not more."""
        ending = threading.Thread(target=self.provider.shutdown, name="last spans", daemon=True)
        ending.start()
        ending.join(SHUTDOWN_SECONDS)


class CountedExporter(SpanExporter):
    """Hands spans to `exporter`, and counts those that it could not deliver."""

    def __init__(self, exporter: SpanExporter, metrics: Metrics) -> None:
        self._exporter = exporter
        self._dropped = metrics.dropped.labels("traces")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Deliver `spans`; whatever goes wrong is the operator's to see and nobody else's."""
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001 - told of and counted: requests go on
            log.warning("spans_not_sent", count=len(spans), reason=type(error).__name__)
            result = SpanExportResult.FAILURE
        if result is not SpanExportResult.SUCCESS:
            self._dropped.inc(len(spans))
        return result

    def shutdown(self) -> None:
        """End the exporter."""
        self._exporter.shutdown()


class CountedProcessor(BatchSpanProcessor):
    """Sends spans in batches from a thread of its own, and counts those that find the queue full."""

    def __init__(self, exporter: SpanExporter, metrics: Metrics) -> None:
        super().__init__(exporter)
        self._dropped = metrics.dropped.labels("traces")

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span that is sampled; a full queue drops its oldest."""
        queue = self._batch_processor._queue  # noqa: SLF001 - the SDK tells of a full queue to its own meters alone
        if span.context and span.context.trace_flags.sampled and len(queue) == queue.maxlen:
            self._dropped.inc()
        super().on_end(span)


def start_statement(operation: str, text: str) -> Span | None:
    """Start the span of one SQL statement in a traced request; None in any other, at no cost.

    `text` holds placeholders where values are bound: no value is in the span.
    """
    tracer = record.current().tracer
    if tracer is None:
        return None
    attributes = {"db.system.name": "postgresql", "db.operation.name": operation, "db.query.text": text[:QUERY_LIMIT]}
    return tracer.start_span(operation, kind=SpanKind.CLIENT, attributes=attributes)


def end_failed(span: Span, reason: str) -> None:
    """End the span of what failed: by the error's kind, since its text may quote a row."""
    span.set_status(Status(StatusCode.ERROR))
    span.set_attribute("error.type", reason)
    span.end()
