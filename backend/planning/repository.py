"""Every query of calls, positions and assignments; lists select columns. Locks: call first, then assignment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased

from backend.core.pagination import PageRequest
from backend.people.models import Job, Person
from backend.planning import askings, declarations, ledger, staffing
from backend.planning.domain.publication import FIELDS
from backend.planning.domain.states import LIVE, Status
from backend.planning.models import Asking, Assignment, Call, CallKind, CallStatus, Position
from backend.planning.period import ALWAYS, Period
from backend.planning.upgrading import follows_options
from backend.productions.models import Production, Venue
from backend.tenancy.acting import Act
from backend.tenancy.rows import holds_words, keyset, sort_instant

CALL_COLUMNS = tuple(Call.__table__.columns)
_TOLD = tuple(getattr(Call, name) for name in ("id", "version", "published", "published_version", *FIELDS))
POSITION_COLUMNS = tuple(Position.__table__.columns)
_ASSIGNMENT_COLUMNS = tuple(Assignment.__table__.columns)
_FELL = (Status.DECLINED, Status.RELEASED)
_STANDS = (Status.OPTION, Status.ACCEPTED, Status.CONFIRMED)


@dataclass(frozen=True, slots=True)
class CallsFilter:
    """Which calls a list holds; None leaves the question open."""

    period: Period
    production_id: UUID | None = None
    venue_id: UUID | None = None
    status: CallStatus | None = None
    kind: CallKind | None = None
    q: str | None = None


@dataclass(frozen=True, slots=True)
class AssignmentsFilter:
    """Which assignments a list holds; `status` is the one at the moment of asking."""

    period: Period
    call_id: UUID | None = None
    person_id: UUID | None = None
    status: Status | None = None


def touches(period: Period) -> ColumnElement[bool]:
    """Return the condition that a call has a moment in `period`."""
    conditions: list[ColumnElement[bool]] = [Call.id == Call.id] if period == Period(None, None) else []
    if period.starts_at is not None:
        conditions.append(Call.ends_at > period.starts_at)
    if period.ends_at is not None:
        conditions.append(Call.starts_at < period.ends_at)
    return and_(*conditions)


def has_status(status: Status, now: datetime) -> ColumnElement[bool]:
    """Return the condition that an assignment is in `status` at `now`: an option past its expiry is expired."""
    expired = and_(Assignment.status == Status.OPTION, Assignment.expires_at <= now)
    if status is Status.EXPIRED:
        return or_(Assignment.status == Status.EXPIRED, expired)
    if status is Status.OPTION:
        return and_(Assignment.status == Status.OPTION, or_(Assignment.expires_at.is_(None), not_(expired)))
    return Assignment.status == status


async def list_calls(act: Act, wanted: CallsFilter, page: PageRequest) -> Sequence[Row[Any]]:
    """Return one page of calls and a row more, by start and id."""
    ids = select(Call.id).where(touches(wanted.period))
    for column, value in (
        (Call.production_id, wanted.production_id),
        (Call.venue_id, wanted.venue_id),
        (Call.status, wanted.status),
        (Call.kind, wanted.kind),
    ):
        if value is not None:
            ids = ids.where(column == value)
    if wanted.q is not None:
        ids = ids.where(holds_words(wanted.q, Call.title))
    shown = keyset(ids, page, (Call.starts_at, Call.id), (sort_instant, UUID))
    return (await act.session.execute(_staffed_calls(shown, act.now).order_by(Call.starts_at, Call.id))).all()


async def find_call(act: Act, call_id: UUID) -> Row[Any] | None:
    """Return one call as columns, with how far it is staffed."""
    return (await act.session.execute(_one_staffed_call(), {"wanted_call": call_id, "now": act.now})).one_or_none()


@cache
def _one_staffed_call() -> Select[Any]:
    """Written once: most of what reading one call costs is to write this query."""
    return _staffed_calls(select(Call.id).where(Call.id == bindparam("wanted_call")), bindparam("now"))


def _staffed_calls(ids: Select[Any], now: datetime | BindParameter[Any]) -> Select[Any]:
    # Named once: a limit of its own in each place could cut them differently.
    shown = ids.cte("shown_call")
    staffed = staffing.of_calls(select(shown.c.id), now)
    columns = [column.label(name) for name, column in staffing.columns(staffed).items()]
    return (
        select(*CALL_COLUMNS, *columns)
        .join_from(Call, shown, shown.c.id == Call.id)
        .outerjoin(staffed, staffed.c.call_id == Call.id)
    )


async def lock_call(act: Act, call_id: UUID) -> Call | None:
    """Return a call to change: nobody else changes it, or acts on its assignments, until this act is stored."""
    return await act.session.get(Call, call_id, with_for_update=True, populate_existing=True)


async def hold_call(act: Act, call_id: UUID) -> Call | None:
    """Return a call that nobody changes, cancels, deletes or staffs until this act is stored."""
    query = select(Call).where(Call.id == call_id).with_for_update(key_share=True)
    return (await act.session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def lock_calls_of_production(act: Act, production_id: UUID, period: Period = ALWAYS) -> Sequence[Row[Any]]:
    """Return the calls of a production that may be published, by start; locked by id, which no act changes."""
    query = (
        select(*CALL_COLUMNS)
        .where(Call.production_id == production_id, Call.status != CallStatus.CANCELLED, touches(period))
        .order_by(Call.id)
        .with_for_update()
    )
    return sorted(await act.session.execute(query), key=lambda call: (call.starts_at, call.id))


async def lock_calls(act: Act, ids: Collection[UUID]) -> Sequence[Row[Any]]:
    """Return those of the calls that may be published, by start; locked by id, as every act locks calls."""
    query = (
        select(*CALL_COLUMNS)
        .where(Call.id.in_(ids), Call.status != CallStatus.CANCELLED)
        .order_by(Call.id)
        .with_for_update()
    )
    return sorted(await act.session.execute(query), key=lambda call: (call.starts_at, call.id))


async def list_calls_to_publish(act: Act, period: Period, production_id: UUID | None) -> Sequence[Row[Any]]:
    """Return the calls of a period that are not cancelled, by start: what is told of them, and what was told last."""
    query = select(*_TOLD).where(touches(period), Call.status != CallStatus.CANCELLED)
    if production_id is not None:
        query = query.where(Call.production_id == production_id)
    return (await act.session.execute(query.order_by(Call.starts_at, Call.id))).all()


async def list_audience(act: Act, calls: Collection[UUID]) -> Sequence[Row[Any]]:
    """Return who stands on these calls beyond a draft, each call once: `call_id`, `person_id`, `name`, and how.

    `has_account`: in their own planning; `has_mail`: a mail reaches them.
    """
    name = (Person.first_name + " " + Person.last_name).label("name")
    query = (
        select(
            Assignment.call_id,
            Assignment.person_id,
            name,
            Person.last_name,
            Call.starts_at,
            Person.user_id.is_not(None).label("has_account"),
            or_(Person.user_id.is_not(None), Person.email.is_not(None)).label("has_mail"),
        )
        .join(Person, Person.id == Assignment.person_id)
        .join(Call, Call.id == Assignment.call_id)
        .where(Assignment.call_id.in_(calls), Assignment.status != Status.DRAFT, is_live(act.now))
        .distinct()
        .order_by(Person.last_name, name, Call.starts_at)
    )
    return (await act.session.execute(query)).all()


async def store_publications(act: Act, rows: Sequence[Mapping[str, Any]]) -> None:
    """Give each call, named by `call_id`, the other values of its row: all of them in one statement."""
    if not rows:
        return
    table = Call.__table__
    values: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "call_id"}
    statement = update(Call).where(table.c.id == bindparam("call_id"))
    connection = await act.session.connection()
    await connection.execute(statement.values(version=table.c.version + 1, **values), rows)


async def production_exists(act: Act, production_id: UUID) -> bool:
    """Tell whether the company has this production."""
    return await act.session.scalar(select(Production.id).where(Production.id == production_id)) is not None


async def premiere_of(act: Act, production_id: UUID) -> date | None:
    """Return the day of a production's premiere."""
    return await act.session.scalar(select(Production.premiere_date).where(Production.id == production_id))


