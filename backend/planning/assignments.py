"""Acts on assignments, each through the one state machine; confirming is what the ledger may refuse.

The company offers, confirms, releases and cancels; the person accepts and declines (for the portal, no route here).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from backend.audit.service import changes, record
from backend.availability import service as availability
from backend.availability.domain.clocks import Span
from backend.core.errors import AppError, InvalidError
from backend.core.ids import new_id
from backend.core.pagination import Page, PageRequest, cut
from backend.core.preconditions import ANY_VERSION, check_version
from backend.core.resources import sent
from backend.people.models import Person
from backend.planning import (
    askings,
    declarations,
    filling,
    gate,
    ledger,
    notices,
    promoting,
    refusals,
    repository,
)
from backend.planning.calls import notice_minutes
from backend.planning.domain.states import (
    Action,
    Status,
    TransitionError,
    after,
    allowed,
    effective,
    is_undoable,
    taken_back,
)
from backend.planning.gate import BRINGING_NOTHING, Brought
from backend.planning.models import Assignment, Call, CallStatus, Declared, NoticeKind, PayUnit
from backend.planning.promoting import Fallen
from backend.planning.repository import AssignmentsFilter
from backend.planning.schemas import (
    AnsweredIn,
    AssignmentChange,
    AssignmentIn,
    AssignmentOut,
    CancelIn,
    OfferIn,
    OnBehalf,
)
from backend.tenancy.acting import Act
from backend.tenancy.rows import apply_changes, duplicate, refusing, values_of

COMPANY_ACTS = tuple(Action)
PERSON_ACTS = (Action.ACCEPT, Action.DECLINE)
FIELDS = ("call_id", "position_id", "person_id", "job", "status", "pay_unit", "cachets", "message")
DONE = {
    Action.OFFER: "assignment.offered",
    Action.ACCEPT: "assignment.accepted",
    Action.DECLINE: "assignment.declined",
    Action.CONFIRM: "assignment.confirmed",
    Action.RELEASE: "assignment.released",
    Action.CANCEL: "assignment.cancelled",
    Action.UNDO: "assignment.restored",
}
STATE = ("status", "rank", "expires_at", "message", "reason", "notice_minutes", "decided_by", "decided_at")
_FALLING = frozenset({Action.DECLINE, Action.RELEASE, Action.CANCEL})
_ASIDE = frozenset({"status", "contested", "allowed", "declaration", "declared_at", "remind_at", "promoted_at"})
_NAMES = tuple(name for name in AssignmentOut.model_fields if name not in _ASIDE)


async def list_assignments(act: Act, wanted: AssignmentsFilter, page: PageRequest) -> Page[AssignmentOut]:
    """Return one page of assignments, in the order in which they were made."""
    rows, cursor = cut(await repository.list_assignments(act, wanted, page), page, lambda row: (row.id,))
    return Page[AssignmentOut](items=[shown_row(act, row) for row in rows], next_cursor=cursor)


async def read_assignment(act: Act, assignment_id: UUID) -> AssignmentOut:
    """Return one assignment. Raises NotFoundError."""
    row = await repository.find_assignment(act, assignment_id)
    if row is None:
        raise refusals.missing(refusals.NO_ASSIGNMENT)
    return shown_row(act, row)


def shown_row(act: Act, row: Row[Any]) -> AssignmentOut:
    """Return a row of the repository's assignments as the API shows it."""
    followed = row.remind_at, row.promoted_at
    return _shown(act, row._asdict(), (*_said(row), *followed), contested=row.contested, settled=row.settled)


async def create_assignment(act: Act, body: AssignmentIn) -> AssignmentOut:
    """Put a person on a call, as a draft. Raises InvalidError (unknown ids), ConflictError `duplicate`."""
    call = await repository.hold_call(act, body.call_id)
    if call is None:
        raise refusals.unknown_in_body("call_id")
    if call.status is CallStatus.CANCELLED:
        raise refusals.call_cancelled()
    await _check_names(act, body)
    cachets = _cachets(body.pay_unit, body.cachets)
    assignment = Assignment(
        id=new_id(), status=Status.DRAFT, created_at=act.now, updated_at=act.now, acted_at=act.now,
        **body.model_dump() | {"position_id": await _position_id(act, body), "cachets": cachets},
    )  # fmt: skip
    await promoting.expire(act, repository.of_person(body.call_id, body.person_id, body.job))
    async with refusing(act.session, _refusals()):
        act.session.add(assignment)
    record(act, "assignment.created", assignment.id, after=values_of(assignment, FIELDS))
    return await _shown_entity(act, assignment)


