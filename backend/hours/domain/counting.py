"""The sum towards the 507 hours, step by step: months, teaching and training, assimilated days, threshold.

It counts what is declared, never how long somebody was present, and never the allowance itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from backend.core.errors import Sentence
from backend.hours.domain import words
from backend.hours.domain.months import History, Month
from backend.hours.domain.values import Book
from backend.hours.domain.window import search_window
from backend.hours.domain.work import Kind, Span, Standing, Work

MOST_STEPS_OF_LENGTHENING = 12


@dataclass(frozen=True, slots=True)
class Person:
    """What the counter needs to know of somebody: their birth date, and until when hours opened rights already."""

    birth_date: date | None = None
    used_until: date | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a count depends on beside the hours: end of contract, person, values, one reading of each open point."""

    reference: date
    person: Person
    book: Book
    readings: Mapping[str, str]

    def read_as(self, point: str, option: str) -> "Terms":
        """Return the same terms under another option of one open point."""
        return replace(self, readings={**self.readings, point: option})


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the arithmetic: a stable code, its sentence, and the minutes that it ends with."""

    code: str
    sentence: Sentence
    minutes: int


@dataclass(frozen=True, slots=True)
class Count:
    """A total in minutes, what it is made of, and how it was reached."""

    window: Span
    threshold: int
    months: Sequence[Month]
    annexe_8: int
    annexe_10: int
    teaching: int
    training: int
    assimilated: int
    steps: Sequence[Step]

    @property
    def total(self) -> int:
        return self.annexe_8 + self.annexe_10 + self.teaching + self.training + self.assimilated

    @property
    def missing(self) -> int:
        """Minutes missing to the threshold; none once it is reached."""
        return max(0, self.threshold - self.total)

    @property
    def governing(self) -> Kind | None:
        """The annexe with more hours; None when both have as many."""
        if self.annexe_8 == self.annexe_10:
            return None
        return Kind.ANNEXE_8 if self.annexe_8 > self.annexe_10 else Kind.ANNEXE_10


@dataclass(frozen=True, slots=True)
class _Learning:
    teaching: int
    training: int
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True)
class Other:
    """What another option of an open point would give: minutes declared, and with what is planned."""

    option: str
    declared: int
    with_planned: int


@dataclass(frozen=True, slots=True)
class Point:
    """An open point as it was read here, and what its other options would give."""

    name: str
    number: int
    chosen: str
    others: Sequence[Other]


@dataclass(frozen=True, slots=True)
class Assessment:
    """The counter on one reference date: what is declared, and what would be with all that is planned."""

    declared: Count
    with_planned: Count
    points: Sequence[Point]


def assess(works: Sequence[Work], reference: date, person: Person, book: Book) -> Assessment:
    """Count towards the end of contract `reference`, under the chosen reading of each open point and under the others.

    Raises ValuesError where no value is known for a day that is needed.
    """
    chosen = Terms(reference, person, book, book.readings(reference))
    declared = History([work for work in works if work.standing is Standing.DECLARED], book)
    everything = History(works, book)
    points = []
    for name, point in book.points.items():
        choice = point.series.on(reference)
        others = [
            Other(option, count(declared, terms).total, count(everything, terms).total)
            for option in point.options
            if option != choice.option
            for terms in [chosen.read_as(name, option)]
        ]
        points.append(Point(name, choice.number, choice.option, others))
    return Assessment(count(declared, chosen), count(everything, chosen), points)


def count(history: History, terms: Terms) -> Count:
    """Count a history in the twelve months before the reference; lengthened by steps where that reading is chosen."""
    window, sick = search_window(terms.reference, terms.readings, history.of(Kind.SICKNESS), terms.person.used_until)
    threshold = terms.book.figure("threshold", terms.reference)
    first = _count_in(window, history, terms, threshold, sick)
    if terms.readings["readmission"] == "lengthened" and first.missing and first.governing is Kind.ANNEXE_8:
        return _lengthened(first, history, terms) or first
    return first


def _lengthened(first: Count, history: History, terms: Terms) -> Count | None:
    """Return the count of the shortest lengthened period that reaches its own threshold (F14098, readmission)."""
    last, used_until = first.window.last, terms.person.used_until
    days, hours = (terms.book.figure(f"lengthening_{name}", last) for name in ("days", "hours"))
    for steps in range(1, MOST_STEPS_OF_LENGTHENING + 1):
        start = first.window.first - timedelta(days=steps * days)
        if start < terms.book.first_day or (used_until and start <= used_until):
            return None
        found = _count_in(Span(start, last), history, terms, first.threshold + steps * hours)
        if not found.missing:
            step = Step("lengthened", words.lengthened(steps * days, steps * hours), steps * hours)
            return replace(found, steps=[step, *found.steps])
    return None


def _count_in(window: Span, history: History, terms: Terms, threshold: int, sick: int = 0) -> Count:
    months = history.months(window, terms.readings)
    annexe_8, annexe_10 = (_sum_of(months, kind) for kind in (Kind.ANNEXE_8, Kind.ANNEXE_10))
    learning = _learning(window, history, terms, technician=annexe_8 > annexe_10)
    assimilated = history.inside(Kind.ASSIMILATED, window, terms.readings)
    steps = [
        Step("window", words.window_searched(window.first, window.last, window.days, sick), 0),
        *(Step("month", _worded(month), month.counted) for month in months),
        *learning.steps,
    ]
    if assimilated:
        steps.append(Step("assimilated", words.assimilated_counted(assimilated), assimilated))
    found = Count(
        window, threshold, months, annexe_8, annexe_10, learning.teaching, learning.training, assimilated, steps
    )
    return replace(found, steps=[*steps, *_conclusion(found, terms.book)])


def _learning(window: Span, history: History, terms: Terms, *, technician: bool) -> _Learning:
    """Return teaching under its limit, and training under what teaching leaves of the common one."""
    taught, trained = (history.inside(kind, window, terms.readings) for kind in (Kind.TEACHING, Kind.TRAINING))
    limit = _teaching_limit(window.last, terms.person.birth_date, terms.book)
    if technician and terms.readings["teaching_technicians"] == "artists_only":
        limit = 0
    pool = terms.book.figure("training_pool", window.last)
    teaching = min(taught, limit)
    training = min(trained, max(0, pool - teaching))
    steps = []
    if taught:
        steps.append(Step("teaching", words.teaching_counted(taught, limit, teaching), teaching))
    if taught and limit and terms.person.birth_date is None:
        steps.append(Step("age_unknown", words.age_unknown(limit), limit))
    if trained:
        steps.append(Step("training", words.training_counted(trained, pool, teaching, training), training))
    return _Learning(teaching, training, steps)


def _conclusion(found: Count, book: Book) -> list[Step]:
    steps = [Step("total", words.compared(found.total, found.threshold), found.total)]
    if found.annexe_8 or found.annexe_10:
        governs = words.annexe_governs(found.annexe_8, found.annexe_10)
        steps.insert(0, Step("governing", governs, max(found.annexe_8, found.annexe_10)))
    minimum = book.figure("catch_up", found.window.last)
    if minimum <= found.total < found.threshold:
        steps.append(Step("catch_up", words.catch_up(minimum), minimum))
    return steps


def _worded(month: Month) -> Sentence:
    return words.month_counted(month.month, month.kind, month.worked, month.inside, month.limit, month.counted)


def _sum_of(months: Iterable[Month], kind: Kind) -> int:
    return sum(month.counted for month in months if month.kind is kind)


def _teaching_limit(day: date, birth_date: date | None, book: Book) -> int:
    """Return the limit in force on `day`: the higher one from an age on, the lower one where the age is unknown."""
    if birth_date is not None and _age(birth_date, day) >= book.figure("teaching_senior_age", day):
        return book.figure("teaching_senior", day)
    return book.figure("teaching", day)


def _age(birth_date: date, day: date) -> int:
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))
