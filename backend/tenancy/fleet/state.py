"""The state of the fleet, read from its durable rows by whoever watches: the metrics port, the terminal."""

from typing import Any

from sqlalchemy import Connection, Select, case, create_engine, func, or_, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.pool import NullPool

from backend.telemetry.fleet import MIGRATION_SECONDS, OUTCOMES, FleetState, ReadFleet, Spread
from backend.tenancy.migrations import head, revisions, shared_connection
from backend.tenancy.models import Company, CompanyStatus, MigrationState, TenantMigration
from backend.tenancy.session import Urls

SHOWN_FAILURES = 100
_Row = TenantMigration


def reader(urls: Urls) -> ReadFleet:
    """Return what reads the state with the application's login; None while the database cannot answer."""
    if urls.app.get_backend_name() == "sqlite":
        return lambda: _read_file(urls)
    engine = create_engine(urls.app, poolclass=NullPool, connect_args={"application_name": "filage-metrics"})

    def read() -> FleetState | None:
        try:
            with engine.connect() as connection:
                return read_state(connection)
        except DBAPIError:  # down, or not migrated yet: the other metrics go out all the same
            return None

    return read


def _read_file(urls: Urls) -> FleetState | None:
    try:
        with shared_connection(urls) as connection:
            return read_state(connection)
    except DBAPIError:
        return None


def read_state(connection: Connection) -> FleetState:
    """Return the state: five statements, whatever the number of companies."""
    heads = {"shared": head("alembic"), "tenant": head("tenant")}
    # A revision that is not known here was brought by a newer release: that company is ahead.
    is_late = or_(Company.revision.is_(None), Company.revision.in_(revisions("tenant")[:-1]))
    late = func.coalesce(func.sum(case((is_late, 1), else_=0)), 0)
    by_status = connection.execute(select(Company.status, func.count(), late).group_by(Company.status)).all()
    statuses = {status.value: 0 for status in CompanyStatus} | {row[0].value: row[1] for row in by_status}
    companies, behind = sum(statuses.values()), sum(int(row[2]) for row in by_status)
    newest = select(_Row.run_id).order_by(_Row.created_at.desc()).limit(1)
    run_id = connection.scalar(newest)
    if run_id is None:
        return FleetState(heads, companies, behind, statuses)
    columns = (func.max(_Row.to_revision), func.min(_Row.started_at), func.max(_Row.finished_at))
    by_state = select(_Row.state, func.count(), *columns).where(_Row.run_id == run_id).group_by(_Row.state)
    found = connection.execute(by_state).all()
    spreads = {row[0].value: row[1:] for row in connection.execute(_spreads().where(_Row.run_id == run_id)).all()}
    is_over = not {MigrationState.PENDING, MigrationState.RUNNING} & {row[0] for row in found}
    starts, ends = [row[3] for row in found if row[3]], [row[4] for row in found if row[4]]
    return FleetState(
        heads, companies, behind, statuses, run_id, found[0][2],
        min(starts, default=None), max(ends, default=None) if is_over else None, connection.scalar(_last_success()),
        {row[0].value: row[1] for row in found},
        {outcome: _spread(spreads[outcome][:_WIDTH]) for outcome in OUTCOMES if outcome in spreads},
        {outcome: _spread(spreads[outcome][_WIDTH:]) for outcome in OUTCOMES if outcome in spreads},
        _failures(connection, run_id),
    )  # fmt: skip


_WIDTH = len(MIGRATION_SECONDS) + 2


def _spreads() -> Select[Any]:
    columns = [*_figures(_Row.seconds), *_figures(_Row.lock_wait_seconds)]
    return select(_Row.state, *columns).group_by(_Row.state)


def _figures(column: InstrumentedAttribute[Any]) -> list[Any]:
    buckets = [func.sum(case((column <= bound, 1), else_=0)) for bound in MIGRATION_SECONDS]
    return [*buckets, func.count(column), func.coalesce(func.sum(column), 0)]


def _spread(figures: Any) -> Spread:  # noqa: ANN401 - a slice of a row
    *at_most, count, total = figures
    return Spread(tuple(int(number) for number in at_most), int(count), float(total))


def _last_success() -> Select[Any]:
    """Select when a run last ended without anybody left behind."""
    left_behind = func.sum(case((_Row.state != MigrationState.DONE, 1), else_=0))
    ended = func.max(_Row.finished_at)
    return select(ended).group_by(_Row.run_id).having(left_behind == 0).order_by(ended.desc()).limit(1)


def _failures(connection: Connection, run_id: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a UUID
    query = (
        select(Company.slug, _Row.error, _Row.attempts, _Row.from_revision)
        .join(Company, Company.id == _Row.company_id)
        .where(_Row.run_id == run_id, _Row.state == MigrationState.FAILED)
        .order_by(Company.number)
        .limit(SHOWN_FAILURES)
    )
    names = ("company", "error", "attempts", "revision")
    return [dict(zip(names, row, strict=True)) for row in connection.execute(query).all()]
