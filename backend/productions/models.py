"""Tables of productions and venues."""

import enum
from datetime import date, datetime

from sqlalchemy import Index, Integer, String
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
