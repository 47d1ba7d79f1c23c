"""What a person does over all companies: read their assignments, answer, subscribe to their calendar."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.errors import NotFoundError, Sentence
from backend.core.ids import hash_secret, new_id, new_secret
from backend.core.pagination import PageRequest, slice_page
from backend.core.preconditions import check_version
from backend.identity.access import Caller, check_revision
from backend.identity.models import User
from backend.planning import service as planning
from backend.planning.domain import states
from backend.planning.domain.states import Action, Status
from backend.planning.models import Declared
from backend.portal import repository
from backend.portal.calendar import CalendarEntry, render
from backend.portal.calendar import Status as CalendarStatus
from backend.portal.models import CalendarFeed
from backend.portal.repository import Contact, Found, Link
from backend.portal.schemas import (
    CallBefore,
    CallRef,
    CompanyRef,
    ContactRef,
    Decided,
    FeedOut,
    MyAssignment,
    MyAssignments,
    ProductionRef,
    VenueRef,
)
from backend.tenancy.acting import Act, Actor
from backend.tenancy.migrations import serves
from backend.tenancy.models import CompanyInfo, CompanyStatus
from backend.tenancy.session import Database

Read = TypeVar("Read")
PERSONAL_ACTS = frozenset({Action.ACCEPT, Action.DECLINE})
# A feed shows what holds or may hold; what fell through disappears, except what had been confirmed.
FEED_BACK, FEED_AHEAD = timedelta(days=2 * 366), timedelta(days=3 * 366)
CALENDAR_STATUS: dict[Status, CalendarStatus] = {
    Status.OPTION: "TENTATIVE",
    Status.ACCEPTED: "TENTATIVE",
    Status.CONFIRMED: "CONFIRMED",
    Status.CANCELLED: "CANCELLED",
}


@dataclass(frozen=True, slots=True)
class MyAct:
    """An act of a person in one of their companies."""

    act: Act
    link: Link
    told_version: int

    def check_seen(self, version: int | None) -> None:
        """Refuse (StaleError) an answer to a version of the call that has been moved or changed since it was read."""
        if version is not None:
            check_version(self.told_version, version)


async def my_links(database: Database, user_id: UUID) -> list[Link]:
    """Return the companies that have linked the user."""
    async with database.shared(write=False) as session:
        return await repository.links_of(session, user_id)


async def visit(
    database: Database, links: list[Link], read: Callable[[AsyncSession, Link], Awaitable[Read]]
) -> tuple[list[Read], list[CompanyInfo]]:
    """Visit each company in a transaction of its own; return what was read, and who could not be read now."""
    found, unavailable = [], []
    for link in links:
        if not serves(link.company.revision):
            unavailable.append(link.company)
            continue
        async with database.company(link.company, write=False) as session:
            found.append(await read(session, link))
    return found, unavailable


async def read_companies(
    database: Database, links: list[Link], starts_before: datetime | None, ends_after: datetime | None
) -> tuple[list[Found], list[CompanyInfo]]:
    """Return the assignments of each company, and who could not be read now."""

    async def assignments(session: AsyncSession, link: Link) -> Found:
        return await repository.assignments_of(session, link, starts_before=starts_before, ends_after=ends_after)

    return await visit(database, links, assignments)


async def my_assignments(
    database: Database, caller: Caller, page: PageRequest, now: datetime, *, starts_before: datetime | None,
    ends_after: datetime | None,
) -> MyAssignments:  # fmt: skip
    """Return the caller's assignments in all companies, by time."""
    links = await my_links(database, caller.user_id)

    async def told(session: AsyncSession, link: Link) -> list[MyAssignment]:
        return await _told(session, link, now, starts_before=starts_before, ends_after=ends_after)

    found, unavailable = await visit(database, links, told)
    items = [item for company in found for item in company]
    items.sort(key=lambda item: (item.call.starts_at, item.id))
    kept, cursor = slice_page(items, page, lambda item: (str(item.id),))
    return MyAssignments(items=kept, next_cursor=cursor, unavailable=[company_ref(c) for c in unavailable])


async def my_assignment(database: Database, caller: Caller, assignment_id: UUID, now: datetime) -> MyAssignment:
    """Return one of the caller's assignments. Raises NotFoundError, and UnavailableError as `my_act`."""
    for link in await my_links(database, caller.user_id):
        check_revision(link.company)
        async with database.company(link.company, write=False) as session:
            found = await _told(session, link, now, assignment_id=assignment_id)
        if found:
            return found[0]
    raise _no_assignment()


