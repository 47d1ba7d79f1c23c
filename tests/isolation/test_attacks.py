"""What somebody tries who got SQL of their own into a company's transaction, or holds the app's login.

The table in docs/isolation.md is this list: each attack, what it gets through the application's session, and what it
gets on a bare connection of the app login that stands in the company's role.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import CursorResult, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.tenancy.engine import SCOPE_OPTION, Scope
from backend.tenancy.models import CompanyInfo
from backend.tenancy.session import Database
from tests.isolation.staging import BOOK, CANARY, WHERE
from tests.pooler import direct

pytestmark = pytest.mark.postgresql
PAGE = Path(__file__).parents[2] / "docs" / "isolation.md"
REFUSED, ONE_STATEMENT, NO_TABLE, NOTHING, OPEN = "42501", "42601", "42P01", "nothing", "open"
WORDS = {
    REFUSED: "refused (42501)", ONE_STATEMENT: "refused (42601)", NO_TABLE: "finds no table (42P01)",
    NOTHING: "gets nothing", OPEN: "**open**",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attack:
    """Statements sent one after the other, and the last one's answer: an error code, nothing, or what it wanted."""

    name: str
    statements: Sequence[str]
    session: str
    bare: str


def attack(name: str, *statements: str, session: str = REFUSED, bare: str | None = None) -> Attack:
    return Attack(name, statements, session, bare or session)


ATTACKS = (
    attack("another company's schema, by name", "select key from {other.schema_name}.idempotency_key"),
    attack(
        "another company's schema, in the path", "set local search_path to {other.schema_name}",
        "select key from idempotency_key", session=NO_TABLE,
    ),
    attack("a row put into another company's schema", "insert into {other.schema_name}.job (code) values ('x')"),
    attack("people and sessions of all companies", 'select id from shared."user"'),
    attack("when people said that they are away", "select 1 from shared.busy_time"),
    attack("what they said it for", "select note from shared.unavailability"),
    attack("who lets companies see when they are busy", "select user_id from shared.busy_sharing"),
    attack("an unavailability in somebody's name", "insert into shared.busy_time (person_number) values (1)"),
    attack("`RESET ROLE`, then another schema", "reset role", "select key from {other.schema_name}.idempotency_key"),
    attack("`SET ROLE` as a whole statement", "set local role {other.role_name}", "select current_user", session=OPEN),
    attack("several statements in one text", "select 1; reset role; set role {other.role_name}; select current_user",
           session=ONE_STATEMENT, bare=OPEN),
    attack("`set_config` inside a SELECT", "select set_config('role', '{other.role_name}', true)"),
    attack("UPDATE of `pg_settings`", "update pg_settings set setting = '{other.role_name}' where name = 'role'"),
    attack("`SET SESSION AUTHORIZATION`", "set session authorization {other.role_name}"),
    attack("`DO`", "do $$ begin execute 'set role {other.role_name}'; end $$"),
    attack("a function of one's own",
           "create function {own.schema_name}.f() returns int language sql as 'select 1'"),
    attack("`ts_stat` with a query", "select * from ts_stat('select 1')"),
    attack("`ts_rewrite` with a query", "select ts_rewrite('a'::tsquery, 'select 1')"),
    attack("`query_to_xml`", "select query_to_xml('select 1', true, true, '')"),
    attack("`schema_to_xml` of another company", "select schema_to_xml('{other.schema_name}', true, true, '')"),
    attack("a temporary table that hides the next company's", "create temp table person (id int)"),
    attack("`SELECT INTO` a temporary table", "select 1 as id into temp person"),
    attack("a large object", "select lo_from_bytea(0, 'x'::bytea)"),
    attack("the ledger's rows of another company",
           "select 1 from shared.booking where company_role = '{other.role_name}'", session=NOTHING),
    attack("a booking in another company's name", BOOK.replace("{company.", "{other.").replace("{number}", "900200")),
    attack("another company's bookings taken out",
           "delete from shared.booking where company_role = '{other.role_name}' returning 1", session=NOTHING),
    attack("row-level security switched off", "alter table shared.booking disable row level security"),
    attack("rights given away", "grant usage on schema {own.schema_name} to public", session=NOTHING),
    attack("a role of one's own", "create role intruder"),
    attack("a file of the server", "select pg_read_file('/etc/passwd')"),
    attack("a program on the server", "copy (select 1) to program 'true'"),
    attack("a session advisory lock", "select pg_advisory_lock(7304117)"),
    attack("another session ended", "select pg_terminate_backend({victim})"),
    attack("who else is at work", "select application_name from pg_stat_activity"),
    attack("the numbers of people rolled back", "select setval('shared.person_number_seq', 1)"),
    attack("statistics of another company's values", "select 1 from pg_stats where schemaname = '{other.schema_name}'",
           session=NOTHING),
    attack("the catalogue: names of schemas and tables, estimated sizes",
           "select nspname from pg_namespace where nspname = '{other.schema_name}'", session=OPEN),
    attack("`NOTIFY` on any channel", "notify a_channel, 'x'", "select 'sent'", session=OPEN),
)  # fmt: skip
# These need more than a list of statements: each is a test of its own below.
FORGOTTEN = Attack("the role forgotten", (), REFUSED, REFUSED)
DETAIL = Attack("the detail of an error", (), NOTHING, NOTHING)
LISTEN = Attack("`LISTEN`, to read another company's notifications", (), NOTHING, OPEN)
PREPARED = Attack("a prepared statement left for the next company", (), NOTHING, NOTHING)
STAGED = (FORGOTTEN, DETAIL, LISTEN, PREPARED)
_ROW = re.compile(r"^\| (?!attack \||---)(.+?) \| (.+?) \| (.+?) \|", re.MULTILINE)


