"""Worker processes for revisions that cannot be rendered: each runs Alembic on one company at a time.

Processes, never threads: Alembic's `op` is a global of its module. A worker speaks JSON lines over its standard input
and output, so it ends with its runner, whichever way that goes.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from typing import TextIO

import msgspec
import psycopg
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from backend.tenancy import migrations
from backend.tenancy.fleet import legs, outcome, statements
from backend.tenancy.fleet.order import Order, Visit
from backend.tenancy.fleet.outcome import DONE, Outcome
from backend.tenancy.fleet.refusals import FleetError
from backend.tenancy.migrations import Steps
from backend.tenancy.session import Urls


class Beginning(msgspec.Struct):
    """First line that a worker reads."""

    owner_url: str
    order: Order


class Task(msgspec.Struct):
    """Every further line."""

    visit: Visit
    waited: float


class WorkerProcess:
    """The runner's end of one worker process; started when first needed."""

    def __init__(self, urls: Urls, order: Order) -> None:
        self._beginning = Beginning(urls.owner.render_as_string(hide_password=False), order)
        self._process: Process | None = None

    async def carry(self, visit: Visit, waited: float) -> Outcome:
        """Have one company migrated. A worker that dies has failed that company; the next gets a new one."""
        process = await self._start()
        try:
            await self._write(process, Task(visit, waited))
            line = await self._read(process)
        except ConnectionError:
            line = b""
        if not line:
            self._process = None
            return outcome.failed(f"the worker process ended with code {await process.wait()}")
        return msgspec.json.decode(line, type=Outcome)

    async def close(self) -> None:
        """Let the worker end."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()

    async def _start(self) -> Process:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", __name__, stdin=PIPE, stdout=PIPE
            )
            await self._write(self._process, self._beginning)
        return self._process

    async def _write(self, process: Process, message: msgspec.Struct) -> None:
        if process.stdin is not None:
            process.stdin.write(msgspec.json.encode(message) + b"\n")
            await process.stdin.drain()

    async def _read(self, process: Process) -> bytes:
        return await process.stdout.readline() if process.stdout is not None else b""


class _ElsewhereError(Exception):
    """The schema is at another revision than planned."""


def carry(engine: Engine, order: Order, task: Task) -> Outcome:
    """Migrate one company in one transaction of this process."""
    try:
        with engine.connect() as connection:
            _change(connection, order, task)
            if order.dry_run:
                connection.rollback()
            else:
                connection.commit()
    except _ElsewhereError as error:
        return Outcome(found=str(error))
    except DBAPIError as error:
        if not isinstance(error.orig, psycopg.Error):
            raise
        return outcome.of_error(error.orig, order, task.visit, closed=error.connection_invalidated)
    except FleetError as error:
        return outcome.failed(error.sentence.en)
    except Exception as error:  # noqa: BLE001 - the boundary: whatever a revision raises is this company's failure
        return outcome.failed(f"{task.visit.start} to {task.visit.end}: {type(error).__name__}: {error}")
    return DONE


def _change(connection: Connection, order: Order, task: Task) -> None:
    visit = task.visit
    leg = legs.leg(visit.start, visit.end)

    def find(revision: str | None) -> Steps:
        if revision != visit.start:
            raise _ElsewhereError(revision)
        return leg.steps

    for statement in statements.opening(visit, order):
        connection.exec_driver_sql(statement)
    migrations.run_steps(connection, find)
    tables = frozenset(connection.exec_driver_sql(statements.FIND_TABLES, (visit.schema,)).scalars())
    for statement in statements.rights(visit, tables):
        connection.exec_driver_sql(statement)
    if order.dry_run:
        return
    counts = [connection.exec_driver_sql(found).rowcount for found in statements.closing(visit, leg, task.waited)]
    if counts != [1, 1]:
        message = "the company was removed meanwhile"
        raise LookupError(message)


def serve(answers: TextIO) -> None:
    """Read tasks until the runner is gone; answer each with its outcome."""
    lines = iter(sys.stdin)
    beginning = msgspec.json.decode(next(lines), type=Beginning)
    engine = create_engine(beginning.owner_url, poolclass=NullPool, connect_args={"application_name": "filage-migrate"})
    for line in lines:
        found = carry(engine, beginning.order, msgspec.json.decode(line, type=Task))
        answers.write(msgspec.json.encode(found).decode() + "\n")
        answers.flush()


if __name__ == "__main__":
    # A revision that prints must not be taken for an answer.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as stream:
        sys.stdout = sys.stderr
        serve(stream)
