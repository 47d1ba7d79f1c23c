"""One mail, written when it is sent: what still holds of what was noted, to the person's own address and language.

An option that was answered or confirmed, a change that was taken back, a date that is over is not told; a message of
which nothing is left is skipped, as is one that its person does not want, or who has no address. The log says which.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, and_, or_, select, update

from backend.identity.access import PLANNERS
from backend.identity.models import Membership, Role, User
from backend.notifications.preferences import unwanted_by
from backend.notifications.wording import NOTHING_TO_ANSWER, News, Place, Told, item, quoted, said_of_all
from backend.outbox.mail import Mail, MailKind
from backend.people.models import Job, Person
from backend.planning import hearing
from backend.planning.domain.options import SECOND
from backend.planning.domain.publication import WHEN_AND_WHERE, must_be_told
from backend.planning.domain.states import Status, effective
from backend.planning.models import Assignment, Call, CallStatus, Message, MessageStatus, Notice, NoticeKind
from backend.planning.notices import NOTHING_LEFT, UNWANTED
from backend.productions.models import Production, Venue
from backend.tenancy.acting import Act
from backend.tenancy.session import login_rights

NO_EMAIL = "no_email"
LONGEST_REASON = 60
_FALLEN = frozenset({Status.RELEASED, Status.CANCELLED, Status.DECLINED, Status.EXPIRED})
_HOLDS: Mapping[NoticeKind, frozenset[Status]] = {
    NoticeKind.OFFERED: frozenset({Status.OPTION}),
    NoticeKind.EXPIRING: frozenset({Status.OPTION}),
    NoticeKind.PROMOTED: hearing.ASKED,
    NoticeKind.CONFIRMED: frozenset({Status.CONFIRMED}),
    NoticeKind.CHANGED: hearing.ASKED | {Status.CONFIRMED},
    NoticeKind.CANCELLED: _FALLEN,
    NoticeKind.EVE: frozenset({Status.CONFIRMED}),
}
"""The states in which there still is something to tell."""


@dataclass(frozen=True, slots=True)
class Reader:
    """To whom a message goes, and whom they may ask."""

    address: str | None
    language: Literal["fr", "en"]
    has_account: bool
    unwanted: frozenset[str]
    contact: str


async def compose(act: Act, message_ids: Sequence[UUID], public_url: str) -> Mail | None:
    """Return the mail of these messages; None when all were sent already or are skipped, which the log then says."""
    messages = await _open(act, message_ids)
    if not messages:
        return None
    person = await _person(act, messages[0].person_id)
    contents = await _contents(act, messages)
    reader = await _reader(act, person, [row.actor_id for row in contents if row.actor_id is not None])
    holding = await _still_to_tell(act, contents)
    wanted = [fact for fact in holding if fact.row.kind.value not in reader.unwanted]
    await _keep_shown(act, holding, contents)
    for message in messages:
        reason = _skipped(message, contents, wanted, reader)
        if reason is not None:
            message.status, message.reason = MessageStatus.SKIPPED, reason
    await act.session.flush()
    if not wanted or reader.address is None:
        return None
    news = _in_order(await _news(act, wanted))
    context = {
        "name": person.first_name, "company": act.company.name, "contact": reader.contact,
        "me_url": f"{public_url}/me" if reader.has_account else "",
        **_told_in(news, reader.language, ZoneInfo(act.company.timezone)),
    }  # fmt: skip
    return Mail(MailKind(_kind(news).value), reader.address, reader.language, context, message_ids[0])


def _told_in(news: Sequence[News], language: str, home: ZoneInfo) -> Mapping[str, Any]:
    """Return what a mail tells: its dates, what a planner said of them all, and that none waits for an answer."""
    said = said_of_all(news)
    each = news if said is None else [replace(one, message=None) for one in news]
    is_answered = all(one.is_accepted for one in news)
    return {
        "items": [item(one, language, home) for one in each],
        "said": "" if said is None else quoted(said).in_language(language),
        "answered": NOTHING_TO_ANSWER.in_language(language) if is_answered else "",
    }


async def log_sent(act: Act, message_ids: Sequence[UUID]) -> None:
    """Log that the mail server has taken these messages; those that were skipped stay so."""
    for message in await _open(act, message_ids):
        message.status, message.sent_at, message.reason = MessageStatus.SENT, act.now, None
    await act.session.flush()


async def log_failure(act: Act, message_ids: Sequence[UUID], reason: str) -> None:
    """Log that these messages were refused for good."""
    for message in await _open(act, message_ids):
        message.status, message.reason = MessageStatus.FAILED, reason[:LONGEST_REASON]
    await act.session.flush()


async def _open(act: Act, message_ids: Sequence[UUID]) -> Sequence[Message]:
    # A failed one is written anew when the operator has its task start over.
    is_open = Message.status.in_((MessageStatus.QUEUED, MessageStatus.FAILED))
    query = select(Message).where(Message.id.in_(message_ids), is_open).order_by(Message.id)
    return (await act.session.scalars(query.with_for_update())).all()


async def _person(act: Act, person_id: UUID) -> Row[Any]:
    query = select(Person.first_name, Person.email, Person.user_id).where(Person.id == person_id)
    return (await act.session.execute(query)).one()


async def _contents(act: Act, messages: Sequence[Message]) -> Sequence[Row[Any]]:
    query = (
        select(
            Notice.id, Notice.message_id,
            Notice.kind, Notice.facts, Notice.actor_id, Notice.call_id, Notice.assignment_id, Assignment.status,
            Assignment.expires_at, Assignment.rank, Assignment.message, Assignment.reason, Job.label, Call.title,
            Call.starts_at, Call.ends_at, Call.venue_id, Call.published, Call.cancel_reason,
            Call.status.label("call_status"),
            Production.title.label("production"),
        )
        .join(Assignment, Assignment.id == Notice.assignment_id)
        .join(Job, Job.code == Assignment.job)
        .join(Call, Call.id == Assignment.call_id)
        .join(Production, Production.id == Call.production_id)
        .where(Notice.message_id.in_([message.id for message in messages]))
        .order_by(Notice.noted_at, Notice.id)
    )  # fmt: skip
    return (await act.session.execute(query)).all()


async def _reader(act: Act, person: Row[Any], actors: Sequence[UUID]) -> Reader:
    """Read the person's account, what they want, and whom to ask, which no company's role may."""
    is_owner = Membership.role == Role.OWNER
    members = (
        select(User.id, User.full_name, User.email)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.company_id == act.company.id,
            # Whoever declined is an actor too, and a member: never the one to write to.
            Membership.role.in_(sorted(PLANNERS)),
            or_(is_owner, User.id.in_(actors)),
        )
        .order_by(is_owner.desc(), Membership.created_at, User.id)
    )
    account = select(User.email, User.language).where(and_(User.id == person.user_id, User.is_active))
    async with login_rights(act.session):
        contacts = (await act.session.execute(members)).all()
        own = (await act.session.execute(account)).one_or_none() if person.user_id is not None else None
        unwanted = await unwanted_by(act.session, person.user_id) if own is not None else frozenset[str]()
    planners = {one.id: one for one in contacts}
    # Whoever acted last is asked first; they may have left the company since.
    asked = next((planners[one] for one in reversed(actors) if one in planners), contacts[0] if contacts else None)
    contact = "" if asked is None else f"{asked.full_name} ({asked.email})"
    if own is None:
        return Reader(person.email, "fr", has_account=False, unwanted=unwanted, contact=contact)
    language: Literal["fr", "en"] = "en" if own.language == "en" else "fr"
    return Reader(own.email, language, has_account=True, unwanted=unwanted, contact=contact)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to tell, and when and where the person believes the call to be, where that is needed."""

    row: Row[Any]
    before: Mapping[str, Any] | None


