"""Where venues are and how long trips between them take: minutes by hand, the company's speed, and what both make."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from backend.audit.service import changes, record
from backend.core.errors import InvalidError, NotFoundError, Sentence
from backend.core.ids import new_id
from backend.core.pagination import Page, PageRequest, cut
from backend.core.preconditions import check_version, stale
from backend.core.resources import sent
from backend.identity.expansion import has_conflicts, need_conflicts
from backend.productions.models import TravelSettings, Venue, VenuePlace, VenueTravel
from backend.productions.schemas import TravelSettingsChange, TravelSettingsOut, TripIn, TripOut
from backend.rules.travel import Travel
from backend.tenancy.acting import Act
from backend.tenancy.rows import apply_changes, get_row, keyset, refusing, values_of

SPEED_KMH, MARGIN_MINUTES = 60, 15
"""What a company has that has said nothing: a van on the road by the crow's distance, and time to park."""
THE_ROW = 1
FIELDS = ("venue_id", "other_venue_id", "minutes")
_SETTINGS = ("speed_kmh", "margin_minutes")
NO_VENUE = Sentence("Ce lieu n'existe pas (ou plus).", "This venue does not exist (any more).")
_NO_TRIP = Sentence(
    "Aucune durée de trajet n'est donnée entre ces deux lieux.",
    "No duration of the trip between these venues is given.",
)


async def known(act: Act) -> Travel:
    """Return what the company knows of its venues and trips, in two statements."""
    if not has_conflicts(act):
        names = {str(row.id): row.name for row in await act.session.execute(select(Venue.id, Venue.name))}
        return Travel(SPEED_KMH, MARGIN_MINUTES, names=names)
    query = (
        select(Venue.id, Venue.name, VenuePlace.latitude, VenuePlace.longitude, *_columns(_SETTINGS))
        .outerjoin(VenuePlace, VenuePlace.venue_id == Venue.id)
        .outerjoin(TravelSettings, true())
    )
    rows = (await act.session.execute(query)).all()
    trips = await act.session.execute(select(VenueTravel.venue_id, VenueTravel.other_venue_id, VenueTravel.minutes))
    is_set = bool(rows) and rows[0].speed_kmh is not None
    return Travel(
        rows[0].speed_kmh if is_set else SPEED_KMH,
        rows[0].margin_minutes if is_set else MARGIN_MINUTES,
        {str(row.id): (row.latitude, row.longitude) for row in rows if row.latitude is not None},
        {frozenset((str(trip.venue_id), str(trip.other_venue_id))): trip.minutes for trip in trips},
        {str(row.id): row.name for row in rows},
    )


def _columns(names: Collection[str]) -> list[InstrumentedAttribute[Any]]:
    return [getattr(TravelSettings, name) for name in names]


async def read_settings(act: Act) -> TravelSettingsOut:
    """Return how trips are estimated; version 0 while the company has set nothing."""
    row = await act.session.get(TravelSettings, THE_ROW) if has_conflicts(act) else None
    if row is None:
        return TravelSettingsOut(speed_kmh=SPEED_KMH, margin_minutes=MARGIN_MINUTES, version=0)
    return TravelSettingsOut.model_validate(row, from_attributes=True)


async def change_settings(act: Act, body: TravelSettingsChange, expected: int) -> TravelSettingsOut:
    """Change how trips are estimated. Raises StaleError."""
    need_conflicts(act)
    before = await read_settings(act)
    check_version(before.version, expected)
    values = before.model_dump(include=set(_SETTINGS)) | sent(body)
    row = await act.session.get(TravelSettings, THE_ROW)
    # Two who set it first at once: the second is told to read again.
    async with refusing(act.session, {"pk_travel_settings": stale(), "uq_travel_settings": stale()}):
        if row is None:
            row = TravelSettings(id=THE_ROW, **values)
            act.session.add(row)
        else:
            apply_changes(row, values)
    differing = changes(before.model_dump(include=set(_SETTINGS)), values)
    if differing[1]:
        record(act, "travel_settings.changed", act.company.id, *differing)
    return TravelSettingsOut.model_validate(row, from_attributes=True)


