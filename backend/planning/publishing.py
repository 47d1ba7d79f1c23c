"""Publishing calls: numbered versions of what people are told, each with what has changed since the one before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, and_, or_

from backend.audit.service import record
from backend.core.preconditions import check_version, stale
from backend.planning import gate, hearing, notices, refusals, repository
from backend.planning.domain.eve import eve_of
from backend.planning.domain.publication import FIELDS, find_changes, has_moved, must_be_told, take_snapshot
from backend.planning.domain.states import Status
from backend.planning.gate import BRINGING_NOTHING, Brought
from backend.planning.models import Assignment, Call, CallStatus, NoticeKind, Publication
from backend.planning.period import ALWAYS, Period
from backend.planning.schemas import Difference, ProductionPublicationOut, PublicationOut
from backend.tenancy import agenda
from backend.tenancy.acting import Act
from backend.tenancy.rows import values_of

_SURE = (Status.ACCEPTED, Status.CONFIRMED)


async def publish_call(
    act: Act, call_id: UUID, expected: int, brought: Brought = BRINGING_NOTHING
) -> tuple[PublicationOut, int]:
    """Publish a call and return what people are told anew, and the call's row version.

    A call that has not changed keeps its version. Raises NotFoundError, ConflictError for a cancelled one, and what
    the gate raises for what the law forbids.
    """
    call = await repository.lock_call(act, call_id)
    if call is None:
        raise refusals.missing(refusals.NO_CALL)
    check_version(call.version, expected)
    if call.status is CallStatus.CANCELLED:
        raise refusals.call_cancelled()
    snapshot = take_snapshot(values_of(call, FIELDS))
    if call.published == snapshot:
        return _unchanged(call), call.version
    await _let_pass(act, [call], brought)
    before = call.published
    published = await publish_snapshot(act, call, snapshot)
    await tell_people(act, {call.id: (before, snapshot)})
    return published, call.version


async def publish_production(
    act: Act,
    production_id: UUID,
    brought: Brought = BRINGING_NOTHING,
    period: Period = ALWAYS,
    *,
    dry_run: bool = False,
) -> ProductionPublicationOut:
    """Publish every draft or changed call of a production in a period, or none; cancelled ones stay as they are.

    A `dry_run` says which these are, and publishes nothing. Raises NotFoundError, and what the gate raises for what the
    law forbids.
    """
    if not await repository.production_exists(act, production_id):
        raise refusals.missing(refusals.NO_PRODUCTION)
    if dry_run:
        waiting = await find_waiting(act, period, production_id)
        published = [_would_be(act, one) for one in waiting]
        found = summary_of(act, [one.call for one in waiting])
    else:
        locked = await repository.lock_calls_of_production(act, production_id, period)
        published = await _publish_changed(act, locked, brought)
        named = {one.call_id for one in published}
        found = summary_of(act, [call for call in locked if call.id in named])
    return ProductionPublicationOut(
        production_id=production_id,
        dry_run=dry_run,
        number=len(published),
        first_day=found.first_day,
        last_day=found.last_day,
        past=found.past,
        calls=published,
    )


async def publish_calls(
    act: Act, expected: Mapping[UUID, int], brought: Brought = BRINGING_NOTHING
) -> list[PublicationOut]:  # fmt: skip
    """Publish these calls, each as it was read (its row version), all or none; unchanged and cancelled ones stay.

    Raises StaleError when one has changed or gone since, and what the gate raises for what the law forbids.
    """
    calls = await repository.lock_calls(act, expected)
    found = {call.id: call.version for call in calls}
    for call_id, version in expected.items():
        if call_id not in found:
            raise stale()
        check_version(found[call_id], version)
    return await _publish_changed(act, calls, brought)


async def _publish_changed(act: Act, calls: Sequence[Row[Any]], brought: Brought) -> list[PublicationOut]:
    snapshots = [(call, take_snapshot(call._asdict())) for call in calls]
    changed = [(call, snapshot) for call, snapshot in snapshots if call.published != snapshot]
    if changed:
        await _let_pass(act, [call for call, _ in changed], brought)
    rows, published = [], []
    for call, snapshot in changed:
        rows.append({"call_id": call.id, **_told(act, call, snapshot), "status": CallStatus.PUBLISHED})
        published.append(_add_publication(act, call, snapshot))
    await repository.store_publications(act, rows)
    await tell_people(act, {call.id: (call.published, snapshot) for call, snapshot in changed})
    return published


async def publish_snapshot(act: Act, call: Call, snapshot: dict[str, Any]) -> PublicationOut:
    """Give a call its next version, which tells `snapshot`."""
    published = _add_publication(act, call, snapshot)
    for name, value in _told(act, call, snapshot).items():
        setattr(call, name, value)
    if call.status is CallStatus.DRAFT:
        call.status = CallStatus.PUBLISHED
    await act.session.flush()
    return published


@dataclass(frozen=True, slots=True)
class Summary:
    """What a publication is about: from which day to which (None: no call at all), and how many have begun already."""

    first_day: date | None
    last_day: date | None
    past: int


def summary_of(act: Act, calls: Sequence[Row[Any]]) -> Summary:
    """Return what these calls are, on the company's calendar."""
    zone = ZoneInfo(act.company.timezone)
    days = [call.starts_at.astimezone(zone).date() for call in calls]
    past = sum(call.starts_at <= act.now for call in calls)
    return Summary(min(days, default=None), max(days, default=None), past)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that is not, or no longer, what the people called were told."""

    call: Row[Any]
    changes: list[Difference]


async def find_waiting(act: Act, period: Period, production_id: UUID | None = None) -> list[Waiting]:
    """Return the calls of a period that publishing would give a new version, by start."""
    found = []
    for row in await repository.list_calls_to_publish(act, period, production_id):
        if row.published is None:
            found.append(Waiting(row, []))
        elif row.published != (snapshot := take_snapshot(row._asdict())):
            found.append(Waiting(row, [Difference(**one) for one in find_changes(row.published, snapshot)]))
    return found


async def find_audience(act: Act, calls: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return who reads of these calls once they are published: `call_id`, `person_id`, `name` and how, by name.

    Somebody in a draft knows of nothing yet.
    """
    return await repository.list_audience(act, calls)


