"""When a first choice falls (declined, released, expired, cancelled), the second moves up to its place and is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, func, or_, select, update

from backend.audit.service import record
from backend.planning import askings, notices, repository
from backend.planning.domain.options import FIRST, SECOND, Place, Standing, move_up
from backend.planning.domain.states import Status
from backend.planning.models import Asking, Assignment, Call, CallStatus, NoticeKind, Position
from backend.planning.upgrading import follows_options
from backend.tenancy.acting import Act

_ASKED = (Status.OPTION, Status.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Fallen:
    """Somebody who stands on a call in a job no more, and which choice they were (None: confirmed without an offer).

    `at` is when the clock made them fall; None: whoever acts does so now.
    """

    call_id: UUID
    job: str
    rank: int | None
    at: datetime | None = None


async def expire(act: Act, which: ColumnElement[bool]) -> Sequence[UUID]:
    """Store what time has already decided of these assignments, and let the second choices move up."""
    rows = await repository.expire_past_options(act, which)
    for row in rows:
        after = {"status": Status.EXPIRED}
        record(act, "assignment.expired", row.id, before={"status": Status.OPTION}, after=after)
    await after_fall(act, [Fallen(row.call_id, row.job, row.rank, row.expires_at) for row in rows])
    return [row.id for row in rows]


async def after_fall(act: Act, fallen: Sequence[Fallen]) -> None:
    """Let one second choice move up for each first who fell, as far as the position wants; a few statements for all."""
    firsts = [one for one in fallen if one.rank != SECOND]
    places: list[Place] = [(one.call_id, one.job) for one in firsts]
    if not places:
        return
    await act.session.flush()
    seconds = await _lock_seconds(act, set(places))
    if not seconds:
        return
    standing = await _count_standing(act, set(places))
    moved = set(move_up(places, [(row.id, (row.call_id, row.job)) for row in seconds], standing))
    rows = [row for row in seconds if row.id in moved]
    await _move(act, rows, _causes(firsts, rows))


async def moved_up_since(act: Act, assignment: Assignment) -> bool:
    """Tell whether somebody has moved up on the same place since this assignment fell, and still stands there."""
    if not follows_options(act):
        return False
    query = (
        select(Asking.assignment_id)
        .join(Assignment, Assignment.id == Asking.assignment_id)
        .where(
            Assignment.call_id == assignment.call_id,
            Assignment.job == assignment.job,
            Assignment.status.in_((*_ASKED, Status.CONFIRMED)),
            Asking.promoted_at >= assignment.acted_at,
        )
        .limit(1)
    )
    return await act.session.scalar(query) is not None


async def _lock_seconds(act: Act, places: set[Place]) -> list[Row[Any]]:
    """Whoever has said yes first, then in the order in which they were assigned."""
    on_them = and_(Assignment.call_id.in_({call for call, _ in places}), Assignment.job.in_({job for _, job in places}))
    query = (
        select(Assignment.id, Assignment.call_id, Assignment.job, Assignment.person_id, Call.starts_at,
               (Call.published_version > 0).label("is_published"))
        .join(Call, Call.id == Assignment.call_id)
        .where(on_them, Assignment.rank == SECOND, _asked(act), Call.status != CallStatus.CANCELLED)
        .order_by(case((Assignment.status == Status.ACCEPTED, 0), else_=1), Assignment.id)
        .with_for_update(of=Assignment)
    )  # fmt: skip
    return [row for row in await act.session.execute(query) if (row.call_id, row.job) in places]


async def _count_standing(act: Act, places: set[Place]) -> dict[Place, Standing]:
    """Counted after the seconds are held: whoever fell or moved up while this act waited is seen."""
    calls, jobs = {call for call, _ in places}, {job for _, job in places}
    stands = or_(Assignment.status == Status.CONFIRMED, and_(_asked(act), Assignment.rank == FIRST))
    query = (
        select(Position.call_id, Position.job, Position.headcount, func.count(Assignment.id).label("standing"))
        .outerjoin(Assignment, and_(Assignment.call_id == Position.call_id, Assignment.job == Position.job, stands))
        .where(Position.call_id.in_(calls), Position.job.in_(jobs))
        .group_by(Position.id)
    )
    rows = await act.session.execute(query)
    return {(row.call_id, row.job): Standing(row.headcount, row.standing) for row in rows}


def _causes(firsts: Sequence[Fallen], rows: Sequence[Row[Any]]) -> dict[UUID, datetime]:
    """Return when the clock made a place free for each who moves up: of several on one place, the first who fell."""
    freed: dict[Place, list[datetime]] = {}
    for one in firsts:
        if one.at is not None:
            freed.setdefault((one.call_id, one.job), []).append(one.at)
    instants = {place: iter(sorted(found)) for place, found in freed.items()}
    causes = {row.id: next(instants.get((row.call_id, row.job), iter(())), None) for row in rows}
    return {one: at for one, at in causes.items() if at is not None}


async def _move(act: Act, rows: Sequence[Row[Any]], causes: Mapping[UUID, datetime]) -> None:
    if not rows:
        return
    ids = [row.id for row in rows]
    statement = update(Assignment).where(Assignment.id.in_(ids))
    await act.session.execute(
        statement.values(rank=FIRST, version=Assignment.version + 1, updated_at=act.now),
        execution_options={"synchronize_session": False},
    )
    await askings.move_up(act, ids)
    for row in rows:
        record(act, "assignment.promoted", row.id, before={"rank": SECOND}, after={"rank": FIRST})
    notices.note(
        act,
        NoticeKind.PROMOTED,
        [notices.Concerned(row.id, row.call_id, row.person_id, row.starts_at, row.is_published) for row in rows],
        causes=causes,
    )


def _asked(act: Act) -> ColumnElement[bool]:
    return or_(Assignment.status == Status.ACCEPTED, repository.has_status(Status.OPTION, act.now))
