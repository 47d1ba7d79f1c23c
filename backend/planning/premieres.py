"""A premiere on another day: the law allows more shortly before it, so the published calls pass the gate anew."""

from uuid import UUID

from sqlalchemy import select

from backend.core.resources import sent
from backend.planning import findings, gate
from backend.planning.domain.proposal import NewTimes, Proposal
from backend.planning.gate import BRINGING_NOTHING, Brought
from backend.planning.models import Assignment, Call, CallStatus
from backend.productions import service as productions
from backend.productions.schemas import ProductionChange, ProductionOut
from backend.tenancy.acting import Act


async def change_production(
    act: Act, production_id: UUID, body: ProductionChange, expected: int, brought: Brought = BRINGING_NOTHING
) -> ProductionOut:
    """Change a production. Raises as `productions.change_production`, and what the gate raises."""
    if "premiere_date" not in sent(body):
        return await productions.change_production(act, production_id, body, expected)
    before = (await productions.read_production(act, production_id)).premiere_date
    query = select(Call.id, Call.starts_at, Call.ends_at, Call.breaks, Call.unplaced_break_minutes).where(
        Call.production_id == production_id, Call.status == CallStatus.PUBLISHED
    )
    # Held as publishing holds them: calls, then people.
    calls = (await act.session.execute(query.order_by(Call.id).with_for_update())).all()
    on_them = Assignment.call_id.in_([call.id for call in calls])
    if calls:
        await gate.hold_people(act, gate.confirmed_on(on_them))
    changed = await productions.change_production(act, production_id, body, expected)
    if calls and changed.premiere_date != before:
        await act.session.flush()
        times = [(call.starts_at, call.ends_at) for call in calls]
        stood = {
            str(call.id): NewTimes(
                call.starts_at, call.ends_at, findings.pauses_of(call.breaks), call.unplaced_break_minutes,
                {"premiere": before},
            )
            for call in calls
        }  # fmt: skip
        await gate.let_pass(act, on_them, times, brought, Proposal(stood, {}, frozenset()))
    return changed
