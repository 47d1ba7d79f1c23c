"""Calls, their positions and their publications, through the API."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient

from tests.counting import statements
from tests.helpers import SignedUpCompany, member, problem, sign_up
from tests.planning.stage import SOON, Stage

HOUR = timedelta(hours=1)


def times(starts_at: str, ends_at: str) -> dict[str, str]:
    return {"starts_at": starts_at, "ends_at": ends_at}


async def test_a_call_is_created_as_a_draft_and_read_back_the_same(stage: Stage) -> None:
    production = await stage.production()
    pause = times("2031-03-03T11:00:00+01:00", "2031-03-03T11:30:00+01:00")
    call = await stage.call(production, breaks=[pause], unplaced_break_minutes=15, on_tour=True)
    assert (call["status"], call["published_version"], call["version"]) == ("draft", 0, 1)
    assert call["starts_at"] == "2031-03-03T09:00:00Z"
    assert call["breaks"] == [times("2031-03-03T10:00:00Z", "2031-03-03T10:30:00Z") | {"paid": False}]
    answer = await stage.get(f"/calls/{call['id']}")
    assert answer.json() == call
    assert answer.headers["etag"] == '"1"'


@pytest.mark.parametrize(
    ("wrong", "loc", "code"),
    [
        (times("2031-03-03T10:00:00+01:00", "2031-03-03T09:00:00+01:00"), ["body", "ends_at"], "ends_before_start"),
        (times("2031-03-03T22:00:00+01:00", "2031-03-03T02:00:00+01:00"), ["body", "ends_at"], "ends_before_start"),
        (times("2031-03-03T10:00:00+01:00", "2031-03-04T22:00:01+01:00"), ["body", "ends_at"], "too_long"),
        (times("2027-03-28T02:30:00+01:00", "2027-03-28T08:00:00+02:00"), ["body", "starts_at"], "wall_time_missing"),
        (times("2031-03-03T10:00:00", "2031-03-03T11:00:00+01:00"), ["body", "starts_at"], None),
        (times("2031-03-03T10:00:00+01:00", "2031-03-03T11:00:00+01:00") | {"unplaced_break_minutes": 60},
         ["body", "unplaced_break_minutes"], "break_too_long"),
        ({"breaks": [times("2031-03-03T08:00:00+01:00", "2031-03-03T09:00:00+01:00")]}, ["body", "breaks", 0],
         "break_outside"),
        ({"production_id": str(uuid4())}, ["body", "production_id"], "unknown"),
        ({"venue_id": str(uuid4())}, ["body", "venue_id"], "unknown"),
        ({"kind": "party"}, ["body", "kind"], None),
        ({"title": "a\u0000b"}, ["body", "title"], None),
        ({"status": "published"}, ["body", "status"], None),
        ({"unplaced_break_minutes": "15"}, ["body", "unplaced_break_minutes"], None),
    ],
)  # fmt: skip
async def test_a_malformed_call_is_refused_with_its_field(
    stage: Stage, wrong: dict[str, Any], loc: list[Any], code: str | None
) -> None:
    production = await stage.production()
    body = {"production_id": production["id"], "kind": "rehearsal", "title": "Répétition",
            **times("2031-03-03T10:00:00+01:00", "2031-03-03T13:00:00+01:00"), **wrong}  # fmt: skip
    errors = problem(await stage.post("/calls", body), 422)["errors"]
    assert errors[0]["loc"] == loc
    assert code is None or errors[0]["code"] == code
    assert (await stage.get("/calls")).json()["items"] == []


async def test_the_venues_zone_decides_which_wall_times_exist(stage: Stage) -> None:
    production = await stage.production()
    venue = await stage.create("/venues", name="Salle", city="New York", timezone="America/New_York")
    skipped = times("2031-03-09T02:30:00-05:00", "2031-03-09T08:00:00-04:00")
    body = {"production_id": production["id"], "kind": "performance", "title": "Représentation", **skipped}
    problem(await stage.post("/calls", body | {"venue_id": venue["id"]}), 422)
    assert (await stage.post("/calls", body)).status_code == 201


async def test_a_call_outside_the_companys_city_is_on_tour_unless_told_otherwise(client: AsyncClient) -> None:
    stage = Stage(client, await sign_up(client))
    company = await stage.get("/company")
    changed = await client.patch(
        "/api/v1/company", json={"city": "Nantes"},
        headers=stage.company.headers | {"If-Match": company.headers["etag"]},
    )  # fmt: skip
    assert changed.status_code == 200, changed.text
    production = await stage.production()
    home = await stage.create("/venues", name="Chez nous", city="nantes ")
    away = await stage.create("/venues", name="Ailleurs", city="Lyon")
    nowhere = await stage.create("/venues", name="Sans ville")
    assert [(await stage.call(production, venue_id=venue["id"]))["on_tour"] for venue in (home, away, nowhere)] == [
        False,
        True,
        False,
    ]
    assert (await stage.call(production))["on_tour"] is False
    told = await stage.call(production, venue_id=away["id"], on_tour=False)
    assert told["on_tour"] is False
    at_home = await stage.call(production, venue_id=home["id"])
    moved = await stage.patch(f"/calls/{at_home['id']}", {"venue_id": away["id"]})
    assert moved.json()["on_tour"] is True


async def test_calls_are_listed_by_start_with_their_filters(stage: Stage) -> None:
    production, other = await stage.production(), await stage.production("Autre")
    calls = [await stage.call(production, SOON + n * 24 * HOUR) for n in (2, 0, 1)]
    await stage.call(other, SOON, kind="performance")
    by_start = [calls[1]["id"], calls[2]["id"], calls[0]["id"]]
    mine = {"production_id": production["id"]}
    assert [c["id"] for c in (await stage.get("/calls", **mine)).json()["items"]] == by_start
    day = await stage.get("/calls", **mine, **{"from": "2031-03-04", "to": "2031-03-04"})
    assert [c["id"] for c in day.json()["items"]] == by_start[1:2]
    first = (await stage.get("/calls", **mine, limit=2)).json()
    rest = (await stage.get("/calls", **mine, limit=2, cursor=first["next_cursor"])).json()
    assert [c["id"] for c in first["items"] + rest["items"]] == by_start
    assert len((await stage.get("/calls", kind="performance")).json()["items"]) == 1
    assert (await stage.get("/calls", status="published")).json()["items"] == []
    for wrong in ({"from": "hier"}, {"kind": "party"}, {"limit": 10_000}, {"cursor": "!!"}):
        problem(await stage.get("/calls", **wrong), 422)


async def test_a_change_needs_the_version_that_was_read(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    changed = await stage.patch(f"/calls/{call['id']}", {"title": "Italienne", "kind": "line_run"}, if_match='"1"')
    assert (changed.json()["title"], changed.headers["etag"]) == ("Italienne", '"2"')
    problem(await stage.patch(f"/calls/{call['id']}", {"title": "Trop tard"}, if_match='"1"'), 412, "stale_etag")
    unconditional = await stage.client.patch(
        f"/api/v1/calls/{call['id']}", json={"title": "x"}, headers=stage.company.headers
    )
    problem(unconditional, 428)
    problem(await stage.patch(f"/calls/{call['id']}", {"title": None}), 422)
    problem(await stage.patch(f"/calls/{uuid4()}", {"title": "x"}), 404, "not_found")


async def test_a_break_that_does_not_say_who_pays_it_is_unpaid_in_a_change_too(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    changed = await stage.patch(
        f"/calls/{call['id']}", {"breaks": [times("2031-03-03T10:00:00Z", "2031-03-03T10:30:00Z")]}
    )
    assert changed.status_code == 200, changed.text
    assert [pause["paid"] for pause in changed.json()["breaks"]] == [False]


async def test_breaks_must_follow_a_call_that_moves(stage: Stage) -> None:
    pause = times("2031-03-03T11:00:00+01:00", "2031-03-03T11:30:00+01:00")
    call = await stage.call(await stage.production(), breaks=[pause])
    later = times("2031-03-04T10:00:00+01:00", "2031-03-04T13:00:00+01:00")
    problem(await stage.patch(f"/calls/{call['id']}", later), 422)
    assert (await stage.patch(f"/calls/{call['id']}", later | {"breaks": []})).status_code == 200


async def test_cancelling_a_call_cancels_confirms_releases_options_and_drops_drafts(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    confirmed = await stage.confirmed(call, await stage.person())
    option = await stage.assignment(call, await stage.person())
    await stage.act(option, "offer", expires_at=(SOON - HOUR).isoformat())
    draft = await stage.assignment(call, await stage.person())
    await stage.post(f"/calls/{call['id']}/publish")

    answer = await stage.patch(f"/calls/{call['id']}", {"status": "cancelled", "cancel_reason": "Grève"})

    cancelled = answer.json()
    assert (cancelled["status"], cancelled["cancel_reason"]) == ("cancelled", "Grève")
    assert cancelled["published_version"] == 2
    kept = await stage.read(confirmed)
    assert (kept["status"], kept["reason"]) == ("cancelled", "Grève")
    assert kept["notice_minutes"] > 60 * 24 * 365
    assert (await stage.read(option))["status"] == "released"
    problem(await stage.get(f"/assignments/{draft['id']}"), 404)
    problem(await stage.patch(f"/calls/{call['id']}", {"title": "x"}), 409, "state_conflict")
    problem(await stage.post(f"/calls/{call['id']}/publish"), 409, "state_conflict")
    problem(await stage.post(f"/calls/{call['id']}/positions", {"job": "comedien"}), 409, "state_conflict")
    person = await stage.person()
    body = {"call_id": call["id"], "person_id": person["id"], "job": "comedien"}
    problem(await stage.post("/assignments", body), 409, "state_conflict")


@pytest.mark.parametrize(
    "body",
    [{"status": "published"}, {"status": "draft"}, {"status": "cancelled", "title": "x"}, {"cancel_reason": "x"}],
)
async def test_a_patch_changes_no_other_status(stage: Stage, body: dict[str, str]) -> None:
    call = await stage.call(await stage.production())
    problem(await stage.patch(f"/calls/{call['id']}", body), 422)


async def test_cancelling_takes_the_same_statements_for_one_person_and_for_three(stage: Stage) -> None:
    counts = []
    for people in (1, 3):
        call = await stage.call(await stage.production(), SOON + people * 24 * HOUR)
        for _ in range(people):
            await stage.confirmed(call, await stage.person())
        with statements() as sent:
            assert (await stage.patch(f"/calls/{call['id']}", {"status": "cancelled"})).status_code == 200
        counts.append(len(sent))
    assert counts[0] == counts[1]


async def test_only_a_draft_that_nobody_knows_of_is_deleted(stage: Stage) -> None:
    production = await stage.production()
    call = await stage.call(production)
    draft = await stage.assignment(call, await stage.person())
    assert (await stage.delete(f"/calls/{call['id']}")).status_code == 204
    problem(await stage.get(f"/calls/{call['id']}"), 404, "not_found")
    problem(await stage.get(f"/assignments/{draft['id']}"), 404, "not_found")
    asked = await stage.call(production)
    await stage.confirmed(asked, await stage.person())
    problem(await stage.delete(f"/calls/{asked['id']}"), 409, "in_use")
    told = await stage.call(production)
    await stage.post(f"/calls/{told['id']}/publish")
    problem(await stage.delete(f"/calls/{told['id']}"), 409, "in_use")


async def test_publishing_numbers_the_versions_and_lists_what_changed(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    first = (await stage.post(f"/calls/{call['id']}/publish")).json()
    assert (first["version"], first["changes"]) == (1, [])
    again = await stage.post(f"/calls/{call['id']}/publish")
    assert (again.status_code, again.json()["version"], again.json()["changes"]) == (200, 1, [])
    later = (SOON + 4 * HOUR).isoformat()
    changed = (await stage.patch(f"/calls/{call['id']}", {"ends_at": later})).json()
    assert (changed["status"], changed["unpublished_changes"]) == ("published", True)
    second = (await stage.post(f"/calls/{call['id']}/publish", {})).json()
    assert second["version"] == 2
    assert second["changes"] == [
        {"field": "ends_at", "before": "2031-03-03T12:00:00Z", "after": "2031-03-03T13:00:00Z"}
    ]
    assert (await stage.get(f"/calls/{call['id']}")).json()["unpublished_changes"] is False
    problem(await stage.post(f"/calls/{call['id']}/publish", {"x": 1}), 422)
    problem(await stage.post(f"/calls/{call['id']}/publish", **{"If-Match": '"1"'}), 412)


async def test_a_production_publishes_its_draft_and_changed_calls_at_once(stage: Stage) -> None:
    production = await stage.production()
    unchanged, changed, draft, cancelled = [await stage.call(production, SOON + n * 24 * HOUR) for n in range(4)]
    for call in (unchanged, changed):
        await stage.post(f"/calls/{call['id']}/publish")
    await stage.patch(f"/calls/{changed['id']}", {"title": "Italienne"})
    await stage.patch(f"/calls/{cancelled['id']}", {"status": "cancelled"})
    answer = (await stage.post(f"/productions/{production['id']}/publish")).json()
    assert [(call["call_id"], call["version"]) for call in answer["calls"]] == [(changed["id"], 2), (draft["id"], 1)]
    assert answer["calls"][0]["changes"][0]["field"] == "title"
    assert (await stage.post(f"/productions/{production['id']}/publish")).json()["calls"] == []
    problem(await stage.post(f"/productions/{uuid4()}/publish"), 404, "not_found")


async def test_publishing_a_production_says_what_it_takes_beforehand_and_keeps_to_the_days_given(stage: Stage) -> None:
    production = await stage.production()
    path = f"/productions/{production['id']}/publish"
    past = await stage.call(production, datetime(2020, 3, 2, 10, tzinfo=UTC))
    soon, later = await stage.call(production), await stage.call(production, SOON + timedelta(days=30))
    dry = (await stage.post(f"{path}?dry_run=true")).json()
    assert {name: dry[name] for name in ("dry_run", "number", "first_day", "last_day", "past")} == {
        "dry_run": True, "number": 3, "first_day": "2020-03-02", "last_day": "2031-04-02", "past": 1,
    }  # fmt: skip
    assert [(one["call_id"], one["version"]) for one in dry["calls"]] == [(c["id"], 1) for c in (past, soon, later)]
    assert (await stage.get("/calls", status="published")).json()["items"] == []
    done = (await stage.post(f"{path}?from=2031-03-01&to=2031-03-31")).json()
    assert (done["number"], done["past"], done["first_day"], done["last_day"]) == (1, 0, "2031-03-03", "2031-03-03")
    published = (await stage.get("/calls", status="published")).json()["items"]
    assert [one["id"] for one in published] == [soon["id"]]
    problem(await stage.post(f"{path}?from=2031-03-31&to=2031-03-01"), 422)


async def test_publishing_a_production_takes_the_same_statements_for_one_call_and_for_three(stage: Stage) -> None:
    counts = []
    for calls in (1, 3):
        production = await stage.production()
        for number in range(calls):
            await stage.call(production, SOON + number * HOUR)
        with statements() as sent:
            await stage.post(f"/productions/{production['id']}/publish")
        counts.append(len(sent))
    assert counts[0] == counts[1]


async def test_positions_are_added_changed_and_removed(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    path = f"/calls/{call['id']}/positions"
    position = await stage.create(path, job="comedien", headcount=2)
    problem(await stage.post(path, {"job": "comedien"}), 409, "duplicate")
    problem(await stage.post(path, {"job": "astronaute"}), 422)
    for headcount in (0, -2, 1001, "2", 1.5, True):
        problem(await stage.post(path, {"job": "machiniste", "headcount": headcount}), 422)
    changed = await stage.patch(f"{path}/{position['id']}", {"headcount": 3, "job": "musicien"}, if_match='"1"')
    assert (changed.json()["headcount"], changed.json()["job"], changed.headers["etag"]) == (3, "musicien", '"2"')
    assert (await stage.get(path)).json()["items"] == [changed.json()]
    assert (await stage.get(f"{path}/{position['id']}")).json() == changed.json()
    held = await stage.confirmed(call, await stage.person())
    await stage.patch(f"/assignments/{held['id']}", {"position_id": None})
    assert (await stage.delete(f"{path}/{position['id']}", if_match='"2"')).status_code == 204
    problem(await stage.get(f"{path}/{position['id']}"), 404, "not_found")
    problem(await stage.get(f"/calls/{uuid4()}/positions"), 404, "not_found")


async def test_a_position_on_which_somebody_stands_stays_and_one_left_goes(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    path = f"/calls/{call['id']}/positions"
    position = await stage.create(path, job="comedien", headcount=1)
    held = await stage.confirmed(call, await stage.person())
    assert held["position_id"] == position["id"]
    problem(await stage.delete(f"{path}/{position['id']}"), 409, "in_use")
    problem(await stage.patch(f"{path}/{position['id']}", {"job": "musicien"}), 409, "in_use")
    await stage.act(held, "cancel", reason="Date reportée")
    assert (await stage.delete(f"{path}/{position['id']}")).status_code == 204
    assert (await stage.read(held))["position_id"] is None


async def test_a_headcount_is_not_lowered_below_those_confirmed(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    path = f"/calls/{call['id']}/positions"
    position = await stage.create(path, job="comedien", headcount=3)
    held = [await stage.confirmed(call, await stage.person()) for _ in range(2)]
    refused = problem(await stage.patch(f"{path}/{position['id']}", {"headcount": 1}), 409, "headcount_too_low")
    assert refused["detail"].startswith(
        "2 personnes sont confirmées sur ce poste : annulez d'abord l'affectation de l'une d'entre elles"
    )
    assert (await stage.get(f"{path}/{position['id']}")).json()["headcount"] == 3
    assert (await stage.patch(f"{path}/{position['id']}", {"headcount": 2})).status_code == 200
    await stage.act(held[0], "cancel", reason="Date reportée")
    assert (await stage.patch(f"{path}/{position['id']}", {"headcount": 1})).status_code == 200
    unwanted = await stage.call(await stage.production(), SOON + timedelta(days=7))
    for _ in range(2):
        await stage.confirmed(unwanted, await stage.person())
    problem(await stage.post(f"/calls/{unwanted['id']}/positions", {"job": "comedien"}), 409, "headcount_too_low")


@pytest.mark.postgresql
async def test_a_headcount_lowered_while_somebody_is_confirmed_is_never_exceeded(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    position = await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=2)
    made = [await stage.assignment(call, await stage.person()) for _ in range(2)]
    lower = stage.patch(f"/calls/{call['id']}/positions/{position['id']}", {"headcount": 1})
    answers = await asyncio.gather(stage.act(made[0], "confirm"), lower, stage.act(made[1], "confirm"))
    assert {answer.status_code for answer in answers} <= {200, 409}, [answer.text for answer in answers]
    (kept,) = (await stage.get(f"/calls/{call['id']}/positions")).json()["items"]
    assert (await stage.get(f"/calls/{call['id']}")).json()["confirmed"] <= kept["headcount"]


async def test_every_act_on_a_call_is_in_the_audit_trail(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    await stage.patch(f"/calls/{call['id']}", {"title": "Italienne"})
    await stage.post(f"/calls/{call['id']}/publish")
    await stage.patch(f"/calls/{call['id']}", {"status": "cancelled", "cancel_reason": "Grève"})
    events = [e for e in (await stage.get("/audit-events")).json()["items"] if e["subject_id"] == call["id"]]
    assert sorted(event["what"] for event in events) == [
        "call.cancelled", "call.changed", "call.created", "call.published", "call.published",
    ]  # fmt: skip
    changed = next(event for event in events if event["what"] == "call.changed")
    assert (changed["before"], changed["after"]) == ({"title": "Répétition"}, {"title": "Italienne"})


@pytest.mark.parametrize("role", ["viewer", "payroll", "intermittent"])
async def test_only_planners_plan(client: AsyncClient, company: SignedUpCompany, stage: Stage, role: str) -> None:
    call = await stage.call(await stage.production())
    headers = await member(client, company, role)
    for path in (f"/calls/{call['id']}/publish", "/calls", "/assignments"):
        problem(await client.post(f"/api/v1{path}", json={}, headers=headers), 403, "not_allowed")
    reading = await client.get(f"/api/v1/calls/{call['id']}", headers=headers)
    assert reading.status_code == (403 if role == "intermittent" else 200)
