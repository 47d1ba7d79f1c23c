"""Two histories under plain `alembic upgrade head`: they match the models, repeat safely and reach every company."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import URL, Connection, create_engine, event, text
from sqlalchemy.pool import NullPool

from backend.core.settings import Settings
from backend.tenancy import embedded, migrations
from backend.tenancy.session import Database, Urls, company_file
from tests.backstage import running
from tests.conftest import ON_SQLITE
from tests.helpers import PASSWORD, create, sign_up, token_of, unique
from tests.planning.stage import SOON, Stage


@pytest.fixture(scope="module")
def fresh(urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Urls]:
    """Return the URLs of a database of its own, not migrated."""
    if ON_SQLITE:
        url = URL.create("sqlite+aiosqlite", database=str(tmp_path_factory.mktemp("fresh") / "filage.sqlite3"))
        yield Urls(url, url)
        return
    name = f"filage_fresh_{os.getpid()}"
    directory = Path(urls.app.query["host"][0] if isinstance(urls.app.query["host"], tuple) else urls.app.query["host"])
    server = embedded.EmbeddedServer(None, str(directory))
    embedded.make_database(server, name)
    yield Urls(urls.app.set(database=name), urls.owner.set(database=name))


FILAGE = ("-c", "from backend.cli.main import app; app()")


def alembic(urls: Urls, *words: str, run: tuple[str, ...] = ("-m", "alembic")) -> subprocess.CompletedProcess[str]:
    """Run the command as an operator does, on the database of `urls`."""
    environment = {
        **os.environ,
        "FILAGE_DATABASE_URL": urls.app.render_as_string(hide_password=False),
        "FILAGE_OWNER_DATABASE_URL": urls.owner.render_as_string(hide_password=False),
    }
    return subprocess.run(
        [sys.executable, *run, *words],
        cwd=migrations.ROOT, env=environment, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip


@pytest.fixture(scope="module")
def migrated(fresh: Urls) -> Urls:
    done = alembic(fresh, "upgrade", "head")
    assert done.returncode == 0, done.stderr
    return fresh


def test_both_histories_match_the_models_on_a_fresh_database(migrated: Urls) -> None:
    for words in (("check",), ("-n", "tenant", "check")):
        found = alembic(migrated, *words)
        assert found.returncode == 0, found.stdout + found.stderr
        assert "No new upgrade operations detected" in found.stdout + found.stderr


def test_a_second_upgrade_changes_nothing(migrated: Urls) -> None:
    before = shared_rows(migrated)
    again = alembic(migrated, "upgrade", "head")
    assert again.returncode == 0, again.stderr
    assert shared_rows(migrated) == before
    assert len(before[0]) == 1


def shared_rows(urls: Urls) -> list[list[Any]]:
    with owner_connection(urls) as connection:
        queries = ("select id from shared.installation", "select version_num from shared.alembic_version")
        return [list(connection.execute(text(query)).scalars()) for query in queries]


def owner_connection(urls: Urls, main: Path | None = None) -> Connection:
    """Return the owner's connection (SQLite: over a company's file, with the shared one attached)."""
    if urls.owner.get_backend_name() != "sqlite":
        return create_engine(urls.owner, poolclass=NullPool).connect()
    engine = create_engine(URL.create("sqlite", database=str(main or ":memory:")), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def attach(connection: Any, _record: object) -> None:
        connection.execute("attach database ? as shared", (urls.owner.database,))

    return engine.connect()


async def test_a_company_left_at_an_older_revision_is_refused_upgraded_and_served_again(
    settings: Settings, migrated: Urls
) -> None:
    async with running(settings, migrated, tenant_cache_seconds=0) as (app, client):
        late, current = await sign_up(client), await sign_up(client)
        await create(client, current.headers, "/venues", name="La Fonderie")
        database: Database = app.state.database
        undo(database, migrated, late.id)
        for company, status in ((late, 503), (current, 200)):
            answer = await client.get("/api/v1/company", headers=company.headers)
            assert answer.status_code == status
        refused = await client.get("/api/v1/company", headers=late.headers)
        assert (refused.json()["code"], int(refused.headers["retry-after"]) > 0) == ("tenant_outdated", True)
        done = alembic(migrated, "upgrade", "head")
        assert done.returncode == 0, done.stderr
        for company, venues in ((late, 0), (current, 1)):
            listed = await client.get("/api/v1/venues", headers=company.headers)
            assert (listed.status_code, len(listed.json()["items"])) == (200, venues)
        await create(client, late.headers, "/venues", name="Le Hangar")


def served() -> list[str]:
    known = migrations.revisions("tenant")
    return list(known[known.index(migrations.MINIMUM_TENANT_REVISION) :])


@pytest.mark.parametrize("revision", served())
async def test_a_company_at_any_revision_that_is_served_is_planned_and_answered(
    settings: Settings, migrated: Urls, revision: str
) -> None:
    """During a release some companies have the new tables and some have not: both are at work."""
    async with running(settings, migrated, tenant_cache_seconds=0) as (_, client):
        company = await sign_up(client)
        stage = Stage(client, company)
        done = alembic(migrated, "migrate", "--only", company.slug, "--to", revision, run=FILAGE)
        assert done.returncode == 0, done.stdout + done.stderr
        person = await stage.create(
            "/people", first_name="Lou", last_name="Roche", job="comedien", email=f"{unique('lou')}@example.org"
        )
        call = await stage.call(await stage.production(), hours=7)
        assert (await stage.post(f"/calls/{call['id']}/publish")).status_code == 200
        body = {"email": person["email"], "role": "intermittent", "person_id": person["id"]}
        link = (await stage.create("/invitations", **body))["accept_url"]
        joined = await client.post("/api/v1/invitations/accept", json={"token": token_of(link), "password": PASSWORD})
        option = await stage.assignment(call, person)
        offered = await stage.act(option, "offer", expires_at=(SOON - timedelta(days=30)).isoformat())
        assert offered.status_code == 200, offered.text
        mine = {"Authorization": f"Bearer {joined.json()['access_token']}"}
        accepted = await client.post(f"/api/v1/me/assignments/{option['id']}/accept", headers=mine)
        assert (accepted.status_code, accepted.json()["declaration"]) == (200, "none"), accepted.text
        assert (await stage.act(option, "confirm", override_reason="Accord de la personne")).status_code == 200
        moved = {"ends_at": (SOON + timedelta(hours=8)).isoformat(), "override_reason": "Accord de la personne"}
        for answer in (
            await stage.post("/planning/check", {"calls": [{"call_id": call["id"], "ends_at": moved["ends_at"]}]}),
            await stage.patch(f"/calls/{call['id']}", moved),
            await stage.get("/planning", **{"from": "2031-03-03", "to": "2031-03-09"}),
            await stage.get("/assignments"),
            await stage.get(f"/people/{person['id']}/findings"),
            await client.get("/api/v1/me/findings", headers=mine),
            await client.get("/api/v1/me/assignments", headers=mine),
        ):
            assert answer.status_code == 200, answer.text
        assert (await stage.read(option))["status"] == "confirmed"


def undo(database: Database, urls: Urls, company_id: str) -> None:
    """Make a company look as if it had been signed up before the first tenant revision."""
    key = company_id.replace("-", "") if database.is_sqlite else company_id
    with owner_connection(urls) as connection:
        where = text("select schema_name from shared.company where id = :id")
        schema = str(connection.execute(where, {"id": key}).scalar_one())
        connection.execute(text("update shared.company set revision = null where id = :id"), {"id": key})
        if not database.is_sqlite:
            tables = connection.execute(text(f"select tablename from pg_tables where schemaname = '{schema}'"))
            for table in tables.scalars().all():
                connection.execute(text(f'drop table {schema}."{table}" cascade'))
        connection.commit()
    if database.is_sqlite:
        company_file(database.shared_file, schema).unlink()


async def test_a_migration_that_fails_exits_with_an_error_and_leaves_the_company_as_it_was(
    settings: Settings, migrated: Urls
) -> None:
    async with running(settings, migrated, tenant_cache_seconds=0) as (app, client):
        company = await sign_up(client)
        undo(app.state.database, migrated, company.id)
        with owner_connection(migrated) as connection:
            where = "select schema_name from shared.company where revision is null"
            schema = connection.execute(text(where)).scalar_one()
        in_the_way = "create table venue (a integer)"
        if ON_SQLITE:
            path = company_file(app.state.database.shared_file, schema)
            with owner_connection(migrated, path) as connection:
                connection.execute(text(in_the_way))
                connection.commit()
        else:
            with owner_connection(migrated) as connection:
                connection.execute(text(in_the_way.replace("venue", f"{schema}.venue")))
                connection.commit()
        assert alembic(migrated, "upgrade", "head").returncode != 0
        answer = await client.get("/api/v1/company", headers=company.headers)
        assert answer.status_code == 503
        file = company_file(app.state.database.shared_file, schema) if ON_SQLITE else None
        with owner_connection(migrated, file) as connection:
            catalogue = "select name from sqlite_master" if ON_SQLITE else (
                f"select relname from pg_class where relnamespace = '{schema}'::regnamespace and relkind = 'r'"
            )  # fmt: skip
            assert list(connection.execute(text(catalogue)).scalars()) == ["venue"], "nothing half-migrated"
            connection.execute(text("drop table venue" if ON_SQLITE else f"drop table {schema}.venue"))
            connection.commit()
        assert alembic(migrated, "upgrade", "head").returncode == 0
        assert (await client.get("/api/v1/company", headers=company.headers)).status_code == 200


COLUMNS = """
    select table_name, column_name, data_type, is_nullable, column_default, character_maximum_length
    from information_schema.columns where table_schema = '{schema}' order by 1, 2
