"""Tables of the directory."""

import enum
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
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


class Skill(Versioned, TenantBase):
    """Something that the company asks for by a name of its own."""

    __tablename__ = "skill"
    id: Mapped[UuidKey]
    code: Mapped[str] = mapped_column(String(60), unique=True)
    label: Mapped[str] = mapped_column(String(200))


class PersonSkill(TenantBase):
    """A skill that a person has."""

    __tablename__ = "person_skill"
    id: Mapped[UuidKey]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    skill: Mapped[str] = mapped_column(ForeignKey("skill.code", onupdate="CASCADE"), index=True)
    __table_args__ = (UniqueConstraint("person_id", "skill"),)


class PersonPermit(Versioned, TenantBase):
    """A title that a person holds, valid on both of its days; never anything of their health."""

    __tablename__ = "person_permit"
    id: Mapped[UuidKey]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    issuer: Mapped[str | None] = mapped_column(String(200))
    issued_on: Mapped[date]
    expires_on: Mapped[date | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (CheckConstraint("issued_on <= expires_on", name="ends_after_start"),)


class Requirement:
    """One skill or one kind of permit that something asks for."""

    id: Mapped[UuidKey]
    skill: Mapped[str | None] = mapped_column(ForeignKey("skill.code", onupdate="CASCADE"), index=True)
    permit: Mapped[str | None] = mapped_column(String(40))


class JobRequirement(Requirement, TenantBase):
    """What a job asks for on every call."""

    __tablename__ = "job_requirement"
    job: Mapped[str] = mapped_column(ForeignKey("job.code", onupdate="CASCADE", ondelete="CASCADE"))
    __table_args__ = (
        UniqueConstraint("job", "skill"),
        UniqueConstraint("job", "permit"),
        CheckConstraint("(skill IS NULL) <> (permit IS NULL)", name="one_thing"),
    )
