"""What is known of the request under way: ids, database time, company. One object per request, found by context."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.trace import Tracer


@dataclass(slots=True)
class RequestRecord:
    """Filled while a request runs, read once when it ends."""

    trace_id: str = "0" * 32
    span_id: str = "0" * 16
    statements: int = 0
    round_trips: int = 0
    database_seconds: float = 0.0
    held_seconds: float = 0.0
    tracer: Tracer | None = None  # of a request whose spans are recorded
    company: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def traceparent(self) -> str:
        """The `traceresponse` header (W3C Trace Context, level 2); never sampled by a caller's wish."""
        return f"00-{self.trace_id}-{self.span_id}-0{int(self.tracer is not None)}"


_current: ContextVar[RequestRecord | None] = ContextVar("filage_request", default=None)


def current() -> RequestRecord:
    """Return the record of this request, or a throw-away one outside of any."""
    return _current.get() or RequestRecord()


def begin(record: RequestRecord) -> None:
    """Make `record` the one that `current` finds in this context."""
    _current.set(record)
