"""Engines that cannot forget the company: every transaction opens in a named scope, verified before its first row.

Only this package imports this module. PostgreSQL: one statement with bound values sets search path, role, timeouts and
name, all local to the transaction, and what the server answers is compared. SQLite: one file per company, with the
shared file attached; nothing of the role fence can be promised there.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from psycopg.pq import TransactionStatus
from sqlalchemy import URL, Connection, Engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DisconnectionError, InvalidRequestError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, NullPool, PoolProxiedConnection

from backend.core.settings import Settings
from backend.telemetry import record, tracing
from backend.telemetry.metrics import Metrics
from backend.telemetry.pools import Pool
from backend.tenancy.protocol import OneStatementCursor

SCOPE_OPTION = "filage_scope"
NAME_LIMIT = 63  # bytes of application_name that PostgreSQL keeps
DEFAULT_SEARCH_PATH = '"$user", public'
INSUFFICIENT_PRIVILEGE = "42501"
OWNER_POOL_SIZE = 2
_OPERATIONS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"})
_VISITED = "filage_visited"
_HELD_SINCE = "filage_held_since"

_SET_SCOPE = text(
    "select set_config('search_path', :path, true), set_config('statement_timeout', :statement_timeout, true), "
    "set_config('lock_timeout', :lock_timeout, true), set_config('application_name', :name, true), "
    "set_config('role', :role, true)"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a transaction runs: the schema alone in its search path, the role it has, and whether it will write."""

    path: str
    role: str
    write: bool = True


ONE_STATEMENT = Scope("", "none", write=False)
"""No transaction at all: one statement that names its schema, sent by the app login in autocommit."""


class ScopeError(RuntimeError):
    """The transaction is not where it should be; nothing was read or written in it."""


def create_app_engine(url: URL, settings: Settings, metrics: Metrics) -> AsyncEngine:
    """Return the app login's engine: a transaction without a scope raises, one in doubt never reaches its rows."""
    engine = create_async_engine(
        url,
        json_deserializer=msgspec.json.decode,  # a page of a week reads a thousand documents, and most of them are []
        poolclass=_watched_pool("app", metrics),
        pool_size=settings.db_pool_size,
        max_overflow=settings.db_pool_overflow,
        pool_timeout=settings.db_pool_timeout_seconds,
        pool_recycle=settings.db_pool_recycle_seconds,
        connect_args={
            **_connect_args(settings), **_timeouts_from_the_start(url, settings),
            "application_name": "filage", "cursor_factory": OneStatementCursor,
        },
    )  # fmt: skip
    timeouts = {
        "statement_timeout": str(settings.statement_timeout_ms),
        "lock_timeout": str(settings.lock_timeout_ms),
    }

    def begin(connection: Connection) -> None:
        if _scope_of(connection) is not ONE_STATEMENT:
            record.current().round_trips += 1  # psycopg sends BEGIN as a message of its own
            _open_scope(connection, timeouts)

    event.listen(engine.sync_engine, "begin", begin)
    event.listen(engine.sync_engine, "begin_twophase", _refuse_two_phase)
    event.listen(engine.sync_engine, "set_connection_execution_options", _refuse_isolation_level)
    event.listen(engine.sync_engine, "set_engine_execution_options", _refuse_isolation_level)
    event.listen(engine.sync_engine, "commit", _refuse_failed_commit)
    event.listen(engine.sync_engine, "rollback", _count_round_trip)
    event.listen(engine.sync_engine.pool, "checkout", _discard_dirty)
    _replace_the_well_travelled(engine, settings.db_pool_max_companies)
    _measure(engine, metrics)
    _watch(engine, "app", settings.db_pool_size + settings.db_pool_overflow, metrics)
    return engine


def for_one_statement(engine: AsyncEngine) -> AsyncEngine:
    """Return the same engine and pool for statements that need no transaction: one round trip instead of four."""
    return engine.execution_options(**{SCOPE_OPTION: ONE_STATEMENT, "isolation_level": "AUTOCOMMIT"})


