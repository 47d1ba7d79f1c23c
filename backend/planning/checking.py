"""The dry run of a change: what would be refused, which findings would appear, go or change; nothing is stored.

It asks the ledger inside a savepoint that it takes back. "Not available" is one bit about another company here too, so
it is counted and slowed like the act itself.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, or_, select

from backend.core.errors import ConflictError
from backend.core.ids import new_id
from backend.core.resources import sent
from backend.people.models import Job, Person
from backend.planning import calls, findings, ledger, overrides, refusals
from backend.planning.domain.proposal import NEW, NewTimes, Proposal, overlapping
from backend.planning.finding_schemas import (
    CheckedCall,
    CheckIn,
    CheckOut,
    ConflictOut,
    PlannedFinding,
    RefusalOut,
    planned_finding,
)
from backend.planning.findings import CALL_FACTS, TWELVE_MONTHS, TWELVE_WEEKS, Extent
from backend.planning.fitness import Fitness
from backend.planning.models import Assignment, Call, CallStatus
from backend.planning.period import ALWAYS, Period
from backend.planning.probing import let_tell
from backend.planning.refusals import Named, times_text
from backend.productions.models import Production, Venue
from backend.rules.checks.stage import NOBODY, check_stages
from backend.rules.engine import Changes, compare, replan
from backend.rules.finding import Finding
from backend.rules.law import Law
from backend.rules.work import Segment, Work
from backend.tenancy.acting import Act

Pair = tuple[Work, Work]
_TIMES = ("starts_at", "ends_at", "breaks", "unplaced_break_minutes")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the body names, by id: its calls, the people concerned, the annexe of each job."""

    calls: Mapping[UUID, Row[Any]]
    people: Mapping[UUID, Row[Any]]
    jobs: Mapping[str, Any]


async def check_change(act: Act, body: CheckIn, language: str, most_refusals: int) -> CheckOut:
    """Say what a change would do. Raises InvalidError (unknown ids, times), ConflictError for a cancelled call.

    TooManyError when the company would be told "not available" more than `most_refusals` times in the hour.
    """
    named = Facts(await _calls(act, body), await _people(act, body), await _jobs(act, body))
    _check_names(body, named)
    moved = {str(change.call_id): _new_times(act, named.calls[change.call_id], change) for change in body.calls}
    between = _around([*named.calls.values(), *moved.values()])
    planned = await findings.read_planned(act, Extent(_concerned(body), between))
    before = {work.person: work for work in planned.works}
    for person in named.people.values():
        held = planned.fitness.of(person.id)
        before.setdefault(str(person.id), Work(str(person.id), [], person.birth_date, **held))
    _check_released(body, before)
    proposal = Proposal(moved, _confirmed(body, named, before, planned.fitness), frozenset(map(str, body.released)))
    pairs = [(work, proposal.applied_to(work)) for work in before.values()]
    law, zone = await findings.read_law_and_trips(act), ZoneInfo(act.company.timezone)
    found = await asyncio.to_thread(replan, pairs, law, zone)
    clashes = await _clashes(act, proposal, law, [*named.calls.values(), *moved.values()])
    appeared, gone, changed = (
        [*of_people, *of_stages]
        for of_people, of_stages in (
            (found.appeared, clashes.appeared),
            (found.gone, clashes.gone),
            (found.changed, clashes.changed),
        )
    )
    overridden = await overrides.of_findings(act, [*appeared, *gone, *changed])

    def shown(of: Sequence[Finding]) -> list[PlannedFinding]:
        return [planned_finding(one, language, overrides.override_of(one, overridden)) for one in of]

    return CheckOut(
        refusals=await _refusals(act, pairs, named, language, most_refusals),
        appeared=shown(appeared),
        gone=shown(gone),
        changed=shown(changed),
    )


async def _calls(act: Act, body: CheckIn) -> dict[UUID, Row[Any]]:
    ids = _named_calls(body)
    query = (
        select(*CALL_FACTS, Call.title, Call.status, Venue.timezone)
        .join(Production, Production.id == Call.production_id)
        .outerjoin(Venue, Venue.id == Call.venue_id)
        .where(or_(Call.id.in_(ids), Call.id.in_(_calls_of(body))))
    )
    return {row.call_id: row for row in await act.session.execute(query)}


