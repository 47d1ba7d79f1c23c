"""Tables of the directory."""

import enum
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.tenancy.base import TenantBase, UuidKey, Versioned, choice


class Annexe(enum.StrEnum):
    """Annexe of the unemployment insurance (8 technicians, 10 artists), or permanent staff."""

    TECHNICIANS = "8"
    ARTISTS = "10"
    PERMANENT = "cdi"


class Job(Versioned, TenantBase):
    """A trade: its code is what calls, people and files name."""

    __tablename__ = "job"
    id: Mapped[UuidKey]
    code: Mapped[str] = mapped_column(String(60), unique=True)
    label: Mapped[str] = mapped_column(String(200))
    department: Mapped[str] = mapped_column(String(60))
    annexe: Mapped[Annexe] = mapped_column(choice(Annexe))


class Person(Versioned, TenantBase):
    """Somebody a company works with; `number` is the ledger's key (the account's own number once linked)."""

    __tablename__ = "person"
    id: Mapped[UuidKey]
    ref: Mapped[str | None] = mapped_column(String(60), unique=True)
    number: Mapped[int] = mapped_column(BigInteger, unique=True)
    user_id: Mapped[UUID | None] = mapped_column(unique=True)
    first_name: Mapped[str] = mapped_column(String(200))
    last_name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(320), unique=True)
    phone: Mapped[str | None] = mapped_column(String(40))
    job: Mapped[str] = mapped_column(ForeignKey("job.code", onupdate="CASCADE"), index=True)
    department: Mapped[str] = mapped_column(String(60))
    annexe: Mapped[Annexe] = mapped_column(choice(Annexe))
    birth_date: Mapped[date | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (Index(None, "last_name", "first_name", "id"),)
