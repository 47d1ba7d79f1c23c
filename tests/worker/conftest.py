"""An empty queue, an application whose mails go to a real SMTP server of the test, and eyes on the queue's rows."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from backend.core.settings import Settings
from backend.outbox.mail import Mail, MailKind
from backend.tenancy.models import CompanyInfo
from backend.tenancy.session import Database, Urls
from tests.backstage import info, running
from tests.helpers import SignedUpCompany
from tests.smtp import smtp_server

LINK = "https://filage.test/verify?token=canary-token"


@dataclass
class Post:
    """A mail server that first gives the answers it was told to give, then takes every mail and keeps it."""

    answers: list[str] = field(default_factory=list)
    taken: list[tuple[str, str]] = field(default_factory=list)  # recipient and Message-ID
    seconds: float = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        await asyncio.sleep(self.seconds)
        if self.answers:
            return self.answers.pop(0)
        self.taken.append((envelope.rcpt_tos[0], message_from_bytes(envelope.content)["Message-ID"]))
        return "250 taken"


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def smtp(post: Post) -> Iterator[dict[str, Any]]:
    """Run the mail server, and return the settings that lead to it."""
    with smtp_server(post) as port:
        yield {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_tls": "none"}


@pytest.fixture
async def stage(settings: Settings, urls: Urls, smtp: dict[str, Any]) -> AsyncIterator[FastAPI]:
    """Return an application of one's own whose failed tasks are tried again at once; its queue is empty."""
    async with running(settings, urls, worker_retry_seconds=0.001, worker_stalled_seconds=1, **smtp) as (app, _):
        if not app.state.database.is_sqlite:
            async with app.state.database.shared() as session:
                await session.execute(text("delete from procrastinate.procrastinate_jobs"))
        yield app


@pytest.fixture
def database(stage: FastAPI) -> Database:
    found: Database = stage.state.database
    return found


@pytest.fixture
async def ours(stage: FastAPI, company: SignedUpCompany) -> CompanyInfo:
    return await emptied(stage, company)


@pytest.fixture
async def theirs(stage: FastAPI, other_company: SignedUpCompany) -> CompanyInfo:
    return await emptied(stage, other_company)


async def emptied(stage: FastAPI, company: SignedUpCompany) -> CompanyInfo:
    """Return a company whose sign-up left nothing in the queue."""
    database: Database = stage.state.database
    if not database.is_sqlite:
        async with database.shared() as session:
            await session.execute(text("delete from procrastinate.procrastinate_jobs"))
    return await info(stage, company)


def reset_mail(to: str = "canary@example.org") -> Mail:
    """Return a mail that belongs to no company."""
    return Mail(MailKind.PASSWORD_RESET, to, "fr", {"name": "Canary Martin", "reset_url": LINK})


def invitation(to: str = "canary@example.org") -> Mail:
    """Return a mail that belongs to the company whose session hands it over."""
    context = {"company": "x", "inviter": "y", "role": "z", "accept_url": LINK, "expires_at": "t"}
    return Mail(MailKind.INVITATION, to, "fr", context)


async def rows(database: Database) -> list[Any]:
    """Return the queue: task, status, attempts, company, the whole arguments as text."""
    async with database.shared(write=False) as session:
        found = await session.execute(
            text(
                "select id, task_name, status::text, attempts, args ->> 'company' as company, args::text as args "
                "from procrastinate.procrastinate_jobs order by id"
            )
        )
        return list(found.all())


async def until_taken(post: Post, number: int = 1) -> None:
    """Wait until the mail server has `number` different mails."""
    async with asyncio.timeout(60):
        while len({message_id for _, message_id in post.taken}) < number:  # noqa: ASYNC110 - its thread knows no event
            await asyncio.sleep(0.005)


async def work_off(stage: FastAPI) -> None:
    """Work until nothing is left to try."""
    for _ in range(200):
        await stage.state.runner.work_off()
        if not [row for row in await rows(stage.state.database) if row.status == "todo"]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the queue did not get empty")
