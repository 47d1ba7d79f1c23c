"""What the conventions 1285 and 3090 add: minimum calls, rehearsal services, performance days, journeys, spans."""

from collections.abc import Callable, Iterator
from datetime import date

from backend.core.errors import Sentence
from backend.rules.case import Case, Reading
from backend.rules.cures import end_at, extend_to, release, start_at
from backend.rules.dated import Value
from backend.rules.days import DAY, WEEK_DAYS
from backend.rules.finding import Finding, Severity, Unit
from backend.rules.timeline import Interval, Placed, merge
from backend.rules.wording import hours
from backend.rules.work import Trade

_FULL_RUNS = frozenset({"run_through", "tech_dress", "dress_rehearsal"})
_REHEARSALS = _FULL_RUNS | {"rehearsal", "stage_rehearsal", "table_read", "line_run", "blocking_run", "brush_up"}
_SATURDAY = 5

Wanted = Callable[[Placed], bool]


def check_calls(case: Case) -> Iterator[Finding]:
    """EAC-CALL-330 and EAC-DANCE: the longest presence that begins in a day is long enough, breaks included."""
    yield from _minimum_call(case, "EAC-CALL-330", Trade.TECHNICIAN)
    yield from _minimum_call(case, "EAC-DANCE", Trade.DANCE)


def check_services(case: Case) -> Iterator[Finding]:
    """EAC-DRAMA-SERVICE: services of 4 h at most, two a day, three in the worked days just before the première."""
    services = _services(case, "EAC-DRAMA-SERVICE", Trade.DRAMA)
    by_day: dict[int, list[Interval]] = {}
    for start, end in services:
        by_day.setdefault(case.days.of(start), []).append((start, end))
    for day, found in by_day.items():
        value = case.law.value("EAC-DRAMA-SERVICE", day)
        if value is not None:
            yield from _long_services(case, "EAC-DRAMA-SERVICE", value, found, value.limit)
            if len(found) > value["services"]:
                most = value["services_before_premiere"] if _near_premiere(case, value, day) else value["services"]
                if len(found) > most:
                    yield _too_many_services(case, value, day, len(found), most)


def check_performances(case: Case) -> Iterator[Finding]:
    """EAC-DRAMA-PERF: two shows a day at most, and no full run on a day of performance."""
    shows = _by_day(case, "EAC-DRAMA-PERF", lambda p: _acting(p) and p.segment.kind == "performance")
    runs = _by_day(case, "EAC-DRAMA-PERF", lambda p: _acting(p) and p.segment.kind in _FULL_RUNS)
    for day, played in shows.items():
        value = case.law.value("EAC-DRAMA-PERF", day)
        if value is None:
            continue
        start, end = case.days.start(day), case.days.start(day + 1)
        on = case.on(start)
        count = len({placed.segment.call for placed in played})
        if count > value.limit:
            sentence = Sentence(
                f"{count} représentations le {on.fr} : deux au plus, trois si elles durent moins d'une heure.",
                f"{count} performances on {on.en}: two at most, three if each is shorter than an hour.",
            )
            reading = Reading("EAC-DRAMA-PERF", value, start, end, count, value.limit, Unit.SHOWS)
            yield case.find(reading, Severity.WARN, sentence, played)
        same = [r for r in runs.get(day, []) if any(p.segment.production == r.segment.production for p in played)]
        if same:
            minutes = sum(placed.minutes for placed in same)
            sentence = Sentence(
                f"Filage de {hours(minutes)} le {on.fr}, jour de représentation : préférez un raccord.",
                f"Full run of {hours(minutes)} on {on.en}, a performance day: prefer a brush-up.",
            )
            reading = Reading("EAC-DRAMA-PERF", value, start, end, minutes, 0)
            yield case.find(reading, Severity.WARN, sentence, same, [release(case, same[0])] if len(same) == 1 else [])


def check_journeys(case: Case) -> Iterator[Finding]:
    """EAC-TRAVEL: rest between a journey and the work that follows: 30 min, 1 h from 2 h on, 2 h above 4 h."""
    placed = case.timeline.placed
    if "EAC-TRAVEL" not in case.law.rules:
        return
    for journey in placed:
        if journey.segment.kind != "travel":
            continue
        value = case.value_at("EAC-TRAVEL", journey.start)
        following = next((p for p in placed if p.start >= journey.end and p.segment.kind != "travel"), None)
        if value is None or following is None:
            continue
        needed, rest = _rest_after(value, journey.minutes), following.start - journey.end
        if rest < needed:
            at = case.at(journey.end)
            sentence = Sentence(
                f"{hours(rest)} entre l'arrivée le {at.fr} et le travail, pour {hours(needed)} au moins.",
                f"{hours(rest)} between the arrival on {at.en} and work, where {hours(needed)} is the least.",
            )
            reading = Reading("EAC-TRAVEL", value, journey.end, following.start + 1, rest, needed)
            cures = start_at(case, following, journey.end + needed)
            yield case.find(reading, Severity.WARN, sentence, [journey, following], list(cures))


def check_tour_spans(case: Case) -> Iterator[Finding]:
    """SVP-TOUR-12-15: a technician's span on tour is 15 h at most."""
    touring = _by_day(case, "SVP-TOUR-12-15", lambda p: p.segment.on_tour and p.segment.trade is Trade.TECHNICIAN)
    for day, found in touring.items():
        value = case.law.value("SVP-TOUR-12-15", day)
        start, end = found[0].start, max(placed.end for placed in found)
        if value is not None and end - start > value.limit:
            yield _too_wide(case, "SVP-TOUR-12-15", value, (start, end))


