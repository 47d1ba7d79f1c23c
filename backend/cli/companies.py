"""Acts of an operator on companies, through the same services as the API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.clock import utc_now
from backend.core.settings import Settings
from backend.identity.passwords import Passwords
from backend.identity.schemas import CompanyIn
from backend.identity.sign_up import sign_up
from backend.outbox.mailer import Mailer
from backend.outbox.tasks import Outbox
from backend.people.service import seed_jobs
from backend.telemetry.metrics import Metrics
from backend.tenancy import lifecycle, outside
from backend.tenancy.directory import CompanyDirectory
from backend.tenancy.models import CompanyInfo
from backend.tenancy.provisioning import new_company
from backend.tenancy.session import Database, find_urls

DRAIN_SECONDS = 30


async def create(
    settings: Settings, name: str, slug: str | None, email: str, full_name: str, password: str
) -> CompanyInfo:
    """Sign a company up. Raises AppError and pydantic's ValidationError."""
    owner = {"email": email, "password": password, "full_name": full_name}
    body = CompanyIn.model_validate({"name": name, "slug": slug, "owner": owner})
    urls, passwords = find_urls(settings), Passwords(settings)
    outbox = Outbox(settings, urls.app, Mailer(settings, Metrics()))
    database = Database(settings, urls, deliver=outbox.deliver, keep=outbox.keep, seed=seed_jobs)
    async with new_company(database) as new:
        created, _token = await sign_up(
            new, body, None, settings=settings, passwords=passwords, address="cli", user_agent=None, now=utc_now()
        )
    await outbox.drain(DRAIN_SECONDS)
    await database.close()
    passwords.close()
    return created


async def every(settings: Settings) -> list[CompanyInfo]:
    """Return every company."""
    database = Database(settings, find_urls(settings), deliver=lambda _items: None, seed=seed_jobs)
    found = await CompanyDirectory(database, 0).all()
    await database.close()
    return found


async def suspend(settings: Settings, slug: str) -> None:
    """Suspend a company. Raises NotFoundError."""
    async with _shared(settings) as session:
        await lifecycle.suspend(session, slug)


async def resume(settings: Settings, slug: str) -> None:
    """Resume a company. Raises NotFoundError."""
    async with _shared(settings) as session:
        await lifecycle.resume(session, slug)


async def rename(settings: Settings, slug: str, new: str) -> None:
    """Rename a company. Raises NotFoundError, InvalidError, ConflictError."""
    async with _shared(settings) as session:
        await lifecycle.rename(session, slug, new, utc_now())


async def environment(settings: Settings, slug: str) -> dict[str, str]:
    """Return what a command needs to work inside one company. Raises NotFoundError."""
    database = Database(settings, find_urls(settings), deliver=lambda _items: None, seed=seed_jobs)
    company = await CompanyDirectory(database, 0).by_slug(slug)
    await database.close()
    if company is None:
        raise lifecycle.no_company(slug)
    return outside.environment(database, company)


@asynccontextmanager
async def _shared(settings: Settings) -> AsyncIterator[AsyncSession]:
    database = Database(settings, find_urls(settings), deliver=lambda _items: None, seed=seed_jobs)
    try:
        async with database.shared() as session:
            yield session
    finally:
        await database.close()
