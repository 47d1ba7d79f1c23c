"""Numbers that are never given twice: one per company, one per person (the ledger's key, across companies)."""

from sqlalchemy import Sequence, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.tenancy.models import Counter, company_number, person_number


async def take_person_numbers(session: AsyncSession, count: int) -> list[int]:
    """Return `count` new person numbers, in one statement."""
    return await _take(session, person_number, count)


async def take_company_number(session: AsyncSession) -> int:
    """Return the number of a new company."""
    return (await _take(session, company_number, 1))[0]


async def _take(session: AsyncSession, sequence: Sequence, count: int) -> list[int]:
    if count == 0:
        return []
    if session.get_bind().dialect.name == "sqlite":
        await session.execute(insert(Counter).values(name=sequence.name, value=0).on_conflict_do_nothing())
        last = await session.scalar(
            update(Counter)
            .where(Counter.name == sequence.name)
            .values(value=Counter.value + count)
            .returning(Counter.value)
        )
        if last is None:
            message = f"the counter {sequence.name} is missing"
            raise LookupError(message)
        return list(range(last - count + 1, last + 1))
    rows = func.generate_series(1, count).table_valued("n")
    return list(await session.scalars(select(sequence.next_value()).select_from(rows)))
