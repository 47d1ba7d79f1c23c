"""The monthly limits of annexes 8 and 10: contracts divided over months, each month cut to its limit."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from backend.hours.domain.values import Book
from backend.hours.domain.work import ANNEXES, ONE_DAY, Kind, Span, Work, share, span_of


@dataclass(frozen=True, slots=True)
class Part:
    """What a block brings to one month, in minutes: in the whole month and inside the period; cachets apart."""

    month: date
    kind: Kind
    employer: str
    hours: int
    hours_inside: int
    cachets: int
    cachets_inside: int


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


def count_months(works: Iterable[Work], window: Span, book: Book, readings: Mapping[str, str]) -> list[Month]:
    """Return each month that reaches into the period, per annexe. Source of the limits: service-public.fr F14098."""
    found: dict[tuple[date, Kind], list[Part]] = defaultdict(list)
    for work in works:
        if work.kind in ANNEXES:
            for part in _parts(work, window, book, readings):
                found[part.month, part.kind].append(part)
    every = [_limited(parts, book, readings) for _, parts in sorted(found.items())]
    return [month for month in every if month.inside]


def inside(work: Work, window: Span, book: Book, readings: Mapping[str, str]) -> int:
    """Return the minutes of a block inside the period, before any limit; an absence counts by its days."""
    if work.kind is Kind.SICKNESS:
        return 0
    if work.kind is Kind.ASSIMILATED:
        return span_of(work).common(window).days * book.figure("assimilated_day", window.last)
    return sum(part.hours_inside + part.cachets_inside for part in _parts(work, window, book, readings))


def _parts(work: Work, window: Span, book: Book, readings: Mapping[str, str]) -> Iterator[Part]:
    whole = span_of(work)
    if readings["contract_over_months"] == "last_month":
        whole = Span(work.ends_on, work.ends_on)
    for month in _months(whole):
        cachets = work.cachets * book.figure("cachet", month.first)
        within = month.common(window)
        yield Part(
            month.first, work.kind, work.employer_key,
            share(work.minutes, whole, month), share(work.minutes, whole, within),
            share(cachets, whole, month), share(cachets, whole, within),
        )  # fmt: skip


def _months(whole: Span) -> Iterator[Span]:
    first = whole.first.replace(day=1)
    while first <= whole.last:
        following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        yield Span(first, following - ONE_DAY)
        first = following


def _limited(parts: list[Part], book: Book, readings: Mapping[str, str]) -> Month:
    month, kind = parts[0].month, parts[0].kind
    employers = len({part.employer for part in parts})
    hours, cachets = sum(p.hours for p in parts), sum(p.cachets for p in parts)
    hours_inside, cachets_inside = sum(p.hours_inside for p in parts), sum(p.cachets_inside for p in parts)
    limit = _limit(kind, month, employers, book, readings)
    cut_apart = kind is Kind.ANNEXE_10 and readings["artist_hours"] == "cachets_only"
    if cut_apart:
        counted = hours_inside + _cut(cachets, cachets_inside, limit, readings)
    else:
        counted = _cut(hours + cachets, hours_inside + cachets_inside, limit, readings)
    return Month(month, kind, employers, hours + cachets, hours_inside + cachets_inside, limit, counted)


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
