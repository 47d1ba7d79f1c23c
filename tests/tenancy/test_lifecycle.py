"""A company that an operator suspends or renames is refused or followed by every process within two seconds."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

from backend.app import create_app
from backend.cli import companies
from backend.core.clock import utc_now
from backend.core.errors import ConflictError, InvalidError, NotFoundError
from backend.core.settings import Settings
from backend.tenancy import lifecycle
from backend.tenancy.session import Urls
from tests.helpers import SignedUpCompany, problem, sign_up, unique

SECONDS = 2.0


@pytest.fixture
async def patient(settings: Settings, urls: Urls) -> AsyncIterator[AsyncClient]:
    """A process whose cache would keep a company for a minute: only an announcement reaches it in time."""
    application = create_app(settings.model_copy(update={"tenant_cache_seconds": 60}), urls)
    async with application.router.lifespan_context(application):
        await asyncio.wait_for(application.state.listener.listening.wait(), 10)
        async with AsyncClient(transport=ASGITransport(application), base_url="http://filage.test") as client:
            yield client


async def until(ask: Callable[[], Awaitable[Response]], status: int) -> Response:
    """Ask until the answer has this status, for two seconds at most."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SECONDS
    answer = await ask()
    while answer.status_code != status and loop.time() < deadline:
        await asyncio.sleep(0.02)
        answer = await ask()
    return answer


@pytest.mark.postgresql
async def test_a_suspended_company_is_refused_by_every_process_and_served_again_when_resumed(
    app: FastAPI, patient: AsyncClient, company: SignedUpCompany
) -> None:
    def ask() -> Awaitable[Response]:
        return patient.get("/api/v1/company", headers=company.headers)

    assert (await ask()).status_code == 200
    async with app.state.database.shared() as session:
        await lifecycle.suspend(session, company.slug)
    problem(await until(ask, 403), 403, "tenant_suspended")
    async with app.state.database.shared() as session:
        await lifecycle.resume(session, company.slug)
    assert (await until(ask, 200)).status_code == 200


@pytest.mark.postgresql
async def test_a_renamed_company_answers_to_its_new_slug_alone(
    app: FastAPI, patient: AsyncClient, company: SignedUpCompany
) -> None:
    new = unique("nouveau")
    named = {**company.headers, "X-Tenant": new}
    assert (await patient.get("/api/v1/company", headers=company.headers)).status_code == 200
    problem(await patient.get("/api/v1/company", headers=named), 404)
    async with app.state.database.shared() as session:
        await lifecycle.rename(session, company.slug, new, utc_now())
    old = await until(lambda: patient.get("/api/v1/company", headers=company.headers), 404)
    problem(old, 404, "tenant_not_found")
    assert (await until(lambda: patient.get("/api/v1/company", headers=named), 200)).json()["slug"] == new


async def test_a_rename_to_a_slug_that_is_taken_reserved_malformed_or_lately_used_is_refused(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    database, now = app.state.database, utc_now()
    for wanted, refusal in ((other_company.slug, ConflictError), ("admin", InvalidError), ("Ö--", InvalidError)):
        with pytest.raises(refusal):
            async with database.shared() as session:
                await lifecycle.rename(session, company.slug, wanted, now)
    async with database.shared() as session:
        await lifecycle.rename(session, other_company.slug, unique("parti"), now)
    with pytest.raises(ConflictError, match="slug_taken"):
        async with database.shared() as session:
            await lifecycle.rename(session, company.slug, other_company.slug, now)
    with pytest.raises(NotFoundError):
        async with database.shared() as session:
            await lifecycle.suspend(session, "personne-ici")
    owner = {"email": f"{unique('o')}@example.org", "password": "trois-coups-au-lever", "full_name": "Camille"}
    late = await client.post("/api/v1/companies", json={"name": "Trop tôt", "slug": other_company.slug, "owner": owner})
    problem(late, 409, "slug_taken")
    async with database.shared() as session:
        assert await lifecycle.is_taken(session, other_company.slug, now + timedelta(days=366)) is False


async def test_a_company_may_take_its_own_former_slug_back(app: FastAPI, client: AsyncClient) -> None:
    company = await sign_up(client)
    between = unique("entre")
    async with app.state.database.shared() as session:
        await lifecycle.rename(session, company.slug, between, utc_now())
    async with app.state.database.shared() as session:
        found = await lifecycle.rename(session, between, company.slug, utc_now())
        assert found.slug == company.slug


async def test_a_command_runs_inside_one_company(settings: Settings, company: SignedUpCompany) -> None:
    given = await companies.environment(settings, company.slug)
    assert given["FILAGE_COMPANY"] == company.slug
    code = "import os; print(os.environ.get('PGOPTIONS') or os.environ['FILAGE_COMPANY_FILE'])"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env=given, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert b"t_" in printed
    with pytest.raises(NotFoundError):
        await companies.environment(settings, "personne-ici")
