"""Recurring absences (RRULE of RFC 5545), written out as single ones: bounded whatever the rule says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice, takewhile
from typing import Any

from dateutil.rrule import rrulestr
from icalendar import vRecur

from backend.core.errors import Sentence

MOST_TIMES = 400
MOST_CHARACTERS = 500
FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
PARTS = frozenset(
    {
        "FREQ",
        "INTERVAL",
        "COUNT",
        "UNTIL",
        "BYDAY",
        "BYMONTHDAY",
        "BYMONTH",
        "BYYEARDAY",
        "BYWEEKNO",
        "BYSETPOS",
        "WKST",
    }
)
BY_DAYS = frozenset({"DAILY", "WEEKLY"})
OLDEST = timedelta(days=40 * 366)  # before what is wanted: each day since then is a step
MONTHLY_ONLY = frozenset({"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"})
_CENTURIES = timedelta(days=146_097)  # 400 years: the calendar repeats, days of the week included
_LAST_YEAR = 9_990


class RecurrenceError(ValueError):
    """A rule that cannot be followed; `sentence` says what to change."""

    def __init__(self, code: str, fr: str, en: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = Sentence(fr, en)


@dataclass(frozen=True, slots=True)
class Expansion:
    """Starts of a rule on the clocks of its zone, in order; `cut`: there were more of them than were wanted."""

    starts: list[datetime]
    cut: bool


def expand(rule: str, first: datetime, zone: tzinfo, floor: datetime, horizon: datetime) -> Expansion:
    """Return when `rule` starts again from `first` on (naive, on the clocks of `zone`), between `floor` and `horizon`.

    At most 400 of them. Raises RecurrenceError for a rule that is none, and for one that repeats within a day.
    """
    parts = _read(rule)
    until = _until(parts, zone)
    if first > horizon:
        return Expansion([], cut=False)
    if floor - first > OLDEST and str(parts["FREQ"][0]).upper() in BY_DAYS:
        raise _too_old()
    # Near the end of the calendar: a rule that never comes true (the 30th of February) is given up after 373 years.
    shift = _CENTURIES * ((_LAST_YEAR - horizon.year) // 400)
    last = horizon + shift if until is None else min(horizon, until) + shift
    try:
        rest = {name: value for name, value in parts.items() if name != "UNTIL"}
        written: bytes = vRecur(rest).to_ical()  # type: ignore[no-untyped-call]  # the library leaves this one out
        dates = rrulestr(written.decode(), dtstart=first + shift)
        before = takewhile(lambda start: start <= last, dates)
        wanted = [start - shift for start in islice(_from(before, floor + shift), MOST_TIMES + 1)]
        endless = until is None or until > horizon
        cut = len(wanted) > MOST_TIMES or (endless and _goes_on(dates, last))
    except (ValueError, TypeError, IndexError, KeyError, OverflowError) as error:
        raise _unreadable() from error
    return Expansion(wanted[:MOST_TIMES], cut)


def _from(starts: Iterator[datetime], floor: datetime) -> Iterator[datetime]:
    return (start for start in starts if start >= floor)


def _goes_on(dates: Any, last: datetime) -> bool:  # noqa: ANN401 - dateutil carries no types
    return next((True for start in dates if start > last), False)


def _read(rule: str) -> Mapping[str, Any]:
    if len(rule) > MOST_CHARACTERS:
        raise _unreadable()
    try:
        parts = {str(name).upper(): value for name, value in vRecur.from_ical(rule).items()}
    except (ValueError, TypeError, KeyError) as error:
        raise _unreadable() from error
    frequency = str(parts.get("FREQ", [""])[0]).upper()
    if frequency in {"SECONDLY", "MINUTELY", "HOURLY"} or not PARTS.issuperset(parts):
        raise RecurrenceError(
            "recurrence_too_fine",
            "Une indisponibilité se répète au plus une fois par jour (FREQ=DAILY, WEEKLY, MONTHLY ou YEARLY, sans "
            "BYHOUR, BYMINUTE ni BYSECOND) : changez la règle.",
            "An unavailability recurs once a day at most (FREQ=DAILY, WEEKLY, MONTHLY or YEARLY, without BYHOUR, "
            "BYMINUTE or BYSECOND): change the rule.",
        )
    # What is checked day by day takes the library seconds when it never comes true.
    is_slow = frequency in BY_DAYS and not MONTHLY_ONLY.isdisjoint(parts)
    if is_slow or frequency not in FREQUENCIES or any(int(value) < 1 for value in parts.get("INTERVAL", [])):
        raise _unreadable()
    return parts


def _until(parts: Mapping[str, Any], zone: tzinfo) -> datetime | None:
    if not parts.get("UNTIL"):
        return None
    until = parts["UNTIL"][0]
    if isinstance(until, datetime):
        try:
            return until.astimezone(zone).replace(tzinfo=None) if until.tzinfo is not None else until
        except OverflowError:  # at either end of the calendar the zone makes no difference
            return until.replace(tzinfo=None)
    if isinstance(until, date):
        return datetime.combine(until, time.max, UTC).replace(tzinfo=None)
    raise _unreadable()


def _too_old() -> RecurrenceError:
    return RecurrenceError(
        "recurrence_too_old",
        "Cette répétition a commencé il y a plus de quarante ans : donnez-lui un début plus récent.",
        "This recurrence began more than forty years ago: give it a later start.",
    )


def _unreadable() -> RecurrenceError:
    return RecurrenceError(
        "recurrence",
        "Cette règle de répétition ne se lit pas : écrivez-la comme FREQ=WEEKLY;BYDAY=MO;UNTIL=20270630.",
        "This recurrence rule cannot be read: write it like FREQ=WEEKLY;BYDAY=MO;UNTIL=20270630.",
    )
