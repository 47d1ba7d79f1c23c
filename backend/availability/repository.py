"""Queries of absences: a person's own, and whether somebody is away, which is all that a company may learn."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.availability.domain.clocks import Span
from backend.availability.models import BusySharing, BusyTime, Origin, Unavailability
from backend.core.ids import new_id
from backend.core.pagination import PageRequest
from backend.identity.models import User
from backend.tenancy.rows import keyset, sort_instant

_OWN = (
    Unavailability.id, Unavailability.origin, Unavailability.whole_days, Unavailability.timezone,
    Unavailability.starts_at, Unavailability.ends_at, Unavailability.recurrence, Unavailability.times,
    Unavailability.note, Unavailability.created_at, Unavailability.version,
)  # fmt: skip
_ROWS = 400  # of one IN list: SQLite takes 32,766 values in one statement


async def list_own(session: AsyncSession, user_id: UUID, page: PageRequest) -> Sequence[Row[Any]]:
    """Return one page of a person's unavailabilities and a row more, by their first start."""
    query = select(*_OWN).where(Unavailability.user_id == user_id)
    columns = (Unavailability.starts_at, Unavailability.id)
    return (await session.execute(keyset(query, page, columns, (sort_instant, UUID)))).all()


async def find_own(session: AsyncSession, user_id: UUID, unavailability_id: UUID) -> Unavailability | None:
    """Return one of a person's own; None when it is nobody's or somebody else's."""
    query = select(Unavailability).where(Unavailability.id == unavailability_id, Unavailability.user_id == user_id)
    return (await session.scalars(query)).one_or_none()


async def hold_own(session: AsyncSession, user_id: UUID) -> tuple[int, int]:
    """Lock a person's account, so that two acts are counted one after the other; return how many rows and times."""
    await session.execute(select(User.id).where(User.id == user_id).with_for_update())
    query = select(func.count(), func.coalesce(func.sum(Unavailability.times), 0))
    rows, times = (await session.execute(query.where(Unavailability.user_id == user_id))).one()
    return rows, int(times)


async def add_times(session: AsyncSession, number: int, spans: Sequence[tuple[UUID, Span]]) -> None:
    """Store when the account of `number` is away, all in one statement, after the rows that they belong to."""
    await session.flush()
    rows = [
        {"id": new_id(), "unavailability_id": owner, "person_number": number,
         "starts_at": span.starts_at, "ends_at": span.ends_at}
        for owner, span in spans
    ]  # fmt: skip
    if rows:
        await session.execute(insert(BusyTime), rows)


async def delete_times(session: AsyncSession, unavailability_id: UUID) -> None:
    """Delete the times of an unavailability, which is given others."""
    await session.execute(
        delete(BusyTime).where(BusyTime.unavailability_id == unavailability_id),
        execution_options={"synchronize_session": False},
    )


async def busy(session: AsyncSession, numbers: Collection[int], within: Span) -> dict[int, list[Span]]:
    """Return when these accounts are away, as far as it touches `within`: with the login's rights only."""
    found: dict[int, list[Span]] = {}
    wanted = sorted(numbers)
    for start in range(0, len(wanted), _ROWS):
        query = select(BusyTime.person_number, BusyTime.starts_at, BusyTime.ends_at).where(
            BusyTime.person_number.in_(wanted[start : start + _ROWS]),
            BusyTime.starts_at < within.ends_at,
            BusyTime.ends_at > within.starts_at,
        )
        for number, starts_at, ends_at in await session.execute(query):
            found.setdefault(number, []).append(Span(starts_at, ends_at))
    return found


async def own_at(session: AsyncSession, number: int, at: Span) -> Sequence[Row[Any]]:
    """Return the times at which an account is away during `at`, with the unavailability of each: for its person."""
    query = (
        select(BusyTime.unavailability_id, BusyTime.starts_at, BusyTime.ends_at)
        .where(BusyTime.person_number == number, BusyTime.starts_at < at.ends_at, BusyTime.ends_at > at.starts_at)
        .order_by(BusyTime.starts_at, BusyTime.id)
        .limit(20)
    )
    return (await session.execute(query)).all()


