"""One act for many assignments: the same statements for one as for hundreds, and each failure named.

All or nothing by choice; otherwise those that can are done. Who fails is decided before anything is written, except by
the ledger and by the law when something changes meanwhile: what was written then is taken back by a savepoint.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from backend.audit.service import changes, record
from backend.core.errors import AppError, ConflictError, ForbiddenError, InvalidError, Sentence
from backend.people.models import Person
from backend.planning import (
    askings,
    assignments,
    choosing,
    declarations,
    filling,
    gate,
    ledger,
    notices,
    probing,
    promoting,
    refusals,
    repository,
)
from backend.planning.bulk_schemas import BulkAction, BulkFailure, BulkIn, BulkOut
from backend.planning.calls import notice_minutes
from backend.planning.choosing import Candidates
from backend.planning.domain.options import FIRST
from backend.planning.domain.states import Action, Status, effective
from backend.planning.gate import Brought
from backend.planning.models import Assignment, NoticeKind
from backend.planning.promoting import Fallen
from backend.planning.refusals import Named
from backend.rules.law import Law
from backend.tenancy.acting import Act

REFUSED, FILLED = "bulk_refused", "position_filled"
ROUNDS = 3  # whoever the ledger or the law stops after all is left out, and the others are chosen again
_CLEARANCE = frozenset({"override_reason", "grounds"})
_TAKES: Mapping[BulkAction, frozenset[str]] = {
    BulkAction.OFFER: frozenset({"rank", "expires_at", "remind_at", "message"}),
    BulkAction.CONFIRM: frozenset({"on_behalf", *_CLEARANCE}),
    BulkAction.RELEASE: frozenset(),
    BulkAction.CANCEL: frozenset({"reason"}),
    BulkAction.ACCEPT: frozenset({"on_behalf"}),
    BulkAction.DECLINE: frozenset({"on_behalf", "reason"}),
}
_NEEDS: Mapping[BulkAction, str] = {
    BulkAction.OFFER: "expires_at",
    BulkAction.CANCEL: "reason",
    BulkAction.ACCEPT: "on_behalf",
    BulkAction.DECLINE: "on_behalf",
}
_ANSWERS = frozenset({BulkAction.ACCEPT, BulkAction.DECLINE})
_FALLING = frozenset({BulkAction.RELEASE, BulkAction.CANCEL, BulkAction.DECLINE})


class _PlacesAreFreeError(Exception):
    """Somebody who was free a moment ago is held now: what was written is taken back, and others may have the place."""


@dataclass(slots=True)
class Sheet:
    """One act for many under way: whom it can be done for, and who failed, by id."""

    act: Act
    body: BulkIn
    brought: Brought
    most_refusals: int
    rows: dict[UUID, Row[Any]] = field(default_factory=dict)
    contested: set[UUID] = field(default_factory=set)
    reached: dict[UUID, Status] = field(default_factory=dict)
    failed: dict[UUID, AppError] = field(default_factory=dict)

    def fail(self, assignment_id: UUID, refusal: AppError) -> None:
        """Leave one out, and stop everything where it is all or nothing."""
        self.reached.pop(assignment_id, None)
        self.failed[assignment_id] = refusal

    @property
    def told(self) -> int:
        """How many answers say that somebody is not available: each is one bit about somebody's life elsewhere."""
        return sum(_tells(refusal) for refusal in self.failed.values())

    def check(self) -> None:
        """Stop everything (ConflictError `bulk_refused`) if somebody failed and it is all or nothing."""
        if self.failed and self.body.all_or_nothing:
            if self.told:
                probing.note_refusals(self.act, self.told, each_named=True)
            shown = [one.model_dump(mode="json") for one in self.failures()]
            raise ConflictError(REFUSED, _nothing_done(len(self.failed)), extra={"failed": shown})

    def failures(self) -> list[BulkFailure]:
        """Return who failed, in the order in which they were named."""
        return [
            BulkFailure(
                id=one, code=refusal.code, detail=refusal.sentence.in_language(self.brought.language),
                allowed=refusal.extra.get("allowed"), conflicts=refusal.extra.get("conflicts"),
                findings=refusal.extra.get("findings"),
            )
            for one in dict.fromkeys(self.body.ids) if (refusal := self.failed.get(one)) is not None
        ]  # fmt: skip


