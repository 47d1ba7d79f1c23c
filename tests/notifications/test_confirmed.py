"""Whoever is confirmed is told so, once, in words that still hold when they leave."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from backend.core.clock import utc_now
from backend.notifications.schemas import Preferences
from backend.planning import notices
from backend.planning.models import Notice, NoticeKind
from backend.tenancy.acting import Act
from backend.worker.notifying import FILAGE
from tests.notifications.conftest import EXPIRY, House, Letter, Player
from tests.planning.stage import SOON, company_info

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def planned(letters: list[Letter]) -> list[str]:
    """Return the subjects of the planning's mails: accounts cause some of their own."""
    return [letter.subject for letter in letters if "Lever" in letter.subject and "invite" not in letter.subject]


async def told(house: House) -> list[tuple[str, str, str | None]]:
    return [(one["kind"], one["status"], one["reason"]) for one in await house.log()]


async def test_whoever_said_yes_is_told_in_one_mail_that_all_dates_are_confirmed(house: House) -> None:
    calls = [await house.published(SOON + number * DAY) for number in range(3)]
    player = await house.person(account=True)
    made = [await house.option(call, player) for call in calls]
    for one in made:
        assert (await player.answer(one, "accept")).status_code == 200
    await house.work()
    body = {"action": "confirm", "ids": [one["id"] for one in made]}
    assert len((await house.stage.post("/assignments/bulk", body)).json()["done"]) == 3
    (letter,) = await house.work()
    assert letter.subject == "Compagnie du Lever vous confirme 3 dates"
    assert "mercredi 5 mars 2031, de 10 h à 13 h" in letter.text
    for wrong in ("option", "pas un engagement", "rien n'est engagé", "cachet"):
        assert wrong not in letter.text
    assert (await told(house))[-1] == ("confirmed", "sent", None)
    assert await house.work() == []


async def test_whoever_was_never_asked_is_told_with_the_publication_in_their_language(house: House) -> None:
    call = await house.stage.call(await house.stage.production())
    player, nameless = await house.person(account=True), await house.person(address=False)
    own = {"Authorization": f"Bearer {player.token}", "If-Match": "*"}
    assert (await house.client.patch("/api/v1/users/me", json={"language": "en"}, headers=own)).status_code == 200
    for one in (player, nameless):
        await house.stage.confirmed(call, one.person)
    gone = await house.stage.confirmed(call, (await house.person()).person)
    await house.stage.act(gone, "cancel", reason="Erreur")
    assert planned(await house.work()) == []
    assert await house.log() == []
    await house.stage.post(f"/calls/{call['id']}/publish")
    (letter,) = await house.work()
    assert (letter.to, letter.subject) == (player.address, "Compagnie du Lever confirms a date")
    reasons = {one["person"]["id"]: (one["kind"], one["reason"]) for one in await house.log()}
    assert reasons == {
        player.person["id"]: ("confirmed", None),
        nameless.person["id"]: ("confirmed", "no_email"),
        gone["person_id"]: ("confirmed", "nothing_left"),
    }


async def test_somebody_without_an_account_is_told_at_their_address_and_whoever_wants_no_such_mail_is_not(
    house: House,
) -> None:
    call = await house.published(headcount=2)
    without, silent = await house.person(), await house.person(account=True)
    assert (await silent.want(confirmed=False)).status_code == 200
    await house.work()
    for one in (without, silent):
        await house.stage.confirmed(call, one.person)
    (letter,) = await house.work()
    assert (letter.to, letter.subject) == (without.address, "Compagnie du Lever vous confirme une date")
    assert f"Écrivez à Camille Renard ({house.company.email})." in letter.text
    assert "/me" not in letter.text
    assert sorted((one["status"], one["reason"]) for one in await house.log(kind="confirmed", status="skipped")) == [
        ("skipped", "unwanted")
    ]


@pytest.mark.postgresql  # without a queue, the option's mail leaves at once
async def test_an_option_confirmed_before_its_mail_leaves_makes_one_mail_that_says_confirmed(house: House) -> None:
    made = await house.option(await house.published(), await house.person())
    await house.stage.act(made, "confirm")
    assert planned(await house.work()) == ["Compagnie du Lever vous confirme une date"]
    assert await told(house) == [("offered", "skipped", "nothing_left"), ("confirmed", "sent", None)]


@pytest.mark.postgresql
async def test_a_second_choice_confirmed_before_its_mail_leaves_is_told_that_they_are_confirmed(house: House) -> None:
    call = await house.published()
    first, second = await house.person(), await house.person()
    fallen, rises = await house.option(call, first), await house.option(call, second, rank=2)
    await house.work()
    await house.stage.act(fallen, "decline", on_behalf="phone")
    await house.stage.act(rises, "confirm")
    (letter,) = await house.work()
    assert (letter.to, letter.subject) == (second.address, "Compagnie du Lever vous confirme une date")
    assert "second choix" not in letter.text


