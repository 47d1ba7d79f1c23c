"""Assignments and their acts, through the API; the person's answers, through the service that the portal calls."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from backend.core.errors import ConflictError, NotFoundError, Sentence
from backend.people.models import Person
from backend.planning import ledger, service
from backend.planning.assignments import release, undo
from backend.planning.models import Assignment
from backend.tenancy.acting import Act, Actor
from backend.tenancy.session import Database
from tests.counting import statements
from tests.helpers import problem
from tests.planning.stage import SOON, Stage, company_info, same_person

HOUR = timedelta(hours=1)
EXPIRY = (SOON - HOUR).isoformat()


async def expire(database: Database, stage: Stage, assignment: dict[str, Any]) -> None:
    """Let time pass: the option's expiry lies behind."""
    async with database.company(await company_info(database, stage.company)) as session:
        past = datetime(2026, 1, 1, tzinfo=UTC)
        await session.execute(update(Assignment).where(Assignment.id == UUID(assignment["id"])).values(expires_at=past))


async def as_person(
    database: Database, stage: Stage, person: dict[str, Any], act: str, assignment: dict[str, Any]
) -> Any:
    """Answer as the person, whose account is linked, as the portal does."""
    info = await company_info(database, stage.company)
    user_id = UUID(person["id"])
    async with database.company(info) as session:
        await session.execute(update(Person).where(Person.id == UUID(person["id"])).values(user_id=user_id))
        acting = Act(session, info, Actor(user_id, "La personne"), datetime.now(UTC))
        return await getattr(service, act)(acting, UUID(assignment["id"]))


async def test_an_assignment_starts_as_a_draft_on_the_position_of_its_job(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    position = await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=1)
    draft = await stage.assignment(call, await stage.person())
    assert draft["position_id"] == position["id"]
    assert (draft["status"], draft["contested"], draft["version"]) == ("draft", False, 1)
    assert draft["allowed"] == ["offer", "confirm"]
    assert await stage.read(draft) == draft


async def test_ids_and_jobs_that_name_nothing_are_refused_with_their_field(stage: Stage, other_stage: Stage) -> None:
    production = await stage.production()
    call, other_call = await stage.call(production), await stage.call(production)
    elsewhere = await stage.create(f"/calls/{other_call['id']}/positions", job="comedien")
    person, theirs = await stage.person(), await other_stage.person()
    body = {"call_id": call["id"], "person_id": person["id"], "job": "comedien"}
    for wrong in (
        {"call_id": str(uuid4())},
        {"person_id": theirs["id"]},
        {"job": "astronaute"},
        {"position_id": elsewhere["id"]},
        {"cachets": 2},
        {"status": "confirmed"},
        {"call_id": "x"},
    ):
        errors = problem(await stage.post("/assignments", body | wrong), 422)["errors"]
        assert errors[0]["loc"] == ["body", next(iter(wrong))]
    assert (await stage.get("/assignments")).json()["items"] == []


async def test_a_person_stands_once_on_a_call_in_a_job(stage: Stage) -> None:
    call, person = await stage.call(await stage.production()), await stage.person()
    await stage.assignment(call, person)
    body = {"call_id": call["id"], "person_id": person["id"], "job": "comedien"}
    problem(await stage.post("/assignments", body), 409, "duplicate")
    await stage.assignment(call, person, job="musicien")


async def test_an_option_that_time_has_ended_does_not_stand_in_the_way(stage: Stage, database: Database) -> None:
    call, person = await stage.call(await stage.production()), await stage.person()
    option = await stage.assignment(call, person)
    await stage.act(option, "offer", expires_at=EXPIRY)
    await expire(database, stage, option)
    again = await stage.assignment(call, person)
    assert again["status"] == "draft"
    assert (await stage.read(option))["status"] == "expired"


async def test_expiry_is_right_before_anything_has_run(stage: Stage, database: Database) -> None:
    option = await stage.assignment(await stage.call(await stage.production()), await stage.person())
    await stage.act(option, "offer", expires_at=EXPIRY)
    await expire(database, stage, option)
    found = await stage.read(option)
    assert (found["status"], found["allowed"]) == ("expired", [])
    expired = (await stage.get("/assignments", status="expired")).json()["items"]
    assert [item["id"] for item in expired] == [option["id"]]
    assert (await stage.get("/assignments", status="option")).json()["items"] == []
    body = problem(await stage.act(option, "confirm"), 409, "state_conflict")
    assert body["allowed"] == []


