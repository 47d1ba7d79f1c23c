"""However a statement is sent, it is one: what stands behind a semicolon never runs as a statement of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.tenancy.models import CompanyInfo
from backend.tenancy.protocol import OneStatementCursor
from backend.tenancy.session import Database
from tests.isolation.staging import WHERE

pytestmark = pytest.mark.postgresql
TWO = "select 1; reset role"
TWO_PERCENT = "select '%%(x)s'; reset role"
Send = Callable[[AsyncConnection, Any], Awaitable[object]]


async def _stream(driver: psycopg.AsyncConnection) -> None:
    async for _row in driver.cursor().stream(TWO):
        pass


async def _named(driver: psycopg.AsyncConnection) -> None:
    async with driver.cursor("named") as cursor:
        await cursor.execute(TWO)


async def _copy(driver: psycopg.AsyncConnection, statement: Any) -> None:
    async with driver.cursor().copy(statement):
        pass


WAYS: dict[str, Send] = {
    "text": lambda connection, _driver: connection.execute(text(TWO)),
    "text and a value it does not use": lambda connection, _driver: connection.exec_driver_sql(TWO, {"x": 1}),
    "text, a value, and a doubled percent sign": lambda c, _driver: c.exec_driver_sql(TWO_PERCENT, {"x": 1}),
    "driver's SQL": lambda connection, _driver: connection.exec_driver_sql(TWO),
    "many": lambda connection, _driver: connection.exec_driver_sql(TWO, [{"x": 1}, {"x": 2}]),
    "driver's cursor": lambda _connection, driver: driver.execute(TWO),
    "driver's cursor, bytes": lambda _connection, driver: driver.execute(TWO.encode()),
    "driver's cursor, composed": lambda _connection, driver: driver.execute(sql.SQL(TWO)),
    "driver's many": lambda _connection, driver: driver.cursor().executemany(TWO, [{}, {}]),
    "driver's stream": lambda _connection, driver: _stream(driver),
    "driver's named cursor": lambda _connection, driver: _named(driver),
    "driver's copy": lambda _connection, driver: _copy(driver, "copy (select 1) to stdout; reset role"),
    "driver's copy, bytes": lambda _connection, driver: _copy(driver, b"reset role; copy (select 1) to stdout"),
    "driver's copy, composed": lambda _connection, driver: _copy(
        driver, sql.SQL("reset role; copy (select 1) to stdout")
    ),
}


@asynccontextmanager
async def in_company(database: Database, company: CompanyInfo) -> AsyncIterator[tuple[AsyncConnection, Any]]:
    async with database.company(company) as session:
        connection = await session.connection()
        yield connection, (await connection.get_raw_connection()).driver_connection
        await session.rollback()


@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_second_statement_is_refused(database: Database, ours: CompanyInfo, way: str, *, first: bool) -> None:
    async with in_company(database, ours) as (connection, driver):
        if not first:
            await connection.execute(text("select key from idempotency_key where key = :key"), {"key": "x"})
        with pytest.raises((DBAPIError, psycopg.Error)) as refused:
            await WAYS[way](connection, driver)
        error = getattr(refused.value, "orig", refused.value)
        assert isinstance(error, psycopg.errors.SyntaxError) or "semicolon" in str(error)
    async with database.company(ours) as session:
        assert (await session.execute(WHERE)).one() == (ours.role_name, ours.schema_name)


async def test_what_the_product_sends_still_works(database: Database, ours: CompanyInfo) -> None:
    async with in_company(database, ours) as (connection, driver):
        assert isinstance(driver.cursor(), OneStatementCursor)
        async with connection.begin_nested():
            assert (await connection.execute(text("select 1 union all select 2"))).scalars().all() == [1, 2]
        async with driver.cursor().copy("copy (select generate_series(1, 3)) to stdout") as rows:
            assert [row async for row in rows.rows()] == [("1",), ("2",), ("3",)]
        result = await connection.stream(text("select generate_series(1, 5)"))
        assert [row[0] async for row in result] == [1, 2, 3, 4, 5]


async def test_after_an_error_the_savepoint_is_left_and_the_transaction_goes_on(
    database: Database, ours: CompanyInfo
) -> None:
    async with database.company(ours) as session:
        for statement in ("select 1 / 0", "select nothing", TWO):
            with pytest.raises(DBAPIError):
                async with session.begin_nested():
                    await session.execute(text(statement))
        assert (await session.execute(WHERE)).one() == (ours.role_name, ours.schema_name)
