"""An application whose mails go to a real SMTP server of the test, and whose worker has a clock of its own."""

import email
import email.policy
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response
from sqlalchemy import text

from backend.core.clock import utc_now
from backend.core.settings import Settings
from backend.planning.notices import GATHERED_FOR
from backend.tenancy.session import Database, Urls
from backend.worker import notifying
from backend.worker.app import Order
from tests.backstage import running
from tests.helpers import SignedUpCompany, accept, create, sign_up, unique
from tests.planning.stage import SOON, Stage, company_info
from tests.smtp import smtp_server

EXPIRY = SOON - timedelta(days=10)

# A second try is planned by the worker's clock, which shows what the test wants.
_AT_ONCE = text("update procrastinate.procrastinate_jobs set scheduled_at = null where task_name <> 'post_messages'")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as its reader has it."""

    to: str
    subject: str
    text: str
    id: str


@dataclass
class Post:
    """A mail server that keeps what it takes, and gives first the answers it was told to give."""

    taken: list[Letter] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answers:
            return self.answers.pop(0)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = message.get_body(("plain",))
        assert body is not None
        letter = Letter(
            envelope.rcpt_tos[0], str(message["Subject"]), str(body.get_content()), str(message["Message-ID"])
        )
        self.taken.append(letter)
        return "250 taken"

    def collect(self) -> list[Letter]:
        """Return what has come since the last time, by address."""
        found, self.taken = sorted(self.taken, key=lambda letter: letter.to), []
        return found


@dataclass
class House:
    """A company with its client, its worker and the mails that arrive."""

    app: FastAPI
    post: Post
    stage: Stage

    @property
    def database(self) -> Database:
        found: Database = self.app.state.database
        return found

    @property
    def client(self) -> AsyncClient:
        return self.stage.client

    @property
    def company(self) -> SignedUpCompany:
        return self.stage.company

    def at(self, now: datetime) -> None:
        """Have the worker's clock show this, from now on."""
        runner = self.app.state.runner
        runner.tools = replace(runner.tools, clock=lambda: now)

    def at_present(self) -> None:
        """Have the worker's clock show the API's time, and the seconds more for which offers wait for each other."""
        runner = self.app.state.runner
        runner.tools = replace(runner.tools, clock=lambda: utc_now() + GATHERED_FOR)

    async def renew(self) -> None:
        """Have the company's agenda renewed, as each night."""
        company = await company_info(self.database, self.company)
        await notifying.renew_agenda(Order(self.app.state.runner.tools, company, {}))

    async def work(self) -> list[Letter]:
        """Work until nothing is left to do, and return the mails that came."""
        for _ in range(200):
            await self.app.state.runner.work_off()
            if not await self._left():
                return self.post.collect()
        raise AssertionError("the queue did not get empty")

    async def minute(self, now: datetime) -> list[Letter]:
        """Have the clock strike this minute, as the worker does, and return the mails that came."""
        # Without a queue, what the acts before handed over runs beside the test: the minute comes after it.
        while self.database.is_sqlite and await self._left():
            await self.app.state.runner.work_off()
        self.at(now)
        await notifying.read_agenda(Order(self.app.state.runner.tools, None, {}))
        return await self.work()

    async def _left(self) -> bool:
        if self.database.is_sqlite:
            return bool(self.app.state.runner.outbox.running)
        query = text("select count(*) from procrastinate.procrastinate_jobs where status = 'todo'")
        async with self.database.shared() as session:
            await session.execute(_AT_ONCE)
            return bool(await session.scalar(query))

    async def person(self, *, account: bool = False, address: bool = True, **fields: Any) -> "Player":
        """Put somebody into the directory, with an account or without."""
        own = f"{unique('artiste')}@example.org" if address else None
        made = await create(
            self.client, self.company.headers, "/people", first_name="Geneviève", last_name=unique("Roche"),
            job="comedien", email=own, **fields,
        )  # fmt: skip
        token = await accept(self.client, self.company, str(own), "intermittent", made["id"]) if account else ""
        return Player(self, made, own or "", token)

    async def published(self, starts_at: datetime = SOON, headcount: int = 1, **fields: Any) -> dict[str, Any]:
        """Make a call with a position, and publish it."""
        production = await self.stage.production()
        call = await self.stage.call(production, starts_at, **fields)
        await self.stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=headcount)
        answer = await self.stage.post(f"/calls/{call['id']}/publish")
        assert answer.status_code == 200, answer.text
        return call

    async def option(self, call: dict[str, Any], player: "Player", rank: int = 1, **fields: Any) -> dict[str, Any]:
        """Offer a call to somebody."""
        made = await self.stage.assignment(call, player.person)
        body = {"expires_at": EXPIRY.isoformat(), "rank": rank, **fields}
        answer = await self.stage.act(made, "offer", **body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def log(self, **params: Any) -> list[dict[str, Any]]:
        """Read the delivery log, oldest first."""
        found: list[dict[str, Any]] = (await self.stage.get("/messages", limit=200, **params)).json()["items"]
        return found[::-1]


@dataclass(frozen=True, slots=True)
class Player:
    """Somebody of the directory, with the token of their account, if they have one."""

    house: House
    person: dict[str, Any]
    address: str
    token: str

    async def answer(self, assignment: dict[str, Any], act: str) -> Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.house.client.post(f"/api/v1/me/assignments/{assignment['id']}/{act}", headers=headers)

    async def want(self, **kinds: bool) -> Response:
        headers = {"Authorization": f"Bearer {self.token}", "If-Match": "*"}
        return await self.house.client.patch("/api/v1/me/message-preferences", json=kinds, headers=headers)


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def smtp(post: Post) -> Iterator[dict[str, Any]]:
    """Run the mail server, and return the settings that lead to it."""
    with smtp_server(post) as port:
        yield {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_tls": "none"}


@pytest.fixture
async def house(settings: Settings, urls: Urls, smtp: dict[str, Any], post: Post) -> AsyncIterator[House]:
    """Return a company in an application of its own; its queue is empty."""
    async with running(settings, urls, worker_retry_seconds=0.001, **smtp) as (app, client):
        found = House(app, post, Stage(client, await sign_up(client)))
        found.at_present()
        async with found.database.shared() as session:
            await session.execute(text("delete from shared.agenda"))
            if not found.database.is_sqlite:
                await session.execute(text("delete from procrastinate.procrastinate_jobs"))
        await found.work()
        yield found
        await found.work()