def check_circus(case: Case) -> Iterator[Finding]:
    """SVP-CIRCUS-ART: services of 3 h at most, inside a span of 10 h a day."""
    services = _services(case, "SVP-CIRCUS-ART", Trade.CIRCUS)
    by_day: dict[int, list[Interval]] = {}
    for service in services:
        by_day.setdefault(case.days.of(service[0]), []).append(service)
    for day, found in by_day.items():
        value = case.law.value("SVP-CIRCUS-ART", day)
        if value is not None:
            yield from _long_services(case, "SVP-CIRCUS-ART", value, found, value["service"])
            whole = found[0][0], found[-1][1]
            if whole[1] - whole[0] > value.limit:
                yield _too_wide(case, "SVP-CIRCUS-ART", value, whole)


def _minimum_call(case: Case, rule: str, trade: Trade) -> Iterator[Finding]:
    if rule not in case.law.rules:
        return
    called = [placed for placed in case.timeline.placed if placed.segment.trade is trade]
    longest: dict[int, Interval] = {}
    for start, end in merge((placed.start, placed.end) for placed in called):
        day = case.days.of(start)
        if day not in longest or end - start > longest[day][1] - longest[day][0]:
            longest[day] = start, end
    for day, (start, end) in longest.items():
        value = case.law.value(rule, day)
        if value is not None and end - start < value.limit:
            yield _short_call(case, rule, value, day, (start, end))


def _short_call(case: Case, rule: str, value: Value, day: int, longest: Interval) -> Finding:
    start, end = longest
    window = case.days.start(day), case.days.start(day + 1)
    causes = [p for p in case.timeline.touching(*window) if p.start >= window[0]]
    on, present, least = case.on(start), hours(end - start), hours(value.limit)
    sentence = Sentence(
        f"{present} de présence d'affilée au plus le {on.fr}, pour une convocation d'au moins {least}.",
        f"{present} of presence in a row at most on {on.en}, where a call lasts {least} at least.",
    )
    last = [placed for placed in causes if placed.end == end]
    until = start + value.limit
    free = not any(placed.start < until and placed.end > end for placed in case.timeline.placed)
    cures = list(extend_to(case, last[0], until)) if len(last) == 1 and free else []
    reading = Reading(rule, value, *window, end - start, value.limit)
    return case.find(reading, Severity.DEROG, sentence, causes, cures)


def _services(case: Case, rule: str, trade: Trade) -> list[Interval]:
    if rule not in case.law.rules:
        return []
    rehearsing = (p for p in case.timeline.placed if p.segment.trade is trade and p.segment.kind in _REHEARSALS)
    return merge((placed.start, placed.end) for placed in rehearsing)


def _long_services(case: Case, rule: str, value: Value, services: list[Interval], most: int) -> Iterator[Finding]:
    for start, end in services:
        if end - start > most:
            at = case.at(start)
            sentence = Sentence(
                f"Service de répétition de {hours(end - start)} à partir du {at.fr}, pour {hours(most)} au plus.",
                f"Rehearsal service of {hours(end - start)} from {at.en}, where {hours(most)} is the most.",
            )
            last = [placed for placed in case.timeline.touching(start, end) if placed.end == end]
            cures = list(end_at(case, last[0], start + most)) if len(last) == 1 else []
            yield case.find(Reading(rule, value, start, end, end - start, most), Severity.WARN, sentence, None, cures)


def _too_many_services(case: Case, value: Value, day: int, count: int, most: int) -> Finding:
    start, end = case.days.start(day), case.days.start(day + 1)
    on = case.on(start)
    sentence = Sentence(
        f"{count} services de répétition le {on.fr}, pour {most} au plus.",
        f"{count} rehearsal services on {on.en}, where {most} is the most.",
    )
    reading = Reading("EAC-DRAMA-SERVICE", value, start, end, count, most, Unit.SERVICES)
    return case.find(reading, Severity.WARN, sentence)


def _too_wide(case: Case, rule: str, value: Value, span: Interval) -> Finding:
    start, end = span
    at = case.at(start)
    sentence = Sentence(
        f"Amplitude de {hours(end - start)} à partir du {at.fr}, pour {hours(value.limit)} au plus.",
        f"Span of {hours(end - start)} from {at.en}, where {hours(value.limit)} is the most.",
    )
    return case.find(Reading(rule, value, start, end, end - start, value.limit), Severity.WARN, sentence)


def _by_day(case: Case, rule: str, wanted: Wanted) -> dict[int, list[Placed]]:
    found: dict[int, list[Placed]] = {}
    if rule in case.law.rules:
        for placed in case.timeline.placed:
            if wanted(placed):
                found.setdefault(case.days.of(placed.start), []).append(placed)
    return found


def _acting(placed: Placed) -> bool:
    return placed.segment.trade is Trade.DRAMA


def _near_premiere(case: Case, value: Value, day: int) -> bool:
    """Tell whether `day` is among the last Mondays to Fridays before the première of what is rehearsed that day."""
    within = case.timeline.touching(case.days.start(day), case.days.start(day + 1))
    dates = [placed.segment.premiere for placed in within if placed.segment.premiere is not None]
    return any(_weekdays(day, premiere) <= value["worked_days_before_premiere"] for premiere in dates)


def _weekdays(day: int, premiere: date) -> int:
    last = premiere.toordinal()
    if not day < last <= day + 4 * WEEK_DAYS:
        return DAY  # not before it, or weeks before it
    return sum((one - 1) % WEEK_DAYS < _SATURDAY for one in range(day, last))


def _rest_after(value: Value, minutes: int) -> int:
    if minutes > value["long"]:
        return value["long_limit"]
    return value["middle_limit"] if minutes >= value["middle"] else value.limit
