"""An OTLP endpoint that is a list: whatever would leave the process is in it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from backend.telemetry import tracing


@contextmanager
def collected() -> Iterator[InMemorySpanExporter]:
    """Collect the spans of every application that is built inside."""
    exporter = InMemorySpanExporter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
        patch.setattr(tracing, "OTLPSpanExporter", lambda: exporter)
        yield exporter


def flushed(application: FastAPI, spans: InMemorySpanExporter) -> list[ReadableSpan]:
    """Return what `application` has sent or was about to send."""
    application.state.tracing.provider.force_flush()
    return list(spans.get_finished_spans())
