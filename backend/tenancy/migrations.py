"""Both Alembic histories, run: the shared schema's, and the tenant history in every company's schema."""

import io
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine, event, insert, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.pool import NullPool

import backend
from backend.core.clock import utc_now
from backend.tenancy.base import SHARED_SCHEMA
from backend.tenancy.models import Company, Installation
from backend.tenancy.names import new_installation
from backend.tenancy.privileges import grant_shared, quote, table_statements
from backend.tenancy.session import Urls, company_file

ROOT = Path(backend.__file__).resolve().parent.parent
# One run of migrations at a time; sign-up takes the same lock in shared mode (any number of sign-ups, no migration).
MIGRATION_LOCK = 7_304_117
_MODEL_SCHEMA = "filage_model"


def config(section: str = "alembic") -> Config:
    """Return Alembic's configuration for one of the two histories ("alembic" or "tenant")."""
    return Config(str(ROOT / "alembic.ini"), ini_section=section)


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


@lru_cache(maxsize=1)
def tenant_script() -> str:
    """Return the whole tenant history as SQL (PostgreSQL), rendered once per process: what a sign-up runs."""
    buffer = io.StringIO()
    context = MigrationContext.configure(
        dialect=postgresql.psycopg.dialect(),  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
        opts={"as_sql": True, "output_buffer": buffer, "fn": _to_head, "destination_rev": "head"},
    )
    with Operations.context(context):
        context.run_migrations()
    return buffer.getvalue()


def run_tenant_history(connection: Connection) -> None:
    """Bring the company that `connection` is in to head (its schema alone in the path; SQLite: its file)."""
    context = MigrationContext.configure(connection, opts={"fn": _to_head})
    with Operations.context(context):
        context.run_migrations()


def _to_head(revision: Any, _context: MigrationContext) -> Any:  # noqa: ANN401 - Alembic's own types
    return scripts("tenant")._upgrade_revs("head", revision)  # noqa: SLF001 - what alembic.command.upgrade calls


@contextmanager
def only_run(urls: Urls) -> Iterator[Connection]:
    """Yield the owner's connection to the shared schema, holding the lock of migrations for the whole run."""
    if urls.app.get_backend_name() == "sqlite":
        Path(urls.app.database or "").parent.mkdir(parents=True, exist_ok=True)
        with _sqlite_connection(None, Path(urls.app.database or "")) as connection:
            yield connection
        return
    engine = create_engine(urls.owner, poolclass=NullPool)
    with engine.connect() as lock, engine.connect() as connection:
        lock.execute(text("select pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.execute(text(f"create schema if not exists {SHARED_SCHEMA}"))
        connection.commit()
        yield connection
        lock.execute(text("select pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})


def is_current(urls: Urls) -> bool:
    """Tell whether the shared schema and every company are at head: read from two tables, no company is visited."""
    shared = Path(urls.app.database or "")
    if urls.app.get_backend_name() == "sqlite":
        if not shared.exists():
            return False
        with _sqlite_connection(None, shared) as connection:
            return _at_head(connection)
    engine = create_engine(urls.owner, poolclass=NullPool)
    with engine.connect() as connection:
        return _at_head(connection)


def _at_head(connection: Connection) -> bool:
    if not connection.dialect.has_table(connection, "alembic_version", schema=SHARED_SCHEMA):
        return False
    found = connection.execute(text("select version_num from shared.alembic_version")).scalar()
    late = select(Company.id).where(Company.revision.is_distinct_from(head("tenant"))).limit(1)
    return found == head("alembic") and connection.execute(late).first() is None


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


def upgrade_companies(connection: Connection, urls: Urls) -> None:
    """Bring every company to head, each in a transaction of its own; what is at head already is not visited."""
    target = head("tenant")
    columns = (Company.id, Company.schema_name, Company.role_name)
    late = connection.execute(
        select(*columns).where(Company.revision.is_distinct_from(target)).order_by(Company.number)
    )
    for company_id, schema, role in late.all():
        if connection.dialect.name == "sqlite":
            with _sqlite_connection(company_file(Path(urls.app.database or ""), schema), None) as file_connection:
                run_tenant_history(file_connection)
                file_connection.commit()
        else:
            connection.exec_driver_sql(f"SET LOCAL search_path TO {quote(schema)}")
            run_tenant_history(connection)
            for statement in table_statements(schema, role):
                connection.exec_driver_sql(statement)
        connection.execute(update(Company).where(Company.id == company_id).values(revision=target))
        connection.commit()


@contextmanager
def model_company(urls: Urls) -> Iterator[Connection]:
    """Yield a connection inside a company's schema at head that is thrown away afterwards."""
    if urls.app.get_backend_name() == "sqlite":
        with _sqlite_connection(None, None) as connection:
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
def _sqlite_connection(main: Path | None, shared: Path | None) -> Iterator[Connection]:
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
