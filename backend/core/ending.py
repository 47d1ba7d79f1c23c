"""Ending background tasks, also where Python 3.11 loses a cancellation."""

import asyncio
from collections.abc import Collection

AGAIN_SECONDS = 0.1


async def cancel(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel `tasks` and return once each has ended; what they raise stays with them.

    Again and again: `asyncio.wait_for` of Python 3.11, which drivers wait with, drops a cancellation that meets the
    very moment of an answer (CPython issue 86296), and a task cancelled once would then go on for ever.
    """
    waiting = {task for task in tasks if not task.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=AGAIN_SECONDS)