async def person_exists(act: Act, person_id: UUID) -> bool:
    """Tell whether the person is in the company's directory."""
    return await act.session.scalar(select(Person.id).where(Person.id == person_id)) is not None


async def find_venue(act: Act, venue_id: UUID) -> Row[tuple[str, str | None]] | None:
    """Return the time zone and the city of a venue."""
    return (await act.session.execute(select(Venue.timezone, Venue.city).where(Venue.id == venue_id))).one_or_none()


async def job_exists(act: Act, code: str) -> bool:
    """Tell whether the company has a job of this code."""
    return await act.session.scalar(select(Job.id).where(Job.code == code)) is not None


async def confirmed_ids(act: Act, call_id: UUID) -> Sequence[UUID]:
    """Return the confirmed assignments of a call: the ones that the ledger holds."""
    query = select(Assignment.id).where(Assignment.call_id == call_id, Assignment.status == Status.CONFIRMED)
    return (await act.session.scalars(query)).all()


async def has_assignment(act: Act, call_id: UUID, *, drafts: bool) -> bool:
    """Tell whether a call has an assignment beyond a draft, or, with `drafts`, any at all."""
    query = select(Assignment.id).where(Assignment.call_id == call_id).limit(1)
    if not drafts:
        query = query.where(Assignment.status != Status.DRAFT)
    return await act.session.scalar(query) is not None


