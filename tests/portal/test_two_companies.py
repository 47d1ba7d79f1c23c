"""One person, two companies that may not see each other: what the person sees, and what no company learns."""

import asyncio
from collections.abc import Sequence
from typing import Any

import icalendar
import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response

from tests.helpers import PASSWORD, create, problem, token_of
from tests.portal.conftest import House, act, assign, call

MORNING = ("2027-01-26T14:00:00+01:00", "2027-01-26T17:00:00+01:00")
LATER = ("2027-01-26T16:00:00+01:00", "2027-01-26T18:00:00+01:00")
BEFORE = ("2027-01-26T13:00:00+01:00", "2027-01-26T15:00:00+01:00")
EVENING = ("2027-01-26T17:00:00+01:00", "2027-01-26T22:00:00+01:00")


class Mails:
    """Mails as they are handed over after a commit."""

    def __init__(self) -> None:
        self.all: list[Any] = []

    def deliver(self, items: Sequence[object]) -> None:
        self.all += items


@pytest.fixture
def mails(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> Mails:
    found = Mails()
    monkeypatch.setattr(app.state.database, "_deliver", found.deliver)
    return found


async def invite(client: AsyncClient, house: House, mails: Mails) -> str:
    """Invite the person of a house, and return the token of the mail that they read."""
    body = {"email": house.person["email"], "role": "intermittent", "person_id": house.person["id"]}
    answer = await client.post("/api/v1/invitations", json=body, headers=house.headers)
    assert answer.status_code == 201, answer.text
    return token_of(mails.all[-1].context["accept_url"])


async def accept(client: AsyncClient, token: str, login: str | None = None) -> Response:
    headers = {"Authorization": f"Bearer {login}"} if login else {}
    return await client.post("/api/v1/invitations/accept", json={"token": token, "password": PASSWORD}, headers=headers)


async def link_both(client: AsyncClient, house: House, other: House, mails: Mails) -> tuple[str, dict[str, Any]]:
    """Link the person in both companies; return their token and the second acceptance."""
    first = await accept(client, await invite(client, house, mails))
    assert first.status_code == 200, first.text
    login = first.json()["access_token"]
    second = await accept(client, await invite(client, other, mails), login)
    assert second.status_code == 200, second.text
    return login, second.json()


def as_person(login: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {login}"}


async def confirmed(client: AsyncClient, house: House, times: tuple[str, str]) -> str:
    made = await call(client, house, *times)
    assignment = await assign(client, house, made["id"])
    answer = await act(client, house, assignment, "confirm", override_reason="Accord de la personne")
    assert answer.status_code == 200, answer.text
    return assignment


async def mine(client: AsyncClient, login: str) -> list[dict[str, Any]]:
    answer = await client.get("/api/v1/me/assignments", headers=as_person(login))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_the_person_sees_both_companies_in_one_answer_by_time(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    await confirmed(client, other_house, EVENING)
    await confirmed(client, house, MORNING)
    items = await mine(client, login)
    assert [item["company"]["slug"] for item in items] == [house.company.slug, other_house.company.slug]
    assert items[0]["venue"]["name"] == "Théâtre du Quai"
    assert items[0]["production"]["title"] == "La Mouette"


async def test_drafts_and_calls_that_are_not_published_are_not_shown(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    await assign(client, house, (await call(client, house, *MORNING))["id"])
    unpublished = await call(client, house, *EVENING, publish=False)
    await act(client, house, await assign(client, house, unpublished["id"]), "confirm")
    assert await mine(client, login) == []


async def test_a_double_booking_across_companies_is_refused_and_names_nobody(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    await link_both(client, house, other_house, mails)
    await confirmed(client, house, MORNING)
    late = await assign(client, other_house, (await call(client, other_house, *LATER))["id"])
    refused = await act(client, other_house, late, "confirm")
    body = problem(refused, 409, "person_not_available")
    for secret in (house.company.slug, house.company.id, "Mouette", "14:00", "17:00"):
        assert secret not in refused.text
    assert set(body) == {"type", "title", "status", "code", "detail", "trace_id"}
    free = await assign(client, other_house, (await call(client, other_house, *EVENING))["id"])
    assert (await act(client, other_house, free, "confirm")).status_code == 200


async def offered(client: AsyncClient, house: House, times: tuple[str, str]) -> str:
    option = await assign(client, house, (await call(client, house, *times))["id"])
    answer = await act(client, house, option, "offer", expires_at="2027-01-20T18:00:00+01:00")
    assert answer.status_code == 200, answer.text
    return option


async def test_accepting_an_option_at_the_time_of_a_booking_elsewhere_says_so_to_the_person_alone(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    options = [await offered(client, other_house, times) for times in (LATER, EVENING)]
    await confirmed(client, house, MORNING)
    notes = []
    for option in options:
        notes.append((await client.post(f"/api/v1/me/assignments/{option}/accept", headers=as_person(login))).json())
        seen = await client.get(f"/api/v1/assignments/{option}", headers=other_house.headers)
        assert (seen.json()["status"], "note" in seen.json()) == ("accepted", False)
    assert "déjà confirmé" in notes[0]["note"]
    assert house.company.slug not in str(notes[0])
    assert notes[1]["note"] is None


async def test_a_period_in_days_is_read_in_paris_time_and_a_wrong_one_is_explained(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    night = ("2027-01-26T23:30:00+01:00", "2027-01-26T23:45:00+01:00")
    found = await confirmed(client, house, night)

    async def between(first: str, last: str) -> Response:
        query = {"from": first, "to": last}
        return await client.get("/api/v1/me/assignments", params=query, headers=as_person(login))

    assert [item["id"] for item in (await between("2027-01-26", "2027-01-26")).json()["items"]] == [found]
    assert (await between("2027-01-27", "2027-01-28")).json()["items"] == []
    assert (await between("2027-01-26T22:00:00Z", "2027-01-26T23:00:00Z")).json()["items"]
    problem(await between("2027-01-26", "demain"), 422, "invalid")
    problem(await between("2027-01-26", "2027-01-20"), 422, "invalid")


async def test_fifty_confirmations_at_once_from_two_companies_have_exactly_one_winner(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    await link_both(client, house, other_house, mails)
    waiting = []
    for place in (house, other_house):
        for _ in range(25):
            made = await call(client, place, *MORNING, publish=False)
            waiting.append((place, await assign(client, place, made["id"])))
    answers = await asyncio.gather(*(act(client, place, i, "confirm") for place, i in waiting))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 49


async def test_bookings_that_overlap_when_linked_are_contested_in_the_company_being_linked_only(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    first = await confirmed(client, house, MORNING)
    second = await confirmed(client, other_house, LATER)
    login, acceptance = await link_both(client, house, other_house, mails)
    assert acceptance["contested"] == 1
    assert {item["id"]: item["contested"] for item in await mine(client, login)} == {first: False, second: True}
    company_view = await client.get(f"/api/v1/assignments/{second}", headers=other_house.headers)
    assert (company_view.json()["status"], company_view.json()["contested"]) == ("confirmed", True)


async def test_accepting_a_contested_booking_says_what_remains_and_declining_the_other_way_settles_it(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    await confirmed(client, house, MORNING)
    second = await confirmed(client, other_house, LATER)
    login, _ = await link_both(client, house, other_house, mails)
    accepted = await client.post(f"/api/v1/me/assignments/{second}/accept", headers=as_person(login))
    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["note"]
    assert accepted.json()["assignment"]["contested"] is True
    declined = await client.post(
        f"/api/v1/me/assignments/{second}/decline", json={"reason": "Déjà pris."}, headers=as_person(login)
    )
    assert declined.json()["assignment"]["status"] == "declined"


@pytest.mark.parametrize(("action", "status"), [("accept", "confirmed"), ("decline", "declined")])
async def test_a_planner_answers_for_a_contested_one_among_many_as_for_one_alone(
    client: AsyncClient, house: House, other_house: House, mails: Mails, action: str, status: str
) -> None:
    first = await confirmed(client, house, MORNING)
    alone, many = [await confirmed(client, other_house, times) for times in (LATER, BEFORE)]
    await link_both(client, house, other_house, mails)
    one = await act(client, other_house, alone, action, on_behalf="phone")
    assert (one.status_code, one.json()["status"]) == (200, status)
    body = {"action": action, "ids": [many], "on_behalf": "phone"}
    answer = await client.post("/api/v1/assignments/bulk", json=body, headers=other_house.headers)
    assert answer.status_code == 200, answer.text
    done = answer.json()["done"]
    shown = [(each["id"], each["status"], each["contested"]) for each in done]
    assert shown == [(many, status, one.json()["contested"])]
    await act(client, house, first, "cancel", reason="Report")
    view = (await client.get(f"/api/v1/assignments/{many}", headers=other_house.headers)).json()
    assert (view["status"], view["contested"]) == (status, False)


async def test_cancelling_the_other_booking_makes_a_contested_one_firm(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    first = await confirmed(client, house, MORNING)
    second = await confirmed(client, other_house, LATER)
    await link_both(client, house, other_house, mails)
    assert (await act(client, house, first, "cancel", reason="Report")).status_code == 200
    view = (await client.get(f"/api/v1/assignments/{second}", headers=other_house.headers)).json()
    assert (view["status"], view["contested"]) == ("confirmed", False)


async def test_an_option_is_accepted_by_its_person_and_by_nobody_else(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    offered = await assign(client, house, (await call(client, house, *MORNING))["id"])
    await act(client, house, offered, "offer", expires_at="2027-01-10T18:00:00+01:00")
    stranger = await client.post(f"/api/v1/me/assignments/{offered}/accept", headers=as_person(house.company.token))
    problem(stranger, 404, "not_found")
    assert [item["allowed"] for item in await mine(client, login)] == [["accept", "decline"]]
    accepted = await client.post(f"/api/v1/me/assignments/{offered}/accept", headers=as_person(login))
    assert accepted.json()["assignment"]["status"] == "accepted"
    again = await client.post(f"/api/v1/me/assignments/{offered}/accept", headers=as_person(login))
    problem(again, 409, "state_conflict")


async def test_the_calendar_feed_holds_both_companies_and_dies_with_its_subscription(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    await confirmed(client, house, MORNING)
    gone = await confirmed(client, other_house, EVENING)
    made = await client.post("/api/v1/me/calendar-feeds", json={"name": "Téléphone"}, headers=as_person(login))
    assert made.status_code == 201, made.text
    path = made.json()["url"].split("8000", 1)[1]
    feed = await client.get(path)
    assert feed.headers["cache-control"].startswith("private")
    before = events(feed)
    assert {e["STATUS"] for e in before.values()} == {"CONFIRMED"}
    await act(client, other_house, gone, "cancel", reason="Report")
    after = events(await client.get(path))
    assert after[f"{gone}@filage"]["STATUS"] == "CANCELLED"
    assert after[f"{gone}@filage"]["SEQUENCE"] > before[f"{gone}@filage"]["SEQUENCE"]
    assert (
        await client.get(path, headers={"If-None-Match": (await client.get(path)).headers["etag"]})
    ).status_code == 304
    await client.delete(f"/api/v1/me/calendar-feeds/{made.json()['id']}", headers=as_person(login))
    problem(await client.get(path), 404, "not_found")


def events(feed: Response) -> dict[str, Any]:
    assert feed.status_code == 200, feed.text
    return {str(e["UID"]): e for e in icalendar.Calendar.from_ical(feed.content).walk("VEVENT")}


async def test_a_company_whose_schema_is_late_is_named_and_the_others_are_answered(
    client: AsyncClient, app: FastAPI, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    await confirmed(client, house, MORNING)
    from sqlalchemy import text  # noqa: PLC0415

    async with app.state.database.shared() as session:
        await session.execute(
            text("update shared.company set revision = null where slug = :slug"), {"slug": other_house.company.slug}
        )
    answer = (await client.get("/api/v1/me/assignments", headers=as_person(login))).json()
    assert [c["slug"] for c in answer["unavailable"]] == [other_house.company.slug]
    assert len(answer["items"]) == 1


async def test_an_acceptance_just_given_is_taken_back_and_the_option_stands_again(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    made = await call(client, house, *MORNING)
    option = await assign(client, house, made["id"])
    await act(client, house, option, "offer", expires_at="2027-01-20T12:00:00+01:00")
    path = f"/api/v1/me/assignments/{option}"
    problem(await client.post(f"{path}/take-back", headers=as_person(login)), 409, "state_conflict")
    await client.post(f"{path}/accept", headers=as_person(login))

    answer = await client.post(f"{path}/take-back", headers=as_person(login))

    assert answer.status_code == 200, answer.text
    told = answer.json()["assignment"]
    assert (told["status"], told["allowed"]) == ("option", ["accept", "decline"])
    found = (await client.get(f"/api/v1/assignments/{option}", headers=house.headers)).json()
    assert (found["status"], found["decided_by"], found["decided_at"]) == ("option", None, None)
    events = (await client.get("/api/v1/audit-events", params={"limit": 200}, headers=house.headers)).json()["items"]
    assert "assignment.acceptance_taken_back" in {event["what"] for event in events if event["subject_id"] == option}


async def test_a_person_is_told_whom_to_phone_and_never_themselves(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    for houses, times in ((house, MORNING), (house, EVENING), (other_house, LATER)):
        option = await assign(client, houses, (await call(client, houses, *times))["id"])
        await act(client, houses, option, "offer", expires_at="2027-01-20T12:00:00+01:00")
    assert [item["contact"] for item in await mine(client, login)] == [None, None, None]

    office = {"job": "charge_de_production", "phone": "+33 6 39 98 00 38"}
    await create(client, house.headers, "/people", first_name="Caroline", last_name="de Sousa", **office)
    stage = {"job": "regisseur_general", "phone": "+33 6 39 98 00 21"}
    manager = await create(client, house.headers, "/people", first_name="Isaac", last_name="Lambert", **stage)
    body = {"call_id": (await mine(client, login))[0]["call"]["id"], "person_id": manager["id"]}
    assigned = await create(client, house.headers, "/assignments", job="regisseur_general", **body)
    assert [item["contact"]["name"] for item in await mine(client, login) if item["contact"]] == [
        "Caroline de Sousa"
    ] * 2
    assert (await act(client, house, assigned["id"], "confirm")).status_code == 200

    told = {item["call"]["starts_at"]: item["contact"] for item in await mine(client, login)}

    assert told["2027-01-26T13:00:00Z"] == {
        "name": "Isaac Lambert", "job_label": "régisseur·se général·e", "phone": "+33 6 39 98 00 21",
    }  # fmt: skip
    assert told["2027-01-26T16:00:00Z"]["name"] == "Caroline de Sousa"
    assert told["2027-01-26T15:00:00Z"] is None  # the other company's people are nobody's here

    contact = {"contact_name": "Odile Bureau", "contact_phone": "+33 6 39 98 00 99"}
    changed = await client.patch("/api/v1/company", json=contact, headers={**house.headers, "If-Match": '"1"'})
    assert changed.status_code == 200
    told = {item["call"]["starts_at"]: item["contact"] for item in await mine(client, login)}
    assert told["2027-01-26T13:00:00Z"]["name"] == "Isaac Lambert"
    assert told["2027-01-26T16:00:00Z"] == {
        "name": "Odile Bureau", "job_label": changed.json()["name"], "phone": "+33 6 39 98 00 99",
    }  # fmt: skip
    assert told["2027-01-26T15:00:00Z"] is None  # nor is whom the first company names
