"""Conflicts where one plans: skills, permits, trips and stages in every answer, and in the gate."""

from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient

from backend.identity import expansion
from backend.planning.finding_schemas import PlanningOut
from backend.planning.findings import find
from backend.tenancy.session import Database
from tests.counting import statements
from tests.helpers import SignedUpCompany, member, problem
from tests.imports.acts import acting
from tests.planning.stage import SOON, Stage

WEEK = {"from": "2031-03-03", "to": "2031-03-09"}
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ELECTRICAL = "electrical_habilitation"
REASON = {"override_reason": "L'habilitation est renouvelée, le document arrive demain."}
NANTES, LORIENT = {"latitude": 47.2184, "longitude": -1.5536}, {"latitude": 47.7486, "longitude": -3.3664}
CONFLICTS = ("SKILL-", "PERMIT-", "TRAVEL-", "VENUE-")
Found = list[dict[str, Any]]


def conflicts(items: Found) -> Found:
    return [f for f in items if f["rule"].startswith(CONFLICTS)]


async def planned(stage: Stage, **params: str) -> Found:
    answer = await stage.get("/planning", **{**WEEK, **params})
    assert answer.status_code == 200, answer.text
    PlanningOut.model_validate_json(answer.content)
    return conflicts(answer.json()["findings"])


async def listed(stage: Stage, path: str) -> Found:
    answer = await stage.get(f"{path}/findings")
    assert answer.status_code == 200, answer.text
    return conflicts(answer.json()["items"])


async def requiring(stage: Stage, call: dict[str, Any], **required: list[str]) -> dict[str, Any]:
    return await stage.create(f"/calls/{call['id']}/positions", job="electricien", **required)


async def expired(stage: Stage) -> tuple[dict[str, Any], dict[str, Any]]:
    """A draft of somebody whose electrical habilitation expires the day before the call that asks for it."""
    call, person = await stage.call(await stage.production()), await stage.person(job="electricien")
    await requiring(stage, call, required_permits=[ELECTRICAL])
    dates = {"issued_on": "2028-03-03", "expires_on": "2031-03-02"}
    await stage.create(f"/people/{person['id']}/permits", kind=ELECTRICAL, **dates)
    return await stage.assignment(call, person, "electricien"), person


