"""Mails that the server refuses, for now or for good: nobody keeps believing what is no longer so."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest

from backend.core.clock import utc_now
from backend.outbox.mail import Mail
from backend.outbox.mailer import Mailer, MailRefusedError
from tests.notifications.conftest import House
from tests.notifications.test_confirmed import DAY, HOUR, MINUTE, confirmed_and_told, planned, told
from tests.planning.stage import SOON

# SQLite has no queue: a mail has one try there.
pytestmark = pytest.mark.postgresql
LONG = 3 * HOUR
CANCELLED = ["Compagnie du Lever : une date annulée"]


async def move(house: House, call: dict[str, Any], start: datetime) -> None:
    times = {"starts_at": start.isoformat(), "ends_at": (start + LONG).isoformat()}
    assert (await house.stage.patch(f"/calls/{call['id']}", times)).status_code == 200
    assert (await house.stage.post(f"/calls/{call['id']}/publish")).status_code == 200


@pytest.fixture
def before_the_second_try(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Awaitable[Any]]], None]:
    """Let the server refuse one mail for now, and do something before it is tried again."""

    def arrange(act: Callable[[], Awaitable[Any]]) -> None:
        send_once, waiting = Mailer.send_once, [act]

        async def send(mailer: Mailer, mail: Mail) -> None:
            if waiting:
                await waiting.pop()()
                raise MailRefusedError("SMTPDataError 451", for_good=False)
            await send_once(mailer, mail)

        monkeypatch.setattr(Mailer, "send_once", send)

    return arrange


async def test_a_date_that_the_second_try_leaves_out_was_told_to_nobody(
    house: House, before_the_second_try: Callable[[Callable[[], Awaitable[Any]]], None]
) -> None:
    first, second = await house.published(SOON), await house.published(SOON + DAY)
    player = await house.person()
    made = await house.stage.confirmed(first, player.person)
    await house.stage.confirmed(second, player.person)
    before_the_second_try(lambda: house.stage.act(made, "cancel", reason="Erreur"))
    assert len(planned(await house.work())) == 1
    await house.stage.confirmed(first, player.person)
    (letter,) = await house.work()
    assert letter.subject == "Compagnie du Lever vous confirme une date"
    assert "lundi 3 mars 2031, de 10 h" in letter.text


async def test_a_move_that_the_second_try_leaves_out_is_told_when_it_is_made_again(
    house: House, before_the_second_try: Callable[[Callable[[], Awaitable[Any]]], None]
) -> None:
    first, second = await house.published(SOON), await house.published(SOON + DAY)
    player = await house.person()
    for call in (first, second):
        await house.stage.confirmed(call, player.person)
    assert len(await house.work()) == 1
    for call, start in ((first, SOON + HOUR), (second, SOON + DAY + HOUR)):
        await move(house, call, start)
    before_the_second_try(lambda: move(house, first, SOON))
    letters = [*await house.minute(utc_now() + 20 * MINUTE), *await house.minute(utc_now() + 40 * MINUTE)]
    assert not any("lundi 3 mars" in letter.text for letter in letters)
    await move(house, first, SOON + HOUR)
    letters = await house.minute(utc_now() + 60 * MINUTE)
    assert any("lundi 3 mars 2031, de 11 h" in letter.text for letter in letters)


async def test_a_confirmation_that_never_left_does_not_hide_the_one_before_it(house: House) -> None:
    call, player, made = await confirmed_and_told(house)
    await house.stage.act(made, "cancel", reason="Erreur")
    await move(house, call, SOON + HOUR)
    again = await house.stage.confirmed(call, player.person)
    house.post.answers = ["550 no"]
    assert await house.work() == []
    assert await house.minute(utc_now() + 20 * MINUTE) == []
    await house.stage.act(again, "cancel", reason="Salle fermée")
    assert planned(await house.minute(utc_now() + 40 * MINUTE)) == CANCELLED, await told(house)


async def test_a_cancellation_that_never_left_is_told_by_the_next_one(house: House) -> None:
    call, player, made = await confirmed_and_told(house)
    await house.stage.act(made, "cancel", reason="Un")
    house.post.answers = ["550 no"]
    assert await house.minute(utc_now() + 20 * MINUTE) == []
    again = await house.stage.confirmed(call, player.person)
    await house.stage.act(again, "cancel", reason="Deux")
    assert planned(await house.minute(utc_now() + 40 * MINUTE)) == CANCELLED, await told(house)


async def test_an_hour_whose_mail_never_left_is_told_with_the_next_confirmation(house: House) -> None:
    call, player, made = await confirmed_and_told(house)
    await move(house, call, SOON + 2 * HOUR)
    house.post.answers = ["550 no"]
    assert await house.minute(utc_now() + 20 * MINUTE) == []
    await house.stage.act(made, "cancel", reason="Erreur")
    await house.stage.confirmed(call, player.person)
    letters = await house.minute(utc_now() + 40 * MINUTE)
    assert any("de 12 h" in letter.text for letter in letters), await told(house)
