"""Counted limits over windows of time, kept in the shared schema so that every worker counts the same."""

import hashlib
import math
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.errors import Sentence, TooManyError
from backend.tenancy.models import LimitCounter
from backend.tenancy.session import is_sqlite


async def count(session: AsyncSession, kind: str, who: str, window: timedelta, now: datetime, *, by: int = 1) -> int:
    """Add to the counter of `who` (hashed: no address is stored) and return what it reads now."""
    insert = sqlite.insert if is_sqlite(session) else postgresql.insert
    start = _window_start(window, now)
    statement = insert(LimitCounter).values(key=_key(kind, who), window_start=start, count=by)
    counted = await session.scalar(
        statement.on_conflict_do_update(
            index_elements=[LimitCounter.key, LimitCounter.window_start], set_={"count": LimitCounter.count + by}
        ).returning(LimitCounter.count)
    )
    return counted or 0


async def peek(session: AsyncSession, kind: str, who: str, window: timedelta, now: datetime) -> int:
    """Return what the counter of `who` reads, without adding to it."""
    start = _window_start(window, now)
    query = select(LimitCounter.count).where(LimitCounter.key == _key(kind, who), LimitCounter.window_start == start)
    return await session.scalar(query) or 0


async def forget(session: AsyncSession, kind: str, who: str) -> None:
    """Drop the counters of `who`: a login that succeeded."""
    await session.execute(delete(LimitCounter).where(LimitCounter.key == _key(kind, who)))


async def purge(session: AsyncSession, now: datetime) -> None:
    """Drop counters that no limit reads any more."""
    await session.execute(delete(LimitCounter).where(LimitCounter.window_start < now - timedelta(days=1)))


TRIES = Sentence("Trop d'essais", "Too many tries")


def too_many(window: timedelta, now: datetime, what: Sentence = TRIES) -> TooManyError:
    """Return the refusal (429), which says `what` was too often, with the seconds until the window ends."""
    left = max(1, math.ceil((_window_start(window, now) + window - now).total_seconds()))
    wait = minutes_left(window, now)
    return TooManyError(
        "rate_limited",
        Sentence(f"{what.fr} : réessayez dans {wait.fr}.", f"{what.en}: try again in {wait.en}."),
        headers={"Retry-After": str(left)},
    )


def minutes_left(window: timedelta, now: datetime) -> Sentence:
    """Return in words how long a limit still holds."""
    minutes = max(1, math.ceil((_window_start(window, now) + window - now).total_seconds() / 60))
    more = "s" if minutes > 1 else ""
    return Sentence(f"{minutes} minute{more}", f"{minutes} minute{more}")


def _window_start(window: timedelta, now: datetime) -> datetime:
    seconds = int(window.total_seconds())
    return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)


def _key(kind: str, who: str) -> str:
    return hashlib.sha256(f"{kind}\0{who}".encode("utf-8", "surrogatepass")).hexdigest()
