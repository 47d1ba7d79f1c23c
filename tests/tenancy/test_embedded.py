"""The embedded server of development and tests: joined by many processes, with two logins of little power."""

import os
import tempfile
from pathlib import Path

import psycopg
import pytest

from backend.tenancy import embedded
from backend.tenancy.session import Urls

pytestmark = pytest.mark.postgresql
RIGHTS = "select rolname, rolsuper, rolcreaterole, rolcreatedb, rolinherit, rolbypassrls, rolcanlogin from pg_roles"


@pytest.fixture(scope="module")
def server(urls: Urls) -> embedded.EmbeddedServer:
    """Return the server of this test run, joined once more."""
    return embedded.start(Path(tempfile.gettempdir()) / f"filage-tests-{os.getuid()}" / "postgresql")


def ask(server: embedded.EmbeddedServer, query: str, **conninfo: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.conninfo(**conninfo), autocommit=True) as connection:
        return connection.execute(query).fetchall()


def test_a_second_start_joins_the_running_server(server: embedded.EmbeddedServer, urls: Urls) -> None:
    assert str(urls.app.query["host"]) == server.socket_directory
    assert ask(server, "select 1") == [(1,)]


def test_the_settings_of_many_schemas_are_in_force(server: embedded.EmbeddedServer) -> None:
    for name, value in embedded.SERVER_SETTINGS.items():
        assert ask(server, f"show {name}") == [(value,)]


def test_it_listens_on_no_network(server: embedded.EmbeddedServer) -> None:
    assert ask(server, "show listen_addresses") == [("",)]


def test_neither_login_is_a_superuser_and_the_app_inherits_nothing(server: embedded.EmbeddedServer) -> None:
    found = {row[0]: row[1:] for row in ask(server, RIGHTS)}
    assert found[embedded.APP_LOGIN] == (False, False, False, False, False, True)
    assert found[embedded.OWNER_LOGIN] == (False, True, False, True, False, True)


def test_making_a_database_again_leaves_it_as_it_is_and_dropping_takes_its_roles_along(
    server: embedded.EmbeddedServer,
) -> None:
    name = f"filage_embedded_{os.getpid()}"
    embedded.make_database(server, name)
    try:
        with psycopg.connect(server.conninfo(embedded.OWNER_LOGIN, name), autocommit=True) as connection:
            connection.execute("create schema shared")
            connection.execute("create table shared.installation as select 'fembedded' as id")
            connection.execute("create role fembedded_t_000001 nologin")
        embedded.make_database(server, name)
        assert ask(server, "select id from shared.installation", database=name) == [("fembedded",)]
    finally:
        embedded.drop_database(server, name)
    assert ask(server, f"select 1 from pg_database where datname = '{name}'") == []
    assert ask(server, "select 1 from pg_roles where rolname like 'fembedded%'") == []


def test_the_app_cannot_make_schemas_roles_or_databases(server: embedded.EmbeddedServer, urls: Urls) -> None:
    with psycopg.connect(server.conninfo(embedded.APP_LOGIN, str(urls.app.database)), autocommit=True) as connection:
        for statement in (
            "create schema loot", "create role loot", "create database loot", "create table public.loot (a int)",
            "alter role filage_owner superuser", "create table shared.loot (a int)",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
