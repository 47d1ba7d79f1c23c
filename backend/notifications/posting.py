"""From notices to messages: one mail for each person and batch, and one for the changes of fifteen minutes.

A notice joins the message of its kind that waits for its person, or begins one. Changes and cancellations share a mail
and stay two messages of the log, so that each is found there under its own kind. Two tasks of one company at once hold
the notices one after the other; none is told twice, and none is forgotten.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend.core.ids import new_id
from backend.outbox.tasks import MAIL_QUEUE, defer
from backend.planning import notices
from backend.planning.models import Message, MessageStatus, Notice, NoticeKind
from backend.planning.upgrading import follows_options
from backend.tenancy import agenda
from backend.tenancy.acting import Act
from backend.tenancy.session import is_sqlite

MESSAGE_TASK = "send_message"
_MERGING = frozenset({NoticeKind.CHANGED, NoticeKind.CANCELLED})
SKEW = timedelta(seconds=5)
"""How far the clock of the process that noted something may be ahead of the worker's: it must not cost a minute."""
Subject = tuple[UUID, NoticeKind]
"""A person, and what one mail may be about."""


async def post(act: Act) -> None:
    """Make messages of what was noted since, hand over those that are due, and come back for the others."""
    if not follows_options(act):
        return
    loose, waiting = await _loose(act), await _waiting(act)
    open_messages = {(message.person_id, message.kind): message for message in waiting}
    for notice in loose:
        message = _message_for(act, open_messages, notice)
        notice.message_id = message.id
    waiting = list(open_messages.values())
    for mail in _mails(waiting):
        soonest = min(message.send_after for message in mail)
        for message in mail:
            message.send_after = soonest
            message.handed_at = act.now if soonest <= act.now + SKEW else None
        if mail[0].handed_at is not None:
            defer(act.session, MESSAGE_TASK, _payload(mail), queue=MAIL_QUEUE, company=act.company.id)
    await act.session.flush()
    later = [message.send_after for message in waiting if message.handed_at is None]
    await agenda.enter(act.session, act.company, later)
    first = min(later, default=None)
    if first is not None and first - act.now < agenda.MINUTE and not is_sqlite(act.session):
        notices.have_posted(act, first)  # the agenda knows minutes only


def messages_of(payload: Mapping[str, Any]) -> list[UUID]:
    """Return which messages a task is to send in one mail; the first gives the mail its name."""
    return [UUID(one) for one in (payload["message"], *payload.get("with", []))]


def _payload(mail: Sequence[Message]) -> Mapping[str, Any]:
    first, *others = (str(message.id) for message in mail)
    return {"message": first, "with": others}


def _mails(waiting: Sequence[Message]) -> list[list[Message]]:
    mails: dict[Subject, list[Message]] = {}
    for message in waiting:
        mails.setdefault(_subject(message), []).append(message)
    return list(mails.values())


async def _loose(act: Act) -> Sequence[Notice]:
    query = select(Notice).where(Notice.message_id.is_(None), Notice.send_after.is_not(None))
    return (await act.session.scalars(query.order_by(Notice.noted_at, Notice.id).with_for_update())).all()


async def _waiting(act: Act) -> list[Message]:
    query = select(Message).where(Message.status == MessageStatus.QUEUED, Message.handed_at.is_(None))
    return list((await act.session.scalars(query.order_by(Message.id).with_for_update())).all())


def _message_for(act: Act, waiting: dict[Subject, Message], notice: Notice) -> Message:
    """Return the message that this notice joins, told no later than the notice asks; a new one if there is none."""
    send_after, subject = notice.send_after or act.now, (notice.person_id, notice.kind)
    message = waiting.get(subject)
    if message is None:
        message = waiting[subject] = _begin(notice, send_after)
        act.session.add(message)
    message.send_after = min(message.send_after, send_after)
    return message


def _begin(notice: Notice, send_after: datetime) -> Message:
    return Message(
        id=new_id(), person_id=notice.person_id, kind=notice.kind, status=MessageStatus.QUEUED, reason=None,
        queued_at=notice.noted_at, send_after=send_after, handed_at=None, sent_at=None,
    )  # fmt: skip


def _subject(message: Message) -> Subject:
    return message.person_id, NoticeKind.CHANGED if message.kind in _MERGING else message.kind
