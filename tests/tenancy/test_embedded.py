"""The embedded server of development and tests: joined by many processes, with two logins of little power."""

import os
from pathlib import Path

import psycopg
import pytest

from backend.tenancy import embedded
from backend.tenancy.session import Urls

pytestmark = pytest.mark.postgresql
RIGHTS = "select rolname, rolsuper, rolcreaterole, rolcreatedb, rolinherit, rolbypassrls, rolcanlogin from pg_roles"


@pytest.fixture(scope="module")
def server(urls: Urls) -> embedded.EmbeddedServer:
    """Return the server of this test process, joined once more."""
    return embedded.start(Path(str(urls.owner.query["host"])))


def ask(server: embedded.EmbeddedServer, query: str, **conninfo: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.conninfo(**conninfo), autocommit=True) as connection:
        return connection.execute(query).fetchall()


def test_a_second_start_joins_the_running_server(server: embedded.EmbeddedServer, urls: Urls) -> None:
    assert str(urls.owner.query["host"]) == server.socket_directory
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


def test_making_a_database_again_leaves_it_as_it_is(server: embedded.EmbeddedServer) -> None:
    name = f"filage_embedded_{os.getpid()}"
    embedded.make_database(server, name)
    with psycopg.connect(server.conninfo(embedded.OWNER_LOGIN, name), autocommit=True) as connection:
        connection.execute("create table kept as select 1 as id")
    embedded.make_database(server, name)
    assert ask(server, "select id from kept", login=embedded.OWNER_LOGIN, database=name) == [(1,)]


def test_the_app_cannot_make_schemas_roles_or_databases(server: embedded.EmbeddedServer, urls: Urls) -> None:
    with psycopg.connect(server.conninfo(embedded.APP_LOGIN, str(urls.app.database)), autocommit=True) as connection:
        for statement in (
            "create schema loot", "create role loot", "create database loot", "create table public.loot (a int)",
            "alter role filage_owner superuser", "create table shared.loot (a int)",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