async def list_trips(act: Act, venue_id: UUID, page: PageRequest) -> Page[TripOut]:
    """Return one page of the trips from a venue whose minutes were set by hand. Raises NotFoundError."""
    await get_row(act, Venue, venue_id, NO_VENUE)
    if not has_conflicts(act):
        return Page[TripOut](items=[])
    its = or_(VenueTravel.venue_id == venue_id, VenueTravel.other_venue_id == venue_id)
    query = keyset(select(*VenueTravel.__table__.columns).where(its), page, (VenueTravel.id,), (UUID,))
    rows, cursor = cut((await act.session.execute(query)).all(), page, lambda row: (row.id,))
    return Page[TripOut](items=[_shown(row, venue_id) for row in rows], next_cursor=cursor)


async def read_trip(act: Act, venue_id: UUID, other_id: UUID) -> TripOut:
    """Return the minutes set by hand between two venues. Raises NotFoundError, InvalidError for one and the same."""
    return _shown(await _found(act, venue_id, other_id), venue_id)


async def set_trip(act: Act, venue_id: UUID, other_id: UUID, body: TripIn) -> TripOut:
    """Set the minutes between two venues, in both directions. Raises NotFoundError, InvalidError for the same venue."""
    need_conflicts(act)
    await _check_venues(act, venue_id, other_id)
    trip = await _trip(act, venue_id, other_id)
    before = None if trip is None else values_of(trip, FIELDS)
    async with refusing(act.session, {"uq_venue_travel": stale(), "fk_": NotFoundError("not_found", NO_VENUE)}):
        if trip is None:
            first, second = sorted((venue_id, other_id))
            trip = VenueTravel(id=new_id(), venue_id=first, other_venue_id=second, minutes=body.minutes)
            act.session.add(trip)
        else:
            apply_changes(trip, body.model_dump())
    after = values_of(trip, FIELDS)
    if before != after:
        record(act, "venue_travel.set", trip.id, before, after)
    return _shown(trip, venue_id)


async def delete_trip(act: Act, venue_id: UUID, other_id: UUID, expected: int) -> None:
    """Take the minutes back: the trip is estimated again. Raises NotFoundError, StaleError."""
    trip = await _found(act, venue_id, other_id)
    check_version(trip.version, expected)
    before = values_of(trip, FIELDS)
    await act.session.delete(trip)
    record(act, "venue_travel.deleted", trip.id, before=before)
    await act.session.flush()


async def _found(act: Act, venue_id: UUID, other_id: UUID) -> VenueTravel:
    need_conflicts(act)
    await _check_venues(act, venue_id, other_id)
    trip = await _trip(act, venue_id, other_id)
    if trip is None:
        raise NotFoundError("not_found", _NO_TRIP)
    return trip


async def _trip(act: Act, venue_id: UUID, other_id: UUID) -> VenueTravel | None:
    first, second = sorted((venue_id, other_id))
    its = and_(VenueTravel.venue_id == first, VenueTravel.other_venue_id == second)
    return (await act.session.scalars(select(VenueTravel).where(its))).one_or_none()


async def _check_venues(act: Act, venue_id: UUID, other_id: UUID) -> None:
    both = {venue_id, other_id}
    found = set(await act.session.scalars(select(Venue.id).where(Venue.id.in_(both))))
    if found != both:
        raise NotFoundError("not_found", NO_VENUE)
    if venue_id == other_id:
        raise InvalidError.of(
            ["path", "other_venue_id"],
            "Un trajet mène d'un lieu à un autre : choisissez deux lieux différents.",
            "A trip leads from one venue to another: choose two different ones.",
            "same_venue",
        )


def _shown(trip: VenueTravel | Row[Any], venue_id: UUID) -> TripOut:
    there = trip.other_venue_id if trip.venue_id == venue_id else trip.venue_id
    return TripOut(venue_id=venue_id, other_venue_id=there, minutes=trip.minutes, version=trip.version)
