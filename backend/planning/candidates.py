"""Who could take a position: free or not, skilled or not, at what cost under the law, and how loaded their week is.

A page of people is asked about at once: as many statements for fifty as for one. "Not available" says one bit about
another company, so it is counted and slowed as the dry run counts it; whoever asks needs a transaction that writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from backend.core.pagination import PageRequest
from backend.people import service as directory
from backend.people.repository import PeopleFilter
from backend.planning import checking, refusals, repository
from backend.planning.domain.states import Status
from backend.planning.finding_schemas import CheckedAssignment, CheckIn, PlannedFinding
from backend.planning.models import Assignment, Call
from backend.planning.period import Period
from backend.planning.repository import touches
from backend.rules.finding import Severity
from backend.tenancy.acting import Act

MOST_AT_ONCE = 50
_BINDING = frozenset({Severity.HARD, Severity.DEROG})


@dataclass(frozen=True, slots=True)
class Candidate:
    """One person, and what it would mean to confirm them: `refusal` says why it is impossible, in the end's words."""

    person_id: UUID
    name: str
    job: str
    week_minutes: int
    standing: Status | None
    refusal: str | None
    findings: list[PlannedFinding]

    @property
    def rank(self) -> int:
        """0: free and fit, 1: possible with findings, 2: not possible, 3: on the call already."""
        if self.standing is not None:
            return 3
        return 2 if self.refusal is not None else 1 if self.findings else 0


@dataclass(frozen=True, slots=True)
class Candidates:
    """One page of people, the freest first, and the cursor of the next page."""

    items: list[Candidate]
    next_cursor: str | None


async def candidates(
    act: Act, call_id: UUID, job: str, wanted: PeopleFilter, page: PageRequest, language: str, most_refusals: int
) -> Candidates:
    """Say of one page of the directory who could stand on this call in this job. Raises NotFoundError, as the check.

    TooManyError as the check: where more than `most_refusals` would be told within the hour.
    """
    call = await repository.find_call(act, call_id)
    if call is None:
        raise refusals.missing(refusals.NO_CALL)
    people = await directory.list_people(act, wanted, page)
    asked = [CheckedAssignment(call_id=call_id, person_id=person.id, job=job) for person in people.items]
    if not asked:
        return Candidates([], None)
    checked = await checking.check_change(act, CheckIn(assignments=asked), language, most_refusals)
    refused = {refusal.person_id: refusal.sentence for refusal in checked.refusals}
    found: dict[UUID, list[PlannedFinding]] = {}
    for finding in (*checked.appeared, *checked.changed):
        if finding.person_id is not None and finding.severity is not Severity.INFO:
            found.setdefault(finding.person_id, []).append(finding)
    ids = [person.id for person in people.items]
    loads = await _loads(act, ids, call.starts_at)
    standing = await _standing(act, call_id, ids)
    items = [
        Candidate(
            person.id, f"{person.first_name} {person.last_name}", person.job, loads.get(person.id, 0),
            standing.get(person.id), refused.get(person.id), found.get(person.id, []),
        )
        for person in people.items
    ]  # fmt: skip
    return Candidates(sorted(items, key=_order), people.next_cursor)


def _order(one: Candidate) -> tuple[int, bool, int]:
    binding = any(finding.severity in _BINDING for finding in one.findings)
    return one.rank, binding, one.week_minutes


async def _loads(act: Act, people: list[UUID], around: datetime) -> dict[UUID, int]:
    """Return the confirmed minutes of each in the calendar week of the company, breaks without pay left out."""
    zone = ZoneInfo(act.company.timezone)
    day = around.astimezone(zone).date()
    monday = datetime.combine(day - timedelta(days=day.weekday()), time(), zone)
    week = Period(monday, datetime.combine(monday.date() + timedelta(days=7), time(), zone))
    query = (
        select(Assignment.person_id, Call.starts_at, Call.ends_at, Call.breaks, Call.unplaced_break_minutes)
        .join(Call, Call.id == Assignment.call_id)
        .where(Assignment.person_id.in_(people), Assignment.status == Status.CONFIRMED, touches(week))
    )
    found: dict[UUID, int] = {}
    for row in await act.session.execute(query):
        minutes = _minutes(row.starts_at, row.ends_at) - row.unplaced_break_minutes - sum(map(_unpaid, row.breaks))
        found[row.person_id] = found.get(row.person_id, 0) + minutes
    return found


def _unpaid(pause: Mapping[str, str]) -> int:
    if pause["paid"]:
        return 0
    return _minutes(datetime.fromisoformat(pause["starts_at"]), datetime.fromisoformat(pause["ends_at"]))


def _minutes(starts_at: datetime, ends_at: datetime) -> int:
    return int((ends_at - starts_at).total_seconds() // 60)


async def _standing(act: Act, call_id: UUID, people: list[UUID]) -> dict[UUID, Status]:
    query = select(Assignment.person_id, Assignment.status).where(
        Assignment.call_id == call_id, Assignment.person_id.in_(people), repository.is_live(act.now)
    )
    return {row.person_id: row.status for row in await act.session.execute(query)}
