"""Acts on calls: create, change, cancel, delete. A call that moves takes its confirmed people along, or does not move.

A draft moves whatever the law says: it is judged when it is published. Once published, people count on it, so a move,
another kind, another place or another production that makes anything worse passes the gate at once. A cancelled call is
not changed any more; one that people were told of is never deleted.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row

from backend.audit.service import changes, record
from backend.core.errors import InvalidError
from backend.core.ids import new_id
from backend.core.pagination import Page, PageRequest, cut
from backend.core.preconditions import check_version
from backend.core.resources import sent
from backend.planning import findings, gate, ledger, notices, publishing, refusals, repository, staffing
from backend.planning.domain.proposal import NewTimes, Proposal
from backend.planning.domain.publication import cancel_snapshot, instant_text
from backend.planning.domain.states import Status
from backend.planning.domain.times import Pause, Times, find_faults
from backend.planning.gate import BRINGING_NOTHING, Brought
from backend.planning.models import Assignment, Call, CallStatus, NoticeKind
from backend.planning.repository import CallsFilter
from backend.planning.schemas import CallChange, CallIn, CallOut
from backend.tenancy.acting import Act
from backend.tenancy.rows import apply_changes, in_use, refusing, values_of

FIELDS = tuple(CallIn.model_fields)
TIMES = ("starts_at", "ends_at", "breaks", "unplaced_break_minutes")
JUDGED = (*TIMES, "kind", "venue_id", "on_tour", "production_id")
"""What the law looks at: a published call passes the gate when one of these changes."""
_CANCELLING = frozenset({"status", "cancel_reason"})


async def list_calls(act: Act, wanted: CallsFilter, page: PageRequest) -> Page[CallOut]:
    """Return one page of calls, by start."""
    rows, cursor = cut(await repository.list_calls(act, wanted, page), page, lambda row: (row.starts_at, row.id))
    return Page[CallOut](items=[shown(row._asdict()) for row in rows], next_cursor=cursor)


async def read_call(act: Act, call_id: UUID) -> CallOut:
    """Return one call. Raises NotFoundError."""
    row = await repository.find_call(act, call_id)
    if row is None:
        raise refusals.missing(refusals.NO_CALL)
    return shown(row._asdict())


async def create_call(act: Act, body: CallIn) -> CallOut:
    """Add a draft call. Raises InvalidError: unknown production or venue, times that do not hold together."""
    values = body.model_dump()
    await _check_production(act, body.production_id)
    timezone, city = await _place(act, body.venue_id)
    check_times(values, timezone)
    if values["on_tour"] is None:
        values["on_tour"] = is_on_tour(act, city)
    call = Call(
        id=new_id(), status=CallStatus.DRAFT, published_version=0, created_at=act.now, updated_at=act.now,
        **stored(values),
    )  # fmt: skip
    async with refusing(act.session, {"fk_": refusals.unknown_in_body("production_id")}):
        act.session.add(call)
    record(act, "call.created", call.id, after=values_of(call, FIELDS))
    return shown_call(call, staffing.NOBODY)


async def change_call(
    act: Act, call_id: UUID, body: CallChange, expected: int, brought: Brought = BRINGING_NOTHING
) -> CallOut:
    """Change or cancel a call. Raises StaleError, InvalidError, ConflictError, and what the gate raises.

    `overlap` and `person_not_available` when a confirmed person is held at the new times: then nothing has changed.
    """
    call = await _locked(act, call_id)
    check_version(call.version, expected)
    if call.status is CallStatus.CANCELLED:
        raise refusals.call_cancelled()
    values = sent(body)
    if _CANCELLING & values.keys():
        await _cancel(act, call, values)
    else:
        await _change(act, call, values, brought)
    return await read_call(act, call_id)


async def delete_call(act: Act, call_id: UUID, expected: int) -> None:
    """Delete a draft that was never published, with its drafts of assignments. Raises ConflictError `in_use`."""
    call = await _locked(act, call_id)
    check_version(call.version, expected)
    if call.published_version or await repository.has_assignment(act, call_id, drafts=False):
        raise in_use(refusals.CALL_IN_USE)
    for draft in await repository.delete_drafts(act, call_id):
        record(act, "assignment.deleted", draft, before={"call_id": call_id})
    before = values_of(call, FIELDS)
    async with refusing(act.session, {"fk_": in_use(refusals.CALL_IN_USE)}):
        await act.session.delete(call)
    record(act, "call.deleted", call_id, before=before)


def is_on_tour(act: Act, venue_city: str | None) -> bool:
    """Tell whether a venue lies outside the company's city; an unknown city is taken for home."""
    if venue_city is None or act.company.city is None:
        return False
    return venue_city.strip().casefold() != act.company.city.strip().casefold()


