"""`filage company`: sign up, list, suspend, resume, rename, and run a command inside one company."""

import asyncio
import os
import subprocess
from collections.abc import Coroutine
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from rich.table import Table

from backend.cli import companies
from backend.cli.starting import console, read_settings
from backend.core.errors import AppError

app = typer.Typer(help="Companies.", no_args_is_help=True)
out, err = console(), console(stderr=True)

Slug = Annotated[str, typer.Argument(help="Slug of the company.")]
Result = TypeVar("Result")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the company.")],
    owner_email: Annotated[str, typer.Option(help="E-mail of its first owner.")],
    owner_name: Annotated[str, typer.Option(help="Full name of its first owner.")],
    slug: Annotated[str | None, typer.Option(help="Short address; made from the name when absent.")] = None,
    owner_password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, envvar="FILAGE_OWNER_PASSWORD", help="Asked for when absent.")
    ] = "",
) -> None:
    """Sign a company up, with its first owner."""
    created = _run(companies.create(read_settings(), name, slug, owner_email, owner_name, owner_password))
    out.print(f"{created.slug}: schema {created.schema_name}, revision {created.revision}")


@app.command("list")
def list_companies() -> None:
    """List the companies."""
    table = Table("number", "slug", "name", "status", "revision")
    for found in _run(companies.every(read_settings())):
        table.add_row(str(found.number), found.slug, found.name, found.status, found.revision or "")
    out.print(table)


@app.command()
def suspend(slug: Slug) -> None:
    """Stop serving a company, in every process at once; its data stays."""
    _run(companies.suspend(read_settings(), slug))
    out.print(f"{slug} is suspended.")


@app.command()
def resume(slug: Slug) -> None:
    """Serve a suspended company again."""
    _run(companies.resume(read_settings(), slug))
    out.print(f"{slug} is served again.")


@app.command()
def rename(slug: Slug, new: Annotated[str, typer.Argument(help="Its new slug.")]) -> None:
    """Give a company another slug; the old one is kept free for a year."""
    _run(companies.rename(read_settings(), slug, new))
    out.print(f"{slug} is now {new}.")


@app.command(context_settings={"ignore_unknown_options": True})
def run(slug: Slug, command: Annotated[list[str], typer.Argument(help="Command and arguments, after `--`.")]) -> None:
    """Run a command inside one company: psql, pg_dump and the like see its schema alone, with its role."""
    environment = _run(companies.environment(read_settings(), slug))
    try:
        finished = subprocess.run(command, env={**os.environ, **environment}, check=False)  # noqa: S603 - as asked
    except (FileNotFoundError, PermissionError):
        err.print(f"{command[0]} is not a command here.", markup=False)
        raise typer.Exit(127) from None
    raise typer.Exit(finished.returncode)


def _run(act: Coroutine[None, None, Result]) -> Result:
    try:
        return asyncio.run(act)
    except AppError as error:
        err.print(error.sentence.en, markup=False)
        raise typer.Exit(1) from None
    except ValidationError as error:
        for problem in error.errors():
            err.print(f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}", markup=False)
        raise typer.Exit(1) from None
