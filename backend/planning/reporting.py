"""Findings as answers: of a person, of a production, of a period of the planning; judged when asked, never stored."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select

from backend.core.pagination import PageRequest, cut
from backend.identity.access import EXPORTERS
from backend.people.models import Person
from backend.planning import findings, overrides, refusals, repository
from backend.planning.domain.discretion import NOTES_OF_PEOPLE, tells_of_people
from backend.planning.domain.states import LIVE
from backend.planning.finding_schemas import FindingsPage, NoteOut, PlannedFinding, finding_out, planned_finding
from backend.planning.findings import TWELVE_MONTHS, TWELVE_WEEKS, Extent, Planned
from backend.planning.models import Assignment, Call
from backend.planning.period import ALWAYS, BoundedPeriod, Period
from backend.rules.checks.stage import check_stages
from backend.rules.days import minute_of
from backend.rules.engine import Note, Report, check, joined
from backend.rules.finding import Finding, Severity
from backend.rules.law import Law
from backend.tenancy.acting import Act

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindingsFilter:
    """Which findings a list holds; a period keeps those whose window has a moment in it."""

    period: Period = ALWAYS
    severities: frozenset[Severity] = frozenset(Severity)


async def of_person(
    act: Act, person_id: UUID, wanted: FindingsFilter, page: PageRequest, language: str
) -> FindingsPage:  # fmt: skip
    """Return one page of what the law says of a person's work in this company. Raises NotFoundError."""
    if not await repository.person_exists(act, person_id):
        raise refusals.missing(refusals.NO_PERSON)
    planned = await findings.read_planned(act, Extent(Person.id == person_id, around(wanted.period)))
    law = await findings.read_law_and_trips(act)
    report = await _judge(act, planned, law)
    theirs = Call.id.in_(select(Assignment.call_id).where(Assignment.person_id == person_id, _stands()))
    clashes = await _clashes(act, law, wanted.period, theirs)
    return await _page(act, [*report.findings, *clashes], report.notes, wanted, page, language)


async def of_production(
    act: Act, production_id: UUID, wanted: FindingsFilter, page: PageRequest, language: str
) -> FindingsPage:  # fmt: skip
    """Return one page of what the law says of the people of a production, where its calls take part in it."""
    if not await repository.production_exists(act, production_id):
        raise refusals.missing(refusals.NO_PRODUCTION)
    its = Call.production_id == production_id
    people = select(Assignment.person_id).join(Call, Call.id == Assignment.call_id).where(its)
    planned = await findings.read_planned(act, Extent(Person.id.in_(people), around(wanted.period), its))
    law = await findings.read_law_and_trips(act)
    report = await _judge(act, planned, law)
    clashes = await _clashes(act, law, wanted.period, its)
    found = [*_told(act, _about(report.findings, planned.marked)), *clashes]
    notes = [note for note in report.notes if act.actor.role in EXPORTERS or note.code not in NOTES_OF_PEOPLE]
    return await _page(act, found, notes, wanted, page, language)


async def of_planning(
    act: Act, people: ColumnElement[bool], shown: ColumnElement[bool], calls: ColumnElement[bool],
    period: BoundedPeriod, language: str, *, covered: bool = False,
) -> list[PlannedFinding]:  # fmt: skip
    """Return what the law says of the assignments shown, save pay (INFO), and which `calls` share a stage.

    `people` are those of the assignments. `covered` keeps what a recorded derogation covers, which is INFO too.

    Twelve weeks are read on each side; night work over twelve months is for the lists.
    """
    between = Period(period.starts_at - TWELVE_WEEKS, period.ends_at + TWELVE_WEEKS)
    planned = await findings.read_planned(act, Extent(people, between, shown))
    within = minute_of(period.starts_at), minute_of(period.ends_at)
    law = await findings.read_law_and_trips(act)
    report = await asyncio.to_thread(check, planned.works, law, ZoneInfo(act.company.timezone), within)
    wanted = FindingsFilter(Period(period.starts_at, period.ends_at))
    clashes = await _clashes(act, law, wanted.period, calls)
    found = joined(Report(_about(report.findings, planned.marked), ()), clashes).findings
    kept = [
        finding for finding in _told(act, _kept(found, wanted))
        if finding.severity is not Severity.INFO or (covered and finding.covered_by is not None)
    ]  # fmt: skip
    overridden = await overrides.of_findings(act, kept)
    return [planned_finding(finding, language, overrides.override_of(finding, overridden)) for finding in kept]


