"""A background task ends when it is told to, also one that loses the first cancellation."""

import asyncio

from backend.core.ending import cancel


async def test_a_task_that_loses_its_first_cancellation_ends_all_the_same() -> None:
    lost = 0

    async def deaf_once() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1
                if lost > 1:
                    raise

    task = asyncio.create_task(deaf_once())
    await asyncio.sleep(0)
    await cancel({task})
    assert task.cancelled()
    assert lost == 2


async def test_what_has_ended_already_is_left_alone() -> None:
    async def fails() -> None:
        raise ValueError

    task = asyncio.create_task(fails())
    await asyncio.wait({task})
    await cancel({task})
    assert isinstance(task.exception(), ValueError)