async def _told(session: AsyncSession, link: Link, now: datetime, **narrowed: Any) -> list[MyAssignment]:  # noqa: ANN401 - as the repository narrows
    """Return what a company has told the caller, each with whom to phone; two statements."""
    found = await repository.assignments_of(session, link, **narrowed)
    contacts = await repository.contacts_of(session, link, found.rows)
    return [shown(found, row, now, contacts.get(row.call_id)) for row in found.rows]


@asynccontextmanager
async def my_act(database: Database, caller: Caller, assignment_id: UUID, now: datetime) -> AsyncIterator[MyAct]:
    """Open the transaction of the company where the caller has this assignment; 404 where there is none."""
    for link in await my_links(database, caller.user_id):
        if link.company.status is not CompanyStatus.ACTIVE:
            continue
        if not serves(link.company.revision):
            # It may be there: an answer "does not exist" could be wrong.
            check_revision(link.company)
        async with database.company(link.company) as session:
            found = await repository.assignments_of(session, link, assignment_id=assignment_id)
            if found.rows:
                act = Act(session, link.company, Actor(caller.user_id, caller.full_name, "person"), now)
                yield MyAct(act, link, found.rows[0].published_version)
                return
    raise _no_assignment()


def _no_assignment() -> NotFoundError:
    return NotFoundError("not_found", Sentence("Cette affectation n'existe pas.", "This assignment does not exist."))


async def accept(mine: MyAct, assignment_id: UUID, declared: Declared, language: str) -> Decided:
    """Accept, with what the person declares; return the assignment as it is now, and what remains to be done."""
    note = await planning.accept(mine.act, assignment_id, declared)
    return await _decided(mine, assignment_id, note.in_language(language) if note else None)


async def decline(mine: MyAct, assignment_id: UUID, reason: str | None = None) -> Decided:
    """Decline; return the assignment as it is now."""
    await planning.decline(mine.act, assignment_id, reason)
    return await _decided(mine, assignment_id, None)


async def take_back(mine: MyAct, assignment_id: UUID) -> Decided:
    """Take back the acceptance that was just given; return the option as it stands again."""
    await planning.take_back(mine.act, assignment_id)
    return await _decided(mine, assignment_id, None)


async def _decided(mine: MyAct, assignment_id: UUID, note: str | None) -> Decided:
    (shown_now,) = await _told(mine.act.session, mine.link, mine.act.now, assignment_id=assignment_id)
    return Decided(assignment=shown_now, note=note)


def shown(found: Found, row: Any, now: datetime, contact: Contact | None) -> MyAssignment:  # noqa: ANN401 - a row of the repository
    """Return one assignment as its person sees it: the published version of its call, and whom to phone."""
    status = states.effective(row.status, row.expires_at, now)
    told = row.published
    allowed = [a for a in states.allowed(status, contested=row.contested) if a in PERSONAL_ACTS]
    call = {name: told[name] for name in CallRef.model_fields if name in told}
    return MyAssignment(
        id=row.id,
        company=company_ref(found.company),
        production=ProductionRef(id=told["production_id"], title=row.production_title or ""),
        call=CallRef.model_validate({**call, "id": row.call_id, "version": row.published_version}),
        before=_before(row),
        venue=_venue(row),
        timezone=row.venue_timezone or found.company.timezone,
        contact=_contact(contact),
        job=row.job,
        job_label=row.label,
        status=status,
        contested=row.contested,
        rank=row.rank,
        expires_at=row.expires_at,
        message=row.message,
        allowed=allowed,
    )


def _before(row: Any) -> CallBefore | None:  # noqa: ANN401 - a row of repository.assignments_of
    was = {change["field"]: change["before"] for change in row.told_changes or ()}
    if not was.keys() & {"starts_at", "ends_at", "venue_id"}:
        return None
    return CallBefore(
        starts_at=was.get("starts_at", row.published["starts_at"]),
        ends_at=was.get("ends_at", row.published["ends_at"]),
        elsewhere="venue_id" in was,
        changed_at=row.published_at,
    )


def _contact(found: Contact | None) -> ContactRef | None:
    return None if found is None else ContactRef(name=found.name, job_label=found.label, phone=found.phone)


