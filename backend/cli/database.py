"""`filage db`: fences of the database, raised by a superuser and looked at by anybody."""

import asyncio
from typing import Annotated

import psycopg
import typer
from rich.table import Table
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from backend.cli.starting import console, read_settings
from backend.core.settings import Settings
from backend.tenancy import hardening, selftest
from backend.tenancy.session import Database, find_urls

app = typer.Typer(help="The database's fences between companies.", no_args_is_help=True)
out, err = console(), console(stderr=True)

Superuser = Annotated[
    str | None,
    typer.Option(
        "--superuser-url",
        envvar="FILAGE_SUPERUSER_DATABASE_URL",
        help="postgresql://... of a superuser, into the application's database; not needed for the embedded server.",
        show_envvar=True,
    ),
]


@app.command()
def harden(superuser_url: Superuser = None) -> None:
    """Raise every fence; safe to repeat. Ends with 1 when the server refuses one."""
    settings = read_settings()
    try:
        findings = _harden(settings, superuser_url)
    except (psycopg.Error, ArgumentError) as error:
        err.print(f"The fences could not be raised: {str(error).splitlines()[0]}", markup=False)
        raise typer.Exit(1) from None
    table = Table("fence", "state", "why", "what the server said")
    for found in findings:
        table.add_row(found.fence.name, "done" if found.in_force else "refused", found.fence.why, found.refusal)
    out.print(table)
    raise typer.Exit(0 if all(found.in_force for found in findings) else 1)


@app.command()
def check() -> None:
    """Prove that companies are kept apart, and list each fence. Ends with 1 when an essential one is missing."""
    settings = read_settings()
    try:
        checks = asyncio.run(_check(settings))
    except DBAPIError as error:
        err.print(
            f"Nothing could be proved (does it answer, is it migrated?): {error.orig}".splitlines()[0], markup=False
        )
        raise typer.Exit(1) from None
    except selftest.UnsafeDatabaseError as error:
        err.print(str(error), markup=False)
        raise typer.Exit(1) from None
    table = Table("fence", "state", "essential", "why")
    for found in checks:
        table.add_row(found.name, "in force" if found.holds else "missing", "yes" if found.essential else "", found.why)
    out.print(table)
    raise typer.Exit(0 if all(found.holds for found in checks if found.essential) else 1)


def _harden(settings: Settings, superuser_url: str | None) -> list[hardening.Finding]:
    if superuser_url is None:
        if settings.app_url is not None:
            err.print("Say which superuser: --superuser-url, or FILAGE_SUPERUSER_DATABASE_URL.")
            raise typer.Exit(2)
        return hardening.harden_embedded(settings.var_dir / "postgresql")
    urls = find_urls(settings)
    if urls.app.get_backend_name() == "sqlite":
        err.print("SQLite has no fences: FILAGE_DATABASE_URL must name PostgreSQL.")
        raise typer.Exit(2)
    logins = hardening.Logins(urls.app.username or "", urls.owner.username or "")
    return hardening.harden(_conninfo(make_url(superuser_url)), logins)


def _conninfo(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


async def _check(settings: Settings) -> list[selftest.Check]:
    async def seed(_session: object) -> None:
        """Nothing is created here."""

    database = Database(settings, find_urls(settings), deliver=lambda _items: None, seed=seed)
    if database.is_sqlite:
        message = "SQLite keeps no company apart: nothing to check."
        raise selftest.UnsafeDatabaseError(message)
    try:
        return await selftest.examine(settings, database)
    finally:
        await database.close()