async def through_session(database: Database, own: CompanyInfo, statements: Sequence[str]) -> str:
    """Return what the last statement gets inside an ordinary transaction of the company."""
    found: Sequence[object] = ()
    try:
        async with database.company(own) as session:
            for statement in statements:
                result = await session.execute(text(statement))
                assert isinstance(result, CursorResult)
                found = result.all() if result.returns_rows else ()
    except DBAPIError as error:
        return _sqlstate(error.orig)
    return OPEN if found else NOTHING


def through_bare_connection(login: str, own: CompanyInfo, statements: Sequence[str]) -> str:
    """Return what the last statement gets on a connection of the app login that has switched to the company."""
    found: Sequence[object] = ()
    try:
        with switched(login, own) as connection:
            for statement in statements:
                found = _last_rows(connection.execute(statement.encode()))
    except psycopg.Error as error:
        return _sqlstate(error)
    return OPEN if found else NOTHING


@contextmanager
def switched(login: str, own: CompanyInfo) -> Iterator[psycopg.Connection]:
    with psycopg.connect(login) as connection:
        switch = "select set_config('role', %s, true), set_config('search_path', %s, true)"
        connection.execute(switch, (own.role_name, own.schema_name))
        yield connection
        connection.rollback()


def _last_rows(cursor: psycopg.Cursor) -> Sequence[object]:
    while cursor.nextset():
        pass
    return cursor.fetchall() if cursor.description else ()


def _sqlstate(error: object) -> str:
    found = getattr(error, "sqlstate", None)
    assert isinstance(found, str), error
    return found


@pytest.mark.parametrize("tried", ATTACKS, ids=lambda tried: tried.name)
async def test_an_attack_gets_what_the_page_says(
    database: Database, ours: CompanyInfo, theirs: CompanyInfo, login: str, tried: Attack
) -> None:
    with psycopg.connect(login) as victim:
        backend = victim.execute("select pg_backend_pid()").fetchone()
        names = {"own": ours, "other": theirs, "victim": (backend or (0,))[0]}
        statements = [statement.format_map(names) for statement in tried.statements]
        assert await through_session(database, ours, statements) == tried.session
        assert through_bare_connection(login, ours, statements) == tried.bare
    async with database.company(theirs) as session:
        assert (await session.execute(WHERE)).one() == (theirs.role_name, theirs.schema_name)
        assert list(await session.scalars(CANARY)) == [theirs.schema_name]