async def act_on_many(act: Act, body: BulkIn, brought: Brought, most_refusals: int) -> BulkOut:
    """Do one act for many. Raises InvalidError, and ConflictError `bulk_refused` where it is all or nothing.

    Once the company was told "not available" `most_refusals` times in the hour, the rest is `not_told`. TooManyError
    where it is all or nothing, or where others were told meanwhile.
    """
    remind_at = _check(act, body)
    sheet = Sheet(act, body, brought, most_refusals)
    await _find(sheet)
    sheet.check()
    if body.action is BulkAction.CONFIRM:
        await _confirm(sheet)
        sheet.check()
    else:
        if body.action is BulkAction.OFFER:
            await _leave_out_unavailable(sheet)
        await _store(sheet)
    if sheet.told:
        await probing.let_tell(act, sheet.told, most_refusals)
    await _follow(sheet, remind_at)
    return await _answer(sheet)


def _check(act: Act, body: BulkIn) -> Any:  # noqa: ANN401 - an instant or nothing
    sent = {name for name in body.model_fields_set if getattr(body, name) not in (None, [])}
    for name in sorted(sent - _TAKES[body.action] - {"action", "ids", "all_or_nothing"}):
        raise InvalidError.of(
            ["body", name],
            f"« {name} » ne va pas avec l'action « {body.action} » : retirez-le.",
            f'"{name}" does not go with the action "{body.action}": leave it out.',
            "not_with_action",
        )
    needed = _NEEDS.get(body.action)
    if needed is not None and needed not in sent:
        raise InvalidError.of(
            ["body", needed],
            f"L'action « {body.action} » demande « {needed} » : ajoutez-le.",
            f'The action "{body.action}" needs "{needed}": add it.',
            "missing",
        )
    if body.action is BulkAction.OFFER and body.expires_at is not None:
        return askings.check_times(act, body.expires_at, body.remind_at)
    return None


async def _find(sheet: Sheet) -> None:
    """Find whom it can be done for: they are there, and the act leads somewhere from where each stands."""
    action, act = Action(sheet.body.action.value), sheet.act
    sheet.rows = {row.id: row for row in await repository.lock_assignments(act, set(sheet.body.ids))}
    if sheet.body.action in _ANSWERS:
        sheet.contested = await ledger.contested_of(act, sheet.body.ids)
    for one in dict.fromkeys(sheet.body.ids):
        row = sheet.rows.get(one)
        if row is None:
            sheet.fail(one, refusals.missing(refusals.NO_ASSIGNMENT))
            continue
        try:
            status = effective(row.status, row.expires_at, act.now)
            is_contested = one in sheet.contested
            sheet.reached[one] = assignments.reach(status, action, row.expires_at, act, contested=is_contested)
            if action is Action.OFFER and sheet.body.expires_at is not None:
                askings.check_call(act, sheet.body.expires_at, row.starts_at)
        except (ConflictError, InvalidError) as refusal:
            sheet.fail(one, refusal)


async def _confirm(sheet: Sheet) -> None:
    """Engage whoever the positions, the ledger and the law let; places go to those who can be had."""
    if not sheet.reached:
        return
    act, wanted = sheet.act, dict(sheet.reached)
    rows = {one: sheet.rows[one] for one in wanted}
    people = {row.person_id for row in rows.values()}
    places = {(row.call_id, row.job) for row in rows.values()}
    filled = await filling.hold_positions(act, places)
    await gate.hold_people(act, Person.id.in_(people))
    numbers = await repository.person_numbers(act, people)
    candidates = await choosing.read_candidates(act, rows, filled, numbers, sheet.brought)
    for number in range(1, ROUNDS + 1):
        await _choose(sheet, candidates, wanted)
        try:
            async with act.session.begin_nested():
                _check_places(is_refused=await _hold(sheet, numbers), is_last=number == ROUNDS)
                await _store(sheet)
                await _let_pass(sheet, candidates.bench.law)
        except _PlacesAreFreeError:
            sheet.check()
        except (ConflictError, ForbiddenError) as refusal:
            if refusal.code == REFUSED:
                raise
            _leave_out(sheet, refusal, everybody=number == ROUNDS)
            sheet.check()
        else:
            return


def _check_places(*, is_refused: bool, is_last: bool) -> None:
    if is_refused and not is_last:
        raise _PlacesAreFreeError


