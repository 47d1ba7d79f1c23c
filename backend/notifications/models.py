"""The shared table of what people want to be written about; the log itself is the company's (planning.models)."""

from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.tenancy.base import SharedBase


class MessagePreference(SharedBase):
    """Whether a person wants one kind of message, from whichever company; without a row they do."""

    __tablename__ = "message_preference"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("shared.user.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    wanted: Mapped[bool] = mapped_column(Boolean)
