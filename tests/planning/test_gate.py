"""Publishing and confirming under the law: who may let what pass, with what, and what the history keeps."""

from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Response

from backend.planning import derogations
from backend.tenancy.session import Database
from tests.counting import statements
from tests.helpers import SignedUpCompany, member, problem
from tests.imports.acts import acting
from tests.planning.stage import SOON, Stage

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
REASON = {"override_reason": "Le public est dans la salle, la personne est d'accord."}
AGREED = {"rule": "WT-DAY-10", "ground": "agreement", "document": "Accord d'entreprise du 3 mars 2030"}
FIELDS = {"type", "title", "status", "code", "detail", "trace_id", "findings"}


async def no_break(stage: Stage) -> dict[str, Any]:
    """A draft of somebody on a call of seven hours without a break: nothing makes it lawful."""
    return await stage.assignment(await stage.call(await stage.production(), hours=7), await stage.person())


async def long_day(stage: Stage, person: dict[str, Any] | None = None) -> dict[str, Any]:
    """A draft of somebody on a day of eleven hours with its breaks: lawful with a derogation."""
    pauses = [
        {"starts_at": (SOON + at * HOUR).isoformat(), "ends_at": (SOON + (at + 0.5) * HOUR).isoformat()}
        for at in (3, 7.5)
    ]
    call = await stage.call(await stage.production(), hours=12, breaks=pauses)
    return await stage.assignment(call, person or await stage.person())


def rules(refused: dict[str, Any]) -> list[tuple[str, str]]:
    assert set(refused) == FIELDS
    return [(f["severity"], f["rule"]) for f in refused["findings"]]


async def events(stage: Stage, what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await stage.get("/audit-events", what=what)).json()["items"]
    return found


async def as_planner(stage: Stage, path: str, body: Any = None) -> Response:
    headers = await member(stage.client, stage.company, "planner")
    return await stage.client.post(f"/api/v1{path}", json=body, headers=headers)


async def test_what_is_forbidden_is_confirmed_by_an_owner_s_reason_and_stays_in_the_history(stage: Stage) -> None:
    draft = await no_break(stage)
    refused = problem(await stage.act(draft, "confirm"), 409, "override_required")
    assert rules(refused) == [("HARD", "WT-BREAK-20")]
    assert refused["findings"][0]["assignment_ids"] == [draft["id"]]
    assert (await stage.read(draft))["status"] == "draft"
    confirmed = await stage.act(draft, "confirm", **REASON)
    assert confirmed.status_code == 200, confirmed.text
    (event,) = await events(stage, "finding.overridden")
    assert event["subject_id"] == draft["person_id"]
    assert event["actor_name"] == "Camille Renard"
    told = {name: event["after"][name] for name in ("rule", "reason", "measured_minutes", "call_ids")}
    assert told == {
        "rule": "WT-BREAK-20",
        "reason": REASON["override_reason"],
        "measured_minutes": 420,
        "call_ids": [draft["call_id"]],
    }


async def test_a_planner_is_refused_whatever_the_reason_and_reads_why(stage: Stage) -> None:
    draft = await no_break(stage)
    for body in (None, REASON):
        refused = problem(await as_planner(stage, f"/assignments/{draft['id']}/confirm", body), 403, "not_allowed")
        assert rules(refused) == [("HARD", "WT-BREAK-20")]
        assert refused["findings"][0]["cures"]
    assert (await stage.read(draft))["status"] == "draft"
    assert await events(stage, "finding.overridden") == []


async def test_an_admin_may_override(stage: Stage, client: AsyncClient, company: SignedUpCompany) -> None:
    draft = await no_break(stage)
    headers = await member(client, company, "admin")
    answer = await client.post(f"/api/v1/assignments/{draft['id']}/confirm", json=REASON, headers=headers)
    assert answer.status_code == 200, answer.text
    assert len(await events(stage, "finding.overridden")) == 1


async def test_the_findings_of_a_refusal_are_in_the_language_of_the_client(stage: Stage) -> None:
    draft = await no_break(stage)
    french = problem(await stage.act(draft, "confirm"), 409)
    path = f"/assignments/{draft['id']}/confirm"
    english = problem(await stage.post(path, None, **{"Accept-Language": "en"}), 409)
    assert french["findings"][0]["sentence"] != english["findings"][0]["sentence"]
    assert "override_reason" in english["detail"]
    assert "law" in english["detail"]


