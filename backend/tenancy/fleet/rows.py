"""The durable rows of a run: opened with the plan, taken up again after a runner that died."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select, update

from backend.core.ids import new_id
from backend.tenancy.base import SHARED_SCHEMA
from backend.tenancy.fleet.order import Order, Visit
from backend.tenancy.fleet.planning import Place, plan
from backend.tenancy.models import Company, MigrationState, TenantMigration

UNFINISHED = (MigrationState.PENDING, MigrationState.RUNNING)


def find_visits(connection: Connection, order: Order, target: str, skip: Collection[UUID] = ()) -> list[Visit]:
    """Return who has to be visited; companies in `skip` had their turn. Raises FleetError."""
    columns = (Company.id, Company.slug, Company.schema_name, Company.role_name, Company.revision)
    places = [Place(*row) for row in connection.execute(select(*columns).order_by(Company.number)).all()]
    # A first run plans before the shared schema has the table.
    known = connection.dialect.has_table(connection, "tenant_migration", schema=SHARED_SCHEMA)
    pending = _lacking_indexes(connection) if known else {}
    return plan(places, order, target, pending, skip)


def _lacking_indexes(connection: Connection) -> dict[UUID, str | None]:
    lacking = (
        select(TenantMigration.company_id, TenantMigration.from_revision)
        .where(TenantMigration.indexes_pending)
        .order_by(TenantMigration.created_at.desc())
    )
    # Newest first, so that the oldest is kept: it has the longest way, and with it every index.
    return {company_id: start for company_id, start in connection.execute(lacking).all()}  # noqa: C416 - rows, no pairs


def open_run(connection: Connection, visits: Sequence[Visit], now: datetime) -> tuple[UUID, list[Visit]]:
    """Write a pending row for each visit; a run that nobody finished goes on under its own id.

    Whoever calls holds the lock of runs, so a row that says `running` belongs to a runner that died.
    """
    unfinished = select(TenantMigration.run_id).where(TenantMigration.state.in_(UNFINISHED))
    run_id = connection.scalar(unfinished.order_by(TenantMigration.created_at.desc()).limit(1)) or new_id()
    rows = select(TenantMigration.company_id, TenantMigration.id).where(TenantMigration.run_id == run_id)
    existing = {company_id: row_id for company_id, row_id in connection.execute(rows).all()}  # noqa: C416 - the same
    found = [replace(visit, row_id=existing.get(visit.company_id, visit.row_id)) for visit in visits]
    new = [_new_row(run_id, visit, now) for visit in found if visit.company_id not in existing]
    if new:
        connection.execute(insert(TenantMigration), new)
    again = [visit.row_id for visit in found if visit.company_id in existing]
    if again:
        connection.execute(
            update(TenantMigration)
            .where(TenantMigration.id.in_(again))
            .values(state=MigrationState.PENDING, error=None, finished_at=None)
        )
    connection.commit()
    return run_id, found


def close_leftovers(connection: Connection, run_id: UUID, now: datetime) -> None:
    """Close the rows of a run whose companies no longer need it (brought along by another way meanwhile)."""
    current = select(Company.id).where(Company.revision == TenantMigration.to_revision)
    connection.execute(
        update(TenantMigration)
        .where(
            TenantMigration.run_id == run_id,
            TenantMigration.state.in_(UNFINISHED),
            TenantMigration.indexes_pending.is_(False),
            TenantMigration.company_id.in_(current),
        )
        .values(state=MigrationState.DONE, finished_at=now, seconds=0)
    )
    connection.commit()


def _new_row(run_id: UUID, visit: Visit, now: datetime) -> dict[str, Any]:
    return {
        "id": visit.row_id, "run_id": run_id, "company_id": visit.company_id, "from_revision": visit.start,
        "to_revision": visit.end, "state": MigrationState.PENDING, "is_canary": visit.is_canary, "attempts": 0,
        "indexes_pending": visit.indexes_only, "lock_wait_seconds": 0, "created_at": now,
    }  # fmt: skip
