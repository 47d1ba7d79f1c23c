"""Companies by slug, kept in the process for a moment: one look-up serves many requests."""

import time
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from backend.tenancy.models import Company, CompanyInfo, Installation
from backend.tenancy.names import is_slug
from backend.tenancy.session import Database

CACHE_LIMIT = 20_000


def company_columns() -> Select[Any]:
    """Return the query whose rows make a `CompanyInfo`."""
    return select(
        Company.id, Company.number, Company.slug, Company.name, Company.timezone, Company.city, Company.status,
        Company.schema_name, Company.role_name, Company.revision, Company.contact_name, Company.contact_phone,
    )  # fmt: skip


class CompanyDirectory:
    """Finds companies; unknown slugs are remembered as long as known ones, so probing costs the database nothing."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        self._found: dict[str, tuple[float, CompanyInfo | None]] = {}
        self._forgotten = 0

    async def by_slug(self, slug: str) -> CompanyInfo | None:
        """Return the company that has `slug` now, or had it a moment ago (`FILAGE_TENANT_CACHE_SECONDS`)."""
        if not is_slug(slug):
            return None  # nobody has it: neither the database nor this memory is spent on it
        now = time.monotonic()
        known = self._found.get(slug)
        if known is not None and known[0] > now:
            return known[1]
        forgotten = self._forgotten
        rows = await self._database.ask(company_columns().where(Company.slug == slug))
        company = CompanyInfo(*rows[0]) if rows else None
        if forgotten != self._forgotten:
            return company  # something changed while this was read: what was read may be the older state
        if len(self._found) >= CACHE_LIMIT:
            self._found.clear()
        self._found[slug] = (now + self._seconds, company)
        return company

    def forget(self, slug: str) -> None:
        """Drop what is remembered of `slug`: the company has changed, or has just been created."""
        self._found.pop(slug, None)
        self._forgotten += 1

    def forget_all(self) -> None:
        """Drop everything: something may have been missed."""
        self._found.clear()
        self._forgotten += 1

    async def all(self) -> list[CompanyInfo]:
        """Return every company, in the order of their numbers."""
        async with self._database.shared(write=False) as session:
            rows = (await session.execute(company_columns().order_by(Company.number))).all()
        return [CompanyInfo(*row) for row in rows]

    async def by_id(self, company_id: UUID) -> CompanyInfo | None:
        """Return the company of an id, read from the database."""
        rows = await self._database.ask(company_columns().where(Company.id == company_id))
        return CompanyInfo(*rows[0]) if rows else None


async def is_migrated(database: Database) -> bool:
    """Tell whether the database has been migrated; raises the driver's error when it does not answer."""
    async with database.shared(write=False) as session:
        return (await session.scalar(select(Installation.id))) is not None
