"""One person under one law: what every check asks, and how it writes down what it finds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from backend.core.errors import Sentence
from backend.rules.dated import Value
from backend.rules.days import WEEK_DAYS, Days, instant, monday
from backend.rules.finding import Confidence, Cure, Finding, Severity, Unit
from backend.rules.law import Law
from backend.rules.timeline import Interval, Placed, Timeline
from backend.rules.wording import date_of, time_of
from backend.rules.work import Work

ADULT, SIXTEEN = 18, 16
_ALWAYS = (0, date.max.toordinal())


@dataclass(frozen=True, slots=True)
class Reading:
    """What a check measured, against which value, in which window (two minutes)."""

    rule: str
    value: Value
    start: int
    end: int
    measured: int
    limit: int
    unit: Unit = Unit.MINUTES


class Case:
    """The timeline of one person, and the law that judges it; `within` (two minutes) is where something changed."""

    def __init__(self, work: Work, timeline: Timeline, law: Law, within: Interval | None = None) -> None:
        self.within = within
        self.person = work.person
        self.timeline = timeline
        self.law = law
        self.days: Days = timeline.days
        self.birth_date = work.birth_date
        self.skills = work.skills
        self.permits = work.permits
        self.skill_labels = work.skill_labels
        # Without a birth date the person is taken for an adult; the engine says so in a note.
        self.adult_from = _birthday(work.birth_date, ADULT)
        self.sixteen_from = _birthday(work.birth_date, SIXTEEN)
        self.has_minor_days = bool(timeline.work) and self.days.of(timeline.work[0][0]) < self.adult_from

    def find(
        self,
        reading: Reading,
        severity: Severity,
        sentence: Sentence,
        causes: Sequence[Placed] | None = None,
        cures: Sequence[Cure] = (),
        details: Mapping[str, int] | None = None,
    ) -> Finding:
        """Return the finding: what a page alone reports only warns, what a document covers is information."""
        source = reading.value.source
        if source.confidence in {Confidence.PAGE, Confidence.HABIT} and severity.rank < Severity.WARN.rank:
            severity = Severity.WARN
        day = self.days.of(reading.start)
        covered = self.law.cover(reading.rule, severity, self.person, day, reading.measured)
        if causes is None:
            causes = self.timeline.touching(reading.start, reading.end)
        return Finding(
            rule=reading.rule,
            severity=severity if covered is None else Severity.INFO,
            person=self.person,
            starts_at=instant(reading.start),
            ends_at=instant(reading.end),
            measured=reading.measured,
            limit=reading.limit,
            unit=reading.unit,
            calls=tuple(dict.fromkeys(cause.segment.call for cause in causes)),
            assignments=tuple(cause.segment.assignment for cause in causes),
            source=source,
            sentence=sentence,
            cures=tuple(sorted(cures, key=lambda cure: cure.minutes)) if covered is None else (),
            details=details or {},
            covered_by=covered,
        )

    def worked_days(self) -> Iterator[tuple[int, int]]:
        """Yield the civil days to judge, with their minutes of work."""
        first, last = self._changed(0)
        return ((day, minutes) for day, minutes in self.timeline.by_day.items() if first <= day <= last)

    def worked_weeks(self, by_week: Mapping[int, int], around: int = 0) -> Iterator[tuple[int, int]]:
        """Yield the ISO weeks to judge, with their minutes of work; `around` weeks more on each side."""
        first, last = self._changed(around)
        return ((week, minutes) for week, minutes in by_week.items() if monday(first) <= week <= last)

    def _changed(self, around: int) -> Interval:
        if self.within is None:
            return _ALWAYS
        start, end = self.within
        return self.days.of(start) - around * WEEK_DAYS, self.days.of(end) + around * WEEK_DAYS

    def value_at(self, rule: str, minute: int) -> Value | None:
        """Return what `rule` asks on the day of `minute`."""
        sure = self.law.sure.get(rule)
        if sure is not None and minute >= sure[0]:
            return sure[1]
        return self.law.value(rule, self.days.of(minute))

    def on(self, minute: int) -> Sentence:
        """Return the local date at `minute`, for a sentence."""
        return _date_of(self.days, minute)

    def at(self, minute: int) -> Sentence:
        """Return the local date and time at `minute`, for a sentence."""
        return _time_of(self.days, minute)


@lru_cache(maxsize=4096)  # people called together share their days
def _date_of(days: Days, minute: int) -> Sentence:
    return date_of(days.wall(minute))


@lru_cache(maxsize=4096)
def _time_of(days: Days, minute: int) -> Sentence:
    return time_of(days.wall(minute))


def _birthday(born: date | None, age: int) -> int:
    if born is None:
        return 0
    try:
        return born.replace(year=born.year + age).toordinal()
    except ValueError:  # born on 29 February: a year older on 1 March
        return date(born.year + age, 3, 1).toordinal()