async def change_assignment(act: Act, assignment_id: UUID, body: AssignmentChange, expected: int) -> AssignmentOut:
    """Change what is no state: position, pay unit, cachets, message. Raises StaleError, InvalidError."""
    assignment, _ = await _locked(act, assignment_id, expected)
    values, before = sent(body), values_of(assignment, FIELDS)
    if values.get("position_id") is not None:
        await _check_position(act, assignment.call_id, assignment.job, values["position_id"])
    pay_unit = values.get("pay_unit", assignment.pay_unit)
    if pay_unit is not assignment.pay_unit or "cachets" in values:
        values["cachets"] = _cachets(pay_unit, values.get("cachets"))
    if apply_changes(assignment, values, updated_at=act.now, acted_at=act.now):
        await act.session.flush()
        record(act, "assignment.changed", assignment_id, *changes(before, values_of(assignment, FIELDS)))
    return await _shown_again(act, assignment)


async def delete_assignment(act: Act, assignment_id: UUID, expected: int) -> None:
    """Delete a draft. Raises ConflictError `state_conflict`, with the acts that are possible instead."""
    assignment, _ = await _locked(act, assignment_id, expected)
    if assignment.status is not Status.DRAFT:
        status = effective(assignment.status, assignment.expires_at, act.now)
        raise refusals.state_conflict(status, await _possible(act, assignment))
    before = values_of(assignment, FIELDS)
    await act.session.delete(assignment)
    record(act, "assignment.deleted", assignment_id, before=before)
    await act.session.flush()


async def offer(act: Act, assignment_id: UUID, body: OfferIn, expected: int = ANY_VERSION) -> AssignmentOut:
    """Ask the person to keep the date free until `expires_at`, which must lie ahead (InvalidError otherwise).

    Before the call's start, too. Raises ConflictError `call_begun`, and `person_not_available`: the person is away, or
    another company holds them.
    """
    remind_at = askings.check_times(act, body.expires_at, body.remind_at)
    assignment, call = await _locked(act, assignment_id, expected)
    values = body.model_dump(exclude_none=True, exclude={"remind_at"})
    await _transit(act, assignment, Action.OFFER, values, contested=False)
    askings.check_call(act, body.expires_at, call.starts_at)
    await ledger.check_free(act, [await _hold(act, assignment, call)])
    await askings.begin(act, [assignment.id], body.expires_at, remind_at)
    notices.note(act, NoticeKind.OFFERED, [_concerned(assignment, call)])
    return await _shown_entity(act, assignment)


async def confirm(
    act: Act, assignment_id: UUID, expected: int = ANY_VERSION, brought: Brought = BRINGING_NOTHING,
    on_behalf: OnBehalf | None = None,
) -> AssignmentOut:  # fmt: skip
    """Engage the person. Raises ConflictError (`overlap`, `person_not_available`, `state_conflict`), as the gate.

    How somebody who has not answered said yes stays in the history.
    """
    assignment, call = await _locked(act, assignment_id, expected)
    await filling.check_place(act, (assignment.call_id, assignment.job))
    await gate.hold_people(act, Person.id == assignment.person_id)
    told = said_for(Action.CONFIRM, assignment.status, on_behalf)
    confirmed = await _company_act(act, assignment, Action.CONFIRM, _decided(act), call, told)
    await gate.let_pass(act, Assignment.id == assignment_id, [(call.starts_at, call.ends_at)], brought)
    notices.note(act, NoticeKind.CONFIRMED, [_concerned(assignment, call)])
    return confirmed


async def release(act: Act, assignment_id: UUID, expected: int = ANY_VERSION) -> AssignmentOut:
    """Give up an option or an acceptance. Raises ConflictError `state_conflict`."""
    assignment, call = await _locked(act, assignment_id, expected)
    released = await _company_act(act, assignment, Action.RELEASE, {})
    notices.note(act, NoticeKind.CANCELLED, [_concerned(assignment, call)])
    return released


