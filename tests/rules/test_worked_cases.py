"""Every worked case of `cases/`, in words that a lawyer can review: what is found, and what is not."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from backend.rules.days import days_of
from backend.rules.finding import Finding
from backend.rules.timeline import lay_out
from tests.rules.reading import PARIS, Case, cases

CASES = list(cases())


def facts(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "window_start": finding.starts_at,
        "measured": finding.measured,
        "limit": finding.limit,
        "unit": finding.unit.value,
        "details": finding.details,
    }


def expected(told: dict[str, Any]) -> dict[str, Any]:
    start = told.get("window_start")
    return told | ({"window_start": datetime.fromisoformat(start).astimezone(UTC)} if start else {})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.told["id"])
def test_a_worked_case_is_found_as_it_is_written(case: Case) -> None:
    found = [facts(finding) for finding in case.findings()]
    for wanted in map(expected, case.told["expected"]):
        same_rule = [fact for fact in found if fact["rule"] == wanted["rule"]]
        assert any(wanted.items() <= fact.items() for fact in same_rule), (wanted, same_rule)
    assert [fact for fact in found if fact["rule"] in case.told["silent"]] == []
    only = case.told.get("only", [])
    assert sum(fact["rule"] in only for fact in found) == (len(case.told["expected"]) if only else 0)


@pytest.mark.parametrize("case", [c for c in CASES if "worked_minutes" in c.told], ids=lambda case: case.told["id"])
def test_the_minutes_of_work_are_real_ones(case: Case) -> None:
    timeline = lay_out(case.work.segments, days_of(PARIS))
    assert sum(timeline.by_day.values()) == case.told["worked_minutes"]


def test_the_night_between_two_weeks_counts_in_both() -> None:
    case = next(case for case in CASES if case.told["id"] == "TC-WEEK-1")
    timeline = lay_out(case.work.segments, days_of(PARIS))
    found = {date.fromordinal(week).isoformat(): minutes for week, minutes in timeline.by_week.items()}
    assert found == case.told["worked_by_week"]


def test_all_the_cases_are_here() -> None:
    assert len(CASES) > 50
    assert len({case.told["id"] for case in CASES}) == len(CASES)