async def test_an_offer_is_an_option_with_rank_expiry_and_message(stage: Stage) -> None:
    draft = await stage.assignment(await stage.call(await stage.production()), await stage.person())
    answer = await stage.act(draft, "offer", expires_at=EXPIRY, rank=2, message="Nous hésitons encore.")
    option = answer.json()
    assert (option["status"], option["rank"], option["message"]) == ("option", 2, "Nous hésitons encore.")
    assert option["expires_at"] == "2031-03-03T08:00:00Z"
    assert option["allowed"] == ["accept", "decline", "confirm", "release"]
    assert answer.headers["etag"] == '"2"'


@pytest.mark.parametrize(
    "body",
    [{}, {"expires_at": "2020-01-01T00:00:00Z"}, {"expires_at": "2031-03-03T08:00:00"},
     {"expires_at": EXPIRY, "rank": 0}, {"expires_at": EXPIRY, "rank": 10}, {"expires_at": EXPIRY, "pay": 1}],
)  # fmt: skip
async def test_a_malformed_offer_is_refused(stage: Stage, body: dict[str, Any]) -> None:
    draft = await stage.assignment(await stage.call(await stage.production()), await stage.person())
    problem(await stage.post(f"/assignments/{draft['id']}/offer", body), 422)
    assert (await stage.read(draft))["status"] == "draft"


async def test_confirming_records_who_and_when_and_cancelling_the_reason_and_the_notice(stage: Stage) -> None:
    confirmed = await stage.confirmed(await stage.call(await stage.production()), await stage.person())
    assert confirmed["decided_by"] == "Camille Renard"
    assert confirmed["decided_at"] is not None
    assert confirmed["allowed"] == ["cancel"]
    problem(await stage.act(confirmed, "cancel"), 422)
    cancelled = (await stage.act(confirmed, "cancel", reason="La salle est fermée.")).json()
    assert (cancelled["status"], cancelled["reason"], cancelled["allowed"]) == (
        "cancelled", "La salle est fermée.", [],
    )  # fmt: skip
    assert cancelled["notice_minutes"] > 0


async def test_an_act_that_leads_nowhere_names_those_that_do(stage: Stage) -> None:
    draft = await stage.assignment(await stage.call(await stage.production()), await stage.person())
    body = problem(await stage.act(draft, "release"), 409, "state_conflict")
    assert body["allowed"] == ["offer", "confirm"]
    assert body["detail"] == "Cette affectation est un brouillon : vous pouvez proposer une option, ou confirmer."


async def test_an_act_on_an_older_reading_is_refused_when_the_client_asks_so(stage: Stage) -> None:
    draft = await stage.assignment(await stage.call(await stage.production()), await stage.person())
    path = f"/assignments/{draft['id']}/confirm"
    problem(await stage.post(path, None, **{"If-Match": '"7"'}), 412, "stale_etag")
    problem(await stage.post(path, None, **{"If-Match": "nonsense"}), 412, "stale_etag")
    assert (await stage.post(path, {}, **{"If-Match": '"1"'})).status_code == 200


