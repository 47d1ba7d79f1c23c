"""Two productions on one stage at the same time: about calls, and about nobody in particular."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

from backend.core.errors import Sentence
from backend.rules import cures
from backend.rules.case import Case, Reading
from backend.rules.days import days_of
from backend.rules.finding import Finding, Severity
from backend.rules.law import Law
from backend.rules.timeline import Placed, lay_out
from backend.rules.wording import hours
from backend.rules.work import Segment, Work

NOBODY = ""
ELSEWHERE = "travel"  # a trip names where it leads; nobody is on that stage yet


def check_stages(calls: Iterable[Segment], law: Law, zone: ZoneInfo) -> list[Finding]:
    """Return one VENUE-CLASH for each two calls of different productions that share time at one venue.

    Calls of one production share its stage lawfully: technicians and artists of one performance. It only warns: a venue
    may have several rooms, of which the company tells nothing.
    """
    kept = [one for one in calls if one.venue and one.kind != ELSEWHERE]
    case = Case(Work(NOBODY, kept), lay_out(kept, days_of(zone)), law)
    return [_clash(case, first, second) for first, second in _pairs(case.timeline.placed)]


def _pairs(placed: Iterable[Placed]) -> Iterator[tuple[Placed, Placed]]:
    there: dict[str, list[Placed]] = {}
    for one in placed:
        venue = one.segment.venue
        there[venue] = [other for other in there.get(venue, ()) if other.end > one.start]
        yield from ((other, one) for other in there[venue] if other.segment.production != one.segment.production)
        there[venue].append(one)


def _clash(case: Case, first: Placed, second: Placed) -> Finding:
    start, end = second.start, min(first.end, second.end)
    value, at = case.law.rules["VENUE-CLASH"].values[0], case.at(start)
    name = second.segment.venue if case.law.travel is None else case.law.travel.name(second.segment.venue)
    sentence = Sentence(
        f"Deux spectacles sont convoqués à « {name} » en même temps, {hours(end - start)} à partir du {at.fr}.",
        f'Two productions are called at "{name}" at the same time, for {hours(end - start)} from {at.en} on.',
    )
    changes = [*cures.end_at(case, first, start), *cures.start_at(case, second, first.end)]
    reading = Reading("VENUE-CLASH", value, start, end, end - start, value.limit)
    found = case.find(reading, Severity.WARN, sentence, [first, second], changes)
    return replace(found, assignments=(), scope="|".join(found.calls))
