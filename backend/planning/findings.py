"""The company's planning judged by the rules: its people's work read in one statement, its law in another."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, false, func, select, true

from backend.people.models import Annexe, Job, Person
from backend.planning import agreements, derogations, fitness
from backend.planning.domain.states import LIVE, Status, effective
from backend.planning.domain.times import LONGEST_CALL
from backend.planning.fitness import NOTHING_ASKED, Fitness
from backend.planning.models import Assignment, Call, CallStatus
from backend.planning.period import ALWAYS, Period
from backend.productions import travel
from backend.productions.models import Production
from backend.rules.checks.stage import check_stages
from backend.rules.engine import Report, check, joined
from backend.rules.law import Law
from backend.rules.work import Pause, Segment, Trade, Work
from backend.tenancy.acting import Act
from backend.tenancy.models import Company
from backend.tenancy.session import login_rights

TRADES: Mapping[str, Trade] = {
    "comedien": Trade.DRAMA,
    "danseur": Trade.DANCE,
    "musicien": Trade.MUSIC,
    "chef_d_orchestre": Trade.MUSIC,
    "artiste_de_cirque": Trade.CIRCUS,
}
"""Job codes whose title of the convention is known; other artists are artists, everybody else is called as staff is."""

CALL_FACTS = (
    Call.id.label("call_id"),
    Call.ref.label("call_ref"),
    Call.kind,
    Call.venue_id,
    Call.starts_at,
    Call.ends_at,
    Call.on_tour,
    Call.breaks,
    Call.unplaced_break_minutes,
    Production.id.label("production_id"),
    Production.premiere_date,
)
_COLUMNS = (
    Person.id.label("person_id"),
    Person.ref.label("person_ref"),
    Person.birth_date,
    Assignment.id.label("assignment_id"),
    Assignment.job,
    Assignment.status,
    Assignment.expires_at,
    Job.annexe,
    *CALL_FACTS,
)
TWELVE_WEEKS = timedelta(weeks=12)
TWELVE_MONTHS = timedelta(weeks=53)
"""How far from a period its findings reach: means over twelve weeks, night work over twelve months."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Whose work is read, and when; `marked` says which assignments the reader asks about."""

    of: ColumnElement[bool] | None = None
    between: Period = ALWAYS
    marked: ColumnElement[bool] | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """The work that was read, people and calls by their ids, and the ids of the marked assignments."""

    works: Sequence[Work]
    marked: frozenset[str]
    fitness: Fitness = NOTHING_ASKED


async def find(act: Act) -> Report:
    """Judge everything that the company has planned; the number of statements does not depend on how much that is."""
    law, works, zone = await read_law_and_trips(act), await read_works(act), ZoneInfo(act.company.timezone)
    calls = [stage_of(row, by_ref=True) for row in await read_stages(act)]
    # In a thread: a season must not hold the event loop.
    report = await asyncio.to_thread(check, works, law, zone)
    return joined(report, await asyncio.to_thread(check_stages, calls, law, zone))


async def read_law(act: Act) -> Law:
    """Return the law that the company is judged by: everybody's, its convention's, its agreements and derogations."""
    async with login_rights(act.session):
        convention = await act.session.scalar(select(Company.idcc).where(Company.id == act.company.id))
    return Law(convention, await agreements.recorded(act), await derogations.recorded(act))


async def read_law_and_trips(act: Act) -> Law:
    """Return the law and how long the company's trips take: what only warns is for readers, and for no gate."""
    return replace(await read_law(act), travel=await travel.known(act))


async def read_works(act: Act) -> list[Work]:
    """Return the work of each person called: confirmed, or still open and marked so; what is over or refused is not.

    People and calls go by their refs, where they have one.
    """
    return _works(await _read(act, Extent()), await fitness.read(act, None, ALWAYS), by_ref=True)


async def read_planned(act: Act, extent: Extent) -> Planned:
    """Return the work of an extent, as `read_works` does, with people and calls by their ids."""
    rows = await _read(act, extent)
    fit = await fitness.read(act, extent.of, extent.between)
    marked = frozenset(str(row.assignment_id) for row in rows if row.marked)
    return Planned(_works(rows, fit, by_ref=False), marked, fit)


async def read_stages(
    act: Act, between: Period = ALWAYS, shown: ColumnElement[bool] | None = None
) -> Sequence[Row[Any]]:  # fmt: skip
    """Return the calls of a venue with others' (rows of `CALL_FACTS`), `marked` where the reader sees them."""
    query = (
        select(*CALL_FACTS, (true() if shown is None else shown).label("marked"))
        .join(Production, Production.id == Call.production_id)
        .where(Call.venue_id.in_(_shared_venues(between)), Call.status != CallStatus.CANCELLED)
        .where(*_conditions(Extent(between=between)))
        .order_by(Call.starts_at, Call.id)
    )
    return (await act.session.execute(query)).all()


