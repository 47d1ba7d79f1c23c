"""Shared tables of identity; secrets are stored as hashes, never as themselves."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.tenancy.base import SharedBase, UuidKey, Versioned, choice


class Role(enum.StrEnum):
    """What a member may do in one company, from most to least."""

    OWNER = "owner"
    ADMIN = "admin"
    PLANNER = "planner"
    PAYROLL = "payroll"
    VIEWER = "viewer"
    INTERMITTENT = "intermittent"


class User(Versioned, SharedBase):
    """A person with an account; `person_number` is the ledger's key once a company has linked them."""

    __tablename__ = "user"
    id: Mapped[UuidKey]
    email: Mapped[str] = mapped_column(String(320), unique=True)
    hashed_password: Mapped[str] = mapped_column(String(1024))
    full_name: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(2))
    person_number: Mapped[int] = mapped_column(BigInteger, unique=True)
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    is_superuser: Mapped[bool] = mapped_column(Boolean, default=False)
    is_verified: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime]


class AccessToken(SharedBase):
    """One login of a user: revocable, found by the SHA-256 of its token."""

    __tablename__ = "access_token"
    id: Mapped[UuidKey]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("shared.user.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    user_agent: Mapped[str | None] = mapped_column(String(200))


class Membership(Versioned, SharedBase):
    """A user's one role in a company."""

    __tablename__ = "membership"
    id: Mapped[UuidKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("shared.user.id", ondelete="CASCADE"))
    company_id: Mapped[UUID] = mapped_column(ForeignKey("shared.company.id", ondelete="CASCADE"), index=True)
    role: Mapped[Role] = mapped_column(choice(Role))
    created_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("user_id", "company_id"),)


class Invitation(SharedBase):
    """An invitation by e-mail: two tokens, of which only the mailed one proves the address."""

    __tablename__ = "invitation"
    id: Mapped[UuidKey]
    company_id: Mapped[UUID] = mapped_column(ForeignKey("shared.company.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(320))
    role: Mapped[Role] = mapped_column(choice(Role))
    person_id: Mapped[UUID | None]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    mailed_token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    inviter_id: Mapped[UUID | None]
    inviter_name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    __table_args__ = (Index(None, "company_id", "created_at"),)


class PersonLink(SharedBase):
    """A pointer from an account to its person in a company's directory: how the portal finds them, and nothing more."""

    __tablename__ = "person_link"
    id: Mapped[UuidKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("shared.user.id", ondelete="CASCADE"))
    company_id: Mapped[UUID] = mapped_column(ForeignKey("shared.company.id", ondelete="CASCADE"))
    person_id: Mapped[UUID]
    created_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("user_id", "company_id"), UniqueConstraint("company_id", "person_id"))
