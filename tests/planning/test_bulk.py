"""One act for many assignments: each failure named, all or nothing by choice, and no statement more for thirty."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from backend.tenancy.session import Database
from tests.backstage import join
from tests.counting import statements
from tests.helpers import problem
from tests.planning.stage import SOON, Stage, same_person

HOUR = timedelta(hours=1)
EXPIRY = (SOON - HOUR).isoformat()


async def drafts(stage: Stage, number: int, **fields: Any) -> list[dict[str, Any]]:
    """Return that many people on one call."""
    call = await stage.call(await stage.production(), **fields)
    return [await stage.assignment(call, await stage.person()) for _ in range(number)]


async def bulk(stage: Stage, action: str, made: list[dict[str, Any]], **body: Any) -> Any:
    return await stage.post("/assignments/bulk", {"action": action, "ids": [one["id"] for one in made], **body})


async def statuses(stage: Stage, made: list[dict[str, Any]]) -> list[str]:
    return [(await stage.read(one))["status"] for one in made]


async def test_many_are_offered_in_one_act_with_one_message(stage: Stage) -> None:
    made = await drafts(stage, 3)
    answer = await bulk(stage, "offer", made, expires_at=EXPIRY, rank=2, message="Une semaine au Quai.")
    assert answer.status_code == 200, answer.text
    done = answer.json()["done"]
    assert [one["id"] for one in done] == [one["id"] for one in made]
    assert {(one["status"], one["rank"], one["message"]) for one in done} == {("option", 2, "Une semaine au Quai.")}
    assert {one["remind_at"] for one in done} == {"2031-03-02T08:00:00Z"}
    assert answer.json()["failed"] == []
    assert done == [await stage.read(one) for one in made]


async def test_those_that_can_are_done_and_each_failure_is_named(stage: Stage) -> None:
    free, confirmed = await drafts(stage, 2)
    await stage.act(confirmed, "confirm")
    unknown = {"id": str(uuid4())}
    answer = (await bulk(stage, "offer", [confirmed, unknown, free, free], expires_at=EXPIRY)).json()
    assert [one["id"] for one in answer["done"]] == [free["id"]]
    first, second = answer["failed"]
    assert (first["id"], first["code"], first["allowed"]) == (confirmed["id"], "state_conflict", ["cancel"])
    assert first["detail"] == "Cette affectation est confirmée : vous pouvez annuler avec un motif."
    assert (second["id"], second["code"]) == (unknown["id"], "not_found")


@pytest.mark.parametrize("action", ["offer", "confirm", "release", "cancel", "accept", "decline"])
async def test_all_or_nothing_does_nothing_when_one_cannot(stage: Stage, action: str) -> None:
    ready, other = await drafts(stage, 2)
    if action in {"release", "accept", "decline"}:
        await stage.act(ready, "offer", expires_at=EXPIRY)
        await stage.act(other, "confirm")
    elif action == "cancel":
        await stage.act(ready, "confirm")
    else:
        await stage.act(other, "confirm")
    before = await statuses(stage, [ready, other])
    fields = {"offer": {"expires_at": EXPIRY}, "cancel": {"reason": "Salle fermée"}}
    fields |= {answer: {"on_behalf": "phone"} for answer in ("accept", "decline")}
    answer = await bulk(stage, action, [ready, other], all_or_nothing=True, **fields.get(action, {}))
    refused = problem(answer, 409, "bulk_refused")
    assert "n'est pas possible pour une affectation." in refused["detail"]
    assert [one["id"] for one in refused["failed"]] == [other["id"]]
    assert await statuses(stage, [ready, other]) == before
    done = (await bulk(stage, action, [ready, other], **fields.get(action, {}))).json()
    assert [one["id"] for one in done["done"]] == [ready["id"]]


async def test_who_is_held_in_the_same_act_or_elsewhere_is_named_and_the_others_are_confirmed(
    stage: Stage, other_stage: Stage, database: Database
) -> None:
    production = await stage.production()
    call, beside = await stage.call(production), await stage.call(production, SOON + HOUR)
    free, twice, taken = await stage.person(), await stage.person(), await stage.person()
    namesake = await other_stage.person()
    await same_person(database, (stage.company, taken), (other_stage.company, namesake))
    await other_stage.confirmed(await other_stage.call(await other_stage.production()), namesake)
    made = [await stage.assignment(call, person) for person in (free, twice, taken)]
    made.append(await stage.assignment(beside, twice))
    answer = (await bulk(stage, "confirm", made)).json()
    assert [one["id"] for one in answer["done"]] == [made[0]["id"], made[1]["id"]]
    elsewhere, overlap = answer["failed"]
    assert (elsewhere["id"], elsewhere["code"], elsewhere["conflicts"]) == (made[2]["id"], "person_not_available", None)
    assert (overlap["id"], overlap["code"]) == (made[3]["id"], "overlap")
    assert [one["assignment_id"] for one in overlap["conflicts"]] == [made[1]["id"]]
    assert await statuses(stage, made) == ["confirmed", "confirmed", "draft", "draft"]
    refused = problem(await bulk(stage, "confirm", made[2:], all_or_nothing=True), 409, "bulk_refused")
    assert "n'est pas possible pour 2 affectations." in refused["detail"]


async def test_whom_the_law_stops_is_left_out_and_the_others_are_confirmed(stage: Stage) -> None:
    production = await stage.production()
    long_day, short = await stage.call(production, hours=13), await stage.call(production)
    tired, fresh = await stage.person(), await stage.person()
    made = [await stage.assignment(long_day, tired), await stage.assignment(short, fresh)]
    answer = (await bulk(stage, "confirm", made)).json()
    assert [one["id"] for one in answer["done"]] == [made[1]["id"]]
    (failed,) = answer["failed"]
    assert (failed["id"], failed["code"]) == (made[0]["id"], "override_required")
    assert {finding["person_id"] for finding in failed["findings"]} == {tired["id"]}
    assert await statuses(stage, made) == ["draft", "confirmed"]
    told = (await bulk(stage, "confirm", made[:1], override_reason="Accord de la personne")).json()
    assert told["failed"][0]["code"] == "ground_required" if told["failed"] else told["done"]


async def test_a_bulk_act_never_confirms_beyond_a_headcount(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=2)
    made = [await stage.assignment(call, await stage.person()) for _ in range(3)]
    answer = (await bulk(stage, "confirm", made, on_behalf="phone")).json()
    assert [one["status"] for one in answer["done"]] == ["confirmed", "confirmed"]
    assert [(one["id"], one["code"]) for one in answer["failed"]] == [(made[2]["id"], "position_filled")]
    problem(await stage.act(made[2], "confirm"), 409, "position_filled")
    await stage.act(made[0], "cancel", reason="Malade")
    assert (await stage.act(made[2], "confirm")).status_code == 200


async def test_how_somebody_who_has_not_answered_said_yes_is_kept_of_one_and_of_many(stage: Stage) -> None:
    silent, sure, alone = await drafts(stage, 3)
    await bulk(stage, "offer", [silent, sure, alone], expires_at=EXPIRY)
    await stage.act(sure, "accept", on_behalf="written")
    await bulk(stage, "confirm", [silent, sure], on_behalf="phone")
    assert (await stage.act(alone, "confirm", on_behalf="in_person")).status_code == 200
    for one, before, told in ((silent, "option", "phone"), (sure, "accepted", None), (alone, "option", "in_person")):
        last = (await stage.get(f"/assignments/{one['id']}/history", limit=1)).json()["items"][0]
        assert (last["what"], last["from"], last["to"], last["on_behalf"]) == (
            "assignment.confirmed", before, "confirmed", told
        )  # fmt: skip
        assert last["by"] == "Camille Renard"
    problem(await stage.act(silent, "confirm", on_behalf="telepathy"), 422)


@pytest.mark.postgresql
async def test_two_planners_and_the_person_at_once_never_fill_a_position_beyond_its_headcount(
    stage: Stage, app: Any
) -> None:
    planner = Stage(stage.client, stage.company)
    other = await join(app, stage.client, stage.company, "planner")
    call = await stage.call(await stage.production())
    await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=2)
    made = [await stage.assignment(call, await stage.person()) for _ in range(6)]
    await bulk(stage, "offer", made, expires_at=EXPIRY)

    async def other_confirms(one: dict[str, Any]) -> Any:
        return await stage.client.post(f"/api/v1/assignments/{one['id']}/confirm", headers=other)

    answers = await asyncio.gather(
        bulk(planner, "confirm", made[:4]),
        *(other_confirms(one) for one in made[2:]),
        stage.act(made[0], "decline", on_behalf="phone"),
        stage.act(made[5], "accept", on_behalf="phone"),
    )
    assert {answer.status_code for answer in answers} <= {200, 409}, [answer.text for answer in answers]
    confirmed = [one for one in await statuses(stage, made) if one == "confirmed"]
    assert len(confirmed) == 2


async def test_thirty_cost_no_statement_more_than_one(stage: Stage) -> None:
    one, thirty = await drafts(stage, 1), await drafts(stage, 30)
    await bulk(stage, "offer", await drafts(stage, 1), expires_at=EXPIRY)  # what a first act alone pays
    for action, body in (
        ("offer", {"expires_at": EXPIRY}),
        ("accept", {"on_behalf": "phone"}),
        ("confirm", {}),
        ("cancel", {"reason": "Salle fermée"}),
    ):
        sent = []
        for made in (one, thirty):
            with statements() as found:
                answer = await bulk(stage, action, made, **body)
            assert len(answer.json()["done"]) == len(made), answer.text
            sent.append(len(found))
        assert sent[0] == sent[1], (action, sent)
        assert sent[0] < 45


async def test_a_repeated_bulk_act_with_its_key_gets_the_first_answer_again(stage: Stage) -> None:
    made, key = await drafts(stage, 2), {"Idempotency-Key": uuid4().hex}
    body = {"action": "offer", "ids": [one["id"] for one in made], "expires_at": EXPIRY}
    first, again = [await stage.post("/assignments/bulk", body, **key) for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    problem(await stage.post("/assignments/bulk", body | {"rank": 2}, **key), 422, "idempotency_mismatch")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "offer", "expires_at": EXPIRY, "rank": 0}, "rank"),
        ({"action": "offer", "expires_at": EXPIRY, "rank": 99}, "rank"),
        ({"action": "offer", "expires_at": EXPIRY, "rank": True}, "rank"),
        ({"action": "offer"}, "expires_at"),
        ({"action": "offer", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"action": "offer", "expires_at": "2031-03-03T08:00:00"}, "expires_at"),
        ({"action": "offer", "expires_at": EXPIRY, "remind_at": "2020-01-01T00:00:00Z"}, "remind_at"),
        ({"action": "offer", "expires_at": EXPIRY, "remind_at": EXPIRY}, "remind_at"),
        ({"action": "offer", "expires_at": EXPIRY, "reason": "x"}, "reason"),
        ({"action": "cancel"}, "reason"),
        ({"action": "accept"}, "on_behalf"),
        ({"action": "accept", "on_behalf": "telepathy"}, "on_behalf"),
        ({"action": "release", "rank": 1}, "rank"),
        ({"action": "undo"}, "action"),
        ({"action": "confirm", "ids": []}, "ids"),
        ({"action": "confirm", "ids": [str(uuid4())] * 501}, "ids"),
        ({"action": "confirm", "ids": ["x"]}, "ids"),
        ({"action": "confirm", "pay": 100}, "pay"),
    ],
)
async def test_bad_input_is_refused_in_a_sentence_and_nothing_is_done(
    stage: Stage, body: dict[str, Any], field: str
) -> None:
    (draft,) = await drafts(stage, 1)
    errors = problem(await stage.post("/assignments/bulk", {"ids": [draft["id"]], **body}), 422)["errors"]
    assert errors[0]["loc"][:2] == ["body", field]
    assert len({str(one) for one in errors}) == len(errors)
    assert errors[0]["msg"]
    assert (await stage.read(draft))["status"] == "draft"


@pytest.mark.parametrize("rank", [0, 3, 99])
async def test_an_offer_knows_two_ranks(stage: Stage, rank: int) -> None:
    (draft,) = await drafts(stage, 1)
    answer = problem(await stage.post(f"/assignments/{draft['id']}/offer", {"expires_at": EXPIRY, "rank": rank}), 422)
    assert "second choix" in answer["errors"][0]["msg"]
    remind = {"expires_at": EXPIRY, "remind_at": "2031-03-03T08:30:00Z"}
    errors = problem(await stage.post(f"/assignments/{draft['id']}/offer", remind), 422)["errors"]
    assert errors[0]["loc"] == ["body", "remind_at"]
    assert (await stage.read(draft))["status"] == "draft"


async def test_another_companys_assignments_are_as_if_they_did_not_exist(stage: Stage, other_stage: Stage) -> None:
    theirs = await drafts(other_stage, 1)
    answer = (await bulk(stage, "offer", theirs, expires_at=EXPIRY)).json()
    assert [one["code"] for one in answer["failed"]] == ["not_found"]
    assert await statuses(other_stage, theirs) == ["draft"]


async def one_place(stage: Stage) -> dict[str, Any]:
    call = await stage.call(await stage.production())
    await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=1)
    return call


async def test_a_place_goes_to_the_next_one_when_another_company_holds_the_first(
    stage: Stage, other_stage: Stage, database: Database
) -> None:
    call, taken, namesake = await one_place(stage), await stage.person("Ariane"), await other_stage.person()
    await same_person(database, (stage.company, taken), (other_stage.company, namesake))
    await other_stage.confirmed(await other_stage.call(await other_stage.production()), namesake)
    made = [await stage.assignment(call, person) for person in (taken, await stage.person(), await stage.person())]
    answer = (await bulk(stage, "confirm", made)).json()
    assert [one["id"] for one in answer["done"]] == [made[1]["id"]]
    assert [(one["id"], one["code"]) for one in answer["failed"]] == [
        (made[0]["id"], "person_not_available"), (made[2]["id"], "position_filled"),
    ]  # fmt: skip
    name = f"Ariane {taken['last_name']}"
    assert answer["failed"][0]["detail"].startswith(
        f"{name} n'est pas disponible pour « Répétition » (03/03/2031 10:00-13:00)"
    )


async def test_a_place_goes_past_all_whom_the_law_stops_in_the_same_statements(stage: Stage) -> None:
    production = await stage.production()
    sent = []
    for tired in (1, 5):
        people = [await stage.person() for _ in range(tired + 2)]
        call = await one_place(stage)
        for person in people[:tired]:  # ten hours and more, with this call
            await stage.confirmed(await stage.call(production, SOON + 4 * HOUR, hours=9), person)
        made = [await stage.assignment(call, person) for person in people]
        with statements() as found:
            answer = (await bulk(stage, "confirm", made)).json()
        assert [one["id"] for one in answer["done"]] == [made[tired]["id"]]
        codes = {one["code"] for one in answer["failed"][:tired]}
        assert codes <= {"override_required", "ground_required"}
        assert answer["failed"][-1]["code"] == "position_filled"
        sent.append(len(found))
    assert sent[0] == sent[1]


async def test_a_place_goes_to_the_first_choice_whoever_is_named_first(stage: Stage) -> None:
    call = await one_place(stage)
    second, first = [await stage.assignment(call, await stage.person()) for _ in range(2)]
    await stage.act(second, "offer", expires_at=EXPIRY, rank=2)
    await stage.act(first, "offer", expires_at=EXPIRY, rank=1)
    answer = (await bulk(stage, "confirm", [second, first])).json()
    assert [one["id"] for one in answer["done"]] == [first["id"]]
    assert [(one["id"], one["code"]) for one in answer["failed"]] == [(second["id"], "position_filled")]


async def test_of_two_calls_that_the_law_forbids_together_the_first_is_confirmed(stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    made = [
        await stage.assignment(await stage.call(production, SOON + 4 * each * HOUR, hours=hours), person)
        for each, hours in ((0, 3), (1, 9))
    ]
    answer = (await bulk(stage, "confirm", made)).json()
    assert [one["id"] for one in answer["done"]] == [made[0]["id"]]
    assert [one["id"] for one in answer["failed"]] == [made[1]["id"]]


async def test_an_option_does_not_stand_again_where_somebody_else_was_confirmed(stage: Stage) -> None:
    call = await one_place(stage)
    first, second = [await stage.assignment(call, await stage.person()) for _ in range(2)]
    await stage.act(first, "offer", expires_at=EXPIRY, rank=1)
    await stage.act(second, "offer", expires_at=EXPIRY, rank=2)
    await stage.act(second, "confirm")
    await stage.act(first, "decline", on_behalf="phone")
    problem(await stage.act(first, "undo"), 409, "position_filled")
    assert await statuses(stage, [first, second]) == ["declined", "confirmed"]
    await stage.act(second, "cancel", reason="Malade")
    assert (await stage.act(first, "undo")).json()["status"] == "option"


async def test_only_what_fell_and_can_stand_again_says_undo_and_a_state_is_refused_before_a_place(stage: Stage) -> None:
    call = await one_place(stage)
    first, second = [await stage.assignment(call, await stage.person()) for _ in range(2)]
    for rank, one in enumerate((first, second), 1):
        await stage.act(one, "offer", expires_at=EXPIRY, rank=rank)
    declined = (await stage.act(first, "decline", on_behalf="phone")).json()
    assert (declined["status"], declined["allowed"]) == ("declined", [])
    assert (await stage.read(first))["allowed"] == []
    problem(await stage.act(first, "undo"), 409, "promoted")
    released = (await stage.act(second, "release")).json()
    assert released["allowed"] == (await stage.read(first))["allowed"] == ["undo"]
    assert (await stage.act(first, "undo")).status_code == 200
    await stage.act(first, "accept", on_behalf="phone")
    refused = problem(await stage.act(first, "undo"), 409, "state_conflict")
    assert (refused["current"], refused["allowed"]) == ("accepted", ["decline", "confirm", "release"])
    await stage.act(first, "confirm")
    refused = problem(await stage.act(first, "undo"), 409, "state_conflict")
    assert (refused["current"], refused["allowed"]) == ("confirmed", ["cancel"])
    refused = problem(await stage.act(first, "accept", on_behalf="phone"), 409, "state_conflict")
    assert refused["allowed"] == ["cancel"]
