"""Both Alembic histories: their revisions, which of them this code serves, and one schema brought along its own."""

import io
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial, wraps
from pathlib import Path
from typing import Any

import psycopg
from alembic import command, op
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.operations.ops import CreateIndexOp
from alembic.runtime.migration import RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine, event, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

import backend
from backend.core.clock import utc_now
from backend.tenancy.base import SHARED_SCHEMA
from backend.tenancy.models import Installation
from backend.tenancy.names import new_installation
from backend.tenancy.privileges import grant_shared
from backend.tenancy.session import Urls

ROOT = Path(backend.__file__).resolve().parent.parent
# The oldest tenant revision that this code can serve. Raised by the release that contracts, one release after the
# fleet has expanded: the only place that says it.
MINIMUM_TENANT_REVISION = "t0001"
# Exclusive while the shared schema is migrated and the plan of a run is made; sign-up takes it in shared mode.
MIGRATION_LOCK = 7_304_117
_IS_CURRENT = """
    select (select version_num from shared.alembic_version) = :shared
        and not exists (select company.id from shared.company
                        where company.revision is null or company.revision <> :tenant)
        and not exists (select id from shared.tenant_migration where indexes_pending)
"""
_MODEL_SCHEMA = "filage_model"
Steps = list[RevisionStep]


def config(section: str = "alembic") -> Config:
    """Return Alembic's configuration for one of the two histories ("alembic" or "tenant").

    ALEMBIC_CONFIG names another file, as it does for Alembic's own command.
    """
    return Config(os.environ.get("ALEMBIC_CONFIG") or str(ROOT / "alembic.ini"), ini_section=section)


def upgrade() -> None:
    """Bring the shared schema, then every company, to head: what plain `alembic upgrade head` does."""
    found = config()
    found.attributes["companies"] = True
    command.upgrade(found, "head")


@lru_cache(maxsize=2)
def scripts(section: str) -> ScriptDirectory:
    """Return the revisions of one history."""
    return ScriptDirectory.from_config(config(section))


@lru_cache(maxsize=2)
def head(section: str) -> str:
    """Return the newest revision of one history."""
    found = scripts(section).get_current_head()
    if found is None:
        message = f"the {section} history has no revision"
        raise LookupError(message)
    return found


@lru_cache(maxsize=2)
def revisions(section: str) -> tuple[str, ...]:
    """Return every revision of one history, oldest first."""
    return tuple(reversed([found.revision for found in scripts(section).walk_revisions()]))


def serves(revision: str | None) -> bool:
    """Tell whether this code can serve a company at `revision`: from the minimum on, and what a newer release added.

    A revision that this code does not know is newer: a release expands the schemas before its code rolls out.
    """
    if revision is None:
        return False
    known = revisions("tenant")
    return revision not in known or known.index(revision) >= known.index(MINIMUM_TENANT_REVISION)


def indexes_of(step: RevisionStep) -> tuple[CreateIndexOp, ...]:
    """Return the indexes that a revision wants made outside its transaction (AFTERWARDS in its module)."""
    return tuple(getattr(step.revision.module, "AFTERWARDS", ()))


def with_indexes(steps: Sequence[RevisionStep]) -> Steps:
    """Let each step make the indexes of its AFTERWARDS too, inside the transaction (nobody uses the tables yet)."""
    for step in steps:
        if indexes_of(step):
            change = step.migration_fn
            # Alembic reads the function's name into its log and its SQL.
            step.migration_fn = wraps(change)(
                partial(_make_indexes if step.is_upgrade else _drop_indexes, step, change)
            )
    return list(steps)


def _make_indexes(step: RevisionStep, change: Callable[[], None]) -> None:
    change()
    for index in indexes_of(step):
        op.invoke(index)


def _drop_indexes(step: RevisionStep, change: Callable[[], None]) -> None:
    for index in indexes_of(step):
        op.drop_index(str(index.index_name), index.table_name, if_exists=True)
    change()


def render(steps: Sequence[RevisionStep], start: str | None) -> str:
    """Return what `steps` do as SQL (PostgreSQL), without BEGIN and COMMIT. Raises what a revision raises offline."""
    buffer = io.StringIO()
    context = MigrationContext.configure(
        # Named parameters: with the driver's own form each % of a literal would come out twice.
        dialect=postgresql.psycopg.dialect(paramstyle="named"),  # type: ignore[no-untyped-call]  # SQLAlchemy's own gap
        opts={
            "as_sql": True, "output_buffer": buffer, "fn": lambda _heads, _context: steps,
            "starting_rev": start, "destination_rev": "head",
        },
    )  # fmt: skip
    with Operations.context(context):
        context.run_migrations()
    return buffer.getvalue()


