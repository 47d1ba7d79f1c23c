"""A person's assignments as one iCalendar feed (RFC 5545, RFC 7986); it asks no company for anything."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard, vText

PRODUCT = "-//Filage//Planning//FR"
REFRESH = timedelta(hours=1)
PREFIX = {"TENTATIVE": "Option : ", "CONFIRMED": "", "CANCELLED": "Annulé : "}
_CONTROL = re.compile("[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)

Status = Literal["TENTATIVE", "CONFIRMED", "CANCELLED"]


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One assignment as calendars show it; `sequence` grows with each change, `uid` never changes.

    Instants are aware; `timezone` is the IANA name of the zone on whose clocks they are read. `job` is worded.
    """

    uid: str
    sequence: int
    status: Status
    starts_at: datetime
    ends_at: datetime
    timezone: str
    summary: str
    production: str
    company: str
    job: str
    location: str
    description_lines: Sequence[str]
    updated_at: datetime


def render(entries: Sequence[CalendarEntry], *, name: str) -> bytes:
    """Return the feed called `name`; the same entries give the same bytes.

    There is no METHOD: it would ask for an ORGANIZER (RFC 5546), and without it DTSTAMP is the last change of the
    entry, not the time of reading (RFC 5545, 3.8.7.2). Raises ZoneInfoNotFoundError for an unknown zone.
    """
    calendar = _empty(_printable(name))
    for zone, (first, last) in sorted(_years(entries).items()):
        calendar.add_component(_timezone(zone, first, last))
    for entry in entries:
        calendar.add_component(_event(entry))
    rendered: bytes = calendar.to_ical(sorted=False)
    return rendered


def _empty(name: str) -> Calendar:
    # NAME is newer than the library's table of types: without vText it would go out unescaped.
    worded = vText(name)
    calendar = Calendar()
    calendar.add("PRODID", PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("NAME", worded)
    calendar.add("X-WR-CALNAME", worded)
    calendar.add("REFRESH-INTERVAL", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", "PT1H")
    return calendar


def _event(entry: CalendarEntry) -> Event:
    event = Event()
    start, end = _wall_times(entry)
    event.add("UID", entry.uid)
    event.add("SEQUENCE", entry.sequence)
    event.add("DTSTAMP", entry.updated_at.astimezone(UTC))
    event.add("LAST-MODIFIED", entry.updated_at.astimezone(UTC))
    event.add("DTSTART", start)
    event.add("DTEND", end)
    event.add("STATUS", entry.status)
    # An option stays opaque: with STATUS:TENTATIVE it reads as "busy, tentative"; transparent, it would read as free.
    event.add("TRANSP", "TRANSPARENT" if entry.status == "CANCELLED" else "OPAQUE")
    event.add("SUMMARY", _printable(PREFIX[entry.status] + entry.summary))
    event.add("DESCRIPTION", _description(entry))
    if entry.location:
        event.add("LOCATION", _printable(entry.location))
    return event


def _description(entry: CalendarEntry) -> str:
    lines = [f"Compagnie : {entry.company}", f"Production : {entry.production}", f"Poste : {entry.job}"]
    return "\n".join(_printable(line) for line in [*lines, *entry.description_lines])


def _printable(text: str) -> str:
    # RFC 5545 (3.1) forbids control characters in a value; a carriage return would end the line for some readers.
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))


def _wall_times(entry: CalendarEntry) -> tuple[datetime, datetime]:
    """Return start and end on the clocks of the zone, or both in UTC where one of them is shown twice.

    A wall time that occurs twice means its first occurrence to every reader (RFC 5545, 3.3.5).
    """
    zone = ZoneInfo(entry.timezone)
    start, end = entry.starts_at.astimezone(zone), entry.ends_at.astimezone(zone)
    if start.fold or end.fold:
        return start.astimezone(UTC), end.astimezone(UTC)
    return start, end


def _years(entries: Sequence[CalendarEntry]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for entry in entries:
        first, last = found.get(entry.timezone, (entry.starts_at.year, entry.ends_at.year))
        found[entry.timezone] = min(first, entry.starts_at.year), max(last, entry.ends_at.year)
    return found


@lru_cache(maxsize=256)
def _timezone(name: str, first_year: int, last_year: int) -> Timezone:
    """Return the VTIMEZONE of a zone, with every clock change from one year before the first to one after the last.

    The library's own generator starts each period at the wall time after the change; RFC 5545 (3.6.5) wants the wall
    time before it.
    """
    zone = ZoneInfo(name)
    start, end = datetime(first_year - 1, 1, 1, tzinfo=UTC), datetime(last_year + 2, 1, 1, tzinfo=UTC)
    found = Timezone()
    found.add("TZID", name)
    found.add_component(_period(zone, start, start))
    for change in _changes(zone, start, end):
        found.add_component(_period(zone, change - _SECOND, change))
    return found


def _period(zone: tzinfo, before: datetime, onset: datetime) -> TimezoneStandard | TimezoneDaylight:
    """Return the observance that begins at `onset`; `before` is an instant at which the former offset held."""
    local = onset.astimezone(zone)
    former = before.astimezone(zone).utcoffset() or timedelta(0)
    period = TimezoneDaylight() if local.dst() else TimezoneStandard()
    period.add("DTSTART", (onset + former).replace(tzinfo=None))
    period.add("TZOFFSETFROM", former)
    period.add("TZOFFSETTO", local.utcoffset() or timedelta(0))
    period.add("TZNAME", local.tzname() or str(zone))
    return period


def _changes(zone: tzinfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield each instant, to the second, at which the offset of `zone` changes; none are less than a day apart."""
    instant = start
    while instant < end:
        following = instant + _DAY
        if _offset(instant, zone) != _offset(following, zone):
            yield _change_between(zone, instant, following)
        instant = following


def _change_between(zone: tzinfo, early: datetime, late: datetime) -> datetime:
    offset = _offset(early, zone)
    while late - early > _SECOND:
        middle = early + timedelta(seconds=(late - early) // _SECOND // 2)
        if _offset(middle, zone) == offset:
            early = middle
        else:
            late = middle
    return late


def _offset(instant: datetime, zone: tzinfo) -> timedelta | None:
    return instant.astimezone(zone).utcoffset()
