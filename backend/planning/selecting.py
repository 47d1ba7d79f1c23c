"""Which calls an act on many of them means: locked, in one statement, with the zone of each one's place."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, and_, select

from backend.core.errors import InvalidError
from backend.core.instants import local_day
from backend.planning import refusals, repository
from backend.planning.copy_schemas import MOST_CALLS, Selection
from backend.planning.domain.moving import Moved, OutOfCalendarError
from backend.planning.domain.times import Pause, Times
from backend.planning.models import Call, CallStatus
from backend.planning.publishing import instant
from backend.productions.models import Venue
from backend.tenancy.acting import Act

_DAY = timedelta(days=1)


async def selected_calls(act: Act, selection: Selection) -> Sequence[Row[Any]]:
    """Return the calls meant, by start, with `zone`; nobody changes them until this act is stored.

    Raises InvalidError: unknown ids, no call at all, or more than 400; ConflictError for a cancelled one named by id.
    """
    if selection.production_id is not None and not await repository.production_exists(act, selection.production_id):
        raise refusals.unknown_in_body("production_id")
    query = (
        select(*repository.CALL_COLUMNS, Venue.timezone.label("zone"))
        .outerjoin(Venue, Venue.id == Call.venue_id)
        .where(_condition(act, selection))
        .order_by(Call.id)
        .limit(MOST_CALLS + 1)
        .with_for_update(of=Call)
    )
    rows = sorted(await act.session.execute(query), key=lambda row: (row.starts_at, row.id))
    if selection.call_ids is not None:
        if len(rows) < len(set(selection.call_ids)):
            raise refusals.unknown_in_body("call_id")
        if any(row.status is CallStatus.CANCELLED for row in rows):
            raise refusals.call_cancelled()
    if not rows:
        raise _nothing()
    if len(rows) > MOST_CALLS:
        raise too_many()
    return rows


def days_between(act: Act, selection: Selection, rows: Sequence[Row[Any]], to: date) -> int:
    """Return by how many days a selection moves so that its first day is `to` (with `week`: into the week of `to`)."""
    if selection.week is not None:
        return (_monday(to) - _monday(selection.week)).days
    first = selection.day or selection.first_day
    return (to - (first or local_day(rows[0].starts_at, ZoneInfo(act.company.timezone)))).days


def times_of(row: Row[Any]) -> Times:
    """Return when a call takes place, in UTC."""
    pauses = [Pause(instant(p["starts_at"]), instant(p["ends_at"]), p["paid"]) for p in row.breaks]
    return Times(row.starts_at, row.ends_at, pauses, row.unplaced_break_minutes)


def zone_of(act: Act, row: Row[Any]) -> ZoneInfo:
    """Return the zone on whose clocks a call is read: its venue's, or the company's."""
    return ZoneInfo(row.zone or act.company.timezone)


def stored_times(moved: Moved) -> dict[str, Any]:
    """Return new times as the table holds them."""
    times = moved.times
    return {
        "starts_at": times.starts_at,
        "ends_at": times.ends_at,
        "breaks": [
            {"starts_at": _text(p.starts_at), "ends_at": _text(p.ends_at), "paid": p.paid} for p in times.breaks
        ],
    }


def out_of_calendar(field: str, error: OutOfCalendarError) -> InvalidError:
    """Refuse dates that no calendar of the planning holds."""
    refusal = InvalidError.of(
        ["body", field],
        "Une convocation tomberait hors du calendrier (de 1970 à 2200) : choisissez une autre date.",
        "A call would fall outside the calendar (1970 to 2200): choose another date.",
        "day_range",
    )
    refusal.__cause__ = error
    return refusal


def too_many() -> InvalidError:
    """Refuse more calls than one act takes."""
    return InvalidError.of(
        ["body", "source"],
        f"Il y en a plus de {MOST_CALLS} : faites-le en plusieurs fois, par semaine ou par mois.",
        f"There are more than {MOST_CALLS}: do it in parts, by week or by month.",
        "too_many",
    )


def _condition(act: Act, selection: Selection) -> ColumnElement[bool]:
    if selection.call_ids is not None:
        return Call.id.in_(set(selection.call_ids))
    conditions = [Call.status != CallStatus.CANCELLED]
    if selection.production_id is not None:
        conditions.append(Call.production_id == selection.production_id)
    first, last = _days(selection)
    if first is not None and last is not None:
        zone = ZoneInfo(act.company.timezone)
        conditions += [Call.starts_at >= _midnight(first, zone), Call.starts_at < _midnight(last, zone, later=1)]
    return and_(*conditions)


def _days(selection: Selection) -> tuple[date | None, date | None]:
    if selection.day is not None:
        return selection.day, selection.day
    if selection.week is not None:
        return _monday(selection.week), _monday(selection.week) + 6 * _DAY
    return selection.first_day, selection.last_day


def _monday(day: date) -> date:
    return day - day.weekday() * _DAY


def _midnight(day: date, zone: ZoneInfo, *, later: int = 0) -> datetime:
    return datetime.combine(day + later * _DAY, time(), zone).astimezone(UTC)


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _nothing() -> InvalidError:
    return InvalidError.of(
        ["body", "source"],
        "Aucune convocation n'y répond (les annulées sont laissées de côté) : choisissez d'autres jours.",
        "No call answers to that (cancelled ones are left out): choose other days.",
        "nothing_selected",
    )