async def _judge(act: Act, planned: Planned, law: Law) -> Report:
    # In a thread: a season of a large company must not hold the event loop.
    return await asyncio.to_thread(check, planned.works, law, ZoneInfo(act.company.timezone))


async def _clashes(act: Act, law: Law, period: Period, shown: ColumnElement[bool]) -> list[Finding]:
    """Return where two productions share a stage, if one of the two calls is shown."""
    rows = await findings.read_stages(act, period, shown)
    calls, seen = [findings.stage_of(row) for row in rows], {str(row.call_id) for row in rows if row.marked}
    if not calls:
        return []
    found = await asyncio.to_thread(check_stages, calls, law, ZoneInfo(act.company.timezone))
    return [finding for finding in found if not seen.isdisjoint(finding.calls)]


def _stands() -> ColumnElement[bool]:
    return Assignment.status.in_(LIVE)


async def _page(
    act: Act, found: Iterable[Finding], notes: Iterable[Note], wanted: FindingsFilter, page: PageRequest, language: str
) -> FindingsPage:  # fmt: skip
    rows, cursor = cut_page(found, wanted, page)
    overridden = await overrides.of_findings(act, rows)
    return FindingsPage(
        items=[finding_out(finding, language, overrides.override_of(finding, overridden)) for finding in rows],
        next_cursor=cursor,
        notes=[_note(note, language) for note in notes],
    )


def cut_page(
    found: Iterable[Finding], wanted: FindingsFilter, page: PageRequest
) -> tuple[list[Finding], str | None]:  # fmt: skip
    """Return one page of the wanted findings, the worst first, and the cursor of the next one."""
    after = page.values(str, str, str, str, str)
    following = (finding for finding in _kept(found, wanted) if after is None or _key(finding) > after)
    return cut(sorted(following, key=_key)[: page.limit + 1], page, _key)


def _told(act: Act, found: Iterable[Finding]) -> list[Finding]:
    """Leave out what tells an age, a skill or a permit, for whoever may not read people."""
    return [finding for finding in found if act.actor.role in EXPORTERS or not tells_of_people(finding.rule)]


def _about(found: Iterable[Finding], marked: frozenset[str]) -> list[Finding]:
    return [finding for finding in found if not marked.isdisjoint(finding.assignments)]


def _kept(found: Iterable[Finding], wanted: FindingsFilter) -> list[Finding]:
    starts, ends = wanted.period.starts_at, wanted.period.ends_at
    return [
        finding
        for finding in found
        if finding.severity in wanted.severities
        and (starts is None or finding.ends_at > starts)
        and (ends is None or finding.starts_at < ends)
    ]


def around(period: Period) -> Period:
    """Return what must be read to judge a period; a side left open stays open."""
    return Period(
        None if period.starts_at is None else period.starts_at - TWELVE_MONTHS,
        None if period.ends_at is None else period.ends_at + TWELVE_WEEKS,
    )


def _key(finding: Finding) -> Key:
    """Return the texts that order findings and tell any two of them apart."""
    return (
        str(finding.severity.rank),
        finding.starts_at.astimezone(UTC).isoformat(),
        finding.person,
        finding.rule,
        "|".join(map(str, (*finding.key, finding.if_confirmed))),
    )


def _note(note: Note, language: str) -> NoteOut:
    return NoteOut(
        code=note.code,
        sentence=note.sentence.in_language(language),
        person_id=None if note.person is None else UUID(note.person),
        call_id=None if note.call is None else UUID(note.call),
    )
