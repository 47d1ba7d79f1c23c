"""Findings in answers: of a period, of a person, of a production; in the caller's language, within a few statements."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient

from backend.planning.finding_schemas import FindingsPage, PlanningOut
from backend.planning.findings import find
from backend.tenancy.session import Database
from tests.counting import statements
from tests.helpers import SignedUpCompany, member, problem
from tests.imports.acts import acting, load
from tests.imports.conftest import Folder, folder
from tests.planning.stage import SOON, Stage

__all__ = ["folder"]

WEEK = {"from": "2031-03-03", "to": "2031-03-09"}
DAY = timedelta(days=1)
Found = list[dict[str, Any]]


async def short_rest(stage: Stage) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Put somebody to work until 0:30, then again at 9:00: 8 h 30 of rest, which nothing makes lawful."""
    production, person = await stage.production(), await stage.person()
    calls = [
        await stage.call(production, SOON + timedelta(hours=10, minutes=30), hours=4),
        await stage.call(production, SOON + timedelta(hours=23), hours=3),
    ]
    for call in calls:
        await stage.confirmed(call, person)
    return person, calls


async def planning(stage: Stage, **params: str) -> Found:
    answer = await stage.get("/planning", **{**WEEK, **params})
    assert answer.status_code == 200, answer.text
    found: Found = answer.json()["findings"]
    return found


async def test_the_planning_says_what_the_law_says_of_its_period(stage: Stage) -> None:
    person, calls = await short_rest(stage)
    answer = await stage.get("/planning", **WEEK)
    PlanningOut.model_validate_json(answer.content)
    found = {(f["rule"], f["severity"]): f for f in answer.json()["findings"]}
    assert found.keys() == {("WT-REST-11", "HARD"), ("WT-REST-COMP", "WARN")}
    rest = found["WT-REST-11", "HARD"]
    assert (rest["person_id"], rest["call_ids"]) == (person["id"], [call["id"] for call in calls])
    assert (rest["window_start"], rest["measured_minutes"], rest["limit_minutes"]) == ("2031-03-03T19:30:00Z", 510, 660)
    assert rest["override_by"] == ["owner", "admin"]
    assert rest["article"].startswith("Code du travail, art. L3131-1")
    assert rest["cures"][0]["call_id"] in rest["call_ids"]
    assert [a["id"] for a in answer.json()["assignments"]] == rest["assignment_ids"]


async def test_a_finding_is_read_in_the_language_of_the_client(stage: Stage) -> None:
    await short_rest(stage)
    headers = stage.company.headers | {"Accept-Language": "en"}
    answer = await stage.client.get("/api/v1/planning", params=WEEK, headers=headers)
    english = {f["sentence"] for f in answer.json()["findings"]}
    french = {f["sentence"] for f in await planning(stage)}
    assert answer.headers["vary"] == "Accept-Language"
    assert any("rest" in sentence.casefold() for sentence in english)
    assert any("repos" in sentence for sentence in french)
    assert not english & french


async def test_filters_narrow_the_findings_to_what_is_shown(stage: Stage) -> None:
    person, calls = await short_rest(stage)
    other = await stage.person()
    for given, expected in (
        ({"person_id": person["id"]}, 2),
        ({"person_id": other["id"]}, 0),
        ({"production_id": calls[0]["production_id"]}, 2),
        ({"production_id": str(uuid4())}, 0),
        ({"department": "artistic"}, 2),
        ({"department": "stage"}, 0),
        ({"from": "2031-03-10", "to": "2031-03-16"}, 0),
    ):
        assert len(await planning(stage, **given)) == expected, given


