"""A new company: number, role, schema and tables inside the owner's one transaction, so a failure leaves nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.ids import new_id
from backend.tenancy import lifecycle, migrations, names, privileges
from backend.tenancy.models import Company, CompanyInfo, CompanyStatus, Installation
from backend.tenancy.numbers import take_company_number
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
        """Create the company, its role, schema, tables and first rows. Raises ConflictError `slug_taken`."""
        session = self.session
        number = self._number or await take_company_number(session)
        installation = (await session.scalars(select(Installation.id))).one()
        if not is_sqlite(session):
            # A sign-up meanwhile would come out at an unknown revision: wait for a migration that is running.
            await session.execute(text("select pg_advisory_xact_lock_shared(:key)"), {"key": migrations.MIGRATION_LOCK})
        company = Company(
            id=new_id(),
            number=number,
            schema_name=names.schema_name(number),
            role_name=names.role_name(installation, number),
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
        await self._make_schema(company, names.companies_role(installation))
        await self._database.seed(session)
        return _info(company)

    async def _make_schema(self, company: Company, group: str) -> None:
        connection = await self.session.connection()
        if is_sqlite(self.session):
            await connection.run_sync(migrations.run_tenant_history)
            return
        app_login = self._database.urls.app.username or ""
        schema, role = company.schema_name, company.role_name
        await connection.run_sync(_run_script, [
            *privileges.company_statements(schema, role, group, app_login),
            f"SET LOCAL search_path TO {privileges.quote(schema)}",
            migrations.tenant_script(),
            *privileges.table_statements(schema, role),
        ])  # fmt: skip


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


def _run_script(connection: Connection, statements: list[str]) -> None:
    """Send all statements in one message: no parameters, so the driver uses the simple protocol."""
    connection.exec_driver_sql(";\n".join(part.strip().rstrip(";") for part in statements))


def _info(company: Company) -> CompanyInfo:
    return CompanyInfo(
        company.id, company.number, company.slug, company.name, company.timezone, company.city, company.status,
        company.schema_name, company.role_name, company.revision,
    )  # fmt: skip