async def _choose(sheet: Sheet, candidates: Candidates, wanted: Mapping[UUID, Status]) -> None:
    """Choose among those whom nothing has stopped yet; who finds no place in the end is told so."""
    open_still = [one for one in wanted if one not in sheet.failed or sheet.failed[one].code == FILLED]
    # In a thread: the law of hundreds of people must not hold the event loop.
    choice = await asyncio.to_thread(candidates.choose, open_still)
    sheet.reached = {one: wanted[one] for one in wanted if one in set(choice.chosen)}
    sheet.failed = {one: told for one, told in sheet.failed.items() if told.code != FILLED}
    sheet.failed |= choice.refused | choice.beyond
    sheet.check()
    await _tell_within_the_hour(sheet, candidates.in_order(wanted))


async def _leave_out_unavailable(sheet: Sheet) -> None:
    """Leave out whoever is away or held by another company; the company's own bookings are no reason not to ask."""
    numbers = await repository.person_numbers(sheet.act, {sheet.rows[one].person_id for one in sheet.reached})
    holds, asked = _holds(sheet, numbers), list(sheet.reached)
    recorded = await ledger.find_recorded_of_each(sheet.act, holds)
    refused = list({*await ledger.find_unavailable(sheet.act, holds), *recorded})
    named = choosing.name_all(sheet.act, [sheet.rows[one.assignment_id] for one in refused])
    for one in refused:
        sheet.fail(one.assignment_id, recorded.get(one) or _not_available(named, one))
    sheet.check()
    own = {one.assignment_id for one in recorded}
    await _tell_within_the_hour(sheet, [one for one in asked if one not in own])


async def _tell_within_the_hour(sheet: Sheet, asked: Sequence[UUID]) -> None:
    """Tell of `asked`, in their order, what the hour allows; whoever comes after is left out, held or free alike.

    Free ones after the last who may be told are not done either: to do them would tell of the others beside them.
    """
    if not sheet.told:
        return
    left = await probing.left_to_tell(sheet.act, sheet.most_refusals)
    held = [number for number, one in enumerate(asked, 1) if _tells(sheet.failed.get(one))]
    if len(held) >= left:
        for one in asked[held[left - 1] if left else 0 :]:
            sheet.fail(one, probing.not_told(sheet.act))


def _tells(refusal: AppError | None) -> bool:
    return refusal is not None and refusal.code == "person_not_available"


def _not_available(named: Mapping[UUID, Named], wanted: ledger.Hold) -> AppError:
    return ledger.PersonNotAvailableError(named[wanted.assignment_id])


async def _hold(sheet: Sheet, numbers: Mapping[UUID, int]) -> bool:
    """Write the chosen into the ledger; return whether it refused some of them, who were free a moment ago."""
    refused = await ledger.try_hold(sheet.act, _holds(sheet, numbers))
    if not refused:
        return False
    named = choosing.name_all(sheet.act, [sheet.rows[one.assignment_id] for one in refused])
    known = await choosing.read_stopped(sheet.act, refused, named)
    for one in refused:
        sheet.fail(one.assignment_id, known.get(one.assignment_id) or _not_available(named, one))
    sheet.check()
    return True


def _holds(sheet: Sheet, numbers: Mapping[UUID, int]) -> list[ledger.Hold]:
    return choosing.holds_of([sheet.rows[one] for one in sheet.reached], numbers)


async def _let_pass(sheet: Sheet, law: Law) -> None:
    rows = [sheet.rows[one] for one in sheet.reached]
    if rows:
        times = sorted({(row.starts_at, row.ends_at) for row in rows})
        await gate.let_pass(sheet.act, Assignment.id.in_([row.id for row in rows]), times, sheet.brought, law=law)


def _leave_out(sheet: Sheet, refusal: ConflictError | ForbiddenError, *, everybody: bool) -> None:
    """Leave out the people whom the law stops; if it names nobody of these, or stops again and again, everybody."""
    found = refusal.extra.get("findings") or []
    named = {str(finding.get("person_id")) for finding in found}
    stopped = [one for one in sheet.reached if str(sheet.rows[one].person_id) in named]
    for one in list(sheet.reached) if everybody or not stopped else stopped:
        person = str(sheet.rows[one].person_id)
        own = [finding for finding in found if str(finding.get("person_id")) == person]
        sheet.fail(one, type(refusal)(refusal.code, refusal.sentence, extra={"findings": own}))


async def _store(sheet: Sheet) -> None:
    act = sheet.act
    rows, events = [], []
    for one, status in sheet.reached.items():
        row = sheet.rows[one]
        values = {"status": status, **_values(sheet, row)}
        rows.append({"assignment_id": one, "acted_at": act.now, "updated_at": act.now, **values})
        before = {name: getattr(row, name) for name in assignments.STATE}
        events.append((one, *changes(before, before | values)))
    await act.session.flush()
    await repository.store_acts(act, rows)
    action = Action(sheet.body.action.value)
    for one, was, now in events:
        told = assignments.said_for(action, sheet.rows[one].status, sheet.body.on_behalf)
        record(act, assignments.DONE[action], one, was, now if told is None else now | {"on_behalf": told})
    await act.session.flush()


