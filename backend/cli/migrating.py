"""`filage migrate`: the fleet's migrations seen by an operator (a live bar, a table) or by a machine (JSON lines).

Ends with 0 when every company asked for is at the target, 1 when one is not, 2 for an order that cannot be carried out,
3 while another run holds the lock.
"""

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer
from alembic.util import CommandError
from psycopg import Error as DriverError
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import DBAPIError

from backend.cli.starting import console, read_settings
from backend.core.settings import Settings
from backend.telemetry import logs, port
from backend.telemetry.metrics import Metrics
from backend.tenancy.fleet import legs, state
from backend.tenancy.fleet.migrate import migrate as run
from backend.tenancy.fleet.migrate import preview
from backend.tenancy.fleet.order import Event, Order, Summary, Visit, Watch
from backend.tenancy.fleet.refusals import FleetError
from backend.tenancy.session import Urls, find_urls

SHOWN_FAILURES = 20
INTERRUPTED = 130
out, err = console(), console(stderr=True)


def migrate(  # noqa: PLR0913 - the options of a command are its arguments
    *,
    only: Annotated[str, typer.Option(metavar="SLUG,...", help="These companies alone.")] = "",
    canary: Annotated[str, typer.Option(metavar="SLUG,...", help="First these, the others if all went well.")] = "",
    to: Annotated[str | None, typer.Option(metavar="REV", help="Tenant revision; with --only also back.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Companies at once.")] = Order().jobs,
    stop_after_failures: Annotated[int, typer.Option(min=1, help="Failed companies that end the run.")] = 10,
    lock_timeout_ms: Annotated[int, typer.Option(min=10, help="Longest wait for a table, per try.")] = 2_000,
    statement_timeout_ms: Annotated[int, typer.Option(min=100, help="Longest statement.")] = 60_000,
    plan: Annotated[bool, typer.Option("--plan", help="Say who would be migrated, and change nothing.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Migrate each company and roll it back.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Queue behind a run that is under way.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, the summary last.")] = False,
) -> None:
    """Bring the shared schema and every company to the newest revision; safe to stop, and to run again."""
    order = Order(
        to, _words(only), _words(canary), jobs, stop_after_failures, lock_timeout_ms, statement_timeout_ms,
        dry_run=dry_run,
    )  # fmt: skip
    settings = read_settings()
    urls = find_urls(settings)
    signal.signal(signal.SIGTERM, _end)
    try:
        if plan:
            _show_plan(preview(urls, order), as_json)
            return
        with _watching(as_json) as watch, _metrics(settings, urls):
            summary = run(urls, order, wait=wait, watch=watch, tell=lambda holder: _say(f"Waiting for {holder}."))
    except FleetError as error:
        _refuse(error.code, error.sentence.en, error.exit_code, as_json)
    except (CommandError, DBAPIError, DriverError) as error:
        _refuse("shared_schema", f"The shared schema: {str(error).strip().splitlines()[0]}", 1, as_json)
    except KeyboardInterrupt:
        _refuse("interrupted", "Interrupted: no company is half-migrated. Run it again.", INTERRUPTED, as_json)
    _show_summary(summary, as_json, dry_run)
    raise typer.Exit(summary.exit_code)


