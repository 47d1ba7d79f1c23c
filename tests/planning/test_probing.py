"""A company that keeps asking who is held elsewhere is slowed; refusals count although they roll back."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

from backend.app import create_app
from backend.core.settings import Settings
from backend.tenancy.session import Urls
from tests.helpers import problem, sign_up, unique
from tests.portal.conftest import House, act, assign, build, call
from tests.portal.test_two_companies import EVENING, LATER, MORNING, Mails, as_person, confirmed, link_both

LIMIT = 2
FREE = ("2027-01-27T14:00:00+01:00", "2027-01-27T17:00:00+01:00")
EXPIRY = {"expires_at": "2027-01-20T18:00:00+01:00"}


@pytest.fixture
async def strict(settings: Settings, urls: Urls) -> AsyncIterator[FastAPI]:
    application = create_app(settings.model_copy(update={"limit_unavailable_answers_per_hour": LIMIT}), urls)
    async with application.router.lifespan_context(application):
        yield application


async def _house(client: AsyncClient, email: str) -> House:
    return await build(client, await sign_up(client), email)


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

        async def ask(made: dict[str, Any]) -> Response:
            wanted = {"call_id": made["id"], "person_id": prober.person["id"], "job": "machiniste"}
            body = {"assignments": [wanted]}
            return await client.post("/api/v1/planning/check", json=body, headers=prober.headers)

        for _ in range(LIMIT):
            answer = await ask(later)
            assert [one["code"] for one in answer.json()["refusals"]] == ["person_not_available"]
            assert house.production["id"] not in answer.text
            assert house.company.slug not in answer.text
        for made in (later, evening):
            problem(await ask(made), 429, "rate_limited")
        problem(await act(client, prober, free, "confirm"), 429, "rate_limited")


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