def _shared_venues(between: Period) -> Select[Any]:
    """Select the venues that calls of several productions name: where one plays alone, no two meet."""
    return (
        select(Call.venue_id)
        .where(Call.status != CallStatus.CANCELLED, *_conditions(Extent(between=between)))
        .group_by(Call.venue_id)
        .having(func.count(Call.production_id.distinct()) > 1)
    )


async def _read(act: Act, extent: Extent) -> list[Row[Any]]:
    marked = false() if extent.marked is None else extent.marked
    query = (
        select(*_COLUMNS, marked.label("marked"))
        .join(Assignment, Assignment.person_id == Person.id)
        .join(Job, Job.code == Assignment.job)
        .join(Call, Call.id == Assignment.call_id)
        .join(Production, Production.id == Call.production_id)
        .where(Call.status != CallStatus.CANCELLED, Assignment.status.in_(LIVE), *_conditions(extent))
        .order_by(Person.last_name, Person.first_name, Person.id, Call.starts_at, Call.id, Assignment.id)
    )
    rows = (await act.session.execute(query)).all()
    return [row for row in rows if effective(row.status, row.expires_at, act.now) in LIVE]


def _conditions(extent: Extent) -> list[ColumnElement[bool]]:
    found = [] if extent.of is None else [extent.of]
    if extent.between.starts_at is not None:
        # No call is longer: the index on the start serves.
        found += [Call.starts_at > extent.between.starts_at - LONGEST_CALL, Call.ends_at > extent.between.starts_at]
    if extent.between.ends_at is not None:
        found.append(Call.starts_at < extent.between.ends_at)
    return found


def _works(rows: Iterable[Row[Any]], fit: Fitness, *, by_ref: bool) -> list[Work]:
    found: dict[UUID, tuple[Row[Any], list[Segment]]] = {}
    calls: dict[UUID, dict[str, Any]] = {}  # read once for everybody called
    for row in rows:
        facts = calls.get(row.call_id)
        if facts is None:
            facts = calls[row.call_id] = {"call": (by_ref and row.call_ref) or str(row.call_id), **_facts(row)}
        found.setdefault(row.person_id, (row, []))[1].append(_segment(row, facts, fit))
    return [
        Work((by_ref and row.person_ref) or str(row.person_id), segments, row.birth_date, **fit.of(row.person_id))
        for row, segments in found.values()
    ]


def _segment(row: Row[Any], facts: Mapping[str, Any], fit: Fitness) -> Segment:
    return Segment(
        assignment=str(row.assignment_id),
        trade=trade_of(row.job, row.annexe),
        if_confirmed=row.status is not Status.CONFIRMED,
        **facts,
        **fit.required(row.call_id, row.job),
    )


def new_segment(call: Row[Any], assignment: str, job: str, annexe: Annexe, fit: Fitness) -> Segment:
    """Return the segment of somebody who is not on the call (a row of `CALL_FACTS`) yet, as if confirmed."""
    return Segment(
        call=str(call.call_id),
        assignment=assignment,
        trade=trade_of(job, annexe),
        **_facts(call),
        **fit.required(call.call_id, job),
    )


def stage_of(row: Row[Any], *, by_ref: bool = False) -> Segment:
    """Return what takes place at a venue, whoever is called: a row of `read_stages`."""
    return Segment(call=(by_ref and row.call_ref) or str(row.call_id), assignment="", **_facts(row))


def _facts(row: Row[Any]) -> dict[str, Any]:
    return {
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "kind": row.kind.value,
        "pauses": pauses_of(row.breaks),
        "unplaced_break_minutes": row.unplaced_break_minutes,
        "on_tour": row.on_tour,
        "production": str(row.production_id),
        "premiere": row.premiere_date,
        "venue": "" if row.venue_id is None else str(row.venue_id),
    }


def trade_of(job: str, annexe: Annexe) -> Trade:
    """Return which part of a convention governs a job."""
    return TRADES.get(job, Trade.ARTIST if annexe is Annexe.ARTISTS else Trade.TECHNICIAN)


def pauses_of(breaks: Sequence[Mapping[str, Any]]) -> list[Pause]:
    """Return the stored breaks of a call as the rules take them."""
    return [
        Pause(datetime.fromisoformat(one["starts_at"]), datetime.fromisoformat(one["ends_at"]), one["paid"])
        for one in breaks
    ]
