"""Keeps the latency of all companies by the minute in `shared.latency`, and reads it for the operator."""

import asyncio
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.ending import cancel
from backend.telemetry import loop
from backend.telemetry.latency import Rollup, Rollups, quantile
from backend.telemetry.logs import get_logger
from backend.telemetry.metrics import Metrics
from backend.tenancy.models import Company, Latency
from backend.tenancy.session import Database, is_sqlite

log = get_logger("filage.latency")

EVERY_SECONDS = 60.0
KEPT_WITHOUT_DATABASE = timedelta(minutes=10)
KEPT_FOR = timedelta(days=14)
ROWS_AT_ONCE = 1_000


@dataclass(slots=True)
class Summary:
    """Latency of one company (`slug` None: of all of them and of what belongs to none) over a period."""

    slug: str | None
    requests: int = 0
    errors: int = 0
    buckets: Counter[int] = field(default_factory=Counter)

    def quantile(self, share: float) -> float | None:
        """Return the duration in seconds that `share` of the requests stay under; None without a request."""
        return quantile(share, self.buckets)


class LatencyKeeper:
    """Stores what this process has seen, every minute and once more at the end; watches the event loop meanwhile."""

    def __init__(self, database: Database, rollups: Rollups, metrics: Metrics) -> None:
        self._database = database
        self._rollups = rollups
        self._dropped = metrics.dropped.labels("latency")
        self._process = secrets.token_hex(4)
        self._metrics = metrics
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin, in tasks of this event loop."""
        self._tasks = {asyncio.create_task(act, name="latency") for act in (self._run(), loop.watch(self._metrics))}

    async def stop(self) -> None:
        """End the tasks and store what is left."""
        await cancel(self._tasks)
        await self.store()

    async def store(self) -> None:
        """Store what was seen since the last time; while the database is away, ten minutes of it are kept."""
        taken = self._rollups.take()
        try:
            for start in range(0, len(taken), ROWS_AT_ONCE):
                async with self._database.shared() as session:
                    await store(session, self._process, taken[start : start + ROWS_AT_ONCE])
        except (SQLAlchemyError, OSError) as error:
            given_up = self._rollups.put_back(taken[start:], time.time() - KEPT_WITHOUT_DATABASE.total_seconds())
            self._dropped.inc(given_up)
            log.warning("latency_not_stored", reason=type(error).__name__, given_up=given_up)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.store()


async def store(session: AsyncSession, process: str, rollups: Sequence[Rollup]) -> None:
    """Add `rollups` to what this process has stored of the same minutes: one statement."""
    if not rollups:
        return
    insert = (sqlite.insert if is_sqlite(session) else postgresql.insert)(Latency)
    rows = [
        {"minute": found.minute, "company": found.company, "process": process, "bucket": found.bucket,
         "requests": found.requests, "errors": found.errors}
        for found in rollups
    ]  # fmt: skip
    key = [Latency.minute, Latency.company, Latency.process, Latency.bucket]
    added = {"requests": Latency.requests + insert.excluded.requests, "errors": Latency.errors + insert.excluded.errors}
    await session.execute(insert.values(rows).on_conflict_do_update(index_elements=key, set_=added))


async def read(session: AsyncSession, since: datetime, slug: str | None = None) -> list[Summary]:
    """Return the total and one summary per company with requests since `since`, the busiest first: one statement.

    With `slug`, that company's alone. A company that is gone is in the total only.
    """
    columns = (Company.slug, Latency.bucket, func.sum(Latency.requests), func.sum(Latency.errors))
    query = (
        select(*columns)
        .join(Company, Company.schema_name == Latency.company, isouter=True)
        .where(Latency.minute >= since)
        .group_by(Company.slug, Latency.bucket)
    )
    if slug is not None:
        query = query.where(Company.slug == slug)
    found: defaultdict[str | None, Summary] = defaultdict(lambda: Summary(None))
    for name, bucket, requests, errors in (await session.execute(query)).all():
        for key in {None, name}:
            found[key].slug = key
            found[key].requests += requests
            found[key].errors += errors
            found[key].buckets[bucket] += requests
    total = found.pop(None, Summary(None))
    companies = sorted(found.values(), key=lambda summary: (-summary.requests, summary.slug or ""))
    return companies if slug is not None else [total, *companies]


async def purge(session: AsyncSession, now: datetime) -> None:
    """Remove what is older than a fortnight."""
    await session.execute(delete(Latency).where(Latency.minute < now - KEPT_FOR))
