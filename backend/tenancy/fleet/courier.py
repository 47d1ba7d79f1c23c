"""One owner connection that brings companies over, one after the other, each in one transaction (PostgreSQL).

Everything between BEGIN and COMMIT goes as one message: timeouts, the revision that the schema is at, the rendered SQL,
the rights, the company's revision and its durable row. COMMIT is sent when the answers are as expected.
"""

from typing import Any, Self

import psycopg
from psycopg.rows import TupleRow, tuple_row

from backend.tenancy.fleet import outcome, statements
from backend.tenancy.fleet.legs import Leg
from backend.tenancy.fleet.order import Order, Visit
from backend.tenancy.fleet.outcome import DONE, Outcome
from backend.tenancy.fleet.processes import WorkerProcess
from backend.tenancy.migrations import connect_values, head
from backend.tenancy.privileges import quote
from backend.tenancy.session import Urls

Connection = psycopg.AsyncConnection[TupleRow]


class Courier:
    """A connection of the owner; where a revision cannot be rendered, a worker process with another one."""

    def __init__(self, urls: Urls, order: Order) -> None:
        self._urls = urls
        self._order = order
        self._connection: Connection | None = None
        self._process: WorkerProcess | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._process is not None:
            await self._process.close()
        if self._connection is not None:
            await self._connection.close()

    async def claim(self, visit: Visit) -> Outcome:
        """Write that the company's turn has come; lost with a crash of the server, it costs nothing but that note."""
        return await self._try(visit, self._claim(visit))

    async def carry(self, visit: Visit, leg: Leg, waited: float) -> Outcome:
        """Bring the company to the end of `leg`; `waited` seconds were lost to locks until now."""
        if leg.sql is None:
            found = await self._in_process(visit, waited)
        else:
            found = await self._try(visit, self._change(visit, leg, waited))
        if found.error is None or found.is_locked or found.is_lost:
            return found
        return await self._try(visit, self._explain(visit, found))

    async def make_indexes(self, visit: Visit, leg: Leg, waited: float) -> Outcome:
        """Make the indexes of `leg` that must stand outside a transaction; what a kill left invalid goes first."""
        return await self._try(visit, self._make_indexes(visit, leg, waited))

    async def fail(self, visit: Visit, error: str, waited: float) -> Outcome:
        """Write that the company stayed behind, and why."""
        return await self._try(visit, self._fail(visit, error, waited))

    async def _try(self, visit: Visit, act: Any) -> Outcome:  # noqa: ANN401 - a coroutine of ours
        try:
            found: Outcome = await act
        except psycopg.Error as error:
            closed = self._connection is None or self._connection.closed
            if not closed:
                await self._roll_back()
            return outcome.of_error(error, self._order, visit, closed=closed)
        return found

    async def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                **connect_values(self._urls.owner), autocommit=True, row_factory=tuple_row
            )
        return self._connection

    async def _roll_back(self) -> None:
        connection = await self._open()
        try:
            await connection.execute("ROLLBACK")
        except psycopg.Error:
            await connection.close()

    async def _claim(self, visit: Visit) -> Outcome:
        if not self._order.dry_run:
            connection = await self._open()
            await _send(connection, statements.claim(visit))
        return DONE

    async def _change(self, visit: Visit, leg: Leg, waited: float) -> Outcome:
        connection = await self._open()
        before = ["BEGIN", *statements.opening(visit, self._order)]
        if visit.start is not None:
            before.append(statements.FIND_REVISION)
        changes = [str(leg.sql)]
        if leg.makes_tables and visit.end == head("tenant"):
            changes += statements.rights(visit, None)
        after = [] if self._order.dry_run else statements.closing(visit, leg, waited)
        if leg.makes_tables and visit.end != head("tenant"):
            rows, _counts = await _send(connection, [*before, *changes])
            tables = await connection.execute(statements.FIND_TABLES, (visit.schema,))
            existing = frozenset(str(name) for (name,) in await tables.fetchall())
            _rows, counts = await _send(connection, [*statements.rights(visit, existing), *after])
        else:
            rows, counts = await _send(connection, [*before, *changes, *after])
        return await self._end(connection, visit, rows, counts)

    async def _end(self, connection: Connection, visit: Visit, rows: list[Any], counts: list[int]) -> Outcome:
        at = rows[0] if visit.start is not None and rows else visit.start
        if at != visit.start:
            await connection.execute("ROLLBACK")
            return Outcome(found=str(at))
        if self._order.dry_run:
            await connection.execute("ROLLBACK")
            return DONE
        if counts[-2:] != [1, 1]:
            await connection.execute("ROLLBACK")
            return outcome.failed("the company was removed meanwhile")
        await connection.execute("COMMIT")
        return DONE

    async def _in_process(self, visit: Visit, waited: float) -> Outcome:
        if self._process is None:
            self._process = WorkerProcess(self._urls, self._order)
        return await self._process.carry(visit, waited)

    async def _explain(self, visit: Visit, found: Outcome) -> Outcome:
        """Look whether the failure has a simpler reason: no schema, no version table, another revision than planned."""
        connection = await self._open()
        names = (quote(visit.schema), f"{quote(visit.schema)}.alembic_version")
        row = await (await connection.execute(statements.FIND_SCHEMA, names)).fetchone()
        has_schema, has_version = row or (False, False)
        if not has_schema:
            return outcome.schema_gone(visit)
        if not has_version:
            return found if visit.start is None else outcome.version_gone(visit)
        at = await (await connection.execute(statements.revision_in(visit.schema))).fetchone()
        revision = at[0] if at else None
        return Outcome(found=revision) if revision not in {None, visit.start} else found

    async def _make_indexes(self, visit: Visit, leg: Leg, waited: float) -> Outcome:
        connection = await self._open()
        # Outside a transaction: SET LOCAL would say nothing.
        await connection.execute(f"SET search_path TO {quote(visit.schema)}")
        await connection.execute(f"SET lock_timeout = {int(self._order.lock_timeout_ms)}")
        invalid = await connection.execute(statements.FIND_INVALID, (quote(visit.schema),))
        for (name,) in await invalid.fetchall():
            await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quote(visit.schema)}.{quote(name)}")
        for index in leg.indexes:
            await connection.execute(index)
        await connection.execute("RESET search_path")
        await connection.execute("RESET lock_timeout")
        await _send(connection, statements.finished(visit, waited))
        return DONE

    async def _fail(self, visit: Visit, error: str, waited: float) -> Outcome:
        if not self._order.dry_run:
            connection = await self._open()
            await connection.execute(statements.FAIL, (error, waited, visit.row_id))
        return DONE


async def _send(connection: Connection, parts: list[str]) -> tuple[list[Any], list[int]]:
    """Send statements as one message; return the first value of each that answers rows, and every row count."""
    cursor = await connection.execute(statements.in_one_message(parts))
    rows, counts = [], []
    while True:
        counts.append(cursor.rowcount)
        if cursor.description is not None:
            first = await cursor.fetchone()
            rows.append(first[0] if first else None)
        if not cursor.nextset():
            return rows, counts
