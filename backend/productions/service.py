"""Acts on venues and productions. Deletes nothing that a call still names."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from backend.audit.service import changes, record
from backend.core.errors import AppError, Sentence
from backend.core.ids import new_id
from backend.core.pagination import Page, PageRequest, cut
from backend.core.preconditions import check_version
from backend.core.resources import sent
from backend.productions import places, repository
from backend.productions.models import Production, Venue
from backend.productions.repository import ProductionsFilter, VenuesFilter
from backend.productions.schemas import (
    ProductionChange,
    ProductionIn,
    ProductionOut,
    VenueChange,
    VenueIn,
    VenueOut,
)
from backend.productions.travel import NO_VENUE
from backend.tenancy.acting import Act
from backend.tenancy.rows import apply_changes, duplicate, get_row, in_use, refusing, values_of

VENUE_FIELDS = tuple(name for name in VenueIn.model_fields if name not in places.FIELDS)
PRODUCTION_FIELDS = tuple(ProductionIn.model_fields)


async def list_venues(act: Act, wanted: VenuesFilter, page: PageRequest) -> Page[VenueOut]:
    """Return one page of venues, by name."""
    found = await repository.list_venues(act, wanted, page)
    rows, cursor = cut(found, page, lambda row: (row.name, row.id))
    return Page[VenueOut](
        items=[VenueOut.model_validate(row, from_attributes=True) for row in rows], next_cursor=cursor
    )


async def read_venue(act: Act, venue_id: UUID) -> VenueOut:
    """Return one venue. Raises NotFoundError."""
    venue = await get_row(act, Venue, venue_id, NO_VENUE)
    return _shown_venue(venue, await places.read(act, venue_id))


async def zone_of(act: Act, venue_id: UUID) -> str:
    """Return whose clock hangs at a venue. Raises NotFoundError."""
    return (await get_row(act, Venue, venue_id, NO_VENUE)).timezone


async def create_venue(act: Act, body: VenueIn) -> VenueOut:
    """Add a venue. Raises ConflictError `duplicate` when its ref is taken, InvalidError for half of coordinates."""
    values, place = _parted(_placed(act, body.model_dump()), places.NOWHERE)
    venue = Venue(id=new_id(), created_at=act.now, updated_at=act.now, **values)
    async with refusing(act.session, _venue_refusals()):
        act.session.add(venue)
    if place != places.NOWHERE:
        await places.add(act, venue.id, place)
    record(act, "venue.created", venue.id, after=values_of(venue, VENUE_FIELDS) | place)
    return _shown_venue(venue, place)


async def change_venue(act: Act, venue_id: UUID, body: VenueChange, expected: int) -> VenueOut:
    """Change a venue. Raises ConflictError `duplicate`, InvalidError for half of coordinates, StaleError."""
    venue = await get_row(act, Venue, venue_id, NO_VENUE)
    check_version(venue.version, expected)
    was_at = await places.read(act, venue_id)
    before = values_of(venue, VENUE_FIELDS) | was_at
    values, place = _parted(_placed(act, sent(body)), was_at)
    async with refusing(act.session, _venue_refusals()):
        changed = apply_changes(venue, values, updated_at=act.now)
        if place != was_at:
            await places.change(act, venue, place)
    if changed or place != was_at:
        record(act, "venue.changed", venue.id, *changes(before, values_of(venue, VENUE_FIELDS) | place))
    return _shown_venue(venue, place)


async def delete_venue(act: Act, venue_id: UUID, expected: int) -> None:
    """Delete a venue. Raises ConflictError `in_use` while a call takes place there."""
    venue = await get_row(act, Venue, venue_id, NO_VENUE)
    check_version(venue.version, expected)
    before = values_of(venue, VENUE_FIELDS) | await places.read(act, venue_id)
    async with refusing(act.session, {"fk_": in_use(_VENUE_IN_USE)}):
        await act.session.delete(venue)
    record(act, "venue.deleted", venue_id, before=before)


async def list_productions(act: Act, wanted: ProductionsFilter, page: PageRequest) -> Page[ProductionOut]:
    """Return one page of productions, by title."""
    found = await repository.list_productions(act.session, wanted, page)
    rows, cursor = cut(found, page, lambda row: (row.title, row.id))
    return Page[ProductionOut](items=[_shown_production(row) for row in rows], next_cursor=cursor)


async def read_production(act: Act, production_id: UUID) -> ProductionOut:
    """Return one production. Raises NotFoundError."""
    return _shown_production(await get_row(act, Production, production_id, _NO_PRODUCTION))


async def create_production(act: Act, body: ProductionIn) -> ProductionOut:
    """Add a production. Raises ConflictError `duplicate` when its ref is taken."""
    production = Production(id=new_id(), created_at=act.now, updated_at=act.now, **body.model_dump())
    async with refusing(act.session, _production_refusals()):
        act.session.add(production)
    record(act, "production.created", production.id, after=values_of(production, PRODUCTION_FIELDS))
    return _shown_production(production)


async def change_production(act: Act, production_id: UUID, body: ProductionChange, expected: int) -> ProductionOut:
    """Change a production. Raises ConflictError `duplicate`, StaleError."""
    production = await get_row(act, Production, production_id, _NO_PRODUCTION)
    check_version(production.version, expected)
    before = values_of(production, PRODUCTION_FIELDS)
    async with refusing(act.session, _production_refusals()):
        changed = apply_changes(production, sent(body), updated_at=act.now)
    if changed:
        after = values_of(production, PRODUCTION_FIELDS)
        record(act, "production.changed", production.id, *changes(before, after))
    return _shown_production(production)


async def delete_production(act: Act, production_id: UUID, expected: int) -> None:
    """Delete a production. Raises ConflictError `in_use` while it has calls."""
    production = await get_row(act, Production, production_id, _NO_PRODUCTION)
    check_version(production.version, expected)
    before = values_of(production, PRODUCTION_FIELDS)
    async with refusing(act.session, {"fk_": in_use(_PRODUCTION_IN_USE)}):
        await act.session.delete(production)
    record(act, "production.deleted", production_id, before=before)


def _placed(act: Act, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values, with the company's time zone where none was given."""
    if "timezone" in values and values["timezone"] is None:
        return {**values, "timezone": act.company.timezone}
    return dict(values)