async def tour(stage: Stage, hours: float = 5) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Somebody in Nantes until 13:00 and in Lorient `hours` after their day began at 10:00."""
    production, person = await stage.production(), await stage.person()
    here = await stage.create("/venues", name="Cabestan", **NANTES)
    there = await stage.create("/venues", name="La Criée", **LORIENT)
    calls = [
        await stage.call(production, venue_id=here["id"]),
        await stage.call(production, SOON + hours * HOUR, venue_id=there["id"]),
    ]
    for call in calls:
        await stage.confirmed(call, person)
    return person, calls


async def clash(stage: Stage) -> list[dict[str, Any]]:
    """Two productions at one venue, two hours of them together; nobody is called yet."""
    venue = await stage.create("/venues", name="Grande salle")
    return [
        await stage.call(await stage.production(title), SOON + at * HOUR, venue_id=venue["id"])
        for title, at in (("La Mouette", 0), ("Le Songe", 1))
    ]


async def test_what_a_position_asks_for_beside_its_job_is_stored_shown_and_kept_in_the_history(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    await stage.create("/skills", code="rigging", label="accroche")
    position = await requiring(stage, call, required_skills=["rigging"], required_permits=["ssiap", "rope_access"])
    assert (position["required_skills"], position["required_permits"]) == (["rigging"], ["rope_access", "ssiap"])
    path = f"/calls/{call['id']}/positions"
    assert (await stage.get(path)).json()["items"] == [position]
    changed = await stage.patch(f"{path}/{position['id']}", {"required_permits": []}, '"1"')
    assert (changed.json()["required_permits"], changed.json()["version"]) == ([], 2)
    assert changed.json()["required_skills"] == ["rigging"]
    same = await stage.patch(f"{path}/{position['id']}", {"required_skills": ["rigging"]}, '"2"')
    assert same.json()["version"] == 2
    for wrong in ({"required_skills": ["juggling"]}, {"required_permits": ["driving"]}, {"required_skills": None}):
        problem(await stage.patch(f"{path}/{position['id']}", wrong), 422, "invalid")
    assert (await stage.delete(f"{path}/{position['id']}")).status_code == 204
    assert PlanningOut.model_validate_json((await stage.get("/planning", **WEEK)).content).positions == []


async def test_an_expired_permit_stops_the_confirmation_until_an_owner_overrides_it(stage: Stage) -> None:
    draft, person = await expired(stage)
    (finding,) = await planned(stage)
    assert (finding["rule"], finding["severity"], finding["if_confirmed"]) == ("PERMIT-EXPIRED", "HARD", True)
    refused = problem(await stage.act(draft, "confirm"), 409, "skill_missing")
    assert [(f["rule"], f["measured_minutes"], f["unit"]) for f in refused["findings"]] == [
        ("PERMIT-EXPIRED", 1, "days")
    ]
    assert refused["findings"][0]["cures"][0]["action"] == "release"
    planner = await member(stage.client, stage.company, "planner")
    path = f"/api/v1/assignments/{draft['id']}/confirm"
    problem(await stage.client.post(path, json=REASON, headers=planner), 403, "not_allowed")
    ground = {"rule": "PERMIT-EXPIRED", "ground": "agreement", "document": "Accord"}
    problem(await stage.act(draft, "confirm", grounds=[ground]), 422, "invalid")
    assert (await stage.act(draft, "confirm", **REASON)).status_code == 200
    (event,) = (await stage.get("/audit-events", what="finding.overridden")).json()["items"]
    assert (event["after"]["rule"], event["after"]["scope"]) == ("PERMIT-EXPIRED", ELECTRICAL)
    assert event["after"]["reason"] == REASON["override_reason"]
    assert (await stage.post(f"/calls/{draft['call_id']}/publish")).status_code == 200
    assert [f["rule"] for f in await listed(stage, f"/people/{person['id']}")] == ["PERMIT-EXPIRED"]


async def test_publishing_asks_again_once_a_permit_that_was_let_pass_has_gone(stage: Stage) -> None:
    draft, person = await expired(stage)
    renewed = {"kind": ELECTRICAL, "issued_on": "2031-03-01", "expires_on": "2034-02-28"}
    permit = await stage.create(f"/people/{person['id']}/permits", **renewed)
    assert (await stage.act(draft, "confirm")).status_code == 200
    assert (await stage.delete(f"/people/{person['id']}/permits/{permit['id']}")).status_code == 204
    path = f"/calls/{draft['call_id']}/publish"
    problem(await stage.post(path), 409, "skill_missing")
    assert (await stage.post(path, REASON)).status_code == 200


async def test_what_the_law_forbids_too_is_refused_in_the_law_s_name(stage: Stage) -> None:
    call, person = await stage.call(await stage.production(), hours=7), await stage.person(job="electricien")
    await requiring(stage, call, required_permits=[ELECTRICAL])
    draft = await stage.assignment(call, person, "electricien")
    refused = problem(await stage.act(draft, "confirm"), 409, "override_required")
    assert {f["rule"] for f in refused["findings"]} == {"WT-BREAK-20", "PERMIT-MISSING"}


async def test_what_a_job_asks_for_is_asked_on_every_call_and_a_position_adds_to_it(stage: Stage) -> None:
    job = next(j for j in (await stage.get("/jobs")).json()["items"] if j["code"] == "electricien")
    assert (await stage.patch(f"/jobs/{job['id']}", {"required_permits": [ELECTRICAL]})).status_code == 200
    await stage.create("/skills", code="rigging", label="accroche")
    production, person = await stage.production(), await stage.person(job="electricien")
    calls = [await stage.call(production, SOON + day * DAY) for day in range(2)]
    await requiring(stage, calls[1], required_skills=["rigging"])
    for call in calls:
        await stage.assignment(call, person, "electricien")
    await stage.assignment(calls[0], await stage.person(), "comedien")
    found = await listed(stage, f"/productions/{production['id']}")
    assert [(f["rule"], f["call_ids"]) for f in found] == [
        ("PERMIT-MISSING", [calls[0]["id"]]),
        ("PERMIT-MISSING", [calls[1]["id"]]),
        ("SKILL-MISSING", [calls[1]["id"]]),
    ]
    assert "accroche" in found[2]["sentence"]
    path = f"/api/v1/people/{person['id']}/skills"
    await stage.client.put(path, json={"skills": ["rigging"]}, headers=stage.company.headers)
    await stage.create(f"/people/{person['id']}/permits", kind=ELECTRICAL, issued_on="2030-01-01")
    assert await listed(stage, f"/people/{person['id']}") == []


async def test_a_trip_that_takes_longer_than_the_time_for_it_warns_and_lets_pass(stage: Stage) -> None:
    person, calls = await tour(stage)
    (finding,) = await planned(stage)
    assert (finding["rule"], finding["severity"], finding["person_id"]) == ("TRAVEL-TIME", "WARN", person["id"])
    assert (finding["measured_minutes"], finding["limit_minutes"]) == (120, 164)
    assert finding["call_ids"] == [call["id"] for call in calls]
    for path in (f"/people/{person['id']}", f"/productions/{calls[0]['production_id']}"):
        assert [f["rule"] for f in await listed(stage, path)] == ["TRAVEL-TIME"]


async def test_minutes_by_hand_and_the_company_s_speed_change_what_is_found(stage: Stage) -> None:
    _, calls = await tour(stage)
    assert (await stage.patch("/company/travel", {"speed_kmh": 120, "margin_minutes": 0})).status_code == 200
    assert await planned(stage) == []
    here, there = (call["venue_id"] for call in calls)
    path = f"/api/v1/venues/{there}/travel/{here}"
    await stage.client.put(path, json={"minutes": 121}, headers=stage.company.headers)
    assert [(f["measured_minutes"], f["limit_minutes"]) for f in await planned(stage)] == [(120, 121)]


async def test_a_venue_without_coordinates_gives_a_note_and_no_finding(stage: Stage) -> None:
    person, calls = await tour(stage)
    off = {"latitude": None, "longitude": None}
    assert (await stage.patch(f"/venues/{calls[1]['venue_id']}", off)).status_code == 200
    assert await planned(stage) == []
    notes = (await stage.get(f"/people/{person['id']}/findings")).json()["notes"]
    (note,) = [note for note in notes if note["code"] == "travel_unknown"]
    assert "La Criée" in note["sentence"]
    assert "Cabestan" not in note["sentence"]


async def test_two_productions_on_one_stage_are_seen_before_anybody_is_called(stage: Stage) -> None:
    calls = await clash(stage)
    (finding,) = await planned(stage)
    assert (finding["rule"], finding["severity"], finding["person_id"]) == ("VENUE-CLASH", "WARN", None)
    assert (finding["measured_minutes"], finding["assignment_ids"]) == (120, [])
    assert finding["call_ids"] == [call["id"] for call in calls]
    for call in calls:
        assert [f["rule"] for f in await listed(stage, f"/productions/{call['production_id']}")] == ["VENUE-CLASH"]
        assert len(await planned(stage, production_id=call["production_id"])) == 1
    assert len(await planned(stage, venue_id=calls[0]["venue_id"])) == 1
    assert await planned(stage, production_id=(await stage.production())["id"]) == []
    assert await planned(stage, **{"from": "2031-03-04"}) == []
    person, other = await stage.person(), await stage.person()
    await stage.confirmed(calls[0], person)
    assert [f["rule"] for f in await listed(stage, f"/people/{person['id']}")] == ["VENUE-CLASH"]
    assert await listed(stage, f"/people/{other['id']}") == []
    assert (await stage.post(f"/calls/{calls[0]['id']}/publish")).status_code == 200
    cancelled = {"status": "cancelled", "cancel_reason": "Relâche"}
    assert (await stage.patch(f"/calls/{calls[1]['id']}", cancelled)).status_code == 200
    assert await planned(stage) == []


async def test_a_dry_run_tells_which_conflicts_come_and_go(stage: Stage) -> None:
    first, second = await clash(stage)
    person = await stage.person(job="electricien")
    await requiring(stage, second, required_permits=[ELECTRICAL])
    wanted = {"call_id": second["id"], "person_id": person["id"], "job": "electricien"}
    later = {
        "call_id": second["id"],
        "starts_at": (SOON + 3 * HOUR).isoformat(),
        "ends_at": (SOON + 5 * HOUR).isoformat(),
    }
    answer = await stage.post("/planning/check", {"assignments": [wanted], "calls": [later]})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert [f["rule"] for f in conflicts(found["appeared"])] == ["PERMIT-MISSING"]
    assert [(f["rule"], f["person_id"]) for f in found["gone"]] == [("VENUE-CLASH", None)]
    await stage.create(f"/people/{person['id']}/permits", kind=ELECTRICAL, issued_on="2030-01-01")
    sooner = {
        "call_id": first["id"],
        "starts_at": (SOON + 1 * HOUR).isoformat(),
        "ends_at": (SOON + 4 * HOUR).isoformat(),
    }
    found = (await stage.post("/planning/check", {"assignments": [wanted], "calls": [sooner]})).json()
    assert conflicts(found["appeared"]) == found["gone"] == []
    assert [(f["rule"], f["measured_minutes"]) for f in found["changed"]] == [("VENUE-CLASH", 180)]


async def test_each_cure_of_a_clash_and_of_a_trip_makes_it_go(stage: Stage) -> None:
    await clash(stage)
    await tour(stage)
    for finding in await planned(stage):
        for cure in finding["cures"]:
            name = {"end_earlier": "ends_at", "start_later": "starts_at"}.get(cure["action"])
            change: dict[str, Any] = {"released": [cure["assignment_id"]]}
            if name is not None:
                change = {"calls": [{"call_id": cure["call_id"], name: cure["at"][0]}]}
            gone = (await stage.post("/planning/check", change)).json()["gone"]
            assert (finding["rule"], finding["window_start"]) in {(f["rule"], f["window_start"]) for f in gone}, cure


async def test_a_viewer_reads_trips_and_stages_and_nothing_of_a_person_s_file(
    stage: Stage, client: AsyncClient, company: SignedUpCompany
) -> None:
    draft, _ = await expired(stage)
    await clash(stage)
    headers = await member(client, company, "viewer")
    read = await client.get("/api/v1/planning", params=WEEK, headers=headers)
    assert [f["rule"] for f in conflicts(read.json()["findings"])] == ["VENUE-CLASH"]
    call = (await stage.get(f"/calls/{draft['call_id']}")).json()
    path = f"/api/v1/productions/{call['production_id']}/findings"
    assert conflicts((await client.get(path, headers=headers)).json()["items"]) == []


async def test_nine_calls_with_every_conflict_take_as_many_statements_as_one(stage: Stage) -> None:
    person = await stage.person(job="electricien")
    venues = [await stage.create("/venues", name=name, **NANTES) for name in ("A", "B")]
    productions = [await stage.production() for _ in range(2)]
    counts: list[list[int]] = []
    for days in ((0,), range(1, 5)):
        for day in days:
            for number, production in enumerate(productions):
                at = SOON + day * DAY + number * HOUR / 2
                call = await stage.call(production, at, hours=1, venue_id=venues[number * day % 2]["id"])
                await requiring(stage, call, required_permits=[ELECTRICAL])
                await stage.assignment(call, person, "electricien")
        counts.append([])
        paths = ("/planning", f"/people/{person['id']}/findings", f"/productions/{productions[0]['id']}/findings")
        for path in paths:
            with statements() as sent:
                answer = await stage.get(path, **WEEK)
            assert answer.status_code == 200, answer.text
            counts[-1].append(len(sent))
    assert counts[0] == counts[1]
    assert {f["rule"] for f in await planned(stage)} >= {"PERMIT-MISSING", "VENUE-CLASH"}


async def test_the_command_and_the_import_s_counts_hold_them_too(
    stage: Stage, database: Database, company: SignedUpCompany
) -> None:
    await expired(stage)
    await clash(stage)
    async with acting(database, company) as act:
        report = await find(act)
    assert [f.rule for f in report.findings if f.rule.startswith(CONFLICTS)] == ["PERMIT-EXPIRED", "VENUE-CLASH"]
    assert [f.severity.rank for f in report.findings] == sorted(f.severity.rank for f in report.findings)


async def test_a_company_without_the_tables_yet_asks_for_nothing_and_knows_no_place(
    stage: Stage, database: Database, company: SignedUpCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, person = await expired(stage)
    venue = await stage.create("/venues", name="Cabestan", **NANTES)
    async with acting(database, company) as act:
        monkeypatch.setattr(expansion, "WITHOUT_CONFLICTS", frozenset({act.company.revision}))
    assert await planned(stage) == []
    assert (await stage.get("/venues")).json()["items"][0]["latitude"] is None
    assert (await stage.get("/skills")).json()["items"] == []
    assert (await stage.get(f"/people/{person['id']}/permits")).json()["items"] == []
    assert (await stage.get("/company/travel")).json()["version"] == 0
    assert (await stage.patch(f"/venues/{venue['id']}", {"name": "Studio"})).status_code == 200
    assert (await stage.act(draft, "confirm")).status_code == 200
    for refused in (
        await stage.post("/skills", {"code": "rigging", "label": "accroche"}),
        await stage.post("/venues", {"name": "Criée"} | LORIENT),
        await stage.patch("/company/travel", {"speed_kmh": 50}),
        await stage.post(f"/people/{person['id']}/permits", {"kind": ELECTRICAL, "issued_on": "2030-01-01"}),
        await stage.post(f"/calls/{draft['call_id']}/positions", {"job": "comedien", "required_permits": ["ssiap"]}),
    ):
        assert problem(refused, 503, "tenant_outdated")["detail"]
