"""What an operator sees of a task: a line and a span with the ids of the request that wanted it, and nobody's name."""

import json
from typing import Any

import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Span, SpanKind, StatusCode, format_span_id, format_trace_id
from sqlalchemy import select

from backend.core.settings import Settings
from backend.outbox.tasks import defer
from backend.telemetry.tracing import Tracing
from backend.tenancy.models import CompanyInfo
from backend.tenancy.session import Database, hand_over
from backend.worker.app import Kind, Order
from tests.backstage import log_lines
from tests.tracing import flushed
from tests.worker.conftest import Post, invitation, reset_mail, work_off

pytestmark = pytest.mark.postgresql
CANARIES = ("canary@example.org", "Canary Martin", "canary-token")


def task_lines(log: Any) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in lines if line["event"] == "task"]


def tracing(stage: FastAPI) -> Tracing:
    found: Tracing = stage.state.tracing
    return found


def begin_request(stage: FastAPI) -> Span:
    """Begin a request that is traced, as its middleware does: what the test hands over now is of it."""
    span = tracing(stage).start_request("POST")
    tracing(stage).begin_record(span)
    return span


def tasks(found: list[ReadableSpan]) -> list[ReadableSpan]:
    return [span for span in found if span.kind is SpanKind.CONSUMER]


async def test_a_task_is_in_the_trace_of_the_request_that_handed_it_over(
    settings: Settings, spans: InMemorySpanExporter, stage: FastAPI, database: Database, ours: CompanyInfo, post: Post
) -> None:
    request = begin_request(stage)
    async with database.company(ours) as session:
        hand_over(session, invitation())
    request.end()
    with log_lines(settings) as log:
        await work_off(stage)
    found = flushed(stage, spans)
    (span,) = tasks(found)
    (line,) = task_lines(log)
    assert span.parent is not None
    assert (span.name, span.parent.span_id) == ("task mail", request.get_span_context().span_id)
    assert format_trace_id(span.context.trace_id) == format_trace_id(request.get_span_context().trace_id)
    assert (line["trace_id"], line["span_id"]) == (
        format_trace_id(span.context.trace_id),
        format_span_id(span.context.span_id),
    )
    assert line["tenant"] == ours.schema_name
    assert dict(span.attributes or {}) == {
        "messaging.system": "procrastinate",
        "messaging.operation.type": "process",
        "messaging.destination.name": "mails",
        "filage.tenant": ours.schema_name,
        "filage.task.outcome": "done",
        "filage.task.attempt": 1,
    }


async def test_the_statements_of_a_task_are_below_its_span(
    spans: InMemorySpanExporter, stage: FastAPI, database: Database, ours: CompanyInfo
) -> None:
    async def look(order: Order) -> None:
        assert order.company is not None
        async with order.tools.database.company(order.company, write=False) as session:
            await session.scalar(select(1))

    stage.state.runner.kinds["look"] = Kind("look", "default", look)
    begin_request(stage)
    async with database.company(ours) as session:
        defer(session, "look", {}, queue="default")
    await work_off(stage)
    found = flushed(stage, spans)
    (span,) = tasks(found)
    below = [each for each in found if each.parent and each.parent.span_id == span.context.span_id]
    assert below
    assert {each.kind for each in below} == {SpanKind.CLIENT}


async def test_a_task_that_is_tried_again_is_a_failed_span_and_then_a_good_one(
    spans: InMemorySpanExporter, stage: FastAPI, database: Database, post: Post
) -> None:
    post.answers = ["451 canary@example.org later"]
    begin_request(stage)
    async with database.shared() as session:
        hand_over(session, reset_mail())
    await work_off(stage)
    first, second = tasks(flushed(stage, spans))
    assert (first.status.status_code, (first.attributes or {})["filage.task.outcome"]) == (StatusCode.ERROR, "retried")
    assert (second.status.status_code, (second.attributes or {})["filage.task.outcome"]) == (StatusCode.UNSET, "done")


async def test_no_line_and_no_span_of_a_task_tells_who_it_was_for(
    settings: Settings, spans: InMemorySpanExporter, stage: FastAPI, database: Database, ours: CompanyInfo, post: Post
) -> None:
    async def stumble(order: Order) -> None:
        raise ValueError(str(order.payload))

    stage.state.runner.kinds["stumble"] = Kind("stumble", "default", stumble)
    post.answers = ["451 canary@example.org is busy", "550 no canary@example.org here"]
    begin_request(stage)
    with log_lines(settings) as log:
        async with database.company(ours) as session:
            hand_over(session, invitation())
            defer(session, "stumble", {"name": "Canary Martin"}, queue="default")
        async with database.shared() as session:
            hand_over(session, reset_mail())
        await work_off(stage)
    # `mail.log` is the test's own mail server, which runs in this process.
    lines = [line for line in log.getvalue().splitlines() if json.loads(line)["logger"] != "mail.log"]
    told = " ".join([*lines, *(span.to_json() for span in flushed(stage, spans))])
    assert "ValueError" in told
    assert {line["outcome"] for line in task_lines(log)} == {"done", "retried", "failed"}
    assert [canary for canary in (*CANARIES, ours.slug) if canary in told] == []


@pytest.mark.parametrize("trace", ["", "0" * 32, "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x", "f" * 32])
def test_a_task_of_nobody_s_request_has_a_trace_of_its_own(stage: FastAPI, trace: str) -> None:
    ids = tracing(stage).start_task("mail", "mails", trace).get_span_context()
    assert ids.is_valid
    assert format_trace_id(ids.trace_id) not in {"0" * 32, "f" * 32}