def create_owner_engine(url: URL, settings: Settings, metrics: Metrics) -> AsyncEngine:
    """Return the owner login's engine (sign-up): few connections, and no scope: it names its schemas."""
    connect_args = {**_connect_args(settings), "application_name": "filage-owner"}
    engine = create_async_engine(
        url,
        poolclass=_watched_pool("owner", metrics),
        pool_size=OWNER_POOL_SIZE,
        max_overflow=OWNER_POOL_SIZE,
        connect_args=connect_args,
    )
    event.listen(engine.sync_engine, "commit", _refuse_failed_commit)
    _measure(engine, metrics)
    _watch(engine, "owner", 2 * OWNER_POOL_SIZE, metrics)
    return engine


def create_sqlite_engine(main: Path | None, shared: Path, metrics: Metrics) -> AsyncEngine:
    """Return the engine of one company's file (None: of the shared file alone), with the shared file attached."""
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(main) if main else ":memory:"),
        poolclass=NullPool,
        connect_args={"timeout": 30, "isolation_level": None},
    )

    def connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute("ATTACH DATABASE ? AS shared", (str(shared),))
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    event.listen(engine.sync_engine, "connect", connect)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    _measure(engine, metrics)
    return engine


def _connect_args(settings: Settings) -> dict[str, Any]:
    # Behind PgBouncer the next transaction has another backend: a statement prepared on one is unknown to the next.
    return {"prepare_threshold": None} if settings.db_pooler == "pgbouncer" else {}


def _timeouts_from_the_start(url: URL, settings: Settings) -> dict[str, str]:
    """Stop a statement outside any transaction too; PgBouncer takes no options, and has a `query_timeout` for it."""
    if settings.db_pooler == "pgbouncer" or "options" in url.query:
        return {}
    timeouts = {"statement_timeout": settings.statement_timeout_ms, "lock_timeout": settings.lock_timeout_ms}
    return {"options": " ".join(f"-c {name}={value}" for name, value in timeouts.items())}


def _scope_of(connection: Connection) -> Scope:
    scope = connection.get_execution_options().get(SCOPE_OPTION)
    if not isinstance(scope, Scope):
        message = "a transaction was begun without a scope: open it by backend.tenancy.session"
        raise ScopeError(message)
    return scope


def _open_scope(connection: Connection, timeouts: dict[str, str]) -> None:
    scope = _scope_of(connection)
    name = f"api/{scope.path}/{record.current().trace_id}"[:NAME_LIMIT]
    values = {"path": scope.path, "role": scope.role, "name": name, **timeouts}
    connection.info.setdefault(_VISITED, set()).add(scope.path)
    try:
        found = connection.execute(_SET_SCOPE, values).one()
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) == INSUFFICIENT_PRIVILEGE:
            connection.invalidate()  # it kept a company's role from an earlier use: it would refuse everybody
        raise
    if (found[0], found[4]) != (scope.path, scope.role):
        connection.invalidate()
        message = "the server answered for another company; the connection was closed"
        raise ScopeError(message)


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if _scope_of(connection).write else "BEGIN")


def _refuse_two_phase(_connection: Connection, _xid: Any) -> None:  # noqa: ANN401 - SQLAlchemy's signature
    message = "two-phase transactions would outlive their company's scope"
    raise InvalidRequestError(message)


def _refuse_isolation_level(_connection: Connection | Engine, options: dict[str, Any]) -> None:
    if "isolation_level" in options and options.get(SCOPE_OPTION) is not ONE_STATEMENT:
        message = "isolation_level (AUTOCOMMIT above all) would drop the company's scope"
        raise InvalidRequestError(message)


def _refuse_failed_commit(connection: Connection) -> None:
    """A COMMIT after a swallowed error would return quietly with nothing stored."""
    _count_round_trip(connection)
    driver = connection.connection.driver_connection
    if driver is not None and driver.info.transaction_status == TransactionStatus.INERROR:
        # SQLAlchemy holds a transaction for ended once its commit was tried: the pool would hand it on as it is.
        connection.connection.rollback()
        message = "an error inside this transaction was swallowed: nothing can be committed"
        raise InvalidRequestError(message)


