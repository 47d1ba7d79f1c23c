"""A company that keeps asking who is held elsewhere is slowed; refusals count although they roll back."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from httpx import ASGITransport, AsyncClient, Response

from backend.app import create_app
from backend.core.settings import Settings
from backend.tenancy.session import Urls
from backend.web.sessions import FIELD, SESSION
from tests.helpers import member, problem, sign_up, unique
from tests.portal.conftest import House, act, assign, build, call
from tests.portal.test_two_companies import EVENING, LATER, MORNING, Mails, as_person, confirmed, link_both

LIMIT = 2
FREE = ("2027-01-27T14:00:00+01:00", "2027-01-27T17:00:00+01:00")
_PARAMETER = re.compile(r"\{[a-z_]+\}")
_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')
BEFORE = ("2027-01-25T14:00:00+01:00", "2027-01-25T17:00:00+01:00")
EXPIRY = {"expires_at": "2027-01-20T18:00:00+01:00"}


@pytest.fixture
async def strict(settings: Settings, urls: Urls) -> AsyncIterator[FastAPI]:
    application = create_app(settings.model_copy(update={"limit_unavailable_answers_per_hour": LIMIT}), urls)
    async with application.router.lifespan_context(application):
        yield application


async def _house(client: AsyncClient, email: str) -> House:
    return await build(client, await sign_up(client), email)


async def ask(client: AsyncClient, prober: House, *calls: dict[str, Any]) -> Response:
    """Try the person on these calls, and store nothing."""
    wanted = [{"call_id": one["id"], "person_id": prober.person["id"], "job": "machiniste"} for one in calls]
    return await client.post("/api/v1/planning/check", json={"assignments": wanted}, headers=prober.headers)


async def test_a_company_over_its_limit_gets_429_for_the_free_and_the_held_alike(
    strict: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = Mails()
    monkeypatch.setattr(strict.state.database, "_deliver", mails.deliver)
    async with AsyncClient(transport=ASGITransport(strict), base_url="http://filage.test") as client:
        email = f"{unique('r')}@example.org"
        house, prober = await _house(client, email), await _house(client, email)
        await link_both(client, house, prober, mails)
        await confirmed(client, house, MORNING)
        held = await assign(client, prober, (await call(client, prober, *LATER))["id"])
        free = await assign(client, prober, (await call(client, prober, *EVENING))["id"])
        for _ in range(LIMIT):
            problem(await act(client, prober, held, "confirm"), 409, "person_not_available")
        for assignment in (held, free):
            refused = await act(client, prober, assignment, "confirm")
            problem(refused, 429, "rate_limited")
            assert int(refused.headers["retry-after"]) > 0
        assert await confirmed(client, house, EVENING)


async def test_asking_by_a_dry_run_is_counted_with_the_rest(strict: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    mails = Mails()
    monkeypatch.setattr(strict.state.database, "_deliver", mails.deliver)
    async with AsyncClient(transport=ASGITransport(strict), base_url="http://filage.test") as client:
        email = f"{unique('r')}@example.org"
        house, prober = await _house(client, email), await _house(client, email)
        await link_both(client, house, prober, mails)
        await confirmed(client, house, MORNING)
        later, evening = await call(client, prober, *LATER), await call(client, prober, *EVENING)
        free = await assign(client, prober, evening["id"])

        for _ in range(LIMIT):
            answer = await ask(client, prober, later)
            assert [one["code"] for one in answer.json()["refusals"]] == ["person_not_available"]
            assert house.production["id"] not in answer.text
            assert house.company.slug not in answer.text
        for made in (later, evening):
            problem(await ask(client, prober, made), 429, "rate_limited")
        problem(await act(client, prober, free, "confirm"), 429, "rate_limited")


async def test_asking_many_times_at_once_tells_no_more_than_asking_in_turn(
    strict: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attack: all requests pass the door before the first refusal is counted."""
    mails = Mails()
    monkeypatch.setattr(strict.state.database, "_deliver", mails.deliver)
    async with AsyncClient(transport=ASGITransport(strict), base_url="http://filage.test") as client:
        email = f"{unique('r')}@example.org"
        house, prober = await _house(client, email), await _house(client, email)
        await link_both(client, house, prober, mails)
        await confirmed(client, house, MORNING)
        later = await call(client, prober, *LATER)
        held = await assign(client, prober, later["id"])
        answers = await asyncio.gather(
            *(act(client, prober, held, "confirm") for _ in range(6)), *(ask(client, prober, later) for _ in range(6))
        )
        assert {answer.status_code for answer in answers} <= {200, 409, 429}
        assert len([answer for answer in answers if "person_not_available" in answer.text]) <= LIMIT


