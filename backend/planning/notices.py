"""What people are to be told, noted in the act's own transaction; a task makes one message of it for each person.

What is urgent leaves at once; offers and confirmations wait seconds for those that follow. A change or a cancellation
of something that is more than a day away waits fifteen minutes for what else changes meanwhile. An offer or a
confirmation on a call that nobody was told of waits until the call is published, and then for the next calls.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from backend.outbox.tasks import defer
from backend.planning.models import Assignment, Call, Notice, NoticeKind
from backend.planning.upgrading import follows_options, tells_confirmations
from backend.tenancy.acting import Act
from backend.tenancy.session import is_sqlite

MERGED_FOR = timedelta(minutes=15)
URGENT = timedelta(days=1)
GATHERED_FOR = timedelta(seconds=15)
"""Whoever offers, confirms or declines date by date causes one mail: it leaves within half a minute all the same."""
_GATHERING = frozenset({NoticeKind.OFFERED, NoticeKind.PROMOTED, NoticeKind.CONFIRMED})
NOTHING_LEFT = "nothing_left"
"""Why a message was skipped of which nothing was left to tell."""
UNWANTED = "unwanted"
"""Why a message was skipped that its person does not want."""
POST_TASK, POST_QUEUE = "post_messages", "mails"


@dataclass(frozen=True, slots=True)
class Concerned:
    """One person's assignment on a call, and what is needed to decide when they are told."""

    assignment_id: UUID
    call_id: UUID
    person_id: UUID
    starts_at: datetime
    is_published: bool


def note(
    act: Act, kind: NoticeKind, concerned: Iterable[Concerned], facts: Mapping[UUID, Mapping[str, Any]] | None = None,
    causes: Mapping[UUID, datetime] | None = None,
) -> None:  # fmt: skip
    """Note one kind of news for these people, to be stored with the act.

    By assignment, `facts` is what they knew, and `causes` when the clock made it due: it leaves at once, and is late
    from then on; of a call that nobody was told of it waits for the publication all the same.
    """
    if not follows_options(act) or (kind is NoticeKind.CONFIRMED and not tells_confirmations(act)):
        return
    # Of a date that was never published nobody knows: there is nothing to take back.
    found = [one for one in concerned if one.is_published or kind is not NoticeKind.CANCELLED]
    for one in found:
        known = (facts or {}).get(one.assignment_id)
        act.session.add(
            Notice(
                person_id=one.person_id, kind=kind, assignment_id=one.assignment_id, call_id=one.call_id,
                facts=None if known is None else dict(known), actor_id=act.actor.user_id, noted_at=act.now,
                send_after=_send_after(act, kind, one, (causes or {}).get(one.assignment_id)), message_id=None,
            )
        )  # fmt: skip
    if found:
        have_posted(act)


async def publish(act: Act, call_ids: Sequence[UUID]) -> None:
    """Let the offers and confirmations that waited for these calls go, with those of the calls published next."""
    if not call_ids or not follows_options(act):
        return
    await act.session.flush()
    waiting = update(Notice).where(Notice.call_id.in_(call_ids), Notice.send_after.is_(None))
    freed = await act.session.scalars(
        waiting.values(send_after=_gathered(act)).returning(Notice.id), execution_options={"synchronize_session": False}
    )
    if freed.all():
        have_posted(act)


async def concerned_by(act: Act, which: ColumnElement[bool]) -> list[Concerned]:
    """Return whom these assignments are of, in one statement."""
    query = (
        select(Assignment.id, Assignment.call_id, Assignment.person_id, Call.starts_at, Call.published_version > 0)
        .join(Call, Call.id == Assignment.call_id)
        .where(which)
        .order_by(Assignment.id)
    )
    return [Concerned(*row) for row in await act.session.execute(query)]


def have_posted(act: Act, not_before: datetime | None = None) -> None:
    """Have the company's messages made and sent once this act is stored, or at that time.

    One task for each act: a second one that waits might begin before this act is stored, and miss what it noted.
    """
    defer(act.session, POST_TASK, {}, queue=POST_QUEUE, company=act.company.id, not_before=not_before)


def _send_after(act: Act, kind: NoticeKind, one: Concerned, cause: datetime | None) -> datetime | None:
    if kind in _GATHERING and not one.is_published:
        return None
    if cause is not None:
        return cause
    if kind in _GATHERING:
        return _gathered(act)
    merges = kind in {NoticeKind.CHANGED, NoticeKind.CANCELLED} and one.starts_at - act.now > URGENT
    return act.now + MERGED_FOR if merges else act.now


def _gathered(act: Act) -> datetime:
    """Return when what somebody does date by date leaves; what the clock brings comes at one time."""
    is_at_once = act.actor.user_id is None or is_sqlite(act.session)  # SQLite has no queue that would wait
    return act.now if is_at_once else act.now + GATHERED_FOR