async def test_work_before_the_period_counts_and_is_not_reported_in_it(stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    for day in range(7):
        await stage.confirmed(await stage.call(production, SOON + day * DAY), person)
    await stage.confirmed(await stage.call(production, SOON + 7 * DAY), person)
    following = await planning(stage, **{"from": "2031-03-10", "to": "2031-03-10"})
    assert [(f["rule"], f["severity"], f["measured_minutes"]) for f in following] == [("WT-DAYS-6", "WARN", 8)]
    before = {(f["rule"], f["severity"]) for f in await planning(stage)}
    assert before >= {("WT-DAYS-6", "HARD"), ("WT-DAYS-6", "WARN")}


async def test_a_changed_rest_changes_the_tag_of_a_planning_that_does_not_show_it(stage: Stage) -> None:
    """The call of the week before is not in the answer, and what the law says of this week depends on it."""
    production, person = await stage.production(), await stage.person()
    for day in range(7):
        await stage.confirmed(await stage.call(production, SOON + day * DAY), person)
    monday = {"from": "2031-03-09", "to": "2031-03-09"}
    first = await stage.get("/planning", **monday)
    call = (await stage.get("/calls", **{"from": "2031-03-08", "to": "2031-03-08"})).json()["items"][0]
    cancelled = await stage.patch(f"/calls/{call['id']}", {"status": "cancelled", "cancel_reason": "Relâche"})
    assert cancelled.status_code == 200, cancelled.text
    headers = stage.company.headers | {"If-None-Match": first.headers["etag"]}
    again = await stage.client.get("/api/v1/planning", params=monday, headers=headers)
    assert again.status_code == 200
    assert len(again.json()["findings"]) < len(first.json()["findings"])


async def test_nine_calls_are_judged_with_as_many_statements_as_one(stage: Stage) -> None:
    production = await stage.production()
    person = await stage.person()
    paths = ("/planning", f"/people/{person['id']}/findings", f"/productions/{production['id']}/findings")
    counts: list[list[int]] = []
    for days in ((0,), range(1, 5)):
        for day in days:
            call = await stage.call(production, SOON + day * DAY, hours=3)
            await stage.confirmed(call, person)
            await stage.confirmed(call, await stage.person())
        counts.append([])
        for path in paths:
            with statements() as sent:
                answer = await stage.get(path, **WEEK)
            assert answer.status_code == 200, answer.text
            counts[-1].append(len(sent))
    assert counts[0] == counts[1]


async def test_a_person_s_findings_are_paged_the_worst_first(stage: Stage) -> None:
    person, _ = await short_rest(stage)
    path = f"/people/{person['id']}/findings"
    whole = await stage.get(path)
    FindingsPage.model_validate_json(whole.content)
    seen, cursor = [], None
    while True:
        page = (await stage.get(path, limit=1, **({"cursor": cursor} if cursor else {}))).json()
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == whole.json()["items"]
    assert [f["severity"] for f in seen][:2] == ["HARD", "WARN"]
    assert seen[0]["text"].startswith("Tout salarié bénéficie d'un repos quotidien")
    hard = (await stage.get(path, severity="HARD")).json()["items"]
    assert hard == seen[:1]
    assert (await stage.get(path, **{"from": "2031-03-10"})).json()["items"] == []
    problem(await stage.get(path, cursor="WyJ4Il0"), 422)
    problem(await stage.get(path, severity="WORSE"), 422)


async def test_somebody_without_a_birth_date_is_judged_and_a_note_says_what_is_not(stage: Stage) -> None:
    person, _ = await short_rest(stage)
    notes = (await stage.get(f"/people/{person['id']}/findings")).json()["notes"]
    assert [(note["code"], note["person_id"], note["call_id"]) for note in notes] == [
        ("birth_date_unknown", person["id"], None)
    ]


async def test_a_convention_that_filage_does_not_know_is_told_and_the_labour_code_applies(stage: Stage) -> None:
    person, _ = await short_rest(stage)
    assert (await stage.patch("/company", {"idcc": "9999"})).status_code == 200
    found = (await stage.get(f"/people/{person['id']}/findings", severity="HARD")).json()
    assert [f["rule"] for f in found["items"]] == ["WT-REST-11"]
    assert [note["code"] for note in found["notes"]] == ["unknown_convention", "birth_date_unknown"]
    assert "9999" in found["notes"][0]["sentence"]


@pytest.mark.parametrize("period", [{"from": "1900-01-01"}, {"to": "2300-01-01"}, {"from": "2031-03-09T10:00:00"}])
async def test_days_outside_the_calendar_are_refused_in_a_sentence(stage: Stage, period: dict[str, str]) -> None:
    person = await stage.person()
    problem(await stage.get(f"/people/{person['id']}/findings", **period), 422)
    inside = {"from": "1970-01-02", "to": "2200-12-31"}
    assert (await stage.get(f"/people/{person['id']}/findings", **inside)).json()["items"] == []


async def test_a_production_s_findings_count_the_work_for_the_others(stage: Stage) -> None:
    one, other, person = await stage.production(), await stage.production(), await stage.person()
    await stage.confirmed(await stage.call(one, SOON + timedelta(hours=10, minutes=30), hours=4), person)
    await stage.confirmed(await stage.call(other, SOON + timedelta(hours=23)), person)
    third = await stage.production()
    await stage.confirmed(await stage.call(third, SOON + 3 * DAY, hours=3), person)
    for production in (one, other):
        items = (await stage.get(f"/productions/{production['id']}/findings", severity="HARD")).json()["items"]
        assert [(f["rule"], f["person_id"]) for f in items] == [("WT-REST-11", person["id"])]
    assert (await stage.get(f"/productions/{third['id']}/findings", severity="HARD")).json()["items"] == []
    assert {f["rule"] for f in await planning(stage, production_id=one["id"])} >= {"WT-REST-11"}
    assert await planning(stage, production_id=third["id"]) == []


@pytest.mark.parametrize("path", ["/people/{id}/findings", "/productions/{id}/findings"])
async def test_what_is_not_ours_is_not_found(stage: Stage, other_stage: Stage, path: str) -> None:
    theirs = {"people": await other_stage.person(), "productions": await other_stage.production()}
    problem(await stage.get(path.replace("{id}", theirs[path.split("/")[1]]["id"])), 404, "not_found")
    problem(await stage.get(path.replace("{id}", str(uuid4()))), 404, "not_found")


async def test_a_viewer_reads_the_planning_s_findings_but_nothing_that_tells_an_age(
    stage: Stage, client: AsyncClient, company: SignedUpCompany
) -> None:
    young = await stage.create("/people", first_name="Lou", last_name="Petit", job="comedien", birth_date="2018-06-01")
    late = await stage.call(await stage.production(), SOON + timedelta(hours=10), hours=2)
    await stage.assignment(late, young)
    await stage.assignment(late, await stage.person())
    assert {f["rule"] for f in await planning(stage)} >= {"MIN-NIGHT", "MIN-AUTH"}
    days = {"valid_from": "2031-03-03", "valid_to": "2031-03-03"}
    night = {"rule": "MIN-NIGHT", "ground": "inspector", "document": "Autorisation 12", "person_id": young["id"]}
    rest = {"rule": "WT-REST-11", "ground": "agreement", "document": "Accord 3"}
    for one in (night, rest):
        await stage.create("/planning/derogations", **one, **days)
    headers = await member(client, company, "viewer")
    read = await client.get("/api/v1/planning", params=WEEK, headers=headers)
    assert read.status_code == 200
    assert [f for f in read.json()["findings"] if f["rule"].startswith("MIN-")] == []
    path = f"/api/v1/productions/{late['production_id']}/findings"
    rules = [
        [f["rule"] for f in (await client.get(path, headers=one)).json()["items"] if f["rule"].startswith("MIN-")]
        for one in (company.headers, headers)
    ]
    assert [bool(found) for found in rules] == [True, False]
    notes = [(await client.get(path, headers=one)).json()["notes"] for one in (company.headers, headers)]
    assert [[note["code"] for note in found] for found in notes] == [["birth_date_unknown"], []]
    recorded = [await client.get("/api/v1/planning/derogations", headers=one) for one in (company.headers, headers)]
    assert [[d["rule"] for d in found.json()["items"]] for found in recorded] == [
        ["MIN-NIGHT", "WT-REST-11"], ["WT-REST-11"],
    ]  # fmt: skip
    problem(await client.get(f"/api/v1/people/{young['id']}/findings", headers=headers), 403, "not_allowed")


async def test_the_season_week_by_week_has_the_findings_of_the_whole(
    stage: Stage, database: Database, company: SignedUpCompany, folder: Folder
) -> None:
    await load(database, company, folder("compagnie-de-la-rampe"))
    async with acting(database, company) as act:
        whole = {
            (f.rule, f.severity.value, f.starts_at.isoformat().replace("+00:00", "Z"), f.measured, f.limit)
            for f in (await find(act)).findings
            if f.severity.value != "INFO"
        }
    seen = set()
    for period in (("2026-09-01", "2026-10-31"), ("2026-11-01", "2026-12-31"), ("2027-01-01", "2027-03-02"),
                   ("2027-03-03", "2027-05-02"), ("2027-05-03", "2027-06-30")):  # fmt: skip
        for f in await planning(stage, **dict(zip(("from", "to"), period, strict=True))):
            key = (f["rule"], f["severity"], f["window_start"], f["measured_minutes"], f["limit_minutes"])
            seen.add(key)
    assert seen == whole
