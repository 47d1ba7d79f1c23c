"""Tasks that did not end well: the reason kept beside each, the list, a new try, and the rescue of a dead worker's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from backend.core.errors import ConflictError, NotFoundError, Sentence
from backend.tenancy.session import Database

_NOTE = text(
    "update procrastinate.procrastinate_jobs set args = args || jsonb_build_object('error', cast(:reason as text)) "
    "where id = :id"
)
_LIST = text(
    "select job.id, job.task_name, job.queue_name, job.status::text, job.attempts, company.slug, "
    "cast(job.args ->> 'company' as uuid), job.args ->> 'error', "
    "(select max(event.at) from procrastinate.procrastinate_events event where event.job_id = job.id) "
    "from procrastinate.procrastinate_jobs job "
    "left join shared.company on company.id = cast(job.args ->> 'company' as uuid) "
    "where job.status::text = any(cast(:statuses as text[])) order by job.id desc limit :limit"
)
_RETRY = text(
    "update procrastinate.procrastinate_jobs set status = 'todo', attempts = 0, scheduled_at = null, "
    "args = args - 'error' where id = :id and status = 'failed' returning id"
)
# A second task of the same lock may be waiting by now: it will do the work, and this one must not wait beside it.
_RESCUE = text(
    "update procrastinate.procrastinate_jobs job set "
    "status = case when job.attempts + 1 >= :attempts or exists ("
    "select from procrastinate.procrastinate_jobs twin "
    "where twin.queueing_lock = job.queueing_lock and twin.status = 'todo'"
    ") then 'failed' else 'todo' end::procrastinate.procrastinate_job_status, "
    "attempts = job.attempts + 1, worker_id = null, "
    "args = job.args || jsonb_build_object('error', 'its worker ended in the middle') "
    "where job.status = 'doing' and not exists ("
    "select from procrastinate.procrastinate_workers worker where worker.id = job.worker_id "
    "and worker.last_heartbeat >= now() - make_interval(secs => :silence)) "
    "returning job.id, job.task_name, job.status::text"
)
UNFINISHED = ("failed", "aborted")
WAITING = ("todo", "doing")


@dataclass(frozen=True, slots=True)
class Listed:
    """One task as the operator sees it; its payload is sealed and not shown."""

    id: int
    task: str
    queue: str
    status: str
    attempts: int
    company: str | None
    company_id: UUID | None
    reason: str | None
    since: datetime | None


async def note(database: Database, task_id: int | None, reason: str) -> None:
    """Keep the reason beside the task; SQLite has no queue."""
    if task_id is not None and not database.is_sqlite:
        async with database.shared() as session:
            await session.execute(_NOTE, {"id": task_id, "reason": reason})


async def listed(database: Database, statuses: Sequence[str] = UNFINISHED, limit: int = 200) -> list[Listed]:
    """Return the newest tasks that have one of `statuses`."""
    if database.is_sqlite:
        return []
    async with database.shared(write=False) as session:
        rows = await session.execute(_LIST, {"statuses": list(statuses), "limit": limit})
        return [Listed(*row) for row in rows]


async def retry(database: Database, task_id: int) -> None:
    """Let a failed task start over, with all its tries. Raises NotFoundError and ConflictError `duplicate`."""
    try:
        async with database.shared() as session:
            if (await session.execute(_RETRY, {"id": task_id})).one_or_none() is None:
                raise NotFoundError(
                    "not_found",
                    Sentence(
                        f"Aucune tâche échouée n'a le numéro {task_id}.",
                        f"There is no failed task with number {task_id}.",
                    ),
                )
    except IntegrityError as error:
        raise ConflictError(
            "duplicate",
            Sentence("La même tâche attend déjà : laissez-la faire.", "The same task is waiting already: let it run."),
        ) from error


async def rescue(database: Database, silence_seconds: float, attempts: int) -> list[tuple[int, str, str]]:
    """Take over the tasks of workers that fell silent; one that was tried `attempts` times fails: id, task, status."""
    async with database.shared() as session:
        rows = await session.execute(_RESCUE, {"silence": silence_seconds, "attempts": attempts})
        return [(row[0], row[1], row[2]) for row in rows]