def _parted(values: Mapping[str, Any], was_at: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values of the venue itself, and where it then is. Raises InvalidError for half of coordinates."""
    own = {name: value for name, value in values.items() if name not in places.FIELDS}
    place = {name: values.get(name, was_at[name]) for name in places.FIELDS}
    places.check(place)
    return own, place


def _shown_venue(venue: Venue, place: Mapping[str, Any]) -> VenueOut:
    own = {name: getattr(venue, name) for name in VenueOut.model_fields if name not in places.FIELDS}
    return VenueOut(**own, **place)


def _shown_production(row: object) -> ProductionOut:
    return ProductionOut.model_validate(row, from_attributes=True)


def _venue_refusals() -> dict[str, AppError]:
    return {"uq_venue_ref": duplicate("ref", _SAME_VENUE_REF)}


def _production_refusals() -> dict[str, AppError]:
    return {"uq_production_ref": duplicate("ref", _SAME_PRODUCTION_REF)}


_NO_PRODUCTION = Sentence("Ce spectacle n'existe pas (ou plus).", "This production does not exist (any more).")
_SAME_VENUE_REF = Sentence(
    "Un autre lieu a déjà cette référence : choisissez-en une autre.",
    "Another venue has this reference: choose another one.",
)
_SAME_PRODUCTION_REF = Sentence(
    "Un autre spectacle a déjà cette référence : choisissez-en une autre.",
    "Another production has this reference: choose another one.",
)
_VENUE_IN_USE = Sentence(
    "Des convocations ont lieu à cet endroit : donnez-leur un autre lieu ou supprimez-les, puis recommencez.",
    "Calls take place at this venue: give them another one or delete them, then try again.",
)
_PRODUCTION_IN_USE = Sentence(
    "Ce spectacle a des convocations : supprimez-les ou donnez-leur un autre spectacle, puis recommencez.",
    "This production has calls: delete them or give them another production, then try again.",
)
