"""The nights when the clocks change."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from backend.core.instants import find_zone, local_day, wall_time_exists

PARIS = ZoneInfo("Europe/Paris")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    "text", ["2027-03-28T02:30:00+01:00", "2027-03-28T02:00:00+02:00", "2027-03-28T02:59:59+01:00"]
)
def test_a_time_that_the_clocks_of_paris_skip_does_not_exist(text: str) -> None:
    assert not wall_time_exists(at(text), PARIS)


@pytest.mark.parametrize(
    "text",
    [
        "2027-03-28T01:59:59+01:00",
        "2027-03-28T03:00:00+02:00",
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
        "2026-07-14T20:00:00+02:00",
    ],
)
def test_a_time_shown_once_or_twice_exists(text: str) -> None:
    assert wall_time_exists(at(text), PARIS)


@pytest.mark.parametrize("text", ["2027-03-28T02:30:00-05:00", "2027-03-28T02:30:00+00:00", "2027-03-28T02:30:00Z"])
def test_an_offset_of_elsewhere_names_an_instant_without_ambiguity(text: str) -> None:
    assert wall_time_exists(at(text), PARIS)


def test_an_instant_in_utc_is_right_in_a_zone_whose_own_offset_is_zero() -> None:
    assert wall_time_exists(at("2027-03-28T01:30:00Z"), ZoneInfo("Europe/London"))


def test_the_skip_is_the_one_of_the_zone_asked_for() -> None:
    skipped_in_new_york = at("2027-03-14T02:30:00-05:00")
    assert not wall_time_exists(skipped_in_new_york, ZoneInfo("America/New_York"))
    assert wall_time_exists(skipped_in_new_york, PARIS)


def test_the_ends_of_the_calendar_are_answered() -> None:
    assert wall_time_exists(datetime.max.replace(tzinfo=UTC), PARIS)
    assert wall_time_exists(at("0001-01-01T00:00:00+01:00"), PARIS)


def test_a_naive_instant_is_a_value_error() -> None:
    naive = datetime(2027, 3, 28, 2, 30)  # noqa: DTZ001 - the refusal of a naive instant is the test
    with pytest.raises(ValueError):
        wall_time_exists(naive, PARIS)
    with pytest.raises(ValueError):
        local_day(naive, PARIS)


def test_the_day_is_the_one_on_the_calendar_of_the_place() -> None:
    instant = at("2026-12-31T23:30:00Z")
    assert local_day(instant, PARIS) == date(2027, 1, 1)
    assert local_day(instant, ZoneInfo("America/Cayenne")) == date(2026, 12, 31)


@pytest.mark.parametrize("name", ["", "Paris", "Europe", "../etc/passwd", "Europe/Paris\x00", "europe/paris "])
def test_a_name_that_is_no_zone_finds_none(name: str) -> None:
    assert find_zone(name) is None


def test_a_zone_is_found_by_its_name() -> None:
    assert find_zone("Europe/Paris") == PARIS
