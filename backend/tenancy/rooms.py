"""Where a company lives: its schema, its role, its tables at head and its first rows (SQLite: a file)."""

from dataclasses import dataclass

from sqlalchemy import Connection, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.tenancy import migrations, names, privileges
from backend.tenancy.models import Installation
from backend.tenancy.numbers import take_company_number
from backend.tenancy.session import Database, is_sqlite


@dataclass(frozen=True, slots=True)
class Room:
    """A company's number in its installation, and the names that follow from it."""

    number: int
    installation: str

    @property
    def schema(self) -> str:
        return names.schema_name(self.number)

    @property
    def role(self) -> str:
        return names.role_name(self.installation, self.number)

    @property
    def group(self) -> str:
        """The role of all companies of the installation."""
        return names.companies_role(self.installation)


async def plan_room(session: AsyncSession, number: int | None = None) -> Room:
    """Return a room that is not there yet, with a number that nobody had (or `number`, taken before)."""
    installation = (await session.scalars(select(Installation.id))).one()
    return Room(number or await take_company_number(session), installation)


async def wait_for_migrations(session: AsyncSession) -> None:
    """Wait for the moment in which a fleet migration makes its plan: a schema made then would be in no plan."""
    if not is_sqlite(session):
        await session.execute(text("select pg_advisory_xact_lock_shared(:key)"), {"key": migrations.MIGRATION_LOCK})


async def make_room(database: Database, session: AsyncSession, room: Room) -> None:
    """Make the role, schema, tables and rights inside the owner's transaction, which is in the new schema then."""
    connection = await session.connection()
    if is_sqlite(session):
        await connection.run_sync(migrations.run_tenant_history)
        return
    await connection.run_sync(_run_script, [
        *privileges.company_statements(room.schema, room.role, room.group, database.urls.app.username or ""),
        f"SET LOCAL search_path TO {privileges.quote(room.schema)}",
        migrations.tenant_script(),
        *privileges.table_statements(room.schema, room.role),
    ])  # fmt: skip


def _run_script(connection: Connection, statements: list[str]) -> None:
    """Send all statements in one message: no parameters, so the driver uses the simple protocol."""
    connection.exec_driver_sql(";\n".join(part.strip().rstrip(";") for part in statements))
