"""A plan, written: the directory, the calls and their versions, then who is on them; a handful of statements in all."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backend.core.ids import new_id
from backend.identity.expansion import need_conflicts
from backend.imports import repository
from backend.imports.domain.columns import ASSIGNMENTS, CALLS, PEOPLE, POSITIONS, PRODUCTIONS, VENUES
from backend.imports.domain.diff import Outcome, Step, of
from backend.imports.matching import Plan
from backend.people.models import Person
from backend.planning.models import Assignment, Call, CallStatus, Position, Publication
from backend.productions import places
from backend.productions.models import Production, Venue, VenuePlace
from backend.tenancy.acting import Act
from backend.tenancy.base import TenantBase

_NEW_PERSON = {"user_id": None}
_NEW_CALL = {"status": CallStatus.DRAFT, "published_version": 0, "cancel_reason": None}
_NEW_ASSIGNMENT = {
    "rank": None, "expires_at": None, "message": None, "reason": None, "notice_minutes": None, "decided_by": None,
    "decided_at": None, "acted_at": None,
}  # fmt: skip


async def store(act: Act, plan: Plan, person_numbers: Mapping[Any, int]) -> None:
    """Write what the plan creates and updates; `person_numbers` are those of the new people, by id."""
    stamps = {"created_at": act.now, "updated_at": act.now}
    await _store(act, Venue, plan.steps[VENUES], stamps)
    await _store_places(act, plan.steps[VENUES])
    await _store(act, Production, plan.steps[PRODUCTIONS], stamps)
    await _set_emails_free(act, plan.steps[PEOPLE])
    await _store(act, Person, plan.steps[PEOPLE], stamps | _NEW_PERSON, person_numbers)
    await _store(act, Call, plan.steps[CALLS], stamps | _NEW_CALL)
    await repository.insert_rows(act.session, Publication, [_publication(act, one) for one in plan.publications])
    await _store(act, Position, plan.steps[POSITIONS], {})
    await _store(act, Assignment, plan.steps[ASSIGNMENTS], stamps | _NEW_ASSIGNMENT)


async def _store(
    act: Act,
    model: type[TenantBase],
    steps: Sequence[Step],
    blank: Mapping[str, Any],
    numbers: Mapping[Any, int] | None = None,
) -> None:
    created = [{**blank, **_own(step.values), "id": step.row_id, "version": 1} for step in of(steps, Outcome.CREATED)]
    if numbers is not None:
        created = [{**row, "number": numbers[row["id"]]} for row in created]
    await repository.insert_rows(act.session, model, created)
    stamp = {"updated_at": act.now} if "updated_at" in blank else {}
    await repository.update_rows(act.session, model, _updated(of(steps, Outcome.UPDATED), stamp))


def _updated(steps: Iterable[Step], stamp: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{**_own(step.after), **stamp, "version": step.after["version"] + 1} for step in steps]


def _own(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of the row itself: where a venue is has a table of its own."""
    return {name: value for name, value in values.items() if name not in places.FIELDS}


async def _store_places(act: Act, steps: Sequence[Step]) -> None:
    moved = [step for step in steps if not places.NOWHERE.keys().isdisjoint(step.values)]
    there = [step for step in moved if step.after["latitude"] is not None]
    if there or any(step.before for step in moved):
        need_conflicts(act)
        await repository.delete_places(act.session, [step.row_id for step in moved if step.before])
    rows = [{"venue_id": step.row_id, **{name: step.after[name] for name in places.FIELDS}} for step in there]
    await repository.insert_rows(act.session, VenuePlace, rows)


async def _set_emails_free(act: Act, steps: Sequence[Step]) -> None:
    """Two people may exchange their addresses, and a new one may take one that is given up."""
    moving = [step for step in of(steps, Outcome.UPDATED) if "email" in step.values]
    rows = [{"id": step.row_id, "email": None} for step in moving]
    await repository.update_rows(act.session, Person, rows)


def _publication(act: Act, values: Mapping[str, Any]) -> dict[str, Any]:
    return {**values, "id": new_id(), "published_by": act.actor.name}
