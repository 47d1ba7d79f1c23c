"""Planning by copy: calls at other dates in one act, with positions, and with people as drafts; all or nothing.

A copy is a draft, and remembers from which call it was made: the same week copied twice to the same days is refused
until that is said to be meant. The number of statements does not grow with the calls.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, or_, select

from backend.audit.service import record
from backend.core.errors import ConflictError, InvalidError, Sentence
from backend.core.ids import new_id
from backend.identity.expansion import has_conflicts, has_templates, need_templates
from backend.planning import calls, refusals, repository
from backend.planning.calls import FIELDS
from backend.planning.copy_schemas import CopiedCall, CopyIn, CopyOut
from backend.planning.domain.moving import Moved, OutOfCalendarError, by_days
from backend.planning.domain.publication import instant_text
from backend.planning.domain.states import LIVE, Status
from backend.planning.models import Assignment, Call, CallCopy, CallStatus, Position, PositionRequirement
from backend.planning.schemas import CallIn, CallOut
from backend.planning.selecting import days_between, out_of_calendar, selected_calls, stored_times, times_of, zone_of
from backend.tenancy.acting import Act

SHOWN = 50
ALREADY_COPIED = Sentence(
    "Ces convocations ont déjà été copiées à ces dates (voyez « conflicts ») : envoyez « again » : true pour en faire "
    "une seconde copie.",
    'These calls were copied to these dates before (see `conflicts`): send "again": true to make a second copy.',
)
_OF_CALL = ("production_id", "venue_id", "kind", "title", "on_tour", "unplaced_break_minutes")
_OF_ASSIGNMENT = ("person_id", "job", "pay_unit", "cachets")
_Rows = list[dict[str, Any]]


async def copy_calls(act: Act, body: CopyIn) -> CopyOut:
    """Copy calls. Raises InvalidError (nothing to copy, too many), ConflictError `already_copied`."""
    need_templates(act)
    sources = await selected_calls(act, body.source)
    days = days_between(act, body.source, sources, body.to)
    if days == 0 and not body.again:
        raise _onto_itself()
    try:
        moved = {row.id: by_days(times_of(row), days, zone_of(act, row)) for row in sources}
    except OutOfCalendarError as error:
        raise out_of_calendar("to", error) from error
    if not body.again:
        await _refuse_second(act, moved)
    made = {row.id: new_id() for row in sources}
    position_of, positions, required = await _positions(act, made)
    assignments = await _assignments(act, made, position_of) if body.people == "draft" else []
    if not body.dry_run:
        await _store(act, Call, [_call(act, row, made[row.id], moved[row.id]) for row in sources])
        await _store(act, CallCopy, [{"call_id": new, "copied_from": old} for old, new in made.items()])
        await _store(act, Position, positions)
        await _store(act, PositionRequirement, required)
        await _store(act, Assignment, assignments)
        _record(act, sources, made, moved, assignments)
        await act.session.flush()
    copies = [
        CopiedCall(
            copied_from=row.id, call_id=None if body.dry_run else made[row.id], title=row.title,
            starts_at=moved[row.id].times.starts_at, ends_at=moved[row.id].times.ends_at,
            duration_minutes=moved[row.id].minutes, clock_change=moved[row.id].clock_change,
        )
        for row in sources
    ]  # fmt: skip
    return CopyOut(
        dry_run=body.dry_run, days=days, calls=copies, positions=len(positions), assignments=len(assignments)
    )


async def copy_call(act: Act, call_id: UUID, times: Mapping[str, Any], *, with_people: bool = False) -> CallOut:
    """Add a draft like one call, at other times (starts_at, ends_at, breaks; other fields too where they are given).

    Raises NotFoundError, ConflictError for a cancelled call, InvalidError as creating does.
    """
    known = await calls.read_call(act, call_id)
    if known.status is CallStatus.CANCELLED:
        raise refusals.call_cancelled()
    wanted = {name: getattr(known, name) for name in _OF_CALL} | dict(times)
    copy = await calls.create_call(act, CallIn.model_validate(wanted))
    made = {call_id: copy.id}
    position_of, positions, required = await _positions(act, made)
    assignments = await _assignments(act, made, position_of) if with_people else []
    if has_templates(act):
        await _store(act, CallCopy, [{"call_id": copy.id, "copied_from": call_id}])
    await _store(act, Position, positions)
    await _store(act, PositionRequirement, required)
    await _store(act, Assignment, assignments)
    _record_drafts(act, assignments)
    await act.session.flush()
    return await calls.read_call(act, copy.id)


async def _refuse_second(act: Act, moved: Mapping[UUID, Moved]) -> None:
    query = (
        select(CallCopy.copied_from, Call.id, Call.title, Call.starts_at, Call.ends_at)
        .join(Call, Call.id == CallCopy.call_id)
        .where(CallCopy.copied_from.in_(moved), Call.status != CallStatus.CANCELLED)
        .order_by(Call.starts_at, Call.id)
    )
    rows = (await act.session.execute(query)).all()
    there = [row for row in rows if row.starts_at == moved[row.copied_from].times.starts_at]
    if there:
        told = [
            {
                "copied_from": str(row.copied_from), "call_id": str(row.id), "title": row.title,
                "starts_at": instant_text(row.starts_at), "ends_at": instant_text(row.ends_at),
            }
            for row in there[:SHOWN]
        ]  # fmt: skip
        raise ConflictError("already_copied", ALREADY_COPIED, extra={"conflicts": told})


def _onto_itself() -> InvalidError:
    return InvalidError.of(
        ["body", "to"],
        "Ce sont les dates des convocations elles-mêmes, qui y seraient deux fois : choisissez d'autres dates, ou "
        "envoyez « again » : true.",
        "These are the dates of the calls themselves, which would be there twice: choose other dates, or send "
        '"again": true.',
        "distance",
    )


def _call(act: Act, row: Row[Any], call_id: UUID, moved: Moved) -> dict[str, Any]:
    own = {name: getattr(row, name) for name in FIELDS} | stored_times(moved)
    return own | {
        "id": call_id, "status": CallStatus.DRAFT, "published_version": 0, "created_at": act.now,
        "updated_at": act.now, "version": 1,
    }  # fmt: skip


async def _positions(act: Act, made: Mapping[UUID, UUID]) -> tuple[dict[UUID, UUID], _Rows, _Rows]:
    """Return the new id of each position, and the rows of the positions and of what they ask for."""
    query = select(*repository.POSITION_COLUMNS).where(Position.call_id.in_(made)).order_by(Position.id)
    found = (await act.session.execute(query)).all()
    ids = {row.id: new_id() for row in found}
    rows = [
        {"id": ids[row.id], "call_id": made[row.call_id], "job": row.job, "headcount": row.headcount, "version": 1}
        for row in found
    ]
    if not ids or not has_conflicts(act):
        return ids, rows, []
    asked = select(PositionRequirement.position_id, PositionRequirement.skill, PositionRequirement.permit).join(
        Position, Position.id == PositionRequirement.position_id
    )
    required = await act.session.execute(asked.where(Position.call_id.in_(made)))
    return ids, rows, [{"id": new_id(), "position_id": ids[p], "skill": s, "permit": t} for p, s, t in required]


async def _assignments(act: Act, made: Mapping[UUID, UUID], position_of: Mapping[UUID, UUID]) -> _Rows:
    """Return drafts for whoever stands on the calls now; what fell through or expired is not copied."""
    stands = or_(Assignment.status != Status.OPTION, Assignment.expires_at > act.now, Assignment.expires_at.is_(None))
    query = select(
        Assignment.call_id, Assignment.position_id, *(getattr(Assignment, name) for name in _OF_ASSIGNMENT)
    ).where(Assignment.call_id.in_(made), Assignment.status.in_(sorted(LIVE)), stands)
    return [
        {
            **{name: getattr(row, name) for name in _OF_ASSIGNMENT},
            "id": new_id(), "call_id": made[row.call_id], "position_id": position_of.get(row.position_id),
            "status": Status.DRAFT, "created_at": act.now, "updated_at": act.now, "acted_at": act.now, "version": 1,
        }
        for row in await act.session.execute(query.order_by(Assignment.id))
    ]  # fmt: skip


async def _store(act: Act, model: type[Any], rows: _Rows) -> None:
    if rows:
        await act.session.execute(insert(model), rows)


def _record(
    act: Act, sources: Sequence[Row[Any]], made: Mapping[UUID, UUID], moved: Mapping[UUID, Moved], assignments: _Rows
) -> None:
    for row in sources:
        own: dict[str, Any] = {name: getattr(row, name) for name in FIELDS} | stored_times(moved[row.id])
        record(act, "call.created", made[row.id], after=own | {"copied_from": row.id})
    _record_drafts(act, assignments)


def _record_drafts(act: Act, assignments: _Rows) -> None:
    for one in assignments:
        told = {name: one[name] for name in ("call_id", "position_id", "person_id", "job", "status")}
        record(act, "assignment.created", one["id"], after=told)