async def _change(act: Act, call: Call, values: dict[str, Any], brought: Brought) -> None:
    await _check_production(act, values.get("production_id"))
    timezone, city = await _place(act, values.get("venue_id", call.venue_id))
    if any(name in values for name in TIMES):
        check_times(values_of(call, TIMES) | values, timezone)
    values = stored(values) | await _touring(act, call, values, city)
    before = values_of(call, FIELDS)
    async with refusing(act.session, {"fk_": refusals.unknown_in_body("production_id")}):
        changed = apply_changes(call, values, updated_at=act.now)
    if not changed:
        return
    is_judged = call.status is CallStatus.PUBLISHED and any(getattr(call, name) != before[name] for name in JUDGED)
    if is_judged:
        await gate.hold_people(act, gate.confirmed_on(Assignment.call_id == call.id))
    if (call.starts_at, call.ends_at) != (before["starts_at"], before["ends_at"]):
        await ledger.move(act, await repository.confirmed_ids(act, call.id), call.starts_at, call.ends_at)
    if is_judged:
        await _let_pass(act, call, before, brought)
    record(act, "call.changed", call.id, *changes(before, values_of(call, FIELDS)))


async def _let_pass(act: Act, call: Call, before: Mapping[str, Any], brought: Brought) -> None:
    old, new = (before["starts_at"], before["ends_at"]), (call.starts_at, call.ends_at)
    pauses = findings.pauses_of(before["breaks"])
    facts = {"kind": before["kind"].value, "on_tour": before["on_tour"], "venue": str(before["venue_id"] or "")}
    if call.production_id != before["production_id"]:
        premiere = await repository.premiere_of(act, before["production_id"])
        facts |= {"production": str(before["production_id"]), "premiere": premiere}
    stood = NewTimes(*old, pauses, before["unplaced_break_minutes"], facts)
    back = Proposal({str(call.id): stood}, {}, frozenset())
    await gate.let_pass(act, Assignment.call_id == call.id, [old, new], brought, back)


async def _touring(act: Act, call: Call, values: Mapping[str, Any], city: str | None) -> dict[str, bool]:
    """Null asks for the default; at another venue, a call that had the default of the old one follows the new one."""
    if values.get("on_tour") is not None:
        return {}
    if "on_tour" in values:
        return {"on_tour": is_on_tour(act, city)}
    if "venue_id" not in values or values["venue_id"] == call.venue_id:
        return {}
    _, old_city = await _place(act, call.venue_id)
    return {"on_tour": is_on_tour(act, city)} if call.on_tour == is_on_tour(act, old_city) else {}


async def _cancel(act: Act, call: Call, values: Mapping[str, Any]) -> None:
    if values.get("status") is not CallStatus.CANCELLED or values.keys() - _CANCELLING:
        raise InvalidError.of(
            ["body", "status"],
            "On annule une convocation avec « status »: « cancelled », un motif et rien d'autre ; pour la publier, "
            "utilisez l'adresse /publish.",
            'A call is cancelled with "status": "cancelled", a reason and nothing else; to publish it, use /publish.',
            "status",
        )
    before = call.status
    call.status, call.cancel_reason, call.updated_at = CallStatus.CANCELLED, values.get("cancel_reason"), act.now
    await _let_everybody_go(act, call)
    if call.published is not None:
        await publishing.publish_snapshot(act, call, cancel_snapshot(call.published, call.cancel_reason))
    after = {"status": call.status, "cancel_reason": call.cancel_reason}
    record(act, "call.cancelled", call.id, before={"status": before}, after=after)
    await act.session.flush()


