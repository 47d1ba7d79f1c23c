"""When which company has something due: a row for a company and a minute, in `shared`; what it is, the company knows.

Whoever plans something enters its minute in the same transaction; the worker reads one small table each minute and
visits the companies that it finds. Rows are added and taken, never changed: two acts of a company wait for each other
only where they enter the same minute.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from backend.tenancy.models import Agenda, Company, CompanyInfo, CompanyStatus
from backend.tenancy.session import is_sqlite

MINUTE = timedelta(minutes=1)


async def enter(session: AsyncSession, company: CompanyInfo, instants: Iterable[datetime]) -> None:
    """Have the company visited at the full minute of each instant, or just after it; one statement, or none."""
    # In one order, so that two acts that enter the same minutes do not wait for each other crosswise.
    minutes = sorted({next_minute(instant) for instant in instants})
    if not minutes:
        return
    insert = sqlite.insert if is_sqlite(session) else postgresql.insert
    rows = [{"company_id": company.id, "due_at": at, "company_role": company.role_name} for at in minutes]
    await session.flush()
    await session.execute(insert(Agenda).on_conflict_do_nothing(), rows)


async def take(session: AsyncSession, company: CompanyInfo, now: datetime) -> list[datetime]:
    """Take the minutes of the company that have come; they come back if this transaction does not commit."""
    mine = delete(Agenda).where(Agenda.company_id == company.id, Agenda.due_at <= now).returning(Agenda.due_at)
    return sorted(await session.scalars(mine, execution_options={"synchronize_session": False}))


async def companies_due(session: AsyncSession, now: datetime) -> list[tuple[UUID, str | None]]:
    """Return the active companies that have something due, each with the revision of its schema."""
    query = (
        select(Company.id, Company.revision)
        .join(Agenda, Agenda.company_id == Company.id)
        .where(Agenda.due_at <= now, Company.status == CompanyStatus.ACTIVE)
        .distinct()
    )
    return [(row.id, row.revision) for row in await session.execute(query)]


def next_minute(instant: datetime) -> datetime:
    """Return the first full minute at `instant` or after it."""
    full = instant.replace(second=0, microsecond=0)
    return full if full == instant else full + MINUTE
