"""A call that moves keeps what the clock of its place shows, also over the nights on which the clocks change."""

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from backend.core.errors import InvalidError
from backend.core.instants import wall_time_exists
from backend.planning.domain.wall_times import move_to, read_instant

PARIS = ZoneInfo("Europe/Paris")


def call(starts: str, ends: str, *breaks: tuple[str, str]) -> dict[str, Any]:
    """Return a call in Paris, as the API shows it."""
    first, last = (datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC) for text in (starts, ends))
    pauses = [
        {"starts_at": datetime.fromisoformat(a).replace(tzinfo=PARIS), "ends_at": datetime.fromisoformat(b).replace(
            tzinfo=PARIS), "paid": False}
        for a, b in breaks
    ]  # fmt: skip
    return {"starts_at": first, "ends_at": last, "breaks": pauses}


def walls(moved: dict[str, Any]) -> list[str]:
    return [f"{moved[name].astimezone(PARIS):%Y-%m-%dT%H:%M}" for name in ("starts_at", "ends_at")]


@pytest.mark.parametrize("day", ["2026-10-24", "2026-10-25", "2027-03-27", "2027-03-28", "2027-07-01"])
def test_the_hours_of_the_place_stay_whatever_the_season(day: str) -> None:
    moved = move_to(call("2026-11-16T17:30", "2026-11-16T23:00"), PARIS, date.fromisoformat(day))

    assert walls(moved) == [f"{day}T17:30", f"{day}T23:00"]


def test_an_end_after_midnight_and_the_breaks_move_along() -> None:
    strike = call("2026-11-14T23:00", "2026-11-15T03:30", ("2026-11-15T01:00", "2026-11-15T01:20"))

    moved = move_to(strike, PARIS, date(2026, 11, 20), time(22))

    assert walls(moved) == ["2026-11-20T22:00", "2026-11-21T02:30"]
    assert f"{moved['breaks'][0]['starts_at']:%d %H:%M}" == "21 00:00"


def test_an_hour_that_is_shown_twice_is_asked_about_and_never_guessed() -> None:
    wall = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001 - a wall time has no zone

    with pytest.raises(InvalidError) as refused:
        read_instant("ends_at", wall, PARIS)

    assert refused.value.fields[0].code == "ambiguous_time"
    found = [read_instant("ends_at", wall, PARIS, second=second).astimezone(UTC).hour for second in (False, True)]
    assert found == [0, 1]
    with pytest.raises(InvalidError):
        move_to(call("2026-10-20T22:00", "2026-10-21T02:30"), PARIS, date(2026, 10, 24))


def test_an_hour_that_is_skipped_stays_recognisable_as_one_that_no_clock_shows() -> None:
    found = read_instant("starts_at", datetime(2027, 3, 28, 2, 30), PARIS)  # noqa: DTZ001 - a wall time has no zone

    assert not wall_time_exists(found, PARIS)
