"""What working-time law says of a person's work over all their employers: for that person, and for no company.

Judged by the Code du travail alone: maxima and rests are the person's, whoever employs them (L8261-1, L8261-2), while a
convention or a derogation is one employer's. Only what each company has told the person counts, as it was told last.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from backend.core.errors import ConflictError, Sentence
from backend.core.instants import HOME_TIMEZONE
from backend.core.pagination import PageRequest
from backend.identity.access import Caller
from backend.planning import reporting
from backend.planning.domain.clearance import newly_bad
from backend.planning.domain.states import LIVE, Status, effective
from backend.planning.findings import TWELVE_MONTHS, pauses_of, trade_of
from backend.planning.models import Declared
from backend.planning.reporting import FindingsFilter
from backend.portal.repository import Found
from backend.portal.schemas import CompanyRef, MyFinding, MyFindings
from backend.portal.service import company_ref, my_links, read_companies
from backend.rules.days import minute_of
from backend.rules.engine import check_person
from backend.rules.finding import Finding, Severity
from backend.rules.law import Law
from backend.rules.work import Segment, Work
from backend.tenancy.models import CompanyInfo
from backend.tenancy.session import Database

EVERY_EMPLOYERS = Law()
CANCELLED = "cancelled"
BINDING = frozenset({Severity.HARD, Severity.DEROG})
MAXIMA = frozenset(
    {"WT-DAY-10", "WT-WEEK-48", "WT-AVG12-44", "WT-REST-11", "WT-WREST-35", "WT-DAYS-6", "MIN-DAY", "MIN-REST"}
)
"""Maxima and rests: a person's over all employers. A break, a night, an authorisation are each employer's to see to."""
DECLARATION_REQUIRED = Sentence(
    "Avec cette date, votre travail pour tous vos employeurs dépasserait une durée maximale ou réduirait un repos dû "
    "(Code du travail, art. L8261-1) : voyez « findings ». Refusez-la, ou acceptez en envoyant « declaration » : true, "
    "par quoi vous déclarez respecter les durées maximales. La compagnie saura que vous avez accepté avec un "
    "avertissement, et rien d'autre.",
    "With this date, your work for all your employers would exceed a maximum or shorten a rest that is due (Code du "
    "travail, art. L8261-1): see `findings`. Decline it, or accept by sending `declaration`: true, by which you "
    "declare that you respect the maxima. The company will know that you accepted with a warning, and nothing else.",
)


@dataclass(frozen=True, slots=True)
class Weighed:
    """What accepting one assignment would cause over all employers, and who could not be read."""

    findings: Sequence[Finding]
    employers: Mapping[str, CompanyInfo]
    unavailable: Sequence[CompanyInfo]

    def declared(self, language: str, *, declares: bool) -> Declared:
        """Return what the company will read. Raises ConflictError `declaration_required` with the findings."""
        if self.findings and not declares:
            told = {"findings": [one.model_dump(mode="json") for one in self.shown(language)],
                    "unavailable": [one.model_dump(mode="json") for one in self.missing()]}  # fmt: skip
            raise ConflictError("declaration_required", DECLARATION_REQUIRED, extra=told)
        if not declares:
            return Declared.NONE
        return Declared.WITH_WARNING if self.findings else Declared.COMPLIANT

    def shown(self, language: str) -> list[MyFinding]:
        """Return the findings for the person's own eyes."""
        return [_shown(finding, self.employers, language) for finding in self.findings]

    def missing(self) -> list[CompanyRef]:
        """Return the companies that are not in it."""
        return [company_ref(company) for company in self.unavailable]


async def weigh(database: Database, caller: Caller, assignment_id: UUID, now: datetime) -> Weighed:
    """Judge what accepting an assignment would cause: with it and without it, beside what the person has agreed to.

    Other open options do not count, since nobody takes all of them.
    """
    return (await weigh_each(database, caller, [assignment_id], now))[assignment_id]


