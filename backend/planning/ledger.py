"""The ledger of bookings: no person is held twice at one time, in one company or over all of them.

A row is written in the transaction of the act that it belongs to, under the company's own role, which sees its own rows
only. The database refuses (`ex_booking_person_during`); SQLite, with one writer at a time, is asked first. Whoever
said that they are away is not held either. A company learns "not available" and nothing else: neither who holds the
person, nor where, nor when, nor whether it is a company at all.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.availability import freed, recorded
from backend.availability import service as availability
from backend.availability.domain.clocks import Span
from backend.availability.service import Asked
from backend.core.errors import ConflictError, Sentence
from backend.people.models import Person
from backend.planning import refusals
from backend.planning.domain.publication import instant_text
from backend.planning.models import Assignment, Booking, BookingStatus, Call
from backend.planning.probing import let_stay_contested, note_refusals, note_told
from backend.planning.refusals import Named, times_text
from backend.productions.models import Venue
from backend.tenancy.acting import Act
from backend.tenancy.session import is_sqlite, login_rights

DEADLOCK, EXCLUDED = "40P01", "23P01"
CONSTRAINT_PREFIX = "ex_booking_person_during"  # a prefix: a sharded server adds a number
RETRIES = 3
JITTER_SECONDS = 0.05
CONFLICTS_SHOWN = 50
_ROWS = 400  # rows of one statement: SQLite takes 32,766 values in one
_Had = Mapping[UUID, Span]
_Firm = Mapping[int, Sequence[Span]]
_NOTHING: Mapping[Any, Any] = MappingProxyType({})
IS_CONTESTED = text("booking.status = 'contested'")  # the words of the partial index, so that it serves
IS_CONFIRMED = text("booking.status = 'confirmed'")

NOT_AVAILABLE = Sentence(
    "Cette personne n'est pas disponible sur ces horaires : choisissez quelqu'un d'autre ou d'autres horaires.",
    "This person is not available at these times: choose somebody else, or other times.",
)

Result = TypeVar("Result")


class PersonNotAvailableError(ConflictError):
    """409, the same words for a booking elsewhere and an absence. Counted and rate-limited by whoever answers."""

    def __init__(self, wanted: Named | None = None) -> None:
        super().__init__("person_not_available", NOT_AVAILABLE if wanted is None else refusals.not_available(wanted))


@dataclass(frozen=True, slots=True)
class Hold:
    """What an assignment asks of the ledger: this person, from `starts_at` until just before `ends_at`."""

    assignment_id: UUID
    person_number: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Conflict:
    """A confirmed assignment of this company that is in the way: as the API shows it, and in words."""

    shown: dict[str, Any]
    named: Named


async def hold(act: Act, holds: Sequence[Hold]) -> None:
    """Hold people, all or none, in a few statements however many they are.

    Raises ConflictError `overlap` with the company's own conflicting assignments, else PersonNotAvailableError.
    """
    await _all_or_none(act, holds)


async def try_hold(act: Act, holds: Sequence[Hold]) -> list[Hold]:
    """Hold whoever is free, the earlier one of `holds` first; return the refused ones, of which nothing is stored."""
    return await _in_savepoint(act.session, lambda: _insert(act, holds))


async def release(act: Act, assignment_ids: Collection[UUID]) -> None:
    """Give people back; whoever was contested because of it is tried again at once, in whichever company."""
    released = await _take_out(act, assignment_ids)
    await retry_contested(act.session, {row.person_number for row in released})


async def move(act: Act, assignment_ids: Collection[UUID], starts_at: datetime, ends_at: datetime) -> None:
    """Hold the same people at another time, all or none; as `move_all`."""
    await move_all(act, dict.fromkeys(assignment_ids, Span(starts_at, ends_at)))


async def move_all(act: Act, times: Mapping[UUID, Span]) -> None:
    """Hold people at other times, all or none; raises like `hold` and then leaves the ledger as it was.

    A contested booking that finds its person held at the new time too moves and stays contested: one bit, and counted.
    TooManyError where so many would stay contested that more would be told than the hour allows.
    """

    async def again() -> tuple[set[int], int]:
        taken_out = await _take_out(act, times)
        had, firm_before = _times_of(taken_out), _firm_of(taken_out)
        moved = {
            row.assignment_id: replace(_hold_of(row), starts_at=times[row.assignment_id].starts_at,
                                       ends_at=times[row.assignment_id].ends_at)
            for row in taken_out
        }  # fmt: skip
        firm = [moved[row.assignment_id] for row in taken_out if row.status is BookingStatus.CONFIRMED]
        doubtful = [moved[row.assignment_id] for row in taken_out if row.status is BookingStatus.CONTESTED]
        await _refuse(act, await _insert(act, firm, had, firm_before))
        await _contest(act, held_again := await _insert(act, doubtful, had))
        return {row.person_number for row in taken_out}, len(held_again)

    freed, held_again = await _in_savepoint(act.session, again)
    await retry_contested(act.session, freed)
    await let_stay_contested(act, held_again)


async def rebook(act: Act, given_back: Collection[UUID], wanted: Sequence[Hold]) -> list[Hold]:
    """Give back and hold, in a few statements however many they are; return the refused ones, who are held no more.

    What is given back and wanted again moves: a contested booking that is refused again stays contested, is counted,
    and is not returned. Whoever was contested because of what was given back is tried again afterwards.
    """
    refused, held_again = await _rebook(act, given_back, wanted)
    await let_stay_contested(act, held_again)
    return refused


async def try_rebook(act: Act, given_back: Collection[UUID], wanted: Sequence[Hold]) -> list[Hold]:
    """Return whom `rebook` would refuse; all of it is taken back, and nothing is stored."""
    savepoint = await act.session.begin_nested()
    refused, _ = await _rebook(act, given_back, wanted)
    await savepoint.rollback()
    return refused


async def _rebook(act: Act, given_back: Collection[UUID], wanted: Sequence[Hold]) -> tuple[list[Hold], int]:
    async def again() -> tuple[list[Hold], int, set[int]]:
        taken_out = await _take_out(act, given_back)
        contested = {row.assignment_id for row in taken_out if row.status is BookingStatus.CONTESTED}
        had = _times_of(taken_out)
        certain = [each for each in wanted if each.assignment_id not in contested]
        refused = await _insert(act, certain, had, _firm_of(taken_out))
        doubtful = [each for each in wanted if each.assignment_id in contested]
        held_again = await _insert(act, doubtful, had)
        await _contest(act, held_again)
        return refused, len(held_again), {row.person_number for row in taken_out}

    refused, held_again, freed = await _in_savepoint(act.session, again)
    await retry_contested(act.session, freed)
    return refused, held_again


async def renumber(act: Act, old: int, new: int) -> list[UUID]:
    """Rewrite this company's bookings of person number `old` to `new`, and return the contested assignments.

    Call it when an account is linked (or a link is cut), after the person's row has the new number: whoever confirms
    at that moment waits for that row. A booking that overlaps one of the number's other bookings, or a time at which
    its person is away, becomes contested: nobody can tell which, and each is counted. Of another company nothing
    changes.
    """

    async def again() -> list[UUID]:
        mine = and_(Booking.company_id == act.company.id, Booking.person_number == old)
        rows = (await act.session.execute(delete(Booking).where(mine).returning(*_COLUMNS))).all()
        holds = sorted((replace(_hold_of(row), person_number=new) for row in rows), key=lambda h: h.starts_at)
        refused = await _insert(act, holds, _times_of(rows))
        await _contest(act, refused)
        return [refused_hold.assignment_id for refused_hold in refused]

    contested = await _in_savepoint(act.session, again)
    note_told(act, len(contested))
    await retry_contested(act.session, {old})
    return contested


@freed.try_again_with
async def retry_contested(session: AsyncSession, person_numbers: Collection[int]) -> list[UUID]:
    """Try to confirm the contested bookings of these people, oldest first; return the assignments that are now firm.

    Runs with the app login's rights, because the booking to confirm may be another company's; it says so to nobody.
    Whoever is away is not confirmed either: a company sees the same of a booking elsewhere and of an absence.
    """
    if not person_numbers:
        return []
    waiting = (
        select(Booking.assignment_id, Booking.person_number, Booking.starts_at, Booking.ends_at)
        .where(Booking.person_number.in_(sorted(person_numbers)), IS_CONTESTED)
        .order_by(Booking.person_number, Booking.starts_at, Booking.assignment_id)
    )
    async with login_rights(session):
        holds = [_hold_of(row) for row in await session.execute(waiting)]
        away = await availability.read_away(session, [asked_of(wanted) for wanted in holds])
        present = [wanted for wanted, is_away in zip(holds, away, strict=True) if not is_away]
        # One by one, because one refusal must not undo the others; there is hardly ever more than one.
        return [wanted.assignment_id for wanted in present if await _confirm_contested(session, wanted)]


async def check_free(act: Act, holds: Sequence[Hold]) -> None:
    """Refuse to ask people for times at which they are away, or held by another company: nobody can tell which.

    Raises PersonNotAvailableError, and ConflictError `person_unavailable` for what this company itself recorded. Its
    own bookings are no reason: it sees them, and options may overlap them.
    """
    await _refuse_recorded(act, holds)
    if unavailable := await find_unavailable(act, holds):
        note_refusals(act)
        raise await _not_available(act, unavailable)


async def find_unavailable(act: Act, holds: Sequence[Hold]) -> list[Hold]:
    """Return those of `holds` whose person is away or held by another company, in a few statements for all of them.

    Not asked about the time at which the company itself holds them: there no other company can, and a no would say that
    they are away.
    """
    questions = _questions(holds, await _firm_times(act.session, holds, Booking.company_id == act.company.id))
    answers = await availability.find_away(act.session, [question for _, question in questions])
    away = {wanted for (wanted, _), is_away in zip(questions, answers, strict=True) if is_away}
    elsewhere = await _held_elsewhere(act, holds)
    return [wanted for wanted in holds if wanted in away or wanted in elsewhere]


async def find_recorded_of_each(act: Act, holds: Sequence[Hold]) -> dict[Hold, ConflictError]:
    """Return the refusal of each of `holds` whose person this company itself recorded as away, in one statement."""
    rows = await recorded.find_recorded(act, [asked_of(wanted) for wanted in holds])
    of_each = {wanted: [row for row in rows if recorded.is_meant(row, asked_of(wanted))] for wanted in holds}
    return {wanted: recorded.refusal(act, found) for wanted, found in of_each.items() if found}


def asked_of(wanted: Hold) -> Asked:
    """Return what a hold asks about its person."""
    return Asked(wanted.person_number, Span(wanted.starts_at, wanted.ends_at))


async def _held_elsewhere(act: Act, holds: Sequence[Hold]) -> set[Hold]:
    async with login_rights(act.session):
        taken = await _firm_times(act.session, holds, Booking.company_id != act.company.id)
    return {
        wanted for wanted in holds
        if any(span.overlaps(Span(wanted.starts_at, wanted.ends_at)) for span in taken.get(wanted.person_number, ()))
    }  # fmt: skip


async def _firm_times(session: AsyncSession, holds: Sequence[Hold], *where: ColumnElement[bool]) -> _Firm:
    """Return when these people are held around these times, by number, in statements of 400 people each."""
    if not holds:
        return {}
    first, last = min(h.starts_at for h in holds), max(h.ends_at for h in holds)
    taken: dict[int, list[Span]] = {}
    for part in _parts(sorted({h.person_number for h in holds})):
        query = select(Booking.person_number, Booking.starts_at, Booking.ends_at).where(
            Booking.person_number.in_(part), Booking.starts_at < last, Booking.ends_at > first, IS_CONFIRMED, *where
        )
        for number, starts_at, ends_at in await session.execute(query):
            taken.setdefault(number, []).append(Span(starts_at, ends_at))
    return taken


async def is_held(session: AsyncSession, person_number: int, starts_at: datetime, ends_at: datetime) -> bool:
    """Tell whether a booking, in whichever company, holds the person then: for that person's own eyes only."""
    query = select(Booking.assignment_id).where(
        Booking.person_number == person_number, Booking.starts_at < ends_at, Booking.ends_at > starts_at, IS_CONFIRMED
    )
    async with login_rights(session):
        return await session.scalar(query.limit(1)) is not None


