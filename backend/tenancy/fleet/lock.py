"""One run at a time: an advisory lock on a connection of its own; sign-ups wait for its first seconds only.

Two locks. The run's lock is held to the end, and only runs ask for it. The lock shared with sign-ups is held while the
shared schema is migrated and the plan is made. After that a sign-up is safe: it writes its company's revision in the
transaction that makes its tables, so it comes out at its own code's head, is not in the plan, and is found by the look
that every run takes at its end.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from backend.tenancy.fleet import refusals
from backend.tenancy.migrations import MIGRATION_LOCK
from backend.tenancy.session import Urls

RUN_LOCK = 7_304_118
NAME_LIMIT = 63  # bytes of application_name that PostgreSQL keeps
_HOLDER = text(
    "select a.application_name, a.pid, to_char(a.backend_start at time zone 'utc', 'YYYY-MM-DD HH24:MI') "
    "from pg_locks l join pg_stat_activity a on a.pid = l.pid where l.locktype = 'advisory' and l.granted "
    "and l.database = (select oid from pg_database where datname = current_database()) "
    "and l.classid = 0 and l.objid = :key and l.objsubid = 1"
)


@dataclass(frozen=True, slots=True)
class RunLock:
    """The lock of a run; None on SQLite, whose files lock themselves."""

    connection: Connection | None

    def check(self) -> None:
        """Raise LostServerError when the lock went with its connection: another run may have begun."""
        try:
            if self.connection is not None:
                self.connection.execute(text("select 1"))
        except DBAPIError as error:
            raise refusals.lost_server() from error

    @contextmanager
    def without_sign_ups(self) -> Iterator[None]:
        """Wait for the sign-ups under way, and let no other begin inside the block."""
        if self.connection is None:
            yield
            return
        self.connection.execute(text("select pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        yield
        self.connection.execute(text("select pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})


@contextmanager
def only_run(urls: Urls, *, wait: bool, tell: Callable[[str], None] = lambda _holder: None) -> Iterator[RunLock]:
    """Hold the lock of runs. Raises BusyError when another run has it, or tells who and waits."""
    if urls.owner.get_backend_name() == "sqlite":
        yield RunLock(None)
        return
    name = f"migrate/{socket.gethostname()[:40]}/{os.getpid()}"[:NAME_LIMIT]
    engine = create_engine(
        urls.owner, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args={"application_name": name}
    )
    with engine.connect() as connection:
        if not connection.scalar(text("select pg_try_advisory_lock(:key)"), {"key": RUN_LOCK}):
            holder = _holder(connection)
            if not wait:
                raise refusals.busy(holder)
            tell(holder)
            connection.execute(text("select pg_advisory_lock(:key)"), {"key": RUN_LOCK})
        yield RunLock(connection)


def _holder(connection: Connection) -> str:
    found = connection.execute(_HOLDER, {"key": RUN_LOCK}).first()
    if found is None:
        return "it has just ended"
    name, pid, since = found
    return f"{name}, server process {pid}, since {since} UTC"
