"""A run of migrations from end to end: the lock, the shared schema, the plan, every company, and a last look.

What `filage migrate` and plain `alembic upgrade head` both do.
"""

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

from alembic import command
from sqlalchemy import Connection

from backend.core.clock import utc_now
from backend.tenancy import migrations
from backend.tenancy.fleet import lock, rows
from backend.tenancy.fleet.lock import RunLock
from backend.tenancy.fleet.order import Event, Order, Summary, Visit, Watch, ignore
from backend.tenancy.fleet.runner import Runner
from backend.tenancy.session import Urls

# Companies that sign up while a run goes on, with the code of the release before, are late when it ends.
LOOKS = 3
Tell = Callable[[str], None]
Opened = tuple[UUID | None, list[Visit]]


def migrate(
    urls: Urls, order: Order, *, wait: bool = False, watch: Watch = ignore, tell: Tell = lambda _holder: None
) -> Summary:
    """Bring the shared schema to head, then the companies to the order's target. Raises FleetError.

    `wait`: queue behind another run, after `tell` was given its holder. A dry run changes nothing and takes no lock.
    """
    if order == Order(jobs=order.jobs) and migrations.is_current(urls):
        return Summary(migrations.head("tenant"))
    if order.dry_run:
        with migrations.shared_connection(urls) as connection:
            return _try_out(connection, urls, order, watch)
    with lock.only_run(urls, wait=wait, tell=tell) as held, migrations.shared_connection(urls) as connection:
        with held.without_sign_ups():
            upgrade_shared(connection)
            opened = open_run(connection, order)
        return bring_companies(connection, urls, order, held, opened, watch)


def upgrade_shared(connection: Connection) -> None:
    """Bring the shared schema to head, by Alembic, on this connection."""
    found = migrations.config()
    found.attributes["connection"] = connection
    command.upgrade(found, "head")


def preview(urls: Urls, order: Order) -> list[Visit]:
    """Return who would be visited, in order; nothing is changed. Raises FleetError."""
    with migrations.shared_connection(urls) as connection:
        return rows.find_visits(connection, order, _target(order))


def open_run(connection: Connection, order: Order) -> Opened:
    """Fix the target and the plan, and write the plan down; None when nobody has to be visited."""
    visits = rows.find_visits(connection, order, _target(order))
    connection.rollback()
    if not visits:
        return None, []
    return rows.open_run(connection, visits, utc_now())


def bring_companies(
    connection: Connection, urls: Urls, order: Order, held: RunLock, opened: Opened, watch: Watch
) -> Summary:
    """Visit everybody who was planned, then whoever has become late meanwhile."""
    started = time.perf_counter()
    summary = Summary(_target(order), run_id=opened[0])
    visits, seen = opened[1], set[UUID]()
    for _look in range(LOOKS):
        if not visits or summary.stopped is not None:
            break
        watch(Event("planned", companies=len(visits)))
        asyncio.run(Runner(urls, order, held, summary, watch).run(visits))
        seen.update(visit.company_id for visit in visits)
        visits = _late_comers(connection, order, seen)
    if summary.run_id is not None:
        rows.close_leftovers(connection, summary.run_id, utc_now())
    summary.seconds = time.perf_counter() - started
    return summary


def _late_comers(connection: Connection, order: Order, seen: set[UUID]) -> list[Visit]:
    if order.only or order.target is not None:
        return []
    visits = rows.find_visits(connection, order, _target(order), seen)
    connection.rollback()
    return rows.open_run(connection, visits, utc_now())[1] if visits else []


def _try_out(connection: Connection, urls: Urls, order: Order, watch: Watch) -> Summary:
    visits = rows.find_visits(connection, order, _target(order))
    connection.rollback()
    summary = Summary(_target(order))
    watch(Event("planned", companies=len(visits)))
    started = time.perf_counter()
    held = RunLock(connection if connection.dialect.name == "postgresql" else None)
    asyncio.run(Runner(urls, order, held, summary, watch).run(visits))
    summary.seconds = time.perf_counter() - started
    return summary


def _target(order: Order) -> str:
    return order.target or migrations.head("tenant")
