"""Alive, and ready: two answers without a secret, and the second depends on the database."""

from pathlib import Path

from httpx import AsyncClient

from backend.core.settings import Settings
from backend.tenancy.session import Urls
from tests.backstage import running


async def test_a_running_service_is_alive_and_ready(client: AsyncClient) -> None:
    for path in ("/health/live", "/health/ready"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_without_its_database_the_service_is_alive_and_not_ready(
    settings: Settings, urls: Urls, tmp_path: Path
) -> None:
    nowhere = str(tmp_path / "nothing.sqlite3") if "sqlite" in urls.app.drivername else "filage_nowhere"
    lost = Urls(urls.app.set(database=nowhere), urls.owner.set(database=nowhere))
    async with running(settings, lost) as (_, client):
        assert (await client.get("/health/live")).status_code == 200
        answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})
        for word in (nowhere, "filage_app", "Error"):
            assert word not in answer.text


async def test_health_asks_for_no_company_and_no_token(client: AsyncClient) -> None:
    answer = await client.get("/health/ready", headers={"Host": "autre.example", "Authorization": "Bearer x"})
    assert answer.status_code == 200
