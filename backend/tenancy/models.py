"""Tables of the kernel: the installation, its companies, counters, and answers kept for repeated requests."""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.tenancy.base import SharedBase, TenantBase, UuidKey, Versioned, choice


class CompanyStatus(enum.StrEnum):
    """Life of a company, as far as it is served."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class Installation(SharedBase):
    """One row: the random id that keeps this installation's roles apart on a server shared with others."""

    __tablename__ = "installation"
    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    created_at: Mapped[datetime]


class Company(Versioned, SharedBase):
    """A production company: the tenant. `revision` is the state of its schema."""

    __tablename__ = "company"
    id: Mapped[UuidKey]
    number: Mapped[int] = mapped_column(BigInteger, unique=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    siret: Mapped[str | None] = mapped_column(String(14))
    idcc: Mapped[str | None] = mapped_column(String(4))
    timezone: Mapped[str] = mapped_column(String(64))
    city: Mapped[str | None] = mapped_column(String(200))
    licences: Mapped[list[Any]]
    contact_name: Mapped[str | None] = mapped_column(String(200))
    contact_phone: Mapped[str | None] = mapped_column(String(40))
    status: Mapped[CompanyStatus] = mapped_column(choice(CompanyStatus))
    schema_name: Mapped[str] = mapped_column(String(63), unique=True)
    role_name: Mapped[str] = mapped_column(String(63), unique=True)
    revision: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[datetime]


class FormerSlug(SharedBase):
    """A slug that a company had: kept free until `kept_until`, so that no old link leads to another company."""

    __tablename__ = "former_slug"
    slug: Mapped[str] = mapped_column(String(40), primary_key=True)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("shared.company.id", ondelete="CASCADE"), index=True)
    kept_until: Mapped[datetime]


class MigrationState(enum.StrEnum):
    """How far one company has come in one run of the fleet's migrations."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


_UNFINISHED = text("indexes_pending or state in ('pending', 'running')")


class TenantMigration(SharedBase):
    """One company in one run of the fleet's migrations; `done` is written by the transaction that changed it."""

    __tablename__ = "tenant_migration"
    id: Mapped[UuidKey]
    run_id: Mapped[UUID] = mapped_column(index=True)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("shared.company.id", ondelete="CASCADE"))
    from_revision: Mapped[str | None] = mapped_column(String(32))
    to_revision: Mapped[str] = mapped_column(String(32))
    state: Mapped[MigrationState] = mapped_column(choice(MigrationState))
    is_canary: Mapped[bool] = mapped_column(Boolean)
    attempts: Mapped[int] = mapped_column(Integer)
    # The revision is in force; the indexes that are made outside its transaction are not there yet.
    indexes_pending: Mapped[bool] = mapped_column(Boolean)
    error: Mapped[str | None] = mapped_column(String(2000))
    seconds: Mapped[float | None] = mapped_column(Float)
    lock_wait_seconds: Mapped[float] = mapped_column(Float)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("company_id", "run_id"),
        Index("ix_tenant_migration_unfinished", "company_id", postgresql_where=_UNFINISHED, sqlite_where=_UNFINISHED),
    )


class Counter(SharedBase):
    """Numbers handed out one by one where the engine has no sequences (SQLite)."""

    __tablename__ = "counter"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


class LimitCounter(SharedBase):
    """How often something limited happened in one window of time; the key is hashed, so no address is kept."""

    __tablename__ = "limit_counter"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    __table_args__ = (Index(None, "window_start"),)


class Spare(SharedBase):
    """A room without a company: the schema and role of `number`, at `revision` (backend/tenancy/spares.py)."""

    __tablename__ = "spare"
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    revision: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime]


class Latency(SharedBase):
    """Requests of one company in one minute, by bucket of duration (backend/telemetry/latency.py): counts alone.

    `company` is a schema, or empty for what belongs to no company; `process` keeps two workers' rows apart.
    """

    __tablename__ = "latency"
    minute: Mapped[datetime] = mapped_column(primary_key=True)
    company: Mapped[str] = mapped_column(String(63), primary_key=True)
    process: Mapped[str] = mapped_column(String(8), primary_key=True)
    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    requests: Mapped[int] = mapped_column(Integer)
    errors: Mapped[int] = mapped_column(Integer)


class Agenda(SharedBase):
    """A minute at which a company has something due (backend/tenancy/agenda.py); what, its own tables say."""

    __tablename__ = "agenda"
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    company_role: Mapped[str] = mapped_column(String(63))
    __table_args__ = (
        Index(None, "due_at"),
        {"info": {"company_rights": "SELECT, INSERT, DELETE", "rows_of": "company_role"}},
    )


class KeptAnswer:
    """Columns of an answer kept for its `Idempotency-Key`: the same shape in `shared` and in every company."""

    id: Mapped[UuidKey]
    scope: Mapped[str] = mapped_column(String(200))
    key: Mapped[str] = mapped_column(String(255))
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None] = mapped_column(Integer)
    headers: Mapped[dict[str, Any] | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class SharedAnswer(KeptAnswer, SharedBase):
    """An answer of a route that belongs to no company."""

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("scope", "key"),)


class TenantAnswer(KeptAnswer, TenantBase):
    """An answer of a company's route: its data never leaves the company's schema."""

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("scope", "key"),)


person_number = Sequence("person_number_seq", metadata=SharedBase.metadata)
company_number = Sequence("company_number_seq", metadata=SharedBase.metadata)


@dataclass(frozen=True, slots=True)
class CompanyInfo:
    """What the request needs to know of its company: plain values, safe to cache and to hand around."""

    id: UUID
    number: int
    slug: str
    name: str
    timezone: str
    city: str | None
    status: CompanyStatus
    schema_name: str
    role_name: str
    revision: str | None
    contact_name: str | None
    contact_phone: str | None
