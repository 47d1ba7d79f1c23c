"""Jobs: the nineteen of the stage at first, the company's own afterwards."""

from importlib.resources import files

from fastapi import FastAPI
from httpx import AsyncClient

from backend.core.clock import utc_now
from backend.people.domain.jobs import FIRST_TRADES, Trade
from backend.people.service import known_jobs
from backend.tenancy.acting import Act, Actor
from tests.helpers import SignedUpCompany, create, problem


def trades_of_the_readme() -> list[Trade]:
    table = (files("backend") / "demo" / "season" / "README.md").read_text("utf-8").split("## Jobs")[1]
    rows = [[cell.strip().strip("`") for cell in line.split("|")[1:5]] for line in table.splitlines() if "`" in line]
    return [Trade(*row) for row in rows]


def test_the_first_trades_are_those_of_the_season() -> None:
    assert list(FIRST_TRADES) == trades_of_the_readme()
    assert len(FIRST_TRADES) == 19


async def test_a_new_company_has_the_nineteen_jobs_by_code(client: AsyncClient, company: SignedUpCompany) -> None:
    answer = await client.get("/api/v1/jobs", headers=company.headers)
    found = [(job["code"], job["label"], job["department"], job["annexe"]) for job in answer.json()["items"]]
    assert found == sorted((t.code, t.label, t.department, t.annexe) for t in trades_of_the_readme())
    assert answer.json()["next_cursor"] is None


async def test_the_known_jobs_are_those_of_this_company_alone(
    client: AsyncClient, app: FastAPI, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    body = {"code": "souffleur", "label": "souffleur·se", "department": "stage", "annexe": "8"}
    await create(client, company.headers, "/jobs", **body)
    for slug, count in ((company.slug, 20), (other_company.slug, 19)):
        info = await app.state.directory.by_slug(slug)
        async with app.state.database.company(info) as session:
            jobs = await known_jobs(Act(session, info, Actor(None, "test"), utc_now()))
        assert len(jobs) == count
        assert ("souffleur" in jobs) is (count == 20)
        assert jobs["comedien"].label == "comédien·ne"


async def test_a_code_is_lower_case_letters_digits_and_underscores(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    for code in ("Régisseur", "régisseur", "a b", "=cmd", "1a", "", "x" * 61, "a\x00", "a\nb"):
        body = {"code": code, "label": "x", "department": "stage", "annexe": "8"}
        answer = await client.post("/api/v1/jobs", json=body, headers=company.headers)
        assert problem(answer, 422, "invalid")["errors"][0]["loc"] == ["body", "code"]


async def test_a_new_code_follows_to_the_people_who_have_it(client: AsyncClient, company: SignedUpCompany) -> None:
    job = await create(client, company.headers, "/jobs", code="peintre", label="p", department="stage", annexe="8")
    anne = await create(client, company.headers, "/people", first_name="Anne", last_name="A", job="peintre")
    changed = await client.patch(
        f"/api/v1/jobs/{job['id']}", json={"code": "peintre_decor"}, headers={**company.headers, "If-Match": '"1"'}
    )
    assert changed.status_code == 200
    read = await client.get(f"/api/v1/people/{anne['id']}", headers=company.headers)
    assert read.json()["job"] == "peintre_decor"


async def test_a_job_in_use_is_not_deleted(client: AsyncClient, company: SignedUpCompany) -> None:
    job = await create(client, company.headers, "/jobs", code="peintre", label="p", department="stage", annexe="8")
    anne = await create(client, company.headers, "/people", first_name="Anne", last_name="A", job="peintre")
    headers = {**company.headers, "If-Match": '"1"'}
    refused = problem(await client.delete(f"/api/v1/jobs/{job['id']}", headers=headers), 409, "in_use")
    assert "autre métier" in refused["detail"]
    assert (await client.get(f"/api/v1/jobs/{job['id']}", headers=headers)).status_code == 200
    other = await client.patch(f"/api/v1/people/{anne['id']}", json={"job": "machiniste"}, headers=headers)
    assert other.status_code == 200
    assert (await client.delete(f"/api/v1/jobs/{job['id']}", headers=headers)).status_code == 204
