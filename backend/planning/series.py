"""Series: many calls alike on the days of a pattern, less its exceptions; drafts, all or none of them."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from backend.audit.service import record
from backend.core.errors import InvalidError
from backend.core.ids import new_id
from backend.core.resources import sent
from backend.planning import refusals, repository
from backend.planning.calls import FIELDS, is_on_tour
from backend.planning.copy_schemas import MOST_CALLS, SeriesCall, SeriesIn, SeriesOut
from backend.planning.domain.moving import Moved, OutOfCalendarError, planned
from backend.planning.domain.times import find_faults
from backend.planning.models import Call, CallStatus
from backend.planning.selecting import out_of_calendar, stored_times
from backend.planning.templates import add_positions, break_plans, check_jobs, check_said, find_template
from backend.tenancy.acting import Act

WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
LONGEST = timedelta(days=3 * 366)
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_SAID = ("kind", "title", "duration_minutes", "breaks", "unplaced_break_minutes", "positions")


async def create_series(act: Act, body: SeriesIn) -> SeriesOut:
    """Add the calls of a series. Raises InvalidError: no day left, more than 400, times that do not hold together."""
    wanted = set(_days(body))
    days = sorted(wanted - set(body.except_))
    _check_days(days)
    said = await _said(act, body)
    if not await repository.production_exists(act, body.production_id):
        raise refusals.unknown_in_body("production_id")
    zone, city = await _place(act, body.venue_id)
    on_tour = is_on_tour(act, city) if body.on_tour is None else body.on_tour
    start = time.fromisoformat(body.start)
    moved = [_planned(day, start, said, zone) for day in days]
    own = {name: said[name] for name in ("kind", "title", "unplaced_break_minutes")} | {
        "production_id": body.production_id, "venue_id": body.venue_id, "on_tour": on_tour,
    }  # fmt: skip
    rows = [_call(act, own, each) for each in moved]
    await act.session.execute(insert(Call), rows)
    for row in rows:
        record(act, "call.created", row["id"], after={name: row[name] for name in FIELDS})
    positions = await add_positions(act, [row["id"] for row in rows], said["positions"])
    await act.session.flush()
    calls = [
        SeriesCall(
            call_id=row["id"], day=day, starts_at=each.times.starts_at, ends_at=each.times.ends_at,
            duration_minutes=each.minutes, clock_change=each.clock_change,
        )
        for row, day, each in zip(rows, days, moved, strict=True)
    ]  # fmt: skip
    spared = set(body.except_)
    return SeriesOut(
        calls=calls, left_out=sorted(wanted & spared), except_unused=sorted(spared - wanted), positions=positions
    )


def _days(body: SeriesIn) -> Iterator[date]:
    if body.first_day is None or body.until is None:
        yield from body.dates
        return
    if not timedelta(0) <= body.until - body.first_day <= LONGEST:
        raise InvalidError.of(
            ["body", "until"],
            "Le dernier jour vient après le premier, trois ans plus tard au plus : corrigez les dates.",
            "The last day comes after the first one, three years later at most: correct the dates.",
            "period",
        )
    wanted = {WEEKDAYS.index(code) for code in body.weekdays}
    monday = body.first_day - body.first_day.weekday() * _DAY
    for number in range((body.until - monday).days // 7 + 1):
        if number % body.every_weeks == 0:
            for weekday in sorted(wanted):
                day = monday + number * _WEEK + weekday * _DAY
                if body.first_day <= day <= body.until:
                    yield day


def _check_days(days: list[date]) -> None:
    if not days:
        raise InvalidError.of(
            ["body", "until"],
            "Cette série ne contient aucun jour : vérifiez les dates, les jours de la semaine et les exceptions.",
            "This series holds no day at all: check the dates, the days of the week and the exceptions.",
            "nothing_selected",
        )
    if len(days) > MOST_CALLS:
        raise InvalidError.of(
            ["body", "until"],
            f"Cette série fait {len(days)} convocations : {MOST_CALLS} au plus à la fois. Raccourcissez-la.",
            f"This series makes {len(days)} calls: {MOST_CALLS} at most at once. Make it shorter.",
            "too_many",
        )


async def _said(act: Act, body: SeriesIn) -> dict[str, Any]:
    """Return what the body says of each call, completed by its template."""
    found: dict[str, Any] = {"breaks": [], "unplaced_break_minutes": 0, "positions": []}
    if body.template_id is not None:
        values, positions = await find_template(act, body.template_id)
        found |= {**values, "positions": positions}
    found |= {name: value for name, value in sent(body).items() if name in _SAID and value is not None}
    check_said(found, ("kind", "title", "duration_minutes"))
    await check_jobs(act, found["positions"])
    return found


async def _place(act: Act, venue_id: UUID | None) -> tuple[ZoneInfo, str | None]:
    if venue_id is None:
        return ZoneInfo(act.company.timezone), act.company.city
    venue = await repository.find_venue(act, venue_id)
    if venue is None:
        raise refusals.unknown_in_body("venue_id")
    return ZoneInfo(venue.timezone), venue.city


def _planned(day: date, start: time, said: Mapping[str, Any], zone: ZoneInfo) -> Moved:
    plan = (said["duration_minutes"], break_plans(said["breaks"]), said["unplaced_break_minutes"])
    try:
        found = planned(datetime.combine(day, start), *plan, zone)
    except OutOfCalendarError as error:
        raise out_of_calendar("until", error) from error
    if faults := find_faults(found.times, zone):
        raise refusals.invalid_times(faults)
    return found


def _call(act: Act, own: Mapping[str, Any], moved: Moved) -> dict[str, Any]:
    return {
        **own, **stored_times(moved), "id": new_id(), "status": CallStatus.DRAFT, "published_version": 0,
        "created_at": act.now, "updated_at": act.now, "version": 1,
    }  # fmt: skip
