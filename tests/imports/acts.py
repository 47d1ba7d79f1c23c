"""Imports at service level, and what a company has afterwards."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

from httpx import AsyncClient, Response
from sqlalchemy import Table, func, select

from backend.imports.schemas import ImportReport
from backend.imports.service import import_season
from backend.planning.models import Booking
from backend.tenancy.acting import Act, Actor
from backend.tenancy.base import TenantBase
from backend.tenancy.directory import CompanyDirectory
from backend.tenancy.models import Company
from backend.tenancy.session import Database
from tests.helpers import SignedUpCompany

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
Files = Mapping[str, bytes]
Snapshot = dict[str, list[dict[str, Any]]]


@asynccontextmanager
async def acting(database: Database, company: SignedUpCompany, now: datetime = NOW) -> AsyncIterator[Act]:
    """One transaction of the company, committed at the end."""
    info = await CompanyDirectory(database, 0).by_slug(company.slug)
    assert info is not None
    async with database.company(info) as session:
        yield Act(session, info, Actor(None, "Camille Renard"), now)


async def load(
    database: Database, company: SignedUpCompany, files: Files, *, now: datetime = NOW, dry_run: bool = False
) -> ImportReport:
    """Import by the service itself, at `now`."""
    async with acting(database, company, now) as act:
        return await import_season(act, files, dry_run=dry_run)


async def post(client: AsyncClient, company: SignedUpCompany, files: Files, **params: Any) -> Response:
    """Import through the API."""
    parts = [("files", (name, content, "text/csv")) for name, content in files.items()]
    return await client.post("/api/v1/imports/season", headers=company.headers, files=parts, params=params)


def outcomes(report: ImportReport | Mapping[str, Any], name: str) -> dict[str, int]:
    """Return one count ("created" ...) of each file, without the zeros."""
    files = report.model_dump()["files"] if isinstance(report, ImportReport) else report["files"]
    return {file: counts[name] for file, counts in files.items() if counts[name]}


def changed(files: Files, file: str, *changes: tuple[str, str]) -> dict[str, bytes]:
    """Return the files with pieces of one of them replaced; each piece is there."""
    text = files[file].decode()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return {**files, file: text.encode()}


def without(files: Files, file: str, *starts: str) -> dict[str, bytes]:
    """Return the files without the lines of one of them that begin so."""
    lines = files[file].decode().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(starts)]
    assert len(kept) < len(lines)
    return {**files, file: "".join(kept).encode()}


BESIDE = frozenset({"notice", "message"})


async def snapshot(database: Database, company: SignedUpCompany) -> Snapshot:
    """Return every row that the company has, of every table, with its own row and bookings in the shared schema.

    But for what people are told: without a queue (SQLite) that is sent meanwhile, by a task beside the test.
    """
    found: Snapshot = {}
    async with acting(database, company) as act:
        for table in TenantBase.metadata.sorted_tables:
            if table.name in BESIDE:
                continue
            found[table.name] = await _all(act, table)
        bookings = cast("Table", Booking.__table__)
        found["booking"] = await _all(act, bookings, bookings.c.company_id == act.company.id)
    async with database.shared() as session:
        companies = cast("Table", Company.__table__)
        row = (await session.execute(select(companies).where(companies.c.slug == company.slug))).mappings().one()
        found["company"] = [dict(row)]
    return found


async def _all(act: Act, table: Table, *conditions: Any) -> list[dict[str, Any]]:
    rows = (await act.session.execute(select(table).where(*conditions))).mappings()
    return sorted((dict(row) for row in rows), key=str)


async def count_everything(database: Database) -> int:
    """Return the number of bookings and companies that the shared schema holds."""
    async with database.shared(write=False) as session:
        bookings = await session.scalar(select(func.count()).select_from(Booking))
        companies = await session.scalar(select(func.count()).select_from(Company))
    return (bookings or 0) + (companies or 0)


def one(rows: Iterable[dict[str, Any]], **values: Any) -> dict[str, Any]:
    """Return the only row that has these values."""
    (found,) = [row for row in rows if all(row[name] == value for name, value in values.items())]
    return found
