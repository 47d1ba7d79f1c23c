"""Signing a company up: all or nothing, one slug for one company."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.settings import Settings
from backend.tenancy import names
from backend.tenancy.models import Installation
from backend.tenancy.session import Database, Urls
from tests.backstage import BrokenError, catalogue, failing_statement, running
from tests.helpers import PASSWORD, SignedUpCompany, problem, sign_up, unique

REFUSE = """
    create function shared.refuse() returns trigger language plpgsql as 'begin raise ''broken''; end'
"""
REFUSE_AT_COMMIT = """
    create constraint trigger refuse after insert on shared.membership deferrable initially deferred
    for each row execute function shared.refuse()
"""
SIRET = "99999998000017"


def filled_in(**changes: Any) -> dict[str, Any]:
    """Return a sign-up that would succeed."""
    owner = {"email": f"{unique('o')}@example.org", "password": PASSWORD, "full_name": "Camille Renard"}
    return {"name": "Compagnie du Lever", "slug": unique("essai"), "owner": owner, **changes}


async def post(client: AsyncClient, body: dict[str, Any], **headers: str) -> Response:
    return await client.post("/api/v1/companies", json=body, headers=headers)


async def test_a_company_signs_up_and_its_owner_is_logged_in(client: AsyncClient) -> None:
    company = await sign_up(client, "Compagnie de l'Échelle", city="Nantes")
    read = await client.get("/api/v1/company", headers=company.headers)
    assert read.status_code == 200
    assert read.json()["slug"] == company.slug
    assert read.headers["etag"] == '"1"'
    mine = await client.get("/api/v1/me/companies", headers={"Authorization": f"Bearer {company.token}"})
    assert [c["role"] for c in mine.json()["items"]] == ["owner"]


async def test_two_sign_ups_racing_for_one_slug_give_one_201_and_one_409(client: AsyncClient) -> None:
    slug = unique("course")

    async def attempt() -> int:
        return (await post(client, filled_in(slug=slug))).status_code

    assert sorted(await asyncio.gather(*(attempt() for _ in range(4)))) == [201, 409, 409, 409]


async def test_two_sign_ups_racing_for_one_address_give_one_201_and_one_409(app: FastAPI) -> None:
    owner = filled_in()["owner"]

    async def attempt(address: str) -> Response:
        transport = ASGITransport(app, raise_app_exceptions=False, client=(address, 1))
        async with AsyncClient(transport=transport, base_url="http://filage.test") as own:
            return await post(own, filled_in(owner=owner))

    # From three addresses: the limit of one address would make them wait for each other.
    answers = await asyncio.gather(*(attempt(f"192.0.2.{number}") for number in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert {answer.json().get("code") for answer in answers} == {None, "email_taken"}


async def test_members_of_other_companies_get_the_answer_of_a_company_that_does_not_exist(
    client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    foreign = await client.get("/api/v1/company", headers={**company.headers, "X-Tenant": other_company.slug})
    missing = await client.get("/api/v1/company", headers={**company.headers, "X-Tenant": "personne-ici"})
    one, two = problem(foreign, 404, "tenant_not_found"), problem(missing, 404, "tenant_not_found")
    assert {**one, "trace_id": ""} == {**two, "trace_id": ""}


async def test_a_sign_up_broken_at_any_of_its_statements_leaves_nothing(app: FastAPI, client: AsyncClient) -> None:
    with failing_statement(0) as whole:
        assert (await post(client, filled_in())).status_code == 201
    assert len(whole) > 8
    before = await catalogue(app.state.database)
    for number in range(1, len(whole) + 1):
        with failing_statement(number) as sent:
            answer = await post(client, filled_in())
        problem(answer, 500, "unexpected")
        assert len(sent) >= number - 1, "the failure was not where it was meant to be"
        assert await catalogue(app.state.database) == before, f"statement {number} left something: {sent[-1:]}"


async def test_a_sign_up_whose_first_rows_fail_leaves_nothing(settings: Settings, urls: Urls) -> None:
    async def seed(session: AsyncSession) -> None:
        await session.execute(text("select 1"))
        raise BrokenError

    async with running(settings, urls) as (own, client):
        own.state.database.seed = seed
        before = await catalogue(own.state.database)
        problem(await post(client, filled_in()), 500, "unexpected")
        assert await catalogue(own.state.database) == before


@pytest.mark.sqlite
async def test_a_commit_that_the_file_refuses_leaves_nothing(settings: Settings, urls: Urls) -> None:
    async def seed(session: AsyncSession) -> None:
        await session.execute(text("pragma defer_foreign_keys = on"))
        await session.execute(
            text("insert into position (id, call_id, job, headcount, version) values (1, 2, 'x', 1, 1)")
        )

    async with running(settings, urls) as (own, client):
        own.state.database.seed = seed
        before = await catalogue(own.state.database)
        assert (await post(client, filled_in())).status_code in {409, 500}
        assert await catalogue(own.state.database) == before


@pytest.mark.postgresql
async def test_a_commit_that_the_server_refuses_leaves_nothing(app: FastAPI, client: AsyncClient) -> None:
    database: Database = app.state.database
    async with database.owner() as session:
        await session.execute(text(REFUSE))
        await session.execute(text(REFUSE_AT_COMMIT))
    before = await catalogue(database)
    try:
        assert (await post(client, filled_in())).status_code == 500
        assert await catalogue(database) == before
    finally:
        async with database.owner() as session:
            await session.execute(text("drop function shared.refuse() cascade"))


@pytest.mark.postgresql
@pytest.mark.parametrize("what", ["role", "schema"])
async def test_a_role_or_schema_that_exists_already_breaks_the_sign_up_and_leaves_nothing(
    app: FastAPI, client: AsyncClient, what: str
) -> None:
    database: Database = app.state.database
    async with database.owner() as session:
        number = (await session.scalar(text("select nextval('shared.company_number_seq')")) or 0) + 1
        installation = str(await session.scalar(text(f"select id from shared.{Installation.__tablename__}")))
        name = names.role_name(installation, number) if what == "role" else names.schema_name(number)
        await session.execute(text(f"create {what} {name}"))
    before = await catalogue(database)
    try:
        answer = await post(client, filled_in())
        assert answer.status_code == 500
        assert name not in answer.text
        assert await catalogue(database) == before
    finally:
        async with database.owner() as session:
            await session.execute(text(f"drop {what} {name}"))


async def test_a_taken_slug_or_address_leaves_nothing(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany
) -> None:
    before = await catalogue(app.state.database)
    problem(await post(client, filled_in(slug=company.slug)), 409, "slug_taken")
    owner = {**filled_in()["owner"], "email": company.email.upper()}
    problem(await post(client, filled_in(owner=owner)), 409, "email_taken")
    assert await catalogue(app.state.database) == before


@pytest.mark.parametrize("slug", ["www", "api", "admin", "pg-chose", "shared", "information-schema", "t-000001"])
async def test_reserved_slugs_are_refused(client: AsyncClient, slug: str) -> None:
    problem(await post(client, filled_in(slug=slug)), 422, "slug_reserved")
    asked = await client.get("/api/v1/companies/slug-availability", params={"slug": slug})
    assert asked.json()["available"] is False


@pytest.mark.parametrize(
    "slug",
    [
        "", "ab", "a" * 41, "-abc", "abc-", "1abc", "Abc", "a b c", "a_b_c", "a.b.c", "àbc", "theаtre", "ιota-abc",
        "xn--thtre-epa", "abc\u200bdef", "abc\x00def", "abc\ndef", "pg_catalog", "t_000001", "abc--def", "a'b;--c",
        "abc\u202edef",
    ],
)  # fmt: skip
async def test_malformed_slugs_are_refused_in_words(client: AsyncClient, slug: str) -> None:
    found = problem(await post(client, filled_in(slug=slug)), 422)
    assert found["code"] in {"slug_invalid", "slug_reserved"}
    assert found["errors"][0]["loc"] == ["body", "slug"]


async def test_a_slug_of_a_megabyte_is_refused(client: AsyncClient) -> None:
    problem(await post(client, filled_in(slug="a" * 1_000_000)), 413, "payload_too_large")
    problem(await post(client, filled_in(slug="a" * 900_000)), 422)
    problem(await client.get("/api/v1/companies/slug-availability", params={"slug": "a" * 50_000}), 422)


async def test_full_width_letters_fold_to_the_slug_they_look_like(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in company.slug)
    assert wide != company.slug
    problem(await post(client, filled_in(slug=wide)), 409, "slug_taken")


async def test_availability_says_why_not_and_suggests(client: AsyncClient, company: SignedUpCompany) -> None:
    async def ask(slug: str) -> dict[str, Any]:
        answer = await client.get("/api/v1/companies/slug-availability", params={"slug": slug})
        found: dict[str, Any] = answer.json()
        return found

    assert (await ask(company.slug))["reason"] == "slug_taken"
    assert (await ask(unique("libre")))["available"] is True
    wrong = await ask("Théâtre de l'Œuvre !")
    assert (wrong["available"], wrong["reason"]) == (False, "slug_invalid")
    assert wrong["suggestion"] == "theatre-de-l-oeuvre"
    assert (await ask("a\x00b"))["available"] is False


async def test_the_slug_is_suggested_from_the_name(client: AsyncClient) -> None:
    word = unique("x").replace("-", "")
    answer = await post(client, {k: v for k, v in filled_in(name=f"L'Éclat {word}").items() if k != "slug"})
    assert answer.json()["company"]["slug"] == f"l-eclat-{word}"


async def test_a_wrong_siret_is_refused_and_one_siret_may_serve_twice(client: AsyncClient) -> None:
    for wrong in ("99999998000018", "9999999800001", "9999999800001A", "９９９９９９９８００００１７", ""):
        found = problem(await post(client, filled_in(siret=wrong)), 422)
        assert found["errors"][0]["loc"] == ["body", "siret"]
    for _ in range(2):
        assert (await post(client, filled_in(siret="999 999 980 00017"))).json()["company"]["siret"] == SIRET


async def test_somebody_logged_in_leaves_the_owner_out_and_gets_no_token(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    authorization = f"Bearer {company.token}"
    body = filled_in()
    problem(await post(client, body, Authorization=authorization), 422)
    body.pop("owner")
    problem(await post(client, body), 422)
    problem(await post(client, body, Authorization="Bearer inconnu"), 401, "login_required")
    created = await post(client, body, Authorization=authorization)
    assert created.status_code == 201
    assert created.json()["access_token"] is None
    mine = await client.get("/api/v1/me/companies", headers={"Authorization": authorization})
    assert {c["slug"] for c in mine.json()["items"]} == {company.slug, body["slug"]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "=HYPERLINK(1)"), ("name", "a\x00b"), ("name", ""), ("name", "x" * 201), ("timezone", "Europe/Nantes"),
        ("timezone", "../../etc/passwd"), ("idcc", "12"), ("idcc", "١٢٨٥"), ("city", "a\u2028b"), ("plan", "gold"),
        ("owner", {"email": "pas-une-adresse", "password": PASSWORD, "full_name": "C"}),
        ("owner", {"email": "a@example.org", "password": "court", "full_name": "C"}),
        ("owner", {"email": "a@example.org", "password": "a@example.org", "full_name": "C"}),
    ],
)  # fmt: skip
async def test_bad_fields_are_refused_in_words(app: FastAPI, client: AsyncClient, field: str, value: object) -> None:
    before = await catalogue(app.state.database)
    found = problem(await post(client, filled_in(**{field: value})), 422)
    assert found["errors"][0]["loc"][:2] == ["body", field] or field == "owner"
    assert await catalogue(app.state.database) == before


async def test_sign_ups_from_one_address_are_limited(settings: Settings, urls: Urls) -> None:
    async with running(settings, urls, limit_sign_ups_per_hour=2) as (own, client):
        async with own.state.database.shared() as session:
            await session.execute(text("delete from shared.limit_counter"))
        for _ in range(2):
            assert (await post(client, filled_in())).status_code == 201
        before = await catalogue(own.state.database)
        refused = await post(client, filled_in())
        problem(refused, 429, "rate_limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 3600
        assert await catalogue(own.state.database) == before


async def test_a_repeated_sign_up_is_answered_again_without_its_token(app: FastAPI, client: AsyncClient) -> None:
    body, key = filled_in(), unique("cle")
    first = await post(client, body, **{"Idempotency-Key": key})
    before = await catalogue(app.state.database)
    again = await post(client, body, **{"Idempotency-Key": key})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["access_token"]
    assert first.json()["access_token"] not in str(before)
    assert again.json() == {**first.json(), "access_token": None, "code": "secret_shown_once"}
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    other = await post(client, filled_in(), **{"Idempotency-Key": key})
    problem(other, 422, "idempotency_mismatch")
    assert await catalogue(app.state.database) == before


async def test_two_sign_ups_at_once_with_one_key_make_one_company(client: AsyncClient) -> None:
    body, key = filled_in(), unique("cle")
    answers = await asyncio.gather(*(post(client, body, **{"Idempotency-Key": key}) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json()["company"]["id"] for answer in answers}) == 1
    assert sum(answer.json()["access_token"] is not None for answer in answers) == 1


async def test_a_refused_sign_up_does_not_use_up_its_key(client: AsyncClient, company: SignedUpCompany) -> None:
    key = unique("cle")
    problem(await post(client, filled_in(slug=company.slug), **{"Idempotency-Key": key}), 409, "slug_taken")
    assert (await post(client, filled_in(), **{"Idempotency-Key": key})).status_code == 201
