"""A company still without the tables of t0003 is served; going up loses nothing, going down the new rows alone."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from backend.demo.stage import season
from backend.tenancy import migrations
from tests.backstage import running
from tests.helpers import problem, sign_up
from tests.imports.acts import post
from tests.migrations.stage import Stage as Fleet
from tests.planning.stage import SOON, Stage

PERMIT = {"kind": "electrical_habilitation", "issued_on": "2028-03-03", "expires_on": "2031-03-02"}
PLACE = {"latitude": 47.2184, "longitude": -1.5536}


async def bring(fleet: Fleet, *words: str) -> None:
    done = await asyncio.to_thread(fleet.run, *words)
    assert done.returncode == 0, done.stderr + done.stdout


async def use(stage: Stage, title: str) -> dict[str, Any]:
    """Do what a company does every day; return a draft of an electrician."""
    venue = await stage.create("/venues", name=title)
    assert (await stage.patch(f"/venues/{venue['id']}", {"city": "Brest"})).status_code == 200
    production, person = await stage.production(title), await stage.person(job="electricien")
    call = await stage.call(production, venue_id=venue["id"])
    await stage.create(f"/calls/{call['id']}/positions", job="electricien", headcount=1)
    await stage.confirmed(call, await stage.person())
    for path in ("/venues", "/jobs", "/skills", "/people", f"/calls/{call['id']}/positions", "/company/travel",
                 f"/people/{person['id']}/permits", f"/people/{person['id']}/findings", "/exports/venues.csv",
                 f"/productions/{production['id']}/findings", f"/venues/{venue['id']}/travel"):  # fmt: skip
        answer = await stage.get(path)
        assert answer.status_code == 200, (path, answer.text)
    planning = await stage.get("/planning", **{"from": "2031-03-03", "to": "2031-03-09"})
    assert planning.status_code == 200, planning.text
    moved = {"call_id": call["id"], "starts_at": (SOON + timedelta(hours=1)).isoformat()}
    assert (await stage.post("/planning/check", {"calls": [moved]})).status_code == 200
    assert (await stage.post(f"/calls/{call['id']}/publish")).status_code == 200
    return await stage.assignment(call, person, "electricien")


@pytest.mark.postgresql
async def test_a_company_is_served_before_the_release_has_reached_it_and_after(stage: Fleet) -> None:
    async with running(stage.settings(), stage.urls, tenant_cache_seconds=0) as (_app, client):
        company = await sign_up(client)
        at_work = Stage(client, company)
        await bring(stage, "--only", company.slug, "--to", "t0002")
        assert stage.revisions()[company.slug] == "t0002"
        draft = await use(at_work, "Avant")
        problem(await at_work.post(f"/people/{draft['person_id']}/permits", PERMIT), 503, "tenant_outdated")
        problem(await at_work.post("/venues", {"name": "Studio"} | PLACE), 503, "tenant_outdated")
        assert (await post(client, company, season("theatre-du-pont"))).status_code == 200
        await bring(stage)
        assert stage.revisions()[company.slug] == migrations.head("tenant")
        assert (await at_work.get(f"/assignments/{draft['id']}")).json()["status"] == "draft"
        await at_work.create(f"/people/{draft['person_id']}/permits", **PERMIT)
        (position,) = (await at_work.get(f"/calls/{draft['call_id']}/positions")).json()["items"]
        path = f"/calls/{draft['call_id']}/positions/{position['id']}"
        assert (await at_work.patch(path, {"required_permits": [PERMIT["kind"]]})).status_code == 200
        problem(await at_work.act(draft, "confirm"), 409, "skill_missing")
        venue = (await at_work.get("/venues")).json()["items"][0]
        assert (await at_work.patch(f"/venues/{venue['id']}", PLACE)).json()["latitude"] == PLACE["latitude"]
        await bring(stage, "--only", company.slug, "--to", "t0002")
        await use(at_work, "Après")
        assert (await at_work.get(f"/venues/{venue['id']}")).json()["latitude"] is None
        assert (await at_work.act(draft, "confirm")).status_code == 200
        await bring(stage)
        assert len(set(stage.catalogues().values())) == 1
        assert (await at_work.get(f"/people/{draft['person_id']}/permits")).json()["items"] == []


@pytest.mark.postgresql
async def test_a_company_brought_down_and_up_again_is_made_like_a_new_one(stage: Fleet) -> None:
    first, _second = await stage.companies(2)
    before = stage.catalogues()
    await bring(stage, "--only", first.slug, "--to", "t0002")
    assert "person_permit" not in stage.catalogues()[first.slug]
    await bring(stage)
    assert stage.catalogues() == before