async def weigh_each(
    database: Database, caller: Caller, assignment_ids: Sequence[UUID], now: datetime
) -> dict[UUID, Weighed]:  # fmt: skip
    """Judge several, each as if it alone were accepted, on one reading of the companies."""
    links = await my_links(database, caller.user_id)
    companies, unavailable = await read_companies(database, links, None, now - TWELVE_MONTHS)
    youngest, employers = _youngest(companies), _employers(companies)
    works = [Work(str(caller.user_id), list(_agreed(companies, one, now)), youngest) for one in assignment_ids]
    # In a thread: a year of many employers must not hold the event loop.
    found = await asyncio.to_thread(
        lambda: [_caused(*one) for one in zip(works, map(str, assignment_ids), strict=True)]
    )
    weighed = [Weighed(each, employers, unavailable) for each in found]
    return dict(zip(assignment_ids, weighed, strict=True))


def _agreed(companies: Sequence[Found], assignment_id: UUID, now: datetime) -> Iterator[Segment]:
    for one in companies:
        for row, segment in _segments(one, now):
            agreed = row.status in {Status.ACCEPTED, Status.CONFIRMED}
            # One that cannot be accepted (any more) is not weighed: the act says so.
            is_asked = row.id == assignment_id and (row.status is Status.OPTION or row.contested)
            if is_asked or (agreed and row.id != assignment_id):
                yield replace(segment, if_confirmed=False)


def _caused(work: Work, assignment: str) -> list[Finding]:
    """Return what is worse with the assignment, in the week before it too: it may take the rest that lies there."""
    asked = [segment for segment in work.segments if segment.assignment == assignment]
    if not asked:
        return []
    zone = ZoneInfo(HOME_TIMEZONE)
    within = minute_of(asked[0].starts_at), minute_of(asked[0].ends_at)
    without = replace(work, segments=[segment for segment in work.segments if segment.assignment != assignment])
    binding = [
        finding
        for finding in check_person(work, EVERY_EMPLOYERS, zone, within)
        if finding.severity in BINDING and finding.rule in MAXIMA
    ]
    return newly_bad(binding, check_person(without, EVERY_EMPLOYERS, zone, within), EVERY_EMPLOYERS.minimum_rules)


def _employers(companies: Sequence[Found]) -> dict[str, CompanyInfo]:
    return {str(row.id): one.company for one in companies for row in one.rows}


async def my_findings(
    database: Database, caller: Caller, wanted: FindingsFilter, page: PageRequest, language: str, now: datetime
) -> MyFindings:
    """Return one page of findings over all companies; who could not be read now is named."""
    between = reporting.around(wanted.period)
    links = await my_links(database, caller.user_id)
    companies, unavailable = await read_companies(database, links, between.ends_at, between.starts_at)
    segments = [segment for one in companies for _, segment in _segments(one, now)]
    work = Work(str(caller.user_id), segments, _youngest(companies))
    # In a thread: years of many employers must not hold the event loop.
    found = await asyncio.to_thread(check_person, work, EVERY_EMPLOYERS, ZoneInfo(HOME_TIMEZONE))
    employers = _employers(companies)
    rows, cursor = reporting.cut_page(found, wanted, page)
    return MyFindings(
        items=[_shown(finding, employers, language) for finding in rows],
        next_cursor=cursor,
        unavailable=[company_ref(company) for company in unavailable],
    )


def _segments(found: Found, now: datetime) -> Iterator[tuple[Any, Segment]]:
    for row in found.rows:
        told, status = row.published, effective(row.status, row.expires_at, now)
        if told["status"] == CANCELLED or status not in LIVE:
            continue
        segment = Segment(
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
        yield row, segment


def _youngest(companies: list[Found]) -> Any:  # noqa: ANN401 - a day, or None
    """Return the latest birth date that a company knows: what protects a minor is not lost by another's mistake."""
    return max((row.birth_date for one in companies for row in one.rows if row.birth_date is not None), default=None)


def _shown(finding: Finding, employers: Mapping[str, CompanyInfo], language: str) -> MyFinding:
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