async def test_a_repeated_confirmation_with_its_key_gets_the_first_answer_again(stage: Stage) -> None:
    draft = await stage.assignment(await stage.call(await stage.production()), await stage.person())
    path, key = f"/assignments/{draft['id']}/confirm", {"Idempotency-Key": uuid4().hex}
    first, again = await stage.post(path, **key), await stage.post(path, **key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    problem(await stage.post(path), 409, "state_conflict")


async def test_only_a_draft_is_deleted(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    draft = await stage.assignment(call, await stage.person())
    assert (await stage.delete(f"/assignments/{draft['id']}", if_match='"1"')).status_code == 204
    problem(await stage.get(f"/assignments/{draft['id']}"), 404, "not_found")
    confirmed = await stage.confirmed(call, await stage.person())
    body = problem(await stage.delete(f"/assignments/{confirmed['id']}"), 409, "state_conflict")
    assert body["allowed"] == ["cancel"]


async def test_pay_and_message_change_without_touching_the_state(stage: Stage) -> None:
    draft = await stage.assignment(await stage.call(await stage.production()), await stage.person())
    path = f"/assignments/{draft['id']}"
    changed = (await stage.patch(path, {"pay_unit": "cachet", "cachets": 2, "message": "Deux services"}, '"1"')).json()
    assert (changed["pay_unit"], changed["cachets"], changed["message"]) == ("cachet", 2, "Deux services")
    back = (await stage.patch(path, {"pay_unit": "hour", "message": None})).json()
    assert (back["pay_unit"], back["cachets"], back["message"]) == ("hour", None, None)
    for wrong in ({"cachets": 1}, {"status": "confirmed"}, {"pay_unit": None}, {"position_id": str(uuid4())}):
        problem(await stage.patch(path, wrong), 422)


async def test_assignments_are_listed_with_their_filters_in_the_same_statements(stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    call, later = await stage.call(production), await stage.call(production, SOON + 48 * HOUR)
    held = await stage.confirmed(call, person)
    with statements() as for_one:
        await stage.get("/assignments")
    await stage.assignment(later, person)
    await stage.assignment(later, await stage.person())
    with statements() as for_three:
        listed = (await stage.get("/assignments")).json()["items"]
    assert len(listed) == 3
    assert len(for_one) == len(for_three)
    for filters in ({"call_id": call["id"]}, {"status": "confirmed"}, {"from": "2031-03-03", "to": "2031-03-03"}):
        found = (await stage.get("/assignments", **filters)).json()["items"]
        assert [item["id"] for item in found] == [held["id"]]
    assert len((await stage.get("/assignments", person_id=person["id"])).json()["items"]) == 2
    page = (await stage.get("/assignments", limit=2)).json()
    rest = (await stage.get("/assignments", limit=2, cursor=page["next_cursor"])).json()
    assert page["items"] + rest["items"] == listed


async def test_every_act_is_in_the_audit_trail(stage: Stage) -> None:
    draft = await stage.assignment(await stage.call(await stage.production()), await stage.person())
    await stage.act(draft, "offer", expires_at=EXPIRY)
    await stage.act(draft, "confirm")
    await stage.act(draft, "cancel", reason="Date reportée")
    events = (await stage.get("/audit-events")).json()["items"]
    whats = sorted(event["what"] for event in events if event["subject_id"] == draft["id"])
    assert whats == ["assignment.cancelled", "assignment.confirmed", "assignment.created", "assignment.offered"]
    confirmed = next(event for event in events if event["what"] == "assignment.confirmed")
    assert (confirmed["before"]["status"], confirmed["after"]["status"]) == ("option", "confirmed")


async def test_the_person_accepts_an_option_and_may_still_decline(stage: Stage, database: Database) -> None:
    call, person = await stage.call(await stage.production()), await stage.person()
    option = await stage.assignment(call, person)
    await stage.act(option, "offer", expires_at=EXPIRY)
    with pytest.raises(NotFoundError):  # nobody was told of this call yet
        await as_person(database, stage, person, "accept", option)
    await stage.post(f"/calls/{call['id']}/publish")
    assert await as_person(database, stage, person, "accept", option) is None
    assert (await stage.read(option))["status"] == "accepted"
    assert (await stage.read(option))["decided_by"] == "La personne"
    await as_person(database, stage, person, "decline", option)
    assert (await stage.read(option))["status"] == "declined"
    for again in ("accept", "decline", "take_back"):
        with pytest.raises(ConflictError, match="ask the company to offer you this date again") as refused:
            await as_person(database, stage, person, again, option)
        assert refused.value.sentence.fr.endswith("demandez à la compagnie de vous reproposer cette date.")


async def test_nobody_answers_for_somebody_else(stage: Stage, database: Database) -> None:
    call = await stage.call(await stage.production())
    await stage.post(f"/calls/{call['id']}/publish")
    option = await stage.assignment(call, await stage.person())
    await stage.act(option, "offer", expires_at=EXPIRY)
    with pytest.raises(NotFoundError):
        await as_person(database, stage, await stage.person(), "accept", option)
    assert (await stage.read(option))["status"] == "option"


async def test_the_person_of_a_contested_booking_cannot_end_it_by_accepting_and_ends_it_by_declining(
    stage: Stage, other_stage: Stage, database: Database
) -> None:
    person, namesake = await stage.person(), await other_stage.person()
    call = await stage.call(await stage.production())
    other_call = await other_stage.call(await other_stage.production())
    await other_stage.post(f"/calls/{other_call['id']}/publish")
    held = await stage.confirmed(call, person)
    theirs = await other_stage.confirmed(other_call, namesake)
    old = await same_person(database, (other_stage.company, namesake))
    new = await same_person(database, (stage.company, person), (other_stage.company, namesake))
    info = await company_info(database, other_stage.company)
    async with database.company(info) as session:
        await ledger.renumber(Act(session, info, Actor(None, "test"), datetime.now(UTC)), old, new)

    note = await as_person(database, other_stage, namesake, "accept", theirs)
    assert isinstance(note, Sentence)
    assert (await other_stage.read(theirs))["contested"] is True
    await as_person(database, other_stage, namesake, "decline", theirs)
    declined = await other_stage.read(theirs)
    assert (declined["status"], declined["contested"]) == ("declined", False)
    assert (await stage.read(held))["status"] == "confirmed"


async def test_the_history_of_acts_that_waited_for_each_other_is_in_the_order_in_which_they_were_done(
    stage: Stage, database: Database
) -> None:
    """An act that began first, and waited while another was done, was done second."""
    made = await stage.assignment(await stage.call(await stage.production()), await stage.person())
    assert (await stage.act(made, "offer", expires_at=EXPIRY)).status_code == 200
    info, began = await company_info(database, stage.company), datetime.now(UTC)
    acts = [(release, 3), (undo, 2), (release, 1), (undo, 0)]
    for do, seconds in acts:
        async with database.company(info) as session:
            await do(Act(session, info, Actor(None, "Test"), began + timedelta(seconds=seconds)), UUID(made["id"]))
    path, chain, pages = f"/assignments/{made['id']}/history", [], 0
    cursor: dict[str, str] = {}
    while pages == 0 or cursor:
        found = (await stage.get(path, limit=4, **cursor)).json()
        chain += [(one["from"], one["to"]) for one in found["items"]]
        cursor, pages = {"cursor": found["next_cursor"]} if found["next_cursor"] else {}, pages + 1
    back, away = ("released", "option"), ("option", "released")
    assert (chain, pages) == ([back, away, back, away, ("draft", "option"), (None, "draft")], 2)
    trail = (await stage.get("/audit-events", subject_id=made["id"])).json()["items"]
    assert [one["what"].partition(".")[2] for one in trail[:4]] == ["restored", "released"] * 2


async def test_a_date_that_has_begun_is_not_offered_and_no_option_outlives_its_start(stage: Stage) -> None:
    production = await stage.production()
    ahead, past = [await stage.call(production, at) for at in (SOON, datetime(2026, 1, 5, 9, tzinfo=UTC))]
    late = await stage.assignment(ahead, await stage.person())
    refused = problem(await stage.act(late, "offer", expires_at=(SOON + HOUR).isoformat()), 422)
    assert [(one["loc"], one["code"]) for one in refused["errors"]] == [(["body", "expires_at"], "expires_after_start")]
    gone = await stage.assignment(past, await stage.person())
    problem(await stage.act(gone, "offer", expires_at=EXPIRY), 409, "call_begun")
    body = {"action": "offer", "ids": [gone["id"], late["id"]], "expires_at": EXPIRY}
    answer = (await stage.post("/assignments/bulk", body)).json()
    assert [(one["id"], one["code"]) for one in answer["failed"]] == [(gone["id"], "call_begun")]
    assert [one["id"] for one in answer["done"]] == [late["id"]]


async def test_a_cancelled_call_tells_from_which_state_its_people_go_and_has_nothing_to_fill(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=12)
    confirmed = await stage.confirmed(call, await stage.person())
    option, accepted = [await stage.assignment(call, await stage.person()) for _ in range(2)]
    for one in (option, accepted):
        await stage.act(one, "offer", expires_at=EXPIRY)
    await stage.act(accepted, "accept", on_behalf="phone")
    assert (await stage.get(f"/calls/{call['id']}")).json()["to_fill"] == 11
    gone = {"status": "cancelled", "cancel_reason": "Salle fermée"}
    told = (await stage.patch(f"/calls/{call['id']}", gone)).json()
    assert (told["status"], told["to_fill"], told["colour"]) == ("cancelled", 0, "green")
    for one, was, now in (
        (confirmed, "confirmed", "cancelled"), (option, "option", "released"), (accepted, "accepted", "released"),
    ):  # fmt: skip
        newest = (await stage.get(f"/assignments/{one['id']}/history")).json()["items"][0]
        assert (newest["from"], newest["to"]) == (was, now)
