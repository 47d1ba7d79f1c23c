"""The portal's own shared table: calendar subscriptions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.tenancy.base import SharedBase, UuidKey


class CalendarFeed(SharedBase):
    """One subscription of a person's own calendar, found by the SHA-256 of its secret; deleting it revokes it."""

    __tablename__ = "calendar_feed"
    id: Mapped[UuidKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("shared.user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
