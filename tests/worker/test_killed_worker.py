"""A worker that is killed at any moment loses no mail; one that came twice is recognised by its Message-ID."""

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI

from backend.tenancy.session import Database, hand_over
from tests.backstage import LONG, TWENTIETHS
from tests.worker.conftest import Post, reset_mail, rows, until_taken

CONCURRENCY = 4
KILLS = 10 if TWENTIETHS > 1 else 3
SILENCE_SECONDS = 2


@asynccontextmanager
async def worker(smtp: dict[str, Any]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `filage worker` in a process of its own."""
    values = {
        **smtp,
        "metrics_port": 0,
        "worker_stalled_seconds": SILENCE_SECONDS,
        "worker_retry_seconds": 0.1,
        "log_level": "warning",
    }
    environment = {**os.environ, **{f"FILAGE_{name.upper()}": str(value) for name, value in values.items()}}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backend.cli.main", "worker", "--concurrency", str(CONCURRENCY), "--queues", "mails",
        env=environment,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.postgresql
@pytest.mark.soak
@LONG
async def test_no_mail_is_lost_and_a_second_copy_has_the_same_message_id(
    stage: FastAPI, database: Database, post: Post, smtp: dict[str, Any]
) -> None:
    del stage
    seed = random.SystemRandom().randrange(1_000_000)
    rng, count = random.Random(seed), 50 * TWENTIETHS  # noqa: S311 - a schedule
    post.seconds = 0.02
    mails = [reset_mail(f"canary+{number}@example.org") for number in range(count)]
    async with database.shared() as session:
        for mail in mails:
            hand_over(session, mail)
    for kill in range(KILLS):
        async with worker(smtp) as process:
            taken = len({message_id for _, message_id in post.taken})
            share = (count - taken) // (KILLS + 1 - kill)
            await until_taken(post, taken + rng.randint(1, max(1, share)))
            await asyncio.sleep(rng.random() * post.seconds)
            process.send_signal(signal.SIGKILL)
            await process.wait()
    async with worker(smtp) as process:
        await until_taken(post, count)
        await until_empty(database)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    copies = Counter(message_id for _, message_id in post.taken)
    twice = sum(copies.values()) - len(copies)
    print(f"seed {seed}: {count} mails, {KILLS} kills, {twice} sent twice")  # noqa: T201 - repeats a failure
    assert set(copies) == {f"<{mail.id}@filage.localhost>" for mail in mails}
    assert dict(post.taken) == {mail.to: f"<{mail.id}@filage.localhost>" for mail in mails}
    assert twice <= KILLS * CONCURRENCY


async def until_empty(database: Database) -> None:
    """Wait for the mails alone: what the clock adds meanwhile belongs to queues that this worker leaves."""
    async with asyncio.timeout(60):
        while [row for row in await rows(database) if row.task_name == "mail"]:  # noqa: ASYNC110 - another process empties it
            await asyncio.sleep(0.05)
