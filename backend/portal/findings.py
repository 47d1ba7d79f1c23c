"""What working-time law says of a person's work over all their employers: for that person, and for no company.

Judged by the Code du travail alone: maxima and rests are the person's, whoever employs them (L8261-1, L8261-2), while a
convention or a derogation is one employer's. Only what each company has told the person counts, as it was told last.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from backend.core.instants import HOME_TIMEZONE
from backend.core.pagination import PageRequest
from backend.identity.access import Caller
from backend.planning import reporting
from backend.planning.domain.states import LIVE, Status, effective
from backend.planning.findings import pauses_of, trade_of
from backend.planning.reporting import FindingsFilter
from backend.portal.repository import Found
from backend.portal.schemas import MyFinding, MyFindings
from backend.portal.service import company_ref, my_links, read_companies
from backend.rules.engine import check_person
from backend.rules.finding import Finding
from backend.rules.law import Law
from backend.rules.work import Segment, Work
from backend.tenancy.models import CompanyInfo
from backend.tenancy.session import Database

EVERY_EMPLOYERS = Law()
CANCELLED = "cancelled"


async def my_findings(
    database: Database, caller: Caller, wanted: FindingsFilter, page: PageRequest, language: str, now: datetime
) -> MyFindings:
    """Return one page of findings over all companies; who could not be read now is named."""
    between = reporting.around(wanted.period)
    links = await my_links(database, caller.user_id)
    companies, unavailable = await read_companies(database, links, between.ends_at, between.starts_at)
    work = Work(str(caller.user_id), [s for one in companies for s in _segments(one, now)], _youngest(companies))
    # In a thread: years of many employers must not hold the event loop.
    found = await asyncio.to_thread(check_person, work, EVERY_EMPLOYERS, ZoneInfo(HOME_TIMEZONE))
    employers = {str(row.id): one.company for one in companies for row in one.rows}
    rows, cursor = reporting.cut_page(found, wanted, page)
    return MyFindings(
        items=[_shown(finding, employers, language) for finding in rows],
        next_cursor=cursor,
        unavailable=[company_ref(company) for company in unavailable],
    )


def _segments(found: Found, now: datetime) -> Iterator[Segment]:
    for row in found.rows:
        told, status = row.published, effective(row.status, row.expires_at, now)
        if told["status"] == CANCELLED or status not in LIVE:
            continue
        yield Segment(
            call=str(row.call_id),
            assignment=str(row.id),
            starts_at=row.published_starts_at,
            ends_at=row.published_ends_at,
            kind=told["kind"],
            trade=trade_of(row.job, row.annexe),
            pauses=pauses_of(told["breaks"]),
            unplaced_break_minutes=told["unplaced_break_minutes"],
            on_tour=told["on_tour"],
            production=told["production_id"],
            premiere=row.premiere_date,
            employer=str(found.company.id),
            if_confirmed=status is not Status.CONFIRMED,
        )


def _youngest(companies: list[Found]) -> Any:  # noqa: ANN401 - a day, or None
    """Return the latest birth date that a company knows: what protects a minor is not lost by another's mistake."""
    return max((row.birth_date for one in companies for row in one.rows if row.birth_date is not None), default=None)


def _shown(finding: Finding, employers: dict[str, CompanyInfo], language: str) -> MyFinding:
    companies = {employers[one].id: employers[one] for one in finding.assignments}
    return MyFinding(
        rule=finding.rule,
        severity=finding.severity,
        window_start=finding.starts_at,
        window_end=finding.ends_at,
        measured_minutes=finding.measured,
        limit_minutes=finding.limit,
        unit=finding.unit,
        assignment_ids=list(finding.assignments),
        companies=[company_ref(company) for company in companies.values()],
        if_confirmed=finding.if_confirmed,
        sentence=finding.sentence.in_language(language),
        article=finding.source.article,
        link=finding.source.link,
        text=finding.source.text,
        details=dict(finding.details),
    )
