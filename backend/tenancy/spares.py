"""Schemas at head that wait for a company: a worker makes them ahead, a sign-up takes one inside its own transaction.

PostgreSQL only. A spare is nobody's company: no slug leads to it, and no member can be in it. One that a release has
left behind, or whose schema somebody dropped by hand, is never handed out; it is removed and made anew.
"""

from sqlalchemy import delete, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.clock import Clock
from backend.tenancy import migrations, privileges
from backend.tenancy.models import Installation, Spare
from backend.tenancy.rooms import Room, make_room, plan_room, wait_for_migrations
from backend.tenancy.session import Database

# One maker at a time in the whole installation: two would make twice as many as are wanted.
_MAKERS_LOCK = 7_304_118
# The schema of the number (names.schema_name, said in SQL) is there.
_STANDS = func.to_regnamespace(literal("t_").concat(func.to_char(Spare.number, "FM999999999000000"))).is_not(None)


async def claim(session: AsyncSession) -> Room | None:
    """Take a spare at this code's head for the sign-up of `session`, whose rollback gives it back; None without one."""
    ready = (Spare.revision == migrations.head("tenant"), _STANDS)
    query = select(Spare.number).where(*ready).order_by(Spare.number).limit(1)
    one = query.with_for_update(skip_locked=True).scalar_subquery()
    installation = select(Installation.id).scalar_subquery()
    taken = delete(Spare).where(Spare.number == one).returning(Spare.number, installation)
    row = (await session.execute(taken.execution_options(synchronize_session=False))).one_or_none()
    return None if row is None else Room(*row)


async def keep(database: Database, wanted: int, clock: Clock) -> int:
    """Remove spares that are outdated or too many, make those that are missing, and return how many are ready."""
    while await _remove_one(database, wanted):
        pass
    while (ready := await _make_one(database, wanted, clock)) < wanted:
        pass
    return ready


async def _make_one(database: Database, wanted: int, clock: Clock) -> int:
    """Make one spare if there are fewer than `wanted`, and return how many there are then."""
    async with database.owner() as session:
        await wait_for_migrations(session)
        await session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _MAKERS_LOCK})
        head = migrations.head("tenant")
        ready = (await session.scalars(select(func.count()).where(Spare.revision == head))).one()
        if ready >= wanted:
            return ready
        room = await plan_room(session)
        await make_room(database, session, room)
        await database.seed(session)
        await session.flush()
        session.add(Spare(number=room.number, revision=head, created_at=clock()))
        return ready + 1


async def _remove_one(database: Database, wanted: int) -> bool:
    """Remove one spare that is behind, fallen or one too many; a newer release's spares are left alone."""
    async with database.owner() as session:
        head = migrations.head("tenant")
        behind = [revision for revision in migrations.revisions("tenant") if revision != head]
        kept = select(Spare.number).where(Spare.revision == head, _STANDS).order_by(Spare.number).limit(wanted)
        useless = Spare.revision.in_(behind) | ((Spare.revision == head) & Spare.number.not_in(kept))
        query = select(Spare).where(useless).order_by(Spare.number.desc()).limit(1).with_for_update(skip_locked=True)
        spare = await session.scalar(query)
        if spare is None:
            return False
        room = await plan_room(session, spare.number)
        for statement in privileges.removal_statements(room.schema, room.role):
            await session.execute(text(statement))
        await session.delete(spare)
        return True
