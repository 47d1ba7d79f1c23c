"""What a test may look at or break and a client cannot: catalogues, mails, members without an invitation."""

import email
import email.policy
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy import Engine, event, select, text

from backend.app import create_app
from backend.core.clock import utc_now
from backend.core.settings import Settings
from backend.identity.models import Membership, Role, User
from backend.telemetry import logs
from backend.telemetry.companies import CompanyMetrics
from backend.telemetry.metrics import Metrics
from backend.tenancy.models import CompanyInfo
from backend.tenancy.session import Database, Urls
from tests.helpers import PASSWORD, SignedUpCompany, unique

SHARED_TABLES = ("user", "company", "membership", "access_token", "idempotency_key", "limit_counter", "invitation")
TWENTIETHS = 20 if os.environ.get("FILAGE_SOAK") else 1
# In the suite less than pytest's faulthandler_timeout: a test that takes longer fails by name, and the others go on.
LONG = pytest.mark.timeout(3000 if TWENTIETHS > 1 else 300)
# Roles belong to the whole server, which other processes of a test run share.
ROLES = "select rolname from pg_roles, shared.installation where starts_with(rolname, id) order by 1"
_LINK = r"/{}\?token=([\w.%-]+)"


def busy_metrics() -> Metrics:
    """Return the metrics of a process that has answered on 60 routes and for more companies than it shows apart."""
    metrics = Metrics()
    companies = CompanyMetrics(metrics)
    for number in range(60):
        for status in ("200", "404", "500"):
            metrics.request_seconds.labels("GET", f"/api/v1/route-{number}", status).observe(0.1)
    for number in range(300):
        for code, seconds in ((200, 0.1), (200, 0.7), (500, 0.1)):
            companies.observe(f"t_{number:06d}", seconds, code, 0.01)
    return metrics


@asynccontextmanager
async def running(settings: Settings, urls: Urls, **changes: Any) -> AsyncIterator[tuple[FastAPI, AsyncClient]]:
    """Run an application of one's own over the same database, with other settings."""
    application = create_app(settings.model_copy(update=changes), urls)
    transport = ASGITransport(application, raise_app_exceptions=False)
    async with (
        application.router.lifespan_context(application),
        AsyncClient(transport=transport, base_url="http://filage.test") as client,
    ):
        yield application, client


async def log_in(client: AsyncClient, address: str, password: str = PASSWORD) -> dict[str, str]:
    """Log an account in and return its headers."""
    answer = await client.post("/api/v1/auth/login", data={"username": address, "password": password})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def register(client: AsyncClient, prefix: str = "anne") -> str:
    """Create an account and return its address."""
    address = f"{unique(prefix)}@example.org"
    body = {"email": address, "password": PASSWORD, "full_name": "Anne Aubert"}
    answer = await client.post("/api/v1/auth/register", json=body)
    assert answer.status_code == 201, answer.text
    return address


async def join(app: FastAPI, client: AsyncClient, company: SignedUpCompany, role: str) -> dict[str, str]:
    """Return the headers of a new account that has `role` in `company`, without the mails of an invitation."""
    address = await register(client, role)
    async with app.state.database.shared() as session:
        user_id = (await session.scalars(select(User.id).where(User.email == address))).one()
        session.add(Membership(user_id=user_id, company_id=UUID(company.id), role=Role(role), created_at=utc_now()))
    return {**await log_in(client, address), "X-Tenant": company.slug}


async def info(app: FastAPI, company: SignedUpCompany) -> CompanyInfo:
    """Return what the kernel knows of a company."""
    found: CompanyInfo | None = await app.state.directory.by_id(UUID(company.id))
    assert found is not None
    return found


async def catalogue(database: Database) -> dict[str, list[Any]]:
    """Return every row key of the shared tables, and every schema and role (SQLite: file), as the owner sees them."""
    found: dict[str, list[Any]] = {}
    async with database.owner() as session:
        for table in SHARED_TABLES:
            rows = await session.execute(text(f'select * from shared."{table}" order by 1, 2'))
            found[table] = [str(row) for row in rows]
        if database.is_sqlite:
            found["files"] = sorted(path.name for path in Path(database.shared_file).parent.glob("*.sqlite3*"))
        else:
            found["schemas"] = list(await session.scalars(text("select nspname from pg_namespace order by 1")))
            found["roles"] = list(await session.scalars(text(ROLES)))
            found["tables"] = list(
                await session.scalars(text("select oid from pg_class where relkind = 'r' order by 1"))
            )
    return found


def mails_to(app: FastAPI, address: str) -> list[str]:
    """Return the texts of the mails to `address`, oldest first."""
    found = []
    for path in sorted(app.state.settings.mail_dir.glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        body = message.get_body(("plain",))
        if message["to"] == address and body is not None:
            found.append(str(body.get_content()))
    return found


async def mailed_token(app: FastAPI, address: str, page: str) -> str:
    """Have the mails sent; return the token of the newest one to `address` that links to `page` ("verify", ...)."""
    await app.state.runner.work_off()
    found = [token for text_ in mails_to(app, address) for token in re.findall(_LINK.format(page), text_)]
    return str(found[-1])


@contextmanager
def failing_statement(number: int) -> Iterator[list[str]]:
    """Let the `number`-th statement from now on fail before it is sent; collects what was sent until then."""
    sent: list[str] = []

    def before(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if len(sent) + 1 == number:
            raise BrokenError(statement)
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", before)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", before)


class BrokenError(Exception):
    """Raised by a test in the middle of an act."""


@contextmanager
def log_lines(settings: Settings) -> Iterator[StringIO]:
    """Collect the log of the process as JSON lines."""
    stream = StringIO()
    logs.configure("info", "json", stream)
    try:
        yield stream
    finally:
        logs.configure(settings.log_level, settings.log_format)
