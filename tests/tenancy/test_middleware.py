"""Which company a request is for: the header, the host, both, or none; never a default."""

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response

from backend.core.settings import Settings
from tests.helpers import SignedUpCompany, problem


async def read(client: AsyncClient, company: SignedUpCompany, **headers: str) -> Response:
    given = {"Authorization": f"Bearer {company.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return await client.get("/api/v1/company", headers=given)


@pytest.fixture
def domain(app: FastAPI) -> str:
    settings: Settings = app.state.settings
    return settings.base_domain


async def test_the_header_or_the_host_or_both_name_the_company(
    client: AsyncClient, company: SignedUpCompany, domain: str
) -> None:
    host = f"{company.slug}.{domain}"
    for headers in (
        {"X_Tenant": company.slug}, {"Host": host}, {"Host": host, "X_Tenant": company.slug},
        {"Host": f"{host}:8000"}, {"Host": host.upper()}, {"Host": f"{host}."}, {"X_Tenant": f" {company.slug} "},
    ):  # fmt: skip
        answer = await read(client, company, **headers)
        assert answer.status_code == 200, headers
        assert answer.json()["slug"] == company.slug


async def test_a_header_and_a_host_that_differ_are_refused(
    client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany, domain: str
) -> None:
    answer = await read(client, company, Host=f"{other_company.slug}.{domain}", X_Tenant=company.slug)
    problem(answer, 400, "tenant_mismatch")


@pytest.mark.parametrize("host", ["filage.test", "{domain}", "evil{domain}", "{slug}.{domain}.evil.example", "", "::1"])
async def test_without_a_company_nothing_is_chosen(
    client: AsyncClient, company: SignedUpCompany, domain: str, host: str
) -> None:
    answer = await read(client, company, Host=host.format(domain=domain, slug=company.slug))
    problem(answer, 400, "tenant_required")


@pytest.mark.parametrize("slug", ["{UPPER}", "personne-ici", "a.{slug}", "{slug},{slug}", "x" * 9000, "a\x00b", "\xff"])
async def test_what_is_nobodys_slug_is_not_found(client: AsyncClient, company: SignedUpCompany, slug: str) -> None:
    value = slug.format(UPPER=company.slug.upper(), slug=company.slug)
    headers = [(b"authorization", f"Bearer {company.token}".encode()), (b"x-tenant", value.encode("latin-1"))]
    problem(await client.get("/api/v1/company", headers=headers), 404, "tenant_not_found")


async def test_routes_of_no_company_never_look_at_it(
    client: AsyncClient, company: SignedUpCompany, domain: str
) -> None:
    headers = {"Authorization": f"Bearer {company.token}", "X-Tenant": "personne-ici", "Host": f"autre.{domain}"}
    assert (await client.get("/api/v1/users/me", headers=headers)).status_code == 200
    assert (await client.get("/health/live", headers=headers)).status_code == 200
