"""What the clock starts: old answers, counters, logins, invitations, messages and ended tasks are removed."""

from datetime import datetime, timedelta

from sqlalchemy import delete, text

from backend.identity.models import AccessToken, Invitation
from backend.notifications import log
from backend.outbox.tasks import defer
from backend.tenancy import latency, limits, spares
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import KEPT_FOR
from backend.tenancy.models import CompanyStatus, SharedAnswer, TenantAnswer
from backend.worker.app import Kind, Order
from backend.worker.notifying import FILAGE

QUEUE = "upkeep"
PURGE_COMPANY = "purge_company"
INVITATIONS_KEPT_FOR = timedelta(days=30)  # after their end: a company sees for a while who never answered
_ENDED_TASKS = text(
    "delete from procrastinate.procrastinate_jobs job where status in ('succeeded', 'cancelled', 'failed', 'aborted') "
    "and not exists (select from procrastinate.procrastinate_events event "
    "where event.job_id = job.id and event.at > :before)"
)
ENDED_TASKS_KEPT_FOR = timedelta(days=30)


async def purge_shared(order: Order) -> None:
    """Remove what nobody reads any more from the shared schema."""
    now = order.tools.clock()
    async with order.tools.database.shared() as session:
        await session.execute(delete(SharedAnswer).where(SharedAnswer.created_at < now - KEPT_FOR))
        await limits.purge(session, now)
        await latency.purge(session, now)
        await session.execute(delete(AccessToken).where(AccessToken.expires_at < now))
        await session.execute(delete(Invitation).where(Invitation.expires_at < now - INVITATIONS_KEPT_FOR))
    await _purge_ended_tasks(order, now)


async def purge_companies(order: Order) -> None:
    """Add one task per active company, so that one company's trouble is one task's."""
    companies = await order.tools.directory.all()
    async with order.tools.database.shared() as session:
        for company in companies:
            if company.status is CompanyStatus.ACTIVE:
                defer(session, PURGE_COMPANY, {}, queue=QUEUE, company=company.id, unique="purge")


async def purge_company(order: Order) -> None:
    """Remove the company's own old answers, and what it told people long ago."""
    now = order.tools.clock()
    async with order.tools.database.company(order.its_company) as session:
        await session.execute(delete(TenantAnswer).where(TenantAnswer.created_at < now - KEPT_FOR))
        await log.purge(Act(session, order.its_company, FILAGE, now))


async def keep_spares(order: Order) -> None:
    """Have as many schemas ready for sign-ups as the settings ask for (SQLite: none)."""
    database = order.tools.database
    if not database.is_sqlite:
        ready = await spares.keep(database, order.tools.settings.spare_schemas, order.tools.clock)
        order.tools.metrics.spare_schemas.set(ready)


async def _purge_ended_tasks(order: Order, now: datetime) -> None:
    if not order.tools.database.is_sqlite:
        async with order.tools.database.shared() as session:
            await session.execute(_ENDED_TASKS, {"before": now - ENDED_TASKS_KEPT_FOR})


KINDS = (
    Kind("purge_shared", QUEUE, purge_shared, cron="17 * * * *"),
    Kind("purge_companies", QUEUE, purge_companies, cron="41 3 * * *"),
    Kind(PURGE_COMPANY, QUEUE, purge_company),
    Kind("keep_spares", "spares", keep_spares, cron="* * * * *"),
)
