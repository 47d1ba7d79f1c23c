"""`filage worker` and `filage tasks`: the operator's side of the queue."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from backend.cli.starting import console, read_settings
from backend.core import memory
from backend.core.errors import AppError
from backend.core.settings import Settings
from backend.outbox.mailer import Mailer
from backend.outbox.tasks import Outbox
from backend.people.service import seed_jobs
from backend.telemetry import logs, port
from backend.telemetry.metrics import Metrics
from backend.telemetry.tracing import Tracing
from backend.tenancy.session import Database, find_urls
from backend.worker import failures
from backend.worker.runner import Runner

app = typer.Typer(help="Background tasks.", no_args_is_help=True)
out, err = console(), console(stderr=True)
Found = TypeVar("Found")


def worker(
    concurrency: Annotated[int | None, typer.Option(min=1, max=64, help="Tasks at once.")] = None,
    queues: Annotated[str | None, typer.Option(help="Queues to work on, by commas; nothing: all.")] = None,
) -> None:
    """Do the background tasks until stopped (SIGTERM, Ctrl-C): running tasks finish first."""
    settings = read_settings()
    log = logs.configure(settings.log_level, settings.log_format)
    if settings.db_pooler == "pgbouncer" and not settings.worker_database_url:
        err.print("FILAGE_WORKER_DATABASE_URL is missing: the worker needs a connection past the pooler.")
        raise typer.Exit(2)
    names = [name.strip() for name in queues.split(",") if name.strip()] if queues else None
    if not asyncio.run(_work(settings, log, concurrency, names)):
        err.print("SQLite has no queue: there, the server itself does the tasks.")
        raise typer.Exit(2)


@app.command("list")
def list_tasks(
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Those that wait or run, instead of the failed ones.")
    ] = False,
) -> None:
    """List the failed tasks, newest first."""
    statuses = failures.WAITING if waiting else failures.UNFINISHED
    table = Table("id", "task", "company", "status", "tries", "since", "reason")
    for found in _with_database(lambda database: failures.listed(database, statuses)):
        since = "" if found.since is None else f"{found.since:%Y-%m-%d %H:%M}"
        whose = found.company or (f"{found.company_id} (gone)" if found.company_id else "none")
        table.add_row(str(found.id), found.task, whose, found.status, str(found.attempts), since, found.reason or "")
    out.print(table)


@app.command("retry")
def retry_task(task_id: Annotated[int, typer.Argument(help="Number of the failed task.")]) -> None:
    """Let a failed task start over."""
    try:
        _with_database(lambda database: failures.retry(database, task_id))
    except AppError as error:
        err.print(error.sentence.en)
        raise typer.Exit(1) from None
    out.print(f"task {task_id}: will start over.")


async def _work(settings: Settings, log: logs.Handler, concurrency: int | None, queues: list[str] | None) -> bool:
    metrics = Metrics()
    log.lost = metrics.dropped.labels("logs").inc
    mailer, urls = Mailer(settings, metrics), find_urls(settings)
    outbox = Outbox(settings, urls.app, mailer)
    database = Database(settings, urls, deliver=outbox.deliver, keep=outbox.keep, seed=seed_jobs, metrics=metrics)
    if database.is_sqlite:
        return False
    tracing = Tracing(metrics, service="filage-worker")
    runner = Runner(database, outbox, mailer, metrics, tracing)
    memory.settle()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, runner.stop)
    server = port.serve(metrics, settings.metrics_host, settings.metrics_port)
    try:
        await runner.run(concurrency, queues)
    finally:
        await database.close()
        tracing.shutdown()
        if server is not None:
            server.shutdown()
    return True


def _with_database(act: Callable[[Database], Awaitable[Found]]) -> Found:
    settings = read_settings()

    async def run() -> Found:
        database = Database(settings, find_urls(settings), deliver=lambda _items: None, seed=seed_jobs)
        try:
            return await act(database)
        finally:
            await database.close()

    return asyncio.run(run())