"""
CONSTRAINTS = """
    select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
    where connamespace = '{schema}'::regnamespace order by 1, 2
"""
INDEXES = "select tablename, indexname, indexdef from pg_indexes where schemaname = '{schema}' order by 1, 2"


@pytest.mark.postgresql
def test_the_rendered_script_of_a_sign_up_makes_what_the_migrations_make(migrated: Urls) -> None:
    found = []
    with owner_connection(migrated) as connection:
        for schema in ("one_by_one", "in_one_piece"):
            connection.exec_driver_sql(f"create schema {schema}")
            connection.exec_driver_sql(f"set local search_path to {schema}")
            if schema == "one_by_one":
                migrations.run_tenant_history(connection)
            else:
                connection.exec_driver_sql(migrations.tenant_script())
            rows = [connection.execute(text(q.format(schema=schema))).all() for q in (COLUMNS, CONSTRAINTS, INDEXES)]
            versions = connection.execute(text(f"select version_num from {schema}.alembic_version")).all()
            found.append(str([*rows, versions]).replace(schema, "schema"))
        connection.rollback()
    assert found[0] == found[1]
    assert "assignment" in found[0]
    assert migrations.head("tenant") in found[0]


@pytest.mark.postgresql
async def test_every_table_of_a_company_belongs_to_the_owner_and_none_is_open_to_the_public(
    client: AsyncClient, urls: Urls
) -> None:
    await sign_up(client)
    query = """
        select c.relname, c.relowner::regrole::text, coalesce(array_to_string(c.relacl, ' '), '') from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where (n.nspname like 't\\_%' or n.nspname = 'shared') and c.relkind in ('r', 'S')
    """
    with owner_connection(urls) as connection:
        rows = connection.execute(text(query)).all()
    assert len(rows) > 20
    for name, owner, rights in rows:
        assert owner == urls.owner.username, name
        assert not any(right.startswith("=") for right in rights.split()), name


def test_every_table_has_a_primary_key_and_none_refers_to_another_schema() -> None:
    from backend.tenancy.base import SharedBase, TenantBase  # noqa: PLC0415

    for base in (SharedBase, TenantBase):
        for table in base.metadata.sorted_tables:
            assert table.primary_key.columns, table.name
            assert {key.column.table.schema for key in table.foreign_keys} <= {table.schema}, table.name
