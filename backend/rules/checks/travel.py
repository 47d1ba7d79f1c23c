"""Whether the person can be at the next venue in time, and which trips nobody can judge."""

from collections.abc import Iterable, Iterator

from backend.core.errors import Sentence
from backend.rules import cures
from backend.rules.case import Case, Reading
from backend.rules.finding import Cure, Finding, Severity
from backend.rules.timeline import Placed
from backend.rules.travel import Travel
from backend.rules.wording import hours

TRIP = "travel"
NAMED = 5


def check_travel(case: Case) -> Iterator[Finding]:
    """TRAVEL-TIME between two calls that follow each other at different venues; an estimate never does more than warn.

    Whoever is called for a trip must have arrived when it ends, everybody else when the call begins.
    """
    travel = case.law.travel
    if travel is None:
        return
    for left, reached in journeys(case.timeline.placed):
        needed = travel.minutes(left.segment.venue, reached.segment.venue)
        due = _due(reached)
        value = case.value_at("TRAVEL-TIME", left.end)
        if needed is None or value is None or due - left.end >= needed:
            continue
        reading = Reading("TRAVEL-TIME", value, left.end, due, due - left.end, needed)
        sentence = _sentence(case, travel, left, reached, needed)
        yield case.find(reading, Severity.WARN, sentence, [left, reached], list(_cures(case, left, reached, needed)))


def journeys(placed: Iterable[Placed]) -> Iterator[tuple[Placed, Placed]]:
    """Yield two calls after each other whose venues are known and differ; what overlaps is a double booking instead."""
    left: Placed | None = None
    for one in placed:
        if left is not None and one.start >= left.end:
            here, there = left.segment.venue, one.segment.venue
            if here and there and here != there:
                yield left, one
        if left is None or one.end >= left.end:
            left = one


def unknown_venues(placed: Iterable[Placed], travel: Travel) -> Iterator[str]:
    """Yield the venues without coordinates of trips that cannot be judged, one of them at most once for each trip."""
    for left, reached in journeys(placed):
        both = left.segment.venue, reached.segment.venue
        if travel.minutes(*both) is None:
            yield from (venue for venue in both if venue not in travel.places)


def unjudged(venues: Iterable[str], travel: Travel) -> Sentence:
    """Return what a company reads whose venues have no coordinates."""
    names = sorted({travel.name(venue) for venue in venues})
    listed, more = ", ".join(names[:NAMED]), len(names) - NAMED
    return Sentence(
        f"Temps de trajet non vérifié vers et depuis : {listed}{f' (et {more} de plus)' if more > 0 else ''}. Donnez "
        "latitude et longitude de ces lieux, ou les minutes du trajet.",
        f"Travel time is not checked to and from: {listed}{f' (and {more} more)' if more > 0 else ''}. Give latitude "
        "and longitude of these venues, or the minutes of the trip.",
    )


def _due(reached: Placed) -> int:
    return reached.end if reached.segment.kind == TRIP else reached.start


def _sentence(case: Case, travel: Travel, left: Placed, reached: Placed, needed: int) -> Sentence:
    here, there = travel.name(left.segment.venue), travel.name(reached.segment.venue)
    gap, at = hours(_due(reached) - left.end), case.at(left.end)
    return Sentence(
        f"De « {here} » à « {there} » : {gap} à partir du {at.fr}, pour {hours(needed)} de trajet.",
        f'From "{here}" to "{there}": {gap} from {at.en} on, for a trip of {hours(needed)}.',
    )


def _cures(case: Case, left: Placed, reached: Placed, needed: int) -> Iterator[Cure]:
    yield from cures.end_at(case, left, _due(reached) - needed)
    if reached.segment.kind == TRIP:
        yield from cures.extend_to(case, reached, left.end + needed)
    else:
        yield from cures.start_at(case, reached, left.end + needed)
    yield cures.release(case, reached)
