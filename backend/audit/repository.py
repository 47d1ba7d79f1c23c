"""The query of the audit trail."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.models import AuditEvent
from backend.core.pagination import PageRequest
from backend.tenancy.rows import keyset, sort_instant


@dataclass(frozen=True, slots=True)
class EventsFilter:
    """Which events a list holds, `since` included and `until` not; None leaves the question open."""

    subject_id: UUID | None = None
    what: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def list_events(session: AsyncSession, wanted: EventsFilter, page: PageRequest) -> Sequence[Row[Any]]:
    """Return one page of events and a row more, newest first.

    Those of one subject come in the order in which they were written, by id: each was written while its act held the
    subject. `at` is when an act began, and one that began first may have waited for another.
    """
    query = select(*AuditEvent.__table__.columns)
    if wanted.subject_id is not None:
        query = query.where(AuditEvent.subject_id == wanted.subject_id)
    if wanted.what is not None:
        query = query.where(AuditEvent.what == wanted.what)
    if wanted.since is not None:
        query = query.where(AuditEvent.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditEvent.at < wanted.until)
    if wanted.subject_id is not None:
        ordered = keyset(query, page, (AuditEvent.id,), (UUID,), newest=True)
    else:
        ordered = keyset(query, page, (AuditEvent.at, AuditEvent.id), (sort_instant, UUID), newest=True)
    return (await session.execute(ordered)).all()


def place_of(wanted: EventsFilter, row: Row[Any]) -> tuple[Any, ...]:
    """Return where an event stands in the order of `list_events`."""
    return (row.at, row.id) if wanted.subject_id is None else (row.id,)


async def events_of(session: AsyncSession, what: str, subject_ids: Collection[UUID]) -> Sequence[Row[Any]]:
    """Return by whom, when and with which values the events of one kind about these subjects were, oldest first."""
    if not subject_ids:
        return []
    query = select(AuditEvent.at, AuditEvent.actor_name, AuditEvent.after).where(
        AuditEvent.subject_id.in_(subject_ids), AuditEvent.what == what
    )
    return (await session.execute(query.order_by(AuditEvent.at, AuditEvent.id))).all()
