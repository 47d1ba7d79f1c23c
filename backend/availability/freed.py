"""Whoever waits for somebody's time tries again as soon as that person is no longer away, in the same transaction.

The ledger of bookings lies above this package and registers here; what it does is told to nobody.
"""

from collections.abc import Awaitable, Callable, Collection

from sqlalchemy.ext.asyncio import AsyncSession

Waiting = Callable[[AsyncSession, Collection[int]], Awaitable[object]]
_waiting: list[Waiting] = []


def try_again_with(waiting: Waiting) -> Waiting:
    """Register what tries again for the accounts of these numbers."""
    _waiting.append(waiting)
    return waiting


async def tell(session: AsyncSession, number: int) -> None:
    """Have everything that waits for this account tried again, after its times are stored."""
    await session.flush()
    for waiting in _waiting:
        await waiting(session, {number})
