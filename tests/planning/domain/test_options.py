"""Options as time sees them, pure: reminders, who moves up, the evening before, what must be told."""

from datetime import UTC, datetime, timedelta
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.planning.domain.eve import bounds, day_announced, eve_of
from backend.planning.domain.options import Standing, default_reminder, move_up
from backend.planning.domain.publication import must_be_told
from backend.tenancy.agenda import next_minute

NOW = datetime(2026, 11, 16, 9, 0, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
PARIS = ZoneInfo("Europe/Paris")
A, B, C = (UUID(int=number) for number in (1, 2, 3))


@given(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=400)))
def test_a_reminder_lies_between_now_and_the_expiry_and_spares_whoever_has_two_hours(lasts: timedelta) -> None:
    remind_at = default_reminder(NOW, NOW + lasts)
    if lasts < 2 * HOUR:
        assert remind_at is None
    else:
        assert remind_at is not None
        assert NOW < remind_at < NOW + lasts
        assert remind_at >= (NOW + lasts - timedelta(days=1)).replace(microsecond=0)


def test_one_second_moves_up_for_each_first_who_fell_in_their_order() -> None:
    here, there = (A, "comedien"), (B, "comedien")
    seconds = [(UUID(int=10), here), (UUID(int=11), here), (UUID(int=12), there)]
    assert move_up([here], seconds, {}) == [UUID(int=10)]
    assert move_up([here, here, here], seconds, {}) == [UUID(int=10), UUID(int=11)]
    assert move_up([here, there], seconds, {here: Standing(2, 2)}) == [UUID(int=12)]
    assert move_up([here, here], seconds, {here: Standing(3, 2)}) == [UUID(int=10)]
    assert move_up([(C, "comedien")], seconds, {}) == []


@given(st.lists(st.sampled_from("ab")), st.lists(st.sampled_from("ab")), st.integers(1, 5), st.integers(0, 6))
def test_nobody_moves_up_beyond_the_headcount_or_without_somebody_falling(
    fallen: list[str], seconds: list[str], headcount: int, standing: int
) -> None:
    places = {name: (UUID(int=number), name) for number, name in enumerate("ab")}
    waiting = [(UUID(int=100 + number), places[name]) for number, name in enumerate(seconds)]
    found = {place: Standing(headcount, standing) for place in places.values()}
    moved = move_up([places[name] for name in fallen], waiting, found)
    of = dict(waiting)
    counted = {name: len(list(group)) for name, group in groupby(sorted(of[one][1] for one in moved))}
    for name, number in counted.items():
        assert number <= min(fallen.count(name), max(0, headcount - standing))
    assert moved == sorted(moved)


@pytest.mark.parametrize(
    ("starts_at", "eve"),
    [
        ("2027-03-28T14:00:00+02:00", "2027-03-27T18:00:00+01:00"),
        ("2027-03-29T00:00:00+02:00", "2027-03-28T18:00:00+02:00"),
        ("2027-10-31T09:00:00+01:00", "2027-10-30T18:00:00+02:00"),
        ("2027-11-01T23:30:00+01:00", "2027-10-31T18:00:00+01:00"),
        ("2027-01-01T00:30:00+01:00", "2026-12-31T18:00:00+01:00"),
    ],
)
def test_the_evening_before_is_six_on_the_wall(starts_at: str, eve: str) -> None:
    found = eve_of(datetime.fromisoformat(starts_at), PARIS)
    assert found == datetime.fromisoformat(eve)
    day = day_announced(found, PARIS)
    assert day is not None
    begins, ends = bounds(day, PARIS)
    assert begins <= datetime.fromisoformat(starts_at) < ends


@given(st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - its zone is UTC
def test_every_call_is_announced_by_the_minute_of_its_evening_and_by_no_other(starts_at: datetime) -> None:
    eve = eve_of(starts_at, PARIS)
    assert next_minute(eve) == eve
    assert day_announced(eve, PARIS) == starts_at.astimezone(PARIS).date()
    assert day_announced(eve + timedelta(minutes=1), PARIS) is None


def test_a_minute_is_rounded_up_so_that_what_is_due_is_over_when_it_comes() -> None:
    assert next_minute(NOW) == datetime(2026, 11, 16, 9, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ({}, False),
        ({"title": "Filage"}, False),
        ({"starts_at": "2026-11-16T09:15:00Z"}, False),
        ({"starts_at": "2026-11-16T09:15:01Z"}, True),
        ({"starts_at": "2026-11-16T08:30:00Z"}, True),
        ({"ends_at": "2026-11-16T12:16:00Z"}, True),
        ({"venue_id": str(A)}, True),
    ],
)
def test_a_quarter_of_an_hour_is_not_told_and_a_minute_more_or_another_place_is(
    after: dict[str, str], told: bool
) -> None:
    before = {"starts_at": "2026-11-16T09:00:00Z", "ends_at": "2026-11-16T12:00:00Z", "venue_id": None, "title": "x"}
    assert must_be_told(before, before | after) is told
    assert must_be_told(None, before | after) is False
