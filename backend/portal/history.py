"""What the events of a company's history are about: titles and names, read together for a whole page of events."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import InstrumentedAttribute

from backend.audit.schemas import AuditEventOut
from backend.people.models import Person, PersonPermit
from backend.planning.models import Assignment, Call, Position
from backend.productions.models import Production, Venue
from backend.tenancy.acting import Act

NAMES = ("title", "name", "label", "email")


@dataclass(frozen=True, slots=True)
class About:
    """What one event is about: the title of a call with its beginning, or of another thing; and whom it concerns."""

    title: str = ""
    starts_at: datetime | None = None
    person: str = ""


async def told_about(act: Act, events: Collection[AuditEventOut]) -> list[About]:
    """Return what each event is about, in their order, by at most seven statements however many there are."""
    assignments = await _rows(act, _ids(events, "assignment"), Assignment.id, Assignment.call_id, Assignment.person_id)
    positions = await _rows(act, _ids(events, "position"), Position.id, Position.call_id)
    permits = await _rows(act, _ids(events, "permit"), PersonPermit.id, PersonPermit.person_id)
    between = assignments | positions | permits
    named = [(_id(event, "call", between), _id(event, "person", between), event) for event in events]
    calls = await _rows(act, {one for one, _, _ in named if one}, Call.id, Call.title, Call.starts_at)
    people = await _rows(act, {one for _, one, _ in named if one}, Person.id, Person.first_name, Person.last_name)
    venues = await _rows(act, _ids(events, "venue"), Venue.id, Venue.name)
    productions = await _rows(act, _ids(events, "production"), Production.id, Production.title)
    places = {one: row[1] for one, row in (venues | productions).items()}
    return [_about(event, calls.get(call), people.get(person), places) for call, person, event in named]


async def _rows(act: Act, ids: Collection[UUID], *columns: InstrumentedAttribute[Any]) -> dict[UUID | None, Row[Any]]:
    if not ids:
        return {}
    found = await act.session.execute(select(*columns).where(columns[0].in_(ids)))
    return {row[0]: row for row in found}


def _ids(events: Iterable[AuditEventOut], subject: str) -> set[UUID]:
    return {one.subject_id for one in events if one.subject_id and one.what.partition(".")[0] == subject}


def _id(event: AuditEventOut, kind: str, between: Mapping[UUID | None, Row[Any]]) -> UUID | None:
    """Return the call or the person of an event: its subject, what its subject belongs to, or what it tells itself."""
    if event.what.partition(".")[0] == kind:
        return event.subject_id
    row = between.get(event.subject_id)
    found = getattr(row, f"{kind}_id", None) or (event.after or event.before or {}).get(f"{kind}_id")
    return UUID(str(found)) if found else None


def _about(
    event: AuditEventOut, call: Row[Any] | None, person: Row[Any] | None, places: Mapping[UUID | None, str]
) -> About:
    name = f"{person.first_name} {person.last_name}" if person else _person_told(event)
    if call is not None:
        return About(call.title, call.starts_at, name)
    told = {**(event.after or {}), **(event.before or {})}
    title = places.get(event.subject_id) or next((str(told[one]) for one in NAMES if told.get(one)), "")
    return About("" if event.what.startswith("person.") else title, None, name)


def _person_told(event: AuditEventOut) -> str:
    told = event.before or event.after or {}
    return " ".join(str(told[one]) for one in ("first_name", "last_name") if told.get(one))