class _Rate(ProgressColumn):
    """Companies per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:.0f}/s")


@contextmanager
def _watching(as_json: bool) -> Iterator[Watch]:
    """Show what happens: lines for a machine, a bar on a terminal."""
    if as_json:
        yield lambda event: _line({"event": event.kind, **_told(event)})
        return
    columns = (
        SpinnerColumn(), TextColumn("companies"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"),
        _Rate(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=err, transient=True) as progress:
        bar = progress.add_task("companies", total=0, note="0 failed")
        failed = 0

        def watch(event: Event) -> None:
            nonlocal failed
            if event.kind == "planned":
                progress.update(bar, total=(progress.tasks[0].total or 0) + event.companies)
            elif event.kind in {"done", "failed"}:
                failed += event.kind == "failed"
                progress.update(bar, advance=1, note=f"{failed} failed")
            if event.kind == "failed":
                progress.console.print(f"{event.slug}: {event.error}", markup=False, soft_wrap=True)

        yield watch


@contextmanager
def _metrics(settings: Settings, urls: Urls) -> Iterator[None]:
    """Serve the state of the run on a metrics port of its own while it lasts."""
    if settings.metrics_port:
        logs.configure("warning", settings.log_format, sys.stderr)  # the port's own line is no line of the answer
    server = port.serve(Metrics(state.reader(urls)), settings.metrics_host, settings.metrics_port)
    yield
    if server is not None:
        server.shutdown()


def _show_plan(visits: list[Visit], as_json: bool) -> None:
    if as_json:
        for visit in visits:
            _line({"company": visit.slug, "from": visit.start, "to": visit.end, "canary": visit.is_canary,
                   "indexes_only": visit.indexes_only, "way": _way(visit)})  # fmt: skip
        _line({"summary": True, "companies": len(visits)})
        return
    if not visits:
        out.print("Nothing to do: every company is there already.")
        return
    table = Table("order", "company", "from", "to", "canary", "way")
    for number, visit in enumerate(visits, start=1):
        canary = "yes" if visit.is_canary else ""
        table.add_row(str(number), visit.slug, visit.start or "nothing", visit.end, canary, _way(visit))
    out.print(table)


def _way(visit: Visit) -> str:
    """Say how the company would be brought there."""
    if visit.indexes_only:
        return "indexes only"
    try:
        leg = legs.leg(visit.start, visit.end)
    except FleetError as error:
        return error.sentence.en
    afterwards = f", then {len(leg.indexes)} indexes" if leg.indexes else ""
    return ("worker process" if leg.sql is None else "SQL rendered once") + afterwards


def _show_summary(summary: Summary, as_json: bool, dry_run: bool) -> None:
    if as_json:
        _line({
            "summary": True, "target": summary.target, "done": summary.done, "failed": summary.failed,
            "not_tried": summary.not_tried, "seconds": round(summary.seconds, 3), "stopped": summary.stopped,
            "dry_run": dry_run, "run": str(summary.run_id) if summary.run_id else None,
        })  # fmt: skip
        return
    if not summary.done and not summary.exit_code:
        out.print(f"Nothing to do: every company is at {summary.target}.")
        return
    title = f"Dry run to {summary.target}: everything was rolled back" if dry_run else f"Companies to {summary.target}"
    table = Table("done", "failed", "not tried", "seconds", "per second", title=title)
    rate = summary.done / summary.seconds if summary.seconds else 0
    table.add_row(
        str(summary.done), str(len(summary.failed)), str(summary.not_tried), f"{summary.seconds:.1f}", f"{rate:.0f}"
    )
    out.print(table)
    for slug, error in list(summary.failed.items())[:SHOWN_FAILURES]:
        out.print(f"{slug}: {error}", markup=False, soft_wrap=True)
    if summary.stopped:
        out.print(f"Stopped: {summary.stopped}. Mend the reason, then run it again: it goes on where it stopped.")


def _told(event: Event) -> dict[str, object]:
    if event.kind == "planned":
        return {"companies": event.companies}
    told: dict[str, object] = {"company": event.slug, "at": round(time.time(), 3)}
    if event.error is not None:
        told["error"] = event.error
    return {**told, "seconds": round(event.seconds, 3)} if event.seconds else told


def _refuse(code: str, sentence: str, exit_code: int, as_json: bool) -> None:
    if as_json:
        _line({"summary": True, "code": code, "error": sentence})
    else:
        _say(sentence)
    raise typer.Exit(exit_code) from None


def _say(sentence: str) -> None:
    err.print(sentence, markup=False, soft_wrap=True)


def _line(value: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _end(_signal: int, _frame: FrameType | None) -> None:
    """Let SIGTERM end the run the way Ctrl-C does."""
    raise KeyboardInterrupt
