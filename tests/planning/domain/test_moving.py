"""A call at another date shows the same times on the clocks, whatever the clocks do in between."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.planning.domain.moving import BreakPlan, OutOfCalendarError, by_days, by_minutes, planned
from backend.planning.domain.times import Pause, Times, find_faults

PARIS = ZoneInfo("Europe/Paris")
ZONES = tuple(map(ZoneInfo, ("Europe/Paris", "Europe/London", "America/New_York", "Australia/Lord_Howe", "UTC")))
MINUTE = timedelta(minutes=1)
# Both clock changes of 2027 in Paris: 28 March (02:00 to 03:00) and 31 October (03:00 to 02:00).
NEAR_CHANGES = st.sampled_from([date(2027, 3, 28), date(2027, 10, 31), date(2026, 12, 31), date(2028, 2, 29)])


def paris(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


def wall(at: datetime, zone: ZoneInfo = PARIS) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def call(start: str, end: str, *breaks: tuple[str, str]) -> Times:
    return Times(paris(start), paris(end), [Pause(paris(a), paris(b), paid=False) for a, b in breaks])


def test_an_evening_keeps_its_times_over_the_clock_change() -> None:
    moved = by_days(call("2027-03-23 20:00", "2027-03-23 23:00", ("2027-03-23 21:15", "2027-03-23 21:35")), 7, PARIS)
    assert moved.times.starts_at == datetime(2027, 3, 30, 18, tzinfo=UTC)
    assert wall(moved.times.breaks[0].ends_at) == "2027-03-30 21:35"
    assert not moved.clock_change


def test_a_time_in_the_skipped_hour_moves_on_by_it() -> None:
    moved = by_days(call("2027-03-21 02:30", "2027-03-21 06:00"), 7, PARIS)
    assert (wall(moved.times.starts_at), wall(moved.times.ends_at)) == ("2027-03-28 03:30", "2027-03-28 06:00")
    assert moved.clock_change


def test_a_night_that_would_end_before_it_starts_keeps_its_length() -> None:
    moved = by_days(call("2027-03-21 02:30", "2027-03-21 03:15"), 7, PARIS)
    assert (wall(moved.times.starts_at), wall(moved.times.ends_at)) == ("2027-03-28 03:30", "2027-03-28 04:15")
    assert moved.clock_change


def test_of_the_hour_shown_twice_the_first_is_meant_and_a_night_is_an_hour_longer() -> None:
    moved = by_days(call("2027-10-24 02:30", "2027-10-24 05:00"), 7, PARIS)
    assert moved.times.starts_at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert moved.times.ends_at - moved.times.starts_at == timedelta(hours=3, minutes=30)
    assert (moved.clock_change, moved.minutes) == (True, 210)


@pytest.mark.parametrize(("wall", "really"), [("2027-03-28T01:30", 60), ("2027-10-31T01:30", 180)])
def test_two_hours_over_a_clock_change_are_marked_and_say_how_long_they_really_last(wall: str, really: int) -> None:
    found = planned(datetime.fromisoformat(wall), 120, [], 0, PARIS)
    assert (found.minutes, found.clock_change) == (really, True)
    ordinary = planned(datetime.fromisoformat(wall) + timedelta(days=7), 120, [], 0, PARIS)
    assert (ordinary.minutes, ordinary.clock_change) == (120, False)


def test_the_second_of_an_hour_shown_twice_stays_the_second() -> None:
    times = Times(datetime(2027, 10, 31, 1, 30, tzinfo=UTC), datetime(2027, 10, 31, 4, tzinfo=UTC), [])
    assert by_days(times, 0, PARIS).times == times
    assert by_days(times, 7, PARIS).times.starts_at == datetime(2027, 11, 7, 1, 30, tzinfo=UTC)


def test_minutes_pass_whatever_the_clocks_do() -> None:
    moved = by_minutes(call("2027-03-28 01:00", "2027-03-28 05:00", ("2027-03-28 03:30", "2027-03-28 04:00")), 90)
    assert (wall(moved.times.starts_at), wall(moved.times.ends_at)) == ("2027-03-28 03:30", "2027-03-28 06:30")


def test_dates_outside_the_calendar_are_refused() -> None:
    times = call("2027-03-21 10:00", "2027-03-21 12:00")
    for days in (100_000, -100_000, 10**7):
        with pytest.raises(OutOfCalendarError):
            by_days(times, days, PARIS)


def test_a_planned_call_has_its_breaks_on_the_clocks() -> None:
    found = planned(datetime.fromisoformat("2027-10-30T22:00"), 600, [BreakPlan(300, 60, paid=True)], 0, PARIS)
    assert wall(found.times.ends_at) == "2027-10-31 08:00"
    assert (wall(found.times.breaks[0].starts_at), wall(found.times.breaks[0].ends_at)) == (
        "2027-10-31 03:00", "2027-10-31 04:00",
    )  # fmt: skip


@st.composite
def calls(draw: st.DrawFn) -> tuple[Times, ZoneInfo]:
    """Times that hold together, on a day near a clock change or anywhere, in some zone."""
    zone = draw(st.sampled_from(ZONES))
    day = draw(NEAR_CHANGES) + timedelta(days=draw(st.integers(-9, 9)))
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) + draw(st.integers(0, 24 * 60 - 1)) * MINUTE
    cuts = sorted(draw(st.sets(st.integers(1, 36 * 60), min_size=1, max_size=5)))
    length = cuts[-1]
    inner = [cut for cut in cuts if cut < length]
    pauses = [Pause(start + a * MINUTE, start + b * MINUTE, paid=False) for a, b in zip(inner[::2], inner[1::2])]  # noqa: B905 - an odd one is left over
    return Times(start, start + length * MINUTE, pauses), zone


@settings(deadline=None, max_examples=400)
@given(calls(), NEAR_CHANGES, st.integers(-3, 3))
def test_any_call_copied_to_any_date_holds_together_and_keeps_its_clock_times(
    drawn: tuple[Times, ZoneInfo], target: date, off: int
) -> None:
    times, zone = drawn
    if find_faults(times, zone):
        return
    days = (target - times.starts_at.date()).days + off
    moved = by_days(times, days, zone)
    assert find_faults(moved.times, zone) == []
    pairs = [(times.starts_at, moved.times.starts_at), (times.ends_at, moved.times.ends_at)]
    pairs += [(a.starts_at, b.starts_at) for a, b in zip(times.breaks, moved.times.breaks, strict=True)]
    kept = []
    for old, new in pairs:
        shown = old.astimezone(zone).replace(tzinfo=None, fold=0) + timedelta(days=days)
        kept.append(new.astimezone(zone).replace(tzinfo=None, fold=0) == shown)
        exists = shown.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == shown
        if not moved.clock_change:
            assert exists
    assert all(kept) or moved.clock_change
    start = times.starts_at.astimezone(zone).replace(tzinfo=None, fold=0) + timedelta(days=days)
    if start.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == start:
        assert kept[0]  # the start is never touched where the clocks show it


@settings(deadline=None, max_examples=200)
@given(calls(), st.integers(-400, 400))
def test_there_and_back_is_where_it_was_unless_the_clocks_changed(drawn: tuple[Times, ZoneInfo], days: int) -> None:
    times, zone = drawn
    there = by_days(times, days, zone)
    if there.clock_change or find_faults(times, zone):
        return
    back = by_days(there.times, -days, zone)
    shown = [at.astimezone(zone).replace(tzinfo=None, fold=0) for at in (times.starts_at, times.ends_at)]
    assert [
        at.astimezone(zone).replace(tzinfo=None, fold=0) for at in (back.times.starts_at, back.times.ends_at)
    ] == shown or back.clock_change
