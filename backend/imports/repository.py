"""Every statement of imports and exports: each table is read whole, once, and written in bulk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Select, Table, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.expansion import has_conflicts
from backend.imports.domain.refs import Known
from backend.people.models import Job, Person
from backend.planning.models import Assignment, Call, Position
from backend.productions import places
from backend.productions.models import Production, Venue, VenuePlace
from backend.tenancy.acting import Act
from backend.tenancy.base import TenantBase
from backend.tenancy.models import Company

Values = Mapping[str, Any]
_COMPANY = ("name", "siret", "idcc", "licences", "timezone", "city")
_KEY = "key_of_the_row"


@dataclass(frozen=True, slots=True)
class Found:
    """What the company has, every table in the order in which its rows were made."""

    people: Known
    venues: Known
    productions: Known
    calls: Known
    positions: list[Values]
    assignments: list[Values]


async def job_codes(session: AsyncSession) -> Sequence[str]:
    """Return the codes of the company's jobs."""
    return (await session.scalars(select(Job.code))).all()


async def read_company(session: AsyncSession, company_id: UUID, *, lock: bool) -> Values:
    """Return the company's own description; locked, one import waits for the other. Needs the login's rights."""
    columns = [cast("Table", Company.__table__).c[name] for name in (*_COMPANY, "slug")]
    query = select(*columns).where(Company.id == company_id)
    if lock:
        query = query.with_for_update(key_share=True)
    return dict((await session.execute(query)).one()._mapping)  # noqa: SLF001 - SQLAlchemy's public name


async def update_company(session: AsyncSession, company_id: UUID, values: Values) -> None:
    """Change the company's own description. Needs the login's rights."""
    statement = update(Company).where(Company.id == company_id).values(version=Company.version + 1, **values)
    await session.execute(statement, execution_options={"synchronize_session": False})


async def load(act: Act, *, lock: bool) -> Found:
    """Return all that files speak of, in seven queries; a venue comes with its coordinates.

    Locked, calls come first and in the order in which planners lock them, by id, which no move changes: no act of
    theirs is overwritten, and none waits for the other in a circle.
    """
    session = act.session
    calls = select(Call.__table__).order_by(Call.id)
    call_rows = await _rows(session, calls.with_for_update() if lock else calls)
    tables = [await _table(session, model, lock=lock) for model in (Position, Assignment, Person, Venue, Production)]
    positions, assignments, people, venues, productions = tables
    located = await _located(act, venues)
    return Found(Known(people), Known(located), Known(productions), Known(call_rows), positions, assignments)


async def _located(act: Act, venues: Sequence[Values]) -> list[Values]:
    table = cast("Table", VenuePlace.__table__)
    rows = await _rows(act.session, select(table)) if has_conflicts(act) else []
    known = {row["venue_id"]: {name: row[name] for name in places.FIELDS} for row in rows}
    return [{**venue, **known.get(venue["id"], places.NOWHERE)} for venue in venues]


async def delete_places(session: AsyncSession, venue_ids: Sequence[UUID]) -> None:
    """Forget where these venues are."""
    if venue_ids:
        statement = delete(VenuePlace).where(VenuePlace.venue_id.in_(venue_ids))
        await session.execute(statement, execution_options={"synchronize_session": False})


async def insert_rows(session: AsyncSession, model: type[TenantBase], rows: Sequence[Values]) -> None:
    """Insert all rows, a thousand or more in one statement."""
    if rows:
        table = cast("Table", model.__table__)
        # RETURNING is what makes SQLAlchemy put many rows into one INSERT; without it the driver sends one for each.
        await session.execute(insert(table), [dict(row) for row in rows])


async def update_rows(session: AsyncSession, model: type[TenantBase], rows: Sequence[Values]) -> None:
    """Update rows by `id`, all in one message; each holds the same columns."""
    if not rows:
        return
    table = cast("Table", model.__table__)
    names = [name for name in rows[0] if name != "id"]
    statement = update(table).where(table.c.id == bindparam(_KEY)).values({name: bindparam(name) for name in names})
    await session.execute(statement, [{_KEY: row["id"], **{name: row[name] for name in names}} for row in rows])


async def _table(session: AsyncSession, model: type[TenantBase], *, lock: bool) -> list[Values]:
    table = cast("Table", model.__table__)
    query = select(table).order_by(table.c.id)
    return await _rows(session, query.with_for_update(key_share=True) if lock else query)


async def _rows(session: AsyncSession, query: Select[Any]) -> list[Values]:
    return [dict(row) for row in (await session.execute(query)).mappings()]
