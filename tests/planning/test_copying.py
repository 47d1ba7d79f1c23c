"""Planning by copy: calls, a day, a week or a production at other dates, once, as drafts, with what they need."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient

from tests.counting import statements
from tests.helpers import SignedUpCompany, member, problem
from tests.planning.stage import PARIS, SOON, Stage, company_info

BREAK = {"starts_at": "2031-03-03T11:00:00+01:00", "ends_at": "2031-03-03T11:20:00+01:00", "paid": True}


async def copied(stage: Stage, **body: Any) -> dict[str, Any]:
    answer = await stage.post("/planning/copies", body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def read(stage: Stage, call_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await stage.get(f"/calls/{call_id}")).json()
    return found


async def all_calls(stage: Stage) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await stage.get("/calls", limit=200)).json()["items"]
    return items


async def test_a_week_is_copied_with_breaks_positions_and_people_as_drafts(stage: Stage) -> None:
    production = await stage.production()
    skill = await stage.create("/skills", code="pont", label="Pont roulant")
    monday = await stage.call(production, breaks=[BREAK], unplaced_break_minutes=10, on_tour=True)
    friday = await stage.call(production, SOON + timedelta(days=4))
    await stage.call(production, SOON + timedelta(days=7))
    position = await stage.create(
        f"/calls/{monday['id']}/positions", job="comedien", headcount=2, required_skills=[skill["code"]]
    )
    person, other = await stage.person(), await stage.person()
    held = await stage.confirmed(monday, person)
    released = await stage.assignment(friday, other)
    await stage.act(released, "offer", expires_at="2031-02-01T10:00:00+01:00")
    await stage.act(released, "release")
    made = await copied(stage, source={"week": "2031-03-05"}, to="2031-03-20", people="draft")
    assert (made["days"], made["positions"], made["assignments"]) == (14, 1, 1)
    assert [each["copied_from"] for each in made["calls"]] == [monday["id"], friday["id"]]
    first = await read(stage, made["calls"][0]["call_id"])
    assert (first["status"], first["starts_at"], first["on_tour"]) == ("draft", "2031-03-17T09:00:00Z", True)
    assert first["breaks"] == [{"starts_at": "2031-03-17T10:00:00Z", "ends_at": "2031-03-17T10:20:00Z", "paid": True}]
    assert (first["unplaced_break_minutes"], first["ref"]) == (10, None)
    (new_position,) = (await stage.get(f"/calls/{first['id']}/positions")).json()["items"]
    assert (new_position["headcount"], new_position["required_skills"]) == (2, ["pont"])
    (draft,) = (await stage.get("/assignments", call_id=first["id"])).json()["items"]
    assert (draft["status"], draft["person_id"], draft["position_id"]) == ("draft", person["id"], new_position["id"])
    assert draft["id"] != held["id"]
    assert position["id"] != new_position["id"]


async def test_without_people_positions_come_alone_and_cancelled_calls_stay_behind(stage: Stage) -> None:
    production = await stage.production()
    call, gone = await stage.call(production), await stage.call(production, SOON + timedelta(hours=5))
    await stage.patch(f"/calls/{gone['id']}", {"status": "cancelled", "cancel_reason": "Grève"})
    await stage.create(f"/calls/{call['id']}/positions", job="comedien")
    await stage.assignment(call, await stage.person())
    made = await copied(stage, source={"day": "2031-03-03"}, to="2031-03-04")
    assert (len(made["calls"]), made["positions"], made["assignments"]) == (1, 1, 0)
    problem(await stage.post("/planning/copies", {"source": {"call_ids": [gone["id"]]}, "to": "2031-03-04"}), 409)


async def test_a_production_is_copied_from_its_first_day_on_over_the_end_of_a_year(stage: Stage) -> None:
    production, other = await stage.production(), await stage.production("L'Avare")
    for days in (0, 5, 40):
        await stage.call(production, SOON + timedelta(days=days))
    await stage.call(other, SOON)
    made = await copied(stage, source={"production_id": production["id"]}, to="2031-12-20")
    assert [each["starts_at"][:10] for each in made["calls"]] == ["2031-12-20", "2031-12-25", "2032-01-29"]


async def test_wall_times_are_kept_over_both_clock_changes_and_the_skipped_hour_is_marked(stage: Stage) -> None:
    production = await stage.production()
    evening = await stage.call(production, datetime(2027, 3, 23, 20, tzinfo=PARIS))
    night = await stage.call(production, datetime(2027, 3, 21, 2, 30, tzinfo=PARIS))
    spring = await copied(stage, source={"call_ids": [night["id"], evening["id"]]}, to="2027-03-28")
    shown = [(each["starts_at"], each["clock_change"]) for each in spring["calls"]]
    assert shown == [("2027-03-28T01:30:00Z", True), ("2027-03-30T18:00:00Z", False)]
    autumn = await copied(stage, source={"call_ids": [evening["id"]]}, to="2027-11-02")
    assert autumn["calls"][0]["starts_at"] == "2027-11-02T19:00:00Z"


async def test_clocks_are_those_of_the_venue(stage: Stage) -> None:
    production = await stage.production()
    venue = await stage.create("/venues", name="Lyceum", timezone="America/New_York")
    # Between 14 and 28 March 2027 New York has changed its clocks, and Paris has not.
    call = await stage.call(production, datetime(2027, 3, 10, 20, tzinfo=PARIS), venue_id=venue["id"])
    made = await copied(stage, source={"call_ids": [call["id"]]}, to="2027-03-17")
    assert (call["starts_at"], made["calls"][0]["starts_at"]) == ("2027-03-10T19:00:00Z", "2027-03-17T18:00:00Z")


async def test_the_same_week_copied_twice_is_refused_unless_it_is_meant(stage: Stage) -> None:
    production = await stage.production()
    call = await stage.call(production)
    body = {"source": {"week": "2031-03-03"}, "to": "2031-03-10"}
    made = await copied(stage, **body)
    refused = problem(await stage.post("/planning/copies", body), 409, "already_copied")
    assert refused["conflicts"] == [
        {
            "copied_from": call["id"], "call_id": made["calls"][0]["call_id"], "title": "Répétition",
            "starts_at": "2031-03-10T09:00:00Z", "ends_at": "2031-03-10T12:00:00Z",
        }
    ]  # fmt: skip
    assert len(await all_calls(stage)) == 2
    assert (await copied(stage, **body, again=True))["calls"][0]["call_id"] != made["calls"][0]["call_id"]
    await copied(stage, source={"week": "2031-03-03"}, to="2031-03-17")
    assert len(await all_calls(stage)) == 4


async def test_the_same_key_replays_the_first_copy(stage: Stage) -> None:
    await stage.call(await stage.production())
    body = {"source": {"day": "2031-03-03"}, "to": "2031-03-04"}
    answers = [await stage.post("/planning/copies", body, **{"Idempotency-Key": "semaine-11"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert len(await all_calls(stage)) == 2


async def test_of_two_copies_at_once_one_is_made(stage: Stage) -> None:
    await stage.call(await stage.production())
    body = {"source": {"week": "2031-03-03"}, "to": "2031-03-10"}
    answers = await asyncio.gather(*(stage.post("/planning/copies", body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len(await all_calls(stage)) == 2


async def test_a_dry_run_says_what_would_be_made_and_makes_nothing(stage: Stage) -> None:
    await stage.call(await stage.production())
    body = {"source": {"day": "2031-03-03"}, "to": "2031-03-04"}
    trial = await copied(stage, **body, dry_run=True)
    assert (trial["dry_run"], trial["calls"][0]["call_id"]) == (True, None)
    assert len(await all_calls(stage)) == 1
    made = await copied(stage, **body)
    assert made["calls"][0]["starts_at"] == trial["calls"][0]["starts_at"]


async def test_thirty_calls_take_as_many_statements_as_one(stage: Stage) -> None:
    production = await stage.production()
    person = await stage.person()
    for number in range(30):
        call = await stage.call(production, SOON + timedelta(days=number))
        await stage.create(f"/calls/{call['id']}/positions", job="comedien")
        await stage.assignment(call, person)
    taken = []
    for source in ({"day": "2031-03-03"}, {"production_id": production["id"]}):
        with statements() as sent:
            made = await copied(stage, source=source, to="2031-06-02", people="draft", again=True)
        taken.append((len(made["calls"]), made["assignments"], len(sent)))
    # A production is looked up in one more.
    assert [(calls, people) for calls, people, _ in taken] == [(1, 1), (31, 31)]
    assert taken[1][2] <= taken[0][2] + 1


async def test_the_history_says_from_which_call(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    made = await copied(stage, source={"call_ids": [call["id"]]}, to="2031-03-04")
    events = (await stage.get("/audit-events", limit=200)).json()["items"]
    told = [event["after"]["copied_from"] for event in events if event["subject_id"] == made["calls"][0]["call_id"]]
    assert told == [call["id"]]


NOBODY = "0197a3c2-5b1e-7c3a-9d2f-1a2b3c4d5e6f"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"source": {}, "to": "2031-03-04"},
        {"source": {"day": "2031-03-03", "week": "2031-03-03"}, "to": "2031-03-04"},
        {"source": {"first_day": "2031-03-03"}, "to": "2031-03-04"},
        {"source": {"call_ids": []}, "to": "2031-03-04"},
        {"source": {"call_ids": [NOBODY]}, "to": "2031-03-04"},
        {"source": {"call_ids": [NOBODY] * 401}, "to": "2031-03-04"},
        {"source": {"production_id": NOBODY}, "to": "2031-03-04"},
        {"source": {"day": "2031-12-31"}, "to": "2031-03-04"},
        {"source": {"day": "2031-03-03"}, "to": "demain"},
        {"source": {"day": "2031-03-03"}, "to": "1900-01-01"},
        {"source": {"day": "2031-03-03"}, "to": "2031-03-04", "people": "confirmed"},
        {"source": {"first_day": "0001-01-01", "last_day": "9999-12-31"}, "to": "2031-03-04"},
    ],
)
async def test_what_cannot_be_copied_is_refused_in_a_sentence(stage: Stage, body: dict[str, Any]) -> None:
    await stage.call(await stage.production())
    problem(await stage.post("/planning/copies", body), 422)
    assert len(await all_calls(stage)) == 1


async def test_a_viewer_copies_nothing(client: AsyncClient, company: SignedUpCompany) -> None:
    viewer = await member(client, company, "viewer")
    body = {"source": {"day": "2031-03-03"}, "to": "2031-03-04"}
    problem(await client.post("/api/v1/planning/copies", json=body, headers=viewer), 403, "not_allowed")


async def shift(stage: Stage, **body: Any) -> Any:
    return await stage.post("/planning/shifts", body)


async def test_a_block_of_dates_moves_with_its_confirmed_people(stage: Stage, other_stage: Stage) -> None:
    production = await stage.production()
    person = await stage.person()
    calls = [await stage.call(production, SOON + timedelta(days=days), breaks=[]) for days in (0, 1, 30)]
    for call in calls:
        await stage.confirmed(call, person)
    moved = (await shift(stage, source={"first_day": "2031-03-03", "last_day": "2031-03-04"}, days=1)).json()["calls"]
    # The first one moves to where the second one was: they move together.
    assert [each["starts_at"] for each in moved] == ["2031-03-04T09:00:00Z", "2031-03-05T09:00:00Z"]
    assert [(await read(stage, each["id"]))["version"] for each in calls] == [2, 2, 1]
    draft = await stage.assignment(await stage.call(production, SOON + timedelta(days=2)), person)
    problem(await stage.act(draft, "confirm"), 409, "overlap")


async def test_a_block_that_meets_a_booking_does_not_move_at_all(stage: Stage) -> None:
    production = await stage.production()
    person = await stage.person()
    calls = [await stage.call(production, SOON + timedelta(days=days)) for days in (0, 1, 3)]
    for call in calls:
        await stage.confirmed(call, person)
    answer = await shift(stage, source={"call_ids": [calls[0]["id"], calls[1]["id"]]}, days=2)
    assert [each["call_id"] for each in problem(answer, 409, "overlap")["conflicts"]] == [calls[2]["id"]]
    assert [(await read(stage, each["id"]))["starts_at"] for each in calls] == [each["starts_at"] for each in calls]


async def test_published_calls_pass_the_gate_together(stage: Stage) -> None:
    production = await stage.production()
    person = await stage.person()
    evening = await stage.call(production, SOON + timedelta(hours=10), 3)
    morning = await stage.call(production, SOON + timedelta(days=1, hours=1), 3)
    for call in (evening, morning):
        await stage.confirmed(call, person)
        assert (await stage.post(f"/calls/{call['id']}/publish")).status_code == 200
    source = {"call_ids": [evening["id"]]}
    refused = problem(await shift(stage, source=source, minutes=150), 409, "ground_required")
    assert refused["findings"]
    assert (await read(stage, evening["id"]))["starts_at"] == evening["starts_at"]
    both = await shift(stage, source={"call_ids": [evening["id"], morning["id"]]}, minutes=150)
    assert both.status_code == 200, both.text
    assert (await read(stage, evening["id"]))["unpublished_changes"] is True


@pytest.mark.parametrize(
    "distance",
    [{}, {"days": 0}, {"days": 1, "minutes": 1}, {"minutes": 1441}, {"days": 3661}, {"days": "1"},
     {"days": 0, "minutes": 5}],
)  # fmt: skip
async def test_a_distance_that_is_none_is_refused_in_a_sentence(stage: Stage, distance: dict[str, Any]) -> None:
    await stage.call(await stage.production())
    problem(await shift(stage, source={"day": "2031-03-03"}, **distance), 422)


async def test_thirty_calls_move_in_as_many_statements_as_one(stage: Stage) -> None:
    production = await stage.production()
    person = await stage.person()
    for number in range(30):
        await stage.confirmed(await stage.call(production, SOON + timedelta(days=number), 2), person)
    taken = []
    for source in ({"day": "2031-03-03", "production_id": production["id"]}, {"production_id": production["id"]}):
        with statements() as sent:
            answer = await shift(stage, source=source, minutes=-30)
        assert answer.status_code == 200, answer.text
        taken.append(len(sent))
    assert taken[1] <= taken[0] + 1


async def test_a_company_before_the_tables_is_asked_to_wait(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.call(await stage.production())
    monkeypatch.setattr("backend.identity.expansion.WITHOUT_TEMPLATES", frozenset({(await _revision(stage))}))
    answer = await stage.post("/planning/copies", {"source": {"day": "2031-03-03"}, "to": "2031-03-04"})
    problem(answer, 503, "tenant_outdated")
    assert (await stage.get("/call-templates")).json()["items"] == []


async def _revision(stage: Stage) -> str | None:
    app = stage.client._transport.app  # type: ignore[attr-defined]  # the test's own transport holds it
    return (await company_info(app.state.database, stage.company)).revision


async def test_days_and_minutes_together_are_refused_in_a_sentence_that_says_so(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    both = {"source": {"call_ids": [call["id"]]}, "days": 1, "minutes": 30}
    assert "pas les deux" in problem(await stage.post("/planning/shifts", both), 422)["errors"][0]["msg"]


async def test_a_week_is_not_copied_onto_itself_and_swapped_days_are_named(stage: Stage) -> None:
    await stage.call(await stage.production())
    for to in ("2031-03-03", "2031-03-08"):
        body = {"source": {"week": "2031-03-05"}, "to": to}
        assert problem(await stage.post("/planning/copies", body), 422)["errors"][0]["loc"] == ["body", "to"]
    assert len(await all_calls(stage)) == 1
    swapped = {"source": {"first_day": "2031-03-09", "last_day": "2031-03-03"}, "to": "2031-04-01"}
    assert (
        "Le dernier jour vient avant le premier"
        in problem(await stage.post("/planning/copies", swapped), 422)["detail"]
    )
    await copied(stage, source={"week": "2031-03-05"}, to="2031-03-05", again=True)
    assert len(await all_calls(stage)) == 2
