"""No transaction without its company, none in another's place, and nothing left behind on the connection."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from psycopg import AsyncConnection
from sqlalchemy import Select, column, event, func, select, table, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from backend.core.clock import utc_now
from backend.core.settings import Settings
from backend.tenancy.engine import SCOPE_OPTION, Scope, ScopeError
from backend.tenancy.models import Company, CompanyInfo, Installation, TenantAnswer
from backend.tenancy.session import Database, Urls, hand_over, login_rights
from tests.backstage import TWENTIETHS, BrokenError, info, running
from tests.counting import statements
from tests.helpers import SignedUpCompany, unique
from tests.pooler import POOLER, direct

WHERE = text("select current_user, current_setting('search_path')")
CANARY = text("select key from idempotency_key where scope = 'canary'")
on_postgresql = pytest.mark.postgresql


@pytest.fixture
async def ours(app: FastAPI, company: SignedUpCompany) -> CompanyInfo:
    return await with_canary(app.state.database, await info(app, company))


@pytest.fixture
async def theirs(app: FastAPI, other_company: SignedUpCompany) -> CompanyInfo:
    return await with_canary(app.state.database, await info(app, other_company))


@pytest.fixture
def database(app: FastAPI) -> Database:
    found: Database = app.state.database
    return found


@pytest.fixture
async def one_connection(settings: Settings, urls: Urls) -> AsyncIterator[Database]:
    """Return a database whose pool has one connection: whoever comes next gets the one just used."""
    async with running(settings, urls, db_pool_size=1, db_pool_overflow=0, db_pool_timeout_seconds=5) as (own, _):
        yield own.state.database


async def with_canary(database: Database, company: CompanyInfo) -> CompanyInfo:
    """Leave a row that tells whose schema a query has read."""
    async with database.company(company) as session:
        session.add(
            TenantAnswer(scope="canary", key=company.schema_name, fingerprint="", created_at=utc_now(), headers=None)
        )
    return company


def engine_of(database: Database) -> AsyncEngine:
    assert database._app is not None
    return database._app


async def read_canary(database: Database, company: CompanyInfo) -> list[str]:
    async with database.company(company, write=False) as session:
        return list(await session.scalars(CANARY))


async def sqlstate(session: AsyncSession, statement: str) -> str | None:
    """Return the error code that the server answers to a statement."""
    with pytest.raises(DBAPIError) as refused:
        await session.execute(text(statement))
    found: str | None = getattr(refused.value.orig, "sqlstate", None)
    return found


@on_postgresql
async def test_a_transaction_without_a_scope_raises(database: Database) -> None:
    async with AsyncSession(engine_of(database)) as session:
        with pytest.raises(ScopeError):
            await session.execute(text("select 1"))
    with pytest.raises(ScopeError):
        async with engine_of(database).connect() as connection:
            await connection.execute(text("select 1"))


@on_postgresql
def test_the_pool_is_as_quiet_as_the_librarys(database: Database) -> None:
    pool: Any = engine_of(database).sync_engine.pool
    assert pool.logger.name.startswith("sqlalchemy.pool.")


async def test_each_company_reads_its_own_rows(database: Database, ours: CompanyInfo, theirs: CompanyInfo) -> None:
    assert await read_canary(database, ours) == [ours.schema_name]
    assert await read_canary(database, theirs) == [theirs.schema_name]


@on_postgresql
async def test_a_transaction_runs_as_its_company_with_its_schema_alone_in_the_path(
    database: Database, ours: CompanyInfo
) -> None:
    async with database.company(ours) as session:
        assert (await session.execute(WHERE)).one() == (ours.role_name, ours.schema_name)
    async with database.shared() as session:
        assert (await session.execute(WHERE)).one() == (database.urls.app.username, "pg_catalog")


@on_postgresql
async def test_a_forgotten_role_fails_closed(database: Database, ours: CompanyInfo) -> None:
    async with database.shared() as session:
        assert await sqlstate(session, f"select * from {ours.schema_name}.person") == "42501"
        await session.rollback()
    forgotten = engine_of(database).execution_options(**{SCOPE_OPTION: Scope(ours.schema_name, "none")})
    async with AsyncSession(forgotten) as session:
        assert await sqlstate(session, "select * from person") in {"42501", "42P01"}


@on_postgresql
@pytest.mark.parametrize(
    "statement",
    [
        "select * from {other}.idempotency_key", "insert into {other}.job (code) values ('x')",
        "update {other}.person set last_name = 'x'", "drop table {other}.person", "create table {own}.loot (a int)",
        "create table {other}.loot (a int)", "alter table {own}.audit_event disable trigger all",
        "select * from shared.membership", "select * from shared.access_token", 'select * from shared."user"',
        "update {own}.alembic_version set version_num = 'x'", "delete from {own}.alembic_version",
        "truncate {own}.audit_event", "delete from {own}.audit_event", "update {own}.audit_event set what = 'x'",
    ],
)  # fmt: skip
async def test_what_is_not_the_companys_is_refused_by_the_server(
    database: Database, ours: CompanyInfo, theirs: CompanyInfo, statement: str
) -> None:
    wanted = statement.format(own=ours.schema_name, other=theirs.schema_name)
    with pytest.raises(InvalidRequestError, match="swallowed"):
        async with database.company(ours) as session:
            assert await sqlstate(session, wanted) == "42501"


async def test_the_trail_can_be_added_to_and_read(database: Database, ours: CompanyInfo) -> None:
    values = {"id": uuid4().hex, "at": utc_now().isoformat(), "what": "test", "name": "Camille"}
    async with database.company(ours) as session:
        await session.execute(
            text("insert into audit_event (id, at, what, actor_name) values (:id, :at, :what, :name)"), values
        )
        assert await session.scalar(text("select count(*) from audit_event where what = 'test'")) == 1


BOOK = (
    "insert into shared.booking (assignment_id, company_id, company_role, person_number, starts_at, ends_at, status) "
    "values (gen_random_uuid(), '{id}', '{role}', {number}, '2027-01-26 14:00+01', '2027-01-26 17:00+01', 'confirmed')"
)


@on_postgresql
async def test_the_ledger_shows_and_yields_a_company_its_own_rows_only(
    database: Database, ours: CompanyInfo, theirs: CompanyInfo
) -> None:
    for number, company in ((900_001, ours), (900_002, theirs)):
        async with database.company(company) as session:
            await session.execute(text(BOOK.format(id=company.id, role=company.role_name, number=number)))
    async with database.company(ours) as session:
        assert list(await session.scalars(text("select company_role from shared.booking"))) == [ours.role_name]
        for statement in (
            f"update shared.booking set status = 'contested' where company_role = '{theirs.role_name}' returning 1",
            "delete from shared.booking where person_number = 900002 returning 1",
        ):
            assert list(await session.execute(text(statement))) == []
    for statement in (
        BOOK.format(id=theirs.id, role=theirs.role_name, number=900_003),
        f"update shared.booking set company_role = '{theirs.role_name}'",
    ):
        with pytest.raises(InvalidRequestError, match="swallowed"):
            async with database.company(ours) as session:
                assert await sqlstate(session, statement) == "42501"
    async with database.company(theirs) as session:
        status = list(await session.scalars(text("select status from shared.booking")))
    assert status == ["confirmed"]


@on_postgresql
async def test_a_refused_booking_does_not_tell_the_other_companys_hours(
    database: Database, ours: CompanyInfo, theirs: CompanyInfo
) -> None:
    async with database.company(theirs) as session:
        await session.execute(text(BOOK.format(id=theirs.id, role=theirs.role_name, number=900_009)))
    with pytest.raises(DBAPIError) as refused:
        async with database.company(ours) as session:
            await session.execute(text(BOOK.format(id=ours.id, role=ours.role_name, number=900_009)))
    assert "ex_booking_person_during" in str(refused.value.orig)
    assert "2027" not in str(refused.value.orig)
    assert theirs.role_name not in str(refused.value.orig)


async def delete_and_fail(session: AsyncSession) -> None:
    async with session.begin_nested():
        await session.execute(text("delete from idempotency_key"))
        raise BrokenError


async def test_a_savepoint_keeps_the_scope_and_sends_it_once(database: Database, ours: CompanyInfo) -> None:
    with statements() as sent:
        async with database.company(ours) as session:
            for _ in range(3):
                with pytest.raises(BrokenError):
                    await delete_and_fail(session)
            assert list(await session.scalars(CANARY)) == [ours.schema_name]
            if not database.is_sqlite:
                assert (await session.execute(WHERE)).one() == (ours.role_name, ours.schema_name)
    assert sum("set_config" in statement for statement in sent) == (0 if database.is_sqlite else 1)


@on_postgresql
async def test_login_rights_are_given_back(database: Database, ours: CompanyInfo) -> None:
    async with database.company(ours) as session:
        async with login_rights(session):
            assert (await session.execute(WHERE)).one()[0] == database.urls.app.username
            await session.execute(text("select 1 from shared.membership"))
        assert (await session.execute(WHERE)).one() == (ours.role_name, ours.schema_name)


@on_postgresql
async def test_isolation_levels_and_two_phase_transactions_are_refused(database: Database, ours: CompanyInfo) -> None:
    for level in ("AUTOCOMMIT", "SERIALIZABLE"):
        async with database.company(ours) as session:
            with pytest.raises(InvalidRequestError):
                _ = await session.connection(execution_options={"isolation_level": level})
    scoped = engine_of(database).execution_options(**{SCOPE_OPTION: Scope(ours.schema_name, ours.role_name)})
    with pytest.raises(InvalidRequestError):
        scoped.sync_engine.execution_options(isolation_level="AUTOCOMMIT")
    async with AsyncSession(scoped, twophase=True) as session:
        with pytest.raises(InvalidRequestError):
            await session.execute(text("select 1"))
    assert await read_canary(database, ours) == [ours.schema_name]


async def break_off(database: Database, company: CompanyInfo) -> None:
    """Change something in a company, and fail."""
    async with database.company(company) as session:
        await session.execute(text("delete from idempotency_key"))
        raise BrokenError


async def test_a_question_needs_no_transaction_and_the_next_user_of_its_connection_has_one(
    one_connection: Database, ours: CompanyInfo
) -> None:
    asked = select(Company.slug).where(Company.slug == ours.slug)
    for _ in range(3):
        assert [tuple(row) for row in await one_connection.ask(asked)] == [(ours.slug,)]
        with pytest.raises(BrokenError):
            await break_off(one_connection, ours)
        assert await read_canary(one_connection, ours) == [ours.schema_name]


@on_postgresql
async def test_a_question_whose_caller_is_cancelled_gives_its_connection_back(
    settings: Settings, urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    switching, go_on, switch = asyncio.Event(), asyncio.Event(), AsyncConnection.set_autocommit

    async def held(connection: AsyncConnection[Any], value: bool) -> None:
        switching.set()
        await go_on.wait()
        await switch(connection, value)

    async with running(settings, urls) as (own, _):
        database: Database = own.state.database
        given: list[int] = []
        assert database._app is not None
        event.listen(database._app.sync_engine.pool, "checkout", lambda *_: given.append(1))
        event.listen(database._app.sync_engine.pool, "checkin", lambda *_: given.append(-1))
        monkeypatch.setattr(AsyncConnection, "set_autocommit", held)
        asking = asyncio.create_task(database.ask(select(Installation.id)))
        await switching.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        go_on.set()
        await asyncio.wait(database._asking)
        assert given == [1, -1]


@on_postgresql
async def test_a_question_reads_no_company(database: Database, ours: CompanyInfo) -> None:
    assert await refusal(database, select(table("person", column("id"), schema=ours.schema_name))) == "42501"
    assert await refusal(database, select(table("person", column("id")))) == "42P01"


@on_postgresql
@pytest.mark.skipif(POOLER != "none", reason="a pooler takes no options at the start: it has a query_timeout")
async def test_a_question_is_stopped_in_time(settings: Settings, urls: Urls) -> None:
    async with running(settings, urls, statement_timeout_ms=200) as (own, _):
        assert await refusal(own.state.database, select(func.pg_sleep(60))) == "57014"


async def refusal(database: Database, query: Select[Any]) -> str | None:
    """Return the error code that the server answers to a question."""
    with pytest.raises(DBAPIError) as refused:
        await database.ask(query)
    found: str | None = getattr(refused.value.orig, "sqlstate", None)
    return found


@on_postgresql
async def test_a_swallowed_error_makes_the_commit_raise_and_the_next_user_finds_a_clean_connection(
    one_connection: Database, ours: CompanyInfo, theirs: CompanyInfo
) -> None:
    async def swallow() -> None:
        async with one_connection.company(ours) as session:
            await session.execute(text("delete from idempotency_key"))
            assert await sqlstate(session, "select 1 / 0") == "22012"

    with pytest.raises(InvalidRequestError, match="swallowed"):
        await swallow()
    assert await read_canary(one_connection, theirs) == [theirs.schema_name]
    assert await read_canary(one_connection, ours) == [ours.schema_name]


@on_postgresql
@direct
async def test_a_connection_that_kept_a_companys_path_is_thrown_away(
    one_connection: Database, ours: CompanyInfo, theirs: CompanyInfo
) -> None:
    async with one_connection.shared() as session:
        first = await session.scalar(text("select pg_backend_pid()"))
        await session.execute(text(f"set session search_path to {ours.schema_name}"))
    async with one_connection.shared() as session:
        assert await session.scalar(text("select pg_backend_pid()")) != first
    assert await read_canary(one_connection, theirs) == [theirs.schema_name]


@on_postgresql
@direct
async def test_a_connection_that_kept_a_companys_role_serves_nobody_and_is_thrown_away(
    one_connection: Database, ours: CompanyInfo, theirs: CompanyInfo
) -> None:
    async with one_connection.shared() as session:
        await session.execute(text(f"set session role {ours.role_name}"))
    with pytest.raises(DBAPIError, match="set_config"):
        await read_canary(one_connection, theirs)
    async with one_connection.shared() as session:
        assert (await session.execute(WHERE)).one()[0] == one_connection.urls.app.username
    assert await read_canary(one_connection, theirs) == [theirs.schema_name]


@on_postgresql
async def test_a_server_that_answers_for_another_company_is_not_believed(
    one_connection: Database, ours: CompanyInfo, theirs: CompanyInfo
) -> None:
    """A pooler that mixes sessions up looks like this: another company comes back than was asked for."""
    engine = engine_of(one_connection).sync_engine

    def mix_up(_connection: object, _cursor: object, sent: str, values: dict[str, str], *_rest: object) -> object:
        if "set_config" in sent:
            values = {**values, "path": theirs.schema_name, "role": theirs.role_name}
        return sent, values

    event.listen(engine, "before_cursor_execute", mix_up, retval=True)
    try:
        with pytest.raises(ScopeError):
            await read_canary(one_connection, ours)
    finally:
        event.remove(engine, "before_cursor_execute", mix_up)
    assert await read_canary(one_connection, ours) == [ours.schema_name]


@on_postgresql
@pytest.mark.parametrize("how", ["error", "rollback", "cancel", "raise"])
async def test_whoever_comes_next_on_the_connection_is_in_their_own_company(
    one_connection: Database, ours: CompanyInfo, theirs: CompanyInfo, how: str
) -> None:
    begun = asyncio.Event()

    async def use() -> None:
        async with one_connection.company(ours) as session:
            await session.execute(text("delete from idempotency_key"))
            begun.set()
            if how == "error":
                await session.execute(text("select 1 / 0"))
            elif how == "cancel":
                await session.execute(text("select pg_sleep(20)"))
            elif how == "rollback":
                await session.rollback()
            else:
                raise BrokenError

    task = asyncio.create_task(use())
    await begun.wait()
    if how == "cancel":
        await asyncio.sleep(0.05)
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with one_connection.company(theirs) as session:
        assert (await session.execute(WHERE)).one() == (theirs.role_name, theirs.schema_name)
        assert list(await session.scalars(CANARY)) == [theirs.schema_name]
    assert await read_canary(one_connection, ours) == [ours.schema_name]
    async with one_connection.shared() as session:
        assert (await session.execute(WHERE)).one() == (one_connection.urls.app.username, "pg_catalog")


async def drop(database: Database, company: CompanyInfo) -> None:
    async with database.company(company) as session:
        hand_over(session, "dropped")
        raise BrokenError


async def test_what_is_handed_over_leaves_after_the_commit_and_never_without_it(
    settings: Settings, urls: Urls, ours: CompanyInfo
) -> None:
    delivered: list[object] = []

    async def seed(_session: AsyncSession) -> None:
        """Nothing to seed."""

    database = Database(settings, urls, deliver=delivered.extend, seed=seed)
    try:
        async with database.company(ours) as session:
            hand_over(session, "kept")
            assert delivered == []
        assert delivered == ["kept"]
        with pytest.raises(BrokenError):
            await drop(database, ours)
        assert delivered == ["kept"]
    finally:
        await database.close()


@on_postgresql
@pytest.mark.soak
async def test_tasks_of_two_companies_on_two_connections_never_see_each_others_rows(
    settings: Settings, urls: Urls, ours: CompanyInfo, theirs: CompanyInfo
) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}")  # noqa: T201 - repeats a failure
    rng = random.Random(seed)  # noqa: S311 - a schedule
    done, wrong, cancelled = [0], list[object](), 0
    marks = {company.schema_name: unique("trace") for company in (ours, theirs)}

    async def use(database: Database, company: CompanyInfo, naps: list[float]) -> None:
        async with database.company(company) as session:
            session.add(
                TenantAnswer(scope="soak", key=f"{marks[company.schema_name]}-{uuid4()}", fingerprint="",
                             created_at=utc_now(), headers=None)
            )  # fmt: skip
            for nap in naps:
                seen = [*(await session.execute(WHERE)).one(), *(await session.scalars(CANARY))]
                if seen != [company.role_name, company.schema_name, company.schema_name]:
                    wrong.append(seen)
                await session.execute(text("select pg_sleep(:nap)"), {"nap": nap})
        done[0] += 1

    async with running(settings, urls, db_pool_size=2, db_pool_overflow=0, db_pool_timeout_seconds=60) as (own, _):
        for _ in range(TWENTIETHS):
            tasks = [
                asyncio.create_task(use(own.state.database, rng.choice([ours, theirs]), [0.001] * rng.randrange(4)))
                for _ in range(200)
            ]
            for task in rng.sample(tasks, 120):
                await asyncio.sleep(rng.random() * 0.01)
                cancelled += task.cancel()
            failures = [f for f in await asyncio.gather(*tasks, return_exceptions=True) if f is not None]
            assert {type(failure) for failure in failures} <= {asyncio.CancelledError}, failures[:3]
        assert wrong == [], f"seed {seed}"
        assert done[0] > 60
        assert cancelled > 20
        for company, other in ((ours, theirs), (theirs, ours)):
            async with own.state.database.company(company) as session:
                like = {"mark": f"{marks[other.schema_name]}%"}
                found = await session.scalar(text("select count(*) from idempotency_key where key like :mark"), like)
                assert found == 0, f"seed {seed}"
