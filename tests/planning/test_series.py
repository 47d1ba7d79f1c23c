"""Templates of calls, calls made from one, and series over clock changes and the end of a year."""

from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient

from tests.counting import statements
from tests.helpers import problem
from tests.planning.stage import Stage

SHOW = {
    "kind": "performance", "title": "Représentation", "duration_minutes": 240, "unplaced_break_minutes": 5,
    "breaks": [{"after_minutes": 110, "minutes": 20, "paid": True}],
    "positions": [{"job": "comedien", "headcount": 6}, {"job": "machiniste", "headcount": 2}],
}  # fmt: skip
PATTERN = {"start": "20:00", "first_day": "2026-12-21", "until": "2027-01-10", "weekdays": ["fr", "tu"]}


async def series(stage: Stage, **fields: Any) -> Any:
    production = fields.pop("production_id", None) or (await stage.production())["id"]
    return await stage.post("/calls/series", {"production_id": production, **fields})


async def made(stage: Stage, **fields: Any) -> dict[str, Any]:
    answer = await series(stage, **fields)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_template_is_kept_changed_and_deleted(stage: Stage) -> None:
    template = await stage.create("/call-templates", **SHOW)
    assert {name: template[name] for name in SHOW} == SHOW
    one = f"/call-templates/{template['id']}"
    assert (await stage.get(one)).json() == template
    assert (await stage.get("/call-templates")).json()["items"] == [template]
    changed = await stage.patch(one, {"positions": [{"job": "regisseur_general"}]}, '"1"')
    assert (changed.json()["version"], changed.json()["positions"]) == (
        2, [{"job": "regisseur_general", "headcount": 1}],
    )  # fmt: skip
    problem(await stage.patch(one, {"title": "x"}, '"1"'), 412, "stale_etag")
    same = await stage.patch(one, {"title": "Représentation"})
    assert same.json()["version"] == 2
    problem(await stage.post("/call-templates", SHOW), 409, "duplicate")
    assert (await stage.delete(one)).status_code == 204
    problem(await stage.get(one), 404, "not_found")


async def test_a_job_that_a_template_needs_follows_its_new_code_and_is_not_deleted(stage: Stage) -> None:
    job = await stage.create("/jobs", code="souffleur", label="Souffleur", department="artistic", annexe="10")
    template = await stage.create("/call-templates", **SHOW | {"positions": [{"job": "souffleur"}]})
    problem(await stage.delete(f"/jobs/{job['id']}"), 409, "in_use")
    await stage.patch(f"/jobs/{job['id']}", {"code": "souffleuse"})
    read = (await stage.get(f"/call-templates/{template['id']}")).json()
    assert read["positions"] == [{"job": "souffleuse", "headcount": 1}]


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration_minutes": 0}, {"duration_minutes": 2161}, {"kind": "fête"}, {"title": ""},
        {"breaks": [{"after_minutes": 230, "minutes": 20}]}, {"unplaced_break_minutes": 240},
        {"breaks": [{"after_minutes": 60, "minutes": 20}, {"after_minutes": 70, "minutes": 20}]},
        {"positions": [{"job": "astronaute"}]}, {"positions": [{"job": "comedien"}, {"job": "comedien"}]},
        {"positions": [{"job": "comedien", "headcount": 0}]}, {"colour": "rouge"},
    ],
)  # fmt: skip
async def test_a_template_that_does_not_hold_together_is_refused_in_a_sentence(
    stage: Stage, wrong: dict[str, Any]
) -> None:
    refused = problem(await stage.post("/call-templates", SHOW | wrong), 422)
    if wrong == {"positions": [{"job": "astronaute"}]}:
        assert refused["errors"][0]["loc"] == ["body", "positions", 0, "job"]
    assert (await stage.get("/call-templates")).json()["items"] == []


