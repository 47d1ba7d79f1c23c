"""`filage findings`: what the rules find in a company's planning, as a table by rule or as JSON."""

import asyncio
import json
import sys
from collections import Counter

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backend.cli.starting import console
from backend.core.clock import utc_now
from backend.core.errors import AppError
from backend.core.settings import Settings
from backend.identity.access import check_revision
from backend.people.service import seed_jobs
from backend.planning import findings
from backend.rules.engine import Report
from backend.rules.finding import Severity
from backend.tenancy.acting import Act, Actor
from backend.tenancy.directory import CompanyDirectory
from backend.tenancy.session import Database, find_urls

SHOWN, NOT_STARTED = 0, 2
ACTOR = Actor(None, "filage findings")
LANGUAGE = "en"


def show_findings(slug: str, *, as_json: bool) -> int:
    """Print the findings of the company called `slug`; return 0, or 2 when it could not begin."""
    out, err = console(), console(stderr=True)
    try:
        report = asyncio.run(_find(Settings(), slug))
    except AppError as error:
        err.print(error.sentence.in_language(LANGUAGE), soft_wrap=True, markup=False)
        return NOT_STARTED
    if report is None:
        err.print(f"No company is called {slug}: see `filage company list`.", soft_wrap=True, markup=False)
        return NOT_STARTED
    if as_json:
        _write(report)
    else:
        _show(out, report)
    return SHOWN


async def _find(settings: Settings, slug: str) -> Report | None:
    database = Database(settings, find_urls(settings), deliver=lambda _items: None, seed=seed_jobs)
    try:
        company = await CompanyDirectory(database, 0).by_slug(slug)
        if company is None:
            return None
        check_revision(company)
        async with database.company(company) as session:
            return await findings.find(Act(session, company, ACTOR, utc_now()))
    finally:
        await database.close()


def _write(report: Report) -> None:
    for finding in report.findings:
        sys.stdout.write(json.dumps(finding.to_json(), ensure_ascii=False) + "\n")


def _show(out: Console, report: Report) -> None:
    counted = Counter((f.severity, f.rule, f.if_confirmed) for f in report.findings)
    people = {key: set[str]() for key in counted}
    for finding in report.findings:
        if finding.person:
            people[finding.severity, finding.rule, finding.if_confirmed].add(finding.person)
    table = Table("severity", "rule", "findings", "people", "")
    for severity, rule, if_confirmed in sorted(counted, key=lambda key: (key[0].rank, key[1], key[2])):
        key = severity, rule, if_confirmed
        note = "if options are confirmed" if if_confirmed else ""
        table.add_row(severity.value, rule, str(counted[key]), str(len(people[key])), note)
    out.print(table)
    hard = sum(count for (severity, _, _), count in counted.items() if severity is Severity.HARD)
    count = f"{len(report.findings)} finding{'' if len(report.findings) == 1 else 's'}"
    out.print(f"{count}, {hard} of them without a possible derogation.", markup=False)
    for told in report.notes:
        out.print(Text(": ".join(part for part in (told.person, told.sentence.en) if part)))
    out.print("This is not legal advice: have each finding confirmed before you rely on it.")
