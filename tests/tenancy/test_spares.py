"""Spare schemas: a sign-up takes one or none, never an outdated one, and the company in it is like any other."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from backend.core.clock import utc_now
from backend.tenancy import migrations, names, spares
from backend.tenancy.models import Company, Spare
from backend.tenancy.provisioning import Draft, new_company
from backend.tenancy.session import Database, Urls
from backend.worker.app import Order
from tests.backstage import BrokenError, info
from tests.helpers import create, problem, sign_up, unique
from tests.migrations.stage import CATALOGUE

pytestmark = pytest.mark.postgresql

COUNT = text("""
    select (select count(*) from pg_namespace where nspname ~ '^t_'), count(*) from pg_roles
    where rolname ~ (select '^' || id || '_t_' from shared.installation)
""")


@pytest.fixture
async def database(app: FastAPI) -> AsyncIterator[Database]:
    """The application's database without a spare before and after, so that no other test meets one."""
    found: Database = app.state.database
    await spares.keep(found, 0, utc_now)
    yield found
    await spares.keep(found, 0, utc_now)


async def numbers(database: Database) -> list[int]:
    async with database.shared() as session:
        return list(await session.scalars(select(Spare.number).order_by(Spare.number)))


async def schemas_and_roles(database: Database) -> int:
    """Count the schemas of companies and spares, and their roles: one each."""
    async with database.owner() as session:
        schemas, roles = (await session.execute(COUNT)).one()
    assert schemas == roles
    return int(schemas)