def has_unpublished_changes(values: Mapping[str, Any]) -> bool:
    """Tell whether a published call is no longer what people were told."""
    return values["status"] is CallStatus.PUBLISHED and values["published"] != take_snapshot(values)


def instant(value: datetime | str) -> datetime:
    """Read an instant that may be one of a stored snapshot or break."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


async def tell_people(act: Act, versions: Mapping[UUID, tuple[Mapping[str, Any] | None, Mapping[str, Any]]]) -> None:
    """Let what waited for these versions go, note who must be told of a change, and plan the evening before.

    `versions` are what each call's people were told before and are told now. A change is measured from what each of
    them knew: small moves add up.
    """
    await notices.publish(act, list(versions))
    moved = [one for one, (before, after) in versions.items() if before and has_moved(before, after)]
    if moved:
        stand = or_(repository.has_status(Status.OPTION, act.now), Assignment.status.in_(_SURE))
        concerned = await notices.concerned_by(act, and_(Assignment.call_id.in_(moved), stand))
        known = await hearing.known_before(act, concerned)
        told = [one for one in concerned if must_be_told(known.get(one.assignment_id), versions[one.call_id][1])]
        notices.note(act, NoticeKind.CHANGED, [_soonest(one, known[one.assignment_id]) for one in told], known)
    zone = ZoneInfo(act.company.timezone)
    eves = [eve_of(instant(after["starts_at"]), zone) for _, after in versions.values()]
    await agenda.enter(act.session, act.company, [eve for eve in eves if eve > act.now])


def _soonest(one: notices.Concerned, known: Mapping[str, Any]) -> notices.Concerned:
    return replace(one, starts_at=min(one.starts_at, instant(known["starts_at"])))


async def _let_pass(act: Act, calls: Sequence[Call | Row[Any]], brought: Brought) -> None:
    on_them = Assignment.call_id.in_([call.id for call in calls])
    await gate.hold_people(act, gate.confirmed_on(on_them))
    await gate.let_pass(act, on_them, [(call.starts_at, call.ends_at) for call in calls], brought)


def _would_be(act: Act, waiting: Waiting) -> PublicationOut:
    call = waiting.call
    return PublicationOut(
        call_id=call.id, version=call.published_version + 1, published_at=act.now, changes=waiting.changes
    )


def _told(act: Act, call: Call | Row[Any], snapshot: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a call that say what people were told last."""
    return {
        "published": snapshot,
        "published_version": call.published_version + 1,
        "published_at": act.now,
        "published_starts_at": instant(snapshot["starts_at"]),
        "published_ends_at": instant(snapshot["ends_at"]),
        "updated_at": act.now,
    }


def _add_publication(act: Act, call: Call | Row[Any], snapshot: dict[str, Any]) -> PublicationOut:
    version, found = call.published_version + 1, find_changes(call.published, snapshot)
    act.session.add(
        Publication(
            call_id=call.id,
            version=version,
            snapshot=snapshot,
            changes=found,
            published_by=act.actor.name,
            published_at=act.now,
        )
    )
    record(act, "call.published", call.id, after={"version": version, "status": snapshot["status"]})
    differences = [Difference(**change) for change in found]
    return PublicationOut(call_id=call.id, version=version, published_at=act.now, changes=differences)


def _unchanged(call: Call) -> PublicationOut:
    published_at = call.published_at or call.updated_at
    return PublicationOut(call_id=call.id, version=call.published_version, published_at=published_at, changes=[])
