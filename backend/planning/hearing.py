"""What each person has heard of a call: the version in force when they were last written to, or put on it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select

from backend.planning.domain.publication import WHEN_AND_WHERE
from backend.planning.models import Assignment, Message, MessageStatus, Notice, Publication
from backend.planning.notices import NOTHING_LEFT, Concerned
from backend.planning.upgrading import follows_options
from backend.tenancy.acting import Act

Version = tuple[datetime, Mapping[str, Any]]
"""When a version was published, and what it tells."""


async def known_before(act: Act, concerned: Sequence[Concerned]) -> dict[UUID, dict[str, Any]]:
    """Return when and where these people believe their calls to be, by assignment; the newest version is news to all.

    Two statements for all of them.
    """
    calls = {one.call_id for one in concerned}
    if not calls or not follows_options(act):
        return {}
    await act.session.flush()
    versions, heard = await _older_versions(act, calls), await _last_heard(act, calls)
    return {
        one.assignment_id: {name: known.get(name) for name in WHEN_AND_WHERE}
        for one in concerned
        if (known := _in_force(versions.get(one.call_id, []), heard[one.assignment_id])) is not None
    }


async def _older_versions(act: Act, calls: Collection[UUID]) -> dict[UUID, list[Version]]:
    query = select(Publication.call_id, Publication.published_at, Publication.snapshot)
    rows = await act.session.execute(
        query.where(Publication.call_id.in_(calls)).order_by(Publication.call_id, Publication.version)
    )
    found = groupby(rows, key=lambda row: row.call_id)
    return {call_id: [(row.published_at, row.snapshot) for row in group][:-1] for call_id, group in found}


async def _last_heard(act: Act, calls: Collection[UUID]) -> dict[UUID, datetime]:
    """Whoever wants no such mail, or has no address, reads it elsewhere: what was written for them counts as heard."""
    written = and_(
        Message.id == Notice.message_id,
        Message.status != MessageStatus.QUEUED,
        Message.reason.is_distinct_from(NOTHING_LEFT),
    )
    query = (
        select(Assignment.id, Assignment.created_at, func.max(Message.handed_at).label("handed_at"))
        .outerjoin(Notice, and_(Notice.assignment_id == Assignment.id, Notice.call_id == Assignment.call_id))
        .outerjoin(Message, written)
        .where(Assignment.call_id.in_(calls))
        .group_by(Assignment.id)
    )
    return {row.id: row.handed_at or row.created_at for row in await act.session.execute(query)}


def _in_force(versions: Sequence[Version], at: datetime) -> Mapping[str, Any] | None:
    """Return what was told at that time; of somebody put on a call before it was published, the first version."""
    before = [told for published_at, told in versions if published_at <= at]
    first = versions[0][1] if versions else None
    return before[-1] if before else first
