"""The delivery log of a company: to whom, about what, when, and what became of it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select

from backend.core.pagination import Page, PageRequest, cut
from backend.notifications import refusing
from backend.notifications.schemas import Addressee, MessageOut
from backend.people.models import Person
from backend.planning.models import Message, MessageStatus, Notice, NoticeKind
from backend.planning.upgrading import follows_options
from backend.tenancy.acting import Act
from backend.tenancy.rows import keyset, sort_instant

KEPT_FOR = timedelta(days=396)
"""Thirteen months: a season and the month in which people ask about it."""


@dataclass(frozen=True, slots=True)
class MessagesFilter:
    """Which messages a list holds; None leaves the question open."""

    person_id: UUID | None = None
    kind: NoticeKind | None = None
    status: MessageStatus | None = None


async def list_messages(act: Act, wanted: MessagesFilter, page: PageRequest, language: str) -> Page[MessageOut]:
    """Return one page of messages, newest first; why one failed is a sentence in `language`."""
    if not follows_options(act):
        return Page[MessageOut](items=[])
    query = select(*Message.__table__.columns, Person.first_name, Person.last_name)
    query = query.join(Person, Person.id == Message.person_id)
    for column, value in (
        (Message.person_id, wanted.person_id), (Message.kind, wanted.kind), (Message.status, wanted.status),
    ):  # fmt: skip
        if value is not None:
            query = query.where(column == value)
    query = keyset(query, page, (Message.queued_at, Message.id), (sort_instant, UUID), newest=True)
    rows, cursor = cut((await act.session.execute(query)).all(), page, lambda row: (row.queued_at, row.id))
    return Page[MessageOut](items=[_shown(row, language) for row in rows], next_cursor=cursor)


async def purge(act: Act) -> None:
    """Remove what was told, or waited to be told, more than thirteen months ago."""
    if not follows_options(act):
        return
    before = act.now - KEPT_FOR
    await act.session.execute(delete(Notice).where(Notice.noted_at < before))
    await act.session.execute(delete(Message).where(Message.queued_at < before))


def _shown(row: Row[Any], language: str) -> MessageOut:
    latency = None if row.sent_at is None else round((row.sent_at - row.send_after).total_seconds(), 3)
    failed = row.status is MessageStatus.FAILED and row.reason
    reason = refusing.in_words(row.reason).in_language(language) if failed else row.reason
    return MessageOut(
        id=row.id, person=Addressee(id=row.person_id, name=f"{row.first_name} {row.last_name}"), kind=row.kind,
        status=row.status, reason=reason, queued_at=row.queued_at, send_after=row.send_after, sent_at=row.sent_at,
        latency_seconds=latency,
    )  # fmt: skip
