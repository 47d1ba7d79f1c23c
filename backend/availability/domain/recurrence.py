"""Recurring absences (RRULE of RFC 5545), written out as single ones: bounded whatever the rule says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from dateutil.rrule import rrulestr
from icalendar import vRecur

from backend.core.errors import Sentence

MOST_TIMES = 400
MOST_CHARACTERS = 500
MOST_POSITIONS = 12  # of BYSETPOS: for each, the library reads the whole month or year again
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
_LAST_YEAR = 9_998
_END = datetime.combine(date.max, time())
_FIRST_REGULAR, _LAST_REGULAR, _FIRST_LATE_REGULAR = 1901, 2099, 9901
# Measured, a step being some 25 nanoseconds: what a day of such a rule costs, without and with its start; each value of
# a list (BYMONTHDAY, BYSETPOS...) is compared with each day, and costs a step more.
_WEIGHTS = {"DAILY": 45, "WEEKLY": 15, "MONTHLY": 6, "YEARLY": 3}
_START_WEIGHT = 20
_MOST_STEPS = 8_000_000  # of one rule; within forty years none has so many


class RecurrenceError(ValueError):
    """A rule that cannot be followed; `sentence` says what to change, `steps` how much work it was to find out."""

    def __init__(self, code: str, fr: str, en: str, steps: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.steps = steps
        self.sentence = Sentence(fr, en)


@dataclass(frozen=True, slots=True)
class Expansion:
    """Starts of a rule on the clocks of its zone, in order; `cut`: there were more of them than were wanted.

    `steps`: about how much work it was to follow the rule.
    """

    starts: list[datetime]
    cut: bool
    steps: int = 0


def expand(rule: str, first: datetime, zone: tzinfo, floor: datetime, horizon: datetime) -> Expansion:
    """Return when `rule` starts again from `first` on (naive, on the clocks of `zone`), between `floor` and `horizon`.

    At most 400 of them. Raises RecurrenceError for a rule that is none, for one that repeats within a day, and for one
    that never comes true (the 30th of February).
    """
    parts = _read(rule)
    until = _until(parts, zone)
    if first > horizon or (until is not None and until < floor):
        return Expansion([], cut=False)
    if floor - first > OLDEST and _frequency(parts) in BY_DAYS:
        raise _too_old()
    begin = _near(first, floor, parts)
    # Near the end of the calendar: a rule that never comes true is given up a few years after the horizon.
    shift = _shift(begin, horizon)
    last = horizon + shift if until is None else min(horizon, until) + shift
    if _steps(parts, last - (begin + shift)) > _MOST_STEPS:
        raise _too_old()
    try:
        rest = {name: value for name, value in parts.items() if name != "UNTIL"}
        written: bytes = vRecur(rest).to_ical()  # type: ignore[no-untyped-call]  # the library leaves this one out
        walk = _walk(rrulestr(written.decode(), dtstart=begin + shift), floor + shift, last)
    except (ValueError, TypeError, IndexError, KeyError, OverflowError) as error:
        raise _unreadable() from error
    searched_all = walk.is_over and ("COUNT" not in parts or not walk.is_true)
    steps = _steps(parts, (_END if searched_all else last) - (begin + shift)) + walk.seen * _START_WEIGHT
    if walk.is_over and not walk.is_true:
        raise _never(steps)
    endless = until is None or until > horizon
    cut = len(walk.starts) > MOST_TIMES or (endless and not walk.is_over)
    return Expansion([start - shift for start in walk.starts[:MOST_TIMES]], cut, steps)


@dataclass(slots=True)
class _Walk:
    """Starts found; how many were seen, also before them, and whether the rule has no more."""

    starts: list[datetime]
    seen: int = 0
    is_over: bool = True

    @property
    def is_true(self) -> bool:
        """Tell whether the rule came true at all."""
        return self.seen > 0


def _walk(dates: Iterable[datetime], floor: datetime, last: datetime) -> _Walk:
    found = _Walk([])
    for start in dates:
        found.seen += 1
        if start >= floor and start <= last:
            found.starts.append(start)
        if start > last or len(found.starts) > MOST_TIMES:
            found.is_over = False
            break
    return found


def _near(first: datetime, floor: datetime, parts: Mapping[str, Any]) -> datetime:
    """Return from when on to follow a rule of days or weeks: whole periods later, it has the same days from there."""
    period = {"DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}.get(_frequency(parts))
    if period is None or "COUNT" in parts or floor <= first:
        return first
    step = period * _interval(parts)
    return first + step * ((floor - first) // step)


def _shift(first: datetime, horizon: datetime) -> timedelta:
    """Return how far to move towards the end of the calendar, onto years that have the same days of the week.

    Between two centuries without a leap year, the calendar repeats every 28 years; elsewhere every 400.
    """
    if first.year >= _FIRST_REGULAR and horizon.year < _LAST_REGULAR:
        for years in range((_LAST_YEAR - horizon.year) // 4 * 4, _FIRST_LATE_REGULAR - first.year, -4):
            shift = first.replace(month=1, day=1, year=first.year + years) - first.replace(month=1, day=1)
            if shift.days % 7 == 0:
                return shift
    return _CENTURIES * ((_LAST_YEAR - horizon.year) // 400)


def _steps(parts: Mapping[str, Any], span: timedelta) -> int:
    compared = sum(len(values) for name, values in parts.items() if name.startswith("BY"))
    return 1 + max(0, span.days) * (_WEIGHTS[_frequency(parts)] + compared) // _interval(parts)


def _frequency(parts: Mapping[str, Any]) -> str:
    return str(parts["FREQ"][0]).upper()


def _interval(parts: Mapping[str, Any]) -> int:
    return int(parts.get("INTERVAL", [1])[0])


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
    if len(parts.get("BYSETPOS", [])) > MOST_POSITIONS:
        raise _too_many_positions()
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


def _never(steps: int) -> RecurrenceError:
    return RecurrenceError(
        "recurrence_empty",
        "Cette répétition ne donne aucune date : vérifiez la règle et le début.",
        "This recurrence gives no time at all: check the rule and the start.",
        steps,
    )


def _too_old() -> RecurrenceError:
    return RecurrenceError(
        "recurrence_too_old",
        "Cette répétition a commencé il y a plus de quarante ans : donnez-lui un début plus récent.",
        "This recurrence began more than forty years ago: give it a later start.",
    )


def _too_many_positions() -> RecurrenceError:
    return RecurrenceError(
        "recurrence_positions",
        f"BYSETPOS nomme plus de {MOST_POSITIONS} rangs : n'en gardez que {MOST_POSITIONS} au plus, ou dites les jours "
        "par BYDAY ou BYMONTHDAY.",
        f"BYSETPOS names more than {MOST_POSITIONS} positions: keep {MOST_POSITIONS} at most, or say the days by BYDAY "
        "or BYMONTHDAY.",
    )


def _unreadable() -> RecurrenceError:
    return RecurrenceError(
        "recurrence",
        "Cette règle de répétition ne se lit pas : écrivez-la comme FREQ=WEEKLY;BYDAY=MO;UNTIL=20270630.",
        "This recurrence rule cannot be read: write it like FREQ=WEEKLY;BYDAY=MO;UNTIL=20270630.",
    )
