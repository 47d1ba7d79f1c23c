"""An outside iCalendar file read as busy times (RFC 5545): its times and a hash of each UID, never a title."""

import hashlib
import re
import time as clocks
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from icalendar import Calendar
from icalendar.error import BrokenCalendarProperty
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from backend.availability.domain.clocks import Span, span_of
from backend.availability.domain.recurrence import RecurrenceError, expand
from backend.core.errors import Sentence
from backend.core.instants import find_zone

MOST_EVENTS, MOST_RULES = 2000, 500
MOST_STEPS = 60_000_000  # of all rules of a file together: a second and a half at most, whatever they say
MOST_SECONDS = 2.0  # of computing, should a rule take longer than its steps say
LONGEST = timedelta(days=366)
_DAY = timedelta(days=1)
_FOLD = re.compile(r"(?:\r?\n)+[ \t]")
_ZONE_BEGINS, _ZONE_ENDS = (re.compile(rf"\s*{word}\b.*VTIMEZONE", re.IGNORECASE) for word in ("BEGIN", "END"))
_ZONE_NAMED = re.compile(r'^([A-Z0-9-]+(?:;[^:\r\n]*?)?;TZID=)("[^"\r\n]*"|[^;:\r\n]*)', re.IGNORECASE | re.MULTILINE)


