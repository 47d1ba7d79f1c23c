"""Tables of productions and venues."""

import enum
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, Integer, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.tenancy.base import TenantBase, UuidKey, Versioned, choice


class ProductionKind(enum.StrEnum):
    """A first staging, or the taking up of an earlier one."""

    CREATION = "creation"
    REVIVAL = "revival"


class Venue(Versioned, TenantBase):
    """A place where people are called."""

    __tablename__ = "venue"
    id: Mapped[UuidKey]
    ref: Mapped[str | None] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    address: Mapped[str | None] = mapped_column(String(500))
    postal_code: Mapped[str | None] = mapped_column(String(20))
    city: Mapped[str | None] = mapped_column(String(200))
    timezone: Mapped[str] = mapped_column(String(64))
    capacity: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (Index(None, "name", "id"),)


class VenuePlace(TenantBase):
    """Where a venue is, in degrees; in a table of its own, so that a company without it yet is served as before."""

    __tablename__ = "venue_place"
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True)
    latitude: Mapped[float] = mapped_column(Float(53))
    longitude: Mapped[float] = mapped_column(Float(53))
    __table_args__ = (
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
    )


class VenueTravel(Versioned, TenantBase):
    """How long the trip between two venues takes, in either direction; the smaller id comes first."""

    __tablename__ = "venue_travel"
    id: Mapped[UuidKey]
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"))
    other_venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), index=True)
    minutes: Mapped[int] = mapped_column(Integer)
    __table_args__ = (
        UniqueConstraint("venue_id", "other_venue_id"),
        CheckConstraint("venue_id < other_venue_id", name="smaller_first"),
        CheckConstraint("minutes BETWEEN 0 AND 1440", name="minutes"),
    )


class TravelSettings(Versioned, TenantBase):
    """How the company estimates a trip: one row, or none for what Filage takes by default."""

    __tablename__ = "travel_settings"
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    speed_kmh: Mapped[int] = mapped_column(Integer)
    margin_minutes: Mapped[int] = mapped_column(Integer)
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint("speed_kmh > 0", name="speed_kmh"),
        CheckConstraint("margin_minutes >= 0", name="margin_minutes"),
    )


class Production(Versioned, TenantBase):
    """One show of the company; `objet_number` is the "numéro d'objet" given by France Travail."""

    __tablename__ = "production"
    id: Mapped[UuidKey]
    ref: Mapped[str | None] = mapped_column(String(60), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    kind: Mapped[ProductionKind] = mapped_column(choice(ProductionKind))
    season: Mapped[str | None] = mapped_column(String(20))
    premiere_date: Mapped[date | None]
    objet_number: Mapped[str | None] = mapped_column(String(60))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (Index(None, "title", "id"),)
