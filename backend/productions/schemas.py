"""What enters and leaves the routes of venues and productions."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from backend.core.resources import AtMost, unsent
from backend.core.schemas import Body, Day, Line, Ref, Text, TimeZone, UtcInstant, Version
from backend.productions.models import ProductionKind

VenueRef = Annotated[Ref, Field(examples=["V03"], description="The company's own reference, unique in it.")]
VenueName = Annotated[Line, Field(examples=["Théâtre de la Fonderie"])]
Address = Annotated[Text, AtMost(500), Field(examples=["12 quai des Brumes"])]
PostalCode = Annotated[Line, AtMost(20), Field(examples=["44000"])]
City = Annotated[Line, Field(examples=["Nantes"])]
Capacity = Annotated[int, Field(strict=True, ge=0, le=1_000_000, examples=[420], description="Seats.")]
ProductionRef = Annotated[Ref, Field(examples=["P01"], description="The company's own reference, unique in it.")]
Title = Annotated[Line, Field(examples=["La Traversée"])]
Kind = Annotated[ProductionKind, Field(examples=["creation"], description="A first staging, or a revival.")]
Season = Annotated[Line, AtMost(20), Field(examples=["2026-2027"])]
Premiere = Annotated[Day, Field(examples=["2026-11-20"])]
ObjetNumber = Annotated[
    Line, AtMost(60), Field(examples=["26A123456789"], description="The “numéro d'objet” given by France Travail.")
]

Latitude = Annotated[
    float,
    Field(strict=True, ge=-90, le=90, allow_inf_nan=False, examples=[47.2184], description="Degrees; with longitude."),
    AfterValidator(lambda value: round(value, 6)),
]
Longitude = Annotated[
    float,
    Field(strict=True, ge=-180, le=180, allow_inf_nan=False, examples=[-1.5536], description="Degrees; with latitude."),
    AfterValidator(lambda value: round(value, 6)),
]
SpeedKmh = Annotated[
    int, Field(strict=True, ge=1, le=1000, examples=[60], description="Of the distance as the crow flies.")
]
MarginMinutes = Annotated[
    int, Field(strict=True, ge=0, le=1440, examples=[15], description="Added to each estimate: loading, parking.")
]
TripMinutes = Annotated[int, Field(strict=True, ge=0, le=1440, examples=[95], description="From door to door.")]


class VenueIn(Body):
    """What a new venue needs; its time zone is the company's unless it says another."""

    ref: VenueRef | None = None
    name: VenueName
    address: Address | None = None
    postal_code: PostalCode | None = None
    city: City | None = None
    timezone: TimeZone | None = None
    capacity: Capacity | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class VenueChange(Body):
    """What a PATCH of a venue takes; null clears a field, and puts `timezone` back to the company's."""

    ref: VenueRef | None = None
    name: VenueName = unsent()
    address: Address | None = None
    postal_code: PostalCode | None = None
    city: City | None = None
    timezone: TimeZone | None = None
    capacity: Capacity | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class VenueOut(Body):
    """A venue as it stands."""

    id: UUID
    ref: Annotated[str | None, Field(examples=["V03"])]
    name: Annotated[str, Field(examples=["Théâtre de la Fonderie"])]
    address: Annotated[str | None, Field(examples=["12 quai des Brumes"])]
    postal_code: Annotated[str | None, Field(examples=["44000"])]
    city: Annotated[str | None, Field(examples=["Nantes"])]
    timezone: Annotated[str, Field(examples=["Europe/Paris"])]
    capacity: Annotated[int | None, Field(examples=[420])]
    latitude: Annotated[float | None, Field(examples=[47.2184])]
    longitude: Annotated[float | None, Field(examples=[-1.5536])]
    created_at: UtcInstant
    updated_at: UtcInstant
    version: Version


class TripIn(Body):
    """How long the trip between two venues takes, in either direction."""

    minutes: TripMinutes


class TripOut(Body):
    """Minutes set by hand between two venues."""

    venue_id: UUID
    other_venue_id: UUID
    minutes: TripMinutes
    version: Version


class TravelSettingsChange(Body):
    """What a PATCH of the estimate of trips takes."""

    speed_kmh: SpeedKmh = unsent()
    margin_minutes: MarginMinutes = unsent()


class TravelSettingsOut(Body):
    """How trips between venues with coordinates are estimated."""

    speed_kmh: SpeedKmh
    margin_minutes: MarginMinutes
    version: Version


class ProductionIn(Body):
    """What a new production needs."""

    ref: ProductionRef | None = None
    title: Title
    kind: Kind
    season: Season | None = None
    premiere_date: Premiere | None = None
    objet_number: ObjetNumber | None = None


class ProductionChange(Body):
    """What a PATCH of a production takes; null clears a field that may be empty."""

    ref: ProductionRef | None = None
    title: Title = unsent()
    kind: Kind = unsent()
    season: Season | None = None
    premiere_date: Premiere | None = None
    objet_number: ObjetNumber | None = None


class ProductionOut(Body):
    """A production as it stands."""

    id: UUID
    ref: Annotated[str | None, Field(examples=["P01"])]
    title: Annotated[str, Field(examples=["La Traversée"])]
    kind: Kind
    season: Annotated[str | None, Field(examples=["2026-2027"])]
    premiere_date: Annotated[date | None, Field(examples=["2026-11-20"])]
    objet_number: Annotated[str | None, Field(examples=["26A123456789"])]
    created_at: UtcInstant
    updated_at: UtcInstant
    version: Version
