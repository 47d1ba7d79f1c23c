"""Every query of venues and productions; lists select columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, null, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.pagination import PageRequest
from backend.identity.expansion import has_conflicts
from backend.productions.models import Production, ProductionKind, Venue, VenuePlace
from backend.tenancy.acting import Act
from backend.tenancy.rows import holds_words, keyset, sort_text

_VENUE = tuple(Venue.__table__.columns)
_PRODUCTION = tuple(Production.__table__.columns)


@dataclass(frozen=True, slots=True)
class VenuesFilter:
    """Which venues a list holds; None leaves the question open."""

    q: str | None = None
    city: str | None = None


@dataclass(frozen=True, slots=True)
class ProductionsFilter:
    """Which productions a list holds; None leaves the question open."""

    q: str | None = None
    season: str | None = None
    kind: ProductionKind | None = None


async def list_venues(act: Act, wanted: VenuesFilter, page: PageRequest) -> Sequence[Row[Any]]:
    """Return one page of venues and a row more, by name and id."""
    query = select(*_VENUE, null().label("latitude"), null().label("longitude"))
    if has_conflicts(act):
        places = VenuePlace.venue_id == Venue.id
        query = select(*_VENUE, VenuePlace.latitude, VenuePlace.longitude).outerjoin(VenuePlace, places)
    if wanted.q is not None:
        query = query.where(holds_words(wanted.q, Venue.name, Venue.city))
    if wanted.city is not None:
        query = query.where(Venue.city == wanted.city)
    return (await act.session.execute(keyset(query, page, (Venue.name, Venue.id), (sort_text, UUID)))).all()


async def list_productions(session: AsyncSession, wanted: ProductionsFilter, page: PageRequest) -> Sequence[Row[Any]]:
    """Return one page of productions and a row more, by title and id."""
    query = select(*_PRODUCTION)
    if wanted.q is not None:
        query = query.where(holds_words(wanted.q, Production.title))
    if wanted.season is not None:
        query = query.where(Production.season == wanted.season)
    if wanted.kind is not None:
        query = query.where(Production.kind == wanted.kind)
    return (await session.execute(keyset(query, page, (Production.title, Production.id), (sort_text, UUID)))).all()
