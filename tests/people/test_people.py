"""People of the directory: with or without an account, unique by e-mail and ref, never lost while still needed."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import select, update

from backend.core.clock import utc_now
from backend.core.ids import new_id
from backend.people.models import Person
from backend.planning.domain.states import Status
from backend.planning.models import Assignment, Call, CallKind, CallStatus, PayUnit
from backend.productions.models import Production, ProductionKind
from tests.helpers import SignedUpCompany, create, problem

ANNE = {"first_name": "Anne", "last_name": "Aubert", "job": "regisseur_lumiere"}


async def add(client: AsyncClient, company: SignedUpCompany, **fields: Any) -> dict[str, Any]:
    return await create(client, company.headers, "/people", **{**ANNE, **fields})


async def patch(client: AsyncClient, company: SignedUpCompany, person: dict[str, Any], **fields: Any) -> Any:
    headers = {**company.headers, "If-Match": f'"{person["version"]}"'}
    return await client.patch(f"/api/v1/people/{person['id']}", json=fields, headers=headers)


async def names(client: AsyncClient, company: SignedUpCompany, **params: str) -> list[str]:
    answer = await client.get("/api/v1/people", params=params, headers=company.headers)
    assert answer.status_code == 200, answer.text
    return [person["first_name"] for person in answer.json()["items"]]


async def test_department_and_annexe_are_the_jobs_unless_said(client: AsyncClient, company: SignedUpCompany) -> None:
    anne = await add(client, company)
    assert (anne["department"], anne["annexe"], anne["has_account"]) == ("lighting", "8", False)
    bruno = await add(client, company, department="wardrobe", annexe="cdi")
    assert (bruno["department"], bruno["annexe"]) == ("wardrobe", "cdi")


async def test_a_new_job_leaves_the_department_and_null_asks_for_the_jobs(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    anne = await add(client, company)
    moved = (await patch(client, company, anne, job="comedien")).json()
    assert (moved["department"], moved["annexe"]) == ("lighting", "8")
    reset = (await patch(client, company, moved, department=None, annexe=None)).json()
    assert (reset["department"], reset["annexe"]) == ("artistic", "10")


async def test_null_clears_what_may_be_empty(client: AsyncClient, company: SignedUpCompany) -> None:
    full = {"ref": "R1", "email": "anne@example.org", "phone": "+33 6 39 98 00 01", "birth_date": "1990-01-02"}
    anne = await add(client, company, **full)
    assert {name: anne[name] for name in full} == full
    cleared = (await patch(client, company, anne, **dict.fromkeys(full))).json()
    assert {name: cleared[name] for name in full} == dict.fromkeys(full)
    assert cleared["first_name"] == "Anne"


async def test_an_unknown_job_is_refused_on_creation_and_change(client: AsyncClient, company: SignedUpCompany) -> None:
    answer = await client.post("/api/v1/people", json={**ANNE, "job": "astronaute"}, headers=company.headers)
    assert problem(answer, 422)["errors"][0] == {
        "loc": ["body", "job"],
        "msg": "Ce métier n'existe pas dans votre compagnie : choisissez-en un dans la liste des métiers, ou créez-le.",
        "code": "unknown_job",
    }
    anne = await add(client, company)
    problem(await patch(client, company, anne, job="astronaute"), 422)


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "  =1+1"], ids=["equals", "plus", "minus", "at", "blank"]
)
@pytest.mark.parametrize("field", ["first_name", "last_name", "ref"])
async def test_a_name_that_a_spreadsheet_would_run_is_refused(
    client: AsyncClient, company: SignedUpCompany, field: str, name: str
) -> None:
    answer = await client.post("/api/v1/people", json={**ANNE, field: name}, headers=company.headers)
    error = problem(answer, 422, "invalid")["errors"][0]
    assert (error["loc"], error["code"]) == (["body", field], "formula")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "anne"), ("email", "anne@example.org\x00"), ("email", "a@" + "x" * 400 + ".org"),
        ("phone", "call me"), ("phone", "1" * 41), ("birth_date", "1990-13-01"), ("birth_date", 19900101),
        ("birth_date", "1899-12-31"), ("annexe", "9"), ("department", "x" * 61), ("ref", "r" * 61),
        ("ref", "a\nb"), ("first_name", "Anne\u202eenna"), ("last_name", "\u2067Roche"), ("job", ""),
        ("has_account", True), ("number", 7), ("user_id", "01a2122d-60d5-7f88-a06b-5dfdb345713d"),
    ],
)  # fmt: skip
async def test_a_wrong_value_is_refused_where_it_stands(
    client: AsyncClient, company: SignedUpCompany, field: str, value: Any
) -> None:
    answer = await client.post("/api/v1/people", json={**ANNE, field: value}, headers=company.headers)
    error = problem(answer, 422, "invalid")["errors"][0]
    assert error["loc"] == ["body", field]
    assert not set("^$[\\") & set(error["msg"])
    assert "(s)" not in error["msg"]


async def test_nobody_is_born_tomorrow(client: AsyncClient, company: SignedUpCompany) -> None:
    later = (utc_now() + timedelta(days=2)).date().isoformat()
    answer = await client.post("/api/v1/people", json={**ANNE, "birth_date": later}, headers=company.headers)
    assert problem(answer, 422)["errors"][0]["code"] == "birth_date"


async def test_an_email_belongs_to_one_person_of_the_company_in_whatever_case(
    client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    await add(client, company, email="Anne@Example.org")
    again = await client.post("/api/v1/people", json={**ANNE, "email": "anne@EXAMPLE.org "}, headers=company.headers)
    body = problem(again, 409, "duplicate")
    assert body["field"] == "email"
    assert "e-mail" in body["detail"]
    bruno = await add(client, company, first_name="Bruno", email="bruno@example.org")
    assert problem(await patch(client, company, bruno, email="anne@example.org"), 409, "duplicate")["field"] == "email"
    assert (await add(client, other_company, email="anne@example.org"))["email"] == "anne@example.org"
    assert sorted(await names(client, company)) == ["Anne", "Bruno"]


async def test_two_without_email_or_ref_are_no_duplicates(client: AsyncClient, company: SignedUpCompany) -> None:
    assert (await add(client, company))["id"] != (await add(client, company))["id"]


async def test_each_person_has_a_ledger_number_of_their_own(
    client: AsyncClient, app: FastAPI, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    numbers: list[int] = []
    for each in (company, other_company):
        await add(client, each)
        await add(client, each)
        info = await app.state.directory.by_slug(each.slug)
        async with app.state.database.company(info, write=False) as session:
            numbers += await session.scalars(select(Person.number))
    assert len(numbers) == len(set(numbers)) == 4


async def test_people_are_listed_by_last_name_then_first_name(client: AsyncClient, company: SignedUpCompany) -> None:
    for first, last in (("Zoe", "Martin"), ("Anne", "Martin"), ("Bruno", "Aubert")):
        await add(client, company, first_name=first, last_name=last)
    assert await names(client, company) == ["Bruno", "Anne", "Zoe"]
    assert await names(client, company, limit="1") == ["Bruno"]


async def test_filters_find_people_by_name_email_job_department_and_annexe(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    await add(client, company, first_name="Anne", last_name="Le Goff", email="alg@example.org")
    await add(client, company, first_name="Bruno", last_name="Petit", job="comedien")
    await add(client, company, first_name="Chloe", last_name="100%_Vrai", department="wardrobe", annexe="cdi")
    assert await names(client, company, q="GOFF anne") == ["Anne"]
    assert await names(client, company, q="ALG@ex") == ["Anne"]
    assert await names(client, company, q="e") == ["Chloe", "Anne", "Bruno"]
    assert await names(client, company, q="goff bruno") == []
    assert await names(client, company, q="%_") == ["Chloe"]
    assert await names(client, company, q="0%v") == []
    assert await names(client, company, q="'; drop table person; --") == []
    assert await names(client, company, job="comedien") == ["Bruno"]
    assert await names(client, company, department="wardrobe") == ["Chloe"]
    assert await names(client, company, annexe="10") == ["Bruno"]
    assert await names(client, company, annexe="8", department="lighting", q="anne") == ["Anne"]
    assert await names(client, company, job="astronaute") == []


@pytest.mark.parametrize(
    "params", [{"q": "a\x00"}, {"q": "x" * 201}, {"job": "É"}, {"annexe": "9"}, {"department": "\n"}], ids=str
)
async def test_a_filter_that_no_row_could_match_is_refused(
    client: AsyncClient, company: SignedUpCompany, params: dict[str, str]
) -> None:
    problem(await client.get("/api/v1/people", params=params, headers=company.headers), 422, "invalid")


async def engage(app: FastAPI, company: SignedUpCompany, person_id: str) -> None:
    """Put a person on a call of a new production, by the tables."""
    now = utc_now()
    info = await app.state.directory.by_slug(company.slug)
    stamps = {"created_at": now, "updated_at": now}
    async with app.state.database.company(info) as session:
        production = Production(id=new_id(), title="La Traversée", kind=ProductionKind.CREATION, **stamps)
        session.add(production)
        await session.flush()
        call = Call(
            id=new_id(), production_id=production.id, kind=CallKind.REHEARSAL, title="Répétition", starts_at=now,
            ends_at=now + timedelta(hours=3), on_tour=False, breaks=[], unplaced_break_minutes=0,
            status=CallStatus.DRAFT, **stamps,
        )  # fmt: skip
        session.add(call)
        await session.flush()
        session.add(
            Assignment(
                call_id=call.id,
                person_id=UUID(person_id),
                job="machiniste",
                status=Status.DRAFT,
                pay_unit=PayUnit.HOUR,
                **stamps,
            )
        )


async def test_a_person_with_assignments_is_not_deleted(
    client: AsyncClient, app: FastAPI, company: SignedUpCompany
) -> None:
    anne = await add(client, company)
    await engage(app, company, anne["id"])
    url, headers = f"/api/v1/people/{anne['id']}", {**company.headers, "If-Match": '"1"'}
    body = problem(await client.delete(url, headers=headers), 409, "in_use")
    assert "affectations" in body["detail"]
    assert (await client.get(url, headers=headers)).json() == anne
    events = await client.get(f"/api/v1/audit-events?subject_id={anne['id']}", headers=company.headers)
    assert [event["what"] for event in events.json()["items"]] == ["person.created"]


async def test_a_person_with_an_account_is_not_deleted(
    client: AsyncClient, app: FastAPI, company: SignedUpCompany
) -> None:
    anne = await add(client, company)
    info = await app.state.directory.by_slug(company.slug)
    async with app.state.database.company(info) as session:
        await session.execute(update(Person).where(Person.id == UUID(anne["id"])).values(user_id=new_id()))
    url, headers = f"/api/v1/people/{anne['id']}", {**company.headers, "If-Match": '"1"'}
    assert (await client.get(url, headers=headers)).json()["has_account"] is True
    assert (await client.get("/api/v1/people", headers=headers)).json()["items"][0]["has_account"] is True
    body = problem(await client.delete(url, headers=headers), 409, "in_use")
    assert "compte" in body["detail"]


async def test_two_who_add_the_same_email_at_once_get_one_person(client: AsyncClient, company: SignedUpCompany) -> None:
    body = {**ANNE, "email": "anne@example.org"}
    posts = [client.post("/api/v1/people", json=body, headers=company.headers) for _ in range(5)]
    answers = await asyncio.gather(*posts)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"duplicate"}


async def test_two_who_change_one_person_at_once_do_not_overwrite_each_other(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    anne = await add(client, company)
    patches = [patch(client, company, anne, first_name=f"Anne {number}") for number in range(5)]
    answers = await asyncio.gather(*patches)
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    events = await client.get("/api/v1/audit-events?what=person.changed", headers=company.headers)
    assert len(events.json()["items"]) == 1
