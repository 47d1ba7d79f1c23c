"""One week from the first question to the last reminder, played as a company plays it, with a real mail server."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from backend.core.clock import utc_now
from tests.helpers import problem, sign_up
from tests.notifications.conftest import House, Letter, Player
from tests.planning.stage import PARIS, Stage, same_person

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
# Thursday to Monday: the clocks change in the night before Sunday the 30th.
DAYS = [datetime(2031, 3, day, 14, tzinfo=PARIS) for day in (27, 28, 29, 30, 31)]
FIRST_EXPIRY = datetime(2031, 3, 20, 18, tzinfo=PARIS)
SECOND_EXPIRY = FIRST_EXPIRY + 3 * DAY
Assigned = dict[str, list[dict[str, Any]]]
"""The assignments of each person, by their address."""


async def assign(house: House, calls: list[dict[str, Any]], players: list[Player]) -> Assigned:
    return {player.address: [await house.stage.assignment(call, player.person) for call in calls] for player in players}


def ids(assigned: Assigned, *players: Player) -> list[str]:
    return [one["id"] for player in players for one in assigned[player.address]]


async def bulk(house: House, action: str, wanted: list[str], **body: Any) -> dict[str, Any]:
    answer = await house.stage.post("/assignments/bulk", {"action": action, "ids": wanted, **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def recipients(letters: list[Letter], words: str) -> list[str]:
    return [letter.to for letter in letters if words in letter.subject]


def addresses(*players: Player) -> list[str]:
    return sorted(player.address for player in players)


async def events(house: House, what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await house.stage.get("/audit-events", what=what, limit=200)).json()["items"]
    return found


@dataclass
class Week:
    """Twelve first choices and four second ones for five dates."""

    house: House
    calls: list[dict[str, Any]]
    willing: list[Player]
    unwilling: list[Player]
    silent: list[Player]
    seconds: list[Player]
    assigned: Assigned

    @property
    def firsts(self) -> list[Player]:
        return [*self.willing, *self.unwilling, *self.silent]

    @property
    def engaged(self) -> list[Player]:
        return [*self.willing, *self.seconds]

    @property
    def taken(self) -> Player:
        """Whoever another company confirms meanwhile."""
        return self.seconds[0]


async def cast(house: House) -> Week:
    """Make the week, published, and put sixteen people on each date, as drafts."""
    production = await house.stage.production()
    calls = [await house.stage.call(production, day) for day in DAYS]
    for call in calls:
        await house.stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=12)
    assert (await house.stage.post(f"/productions/{production['id']}/publish")).status_code == 200
    people = [await house.person(account=number < 10) for number in range(16)]
    await house.work()
    assigned = await assign(house, calls, people)
    return Week(house, calls, people[:8], people[8:10], people[10:12], people[12:], assigned)


@pytest.mark.postgresql  # without a queue, each answer is followed by its mail at once
async def test_a_week_from_the_first_question_to_the_last_reminder(house: House) -> None:
    week = await cast(house)
    await twelve_mails_ask_for_sixty_dates(week)
    await eight_accept_and_two_decline(week)
    await two_expire(week)
    house.at_present()
    await one_is_confirmed_elsewhere_meanwhile(week)
    await the_week_is_published_and_moves_by_half_an_hour(week)
    await everybody_is_reminded_at_six_on_both_sides_of_the_clock_change(week)
    await the_week_is_copied_to_that_of_the_other_clock_change(week)
    await audit_and_log_tell_the_same_story(week)


async def twelve_mails_ask_for_sixty_dates(week: Week) -> None:
    house = week.house
    offered = await bulk(house, "offer", ids(week.assigned, *week.firsts), expires_at=FIRST_EXPIRY.isoformat())
    assert len(offered["done"]) == 60
    letters = await house.work()
    assert recipients(letters, "vous propose 5 dates") == addresses(*week.firsts)
    assert len(letters) == 12
    body = {"rank": 2, "expires_at": SECOND_EXPIRY.isoformat()}
    await bulk(house, "offer", ids(week.assigned, *week.seconds), **body)
    assert recipients(await house.work(), "vous propose 5 dates") == addresses(*week.seconds)
    assert {(one["to_fill"], one["offered"], one["colour"]) for one in await staffed(house)} == {(12, 16, "amber")}


async def eight_accept_and_two_decline(week: Week) -> None:
    for players, act in ((week.willing, "accept"), (week.unwilling, "decline")):
        for player in players:
            for one in week.assigned[player.address]:
                assert (await player.answer(one, act)).status_code == 200
    letters = await week.house.work()
    assert recipients(letters, "premier choix") == addresses(*week.seconds[:2])
    assert len(letters) == 2


async def two_expire(week: Week) -> None:
    house = week.house
    assert await house.minute(FIRST_EXPIRY - DAY - MINUTE) == []
    assert recipients(
        await house.minute(FIRST_EXPIRY - DAY), "5 options de Compagnie du Lever expirent bientôt"
    ) == addresses(*week.silent)
    assert await house.minute(FIRST_EXPIRY - MINUTE) == []
    letters = await house.minute(FIRST_EXPIRY)
    assert recipients(letters, "premier choix") == addresses(*week.seconds[2:])
    assert len(letters) == 2


async def one_is_confirmed_elsewhere_meanwhile(week: Week) -> None:
    house = week.house
    await bulk(house, "accept", ids(week.assigned, *week.seconds), on_behalf="phone")
    other = Stage(house.client, await sign_up(house.client, "Théâtre du Pont"))
    there = await other.person()
    await same_person(house.database, (house.company, week.taken.person), (other.company, there))
    await other.confirmed(await other.call(await other.production(), DAYS[0]), there)
    await house.work()
    confirmed = await bulk(house, "confirm", ids(week.assigned, *week.engaged))
    assert len(confirmed["done"]) == 59
    refused = week.assigned[week.taken.address][0]["id"]
    assert [(one["id"], one["code"]) for one in confirmed["failed"]] == [(refused, "person_not_available")]
    problem(await house.stage.post(f"/assignments/{refused}/confirm"), 409, "person_not_available")
    letters = await house.work()
    assert recipients(letters, "vous confirme 5 dates") == addresses(
        *(one for one in week.engaged if one is not week.taken)
    )
    assert recipients(letters, "vous confirme 4 dates") == addresses(week.taken)
    assert len(letters) == 12
    colours = Counter((one["to_fill"], one["colour"]) for one in await staffed(house))
    assert colours == {(0, "green"): 4, (1, "amber"): 1}


async def the_week_is_published_and_moves_by_half_an_hour(week: Week) -> None:
    house, stage = week.house, week.house.stage
    for call in week.calls:
        assert (await stage.patch(f"/calls/{call['id']}", {"title": "Création"})).status_code == 200
    path = f"/productions/{week.calls[0]['production_id']}/publish"
    assert [one["version"] for one in (await stage.post(path)).json()["calls"]] == [2] * 5
    assert await house.work() == []
    for call, day in zip(week.calls, DAYS, strict=True):
        times = [(day + minutes * MINUTE).isoformat() for minutes in (30, 210)]
        moved = await stage.patch(f"/calls/{call['id']}", {"starts_at": times[0], "ends_at": times[1]})
        assert moved.status_code == 200, moved.text
        assert (await stage.post(f"/calls/{call['id']}/publish")).status_code == 200
    assert await house.work() == []
    letters = await house.minute(utc_now() + 20 * MINUTE)
    assert recipients(letters, "votre planning change") == addresses(*week.engaged)
    assert {letter.text.count("Avant : ") for letter in letters} == {5}
    assert len(letters) == 12


async def everybody_is_reminded_at_six_on_both_sides_of_the_clock_change(week: Week) -> None:
    for day in DAYS:
        eve = (day - DAY).replace(hour=18)
        assert await week.house.minute(eve - MINUTE) == []
        letters = await week.house.minute(eve)
        engaged = [one for one in week.engaged if day != DAYS[0] or one is not week.taken]
        assert recipients(letters, "votre journée de demain") == addresses(*engaged)
        assert len(letters) == len(engaged)
    assert DAYS[2].utcoffset() != DAYS[3].utcoffset()


async def the_week_is_copied_to_that_of_the_other_clock_change(week: Week) -> None:
    """Thursday to Monday again: this time the clocks go back in the night before Sunday, 26 October."""
    body = {"source": {"call_ids": [call["id"] for call in week.calls]}, "to": "2031-10-23", "people": "draft"}
    made = await week.house.stage.post("/planning/copies", body)
    assert made.status_code == 200, made.text
    assert (made.json()["positions"], made.json()["assignments"]) == (5, 59 + 1)  # the one not had stays accepted
    walls = [datetime.fromisoformat(one["starts_at"]).astimezone(PARIS) for one in made.json()["calls"]]
    assert [f"{wall:%d %H:%M}" for wall in walls] == [f"{day} 14:30" for day in range(23, 28)]
    assert walls[2].utcoffset() != walls[3].utcoffset()
    problem(await week.house.stage.post("/planning/copies", body), 409, "already_copied")
    assert await week.house.work() == []


async def staffed(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await house.stage.get("/calls")).json()["items"]
    return found


async def audit_and_log_tell_the_same_story(week: Week) -> None:
    house = week.house
    log = await house.log()
    assert {one["status"] for one in log} == {"sent"}
    assert Counter(one["kind"] for one in log) == {
        "offered": 16, "promoted": 4, "expiring": 2, "confirmed": 12, "changed": 12, "eve": 59,
    }  # fmt: skip
    by_kind: dict[str, set[str]] = {}
    for one in log:
        by_kind.setdefault(one["kind"], set()).add(one["person"]["id"])
    person_of = {
        one["id"]: one["person_id"]
        for status in ("confirmed", "declined", "expired", "accepted")
        for one in (await house.stage.get("/assignments", status=status, limit=200)).json()["items"]
    }
    assert len(person_of) == 80
    same = (("offered", "offered"), ("promoted", "promoted"), ("confirmed", "confirmed"), ("confirmed", "eve"))
    for what, kind in same:
        told = {person_of[event["subject_id"]] for event in await events(house, f"assignment.{what}")}
        assert told == by_kind[kind], what
    assert {person_of[event["subject_id"]] for event in await events(house, "assignment.expired")} == by_kind[
        "expiring"
    ]
    counted = {what: len(await events(house, f"assignment.{what}")) for what in ("offered", "accepted", "declined")}
    assert counted == {"offered": 80, "accepted": 60, "declined": 10}
    counted = {what: len(await events(house, f"assignment.{what}")) for what in ("expired", "promoted", "confirmed")}
    assert counted == {"expired": 10, "promoted": 20, "confirmed": 59}
