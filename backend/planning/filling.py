"""How many people a position still takes: nobody is confirmed beyond its headcount, also by two planners at once."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select

from backend.planning import refusals
from backend.planning.domain.options import Place
from backend.planning.domain.states import Status
from backend.planning.models import Assignment, Position
from backend.tenancy.acting import Act


@dataclass(slots=True)
class Filled:
    """A position, and how many people are confirmed on it."""

    headcount: int
    confirmed: int


async def hold_positions(act: Act, places: Collection[Place]) -> dict[Place, Filled]:
    """Return how full the positions of these calls and jobs are; nobody else fills them until this act is stored.

    Two statements, however many they are: the count sees whoever was confirmed while this act waited.
    """
    calls, jobs = {call for call, _ in places}, {job for _, job in places}
    query = (
        select(Position.call_id, Position.job, Position.headcount)
        .where(Position.call_id.in_(calls), Position.job.in_(jobs))
        .order_by(Position.id)
        .with_for_update()
    )
    found = {
        (row.call_id, row.job): Filled(row.headcount, 0)
        for row in await act.session.execute(query)
        if (row.call_id, row.job) in places
    }
    if found:
        counted = (
            select(Assignment.call_id, Assignment.job, func.count().label("confirmed"))
            .where(Assignment.call_id.in_(calls), Assignment.job.in_(jobs), Assignment.status == Status.CONFIRMED)
            .group_by(Assignment.call_id, Assignment.job)
        )
        for row in await act.session.execute(counted):
            if (row.call_id, row.job) in found:
                found[row.call_id, row.job].confirmed = row.confirmed
    return found


async def check_headcount(act: Act, place: Place, headcount: int) -> None:
    """Refuse (ConflictError `headcount_too_low`) a position of fewer people than are confirmed on its call and job.

    The call is locked already: nobody is confirmed on it meanwhile.
    """
    call_id, job = place
    query = select(func.count()).where(
        Assignment.call_id == call_id, Assignment.job == job, Assignment.status == Status.CONFIRMED
    )
    confirmed = await act.session.scalar(query) or 0
    if headcount < confirmed:
        raise refusals.headcount_too_low(confirmed, headcount)


async def check_place(act: Act, place: Place) -> None:
    """Refuse (ConflictError `position_filled`) one person more than the position of this call and job wants."""
    filled = (await hold_positions(act, {place})).get(place)
    if filled is not None and filled.confirmed >= filled.headcount:
        raise refusals.position_filled(filled.confirmed, filled.headcount)
