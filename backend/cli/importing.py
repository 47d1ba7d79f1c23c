"""`filage import`: a season's folder into one company, through the same service as the API; nothing half-written."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backend.cli.starting import console
from backend.core.clock import utc_now
from backend.core.errors import AppError
from backend.core.settings import Settings
from backend.identity.access import check_revision
from backend.imports.domain.columns import FILES
from backend.imports.refusals import ImportRejectedError, RowError
from backend.imports.schemas import FileCounts, ImportReport
from backend.imports.service import import_season
from backend.people.service import seed_jobs
from backend.tenancy.acting import Act, Actor
from backend.tenancy.directory import CompanyDirectory
from backend.tenancy.session import Database, find_urls

IMPORTED, REFUSED, NOT_STARTED = 0, 1, 2
ACTOR = Actor(None, "filage import")
LANGUAGE = "en"


class _NoCompanyError(LookupError):
    """No company has this slug."""


def import_folder(directory: Path, company: str, dry_run: bool) -> int:
    """Import the seven files of `directory`; return 0, 1 when rows are refused, 2 when it could not begin."""
    out, err = console(), console(stderr=True)
    files = _read(directory)
    if not files:
        err.print(f"{directory} holds none of a season's files: {', '.join(FILES)}.", soft_wrap=True, markup=False)
        return NOT_STARTED
    try:
        with err.status("Importing..."):
            report = asyncio.run(_import(Settings(), files, company, dry_run=dry_run))
    except _NoCompanyError:
        err.print(f"No company is called {company}: see `filage company list`.", soft_wrap=True, markup=False)
        return NOT_STARTED
    except ImportRejectedError as rejected:
        _show_problems(err, rejected)
        return REFUSED
    except AppError as error:
        err.print(error.sentence.in_language(LANGUAGE), soft_wrap=True, markup=False)
        return NOT_STARTED
    _show_counts(out, report)
    return IMPORTED


def _read(directory: Path) -> dict[str, bytes]:
    paths = [directory / file for file in FILES]
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


async def _import(settings: Settings, files: Mapping[str, bytes], slug: str, *, dry_run: bool) -> ImportReport:
    database = Database(settings, find_urls(settings), deliver=lambda _items: None, seed=seed_jobs)
    try:
        company = await CompanyDirectory(database, 0).by_slug(slug)
        if company is None:
            raise _NoCompanyError(slug)
        check_revision(company)
        async with database.company(company) as session:
            act = Act(session, company, ACTOR, utc_now())
            return await import_season(act, files, dry_run=dry_run, language=LANGUAGE)
    finally:
        await database.close()


def _show_counts(out: Console, report: ImportReport) -> None:
    table = Table("file", *FileCounts.model_fields, title="What would change" if report.dry_run else None)
    for file, counts in report.files.items():
        table.add_row(file, *(str(number) for number in counts.model_dump().values()))
    out.print(table)
    found = ", ".join(f"{number} {severity}" for severity, number in report.findings.items())
    out.print(f"The law on the planning as it {'would be' if report.dry_run else 'is'}: {found}.", markup=False)
    for warning in report.warnings:
        out.print(Text(warning))


def _show_problems(err: Console, rejected: ImportRejectedError) -> None:
    table = Table("file", "line", "column", "what to correct")
    for refused in rejected.fields:
        if isinstance(refused, RowError):
            place = (refused.file, str(refused.line or ""), refused.column or "")
            # Text, because a cell of the file could look like markup.
            table.add_row(*(Text(part) for part in (*place, refused.sentence.in_language(LANGUAGE))))
    err.print(table)
    more = rejected.extra["more"]
    err.print(f"{f'And {more} more. ' if more else ''}Nothing was stored: correct the files and import again.")
