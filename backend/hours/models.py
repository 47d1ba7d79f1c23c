"""The counter's own shared table: what a person enters by hand. It belongs to the account, and dies with it."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.hours.domain.work import Kind, Standing
from backend.tenancy.base import SharedBase, UuidKey, Versioned, choice


class HoursEntry(Versioned, SharedBase):
    """A contract, teaching, training or absence of a person; no company's role has any right on this table."""

    __tablename__ = "hours_entry"
    id: Mapped[UuidKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("shared.user.id", ondelete="CASCADE"))
    company_id: Mapped[UUID | None] = mapped_column(ForeignKey("shared.company.id", ondelete="SET NULL"), index=True)
    employer: Mapped[str] = mapped_column(String(200))
    kind: Mapped[Kind] = mapped_column(choice(Kind))
    status: Mapped[Standing] = mapped_column(choice(Standing))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    minutes: Mapped[int] = mapped_column(Integer)
    cachets: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        Index(None, "user_id", "starts_on", "id"),
        CheckConstraint("starts_on <= ends_on", name="ends_after_start"),
        CheckConstraint("minutes >= 0", name="minutes"),
        CheckConstraint("cachets >= 0", name="cachets"),
    )