def _count_round_trip(connection: Connection) -> None:
    if connection.get_execution_options().get(SCOPE_OPTION) is not ONE_STATEMENT:
        record.current().round_trips += 1


def _discard_dirty(_connection: DBAPIConnection, _entry: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
    """PostgreSQL 18 reports search_path by itself: a connection that kept a company's path is thrown away."""
    driver: Any = proxy.driver_connection
    reported = driver.info.parameter_status("search_path")
    if reported is not None and reported != DEFAULT_SEARCH_PATH:
        message = "a dirty connection was discarded"
        raise DisconnectionError(message)


def _replace_the_well_travelled(engine: AsyncEngine, companies: int) -> None:
    """A backend keeps what it learnt of every table and gives nothing back: close it after so many companies."""

    def checkin(_connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        if len(entry.info.get(_VISITED, ())) >= companies:
            entry.invalidate()

    event.listen(engine.sync_engine.pool, "checkin", checkin)


def _watched_pool(name: str, metrics: Metrics) -> type[AsyncAdaptedQueuePool]:
    """Return a pool class that tells how long its connections were waited for: SQLAlchemy has no event for that."""
    wait, timeouts = metrics.connection_wait.labels(name), metrics.connection_timeouts.labels(name)

    class WatchedPool(AsyncAdaptedQueuePool):
        __module__ = AsyncAdaptedQueuePool.__module__  # names the logger: SQLAlchemy's are quiet

        def _do_get(self) -> ConnectionPoolEntry:
            begun = time.perf_counter()
            try:
                return super()._do_get()
            except NoConnectionError:
                timeouts.inc()
                raise
            finally:
                wait.observe(time.perf_counter() - begun)

    return WatchedPool


def _watch(engine: AsyncEngine, name: str, most: int, metrics: Metrics) -> None:
    """Show the pool's state, and count how long a request holds connections."""
    pool = engine.sync_engine.pool

    def checkout(_connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        entry.info[_HELD_SINCE] = time.perf_counter()

    def checkin(_connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        now = time.perf_counter()
        record.current().held_seconds += now - entry.info.pop(_HELD_SINCE, now)

    event.listen(pool, "checkout", checkout)
    event.listen(pool, "checkin", checkin)
    if isinstance(pool, AsyncAdaptedQueuePool):
        metrics.pools.watch(name, Pool(most, pool.checkedout, pool.checkedin))


def _measure(engine: AsyncEngine, metrics: Metrics) -> None:
    """Time every statement; a request that is traced gets a span for each."""
    seconds = {name: metrics.statement_seconds.labels(name) for name in (*_OPERATIONS, "other")}

    def before(connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        connection.info["filage_started"] = (
            time.perf_counter(),
            tracing.start_statement(_operation(statement), statement),
        )

    def after(connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        found = record.current()
        begun, span = connection.info.pop("filage_started")
        passed = time.perf_counter() - begun
        found.statements += 1
        found.round_trips += 1
        found.database_seconds += passed
        seconds[_operation(statement)].observe(passed)
        if span is not None:
            span.end()

    def failed(context: ExceptionContext) -> None:
        _, span = context.connection.info.pop("filage_started", (0, None)) if context.connection else (0, None)
        if span is not None:
            tracing.end_failed(span, type(context.original_exception).__name__)

    event.listen(engine.sync_engine, "before_cursor_execute", before)
    event.listen(engine.sync_engine, "after_cursor_execute", after)
    event.listen(engine.sync_engine, "handle_error", failed)


def _operation(statement: str) -> str:
    """Return the statement's first word where it is one of the few that are counted apart."""
    word = statement[:6].rstrip().partition(" ")[0].upper()
    return word if word in _OPERATIONS else "other"
