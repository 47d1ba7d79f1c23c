"""Each fence is raised, seen when it is missing, and costs the product nothing; production wants the essential ones."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Engine, event, text
from typer.testing import CliRunner

from backend.cli.main import app as command
from backend.core.settings import Settings
from backend.tenancy import embedded, hardening, selftest
from backend.tenancy.models import CompanyInfo
from backend.tenancy.session import Database, Urls
from tests.backstage import running
from tests.helpers import unique
from tests.isolation.staging import CANARY, WHERE
from tests.pooler import direct

pytestmark = [pytest.mark.postgresql, direct]
LOGINS = hardening.Logins(embedded.APP_LOGIN, embedded.OWNER_LOGIN)
LOWER = {
    "set_config": "grant execute on function set_config to public",
    "temporary tables": 'grant temporary on database "{}" to public',
    "pg_settings": "grant update on pg_settings to public",
    "plpgsql": "grant usage on language plpgsql to public",
    "ts_stat, ts_rewrite": "grant execute on function ts_stat(text) to public",
    "XML of tables and queries": "grant execute on function query_to_xml to public",
    "large objects": "grant execute on function lo_from_bytea to public",
    "session advisory locks": "grant execute on function pg_advisory_lock(bigint) to public",
    "names of other sessions": "grant execute on function pg_stat_get_activity to public",
}
ESSENTIAL = {"set_config", "temporary tables"}


@contextmanager
def lowered(superuser: str, fence: str) -> Iterator[None]:
    with psycopg.connect(superuser, autocommit=True) as above:
        above.execute(LOWER[fence].format(above.info.dbname).encode())
        try:
            yield
        finally:
            assert all(found.in_force for found in hardening.harden(superuser, LOGINS))


@asynccontextmanager
async def login_of(superuser: str, urls: Urls, rights: str) -> AsyncIterator[Urls]:
    """Yield the URLs of an application whose login has other rights; it may be all that the right one may be."""
    name = unique("login").replace("-", "_")
    with psycopg.connect(superuser, autocommit=True) as above:
        above.execute(f"create role {name} login {rights}".encode())
        above.execute(f"grant {embedded.APP_LOGIN} to {name} with inherit true, set true".encode())
        above.execute(f"grant execute on function set_config to {name}".encode())
        try:
            yield Urls(urls.app.set(username=name), urls.owner)
        finally:
            above.execute(f"drop owned by {name}".encode())
            above.execute(f"drop role {name}".encode())


async def missing(database: Database, settings: Settings) -> set[str]:
    return {check.name for check in await selftest.examine(settings, database) if not check.holds}


async def test_raising_them_again_changes_nothing(superuser: str) -> None:
    for _ in range(2):
        assert [found for found in hardening.harden(superuser, LOGINS) if not found.in_force or found.refusal] == []


async def test_somebody_else_than_a_superuser_is_refused_and_told_which(superuser: str, urls: Urls) -> None:
    owner = psycopg.conninfo.make_conninfo(superuser, user=urls.owner.username)
    with lowered(superuser, "set_config"):
        found = {each.fence.name: each for each in hardening.harden(owner, LOGINS)}
    assert not found["set_config"].in_force
    assert found["set_config"].refusal
    assert found["large objects"].in_force  # raised before, and still there


def test_every_fence_is_lowered_once_here() -> None:
    assert set(LOWER) == {fence.name for fence in hardening.FENCES}
    assert {fence.name for fence in hardening.FENCES if fence.essential} == ESSENTIAL


@pytest.mark.parametrize("fence", LOWER)
async def test_a_missing_fence_is_named_and_an_essential_one_stops_production(
    database: Database, settings: Settings, superuser: str, ours: CompanyInfo, theirs: CompanyInfo, fence: str
) -> None:
    production = settings.model_copy(update={"environment": "production"})
    assert await missing(database, settings) == set()
    await selftest.run(database, production)
    with lowered(superuser, fence):
        assert await missing(database, settings) == {fence}
        await selftest.run(database, settings)
        if fence in ESSENTIAL:
            with pytest.raises(selftest.UnsafeDatabaseError, match=fence):
                await selftest.run(database, production)
        else:
            await selftest.run(database, production)


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        ("noinherit", {"login: memberships"}),
        ("inherit", {"login: inherit", "login: memberships"}),
        ("noinherit createrole", {"login: rights", "login: memberships"}),
        ("noinherit bypassrls", {"login: bypassrls", "login: memberships"}),
        ("noinherit superuser", {"login: superuser", "login: memberships", "row-level security"}),
    ],
)
async def test_a_login_with_too_much_power_stops_production(
    settings: Settings, superuser: str, urls: Urls, ours: CompanyInfo, theirs: CompanyInfo,
    rights: str, expected: set[str],
) -> None:  # fmt: skip
    async with login_of(superuser, urls, rights) as strong:
        with pytest.raises(selftest.UnsafeDatabaseError) as refused:
            async with running(settings, strong, environment="production"):
                pass
        named = str(refused.value).split(": ", 1)[1].split(" (")[0].split(", ")
    assert set(named) == expected


async def test_without_row_level_security_production_does_not_serve(
    database: Database, settings: Settings, superuser: str
) -> None:
    with psycopg.connect(superuser, autocommit=True) as above:
        above.execute("alter table shared.booking disable row level security")
        try:
            assert await missing(database, settings) == {"row-level security"}
        finally:
            above.execute("alter table shared.booking enable row level security")


async def test_a_database_that_mixes_two_companies_up_serves_nobody_anywhere(
    settings: Settings, urls: Urls, ours: CompanyInfo, theirs: CompanyInfo
) -> None:
    """What the server answers is right, where it stands is not: a pooler that hands on another's backend."""

    def mix_up(_connection: object, _cursor: object, sent: str, values: object, *_rest: object) -> object:
        found = sent.replace("current_setting('search_path')", "'elsewhere'")
        return found, values

    event.listen(Engine, "before_cursor_execute", mix_up, retval=True)
    try:
        with pytest.raises(selftest.UnsafeDatabaseError, match="kept apart"):
            async with running(settings, urls):
                pass
    finally:
        event.remove(Engine, "before_cursor_execute", mix_up)