async def cancel(act: Act, assignment_id: UUID, body: CancelIn, expected: int = ANY_VERSION) -> AssignmentOut:
    """Cancel a confirmed assignment; the reason and the notice are kept for payroll, and the person is free again."""
    assignment, call = await _locked(act, assignment_id, expected)
    values = {"reason": body.reason, "notice_minutes": notice_minutes(act, call)}
    cancelled = await _company_act(act, assignment, Action.CANCEL, values)
    notices.note(act, NoticeKind.CANCELLED, [_concerned(assignment, call)])
    return cancelled


async def undo(act: Act, assignment_id: UUID, expected: int = ANY_VERSION) -> AssignmentOut:
    """Let an option that was declined or released by mistake stand again, as the person is told.

    Raises ConflictError: `state_conflict` where there is no way back, `promoted` when a second choice moved up since,
    `position_filled` when somebody else was confirmed on its place, `duplicate` when the person was asked anew.
    """
    assignment, call = await _locked(act, assignment_id, expected)
    status = effective(assignment.status, assignment.expires_at, act.now)
    reach(status, Action.UNDO, assignment.expires_at, act, contested=await _is_contested(act, assignment))
    if call.status is CallStatus.CANCELLED:
        raise refusals.call_cancelled()
    if assignment.acted_at is not None and await promoting.moved_up_since(act, assignment):
        raise refusals.moved_up()
    await filling.check_place(act, (assignment.call_id, assignment.job))
    async with refusing(act.session, _refusals()):
        blank = {"reason": None, "decided_by": None, "decided_at": None}
        await _transit(act, assignment, Action.UNDO, blank, contested=False)
    notices.note(act, NoticeKind.OFFERED, [_concerned(assignment, call)])
    return await _shown_entity(act, assignment)


async def answer(
    act: Act, assignment_id: UUID, action: Action, body: AnsweredIn, expected: int = ANY_VERSION
) -> AssignmentOut:
    """Record the person's yes or no for them; who recorded it and how it was given stay in the history."""
    assignment, _ = await _locked(act, assignment_id, expected)
    values = _decided(act) | ({"reason": body.reason} if action is Action.DECLINE else {})
    return await _person_act(act, assignment, action, values, on_behalf=body.on_behalf)


async def accept(act: Act, assignment_id: UUID, declared: Declared = Declared.NONE) -> AssignmentOut:
    """The person says yes, and what they declare of the maxima is kept.

    A contested assignment stays `contested` while the ledger refuses it, and shows it.
    The actor is the person: NotFoundError when it is not theirs or was never published. ConflictError `state_conflict`,
    `own_unavailability` for an option at a time at which they said that they are away.
    """
    assignment, call = await _own(act, assignment_id)
    if effective(assignment.status, assignment.expires_at, act.now) is Status.OPTION:
        number = await repository.person_number(act, assignment.person_id)
        await availability.check_own(act.session, number, Span(call.starts_at, call.ends_at))
    return await _person_act(act, assignment, Action.ACCEPT, _decided(act), declared, of=PERSON_ACTS)


async def is_held(act: Act, assignment_id: UUID) -> bool:
    """Tell the assignment's person, and nobody else, whether some company has booked them at its times."""
    assignment, call = await _locked(act, assignment_id, ANY_VERSION)
    wanted = await _hold(act, assignment, call)
    return await ledger.is_held(act.session, wanted.person_number, wanted.starts_at, wanted.ends_at)


async def decline(act: Act, assignment_id: UUID, reason: str | None = None) -> AssignmentOut:
    """The person says no; of a contested one, the other company's booking is then tried again. Raises as `accept`."""
    assignment, _ = await _own(act, assignment_id)
    return await _person_act(act, assignment, Action.DECLINE, {"reason": reason, **_decided(act)}, of=PERSON_ACTS)