def _named_calls(body: CheckIn) -> set[UUID]:
    return {one.call_id for one in body.assignments} | {one.call_id for one in body.calls}


def _calls_of(body: CheckIn) -> Any:  # noqa: ANN401 - a subquery of ids
    return select(Assignment.call_id).where(Assignment.id.in_(body.released))


async def _people(act: Act, body: CheckIn) -> dict[UUID, Row[Any]]:
    names = (Person.first_name, Person.last_name)
    query = select(Person.id, Person.birth_date, Person.number, *names).where(_concerned(body))
    return {row.id: row for row in await act.session.execute(query)}


def _concerned(body: CheckIn) -> ColumnElement[bool]:
    on_calls = select(Assignment.person_id).where(
        or_(Assignment.call_id.in_([one.call_id for one in body.calls]), Assignment.id.in_(body.released))
    )
    return or_(Person.id.in_([one.person_id for one in body.assignments]), Person.id.in_(on_calls))


async def _jobs(act: Act, body: CheckIn) -> dict[str, Any]:
    query = select(Job.code, Job.annexe).where(Job.code.in_({one.job for one in body.assignments}))
    return {row.code: row.annexe for row in await act.session.execute(query)}


def _check_names(body: CheckIn, named: Facts) -> None:
    for call_id in _named_calls(body):
        call = named.calls.get(call_id)
        if call is None:
            raise refusals.unknown_in_body("call_id")
        if call.status is CallStatus.CANCELLED:
            raise refusals.call_cancelled()
    for wanted in body.assignments:
        if wanted.person_id not in named.people:
            raise refusals.unknown_in_body("person_id")
        if wanted.job not in named.jobs:
            raise refusals.unknown_in_body("job")


def _check_released(body: CheckIn, before: Mapping[str, Work]) -> None:
    standing = {segment.assignment for work in before.values() for segment in work.segments}
    if not standing.issuperset(map(str, body.released)):
        raise refusals.unknown_in_body("released")


def _new_times(act: Act, call: Row[Any], change: CheckedCall) -> NewTimes:
    values: dict[str, Any] = {name: getattr(call, name) for name in _TIMES} | sent(change)
    calls.check_times(values, call.timezone or act.company.timezone)
    pauses = findings.pauses_of(calls.stored(values)["breaks"])
    return NewTimes(values["starts_at"], values["ends_at"], pauses, values["unplaced_break_minutes"])


def _around(times: Sequence[Any]) -> Period:
    """Return what must be read to judge calls, at their old and at their new times."""
    if not times:
        return ALWAYS
    first, last = min(one.starts_at for one in times), max(one.ends_at for one in times)
    return Period(first - TWELVE_MONTHS, last + TWELVE_WEEKS)


def _confirmed(
    body: CheckIn, named: Facts, before: Mapping[str, Work], fit: Fitness
) -> dict[str, list[Segment]]:  # fmt: skip
    """Return the segments that the body confirms, by person; one for each call, however often it is named."""
    found: dict[str, dict[UUID, Segment]] = {}
    for wanted in body.assignments:
        person, call = str(wanted.person_id), named.calls[wanted.call_id]
        standing = [s.assignment for s in before[person].segments if s.call == str(call.call_id)]
        name = standing[0] if standing else f"{NEW}{new_id()}"
        segment = findings.new_segment(call, name, wanted.job, named.jobs[wanted.job], fit)
        found.setdefault(person, {})[call.call_id] = segment
    return {person: list(segments.values()) for person, segments in found.items()}


