"""A company that keeps asking who is held elsewhere is slowed; refusals count although they roll back."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from backend.app import create_app
from backend.core.settings import Settings
from backend.tenancy.session import Urls
from tests.helpers import problem, sign_up, unique
from tests.portal.conftest import House, act, assign, build, call
from tests.portal.test_two_companies import EVENING, LATER, MORNING, Mails, confirmed, link_both

LIMIT = 2


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
