"""Uninterrupted work: the break of 20 minutes, that of minors, and the service of a technician where a company asks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from backend.core.errors import Sentence
from backend.rules.case import Case, Reading
from backend.rules.cures import end_at, insert_breaks
from backend.rules.dated import Value
from backend.rules.finding import Cure, Finding, Severity
from backend.rules.timeline import Interval, Placed, merge
from backend.rules.wording import hours
from backend.rules.work import Trade


@dataclass(frozen=True, slots=True)
class Stretch:
    """Work without a real break: `minutes` of work between `start` and `end`; shorter pauses are not work."""

    start: int
    end: int
    minutes: int


def stretches(work: Iterable[Interval], pause: int) -> Iterator[Stretch]:
    """Yield the stretches of `work` that pauses of at least `pause` minutes part."""
    start = end = minutes = 0
    for starts, ends in work:
        if minutes and starts - end >= pause:
            yield Stretch(start, end, minutes)
            minutes = 0
        if not minutes:
            start = starts
        end, minutes = ends, minutes + ends - starts
    if minutes:
        yield Stretch(start, end, minutes)


def check_breaks(case: Case) -> Iterator[Finding]:
    """WT-BREAK-20: 20 minutes in a row as soon as work reaches 6 h (L3121-16); 6 h exactly is a breach."""
    for stretch, value in _against(case, "WT-BREAK-20"):
        if stretch.minutes >= value.limit:
            reading = Reading("WT-BREAK-20", value, stretch.start, stretch.end, stretch.minutes, value.limit)
            yield _unbroken(case, reading, Severity.HARD, value["break"], most=value.limit - 1)


def check_minors_breaks(case: Case) -> Iterator[Finding]:
    """MIN-DAY: at most 4 h 30 without a break of 30 minutes under 18 (L3162-3)."""
    if not case.has_minor_days:
        return
    for stretch, value in _against(case, "MIN-DAY"):
        if case.days.of(stretch.start) < case.adult_from and stretch.minutes > value["stretch"]:
            reading = Reading("MIN-DAY", value, stretch.start, stretch.end, stretch.minutes, value["stretch"])
            yield _unbroken(case, reading, Severity.HARD, value["break"], most=value["stretch"])


def check_services(case: Case) -> Iterator[Finding]:
    """HOUSE-SERVICE-4: a technician's service is longer than the company wants; only where it switched that on."""
    if "HOUSE-SERVICE-4" not in case.law.rules:
        return
    pieces = (p for placed in case.timeline.placed if placed.segment.trade is Trade.TECHNICIAN for p in placed.pieces)
    for stretch in stretches(merge(pieces), 1):
        value = case.value_at("HOUSE-SERVICE-4", stretch.start)
        if value is not None and stretch.minutes > value.limit:
            reading = Reading("HOUSE-SERVICE-4", value, stretch.start, stretch.end, stretch.minutes, value.limit)
            at = case.at(stretch.start)
            sentence = Sentence(
                f"Service de {hours(stretch.minutes)} à partir du {at.fr}, pour {hours(value.limit)} chez vous.",
                f"Service of {hours(stretch.minutes)} from {at.en}, where your company's is {hours(value.limit)}.",
            )
            yield case.find(reading, Severity.WARN, sentence)


def _against(case: Case, rule: str) -> Iterator[tuple[Stretch, Value]]:
    for stretch in stretches(case.timeline.work, _pause(case, rule)):
        value = case.value_at(rule, stretch.start)
        if value is not None:
            yield stretch, value


def _pause(case: Case, rule: str) -> int:
    values = case.law.rules[rule].values
    return values[-1]["break"]


def _unbroken(case: Case, reading: Reading, severity: Severity, length: int, most: int) -> Finding:
    causes = case.timeline.touching(reading.start, reading.end)
    at, worked = case.at(reading.start), hours(reading.measured)
    sentence = Sentence(
        f"{worked} de travail sans pause de {length} minutes à partir du {at.fr}.",
        f"{worked} of work without a break of {length} minutes from {at.en}.",
    )
    cures = [*_breaks(case, reading, causes, length, most), *_end_earlier(case, reading, causes, most)]
    return case.find(reading, severity, sentence, causes, cures)


def _breaks(case: Case, reading: Reading, causes: list[Placed], length: int, most: int) -> Iterator[Cure]:
    """Yield the fewest breaks of `length` minutes that part the stretch into pieces of at most `most`, evenly."""
    count = 1
    while reading.measured - count * length > most * (count + 1):
        count += 1
    part = (reading.measured - count * length) // (count + 1)
    starts = _after_work(case, reading, [part * (one + 1) + length * one for one in range(count)])
    for placed in causes:
        if all(any(a <= at and at + length <= b for a, b in placed.pieces) for at in starts) and starts:
            yield insert_breaks(case, placed, starts, length)
            return


def _after_work(case: Case, reading: Reading, amounts: list[int]) -> list[int]:
    """Return the minutes at which so much work is done, from the start of the stretch."""
    found, done, left = [], 0, list(amounts)
    for start, end in case.timeline.work:
        if start < reading.start or start >= reading.end:
            continue
        while left and done + end - start > left[0]:
            found.append(start + left.pop(0) - done)
        done += end - start
    return found


def _end_earlier(case: Case, reading: Reading, causes: list[Placed], most: int) -> Iterator[Cure]:
    last = [placed for placed in causes if placed.end >= reading.end]
    if len(last) == 1:
        yield from end_at(case, last[0], reading.end - (reading.measured - most))