async def delete_drafts(act: Act, call_id: UUID) -> Sequence[UUID]:
    """Delete the draft assignments of a call, and return their ids."""
    drafts = and_(Assignment.call_id == call_id, Assignment.status == Status.DRAFT)
    statement = delete(Assignment).where(drafts).returning(Assignment.id)
    return (await act.session.scalars(statement, execution_options={"synchronize_session": False})).all()


async def change_all(act: Act, call_id: UUID, status: Status, values: Mapping[str, Any]) -> Sequence[UUID]:
    """Give every assignment of a call that is in `status` at this moment the same `values`; return their ids."""
    statement = (
        update(Assignment)
        .where(Assignment.call_id == call_id, has_status(status, act.now))
        .values(version=Assignment.version + 1, updated_at=act.now, **values)
        .returning(Assignment.id)
    )
    return (await act.session.scalars(statement, execution_options={"synchronize_session": False})).all()


async def list_positions(act: Act, call_id: UUID) -> Sequence[Row[Any]]:
    """Return the positions of a call, in the order in which they were added."""
    query = select(*POSITION_COLUMNS).where(Position.call_id == call_id).order_by(Position.id)
    return (await act.session.execute(query)).all()


async def find_position(act: Act, call_id: UUID, position_id: UUID) -> Position | None:
    """Return a position of this call, to change it."""
    query = select(Position).where(Position.id == position_id, Position.call_id == call_id)
    return (await act.session.scalars(query)).one_or_none()


async def find_position_id(act: Act, call_id: UUID, job: str) -> UUID | None:
    """Return the position of a call for a job."""
    query = select(Position.id).where(Position.call_id == call_id, Position.job == job)
    return (await act.session.scalars(query)).one_or_none()


async def has_live_assignment(act: Act, position_id: UUID) -> bool:
    """Tell whether somebody still stands on a position."""
    query = select(Assignment.id).where(Assignment.position_id == position_id, is_live(act.now)).limit(1)
    return await act.session.scalar(query) is not None