async def test_a_derogation_needs_a_ground_of_the_list_and_is_recorded_for_that_person_and_day(stage: Stage) -> None:
    draft = await long_day(stage)
    refused = problem(await stage.act(draft, "confirm"), 409, "ground_required")
    assert rules(refused) == [("DEROG", "WT-DAY-10")]
    # A reason is no ground.
    problem(await stage.act(draft, "confirm", **REASON), 409, "ground_required")
    answer = await as_planner(stage, f"/assignments/{draft['id']}/confirm", {"grounds": [AGREED]})
    assert answer.status_code == 200, answer.text
    (day,) = (await stage.get("/planning/derogations")).json()["items"]
    assert (day["person_id"], day["valid_from"], day["valid_to"]) == (draft["person_id"], "2031-03-03", "2031-03-03")
    assert (day["limit_minutes"], day["document"]) == (660, AGREED["document"])
    found = (await stage.get(f"/people/{draft['person_id']}/findings")).json()["items"]
    assert {(f["severity"], f["covered_by"]) for f in found if f["rule"] == "WT-DAY-10"} == {
        ("INFO", AGREED["document"])
    }
    (event,) = await events(stage, "derogation.recorded")
    assert (event["after"]["rule"], event["after"]["ground"]) == ("WT-DAY-10", "agreement")


@pytest.mark.parametrize(
    ("ground", "loc"),
    [
        (AGREED | {"ground": "prefect"}, ["body", "grounds", 0, "ground"]),
        (AGREED | {"rule": "WT-BREAK-20"}, ["body", "grounds", 0, "rule"]),
        (AGREED | {"rule": "WT-NOTHING"}, ["body", "grounds", 0, "rule"]),
        (AGREED | {"document": " "}, ["body", "grounds", 0, "document"]),
    ],
)
async def test_a_ground_that_is_none_is_refused(stage: Stage, ground: dict[str, str], loc: list[Any]) -> None:
    refused = problem(await stage.act(await long_day(stage), "confirm", grounds=[ground]), 422, "invalid")
    assert refused["errors"][0]["loc"] == loc


async def test_a_recorded_derogation_lets_pass_whom_it_covers_and_nobody_else(stage: Stage) -> None:
    covered, other = await stage.person(), await stage.person()
    body = AGREED | {"valid_from": "2031-03-01", "valid_to": "2031-03-31", "person_id": covered["id"]}
    await stage.create("/planning/derogations", **body)
    assert (await stage.act(await long_day(stage, covered), "confirm")).status_code == 200
    problem(await stage.act(await long_day(stage, other), "confirm"), 409, "ground_required")


async def test_a_derogation_does_not_cover_what_goes_further_or_lies_outside_its_days(stage: Stage) -> None:
    person = await stage.person()
    march = {"valid_from": "2031-03-01", "valid_to": "2031-03-31"}
    short = await stage.create("/planning/derogations", **AGREED, **march, limit_minutes=630)
    before = await stage.create("/planning/derogations", **AGREED, valid_from="2031-02-01", valid_to="2031-02-28")
    draft = await long_day(stage, person)
    assert rules(problem(await stage.act(draft, "confirm"), 409, "ground_required")) == [("DEROG", "WT-DAY-10")]
    whole = await stage.create("/planning/derogations", **AGREED, **march)
    assert (await stage.act(draft, "confirm")).status_code == 200
    for one in (short, before, whole):
        assert (await stage.delete(f"/planning/derogations/{one['id']}", '"1"')).status_code == 204
    found = (await stage.get(f"/people/{person['id']}/findings", severity="DEROG")).json()["items"]
    assert [f["rule"] for f in found] == ["WT-DAY-10"]
    assert len(await events(stage, "derogation.deleted")) == 3


async def test_a_ground_does_not_make_lawful_what_goes_beyond_every_derogation(stage: Stage) -> None:
    """Thirteen hours of work: an agreement goes as far as twelve."""
    call = await stage.call(await stage.production(), hours=13)
    draft = await stage.assignment(call, await stage.person())
    refused = problem(await stage.act(draft, "confirm", grounds=[AGREED]), 409, "override_required")
    assert ("HARD", "WT-DAY-10") in rules(refused)
    assert (await stage.get("/planning/derogations")).json()["items"] == []


