"""Acts on unavailabilities that a company records for one of its people: seen in that company alone."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select

from backend.audit.service import changes, record
from backend.availability.domain.clocks import Span
from backend.availability.models import PersonUnavailability
from backend.availability.schemas import RecordedChange, RecordedIn, RecordedOut
from backend.availability.service import Asked, instant_text, merged_times, read_span
from backend.core.errors import ConflictError, NotFoundError, Sentence
from backend.core.ids import new_id
from backend.core.pagination import Page, PageRequest, cut
from backend.core.preconditions import check_version
from backend.core.resources import sent
from backend.identity.expansion import has_templates, need_templates
from backend.people.models import Person
from backend.people.service import NO_PERSON
from backend.tenancy.acting import Act
from backend.tenancy.rows import get_row, keyset, sort_instant, values_of

SHOWN = 50
NAMED = 400  # people named in a statement; beyond them all of the company are read
_FIELDS = ("person_id", "whole_days", "starts_at", "ends_at")
_COLUMNS = tuple(PersonUnavailability.__table__.columns)


async def list_recorded(act: Act, person_id: UUID, page: PageRequest) -> Page[RecordedOut]:
    """Return one page of what the company recorded for a person, by start. Raises NotFoundError."""
    await get_row(act, Person, person_id, NO_PERSON)
    if not has_templates(act):
        return Page[RecordedOut](items=[])
    query = select(*_COLUMNS).where(PersonUnavailability.person_id == person_id)
    order = (PersonUnavailability.starts_at, PersonUnavailability.id)
    found = (await act.session.execute(keyset(query, page, order, (sort_instant, UUID)))).all()
    rows, cursor = cut(found, page, lambda row: (row.starts_at, row.id))
    return Page[RecordedOut](items=[_shown(row) for row in rows], next_cursor=cursor)


async def read_recorded(act: Act, person_id: UUID, recorded_id: UUID) -> RecordedOut:
    """Return one of them. Raises NotFoundError."""
    return _shown(await _found(act, person_id, recorded_id))


async def add_recorded(act: Act, person_id: UUID, body: RecordedIn) -> RecordedOut:
    """Record when a person cannot come; whole days are the company's. Raises NotFoundError, InvalidError."""
    need_templates(act)
    await get_row(act, Person, person_id, NO_PERSON)
    span = read_span(body, ZoneInfo(act.company.timezone), act.now)
    row = PersonUnavailability(
        id=new_id(), person_id=person_id, whole_days=body.starts_on is not None, starts_at=span.starts_at,
        ends_at=span.ends_at, note=body.note, recorded_by=act.actor.name, created_at=act.now,
    )  # fmt: skip
    act.session.add(row)
    await act.session.flush()
    # The note stays out of the history: what is deleted is then gone.
    record(act, "unavailability.recorded", row.id, after=values_of(row, _FIELDS))
    return _shown(row)


async def change_recorded(
    act: Act, person_id: UUID, recorded_id: UUID, body: RecordedChange, expected: int
) -> RecordedOut:
    """Change when a person cannot come. Raises NotFoundError, StaleError, InvalidError."""
    row = await _found(act, person_id, recorded_id)
    check_version(row.version, expected)
    before, values, zone = values_of(row, _FIELDS), sent(body), ZoneInfo(act.company.timezone)
    if values.keys() - {"note"}:
        wanted = RecordedIn.model_construct(**merged_times(row, body, zone))
        span = read_span(wanted, zone, act.now)
        row.whole_days, row.starts_at, row.ends_at = wanted.starts_on is not None, span.starts_at, span.ends_at
    if "note" in values:
        row.note = values["note"]
    await act.session.flush()
    if (after := values_of(row, _FIELDS)) != before:
        record(act, "unavailability.changed", recorded_id, *changes(before, after))
    return _shown(row)


async def delete_recorded(act: Act, person_id: UUID, recorded_id: UUID, expected: int) -> None:
    """Delete one. Raises NotFoundError, StaleError."""
    row = await _found(act, person_id, recorded_id)
    check_version(row.version, expected)
    before = values_of(row, _FIELDS)
    await act.session.delete(row)
    await act.session.flush()
    record(act, "unavailability.deleted", recorded_id, before=before)


async def find_recorded(act: Act, asked: Sequence[Asked]) -> Sequence[Row[Any]]:
    """Return what the company recorded of these people at these times, with their numbers, in one statement."""
    if not asked or not has_templates(act):
        return []
    first, last = min(one.span.starts_at for one in asked), max(one.span.ends_at for one in asked)
    query = (
        select(*_COLUMNS, Person.number, Person.first_name, Person.last_name)
        .join(Person, Person.id == PersonUnavailability.person_id)
        .where(PersonUnavailability.starts_at < last, PersonUnavailability.ends_at > first)
        .order_by(PersonUnavailability.starts_at, PersonUnavailability.id)
    )
    numbers = {one.number for one in asked}
    if len(numbers) <= NAMED:
        query = query.where(Person.number.in_(sorted(numbers)))
    rows = (await act.session.execute(query)).all()
    return [row for row in rows if any(is_meant(row, one) for one in asked)]


def is_meant(row: Row[Any], asked: Asked) -> bool:
    """Tell whether a recorded unavailability answers a question."""
    return row.number == asked.number and asked.span.overlaps(Span(row.starts_at, row.ends_at))


def refusal(act: Act, rows: Sequence[Row[Any]]) -> ConflictError:
    """Return the refusal of what the company itself recorded: no secret, so it says who and what is in the way."""
    told = [
        {
            "id": str(row.id), "person_id": str(row.person_id),
            "starts_at": instant_text(row.starts_at), "ends_at": instant_text(row.ends_at),
        }
        for row in rows[:SHOWN]
    ]  # fmt: skip
    return ConflictError("person_unavailable", sentence(act, rows[0]), extra={"unavailabilities": told})


def sentence(act: Act, row: Row[Any]) -> Sentence:
    """Say whom the company recorded as away, and when."""
    zone = ZoneInfo(act.company.timezone)
    first, last = (f"{at.astimezone(zone):%d/%m/%Y %H:%M}" for at in (row.starts_at, row.ends_at))
    name = f"{row.first_name} {row.last_name}"
    return Sentence(
        f"Votre compagnie a noté {name} indisponible du {first} au {last} : choisissez quelqu'un d'autre, ou changez "
        "ou supprimez cette indisponibilité (voyez « unavailabilities »).",
        f"Your company has recorded {name} as unavailable from {first} to {last}: choose somebody else, or change or "
        "delete that unavailability (see `unavailabilities`).",
    )


async def _found(act: Act, person_id: UUID, recorded_id: UUID) -> PersonUnavailability:
    row = await act.session.get(PersonUnavailability, recorded_id) if has_templates(act) else None
    if row is None or row.person_id != person_id:
        raise NotFoundError(
            "not_found",
            Sentence("Cette indisponibilité n'existe pas (ou plus).", "This unavailability does not exist (any more)."),
        )
    return row


def _shown(row: Any) -> RecordedOut:  # noqa: ANN401 - a row, or the unavailability itself
    return RecordedOut(**{name: getattr(row, name) for name in RecordedOut.model_fields})
