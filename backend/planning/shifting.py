"""A block of dates that moves: all its calls, with their confirmed people, or none of them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select, update

from backend.audit.service import record
from backend.availability.domain.clocks import Span
from backend.planning import findings, gate, ledger
from backend.planning.copy_schemas import ShiftedCall, ShiftIn, ShiftOut
from backend.planning.domain.moving import Moved, OutOfCalendarError, by_days, by_minutes
from backend.planning.domain.proposal import NewTimes, Proposal
from backend.planning.domain.states import Status
from backend.planning.gate import Brought
from backend.planning.models import Assignment, Call, CallStatus
from backend.planning.selecting import out_of_calendar, selected_calls, stored_times, times_of, zone_of
from backend.tenancy.acting import Act


async def shift_calls(act: Act, body: ShiftIn, brought: Brought) -> ShiftOut:
    """Move calls by days or minutes. Raises InvalidError, what the ledger raises for a move, and what the gate does.

    Drafts move whatever the law says; published calls pass the gate together, as one that moves alone does.
    """
    calls = await selected_calls(act, body.source)
    try:
        moved = {row.id: _moved(act, row, body) for row in calls}
    except OutOfCalendarError as error:
        raise out_of_calendar("days" if body.days else "minutes", error) from error
    judged = [row for row in calls if row.status is CallStatus.PUBLISHED]
    on_judged = Assignment.call_id.in_([row.id for row in judged])
    if judged:
        await gate.hold_people(act, gate.confirmed_on(on_judged))
    await _store(act, moved)
    await _take_people_along(act, moved)
    if judged:
        await gate.let_pass(act, on_judged, _times(judged, moved), brought, _back(judged))
    for row in calls:
        old = {name: getattr(row, name) for name in ("starts_at", "ends_at", "breaks")}
        record(act, "call.changed", row.id, old, stored_times(moved[row.id]))
    await act.session.flush()
    return ShiftOut(
        calls=[
            ShiftedCall(
                call_id=row.id, title=row.title, starts_at=moved[row.id].times.starts_at,
                ends_at=moved[row.id].times.ends_at, duration_minutes=moved[row.id].minutes,
                clock_change=moved[row.id].clock_change, version=row.version + 1,
            )
            for row in calls
        ]
    )  # fmt: skip


def _moved(act: Act, row: Row[Any], body: ShiftIn) -> Moved:
    if body.minutes:
        return by_minutes(times_of(row), body.minutes)
    return by_days(times_of(row), body.days or 0, zone_of(act, row))


async def _store(act: Act, moved: Mapping[UUID, Moved]) -> None:
    table = Call.__table__
    names = ("starts_at", "ends_at", "breaks", "updated_at")
    rows = [{"call_id": call_id, **stored_times(each), "updated_at": act.now} for call_id, each in moved.items()]
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    statement = update(Call).where(table.c.id == bindparam("call_id"))
    connection = await act.session.connection()
    await connection.execute(statement.values(version=table.c.version + 1, **values), rows)


async def _take_people_along(act: Act, moved: Mapping[UUID, Moved]) -> None:
    query = select(Assignment.id, Assignment.call_id).where(
        Assignment.call_id.in_(moved), Assignment.status == Status.CONFIRMED
    )
    times = {each.id: moved[each.call_id].times for each in await act.session.execute(query)}
    await ledger.move_all(act, {key: Span(each.starts_at, each.ends_at) for key, each in times.items()})


def _times(judged: Sequence[Row[Any]], moved: Mapping[UUID, Moved]) -> list[Any]:
    new = [moved[row.id].times for row in judged]
    return [*((row.starts_at, row.ends_at) for row in judged), *((each.starts_at, each.ends_at) for each in new)]


def _back(judged: Sequence[Row[Any]]) -> Proposal:
    """Return what turns the planning back into what it was, so that only what has become worse is asked about."""
    old = {
        str(row.id): NewTimes(row.starts_at, row.ends_at, findings.pauses_of(row.breaks), row.unplaced_break_minutes)
        for row in judged
    }
    return Proposal(old, {}, frozenset())