async def test_a_database_that_does_not_answer_stops_production_only(settings: Settings, urls: Urls) -> None:
    nowhere = Urls(urls.app.set(database="nowhere"), urls.owner)
    async with running(settings, nowhere) as (_, client):
        assert (await client.get("/health/live")).status_code == 200
    with pytest.raises(selftest.UnsafeDatabaseError, match="could not be proved"):
        async with running(settings, nowhere, environment="production"):
            pass


def test_the_owner_still_does_what_a_dump_and_a_restore_do(superuser: str, urls: Urls) -> None:
    owner = psycopg.conninfo.make_conninfo(superuser, user=urls.owner.username)
    with psycopg.connect(owner) as connection:
        for statement in (
            "select pg_catalog.set_config('search_path', '', false)",
            (
                "select set_config(name, 'view, foreign-table', false) from pg_settings "
                "where name = 'restrict_nonsystem_relation_kind'"
            ),
            "create function shared.of_a_dump() returns int language plpgsql as 'begin return 1; end'",
            "select pg_advisory_lock(1), pg_advisory_unlock(1)",
            "create temporary table of_a_restore (id int)",
        ):
            connection.execute(statement)
        connection.rollback()


async def test_a_connection_is_replaced_after_so_many_companies(
    settings: Settings, urls: Urls, ours: CompanyInfo, theirs: CompanyInfo
) -> None:
    backend = text("select pg_backend_pid()")
    changes = {"db_pool_size": 1, "db_pool_overflow": 0, "db_pool_max_companies": 2}
    async with running(settings, urls, **changes) as (app, _):
        database: Database = app.state.database
        pids = []
        for company in (ours, ours, ours, theirs, ours):
            async with database.company(company) as session:
                pids.append(await session.scalar(backend))
                assert (await session.execute(WHERE)).one() == (company.role_name, company.schema_name)
                assert list(await session.scalars(CANARY)) == [company.schema_name]
    assert len(set(pids[:4])) == 1  # the same company again costs nothing more
    assert pids[4] != pids[3]


def test_the_command_raises_and_lists_them(superuser: str, urls: Urls) -> None:
    parts = conninfo_to_dict(superuser)
    url = f"postgresql://postgres@/{parts['dbname']}?host={parts['host']}"
    runner = CliRunner(env={"COLUMNS": "200"})
    raised = runner.invoke(command, ["db", "harden", "--superuser-url", url])
    assert raised.exit_code == 0, raised.output
    assert raised.output.count("done") == len(hardening.FENCES)
    listed = runner.invoke(command, ["db", "check"])
    assert listed.exit_code == 0, listed.output
    assert "context isolation" in listed.output
    with lowered(superuser, "set_config"):
        assert runner.invoke(command, ["db", "check"]).exit_code == 1


def test_the_command_wants_a_superuser_that_answers(urls: Urls) -> None:
    runner = CliRunner(env={"FILAGE_SUPERUSER_DATABASE_URL": ""})
    assert runner.invoke(command, ["db", "harden"]).exit_code in {1, 2}
    wrong = runner.invoke(command, ["db", "harden", "--superuser-url", "postgresql://nobody@127.0.0.1:1/nowhere"])
    assert wrong.exit_code == 1
    assert "could not be raised" in wrong.output
