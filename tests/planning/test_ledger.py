"""Nobody is held twice: inside a company, over companies, under concurrency; and contested bookings come and go."""

import asyncio
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from backend.core.errors import ConflictError
from backend.planning import ledger
from backend.planning.ledger import Hold
from backend.tenancy.acting import Act, Actor
from backend.tenancy.session import Database
from tests.helpers import problem
from tests.planning.stage import SOON, Stage, company_info, same_person

HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)


async def renumber(database: Database, stage: Stage, old: int, new: int) -> list[UUID]:
    info = await company_info(database, stage.company)
    async with database.company(info) as session:
        return await ledger.renumber(Act(session, info, Actor(None, "test"), NOW), old, new)


async def link_after_booking(
    database: Database, first: tuple[Stage, dict[str, Any]], second: tuple[Stage, dict[str, Any]]
) -> list[UUID]:
    """Link the person of the second company to the number of the first one; return what is contested."""
    old = await same_person(database, (second[0].company, second[1]))
    new = await same_person(database, (first[0].company, first[1]), (second[0].company, second[1]))
    return await renumber(database, second[0], old, new)


async def test_an_overlap_inside_the_company_is_refused_and_names_the_other_assignment(stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    first = await stage.call(production, title="Filage")
    held = await stage.confirmed(first, person)
    second = await stage.assignment(await stage.call(production, SOON + 2 * HOUR), person)
    body = problem(await stage.act(second, "confirm"), 409, "overlap")
    assert body["conflicts"] == [
        {
            "assignment_id": held["id"],
            "person_id": person["id"],
            "call_id": first["id"],
            "title": "Filage",
            "starts_at": "2031-03-03T09:00:00Z",
            "ends_at": "2031-03-03T12:00:00Z",
        }
    ]
    name = f"Geneviève {person['last_name']}"
    assert body["detail"].startswith(f"{name} est déjà confirmé·e sur « Filage » (03/03/2031 10:00-13:00)")
    assert (await stage.read(second))["status"] == "draft"


async def test_a_move_that_is_refused_names_who_and_what_of_the_companys_own(
    stage: Stage, other_stage: Stage, database: Database
) -> None:
    production, own, taken = await stage.production(), await stage.person(), await stage.person("Ariane")
    namesake = await other_stage.person()
    await same_person(database, (stage.company, taken), (other_stage.company, namesake))
    later = SOON + 7 * 24 * HOUR
    await stage.confirmed(await stage.call(production, later, title="Filage"), own)
    await other_stage.confirmed(await other_stage.call(await other_stage.production(), later, title="Gala"), namesake)
    for person, code, told in (
        (own, "overlap", f"Geneviève {own['last_name']} est déjà confirmé·e sur « Filage » (10/03/2031 10:00-13:00)"),
        (taken, "person_not_available",
         f"Ariane {taken['last_name']} n'est pas disponible pour « Répétition » (10/03/2031 10:00-13:00)"),
    ):  # fmt: skip
        call = await stage.call(production)
        await stage.confirmed(call, person)
        times = {"starts_at": later.isoformat(), "ends_at": (later + 3 * HOUR).isoformat()}
        shift = {"source": {"call_ids": [call["id"]]}, "days": 7}
        dry = (await stage.post("/planning/check", {"calls": [{"call_id": call["id"], **times}]})).json()
        sentences = [one["sentence"] for one in dry["refusals"]]
        for answer in (await stage.patch(f"/calls/{call['id']}", times), await stage.post("/planning/shifts", shift)):
            sentences.append(problem(answer, 409, code)["detail"])
            assert "Gala" not in answer.text
            assert other_stage.company.name not in answer.text
        assert [sentence.partition(",")[0].partition(" :")[0] for sentence in sentences] == [told] * 3


async def test_calls_that_touch_do_not_overlap(stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    await stage.confirmed(await stage.call(production), person)
    await stage.confirmed(await stage.call(production, SOON + 3 * HOUR), person)


async def test_two_people_may_be_held_at_one_time(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    await stage.confirmed(call, await stage.person())
    await stage.confirmed(call, await stage.person())


async def test_options_may_overlap(stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    await stage.confirmed(await stage.call(production), person)
    second = await stage.assignment(await stage.call(production), person)
    answer = await stage.act(second, "offer", expires_at=(SOON - HOUR).isoformat())
    assert answer.status_code == 200


async def test_a_person_held_elsewhere_is_not_available_and_not_a_word_more(
    stage: Stage, other_stage: Stage, database: Database
) -> None:
    person, namesake = await stage.person(), await other_stage.person()
    await same_person(database, (stage.company, person), (other_stage.company, namesake))
    production, other_production = await stage.production(), await other_stage.production()
    await other_stage.confirmed(await other_stage.call(other_production, title="CANARI"), namesake)
    await other_stage.confirmed(await other_stage.call(other_production, SOON + 48 * HOUR, hours=5), namesake)
    refused = []
    for starts_at, hours in ((SOON, 3), (SOON + HOUR, 1), (SOON + 50 * HOUR, 24)):
        wanted = await stage.assignment(await stage.call(production, starts_at, hours), person)
        answer = await stage.act(wanted, "confirm")
        body = problem(answer, 409, "person_not_available")
        refused.append(re.sub(r" \(.*?\)", "", body["detail"]))  # but for the times asked for, the same words
        assert answer.json()["title"] == "Conflict"
        assert set(body) == {"type", "title", "status", "code", "detail", "trace_id"}
    assert len(set(refused)) == 1
    assert "CANARI" not in refused[0]


async def test_the_same_times_are_free_for_people_who_are_not_one_person(stage: Stage, other_stage: Stage) -> None:
    await stage.confirmed(await stage.call(await stage.production()), await stage.person())
    await other_stage.confirmed(await other_stage.call(await other_stage.production()), await other_stage.person())


async def test_the_companys_own_conflict_is_told_even_when_another_company_holds_the_person_too(
    stage: Stage, other_stage: Stage, database: Database
) -> None:
    person, namesake = await stage.person(), await other_stage.person()
    await same_person(database, (stage.company, person), (other_stage.company, namesake))
    production = await stage.production()
    await stage.confirmed(await stage.call(production), person)
    await other_stage.confirmed(await other_stage.call(await other_stage.production(), SOON + 3 * HOUR), namesake)
    wanted = await stage.assignment(await stage.call(production, SOON + HOUR, hours=4), person)
    body = problem(await stage.act(wanted, "confirm"), 409, "overlap")
    assert len(body["conflicts"]) == 1


async def test_of_fifty_concurrent_confirmations_from_two_companies_exactly_one_wins(
    stage: Stage, other_stage: Stage, database: Database
) -> None:
    person, namesake = await stage.person(), await other_stage.person()
    await same_person(database, (stage.company, person), (other_stage.company, namesake))
    wanted: list[tuple[Stage, dict[str, Any]]] = []
    for where, who in ((stage, person), (other_stage, namesake)):
        production = await where.production()
        for number in range(25):
            call = await where.call(production, SOON + number * timedelta(minutes=1))
            wanted.append((where, await where.assignment(call, who)))
    in_turn = wanted[::2] + wanted[1::2]
    answers = await asyncio.gather(*(where.act(assignment, "confirm") for where, assignment in in_turn))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 49}
    confirmed = [await where.get("/assignments", status="confirmed") for where in (stage, other_stage)]
    assert sum(len(answer.json()["items"]) for answer in confirmed) == 1


async def test_concurrent_confirmations_of_one_assignment_give_one_200_and_else_409(stage: Stage) -> None:
    assignment = await stage.assignment(await stage.call(await stage.production()), await stage.person())
    answers = await asyncio.gather(*(stage.act(assignment, "confirm") for _ in range(10)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 9}
    for answer in answers:
        if answer.status_code != 200:
            problem(answer, 409, "state_conflict")


async def test_a_call_moves_with_its_people_in_the_ledger(stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    call = await stage.call(production)
    await stage.confirmed(call, person)
    later = {"starts_at": (SOON + 24 * HOUR).isoformat(), "ends_at": (SOON + 27 * HOUR).isoformat()}
    assert (await stage.patch(f"/calls/{call['id']}", later)).status_code == 200
    await stage.confirmed(await stage.call(production), person)
    again = await stage.assignment(await stage.call(production, SOON + 25 * HOUR), person)
    problem(await stage.act(again, "confirm"), 409, "overlap")


async def test_a_call_that_grows_over_its_own_former_time_is_no_conflict_with_itself(stage: Stage) -> None:
    call = await stage.call(await stage.production())
    await stage.confirmed(call, await stage.person())
    answer = await stage.patch(f"/calls/{call['id']}", {"ends_at": (SOON + 5 * HOUR).isoformat()})
    assert answer.status_code == 200, answer.text


async def test_a_call_is_not_moved_onto_a_busy_person_and_all_stays_as_it_was(
    stage: Stage, other_stage: Stage, database: Database
) -> None:
    person, namesake, free = await stage.person(), await other_stage.person(), await stage.person()
    await same_person(database, (stage.company, person), (other_stage.company, namesake))
    production = await stage.production()
    call = await stage.call(production)
    for who in (person, free):
        await stage.confirmed(call, who)
    await other_stage.confirmed(await other_stage.call(await other_stage.production(), SOON + 24 * HOUR), namesake)
    later = {"starts_at": (SOON + 25 * HOUR).isoformat(), "ends_at": (SOON + 28 * HOUR).isoformat()}
    before = (await stage.get(f"/calls/{call['id']}")).json()
    problem(await stage.patch(f"/calls/{call['id']}", later), 409, "person_not_available")
    assert (await stage.get(f"/calls/{call['id']}")).json() == before
    assert (before["starts_at"], before["version"]) == (call["starts_at"], call["version"])
    await stage.confirmed(await stage.call(production, SOON + 25 * HOUR), free)
    own = await stage.assignment(await stage.call(production), free)
    problem(await stage.act(own, "confirm"), 409, "overlap")


async def test_a_cancelled_assignment_frees_the_person(stage: Stage) -> None:
    production, person = await stage.production(), await stage.person()
    held = await stage.confirmed(await stage.call(production), person)
    cancelled = await stage.act(held, "cancel", reason="Date reportée")
    assert cancelled.json()["status"] == "cancelled"
    await stage.confirmed(await stage.call(production), person)


async def test_a_cancelled_call_frees_everybody_on_it(stage: Stage) -> None:
    production = await stage.production()
    people = [await stage.person(), await stage.person()]
    call = await stage.call(production)
    for person in people:
        await stage.confirmed(call, person)
    assert (await stage.patch(f"/calls/{call['id']}", {"status": "cancelled"})).status_code == 200
    for person in people:
        await stage.confirmed(await stage.call(production), person)


@pytest.mark.parametrize("whose", ["the linked company's", "the other company's"])
async def test_linking_makes_the_overlap_of_the_linked_company_contested_until_one_side_falls(
    stage: Stage, other_stage: Stage, database: Database, whose: str
) -> None:
    person, namesake = await stage.person(), await other_stage.person()
    held = await stage.confirmed(await stage.call(await stage.production()), person)
    production = await other_stage.production()
    overlapping = await other_stage.confirmed(await other_stage.call(production, SOON + HOUR), namesake)
    apart = await other_stage.confirmed(await other_stage.call(production, SOON + 24 * HOUR), namesake)

    contested = await link_after_booking(database, (stage, person), (other_stage, namesake))

    assert contested == [UUID(overlapping["id"])]
    assert await _state(other_stage, overlapping) == ("confirmed", True)
    assert await _state(other_stage, apart) == ("confirmed", False)
    assert await _state(stage, held) == ("confirmed", False)
    listed = (await other_stage.get("/assignments")).json()["items"]
    assert {item["id"]: item["contested"] for item in listed} == {overlapping["id"]: True, apart["id"]: False}

    falls, by, stays, of = (
        (overlapping, other_stage, held, stage)
        if whose == "the linked company's"
        else (held, stage, overlapping, other_stage)
    )
    assert (await by.act(falls, "cancel", reason="Date reportée")).status_code == 200
    assert await _state(of, stays) == ("confirmed", False)
    # What was contested holds its person now: the database refuses the first company at that time.
    again = await by.assignment(await by.call(await by.production(), SOON + HOUR), person if by is stage else namesake)
    problem(await by.act(again, "confirm"), 409, "person_not_available")


async def test_moving_a_call_away_ends_what_it_contested(stage: Stage, other_stage: Stage, database: Database) -> None:
    person, namesake = await stage.person(), await other_stage.person()
    call = await stage.call(await stage.production())
    await stage.confirmed(call, person)
    theirs = await other_stage.confirmed(await other_stage.call(await other_stage.production()), namesake)
    await link_after_booking(database, (stage, person), (other_stage, namesake))
    assert await _state(other_stage, theirs) == ("confirmed", True)
    later = {"starts_at": (SOON + 24 * HOUR).isoformat(), "ends_at": (SOON + 27 * HOUR).isoformat()}
    assert (await stage.patch(f"/calls/{call['id']}", later)).status_code == 200
    assert await _state(other_stage, theirs) == ("confirmed", False)


async def test_a_contested_call_that_moves_to_a_free_time_is_contested_no_more(
    stage: Stage, other_stage: Stage, database: Database
) -> None:
    person, namesake = await stage.person(), await other_stage.person()
    await stage.confirmed(await stage.call(await stage.production()), person)
    call = await other_stage.call(await other_stage.production())
    theirs = await other_stage.confirmed(call, namesake)
    await link_after_booking(database, (stage, person), (other_stage, namesake))
    nearer = {"starts_at": (SOON + HOUR).isoformat(), "ends_at": (SOON + 4 * HOUR).isoformat()}
    assert (await other_stage.patch(f"/calls/{call['id']}", nearer)).status_code == 200
    assert await _state(other_stage, theirs) == ("confirmed", True)
    later = {"starts_at": (SOON + 24 * HOUR).isoformat(), "ends_at": (SOON + 27 * HOUR).isoformat()}
    assert (await other_stage.patch(f"/calls/{call['id']}", later)).status_code == 200
    assert await _state(other_stage, theirs) == ("confirmed", False)


async def test_thousands_of_holds_take_few_statements_and_the_refused_ones_are_named(
    stage: Stage, database: Database
) -> None:
    info = await company_info(database, stage.company)
    holds = [
        Hold(UUID(int=(UUID(stage.company.id).int + 1 + n) % 2**128), 900_000_000 + n % 40, *_slot(n // 40))
        for n in range(2000)
    ]
    twice = Hold(UUID(int=(UUID(stage.company.id).int + 5000) % 2**128), 900_000_000, *_slot(7))
    async with database.company(info) as session:
        act = Act(session, info, Actor(None, "test"), NOW)
        assert await ledger.try_hold(act, [*holds, twice]) == [twice]
        await ledger.release(act, [hold.assignment_id for hold in holds[:40]])
        assert await ledger.try_hold(act, holds[:40]) == []
        await ledger.release(act, [hold.assignment_id for hold in holds])


async def test_holding_several_people_is_all_or_none(stage: Stage, database: Database) -> None:
    production, person = await stage.production(), await stage.person()
    held = await stage.confirmed(await stage.call(production), person)
    number = await same_person(database, (stage.company, person))
    info = await company_info(database, stage.company)
    ids = [UUID(int=(UUID(stage.company.id).int + n) % 2**128) for n in (1, 2)]
    free = Hold(ids[0], 910_000_000, SOON, SOON + HOUR)
    async with database.company(info) as session:
        act = Act(session, info, Actor(None, "test"), NOW)
        with pytest.raises(ConflictError) as refused:
            await ledger.hold(act, [free, Hold(ids[1], number, SOON, SOON + HOUR)])
        assert [conflict["assignment_id"] for conflict in refused.value.extra["conflicts"]] == [held["id"]]
        assert await ledger.try_hold(act, [free]) == []
        await ledger.release(act, ids)


@pytest.mark.postgresql
async def test_a_company_sees_and_changes_its_own_rows_of_the_ledger_only(
    stage: Stage, other_stage: Stage, database: Database
) -> None:
    theirs = await other_stage.confirmed(
        await other_stage.call(await other_stage.production()), await other_stage.person()
    )
    info = await company_info(database, stage.company)
    async with database.company(info) as session:
        await ledger.release(Act(session, info, Actor(None, "test"), NOW), [UUID(theirs["id"])])
    person = await other_stage.person()
    assert theirs["person_id"] != person["id"]
    again = await other_stage.assignment(
        await other_stage.call(await other_stage.production()), {"id": theirs["person_id"]}
    )
    problem(await other_stage.act(again, "confirm"), 409, "overlap")


async def test_another_companys_ids_name_nothing_here(client: AsyncClient, stage: Stage, other_stage: Stage) -> None:
    theirs = await other_stage.assignment(
        await other_stage.call(await other_stage.production()), await other_stage.person()
    )
    for act in ("confirm", "release"):
        problem(await stage.act(theirs, act), 404, "not_found")
    problem(await stage.get(f"/calls/{theirs['call_id']}"), 404, "not_found")
    assert (await other_stage.read(theirs))["status"] == "draft"


async def _state(stage: Stage, assignment: dict[str, Any]) -> tuple[str, bool]:
    found = await stage.read(assignment)
    return found["status"], found["contested"]


def _slot(number: int) -> tuple[datetime, datetime]:
    return SOON + number * HOUR, SOON + (number + 1) * HOUR