async def take_back(act: Act, assignment_id: UUID) -> AssignmentOut:
    """The person takes back the acceptance that they have just given. Raises as `accept`."""
    assignment, _ = await _own(act, assignment_id)
    try:
        status = taken_back(assignment.status, assignment.decided_at, assignment.expires_at, act.now)
    except TransitionError as error:
        possible = [each for each in error.allowed if each in PERSON_ACTS]
        raise refusals.own_state_conflict(error.current, possible) from None
    before = values_of(assignment, STATE)
    apply_changes(assignment, {"status": status, "decided_by": None, "decided_at": None})
    assignment.acted_at = assignment.updated_at = act.now
    await declarations.forget(act, assignment.id)
    await act.session.flush()
    record(act, "assignment.acceptance_taken_back", assignment.id, *changes(before, values_of(assignment, STATE)))
    return await _shown_again(act, assignment, of=PERSON_ACTS)


async def _company_act(
    act: Act, assignment: Assignment, action: Action, values: Mapping[str, Any], call: Call | None = None,
    on_behalf: OnBehalf | None = None,
) -> AssignmentOut:  # fmt: skip
    await _transit(act, assignment, action, values, contested=False, on_behalf=on_behalf)
    if action is Action.CONFIRM and call is not None:
        await ledger.hold(act, [await _hold(act, assignment, call)])
    if action is Action.CANCEL:
        await ledger.release(act, [assignment.id])
    return await _shown_entity(act, assignment)


async def _person_act(
    act: Act,
    assignment: Assignment,
    action: Action,
    values: Mapping[str, Any],
    declared: Declared = Declared.NONE,
    on_behalf: OnBehalf | None = None,
    *,
    of: tuple[Action, ...] = COMPANY_ACTS,
) -> AssignmentOut:
    contested = await _is_contested(act, assignment)
    await _transit(act, assignment, action, values, contested=contested, on_behalf=on_behalf, of=of)
    if action is Action.ACCEPT:
        await declarations.keep(act, assignment.id, declared)
    else:
        await declarations.forget(act, assignment.id)
    if contested and action is Action.DECLINE:
        await ledger.release(act, [assignment.id])
    if contested and action is Action.ACCEPT:
        await ledger.retry_contested(act.session, {await repository.person_number(act, assignment.person_id)})
    return await _shown_again(act, assignment, of=of)


async def _transit(
    act: Act, assignment: Assignment, action: Action, values: Mapping[str, Any], *, contested: bool,
    on_behalf: OnBehalf | None = None, of: tuple[Action, ...] = COMPANY_ACTS,
) -> None:  # fmt: skip
    status = effective(assignment.status, assignment.expires_at, act.now)
    reached = reach(status, action, assignment.expires_at, act, contested=contested, of=of)
    before, rank = values_of(assignment, STATE), assignment.rank
    apply_changes(assignment, {"status": reached, **values})
    assignment.acted_at = assignment.updated_at = act.now
    await act.session.flush()
    was, now = changes(before, values_of(assignment, STATE))
    record(act, DONE[action], assignment.id, was, now if on_behalf is None else now | {"on_behalf": on_behalf})
    if action in _FALLING:
        await promoting.after_fall(act, [Fallen(assignment.call_id, assignment.job, rank)])


def said_for(action: Action, status: Status, on_behalf: OnBehalf | None) -> OnBehalf | None:
    """Return how a planner knows the person's answer; nobody speaks for whoever has said yes already."""
    return None if action is Action.CONFIRM and status is Status.ACCEPTED else on_behalf


def reach(
    status: Status, action: Action, expires_at: datetime | None, act: Act, *, contested: bool = False,
    of: tuple[Action, ...] = COMPANY_ACTS,
) -> Status:  # fmt: skip
    """Return the state that an act leads to. Raises ConflictError `state_conflict`, with those that do."""
    try:
        return after(status, action, contested=contested, undoable=is_undoable(expires_at, act.now))
    except TransitionError as error:
        refused = refusals.own_state_conflict if of is PERSON_ACTS else refusals.state_conflict
        raise refused(status, [each for each in error.allowed if each in of]) from None


def _concerned(assignment: Assignment, call: Call) -> notices.Concerned:
    return notices.Concerned(
        assignment.id, call.id, assignment.person_id, call.starts_at, is_published=call.published_version > 0
    )


async def _hold(act: Act, assignment: Assignment, call: Call) -> ledger.Hold:
    number = await repository.person_number(act, assignment.person_id)
    return ledger.Hold(assignment.id, number, call.starts_at, call.ends_at)


