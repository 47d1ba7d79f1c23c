"""Runs the tasks of the queue: as `filage worker`, inside the server, or (tests) until nothing is due.

It comes back after a lost database, takes over what a dead worker left, and lets running tasks finish when stopped.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import DeleteJobCondition, Job
from procrastinate.worker import Worker
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from backend.core.clock import utc_now
from backend.core.ending import cancel
from backend.core.settings import Settings
from backend.outbox.mailer import Mailer
from backend.outbox.tasks import Outbox, Task
from backend.telemetry import record
from backend.telemetry.logs import get_logger
from backend.telemetry.metrics import Metrics
from backend.telemetry.tracing import Tracing
from backend.tenancy.directory import CompanyDirectory
from backend.tenancy.queue import connection_options
from backend.tenancy.session import Database
from backend.worker import failures, mails, notifying, periodic
from backend.worker.app import ATTEMPTS, Account, Kind, Order, Tools, make_app

log = get_logger("filage.worker")

KINDS = (*mails.KINDS, *notifying.KINDS, *periodic.KINDS)
PAUSE_SECONDS = 2.0  # after the database was lost
# The library's own heartbeat ends when it is stopped, before its last tasks do: ours (`_beat`) takes its place. No task
# is aborted from outside. A statement of either that is cancelled at the wrong moment would never end (Python 3.11).
NEVER_SECONDS = 86_400.0 * 365
DRAIN_SECONDS = 60.0  # a running task gets this long when the worker is stopped; then it is cut and starts over
_DEPTH = text(
    "select job.queue_name, count(*), coalesce(extract(epoch from now() - min(case "
    "when job.scheduled_at is null then (select min(event.at) from procrastinate.procrastinate_events event "
    "where event.job_id = job.id) when job.scheduled_at <= now() then job.scheduled_at end)), 0)::float "
    "from procrastinate.procrastinate_jobs job where job.status = 'todo' group by job.queue_name"
)


class Runner:
    """The worker of one process."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        mailer: Mailer,
        metrics: Metrics,
        tracing: Tracing,
        *,
        kinds: Sequence[Kind] = KINDS,
    ) -> None:
        settings = database.settings
        directory = CompanyDirectory(database, 0)
        self.tools = Tools(settings, database, directory, mailer, metrics, tracing, outbox.seal, utc_now)
        self.outbox = outbox
        self.kinds = {kind.name: kind for kind in kinds}
        self.stopping = asyncio.Event()
        self._worker: Worker | None = None
        outbox.run_here = self.run_here

    async def run(self, concurrency: int | None = None, queues: Sequence[str] | None = None) -> None:
        """Work until `stop` is called, then let running tasks finish."""
        watch = asyncio.create_task(self._watch(), name="watch over tasks")
        try:
            while not self.stopping.is_set():
                try:
                    await self._work(concurrency or self.tools.settings.worker_concurrency, queues)
                except (ProcrastinateException, SQLAlchemyError, OSError) as error:
                    log.warning("worker_lost_database", reason=type(error).__name__)
                await self._pause(PAUSE_SECONDS)
        finally:
            await cancel({watch})

    def stop(self) -> None:
        """Take no more tasks; `run` returns when the running ones have ended."""
        self.stopping.set()
        if self._worker is not None:
            self._worker.stop()  # type: ignore[no-untyped-call]  # the library leaves it untyped

    async def work_off(self) -> None:
        """Do what is due now, and return."""
        if self.tools.database.is_sqlite:
            await self.outbox.drain(DRAIN_SECONDS)
            return
        await self._work(self.tools.settings.worker_concurrency, None, wait=False)

    async def run_here(self, task: Task) -> None:
        """Do one task at once (SQLite has no queue): one try, told of as any other."""
        kind = self.kinds[task.name]
        job = Job(queue=task.queue, lock=None, queueing_lock=None, task_name=task.name, attempts=ATTEMPTS)
        account = Account(self.tools, kind, job, record.current().traceparent)
        company = None if task.company is None else await self.tools.directory.by_id(task.company)
        account.record.company = None if company is None else company.schema_name
        try:
            with account.under_way():
                await kind.perform(Order(self.tools, company, task.payload, is_last_try=True))
        except Exception as problem:  # noqa: BLE001 - the boundary of a task: it is told of, and disturbs nobody
            await account.failed(problem)
        else:
            account.done()

    async def _work(self, concurrency: int, queues: Sequence[str] | None, *, wait: bool = True) -> None:
        settings = self.tools.settings
        connector = PsycopgConnector(
            **connection_options(_url(settings, self.tools.database)), min_size=1, max_size=4, timeout=10.0
        )
        app = make_app(self.tools, list(self.kinds.values()), connector, periodic=wait)
        async with app.open_async():
            self._worker = Worker(
                app,
                queues=queues,
                name="filage",
                concurrency=concurrency,
                wait=wait,
                listen_notify=wait,
                delete_jobs=DeleteJobCondition.SUCCESSFUL,
                install_signal_handlers=False,
                shutdown_graceful_timeout=DRAIN_SECONDS,
                update_heartbeat_interval=NEVER_SECONDS,
                abort_job_polling_interval=NEVER_SECONDS,
                stalled_worker_timeout=settings.worker_stalled_seconds,
            )
            beating = asyncio.create_task(self._beat(app, self._worker), name="heartbeat of the worker")
            try:
                if not self.stopping.is_set() or not wait:
                    await self._worker.run()  # type: ignore[no-untyped-call]  # as above
            finally:
                self._worker = None
                await cancel({beating})
                await self.tools.mailer.drain(DRAIN_SECONDS)

    async def _beat(self, app: App, worker: Worker) -> None:
        """Say that the worker lives, also while its last tasks finish."""
        while self._worker is worker:
            await asyncio.sleep(self.tools.settings.worker_stalled_seconds / 3)
            if worker.worker_id is not None:
                with suppress(ProcrastinateException):  # the worker itself finds out that the database is gone
                    await app.job_manager.update_heartbeat(worker.worker_id)

    async def _watch(self) -> None:
        """Take over what dead workers left, and measure the queues, a few times per silence that means death."""
        while not self.stopping.is_set():
            try:
                await self.look_after()
            except (SQLAlchemyError, OSError) as error:
                log.warning("queue_not_seen", reason=type(error).__name__)
            await asyncio.sleep(self.tools.settings.worker_stalled_seconds / 3)

    async def look_after(self) -> None:
        """Do one round of that."""
        database, metrics = self.tools.database, self.tools.metrics
        found = await failures.rescue(database, self.tools.settings.worker_stalled_seconds, ATTEMPTS)
        for task_id, name, status in found:
            log.warning("task_taken_over", task=name, task_id=task_id, status=status)
        async with database.shared(write=False) as session:
            rows = {row[0]: (row[1], row[2]) for row in await session.execute(_DEPTH)}
        for queue in {kind.queue for kind in self.kinds.values()} | rows.keys():
            depth, age = rows.get(queue, (0, 0.0))
            metrics.task_queue_depth.labels(queue).set(depth)
            metrics.task_oldest_age.labels(queue).set(max(0.0, age))

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return


def _url(settings: Settings, database: Database) -> URL:
    return make_url(settings.worker_database_url) if settings.worker_database_url else database.urls.app