def catalogue(urls: Urls, schema: str, role: str) -> list[str]:
    """Return columns, indexes, constraints and rights of a schema, without its name and its role's."""
    with psycopg.connect(urls.owner.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        rows = connection.execute(CATALOGUE, {"schema": schema}).fetchall()
    return sorted(str(value).replace(role, "role").replace(schema, "schema") for (value,) in rows)


async def test_a_sign_up_takes_the_oldest_spare_and_makes_nothing(database: Database, client: AsyncClient) -> None:
    assert await spares.keep(database, 2, utc_now) == 2
    first, second = await numbers(database)
    before = await schemas_and_roles(database)
    company = await sign_up(client)
    assert await numbers(database) == [second]
    assert await schemas_and_roles(database) == before
    listed = await client.get("/api/v1/jobs", headers=company.headers)
    assert listed.json()["items"], "the trades are there from the start"
    await create(client, company.headers, "/venues", name="La Fonderie")
    async with database.shared() as session:
        assert await session.scalar(select(Company.number).where(Company.slug == company.slug)) == first


async def test_a_company_in_a_spare_is_like_one_that_made_its_own_schema(
    app: FastAPI, database: Database, client: AsyncClient, urls: Urls
) -> None:
    own = await info(app, await sign_up(client))
    await spares.keep(database, 1, utc_now)
    spare = await info(app, await sign_up(client))
    found = catalogue(urls, spare.schema_name, spare.role_name)
    assert found == catalogue(urls, own.schema_name, own.role_name)
    assert len(found) > 100
    assert spare.revision == own.revision
    async with database.company(spare) as session:
        with pytest.raises(DBAPIError, match="permission denied"):
            await session.execute(text(f"select * from {own.schema_name}.person"))
        await session.rollback()


async def test_a_sign_up_that_fails_gives_its_spare_back(database: Database, client: AsyncClient) -> None:
    await spares.keep(database, 1, utc_now)
    before = await numbers(database)
    with pytest.raises(BrokenError):
        await break_off(database)
    assert await numbers(database) == before
    taken = await sign_up(client)
    await spares.keep(database, 1, utc_now)
    before = await numbers(database)
    owner = {"email": f"{unique('o')}@example.org", "password": "trois-coups-au-lever", "full_name": "Camille"}
    body = {"name": "Prise", "slug": taken.slug, "owner": owner}
    problem(await client.post("/api/v1/companies", json=body), 409, "slug_taken")
    assert await numbers(database) == before


async def break_off(database: Database) -> None:
    async with new_company(database) as new:
        await new.create(Draft(unique("rompue"), "Rompue", "Europe/Paris"), utc_now())
        raise BrokenError


async def test_sign_ups_at_once_take_different_spares_and_the_last_ones_make_their_own(
    app: FastAPI, database: Database, client: AsyncClient
) -> None:
    await spares.keep(database, 2, utc_now)
    companies = await asyncio.gather(*(sign_up(client) for _ in range(4)))
    found = [await info(app, company) for company in companies]
    assert len({company.schema_name for company in found}) == 4
    assert await numbers(database) == []
    for company in companies:
        await create(client, company.headers, "/venues", name="Le Hangar")
        assert len((await client.get("/api/v1/venues", headers=company.headers)).json()["items"]) == 1


@pytest.mark.parametrize("revision", ["t0000", "t9999"])
async def test_a_spare_of_another_release_is_never_handed_out(
    app: FastAPI, database: Database, client: AsyncClient, revision: str
) -> None:
    await spares.keep(database, 1, utc_now)
    (other,) = await numbers(database)
    async with database.owner() as session:
        await session.execute(update(Spare).values(revision=revision))
    company = await info(app, await sign_up(client))
    assert (company.number != other, await numbers(database)) == (True, [other])
    async with database.owner() as session:
        await session.execute(update(Spare).values(revision=company.revision))


async def test_what_a_release_left_behind_is_removed_and_made_anew_and_a_newer_one_s_is_left_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await spares.keep(database, 2, utc_now)
    old, newer = await numbers(database)
    head = migrations.head("tenant")
    known = migrations.revisions("tenant")
    monkeypatch.setattr(migrations, "revisions", lambda _section: ("t0000", *known))
    async with database.owner() as session:
        await session.execute(update(Spare).where(Spare.number == old).values(revision="t0000"))
        await session.execute(update(Spare).where(Spare.number == newer).values(revision="t9999"))
    before = await schemas_and_roles(database)
    assert await spares.keep(database, 2, utc_now) == 2
    left = await numbers(database)
    assert (old in left, newer in left, len(left)) == (False, True, 3)
    assert await schemas_and_roles(database) == before + 1
    async with database.owner() as session:
        await session.execute(update(Spare).values(revision=head))


async def test_a_spare_whose_schema_was_dropped_by_hand_is_passed_over_and_made_anew(
    app: FastAPI, database: Database, client: AsyncClient
) -> None:
    await spares.keep(database, 2, utc_now)
    fallen, sound = await numbers(database)
    async with database.owner() as session:
        await session.execute(text(f"drop schema {names.schema_name(fallen)} cascade"))
    company = await info(app, await sign_up(client))
    assert (company.number, await numbers(database)) == (sound, [fallen])
    assert await spares.keep(database, 1, utc_now) == 1
    assert fallen not in await numbers(database)
    await schemas_and_roles(database)


async def test_two_makers_at_once_make_no_more_than_is_wanted(database: Database) -> None:
    ready = await asyncio.gather(*(spares.keep(database, 2, utc_now) for _ in range(3)))
    assert ready == [2, 2, 2]
    assert len(await numbers(database)) == 2


async def test_a_spare_is_nobody_s_company(app: FastAPI, database: Database, client: AsyncClient) -> None:
    company = await sign_up(client)
    await spares.keep(database, 1, utc_now)
    assert await numbers(database)
    (spare,) = await numbers(database)
    assert spare not in [found.number for found in await app.state.directory.all()]
    ours = await info(app, company)
    async with database.company(ours) as session:
        with pytest.raises(DBAPIError, match="permission denied"):
            await session.execute(text("select * from shared.spare"))
        await session.rollback()


async def test_the_worker_keeps_as_many_as_the_settings_say(app: FastAPI, database: Database) -> None:
    runner: Any = app.state.runner
    await runner.kinds["keep_spares"].perform(Order(runner.tools, None, {}))
    assert len(await numbers(database)) == app.state.settings.spare_schemas == 3
    assert app.state.metrics.registry.get_sample_value("filage_spare_schemas") == 3
