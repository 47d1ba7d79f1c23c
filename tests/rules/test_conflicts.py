"""Conflicts of a planning: skills, permits, trips and stages, by the company's own requirements and settings."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.rules.checks.stage import check_stages
from backend.rules.engine import Report, check, check_person, moved
from backend.rules.finding import Action, Finding, Severity, Unit
from backend.rules.law import Law
from backend.rules.travel import Travel, distance_km
from backend.rules.work import Permit, PermitKind, Segment, Work
from tests.rules.reading import PARIS

NANTES, LORIENT, BREST = (47.2184, -1.5536), (47.7486, -3.3664), (48.3904, -4.4861)
TRAVEL = Travel(
    60, 15, {"N": NANTES, "L": LORIENT}, {frozenset({"N", "S"}): 20},
    {"N": "Cabestan", "L": "Criée", "S": "Studio", "B": "Goulet"},
)  # fmt: skip
NEEDED = 164  # 148.3 km at 60 km/h, rounded up, and a quarter of an hour
LAW = Law(travel=TRAVEL)
START = datetime(2031, 3, 3, 9, tzinfo=PARIS)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ELECTRICAL = PermitKind.ELECTRICAL_HABILITATION.value


def at(venue: str, start: datetime = START, hours: float = 2, number: int = 1, **facts: Any) -> Segment:
    return Segment(f"call-{number}", f"assignment-{number}", start, start + hours * HOUR, venue=venue, **facts)


def found(segments: Sequence[Segment], rule: str, law: Law = LAW, **work: Any) -> list[Finding]:
    return [f for f in check_person(Work("P", segments, date(1990, 1, 1), **work), law, PARIS) if f.rule == rule]


def judged(*segments: Segment) -> Report:
    return check([Work("P", segments, date(1990, 1, 1))], LAW, PARIS)


def test_a_skill_that_the_person_has_not_is_found_on_each_call_and_one_that_they_have_is_not() -> None:
    calls = [at("N", START + n * 24 * HOUR, number=n, required_skills=("rigging", "welding")) for n in range(2)]
    missing = found(calls, "SKILL-MISSING", skills=frozenset({"welding"}), skill_labels={"rigging": "accroche"})
    assert [(f.severity, f.scope, f.calls, f.measured, f.limit, f.unit) for f in missing] == [
        (Severity.HARD, "rigging", ("call-0",), 0, 1, Unit.SKILLS),
        (Severity.HARD, "rigging", ("call-1",), 0, 1, Unit.SKILLS),
    ]
    assert "« accroche »" in missing[0].sentence.fr
    assert missing[0].override_by == ("owner", "admin")
    assert [cure.action for cure in missing[0].cures] == [Action.RELEASE]
    assert found(calls, "SKILL-MISSING", skills=frozenset({"welding", "rigging"})) == []


@pytest.mark.parametrize(
    ("permits", "rule", "measured"),
    [
        ([], "PERMIT-MISSING", 0),
        ([Permit(PermitKind.SSIAP, date(2020, 1, 1))], "PERMIT-MISSING", 0),
        ([Permit(ELECTRICAL, date(2031, 3, 4), date(2034, 3, 3))], "PERMIT-MISSING", 0),
        ([Permit(ELECTRICAL, date(2028, 3, 3), date(2031, 3, 2))], "PERMIT-EXPIRED", 1),
        ([Permit(ELECTRICAL, date(2025, 1, 1), date(end, 1, 2)) for end in (2028, 2031)], "PERMIT-EXPIRED", 60),
    ],
)
def test_a_permit_that_does_not_hold_on_the_day_is_found(permits: list[Permit], rule: str, measured: int) -> None:
    call = at("N", required_permits=(ELECTRICAL,))
    other = {"PERMIT-MISSING": "PERMIT-EXPIRED", "PERMIT-EXPIRED": "PERMIT-MISSING"}[rule]
    (finding,) = found([call], rule, permits=permits)
    assert (finding.severity, finding.scope, finding.measured) == (Severity.HARD, ELECTRICAL, measured)
    assert finding.sentence.fr.startswith("Habilitation électrique : ")
    assert found([call], other, permits=permits) == []


@pytest.mark.parametrize(
    "permits",
    [
        [Permit(ELECTRICAL, date(2031, 3, 3), date(2031, 3, 3))],
        [Permit(ELECTRICAL, date(2000, 1, 1))],
    ],
)
def test_a_permit_is_valid_on_both_of_its_days(permits: list[Permit]) -> None:
    call = at("N", START.replace(hour=20), 4, required_permits=(ELECTRICAL,))  # until midnight, and not a minute later
    assert found([call], "PERMIT-EXPIRED", permits=permits) == found([call], "PERMIT-MISSING", permits=permits) == []


def test_a_call_over_midnight_needs_a_permit_on_both_days_be_it_by_two_permits() -> None:
    call = at("N", START.replace(hour=23), 3, required_permits=(ELECTRICAL,))
    first, second = Permit(ELECTRICAL, date(2028, 3, 4), date(2031, 3, 3)), Permit(ELECTRICAL, date(2031, 3, 4))
    assert [f.measured for f in found([call], "PERMIT-EXPIRED", permits=[first])] == [1]
    assert found([call], "PERMIT-EXPIRED", permits=[first, second]) == []


def test_two_jobs_on_one_call_are_one_finding_with_both_assignments() -> None:
    one = at("N", required_permits=(ELECTRICAL,))
    (finding,) = found([one, replace(one, assignment="assignment-2")], "PERMIT-MISSING")
    assert finding.assignments == ("assignment-1", "assignment-2")
    assert finding.cures == ()  # taking the person off one of the two would not help


def test_an_option_without_the_permit_is_told_apart() -> None:
    (finding,) = found([at("N", required_permits=(ELECTRICAL,), if_confirmed=True)], "PERMIT-MISSING")
    assert finding.if_confirmed


@pytest.mark.parametrize(("gap", "expected"), [(NEEDED, []), (NEEDED - 1, [NEEDED - 1]), (0, [0])])
def test_too_little_time_between_two_venues_is_a_warning_and_just_enough_is_none(gap: int, expected: list[int]) -> None:
    trip = [at("N"), at("L", START + 2 * HOUR + gap * MINUTE, number=2)]
    late = found(trip, "TRAVEL-TIME")
    assert [(f.measured, f.limit, f.severity) for f in late] == [(gap, NEEDED, Severity.WARN) for gap in expected]
    for finding in late:
        assert finding.calls == ("call-1", "call-2")
        assert "« Cabestan » à « Criée »" in finding.sentence.fr


def test_each_cure_of_a_trip_gives_it_its_time() -> None:
    trip = [at("N", hours=4), at("L", START + 5 * HOUR, 4, number=2)]
    (finding,) = found(trip, "TRAVEL-TIME")
    tried = {}
    for cure in finding.cures:
        old = next(one for one in trip if one.call == cure.call)
        start, end = old.starts_at, old.ends_at
        if cure.action is Action.END_EARLIER:
            end = cure.at[0]
        elif cure.action is Action.START_LATER:
            start = cure.at[0]
        else:
            continue
        after = moved(Work("P", trip), cure.call, start, end)
        tried[cure.action] = found(after.segments, "TRAVEL-TIME")
    assert tried == {Action.END_EARLIER: [], Action.START_LATER: []}


def test_minutes_by_hand_count_in_both_directions_and_without_margin() -> None:
    for first, second in (("N", "S"), ("S", "N")):
        trip = [at(first), at(second, START + 2 * HOUR + 19 * MINUTE, number=2)]
        assert [(f.measured, f.limit) for f in found(trip, "TRAVEL-TIME")] == [(19, 20)]
        assert found([trip[0], replace(trip[1], starts_at=START + 2 * HOUR + 20 * MINUTE)], "TRAVEL-TIME") == []


def test_a_trip_that_people_are_called_for_must_end_where_it_leads_in_time() -> None:
    trip = at("L", START + 2 * HOUR, 3, number=2, kind="travel")
    assert found([at("N"), trip], "TRAVEL-TIME") == []
    (finding,) = found([at("N"), replace(trip, ends_at=START + 4 * HOUR)], "TRAVEL-TIME")
    assert (finding.measured, finding.limit) == (120, NEEDED)
    assert Action.END_LATER in {cure.action for cure in finding.cures}


def test_without_coordinates_nothing_is_found_and_a_note_names_the_venue() -> None:
    report = judged(at("N"), at("B", START + 2 * HOUR, number=2), at("N", START + 9 * HOUR, number=3))
    assert [f for f in report.findings if f.rule == "TRAVEL-TIME"] == []
    (note,) = report.notes
    assert (note.code, note.person) == ("travel_unknown", None)
    assert "Goulet" in note.sentence.fr
    assert "Cabestan" not in note.sentence.fr


def test_a_place_that_nobody_names_ends_what_can_be_said() -> None:
    report = judged(at("N"), at("", START + 2 * HOUR, number=2), at("L", START + 4 * HOUR, number=3))
    assert [f.rule for f in report.findings if f.rule == "TRAVEL-TIME"] == []
    assert report.notes == []


def test_what_overlaps_is_a_double_booking_and_no_trip() -> None:
    trip = [at("N", hours=4), at("L", START + HOUR, number=2, if_confirmed=True)]
    assert found(trip, "TRAVEL-TIME") == []


def test_without_travel_settings_no_trip_is_judged() -> None:
    assert found([at("N"), at("L", START + 2 * HOUR, number=2)], "TRAVEL-TIME", Law()) == []


def test_distances_are_those_of_the_map() -> None:
    assert distance_km(NANTES, NANTES) == 0
    assert distance_km((48.8566, 2.3522), (51.5074, -0.1278)) == pytest.approx(343.6, abs=0.2)  # Paris, London
    assert distance_km((0, 0), (0, 180)) == pytest.approx(20015.1, abs=0.1)
    assert distance_km((0, 179.9), (0, -179.9)) == pytest.approx(22.24, abs=0.01)  # across the date line


places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(places, places)
def test_a_distance_is_the_same_there_and_back_and_never_beyond_half_the_globe(
    one: tuple[float, float], other: tuple[float, float]
) -> None:
    assert distance_km(one, other) == pytest.approx(distance_km(other, one), abs=1e-6)
    assert 0 <= distance_km(one, other) <= 20015.2


def test_two_productions_at_one_venue_at_once_are_one_warning_about_calls_and_nobody() -> None:
    calls = [at("N", production="A", number=1, hours=4), at("N", START + 3 * HOUR, production="B", number=2)]
    (finding,) = check_stages(calls, LAW, PARIS)
    assert (finding.rule, finding.severity, finding.person) == ("VENUE-CLASH", Severity.WARN, "")
    assert (finding.measured, finding.calls, finding.assignments) == (60, ("call-1", "call-2"), ())
    assert (finding.starts_at, finding.ends_at) == (START + 3 * HOUR, START + 4 * HOUR)
    assert "« Cabestan »" in finding.sentence.fr
    assert finding.to_json()["person_ref"] is None
    assert {cure.action for cure in finding.cures} == {Action.END_EARLIER, Action.START_LATER}


@pytest.mark.parametrize(
    "second",
    [
        at("N", START + HOUR, production="A", number=2),  # technicians and artists of one performance
        at("L", START + HOUR, production="B", number=2),
        at("", START + HOUR, production="B", number=2),
        at("N", START + 4 * HOUR, production="B", number=2),  # one leaves as the other comes
        at("N", START + HOUR, production="B", number=2, kind="travel"),
    ],
)
def test_what_shares_no_stage_is_no_clash(second: Segment) -> None:
    assert check_stages([at("N", production="A", hours=4), second], LAW, PARIS) == []


def test_three_productions_at_once_are_three_clashes() -> None:
    calls = [at("N", START + n * HOUR, 6, production=str(n), number=n) for n in range(3)]
    clashes = check_stages(calls, LAW, PARIS)
    assert len({finding.key for finding in clashes}) == 3
