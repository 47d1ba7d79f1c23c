"""A call at another date: what its clocks showed is kept, on the nights too when the clocks change.

A time that the clocks skip moves on by as much as they do (02:30 is 03:30); of one that they show twice, the first is
meant, unless the second was. Where that would turn a call or a break around, all keep their lengths from the start on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from backend.core.schemas import FIRST_YEAR, LAST_YEAR
from backend.planning.domain.times import Pause, Times, find_faults


@dataclass(frozen=True, slots=True)
class BreakPlan:
    """A break by its place in the call: so many minutes after the start, so long."""

    after_minutes: int
    minutes: int
    paid: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """The new times, in UTC; `clock_change`: somebody should look at them, because the clocks change.

    Some time could not be what the clocks showed before, or is one that they show twice; or the call lasts longer or
    less long than it did, or than it was meant to.
    """

    times: Times
    clock_change: bool

    @property
    def minutes(self) -> int:
        """How long the call really lasts."""
        return int((self.times.ends_at - self.times.starts_at).total_seconds()) // 60


class OutOfCalendarError(ValueError):
    """A date before 1970 or after 2200."""


def by_days(times: Times, days: int, zone: ZoneInfo) -> Moved:
    """Return `times` so many days later, at the same times on the clocks of `zone`. Raises OutOfCalendarError."""
    try:
        walls = Times(
            _wall(times.starts_at, days, zone),
            _wall(times.ends_at, days, zone),
            [replace(p, starts_at=_wall(p.starts_at, days, zone), ends_at=_wall(p.ends_at, days, zone))
             for p in times.breaks],
            times.unplaced_break_minutes,
        )  # fmt: skip
    except OverflowError as error:
        raise OutOfCalendarError from error
    return _on_clocks(walls, zone, times)


def by_minutes(times: Times, minutes: int) -> Moved:
    """Return `times` so many minutes later, whatever the clocks do. Raises OutOfCalendarError."""
    return Moved(_in_calendar(_later(times, timedelta(minutes=minutes))), clock_change=False)


def planned(wall: datetime, minutes: int, breaks: Sequence[BreakPlan], unplaced: int, zone: ZoneInfo) -> Moved:
    """Return the times of a call that begins when the clocks show `wall` (naive), with its length and breaks."""

    def placed(start: datetime) -> Times:
        starts = [start + timedelta(minutes=each.after_minutes) for each in breaks]
        pauses = [
            Pause(at, at + timedelta(minutes=each.minutes), each.paid) for at, each in zip(starts, breaks, strict=True)
        ]
        return Times(start, start + timedelta(minutes=minutes), pauses, unplaced)

    return _on_clocks(placed(wall), zone, placed(wall.replace(tzinfo=UTC)))


def _on_clocks(walls: Times, zone: ZoneInfo, lengths: Times) -> Moved:
    read = _each(walls, lambda wall: _instant(wall, zone))
    if find_faults(read, zone):
        read = _later(lengths, read.starts_at - lengths.starts_at)
    clock_change = any(
        at.astimezone(zone).replace(tzinfo=None, fold=0) != wall.replace(fold=0) or _is_shown_twice(wall, zone)
        for at, wall in zip(_flat(read), _flat(walls), strict=True)
    )
    is_another_length = read.ends_at - read.starts_at != lengths.ends_at - lengths.starts_at
    return Moved(_in_calendar(read), clock_change or is_another_length)


def _is_shown_twice(wall: datetime, zone: ZoneInfo) -> bool:
    return wall.replace(tzinfo=zone, fold=0).utcoffset() != wall.replace(tzinfo=zone, fold=1).utcoffset()


def _wall(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone)
    return (local.replace(tzinfo=None) + timedelta(days=days)).replace(fold=local.fold)


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    found = wall.replace(tzinfo=zone).astimezone(UTC)
    if wall.fold and found.astimezone(zone).replace(tzinfo=None, fold=0) != wall.replace(fold=0):
        return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return found


def _later(times: Times, by: timedelta) -> Times:
    return _each(times, lambda at: (at + by).astimezone(UTC))


def _each(times: Times, change: Callable[[datetime], datetime]) -> Times:
    pauses = [replace(p, starts_at=change(p.starts_at), ends_at=change(p.ends_at)) for p in times.breaks]
    return replace(times, starts_at=change(times.starts_at), ends_at=change(times.ends_at), breaks=pauses)


def _flat(times: Times) -> list[datetime]:
    return [times.starts_at, times.ends_at, *(at for p in times.breaks for at in (p.starts_at, p.ends_at))]


def _in_calendar(times: Times) -> Times:
    if not FIRST_YEAR <= times.starts_at.year <= times.ends_at.year <= LAST_YEAR:
        raise OutOfCalendarError
    return times