async def _still_to_tell(act: Act, rows: Sequence[Row[Any]]) -> list[Fact]:
    """Return what differs between what the last mail about each date showed and what is true now, each thing once."""
    first: dict[tuple[UUID, bool], Row[Any]] = {}
    for row in rows:
        first.setdefault((row.assignment_id, row.kind is NoticeKind.CANCELLED), row)
    of_kind: dict[NoticeKind, list[UUID]] = {}
    for row in first.values():
        of_kind.setdefault(row.kind, []).append(row.assignment_id)
    known = await _known(act, of_kind, {row.message_id for row in rows})
    facts = [Fact(row, known.shown.get(row.assignment_id, row.facts)) for row in first.values()]
    return _each_date_once(fact for fact in facts if _still_holds(fact, act.now) and _is_news(fact, known))


@dataclass(frozen=True, slots=True)
class Known:
    """What the mails before have told of some dates, and what is true of them now; each by assignment."""

    shown: Mapping[UUID, Mapping[str, Any]]
    believed: hearing.Beliefs
    standing: Mapping[UUID, Status]
    untold: Collection[UUID]


async def _known(act: Act, of_kind: Mapping[NoticeKind, Sequence[UUID]], writing: Collection[UUID]) -> Known:
    """Read what those who are told of a change, a confirmation or a cancellation know already."""
    confirmed, cancelled = (of_kind.get(kind, []) for kind in (NoticeKind.CONFIRMED, NoticeKind.CANCELLED))
    moved, turned = [*of_kind.get(NoticeKind.CHANGED, []), *confirmed], [*confirmed, *cancelled]
    return Known(
        shown=await hearing.last_shown(act, moved) if moved else {},
        believed=await hearing.believed(act, turned, writing) if turned else hearing.Beliefs(),
        standing=await hearing.standing_again(act, cancelled) if cancelled else {},
        untold=await hearing.find_untold(act, cancelled) if cancelled else (),
    )


