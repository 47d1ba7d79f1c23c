"""The counter of statements that tests rely on: it counts what the test does, and nothing that goes on beside it."""

import asyncio

from fastapi import FastAPI
from sqlalchemy import text

from tests.counting import statements


async def test_what_goes_on_beside_a_block_is_not_counted_in_it(app: FastAPI) -> None:
    begun, counting = asyncio.Event(), asyncio.Event()

    async def ask(words: str) -> None:
        async with app.state.database.shared(write=False) as session:
            await session.execute(text(words))

    async def beside() -> None:
        begun.set()
        await counting.wait()
        await ask("select 'beside'")

    task = asyncio.create_task(beside())
    await begun.wait()
    with statements() as sent:
        counting.set()
        await task
        await ask("select 'block'")
        await asyncio.create_task(ask("select 'started by it'"))
    await ask("select 'after'")
    assert [words for words in sent if words.startswith("select '")] == ["select 'block'", "select 'started by it'"]