async def test_a_call_takes_from_its_template_what_it_does_not_say(stage: Stage) -> None:
    template, production = await stage.create("/call-templates", **SHOW), await stage.production()
    body = {"template_id": template["id"], "production_id": production["id"], "starts_at": "2027-03-27T22:00:00+01:00"}
    call = await stage.create("/calls", **body)
    assert (call["kind"], call["title"], call["unplaced_break_minutes"]) == ("performance", "Représentation", 5)
    assert call["ends_at"] == "2027-03-28T01:00:00Z"  # at 03:00: the clock shows 02:00 for no minute of that night
    assert call["breaks"][0]["starts_at"] == "2027-03-27T22:50:00Z"
    positions = (await stage.get(f"/calls/{call['id']}/positions")).json()["items"]
    assert [(each["job"], each["headcount"]) for each in positions] == [("comedien", 6), ("machiniste", 2)]
    own = await stage.create("/calls", **body | {"title": "Générale", "ends_at": "2027-03-27T23:00:00+01:00"})
    assert (own["title"], own["breaks"], own["kind"]) == ("Générale", [], "performance")
    problem(await stage.post("/calls", body | {"template_id": str(uuid4())}), 422)
    problem(await stage.post("/calls", body | {"starts_at": "2200-12-31T23:30:00Z"}), 422)
    missing = {name: body[name] for name in ("production_id", "starts_at")}
    assert problem(await stage.post("/calls", missing), 422)["errors"][0]["loc"] == ["body", "kind"]


async def test_a_series_runs_over_the_end_of_a_year_less_its_exceptions(stage: Stage) -> None:
    template = await stage.create("/call-templates", **SHOW)
    found = await made(
        stage, template_id=template["id"], **PATTERN, **{"except": ["2026-12-25", "2027-01-01", "2027-08-01"]}
    )
    days = [each["day"] for each in found["calls"]]
    assert days == ["2026-12-22", "2026-12-29", "2027-01-05", "2027-01-08"]
    assert found["left_out"] == ["2026-12-25", "2027-01-01"]
    assert found["positions"] == 8
    call = (await stage.get(f"/calls/{found['calls'][0]['call_id']}")).json()
    assert (call["status"], call["starts_at"], call["ends_at"]) == (
        "draft", "2026-12-22T19:00:00Z", "2026-12-22T23:00:00Z",
    )  # fmt: skip
    assert call["breaks"][0]["starts_at"] == "2026-12-22T20:50:00Z"


async def test_a_series_keeps_its_hour_on_the_clocks_and_marks_those_that_they_skip_or_show_twice(stage: Stage) -> None:
    dates = ["2027-03-27", "2027-03-28", "2027-03-29", "2027-10-31"]
    night = await made(stage, kind="setup", title="Montage", start="02:30", duration_minutes=120, dates=dates)
    shown = [(each["starts_at"][8:16], each["clock_change"]) for each in night["calls"]]
    assert shown == [("27T01:30", False), ("28T01:30", True), ("29T00:30", False), ("31T00:30", True)]


async def test_every_other_week_and_dates_in_any_order(stage: Stage) -> None:
    found = await made(stage, kind="rehearsal", title="R", duration_minutes=60, every_weeks=2, **PATTERN)
    assert [each["day"] for each in found["calls"]] == ["2026-12-22", "2026-12-25", "2027-01-05", "2027-01-08"]
    dates = ["2027-02-03", "2027-02-01", "2027-02-03"]
    found = await made(stage, kind="rehearsal", title="R", duration_minutes=60, start="10:00", dates=dates)
    assert [each["day"] for each in found["calls"]] == ["2027-02-01", "2027-02-03"]


async def test_a_series_of_four_hundred_takes_as_many_statements_as_one_and_no_more_is_made(stage: Stage) -> None:
    production = (await stage.production())["id"]
    plan = {"kind": "rehearsal", "title": "R", "duration_minutes": 60, "start": "10:00", "production_id": production,
            "positions": [{"job": "comedien"}]}  # fmt: skip
    every_day = {"first_day": "2027-01-01", "weekdays": ["mo", "tu", "we", "th", "fr", "sa", "su"]}
    taken = []
    for until in ("2027-01-01", "2027-01-30"):
        with statements() as sent:
            found = await made(stage, **plan, **every_day, until=until)
        taken.append((len(found["calls"]), len(sent)))
    assert [calls for calls, _ in taken] == [1, 30]
    assert taken[0][1] == taken[1][1]
    body = problem(await series(stage, **plan, **every_day, until="2028-02-05"), 422)
    assert (body["errors"][0]["code"], "400" in body["detail"]) == ("too_many", True)