def _is_news(fact: Fact, known: Known) -> bool:
    """Tell whether the person does not know it already: what was taken back is not told, whatever it was."""
    row, one = fact.row, fact.row.assignment_id
    believed = known.believed.sure.get(one)
    if row.kind is NoticeKind.CONFIRMED:
        knows_when = row.published is not None and not must_be_told(known.shown.get(one), row.published)
        return believed is not Status.CONFIRMED or not knows_when
    if row.kind is not NoticeKind.CANCELLED:
        return True
    standing = known.standing.get(one)
    if standing is Status.CONFIRMED or (standing is Status.OPTION and believed is Status.OPTION):
        return False
    return one in known.believed.possible or one not in known.untold


def _each_date_once(facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts, and of the cancellations of one date (put on again, cancelled again) the last one."""
    found: dict[tuple[object, ...], Fact] = {}
    for fact in facts:
        row = fact.row
        is_cancelled = row.kind is NoticeKind.CANCELLED
        found[(row.call_id, row.label) if is_cancelled else (row.assignment_id,)] = fact
    return list(found.values())


async def _keep_shown(act: Act, facts: Sequence[Fact], contents: Sequence[Row[Any]]) -> None:
    """Keep what each date's mail shows: the next change is measured from it. Of a try before this one nothing stays."""
    shown = {fact.row.id: {hearing.SHOWN: _when_and_where(fact.row)} for fact in facts}
    before = {row.id: row.facts or {} for row in contents}
    rest = {one: {name: had[name] for name in had if name != hearing.SHOWN} for one, had in before.items()}
    values = [
        {"id": one, "facts": {**rest[one], **shown.get(one, {})} or None}
        for one, had in before.items()
        if one in shown or hearing.SHOWN in had
    ]
    if values:
        await act.session.execute(update(Notice), values)


def _when_and_where(row: Row[Any]) -> dict[str, Any]:
    told = _told(row)
    return {name: told.get(name) for name in WHEN_AND_WHERE}


def _skipped(
    message: Message, contents: Sequence[Row[Any]], wanted: Sequence[Fact], reader: Reader
) -> str | None:  # fmt: skip
    """Return why a message is not sent; None if it is."""
    if not any(fact.row.message_id == message.id for fact in wanted):
        kinds = {row.kind.value for row in contents if row.message_id == message.id}
        return UNWANTED if kinds and kinds <= reader.unwanted else NOTHING_LEFT
    return NO_EMAIL if reader.address is None else None


async def _news(act: Act, facts: Sequence[Fact]) -> list[News]:
    places = await _places(act, facts)
    return [_one(fact, places, act) for fact in facts]


def _still_holds(fact: Fact, now: datetime) -> bool:
    row = fact.row
    if effective(row.status, row.expires_at, now) not in _HOLDS[row.kind]:
        return False
    is_cancelled = row.call_status is CallStatus.CANCELLED
    if row.kind is NoticeKind.CANCELLED:
        return True
    if row.kind is NoticeKind.CHANGED:
        return not is_cancelled and row.published is not None and must_be_told(fact.before, row.published)
    return not is_cancelled


async def _places(act: Act, facts: Sequence[Fact]) -> dict[str | None, Place]:
    home = ZoneInfo(act.company.timezone)
    both = [(_told(fact.row), fact.before or {}) for fact in facts]
    ids = {str(one["venue_id"]) for pair in both for one in pair if one.get("venue_id")}
    places: dict[str | None, Place] = {None: Place(None, home)}
    if ids:
        query = select(Venue.id, Venue.name, Venue.city, Venue.timezone).where(Venue.id.in_([UUID(one) for one in ids]))
        for venue in await act.session.execute(query):
            words = ", ".join(filter(None, (venue.name, venue.city)))
            places[str(venue.id)] = Place(words, ZoneInfo(venue.timezone))
    return places


def _told(row: Row[Any]) -> Mapping[str, Any]:
    """Return what the call's people were told last; of a call that nobody was told of, what it is."""
    if row.published is not None:
        published: Mapping[str, Any] = row.published
        return published
    venue = None if row.venue_id is None else str(row.venue_id)
    times = {"starts_at": row.starts_at.isoformat(), "ends_at": row.ends_at.isoformat()}
    return {"title": row.title, "venue_id": venue, **times}


def _one(fact: Fact, places: Mapping[str | None, Place], act: Act) -> News:
    row, told = fact.row, _told(fact.row)
    status = effective(row.status, row.expires_at, act.now)
    is_asking = row.kind in {NoticeKind.OFFERED, NoticeKind.EXPIRING, NoticeKind.PROMOTED}
    is_option = is_asking or (row.kind is NoticeKind.CHANGED and status in hearing.ASKED)
    return News(
        kind=row.kind,
        production=row.production,
        title=told["title"],
        job=row.label,
        now=_times(told, places),
        before=_times(fact.before, places) if row.kind is NoticeKind.CHANGED and fact.before else None,
        expires_at=row.expires_at if is_option else None,
        is_second=is_option and row.rank == SECOND,
        is_option=is_option,
        is_accepted=is_option and status is Status.ACCEPTED,
        message=row.message if is_asking else None,
        reason=(row.reason or row.cancel_reason) if row.kind is NoticeKind.CANCELLED else None,
    )


def _times(told: Mapping[str, Any], places: Mapping[str | None, Place]) -> Told:
    starts_at, ends_at = (datetime.fromisoformat(told[name]) for name in ("starts_at", "ends_at"))
    return Told(starts_at, ends_at, places.get(told.get("venue_id"), places[None]))


def _in_order(news: Sequence[News]) -> list[News]:
    return sorted(news, key=lambda one: one.now.starts_at)


def _kind(news: Sequence[News]) -> NoticeKind:
    """Return what a mail is called: a change, once there is one among cancellations."""
    kinds = {one.kind for one in news}
    return kinds.pop() if len(kinds) == 1 else NoticeKind.CHANGED
