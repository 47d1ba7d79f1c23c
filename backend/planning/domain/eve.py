"""The evening before a call: six o'clock on the clocks of the company, whichever side of a clock change it is on."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EVENING = time(18)
DAY = timedelta(days=1)


def eve_of(starts_at: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant of 18:00 on the day before the one on which a call starts, by the calendar of `zone`."""
    day = starts_at.astimezone(zone).date() - DAY
    return datetime.combine(day, EVENING, zone).astimezone(UTC)


def day_announced(minute: datetime, zone: ZoneInfo) -> date | None:
    """Return the day that is announced at this minute: the next one, if it is 18:00 in `zone`."""
    local = minute.astimezone(zone)
    return local.date() + DAY if local.time() == EVENING else None


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instants at which a day of `zone` begins and ends; 23 or 25 hours apart when the clocks change."""
    begins, ends = (datetime.combine(one, time(0), zone).astimezone(UTC) for one in (day, day + DAY))
    return begins, ends