def _decided(act: Act) -> dict[str, Any]:
    return {"decided_by": act.actor.name, "decided_at": act.now}


async def _locked(act: Act, assignment_id: UUID, expected: int) -> tuple[Assignment, Call]:
    found = await repository.lock_assignment(act, assignment_id)
    if found is None:
        raise refusals.missing(refusals.NO_ASSIGNMENT)
    check_version(found[0].version, expected)
    return found


async def _own(act: Act, assignment_id: UUID) -> tuple[Assignment, Call]:
    assignment, call = await _locked(act, assignment_id, ANY_VERSION)
    person = await act.session.get_one(Person, assignment.person_id)
    if person.user_id is None or person.user_id != act.actor.user_id or not call.published_version:
        raise refusals.missing(refusals.NO_ASSIGNMENT)
    return assignment, call


async def _check_names(act: Act, body: AssignmentIn) -> None:
    if await act.session.get(Person, body.person_id) is None:
        raise refusals.unknown_in_body("person_id")
    if not await repository.job_exists(act, body.job):
        raise refusals.unknown_in_body("job")


async def _position_id(act: Act, body: AssignmentIn) -> UUID | None:
    if body.position_id is None:
        return await repository.find_position_id(act, body.call_id, body.job)
    await _check_position(act, body.call_id, body.job, body.position_id)
    return body.position_id


async def _check_position(act: Act, call_id: UUID, job: str, position_id: UUID) -> None:
    if await repository.find_position_id(act, call_id, job) != position_id:
        raise refusals.unknown_in_body("position_id")


def _cachets(pay_unit: PayUnit, cachets: int | None) -> int | None:
    """Return how many cachets are declared: one where nothing is said, none for an engagement by the hour."""
    if pay_unit is PayUnit.CACHET:
        return 1 if cachets is None else cachets
    if cachets is not None:
        raise InvalidError.of(
            ["body", "cachets"],
            "Un nombre de cachets va avec « pay_unit » : « cachet » ; à l'heure, laissez-le vide.",
            'A number of cachets goes with "pay_unit": "cachet"; leave it out for hours.',
            "cachets",
        )
    return None


async def _is_contested(act: Act, assignment: Assignment) -> bool:
    return assignment.status is Status.CONFIRMED and bool(await ledger.contested_of(act, [assignment.id]))


async def _shown_again(act: Act, assignment: Assignment, of: tuple[Action, ...] = COMPANY_ACTS) -> AssignmentOut:
    return await _shown_entity(act, assignment, contested=await _is_contested(act, assignment), of=of)


async def _shown_entity(
    act: Act, assignment: Assignment, *, contested: bool = False, of: tuple[Action, ...] = COMPANY_ACTS
) -> AssignmentOut:
    said = (*await declarations.of(act, assignment), *await askings.of(act, assignment))
    values = values_of(assignment, (*_NAMES, "status"))
    settled = of is COMPANY_ACTS and await repository.is_settled(act, assignment)
    return _shown(act, values, said, contested=contested, settled=settled, of=of)


def _said(row: Row[Any]) -> declarations.Said:
    return row.answer or Declared.NONE, row.declared_at


def _shown(
    act: Act, values: Mapping[str, Any], said: tuple[Any, ...], *, contested: bool, settled: bool,
    of: tuple[Action, ...] = COMPANY_ACTS,
) -> AssignmentOut:  # fmt: skip
    status = effective(values["status"], values["expires_at"], act.now)
    undoable = is_undoable(values["expires_at"], act.now) and not settled
    possible = [action for action in allowed(status, contested=contested, undoable=undoable) if action in of]
    beside = dict(zip(("declaration", "declared_at", "remind_at", "promoted_at"), said, strict=True))
    own = {name: values[name] for name in _NAMES} | beside
    return AssignmentOut.model_validate(own | {"status": status, "contested": contested, "allowed": possible})


async def _possible(act: Act, assignment: Assignment) -> list[Action]:
    return (await _shown_again(act, assignment)).allowed


def _refusals() -> dict[str, AppError]:
    # SQLite names the columns of the broken index, not the index: any unique one of this table is this one.
    return {
        "uq_assignment_": duplicate("person_id", refusals.SAME_ASSIGNMENT),
        "fk_": refusals.unknown_in_body("person_id"),
    }
