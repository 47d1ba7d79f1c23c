"""What must hold for every schedule: shifted weeks, split intervals, more work, other offsets, cures, moves."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.rules.engine import check_person, compare, move_call, moved, replan
from backend.rules.finding import Action, Cure, Finding, Severity
from backend.rules.law import Law
from backend.rules.work import Pause, Segment, Trade, Work
from tests.backstage import TWENTIETHS
from tests.rules.reading import PARIS

MONDAY = datetime(2026, 11, 2, 8, tzinfo=PARIS).astimezone(UTC)
MINUTE = timedelta(minutes=1)
MAXIMA = {"WT-DAY-10", "WT-WEEK-48", "WT-AVG12-44"}
LAW = Law("1285")
at_leisure = settings(deadline=None, max_examples=25 * TWENTIETHS)  # no test asserts a time


@st.composite
def schedules(draw: st.DrawFn, longest: int = 10, sure: bool = True) -> Work:
    """Up to three weeks of calls that do not overlap, in quarters of an hour."""
    at, segments = 0, []
    for number in range(draw(st.integers(1, longest))):
        at += draw(st.sampled_from([0, 15, 20, 60, 120, 480, 600, 645, 660, 720, 960, 2100, 2880]))
        length = draw(st.sampled_from([15, 120, 180, 210, 240, 355, 360, 480, 600, 735]))
        start = MONDAY + at * MINUTE
        segments.append(
            Segment(
                f"c{number}",
                f"a{number}",
                start,
                start + length * MINUTE,
                kind=draw(st.sampled_from(["rehearsal", "performance", "setup", "travel"])),
                trade=draw(st.sampled_from([Trade.TECHNICIAN, Trade.DRAMA])),
                unplaced_break_minutes=draw(st.sampled_from([0, 0, 0, 10])),
                if_confirmed=not sure and draw(st.booleans()),
            )
        )
        at += length
    born = draw(
        st.sampled_from([None, datetime(1990, 1, 1, tzinfo=UTC).date(), datetime(2009, 5, 1, tzinfo=UTC).date()])
    )
    return Work("P", segments, born)


def judged(work: Work, zone: ZoneInfo = PARIS) -> list[Finding]:
    return check_person(work, LAW, zone)


def facts(finding: Finding, shift: timedelta = timedelta(0)) -> tuple[Any, ...]:
    return (finding.rule, finding.severity, finding.starts_at - shift, finding.ends_at - shift, finding.measured)


def shifted(work: Work, by: timedelta) -> Work:
    return Work(
        work.person,
        [replaced(s, starts_at=s.starts_at + by, ends_at=s.ends_at + by) for s in work.segments],
        work.birth_date,
    )


def replaced(segment: Segment, **changes: Any) -> Segment:
    return Segment(**{name: getattr(segment, name) for name in Segment.__slots__} | changes)


@at_leisure
@given(schedules(), st.integers(1, 9))
def test_shifting_by_whole_weeks_of_winter_keeps_every_finding(work: Work, weeks: int) -> None:
    by = timedelta(weeks=weeks)
    kept = [facts(f) for f in judged(work) if f.rule != "WT-HOL"]
    assert [facts(f, by) for f in judged(shifted(work, by)) if f.rule != "WT-HOL"] == kept


@at_leisure
@given(schedules(), st.data())
def test_splitting_an_interval_changes_nothing(work: Work, data: st.DataObject) -> None:
    segments = [replaced(segment, unplaced_break_minutes=0, kind="rehearsal") for segment in work.segments]
    whole = data.draw(st.sampled_from(segments))
    at = whole.starts_at + (whole.ends_at - whole.starts_at) // 15 // MINUTE * MINUTE
    split = [s for s in segments if s is not whole]
    split += [replaced(whole, ends_at=at), replaced(whole, starts_at=at, assignment="second half")]
    before = judged(Work("P", segments, work.birth_date))
    assert [facts(f) for f in judged(Work("P", split, work.birth_date))] == [facts(f) for f in before]


@at_leisure
@given(schedules(), st.integers(0, 20 * 24 * 4), st.integers(1, 40))
def test_adding_work_never_cures_a_maximum(work: Work, quarter: int, quarters: int) -> None:
    start = MONDAY + timedelta(minutes=15 * quarter)
    more = Segment("more", "more", start, start + timedelta(minutes=15 * quarters))
    now = {(f.rule, f.starts_at): f for f in judged(Work("P", [*work.segments, more], work.birth_date))}
    for finding in judged(work):
        if finding.rule in MAXIMA:
            worse = now[finding.rule, finding.starts_at]
            assert worse.measured >= finding.measured
            assert worse.severity.rank <= finding.severity.rank


@at_leisure
@given(schedules())
def test_the_offset_in_which_an_instant_is_written_does_not_matter(work: Work) -> None:
    def written(zone: Any) -> list[tuple[Any, ...]]:
        segments = [
            replaced(s, starts_at=s.starts_at.astimezone(zone), ends_at=s.ends_at.astimezone(zone))
            for s in work.segments
        ]
        return [facts(finding) for finding in judged(Work("P", segments, work.birth_date))]

    assert written(UTC) == written(PARIS) == written(timezone(timedelta(hours=-7)))


@at_leisure
@given(schedules(longest=7))
def test_a_proposed_change_makes_its_finding_disappear(work: Work) -> None:
    for finding in judged(work):
        for cure in finding.cures:
            left = judged(applied(work, cure))
            assert not any(same(finding, other) for other in left), (finding, cure)


@at_leisure
@given(schedules(longest=7))
def test_the_shortest_change_comes_first(work: Work) -> None:
    for finding in judged(work):
        minutes = [cure.minutes for cure in finding.cures]
        assert minutes == sorted(minutes)


@at_leisure
@given(schedules(sure=False))
def test_options_add_findings_and_take_none_away(work: Work) -> None:
    sure = Work("P", [segment for segment in work.segments if not segment.if_confirmed], work.birth_date)
    found = judged(work)
    assert [f for f in found if not f.if_confirmed] == judged(sure)


@at_leisure
@given(schedules(), st.data())
def test_a_moved_call_is_judged_where_it_moved_as_if_all_were_judged_again(work: Work, data: st.DataObject) -> None:
    call = data.draw(st.sampled_from(work.segments))
    start = call.starts_at + timedelta(minutes=15 * data.draw(st.integers(-200, 200)))
    end = start + timedelta(minutes=15 * data.draw(st.integers(1, 40)))
    whole = compare(judged(work), judged(moved(work, call.call, start, end)))
    for known in (None, {"P": judged(work)}):
        assert move_call([work], call.call, start, end, LAW, PARIS, known) == whole


@at_leisure
@given(schedules(), st.data())
def test_other_work_is_judged_where_it_differs_as_if_all_were_judged_again(work: Work, data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.sampled_from(work.segments), min_size=1, unique_by=lambda s: s.assignment))
    by = timedelta(minutes=15 * data.draw(st.integers(-200, 200)))
    first = replaced(kept[0], starts_at=kept[0].starts_at + by, ends_at=kept[0].ends_at + by)
    other = Work(work.person, [first, *kept[1:]], work.birth_date)
    assert replan([(work, other)], LAW, PARIS) == compare(judged(work), judged(other))


def applied(work: Work, cure: Cure) -> Work:
    segments = []
    for segment in work.segments:
        if segment.assignment != cure.assignment:
            segments.append(segment)
        elif cure.action in {Action.END_EARLIER, Action.END_LATER}:
            segments.append(replaced(segment, ends_at=cure.at[0]))
        elif cure.action is Action.START_LATER:
            segments.append(replaced(segment, starts_at=cure.at[0]))
        elif cure.action is Action.INSERT_BREAK:
            length = timedelta(minutes=cure.minutes // len(cure.at))
            segments.append(replaced(segment, pauses=[*segment.pauses, *(Pause(at, at + length) for at in cure.at)]))
    return Work(work.person, segments, work.birth_date)


def same(finding: Finding, other: Finding) -> bool:
    """Tell whether a rule is still broken in the same window."""
    return (
        other.rule == finding.rule
        and other.unit == finding.unit
        and other.starts_at == finding.starts_at
        and other.severity.rank <= Severity.WARN.rank
        and other.limit == finding.limit
    )
