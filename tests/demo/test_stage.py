"""The demo's two companies, loaded as ./run demo loads them: what a newcomer finds."""

from io import StringIO

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from rich.console import Console

from backend.core.settings import Settings
from backend.demo import stage
from backend.tenancy.session import Urls


async def log_in(client: AsyncClient, email: str) -> dict[str, str]:
    answer = await client.post("/api/v1/auth/login", data={"username": email, "password": stage.PASSWORD})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_the_demo_is_loaded_once_and_its_people_find_what_is_promised(
    settings: Settings, urls: Urls, app: FastAPI, client: AsyncClient
) -> None:
    await stage.load(settings, urls, Console(file=StringIO()))
    for troupe in stage.TROUPES:
        app.state.directory.forget(troupe.slug)
    person = await log_in(client, stage.INTERMITTENT)
    seen = (await client.get("/api/v1/me/assignments", headers=person)).json()
    assert {item["company"]["slug"] for item in seen["items"]} == {troupe.slug for troupe in stage.TROUPES}
    # domain.md: one person of both companies is called twice on the afternoon of 26 January 2027.
    contested = [(i["company"]["slug"], i["call"]["starts_at"][:10]) for i in seen["items"] if i["contested"]]
    assert contested == [("theatre-du-pont", "2027-01-26")]
    planner = {**await log_in(client, stage.PLANNER), "X-Tenant": stage.TROUPES[0].slug}
    week = await client.get("/api/v1/planning?from=2026-11-23&to=2026-11-29", headers=planner)
    assert week.status_code == 200
    spring = {"from": "2027-03-22", "to": "2027-04-10"}
    found = (await client.get("/api/v1/planning", params=spring, headers=planner)).json()["findings"]
    expired = {f["person_id"] for f in found if (f["rule"], f["severity"]) == ("PERMIT-EXPIRED", "HARD")}
    people = (await client.get("/api/v1/people?limit=200", headers=planner)).json()["items"]
    assert [p["ref"] for p in people if p["id"] in expired] == ["EL02"]
    assert not [f for f in found if f["rule"] == "PERMIT-MISSING"]
    owners = [{**await log_in(client, t.owner), "X-Tenant": t.slug} for t in stage.TROUPES]
    counts = [(await client.get("/api/v1/audit-events", headers=owner)).json()["items"] for owner in owners]
    await stage.load(settings, urls, Console(file=StringIO()))
    again = [(await client.get("/api/v1/audit-events", headers=owner)).json()["items"] for owner in owners]
    assert again == counts


def test_what_is_announced_can_be_copied_line_by_line() -> None:
    printed = StringIO()
    stage.announce(Console(file=printed, width=40), "http://127.0.0.1:8000")
    lines = printed.getvalue().splitlines()
    for text in (stage.PASSWORD, stage.PLANNER, stage.INTERMITTENT, *(troupe.owner for troupe in stage.TROUPES)):
        assert any(text in line for line in lines)
    assert sum(line.startswith(("TOKEN=", "curl ")) for line in lines) == 3


@pytest.mark.postgresql
def test_a_server_of_ones_own_is_never_thrown_away(settings: Settings) -> None:
    with pytest.raises(SystemExit, match="never a server of your own"):
        stage.prepare(settings, reset=True, console=Console(file=StringIO()))