async def leave_position(act: Act, position_id: UUID) -> None:
    """Detach the assignments that no longer stand from a position that goes."""
    statement = update(Assignment).where(Assignment.position_id == position_id)
    await act.session.execute(
        statement.values(position_id=None, version=Assignment.version + 1, updated_at=act.now),
        execution_options={"synchronize_session": False},
    )


def of_person(call_id: UUID, person_id: UUID, job: str) -> ColumnElement[bool]:
    """Return the condition that an assignment is this person's on this call, in this job."""
    return and_(Assignment.call_id == call_id, Assignment.person_id == person_id, Assignment.job == job)


async def expire_past_options(act: Act, which: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """Store what time has already decided of these assignments: options past their expiry are expired."""
    past = and_(which, Assignment.status == Status.OPTION, Assignment.expires_at <= act.now)
    if not await hold_calls_of(act, past):
        return []
    statement = (
        update(Assignment)
        .where(past)
        .values(status=Status.EXPIRED, version=Assignment.version + 1, updated_at=act.now)
        .returning(Assignment.id, Assignment.call_id, Assignment.job, Assignment.rank, Assignment.expires_at)
    )
    return (await act.session.execute(statement, execution_options={"synchronize_session": False})).all()


def _assignments(act: Act) -> Select[Any]:
    aside = (*declarations.columns(act), *askings.columns(act))
    contested, settled = ledger.is_contested(act).label("contested"), _is_settled(act).label("settled")
    return select(*_ASSIGNMENT_COLUMNS, contested, settled, *aside)


async def is_settled(act: Act, assignment: Assignment) -> bool:
    """Tell whether what fell does not stand again: the call is cancelled, or a second choice has moved up since."""
    if assignment.status not in _FELL:
        return False
    return bool(await act.session.scalar(select(_is_settled(act)).where(Assignment.id == assignment.id)))


def _is_settled(act: Act) -> ColumnElement[bool]:
    call, other = aliased(Call), aliased(Assignment)
    ends: ColumnElement[bool] = (
        exists().where(call.id == Assignment.call_id, call.status == CallStatus.CANCELLED).correlate(Assignment)
    )
    if follows_options(act):
        moved_up = exists().where(
            other.call_id == Assignment.call_id, other.job == Assignment.job, other.status.in_(_STANDS),
            Asking.assignment_id == other.id, Asking.promoted_at >= Assignment.acted_at,
        ).correlate(Assignment)  # fmt: skip
        ends = or_(ends, moved_up)
    return and_(Assignment.status.in_(_FELL), ends)


async def list_assignments(act: Act, wanted: AssignmentsFilter, page: PageRequest) -> Sequence[Row[Any]]:
    """Return one page of assignments and a row more, in the order in which they were made."""
    query = _assignments(act)
    if wanted.period != Period(None, None):
        query = query.join(Call, Call.id == Assignment.call_id).where(touches(wanted.period))
    if wanted.call_id is not None:
        query = query.where(Assignment.call_id == wanted.call_id)
    if wanted.person_id is not None:
        query = query.where(Assignment.person_id == wanted.person_id)
    if wanted.status is not None:
        query = query.where(has_status(wanted.status, act.now))
    return (await act.session.execute(keyset(query, page, (Assignment.id,), (UUID,)))).all()


async def find_assignment(act: Act, assignment_id: UUID) -> Row[Any] | None:
    """Return one assignment as columns, with `contested`."""
    return (await act.session.execute(_assignments(act).where(Assignment.id == assignment_id))).one_or_none()


async def read_assignments(act: Act, assignment_ids: Collection[UUID]) -> Sequence[Row[Any]]:
    """Return these assignments as columns, in the order in which they were made."""
    query = _assignments(act).where(Assignment.id.in_(assignment_ids)).order_by(Assignment.id)
    return (await act.session.execute(query)).all()


async def hold_calls_of(act: Act, which: ColumnElement[bool]) -> bool:
    """Hold the calls of these assignments, in the order of their ids; return whether there is one.

    Whoever acts on assignments holds their calls first, alone: an act that makes second choices move up locks other
    assignments of its calls than it named, and two such acts would meet in a circle.
    """
    its_calls = select(Assignment.call_id).where(which)
    held = select(Call.id).where(Call.id.in_(its_calls)).order_by(Call.id).with_for_update(key_share=True)
    return bool((await act.session.scalars(held)).all())


async def lock_assignments(act: Act, assignment_ids: Collection[UUID]) -> Sequence[Row[Any]]:
    """Return assignments to act on, with their calls' times, which do not move meanwhile: two statements for all.

    With what names them: `title`, `first_name`, `last_name`, and the venue's `timezone`.
    """
    await hold_calls_of(act, Assignment.id.in_(assignment_ids))
    names = (Call.title, Person.first_name, Person.last_name, Venue.timezone)
    query = (
        select(*_ASSIGNMENT_COLUMNS, Call.starts_at, Call.ends_at, Call.published_version, *names)
        .join(Call, Call.id == Assignment.call_id)
        .join(Person, Person.id == Assignment.person_id)
        .outerjoin(Venue, Venue.id == Call.venue_id)
        .where(Assignment.id.in_(assignment_ids))
        .order_by(Assignment.id)
        .with_for_update(of=Assignment)
    )
    return (await act.session.execute(query)).all()


async def store_acts(act: Act, rows: Sequence[Mapping[str, Any]]) -> None:
    """Give each assignment, named by `assignment_id`, the other values of its row: all of them in one statement."""
    if not rows:
        return
    table = Assignment.__table__
    values: dict[str, Any] = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in rows[0]
                              if name != "assignment_id"}  # fmt: skip
    statement = update(Assignment).where(table.c.id == bindparam("assignment_id"))
    connection = await act.session.connection()
    named = [{name if name == "assignment_id" else f"new_{name}": value for name, value in row.items()} for row in rows]
    await connection.execute(statement.values(version=table.c.version + 1, **values), named)


