"""The statements around a company's migration: what opens its transaction, its rights, and its durable row."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from psycopg import sql

from backend.tenancy.fleet.legs import Leg
from backend.tenancy.fleet.order import Order, Visit
from backend.tenancy.privileges import quote, table_statements

FAIL = (
    "update shared.tenant_migration set state = 'failed', error = %s, finished_at = clock_timestamp(), "
    "seconds = extract(epoch from clock_timestamp() - started_at), lock_wait_seconds = %s where id = %s"
)
FIND_REVISION = "select version_num from alembic_version"
FIND_SCHEMA = "select to_regnamespace(%s) is not null, to_regclass(%s) is not null"
FIND_TABLES = "select tablename from pg_tables where schemaname = %s"
FIND_INVALID = (
    "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid "
    "where not i.indisvalid and c.relnamespace = to_regnamespace(%s)"
)
_CLAIMED: LiteralString = (
    "update shared.tenant_migration set state = 'running', attempts = attempts + 1, from_revision = {start}, "
    "to_revision = {end}, started_at = clock_timestamp(), finished_at = null, error = null where id = {id}"
)
_DONE: LiteralString = (
    "update shared.tenant_migration set state = {state}, indexes_pending = {pending}, error = null, "
    "finished_at = clock_timestamp(), seconds = extract(epoch from clock_timestamp() - started_at), "
    "lock_wait_seconds = {waited} where id = {id}"
)
# Older runs that left this company without its indexes are settled by the run that makes them.
_SETTLED: LiteralString = "update shared.tenant_migration set indexes_pending = false where company_id = {id}"
_MOVED: LiteralString = "update shared.company set revision = {end} where id = {id}"


def revision_in(schema: str) -> str:
    """Return the question which revision a schema is at, wherever the path leads."""
    return FIND_REVISION.replace("alembic_version", f"{quote(schema)}.alembic_version")


def claim(visit: Visit) -> list[str]:
    """Return what notes that a company's turn has come, without waiting for the disk: a crash may forget the note."""
    noted = _literal(_CLAIMED, start=visit.start, end=visit.end, id=visit.row_id)
    return ["BEGIN", "SET LOCAL synchronous_commit TO off", noted, "COMMIT"]


def opening(visit: Visit, order: Order) -> list[str]:
    """Return what a transaction inside the company's schema begins with; the schema stands alone in the path."""
    return [
        f"SET LOCAL search_path TO {quote(visit.schema)}",
        f"SET LOCAL lock_timeout = {int(order.lock_timeout_ms)}",
        f"SET LOCAL statement_timeout = {int(order.statement_timeout_ms)}",
    ]


def closing(visit: Visit, leg: Leg, waited: float) -> list[str]:
    """Return the two updates that make the migration known; each must find one row, or nothing is committed."""
    is_done = not leg.indexes
    return [
        _literal(_MOVED, end=visit.end, id=visit.company_id),
        _literal(
            _DONE, state="done" if is_done else "running", pending=not is_done, waited=waited, id=visit.row_id
        ),
    ]  # fmt: skip


def finished(visit: Visit, waited: float) -> list[str]:
    """Return the updates that follow the last index made outside the transaction."""
    return [
        _literal(_SETTLED, id=visit.company_id),
        _literal(_DONE, state="done", pending=False, waited=waited, id=visit.row_id),
    ]


def rights(visit: Visit, tables: frozenset[str] | None) -> list[str]:
    """Return the grants of the company's role; `tables` are those that exist, None: all of the newest revision."""
    statements = table_statements(visit.schema, visit.role)
    if tables is None:
        return statements
    here = [f"{quote(visit.schema)}.{quote(table)}" for table in tables]
    return [s for s in statements if " ALL TABLES " in s or any(f" ON {name} " in s for name in here)]


def in_one_message(parts: Sequence[str]) -> str:
    """Join statements; each separator stands on a line of its own, since a part may end in a comment."""
    return "\n;\n".join(part.strip().rstrip(";") for part in parts)


def _literal(statement: LiteralString, **values: str | float | UUID | bool | None) -> str:
    """Put values into a statement that goes with others in one message, where the driver can bind none."""
    return sql.SQL(statement).format(**{name: sql.Literal(value) for name, value in values.items()}).as_string(None)
