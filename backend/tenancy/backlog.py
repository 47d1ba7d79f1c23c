"""How much background work waits, failed, or is done by nobody: figures for whoever watches, no task's content."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from backend.tenancy.session import Database

SILENT_AFTER = timedelta(minutes=2)
_READ = text(
    "select count(*) filter (where status::text = 'todo'), count(*) filter (where status::text = 'failed'), "
    "coalesce(extract(epoch from now() - min(coalesce(scheduled_at, now())) filter (where status::text = 'todo')), 0), "
    "(select count(*) from procrastinate.procrastinate_workers "
    "where last_heartbeat >= now() - make_interval(secs => :silence)) "
    "from procrastinate.procrastinate_jobs where status::text in ('todo', 'failed')"
)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Tasks that wait and that failed, how late the oldest is that was due, and how many workers are alive."""

    waiting: int
    failed: int
    late_seconds: float
    workers: int


async def read(database: Database) -> Backlog | None:
    """Return the figures in one statement; None on SQLite, which has no queue."""
    if database.is_sqlite:
        return None
    async with database.shared(write=False) as session:
        row = (await session.execute(_READ, {"silence": SILENT_AFTER.total_seconds()})).one()
    return Backlog(row[0], row[1], max(0.0, float(row[2])), row[3])