async def times_of(session: AsyncSession, user_id: UUID, within: Span) -> Sequence[Row[Any]]:
    """Return each time at which a person said that they are away and that touches `within`, for that person."""
    query = (
        select(BusyTime.unavailability_id, BusyTime.starts_at, BusyTime.ends_at)
        .join(Unavailability, Unavailability.id == BusyTime.unavailability_id)
        .where(
            Unavailability.user_id == user_id,
            BusyTime.starts_at < within.ends_at,
            BusyTime.ends_at > within.starts_at,
        )
        .order_by(BusyTime.starts_at, BusyTime.ends_at)
    )
    return (await session.execute(query)).all()


async def list_current(
    session: AsyncSession, user_id: UUID, origin: Origin, now: datetime, limit: int
) -> Sequence[Row[Any]]:
    """Return a person's unavailabilities that are not over, by their next time, each with that time and its end."""
    left = (
        select(
            BusyTime.unavailability_id,
            func.min(BusyTime.starts_at).label("next_at"),
            func.min(BusyTime.ends_at).label("next_until"),
            func.max(BusyTime.ends_at).label("last_at"),
        )
        .join(Unavailability, Unavailability.id == BusyTime.unavailability_id)
        .where(Unavailability.user_id == user_id, Unavailability.origin == origin, BusyTime.ends_at > now)
        .group_by(BusyTime.unavailability_id)
        .subquery()
    )
    query = (
        select(*_OWN, left.c.next_at, left.c.next_until, left.c.last_at)
        .join(left, left.c.unavailability_id == Unavailability.id)
        .order_by(left.c.next_at, Unavailability.id)
        .limit(limit)
    )
    return (await session.execute(query)).all()


async def count_imported(session: AsyncSession, user_id: UUID) -> int:
    """Return how many unavailabilities a person has from calendars."""
    query = select(func.count()).where(Unavailability.user_id == user_id, Unavailability.origin == Origin.CALENDAR)
    return await session.scalar(query) or 0


async def delete_imported(session: AsyncSession, user_id: UUID) -> None:
    """Delete what a person has from calendars, with all its times."""
    await session.execute(
        delete(Unavailability).where(Unavailability.user_id == user_id, Unavailability.origin == Origin.CALENDAR),
        execution_options={"synchronize_session": False},
    )


async def imported(session: AsyncSession, user_id: UUID) -> dict[str, Row[Any]]:
    """Return what an account has from its calendars: id, fingerprint and number of times, by the hash of the UID."""
    query = select(Unavailability.id, Unavailability.uid_hash, Unavailability.fingerprint, Unavailability.times).where(
        Unavailability.user_id == user_id, Unavailability.origin == Origin.CALENDAR
    )
    return {row.uid_hash: row for row in await session.execute(query)}


async def delete_rows(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """Delete unavailabilities with their times."""
    for start in range(0, len(ids), _ROWS):
        part = ids[start : start + _ROWS]
        await session.execute(
            delete(Unavailability).where(Unavailability.id.in_(part)),
            execution_options={"synchronize_session": False},
        )


async def add_rows(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store unavailabilities, all in one statement."""
    if rows:
        await session.execute(insert(Unavailability), [dict(row) for row in rows])


async def shares(session: AsyncSession, user_id: UUID) -> bool:
    """Tell whether a person lets companies see when they are busy."""
    return await session.scalar(select(BusySharing.user_id).where(BusySharing.user_id == user_id)) is not None


async def share(session: AsyncSession, user_id: UUID, since: datetime | None) -> None:
    """Store that a person shares their busy times, or (None) that they do not."""
    if since is None:
        await session.execute(delete(BusySharing).where(BusySharing.user_id == user_id))
    else:
        await session.execute(insert(BusySharing).values(user_id=user_id, since=since))
