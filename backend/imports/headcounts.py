"""Nobody comes in confirmed beyond a headcount; what stood so before, and is made no worse, may stay."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from backend.imports.domain.columns import ASSIGNMENTS, POSITIONS
from backend.imports.domain.diff import Outcome, Step, of
from backend.imports.domain.problems import Problems
from backend.imports.matching import Plan
from backend.imports.repository import Found
from backend.planning import refusals
from backend.planning.domain.options import Place
from backend.planning.domain.states import Status

_BROUGHT = frozenset({Outcome.CREATED, Outcome.UPDATED})


def check_headcounts(plan: Plan, found: Found, problems: Problems) -> None:
    """Add each position that the plan overfills; the company's calls are locked, so that nobody is confirmed meanwhile.

    It is told at the position's row where the file sets its headcount, else at the rows that confirm too many people.
    """
    wanted = {_place(row): row["headcount"] for row in found.positions}
    brought = {_place(step.after): step for step in plan.steps[POSITIONS] if step.outcome in _BROUGHT}
    stood = _count(found.assignments)
    stands = _count(_after(plan, found))
    confirming = _confirming(plan.steps[ASSIGNMENTS])
    for place, confirmed in stands.items():
        step = brought.get(place)
        headcount = step.after["headcount"] if step is not None else wanted.get(place)
        if headcount is None or confirmed <= headcount:
            continue
        if step is not None and (place not in wanted or headcount < wanted[place]):
            refusal = refusals.headcount_too_low(confirmed, headcount)
            problems.add(POSITIONS, step.line, "headcount", refusal.sentence, refusal.code)
        elif confirmed > stood[place]:
            refusal = refusals.position_filled(headcount, headcount)
            for line in confirming[place][-min(confirmed - headcount, confirmed - stood[place]) :]:
                problems.add(ASSIGNMENTS, line, "status", refusal.sentence, refusal.code)


def _after(plan: Plan, found: Found) -> list[Mapping[str, Any]]:
    planned = plan.by_id(ASSIGNMENTS)
    known = [planned[row["id"]].after if row["id"] in planned else row for row in found.assignments]
    return [*known, *(step.after for step in of(plan.steps[ASSIGNMENTS], Outcome.CREATED))]


def _count(rows: Sequence[Mapping[str, Any]]) -> Counter[Place]:
    return Counter(_place(row) for row in rows if row["status"] is Status.CONFIRMED)


def _confirming(steps: Sequence[Step]) -> dict[Place, list[int]]:
    """Return the lines that confirm somebody who was not confirmed, by position."""
    lines: dict[Place, list[int]] = {}
    for step in steps:
        confirms = step.outcome in _BROUGHT and step.after["status"] is Status.CONFIRMED
        if confirms and (step.before is None or step.before["status"] is not Status.CONFIRMED):
            lines.setdefault(_place(step.after), []).append(step.line)
    return lines


def _place(row: Mapping[str, Any]) -> Place:
    return row["call_id"], row["job"]
