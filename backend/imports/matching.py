"""A season and what the company has, made into one plan: what each row does, before anything is written."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from backend.core.ids import new_id
from backend.imports.domain import assigning, calling, diff
from backend.imports.domain.columns import ASSIGNMENTS, CALLS, PEOPLE, POSITIONS, PRODUCTIONS, VENUES
from backend.imports.domain.diff import Outcome, Step
from backend.imports.domain.holding import Span, Stand
from backend.imports.domain.refs import Known
from backend.imports.domain.rows import AssignmentRow, CallRow, PersonRow, PositionRow, ProductionRow, Season, VenueRow
from backend.imports.repository import Found
from backend.planning.calls import is_on_tour
from backend.planning.domain.states import Status
from backend.productions import places
from backend.tenancy.acting import Act

NamedRow = PersonRow | VenueRow | ProductionRow
_OWN = {
    PersonRow: (
        "first_name", "last_name", "email", "phone", "job", "department", "annexe", "birth_date",
    ),
    VenueRow: ("name", "address", "postal_code", "city", "timezone", "capacity"),
    ProductionRow: ("title", "kind", "season", "premiere_date", "objet_number"),
}  # fmt: skip


@dataclass(slots=True)
class Plan:
    """What the import will do: the steps of each file, how many rows each file lacks, and versions to publish."""

    steps: dict[str, list[Step]] = field(default_factory=dict)
    absent: dict[str, int] = field(default_factory=dict)
    publications: list[dict[str, Any]] = field(default_factory=list)
    _by_id: dict[str, dict[UUID, Step]] = field(default_factory=dict)

    def by_id(self, file: str) -> Mapping[UUID, Step]:
        """Return the steps of one file by what they are about; ask when all of them are there."""
        if file not in self._by_id:
            self._by_id[file] = {step.row_id: step for step in self.steps[file]}
        return self._by_id[file]

    def counts(self) -> dict[str, diff.Counts]:
        """Count what becomes of the rows of each file."""
        return {file: diff.count(steps, self.absent[file]) for file, steps in self.steps.items()}


@dataclass(frozen=True, slots=True)
class Matching:
    """Makes the plan. `before` is the act in the company as it was, `act` in the company as the files describe it."""

    before: Act
    act: Act
    season: Season
    found: Found

    def plan(self) -> Plan:
        """Decide about every row of every file."""
        plan = Plan()
        for file, rows, known in (
            (PEOPLE, self.season.people, self.found.people),
            (VENUES, self.season.venues, self.found.venues),
            (PRODUCTIONS, self.season.productions, self.found.productions),
        ):
            plan.steps[file] = [_named(row, known) for row in rows]
            plan.absent[file] = _absent(known.by_id, plan.steps[file])
        self._plan_calls(plan)
        self._plan_positions(plan)
        self._plan_assignments(plan)
        return plan

    def stands(self, plan: Plan) -> list[Stand]:
        """Return whom every assignment of the company holds, before and after."""
        calls = {call_id: (call, call) for call_id, call in self.found.calls.by_id.items()}
        calls |= {step.row_id: (step.before or step.after, step.after) for step in plan.steps[CALLS]}
        planned = plan.by_id(ASSIGNMENTS)
        known = [(row, planned[row["id"]].after if row["id"] in planned else row) for row in self.found.assignments]
        new = [(None, step.after | {"id": step.row_id}) for step in diff.of(plan.steps[ASSIGNMENTS], Outcome.CREATED)]
        return [
            Stand(after["id"], after["person_id"], after["call_id"],
                  _span(before, calls[after["call_id"]][0]), _span(after, calls[after["call_id"]][1]))
            for before, after in [*known, *new]
        ]  # fmt: skip

    def _plan_calls(self, plan: Plan) -> None:
        productions = _ids(self.season.productions, plan.steps[PRODUCTIONS])
        venues = _ids(self.season.venues, plan.steps[VENUES])
        cities = {step.row_id: step.after["city"] for step in plan.steps[VENUES]}
        steps = plan.steps[CALLS] = []
        for row in self.season.calls:
            venue_id = venues[row.venue_ref] if row.venue_ref is not None else None
            values = calling.file_values(row, productions[row.production_ref], venue_id)
            steps.append(self._call(row, values, cities.get(venue_id) if venue_id else None, plan))
        standing = [call_id for call_id, call in self.found.calls.by_id.items() if not calling.is_cancelled(call)]
        plan.absent[CALLS] = _absent(standing, steps)

    def _call(self, row: CallRow, values: Mapping[str, Any], city: str | None, plan: Plan) -> Step:
        found = self.found.calls.find(row.ref)
        if found is not None and calling.is_cancelled(found):
            return Step(row.line, found["id"], Outcome.KEPT, found)
        values = {**values, **calling.breaks_of(row, found), "on_tour": self._on_tour(found, values["venue_id"], city)}
        step = diff.decide(row.line, found, {**values, "ref": row.ref} if found is None else values, new_id())
        told = step.outcome is Outcome.CREATED or (step.outcome is Outcome.UPDATED and _is_published(step))
        version = calling.next_version(step.after, self.act.now) if told else {}
        if not version:
            return step
        plan.publications.append(calling.publication(step.row_id, (found or {}).get("published"), version))
        return Step(step.line, step.row_id, step.outcome, found, {**step.values, **version})

    def _on_tour(self, found: Mapping[str, Any] | None, venue_id: UUID | None, city: str | None) -> bool:
        """A call that had the default follows the new one; one that was set by hand stays as it was set."""
        default = is_on_tour(self.act, city if venue_id is not None else None)
        if found is None:
            return default
        had: bool = found["on_tour"]
        return default if had == is_on_tour(self.before, self._old_city(found["venue_id"])) else had

    def _old_city(self, venue_id: UUID | None) -> str | None:
        city: str | None = self.found.venues.by_id[venue_id]["city"] if venue_id is not None else None
        return city

    def _plan_positions(self, plan: Plan) -> None:
        calls, cancelled = _ids(self.season.calls, plan.steps[CALLS]), self._cancelled()
        known = {(row["call_id"], row["job"]): row for row in self.found.positions}
        steps = plan.steps[POSITIONS] = []
        for row in self.season.positions:
            call_id = calls[row.call_ref]
            step = _position(row, call_id, known.get((call_id, row.job)))
            steps.append(_left_alone(step) if call_id in cancelled else step)
        plan.absent[POSITIONS] = _absent([r["id"] for r in known.values() if r["call_id"] not in cancelled], steps)

    def _plan_assignments(self, plan: Plan) -> None:
        cancelled = self._cancelled()
        current = assigning.current_by_key(self.found.assignments)
        decide = self._assigner(plan, current)
        steps = plan.steps[ASSIGNMENTS] = [decide(row) for row in self.season.assignments]
        standing = [row["id"] for row in current.values() if row["call_id"] not in cancelled]
        plan.absent[ASSIGNMENTS] = _absent(standing, steps)

    def _assigner(
        self, plan: Plan, current: Mapping[assigning.Key, Mapping[str, Any]]
    ) -> Callable[[AssignmentRow], Step]:
        cancelled = self._cancelled()
        calls = _ids(self.season.calls, plan.steps[CALLS])
        people = _ids(self.season.people, plan.steps[PEOPLE])
        new = {_place(step.after): step.row_id for step in diff.of(plan.steps[POSITIONS], Outcome.CREATED)}
        positions = {_place(row): row["id"] for row in self.found.positions} | new

        def decide(row: AssignmentRow) -> Step:
            call_id, person_id = calls[row.call_ref], people[row.person_ref]
            values = assigning.file_values(row, self.act.now)
            found = current.get((call_id, person_id, row.job))
            if found is None:
                names = {"call_id": call_id, "person_id": person_id, "job": row.job}
                values |= {**names, "position_id": positions.get((call_id, row.job))}
                step = Step(row.line, new_id(), Outcome.CREATED, None, values)
            else:
                if found["position_id"] is None and (call_id, row.job) in new:
                    values["position_id"] = new[call_id, row.job]
                step = assigning.decide_assignment(row, found, values, self.act.now)
            return _left_alone(step) if call_id in cancelled else step

        return decide

    def _cancelled(self) -> set[UUID]:
        return {call_id for call_id, call in self.found.calls.by_id.items() if calling.is_cancelled(call)}


def _named(row: NamedRow, known: Known) -> Step:
    values = {name: getattr(row, name) for name in _OWN[type(row)]}
    if isinstance(row, VenueRow) and row.placed:
        values |= {name: getattr(row, name) for name in places.FIELDS}
    found = known.find(row.ref)
    return diff.decide(row.line, found, {**values, "ref": row.ref} if found is None else values, new_id())


def _position(row: PositionRow, call_id: UUID, found: Mapping[str, Any] | None) -> Step:
    values: dict[str, Any] = {"headcount": row.headcount}
    if found is None:
        values |= {"call_id": call_id, "job": row.job}
    return diff.decide(row.line, found, values, new_id())


def _left_alone(step: Step) -> Step:
    """A call cancelled in Filage takes no change and nobody new."""
    if step.outcome is Outcome.UNCHANGED:
        return step
    return Step(step.line, step.row_id, Outcome.KEPT, step.before)


def _is_published(step: Step) -> bool:
    return step.before is not None and step.before["published"] is not None


def _span(assignment: Mapping[str, Any] | None, call: Mapping[str, Any]) -> Span | None:
    if assignment is None or assignment["status"] is not Status.CONFIRMED:
        return None
    return Span(call["starts_at"], call["ends_at"])


def _place(position: Mapping[str, Any]) -> tuple[UUID, str]:
    return position["call_id"], position["job"]


def _ids(rows: Sequence[NamedRow | CallRow], steps: Sequence[Step]) -> dict[str, UUID]:
    return {row.ref: step.row_id for row, step in zip(rows, steps, strict=True)}


def _absent(known: Iterable[UUID], steps: Iterable[Step]) -> int:
    return len(set(known) - {step.row_id for step in steps})
