"""Tasks handed over inside a request's own transaction: a commit keeps them, a rollback drops them.

Each belongs to a company, or says that it belongs to none; one that says neither is refused. PostgreSQL: rows of the
queue, written by the transaction itself just before it commits. SQLite: done after the commit, lost with the process.
"""

import asyncio
import enum
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.settings import Settings
from backend.outbox.mail import Mail, MailKind
from backend.outbox.mailer import Mailer
from backend.outbox.sealing import Seal
from backend.telemetry import record
from backend.tenancy.models import CompanyInfo
from backend.tenancy.session import hand_over, login_rights

MAIL_TASK = "mail"
MAIL_QUEUE = "mails"
_ADD = text("select shared.add_tasks(cast(:tasks as jsonb))")
_OF_A_COMPANY = frozenset({MailKind.INVITATION})  # the others are an account's, whichever companies it works for


class NoCompany(enum.Enum):
    """The one word by which a task says that it belongs to no company."""

    NO_COMPANY = enum.auto()


NO_COMPANY = NoCompany.NO_COMPANY


class TaskWithoutCompanyError(ValueError):
    """A task that neither names a company nor says that it has none."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task on its way into the queue.

    `unique` keeps a second one of the same company from waiting beside it; such a task is not tried again by itself, so
    it is for what is added again anyhow.
    """

    name: str
    payload: Mapping[str, Any]
    company: UUID | None
    queue: str
    unique: str | None = None
    not_before: datetime | None = None


RunHere = Callable[[Task], Coroutine[Any, Any, None]]


def defer(
    session: AsyncSession,
    name: str,
    payload: Mapping[str, Any],
    *,
    queue: str,
    company: UUID | NoCompany | None = None,
    unique: str | None = None,
    not_before: datetime | None = None,
) -> None:
    """Hand a task over with this transaction; it belongs to `company`, or else to the one that the session is in.

    Raises TaskWithoutCompanyError where there is neither: say NO_COMPANY if that is what is meant.
    """
    hand_over(session, Task(name, payload, _company(session, company), queue, unique, not_before))


class Outbox:
    """What `Database` gives the handed-over mails and tasks to: `keep` before the commit, `deliver` after it."""

    def __init__(self, settings: Settings, url: URL, mailer: Mailer) -> None:
        self.mailer = mailer
        self.seal = Seal(settings.secret_key.get_secret_value())
        self.has_queue = url.get_backend_name() == "postgresql"
        self.run_here: RunHere | None = None
        self.running: set[asyncio.Task[None]] = set()

    async def keep(self, session: AsyncSession, items: Sequence[object]) -> None:
        """Add what was handed over to the queue, inside the transaction; raises TaskWithoutCompanyError."""
        if not self.has_queue:
            return
        tasks = [task for item in items if (task := _as_task(session, item)) is not None]
        own = [task for task in tasks if task.company is not None]
        if own:
            await self._add(session, own)
        if len(own) < len(tasks):
            # A company's role may add tasks of its company only.
            async with login_rights(session) if "company" in session.info else nullcontext():
                await self._add(session, [task for task in tasks if task.company is None])

    def deliver(self, items: Sequence[object]) -> None:
        """Where there is no queue, start what was handed over, without waiting; needs a running loop."""
        if self.has_queue:
            return
        self.mailer.deliver(items)
        for item in items:
            if isinstance(item, Task) and self.run_here is not None:
                running = asyncio.get_running_loop().create_task(self.run_here(item), name=f"task {item.name}")
                self.running.add(running)
                running.add_done_callback(self.running.discard)

    async def drain(self, seconds: float) -> None:
        """Wait up to `seconds` for what was started here."""
        if self.running:
            await asyncio.wait(self.running, timeout=seconds)
        await self.mailer.drain(seconds)

    async def _add(self, session: AsyncSession, tasks: Sequence[Task]) -> None:
        trace = record.current().traceparent
        rows = [
            asdict(task) | {"payload": self.seal.close(task.name, task.company, task.payload), "trace": trace}
            for task in tasks
        ]
        await session.execute(_ADD, {"tasks": json.dumps(rows, default=str)})


def _company(session: AsyncSession, company: UUID | NoCompany | None) -> UUID | None:
    if company is NO_COMPANY:
        return None
    if isinstance(company, UUID):
        return company
    current: CompanyInfo | None = session.info.get("company")
    if current is None:
        message = "a task belongs to a company, or says NO_COMPANY: this session is in none"
        raise TaskWithoutCompanyError(message)
    return current.id


def _as_task(session: AsyncSession, item: object) -> Task | None:
    if isinstance(item, Task):
        return item
    if not isinstance(item, Mail):
        return None
    company = _company(session, None if item.kind in _OF_A_COMPANY else NO_COMPANY)
    return Task(MAIL_TASK, item.as_payload(), company, MAIL_QUEUE)
