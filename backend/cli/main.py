"""The `filage` command: serve, migrate, companies, demo, import, openapi."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from backend.app import create_app
from backend.cli import companies
from backend.cli.importing import import_folder
from backend.core.errors import AppError
from backend.core.settings import Settings
from backend.demo import stage
from backend.tenancy import migrations

app = typer.Typer(help="Filage: planning for production companies.", no_args_is_help=True, add_completion=False)
company_app = typer.Typer(help="Companies.", no_args_is_help=True)
app.add_typer(company_app, name="company")
out, err = Console(), Console(stderr=True)

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(envvar="PORT", help="Port to listen on.", min=1, max=65535)]


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; each has a metrics port of its own.")] = 1,
) -> None:
    """Serve the API."""
    settings = _settings()
    if settings.environment != "production" and not _is_current(settings):
        err.print("The database is not up to date: run `filage migrate` first.")
        raise typer.Exit(1)
    _end_gently()
    uvicorn.run(
        "backend.app:create_app", factory=True, host=host, port=port, workers=workers, log_config=None, access_log=False
    )


@app.command()
def migrate() -> None:
    """Bring the shared schema and every company to the newest revision (as `alembic upgrade head` does)."""
    _settings()
    migrations.upgrade()
    out.print(f"shared {migrations.head('alembic')}, companies {migrations.head('tenant')}: up to date.")


@app.command()
def demo(
    port: Port = 8000,
    reset: Annotated[bool, typer.Option("--reset", help="Throw the demo's data away and start over.")] = False,
) -> None:
    """Load two companies of an invented season, and serve them."""
    public_url = f"http://127.0.0.1:{port}"
    for name, value in {"PUBLIC_URL": public_url, "DEMO_MAILBOX": "true", "LOG_FORMAT": "console"}.items():
        os.environ.setdefault(f"FILAGE_{name}", value)
    settings = _settings()
    if settings.environment == "production":
        err.print("The demo is for development: FILAGE_ENVIRONMENT says production.")
        raise typer.Exit(2)
    _end_gently()
    urls = stage.prepare(settings, reset=reset, console=out)
    stage.announce(out, public_url)
    uvicorn.run(create_app(settings, urls), host="127.0.0.1", port=port, log_config=None, access_log=False)


@app.command("import")
def import_season(
    directory: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of the seven CSV files.")],
    company: Annotated[str, typer.Option(help="Slug of the company.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
) -> None:
    """Load a season's folder into a company: all of it, or nothing."""
    _settings()
    raise typer.Exit(import_folder(directory, company, dry_run))


@app.command()
def openapi(
    output: Annotated[Path | None, typer.Option(help="File to write; nothing: the terminal.")] = None,
) -> None:
    """Write the OpenAPI document."""
    settings = _settings()
    text = json.dumps(create_app(settings, stage.no_urls()).openapi(), ensure_ascii=False, indent=2)
    if output is None:
        sys.stdout.write(text + "\n")
    else:
        output.write_text(text + "\n", encoding="utf-8")


@company_app.command("create")
def create_company(
    name: Annotated[str, typer.Argument(help="Name of the company.")],
    owner_email: Annotated[str, typer.Option(help="E-mail of its first owner.")],
    owner_name: Annotated[str, typer.Option(help="Full name of its first owner.")],
    slug: Annotated[str | None, typer.Option(help="Short address; made from the name when absent.")] = None,
    owner_password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, envvar="FILAGE_OWNER_PASSWORD", help="Asked for when absent.")
    ] = "",
) -> None:
    """Sign a company up, with its first owner."""
    try:
        created = asyncio.run(companies.create(_settings(), name, slug, owner_email, owner_name, owner_password))
    except AppError as error:
        err.print(error.sentence.en)
        raise typer.Exit(1) from None
    except ValidationError as error:
        for problem in error.errors():
            err.print(f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}")
        raise typer.Exit(1) from None
    out.print(f"{created.slug}: schema {created.schema_name}, revision {created.revision}")


@company_app.command("list")
def list_companies() -> None:
    """List the companies."""
    table = Table("number", "slug", "name", "status", "revision")
    for found in asyncio.run(companies.every(_settings())):
        table.add_row(str(found.number), found.slug, found.name, found.status, found.revision or "")
    out.print(table)


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        for problem in error.errors():
            err.print(str(problem["msg"]).removeprefix("Value error, "))
        raise typer.Exit(2) from None


def _is_current(settings: Settings) -> bool:
    return migrations.is_current(stage.urls_of(settings))


def _end_gently() -> None:
    """Let SIGTERM end the process the way Ctrl-C does: the embedded server is stopped by what runs at exit."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)


if __name__ == "__main__":
    app()
