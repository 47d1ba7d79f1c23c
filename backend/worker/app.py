"""The task application: which tasks exist and how one is carried out; none runs in a company that is not its own.

A payload opens for its own task and company only. A company that is gone or suspended ends the task at once: it is
listed as failed, and the operator decides.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from opentelemetry.trace import Span, use_span
from procrastinate import App, BaseConnector, BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.jobs import Job

from backend.core.clock import Clock
from backend.core.errors import AppError
from backend.core.settings import Settings
from backend.outbox.mailer import Mailer, MailRefusedError
from backend.outbox.sealing import Seal, SealError
from backend.telemetry import record, tracing
from backend.telemetry.logs import get_logger
from backend.telemetry.metrics import Metrics
from backend.telemetry.tracing import Tracing
from backend.tenancy.directory import CompanyDirectory
from backend.tenancy.models import CompanyInfo, CompanyStatus
from backend.tenancy.session import Database
from backend.worker import failures

log = get_logger("filage.task")

ATTEMPTS = 8  # with the first pause of the settings, the last try comes about four and a half hours after the first
FACTOR = 3


class HopelessError(Exception):
    """A task that no second try can mend; its text is what the operator reads."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What tasks work with."""

    settings: Settings
    database: Database
    directory: CompanyDirectory
    mailer: Mailer
    metrics: Metrics
    tracing: Tracing
    seal: Seal
    clock: Clock


@dataclass(frozen=True, slots=True)
class Order:
    """One task to carry out: its opened payload, its company unless it belongs to none, whether no try comes after."""

    tools: Tools
    company: CompanyInfo | None
    payload: Mapping[str, Any]
    is_last_try: bool = False

    @property
    def its_company(self) -> CompanyInfo:
        """The company of a task that belongs to one. Raises HopelessError."""
        if self.company is None:
            raise HopelessError("this task belongs to a company")
        return self.company