async def test_the_same_key_makes_a_series_once(stage: Stage) -> None:
    production = (await stage.production())["id"]
    body = {"production_id": production, "kind": "rehearsal", "title": "R", "duration_minutes": 60, **PATTERN}
    answers = [await stage.post("/calls/series", body, **{"Idempotency-Key": "serie-1"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len((await stage.get("/calls")).json()["items"]) == len(answers[0].json()["calls"])


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"start": "20:00"}, PATTERN, {"dates": ["2027-02-01"], **PATTERN}, {**PATTERN, "weekdays": []},
        {**PATTERN, "until": "2026-12-01", "title": "R", "kind": "rehearsal", "duration_minutes": 60},
        {**PATTERN, "until": "2036-12-01", "title": "R", "kind": "rehearsal", "duration_minutes": 60},
        {**PATTERN, "weekdays": ["lundi"]}, {**PATTERN, "start": "25:00"}, {**PATTERN, "every_weeks": 0},
        {"start": "10:00", "dates": ["2027-02-01"], "title": "R", "kind": "rehearsal"},
        {"start": "10:00", "dates": ["2027-02-01"], "except": ["2027-02-01"], "title": "R", "kind": "rehearsal",
         "duration_minutes": 60},
        {"start": "10:00", "dates": ["2027-02-30"], "title": "R", "kind": "rehearsal", "duration_minutes": 60},
        {"start": "10:00", "dates": ["1900-02-01"], "title": "R", "kind": "rehearsal", "duration_minutes": 60},
        {"start": "10:00", "dates": ["2027-02-01"], "title": "R", "kind": "rehearsal", "duration_minutes": 60,
         "breaks": [{"after_minutes": 50, "minutes": 20}]},
        {"start": "10:00", "dates": ["2027-02-01"], "title": "R", "kind": "rehearsal", "duration_minutes": 60,
         "positions": [{"job": "astronaute"}]},
        {"start": "10:00", "dates": ["2027-02-01"], "title": "R", "kind": "rehearsal", "duration_minutes": 60,
         "venue_id": str(uuid4())},
        {"start": "10:00", "dates": ["2027-02-01"], "title": "R", "kind": "rehearsal", "duration_minutes": 60,
         "production_id": str(uuid4())},
        {"start": "10:00", "dates": ["2027-02-01"], "template_id": str(uuid4())},
    ],
)  # fmt: skip
async def test_a_series_that_is_none_is_refused_in_a_sentence(
    stage: Stage, fields: dict[str, Any], client: AsyncClient
) -> None:
    problem(await series(stage, **fields), 422)
    assert (await stage.get("/calls")).json()["items"] == []


async def test_exceptions_on_which_a_series_has_no_call_are_named(stage: Stage) -> None:
    said = {"kind": "performance", "title": "Représentation", "duration_minutes": 120}
    found = await made(stage, **PATTERN, **said, **{"except": ["2026-12-25", "2026-12-26", "2027-02-02"]})
    assert (found["left_out"], found["except_unused"]) == (["2026-12-25"], ["2026-12-26", "2027-02-02"])
    assert {(one["duration_minutes"], one["clock_change"]) for one in found["calls"]} == {(120, False)}


async def test_a_series_over_a_clock_change_says_how_long_each_call_really_lasts(stage: Stage) -> None:
    said = {"kind": "setup", "title": "Montage de nuit", "duration_minutes": 120, "start": "01:30"}
    found = await made(stage, **said, dates=["2027-03-27", "2027-03-28", "2027-10-31"])
    assert [(one["duration_minutes"], one["clock_change"]) for one in found["calls"]] == [
        (120, False), (60, True), (180, True),
    ]  # fmt: skip
