"""How many statements a block of a test sends, on whichever engine; what goes over the wire, as libpq tells it."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from psycopg.pq import Trace
from sqlalchemy import Engine, event

from backend.tenancy.session import Database

_collecting: ContextVar[list[str] | None] = ContextVar("collecting", default=None)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the SQL of every statement that the block sends, itself or by what it starts.

    What the application does meanwhile of its own accord, such as storing the latency of companies, is not in it.
    """
    sent: list[str] = []

    def before(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if _collecting.get() is sent:
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", before)
    token = _collecting.set(sent)
    try:
        yield sent
    finally:
        _collecting.reset(token)
        event.remove(Engine, "before_cursor_execute", before)


@dataclass(slots=True)
class Wire:
    """The messages of a block, in order: who sent each (F: the client, B: the server), and what it was."""

    messages: list[str] = field(default_factory=list)

    @property
    def round_trips(self) -> int:
        """How often the server was waited for: the client's turn ends, and the server's begins."""
        return sum(a.startswith("F") and b.startswith("B") for a, b in pairwise(self.messages))

    def sent(self, words: str) -> int:
        """How many messages of the client hold these words."""
        return sum(message.startswith("F") and words in message for message in self.messages)


@contextmanager
def wire(database: Database) -> Iterator[Wire]:
    """Collect the messages of every connection of the app login that is handed out while the block runs."""
    assert database._app is not None
    pool, found, traced = database._app.sync_engine.pool, Wire(), dict[int, tuple[Any, Any]]()
    with ExitStack() as files:

        def trace(_connection: object, _entry: object, proxy: Any) -> None:
            link = proxy.driver_connection.pgconn
            if id(link) not in traced:
                # A file for each: what two connections write into one comes out mixed.
                file = files.enter_context(tempfile.TemporaryFile("w+"))
                traced[id(link)] = link, file
                link.trace(file.fileno())
                link.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)

        event.listen(pool, "checkout", trace)
        try:
            yield found
        finally:
            event.remove(pool, "checkout", trace)
            for link, file in traced.values():
                link.untrace()
                file.seek(0)
                found.messages.extend(line for line in file.read().splitlines() if line[:2] in {"F\t", "B\t"})
