"""Periods asked for in a query."""

from datetime import UTC, datetime

import pytest

from backend.core.errors import InvalidError
from backend.planning.period import read_bounded_period, read_period

PARIS = "Europe/Paris"


def test_days_are_the_companys_and_the_last_one_is_included() -> None:
    found = read_period("2026-11-16", "2026-11-22", PARIS)
    assert found.starts_at == datetime(2026, 11, 15, 23, tzinfo=UTC)
    assert found.ends_at == datetime(2026, 11, 22, 23, tzinfo=UTC)


def test_a_plus_sign_that_arrived_as_a_space_is_read() -> None:
    assert read_period("2026-11-16T10:00:00 01:00", None, PARIS).starts_at == datetime(2026, 11, 16, 9, tzinfo=UTC)


def test_the_day_on_which_the_clocks_change_is_whole() -> None:
    found = read_bounded_period("2027-03-28", "2027-03-28", PARIS)
    assert (found.ends_at - found.starts_at).total_seconds() == 23 * 3600


@pytest.mark.parametrize(
    "value",
    ["", "demain", "2026-11-16T10:00:00", "2026-13-01", "0001-01-01", "9999-12-31", "2026-11-16T10:00:00+99:00"],
)
def test_what_is_no_day_and_no_instant_with_an_offset_is_refused(value: str) -> None:
    with pytest.raises(InvalidError):
        read_period(value, None, PARIS)
    with pytest.raises(InvalidError):
        read_period(None, value, PARIS)


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(InvalidError):
        read_period("2026-11-16", "2026-11-14", PARIS)


def test_a_planning_has_both_ends_and_62_days_at_most() -> None:
    assert read_bounded_period("2026-10-01", "2026-12-01", PARIS).ends_at > datetime(2026, 12, 1, tzinfo=UTC)
    for starts, ends in ((None, "2026-11-16"), ("2026-11-16", None), ("2026-10-01", "2026-12-02")):
        with pytest.raises(InvalidError):
            read_bounded_period(starts, ends, PARIS)