@pytest.mark.postgresql
async def test_what_is_cancelled_before_its_mail_leaves_is_never_told_as_confirmed(house: House) -> None:
    player = await house.person()
    made = await house.option(await house.published(), player)
    await house.work()
    await house.stage.act(made, "confirm")
    await house.stage.act(made, "cancel", reason="Salle fermée")
    assert await house.work() == []
    assert (await told(house))[1] == ("confirmed", "skipped", "nothing_left")
    assert planned(await house.minute(utc_now() + 20 * MINUTE)) == ["Compagnie du Lever : une date annulée"]


async def confirmed_and_told(house: House) -> tuple[dict[str, Any], Player, dict[str, Any]]:
    """Confirm somebody on a call, and let the mail that says so leave."""
    call, player = await house.published(), await house.person()
    made = await house.stage.confirmed(call, player.person)
    assert planned(await house.work()) == ["Compagnie du Lever vous confirme une date"]
    return call, player, made


async def test_whoever_is_cancelled_by_mistake_and_confirmed_again_is_told_neither_and_a_later_cancellation_is(
    house: House,
) -> None:
    call, player, made = await confirmed_and_told(house)
    await house.stage.act(made, "cancel", reason="Erreur")
    again = await house.stage.confirmed(call, player.person)
    assert await house.work() == []
    assert await house.minute(utc_now() + 20 * MINUTE) == []
    assert sorted(await told(house)) == [
        ("cancelled", "skipped", "nothing_left"),
        ("confirmed", "sent", None),
        ("confirmed", "skipped", "nothing_left"),
    ]
    await house.stage.act(again, "cancel", reason="Salle fermée")
    (letter,) = await house.minute(utc_now() + 40 * MINUTE)
    assert letter.subject == "Compagnie du Lever : une date annulée"
    assert "Salle fermée" in letter.text
    house.at(utc_now() + 60 * MINUTE)
    await house.stage.confirmed(call, player.person)
    assert planned(await house.work()) == ["Compagnie du Lever vous confirme une date"]


async def test_whoever_is_confirmed_again_at_another_hour_is_told_of_it_and_of_no_cancellation(house: House) -> None:
    call, player, made = await confirmed_and_told(house)
    await house.stage.act(made, "cancel", reason="Erreur")
    times = {"starts_at": (SOON + HOUR).isoformat(), "ends_at": (SOON + 4 * HOUR).isoformat()}
    assert (await house.stage.patch(f"/calls/{call['id']}", times)).status_code == 200
    assert (await house.stage.post(f"/calls/{call['id']}/publish")).status_code == 200
    await house.stage.confirmed(call, player.person)
    (letter,) = await house.work()
    assert "de 11 h à 14 h" in letter.text
    assert await house.minute(utc_now() + 20 * MINUTE) == []


async def test_of_two_cancellations_of_one_date_the_last_is_told_and_of_an_option_that_replaced_it_none(
    house: House,
) -> None:
    call, player, made = await confirmed_and_told(house)
    other, asked, held = await confirmed_and_told(house)
    await house.stage.act(made, "cancel", reason="Erreur")
    again = await house.stage.confirmed(call, player.person)
    await house.work()
    await house.stage.act(again, "cancel", reason="Salle fermée")
    await house.stage.act(held, "cancel", reason="À redemander")
    await house.option(other, asked)
    assert [letter.to for letter in await house.work()] == [asked.address]
    (letter,) = await house.minute(utc_now() + 20 * MINUTE)
    assert (letter.to, letter.text.count("Annulé")) == (player.address, 1)
    assert "Salle fermée" in letter.text


@pytest.mark.postgresql  # without a queue, the option's mail leaves at once
async def test_of_an_option_taken_back_at_once_nothing_is_said_to_whoever_declined_the_first(house: House) -> None:
    call, player = await house.published(), await house.person()
    first = await house.option(call, player)
    await house.work()
    await house.stage.act(first, "decline", on_behalf="phone")
    await house.stage.act(await house.option(call, player), "release")
    assert await house.work() == []
    assert await house.minute(utc_now() + 20 * MINUTE) == []


async def test_a_confirmation_that_is_refused_tells_nobody(house: House) -> None:
    call, player = await house.published(), await house.person()
    await house.option(call, player)
    await house.stage.confirmed(call, (await house.person()).person)
    await house.work()
    before: list[Any] = await told(house)
    again = await house.stage.assignment(call, (await house.person()).person)
    assert (await house.stage.act(again, "confirm")).status_code == 409
    assert await house.work() == []
    assert await told(house) == before


async def test_a_company_that_the_release_has_not_reached_notes_no_confirmation(house: House) -> None:
    made = await house.option(await house.published(), await house.person())
    await house.work()
    info = await company_info(house.database, house.company)
    one = notices.Concerned(UUID(made["id"]), UUID(made["call_id"]), UUID(made["person_id"]), EXPIRY, is_published=True)
    async with house.database.company(info) as session:
        act = Act(session, replace(info, revision="t0006"), FILAGE, utc_now())
        notices.note(act, NoticeKind.CONFIRMED, [one])
        await session.flush()
        query = select(func.count()).select_from(Notice).where(Notice.kind == NoticeKind.CONFIRMED)
        assert await session.scalar(query) == 0


def test_each_kind_of_news_can_be_switched_off() -> None:
    assert set(Preferences.model_fields) == {kind.value for kind in NoticeKind}