async def contested_of(act: Act, assignment_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the assignments that wait for their person's choice."""
    query = select(Booking.assignment_id).where(
        Booking.company_id == act.company.id, Booking.assignment_id.in_(assignment_ids), IS_CONTESTED
    )
    return set(await act.session.scalars(query))


def is_contested(act: Act) -> ColumnElement[bool]:
    """Return the condition that an assignment is contested, for a query that selects from `assignment`."""
    mine = select(Booking.assignment_id).where(Booking.company_id == act.company.id, IS_CONTESTED)
    return Assignment.id.in_(mine)


async def find_own_conflicts(act: Act, holds: Sequence[Hold]) -> list[Conflict]:
    """Return this company's confirmed assignments that overlap `holds` (the first 50), as the API shows them."""
    if not holds:
        return []
    query = _own_bookings(act).where(or_(*(_overlaps(wanted) for wanted in holds[:CONFLICTS_SHOWN])))
    rows = await act.session.execute(query.limit(CONFLICTS_SHOWN))
    return [_conflict(act, row) for row in rows]


async def find_conflicts_of_each(act: Act, holds: Sequence[Hold]) -> dict[UUID, list[Conflict]]:
    """Return for each of `holds`, by assignment, the company's own confirmed assignments that overlap it."""
    first, last = min(wanted.starts_at for wanted in holds), max(wanted.ends_at for wanted in holds)
    people = sorted({wanted.person_number for wanted in holds})
    query = _own_bookings(act).where(
        Booking.person_number.in_(people), Booking.starts_at < last, Booking.ends_at > first
    )
    rows = (await act.session.execute(query)).all()
    return {
        wanted.assignment_id: [
            _conflict(act, row)
            for row in rows
            if row.person_number == wanted.person_number
            and row.starts_at < wanted.ends_at
            and row.ends_at > wanted.starts_at
            and row.assignment_id != wanted.assignment_id
        ][:CONFLICTS_SHOWN]
        for wanted in holds
    }


def overlap(conflicts: Sequence[Conflict]) -> ConflictError:
    """Return the refusal `overlap`, which names the first of the company's own conflicts and lists all."""
    shown = [conflict.shown for conflict in conflicts]
    return ConflictError("overlap", refusals.overlap(conflicts[0].named), extra={"conflicts": shown})


async def name_each(act: Act, holds: Sequence[Hold]) -> dict[UUID, Named]:
    """Return by assignment whom and which call a hold is about, in the company's own words; in one statement."""
    zone = func.coalesce(Venue.timezone, act.company.timezone)
    query = (
        select(Assignment.id, Person.first_name, Person.last_name, Call.title, zone)
        .join(Person, Person.id == Assignment.person_id)
        .join(Call, Call.id == Assignment.call_id)
        .outerjoin(Venue, Venue.id == Call.venue_id)
        .where(Assignment.id.in_([wanted.assignment_id for wanted in holds]))
    )
    rows = {row[0]: row for row in await act.session.execute(query)}
    return {
        wanted.assignment_id: Named(f"{first} {last}", title, times_text(wanted.starts_at, wanted.ends_at, zone))
        for wanted in holds if wanted.assignment_id in rows
        for _, first, last, title, zone in [rows[wanted.assignment_id]]
    }  # fmt: skip


async def _not_available(act: Act, holds: Sequence[Hold]) -> PersonNotAvailableError:
    """Name one of them, whoever is wanted first: one answer is one bit, however many are asked for at once."""
    first = min(holds, key=lambda wanted: (wanted.starts_at, wanted.assignment_id))
    return PersonNotAvailableError((await name_each(act, [first])).get(first.assignment_id))


def _overlaps(wanted: Hold) -> ColumnElement[bool]:
    return and_(
        Booking.person_number == wanted.person_number,
        Booking.starts_at < wanted.ends_at,
        Booking.ends_at > wanted.starts_at,
        Booking.assignment_id != wanted.assignment_id,
    )


def _own_bookings(act: Act) -> Select[Any]:
    return (
        select(
            Booking.assignment_id, Booking.person_number, Call.id, Call.title, Booking.starts_at, Booking.ends_at,
            Assignment.person_id, Person.first_name, Person.last_name, Venue.timezone,
        )
        .join(Assignment, Assignment.id == Booking.assignment_id)
        .join(Person, Person.id == Assignment.person_id)
        .join(Call, Call.id == Assignment.call_id)
        .outerjoin(Venue, Venue.id == Call.venue_id)
        .where(Booking.company_id == act.company.id, IS_CONFIRMED)
        .order_by(Booking.starts_at, Booking.assignment_id)
    )  # fmt: skip


def _conflict(act: Act, row: Row[Any]) -> Conflict:
    times = times_text(row.starts_at, row.ends_at, row.timezone or act.company.timezone)
    shown = {
        "assignment_id": str(row.assignment_id),
        "person_id": str(row.person_id),
        "call_id": str(row.id),
        "title": row.title,
        "starts_at": instant_text(row.starts_at),
        "ends_at": instant_text(row.ends_at),
    }
    return Conflict(shown, Named(f"{row.first_name} {row.last_name}", row.title, times))


_COLUMNS = (Booking.assignment_id, Booking.person_number, Booking.starts_at, Booking.ends_at, Booking.status)


def _hold_of(row: Row[Any]) -> Hold:
    return Hold(row.assignment_id, row.person_number, row.starts_at, row.ends_at)


async def _all_or_none(act: Act, holds: Sequence[Hold]) -> None:
    async def work() -> None:
        await _refuse(act, await _insert(act, holds))

    await _in_savepoint(act.session, work)


async def _refuse(act: Act, refused: Sequence[Hold]) -> None:
    if not refused:
        return
    # Asked inside the savepoint: a conflict may be with another row of the same act.
    if conflicts := await find_own_conflicts(act, refused):
        raise overlap(conflicts)
    await _refuse_recorded(act, refused)
    note_refusals(act)
    raise await _not_available(act, refused)


async def _refuse_recorded(act: Act, holds: Sequence[Hold]) -> None:
    if rows := await recorded.find_recorded(act, [asked_of(wanted) for wanted in holds]):
        raise recorded.refusal(act, rows)


async def _take_out(act: Act, assignment_ids: Collection[UUID]) -> list[Row[Any]]:
    taken_out: list[Row[Any]] = []
    for part in _parts(sorted(assignment_ids)):
        mine = and_(Booking.company_id == act.company.id, Booking.assignment_id.in_(part))
        taken_out += (await act.session.execute(delete(Booking).where(mine).returning(*_COLUMNS))).all()
    return taken_out


async def _contest(act: Act, holds: Sequence[Hold]) -> None:
    await act.session.flush()
    for part in _parts(holds):
        rows = [_values(act, wanted, BookingStatus.CONTESTED) for wanted in part]
        await act.session.execute(_insert_of(act.session).values(rows))


async def _insert(act: Act, holds: Sequence[Hold], had: _Had = _NOTHING, firm: _Firm = _NOTHING) -> list[Hold]:
    """Store whoever is free and return the refused ones; a conflict does not even raise inside the database.

    Whoever said that they are away is not free, but in the time at which the company held them `firm` before: what
    stood stays, and no other company can hold them there, so that a no would tell that they are away. Nothing is firm
    for what is contested, or may become so: an absence stands in its way as a booking elsewhere does.
    """
    if not holds:
        return []
    await act.session.flush()
    present = await _present(act, holds, had, firm)
    free = await _free_on_sqlite(act.session, present) if is_sqlite(act.session) else present
    if not free:
        return list(holds)
    # Ordered by person, so that two acts about the same people meet in one order; sorting keeps the caller's within.
    in_order = sorted(free, key=lambda wanted: wanted.person_number)
    rows = [_values(act, wanted, BookingStatus.CONFIRMED) for wanted in in_order]
    # Rows beside the statement, not in it: compiled once, and still a thousand of them in one INSERT.
    statement = _insert_of(act.session).on_conflict_do_nothing().returning(Booking.assignment_id)
    stored = set(await act.session.scalars(statement, rows))
    return [wanted for wanted in holds if wanted.assignment_id not in stored]


async def _present(act: Act, holds: Sequence[Hold], had: _Had, firm: _Firm) -> list[Hold]:
    """Return those whose person is not away: as they said to all companies, or as this one recorded.

    But for the times at which they were held `firm`, and, of what was recorded, those that the assignment `had`.
    """
    said = _questions(holds, firm)
    noted = [
        (wanted, Asked(wanted.person_number, part))
        for wanted, stood in ((each, had.get(each.assignment_id)) for each in holds)
        for part in ([_span(wanted)] if stood is None else _span(wanted).without(stood))
    ]
    answers = await availability.find_away(act.session, [question for _, question in said])
    written = await recorded.find_recorded(act, [question for _, question in noted])
    away = {wanted for (wanted, _), is_away in zip(said, answers, strict=True) if is_away}
    away |= {wanted for wanted, question in noted if any(recorded.is_meant(row, question) for row in written)}
    return [wanted for wanted in holds if wanted not in away]


def _questions(holds: Sequence[Hold], firm: _Firm) -> list[tuple[Hold, Asked]]:
    """Return what to ask about each hold: its time, without that at which its person is held `firm`."""
    found = []
    for wanted in holds:
        parts = [_span(wanted)]
        for span in firm.get(wanted.person_number, ()):
            parts = [left for part in parts for left in part.without(span)]
        found += [(wanted, Asked(wanted.person_number, part)) for part in parts]
    return found


def _span(wanted: Hold) -> Span:
    return Span(wanted.starts_at, wanted.ends_at)


def _firm_of(rows: Iterable[Row[Any]]) -> _Firm:
    firm: dict[int, list[Span]] = {}
    for row in rows:
        if row.status is BookingStatus.CONFIRMED:
            firm.setdefault(row.person_number, []).append(Span(row.starts_at, row.ends_at))
    return firm


def _times_of(rows: Iterable[Row[Any]]) -> dict[UUID, Span]:
    return {row.assignment_id: Span(row.starts_at, row.ends_at) for row in rows}


def _insert_of(session: AsyncSession) -> Any:  # noqa: ANN401 - two classes of two dialects, with the same methods
    return sqlite.insert(Booking) if is_sqlite(session) else postgresql.insert(Booking)


def _values(act: Act, wanted: Hold, status: BookingStatus) -> dict[str, Any]:
    return {
        "assignment_id": wanted.assignment_id,
        "company_id": act.company.id,
        "company_role": act.company.role_name,
        "person_number": wanted.person_number,
        "starts_at": wanted.starts_at,
        "ends_at": wanted.ends_at,
        "status": status,
    }


async def _free_on_sqlite(session: AsyncSession, holds: Sequence[Hold]) -> list[Hold]:
    """One writer at a time (BEGIN IMMEDIATE), and the file holds every company's bookings: asking first is enough."""
    if not holds:
        return []
    taken = await _taken_on_sqlite(session, holds)
    free: list[Hold] = []
    for wanted in holds:
        others = taken.setdefault(wanted.person_number, [])
        if not any(starts < wanted.ends_at and wanted.starts_at < ends for starts, ends in others):
            others.append((wanted.starts_at, wanted.ends_at))
            free.append(wanted)
    return free


async def _taken_on_sqlite(session: AsyncSession, holds: Sequence[Hold]) -> dict[int, list[tuple[datetime, datetime]]]:
    first, last = min(h.starts_at for h in holds), max(h.ends_at for h in holds)
    taken: dict[int, list[tuple[datetime, datetime]]] = {}
    for part in _parts(sorted({h.person_number for h in holds})):
        query = select(Booking.person_number, Booking.starts_at, Booking.ends_at).where(
            Booking.person_number.in_(part), Booking.starts_at < last, Booking.ends_at > first, IS_CONFIRMED
        )
        for number, starts_at, ends_at in await session.execute(query):
            taken.setdefault(number, []).append((starts_at, ends_at))
    return taken


async def _confirm_contested(session: AsyncSession, waiting: Hold) -> bool:
    statement = (
        update(Booking)
        .where(Booking.assignment_id == waiting.assignment_id, IS_CONTESTED)
        .values(status=BookingStatus.CONFIRMED)
        .returning(Booking.assignment_id)
        .execution_options(synchronize_session=False)
    )
    if is_sqlite(session) and not await _free_on_sqlite(session, [waiting]):
        return False

    async def work() -> bool:
        return await session.scalar(statement) is not None

    try:
        return await _in_savepoint(session, work)
    except DBAPIError as error:
        if _is_exclusion(error):
            return False
        raise


async def _in_savepoint(session: AsyncSession, work: Callable[[], Awaitable[Result]]) -> Result:
    """Run `work` in a savepoint, again when the database broke a deadlock by it (the act itself cannot be rerun)."""
    for attempt in range(RETRIES):
        try:
            async with session.begin_nested():
                return await work()
        except DBAPIError as error:
            if _sqlstate(error) != DEADLOCK:
                raise
        await asyncio.sleep(random.uniform(0, JITTER_SECONDS * (attempt + 1)))  # noqa: S311 - spreads, hides nothing
    async with session.begin_nested():
        return await work()


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _is_exclusion(error: DBAPIError) -> bool:
    diagnostic = getattr(error.orig, "diag", None)
    name = getattr(diagnostic, "constraint_name", None) or ""
    return _sqlstate(error) == EXCLUDED and name.startswith(CONSTRAINT_PREFIX)


def _parts(items: Iterable[Any]) -> list[list[Any]]:
    kept = list(items)
    return [kept[start : start + _ROWS] for start in range(0, len(kept), _ROWS)]
