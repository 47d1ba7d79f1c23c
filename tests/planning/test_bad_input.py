"""What a planner may get wrong: each is answered in a sentence or judged as it stands, and nothing is lost.

Beside these: malformed calls (`test_calls`), nobody's birth date and an unknown convention (`test_reporting`), a dry
run of a day and a half (`test_checking`), days of the counter (`portal/test_hours`), entries by hand that overlap or
exceed a day (`hours/test_entries`), files of values with a gap or an overlap (`rules/test_engine`, `hours/domain`).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.helpers import problem
from tests.planning.stage import SOON, Stage
from tests.planning.test_gate import REASON

HOUR = timedelta(hours=1)


async def of_person(stage: Stage, person: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    answer = await stage.get(f"/people/{person['id']}/findings", **params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_a_call_that_lasts_no_time_is_refused_when_it_is_made_moved_or_tried(stage: Stage) -> None:
    production = await stage.production()
    call = await stage.call(production)
    nothing = {"starts_at": SOON.isoformat(), "ends_at": SOON.isoformat()}
    body = {"production_id": production["id"], "kind": "rehearsal", "title": "Rien", **nothing}
    tried = {"calls": [{"call_id": call["id"], **nothing}]}
    for answer in (
        await stage.post("/calls", body),
        await stage.patch(f"/calls/{call['id']}", nothing),
        await stage.post("/planning/check", tried),
    ):
        refused = problem(answer, 422, "invalid")
        assert [one["code"] for one in refused["errors"]] == ["ends_before_start"]
    assert (await stage.get(f"/calls/{call['id']}")).json() == call


async def test_thirty_hours_in_a_row_are_drafted_judged_day_by_day_and_confirmed_by_an_override_alone(
    stage: Stage,
) -> None:
    person = await stage.person()
    draft = await stage.assignment(await stage.call(await stage.production(), hours=30), person)
    refused = problem(await stage.act(draft, "confirm"), 409, "override_required")
    days = [(f["measured_minutes"], f["severity"]) for f in refused["findings"] if f["rule"] == "WT-DAY-10"]
    assert days == [(14 * 60, "HARD"), (16 * 60, "HARD")]
    assert (await stage.act(draft, "confirm", **REASON)).status_code == 200
    assert {f["rule"] for f in await of_person(stage, person, severity="HARD")} == {
        "WT-DAY-10", "WT-BREAK-20", "WT-REST-11",
    }  # fmt: skip


async def test_dates_that_overlap_count_once_and_only_one_of_them_is_confirmed(stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    first, second = await stage.call(production, hours=5), await stage.call(production, SOON + 2 * HOUR, hours=5)
    drafts = [await stage.assignment(call, person) for call in (first, second)]
    found = await of_person(stage, person)
    breaks = [(f["rule"], f["measured_minutes"], f["if_confirmed"]) for f in found if f["rule"] == "WT-BREAK-20"]
    assert breaks == [("WT-BREAK-20", 7 * 60, True)]  # five and five hours, three of them shared
    assert (await stage.act(drafts[0], "confirm")).status_code == 200
    assert problem(await stage.act(drafts[1], "confirm", **REASON), 409, "overlap")["conflicts"]


async def test_breaks_that_leave_the_call_or_fill_it_are_refused_and_the_call_stays_as_it_was(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    for start, end in ((-1.0, 1.0), (2.0, 4.0), (5.0, 6.0)):
        pause = {"starts_at": (SOON + start * HOUR).isoformat(), "ends_at": (SOON + end * HOUR).isoformat()}
        refused = problem(await stage.patch(f"/calls/{call['id']}", {"breaks": [pause]}), 422, "invalid")
        assert refused["errors"][0]["code"] == "break_outside"
    problem(await stage.patch(f"/calls/{call['id']}", {"unplaced_break_minutes": 180}), 422, "invalid")
    assert (await stage.get(f"/calls/{call['id']}")).json() == call


@pytest.mark.parametrize("day", [datetime(1970, 1, 5, 8, tzinfo=UTC), datetime(2200, 12, 29, 8, tzinfo=UTC)])
async def test_the_first_and_the_last_days_are_planned_published_moved_and_tried(stage: Stage, day: datetime) -> None:
    """Outside the calendar of the rules a note says what is not judged; nothing fails."""
    call, person = await stage.call(await stage.production(), day, hours=5), await stage.person()
    draft = await stage.assignment(call, person)
    assert (await stage.act(draft, "confirm")).status_code == 200
    assert (await stage.post(f"/calls/{call['id']}/publish")).status_code == 200
    longer = {"ends_at": (day + 5.5 * HOUR).isoformat()}
    tried = await stage.post("/planning/check", {"calls": [{"call_id": call["id"], **longer}]})
    assert tried.status_code == 200, tried.text
    moved = await stage.patch(f"/calls/{call['id']}", longer)
    assert moved.status_code == 200, moved.text
    assert [f for f in await of_person(stage, person) if f["severity"] in {"HARD", "DEROG"}] == []


@pytest.mark.parametrize("day", ["1899-12-31", "2201-01-01", "10000-01-01", "1900-02-29", "hier", ""])
@pytest.mark.parametrize("path", ["/planning/derogations", "/planning/agreements"])
async def test_a_validity_outside_the_calendar_is_refused_at_its_field(stage: Stage, path: str, day: str) -> None:
    body = {"rule": "WT-DAY-10", "document": "Accord", "valid_from": day, "valid_to": "2031-12-31"}
    more = {"ground": "agreement"} if path.endswith("derogations") else {"limit_minutes": 660}
    refused = problem(await stage.post(path, body | more), 422, "invalid")
    assert ["body", "valid_from"] in [one["loc"] for one in refused["errors"]]
    for far in ("1900-01-01", "2100-01-01"):
        made = await stage.post(path, body | more | {"valid_from": far, "valid_to": far})
        assert made.status_code == 201, made.text
