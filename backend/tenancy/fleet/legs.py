"""The way between two tenant revisions: up or down, its SQL rendered once, and the indexes made afterwards.

Refuses a revision that ends the transaction by itself. One that cannot be rendered (RENDERABLE = False in its module,
or it reads the database) has no SQL: worker processes run it as it is.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from alembic.operations.ops import CreateIndexOp
from alembic.util import CommandError
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateIndex

from backend.tenancy import migrations
from backend.tenancy.fleet import refusals

# What a revision raises that asks the database while none is there (op.get_bind() is None offline).
_UNRENDERABLE = (AttributeError, TypeError, NotImplementedError, CommandError, SQLAlchemyError)
_ENDS_TRANSACTION = re.compile(r"^\s*(COMMIT|ROLLBACK|END|BEGIN|START TRANSACTION)\s*;", re.MULTILINE | re.IGNORECASE)
_MAKES_TABLES = re.compile(r"^\s*CREATE TABLE ", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Leg:
    """From `start` (None: an empty schema) to `end`; `sql` None: it cannot be rendered."""

    start: str | None
    end: str
    steps: migrations.Steps
    sql: str | None
    indexes: tuple[str, ...]

    @property
    def makes_tables(self) -> bool:
        """Tell whether the company's role needs its rights on new tables."""
        return self.sql is None or _MAKES_TABLES.search(self.sql) is not None


@lru_cache(maxsize=256)
def leg(start: str | None, end: str) -> Leg:
    """Return the way from `start` to `end`. Raises FleetError for a revision without a file, or without a way."""
    if is_downgrade(start, end):
        steps = migrations.with_indexes(migrations.downgrade_steps(str(start), end))
        return Leg(start, end, steps, _render(steps, start), ())
    if start is not None and start not in ancestors(end):
        raise refusals.no_way(start, end)
    steps = migrations.upgrade_steps(start, end)
    indexes = tuple(_concurrent(index) for step in steps for index in migrations.indexes_of(step))
    return Leg(start, end, steps, _render(steps, start), indexes)


def known() -> tuple[str, ...]:
    """Return the tenant revisions that have a file in this version of the code."""
    return migrations.revisions("tenant")


def check_known(revision: str) -> None:
    """Raise FleetError when `revision` has no file in this version of the code."""
    if revision not in known():
        raise refusals.unknown_revision(revision)


def is_downgrade(start: str | None, end: str) -> bool:
    """Tell whether `end` lies before `start`. Raises FleetError for a revision without a file."""
    for revision in (start, end):
        if revision is not None:
            check_known(revision)
    return start is not None and start != end and end in ancestors(start)


def ancestors(revision: str) -> frozenset[str]:
    """Return `revision` and all that came before it."""
    found = migrations.scripts("tenant").iterate_revisions(revision, "base")
    return frozenset(script.revision for script in found)


def _render(steps: migrations.Steps, start: str | None) -> str | None:
    if not all(getattr(step.revision.module, "RENDERABLE", True) for step in steps):
        return None
    try:
        sql = migrations.render(steps, start)
    except _UNRENDERABLE:
        return None
    if _ENDS_TRANSACTION.search(sql):
        raise refusals.commits_by_itself(_names(steps))
    return sql


def _names(steps: Sequence[object]) -> str:
    return ", ".join(str(getattr(step, "revision").revision) for step in steps)  # noqa: B009 - Alembic leaves it untyped


def _concurrent(operation: CreateIndexOp) -> str:
    index = operation.to_index()
    index.dialect_options["postgresql"]["concurrently"] = True
    statement = CreateIndex(index, if_not_exists=True)
    return str(statement.compile(dialect=postgresql.psycopg.dialect(paramstyle="named")))  # type: ignore[no-untyped-call]
