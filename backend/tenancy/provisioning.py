"""A new company inside the owner's transaction, so a failure leaves nothing: in a spare schema, or in one made now."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.ids import new_id
from backend.tenancy import lifecycle, migrations, names, spares
from backend.tenancy.models import Company, CompanyInfo, CompanyStatus
from backend.tenancy.numbers import take_company_number
from backend.tenancy.rooms import make_room, plan_room, wait_for_migrations
from backend.tenancy.session import Database, is_sqlite


@dataclass(frozen=True, slots=True)
class Draft:
    """What a company says of itself when it signs up; `slug` is checked already."""

    slug: str
    name: str
    timezone: str
    siret: str | None = None
    idcc: str | None = None
    city: str | None = None


class NewCompany:
    """The owner's transaction of one sign-up; whoever holds it adds the rest of the act (user, membership)."""

    def __init__(self, database: Database, session: AsyncSession, number: int | None = None) -> None:
        self.session = session
        self._database = database
        self._number = number

    async def create(self, draft: Draft, now: datetime) -> CompanyInfo:
        """Create the company in a room of its own. Raises ConflictError `slug_taken`."""
        session = self.session
        # A sign-up meanwhile would come out at an unknown revision.
        await wait_for_migrations(session)
        spare = None if is_sqlite(session) else await spares.claim(session)
        room = spare or await plan_room(session, self._number)
        company = Company(
            id=new_id(),
            number=room.number,
            schema_name=room.schema,
            role_name=room.role,
            revision=migrations.head("tenant"),
            status=CompanyStatus.ACTIVE,
            licences=[],
            created_at=now,
            **_values(draft),
        )
        if await lifecycle.is_taken(session, draft.slug, now):
            raise lifecycle.slug_taken()
        session.add(company)
        await _flush_unless_taken(session)
        if spare is None:
            await make_room(self._database, session, room)
            await self._database.seed(session)
        return _info(company)


@asynccontextmanager
async def new_company(database: Database) -> AsyncIterator[NewCompany]:
    """Open the owner's transaction of a sign-up; it commits when the block ends without an error."""
    if not database.is_sqlite:
        async with database.owner() as session:
            # No statement yet: the transaction begins with the first, after the password has been hashed.
            yield NewCompany(database, session)
        return
    async with database.shared() as session:
        number = await take_company_number(session)
    schema = names.schema_name(number)
    try:
        async with database.owner(schema) as session:
            yield NewCompany(database, session, number)
    except BaseException:
        await database.forget_file(schema)
        raise


def _values(draft: Draft) -> dict[str, Any]:
    return {
        "slug": draft.slug, "name": draft.name, "timezone": draft.timezone, "siret": draft.siret, "idcc": draft.idcc,
        "city": draft.city,
    }  # fmt: skip


async def _flush_unless_taken(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        if "slug" in str(error.orig):
            raise lifecycle.slug_taken() from error
        raise


def _info(company: Company) -> CompanyInfo:
    return CompanyInfo(
        company.id, company.number, company.slug, company.name, company.timezone, company.city, company.status,
        company.schema_name, company.role_name, company.revision, company.contact_name, company.contact_phone,
    )  # fmt: skip
