"""Each task runs in its own company, is tried again when that can help, and is listed when it cannot."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from fastapi import FastAPI
from procrastinate.jobs import Job
from sqlalchemy import select, text
from structlog.testing import capture_logs

from backend.core.clock import utc_now
from backend.core.errors import ConflictError, NotFoundError
from backend.identity.models import AccessToken, User
from backend.outbox.tasks import NO_COMPANY, defer
from backend.tenancy.models import CompanyInfo, LimitCounter, SharedAnswer, TenantAnswer
from backend.tenancy.session import Database, hand_over
from backend.worker import failures
from backend.worker.app import ATTEMPTS, Backoff, HopelessError, Kind, Order
from backend.worker.periodic import purge_companies, purge_shared
from tests.backstage import TWENTIETHS
from tests.helpers import unique
from tests.worker.conftest import Post, invitation, reset_mail, rows, until_taken, work_off

WORKERS = "select pid from pg_stat_activity where application_name = 'filage-worker' and datname = current_database()"
on_postgresql = pytest.mark.postgresql


@on_postgresql
async def test_a_mail_is_sent_once_and_its_task_deleted(
    stage: FastAPI, database: Database, ours: CompanyInfo, post: Post
) -> None:
    mail = invitation()
    async with database.company(ours) as session:
        hand_over(session, mail)
    with capture_logs() as lines:
        await work_off(stage)
    assert post.taken == [("canary@example.org", f"<{mail.id}@filage.localhost>")]
    assert await rows(database) == []
    (line,) = [line for line in lines if line["event"] == "task"]
    assert (line["task"], line["outcome"], line["queue"], line["attempt"]) == ("mail", "done", "mails", 1)
    assert "canary" not in str(lines).lower()
    registry = stage.state.metrics.registry
    labels = {"task": "mail", "outcome": "done"}
    assert registry.get_sample_value("filage_task_duration_seconds_count", labels) == 1
    assert registry.get_sample_value("filage_task_last_success_timestamp_seconds", {"task": "mail"}) > 0


@on_postgresql
async def test_a_busy_mail_server_is_asked_again(stage: FastAPI, database: Database, post: Post) -> None:
    post.answers = ["451 later"] * 3
    async with database.shared() as session:
        hand_over(session, reset_mail())
    with capture_logs() as lines:
        await work_off(stage)
    outcomes = [line["outcome"] for line in lines if line["event"] == "task"]
    assert outcomes == ["retried", "retried", "retried", "done"]
    assert len(post.taken) == 1


@on_postgresql
async def test_tries_are_limited_then_the_task_is_listed_and_starts_over_when_asked(
    stage: FastAPI, database: Database, post: Post
) -> None:
    post.answers = ["451 later"] * ATTEMPTS
    async with database.shared() as session:
        hand_over(session, reset_mail())
    await work_off(stage)
    (found,) = await failures.listed(database)
    assert (found.task, found.status, found.attempts, found.company) == ("mail", "failed", ATTEMPTS, None)
    assert found.reason is not None
    assert "451" in found.reason
    await failures.retry(database, found.id)
    await work_off(stage)
    assert len(post.taken) == 1
    assert await failures.listed(database) == []
    with pytest.raises(NotFoundError):
        await failures.retry(database, found.id)


@on_postgresql
async def test_a_refusal_for_good_is_not_tried_again(stage: FastAPI, database: Database, post: Post) -> None:
    post.answers = ["554 canary@example.org is unknown"]
    async with database.shared() as session:
        hand_over(session, reset_mail())
    await work_off(stage)
    (found,) = await failures.listed(database)
    assert (found.attempts, found.reason) == (1, "SMTPDataError 554")


@on_postgresql
async def test_a_task_of_a_company_that_is_gone_ends_and_is_listed(stage: FastAPI, database: Database) -> None:
    gone = uuid4()
    async with database.shared() as session:
        defer(session, "purge_company", {}, queue="upkeep", company=gone)
    await work_off(stage)
    (found,) = await failures.listed(database)
    assert (found.attempts, found.company, found.company_id) == (1, None, gone)
    assert found.reason == f"the company {gone} is gone"


@on_postgresql
async def test_a_suspended_companys_task_waits_for_the_operator(
    stage: FastAPI, database: Database, ours: CompanyInfo, post: Post
) -> None:
    async with database.company(ours) as session:
        hand_over(session, invitation())
    await set_status(database, ours, "suspended")
    await work_off(stage)
    (found,) = await failures.listed(database)
    assert found.company == ours.slug
    assert "resume it" in (found.reason or "")
    await set_status(database, ours, "active")
    await failures.retry(database, found.id)
    await work_off(stage)
    assert len(post.taken) == 1


@on_postgresql
async def test_what_a_dead_worker_left_is_taken_over(stage: FastAPI, database: Database, post: Post) -> None:
    for address in ("one@example.org", "worn@example.org"):
        async with database.shared() as session:
            hand_over(session, reset_mail(address))
    (_, worn) = await rows(database)
    await start_as_dead(database, attempts={worn.id: ATTEMPTS - 1})
    await stage.state.runner.look_after()
    await work_off(stage)
    assert [to for to, _ in post.taken] == ["one@example.org"]
    (found,) = await failures.listed(database)  # a task that ends its worker each time does not do so for ever
    assert (found.id, found.reason) == (worn.id, "its worker ended in the middle")


@on_postgresql
async def test_a_living_workers_task_is_left_to_it(stage: FastAPI, database: Database, post: Post) -> None:
    post.seconds = 2.5  # longer than the silence that means death
    async with database.shared() as session:
        hand_over(session, reset_mail())
    working = asyncio.create_task(stage.state.runner.work_off())
    await until_one_runs(database)
    await asyncio.sleep(1.5)
    assert await failures.rescue(database, 1.2, ATTEMPTS) == []
    await working
    assert len(post.taken) == 1


@on_postgresql
async def test_a_task_that_waits_already_is_not_retried_beside_itself(database: Database, ours: CompanyInfo) -> None:
    async with database.company(ours) as session:
        defer(session, "purge_company", {}, queue="upkeep", unique="purge")
    (first,) = await rows(database)
    await set_task(database, first.id, "failed")
    async with database.company(ours) as session:
        defer(session, "purge_company", {}, queue="upkeep", unique="purge")
    with pytest.raises(ConflictError):
        await failures.retry(database, first.id)


@on_postgresql
async def test_depth_and_age_of_the_queues_are_measured(stage: FastAPI, database: Database) -> None:
    async with database.shared() as session:
        hand_over(session, reset_mail())
        later = utc_now() + timedelta(hours=1)
        defer(session, "purge_company", {}, queue="upkeep", company=NO_COMPANY, not_before=later)
    await asyncio.sleep(0.3)
    await stage.state.runner.look_after()
    value = stage.state.metrics.registry.get_sample_value
    assert value("filage_task_queue_depth", {"queue": "mails"}) == 1
    assert value("filage_task_oldest_age_seconds", {"queue": "mails"}) >= 0.3
    assert value("filage_task_queue_depth", {"queue": "upkeep"}) == 1
    assert value("filage_task_oldest_age_seconds", {"queue": "upkeep"}) == 0
    await stage.state.runner.work_off()
    await stage.state.runner.look_after()
    assert value("filage_task_queue_depth", {"queue": "mails"}) == 0


@on_postgresql
@pytest.mark.soak
async def test_tasks_of_two_look_alikes_run_in_their_own_company_whatever_fails(
    stage: FastAPI, database: Database, ours: CompanyInfo, theirs: CompanyInfo
) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}")  # noqa: T201 - repeats a failure
    rng, count, failed = random.Random(seed), 10 * TWENTIETHS, 0  # noqa: S311 - a schedule
    scope = unique("scope")

    async def leave_a_mark(order: Order) -> None:
        nonlocal failed
        assert order.company is not None
        async with order.tools.database.company(order.company) as session:
            session.add(
                TenantAnswer(scope=scope, key=order.payload["mark"], fingerprint="", created_at=utc_now(), headers=None)
            )
            await session.flush()
            await asyncio.sleep(rng.random() / 100)
            if rng.random() < 0.4:
                failed += 1
                raise RuntimeError("on purpose")

    stage.state.runner.kinds["mark"] = Kind("mark", "marks", leave_a_mark)
    for number in range(count):
        for company in rng.sample([ours, theirs], 2):
            async with database.company(company) as session:
                defer(session, "mark", {"mark": f"{company.schema_name} {number}"}, queue="marks")
    await work_off(stage)
    for company in (ours, theirs):
        async with database.company(company, write=False) as session:
            keys = set(await session.scalars(select(TenantAnswer.key).where(TenantAnswer.scope == scope)))
        given_up = [found for found in await failures.listed(database) if found.company_id == company.id]
        assert keys <= {f"{company.schema_name} {number}" for number in range(count)}
        assert len(keys) + len(given_up) == count
    assert failed > 0


@on_postgresql
async def test_the_clock_removes_what_nobody_reads_any_more(
    stage: FastAPI, database: Database, ours: CompanyInfo
) -> None:
    old, fresh = datetime(2026, 1, 1, tzinfo=UTC), utc_now()
    scope = unique("scope")
    async with database.shared() as session:
        user = (await session.scalars(select(User.id).limit(1))).one()
        for at in (old, fresh):
            session.add(SharedAnswer(scope=scope, key=str(at), fingerprint="", created_at=at, headers=None))
            session.add(LimitCounter(key=scope, window_start=at, count=1))
            session.add(AccessToken(token_hash=unique("t"), user_id=user, created_at=old, expires_at=at + 2 * DAY))
    async with database.company(ours) as session:
        for at in (old, fresh):
            session.add(TenantAnswer(scope=scope, key=str(at), fingerprint="", created_at=at, headers=None))
    order = Order(stage.state.runner.tools, None, {})
    await purge_shared(order)
    await purge_companies(order)
    await purge_companies(order)
    assert len([row for row in await rows(database) if row.company == str(ours.id)]) == 1
    await work_off(stage)
    async with database.shared() as session:
        assert list(await session.scalars(select(SharedAnswer.key).where(SharedAnswer.scope == scope))) == [str(fresh)]
        assert list(await session.scalars(select(LimitCounter.window_start).where(LimitCounter.key == scope))) == [
            fresh
        ]
        assert list(await session.scalars(select(AccessToken.id).where(AccessToken.expires_at < fresh))) == []
    async with database.company(ours) as session:
        assert list(await session.scalars(select(TenantAnswer.key).where(TenantAnswer.scope == scope))) == [str(fresh)]


@on_postgresql
async def test_the_worker_of_the_server_sends_without_being_asked(
    stage: FastAPI, database: Database, post: Post
) -> None:
    runner = stage.state.runner
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(0.5)
    async with database.shared() as session:
        hand_over(session, reset_mail())
    await until_taken(post)
    runner.stop()
    await asyncio.wait_for(running, 10)
    assert len(post.taken) == 1
    assert await rows(database) == []


@on_postgresql
async def test_a_worker_whose_connections_are_cut_comes_back(stage: FastAPI, database: Database, post: Post) -> None:
    runner = stage.state.runner
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(0.5)
    async with database.owner() as session:  # the application's login does not see other sessions
        pids = list(await session.scalars(text(WORKERS)))
    async with database.shared() as session:
        for pid in pids:
            assert await session.scalar(text("select pg_terminate_backend(:pid)"), {"pid": pid})
    assert pids
    async with database.shared() as session:
        hand_over(session, reset_mail())
    await until_taken(post)
    runner.stop()
    await asyncio.wait_for(running, 10)
    assert len(post.taken) == 1


@on_postgresql
async def test_a_stopped_worker_lets_a_running_task_finish(stage: FastAPI, database: Database, post: Post) -> None:
    post.seconds = 0.5
    for _ in range(20):
        async with database.shared() as session:
            hand_over(session, reset_mail())
    runner = stage.state.runner
    running = asyncio.create_task(runner.run(2))
    await until_one_runs(database)
    runner.stop()
    await asyncio.wait_for(running, 20)
    left = await rows(database)
    assert {row.status for row in left} == {"todo"}
    assert len(left) + len(post.taken) == 20
    assert post.taken


@pytest.mark.sqlite
async def test_without_a_queue_mails_and_tasks_follow_the_commit(
    stage: FastAPI, database: Database, ours: CompanyInfo, post: Post
) -> None:
    scope = unique("scope")
    old = datetime(2026, 1, 1, tzinfo=UTC)
    async with database.company(ours) as session:
        session.add(TenantAnswer(scope=scope, key="old", fingerprint="", created_at=old, headers=None))
    async with database.company(ours) as session:
        hand_over(session, invitation())
        defer(session, "purge_company", {}, queue="upkeep")
    await stage.state.runner.work_off()
    assert len(post.taken) == 1
    async with database.company(ours) as session:
        assert list(await session.scalars(select(TenantAnswer.key).where(TenantAnswer.scope == scope))) == []
    assert await failures.listed(database) == []


async def test_pauses_triple_until_the_tries_are_used_up(stage: FastAPI) -> None:
    tools = stage.state.runner.tools
    backoff = Backoff(tools)
    first = tools.settings.worker_retry_seconds
    for attempts in range(ATTEMPTS - 1):
        begun = utc_now()
        decision = backoff.get_retry_decision(exception=RuntimeError(), job=job(attempts))
        assert decision is not None
        assert decision.retry_at is not None
        pause = (decision.retry_at - begun).total_seconds()
        assert first * 3**attempts <= pause < first * 3**attempts + 0.5
    assert backoff.get_retry_decision(exception=RuntimeError(), job=job(ATTEMPTS - 1)) is None
    assert backoff.get_retry_decision(exception=HopelessError(), job=job(0)) is None
    unique_job = job(0).evolve(queueing_lock="purge")
    assert backoff.get_retry_decision(exception=RuntimeError(), job=unique_job) is None
    assert backoff.get_retry_decision(exception=asyncio.CancelledError(), job=job(ATTEMPTS)) is not None


DAY = timedelta(days=1)


def job(attempts: int) -> Job:
    return Job(queue="mails", lock=None, queueing_lock=None, task_name="mail", attempts=attempts)


async def until_one_runs(database: Database) -> None:
    for _ in range(500):
        if [row for row in await rows(database) if row.status == "doing"]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("no task began")


async def set_status(database: Database, company: CompanyInfo, status: str) -> None:
    async with database.shared() as session:
        await session.execute(
            text("update shared.company set status = :status where id = :id"), {"status": status, "id": company.id}
        )


async def set_task(database: Database, task_id: int, status: str) -> None:
    async with database.shared() as session:
        await session.execute(
            text(
                "update procrastinate.procrastinate_jobs "
                "set status = cast(:status as procrastinate.procrastinate_job_status) where id = :id"
            ),
            {"status": status, "id": task_id},
        )


async def start_as_dead(database: Database, attempts: dict[int, int]) -> None:
    """Let a worker that fell silent a minute ago hold every task."""
    async with database.shared() as session:
        worker = await session.scalar(
            text(
                "insert into procrastinate.procrastinate_workers (last_heartbeat) "
                "values (now() - interval '1 minute') returning id"
            )
        )
        for row in await session.execute(text("select id from procrastinate.procrastinate_jobs")):
            await session.execute(
                text(
                    "update procrastinate.procrastinate_jobs set status = 'doing', worker_id = :worker, "
                    "attempts = :attempts where id = :id"
                ),
                {"worker": worker, "attempts": attempts.get(row[0], 0), "id": row[0]},
            )
