"""The company's own agreements: a layer of dated limits between the convention and recorded derogations."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient

from backend.planning import agreements
from backend.tenancy.session import Database
from tests.helpers import SignedUpCompany, member, problem
from tests.imports.acts import acting
from tests.planning.stage import Stage
from tests.planning.test_gate import REASON, events, long_day, no_break, rules

DOCUMENT = "Accord d'entreprise du 3 mars 2030"
TWELVE_HOURS = {"rule": "WT-DAY-10", "limit_minutes": 720, "document": DOCUMENT, "valid_from": "2031-03-01"}
PATH = "/planning/agreements"


async def test_a_wider_agreement_covers_what_it_allows_from_its_first_to_its_last_day(stage: Stage) -> None:
    draft = await long_day(stage)  # eleven hours on 3 March 2031
    problem(await stage.act(draft, "confirm"), 409, "ground_required")
    made = await stage.create(PATH, **TWELVE_HOURS)
    assert (made["recorded_by"], made["valid_to"], made["limit_minutes"]) == ("Camille Renard", None, 720)
    assert (await stage.act(draft, "confirm")).status_code == 200
    found = (await stage.get(f"/people/{draft['person_id']}/findings")).json()["items"]
    assert [(f["severity"], f["covered_by"]) for f in found if f["rule"] == "WT-DAY-10"] == [("INFO", DOCUMENT)]
    ended = await stage.patch(f"{PATH}/{made['id']}", {"valid_to": "2031-03-02"}, '"1"')
    assert (ended.status_code, ended.json()["valid_to"], ended.headers["ETag"]) == (200, "2031-03-02", '"2"')
    found = (await stage.get(f"/people/{draft['person_id']}/findings")).json()["items"]
    assert [(f["severity"], f["covered_by"]) for f in found if f["rule"] == "WT-DAY-10"] == [("DEROG", None)]


async def test_what_goes_beyond_a_wider_agreement_still_needs_a_ground(stage: Stage) -> None:
    await stage.create(PATH, **TWELVE_HOURS | {"limit_minutes": 630})
    assert rules(problem(await stage.act(await long_day(stage), "confirm"), 409, "ground_required")) == [
        ("DEROG", "WT-DAY-10")
    ]


async def test_a_stricter_agreement_binds_and_is_cited(stage: Stage) -> None:
    await stage.create(PATH, **TWELVE_HOURS | {"limit_minutes": 360})
    refused = problem(await stage.act(await no_break(stage), "confirm", **REASON), 409, "ground_required")
    (found,) = [f for f in refused["findings"] if f["rule"] == "WT-DAY-10"]
    assert (found["limit_minutes"], found["measured_minutes"]) == (360, 420)
    assert (found["article"], found["confidence"]) == (DOCUMENT, "A")


@pytest.mark.parametrize(
    ("change", "loc", "words"),
    [
        ({"limit_minutes": 721}, "limit_minutes", "12 h au plus, pas plus loin (Code du travail, art. L3121-18"),
        (
            {"rule": "WT-WEEK-48", "limit_minutes": 2881},
            "limit_minutes",
            "48 h au plus (Code du travail, art. L3121-20",
        ),
        ({"rule": "WT-REST-11", "limit_minutes": 539}, "limit_minutes", "9 h au moins, pas plus loin (Code du travail"),
        (
            {"rule": "WT-WREST-35", "limit_minutes": 2000},
            "limit_minutes",
            "35 h au moins (Code du travail, art. L3132-2",
        ),
        ({"rule": "WT-BREAK-20", "limit_minutes": 361}, "limit_minutes", "6 h au plus (Code du travail, art. L3121-16"),
        ({"rule": "MIN-DAY", "limit_minutes": 481}, "limit_minutes", "8 h au plus (Code du travail, art. L3162-1"),
        ({"rule": "WT-DAYS-6", "limit_minutes": 7}, "rule", "aucun texte"),
        ({"rule": "WT-OT", "limit_minutes": 2400}, "rule", "art. L3121-27"),
        ({"rule": "WT-NOTHING"}, "rule", "n'existe pas pour votre compagnie"),
        ({"rule": "EAC-DAY-12"}, "rule", "n'existe pas pour votre compagnie"),  # a company without that convention
        ({"valid_to": "2031-02-28"}, "valid_to", "finit avant de commencer"),
    ],
)
async def test_what_no_agreement_may_set_is_refused_with_the_article(
    stage: Stage, change: dict[str, Any], loc: str, words: str
) -> None:
    refused = problem(await stage.post(PATH, TWELVE_HOURS | change), 422, "invalid")
    assert refused["errors"][0]["loc"] == ["body", loc]
    assert words in refused["detail"]
    assert (await stage.get(PATH)).json()["items"] == []


@pytest.mark.parametrize(
    "change",
    [{"limit_minutes": 0}, {"limit_minutes": "720"}, {"limit_minutes": None}, {"document": " "}, {"valid_from": None},
     {"valid_from": "1850-01-01"}, {"valid_from": "2031-02-30"}, {"rule": "day"}, {"ground": "agreement"}],
)  # fmt: skip
async def test_what_is_no_agreement_is_refused(stage: Stage, change: dict[str, Any]) -> None:
    problem(await stage.post(PATH, TWELVE_HOURS | change), 422, "invalid")


async def test_a_day_has_one_agreement_on_a_rule_and_a_gap_leaves_the_law(stage: Stage) -> None:
    first = await stage.create(PATH, **TWELVE_HOURS | {"valid_from": "2030-01-01", "valid_to": "2030-12-31"})
    for days in (
        {"valid_from": "2030-12-31"},
        {"valid_from": "2029-01-01", "valid_to": "2030-01-01"},
        {"valid_from": "2030-01-01", "valid_to": "2030-01-01"},
        {"valid_from": "2029-01-01"},
    ):
        refused = problem(await stage.post(PATH, TWELVE_HOURS | days), 422, "invalid")
        assert refused["errors"][0]["code"] == "overlap"
        assert "du 01/01/2030 au 31/12/2030" in refused["detail"]
    await stage.create(PATH, **TWELVE_HOURS | {"rule": "WT-REST-11", "limit_minutes": 600, "valid_from": "2030-06-01"})
    await stage.create(PATH, **TWELVE_HOURS | {"valid_from": "2031-03-04"})
    # 3 March 2031 lies between the two.
    problem(await stage.act(await long_day(stage), "confirm"), 409, "ground_required")
    longer = await stage.patch(f"{PATH}/{first['id']}", {"valid_to": "2031-03-04"}, '"1"')
    assert problem(longer, 422, "invalid")["errors"][0]["code"] == "overlap"
    assert (await stage.patch(f"{PATH}/{first['id']}", {"valid_to": "2031-03-03"}, '"1"')).status_code == 200
    assert (await stage.act(await long_day(stage), "confirm")).status_code == 200


async def test_an_agreement_is_an_owner_s_or_an_admin_s_and_everybody_who_plans_reads_it(
    stage: Stage, client: AsyncClient, company: SignedUpCompany
) -> None:
    made = await stage.create(PATH, **TWELVE_HOURS)
    for role, may_write in (("planner", False), ("viewer", False), ("admin", True)):
        headers = await member(client, company, role)
        assert len((await client.get(f"/api/v1{PATH}", headers=headers)).json()["items"]) == 1
        body = TWELVE_HOURS | {"rule": "WT-REST-11", "limit_minutes": 600}
        assert (await client.post(f"/api/v1{PATH}", json=body, headers=headers)).status_code == (
            201 if may_write else 403
        )
        one = f"/api/v1{PATH}/{made['id']}"
        if not may_write:
            problem(await client.patch(one, json={"valid_to": None}, headers=headers | {"If-Match": "*"}), 403)
            problem(await client.delete(one, headers=headers | {"If-Match": "*"}), 403)


async def test_an_agreement_is_changed_and_taken_back_as_it_was_read_and_the_history_tells_it(stage: Stage) -> None:
    made = await stage.create(PATH, **TWELVE_HOURS)
    one = f"{PATH}/{made['id']}"
    problem(await stage.patch(one, {"valid_to": "2031-12-31"}, '"7"'), 412, "stale_etag")
    problem(await stage.patch(one, {"limit_minutes": 600}, '"1"'), 422, "invalid")
    problem(await stage.patch(one, {"valid_to": "2031-02-01"}, '"1"'), 422, "invalid")
    renamed = await stage.patch(one, {"document": "Accord du 4 mars 2030"}, '"1"')
    assert (renamed.json()["document"], renamed.json()["version"]) == ("Accord du 4 mars 2030", 2)
    problem(await stage.delete(one, '"1"'), 412, "stale_etag")
    assert (await stage.delete(one, '"2"')).status_code == 204
    problem(await stage.delete(one), 404, "not_found")
    problem(await stage.patch(one, {"valid_to": None}), 404, "not_found")
    told = [(await events(stage, f"agreement.{what}"))[0] for what in ("recorded", "changed", "deleted")]
    assert told[0]["after"]["limit_minutes"] == 720
    assert told[1]["after"] == {"document": "Accord du 4 mars 2030"}
    assert told[2]["before"]["document"] == "Accord du 4 mars 2030"


async def test_another_company_s_agreement_is_neither_read_nor_counted_with(stage: Stage, other_stage: Stage) -> None:
    theirs = await other_stage.create(PATH, **TWELVE_HOURS)
    problem(await stage.act(await long_day(stage), "confirm"), 409, "ground_required")
    assert (await stage.get(PATH)).json()["items"] == []
    problem(await stage.patch(f"{PATH}/{theirs['id']}", {"valid_to": None}), 404, "not_found")
    problem(await stage.delete(f"{PATH}/{theirs['id']}"), 404, "not_found")


async def test_a_company_without_the_table_yet_has_no_agreement_and_is_planned_as_before(
    stage: Stage, database: Database, company: SignedUpCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = await no_break(stage)
    async with acting(database, company) as act:
        monkeypatch.setattr(agreements, "BEFORE_THEM", frozenset({act.company.revision}))
        assert await agreements.recorded(act) == []
    assert (await stage.act(draft, "confirm", **REASON)).status_code == 200
    for answer in (
        await stage.get(PATH),
        await stage.post(PATH, TWELVE_HOURS),
        await stage.patch(f"{PATH}/{draft['id']}", {"valid_to": None}),
        await stage.delete(f"{PATH}/{draft['id']}"),
    ):
        problem(answer, 503, "tenant_outdated")


async def test_a_company_of_convention_1285_goes_to_twelve_hours_by_its_agreement(stage: Stage) -> None:
    assert (await stage.patch("/company", {"idcc": "1285"})).status_code == 200
    await stage.create(PATH, **TWELVE_HOURS)
    draft = await long_day(stage)
    refused = problem(await stage.act(draft, "confirm"), 409, "ground_required")
    assert rules(refused) == [("DEROG", "EAC-DAY-12")]
    refused = problem(await stage.post(PATH, TWELVE_HOURS | {"rule": "EAC-DAY-12", "limit_minutes": 721}), 422)
    assert "CCNEAC (IDCC 1285), art. VI.6.1" in refused["detail"]
    await stage.create(PATH, **TWELVE_HOURS | {"rule": "EAC-DAY-12"})
    assert (await stage.act(draft, "confirm")).status_code == 200


async def test_of_ten_agreements_at_once_on_the_same_days_one_is_kept(stage: Stage) -> None:
    days = [TWELVE_HOURS | {"valid_from": f"2031-03-{day:02d}"} for day in range(1, 11)]
    answers = await asyncio.gather(*(stage.post(PATH, one) for one in days))
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 9
    assert len((await stage.get(PATH)).json()["items"]) == 1
