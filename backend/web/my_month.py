"""A month of a person's availability as a table of days: whole days away, hours away, dates that companies gave."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from backend.availability.domain.clocks import Span, instant_of, merged
from backend.availability.service import AHEAD, BACK, Current, OwnTime
from backend.core.instants import HOME_TIMEZONE
from backend.planning.domain.states import LIVE
from backend.planning.models import CallStatus
from backend.portal.schemas import MyAssignment
from backend.web.speaking import Words, in_zone

HOME = ZoneInfo(HOME_TIMEZONE)
WEEK = 7
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the table; `free` is what a press frees (an id and its version), `said_by` what explains it."""

    day: date
    inside: bool
    today: bool
    past: bool
    state: str
    hours: str
    dates: int
    free: str
    said_by: UUID | None


@dataclass(frozen=True, slots=True)
class Month:
    """The weeks of one month, and its neighbours as addresses name them; none where nothing can be said any more."""

    first: date
    weeks: list[list[Day]]
    before: str | None
    after: str | None


def month_named(text: str, now: datetime) -> date:
    """Return the first day of the month that an address names, this one where it names none that can be shown."""
    today = in_zone(now, HOME).date()
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return today.replace(day=1)
    return first if today - BACK <= first <= today + AHEAD else today.replace(day=1)


def span_of(first: date) -> Span:
    """Return the weeks that the table of a month shows, as one span."""
    start, end = _bounds(first)
    return Span(_midnight(start), _midnight(end))


def month_of_days(
    first: date, now: datetime, times: Sequence[OwnTime], said: Sequence[Current], dates: Iterable[MyAssignment],
    words: Words,
) -> Month:  # fmt: skip
    """Return a month with what its person said and what waits for them on each day."""
    start, end = _bounds(first)
    by_id = {each.said.id: each for each in said}
    taken = [day for item in dates if item.status in LIVE and item.call.status is not CallStatus.CANCELLED
             for day in _days_of(item)]  # fmt: skip
    days = [
        _day(start + at * _DAY, first, now, times, by_id, taken.count(start + at * _DAY), words)
        for at in range((end - start).days)
    ]
    last = (first.replace(day=28) + 4 * _DAY).replace(day=1)
    earlier, today = (first - _DAY).replace(day=1), in_zone(now, HOME).date()
    return Month(
        first, [days[at : at + WEEK] for at in range(0, len(days), WEEK)],
        f"{earlier:%Y-%m}" if earlier >= today - BACK else None, f"{last:%Y-%m}" if last <= today + AHEAD else None,
    )  # fmt: skip


def _day(
    day: date, first: date, now: datetime, times: Sequence[OwnTime], said: dict[UUID, Current], dates: int,
    words: Words,
) -> Day:  # fmt: skip
    today = in_zone(now, HOME).date()
    whole = Span(_midnight(day), _midnight(day + _DAY))
    touching = [one for one in times if one.span.overlaps(whole)]
    away = merged((one.span for one in touching), whole)
    state = "whole" if away == [whole] else "part" if away else "free"
    hours = ", ".join(words.span(each.starts_at, each.ends_at, HOME).partition(" (")[0] for each in away)
    by = next((said[one.unavailability_id] for one in touching if one.unavailability_id in said), None)
    is_of_this_day = (
        by is not None and len(touching) == 1 and touching[0].span == whole and by.said.recurrence is None
        and by.said.times == 1
    )  # fmt: skip
    return Day(
        day, day.month == first.month, day == today, day < today, state, hours if state == "part" else "", dates,
        f"{by.said.id}.{by.said.version}" if by and is_of_this_day else "", by.said.id if by else None,
    )  # fmt: skip


def _bounds(first: date) -> tuple[date, date]:
    """Return the Monday on or before a month's first day, and the Monday after its last one."""
    following = (first.replace(day=28) + 4 * _DAY).replace(day=1)
    return first - first.weekday() * _DAY, following + (-following.weekday() % WEEK) * _DAY


def _midnight(day: date) -> datetime:
    return instant_of(datetime.combine(day, time()), HOME)


def _days_of(item: MyAssignment) -> set[date]:
    last = item.call.ends_at - timedelta(seconds=1)
    return {in_zone(at, item.timezone).date() for at in (item.call.starts_at, last)}
