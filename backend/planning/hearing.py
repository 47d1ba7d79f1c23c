"""What each person has heard of a call: what the last mail about it showed, or what was in force when they were put on.

Of a mail from before mails kept what they showed, it is what was in force when it was handed over.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, select
from sqlalchemy.orm import aliased

from backend.planning.domain.publication import WHEN_AND_WHERE
from backend.planning.domain.states import Status, effective
from backend.planning.models import Assignment, Message, MessageStatus, Notice, NoticeKind, Publication
from backend.planning.notices import NOTHING_LEFT, UNWANTED, Concerned
from backend.planning.upgrading import follows_options
from backend.tenancy.acting import Act

SHOWN = "shown"
"""Under this name the facts of a notice keep when and where its mail said the call to be."""
_BRINGING = frozenset({NoticeKind.OFFERED, NoticeKind.PROMOTED, NoticeKind.CONFIRMED})
_BELIEFS: Mapping[NoticeKind, Status] = {
    NoticeKind.OFFERED: Status.OPTION,
    NoticeKind.EXPIRING: Status.OPTION,
    NoticeKind.PROMOTED: Status.OPTION,
    NoticeKind.CONFIRMED: Status.CONFIRMED,
    NoticeKind.EVE: Status.CONFIRMED,
}
"""As what a mail leaves its person believing to stand on the date; a cancellation as nothing, a change as before."""
# Whoever wants no such mail, or has no address, reads it elsewhere: what was written for them counts as heard. What the
# mail server refused for good was heard by nobody.
_WRITTEN = and_(
    Message.id == Notice.message_id,
    Message.status.not_in((MessageStatus.QUEUED, MessageStatus.FAILED)),
    Message.reason.is_distinct_from(NOTHING_LEFT),
)
_KNOWN_TO_BE_OVER = frozenset({Status.DECLINED, Status.EXPIRED})
ASKED = frozenset({Status.OPTION, Status.ACCEPTED})
Version = tuple[datetime, Mapping[str, Any]]
"""When a version was published, and what it tells."""


async def known_before(act: Act, concerned: Sequence[Concerned]) -> dict[UUID, dict[str, Any]]:
    """Return when and where these people believe their calls to be, by assignment; the newest version is news to all.

    Three statements for all of them.
    """
    calls = {one.call_id for one in concerned}
    if not calls or not follows_options(act):
        return {}
    await act.session.flush()
    versions, heard = await _older_versions(act, calls), await _last_heard(act, calls)
    shown = await last_shown(act, [one.assignment_id for one in concerned])
    in_force = {
        one.assignment_id: _in_force(versions.get(one.call_id, []), heard[one.assignment_id]) for one in concerned
    }
    return {
        one: {name: known.get(name) for name in WHEN_AND_WHERE}
        for one, version in in_force.items()
        if version is not None and (known := shown.get(one, version))
    }


async def last_shown(act: Act, assignment_ids: Collection[UUID]) -> dict[UUID, Mapping[str, Any]]:
    """Return when and where the last mail about each of these dates said the call to be."""
    rows = await _told_of(act, assignment_ids, _WRITTEN)
    return {row.id: row.facts[SHOWN] for row in rows if row.facts and SHOWN in row.facts}


@dataclass(frozen=True, slots=True)
class Beliefs:
    """As what persons believe to stand on dates, by assignment.

    `sure` is what the last mail said, if it was sent: it spares a confirmation. `possible` is what the last one sent
    said, whatever was written since and may not have left: a cancellation must be told.
    """

    sure: Mapping[UUID, Status] = field(default_factory=dict)
    possible: Mapping[UUID, Status] = field(default_factory=dict)


async def believed(act: Act, assignment_ids: Collection[UUID], but: Collection[UUID]) -> Beliefs:
    """Return as what the mails, `but` those being written, leave each person believing to stand on the date.

    Whoever was cancelled and put on again in the same job is one person on one date. Nothing is believed of what they
    declined or let expire.
    """
    # A message that is being sent has not its status yet: that it was written stands with what it shows.
    written = and_(
        Message.id == Notice.message_id, Message.id.not_in(but), Message.reason.is_distinct_from(NOTHING_LEFT)
    )
    rows = await _told_of(act, assignment_ids, and_(written, Notice.kind != NoticeKind.CHANGED))
    told = [row for row in rows if row.facts and SHOWN in row.facts]
    last = {row.id: row for row in told}
    last_sent = {row.id: row for row in told if row.status is MessageStatus.SENT}
    sure = {one: row for one, row in last.items() if row.status is MessageStatus.SENT}
    return Beliefs(_read_as(sure, act.now), _read_as(last_sent, act.now))


def _read_as(last: Mapping[UUID, Row[Any]], now: datetime) -> dict[UUID, Status]:
    return {
        one: _BELIEFS[row.kind]
        for one, row in last.items()
        if row.kind in _BELIEFS and effective(row.state, row.expires_at, now) not in _KNOWN_TO_BE_OVER
    }


async def standing_again(act: Act, assignment_ids: Collection[UUID]) -> dict[UUID, Status]:
    """Return as what the persons of these assignments, which fell, stand on the same call in the same job all the same.

    An option of theirs is one while it has not expired; whoever has accepted one is still asked.
    """
    mine = aliased(Assignment)
    query = (
        select(mine.id, Assignment.status, Assignment.expires_at)
        .join(Assignment, _same_date(mine))
        .where(mine.id.in_(assignment_ids), Assignment.status.in_((*ASKED, Status.CONFIRMED)))
    )
    found = {row.id: effective(row.status, row.expires_at, act.now) for row in await act.session.execute(query)}
    return {one: Status.OPTION if status in ASKED else status for one, status in found.items()}


async def find_untold(act: Act, assignment_ids: Collection[UUID]) -> set[UUID]:
    """Return of which of these dates no mail has told their person yet, who has not answered them either.

    Of a date that Filage never was to tell of (an import brought it) the person knows from elsewhere.
    """
    query = (
        select(Notice.assignment_id, Notice.kind, Message.status, Message.reason, Assignment.status.label("state"),
               Assignment.decided_at)
        .join(Assignment, Assignment.id == Notice.assignment_id)
        .outerjoin(Message, Message.id == Notice.message_id)
        .where(Notice.assignment_id.in_(assignment_ids), Notice.kind != NoticeKind.CANCELLED)
    )  # fmt: skip
    rows = (await act.session.execute(query)).all()
    return {row.assignment_id for row in rows if row.kind in _BRINGING} - {
        row.assignment_id for row in rows if _has_learned(row)
    }


def _has_learned(row: Row[Any]) -> bool:
    """Whoever is engaged and wants no mail that says so reads of it elsewhere; of a mere option nothing is said."""
    is_engaged = row.kind is NoticeKind.CONFIRMED and row.reason == UNWANTED
    has_answered = row.state is not Status.CANCELLED and row.decided_at is not None
    return row.status is MessageStatus.SENT or is_engaged or has_answered


async def _told_of(act: Act, assignment_ids: Collection[UUID], which: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """Return what was told of these dates, in the order in which it was written."""
    mine = aliased(Assignment)
    query = (
        select(mine.id, Notice.kind, Notice.facts, Message.status, Assignment.status.label("state"),
               Assignment.expires_at)
        .join(Notice, and_(Notice.call_id == mine.call_id, Notice.person_id == mine.person_id))
        .join(Assignment, and_(Assignment.id == Notice.assignment_id, _same_date(mine)))
        .join(Message, which)
        .where(mine.id.in_(assignment_ids))
        .order_by(Message.handed_at, Notice.id)
    )  # fmt: skip
    return (await act.session.execute(query)).all()


def _same_date(mine: type[Assignment]) -> ColumnElement[bool]:
    """Whoever is put on the same call in the same job again knows what they were told of it the first time."""
    return and_(Assignment.call_id == mine.call_id, Assignment.person_id == mine.person_id, Assignment.job == mine.job)


async def _older_versions(act: Act, calls: Collection[UUID]) -> dict[UUID, list[Version]]:
    query = select(Publication.call_id, Publication.published_at, Publication.snapshot)
    rows = await act.session.execute(
        query.where(Publication.call_id.in_(calls)).order_by(Publication.call_id, Publication.version)
    )
    found = groupby(rows, key=lambda row: row.call_id)
    return {call_id: [(row.published_at, row.snapshot) for row in group][:-1] for call_id, group in found}


async def _last_heard(act: Act, calls: Collection[UUID]) -> dict[UUID, datetime]:
    query = (
        select(Assignment.id, Assignment.created_at, func.max(Message.handed_at).label("handed_at"))
        .outerjoin(Notice, and_(Notice.assignment_id == Assignment.id, Notice.call_id == Assignment.call_id))
        .outerjoin(Message, _WRITTEN)
        .where(Assignment.call_id.in_(calls))
        .group_by(Assignment.id)
    )
    return {row.id: row.handed_at or row.created_at for row in await act.session.execute(query)}


def _in_force(versions: Sequence[Version], at: datetime) -> Mapping[str, Any] | None:
    """Return what was told at that time; of somebody put on a call before it was published, the first version."""
    before = [told for published_at, told in versions if published_at <= at]
    first = versions[0][1] if versions else None
    return before[-1] if before else first
