"""Tasks live and die with the transaction that hands them over, and a company adds its own and sees none."""

import json
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.outbox.sealing import Seal, SealError
from backend.outbox.tasks import NO_COMPANY, TaskWithoutCompanyError, defer
from backend.tenancy.models import CompanyInfo
from backend.tenancy.session import Database, hand_over, login_rights
from tests.backstage import BrokenError
from tests.counting import statements
from tests.worker.conftest import LINK, Post, invitation, reset_mail, rows, work_off

pytestmark = pytest.mark.postgresql
JOBS = "procrastinate.procrastinate_jobs"


async def test_a_commit_keeps_the_mail_and_a_rollback_drops_it(database: Database, ours: CompanyInfo) -> None:
    async with database.company(ours) as session:
        hand_over(session, invitation())
    with pytest.raises(BrokenError):
        async with database.company(ours) as session:
            await hand_over_and_break(session)
    assert [(row.task_name, row.status, row.company) for row in await rows(database)] == [
        ("mail", "todo", str(ours.id))
    ]


async def test_a_mail_whose_commit_fails_is_dropped(database: Database, ours: CompanyInfo) -> None:
    with pytest.raises(BrokenError):
        await hand_over_and_fail_to_commit(database, ours)
    assert await rows(database) == []


async def test_many_mails_of_one_transaction_cost_one_statement(database: Database, ours: CompanyInfo) -> None:
    with statements() as sent:
        async with database.company(ours) as session:
            for _ in range(50):
                hand_over(session, invitation())
    assert len([statement for statement in sent if "add_tasks" in statement]) == 1
    assert len(await rows(database)) == 50


async def test_an_accounts_mail_belongs_to_no_company_even_inside_one(database: Database, ours: CompanyInfo) -> None:
    async with database.company(ours) as session:
        hand_over(session, reset_mail())
        hand_over(session, invitation())
        defer(session, "purge_company", {}, queue="upkeep", company=NO_COMPANY)
    assert [row.company for row in await rows(database)] == [str(ours.id), None, None]


async def test_a_task_without_a_company_is_refused(database: Database) -> None:
    with pytest.raises(TaskWithoutCompanyError):
        async with database.shared() as session:
            defer(session, "purge_company", {}, queue="upkeep")
    with pytest.raises(TaskWithoutCompanyError):
        async with database.shared() as session:
            hand_over(session, invitation())
    assert await rows(database) == []


async def test_a_second_task_of_the_same_lock_does_not_wait_beside_the_first(
    database: Database, ours: CompanyInfo, theirs: CompanyInfo
) -> None:
    for company in (ours, ours, theirs):
        async with database.company(company) as session:
            defer(session, "purge_company", {}, queue="upkeep", unique="purge")
    assert [row.company for row in await rows(database)] == [str(ours.id), str(theirs.id)]


async def test_the_queue_holds_no_address_name_or_link(database: Database, ours: CompanyInfo) -> None:
    async with database.company(ours) as session:
        hand_over(session, invitation())
        hand_over(session, reset_mail())
    assert len(await rows(database)) == 2
    for row in await rows(database):
        assert "canary" not in row.args.lower()
        assert LINK not in row.args


@pytest.mark.parametrize(
    "statement",
    [
        f"select args from {JOBS}",
        f"update {JOBS} set status = 'todo'",
        f"delete from {JOBS}",
        f"insert into {JOBS} (queue_name, task_name) values ('mails', 'mail')",
        "select * from procrastinate.procrastinate_events",
        "select * from procrastinate.procrastinate_fetch_job_v2(null, 1)",
        "select procrastinate.procrastinate_finish_job_v1(1, 'failed', true)",
        "alter function shared.add_tasks(jsonb) security invoker",
        "drop schema procrastinate cascade",
    ],
)
async def test_a_companys_role_reaches_nothing_of_the_queue(
    database: Database, ours: CompanyInfo, theirs: CompanyInfo, statement: str
) -> None:
    async with database.company(theirs) as session:
        hand_over(session, invitation())
    with pytest.raises(DBAPIError) as refused:
        async with database.company(ours) as session:
            await session.execute(text(statement))
    assert getattr(refused.value.orig, "sqlstate", None) == "42501"
    assert len(await rows(database)) == 1