async def _clashes(act: Act, proposal: Proposal, law: Law, times: Sequence[Any]) -> Changes:
    """Say which calls would share a stage, and which no more: of calls that move, at their old and new times."""
    if not proposal.moved:
        return Changes((), (), ())
    between = Period(min(one.starts_at for one in times), max(one.ends_at for one in times))
    calls = Work(NOBODY, [findings.stage_of(row) for row in await findings.read_stages(act, between)])
    zone = ZoneInfo(act.company.timezone)
    before, after = [
        await asyncio.to_thread(check_stages, work.segments, law, zone) for work in (calls, proposal.applied_to(calls))
    ]
    return compare(before, after)


async def _refusals(act: Act, pairs: Sequence[Pair], named: Facts, language: str, most: int) -> list[RefusalOut]:
    """Ask the ledger for everybody whose confirmed times change, and take it back."""
    numbers = {str(person.id): person.number for person in named.people.values()}
    asked = {
        ledger.Hold(_id(segment), numbers[after.person], segment.starts_at, segment.ends_at): (after, segment)
        for before, after in pairs
        for segment in _differing(after, before)
    }
    given_back = [_id(segment) for before, after in pairs for segment in _differing(before, after)]
    refused = await ledger.try_rebook(act, given_back, list(asked))
    # By person and time: what the company recorded of one day must not explain, uncounted, what is refused on another.
    written = await ledger.find_recorded_of_each(act, refused)
    words = _Words(language, await _name_calls(act, [asked[hold] for hold in refused]), _names(named))
    found = [_refusal(*asked[hold], words, written.get(hold)) for hold in refused]
    elsewhere = sum(one.code == "person_not_available" for one in found)
    if elsewhere:
        await let_tell(act, elsewhere, most)
    return found


def _differing(work: Work, other: Work) -> list[Segment]:
    """Return the confirmed segments that the other version of the work does not hold at the same times."""
    held = {_times(segment) for segment in other.segments if not segment.if_confirmed}
    return [segment for segment in work.segments if not segment.if_confirmed and _times(segment) not in held]


def _times(segment: Segment) -> tuple[str, Any, Any]:
    return segment.assignment, segment.starts_at, segment.ends_at


def _id(segment: Segment) -> UUID:
    return UUID(segment.assignment.removeprefix(NEW))


@dataclass(frozen=True, slots=True)
class _Words:
    """What the refusals of a dry run are said with: titles and zones of calls, names of people, by their ids."""

    language: str
    calls: Mapping[str, tuple[str, str]]
    people: Mapping[str, str]

    def named(self, work: Work, segment: Segment) -> Named:
        """Return somebody on a call, at the times proposed."""
        title, zone = self.calls[segment.call]
        return Named(self.people[work.person], title, times_text(segment.starts_at, segment.ends_at, zone))


def _names(named: Facts) -> dict[str, str]:
    return {str(person.id): f"{person.first_name} {person.last_name}" for person in named.people.values()}


async def _name_calls(act: Act, refused: Sequence[tuple[Work, Segment]]) -> dict[str, tuple[str, str]]:
    ids = {UUID(one.call) for work, segment in refused for one in (segment, *overlapping(work, segment))}
    if not ids:
        return {}
    query = select(Call.id, Call.title, Venue.timezone).outerjoin(Venue, Venue.id == Call.venue_id)
    rows = await act.session.execute(query.where(Call.id.in_(ids)))
    return {str(row.id): (row.title, row.timezone or act.company.timezone) for row in rows}


def _refusal(work: Work, segment: Segment, words: _Words, written: ConflictError | None) -> RefusalOut:
    others = overlapping(work, segment)
    code, sentence = "person_not_available", refusals.not_available(words.named(work, segment))
    if others:
        code, sentence = "overlap", refusals.overlap(words.named(work, others[0]))
    elif written is not None:
        code, sentence = written.code, written.sentence
    return RefusalOut(
        code=code,
        sentence=sentence.in_language(words.language),
        person_id=UUID(work.person),
        call_id=UUID(segment.call),
        conflicts=[
            ConflictOut(
                assignment_id=None if other.assignment.startswith(NEW) else UUID(other.assignment),
                call_id=UUID(other.call),
                starts_at=other.starts_at,
                ends_at=other.ends_at,
            )
            for other in others
        ],
    )
