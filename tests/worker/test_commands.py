"""The operator's commands: failed tasks are listed with their reason and start over; SQLite has no queue."""

import asyncio

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from backend.cli.main import app
from backend.tenancy.models import CompanyInfo
from backend.tenancy.session import Database, hand_over
from tests.worker.conftest import Post, invitation, rows, work_off

WIDE = {"COLUMNS": "200"}


async def run(*arguments: str) -> tuple[int, str]:
    result = await asyncio.to_thread(CliRunner(env=WIDE).invoke, app, list(arguments))
    return result.exit_code, result.output


@pytest.mark.postgresql
async def test_a_failed_task_is_listed_and_starts_over(
    stage: FastAPI, database: Database, ours: CompanyInfo, post: Post
) -> None:
    post.answers = ["554 canary@example.org is unknown"]
    async with database.company(ours) as session:
        hand_over(session, invitation())
    await work_off(stage)
    (failed,) = await rows(database)
    code, text = await run("tasks", "list")
    assert code == 0
    assert all(word in text for word in (str(failed.id), "mail", ours.slug, "failed", "SMTPDataError 554"))
    assert "canary" not in text
    assert await run("tasks", "retry", str(failed.id)) == (0, f"task {failed.id}: will start over.\n")
    code, text = await run("tasks", "list", "--waiting")
    assert (code, str(failed.id) in text, "todo" in text) == (0, True, True)
    await work_off(stage)
    assert len(post.taken) == 1


@pytest.mark.postgresql
async def test_a_task_that_has_not_failed_is_not_retried(stage: FastAPI) -> None:
    del stage
    assert await run("tasks", "retry", "987654321") == (1, "There is no failed task with number 987654321.\n")


@pytest.mark.postgresql
async def test_behind_a_pooler_the_worker_asks_for_a_way_past_it(
    stage: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    del stage
    monkeypatch.setenv("FILAGE_DB_POOLER", "pgbouncer")
    monkeypatch.setenv("FILAGE_WORKER_DATABASE_URL", "")
    missing = "FILAGE_WORKER_DATABASE_URL is missing: the worker needs a connection past the pooler.\n"
    assert await run("worker") == (2, missing)
    monkeypatch.setenv("FILAGE_WORKER_IN_PROCESS", "true")
    assert await run("worker") == (2, missing)


@pytest.mark.sqlite
async def test_sqlite_has_no_worker(stage: FastAPI) -> None:
    del stage
    assert await run("worker") == (2, "SQLite has no queue: there, the server itself does the tasks.\n")
