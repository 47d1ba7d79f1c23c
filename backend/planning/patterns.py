"""A production begun from a pattern: the production, its calls as drafts and what each needs, in a few statements."""

from datetime import date, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field

from backend.audit.service import record
from backend.core.ids import new_id
from backend.core.schemas import Body, Day
from backend.people import service as people
from backend.planning import calls, positions
from backend.planning.domain.patterns import PATTERNS, PatternCall
from backend.planning.models import Call, CallKind, CallStatus, Position
from backend.productions import service as productions
from backend.productions.models import ProductionKind
from backend.productions.schemas import ProductionIn, ProductionOut, Title
from backend.tenancy.acting import Act
from backend.tenancy.rows import refusing, values_of


class PatternIn(Body):
    """What a production from a pattern needs: which one, its title, and the day of its first call."""

    pattern: Annotated[Literal["creation", "revival", "tour"], Field(examples=["creation"])]
    title: Title
    first_day: Day


async def begin(act: Act, body: PatternIn, language: str) -> ProductionOut:
    """Add the production with its draft calls; a job that the company has not kept is left out of what they need."""
    pattern, zone = PATTERNS[body.pattern], ZoneInfo(act.company.timezone)
    production = await productions.create_production(
        act,
        ProductionIn(
            title=body.title,
            kind=ProductionKind(pattern.production_kind),
            premiere_date=body.first_day + timedelta(days=pattern.premiere),
        ),
    )
    jobs = await people.known_jobs(act)
    made = [_call(act, production.id, one, body.first_day, zone, language, on_tour=pattern.on_tour)
            for one in pattern.calls]  # fmt: skip
    for call in made:
        calls.check_times(values_of(call, calls.TIMES), act.company.timezone)
    needed = [
        Position(id=new_id(), call_id=call.id, job=job, headcount=count)
        for call, one in zip(made, pattern.calls, strict=True)
        for job, count in one.needs.items()
        if job in jobs
    ]
    async with refusing(act.session, {}):
        act.session.add_all(made)
        await act.session.flush()
        act.session.add_all(needed)
    _record(act, made, needed)
    return production


def _call(
    act: Act, production_id: UUID, one: PatternCall, first_day: date, zone: ZoneInfo, language: str, *, on_tour: bool
) -> Call:  # fmt: skip
    starts_at, ends_at = one.times(first_day, zone)
    values: dict[str, Any] = {
        "production_id": production_id, "venue_id": None, "kind": CallKind(one.kind),
        "title": one.title.in_language(language), "starts_at": starts_at, "ends_at": ends_at, "on_tour": on_tour,
        "breaks": [], "unplaced_break_minutes": one.break_minutes,
    }  # fmt: skip
    return Call(
        id=new_id(), status=CallStatus.DRAFT, published_version=0, created_at=act.now, updated_at=act.now,
        **calls.stored(values),
    )  # fmt: skip


def _record(act: Act, made: list[Call], needed: list[Position]) -> None:
    for call in made:
        record(act, "call.created", call.id, after=values_of(call, calls.FIELDS))
    for position in needed:
        record(act, "position.created", position.id, after=values_of(position, positions.FIELDS))