class CalendarError(ValueError):
    """A file that is not imported; `sentence` says why."""

    def __init__(self, code: str, fr: str, en: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = Sentence(fr, en)


@dataclass(frozen=True, slots=True)
class BusyEvent:
    """One event that makes its person busy: found again by `uid_hash`, changed when `fingerprint` differs."""

    uid_hash: str
    spans: Sequence[Span]
    whole_days: bool
    recurrence: str | None

    @property
    def fingerprint(self) -> str:
        """Return a hash of all its times."""
        text = ";".join(f"{span.starts_at.isoformat()}/{span.ends_at.isoformat()}" for span in self.spans)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class CalendarRead:
    """What a file says: busy events, how many others were skipped for which reason, recurrences that were cut."""

    events: Sequence[BusyEvent]
    skipped: dict[str, int]
    cut: int


@dataclass(frozen=True, slots=True)
class Window:
    """Which times are taken, and on whose clocks those without a zone are read."""

    floor: datetime
    horizon: datetime
    zone: tzinfo


def read_calendar(content: bytes, window: Window) -> CalendarRead:
    """Read a file. Raises CalendarError: no iCalendar, too many events, a time zone that nobody knows."""
    events = _events(content)
    _check_zones(events)
    moved = {(_uid(event), _plain(event["RECURRENCE-ID"].dt, window.zone)) for event in events if _is_moved(event)}
    reader = _Reader(window, moved)
    found: dict[str, BusyEvent] = {}
    begun = clocks.thread_time()
    for number, event in enumerate(events, 1):
        read = reader.read(event)
        if reader.steps > MOST_STEPS or clocks.thread_time() - begun > MOST_SECONDS:
            raise _too_much_work(number, event)
        if read is not None and read.uid_hash in found:
            reader.skipped["duplicate"] += 1
        elif read is not None:
            found[read.uid_hash] = read
    return CalendarRead(list(found.values()), dict(reader.skipped), reader.cut)


class _Reader:
    def __init__(self, window: Window, moved: set[tuple[str, datetime]]) -> None:
        self.window = window
        self.moved = moved
        self.skipped: Counter[str] = Counter()
        self.cut = 0
        self.steps = 0

    def read(self, event: Any) -> BusyEvent | None:  # noqa: ANN401 - the library's event has no precise types
        try:
            reason, spans = self._spans(event)
        except OverflowError:  # on the first or the last day of all calendars
            reason, spans = "no_times", []
        if reason is not None:
            self.skipped[reason] += 1
            return None
        key = _uid(event) + (f"#{event['RECURRENCE-ID'].dt.isoformat()}" if _is_moved(event) else "")
        is_day = not isinstance(event["DTSTART"].dt, datetime)
        return BusyEvent(hashlib.sha256(key.encode("utf-8", "replace")).hexdigest(), spans, is_day, _rule(event))

    def _spans(self, event: Any) -> tuple[str | None, list[Span]]:  # noqa: ANN401 - the library's event has no precise types
        reason = _no_reason_to_be_busy(event)
        first = _first(event, self.window.zone)
        if reason is not None or first is None:
            return reason or "no_times", []
        start, end, zone = first
        try:
            starts = self._starts(event, start, end, zone)
        except RecurrenceError as error:
            self.steps += error.steps
            return error.code, []
        spans = [span_of(each, each + (end - start), zone) for each in starts]
        spans = [s for s in spans if s.ends_at > self.window.floor and s.starts_at < self.window.horizon]
        return (None, spans) if spans else ("out_of_range", [])

    def _starts(self, event: Any, start: datetime, end: datetime, zone: tzinfo) -> list[datetime]:  # noqa: ANN401 - the library's event has no precise types
        rule = _rule(event)
        if rule is None:
            return [start]
        floor, horizon = (at.astimezone(zone).replace(tzinfo=None) for at in (self.window.floor, self.window.horizon))
        found = expand(rule, start, zone, floor - (end - start), horizon)
        self.cut += found.cut
        self.steps += found.steps
        left_out = {_plain(at, zone) for at in _excluded(event)}
        uid = _uid(event)
        return [
            each for each in found.starts
            if each not in left_out and (uid, _plain(each.replace(tzinfo=zone), self.window.zone)) not in self.moved
        ]  # fmt: skip


def _no_reason_to_be_busy(event: Any) -> str | None:  # noqa: ANN401 - the library's event has no precise types
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return "cancelled"
    if str(event.get("TRANSP", "")).upper() == "TRANSPARENT":
        return "transparent"
    return None if _uid(event) else "no_uid"


def _text(content: bytes) -> str:
    """Return the file without what it says of time zones itself, and with names of zones that everybody knows.

    The library would follow a file's own rules without end, keep them for the whole process, and read the next person's
    file by them.
    """
    lines, inside = [], False
    for line in re.split(r"\r?\n", _FOLD.sub("", content.decode("utf-8-sig")).lstrip()):
        inside = inside or bool(_ZONE_BEGINS.match(line))
        if not inside:
            lines.append(line)
        inside = inside and not _ZONE_ENDS.match(line)
    unknown: set[str] = set()
    text = _ZONE_NAMED.sub(lambda found: found[1] + _known_zone(found[2], unknown), "\r\n".join(lines))
    if unknown:
        raise _unknown_zone(sorted(unknown))
    return text


def _known_zone(written: str, unknown: set[str]) -> str:
    """Return the zone that is meant: its own name, Windows' name of it, or a name behind the address of a vendor."""
    name = written.strip('"')
    parts = name.strip("/").split("/")
    tails = ["/".join(parts[start:]) for start in range(len(parts))] if name.startswith("/") else [name]
    for candidate in (WINDOWS_TO_OLSON.get(name, name), *tails):
        if find_zone(candidate) is not None:
            return candidate
    unknown.add(name)
    return name


def _events(content: bytes) -> list[Any]:
    try:
        calendars: list[Any] = Calendar.from_ical(_text(content), multiple=True)
    except CalendarError:
        raise
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise _malformed() from error
    if not calendars or any(calendar.name != "VCALENDAR" for calendar in calendars):
        raise _malformed()
    found = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    recurring = sum("RRULE" in event for event in found)
    if len(found) > MOST_EVENTS or recurring > MOST_RULES:
        raise CalendarError(
            "too_many",
            f"Ce calendrier a {len(found)} événements, dont {recurring} qui se répètent : {MOST_EVENTS} et "
            f"{MOST_RULES} au plus par fichier. Exportez une période plus courte.",
            f"This calendar has {len(found)} events, of which {recurring} recur: {MOST_EVENTS} and {MOST_RULES} at "
            "most in a file. Export a shorter period.",
        )
    return found


def _too_much_work(number: int, event: Any) -> CalendarError:  # noqa: ANN401 - the library's event has no precise types
    rule, start = _short(_rule(event) or ""), _value(event.get("DTSTART"), "dt")
    day = f"{start:%d/%m/%Y}" if isinstance(start, date) else "?"
    return CalendarError(
        "too_much_work",
        f"Les répétitions de ce calendrier demandent trop de calcul ; la limite est atteinte à l'événement n° {number} "
        f"du fichier (début le {day}, « {rule} »). Rien n'est importé : donnez-leur une fin ou un début plus récent, "
        "ou exportez une période plus courte.",
        f"The recurrences of this calendar take too much work; the limit is reached at event no. {number} of the file "
        f"(starting {day}, “{rule}”). Nothing was imported: give them an end or a later start, or export a shorter "
        "period.",
    )


def _check_zones(events: Sequence[Any]) -> None:
    """A zone that is not known leaves a time without offset behind its TZID: it would be read at a wrong hour."""
    unknown = sorted({
        str(prop.params["TZID"])
        for event in events
        for name in ("DTSTART", "DTEND", "RECURRENCE-ID")
        if (prop := event.get(name)) is not None and "TZID" in getattr(prop, "params", {})
        and isinstance(at := _value(prop, "dt"), datetime) and at.tzinfo is None
    })  # fmt: skip
    if unknown:
        raise _unknown_zone(unknown)


def _unknown_zone(unknown: Sequence[str]) -> CalendarError:
    named = ", ".join(f"« {_short(name)} »" for name in unknown[:5])
    return CalendarError(
        "unknown_timezone",
        f"Ce fichier nomme un fuseau horaire inconnu : {named}. Rien n'est importé : exportez-le avec des fuseaux "
        "comme « Europe/Paris », ou en UTC.",
        f"This file names a time zone that nobody knows: {named}. Nothing was imported: export it with zones like "
        "“Europe/Paris”, or in UTC.",
    )


def _short(name: str) -> str:
    return "".join(c for c in name if c.isprintable())[:60]


def _first(event: Any, zone: tzinfo) -> tuple[datetime, datetime, tzinfo] | None:  # noqa: ANN401 - the library's event has no precise types
    """Return start and end on the clocks of the event's zone, and that zone; None where they cannot be used."""
    start, end, length = (_value(event.get(name), "dt") for name in ("DTSTART", "DTEND", "DURATION"))
    if not isinstance(start, date):
        return None
    own = start.tzinfo if isinstance(start, datetime) and start.tzinfo is not None else zone
    wall = _plain(start, own)
    try:
        if isinstance(end, date):
            last = _plain(end, own)
        elif isinstance(length, timedelta):
            last = wall + length
        else:
            last = wall + (timedelta(0) if isinstance(start, datetime) else _DAY)
    except OverflowError:
        return None
    return (wall, last, own) if timedelta(0) < last - wall <= LONGEST + _DAY else None


def _plain(at: date, zone: tzinfo) -> datetime:
    """Return a moment on the clocks of `zone`, without an offset; a day begins at midnight."""
    if not isinstance(at, datetime):
        return datetime.combine(at, time())
    try:
        return at if at.tzinfo is None else at.astimezone(zone).replace(tzinfo=None, fold=0)
    except OverflowError:  # on the first or the last day of all calendars
        return at.replace(tzinfo=None)


def _excluded(event: Any) -> Iterator[date]:  # noqa: ANN401 - the library's event has no precise types
    found: Any = event.get("EXDATE", [])
    for each in found if isinstance(found, list) else [found]:
        for one in _value(each, "dts") or ():
            if isinstance(one.dt, date):
                yield one.dt


def _is_moved(event: Any) -> bool:  # noqa: ANN401 - the library's event has no precise types
    return isinstance(_value(event.get("RECURRENCE-ID"), "dt"), date)


def _value(found: Any, name: str) -> Any:  # noqa: ANN401 - whatever the library made of a property
    """Return what a property says; None where it is absent, twice there, or cannot be read."""
    try:
        return getattr(found, name, None)
    except BrokenCalendarProperty:
        return None


def _uid(event: Any) -> str:  # noqa: ANN401 - the library's event has no precise types
    return str(event.get("UID", "")).strip()


def _rule(event: Any) -> str | None:  # noqa: ANN401 - the library's event has no precise types
    rule: Any = event.get("RRULE")
    if rule is None:
        return None
    written: bytes = (rule[0] if isinstance(rule, list) else rule).to_ical()
    return written.decode()


def month_of(now: datetime) -> datetime:
    """Return the first moment of the month: what an import takes does not change from one day to the next."""
    return datetime(now.year, now.month, 1, tzinfo=UTC)


def _malformed() -> CalendarError:
    return CalendarError(
        "malformed",
        "Ce fichier n'est pas un calendrier iCalendar lisible (.ics) : exportez-le à nouveau depuis votre agenda.",
        "This file is no readable iCalendar calendar (.ics): export it again from your calendar.",
    )