async def person_numbers(act: Act, person_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the ledger's numbers of people, which no linking changes until this act is stored."""
    query = select(Person.id, Person.number).where(Person.id.in_(person_ids)).order_by(Person.id)
    return {row.id: row.number for row in await act.session.execute(query.with_for_update(read=True))}


async def lock_assignment(act: Act, assignment_id: UUID) -> tuple[Assignment, Call] | None:
    """Return an assignment to act on, and its call, which does not move meanwhile."""
    its_call = select(Assignment.call_id).where(Assignment.id == assignment_id).scalar_subquery()
    call_query = (
        select(Call)
        .where(Call.id == its_call)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    call = (await act.session.scalars(call_query)).one_or_none()
    if call is None:
        return None
    found = await act.session.get(Assignment, assignment_id, with_for_update=True, populate_existing=True)
    return None if found is None else (found, call)


async def lock_people(act: Act, people: ColumnElement[bool]) -> None:
    """Let one act at a time judge these people, in the order of their ids; what only refers to them does not wait."""
    query = select(Person.id).where(people).order_by(Person.id).with_for_update(key_share=True, of=Person)
    await act.session.execute(query)


async def person_number(act: Act, person_id: UUID) -> int:
    """Return the ledger's number of a person, which no linking changes until this act is stored."""
    query = select(Person.number).where(Person.id == person_id).with_for_update(read=True)
    return (await act.session.scalars(query)).one()


def is_live(now: datetime) -> ColumnElement[bool]:
    """Return the condition that an assignment still stands at `now`."""
    stands = or_(Assignment.status != Status.OPTION, Assignment.expires_at.is_(None), Assignment.expires_at > now)
    return and_(Assignment.status.in_(sorted(LIVE)), stands)
