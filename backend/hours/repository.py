"""Queries of the counter: a person's own entries, and what one company has confirmed for one person."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.pagination import PageRequest
from backend.hours.models import HoursEntry
from backend.identity.models import PersonLink, User
from backend.people.models import Job, Person
from backend.planning.domain.states import Status
from backend.planning.ledger import IS_CONTESTED
from backend.planning.models import Assignment, Booking, Call
from backend.tenancy.models import Company
from backend.tenancy.rows import keyset

ENTRY = (
    HoursEntry.id, HoursEntry.company_id, HoursEntry.employer, HoursEntry.kind, HoursEntry.status,
    HoursEntry.starts_on, HoursEntry.ends_on, HoursEntry.minutes, HoursEntry.cachets, HoursEntry.version,
)  # fmt: skip
_HELD = (Status.OPTION, Status.ACCEPTED, Status.CONFIRMED)


async def list_entries(session: AsyncSession, user_id: UUID, page: PageRequest) -> Sequence[Row[Any]]:
    """Return one page of a person's entries and a row more, the newest days first."""
    query = select(*ENTRY).where(HoursEntry.user_id == user_id)
    columns = (HoursEntry.starts_on, HoursEntry.id)
    return (await session.execute(keyset(query, page, columns, (date.fromisoformat, UUID), newest=True))).all()


async def entries_between(session: AsyncSession, user_id: UUID, first: date, last: date) -> Sequence[Row[Any]]:
    """Return a person's entries that touch the days from `first` to `last`, both included."""
    query = select(*ENTRY).where(
        HoursEntry.user_id == user_id, HoursEntry.starts_on <= last, HoursEntry.ends_on >= first
    )
    return (await session.execute(query.order_by(HoursEntry.starts_on, HoursEntry.id))).all()


async def find_entry(session: AsyncSession, user_id: UUID, entry_id: UUID) -> HoursEntry | None:
    """Return one of a person's own entries, ready to be changed; None when it is nobody's or somebody else's."""
    query = select(HoursEntry).where(HoursEntry.id == entry_id, HoursEntry.user_id == user_id)
    return (await session.scalars(query)).one_or_none()


async def hold_entries(session: AsyncSession, user_id: UUID) -> int:
    """Lock a person's account, so that two entries are judged one after the other; return how many there are."""
    await session.execute(select(User.id).where(User.id == user_id).with_for_update())
    return await session.scalar(select(func.count()).where(HoursEntry.user_id == user_id)) or 0


async def linked_company(session: AsyncSession, user_id: UUID, company_id: UUID) -> str | None:
    """Return the name of a company that has linked the person, or None."""
    query = select(Company.name).join(PersonLink, PersonLink.company_id == Company.id)
    found: str | None = await session.scalar(
        query.where(PersonLink.user_id == user_id, PersonLink.company_id == company_id)
    )
    return found


async def calls_of(
    session: AsyncSession, company_id: UUID, person_id: UUID, starts_before: datetime, ends_after: datetime
) -> Sequence[Row[Any]]:
    """Return a person's published calls that still hold, in one statement; one row without a call where there are none.

    Each row has the person's birth date and annexe too.
    """
    values = {
        "company_id": company_id, "person_id": person_id, "starts_before": starts_before, "ends_after": ends_after,
    }  # fmt: skip
    return (await session.execute(_calls(), values)).all()


@lru_cache(maxsize=1)
def _calls() -> Select[Any]:
    # Tables, not entities, and composed once: see the portal's list of assignments.
    person, assignment, call, job = (model.__table__ for model in (Person, Assignment, Call, Job))
    booking = Booking.__table__
    contested = select(booking.c.assignment_id).where(booking.c.company_id == bindparam("company_id"), IS_CONTESTED)
    held = assignment.join(call, call.c.id == assignment.c.call_id).join(job, job.c.code == assignment.c.job)
    wanted = and_(
        assignment.c.person_id == person.c.id,
        assignment.c.status.in_(_HELD),
        call.c.published_version > 0,
        call.c.published_starts_at < bindparam("starts_before"),
        call.c.published_ends_at > bindparam("ends_after"),
    )
    return (
        select(
            person.c.birth_date,
            person.c.annexe.label("person_annexe"),
            job.c.annexe,
            assignment.c.status,
            assignment.c.expires_at,
            assignment.c.pay_unit,
            assignment.c.cachets,
            assignment.c.id.in_(contested).label("contested"),
            call.c.published,
            call.c.published_starts_at,
            call.c.published_ends_at,
        )
        .select_from(person.outerjoin(held, wanted))
        .where(person.c.id == bindparam("person_id"))
    )
