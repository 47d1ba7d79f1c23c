"""The monthly limits of annexes 8 and 10: contracts divided over months, each month cut to its limit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from backend.hours.domain.values import Book
from backend.hours.domain.work import ANNEXES, ONE_DAY, Kind, Span, Work, share, span_of


@dataclass(frozen=True, slots=True)
class Month:
    """One month of one annexe, in minutes: worked, inside the period, the limit (None: there is none), counted."""

    month: date
    kind: Kind
    employers: int
    worked: int
    inside: int
    limit: int | None
    counted: int


@dataclass(slots=True)
class _Sum:
    """What all contracts of a kind bring to one month, in minutes; cachets apart."""

    employers: set[str] = field(default_factory=set)
    hours: int = 0
    hours_inside: int = 0
    cachets: int = 0
    cachets_inside: int = 0


Sums = Mapping[tuple[date, Kind], _Sum]


class History:
    """A person's blocks; they are divided over months once for each period, however many readings are counted."""

    def __init__(self, works: Sequence[Work], book: Book) -> None:
        self.works = works
        self.book = book
        self._sums: dict[tuple[Span, str], Sums] = {}

    def of(self, kind: Kind) -> Iterator[Work]:
        """Return the blocks of one kind."""
        return (work for work in self.works if work.kind is kind)

    def months(self, window: Span, readings: Mapping[str, str]) -> list[Month]:
        """Return each month that reaches into the period, per annexe. Source of the limits: F14098."""
        divided = readings["contract_over_months"]
        if (window, divided) not in self._sums:
            self._sums[window, divided] = _divide(self.works, window, self.book, divided)
        sums = sorted(self._sums[window, divided].items())
        every = [_limited(month, kind, found, self.book, readings) for (month, kind), found in sums]
        return [month for month in every if month.inside]

    def inside(self, kind: Kind, window: Span, readings: Mapping[str, str]) -> int:
        """Return the minutes of one kind inside the period, before any limit."""
        return sum(inside(work, window, self.book, readings) for work in self.of(kind))


def inside(work: Work, window: Span, book: Book, readings: Mapping[str, str]) -> int:
    """Return the minutes of a block inside the period, before any limit; an absence counts by its days."""
    if work.kind is Kind.SICKNESS:
        return 0
    if work.kind is Kind.ASSIMILATED:
        return span_of(work).common(window).days * book.figure("assimilated_day", window.last)
    whole = _spread(work, readings["contract_over_months"])
    return share(work.minutes, whole, window) + share(_cachets(work, book), whole, window)


def _divide(works: Sequence[Work], window: Span, book: Book, divided: str) -> Sums:
    found: dict[tuple[date, Kind], _Sum] = {}
    for work in works:
        if work.kind not in ANNEXES:
            continue
        whole, cachets = _spread(work, divided), _cachets(work, book)
        for month in _months(whole):
            within = month.common(window)
            total = found.setdefault((month.first, work.kind), _Sum())
            total.employers.add(work.employer_key)
            total.hours += share(work.minutes, whole, month)
            total.hours_inside += share(work.minutes, whole, within)
            total.cachets += share(cachets, whole, month)
            total.cachets_inside += share(cachets, whole, within)
    return found


def _spread(work: Work, divided: str) -> Span:
    """Return the days over which a block is spread: its own, or the last one alone."""
    return Span(work.ends_on, work.ends_on) if divided == "last_month" else span_of(work)


def _cachets(work: Work, book: Book) -> int:
    """Return a block's cachets in minutes, as they are worth when it ends."""
    return work.cachets * book.figure("cachet", work.ends_on) if work.cachets else 0


def _months(whole: Span) -> Iterator[Span]:
    first = whole.first.replace(day=1)
    while first <= whole.last:
        following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        yield Span(first, following - ONE_DAY)
        first = following


def _limited(month: date, kind: Kind, found: _Sum, book: Book, readings: Mapping[str, str]) -> Month:
    worked, within = found.hours + found.cachets, found.hours_inside + found.cachets_inside
    limit = _limit(kind, month, len(found.employers), book, readings)
    if kind is Kind.ANNEXE_10 and readings["artist_hours"] == "cachets_only":
        counted = found.hours_inside + _cut(found.cachets, found.cachets_inside, limit, readings)
    else:
        counted = _cut(worked, within, limit, readings)
    return Month(month, kind, len(found.employers), worked, within, limit, counted)


def _limit(kind: Kind, month: date, employers: int, book: Book, readings: Mapping[str, str]) -> int | None:
    if kind is Kind.ANNEXE_10:
        if readings["excess_cachets"] == "kept":
            return None
        return book.figure("cachets_per_month", month) * book.figure("cachet", month)
    if readings["technician_limit"] == "derogation":
        return book.figure("technician_month_derogation", month)
    return book.figure("technician_month_several" if employers > 1 else "technician_month", month)


def _cut(worked: int, inside_minutes: int, limit: int | None, readings: Mapping[str, str]) -> int:
    if limit is None or worked <= limit:
        return inside_minutes
    if readings["partial_month"] == "inside_first":
        return min(inside_minutes, limit)
    return limit * inside_minutes // worked
