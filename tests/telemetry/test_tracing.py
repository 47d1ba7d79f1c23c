"""Traces: one root span with its statements below it, chosen by nobody outside, telling nothing of anybody."""

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode, format_trace_id
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from backend.core.settings import Settings
from backend.telemetry import record, tracing
from backend.telemetry.metrics import Metrics
from backend.telemetry.tracing import CountedExporter, CountedProcessor, Tracing
from backend.tenancy.session import Urls
from tests.backstage import running
from tests.helpers import sign_up, unique
from tests.tracing import flushed

CANARY = "canari-secret"


async def test_a_request_is_a_root_span_with_its_statements_below_it(
    settings: Settings, urls: Urls, spans: InMemorySpanExporter
) -> None:
    async with running(settings, urls) as (own, client):
        company = await sign_up(client)
        spans.clear()
        answer = await client.get("/api/v1/venues", headers=company.headers)
        found = flushed(own, spans)
        info = await own.state.directory.by_slug(company.slug)
    trace = answer.headers["x-request-id"]
    mine = [span for span in found if format_trace_id(span.context.trace_id) == trace]
    (root,) = [span for span in mine if span.parent is None]
    statements = [span for span in mine if span.parent is not None]
    assert (root.name, root.kind) == ("GET /api/v1/venues", SpanKind.SERVER)
    assert root.attributes is not None
    assert root.attributes["filage.tenant"] == info.schema_name
    assert {span.name for span in statements} >= {"SELECT"}
    assert all(span.parent.span_id == root.context.span_id for span in statements if span.parent)
    assert answer.headers["traceresponse"].endswith("-01")


async def test_a_caller_s_traceparent_chooses_nothing(
    settings: Settings, urls: Urls, spans: InMemorySpanExporter
) -> None:
    theirs = "0af7651916cd43dd8448eb211c80319c"
    async with running(settings, urls) as (own, client):
        for value in (
            f"00-{theirs}-b7ad6b7169203331-01",
            "00-x",
            "f" * 9_000,
            "00-" + "0" * 32 + "-" + "0" * 16 + "-01",
        ):
            answer = await client.get("/health/live", headers={"traceparent": value, "tracestate": "a=b," * 200})
            assert answer.status_code == 200
            assert answer.headers["x-request-id"] != theirs
        own.state.tracing.provider.sampler = ALWAYS_OFF
        flushed(own, spans)
        spans.clear()
        own.state.tracing.tracer.sampler = ALWAYS_OFF
        answer = await client.get("/health/live", headers={"traceparent": f"00-{theirs}-b7ad6b7169203331-01"})
        assert flushed(own, spans) == []
    assert answer.headers["traceresponse"].endswith("-00")
    assert answer.headers["x-request-id"] != "0" * 32


async def test_no_span_tells_a_name_an_address_a_token_or_a_query(
    settings: Settings, urls: Urls, spans: InMemorySpanExporter
) -> None:
    async with running(settings, urls) as (own, client):
        company = await sign_up(client)
        person = {"first_name": CANARY, "last_name": CANARY, "email": f"{CANARY}-{unique('x')}@example.org"}
        await client.post("/api/v1/people", headers=company.headers, json=person)
        await client.get(f"/api/v1/people?q={CANARY}", headers={**company.headers, "User-Agent": CANARY})
        await client.post("/api/v1/auth/login", data={"username": f"{CANARY}@example.org", "password": CANARY})
        found = flushed(own, spans)
    assert len(found) > 10
    told = " ".join(span.to_json() for span in found)
    token = company.headers["Authorization"].removeprefix("Bearer ")
    for secret in (CANARY, token, company.slug, "127.0.0.1"):
        assert secret not in told


async def test_a_statement_that_fails_is_a_failed_span_without_its_values(
    settings: Settings, urls: Urls, spans: InMemorySpanExporter
) -> None:
    async with running(settings, urls) as (own, _):
        spans.clear()
        record.begin(record.RequestRecord(tracer=own.state.tracing.tracer))
        with pytest.raises(DBAPIError):
            async with own.state.database.shared() as session:
                await session.execute(text("select nothing from shared.nowhere where x = :value"), {"value": CANARY})
        record.begin(record.RequestRecord())
        failed = [span for span in flushed(own, spans) if span.status.status_code is StatusCode.ERROR]
    assert [span.attributes["error.type"] for span in failed if span.attributes] in (
        ["UndefinedTable"], ["OperationalError"],
    )  # fmt: skip
    assert CANARY not in failed[0].to_json()


async def test_without_an_endpoint_nothing_is_recorded_and_the_ids_are_there(app: FastAPI, client: AsyncClient) -> None:
    answer = await client.get("/health/live")
    assert answer.headers["traceresponse"].endswith("-00")
    assert app.state.tracing.provider.sampler is ALWAYS_OFF


@pytest.mark.parametrize(("variable", "value", "exported"), [
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1", True),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1", True),
    ("OTEL_SDK_DISABLED", "true", False),
])  # fmt: skip
def test_opentelemetry_s_own_variables_decide(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, exported: bool
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1" if variable == "OTEL_SDK_DISABLED" else "")
    monkeypatch.setenv(variable, value)
    assert tracing.is_exported() is exported


class Down(SpanExporter):
    """A collector that refuses, then breaks."""

    def __init__(self) -> None:
        self.tries = 0

    def export(self, _spans: object) -> SpanExportResult:
        self.tries += 1
        if self.tries > 1:
            raise ConnectionError
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Nothing to end."""


@pytest.fixture
def full_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")


def dropped(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("filage_telemetry_dropped_total", {"signal": "traces"})


def test_spans_that_a_collector_does_not_take_are_counted(full_soon: None) -> None:
    metrics = Metrics()
    traces = Tracing(metrics, Down())
    for _ in range(2):
        for _ in range(3):
            traces.start_request("GET").end()
        traces.provider.force_flush()
    assert dropped(metrics) == 6
    traces.shutdown()


def test_spans_that_find_the_queue_full_are_counted(full_soon: None, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics()
    processor = CountedProcessor(CountedExporter(InMemorySpanExporter(), metrics), metrics)
    monkeypatch.setattr(processor._batch_processor, "_worker_awaken", Asleep())
    traces = Tracing(Metrics(), InMemorySpanExporter())
    for _ in range(13):
        span = traces.start_request("GET")
        span.end()
        processor.on_end(span)  # type: ignore[arg-type]  # the SDK's span is a readable one
    assert dropped(metrics) == 3
    traces.shutdown()


class Asleep:
    """An event that wakes nobody."""

    def is_set(self) -> bool:
        return True
