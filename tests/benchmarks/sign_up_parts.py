"""What a sign-up is made of: password, role and schema, tables, rights, rows and commit, each timed by itself."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Engine, event, text

from backend.tenancy import migrations, names, privileges
from tests.benchmarks.data import Writer, writing
from tests.benchmarks.site import Site
from tests.helpers import PASSWORD

TIMES = 10
FIRST_NUMBER = 900_000  # far from the companies of the other groups
Parts = dict[str, list[float]]


async def measure(site: Site) -> dict[str, float]:
    """Return the median of each part in milliseconds, over ten sign-ups without a server around them."""
    parts: Parts = {}
    async with writing(site) as writer:
        await writer.sign_up()
        for number in range(FIRST_NUMBER, FIRST_NUMBER + TIMES):
            await _whole(writer, parts)
            await _by_hand(writer, number, parts)
    return {name: round(median(times) * 1000, 1) for name, times in parts.items()}


def show(console: Console, parts: Any) -> None:
    """Print the parts."""
    table = Table("part of a sign-up", title="Sign-up, part by part (median)")
    table.add_column("ms", justify="right")
    for name, value in parts.items():
        table.add_row(name, f"{value:.1f}")
    console.print(table)


async def _whole(writer: Writer, parts: Parts) -> None:
    with _statements() as statements, _timed(parts, "whole act"):
        await writer.sign_up()
    script = max(statements)
    parts.setdefault("whole act: the script (role, schema, tables, rights)", []).append(script)
    parts.setdefault("whole act: all other statements", []).append(sum(statements) - script)
    with _timed(parts, "password hash"):
        await writer.passwords.hash(PASSWORD)


async def _by_hand(writer: Writer, number: int, parts: Parts) -> None:
    async with writer.database.owner() as session:
        installation = str(await session.scalar(text("select id from shared.installation")))
        schema, role = names.schema_name(number), names.role_name(installation, number)
        login = writer.database.urls.app.username or ""
        connection = await session.connection()
        for name, statements in (
            ("script: role and schema", privileges.company_statements(
                schema, role, names.companies_role(installation), login)),
            ("script: tables", [f"SET LOCAL search_path TO {privileges.quote(schema)}", migrations.tenant_script()]),
            ("script: rights", privileges.table_statements(schema, role)),
        ):  # fmt: skip
            with _timed(parts, name):
                await connection.run_sync(_send(statements))
        with _timed(parts, "first rows"):
            await writer.database.seed(session)
        with _timed(parts, "commit"):
            await session.commit()


def _send(statements: Sequence[str]) -> Callable[[Connection], Any]:
    whole = ";\n".join(part.strip().rstrip(";") for part in statements)
    return lambda connection: connection.exec_driver_sql(whole)


@contextmanager
def _timed(parts: Parts, name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    parts.setdefault(name, []).append(time.perf_counter() - started)


@contextmanager
def _statements() -> Iterator[list[float]]:
    """Collect the seconds of every statement."""
    taken: list[float] = []
    started: list[float] = []

    def before(*_arguments: object) -> None:
        started.append(time.perf_counter())

    def after(*_arguments: object) -> None:
        taken.append(time.perf_counter() - started.pop())

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    try:
        yield taken
    finally:
        event.remove(Engine, "before_cursor_execute", before)
        event.remove(Engine, "after_cursor_execute", after)
