"""Maxima and rest of the ISO week, the mean over twelve weeks, days in a row, overtime."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice, pairwise

from backend.core.errors import Sentence
from backend.rules.case import Case, Reading
from backend.rules.cures import end_at, release, start_at, work_less
from backend.rules.dated import Value
from backend.rules.days import WEEK_DAYS, overlap
from backend.rules.finding import Cure, Finding, Severity, Unit
from backend.rules.timeline import Interval, Placed, Timeline, lay_out
from backend.rules.wording import hours

_CURES = 3  # of many: the shortest changes are enough to choose from
_FAR = 10**9  # minutes: nothing is planned before the first segment, nor after the last


def check_weeks(case: Case) -> Iterator[Finding]:
    """WT-WEEK-48: more than 48 h in an ISO week; above 60 h nothing can allow it (L3121-20, -21)."""
    for week, minutes in case.worked_weeks(case.timeline.by_week):
        value = case.law.value("WT-WEEK-48", week)
        if value is not None and minutes > value.limit:
            severity = Severity.HARD if minutes > value["ceiling"] else Severity.DEROG
            reading = _week_reading(case, "WT-WEEK-48", value, week, minutes, value.limit)
            on = case.on(reading.start)
            sentence = Sentence(
                f"{hours(minutes)} de travail dans la semaine du {on.fr}, pour {hours(value.limit)} au plus.",
                f"{hours(minutes)} of work in the week of {on.en}, where {hours(value.limit)} is the most.",
            )
            yield _too_much(case, reading, severity, sentence)


def check_twelve_weeks(case: Case) -> Iterator[Finding]:
    """WT-AVG12-44: more than 44 h a week on average over any 12 weeks in a row; weeks without work count as none."""
    by_week = case.timeline.by_week
    if not by_week:
        return
    first, last = min(by_week), max(by_week)
    value = case.law.value("WT-AVG12-44", first)
    span = WEEK_DAYS * (12 if value is None else value["weeks"])
    total = 0  # of the twelve weeks from `week` on: one comes in, one goes out
    for week in range(first - span + WEEK_DAYS, last + 1, WEEK_DAYS):
        total += by_week.get(week + span - WEEK_DAYS, 0) - by_week.get(week - WEEK_DAYS, 0)
        value = case.law.value("WT-AVG12-44", week)
        if value is not None and total > value.limit:
            yield _mean_too_high(case, value, week, total)


def check_weekly_rest(case: Case) -> Iterator[Finding]:
    """WT-WREST-35: a rest of 35 h with 24 h of it inside the ISO week (L3132-2)."""
    work = case.timeline.work
    edges = [(-_FAR, work[0][0]), *((a[1], b[0]) for a, b in pairwise(work)), (work[-1][1], _FAR)] if work else []
    blocks = [(before, after) for before, after in edges if after > before]
    for week, _ in case.worked_weeks(case.timeline.by_week, around=1):
        value = case.law.value("WT-WREST-35", week)
        if value is None:
            continue
        start, end = case.days.start(week), case.days.start(week + WEEK_DAYS)
        near = [block for block in blocks if block[1] > start and block[0] < end]
        limit, inside = value.limit, value["inside"]
        if any(to - since >= limit and overlap(since, to, start, end) >= inside for since, to in near):
            continue
        yield _no_weekly_rest(case, value, week, near)


def check_days_in_a_row(case: Case) -> Iterator[Finding]:
    """WT-DAYS-6: seven days worked in an ISO week; and, as a warning, a run of more than six days."""
    worked = list(case.timeline.by_day)
    weeks: dict[int, int] = {}
    for day in worked:
        week = day - (day - 1) % WEEK_DAYS
        weeks[week] = weeks.get(week, 0) + 1
    for week, count in weeks.items():
        value = case.law.value("WT-DAYS-6", week)
        if value is not None and count > value.limit:
            yield _every_day(case, value, week, count)
    for first, last in _runs(worked):
        value = case.law.value("WT-DAYS-6", first)
        if value is not None and last - first + 1 > value.limit:
            yield _run(case, value, first, last)


def check_overtime(case: Case) -> Iterator[Finding]:
    """WT-OT: what is paid above 35 h in the ISO week, for each employer: 8 h at +25 %, then +50 % (L3121-36)."""
    employers = {placed.segment.employer for placed in case.timeline.placed}
    for employer in sorted(employers):
        timeline = case.timeline if len(employers) == 1 else _only(case.timeline, employer)
        for week, minutes in case.worked_weeks(timeline.by_week):
            value = case.law.value("WT-OT", week)
            if value is None or minutes <= value.limit:
                continue
            over = minutes - value.limit
            first = min(over, value["quarter"])
            on = case.on(case.days.start(week))
            sentence = Sentence(
                f"{hours(over)} supplémentaires dans la semaine du {on.fr} : {hours(first)} à +25 %, "
                f"{hours(over - first)} à +50 %.",
                f"{hours(over)} of overtime in the week of {on.en}: {hours(first)} at +25 %, {hours(over - first)} "
                "at +50 %.",
            )
            details = {"plain": value.limit, "plus_25": first, "plus_50": over - first}
            reading = _week_reading(case, "WT-OT", value, week, minutes, value.limit)
            causes = timeline.touching(reading.start, reading.end)
            yield replace(case.find(reading, Severity.INFO, sentence, causes, details=details), scope=employer)


def _week_reading(
    case: Case, rule: str, value: Value, week: int, measured: int, limit: int, unit: Unit = Unit.MINUTES
) -> Reading:
    start, end = case.days.start(week), case.days.start(week + WEEK_DAYS)
    return Reading(rule, value, start, end, measured, limit, unit)


def _only(timeline: Timeline, employer: str) -> Timeline:
    return lay_out((p.segment for p in timeline.placed if p.segment.employer == employer), timeline.days)


def _too_much(case: Case, reading: Reading, severity: Severity, sentence: Sentence) -> Finding:
    causes = case.timeline.touching(reading.start, reading.end)
    cures = work_less(case, causes, reading.start, reading.end, reading.measured - reading.limit)
    return case.find(reading, severity, sentence, causes, cures)


def _mean_too_high(case: Case, value: Value, week: int, total: int) -> Finding:
    start, end = case.days.start(week), case.days.start(week + value["weeks"] * WEEK_DAYS)
    reading = Reading("WT-AVG12-44", value, start, end, total, value.limit)
    on, weeks = case.on(start), value["weeks"]
    mean, most = hours(total // weeks), hours(value.limit // weeks)
    exceptional = total > value["ceiling"]
    sentence = Sentence(
        f"{mean} par semaine en moyenne sur {weeks} semaines à partir du {on.fr}, pour {most} au plus"
        + (" ; seule une autorisation exceptionnelle le permettrait." if exceptional else "."),
        f"{mean} a week on average over {weeks} weeks from {on.en}, where {most} is the most"
        + ("; only an exceptional authorisation could allow it." if exceptional else "."),
    )
    return _too_much(case, reading, Severity.DEROG, sentence)


def _no_weekly_rest(case: Case, value: Value, week: int, near: list[Interval]) -> Finding:
    start, end = case.days.start(week), case.days.start(week + WEEK_DAYS)
    block = max(near, key=lambda found: overlap(found[0], found[1], start, end), default=(start, start))
    inside = overlap(*block, start, end)
    enough = block[1] - block[0] >= value.limit  # long enough, and then too little of it in the week
    measured, limit = (inside, value["inside"]) if enough else (block[1] - block[0], value.limit)
    on = case.on(start)
    sentence = Sentence(
        f"{hours(measured)} de repos d'affilée dans la semaine du {on.fr}, pour {hours(limit)} au moins "
        f"({hours(value.limit)} dont {hours(value['inside'])} dans la semaine).",
        f"{hours(measured)} of rest in a row in the week of {on.en}, where {hours(limit)} is the least "
        f"({hours(value.limit)}, {hours(value['inside'])} of them in the week).",
    )
    reading = Reading("WT-WREST-35", value, start, end, measured, limit)
    cures = _longer_rests(case, value, near, (start, end))
    return case.find(reading, Severity.HARD, sentence, cures=cures)


def _longer_rests(case: Case, value: Value, blocks: list[Interval], week: Interval) -> list[Cure]:
    """Return the shortest changes that make a block the rest of the week: end before it, start after it, leave a call.

    Only the few that are returned are written out: this is where an unlawful month spends its time.
    """
    limit, inside, (first, last) = value.limit, value["inside"], week
    timeline = case.timeline
    ways: list[tuple[int, int, Callable[..., Iterable[Cure]], tuple[Placed, int]]] = []
    for start, end in blocks:
        missing = max(limit - (end - start), inside - (min(end, last) - max(start, first)))
        before = timeline.ending_at(start)
        if len(before) == 1:
            if min(end, last) - max(start - missing, first) >= inside:
                ways.append((missing, len(ways), end_at, (before[0], start - missing)))
            earlier = timeline.end_without(before[0], -_FAR) if min(end, last) - first >= inside else start
            if end - earlier >= limit and min(end, last) - max(earlier, first) >= inside:
                ways.append((before[0].minutes, len(ways), _leave, (before[0], start)))
        if min(end + missing, last) - max(start, first) >= inside:
            after = timeline.starting_at(end)
            if len(after) == 1:
                ways.append((missing, len(ways), start_at, (after[0], end + missing)))
    written = (cure for _, _, write, (placed, minute) in sorted(ways) for cure in write(case, placed, minute))
    return list(islice(written, _CURES))


def _leave(case: Case, placed: Placed, _minute: int) -> list[Cure]:
    return [release(case, placed)]


def _every_day(case: Case, value: Value, week: int, count: int) -> Finding:
    reading = _week_reading(case, "WT-DAYS-6", value, week, count, value.limit, Unit.DAYS)
    on = case.on(reading.start)
    sentence = Sentence(
        f"Travail {count} jours dans la semaine du {on.fr}, pour {value.limit} au plus : laissez un jour entier libre.",
        f"Work on {count} days in the week of {on.en}, where {value.limit} is the most: leave one whole day free.",
    )
    return case.find(reading, Severity.HARD, sentence, cures=_free_day(case, week))


def _free_day(case: Case, week: int) -> list[Cure]:
    """Return what frees the lightest day: end before midnight the day before, or leave its one call."""
    by_day = case.timeline.by_day
    day = min(range(week, week + WEEK_DAYS), key=lambda one: by_day.get(one, 0))
    start, end = case.days.start(day), case.days.start(day + 1)
    causes = case.timeline.touching(start, end)
    if len(causes) != 1:
        return []
    only = causes[0]
    if only.start < start and only.end <= end:
        return list(end_at(case, only, start))
    return [release(case, only)] if only.start >= start and only.end <= end else []


def _run(case: Case, value: Value, first: int, last: int) -> Finding:
    start, end, count = case.days.start(first), case.days.start(last + 1), last - first + 1
    on = case.on(start)
    sentence = Sentence(
        f"{count} jours de travail d'affilée à partir du {on.fr} : permis si chaque semaine civile garde son repos.",
        f"{count} days of work in a row from {on.en}: lawful if each calendar week keeps its rest.",
    )
    reading = Reading("WT-DAYS-6", value, start, end, count, value.limit, Unit.DAYS)
    return case.find(reading, Severity.WARN, sentence)


def _runs(days: list[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for day in days:
        if first is not None and last is not None and day > last + 1:
            yield first, last
            first = day
        first, last = day if first is None else first, day
    if first is not None and last is not None:
        yield first, last
