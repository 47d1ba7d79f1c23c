"""Acts on the positions of a call: what it needs, job by job. Removes nothing on which somebody still stands."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm.attributes import flag_modified

from backend.audit.service import changes, record
from backend.core.errors import AppError
from backend.core.ids import new_id
from backend.core.pagination import Page
from backend.core.preconditions import check_version
from backend.core.resources import sent
from backend.people import requirements
from backend.people.requirements import NOTHING, Required
from backend.planning import filling, refusals, repository
from backend.planning.models import CallStatus, Position, PositionRequirement
from backend.planning.schemas import PositionChange, PositionIn, PositionOut
from backend.tenancy.acting import Act
from backend.tenancy.rows import apply_changes, duplicate, in_use, refusing, values_of

FIELDS = ("call_id", "job", "headcount")
_OWNER = PositionRequirement.position_id


async def list_positions(act: Act, call_id: UUID) -> Page[PositionOut]:
    """Return the positions of a call, all of them: one for each job at most. Raises NotFoundError."""
    if await repository.find_call(act, call_id) is None:
        raise refusals.missing(refusals.NO_CALL)
    rows = await repository.list_positions(act, call_id)
    required = await requirements.read(act, _OWNER, [row.id for row in rows])
    return Page[PositionOut](items=[_shown(row, required.get(row.id, NOTHING)) for row in rows])


async def read_position(act: Act, call_id: UUID, position_id: UUID) -> PositionOut:
    """Return one position of a call. Raises NotFoundError."""
    position = await repository.find_position(act, call_id, position_id)
    if position is None:
        raise refusals.missing(refusals.NO_POSITION)
    return _shown(position, await requirements.read_one(act, _OWNER, position_id))


async def create_position(act: Act, call_id: UUID, body: PositionIn) -> PositionOut:
    """Add what the call needs, as many as are confirmed at least.

    Raises InvalidError (unknown names), ConflictError `duplicate`, `state_conflict`, `headcount_too_low`.
    """
    await _check_call(act, call_id)
    await _check_job(act, body.job)
    required = await requirements.wanted(act, body.model_dump())
    await filling.check_headcount(act, (call_id, body.job), body.headcount)
    position = Position(id=new_id(), call_id=call_id, job=body.job, headcount=body.headcount)
    async with refusing(act.session, _refusals()):
        act.session.add(position)
    await requirements.replace(act, _OWNER, position.id, NOTHING, required)
    record(act, "position.created", position.id, after=values_of(position, FIELDS) | required.values())
    return _shown(position, required)


async def change_position(
    act: Act, call_id: UUID, position_id: UUID, body: PositionChange, expected: int
) -> PositionOut:
    """Change a headcount, what is asked for, or the job while nobody stands on it.

    Raises ConflictError (`headcount_too_low`: not below those confirmed), InvalidError, StaleError.
    """
    position = await _found(act, call_id, position_id, expected)
    had = await requirements.read_one(act, _OWNER, position_id)
    required = await requirements.wanted(act, sent(body), had)
    before = values_of(position, FIELDS) | had.values()
    values = {name: value for name, value in sent(body).items() if name not in requirements.FIELDS}
    if values.get("job", position.job) != position.job:
        await _check_job(act, values["job"])
        await _check_free(act, position_id)
        await repository.leave_position(act, position_id)
    place, headcount = (call_id, values.get("job", position.job)), values.get("headcount", position.headcount)
    if place[1] != position.job or headcount < position.headcount:
        await filling.check_headcount(act, place, headcount)
    async with refusing(act.session, _refusals()):
        if not (changed := apply_changes(position, values)) and required != had:
            changed = True
            flag_modified(position, "headcount")  # the version grows with what is asked for, too
    await requirements.replace(act, _OWNER, position_id, had, required)
    if changed:
        record(act, "position.changed", position_id, *changes(before, values_of(position, FIELDS) | required.values()))
    return _shown(position, required)


async def delete_position(act: Act, call_id: UUID, position_id: UUID, expected: int) -> None:
    """Delete a position on which nobody stands any more. Raises ConflictError `in_use`, StaleError."""
    position = await _found(act, call_id, position_id, expected)
    await _check_free(act, position_id)
    await repository.leave_position(act, position_id)
    before = values_of(position, FIELDS) | (await requirements.read_one(act, _OWNER, position_id)).values()
    async with refusing(act.session, {"fk_": in_use(refusals.POSITION_IN_USE)}):
        await act.session.delete(position)
    record(act, "position.deleted", position_id, before=before)


async def _found(act: Act, call_id: UUID, position_id: UUID, expected: int) -> Position:
    await _check_call(act, call_id)
    position = await repository.find_position(act, call_id, position_id)
    if position is None:
        raise refusals.missing(refusals.NO_POSITION)
    check_version(position.version, expected)
    return position


async def _check_call(act: Act, call_id: UUID) -> None:
    """Lock the call: its positions and who stands on them do not change meanwhile."""
    call = await repository.lock_call(act, call_id)
    if call is None:
        raise refusals.missing(refusals.NO_CALL)
    if call.status is CallStatus.CANCELLED:
        raise refusals.call_cancelled()


async def _check_job(act: Act, code: str) -> None:
    if not await repository.job_exists(act, code):
        raise refusals.unknown_in_body("job")


async def _check_free(act: Act, position_id: UUID) -> None:
    if await repository.has_live_assignment(act, position_id):
        raise in_use(refusals.POSITION_IN_USE)


def _shown(row: Any, required: Required) -> PositionOut:  # noqa: ANN401 - a row or a position
    own = {name: getattr(row, name) for name in ("id", *FIELDS, "version")}
    return PositionOut.model_validate(own | required.values())


def _refusals() -> dict[str, AppError]:
    return {
        "uq_position_call_id": duplicate("job", refusals.SAME_POSITION),
        "fk_": refusals.unknown_in_body("job"),
    }