async def test_no_derogation_covers_what_none_can_make_lawful(stage: Stage) -> None:
    body = AGREED | {"valid_from": "2031-03-01", "valid_to": "2031-03-31"}
    problem(await stage.post("/planning/derogations", body | {"rule": "WT-WREST-35"}), 422)
    for change in ({"valid_to": "2031-02-01"}, {"valid_from": None}, {"limit_minutes": -1}, {"valid_to": "1850-01-01"},
                   {"person_id": "01936c5e-0000-7000-8000-000000009e45"}, {"ground": "because"}):  # fmt: skip
        problem(await stage.post("/planning/derogations", body | change), 422, "invalid")
    problem(await stage.delete("/planning/derogations/01936c5e-0000-7000-8000-000000009e45"), 404, "not_found")


async def test_another_company_s_derogation_is_not_read_counted_or_deleted(stage: Stage, other_stage: Stage) -> None:
    march = {"valid_from": "2031-03-01", "valid_to": "2031-03-31"}
    theirs = await other_stage.create("/planning/derogations", **AGREED, **march)
    problem(await stage.act(await long_day(stage), "confirm"), 409, "ground_required")
    assert (await stage.get("/planning/derogations")).json()["items"] == []
    problem(await stage.delete(f"/planning/derogations/{theirs['id']}"), 404, "not_found")
    assert len((await other_stage.get("/planning/derogations")).json()["items"]) == 1


