"""A first choice falls, the second moves up and is told, once; what fell may stand again while nobody has."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from backend.core.clock import utc_now
from backend.planning.models import Assignment
from tests.counting import statements
from tests.helpers import problem
from tests.notifications.conftest import EXPIRY, House, Player
from tests.planning.stage import SOON, company_info
from tests.planning.test_assignments import expire

MINUTE = timedelta(minutes=1)


async def first_and_second(house: House) -> tuple[dict[str, Any], dict[str, Any], Player, Player]:
    """Offer one place to a first and a second choice, and let their mails go."""
    call = await house.published()
    one, two = await house.person(), await house.person()
    first, second = await house.option(call, one), await house.option(call, two, rank=2)
    await house.work()
    return first, second, one, two


async def rank(house: House, assignment: dict[str, Any]) -> tuple[str, int, bool]:
    found = await house.stage.read(assignment)
    return found["status"], found["rank"], found["promoted_at"] is not None


@pytest.mark.parametrize("how", ["declined", "released", "cancelled", "expired", "expired and asked anew"])
async def test_the_second_moves_up_when_the_first_falls_and_gets_one_mail(house: House, how: str) -> None:
    first, second, one, two = await first_and_second(house)
    stage = house.stage
    if how == "declined":
        assert (await stage.act(first, "decline", on_behalf="phone")).status_code == 200
    elif how == "released":
        assert (await stage.act(first, "release")).status_code == 200
    elif how == "cancelled":
        await stage.act(first, "confirm")
        assert await rank(house, second) == ("option", 2, False)
        assert (await stage.act(first, "cancel", reason="Malade")).status_code == 200
    elif how == "expired":
        await shorten(house, first)
        await house.renew()
    else:
        await shorten(house, first)
        call = {"id": first["call_id"]}
        await stage.assignment(call, one.person)  # what time has decided is stored by the next act on it
    letters = await (house.minute(utc_now() + MINUTE) if how == "expired" else house.work())
    assert await rank(house, second) == ("option", 1, True)
    assert [letter.to for letter in letters if "premier choix" in letter.subject] == [two.address]
    assert [one["kind"] for one in await house.log(person_id=two.person["id"])] == ["offered", "promoted"]
    assert await house.minute(utc_now() + 2 * MINUTE) == []


async def test_a_second_who_has_said_yes_reads_that_there_is_nothing_to_answer(house: House) -> None:
    call, other = await house.published(), await house.published(SOON + timedelta(days=1))
    first, second = await house.person(), await house.person(account=True)
    held = [await house.option(one, first) for one in (call, other)]
    rises = [
        await house.option(one, second, rank=2, message=said)
        for one, said in ((call, "Le rôle est long."), (other, "Le rôle est court."))
    ]
    assert (await second.answer(rises[0], "accept")).status_code == 200
    await house.work()
    await house.stage.act(held[0], "release")
    (letter,) = await house.work()
    assert letter.to == second.address
    assert "Vous avez déjà dit oui : il n'y a rien à répondre." in letter.text
    for wrong in ("Répondez", "Sans réponse", "une réponse ?"):
        assert wrong not in letter.text
    assert (await second.answer(rises[1], "accept")).status_code == 200
    assert (await second.answer(rises[1], "decline")).status_code == 200
    await house.stage.act(rises[1], "undo")  # the yes is taken back: the date waits for an answer again
    await house.work()
    await house.stage.act(held[1], "release")
    (letter,) = await house.work()
    assert "Répondez date par date" in letter.text
    assert "dit oui" not in letter.text
    assert "Le rôle est court." in letter.text


async def test_a_promotion_by_the_clock_is_due_from_the_expiry_and_of_an_unpublished_call_waits(house: House) -> None:
    call, hidden = await house.published(), await house.stage.call(await house.stage.production(), SOON)
    first, second, other = [await house.person() for _ in range(3)]
    later = (EXPIRY + timedelta(days=1)).isoformat()
    for one, rises in ((call, second), (hidden, other)):
        await house.option(one, first, expires_at=(EXPIRY - timedelta(seconds=20)).isoformat())
        await house.option(one, rises, rank=2, expires_at=later)
    await house.work()
    letters = await house.minute(EXPIRY)
    assert [letter.to for letter in letters if "premier choix" in letter.subject] == [second.address]
    (told,) = await house.log(kind="promoted")
    due = datetime.fromisoformat(told["send_after"])
    assert (due, told["latency_seconds"]) == (EXPIRY - timedelta(seconds=20), 20.0)
    assert (await house.stage.post(f"/calls/{hidden['id']}/publish")).status_code == 200
    letters = await house.work()
    assert [letter.to for letter in letters if "premier choix" in letter.subject] == [other.address]


async def shorten(house: House, option: dict[str, Any]) -> None:
    """Let the option have expired, as far as the database knows; its company is due."""
    await expire(house.database, house.stage, option)


async def test_options_expire_by_the_clock_to_the_minute_and_the_history_says_so(house: House) -> None:
    first, second, _, _ = await first_and_second(house)
    await house.minute(EXPIRY - MINUTE)
    assert await status_stored(house, first) == "option"
    await house.minute(EXPIRY)
    assert await status_stored(house, first) == "expired"
    assert await status_stored(house, second) == "expired"
    events = (await house.stage.get(f"/assignments/{first['id']}/history")).json()["items"]
    assert [(one["what"], one["from"], one["to"], one["by"]) for one in events] == [
        ("assignment.expired", "option", "expired", "Filage"),
        ("assignment.offered", "draft", "option", "Camille Renard"),
        ("assignment.created", None, "draft", "Camille Renard"),
    ]


async def status_stored(house: House, assignment: dict[str, Any]) -> str:
    """Return what the table says, whatever time makes of it."""
    async with house.database.company(await company_info(house.database, house.company)) as session:
        query = select(Assignment.status).where(Assignment.id == UUID(assignment["id"]))
        return str((await session.scalars(query)).one())


async def test_a_minute_opens_the_companies_that_have_something_due_and_no_other(house: House) -> None:
    await first_and_second(house)
    with statements() as sent:
        assert await house.minute(EXPIRY - timedelta(days=5)) == []
    assert not [one for one in sent if "assignment" in one]
    with statements() as sent:
        await house.minute(EXPIRY)
    assert [one for one in sent if "assignment" in one]


async def test_one_moves_up_for_each_who_falls_whoever_said_yes_first_and_never_beyond_the_headcount(
    house: House,
) -> None:
    call = await house.published(headcount=2)
    people = [await house.person() for _ in range(5)]
    firsts = [await house.option(call, one) for one in people[:2]]
    seconds = [await house.option(call, one, rank=2) for one in people[2:]]
    await house.stage.act(seconds[1], "accept", on_behalf="phone")
    await house.stage.act(firsts[0], "release")
    assert [(await rank(house, one))[1] for one in seconds] == [2, 1, 2]
    await house.stage.act(seconds[1], "confirm")
    await house.stage.act(firsts[1], "release")
    assert [(await rank(house, one))[1] for one in seconds] == [1, 1, 2]
    third = await house.option(call, await house.person())  # one first choice more than there are places
    await house.stage.act(third, "release")
    assert [(await rank(house, one))[1] for one in seconds] == [1, 1, 2]
    await house.stage.act(seconds[2], "release")  # a second who falls makes room for nobody
    assert [(await rank(house, one))[1] for one in seconds] == [1, 1, 2]


@pytest.mark.postgresql
async def test_two_firsts_who_fall_at_once_let_two_seconds_move_up(house: House) -> None:
    call = await house.published(headcount=2)
    people = [await house.person() for _ in range(4)]
    firsts = [await house.option(call, one) for one in people[:2]]
    seconds = [await house.option(call, one, rank=2) for one in people[2:]]
    answers = await asyncio.gather(*(house.stage.act(one, "release") for one in firsts))
    assert {answer.status_code for answer in answers} == {200}
    assert [(await rank(house, one))[1] for one in seconds] == [1, 1]


async def test_a_call_that_is_cancelled_lets_nobody_move_up(house: House) -> None:
    first, second, _, _ = await first_and_second(house)
    body = {"status": "cancelled", "cancel_reason": "Salle fermée"}
    assert (await house.stage.patch(f"/calls/{first['call_id']}", body)).status_code == 200
    assert await rank(house, second) == ("released", 2, False)
    await house.work()
    assert [one["kind"] for one in await house.log(kind="promoted")] == []


async def test_an_answer_or_a_release_by_mistake_is_taken_back_until_somebody_moves_up(house: House) -> None:
    call = await house.published()
    first = await house.option(call, await house.person())
    stage = house.stage
    for act, body in (("decline", {"on_behalf": "phone", "reason": "Erreur"}), ("release", {})):
        fallen = (await stage.act(first, act, **body)).json()
        assert fallen["allowed"] == ["undo"]
        restored = (await stage.act(first, "undo")).json()
        assert (restored["status"], restored["reason"], restored["decided_by"]) == ("option", None, None)
    assert restored["expires_at"] == "2031-02-21T09:00:00Z"
    problem(await stage.act(first, "undo"), 409, "state_conflict")
    second = await house.option(call, await house.person(), rank=2)
    await stage.act(first, "decline", on_behalf="in_person")
    problem(await stage.act(first, "undo"), 409, "promoted")
    await stage.act(second, "release")
    assert (await stage.act(first, "undo")).json()["status"] == "option"
    await stage.act(first, "release")
    await shorten(house, first)
    refused = problem(await stage.act(first, "undo"), 409, "state_conflict")
    assert refused["allowed"] == []


async def test_what_was_asked_anew_or_cancelled_with_its_call_is_not_restored(house: House) -> None:
    call, player = await house.published(), await house.person()
    first = await house.option(call, player)
    await house.stage.act(first, "release")
    again = await house.stage.assignment(call, player.person)
    problem(await house.stage.act(first, "undo"), 409, "duplicate")
    await house.stage.delete(f"/assignments/{again['id']}")
    await house.stage.patch(f"/calls/{call['id']}", {"status": "cancelled", "cancel_reason": "Salle fermée"})
    problem(await house.stage.act(first, "undo"), 409, "state_conflict")


async def test_an_answer_recorded_for_somebody_says_who_recorded_it_and_how_it_was_given(house: House) -> None:
    first = await house.option(await house.published(), await house.person())
    accepted = (await house.stage.act(first, "accept", on_behalf="phone")).json()
    assert (accepted["status"], accepted["decided_by"]) == ("accepted", "Camille Renard")
    problem(await house.stage.act(first, "accept", on_behalf="phone"), 409, "state_conflict")
    problem(await house.stage.act(first, "decline"), 422)
    await house.stage.act(first, "decline", on_behalf="written", reason="Un autre contrat")
    events = (await house.stage.get(f"/assignments/{first['id']}/history")).json()["items"]
    told = [(one["to"], one["by"], one["on_behalf"], one["reason"]) for one in events]
    assert told[:2] == [
        ("declined", "Camille Renard", "written", "Un autre contrat"),
        ("accepted", "Camille Renard", "phone", None),
    ]
    page = (await house.stage.get(f"/assignments/{first['id']}/history", limit=1)).json()
    assert page["items"] == events[:1]
    assert page["next_cursor"]
    problem(await house.stage.get("/assignments/0197a3c2-5b1e-7c3a-9d2f-1a2b3c4d5e6f/history"), 404, "not_found")


async def test_the_second_is_told_to_write_to_the_company_and_never_learns_who_the_first_was(house: House) -> None:
    call = await house.published()
    first, second = await house.person(account=True), await house.person()
    option = await house.option(call, first)
    await house.option(call, second, rank=2)
    asked = {letter.to: letter.text for letter in await house.work() if "propose" in letter.subject}
    assert "Second choix : une autre personne est demandée avant vous." in asked[second.address]
    assert "Second choix" not in asked[first.address]
    assert (await first.answer(option, "decline")).status_code == 200
    (letter,) = await house.work()
    assert letter.to == second.address
    assert "une autre personne" not in letter.text
    assert f"Camille Renard ({house.company.email})" in letter.text
    assert first.address not in letter.text
    assert "Dominique" not in letter.text
