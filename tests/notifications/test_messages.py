"""Who is written to, when, how often and about what; and that the log tells the same story."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from backend.core.clock import utc_now
from backend.notifications import attending, posting
from backend.notifications.log import KEPT_FOR
from backend.planning.models import Message, Notice
from backend.planning.notices import GATHERED_FOR
from backend.tenancy import agenda
from backend.tenancy.acting import Act
from backend.worker.app import Order
from backend.worker.notifying import FILAGE
from backend.worker.periodic import purge_company
from tests.helpers import accept, member, problem, sign_up, unique
from tests.notifications.conftest import EXPIRY, House, Player
from tests.planning.stage import PARIS, SOON, Stage, company_info

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
WINDOW = 15 * MINUTE


async def moved(house: House, call: dict[str, Any], by: timedelta, hours: float = 3, **fields: Any) -> None:
    """Move a call to so long after its first start, and publish it."""
    starts_at = datetime.fromisoformat(call["starts_at"]) + by
    body = {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + hours * HOUR).isoformat(), **fields}
    changed = await house.stage.patch(f"/calls/{call['id']}", body)
    assert changed.status_code == 200, changed.text
    published = await house.stage.post(f"/calls/{call['id']}/publish")
    assert published.status_code == 200, published.text


async def confirmed(house: House, call: dict[str, Any], player: Player) -> dict[str, Any]:
    """Confirm somebody, and let the mail that says so leave."""
    made = await house.stage.confirmed(call, player.person)
    await house.work()
    return made


async def test_one_mail_goes_to_each_person_whatever_the_number_of_options(house: House) -> None:
    calls = [await house.published(SOON + number * DAY, headcount=3) for number in range(5)]
    players = [await house.person(account=number == 0) for number in range(3)]
    made = [await house.stage.assignment(call, player.person) for call in calls for player in players]
    ids = [one["id"] for one in made]
    body = {"action": "offer", "ids": ids, "expires_at": EXPIRY.isoformat(), "message": "Une semaine avec nous ?"}
    assert (await house.stage.post("/assignments/bulk", body)).status_code == 200
    letters = await house.work()
    planning = [letter for letter in letters if "propose" in letter.subject]
    assert sorted(letter.to for letter in planning) == sorted(player.address for player in players)
    assert {letter.subject for letter in planning} == {"Compagnie du Lever vous propose 5 dates"}
    letter = next(letter for letter in planning if letter.to == players[0].address)
    for day in ("lundi 3 mars 2031", "mardi 4", "mercredi 5", "jeudi 6", "vendredi 7 mars 2031"):
        assert day in letter.text
    assert "de 10 h à 13 h" in letter.text
    assert "Option jusqu'au 21 février 2031 à 10 h" in letter.text
    assert letter.text.count("«\u00a0Une semaine avec nous ?\u00a0»") == 1
    assert "/me" in letter.text
    assert "pas un engagement" in letter.text
    assert "cachet" not in letter.text
    log = await house.log()
    assert [(one["kind"], one["status"], one["reason"]) for one in log] == [("offered", "sent", None)] * 3
    assert {one["person"]["id"] for one in log} == {player.person["id"] for player in players}
    assert all(one["sent_at"] and one["latency_seconds"] < 30 for one in log)
    assert await house.work() == []


async def test_an_offer_on_a_call_that_nobody_was_told_of_is_told_with_its_publication(house: House) -> None:
    call = await house.stage.call(await house.stage.production())
    player, gone = await house.person(), await house.person()
    await house.option(call, player)
    released = await house.option(call, gone)
    await house.stage.act(released, "release")
    assert await house.work() == []
    assert await house.log() == []
    await house.stage.post(f"/calls/{call['id']}/publish")
    assert [letter.to for letter in await house.work()] == [player.address]
    assert [(one["status"], one["reason"]) for one in await house.log(person_id=gone.person["id"])] == [
        ("skipped", "nothing_left")
    ]


async def test_changes_of_fifteen_minutes_make_one_mail_that_names_what_was_before(house: House) -> None:
    call, other = await house.published(), await house.published(SOON + 2 * DAY)
    player = await house.person()
    await confirmed(house, call, player)
    second = await confirmed(house, other, player)
    await house.work()
    begun = utc_now()
    await moved(house, call, 30 * MINUTE)
    await moved(house, call, HOUR)
    await house.stage.act(second, "cancel", reason="La salle est fermée.")
    assert await house.work() == []
    assert [(one["kind"], one["status"]) for one in await house.log(kind="changed")] == [("changed", "queued")]
    assert await house.minute(begun + WINDOW - 2 * MINUTE) == []
    (letter,) = await house.minute(begun + WINDOW + 2 * MINUTE)
    assert (letter.to, letter.subject) == (player.address, "Compagnie du Lever : votre planning change")
    assert "lundi 3 mars 2031, de 11 h à 14 h" in letter.text
    assert "Avant : lundi 3 mars 2031, de 10 h à 13 h" in letter.text
    assert "10 h 30" not in letter.text
    assert "mercredi 5 mars 2031" in letter.text
    assert "Annulé" in letter.text
    assert "La salle est fermée." in letter.text
    (changed,), (cancelled,) = await house.log(kind="changed"), await house.log(kind="cancelled")
    assert (changed["status"], cancelled["status"]) == ("sent", "sent")  # one mail, found under each kind
    assert changed["sent_at"] == cancelled["sent_at"]
    assert await house.minute(begun + HOUR) == []
    await moved(house, call, 3 * HOUR)  # the next window is another mail
    assert len(await house.minute(utc_now() + 2 * WINDOW)) == 1


async def test_what_is_taken_back_within_the_window_is_not_told(house: House) -> None:
    call, player = await house.published(), await house.person()
    await confirmed(house, call, player)
    await moved(house, call, HOUR)
    await moved(house, call, timedelta())
    assert await house.minute(utc_now() + 2 * WINDOW) == []
    assert [(one["kind"], one["status"], one["reason"]) for one in await house.log(kind="changed")] == [
        ("changed", "skipped", "nothing_left")
    ]


async def test_a_quarter_of_an_hour_is_not_told_and_another_place_is(house: House) -> None:
    call, player = await house.published(), await house.person()
    await confirmed(house, call, player)
    await moved(house, call, WINDOW)
    await house.stage.patch(f"/calls/{call['id']}", {"title": "Filage"})
    await house.stage.post(f"/calls/{call['id']}/publish")
    assert await house.minute(utc_now() + 2 * WINDOW) == []
    assert await house.log(kind="changed") == []
    venue = await house.stage.create("/venues", name="L'Atelier", city="Nantes", timezone="Europe/Paris")
    await moved(house, call, WINDOW, venue_id=venue["id"])
    (letter,) = await house.minute(utc_now() + 2 * WINDOW)
    assert "L'Atelier, Nantes" in letter.text
    assert "Lieu à préciser" in letter.text


async def test_what_is_less_than_a_day_away_is_told_at_once_with_all_that_waits(house: House) -> None:
    soon = (utc_now() + 6 * HOUR).replace(second=0, microsecond=0)
    call, later = await house.published(soon), await house.published()
    player = await house.person()
    expiry: dict[str, Any] = {"expires_at": (soon - HOUR).isoformat()}
    await house.option(call, player, **expiry)
    held = await confirmed(house, later, player)
    await house.work()
    await moved(house, later, HOUR)
    assert await house.work() == []
    await moved(house, call, HOUR)
    (letter,) = await house.work()
    assert letter.text.count("Avant : ") == 2
    await house.stage.act(held, "cancel", reason="Salle fermée")
    assert await house.work() == []
    (letter,) = await house.minute(utc_now() + 2 * WINDOW)
    assert letter.subject == "Compagnie du Lever : une date annulée"


@pytest.mark.parametrize("unwanted", ["changed", "cancelled"])
async def test_of_a_change_and_a_cancellation_in_one_mail_each_is_told_and_logged_as_its_person_wants(
    house: House, unwanted: str
) -> None:
    call, other = await house.published(), await house.published(SOON + 2 * DAY)
    player = await house.person(account=True)
    assert (await player.want(**{unwanted: False})).status_code == 200
    await confirmed(house, call, player)
    held = await confirmed(house, other, player)
    await moved(house, call, HOUR)
    await house.stage.act(held, "cancel", reason="Salle fermée")
    (letter,) = await house.minute(utc_now() + 2 * WINDOW)
    assert ("lundi 3 mars" in letter.text, "mercredi 5 mars" in letter.text) == (
        unwanted == "cancelled",
        unwanted == "changed",
    )
    told = {kind: await house.log(kind=kind) for kind in ("changed", "cancelled")}
    found = {kind: [(one["status"], one["reason"]) for one in rows] for kind, rows in told.items()}
    other_kind = "cancelled" if unwanted == "changed" else "changed"
    assert found == {unwanted: [("skipped", "unwanted")], other_kind: [("sent", None)]}


async def test_a_cancelled_call_is_told_to_whoever_was_asked_or_engaged(house: House) -> None:
    call = await house.published(headcount=2)
    engaged, asked, drafted = [await house.person() for _ in range(3)]
    await confirmed(house, call, engaged)
    await house.option(call, asked)
    await house.stage.assignment(call, drafted.person)
    await house.work()
    await house.stage.patch(f"/calls/{call['id']}", {"status": "cancelled", "cancel_reason": "Grève"})
    letters = await house.minute(utc_now() + 2 * WINDOW)
    assert [letter.to for letter in letters] == sorted([engaged.address, asked.address])
    assert {letter.subject for letter in letters} == {"Compagnie du Lever : une date annulée"}
    assert all("Motif : Grève" in letter.text for letter in letters)


@pytest.mark.postgresql  # without a queue, the option's mail leaves at once
async def test_of_an_option_released_before_its_mail_left_nothing_is_said(house: House) -> None:
    made = await house.option(await house.published(), await house.person())
    await house.stage.act(made, "release")
    assert await house.work() == []
    assert await house.minute(utc_now() + 2 * WINDOW) == []
    assert [(one["kind"], one["status"], one["reason"]) for one in await house.log()] == [
        ("offered", "skipped", "nothing_left"),
        ("cancelled", "skipped", "nothing_left"),
    ]


async def test_a_cancelled_call_is_told_to_nobody_who_wanted_no_offer_unless_they_answered_or_are_engaged(
    house: House,
) -> None:
    call = await house.published(headcount=3)
    asked, willing, engaged = [await house.person(account=True) for _ in range(3)]
    for player in (asked, willing, engaged):
        assert (await player.want(offered=False, confirmed=False)).status_code == 200
    await house.option(call, asked)
    accepted = await house.option(call, willing)
    await house.work()
    assert (await willing.answer(accepted, "accept")).status_code == 200
    await confirmed(house, call, engaged)
    await house.stage.patch(f"/calls/{call['id']}", {"status": "cancelled", "cancel_reason": "Grève"})
    letters = await house.minute(utc_now() + 2 * WINDOW)
    assert [letter.to for letter in letters] == sorted([willing.address, engaged.address])
    (log,) = await house.log(kind="cancelled", person_id=asked.person["id"])
    assert (log["status"], log["reason"]) == ("skipped", "nothing_left")


async def test_a_move_that_another_mail_has_shown_meanwhile_is_not_told_again(house: House) -> None:
    call = await house.published()
    first, second = await house.person(), await house.person()
    fallen = await house.option(call, first)
    await house.option(call, second, rank=2)
    await house.work()
    await moved(house, call, HOUR)
    await house.stage.act(fallen, "decline", on_behalf="phone")
    (letter,) = await house.work()
    assert letter.to == second.address
    assert "de 11 h à 14 h" in letter.text
    assert await house.minute(utc_now() + 2 * WINDOW) == []
    house.at_present()
    await moved(house, call, 3 * HOUR)
    (letter,) = await house.minute(utc_now() + 2 * WINDOW)
    assert letter.to == second.address
    assert "Avant : lundi 3 mars 2031, de 11 h à 14 h" in letter.text


async def test_a_change_says_of_each_date_whether_it_is_an_option_or_confirmed(house: House) -> None:
    call = await house.published(headcount=3)
    engaged, asked, willing = [await house.person() for _ in range(3)]
    await confirmed(house, call, engaged)
    await house.option(call, asked, message="Venez !")
    await house.stage.act(await house.option(call, willing), "accept", on_behalf="phone")
    await house.work()
    await moved(house, call, HOUR)
    texts = {letter.to: letter.text for letter in await house.minute(utc_now() + 2 * WINDOW)}
    marks = ("Date confirmée", "Option jusqu'au 21 février 2031 à 10 h", "En option : vous avez déjà dit oui")
    found = {to: [mark for mark in marks if mark in text] for to, text in texts.items()}
    assert found == {engaged.address: [marks[0]], asked.address: [marks[1]], willing.address: [marks[2]]}
    assert not [to for to, text in texts.items() if "Venez" in text]


async def test_an_option_about_to_expire_is_recalled_once_to_whoever_has_not_answered(house: House) -> None:
    call = await house.published(headcount=2)
    silent, quick = await house.person(), await house.person()
    recall: dict[str, Any] = {"remind_at": (EXPIRY - 3 * HOUR).isoformat()}
    await house.option(call, silent, **recall)
    accepted = await house.option(call, quick, **recall)
    await house.stage.act(accepted, "accept", on_behalf="phone")
    await house.work()
    assert await house.minute(EXPIRY - 3 * HOUR - MINUTE) == []
    (letter,) = await house.minute(EXPIRY - 3 * HOUR)
    assert (letter.to, letter.subject) == (silent.address, "Une option de Compagnie du Lever expire bientôt")
    (reminder,) = await house.log(kind="expiring")
    assert datetime.fromisoformat(reminder["send_after"]) == EXPIRY - 3 * HOUR
    assert await house.minute(EXPIRY - 2 * HOUR) == []
    await house.renew()
    assert await house.minute(EXPIRY - HOUR) == []


@pytest.mark.postgresql  # without a queue, the option's mail leaves at once
async def test_a_reminder_waits_for_its_offer_and_is_late_from_when_it_was_due(house: House) -> None:
    recall = EXPIRY - 3 * HOUR
    made = await house.option(await house.published(), await house.person(), remind_at=recall.isoformat())
    info = await company_info(house.database, house.company)
    async with house.database.company(info) as session:
        await attending.attend(Act(session, info, FILAGE, recall))
    assert await house.log(kind="expiring") == []
    assert [letter.subject for letter in await house.work()] == ["Compagnie du Lever vous propose une date"]
    (letter,) = await house.minute(recall + MINUTE)
    assert letter.subject == "Une option de Compagnie du Lever expire bientôt"
    (reminder,) = await house.log(kind="expiring", person_id=made["person_id"])
    assert (datetime.fromisoformat(reminder["send_after"]), reminder["latency_seconds"]) == (recall, 60.0)


@pytest.mark.parametrize(
    ("day", "offset"),
    [
        (datetime(2031, 3, 30, 14, tzinfo=PARIS), 1),  # the clocks change in the night before this Sunday
        (datetime(2031, 3, 31, 10, tzinfo=PARIS), 2),
        (datetime(2031, 10, 26, 14, tzinfo=PARIS), 2),
        (datetime(2031, 10, 27, 10, tzinfo=PARIS), 1),
    ],
)
async def test_the_evening_before_is_at_six_on_both_sides_of_a_clock_change(
    house: House, day: datetime, offset: int
) -> None:
    call, player, other = await house.published(day, headcount=2), await house.person(), await house.person()
    await confirmed(house, call, player)
    option = await house.option(call, other, expires_at=(day - DAY - 30 * MINUTE).isoformat())
    await house.stage.act(option, "accept", on_behalf="phone")
    await house.work()
    eve = (day - DAY).replace(hour=18)
    assert eve.utcoffset() == timedelta(hours=offset)
    assert [one for one in await house.minute(eve - MINUTE) if "demain" in one.subject] == []
    (letter,) = [one for one in await house.minute(eve) if "demain" in one.subject]
    assert letter.to == player.address
    assert f"de {day.hour} h à {day.hour + 3} h" in letter.text
    assert await house.minute(eve + MINUTE) == []
    eves = await house.log(kind="eve")
    assert [(one["status"], one["person"]["id"]) for one in eves] == [("sent", player.person["id"])]
    assert datetime.fromisoformat(eves[0]["sent_at"]) == eve


async def test_the_evening_is_the_companys_own_and_told_once_however_often_the_minute_comes(house: House) -> None:
    zone = await house.stage.patch("/company", {"timezone": "Indian/Reunion"})
    assert zone.status_code == 200, zone.text
    house.app.state.directory.forget(house.company.slug)
    call, player = await house.published(SOON), await house.person()
    await confirmed(house, call, player)
    await house.published(SOON + HOUR)
    evening = datetime.fromisoformat("2031-03-02T18:00:00+04:00")
    assert await house.minute(evening - MINUTE) == []
    assert len(await house.minute(evening)) == 1
    info = await company_info(house.database, house.company)
    async with house.database.company(info) as session:
        await agenda.enter(session, info, [evening])
    assert await house.minute(evening + MINUTE) == []


async def test_nobody_is_told_of_an_evening_whose_call_has_begun_or_moved_away(house: House) -> None:
    call, player = await house.published(), await house.person()
    await confirmed(house, call, player)
    await moved(house, call, 7 * DAY)
    await house.minute(utc_now() + 2 * WINDOW)
    assert await house.minute(datetime(2031, 3, 2, 18, tzinfo=PARIS)) == []
    assert await house.minute(SOON + 8 * DAY) == []


async def test_a_person_reads_their_own_language_and_is_answerable_or_told_whom_to_write_to(house: House) -> None:
    with_account, without = await house.person(account=True), await house.person()
    own = {"Authorization": f"Bearer {with_account.token}", "If-Match": "*"}
    changed = await house.client.patch("/api/v1/users/me", json={"language": "en"}, headers=own)
    assert changed.status_code == 200, changed.text
    call = await house.published(headcount=2)
    await house.option(call, with_account)
    await house.option(call, without)
    letters = {one.to: one for one in await house.work() if "Lever" in one.subject}
    english, french = letters[with_account.address], letters[without.address]
    assert english.subject == "Compagnie du Lever offers you a date"
    assert "Monday 3 March 2031, from 10:00 to 13:00" in english.text
    assert f"{house.app.state.settings.public_url}/me" in english.text
    assert "/me" not in french.text
    assert f"Écrivez à Camille Renard ({house.company.email})." in french.text


async def test_whoever_has_no_address_or_wants_no_such_mail_is_skipped_and_the_log_says_why(house: House) -> None:
    silent, nameless = await house.person(account=True), await house.person(address=False)
    assert (await silent.want(offered=False)).status_code == 200
    call = await house.published(headcount=2)
    await house.option(call, silent)
    await house.option(call, nameless)
    assert [one for one in await house.work() if "propose" in one.subject] == []
    reasons = {one["person"]["id"]: (one["status"], one["reason"], one["sent_at"]) for one in await house.log()}
    assert reasons == {
        silent.person["id"]: ("skipped", "unwanted", None),
        nameless.person["id"]: ("skipped", "no_email", None),
    }


async def test_preferences_are_ones_own_and_change_under_their_version(house: House) -> None:
    player, other = await house.person(account=True), await house.person(account=True)
    path, own = "/api/v1/me/message-preferences", {"Authorization": f"Bearer {player.token}"}
    read = await house.client.get(path, headers=own)
    assert set(read.json().values()) == {True}
    assert set(read.json()) == {"offered", "expiring", "promoted", "confirmed", "changed", "cancelled", "eve"}
    tag = {"If-Match": read.headers["etag"]}
    changed = await house.client.patch(path, json={"eve": False, "changed": False}, headers=own | tag)
    assert (changed.status_code, changed.json()["eve"], changed.json()["offered"]) == (200, False, True)
    problem(await house.client.patch(path, json={"eve": True}, headers=own | tag), 412, "stale_etag")
    problem(await house.client.patch(path, json={"eve": True}, headers=own), 428, "precondition_required")
    again = await house.client.patch(path, json={"eve": True}, headers=own | {"If-Match": changed.headers["etag"]})
    assert (again.json()["eve"], again.json()["changed"]) == (True, False)
    for wrong in ({"eve": None}, {"eve": "no"}, {"pay": True}):
        problem(await house.client.patch(path, json=wrong, headers=own | {"If-Match": "*"}), 422)
    problem(await house.client.get(path), 401, "login_required")
    assert set((await house.client.get(path, headers={"Authorization": f"Bearer {other.token}"})).json().values()) == {
        True
    }


@pytest.mark.postgresql
async def test_a_mail_server_that_refuses_is_logged_and_a_busy_one_is_asked_again(house: House) -> None:
    call = await house.published(headcount=2)
    await house.option(call, await house.person())
    house.post.answers = ["451 later", "451 later"]
    assert len(await house.work()) == 1
    house.post.answers = ["554 no such person"]
    refused = await house.option(call, await house.person())
    assert await house.work() == []
    log = await house.log()
    assert [(one["status"], one["reason"]) for one in log] == [
        ("sent", None),
        ("failed", "Le serveur de messagerie a refusé le message (554)."),
    ]
    house.post.answers = ["451 later"] * 8
    await house.stage.act(refused, "release")
    await house.option(call, await house.person())
    assert await house.work() == []
    assert [(one["status"], one["reason"]) for one in await house.log(kind="offered")][-1] == (
        "failed",
        "Le serveur de messagerie n'a pas pris le message pour l'instant (451).",
    )
    english = house.company.headers | {"Accept-Language": "en"}
    items = (await house.client.get("/api/v1/messages", params={"status": "failed"}, headers=english)).json()["items"]
    assert items[-1]["reason"] == "The mail server refused the message (554)."


@pytest.mark.postgresql
async def test_two_tasks_of_a_company_at_once_tell_nobody_twice(house: House) -> None:
    call = await house.published(headcount=9)
    for _ in range(5):
        await house.option(call, await house.person())

    async def post() -> None:
        info = await company_info(house.database, house.company)
        async with house.database.company(info) as session:
            await posting.post(Act(session, info, FILAGE, utc_now() + GATHERED_FOR))

    await asyncio.gather(*(post() for _ in range(6)))
    assert len({letter.to for letter in await house.work()}) == 5
    assert [one["status"] for one in await house.log()] == ["sent"] * 5


@pytest.mark.postgresql
async def test_offers_made_date_by_date_within_seconds_make_one_mail_that_leaves_by_itself(house: House) -> None:
    calls = [await house.published(SOON + number * DAY) for number in range(3)]
    player = await house.person()
    noted = utc_now()
    house.at(noted)
    for call in calls:
        await house.option(call, player)
        await house.app.state.runner.work_off()
    assert house.post.collect() == []
    async with house.database.shared(write=False) as session:
        query = text("select max(scheduled_at) from procrastinate.procrastinate_jobs where status = 'todo'")
        planned = await session.scalar(query)
    assert planned is not None
    assert noted < planned < utc_now() + GATHERED_FOR + timedelta(seconds=1)
    async with house.database.shared() as session:
        await session.execute(text("update procrastinate.procrastinate_jobs set scheduled_at = null"))
    house.at_present()
    (letter,) = await house.work()
    assert letter.subject == "Compagnie du Lever vous propose 3 dates"


@pytest.mark.postgresql
async def test_calls_published_one_by_one_make_one_mail_for_each_person(house: House) -> None:
    production = await house.stage.production()
    calls = [await house.stage.call(production, SOON + number * DAY) for number in range(3)]
    player = await house.person()
    for call in calls:
        await house.option(call, player)
    house.at(utc_now())
    for call in calls:
        await house.stage.post(f"/calls/{call['id']}/publish")
        await house.app.state.runner.work_off()
    assert house.post.collect() == []
    async with house.database.shared() as session:
        await session.execute(text("update procrastinate.procrastinate_jobs set scheduled_at = null"))
    house.at_present()
    assert [letter.subject for letter in await house.work()] == ["Compagnie du Lever vous propose 3 dates"]


async def test_an_act_that_is_not_stored_tells_nobody(house: House) -> None:
    call = await house.published()
    made = await house.stage.assignment(call, (await house.person()).person)
    body = {"action": "offer", "ids": [made["id"], call["id"]], "expires_at": EXPIRY.isoformat()}
    problem(await house.stage.post("/assignments/bulk", body | {"all_or_nothing": True}), 409, "bulk_refused")
    assert await house.work() == []
    assert await house.log() == []


async def test_the_log_is_the_planners_own_and_cut_by_its_limit(house: House) -> None:
    call = await house.published(headcount=3)
    players = [await house.person() for _ in range(3)]
    for player in players:
        await house.option(call, player)
    await house.work()
    viewer = await member(house.client, house.company, "viewer")
    problem(await house.client.get("/api/v1/messages", headers=viewer), 403, "not_allowed")
    stranger = await sign_up(house.client)
    assert (await house.client.get("/api/v1/messages", headers=stranger.headers)).json()["items"] == []
    first = (await house.stage.get("/messages", limit=2)).json()
    rest = (await house.stage.get("/messages", limit=2, cursor=first["next_cursor"])).json()
    shown = [one["person"]["id"] for one in first["items"] + rest["items"]]
    assert shown[::-1] == [player.person["id"] for player in players]
    assert rest["next_cursor"] is None
    own = (await house.stage.get("/messages", person_id=players[1].person["id"], status="sent", kind="offered")).json()
    assert [one["person"]["id"] for one in own["items"]] == [players[1].person["id"]]
    for wrong in ({"kind": "gossip"}, {"status": "lost"}, {"person_id": "x"}, {"limit": 0}):
        problem(await house.stage.get("/messages", **wrong), 422)


async def test_a_company_writes_as_itself_to_somebody_of_two(house: House) -> None:
    other = House(house.app, house.post, Stage(house.client, await sign_up(house.client, "Théâtre du Pont")))
    address = f"{unique('commun')}@example.org"
    people = []
    for one in (house, other):
        made = await one.stage.create("/people", first_name="Raymond", last_name="Marie", email=address, job="comedien")
        people.append(Player(one, made, address, ""))
    await accept(house.client, house.company, address, "intermittent", people[0].person["id"])
    await house.work()
    await house.option(await house.published(), people[0])
    await other.option(await other.published(), people[1])
    letters = await house.work()
    assert sorted(letter.subject for letter in letters) == [
        "Compagnie du Lever vous propose une date",
        "Théâtre du Pont vous propose une date",
    ]
    for letter in letters:
        assert ("Pont" in letter.text) == ("Pont" in letter.subject)
        assert ("Lever" in letter.text) == ("Lever" in letter.subject)
    assert [len(await one.log()) for one in (house, other)] == [1, 1]


async def written_when_noted(house: House) -> None:
    """Let what was sent have left at the API's time: the worker's clock is ahead of it."""
    async with house.database.company(await company_info(house.database, house.company)) as session:
        await session.execute(text("update message set handed_at = queued_at where handed_at is not null"))


async def test_small_moves_that_add_up_are_told_to_whoever_knew_the_first_and_to_nobody_else(house: House) -> None:
    call = await house.published(headcount=2)
    early, late = await house.person(), await house.person()
    await confirmed(house, call, early)
    await moved(house, call, 10 * MINUTE)
    await confirmed(house, call, late)
    await written_when_noted(house)
    assert await house.minute(utc_now() + 2 * WINDOW) == []
    house.at_present()
    await moved(house, call, 20 * MINUTE)
    (letter,) = await house.minute(utc_now() + 2 * WINDOW)
    assert letter.to == early.address
    assert "Avant : lundi 3 mars 2031, de 10 h à 13 h" in letter.text
    assert "de 10 h 20 à 13 h 20" in letter.text
    await moved(house, call, 30 * MINUTE)
    (letter,) = await house.minute(utc_now() + 2 * WINDOW)
    assert letter.to == late.address
    assert "Avant : lundi 3 mars 2031, de 10 h 10 à 13 h 10" in letter.text


async def test_what_was_told_once_is_not_told_again_with_the_next_small_move(house: House) -> None:
    call, player = await house.published(), await house.person(account=True)
    assert (await player.want(changed=False)).status_code == 200
    await confirmed(house, call, player)
    await moved(house, call, HOUR)
    await house.minute(utc_now() + 2 * WINDOW)
    await moved(house, call, HOUR + 10 * MINUTE)
    await house.minute(utc_now() + 2 * WINDOW)
    assert [(one["status"], one["reason"]) for one in await house.log(kind="changed")] == [("skipped", "unwanted")]


async def test_what_was_told_is_kept_for_thirteen_months_and_then_removed(house: House) -> None:
    call = await house.published()
    await house.option(call, await house.person())
    unpublished = await house.stage.call(await house.stage.production())
    await house.option(unpublished, await house.person())
    await house.work()
    info = await company_info(house.database, house.company)
    for age, left in ((KEPT_FOR - DAY, (2, 1)), (KEPT_FOR + DAY, (0, 0))):
        house.at(utc_now() + age)
        await purge_company(Order(house.app.state.runner.tools, info, {}))
        async with house.database.company(info, write=False) as session:
            counted = [await session.scalar(select(func.count()).select_from(one)) for one in (Notice, Message)]
        assert tuple(counted) == left
    assert await house.log() == []
