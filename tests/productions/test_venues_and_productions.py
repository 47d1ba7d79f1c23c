"""What only venues and productions have."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from backend.core.clock import utc_now
from backend.planning.models import Call, CallKind, CallStatus
from tests.helpers import SignedUpCompany, create, problem, sign_up


async def titles(client: AsyncClient, company: SignedUpCompany, path: str, **params: str) -> list[str]:
    answer = await client.get(f"/api/v1{path}", params=params, headers=company.headers)
    assert answer.status_code == 200, answer.text
    return [row.get("title") or row["name"] for row in answer.json()["items"]]


async def test_a_venue_is_in_the_companys_time_zone_unless_it_says_another(client: AsyncClient) -> None:
    company = await sign_up(client, timezone="Indian/Reunion")
    venue = await create(client, company.headers, "/venues", name="Le Grand Marché")
    assert venue["timezone"] == "Indian/Reunion"
    away = await create(client, company.headers, "/venues", name="La Fonderie", timezone="Europe/Paris")
    assert away["timezone"] == "Europe/Paris"
    back = await client.patch(
        f"/api/v1/venues/{away['id']}", json={"timezone": None}, headers={**company.headers, "If-Match": '"1"'}
    )
    assert back.json()["timezone"] == "Indian/Reunion"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("capacity", -1), ("capacity", 1_000_001), ("capacity", 10**30), ("capacity", 1.5), ("capacity", "40"),
        ("capacity", True), ("timezone", "Europe/Nantes"), ("timezone", "../etc/passwd"), ("postal_code", "4" * 21),
        ("address", "x" * 501), ("address", "a\x00"), ("city", "x" * 201), ("ref", "=1"),
    ],
)  # fmt: skip
async def test_a_wrong_value_of_a_venue_is_refused_where_it_stands(
    client: AsyncClient, company: SignedUpCompany, field: str, value: Any
) -> None:
    answer = await client.post("/api/v1/venues", json={"name": "La Fonderie", field: value}, headers=company.headers)
    assert problem(answer, 422, "invalid")["errors"][0]["loc"] == ["body", field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "musical"), ("season", "x" * 21), ("objet_number", "9" * 61), ("premiere_date", "2026-11-31"),
        ("premiere_date", "2201-01-01"), ("premiere_date", "2026-11-16T10:00:00+01:00"), ("ref", "x" * 61),
    ],
)  # fmt: skip
async def test_a_wrong_value_of_a_production_is_refused_where_it_stands(
    client: AsyncClient, company: SignedUpCompany, field: str, value: Any
) -> None:
    body = {"title": "La Traversée", "kind": "creation", field: value}
    answer = await client.post("/api/v1/productions", json=body, headers=company.headers)
    assert problem(answer, 422, "invalid")["errors"][0]["loc"] == ["body", field]


async def test_an_address_may_have_several_lines(client: AsyncClient, company: SignedUpCompany) -> None:
    venue = await create(client, company.headers, "/venues", name="La Fonderie", address="12 quai\r\n44000 Nantes")
    assert venue["address"] == "12 quai\n44000 Nantes"


async def test_venues_are_found_by_words_and_by_city(client: AsyncClient, company: SignedUpCompany) -> None:
    for name, city in (("La Fonderie", "Nantes"), ("Le Quai", "Angers"), ("La Scène", None)):
        await create(client, company.headers, "/venues", name=name, city=city)
    assert await titles(client, company, "/venues") == ["La Fonderie", "La Scène", "Le Quai"]
    assert await titles(client, company, "/venues", q="nantes FONDERIE") == ["La Fonderie"]
    assert await titles(client, company, "/venues", q="scène") == ["La Scène"]
    assert await titles(client, company, "/venues", city="Angers") == ["Le Quai"]
    assert await titles(client, company, "/venues", city="Ang") == []


async def test_productions_are_found_by_words_season_and_kind(client: AsyncClient, company: SignedUpCompany) -> None:
    present = "2026-2027"
    for title, kind, season in (
        ("Ubu", "creation", present),
        ("Ubu roi", "revival", present),
        ("Zed", "creation", None),
    ):
        await create(client, company.headers, "/productions", title=title, kind=kind, season=season)
    assert await titles(client, company, "/productions", q="ubu") == ["Ubu", "Ubu roi"]
    assert await titles(client, company, "/productions", season="2026-2027", kind="revival") == ["Ubu roi"]
    assert await titles(client, company, "/productions", kind="creation") == ["Ubu", "Zed"]
    problem(await client.get("/api/v1/productions?kind=musical", headers=company.headers), 422, "invalid")


async def test_a_venue_and_a_production_with_calls_are_not_deleted(
    client: AsyncClient, app: FastAPI, company: SignedUpCompany
) -> None:
    venue = await create(client, company.headers, "/venues", name="La Fonderie")
    production = await create(client, company.headers, "/productions", title="Ubu", kind="creation")
    now = utc_now()
    info = await app.state.directory.by_slug(company.slug)
    async with app.state.database.company(info) as session:
        session.add(
            Call(
                production_id=UUID(production["id"]),
                venue_id=UUID(venue["id"]),
                kind=CallKind.SETUP,
                title="Montage",
                starts_at=now,
                ends_at=now + timedelta(hours=3),
                on_tour=False,
                breaks=[],
                unplaced_break_minutes=0,
                status=CallStatus.DRAFT,
                created_at=now,
                updated_at=now,
            )
        )
    headers = {**company.headers, "If-Match": '"1"'}
    for url in (f"/api/v1/venues/{venue['id']}", f"/api/v1/productions/{production['id']}"):
        assert "convocations" in problem(await client.delete(url, headers=headers), 409, "in_use")["detail"].lower()
        assert (await client.get(url, headers=headers)).status_code == 200
