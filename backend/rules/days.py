"""Civil days, ISO weeks and wall times of one zone, as whole minutes since 1970 in UTC: a day may last 23 or 25 hours.

A day is its ordinal (`date.toordinal`), a minute is an integer: the rules compare and add nothing else.
"""

from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = 1440
WEEK_DAYS = 7
EPOCH = date(1970, 1, 1).toordinal()


class Days:
    """The calendar of one zone; remembers the times that it was asked for."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._midnights: dict[int, int] = {}
        self._hours: dict[tuple[int, int], int] = {}
        self._ahead = -self.start(EPOCH)  # a first guess at the day of a minute

    def start(self, day: int) -> int:
        """Return the minute at which `day` begins."""
        found = self._midnights.get(day)
        if found is None:
            found = self._midnights[day] = self.at(day, 0)
        return found

    def at(self, day: int, hour: int) -> int:
        """Return the minute of `hour` o'clock on the wall; the first of two where the clocks go back."""
        found = self._hours.get((day, hour))
        if found is None:
            wall = datetime.combine(date.fromordinal(day), time(hour), self.zone)
            found = self._hours[day, hour] = int(wall.timestamp()) // 60
        return found

    def of(self, minute: int) -> int:
        """Return the day that holds `minute`."""
        return _day_of(self, minute)

    def find_day(self, minute: int) -> int:
        """Find the day that holds `minute` in the calendar."""
        day = EPOCH + (minute + self._ahead) // DAY
        while self.start(day) > minute:
            day -= 1
        while self.start(day + 1) <= minute:
            day += 1
        return day

    def wall(self, minute: int) -> datetime:
        """Return the local time at `minute`."""
        return instant(minute).astimezone(self.zone)


@lru_cache(maxsize=65_536)  # people called together share their minutes
def _day_of(days: Days, minute: int) -> int:
    return days.find_day(minute)


@lru_cache(maxsize=64)
def days_of(zone: ZoneInfo) -> Days:
    """Return the one calendar of `zone`."""
    return Days(zone)


def monday(day: int) -> int:
    """Return the Monday of the ISO week of `day`."""
    return day - (day - 1) % WEEK_DAYS


def minute_of(moment: datetime) -> int:
    """Return the whole minute of an aware instant; raises ValueError for a naive one."""
    if moment.tzinfo is None:
        message = f"a naive instant has no place in time: {moment!r}"
        raise ValueError(message)
    return int(moment.timestamp() // 60)


def instant(minute: int) -> datetime:
    """Return the instant of a minute, in UTC."""
    return datetime.fromtimestamp(minute * 60, UTC)


def overlap(first: int, last: int, starts: int, ends: int) -> int:
    """Return how many minutes two intervals share."""
    return max(0, min(last, ends) - max(first, starts))