def _values(sheet: Sheet, row: Row[Any]) -> dict[str, Any]:
    """Return what the act changes beside the state; the same columns for each, so that one statement does."""
    body, act = sheet.body, sheet.act
    decided = {"decided_by": act.actor.name, "decided_at": act.now}
    offered = {"rank": body.rank or FIRST, "expires_at": body.expires_at}
    of_action: Mapping[BulkAction, Callable[[], dict[str, Any]]] = {
        BulkAction.OFFER: lambda: offered | ({} if body.message is None else {"message": body.message}),
        BulkAction.CONFIRM: lambda: decided,
        BulkAction.RELEASE: dict,
        BulkAction.CANCEL: lambda: {"reason": body.reason, "notice_minutes": notice_minutes(act, row)},
        BulkAction.ACCEPT: lambda: decided,
        BulkAction.DECLINE: lambda: {"reason": body.reason, **decided},
    }
    return of_action[body.action]()


async def _follow(sheet: Sheet, remind_at: Any) -> None:  # noqa: ANN401 - an instant or nothing
    """Do what follows from the act: options remind and expire, people are told, second choices move up."""
    act, action, rows = sheet.act, sheet.body.action, [sheet.rows[one] for one in sheet.reached]
    if not rows:
        return
    if action is BulkAction.OFFER and sheet.body.expires_at is not None:
        await askings.begin(act, list(sheet.reached), sheet.body.expires_at, remind_at)
    if action is BulkAction.CANCEL:
        await ledger.release(act, list(sheet.reached))
    if action in _ANSWERS:
        await declarations.forget_all(act, list(sheet.reached))
        await _settle_contested(sheet)
    if action in _FALLING:
        await promoting.after_fall(act, [Fallen(row.call_id, row.job, row.rank) for row in rows])
    kind = {BulkAction.OFFER: NoticeKind.OFFERED, BulkAction.CONFIRM: NoticeKind.CONFIRMED,
            BulkAction.RELEASE: NoticeKind.CANCELLED, BulkAction.CANCEL: NoticeKind.CANCELLED}.get(action)  # fmt: skip
    if kind is not None:
        notices.note(act, kind, [_concerned(row) for row in rows])


async def _settle_contested(sheet: Sheet) -> None:
    """Give back whoever declines a contested booking; try again for whoever accepts one, as the answer of one does."""
    act, answered = sheet.act, [one for one in sheet.reached if one in sheet.contested]
    if not answered:
        return
    if sheet.body.action is BulkAction.DECLINE:
        await ledger.release(act, answered)
    else:
        numbers = await repository.person_numbers(act, {sheet.rows[one].person_id for one in answered})
        await ledger.retry_contested(act.session, set(numbers.values()))


def _concerned(row: Row[Any]) -> notices.Concerned:
    return notices.Concerned(row.id, row.call_id, row.person_id, row.starts_at, is_published=row.published_version > 0)


async def _answer(sheet: Sheet) -> BulkOut:
    done: Sequence[Any] = ()
    if sheet.reached:
        rows = {row.id: row for row in await repository.read_assignments(sheet.act, list(sheet.reached))}
        done = [assignments.shown_row(sheet.act, rows[one]) for one in sheet.reached]
    return BulkOut(action=sheet.body.action, done=list(done), failed=sheet.failures())


def _nothing_done(number: int) -> Sentence:
    if number == 1:
        return Sentence(
            "Rien n'a été fait : l'acte n'est pas possible pour une affectation. « failed » dit laquelle et pourquoi ; "
            "retirez-la, ou faites les autres avec « all_or_nothing » : false.",
            "Nothing was done: the act is not possible for one assignment. `failed` says which and why; leave it out, "
            'or do the others with "all_or_nothing": false.',
        )
    return Sentence(
        f"Rien n'a été fait : l'acte n'est pas possible pour {number} affectations. « failed » dit lesquelles et "
        "pourquoi ; retirez-les, ou faites les autres avec « all_or_nothing » : false.",
        f"Nothing was done: the act is not possible for {number} assignments. `failed` says which and why; leave "
        'them out, or do the others with "all_or_nothing": false.',
    )