def _venue(row: Any) -> VenueRef | None:  # noqa: ANN401 - a row of repository.assignments_of
    if row.venue_id is None:
        return None
    return VenueRef(
        id=row.venue_id,
        name=row.venue_name,
        address=row.venue_address,
        postal_code=row.venue_postal_code,
        city=row.venue_city,
        timezone=row.venue_timezone,
    )


def company_ref(company: CompanyInfo) -> CompanyRef:
    """Return a company as its people see it."""
    return CompanyRef(id=company.id, slug=company.slug, name=company.name)


async def add_feed(session: AsyncSession, caller: Caller, name: str, public_url: str, now: datetime) -> FeedOut:
    """Create a subscription; its URL holds a secret of 256 bits of which only the hash is stored."""
    secret = new_secret()
    feed = CalendarFeed(id=new_id(), user_id=caller.user_id, name=name, secret_hash=hash_secret(secret), created_at=now)
    session.add(feed)
    await session.flush()
    return FeedOut(id=feed.id, name=name, created_at=now, url=f"{public_url}/calendar/{secret}.ics")


async def list_feeds(session: AsyncSession, caller: Caller) -> list[FeedOut]:
    """Return the caller's subscriptions, without their secrets."""
    query = select(CalendarFeed.id, CalendarFeed.name, CalendarFeed.created_at)
    rows = await session.execute(
        query.where(CalendarFeed.user_id == caller.user_id).order_by(CalendarFeed.created_at, CalendarFeed.id)
    )
    return [FeedOut(id=i, name=n, created_at=c) for i, n, c in rows]


async def end_feed(session: AsyncSession, caller: Caller, feed_id: UUID) -> None:
    """Revoke a subscription: its URL answers 404 from now on."""
    statement = delete(CalendarFeed).where(CalendarFeed.id == feed_id, CalendarFeed.user_id == caller.user_id)
    if (await session.scalar(statement.returning(CalendarFeed.id))) is None:
        raise no_feed()


async def calendar(database: Database, secret: str, now: datetime) -> bytes:
    """Return the iCalendar feed of a secret (404 when it is unknown or revoked)."""
    async with database.shared(write=False) as session:
        query = select(User.id, CalendarFeed.name).join(User, User.id == CalendarFeed.user_id)
        row = (await session.execute(query.where(CalendarFeed.secret_hash == hash_secret(secret)))).one_or_none()
        if row is None:
            raise no_feed()
        links = await repository.links_of(session, row.id)
    found, _unavailable = await read_companies(database, links, now + FEED_AHEAD, now - FEED_BACK)
    entries = [
        _entry(company, assignment, status)
        for company in found
        for assignment in company.rows
        if (status := _calendar_status(assignment, now)) is not None
    ]
    # Half a millisecond an entry: a long season must not hold the event loop.
    return await asyncio.to_thread(render, entries, name=row.name)


def no_feed() -> NotFoundError:
    """Return the refusal of a subscription that is unknown, revoked or somebody else's."""
    return NotFoundError(
        "not_found",
        Sentence("Cet abonnement au calendrier n'existe pas.", "This calendar subscription does not exist."),
    )


def _calendar_status(row: Any, now: datetime) -> CalendarStatus | None:  # noqa: ANN401 - a row of the repository
    status = CALENDAR_STATUS.get(states.effective(row.status, row.expires_at, now))
    return "CANCELLED" if status is not None and row.published["status"] == "cancelled" else status


def _entry(found: Found, row: Any, status: CalendarStatus) -> CalendarEntry:  # noqa: ANN401 - a row of the repository
    town = " ".join(filter(None, (row.venue_postal_code, row.venue_city)))
    production = row.production_title or ""
    return CalendarEntry(
        uid=f"{row.id}@filage",
        sequence=row.published_version + row.version,
        status=status,
        starts_at=row.published_starts_at,
        ends_at=row.published_ends_at,
        timezone=row.venue_timezone or found.company.timezone,
        summary=f"{production} : {row.published['title']}",
        production=production,
        company=found.company.name,
        job=row.label,
        location=", ".join(filter(None, (row.venue_name, row.venue_address, town))),
        description_lines=[row.message] if row.message else [],
        updated_at=max(row.updated_at, row.published_at),
    )
