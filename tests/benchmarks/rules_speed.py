"""The rules engine by itself: one month of 100 people, and one moved call of twenty of them."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from backend.core import memory
from backend.rules.engine import check, check_person, move_call
from backend.rules.law import Law
from backend.rules.work import Segment, Trade, Work
from tests.benchmarks.figures import Figures, percentile

PEOPLE, CREW, WEEKS = 100, 20, 4
FIRST = date(2026, 11, 2)
PARIS = ZoneInfo("Europe/Paris")
MONTH_GOAL, MOVE_GOAL = 200, 20  # p95 in milliseconds
MONTHS, MOVES = 20, 60
LAW = Law("1285")


def measure() -> list[Figures]:
    """Time both, after one warm-up each, in a process that is settled as the server's are."""
    memory.settle()
    works = month()
    known = {work.person: check_person(work, LAW, PARIS) for work in works}
    start = datetime(2026, 11, 12, 16, tzinfo=PARIS)

    def move() -> None:
        move_call(works, "10-0-1", start, start + timedelta(hours=4, minutes=30), LAW, PARIS, known)

    segments = sum(len(work.segments) for work in works)
    return [
        _timed(
            f"rules, month: {PEOPLE} people",
            f"{segments} segments",
            lambda: check(works, LAW, PARIS),
            MONTHS,
            MONTH_GOAL,
        ),
        _timed("rules, moved call", f"{CREW} people", move, MOVES, MOVE_GOAL),
    ]


def month() -> list[Work]:
    """Return four weeks of five days with two calls each, and a late strike every Saturday; artists and technicians."""
    return [Work(f"P{number}", list(_calls(number)), date(1990, 1, 1)) for number in range(PEOPLE)]


def _calls(number: int) -> list[Segment]:
    found = []
    crew, trade = number // CREW, Trade.DRAMA if number % 2 else Trade.TECHNICIAN
    for day in range(WEEKS * 7):
        hours = [(10.0, 13.0), (14.5, 18.0)] if day % 7 < 5 else [(20.0, 25.0)] if day % 7 == 5 else []
        for part, (starts, ends) in enumerate(hours):
            midnight = datetime.combine(FIRST + timedelta(days=day), datetime.min.time(), PARIS)
            found.append(
                Segment(
                    f"{day}-{crew}-{part}",
                    f"{number}-{day}-{part}",
                    (midnight + timedelta(hours=starts)).astimezone(UTC),
                    (midnight + timedelta(hours=ends)).astimezone(UTC),
                    kind="rehearsal" if day % 7 < 5 else "strike",
                    trade=trade,
                )
            )
    return found


def _timed(name: str, load: str, act: Callable[[], object], times: int, goal: float) -> Figures:
    act()
    latencies = []
    processor, began = time.process_time(), time.perf_counter()
    for _ in range(times):
        start = time.perf_counter()
        act()
        latencies.append(time.perf_counter() - start)
    seconds = time.perf_counter() - began
    return Figures(
        name=name,
        load=load,
        requests=times,
        per_second=round(times / seconds, 2),
        p50_ms=round(percentile(latencies, 0.5) * 1000, 2),
        p95_ms=round(percentile(latencies, 0.95) * 1000, 2),
        server_cpu_ms=round((time.process_time() - processor) * 1000 / times, 3),
        database_cpu_ms=0,
        statements=0,
        round_trips=0,
        kilobytes=0,
        errors=0,
        goal_p95_ms=goal,
    )
