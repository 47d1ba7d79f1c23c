"""The planning of a period in one answer."""

from datetime import timedelta
from uuid import uuid4

import pytest
from httpx import AsyncClient

from backend.planning.finding_schemas import PlanningOut
from tests.counting import statements
from tests.helpers import SignedUpCompany, member, problem
from tests.planning.stage import SOON, Stage

HOUR = timedelta(hours=1)
WEEK = {"from": "2031-03-03", "to": "2031-03-09"}


async def test_a_week_holds_its_calls_and_all_that_they_name(stage: Stage) -> None:
    production = await stage.production("Été")
    venue = await stage.create("/venues", name="Grande salle", city="Nantes")
    pause = {"starts_at": (SOON + HOUR).isoformat(), "ends_at": (SOON + 1.5 * HOUR).isoformat(), "paid": True}
    call = await stage.call(production, venue_id=venue["id"], breaks=[pause])
    await stage.call(production, SOON + 24 * 7 * HOUR)
    position = await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=2)
    person = await stage.person("Geneviève")
    held = await stage.confirmed(call, person)
    option = await stage.assignment(call, await stage.person("Ambre"))
    option = (await stage.act(option, "offer", expires_at=(SOON - HOUR).isoformat())).json()
    call = (await stage.get(f"/calls/{call['id']}")).json()

    answer = await stage.get("/planning", **WEEK)

    found = answer.json()
    PlanningOut.model_validate_json(answer.content)
    assert (found["from"], found["to"]) == ("2031-03-02T23:00:00Z", "2031-03-09T23:00:00Z")
    assert found["calls"] == [{name: call[name] for name in found["calls"][0]}]
    assert found["calls"][0]["breaks"] == call["breaks"]
    assert found["positions"] == [{name: position[name] for name in found["positions"][0]}]
    assert found["assignments"] == [{name: each[name] for name in found["assignments"][0]} for each in (held, option)]
    assert {p["id"]: p["name"] for p in found["people"]}[person["id"]] == f"Geneviève {person['last_name']}"
    assert found["productions"] == [{"id": production["id"], "title": "Été"}]
    assert found["venues"] == [{name: venue[name] for name in ("id", "name", "city", "timezone")}]


async def test_an_empty_period_is_empty_lists(stage: Stage) -> None:
    found = (await stage.get("/planning", **WEEK)).json()
    assert [value for value in found.values() if isinstance(value, list)] == [[]] * 8


async def test_three_calls_take_as_many_statements_as_one(stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    counts = []
    for calls in ((0,), (1, 2)):
        for number in calls:
            await stage.confirmed(await stage.call(production, SOON + number * 24 * HOUR), person)
        with statements() as sent:
            answer = await stage.get("/planning", **WEEK)
        counts.append((len(answer.json()["calls"]), len(sent)))
    assert [calls for calls, _ in counts] == [1, 3]
    assert counts[0][1] == counts[1][1]


async def test_a_call_over_the_edge_of_the_period_is_in_it(stage: Stage) -> None:
    call = await stage.call(await stage.production(), SOON - 30 * HOUR, hours=36)
    assert [c["id"] for c in (await stage.get("/planning", **WEEK)).json()["calls"]] == [call["id"]]


async def test_filters_narrow_the_calls_and_who_is_on_them(stage: Stage) -> None:
    production, other = await stage.production(), await stage.production("Autre")
    venue = await stage.create("/venues", name="Salle")
    first, second = await stage.call(production, venue_id=venue["id"]), await stage.call(other)
    actor, stagehand = await stage.person(), await stage.person(job="machiniste")
    await stage.create(f"/calls/{second['id']}/positions", job="machiniste")
    on_first = await stage.assignment(first, actor)
    on_second = await stage.assignment(second, stagehand, job="machiniste")
    both = await stage.assignment(second, actor)
    for filters, calls, assignments in (
        ({"production_id": production["id"]}, [first], [on_first]),
        ({"venue_id": venue["id"]}, [first], [on_first]),
        ({"person_id": stagehand["id"]}, [second], [on_second]),
        ({"person_id": actor["id"]}, [first, second], [on_first, both]),
        ({"department": "stage"}, [second], [on_second]),
        ({"department": "artistic"}, [first, second], [on_first, both]),
        ({"production_id": str(uuid4())}, [], []),
    ):
        found = (await stage.get("/planning", **WEEK, **filters)).json()
        assert sorted(c["id"] for c in found["calls"]) == sorted(c["id"] for c in calls), filters
        assert sorted(a["id"] for a in found["assignments"]) == sorted(a["id"] for a in assignments), filters
    assert len((await stage.get("/planning", **WEEK, department="stage")).json()["positions"]) == 1
    assert (await stage.get("/planning", **WEEK, department="artistic")).json()["positions"] == []


async def test_an_unchanged_planning_is_304_and_a_changed_one_is_not(stage: Stage) -> None:
    production = await stage.production()
    first = await stage.get("/planning", **WEEK)
    headers = stage.company.headers | {"If-None-Match": first.headers["etag"]}
    unchanged = await stage.client.get("/api/v1/planning", params=WEEK, headers=headers)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    await stage.call(production)
    changed = await stage.client.get("/api/v1/planning", params=WEEK, headers=headers)
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize(
    "period", [{}, {"from": "2031-03-03"}, {"from": "2031-03-03", "to": "2031-03-01"}, {"from": "x", "to": "y"},
               {"from": "2031-01-01", "to": "2031-12-31"}],
)  # fmt: skip
async def test_a_period_that_is_missing_wrong_or_too_long_is_refused(stage: Stage, period: dict[str, str]) -> None:
    problem(await stage.get("/planning", **period), 422)


async def test_another_company_has_a_planning_of_its_own(stage: Stage, other_stage: Stage) -> None:
    await other_stage.confirmed(
        await other_stage.call(await other_stage.production(), title="CANARI"), await other_stage.person()
    )
    assert (await other_stage.get("/planning", **WEEK)).json()["calls"]
    answer = await stage.get("/planning", **WEEK)
    assert answer.json()["calls"] == []
    assert b"CANARI" not in answer.content


async def test_an_intermittent_does_not_read_it(client: AsyncClient, company: SignedUpCompany) -> None:
    headers = await member(client, company, "intermittent")
    problem(await client.get("/api/v1/planning", params=WEEK, headers=headers), 403, "not_allowed")