Perform = Callable[[Order], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A task by name. `cron` makes it periodic: it then belongs to no company, and a second one never waits."""

    name: str
    queue: str
    perform: Perform
    cron: str | None = None


def make_app(tools: Tools, kinds: Sequence[Kind], connector: BaseConnector, *, periodic: bool) -> App:
    """Build the application over `connector`; without `periodic`, nothing is added to the queue by the clock."""
    app = App(connector=connector)
    for kind in kinds:
        register = app.task(
            name=kind.name,
            queue=kind.queue,
            pass_context=True,
            queueing_lock=None if kind.cron is None else kind.name,
            retry=Backoff(tools),
        )
        task = register(partial(carry_out, tools, kind))
        if kind.cron is not None and periodic:
            app.periodic(cron=kind.cron)(task)
    return app


class Backoff(BaseRetryStrategy):
    """A pause that triples, until the tries are used up; what is hopeless is not tried again."""

    def __init__(self, tools: Tools) -> None:
        self.first_pause = timedelta(seconds=tools.settings.worker_retry_seconds)
        self.clock = tools.clock

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Return when to try again, or None for never; a task that a stopping worker cut short starts over at once."""
        if not isinstance(exception, Exception):
            return RetryDecision(retry_at=self.clock())
        # A unique task could not wait beside the next of its kind, which comes by itself.
        if isinstance(exception, HopelessError) or job.queueing_lock or job.attempts + 1 >= ATTEMPTS:
            return None
        return RetryDecision(retry_at=self.clock() + self.first_pause * FACTOR**job.attempts)


async def carry_out(tools: Tools, kind: Kind, context: JobContext, **arguments: Any) -> None:  # noqa: ANN401 - JSON
    """Carry out one task as the queue holds it, and tell of it."""
    account = Account(tools, kind, context.job, arguments.get("trace") or "")
    try:
        with account.under_way():
            order = await _order(tools, kind, arguments)
            await kind.perform(replace(order, is_last_try=context.job.attempts + 1 >= ATTEMPTS))
    except Exception as problem:  # noqa: BLE001 - the boundary of a task: told of, then handed on without its text
        raise await account.failed(problem) from None
    account.done()


async def _order(tools: Tools, kind: Kind, arguments: Mapping[str, Any]) -> Order:
    if kind.cron is not None:
        if "timestamp" not in arguments:
            raise HopelessError("only the clock starts this task")
        return Order(tools, None, {})
    company_id = None if arguments["company"] is None else UUID(arguments["company"])
    payload = tools.seal.open(kind.name, company_id, arguments["payload"])
    return Order(tools, await _company(tools, company_id), payload)


async def _company(tools: Tools, company_id: UUID | None) -> CompanyInfo | None:
    if company_id is None:
        return None
    found = await tools.directory.by_id(company_id)
    if found is None:
        raise HopelessError(f"the company {company_id} is gone")
    if found.status is not CompanyStatus.ACTIVE:
        raise HopelessError(f"the company {found.slug} is {found.status}: resume it, then retry this task")
    record.current().company = found.schema_name
    return found


class Account:
    """Tells of one try, whichever way it ends: a log line, a metric, a span, and the reason beside the task."""

    def __init__(self, tools: Tools, kind: Kind, job: Job, parent: str) -> None:
        self.tools = tools
        self.kind = kind
        self.job = job
        self.begun = time.perf_counter()
        self.span = tools.tracing.start_task(kind.name, kind.queue, parent)
        self.record = tools.tracing.begin_record(self.span)

    def under_way(self) -> AbstractContextManager[Span]:
        """Put what is done meanwhile below the task's span."""
        return use_span(self.span, end_on_exit=False, record_exception=False, set_status_on_exception=False)

    def done(self) -> None:
        """Tell that the task is done."""
        self.tools.metrics.task_last_success.labels(self.kind.name).set(self.tools.clock().timestamp())
        self._tell("done")
        self._describe("done")
        self.span.end()

    async def failed(self, problem: Exception) -> Exception:
        """Tell what went wrong, keep the reason with the task, and return the error that decides about a next try."""
        reason, hopeless, expected = _judge(problem)
        error = HopelessError(reason) if hopeless else RuntimeError(reason)
        decision = Backoff(self.tools).get_retry_decision(exception=error, job=self.job)
        outcome = "failed" if decision is None else "retried"
        self._tell(outcome, reason=reason, exc_info=None if expected else problem)
        self._describe(outcome)
        tracing.end_failed(self.span, type(problem).__name__)
        await failures.note(self.tools.database, self.job.id, reason)
        return error

    def _describe(self, outcome: str) -> None:
        self.span.set_attributes({"filage.task.outcome": outcome, "filage.task.attempt": self.job.attempts + 1})
        if self.record.company is not None:
            self.span.set_attribute("filage.tenant", self.record.company)

    def _tell(self, outcome: str, *, reason: str | None = None, exc_info: Exception | None = None) -> None:
        seconds = time.perf_counter() - self.begun
        self.tools.metrics.task_seconds.labels(self.kind.name, outcome).observe(seconds)
        fields: dict[str, Any] = {"task": self.kind.name, "task_id": self.job.id, "queue": self.job.queue}
        fields |= {"outcome": outcome, "attempt": self.job.attempts + 1, "duration_ms": round(seconds * 1000, 1)}
        if reason is not None:
            fields |= {"reason": reason}
        if exc_info is not None:
            fields |= {"exc_info": exc_info}
        (log.info if outcome == "done" else log.warning if outcome == "retried" else log.error)("task", **fields)


def _judge(problem: Exception) -> tuple[str, bool, bool]:
    """Return the reason in words, whether another try is hopeless, and whether such an error is expected."""
    if isinstance(problem, MailRefusedError):
        return problem.reason, problem.for_good, True
    if isinstance(problem, AppError):
        return problem.sentence.en, True, True
    if isinstance(problem, (HopelessError, SealError)):
        return str(problem), True, True
    return type(problem).__name__, False, False
