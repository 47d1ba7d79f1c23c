"""Times of a call, pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from backend.planning.domain.times import Pause, Times, find_faults

PARIS = ZoneInfo("Europe/Paris")
START = datetime.fromisoformat("2026-11-16T10:00:00+01:00")
HOUR = timedelta(hours=1)


def codes(times: Times) -> list[str]:
    return [fault.code for fault in find_faults(times, PARIS)]


def pause(first: float, last: float) -> Pause:
    return Pause(START + first * HOUR, START + last * HOUR, paid=False)


def test_a_call_with_two_breaks_in_order_is_right() -> None:
    assert codes(Times(START, START + 8 * HOUR, [pause(1, 1.5), pause(1.5, 2)], 30)) == []


def test_an_end_before_or_at_the_start_is_refused() -> None:
    assert codes(Times(START, START)) == ["ends_before_start"]
    assert codes(Times(START, START - HOUR)) == ["ends_before_start"]


def test_thirty_six_hours_are_the_longest_call() -> None:
    assert codes(Times(START, START + 36 * HOUR)) == []
    assert codes(Times(START, START + 36 * HOUR + timedelta(seconds=1))) == ["too_long"]


def test_breaks_are_shorter_than_the_call() -> None:
    assert codes(Times(START, START + HOUR, unplaced_break_minutes=59)) == []
    assert codes(Times(START, START + HOUR, unplaced_break_minutes=60)) == ["break_too_long"]
    assert codes(Times(START, START + 2 * HOUR, [pause(0, 1)], 60)) == ["break_too_long"]


@pytest.mark.parametrize(
    ("pauses", "code"),
    [
        ([pause(-1, 1)], "break_outside"),
        ([pause(2, 4)], "break_outside"),
        ([pause(1, 1)], "ends_before_start"),
        ([pause(1, 2), pause(1.5, 2.5)], "break_overlap"),
        ([pause(2, 2.5), pause(1, 1.5)], "break_overlap"),
    ],
)
def test_breaks_lie_inside_the_call_in_order_without_overlap(pauses: list[Pause], code: str) -> None:
    assert codes(Times(START, START + 3 * HOUR, pauses)) == [code]


def test_a_wall_time_that_the_clocks_skip_is_refused_with_its_place_in_the_body() -> None:
    skipped = datetime.fromisoformat("2027-03-28T02:30:00+01:00")
    (fault,) = find_faults(Times(skipped, skipped + 5 * HOUR), PARIS)
    assert (fault.loc, fault.code) == (("starts_at",), "wall_time_missing")
    assert "28 mars 2027 à 2 h 30" in fault.sentence.fr


def test_the_same_instant_written_in_utc_is_right() -> None:
    skipped = datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert codes(Times(skipped, skipped + HOUR)) == []
