"""An unavailability given once counts in every company, and none learns why, nor that another company exists."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import func, select

from backend.availability.models import BusyTime, Unavailability
from backend.core.clock import utc_now
from tests.availability.conftest import PATH, Artist
from tests.helpers import PASSWORD, SignedUpCompany, problem, unique
from tests.hours.test_entries import account
from tests.portal.conftest import act, assign, build, call
from tests.portal.test_two_companies import EVENING, LATER, MORNING, Mails, accept, confirmed, invite, offered

EXPIRY = {"expires_at": "2027-01-20T18:00:00+01:00"}
ALL_DAY = {"starts_on": "2027-01-26", "ends_on": "2027-01-26"}
INSTANTS = {"starts_at": MORNING[0], "ends_at": MORNING[1]}


async def test_an_unavailability_is_kept_read_listed_and_deleted(artist: Artist) -> None:
    made = await artist.say(**ALL_DAY, note="Mariage de ma sœur")
    away = made.json()
    assert (made.headers["ETag"], made.headers["Location"]) == ('"1"', f"{PATH}/{away['id']}")
    assert (away["starts_at"], away["ends_at"]) == ("2027-01-25T23:00:00Z", "2027-01-26T23:00:00Z")
    assert (away["whole_days"], away["times"], away["origin"]) == (True, 1, "hand")
    one = f"{PATH}/{away['id']}"
    assert (await artist.client.get(one, headers=artist.headers)).json() == away
    assert await artist.listed() == [away]
    problem(await artist.client.delete(one, headers=artist.headers), 428, "precondition_required")
    problem(await artist.client.delete(one, headers={**artist.headers, "If-Match": '"9"'}), 412, "stale_etag")
    assert (await artist.client.delete(one, headers={**artist.headers, "If-Match": '"1"'})).status_code == 204
    assert await artist.listed() == []


async def test_whole_days_are_those_of_the_persons_zone(artist: Artist) -> None:
    away = await artist.away(**ALL_DAY, timezone="America/Martinique")
    assert (away["starts_at"], away["ends_at"]) == ("2027-01-26T04:00:00Z", "2027-01-27T04:00:00Z")
    spring = await artist.away(starts_on="2027-03-28", ends_on="2027-03-28")
    assert (spring["starts_at"], spring["ends_at"]) == ("2027-03-27T23:00:00Z", "2027-03-28T22:00:00Z")


async def test_it_blocks_an_offer_and_a_confirmation_in_two_companies_with_the_words_of_a_booking_elsewhere(
    artist: Artist,
) -> None:
    client = artist.client
    await artist.away(**ALL_DAY, note="Secret de Polichinelle")
    refusals = []
    for house in (artist.house, artist.other):
        draft = await assign(client, house, (await call(client, house, *MORNING))["id"])
        for answer in (await act(client, house, draft, "offer", **EXPIRY), await act(client, house, draft, "confirm")):
            body = problem(answer, 409, "person_not_available")
            assert "Polichinelle" not in answer.text
            assert set(body) == {"type", "title", "status", "code", "detail", "trace_id"}
            refusals.append({name: body[name] for name in body if name != "trace_id"})
        seen = await client.get(f"/api/v1/assignments/{draft}", headers=house.headers)
        assert seen.json()["status"] == "draft"
    (day,) = await artist.listed()
    deleted = await client.delete(f"{PATH}/{day['id']}", headers={**artist.headers, "If-Match": "*"})
    assert deleted.status_code == 204
    await confirmed(client, artist.house, MORNING)
    late = await assign(client, artist.other, (await call(client, artist.other, *MORNING))["id"])
    for name, fields in (("offer", EXPIRY), ("confirm", {})):
        body = problem(await act(client, artist.other, late, name, **fields), 409, "person_not_available")
        refusals.append({name: body[name] for name in body if name != "trace_id"})
    assert all(refusal == refusals[0] for refusal in refusals)


async def test_other_times_and_other_people_are_not_concerned(artist: Artist) -> None:
    await artist.away(**INSTANTS)
    assert await confirmed(artist.client, artist.house, EVENING)
    colleague = await artist.client.post(
        "/api/v1/people", json={"first_name": "Jo", "last_name": "Blanc", "job": "machiniste"},
        headers=artist.house.headers,
    )  # fmt: skip
    made = await call(artist.client, artist.house, *MORNING)
    body = {"call_id": made["id"], "person_id": colleague.json()["id"], "job": "machiniste"}
    draft = await artist.client.post("/api/v1/assignments", json=body, headers=artist.house.headers)
    assert (await act(artist.client, artist.house, draft.json()["id"], "confirm")).status_code == 200


async def test_what_was_confirmed_before_stays_and_may_move_only_into_time_that_is_free(artist: Artist) -> None:
    client, house = artist.client, artist.house
    held = await confirmed(client, house, MORNING)
    await artist.away(**ALL_DAY)
    seen = (await client.get(f"/api/v1/assignments/{held}", headers=house.headers)).json()
    assert seen["status"] == "confirmed"

    async def move(ends_at: str) -> Any:
        return await client.patch(
            f"/api/v1/calls/{seen['call_id']}", json={"ends_at": ends_at, "override_reason": "Accord"},
            headers={**house.headers, "If-Match": "*"},
        )  # fmt: skip

    assert (await move("2027-01-26T16:30:00+01:00")).status_code == 200
    problem(await move("2027-01-26T17:00:00+01:00"), 409, "person_not_available")


async def test_the_persons_own_yes_at_such_a_time_is_refused_to_them_with_what_stands_in_the_way(
    artist: Artist,
) -> None:
    option = await offered(artist.client, artist.house, MORNING)
    away = await artist.away(**ALL_DAY)
    accept = f"/api/v1/me/assignments/{option}/accept"
    body = problem(await artist.client.post(accept, headers=artist.headers), 409, "own_unavailability")
    assert [each["id"] for each in body["unavailabilities"]] == [away["id"]]
    await artist.client.delete(f"{PATH}/{away['id']}", headers={**artist.headers, "If-Match": "*"})
    assert (await artist.client.post(accept, headers=artist.headers)).status_code == 200


async def test_a_dry_run_tells_the_same_and_no_more(artist: Artist) -> None:
    await artist.away(**INSTANTS)
    made = await call(artist.client, artist.house, *MORNING)
    wanted = {"call_id": made["id"], "person_id": artist.house.person["id"], "job": "machiniste"}
    answer = await artist.client.post(
        "/api/v1/planning/check", json={"assignments": [wanted]}, headers=artist.house.headers
    )
    (refusal,) = answer.json()["refusals"]
    assert (refusal["code"], refusal["conflicts"]) == ("person_not_available", [])


async def test_a_recurring_one_blocks_each_of_its_times_and_keeps_wall_times_over_the_clock_change(
    artist: Artist, app: FastAPI
) -> None:
    away = await artist.away(
        starts_at="2027-03-23T18:00:00+01:00", ends_at="2027-03-23T20:00:00+01:00",
        recurrence="RRULE:FREQ=WEEKLY;BYDAY=TU;UNTIL=20270406",
    )  # fmt: skip
    assert away["times"] == 3
    async with app.state.database.shared(write=False) as session:
        query = select(BusyTime.starts_at).where(BusyTime.unavailability_id == _key(away)).order_by(BusyTime.starts_at)
        starts = [start.isoformat() for start in await session.scalars(query)]
    assert [start[:16] for start in starts] == ["2027-03-23T17:00", "2027-03-30T16:00", "2027-04-06T16:00"]
    made = await call(artist.client, artist.house, "2027-04-06T19:30:00+02:00", "2027-04-06T21:00:00+02:00")
    draft = await assign(artist.client, artist.house, made["id"])
    problem(await act(artist.client, artist.house, draft, "confirm"), 409, "person_not_available")


def _key(row: dict[str, Any]) -> Any:
    from uuid import UUID  # noqa: PLC0415 - one use

    return UUID(row["id"])


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("FREQ=SECONDLY", "recurrence_too_fine"),
        ("FREQ=MINUTELY;COUNT=5", "recurrence_too_fine"),
        ("FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=1,2,3", "recurrence_too_fine"),
        ("FREQ=DAILY", "recurrence_too_long"),
        ("FREQ=DAILY;COUNT=401", "recurrence_too_long"),
        ("FREQ=DAILY;COUNT=999999999", "recurrence_too_long"),
        ("FREQ=WEEKLY;UNTIL=99991231T235959Z", "recurrence_too_long"),
        ("FREQ=YEARLY;UNTIL=20990101", "recurrence_too_long"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "recurrence_empty"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=WE", "recurrence_empty"),
        ("FREQ=DAILY;INTERVAL=0", "recurrence"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "recurrence"),
        ("FREQ=WEEKLY;BYDAY=LUNDI", "recurrence"),
        ("FREQ=FORTNIGHTLY", "recurrence"),
        ("tous les lundis", "recurrence"),
        ("FREQ=MONTHLY;BYMONTHDAY=99;COUNT=2", "recurrence_empty"),
    ],
)
async def test_a_rule_that_is_none_or_goes_too_far_is_refused_in_a_sentence(
    artist: Artist, rule: str, code: str
) -> None:
    answer = await artist.say(**INSTANTS, recurrence=rule)
    body = problem(answer, 422)
    assert body["errors"][0]["code"] == code, body
    if code == "recurrence_too_long":
        assert "400" in body["detail"]
    assert await artist.listed() == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"starts_at": MORNING[0]},
        {**INSTANTS, **ALL_DAY},
        {"starts_at": MORNING[1], "ends_at": MORNING[0]},
        {"starts_at": "2027-01-26T10:00:00", "ends_at": "2027-01-26T12:00:00"},
        {"starts_on": "2027-01-27", "ends_on": "2027-01-26"},
        {"starts_on": "2026-12-01", "ends_on": "2028-01-26"},
        {"starts_on": "2150-01-01", "ends_on": "2150-01-02"},
        {"starts_at": "2027-03-28T02:30:00+01:00", "ends_at": "2027-03-28T05:00:00+02:00"},
        {**ALL_DAY, "timezone": "Europe/Nulle-Part"},
        {**ALL_DAY, "note": "x" * 501},
        {**ALL_DAY, "recurrence": "FREQ=DAILY;COUNT=2;" + "X" * 500},
        {**ALL_DAY, "reason": "inconnu"},
    ],
)
async def test_what_is_no_time_is_refused_in_a_sentence(artist: Artist, fields: dict[str, Any]) -> None:
    problem(await artist.say(**fields), 422)


async def test_an_idempotency_key_says_it_once(artist: Artist) -> None:
    headers = {**artist.headers, "Idempotency-Key": "absente-une-fois"}
    answers = [await artist.client.post(PATH, json=ALL_DAY, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(await artist.listed()) == 1


async def test_nobody_else_reads_or_deletes_it(client: AsyncClient, artist: Artist) -> None:
    one = f"{PATH}/{(await artist.away(**ALL_DAY))['id']}"
    stranger = {**await account(client), "If-Match": "*"}
    problem(await client.get(one, headers=stranger), 404, "not_found")
    problem(await client.delete(one, headers=stranger), 404, "not_found")
    problem(await client.get(PATH), 401, "login_required")
    assert len(await artist.listed()) == 1


async def test_it_dies_with_the_account(client: AsyncClient, artist: Artist, app: FastAPI) -> None:
    away = await artist.away(
        starts_at=MORNING[0], ends_at=MORNING[1], recurrence="FREQ=DAILY;COUNT=3", timezone="Europe/Paris"
    )
    gone = await client.request("DELETE", "/api/v1/users/me", json={"password": PASSWORD}, headers=artist.headers)
    assert gone.status_code == 204, gone.text
    async with app.state.database.shared(write=False) as session:
        for model, owner in ((Unavailability, Unavailability.id), (BusyTime, BusyTime.unavailability_id)):
            assert await session.scalar(select(func.count()).select_from(model).where(owner == _key(away))) == 0


async def test_an_account_keeps_a_bounded_number_of_times(artist: Artist, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.availability.service.MOST_TIMES_OF_ALL", 5)
    start = utc_now() + timedelta(days=3)
    times = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=1)).isoformat()}
    await artist.away(**times, recurrence="FREQ=DAILY;COUNT=4")
    problem(await artist.say(**times, recurrence="FREQ=DAILY;COUNT=2"), 409, "too_many")
    assert len(await artist.listed()) == 1


async def test_a_rule_that_ended_before_the_calendar_begins_is_refused_in_a_sentence(artist: Artist) -> None:
    answer = await artist.say(**INSTANTS, recurrence="FREQ=WEEKLY;UNTIL=00010101T000000Z", timezone="America/New_York")

    assert problem(answer, 422, "invalid")["errors"][0]["code"] == "recurrence_empty"


@pytest.mark.parametrize("why", ["booking", "absence"])
async def test_a_company_that_is_linked_sees_the_same_of_an_absence_and_of_a_booking_until_it_ends(
    client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany, mails: Mails, why: str
) -> None:
    email = f"{unique('ariane')}@example.org"
    first, linked = await build(client, company, email), await build(client, other_company, email)
    login = (await accept(client, await invite(client, first, mails))).json()["access_token"]
    artist = Artist(client, login, first, linked)
    # Bookings there are of the first company; what is looked at is the second one's, booked before it was linked.
    held = await confirmed(client, linked, LATER)
    if why == "booking":
        reason = await confirmed(client, first, MORNING)
    else:
        reason = (await artist.away(starts_at=MORNING[0], ends_at=MORNING[1]))["id"]

    async def seen() -> tuple[str, bool]:
        answer = (await client.get(f"/api/v1/assignments/{held}", headers=linked.headers)).json()
        return answer["status"], answer["contested"]

    async def move(**times: str) -> None:
        call_id = (await client.get(f"/api/v1/assignments/{held}", headers=linked.headers)).json()["call_id"]
        body = {**times, "override_reason": "Accord"}
        headers = {**linked.headers, "If-Match": "*"}
        answer = await client.patch(f"/api/v1/calls/{call_id}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text

    views = [await seen()]
    assert (await accept(client, await invite(client, linked, mails), login)).json()["contested"] == 1
    views.append(await seen())
    await move(ends_at="2027-01-26T17:30:00+01:00")
    views.append(await seen())
    yes = await client.post(f"/api/v1/me/assignments/{held}/accept", headers=artist.headers)
    assert yes.status_code == 200, yes.text
    views.append(await seen())
    if why == "booking":
        assert (await act(client, first, reason, "cancel", reason="Salle fermée")).status_code == 200
    else:
        headers = {**artist.headers, "If-Match": "*"}
        assert (await client.delete(f"{PATH}/{reason}", headers=headers)).status_code == 204
    views.append(await seen())
    assert views == [("confirmed", False), *[("confirmed", True)] * 3, ("confirmed", False)]


async def test_an_unavailability_is_changed_as_far_as_is_said_and_its_times_with_it(artist: Artist) -> None:
    client, house = artist.client, artist.house
    made = await artist.away(**INSTANTS, recurrence="FREQ=DAILY;COUNT=3", note="Cours")
    path = f"{PATH}/{made['id']}"

    async def change(match: str | None, **fields: Any) -> Any:
        headers = artist.headers | ({"If-Match": match} if match else {})
        return await client.patch(path, json=fields, headers=headers)

    problem(await change(None, note="x"), 428, "precondition_required")
    noted = await change('"1"', note=None)
    assert (noted.json()["note"], noted.json()["times"], noted.headers["etag"]) == (None, 3, '"2"')
    problem(await change('"1"', note="x"), 412, "stale_etag")
    moved = (await change("*", starts_at=EVENING[0], ends_at=EVENING[1])).json()
    assert (moved["times"], moved["recurrence"], moved["starts_at"]) == (
        3, "FREQ=DAILY;COUNT=3", "2027-01-26T16:00:00Z",
    )  # fmt: skip
    free = await assign(client, house, (await call(client, house, *MORNING))["id"])
    assert (await act(client, house, free, "confirm", override_reason="Accord")).status_code == 200
    taken = await assign(client, house, (await call(client, house, *EVENING))["id"])
    problem(await act(client, house, taken, "confirm"), 409, "person_not_available")
    once = (await change("*", recurrence=None, starts_on="2027-02-01", ends_on="2027-02-02")).json()
    assert (once["times"], once["whole_days"], once["starts_at"]) == (1, True, "2027-01-31T23:00:00Z")
    assert (await change("*", ends_on="2027-02-03")).json()["ends_at"] == "2027-02-03T23:00:00Z"
    assert (await act(client, house, taken, "confirm", override_reason="Accord")).status_code == 200
    problem(await change("*", starts_at=EVENING[0], ends_on="2027-02-03"), 422)
    problem(await change("*", starts_at=EVENING[0]), 422)
    problem(await change("*", starts_on="2027-03-03"), 422)
    stranger = {**house.headers, "If-Match": "*"}
    problem(await client.patch(path, json={"note": "x"}, headers=stranger), 404, "not_found")


async def _one(artist: Artist, path: str, **body: Any) -> list[Any]:
    answer = await artist.client.post(f"/api/v1{path}", json=body, headers=artist.house.headers)
    found = answer.json()
    parts = [*found.get("refusals", []), *found.get("failed", [])]
    return [answer.status_code, found.get("code"), [each["code"] for each in parts]]


async def _offer(artist: Artist, draft: str, *_: str) -> list[Any]:
    return await _one(artist, f"/assignments/{draft}/offer", **EXPIRY)


async def _confirm(artist: Artist, draft: str, *_: str) -> list[Any]:
    return await _one(artist, f"/assignments/{draft}/confirm")


async def _offer_many(artist: Artist, draft: str, *_: str) -> list[Any]:
    return await _one(artist, "/assignments/bulk", action="offer", ids=[draft], all_or_nothing=False, **EXPIRY)


async def _confirm_many(artist: Artist, draft: str, *_: str) -> list[Any]:
    return await _one(artist, "/assignments/bulk", action="confirm", ids=[draft], all_or_nothing=False)


async def _check(artist: Artist, draft: str, *released: str) -> list[Any]:
    made = (await artist.client.get(f"/api/v1/assignments/{draft}", headers=artist.house.headers)).json()
    wanted = {"call_id": made["call_id"], "person_id": made["person_id"], "job": "machiniste"}
    kept = await _one(artist, "/planning/check", assignments=[wanted])
    return [kept, await _one(artist, "/planning/check", assignments=[wanted], released=released)]


async def _shift(artist: Artist, *_: str) -> list[Any]:
    """An hour later: what is held in the afternoon comes onto the time of what is held in the evening. And back."""
    body = {"source": {"day": MORNING[0][:10]}, "override_reason": "Accord de la personne"}
    told = await _one(artist, "/planning/shifts", **body, minutes=60)
    await _one(artist, "/planning/shifts", **body, minutes=-60)
    return told


@pytest.mark.parametrize("ask", [_offer, _confirm, _offer_many, _confirm_many, _check, _shift])
async def test_where_the_company_itself_holds_the_person_an_absence_changes_nothing_that_it_reads(
    artist: Artist, ask: Any
) -> None:
    """The attack: no other company can hold them there, so that a refusal would say that they are away."""
    client, house = artist.client, artist.house
    firm = [await confirmed(client, house, times) for times in (MORNING, EVENING)]
    made = [] if ask is _shift else [await call(client, house, *LATER) for _ in range(2)]
    drafts = [await assign(client, house, each["id"]) for each in made]
    before = await ask(artist, *drafts[:1], *firm)
    await artist.away(starts_at=MORNING[0], ends_at=EVENING[1])
    assert await ask(artist, *drafts[1:], *firm) == before