@lru_cache(maxsize=1)
def tenant_script() -> str:
    """Return the whole tenant history as SQL (PostgreSQL), rendered once per process: what a sign-up runs."""
    return render(with_indexes(upgrade_steps(None, "head")), None)


def run_tenant_history(connection: Connection) -> None:
    """Bring the company that `connection` is in to head (its schema alone in the path; SQLite: its file)."""
    run_steps(connection, lambda revision: with_indexes(upgrade_steps(revision, "head")))


def run_steps(connection: Connection, find: Callable[[str | None], Steps]) -> None:
    """Run in the open transaction of `connection` the steps that `find` returns for the revision it is at."""
    context = MigrationContext.configure(
        connection, opts={"fn": lambda heads, _context: find(heads[0] if heads else None)}
    )
    with Operations.context(context):
        context.run_migrations()


def upgrade_steps(start: str | None, end: str) -> Steps:
    """Return the steps from `start` (None: an empty schema) up to `end`."""
    return scripts("tenant")._upgrade_revs(end, start)  # type: ignore[arg-type]  # noqa: SLF001 - as alembic.command


def downgrade_steps(start: str, end: str) -> Steps:
    """Return the steps from `start` back to `end`."""
    return scripts("tenant")._downgrade_revs(end, start)  # noqa: SLF001 - what alembic.command.downgrade calls


@contextmanager
def shared_connection(urls: Urls) -> Iterator[Connection]:
    """Yield the owner's connection to the shared schema, which is made when it is missing."""
    if urls.app.get_backend_name() == "sqlite":
        Path(urls.app.database or "").parent.mkdir(parents=True, exist_ok=True)
        with sqlite_connection(None, Path(urls.app.database or "")) as connection:
            yield connection
        return
    with create_engine(urls.owner, poolclass=NullPool).connect() as connection:
        connection.execute(text(f"create schema if not exists {SHARED_SCHEMA}"))
        connection.commit()
        yield connection


def is_current(urls: Urls) -> bool:
    """Tell whether nothing is left to migrate: one statement over the shared tables, no company is visited."""
    wanted = {"shared": head("alembic"), "tenant": head("tenant")}
    if urls.app.get_backend_name() == "sqlite":
        shared = Path(urls.app.database or "")
        if not shared.exists():
            return False
        with sqlite_connection(None, shared) as connection:
            try:
                return bool(connection.scalar(text(_IS_CURRENT), wanted))
            except OperationalError:  # no such table: nothing was migrated yet
                return False
    # By the driver itself: an engine asks the server seven things before the first statement.
    with psycopg.connect(**connect_values(urls.owner)) as driver:
        try:
            row = driver.execute(_IS_CURRENT.replace(":shared", "%(shared)s").replace(":tenant", "%(tenant)s"), wanted)
            return bool((row.fetchone() or (False,))[0])
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
            return False


def connect_values(url: URL, name: str = "filage-migrate") -> dict[str, Any]:
    """Return a URL as the driver's own keywords; `name` is how the server shows the connection."""
    _words, values = url.get_dialect()().create_connect_args(url)
    return {**values, "application_name": name}


def finish_shared(connection: Connection, urls: Urls) -> None:
    """Give the installation its id when it has none, and grant what the logins need."""
    if not connection.dialect.has_table(connection, "installation", schema=SHARED_SCHEMA):
        connection.rollback()
        return
    if connection.execute(select(Installation.id)).scalar() is None:
        connection.execute(insert(Installation).values(id=new_installation(), created_at=utc_now()))
    if connection.dialect.name == "postgresql":
        grant_shared(connection, urls.app.username or "")
    connection.commit()


@contextmanager
def model_company(urls: Urls) -> Iterator[Connection]:
    """Yield a connection inside a company's schema at head that is thrown away afterwards."""
    if urls.app.get_backend_name() == "sqlite":
        with sqlite_connection(None, None) as connection:
            run_tenant_history(connection)
            yield connection
        return
    engine = create_engine(urls.owner, poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {_MODEL_SCHEMA}")
        connection.exec_driver_sql(f"SET LOCAL search_path TO {_MODEL_SCHEMA}")
        connection.dialect.default_schema_name = _MODEL_SCHEMA
        run_tenant_history(connection)
        yield connection
        connection.rollback()


@contextmanager
def sqlite_connection(main: Path | None, shared: Path | None) -> Iterator[Connection]:
    """Yield a connection over the file `main`, with the shared file attached; DDL rolls back with its transaction."""
    engine = create_engine(URL.create("sqlite", database=str(main or ":memory:")), poolclass=NullPool)

    def connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # sqlite3: BEGIN is ours, so DDL rolls back too
        if shared is not None:
            connection.execute("ATTACH DATABASE ? AS shared", (str(shared),))
        connection.execute("PRAGMA foreign_keys = OFF")  # batch mode rebuilds tables

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)
    with engine.connect() as connection:
        yield connection
