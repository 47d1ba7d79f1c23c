"""The table of events; a company's role may add and read rows, nothing else."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.tenancy.base import APPEND_ONLY, TenantBase, UuidKey


class AuditEvent(TenantBase):
    """One act: what it was, on what, by whom, and the values before and after."""

    __tablename__ = "audit_event"
    id: Mapped[UuidKey]
    at: Mapped[datetime]
    what: Mapped[str] = mapped_column(String(60))
    subject_id: Mapped[UUID | None] = mapped_column(index=True)
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(String(200))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    __table_args__ = (Index(None, "at", "id"), {"info": APPEND_ONLY})
