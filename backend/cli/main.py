"""The `filage` command: serve, worker, migrate, companies, tasks, demo, import, findings, openapi."""

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
import uvicorn

from backend.app import create_app
from backend.cli import company, database, migrating, serving, tasks
from backend.cli.finding import show_findings
from backend.cli.heads import BoundedHeads
from backend.cli.importing import import_folder
from backend.cli.latency import show_latency
from backend.cli.starting import console, read_settings, require_port
from backend.core import memory
from backend.core.settings import Settings
from backend.demo import stage
from backend.tenancy import migrations

app = typer.Typer(help="Filage: planning for production companies.", no_args_is_help=True, add_completion=False)
app.add_typer(company.app, name="company")
app.add_typer(database.app, name="db")
app.add_typer(tasks.app, name="tasks")
app.command()(tasks.worker)
app.command()(migrating.migrate)
out, err = console(), console(stderr=True)

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(envvar="PORT", help="Port to listen on.", min=1, max=65535)]


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; each has a metrics port of its own.")] = 1,
) -> None:
    """Serve the API."""
    settings = read_settings()
    if settings.environment != "production" and not _is_current(settings):
        err.print("The database is not up to date: run `filage migrate` first.")
        raise typer.Exit(1)
    require_port(host, port)
    _end_gently()
    serving.serve(host, port, workers)


@app.command()
def demo(
    port: Port = 8000,
    reset: Annotated[bool, typer.Option("--reset", help="Throw the demo's data away and start over.")] = False,
) -> None:
    """Load two companies of an invented season, and serve them."""
    require_port("127.0.0.1", port)
    public_url = f"http://127.0.0.1:{port}"
    presets = {"PUBLIC_URL": public_url, "DEMO_MAILBOX": "true", "LOG_FORMAT": "console", "WORKER_IN_PROCESS": "true"}
    for name, value in presets.items():
        os.environ.setdefault(f"FILAGE_{name}", value)
    settings = read_settings()
    if settings.environment == "production":
        err.print("The demo is for development: FILAGE_ENVIRONMENT says production.")
        raise typer.Exit(2)
    _end_gently()
    urls = stage.prepare(settings, reset=reset, console=out)
    stage.announce(out, public_url)
    application = create_app(settings, urls)
    memory.settle()
    uvicorn.run(application, host="127.0.0.1", port=port, log_config=None, access_log=False, http=BoundedHeads)


@app.command("latency")
def latency_of_companies(
    company: Annotated[str | None, typer.Option(help="Slug of one company.")] = None,
    last: Annotated[str, typer.Option(help="Period: minutes, hours or days, such as 30m, 1h or 7d.")] = "1h",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show how fast the companies were answered: p50, p95, p99, requests and errors."""
    read_settings()
    raise typer.Exit(show_latency(company, last, as_json=as_json))


@app.command("import")
def import_season(
    directory: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of the seven CSV files.")],
    company: Annotated[str, typer.Option(help="Slug of the company.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
) -> None:
    """Load a season's folder into a company: all of it, or nothing."""
    read_settings()
    raise typer.Exit(import_folder(directory, company, dry_run))


@app.command()
def findings(
    company: Annotated[str, typer.Argument(help="Slug of the company.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, one finding each.")] = False,
) -> None:
    """Judge a company's planning by working-time law and its convention."""
    read_settings()
    raise typer.Exit(show_findings(company, as_json=as_json))


@app.command()
def openapi(
    output: Annotated[Path | None, typer.Option(help="File to write; nothing: the terminal.")] = None,
) -> None:
    """Write the OpenAPI document."""
    settings = read_settings()
    text = json.dumps(create_app(settings, stage.no_urls()).openapi(), ensure_ascii=False, indent=2)
    if output is None:
        sys.stdout.write(text + "\n")
    else:
        output.write_text(text + "\n", encoding="utf-8")


def _is_current(settings: Settings) -> bool:
    return migrations.is_current(stage.urls_of(settings))


def _end_gently() -> None:
    """Let SIGTERM end the process the way Ctrl-C does: the embedded server is stopped by what runs at exit."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)


if __name__ == "__main__":
    app()
