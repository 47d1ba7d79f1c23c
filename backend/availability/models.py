"""Tables of absences: a person's own, in `shared`, and how one account is busy because of them."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.availability.domain.recurrence import MOST_CHARACTERS
from backend.tenancy.base import SharedBase, TenantBase, UuidKey, Versioned, choice

NOTE_LIMIT = 500


class Origin(enum.StrEnum):
    """Who wrote an unavailability down: the person, or their calendar."""

    HAND = "hand"
    CALENDAR = "calendar"


class Unavailability(Versioned, SharedBase):
    """What a person said once for all companies; no company's role has any right on this table.

    Of an imported event only its times are kept, and a hash of its UID, by which it is found again.
    """

    __tablename__ = "unavailability"
    id: Mapped[UuidKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("shared.user.id", ondelete="CASCADE"))
    origin: Mapped[Origin] = mapped_column(choice(Origin))
    uid_hash: Mapped[str | None] = mapped_column(String(64))
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    whole_days: Mapped[bool] = mapped_column(Boolean)
    timezone: Mapped[str] = mapped_column(String(64))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    recurrence: Mapped[str | None] = mapped_column(String(MOST_CHARACTERS))
    times: Mapped[int] = mapped_column(Integer)
    note: Mapped[str | None] = mapped_column(String(NOTE_LIMIT))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("user_id", "uid_hash"),
        Index(None, "user_id", "starts_at", "id"),
        CheckConstraint("starts_at < ends_at", name="ends_after_start"),
    )


class BusyTime(SharedBase):
    """One time at which an account is away, by the number that the ledger of bookings knows it by.

    No company's role has any right on it: acts ask with the login's own rights, and tell one bit.
    """

    __tablename__ = "busy_time"
    id: Mapped[UuidKey]
    unavailability_id: Mapped[UUID] = mapped_column(
        ForeignKey("shared.unavailability.id", ondelete="CASCADE"), index=True
    )
    person_number: Mapped[int] = mapped_column(BigInteger)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    __table_args__ = (
        Index(None, "person_number", "starts_at"),
        CheckConstraint("starts_at < ends_at", name="ends_after_start"),
    )


class BusySharing(SharedBase):
    """A person who lets the companies that they belong to see when they are busy; without a row, none does."""

    __tablename__ = "busy_sharing"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("shared.user.id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[datetime]


class PersonUnavailability(Versioned, TenantBase):
    """When a person cannot come, as one company wrote it down: for itself alone, whether or not they have an account.

    Stored beside what the person says themselves: neither knows of the other.
    """

    __tablename__ = "person_unavailability"
    id: Mapped[UuidKey]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    whole_days: Mapped[bool] = mapped_column(Boolean)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(String(NOTE_LIMIT))
    recorded_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    __table_args__ = (
        Index(None, "person_id", "starts_at"),
        CheckConstraint("starts_at < ends_at", name="ends_after_start"),
    )
