"""A call like another one at another time: what it needs, and on demand the people on it, as drafts."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend.audit.service import record
from backend.core.ids import new_id
from backend.people import requirements
from backend.planning import calls, refusals, repository
from backend.planning.domain.states import Status
from backend.planning.models import Assignment, CallStatus, Position, PositionRequirement
from backend.planning.schemas import CallIn, CallOut
from backend.tenancy.acting import Act
from backend.tenancy.rows import values_of

_KEPT = ("production_id", "venue_id", "kind", "title", "on_tour", "unplaced_break_minutes")


async def copy_call(act: Act, call_id: UUID, times: Mapping[str, Any], *, with_people: bool = False) -> CallOut:
    """Add a draft like a call, at other times (starts_at, ends_at, breaks; other fields too where they are given).

    Raises NotFoundError, ConflictError for a cancelled call, InvalidError as creating does. The number of statements
    does not depend on how many positions and people there are.
    """
    known = await calls.read_call(act, call_id)
    if known.status is CallStatus.CANCELLED:
        raise refusals.call_cancelled()
    copy = await calls.create_call(
        act, CallIn.model_validate({name: getattr(known, name) for name in _KEPT} | dict(times))
    )
    places = await _copy_positions(act, call_id, copy.id)
    if with_people:
        await _copy_people(act, call_id, copy.id, places)
    await act.session.flush()
    return copy


async def _copy_positions(act: Act, call_id: UUID, copy_id: UUID) -> dict[UUID | None, UUID | None]:
    rows = await repository.list_positions(act, call_id)
    required = await requirements.read(act, PositionRequirement.position_id, [row.id for row in rows])
    places: dict[UUID | None, UUID | None] = {}
    for row in rows:
        copy = Position(id=new_id(), call_id=copy_id, job=row.job, headcount=row.headcount)
        places[row.id] = copy.id
        act.session.add(copy)
        record(act, "position.created", copy.id, after=values_of(copy, ("call_id", "job", "headcount")))
    await act.session.flush()
    blank: dict[str, Any] = {"skill": None, "permit": None}
    for position_id, asked in required.items():
        wanted = [{"skill": code} for code in asked.required_skills] + [{"permit": k} for k in asked.required_permits]
        act.session.add_all(
            PositionRequirement(id=new_id(), position_id=places[position_id], **blank | one) for one in wanted
        )
    return places


async def _copy_people(act: Act, call_id: UUID, copy_id: UUID, places: Mapping[UUID | None, UUID | None]) -> None:
    columns = (Assignment.person_id, Assignment.position_id, Assignment.job, Assignment.pay_unit, Assignment.cachets)
    query = select(*columns).where(Assignment.call_id == call_id, repository.is_live(act.now))
    for row in (await act.session.execute(query)).all():
        draft = Assignment(
            id=new_id(), call_id=copy_id, position_id=places.get(row.position_id), person_id=row.person_id,
            job=row.job, pay_unit=row.pay_unit, cachets=row.cachets, status=Status.DRAFT, created_at=act.now,
            updated_at=act.now, acted_at=act.now,
        )  # fmt: skip
        act.session.add(draft)
        record(act, "assignment.created", draft.id, after={"call_id": copy_id, "person_id": row.person_id})
