"""Wall times and days of a zone: what exists there, and what does not on the nights when the clocks change."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

HOME_TIMEZONE = "Europe/Paris"


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def find_zone(name: str) -> ZoneInfo | None:
    """Return the time zone called `name` (IANA, like "Europe/Paris"), or None when there is none."""
    return ZoneInfo(name) if name in _zone_names() else None


def wall_time_exists(instant: datetime, zone: ZoneInfo) -> bool:
    """Tell whether `instant`, as it was written, is a time that the clocks of `zone` show.

    False only for a wall time that the clocks skip, written with one of the two offsets around the skip:
    2027-03-28T02:30+01:00 in Europe/Paris. Any other offset, UTC first, names an instant without ambiguity and is
    true. `instant` must still carry the offset it was written with. Raises ValueError when it is naive.
    """
    offset = instant.utcoffset()
    if offset is None:
        message = f"a naive instant has no offset to compare: {instant!r}"
        raise ValueError(message)
    if offset == timedelta(0):
        return True
    before, after = _offsets_around(instant.replace(tzinfo=None), zone)
    return before >= after or offset not in {before, after}


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """Return the day on the calendar of `zone` at `instant`, which must be aware (ValueError otherwise)."""
    if instant.utcoffset() is None:
        message = f"a naive instant has no day of its own: {instant!r}"
        raise ValueError(message)
    return instant.astimezone(zone).date()


def _offsets_around(wall: datetime, zone: ZoneInfo) -> tuple[timedelta, timedelta]:
    # PEP 495: inside a skip, fold=0 takes the offset before it and fold=1 the greater one after it.
    before = wall.replace(tzinfo=zone, fold=0).utcoffset() or timedelta(0)
    after = wall.replace(tzinfo=zone, fold=1).utcoffset() or timedelta(0)
    return before, after