@pytest.mark.parametrize("whose", ["theirs", "nobody's", "no company's"])
async def test_a_company_cannot_add_a_task_in_anothers_name(
    database: Database, ours: CompanyInfo, theirs: CompanyInfo, whose: str
) -> None:
    company = {"theirs": str(theirs.id), "nobody's": str(uuid4()), "no company's": None}[whose]
    with pytest.raises(DBAPIError) as refused:
        await add(database, ours, company)
    assert getattr(refused.value.orig, "sqlstate", None) == "42501"
    assert await rows(database) == []
    await add(database, ours, str(ours.id))
    assert len(await rows(database)) == 1


async def test_a_mail_that_a_companys_sql_made_up_is_never_sent(
    stage: FastAPI, database: Database, ours: CompanyInfo, theirs: CompanyInfo, post: Post
) -> None:
    seal: Seal = stage.state.runner.tools.seal
    for payload in (
        "made up",
        seal.close("mail", theirs.id, invitation().as_payload()),
        seal.close("purge_company", ours.id, invitation().as_payload()),
        Seal("another secret").close("mail", ours.id, invitation().as_payload()),
    ):
        await add(database, ours, str(ours.id), payload=payload)
    await work_off(stage)
    assert post.taken == []
    assert [row.status for row in await rows(database)] == ["failed"] * 4
    assert all("sealed" in row.args for row in await rows(database))


async def test_a_companys_sql_cannot_start_what_the_clock_starts(
    stage: FastAPI, database: Database, ours: CompanyInfo
) -> None:
    names = ("purge_shared", "builtin:procrastinate.builtin_tasks.remove_old_jobs", "no such task")
    for name in names:
        await add(database, ours, str(ours.id), name=name)
    await work_off(stage)
    assert [(row.task_name, row.status) for row in await rows(database)] == [(name, "failed") for name in names]


async def test_objects_of_a_companys_own_schema_do_not_reach_into_the_function(
    database: Database, ours: CompanyInfo
) -> None:
    async with database.company(ours) as session:
        async with login_rights(session):
            pass
        hand_over(session, invitation())
    async with database.shared() as session:
        path = await session.scalar(text("select proconfig from pg_proc where oid = 'shared.add_tasks'::regproc"))
    assert path == ["search_path=pg_catalog, procrastinate, pg_temp"]


def test_a_sealed_payload_opens_for_its_task_and_company_only() -> None:
    seal, company = Seal("secret"), uuid4()
    token = seal.close("mail", company, {"to": "canary"})
    assert "canary" not in token
    assert seal.open("mail", company, token) == {"to": "canary"}
    for task, whose in (("mail", None), ("mail", uuid4()), ("purge", company)):
        with pytest.raises(SealError):
            seal.open(task, whose, token)


async def hand_over_and_break(session: AsyncSession) -> None:
    hand_over(session, invitation())
    await session.flush()
    raise BrokenError


async def hand_over_and_fail_to_commit(database: Database, company: CompanyInfo) -> None:
    async with database.company(company) as session:
        event.listen(session.sync_session, "before_commit", break_it)
        hand_over(session, invitation())


def break_it(_session: object) -> None:
    raise BrokenError


async def add(database: Database, acting: CompanyInfo, company: str | None, **changes: Any) -> None:
    """Call the function as the role of `acting`."""
    task = {"name": "mail", "queue": "mails", "company": company, "payload": "made up", **changes}
    async with database.company(acting) as session:
        await session.execute(text("select shared.add_tasks(cast(:tasks as jsonb))"), {"tasks": json.dumps([task])})