async def test_a_company_without_the_table_yet_has_recorded_no_derogation(
    stage: Stage, database: Database, company: SignedUpCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = await long_day(stage)
    async with acting(database, company) as act:
        monkeypatch.setattr(derogations, "BEFORE_THEM", frozenset({act.company.revision}))
        assert await derogations.recorded(act) == []
    problem(await stage.act(draft, "confirm"), 409, "ground_required")
    problem(await stage.act(draft, "confirm", grounds=[AGREED]), 503, "tenant_outdated")
    problem(await stage.post("/planning/derogations", AGREED | {"valid_from": "2031-03-01", "valid_to": "2031-03-31"}),
            503, "tenant_outdated")  # fmt: skip
    problem(await stage.get("/planning/derogations"), 503, "tenant_outdated")


async def test_a_draft_of_anything_is_stored_and_offered(stage: Stage) -> None:
    draft = await no_break(stage)
    offered = await stage.act(draft, "offer", expires_at=(SOON - 30 * DAY).isoformat())
    assert offered.status_code == 200, offered.text
    published = await stage.post(f"/calls/{draft['call_id']}/publish")
    assert published.status_code == 200, published.text


async def test_publishing_asks_about_the_confirmed_and_not_again_what_was_let_pass(stage: Stage) -> None:
    draft = await no_break(stage)
    assert (await stage.act(draft, "confirm", **REASON)).status_code == 200
    published = await stage.post(f"/calls/{draft['call_id']}/publish")
    assert published.status_code == 200, published.text
    path = f"/calls/{draft['call_id']}"
    longer = {"ends_at": (SOON + 8 * HOUR).isoformat()}
    moved = await stage.patch(path, longer | REASON)
    assert moved.status_code == 200, moved.text
    assert moved.json()["unpublished_changes"] is True
    assert (await as_planner(stage, f"{path}/publish")).json()["version"] == 2
    assert [e["after"]["measured_minutes"] for e in await events(stage, "finding.overridden")] == [480, 420]


async def published_with(stage: Stage, hours: float, *times: tuple[float, float]) -> tuple[str, dict[str, Any]]:
    """Publish a call of `hours` whose confirmed person has other calls at `times`; return its path and the person."""
    production, person = await stage.production(), await stage.person()
    call = await stage.call(production, hours=hours)
    others = [await stage.call(production, SOON + start * HOUR, hours=length) for start, length in times]
    for one in (call, *others):
        draft = await stage.assignment(one, person)
        answer = await stage.act(draft, "confirm", **REASON, grounds=[AGREED])
        assert answer.status_code == 200, answer.text
        assert (await stage.post(f"/calls/{one['id']}/publish")).status_code == 200
    return f"/calls/{call['id']}", person


async def test_a_published_call_that_moves_into_what_is_forbidden_needs_the_reason_at_once(stage: Stage) -> None:
    path, person = await published_with(stage, 5)
    before = (await stage.get(path)).json()
    longer = {"ends_at": (SOON + 7 * HOUR).isoformat()}
    refused = problem(await stage.patch(path, longer), 409, "override_required")
    assert [(f["rule"], f["measured_minutes"]) for f in refused["findings"]] == [("WT-BREAK-20", 420)]
    planner = await member(stage.client, stage.company, "planner")
    asked = await stage.client.patch(f"/api/v1{path}", json=longer | REASON, headers=planner | {"If-Match": "*"})
    problem(asked, 403, "not_allowed")
    assert (await stage.get(path)).json() == before
    assert (await stage.patch(path, longer | REASON)).status_code == 200
    found = (await stage.get(f"/people/{person['id']}/findings", severity="HARD")).json()["items"]
    assert [f["overridden"]["reason"] for f in found] == [REASON["override_reason"]]


async def test_a_published_call_that_moves_into_a_long_day_needs_a_ground(stage: Stage) -> None:
    path, person = await published_with(stage, 5, (6, 5))
    longer = {"starts_at": (SOON - HOUR).isoformat(), "ends_at": (SOON + 4.5 * HOUR).isoformat()}
    assert rules(problem(await stage.patch(path, longer), 409, "ground_required")) == [("DEROG", "WT-DAY-10")]
    assert (await stage.patch(path, longer | {"grounds": [AGREED]})).status_code == 200
    (recorded,) = (await stage.get("/planning/derogations")).json()["items"]
    assert (recorded["person_id"], recorded["limit_minutes"]) == (person["id"], 630)


async def test_a_published_call_that_moves_is_not_asked_about_what_was_as_bad_before(stage: Stage) -> None:
    """A planner may lessen what another let pass, or change what the law does not look at."""
    path, _ = await published_with(stage, 8)
    planner = await member(stage.client, stage.company, "planner")
    for change in ({"ends_at": (SOON + 7 * HOUR).isoformat()}, {"title": "Raccord"}):
        answer = await stage.client.patch(f"/api/v1{path}", json=change, headers=planner | {"If-Match": "*"})
        assert answer.status_code == 200, answer.text
    problem(await as_planner(stage, f"{path}/publish"), 403, "not_allowed")  # what is told anew is asked whole


async def test_a_draft_call_moves_whatever_the_law_says(stage: Stage) -> None:
    call, person = await stage.call(await stage.production(), hours=5), await stage.person()
    await stage.confirmed(call, person)
    longer = {"ends_at": (SOON + 7 * HOUR).isoformat()}
    assert (await stage.patch(f"/calls/{call['id']}", longer)).status_code == 200
    problem(await stage.post(f"/calls/{call['id']}/publish"), 409, "override_required")


async def test_six_people_move_with_as_many_statements_as_one(stage: Stage) -> None:
    production, counts = await stage.production(), []
    for number in (1, 6):
        call = await stage.call(production, SOON + number * DAY, hours=5)
        for _ in range(number):
            await stage.confirmed(call, await stage.person())
        assert (await stage.post(f"/calls/{call['id']}/publish")).status_code == 200
        longer = {"ends_at": (SOON + number * DAY + 7 * HOUR).isoformat()}
        with statements() as sent:
            answer = await stage.patch(f"/calls/{call['id']}", longer | REASON)
        assert answer.status_code == 200, answer.text
        counts.append(len([one for one in sent if "INSERT INTO audit_event" not in one]))
    assert counts[0] == counts[1]


async def test_a_later_reader_sees_who_overrode_what_when_and_why_while_it_keeps_its_measure(stage: Stage) -> None:
    draft = await no_break(stage)
    assert (await stage.act(draft, "confirm", **REASON)).status_code == 200
    (event,) = await events(stage, "finding.overridden")
    told = {"by": "Camille Renard", "at": event["at"], "reason": REASON["override_reason"]}
    call = (await stage.get(f"/calls/{draft['call_id']}")).json()
    week = {"from": "2031-03-03", "to": "2031-03-09"}
    for path, params in (
        ("/planning", week),
        (f"/people/{draft['person_id']}/findings", {}),
        (f"/productions/{call['production_id']}/findings", {}),
    ):
        answer = (await stage.get(path, **params)).json()
        found = [f for f in answer.get("findings", answer.get("items")) if f["rule"] == "WT-BREAK-20"]
        assert [(f["severity"], f["overridden"]) for f in found] == [("HARD", told)], path
    tried = await stage.post("/planning/check", {"released": [draft["id"]]})
    assert [(f["rule"], f["overridden"]) for f in tried.json()["gone"]] == [("WT-BREAK-20", told)]
    longer = {"ends_at": (SOON + 7.5 * HOUR).isoformat()}
    assert (await stage.patch(f"/calls/{draft['call_id']}", longer)).status_code == 200
    (found,) = (await stage.get("/planning", **week)).json()["findings"]
    assert (found["measured_minutes"], found["overridden"]) == (450, None)


async def test_overrides_of_six_people_are_read_with_as_many_statements_as_of_one(stage: Stage) -> None:
    production, counts = await stage.production(), []
    week = {"from": "2031-03-03", "to": "2031-03-09"}
    for number in (1, 5):
        call = await stage.call(production, SOON + number * DAY, hours=7)
        for _ in range(number):
            await stage.confirmed(call, await stage.person())
        with statements() as sent:
            found = (await stage.get("/planning", **week)).json()["findings"]
        assert all(f["overridden"] for f in found if f["severity"] == "HARD")
        counts.append(len(sent))
    assert counts[0] == counts[1]


async def test_a_production_is_published_whole_or_not_at_all(stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    lawful, unlawful = await stage.call(production), await stage.call(production, SOON + DAY, hours=5)
    for call in (lawful, unlawful):
        await stage.confirmed(call, person)
    longer = {"ends_at": (SOON + DAY + 7 * HOUR).isoformat()}
    assert (await stage.patch(f"/calls/{unlawful['id']}", longer)).status_code == 200
    path = f"/productions/{production['id']}/publish"
    refused = problem(await stage.post(path), 409, "override_required")
    assert [f["call_ids"] for f in refused["findings"]] == [[unlawful["id"]]]
    assert (await stage.get(f"/calls/{lawful['id']}")).json()["status"] == "draft"
    problem(await as_planner(stage, path), 403, "not_allowed")
    answer = await stage.post(path, REASON)
    assert [one["call_id"] for one in answer.json()["calls"]] == [lawful["id"], unlawful["id"]]


async def test_six_people_pass_with_as_many_statements_as_one(stage: Stage) -> None:
    production, counts = await stage.production(), []
    for number in (1, 6):
        call = await stage.call(production, SOON + number * DAY, hours=5)
        for _ in range(number):
            await stage.confirmed(call, await stage.person())
        longer = {"ends_at": (SOON + number * DAY + 7 * HOUR).isoformat()}
        assert (await stage.patch(f"/calls/{call['id']}", longer)).status_code == 200
        with statements() as sent:
            answer = await stage.post(f"/calls/{call['id']}/publish", REASON)
        assert answer.status_code == 200, answer.text
        counts.append(len([one for one in sent if "INSERT INTO audit_event" not in one]))
    assert counts[0] == counts[1]


async def test_a_minor_of_less_than_sixteen_needs_the_prefect_s_authorisation(stage: Stage) -> None:
    young = await stage.create("/people", first_name="Lou", last_name="Petit", job="comedien", birth_date="2018-06-01")
    draft = await stage.assignment(await stage.call(await stage.production(), hours=2), young)
    path = f"/assignments/{draft['id']}/confirm"
    assert rules(problem(await as_planner(stage, path), 403, "not_allowed")) == [("HARD", "MIN-AUTH")]
    prefect = {"rule": "MIN-AUTH", "ground": "prefect", "document": "Arrêté du 12 janvier 2031"}
    assert (await as_planner(stage, path, {"grounds": [prefect]})).status_code == 200


async def full_week(stage: Stage, person: dict[str, Any]) -> dict[str, Any]:
    """Somebody confirmed from Monday to Saturday, until 23:00; a draft on the Monday after, at 6: 31 hours of rest."""
    production = await stage.production()
    for day in range(6):
        call = await stage.call(production, SOON + day * DAY + 9 * HOUR, hours=4)
        assert (await stage.act(await stage.assignment(call, person), "confirm")).status_code == 200
    return await stage.assignment(await stage.call(production, SOON + 7 * DAY - 4 * HOUR, hours=4), person)


async def test_what_shortens_the_rest_of_the_week_before_is_asked_about_though_it_lies_in_the_next(
    stage: Stage,
) -> None:
    draft = await full_week(stage, await stage.person())
    refused = problem(await stage.act(draft, "confirm"), 409, "override_required")
    assert rules(refused) == [("HARD", "WT-WREST-35")]
    assert (await stage.read(draft))["status"] == "draft"


async def test_a_published_call_that_moves_is_asked_about_what_it_makes_worse_in_the_week_before(stage: Stage) -> None:
    person = await stage.person()
    draft = await full_week(stage, person)
    path = f"/calls/{draft['call_id']}"
    late, early = SOON + 7 * DAY, SOON + 7 * DAY - 4 * HOUR
    later = {"starts_at": late.isoformat(), "ends_at": (late + 4 * HOUR).isoformat()}
    assert (await stage.patch(path, later)).status_code == 200
    assert (await stage.act(draft, "confirm")).status_code == 200
    assert (await stage.post(f"{path}/publish")).status_code == 200
    earlier = {"starts_at": early.isoformat(), "ends_at": (early + 4 * HOUR).isoformat()}
    refused = problem(await stage.patch(path, earlier), 409, "override_required")
    assert rules(refused) == [("HARD", "WT-WREST-35")]


async def test_what_published_calls_make_worse_is_asked_about_though_they_lie_outside_of_its_window(
    stage: Stage,
) -> None:
    draft = await full_week(stage, await stage.person())
    assert (await stage.act(draft, "confirm", **REASON)).status_code == 200
    answer = await as_planner(stage, f"/calls/{draft['call_id']}/publish")
    assert answer.status_code == 200, answer.text  # it was overridden as it stands
    (event,) = await events(stage, "finding.overridden")
    assert event["after"]["rule"] == "WT-WREST-35"


async def test_the_ground_of_one_short_night_does_not_cover_the_next_one(stage: Stage) -> None:
    person, production = await stage.person(), await stage.production()
    short = {"grounds": [{"rule": "WT-REST-11", "ground": "agreement", "document": "Accord du 3 mars 2030"}]}
    evening, morning = SOON + 10 * HOUR, SOON + 23 * HOUR  # from 20:00 to 23:00, and from 9:00 on the day after
    drafts = [
        await stage.assignment(await stage.call(production, at), person) for at in (evening, morning, evening + DAY)
    ]
    assert (await stage.act(drafts[0], "confirm")).status_code == 200
    problem(await stage.act(drafts[1], "confirm"), 409, "ground_required")
    assert (await stage.act(drafts[1], "confirm", **short)).status_code == 200
    refused = problem(await stage.act(drafts[2], "confirm"), 409, "ground_required")
    assert [(f["rule"], f["window_start"]) for f in refused["findings"]] == [("WT-REST-11", "2031-03-04T08:00:00Z")]
    (recorded,) = (await stage.get("/planning/derogations")).json()["items"]
    assert (recorded["valid_from"], recorded["valid_to"]) == ("2031-03-03", "2031-03-03")


@pytest.mark.parametrize("what", ["kind", "on_tour", "venue", "premiere"])
async def test_a_published_call_that_becomes_another_thing_for_the_law_passes_the_gate_again(
    stage: Stage, what: str
) -> None:
    """Eleven hours: the convention takes them on tour, to set up, or in the fortnight before a premiere."""
    assert (await stage.patch("/company", {"idcc": "1285", "city": "Nantes"})).status_code == 200
    away = await stage.create("/venues", name="Le Lieu unique", city="Angers")
    production = await stage.production()
    near = {"premiere_date": "2031-03-10" if what == "premiere" else None}
    assert (await stage.patch(f"/productions/{production['id']}", near)).status_code == 200
    pauses = [
        {"starts_at": (SOON + at * HOUR).isoformat(), "ends_at": (SOON + (at + 0.5) * HOUR).isoformat()}
        for at in (3, 7.5)
    ]
    of_what: dict[str, dict[str, Any]] = {
        "kind": {"kind": "setup"}, "on_tour": {"on_tour": True}, "venue": {"venue_id": away["id"]}, "premiere": {},
    }  # fmt: skip
    call = await stage.call(production, hours=12, breaks=pauses, **of_what[what])
    draft = await stage.assignment(call, await stage.person())
    grounds = {"grounds": [AGREED]}
    assert (await stage.act(draft, "confirm", **grounds)).status_code == 200
    assert (await stage.post(f"/calls/{call['id']}/publish", grounds)).status_code == 200
    changes: dict[str, tuple[str, dict[str, Any]]] = {
        "kind": (f"/calls/{call['id']}", {"kind": "rehearsal"}),
        "on_tour": (f"/calls/{call['id']}", {"on_tour": False}),
        "venue": (f"/calls/{call['id']}", {"venue_id": None}),
        "premiere": (f"/productions/{production['id']}", {"premiere_date": None}),
    }
    path, change = changes[what]
    before = (await stage.get(path)).json()
    assert rules(problem(await stage.patch(path, change), 409, "ground_required")) == [("DEROG", "EAC-DAY-12")]
    assert (await stage.get(path)).json() == before
    cleared = change | {"grounds": [AGREED | {"rule": "EAC-DAY-12"}]}
    assert (await stage.patch(path, cleared)).status_code == 200
    assert (await stage.patch(path, {"title": "Un autre titre"})).status_code == 200
