"""Four rules written down again, minute by minute and as slowly as the law reads; the engine must agree with them.

On the nights on which the clocks change, at a year's end and around 29 February. It shares no line with the engine.
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.rules.engine import check_person
from backend.rules.law import Law
from backend.rules.work import Pause, Segment, Work
from tests.backstage import TWENTIETHS

PARIS = ZoneInfo("Europe/Paris")
MINUTE = timedelta(minutes=1)
MONDAYS_BEFORE = (
    datetime(2026, 10, 19, 6, tzinfo=PARIS), datetime(2027, 3, 22, 6, tzinfo=PARIS),
    datetime(2026, 12, 28, 6, tzinfo=PARIS), datetime(2028, 2, 24, 6, tzinfo=PARIS),
)  # fmt: skip
DAY, WEEK = 1440, timedelta(days=7)
Told = tuple[str, str, int, int | None]
RULES = frozenset({"WT-DAY-10", "WT-WEEK-48", "WT-REST-11", "WT-WREST-35"})


@st.composite
def works(draw: st.DrawFn) -> Work:
    """Calls of up to fifteen hours, some with a break, some that overlap, in any order."""
    base, at, segments = draw(st.sampled_from(MONDAYS_BEFORE)).astimezone(UTC), 0, []
    for number in range(draw(st.integers(1, 10))):
        at += draw(st.sampled_from([-60, 0, 5, 15, 20, 300, 600, 655, 660, 665, 720, 960, 2095, 2100, 2105, 2880]))
        length = draw(st.sampled_from([5, 60, 240, 355, 360, 480, 600, 605, 720, 725, 900]))
        start = base + at * MINUTE
        pauses = []
        if length >= 240 and draw(st.booleans()):
            pause = start + draw(st.integers(1, length - 60)) * MINUTE
            pauses = [Pause(pause, pause + draw(st.sampled_from([5, 20, 30])) * MINUTE, draw(st.booleans()))]
        end = start + length * MINUTE
        segments.append(Segment(f"c{number}", f"a{number}", start, end, pauses=pauses))
        at += length
    return Work("P", draw(st.permutations(segments)))


@settings(deadline=None, max_examples=100 * TWENTIETHS)
@given(works())
def test_the_engine_finds_what_the_slow_reading_finds(work: Work) -> None:
    found = {
        (f.rule, f.severity.value, _minute(f.starts_at), None if f.rule == "WT-WREST-35" else f.measured)
        for f in check_person(work, Law(), PARIS)
        if f.rule in RULES
    }
    minutes = worked(work)
    assert found == {*too_long(minutes), *short_rests(minutes), *weeks_without_rest(minutes)}


def worked(work: Work) -> set[int]:
    """Return every minute of work."""
    found: set[int] = set()
    for one in work.segments:
        unpaid = {m for p in one.pauses if not p.paid for m in range(_minute(p.starts_at), _minute(p.ends_at))}
        found |= set(range(_minute(one.starts_at), _minute(one.ends_at))) - unpaid
    return found


def too_long(minutes: set[int]) -> set[Told]:
    """Return the days of more than 10 h, the weeks of more than 48 h."""
    days = Counter(_day(minute) for minute in minutes)
    weeks: Counter[date] = Counter()
    for day, count in days.items():
        weeks[_monday(day)] += count
    return {
        (rule, "HARD" if count > ceiling else "DEROG", _midnight(start), count)
        for rule, sums, limit, ceiling in (("WT-DAY-10", days, 600, 720), ("WT-WEEK-48", weeks, 2880, 3600))
        for start, count in sums.items()
        if count > limit
    }


def short_rests(minutes: set[int]) -> set[Told]:
    """Return the working days in whose 24 hours no rest of 11 h lies."""
    found: set[Told] = set()
    start = min(minutes)
    while True:
        rests = _rests(minutes, start, start + DAY)
        long = [rest for rest in rests if rest[1] - rest[0] >= 660]
        ends = start + DAY
        if long:
            ends = long[0][1]
        else:
            longest = max((end - begin for begin, end in rests), default=0)
            found.add(("WT-REST-11", "DEROG" if longest >= 540 else "HARD", start, longest))
            ends = next((end for begin, end in rests if end - begin == longest), ends)
        later = [minute for minute in minutes if minute >= ends]
        if not later:
            return found
        start = min(later)


def weeks_without_rest(minutes: set[int]) -> set[Told]:
    """Return the weeks of work in which no rest of 35 h has 24 h."""
    found: set[Told] = set()
    for monday in {_monday(_day(minute)) for minute in minutes}:
        start, end = _midnight(monday), _midnight(monday + WEEK)
        rests = _rests(minutes, start - 3 * DAY, end + 3 * DAY)
        if not any(to - since >= 2100 and min(to, end) - max(since, start) >= DAY for since, to in rests):
            found.add(("WT-WREST-35", "HARD", start, None))
    return found


def _rests(minutes: set[int], start: int, end: int) -> list[tuple[int, int]]:
    """Return from where to where nothing is worked."""
    found: list[tuple[int, int]] = []
    since = None
    for minute in range(start, end + 1):
        if minute == end or minute in minutes:
            if since is not None:
                found.append((since, minute))
            since = None
        elif since is None:
            since = minute
    return found


def _minute(instant: datetime) -> int:
    return int(instant.timestamp()) // 60


def _day(minute: int) -> date:
    return datetime.fromtimestamp(minute * 60, PARIS).date()


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _midnight(day: date) -> int:
    return _minute(datetime(day.year, day.month, day.day, tzinfo=PARIS))