async def test_the_role_forgotten(database: Database, ours: CompanyInfo, login: str) -> None:
    query = f"select key from {ours.schema_name}.idempotency_key"
    assert database._app is not None
    forgotten = database._app.execution_options(**{SCOPE_OPTION: Scope(ours.schema_name, "none")})
    async with AsyncSession(forgotten) as session:
        with pytest.raises(DBAPIError) as refused:
            await session.execute(text(query))
    assert _sqlstate(refused.value.orig) == FORGOTTEN.session
    with psycopg.connect(login) as connection, pytest.raises(psycopg.Error) as refused_too:
        connection.execute(query.encode())
    assert _sqlstate(refused_too.value) == FORGOTTEN.bare


async def test_the_detail_of_an_error(database: Database, ours: CompanyInfo, theirs: CompanyInfo, login: str) -> None:
    async with database.company(theirs) as session:
        await session.execute(text(BOOK.format(company=theirs, number=900_209)))
    mine = BOOK.format(company=ours, number=900_209)
    with pytest.raises(DBAPIError) as refused:
        async with database.company(ours) as session:
            await session.execute(text(mine))
    with switched(login, ours) as connection, pytest.raises(psycopg.errors.ExclusionViolation) as refused_too:
        connection.execute(mine.encode())
    for error in (refused.value.orig, refused_too.value):
        assert "ex_booking_person_during" in str(error)
        assert "2027" not in str(error)
        assert theirs.role_name not in str(error)


@direct
async def test_listening(one_connection: Database, ours: CompanyInfo, theirs: CompanyInfo, login: str) -> None:
    """No SQL reads a notification; a client does, so a payload holds nothing that is a company's own."""
    async with one_connection.company(ours) as session:
        await session.execute(text("listen loot"))
    with psycopg.connect(login, autocommit=True) as thief:
        thief.execute("listen loot")
        async with one_connection.company(theirs) as session:
            await session.execute(text("notify loot, 'secret'"))
        async with one_connection.company(ours) as session:
            assert list(await session.scalars(text("select pg_listening_channels()"))) == ["loot"]
        assert [found.payload for found in thief.notifies(timeout=2, stop_after=1)] == ["secret"]


@direct
async def test_a_prepared_statement_left(
    one_connection: Database, ours: CompanyInfo, theirs: CompanyInfo, login: str
) -> None:
    """It is planned again for the path and the role of whoever runs it."""
    async with one_connection.company(ours) as session:
        await session.execute(text(f"prepare loot as {CANARY}"))
        await session.execute(text(f"prepare far as select key from {ours.schema_name}.idempotency_key"))
    async with one_connection.company(theirs) as session:
        assert list(await session.scalars(text("execute loot"))) == [theirs.schema_name]
    assert await through_session(one_connection, theirs, ["execute far"]) == REFUSED
    with psycopg.connect(login) as connection:
        switch = "select set_config('role', %s, false), set_config('search_path', %s, false)"
        connection.execute(switch, (ours.role_name, ours.schema_name))
        connection.execute(f"prepare far as select key from {ours.schema_name}.idempotency_key".encode())
        connection.execute("reset role")
        connection.execute(switch, (theirs.role_name, theirs.schema_name))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("execute far")


def test_the_page_lists_these_attacks_and_no_others() -> None:
    section = PAGE.read_text(encoding="utf-8").split("## What an attack gets")[1].split("\n## ")[0]
    listed = {name: (session, bare) for name, session, bare in _ROW.findall(section)}
    assert listed == {tried.name: (WORDS[tried.session], WORDS[tried.bare]) for tried in (*ATTACKS, *STAGED)}
