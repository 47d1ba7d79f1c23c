"""Daily rest: in the 24 hours from the start of each working day, 11 hours in a row; one test for rest and span."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from backend.core.errors import Sentence
from backend.rules.case import Case, Reading
from backend.rules.cures import end_at, release, start_at
from backend.rules.days import DAY, WEEK_DAYS
from backend.rules.finding import Cure, Finding, Severity, Unit
from backend.rules.timeline import Interval, Placed
from backend.rules.wording import hours

WINDOW = DAY  # 24 hours from the start of the working day
Needed = Callable[[int], int]


@dataclass(frozen=True, slots=True)
class WorkingDay:
    """From `start`, the longest rest inside the 24 hours that follow: `rest` clipped to them, `gap` as it is.

    `gap` is None where nobody knows: no work follows, or work goes on for the whole window.
    """

    start: int
    end: int
    rest: int
    gap: Interval | None

    @property
    def span(self) -> int:
        """From the first start to the end of work before that rest."""
        return (self.end if self.gap is None else self.gap[0]) - self.start


def walk(work: list[Interval], window: int, needed: Needed) -> Iterator[WorkingDay]:
    """Yield the working days: each ends before the first rest that is long enough, else after the longest one."""
    index, start = 0, work[0][0] if work else 0
    while index < len(work):
        limit = start + window
        best: tuple[int, Interval | None] = 0, None
        best_index, needs = index, needed(start)
        at = index
        while at < len(work) and work[at][1] < limit:
            after = work[at + 1][0] if at + 1 < len(work) else limit + window
            rest = min(after, limit) - work[at][1]
            if rest > best[0]:
                best, best_index = (rest, (work[at][1], after)), at
            if rest >= needs:
                break
            at += 1
        rest, gap = best
        yield WorkingDay(start, limit, rest, gap)
        if gap is not None:
            index = best_index + 1
            start = work[index][0] if index < len(work) else 0
        else:  # at work for the whole window: the next day begins where it ends
            index, start = _resume(work, index, limit)


def _resume(work: list[Interval], index: int, limit: int) -> tuple[int, int]:
    while index < len(work) and work[index][1] <= limit:
        index += 1
    return index, max(limit, work[index][0]) if index < len(work) else limit


def check_daily_rest(case: Case) -> Iterator[Finding]:
    """WT-REST-11 (and the 13 h span, its other face), WT-REST-COMP for what is then owed (D3131-2)."""
    short: list[tuple[WorkingDay, int]] = []
    for day in walk(case.timeline.work, WINDOW, lambda start: _least(case, "WT-REST-11", start)):
        value = case.value_at("WT-REST-11", day.start)
        if value is not None and day.rest < value.limit:
            short.append((day, value.limit - day.rest))
            severity = Severity.DEROG if day.rest >= value["floor"] else Severity.HARD
            yield _short_rest(
                case, Reading("WT-REST-11", value, day.start, day.end, day.rest, value.limit), day, severity
            )
    if short:
        yield from _owed(case, short)


def check_minors_rest(case: Case) -> Iterator[Finding]:
    """MIN-REST: 12 h of daily rest under 18, 14 h under 16, and two days off in a row each week (L3164-1, -2)."""
    if not case.has_minor_days:
        return

    def needed(start: int) -> int:
        value = case.value_at("MIN-REST", start)
        if value is None:
            return 0
        return value["child"] if case.days.of(start) < case.sixteen_from else value.limit

    for day in walk(case.timeline.work, WINDOW, needed):
        on = case.days.of(day.start)
        value = case.law.value("MIN-REST", on)
        if value is not None and on < case.adult_from and day.rest < needed(day.start):
            reading = Reading("MIN-REST", value, day.start, day.end, day.rest, needed(day.start))
            yield _short_rest(case, reading, day, Severity.HARD)
    yield from _days_off(case)


def _least(case: Case, rule: str, start: int) -> int:
    value = case.value_at(rule, start)
    return 0 if value is None else value.limit


def _short_rest(case: Case, reading: Reading, day: WorkingDay, severity: Severity) -> Finding:
    limit = reading.limit
    causes = case.timeline.touching(day.start, day.end)
    at = case.at(day.start)
    sentence = Sentence(
        f"{hours(day.rest)} de repos d'affilée dans les 24 heures à partir du {at.fr}, pour {hours(limit)} au moins.",
        f"{hours(day.rest)} of rest in a row in the 24 hours from {at.en}, where {hours(limit)} is the least.",
    )
    details = {"missing_minutes": limit - day.rest, "span_minutes": day.span}
    return case.find(reading, severity, sentence, causes, _cures(case, day, limit, causes), details)


def _cures(case: Case, day: WorkingDay, limit: int, causes: list[Placed]) -> list[Cure]:
    if day.gap is None:
        return []
    (stops, resumes), missing = day.gap, limit - day.rest
    ending = [placed for placed in causes if placed.start < stops <= placed.end]
    found = list(end_at(case, ending[0], stops - missing)) if len(ending) == 1 else []
    if resumes + missing <= day.end:
        starting = [placed for placed in causes if placed.start <= resumes < placed.end]
        if len(starting) == 1:
            found += start_at(case, starting[0], resumes + missing)
    elif resumes >= day.end:  # the span is what is too long
        first = [placed for placed in causes if placed.start <= day.start < placed.end]
        if len(first) == 1:
            found += start_at(case, first[0], day.start + missing)
    if not found:
        found = [release(case, placed) for placed in ending if _rests_without(placed, day, limit, causes)]
    return found


def _rests_without(left: Placed, day: WorkingDay, limit: int, causes: list[Placed]) -> bool:
    """Tell whether the rest is long enough once the person is off the call `left`."""
    others = [placed.end for placed in causes if placed is not left and placed.start < left.end]
    resumes = day.end if day.gap is None else min(day.gap[1], day.end)
    return not others or resumes - max(others) >= limit


def _owed(case: Case, short: list[tuple[WorkingDay, int]]) -> Iterator[Finding]:
    """Yield the one open balance of the person: a recorded rest or counterpart settles the days it covers."""
    opened = []
    for day, missing in short:
        on = case.days.of(day.start)
        value = case.law.value("WT-REST-COMP", on)
        settled = case.law.cover("WT-REST-COMP", Severity.WARN, case.person, on, missing)
        if value is not None and settled is None:
            opened.append((day, missing, value))
    if not opened:
        return
    first, last, total = opened[0][0], opened[-1][0], sum(missing for _, missing, _ in opened)
    since = case.on(first.start)
    sentence = Sentence(
        f"{hours(total)} de repos à rendre depuis le {since.fr}, ou une contrepartie prévue par accord.",
        f"{hours(total)} of rest to give back since {since.en}, or a counterpart set by agreement.",
    )
    causes = {id(p): p for day, _, _ in opened for p in case.timeline.touching(day.start, day.end)}
    reading = Reading("WT-REST-COMP", opened[0][2], first.start, last.end, total, opened[0][2].limit)
    yield case.find(reading, Severity.WARN, sentence, list(causes.values()), details={"short_rests": len(opened)})


def _days_off(case: Case) -> Iterator[Finding]:
    """Yield the weeks without two days off in a row; the two count for the week in which they begin."""
    worked = case.timeline.by_day
    for week in case.timeline.by_week:
        days = range(week, week + WEEK_DAYS)
        value = case.law.value("MIN-REST", week)
        if value is None or week >= case.adult_from or any(day not in worked and day + 1 not in worked for day in days):
            continue
        start, end = case.days.start(week), case.days.start(week + WEEK_DAYS)
        longest = max((rest for rest in _rests(case.timeline.work, start, end)), default=0)
        severity = Severity.DEROG if longest >= value["week_floor"] else Severity.HARD
        on = case.on(start)
        sentence = Sentence(
            f"Pas deux jours de repos d'affilée dans la semaine du {on.fr}, dus avant 18 ans.",
            f"No two days off in a row in the week of {on.en}, due under 18.",
        )
        off = int(any(day not in worked for day in days))
        reading = Reading("MIN-REST", value, start, end, off, value["days"], Unit.DAYS)
        yield case.find(reading, severity, sentence)


def _rests(work: list[Interval], start: int, end: int) -> Iterator[int]:
    edges = [start, *(edge for interval in work if interval[1] > start and interval[0] < end for edge in interval), end]
    for before, after in zip(edges[::2], edges[1::2], strict=True):
        yield after - before
