"""Queries of the portal: pointers from `shared`, then one company at a time, always the same number of statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.models import PersonLink
from backend.people.models import Job
from backend.planning.domain.states import Status
from backend.planning.models import Assignment, Booking, BookingStatus, Call
from backend.productions.models import Production, Venue
from backend.tenancy.directory import company_columns
from backend.tenancy.models import Company, CompanyInfo


@dataclass(frozen=True, slots=True)
class Link:
    """Who the caller is in one company."""

    company: CompanyInfo
    person_id: UUID


@dataclass(frozen=True, slots=True)
class Found:
    """One company's rows about one person; places and productions are those of the published versions."""

    company: CompanyInfo
    rows: Sequence[Any]
    productions: Mapping[str, str]
    venues: Mapping[str, Any]


async def links_of(session: AsyncSession, user_id: UUID) -> list[Link]:
    """Return the companies that have linked a user, and who the user is there."""
    query = (
        company_columns()
        .add_columns(PersonLink.person_id)
        .join(PersonLink, PersonLink.company_id == Company.id)
        .where(PersonLink.user_id == user_id)
        .order_by(Company.number)
    )
    return [Link(CompanyInfo(*row[:-1]), row[-1]) for row in await session.execute(query)]


async def assignments_of(
    session: AsyncSession,
    link: Link,
    *,
    starts_before: datetime | None = None,
    ends_after: datetime | None = None,
    assignment_id: UUID | None = None,
) -> Found:
    """Return what one company has told one person: assignments on published and cancelled calls, no drafts."""
    contested = select(Booking.assignment_id).where(
        Booking.company_id == link.company.id, Booking.status == BookingStatus.CONTESTED
    )
    query = (
        select(
            Assignment.id, Assignment.status, Assignment.rank, Assignment.expires_at, Assignment.message,
            Assignment.job, Assignment.version, Assignment.updated_at, Job.label, Call.id.label("call_id"),
            Call.published, Call.published_version, Call.published_at, Call.published_starts_at,
            Call.published_ends_at, Assignment.id.in_(contested).label("contested"),
        )
        .join(Call, Call.id == Assignment.call_id)
        .join(Job, Job.code == Assignment.job)
        .where(
            Assignment.person_id == link.person_id,
            Assignment.status != Status.DRAFT,
            Call.published_version > 0,
        )
        .order_by(Call.published_starts_at, Assignment.id)
    )  # fmt: skip
    if starts_before is not None:
        query = query.where(Call.published_starts_at < starts_before)
    if ends_after is not None:
        query = query.where(Call.published_ends_at > ends_after)
    if assignment_id is not None:
        query = query.where(Assignment.id == assignment_id)
    rows = (await session.execute(query)).all()
    return Found(link.company, rows, await _productions(session, rows), await _venues(session, rows))


async def _productions(session: AsyncSession, rows: Sequence[Any]) -> dict[str, str]:
    wanted = {UUID(row.published["production_id"]) for row in rows}
    found = await session.execute(select(Production.id, Production.title).where(Production.id.in_(wanted)))
    return {str(i): title for i, title in found}


async def _venues(session: AsyncSession, rows: Sequence[Any]) -> dict[str, Any]:
    wanted = {UUID(row.published["venue_id"]) for row in rows if row.published["venue_id"]}
    columns = (Venue.id, Venue.name, Venue.address, Venue.postal_code, Venue.city, Venue.timezone)
    found = await session.execute(select(*columns).where(Venue.id.in_(wanted)))
    return {str(row.id): row for row in found}