async def test_a_dry_run_that_asks_more_than_an_hour_allows_is_told_nothing(
    strict: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = Mails()
    monkeypatch.setattr(strict.state.database, "_deliver", mails.deliver)
    async with AsyncClient(transport=ASGITransport(strict), base_url="http://filage.test") as client:
        email = f"{unique('r')}@example.org"
        house, prober = await _house(client, email), await _house(client, email)
        await link_both(client, house, prober, mails)
        await confirmed(client, house, MORNING)
        quarters = [f"2027-01-26T14:{minute}:00+01:00" for minute in ("00", "15", "30", "45")]
        calls = [await call(client, prober, *times) for times in itertools.pairwise(quarters)]
        problem(await ask(client, prober, *calls), 429, "rate_limited")
        problem(await ask(client, prober, calls[0]), 429, "rate_limited")


async def test_a_contested_call_that_is_moved_about_is_counted_wherever_it_stays_contested(
    strict: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attack: it is never refused, and says at each place whether the person is held there. So does the link."""
    mails = Mails()
    monkeypatch.setattr(strict.state.database, "_deliver", mails.deliver)
    async with AsyncClient(transport=ASGITransport(strict), base_url="http://filage.test") as client:
        email = f"{unique('r')}@example.org"
        house, prober = await _house(client, email), await _house(client, email)
        await confirmed(client, house, MORNING)
        contested = await confirmed(client, prober, LATER)
        await link_both(client, house, prober, mails)
        read = await client.get(f"/api/v1/assignments/{contested}", headers=prober.headers)
        assert read.json()["contested"] is True
        path = f"/api/v1/calls/{read.json()['call_id']}"
        ends = [{"ends_at": f"2027-01-26T18:{minute}:00+01:00"} for minute in ("10", "20", "30")]
        headers = prober.headers | {"If-Match": "*"}
        answers = [await client.patch(path, json=one, headers=headers) for one in ends]
        assert [answer.status_code for answer in answers] == [200] * (LIMIT - 1) + [429] * 2


async def test_a_shift_of_contested_calls_moves_nothing_where_it_would_tell_more_than_is_left_of_the_hour(
    strict: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attack: forty contested calls moved at once say of forty times whether the person is held then."""
    mails = Mails()
    monkeypatch.setattr(strict.state.database, "_deliver", mails.deliver)
    three = strict.state.settings.model_copy(update={"limit_unavailable_answers_per_hour": 3})
    monkeypatch.setattr(strict.state, "settings", three)
    monkeypatch.setattr(strict.state.database, "settings", three)
    async with AsyncClient(transport=ASGITransport(strict), base_url="http://filage.test") as client:
        email = f"{unique('r')}@example.org"
        house, prober = await _house(client, email), await _house(client, email)
        await confirmed(client, house, MORNING)
        hours = [f"2027-01-26T{hour}:00:00+01:00" for hour in (14, 15, 16)]
        held = [await confirmed(client, prober, times) for times in itertools.pairwise(hours)]
        await link_both(client, house, prober, mails)
        before = [await _read(client, prober, one) for one in held]
        assert [one["contested"] for one in before] == [True, True]  # which tells two of three
        shift = {"source": {"day": MORNING[0][:10]}, "minutes": 30, "override_reason": "Accord de la personne"}
        answer = await client.post("/api/v1/planning/shifts", json=shift, headers=prober.headers)
        problem(answer, 429, "rate_limited")
        calls = [await client.get(f"/api/v1/calls/{one['call_id']}", headers=prober.headers) for one in before]
        assert [one.json()["starts_at"] for one in calls] == ["2027-01-26T13:00:00Z", "2027-01-26T14:00:00Z"]


async def test_offers_at_times_of_an_absence_or_a_booking_are_counted_alike(
    strict: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = Mails()
    monkeypatch.setattr(strict.state.database, "_deliver", mails.deliver)
    async with AsyncClient(transport=ASGITransport(strict), base_url="http://filage.test") as client:
        email = f"{unique('r')}@example.org"
        house, prober = await _house(client, email), await _house(client, email)
        login, _ = await link_both(client, house, prober, mails)
        await confirmed(client, house, MORNING)
        evening = {"starts_at": EVENING[0], "ends_at": EVENING[1]}
        said = await client.post("/api/v1/me/unavailabilities", json=evening, headers=as_person(login))
        assert said.status_code == 201
        free = await assign(client, prober, (await call(client, prober, *FREE))["id"])
        for times in (LATER, EVENING):
            draft = await assign(client, prober, (await call(client, prober, *times))["id"])
            problem(await act(client, prober, draft, "offer", **EXPIRY), 409, "person_not_available")
        problem(await act(client, prober, free, "offer", **EXPIRY), 429, "rate_limited")


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("action", ["offer", "confirm"])
async def test_an_act_for_many_is_counted_by_whom_it_cannot_have_and_tells_no_more_than_an_hour_allows(
    strict: FastAPI, monkeypatch: pytest.MonkeyPatch, action: str, whole: bool
) -> None:
    """What may still be told is told and done, in order; the rest gets one answer, the held and the free alike."""
    mails = Mails()
    monkeypatch.setattr(strict.state.database, "_deliver", mails.deliver)
    async with AsyncClient(transport=ASGITransport(strict), base_url="http://filage.test") as client:
        email = f"{unique('r')}@example.org"
        house, prober = await _house(client, email), await _house(client, email)
        await link_both(client, house, prober, mails)
        await confirmed(client, house, MORNING)
        held = [await assign(client, prober, (await call(client, prober, *LATER))["id"]) for _ in range(LIMIT + 1)]
        first, free = [await assign(client, prober, (await call(client, prober, *at))["id"]) for at in (BEFORE, FREE)]
        fields = EXPIRY if action == "offer" else {}

        async def ask_for(*ids: str, whole: bool = False) -> Response:
            body = {"action": action, "ids": list(ids), "all_or_nothing": whole, **fields}
            return await client.post("/api/v1/assignments/bulk", json=body, headers=prober.headers)

        answer = await ask_for(first, *held, free, whole=whole)
        if whole:
            problem(answer, 429, "rate_limited")
            assert await _status(client, prober, first) == "draft"
        else:
            assert [one["id"] for one in answer.json()["done"]] == [first]
            told = [(one["id"], one["code"]) for one in answer.json()["failed"]]
            assert told == [
                *((one, "person_not_available") for one in held[:LIMIT]),
                *((one, "not_told") for one in (*held[LIMIT:], free)),
            ]
            assert answer.json()["failed"][-1]["detail"] == answer.json()["failed"][-2]["detail"]
        assert await _status(client, prober, free) == "draft"
        refused = problem(await ask_for(free), 429, "rate_limited")
        assert "« pas disponible »" in refused["detail"]
        assert "(s)" not in refused["detail"]


async def test_an_absence_that_the_company_recorded_explains_no_refusal_of_another_day(
    strict: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attack: a decoy of one's own beside the day that one wants to know about, so that nothing is counted."""
    mails = Mails()
    monkeypatch.setattr(strict.state.database, "_deliver", mails.deliver)
    async with AsyncClient(transport=ASGITransport(strict), base_url="http://filage.test") as client:
        email = f"{unique('r')}@example.org"
        house, prober = await _house(client, email), await _house(client, email)
        await link_both(client, house, prober, mails)
        await confirmed(client, house, MORNING)
        decoy = {"starts_at": FREE[0], "ends_at": FREE[1]}
        made = await client.post(
            f"/api/v1/people/{prober.person['id']}/unavailabilities", json=decoy, headers=prober.headers
        )
        assert made.status_code == 201, made.text
        wanted, beside = await call(client, prober, *LATER), await call(client, prober, *FREE)
        for _ in range(LIMIT):
            refused = (await ask(client, prober, wanted, beside)).json()["refusals"]
            told = {one["call_id"]: one["code"] for one in refused}
            assert told == {wanted["id"]: "person_not_available", beside["id"]: "person_unavailable"}
        problem(await ask(client, prober, wanted, beside), 429, "rate_limited")


async def test_an_act_for_many_does_the_others_and_says_who_is_not_available(
    strict: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = Mails()
    monkeypatch.setattr(strict.state.database, "_deliver", mails.deliver)
    async with AsyncClient(transport=ASGITransport(strict), base_url="http://filage.test") as client:
        email = f"{unique('r')}@example.org"
        house, prober = await _house(client, email), await _house(client, email)
        await link_both(client, house, prober, mails)
        await confirmed(client, house, MORNING)
        held = await assign(client, prober, (await call(client, prober, *LATER))["id"])
        recorded = await assign(client, prober, (await call(client, prober, *EVENING))["id"])
        free = await assign(client, prober, (await call(client, prober, *FREE))["id"])
        person = (await client.get(f"/api/v1/assignments/{held}", headers=prober.headers)).json()["person_id"]
        away = {"starts_at": LATER[1], "ends_at": EVENING[1]}
        made = await client.post(f"/api/v1/people/{person}/unavailabilities", json=away, headers=prober.headers)
        assert made.status_code == 201, made.text
        body = {"action": "offer", "ids": [held, recorded, free], **EXPIRY}
        answer = await client.post("/api/v1/assignments/bulk", json=body, headers=prober.headers)
        assert answer.status_code == 200, answer.text
        assert [one["id"] for one in answer.json()["done"]] == [free]
        told = {one["id"]: one["code"] for one in answer.json()["failed"]}
        assert told == {held: "person_not_available", recorded: "person_unavailable"}


async def _read(client: AsyncClient, house: House, assignment: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/api/v1/assignments/{assignment}", headers=house.headers)).json()
    return found


async def _status(client: AsyncClient, house: House, assignment: str) -> str:
    return str((await _read(client, house, assignment))["status"])


async def test_who_may_not_act_is_told_so_and_not_that_the_company_was_slowed(strict: FastAPI) -> None:
    """The attack: 429 instead of 401 or 404 says that a company of this slug exists, and how it fares."""
    strict.state.settings = strict.state.settings.model_copy(update={"limit_unavailable_answers_per_hour": 0})
    ways = _hurried(strict)
    assert len(ways) >= 18
    async with AsyncClient(transport=ASGITransport(strict), base_url="https://filage.test") as client:
        company, stranger = await sign_up(client), await sign_up(client)
        viewer = await member(client, company, "viewer")
        bearers = (company.token, viewer["Authorization"].split()[1], stranger.token, None)
        for path in sorted(ways):
            filled = _PARAMETER.sub(str(uuid4()), path.replace("{slug}", company.slug))
            found = [await _knock(client, filled, company.slug, bearer) for bearer in bearers]
            assert found == [429, 403, 404, 401], path


def _hurried(app: FastAPI) -> set[str]:
    """Return the routes that a company which asks too often is kept from."""
    names = {"unhurried", "_unhurried_asking"}
    return {
        str(one.path)
        for one in iter_route_contexts(app.routes)
        if isinstance(one.original_route, APIRoute)
        and not str(one.path).startswith(("/api/v1/me/", "/me/"))
        and any(getattr(each.call, "__name__", "") in names for each in one.dependant.dependencies)
    }


async def _knock(client: AsyncClient, path: str, slug: str, bearer: str | None) -> int:
    """Send the least that a route takes, with this token in the way of its own, and return what it answers."""
    client.cookies.clear()
    if path.startswith("/api/"):
        headers = {"X-Tenant": slug} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        body = {"action": "confirm", "ids": [str(uuid4())]}
        method = "PATCH" if path.startswith("/api/v1/calls/") else "POST"
        return (await client.request(method, path, json=body, headers=headers)).status_code
    if bearer:
        client.cookies.set(SESSION, bearer)
    token = _TOKEN.search((await client.get("/companies" if bearer else "/sign-in")).text)
    assert token is not None
    sent = await client.post(path, data={FIELD: token[1]}, headers={"Origin": "https://filage.test"})
    return sent.status_code
