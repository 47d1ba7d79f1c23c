"""What is due in one company at this minute: options expire, people are reminded, the evening before is announced."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, select, true, update

from backend.notifications import posting
from backend.outbox.tasks import defer
from backend.planning import notices, promoting, repository
from backend.planning.domain.eve import bounds, day_announced, eve_of
from backend.planning.domain.states import Status
from backend.planning.models import Asking, Assignment, Call, CallStatus, Message, MessageStatus, Notice, NoticeKind
from backend.planning.upgrading import follows_options
from backend.tenancy import agenda
from backend.tenancy.acting import Act

RENEW_TASK, AGENDA_QUEUE = "renew_agenda", "agenda"
AHEAD = timedelta(days=3)  # the agenda is renewed each night


async def attend(act: Act) -> None:
    """Do everything that is due, and hand its messages over; all of it comes back if it cannot be stored."""
    minutes = await agenda.take(act.session, act.company, act.now)
    await promoting.expire(act, true())
    if not follows_options(act):
        return
    await _remind(act)
    zone = ZoneInfo(act.company.timezone)
    for day in sorted({day for minute in minutes if (day := day_announced(minute, zone)) is not None}):
        await _announce(act, day, zone)
    await act.session.flush()
    await posting.post(act)


def have_renewed(act: Act) -> None:
    """Have the company's agenda renewed once this act is stored: it brings options and dates of its own."""
    defer(act.session, RENEW_TASK, {}, queue=AGENDA_QUEUE, company=act.company.id)


async def renew(act: Act) -> None:
    """Enter what is to come: expiries, reminders, evenings before, messages that wait. Safe to repeat."""
    options = select(Assignment.expires_at).where(Assignment.status == Status.OPTION)
    instants = [at for at in await act.session.scalars(options) if at is not None]
    if follows_options(act):
        reminders = select(Asking.remind_at).join(Assignment, Assignment.id == Asking.assignment_id)
        reminders = reminders.where(Assignment.status == Status.OPTION, Asking.reminded_at.is_(None))
        waiting = select(Message.send_after).where(Message.status == MessageStatus.QUEUED, Message.handed_at.is_(None))
        for query in (reminders, waiting):
            instants += [at for at in await act.session.scalars(query) if at is not None]
    starts = select(Call.published_starts_at).where(
        Call.status == CallStatus.PUBLISHED,
        Call.published_starts_at > act.now,
        Call.published_starts_at < act.now + AHEAD,
    )
    zone = ZoneInfo(act.company.timezone)
    eves = [eve_of(at, zone) for at in await act.session.scalars(starts) if at is not None]
    await agenda.enter(act.session, act.company, instants + [eve for eve in eves if eve > act.now])


async def _remind(act: Act) -> None:
    """Remind, once, whoever has not answered an option that is about to expire; never before its offer has left."""
    due = (
        select(Asking.assignment_id, Asking.remind_at, _is_on_its_way().label("is_early"))
        .join(Assignment, Assignment.id == Asking.assignment_id)
        .where(
            Asking.remind_at <= act.now,
            Asking.reminded_at.is_(None),
            repository.has_status(Status.OPTION, act.now),
        )
    )
    rows = (await act.session.execute(due)).all()
    if any(row.is_early for row in rows):
        await agenda.enter(act.session, act.company, [act.now + agenda.MINUTE])
    causes = {row.assignment_id: row.remind_at for row in rows if not row.is_early}
    if causes:
        statement = update(Asking).where(Asking.assignment_id.in_(causes)).values(reminded_at=act.now)
        await act.session.execute(statement, execution_options={"synchronize_session": False})
        published = and_(Assignment.id.in_(causes), Call.published_version > 0)
        notices.note(act, NoticeKind.EXPIRING, await notices.concerned_by(act, published), causes=causes)


async def _announce(act: Act, day: date, zone: ZoneInfo) -> None:
    """Tell whoever is confirmed on a call of that day, once, unless it has begun."""
    begins, ends = bounds(day, zone)
    of_the_day = and_(
        Call.status == CallStatus.PUBLISHED,
        Call.published_starts_at >= begins,
        Call.published_starts_at < ends,
        Call.published_starts_at > act.now,
        Assignment.status == Status.CONFIRMED,
        _not_announced(eve_of(begins, zone)),
    )
    notices.note(act, NoticeKind.EVE, await notices.concerned_by(act, of_the_day))


def _is_on_its_way() -> ColumnElement[bool]:
    """Tell whether the offer waits to be sent; one that waits for a publication is no reason to come back."""
    sent = exists().where(Message.id == Notice.message_id, Message.status != MessageStatus.QUEUED)
    return exists().where(
        Notice.assignment_id == Asking.assignment_id,
        Notice.kind == NoticeKind.OFFERED,
        Notice.send_after.is_not(None),
        ~sent,
    )


def _not_announced(since: object) -> ColumnElement[bool]:
    """A call published in the very minute of the evening may bring that minute twice."""
    return ~exists().where(
        Notice.assignment_id == Assignment.id, Notice.kind == NoticeKind.EVE, Notice.noted_at >= since
    )
