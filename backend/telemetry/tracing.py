"""Traces by OpenTelemetry: every request has a trace of our own; a caller's `traceparent` is never its parent."""

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, Tracer

from backend import __version__


class Tracing:
    """The tracer of one application; exporters are added to `provider`."""

    def __init__(self) -> None:
        self.provider = TracerProvider(
            resource=Resource.create({"service.name": "filage-api", "service.version": __version__})
        )
        self.tracer: Tracer = self.provider.get_tracer("backend.telemetry")

    def start_request(self, method: str) -> Span:
        """Start the root span of one request; an empty context keeps the caller from choosing trace or sampling."""
        return self.tracer.start_span(
            method, context=Context(), kind=SpanKind.SERVER, attributes={"http.request.method": method}
        )

    def shutdown(self) -> None:
        """Flush what exporters still hold."""
        self.provider.shutdown()
