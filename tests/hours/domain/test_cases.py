"""The worked cases, as files that a lawyer reads: every figure that a case names is the figure that is counted."""

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from backend.hours.domain.counting import Count, Person, assess
from backend.hours.domain.values import official
from backend.hours.domain.work import Kind, Standing, Work

CASES = sorted((Path(__file__).parents[1] / "cases").glob("*.json"))


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def minutes(text: str) -> int:
    """Read "82 h 30"."""
    found = re.fullmatch(r"(\d+) h(?: (\d\d))?", text)
    assert found, text
    return int(found[1]) * 60 + int(found[2] or 0)


def read(case: dict[str, Any]) -> list[Work]:
    return [
        Work(
            Kind(work["kind"]), Standing.DECLARED, date.fromisoformat(work["from"]), date.fromisoformat(work["to"]),
            employer=work.get("employer", ""), minutes=minutes(work.get("hours", "0 h")),
            cachets=work.get("cachets", 0),
        )
        for work in case["works"]
    ]  # fmt: skip


def figures(found: Count) -> dict[str, Any]:
    months: Counter[str] = Counter()
    for month in found.months:
        months[f"{month.month:%Y-%m}"] += month.counted
    return {
        "total": found.total, "missing": found.missing, "annexe_8": found.annexe_8, "annexe_10": found.annexe_10,
        "teaching": found.teaching, "training": found.training, "assimilated": found.assimilated,
        "governs": found.governing, "reached": not found.missing, "months": dict(months),
        "window": [found.window.first.isoformat(), found.window.last.isoformat()], "window_days": found.window.days,
    }  # fmt: skip


def expected(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: expected(part) for name, part in value.items()}
    return minutes(value) if isinstance(value, str) and re.match(r"\d+ h", value) else value


def test_there_are_cases() -> None:
    assert len(CASES) >= 17


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_worked_case_is_counted_as_written(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    person = Person(day(case.get("birth_date")), day(case.get("used_until")))
    found = figures(assess(read(case), date.fromisoformat(case["reference_date"]), person, official()).declared)
    assert {name: found[name] for name in case["expected"]} == {k: expected(v) for k, v in case["expected"].items()}
