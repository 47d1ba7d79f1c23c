"""Acts of an operator on companies, through the same services as the API."""

from backend.core.clock import utc_now
from backend.core.settings import Settings
from backend.identity.passwords import Passwords
from backend.identity.schemas import CompanyIn
from backend.identity.sign_up import sign_up
from backend.outbox.mailer import Mailer
from backend.people.service import seed_jobs
from backend.telemetry.metrics import Metrics
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
    mailer, passwords = Mailer(settings, Metrics()), Passwords(settings)
    database = Database(settings, find_urls(settings), deliver=mailer.deliver, seed=seed_jobs)
    async with new_company(database) as new:
        created, _token = await sign_up(
            new, body, None, settings=settings, passwords=passwords, address="cli", user_agent=None, now=utc_now()
        )
    await mailer.drain(DRAIN_SECONDS)
    await database.close()
    passwords.close()
    return created


async def every(settings: Settings) -> list[CompanyInfo]:
    """Return every company."""
    database = Database(settings, find_urls(settings), deliver=lambda _items: None, seed=seed_jobs)
    found = await CompanyDirectory(database, 0).all()
    await database.close()
    return found
