"""The import of a season: judge every row, decide, write all of it or nothing."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from backend.audit.service import record
from backend.core.errors import Sentence
from backend.core.instants import local_day
from backend.imports import repository, telling
from backend.imports.applying import Application
from backend.imports.changing import say_changed_calls
from backend.imports.domain import correcting
from backend.imports.domain.columns import COMPANY
from backend.imports.domain.correcting import Corrections
from backend.imports.domain.diff import Counts, Outcome, Step, count, decide
from backend.imports.domain.judging import judge
from backend.imports.domain.rows import CompanyRow, Season
from backend.imports.matching import Matching
from backend.imports.refusals import ImportRejectedError
from backend.imports.schemas import FileCounts, ImportReport
from backend.notifications import attending
from backend.planning import findings as planned
from backend.rules.finding import Severity
from backend.tenancy.acting import Act
from backend.tenancy.session import login_rights

UNCHANGING = frozenset({"unchanged", "kept", "absent"})


async def import_season(
    act: Act, files: Mapping[str, bytes], *, dry_run: bool = False, language: str = "fr",
    corrections: Corrections = correcting.NONE,
) -> ImportReport:  # fmt: skip
    """Import the seven files (by name) into the company of the act; with `dry_run`, do it all and take it back.

    `corrections` are read in place of the cells that they were made for.
    Raises ImportRejectedError with every bad row; then nothing may be committed.
    """
    jobs = await repository.job_codes(act.session)
    today = local_day(act.now, ZoneInfo(act.company.timezone))
    # In a thread: five megabytes made to be slow would hold up every other request for seconds.
    judgement = await asyncio.to_thread(judge, files, jobs, today=today, corrections=corrections)
    if judgement.season is None:
        raise ImportRejectedError(judgement.problems, judgement.more)
    savepoint = await act.session.begin_nested() if dry_run else None
    counts, changed, described = await _apply(act, judgement.season)
    findings = await _count_findings(described)
    if savepoint is not None:
        await savepoint.rollback()
    return ImportReport(
        dry_run=dry_run,
        files={file: FileCounts(**one.as_dict()) for file, one in counts.items()},
        warnings=[warning.in_language(language) for warning in (*judgement.warnings, *changed)],
        findings=findings,
    )


async def _count_findings(act: Act) -> dict[str, int]:
    """Count what the law says of the planning as it now is: the import records what was agreed, and refuses none."""
    found = Counter(finding.severity for finding in (await planned.find(act)).findings)
    return {severity.value: found[severity] for severity in Severity}


async def _apply(act: Act, season: Season) -> tuple[dict[str, Counts], list[Sentence], Act]:
    company, described = await _describe_company(act, season.company)
    found = await repository.load(act, lock=True)
    matching = Matching(act, described, season, found)
    plan = await asyncio.to_thread(matching.plan)
    await Application(described, found, plan, matching.stands(plan)).write()
    counts = {COMPANY: count([company], absent=0), **plan.counts()}
    if any(number for one in counts.values() for name, number in one.as_dict().items() if name not in UNCHANGING):
        record(act, "season.imported", act.company.id, after={file: one.as_dict() for file, one in counts.items()})
        await act.session.flush()
        await telling.tell(described, plan, found)
        # The options that it brings expire by the clock like all others.
        attending.have_renewed(described)
    return counts, [*_said_of_company(company), *say_changed_calls(described, plan, found)], described


def _said_of_company(step: Step) -> list[Sentence]:
    """Say what company.csv changes of the company itself: whoever imports a neighbour's folder would rename theirs."""
    before = step.before or {}
    return [
        Sentence(f"{fr} de la compagnie change : « {before[name] or '–'} » devient « {step.values[name] or '–'} ».",
                 f'The company\'s {en} changes: "{before[name] or "–"}" becomes "{step.values[name] or "–"}".')
        for name, fr, en in (("name", "Le nom", "name"), ("siret", "Le SIRET", "SIRET")) if name in step.values
    ]  # fmt: skip


async def _describe_company(act: Act, row: CompanyRow) -> tuple[Step, Act]:
    """Store what company.csv says, and return the act in the company as it now is."""
    values: dict[str, Any] = {
        "name": row.name, "siret": row.siret, "idcc": row.idcc, "timezone": row.timezone, "city": row.city,
        "licences": [
            {"category": int(one.category), "number": one.number, "expires_on": one.expires_on.isoformat()}
            for one in row.licences
        ],
    }  # fmt: skip
    async with login_rights(act.session):
        found = await repository.read_company(act.session, act.company.id, lock=True)
        step = decide(row.line, {**found, "id": act.company.id}, values, act.company.id)
        if step.outcome is Outcome.UPDATED:
            await repository.update_company(act.session, act.company.id, step.values)
    company = replace(act.company, name=row.name, timezone=row.timezone, city=row.city)
    return step, replace(act, company=company)
