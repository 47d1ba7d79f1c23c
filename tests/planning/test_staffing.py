"""How far a call is staffed: three numbers and a colour, the same in every answer that shows the call."""

from datetime import timedelta
from typing import Any

from backend.tenancy.session import Database
from tests.counting import statements
from tests.planning.stage import SOON, Stage
from tests.planning.test_assignments import expire

HOUR = timedelta(hours=1)
EXPIRY = (SOON - HOUR).isoformat()
NAMES = ("to_fill", "offered", "confirmed", "colour")


async def staffed(stage: Stage, call: dict[str, Any]) -> tuple[Any, ...]:
    """Return the four values, which `/planning`, `/calls` and `/calls/{id}` must tell alike."""
    one = (await stage.get(f"/calls/{call['id']}")).json()
    of_list = next(each for each in (await stage.get("/calls")).json()["items"] if each["id"] == call["id"])
    period = {"from": "2031-03-03", "to": "2031-03-04"}
    planned = (await stage.get("/planning", **period)).json()["calls"]
    of_planning = next(each for each in planned if each["id"] == call["id"])
    told = {tuple(each[name] for name in NAMES) for each in (one, of_list, of_planning)}
    assert len(told) == 1
    return told.pop()


async def test_a_call_goes_from_red_over_amber_to_green(stage: Stage, database: Database) -> None:
    call = await stage.call(await stage.production())
    assert tuple(call[name] for name in NAMES) == (0, 0, 0, "red")
    assert await staffed(stage, call) == (0, 0, 0, "red")
    position = await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=2)
    await stage.create(f"/calls/{call['id']}/positions", job="musicien", headcount=1)
    assert await staffed(stage, call) == (3, 0, 0, "red")
    made = [await stage.assignment(call, await stage.person()) for _ in range(3)]
    assert await staffed(stage, call) == (3, 0, 0, "red")
    for one in made:
        await stage.act(one, "offer", expires_at=EXPIRY)
    assert await staffed(stage, call) == (3, 3, 0, "red")  # three are asked for two places, nobody for the third
    musician = await stage.assignment(call, await stage.person(job="musicien"), job="musicien")
    await stage.act(musician, "offer", expires_at=EXPIRY)
    assert await staffed(stage, call) == (3, 4, 0, "amber")
    await stage.act(musician, "accept", on_behalf="phone")
    await stage.act(made[0], "confirm")
    await stage.act(made[1], "confirm")
    assert await staffed(stage, call) == (1, 2, 2, "amber")
    await stage.act(musician, "confirm")
    assert await staffed(stage, call) == (0, 1, 3, "green")
    await stage.act(musician, "cancel", reason="Malade")
    assert await staffed(stage, call) == (1, 1, 2, "red")
    again = await stage.assignment(call, await stage.person(job="musicien"), job="musicien")
    await stage.act(again, "offer", expires_at=EXPIRY)
    assert await staffed(stage, call) == (1, 2, 2, "amber")
    await expire(database, stage, again)  # right before any task has run
    assert await staffed(stage, call) == (1, 1, 2, "red")
    changed = await stage.patch(f"/calls/{call['id']}/positions/{position['id']}", {"headcount": 3})
    assert changed.status_code == 200, changed.text
    assert await staffed(stage, call) == (2, 1, 2, "red")
    renamed = (await stage.patch(f"/calls/{call['id']}", {"title": "Filage"})).json()
    assert tuple(renamed[name] for name in NAMES) == (2, 1, 2, "red")


async def test_a_call_without_positions_is_red_until_somebody_stands_on_it(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    one, other = [await stage.assignment(call, await stage.person()) for _ in range(2)]
    assert await staffed(stage, call) == (0, 0, 0, "red")
    await stage.act(one, "confirm")
    assert await staffed(stage, call) == (0, 0, 1, "green")
    await stage.act(other, "offer", expires_at=EXPIRY)
    assert await staffed(stage, call) == (0, 1, 1, "amber")


async def test_a_call_from_a_template_is_answered_with_its_own_figures(stage: Stage) -> None:
    template = await stage.create(
        "/call-templates", kind="performance", title="Représentation", duration_minutes=120,
        positions=[{"job": "comedien", "headcount": 3}],
    )  # fmt: skip
    production = await stage.production()
    starts_at = SOON.isoformat()
    call = await stage.create("/calls", template_id=template["id"], production_id=production["id"], starts_at=starts_at)
    assert tuple(call[name] for name in NAMES) == (3, 0, 0, "red")
    assert (await stage.get(f"/calls/{call['id']}")).json() == call


async def test_people_of_a_job_that_nobody_asked_for_fill_no_place(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    await stage.create(f"/calls/{call['id']}/positions", job="musicien", headcount=1)
    await stage.confirmed(call, await stage.person())
    assert await staffed(stage, call) == (1, 0, 1, "red")


async def test_the_filters_of_the_planning_narrow_the_people_and_not_the_figures(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=1)
    await stage.confirmed(call, await stage.person())
    person = await stage.person(job="musicien")
    await stage.assignment(call, person, job="musicien")
    period = {"from": "2031-03-03", "to": "2031-03-04", "person_id": person["id"]}
    planned = (await stage.get("/planning", **period)).json()
    assert [one["person_id"] for one in planned["assignments"]] == [person["id"]]
    assert tuple(planned["calls"][0][name] for name in NAMES) == (0, 0, 1, "green")


async def test_the_figures_cost_no_statement(stage: Stage) -> None:
    production = await stage.production()

    async def sent() -> list[int]:
        found = []
        for path, params in (("/calls", {}), ("/planning", {"from": "2031-03-03", "to": "2031-03-09"})):
            with statements() as seen:
                assert (await stage.get(path, **params)).status_code == 200
            found.append(len([one for one in seen if "position" in one and "headcount" in one]))
        return found

    for number in range(3):
        call = await stage.call(production, SOON + number * 24 * HOUR)
        await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=2)
        await stage.confirmed(call, await stage.person())
    assert max(await sent()) <= 2  # the calls' own statement; on SQLite, one for each part of the planning
