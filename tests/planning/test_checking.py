"""`POST /planning/check`: what a change would do, told before anything is stored."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient

from backend.tenancy.session import Database
from tests.counting import statements
from tests.helpers import SignedUpCompany, member, problem
from tests.imports.acts import snapshot
from tests.planning.stage import SOON, Stage, same_person

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


async def check(stage: Stage, **body: Any) -> dict[str, Any]:
    answer = await stage.post("/planning/check", body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rules(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(f["severity"], f["rule"]) for f in found]


def wanted(call: dict[str, Any], person: dict[str, Any], job: str = "comedien") -> dict[str, str]:
    return {"call_id": call["id"], "person_id": person["id"], "job": job}


async def test_a_person_put_on_a_call_shows_what_would_appear_and_nothing_is_stored(
    stage: Stage, database: Database, company: SignedUpCompany
) -> None:
    production, person = await stage.production(), await stage.person()
    evening = await stage.call(production, SOON + 10.5 * HOUR, hours=4)
    await stage.confirmed(evening, person)
    morning = await stage.call(production, SOON + 23 * HOUR)
    before = await snapshot(database, company)
    found = await check(stage, assignments=[wanted(morning, person)])
    assert rules(found["appeared"]) == [("HARD", "WT-REST-11"), ("WARN", "WT-REST-COMP")]
    assert found["appeared"][0]["call_ids"] == [evening["id"], morning["id"]]
    assert len(found["appeared"][0]["assignment_ids"]) == 1
    assert (found["gone"], found["changed"], found["refusals"]) == ([], [], [])
    assert await snapshot(database, company) == before


async def test_a_draft_that_would_be_confirmed_is_not_doubled(stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    call = await stage.call(production, hours=7)
    draft = await stage.assignment(call, person)
    found = await check(stage, assignments=[wanted(call, person), wanted(call, person)])
    assert [(f["rule"], f["assignment_ids"], f["if_confirmed"]) for f in found["appeared"]] == [
        ("WT-BREAK-20", [draft["id"]], False)
    ]
    assert [(f["rule"], f["if_confirmed"]) for f in found["gone"]] == [("WT-BREAK-20", True)]
    assert found["refusals"] == []


async def test_each_cure_of_a_finding_makes_it_go(stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    await stage.confirmed(await stage.call(production, SOON + 10.5 * HOUR, hours=4), person)
    await stage.confirmed(await stage.call(production, SOON + 23 * HOUR, hours=7), person)
    findings = (await stage.get(f"/people/{person['id']}/findings", severity="HARD")).json()["items"]
    assert {f["rule"] for f in findings} == {"WT-REST-11", "WT-BREAK-20"}
    tried = set()
    for finding in findings:
        for cure in finding["cures"]:
            found = await check(stage, **_change_of(cure))
            assert (finding["rule"], finding["window_start"]) in {(f["rule"], f["window_start"]) for f in found["gone"]}
            tried.add(cure["action"])
    assert tried >= {"end_earlier", "start_later", "insert_break"}


def _change_of(cure: dict[str, Any]) -> dict[str, Any]:
    if cure["action"] == "release":
        return {"released": [cure["assignment_id"]]}
    if cure["action"] == "insert_break":
        starts = [datetime.fromisoformat(at) for at in cure["at"]]
        breaks = [
            {"starts_at": at.isoformat(), "ends_at": (at + timedelta(minutes=20)).isoformat(), "paid": False}
            for at in starts
        ]
        return {"calls": [{"call_id": cure["call_id"], "breaks": breaks}]}
    name = "starts_at" if cure["action"] == "start_later" else "ends_at"
    return {"calls": [{"call_id": cure["call_id"], name: cure["at"][0]}]}


async def test_a_release_makes_the_finding_go(stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    held = await stage.confirmed(await stage.call(production, hours=7), person)
    found = await check(stage, released=[held["id"]])
    assert rules(found["gone"]) == [("HARD", "WT-BREAK-20")]
    assert found["appeared"] == []


async def test_a_moved_call_says_what_comes_goes_and_changes(stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    await stage.confirmed(await stage.call(production, SOON + 10.5 * HOUR, hours=4), person)
    morning = await stage.call(production, SOON + 23 * HOUR)
    await stage.confirmed(morning, person)
    starts, ends = SOON + 23.5 * HOUR, SOON + 26 * HOUR
    move = {"call_id": morning["id"], "starts_at": starts.isoformat(), "ends_at": ends.isoformat()}
    found = await check(stage, calls=[move])
    # From 8 h 30 to 9 h: no longer forbidden, still short, so it is the same finding with another measure.
    assert [(f["rule"], f["severity"], f["measured_minutes"]) for f in found["changed"]] == [
        ("WT-REST-11", "DEROG", 540),
        ("WT-REST-COMP", "WARN", 120),
    ]
    assert (await stage.get(f"/calls/{morning['id']}")).json()["starts_at"] == morning["starts_at"]


async def test_our_own_overlap_is_named_and_somebody_else_s_is_not(
    stage: Stage, other_stage: Stage, database: Database, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    production, person = await stage.production(), await stage.person()
    held = await stage.confirmed(await stage.call(production), person)
    again, later = await stage.call(production, SOON + HOUR), await stage.call(production, SOON + 2 * DAY)
    there = await other_stage.person()
    await same_person(database, (company, person), (other_company, there))
    await other_stage.confirmed(
        await other_stage.call(await other_stage.production(), SOON + 2 * DAY, title="CANARI"), there
    )
    found = await check(stage, assignments=[wanted(again, person), wanted(later, person)])
    assert [(r["code"], r["call_id"]) for r in found["refusals"]] == [
        ("overlap", again["id"]),
        ("person_not_available", later["id"]),
    ]
    own, elsewhere = (r["conflicts"] for r in found["refusals"])
    assert [(c["assignment_id"], c["call_id"]) for c in own] == [(held["id"], held["call_id"])]
    assert elsewhere == []
    assert "CANARI" not in str(found)
    confirmed = await stage.act(await stage.assignment(later, person), "confirm")
    problem(confirmed, 409, "person_not_available")


async def test_a_call_that_moves_onto_another_one_would_be_refused(stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    held = await stage.confirmed(await stage.call(production), person)
    later = await stage.call(production, SOON + 5 * HOUR)
    await stage.confirmed(later, person)
    starts = SOON + 2 * HOUR
    move = {"call_id": later["id"], "starts_at": starts.isoformat()}
    found = await check(stage, calls=[move])
    assert [(r["code"], r["call_id"], r["conflicts"][0]["assignment_id"]) for r in found["refusals"]] == [
        ("overlap", later["id"], held["id"])
    ]


async def test_six_changes_take_as_many_statements_as_one(stage: Stage) -> None:
    production = await stage.production()
    people = [await stage.person() for _ in range(6)]
    calls = [await stage.call(production, SOON + day * DAY) for day in range(6)]
    counts = []
    for number in (1, 6):
        with statements() as sent:
            await check(stage, assignments=[wanted(c, p) for c, p in zip(calls[:number], people, strict=False)])
        counts.append(len(sent))
    assert counts[0] == counts[1]


async def test_what_cannot_be_tried_is_refused_in_a_sentence(stage: Stage, other_stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    call = await stage.call(production)
    theirs = await other_stage.call(await other_stage.production())
    moved = {"call_id": call["id"]}
    for body, code in (
        ({"assignments": [wanted(theirs, person)]}, "unknown"),
        ({"assignments": [wanted(call, await other_stage.person())]}, "unknown"),
        ({"assignments": [wanted(call, person, job="funambule")]}, "unknown"),
        ({"calls": [{"call_id": theirs["id"]}]}, "unknown"),
        ({"released": [str(uuid4())]}, "unknown"),
        ({"calls": [{**moved, "ends_at": SOON.isoformat()}]}, "ends_before_start"),
        ({"calls": [{**moved, "ends_at": (SOON + 40 * HOUR).isoformat()}]}, "too_long"),
        ({"calls": [{**moved, "starts_at": "2031-03-03T10:00:00"}]}, None),
        ({"calls": [{**moved, "starts_at": None}]}, None),
        ({"calls": [{**moved, "breaks": [_pause(SOON - HOUR)]}]}, "break_outside"),
        ({"assignments": [wanted(call, person)] * 51}, None),
        ({"people": []}, None),
    ):
        refused = problem(await stage.post("/planning/check", body), 422, "invalid")
        assert code is None or refused["errors"][0]["code"] == code, body
    cancelled = await stage.patch(f"/calls/{call['id']}", {"status": "cancelled"})
    assert cancelled.status_code == 200, cancelled.text
    problem(await stage.post("/planning/check", {"calls": [moved]}), 409, "state_conflict")
    assert await check(stage) == {"refusals": [], "appeared": [], "gone": [], "changed": []}


def _pause(at: datetime) -> dict[str, Any]:
    return {"starts_at": at.isoformat(), "ends_at": (at + HOUR / 2).isoformat()}


@pytest.mark.parametrize("hours", [30, 36])
async def test_a_call_of_a_day_and_a_half_and_overlapping_ones_are_judged(stage: Stage, hours: int) -> None:
    production, person = await stage.production(), await stage.person()
    calls = [await stage.call(production, hours=hours), await stage.call(production, SOON + HOUR)]
    found = await check(stage, assignments=[wanted(call, person) for call in calls])
    assert ("HARD", "WT-DAY-10") in rules(found["appeared"])
    assert [r["code"] for r in found["refusals"]] == ["overlap"]
    assert found["refusals"][0]["conflicts"][0]["assignment_id"] is None


async def test_a_viewer_tries_nothing(stage: Stage, client: AsyncClient, company: SignedUpCompany) -> None:
    headers = await member(client, company, "viewer")
    problem(await client.post("/api/v1/planning/check", json={}, headers=headers), 403, "not_allowed")