async def _let_everybody_go(act: Act, call: Call) -> None:
    """One statement for each state, whatever the number of people; expired options first, which nobody releases."""
    reason, notice = call.cancel_reason, notice_minutes(act, call)
    await repository.change_all(act, call.id, Status.EXPIRED, {"status": Status.EXPIRED})
    cancelled = await repository.change_all(
        act, call.id, Status.CONFIRMED,
        {"status": Status.CANCELLED, "reason": reason, "notice_minutes": notice, "acted_at": act.now},
    )  # fmt: skip
    given_up = {"status": Status.RELEASED, "acted_at": act.now}
    options = await repository.change_all(act, call.id, Status.OPTION, given_up)
    accepted = await repository.change_all(act, call.id, Status.ACCEPTED, given_up)
    deleted = await repository.delete_drafts(act, call.id)
    await ledger.release(act, cancelled)
    told = await notices.concerned_by(act, Assignment.id.in_([*cancelled, *options, *accepted]))
    notices.note(act, NoticeKind.CANCELLED, told)
    told_of = {"call_id": call.id, "reason": reason, "notice_minutes": notice}
    for was, ids, after in (
        (Status.CONFIRMED, cancelled, {"status": Status.CANCELLED, **told_of}),
        (Status.OPTION, options, {"status": Status.RELEASED}),
        (Status.ACCEPTED, accepted, {"status": Status.RELEASED}),
    ):
        for one in ids:
            record(act, f"assignment.{after['status']}", one, before={"status": was}, after=after)
    for one in deleted:
        record(act, "assignment.deleted", one, before={"status": Status.DRAFT, "call_id": call.id})


def notice_minutes(act: Act, call: Call | Row[Any]) -> int:
    """Return the whole minutes from now to the call's start; 0 once it has begun."""
    return max(0, int((call.starts_at - act.now).total_seconds() // 60))


def shown_call(call: Call, staffed: Mapping[str, Any]) -> CallOut:
    """Return a call as the API shows it, with how far it is staffed."""
    return shown(values_of(call, (column.name for column in repository.CALL_COLUMNS)) | dict(staffed))


def shown(values: Mapping[str, Any]) -> CallOut:
    """Return the columns of a call as the API shows them."""
    own = {name: values[name] for name in CallOut.model_fields if name != "unpublished_changes"}
    return CallOut.model_validate(own | {"unpublished_changes": publishing.has_unpublished_changes(values)})


async def _locked(act: Act, call_id: UUID) -> Call:
    call = await repository.lock_call(act, call_id)
    if call is None:
        raise refusals.missing(refusals.NO_CALL)
    return call


async def _check_production(act: Act, production_id: UUID | None) -> None:
    if production_id is not None and not await repository.production_exists(act, production_id):
        raise refusals.unknown_in_body("production_id")


async def _place(act: Act, venue_id: UUID | None) -> tuple[str, str | None]:
    """Return the time zone and the city of the venue, or, without one, of the company."""
    if venue_id is None:
        return act.company.timezone, act.company.city
    venue = await repository.find_venue(act, venue_id)
    if venue is None:
        raise refusals.unknown_in_body("venue_id")
    return venue.timezone, venue.city


def check_times(values: Mapping[str, Any], timezone: str) -> None:
    """Refuse (InvalidError) times of a call that do not hold together; `values` maps them as sent or as stored."""
    pauses = [_pause(item) for item in values["breaks"]]
    times = Times(values["starts_at"], values["ends_at"], pauses, values["unplaced_break_minutes"])
    faults = find_faults(times, ZoneInfo(timezone))
    if faults:
        raise refusals.invalid_times(faults)


def _pause(item: Mapping[str, Any]) -> Pause:
    """Read a break as it was sent, or as it is stored."""
    starts_at, ends_at = (publishing.instant(item[name]) for name in ("starts_at", "ends_at"))
    return Pause(starts_at, ends_at, item["paid"])


def stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as the table holds them: instants in UTC, breaks in JSON's own types."""
    found: dict[str, Any] = {name: v.astimezone(UTC) if isinstance(v, datetime) else v for name, v in values.items()}
    if "breaks" in found:
        found["breaks"] = [
            {name: instant_text(v) if isinstance(v, datetime) else v for name, v in item.items()}
            for item in found["breaks"]
        ]
    return found
