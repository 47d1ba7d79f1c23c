"""The counter's arithmetic under any history: limits hold, nothing appears or vanishes, planned is never declared."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.hours.domain import counting
from backend.hours.domain.counting import Count, Person, Terms, assess
from backend.hours.domain.months import History
from backend.hours.domain.values import official
from backend.hours.domain.window import leaves_on, search_window
from backend.hours.domain.words import on_day
from backend.hours.domain.work import Kind, Span, Standing, Work, share
from backend.rules.wording import date_of

BOOK = official()
REFERENCE = date(2026, 8, 31)
READINGS = BOOK.readings(REFERENCE)
# A busy machine is no failure: no test asserts a time.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
DAYS = st.dates(date(2025, 6, 1), date(2026, 10, 31))


@st.composite
def works(draw: st.DrawFn, kinds: tuple[Kind, ...] = tuple(Kind)) -> Work:
    starts_on = draw(DAYS)
    kind = draw(st.sampled_from(kinds))
    return Work(
        kind, draw(st.sampled_from(list(Standing))), starts_on, starts_on + timedelta(days=draw(st.integers(0, 70))),
        employer=draw(st.sampled_from(["A", "B"])), minutes=draw(st.integers(0, 20_000)),
        cachets=draw(st.integers(0, 40)) if kind is Kind.ANNEXE_10 else 0,
    )  # fmt: skip


def count(works: Sequence[Work], terms: Terms) -> Count:
    return counting.count(History(works, BOOK), terms)


def terms(**options: str) -> Terms:
    return Terms(REFERENCE, Person(), BOOK, {**READINGS, **options})


@unhurried
@given(st.lists(works(), max_size=8))
def test_no_limit_is_ever_exceeded(history: list[Work]) -> None:
    found = count(history, terms())
    for month in found.months:
        assert month.limit is not None
        assert 0 <= month.counted <= min(month.inside, month.limit)
    assert found.teaching <= 70 * 60
    assert found.teaching + found.training <= 338 * 60
    assert found.total + found.missing >= found.threshold


@unhurried
@given(st.lists(works(), max_size=8), st.randoms())
def test_the_order_of_the_blocks_changes_nothing(history: list[Work], random: Any) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)
    assert count(shuffled, terms()) == count(history, terms())


@unhurried
@given(st.lists(works(), max_size=8), works())
def test_with_whole_months_one_more_block_never_takes_hours_away(history: list[Work], more: Work) -> None:
    """The window is whole months here, and annexe 8 against 10 decides nothing: teaching is left out."""
    kinds = {Kind.ANNEXE_8, Kind.ANNEXE_10, Kind.TRAINING, Kind.ASSIMILATED}
    kept = [work for work in (*history, more) if work.kind in kinds]
    before = count([work for work in kept if work is not more], terms())
    assert count(kept, terms()).total >= before.total


@unhurried
@given(st.lists(works(), max_size=6), st.integers(1, 30))
def test_a_block_outside_the_period_and_its_months_changes_no_total(history: list[Work], days: int) -> None:
    far = Work(Kind.ANNEXE_8, Standing.DECLARED, date(2024, 3, 1), date(2024, 3, days), "A", 5_000)
    assert count([*history, far], terms()).total == count(history, terms()).total


@unhurried
@given(st.lists(works(), max_size=8))
def test_what_is_planned_or_only_done_is_never_declared(history: list[Work]) -> None:
    planned = [replace(work, standing=Standing.PLANNED) for work in history]
    done = [replace(work, standing=Standing.WORKED) for work in history]
    for each in (planned, done):
        found = assess(each, REFERENCE, Person(), BOOK)
        assert found.declared.total == 0
        assert found.with_planned.total == count(history, terms()).total


@unhurried
@given(works(), st.integers(0, 69))
def test_a_contract_cut_in_two_counts_as_one_but_for_the_rounding_of_a_minute(work: Work, after: int) -> None:
    """Cut where the shares of both halves are exact: each day has the same whole number of minutes."""
    whole = replace(work, kind=Kind.ANNEXE_8, cachets=0, minutes=work.days * 60)
    if after + 1 >= whole.days:
        return
    cut = whole.starts_on + timedelta(days=after)
    first = replace(whole, ends_on=cut, minutes=(after + 1) * 60)
    second = replace(whole, starts_on=cut + timedelta(days=1), minutes=whole.minutes - (after + 1) * 60)
    assert count([first, second], terms()).total == count([whole], terms()).total


@unhurried
@given(st.integers(0, 50_000), DAYS, st.integers(1, 400), st.lists(st.integers(0, 400), max_size=5))
def test_the_shares_of_a_contract_add_up_to_it(amount: int, first: date, days: int, cuts: list[int]) -> None:
    whole = Span(first, first + timedelta(days=days - 1))
    edges = sorted({0, days, *(cut for cut in cuts if cut < days)})
    parts = [Span(first + timedelta(days=a), first + timedelta(days=b - 1)) for a, b in pairwise(edges)]
    assert sum(share(amount, whole, part) for part in parts) == amount


@unhurried
@given(st.dates(date(2017, 8, 1), date(2100, 1, 1)))
def test_the_period_is_a_year_and_each_of_its_days_leaves_once(reference: date) -> None:
    window, _ = search_window(reference, READINGS, [])
    assert window.last == reference
    assert window.days in {365, 366}
    for day in (window.first, window.last):
        left = leaves_on(day)
        assert search_window(left, READINGS, [])[0].first > day
        assert search_window(left - timedelta(days=1), READINGS, [])[0].holds(day)


CONTRACT = Work(Kind.ANNEXE_10, Standing.DECLARED, date(2026, 3, 1), date(2026, 3, 31), "A", 0, 30)
OVER_MONTHS = Work(Kind.ANNEXE_8, Standing.DECLARED, date(2025, 8, 22), date(2025, 9, 10), "A", 60 * 20)
TAUGHT = Work(Kind.TEACHING, Standing.DECLARED, date(2026, 3, 1), date(2026, 3, 31), "C", 60 * 40)
TECHNICIAN = Work(Kind.ANNEXE_8, Standing.DECLARED, date(2026, 5, 1), date(2026, 5, 31), "T", 60 * 270)
FIRST_DAY = Work(Kind.ANNEXE_10, Standing.DECLARED, date(2025, 8, 31), date(2025, 8, 31), "A", 0, 1)
SICK = Work(Kind.SICKNESS, Standing.DECLARED, date(2026, 6, 1), date(2026, 6, 10))
MIXED = replace(CONTRACT, minutes=60 * 20, cachets=28)


@pytest.mark.parametrize(
    ("history", "option", "cautious", "other"),
    [
        ([CONTRACT], {"excess_cachets": "kept"}, 336, 360),
        ([MIXED], {"artist_hours": "cachets_only"}, 336, 356),
        ([TECHNICIAN], {"technician_limit": "derogation"}, 208, 260),
        ([OVER_MONTHS], {"contract_over_months": "last_month"}, 10, 20),
        ([FIRST_DAY], {"window_ends": "excluded"}, 0, 12),
        ([FIRST_DAY, SICK], {"sickness": "ignored"}, 12, 0),
        ([TECHNICIAN, TAUGHT], {"teaching_technicians": "everybody"}, 208, 248),
    ],
)
def test_an_open_point_read_otherwise_gives_the_other_total(
    history: list[Work], option: dict[str, str], cautious: int, other: int
) -> None:
    assert count(history, terms()).total == cautious * 60
    assert count(history, terms(**option)).total == other * 60
    found = {point.name: point for point in assess(history, REFERENCE, Person(), BOOK).points}
    (name,) = option
    assert [each.declared for each in found[name].others] == [other * 60]


def test_365_days_and_twelve_months_differ_when_a_29_february_lies_between() -> None:
    readings = {**BOOK.readings(date(2028, 3, 15)), "window_length": "days_365"}
    assert search_window(date(2028, 3, 15), readings, [])[0] == Span(date(2027, 3, 17), date(2028, 3, 15))


def test_a_limited_month_that_the_period_cuts_counts_in_proportion() -> None:
    """March: 30 cachets, half of its days in the period; 168 h of the 336 h kept, or 180 h if the inside goes first."""
    reference = date(2027, 3, 15)
    work = replace(CONTRACT, starts_on=date(2026, 3, 1), ends_on=date(2026, 3, 30), cachets=30)
    chosen = Terms(reference, Person(), BOOK, BOOK.readings(reference))
    assert count([work], chosen).total == 168 * 60
    assert count([work], chosen.read_as("partial_month", "inside_first")).total == 180 * 60


def test_a_lengthened_search_asks_for_more_hours() -> None:
    """500 h in twelve months and 60 h just before: 30 days more, for 549 h."""
    inside = [
        Work(Kind.ANNEXE_8, Standing.DECLARED, date(2026, month, 1), date(2026, month, 25), "A", 60 * hours)
        for month, hours in ((2, 200), (3, 200), (4, 100))
    ]
    before = Work(Kind.ANNEXE_8, Standing.DECLARED, date(2025, 8, 10), date(2025, 8, 12), "A", 60 * 60)
    assert count([*inside, before], terms()).missing == 7 * 60
    found = count([*inside, before], terms(readmission="lengthened"))
    assert (found.total, found.threshold, found.missing) == (560 * 60, 549 * 60, 0)
    assert found.steps[0].code == "lengthened"
    short = count(inside, terms(readmission="lengthened"))
    assert (short.threshold, short.missing) == (507 * 60, 7 * 60)


def test_every_step_is_said_and_the_last_total_is_the_sum_of_the_parts() -> None:
    history = [CONTRACT, TECHNICIAN, TAUGHT, replace(TAUGHT, kind=Kind.TRAINING), replace(SICK, kind=Kind.ASSIMILATED)]
    found = count(history, terms())
    codes = [step.code for step in found.steps]
    assert codes == "window month month teaching age_unknown training assimilated governing total".split()
    parts = {"month", "teaching", "training", "assimilated"}
    assert sum(step.minutes for step in found.steps if step.code in parts) == found.total
    assert found.steps[1].sentence.fr == (
        "Mars 2026, annexe 10 (artistes) : 360 h, limite du mois 336 h ; comptées : 336 h."
    )
    assert found.steps[-1].sentence.en == "Total: 674 h for 507 h needed; the threshold is reached."


@pytest.mark.parametrize(("minutes", "counted"), [(208 * 60, 208 * 60), (208 * 60 + 1, 208 * 60)])
def test_a_month_at_its_limit_is_whole_and_a_minute_more_is_lost(minutes: int, counted: int) -> None:
    assert count([replace(TECHNICIAN, minutes=minutes)], terms()).total == counted


@unhurried
@given(st.lists(works(), max_size=6))
def test_blocks_and_months_agree_on_what_lies_inside(history: list[Work]) -> None:
    window, _ = search_window(REFERENCE, READINGS, history)
    whole = History(history, BOOK)
    blocks = sum(whole.inside(kind, window, READINGS) for kind in (Kind.ANNEXE_8, Kind.ANNEXE_10))
    assert blocks == sum(month.inside for month in count(history, terms()).months)


@pytest.mark.parametrize(("day", "fr"), [(1, "1er juin 2026"), (2, "2 juin 2026"), (11, "11 juin 2026")])
def test_the_first_of_a_month_is_written_as_in_french(day: int, fr: str) -> None:
    assert on_day(date(2026, 6, day)).fr == fr
    assert date_of(date(2026, 6, day)).fr == fr
    assert on_day(date(2026, 6, day)).en == date_of(date(2026, 6, day)).en == f"{day} June 2026"
