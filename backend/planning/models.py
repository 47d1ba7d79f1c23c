"""Tables of the planning, and the shared ledger of bookings."""

import enum
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.people.models import Requirement
from backend.planning.domain.states import Status
from backend.tenancy.base import SharedBase, TenantBase, UuidKey, Versioned, choice


class CallKind(enum.StrEnum):
    """What people are called for."""

    REHEARSAL = "rehearsal"
    STAGE_REHEARSAL = "stage_rehearsal"
    TABLE_READ = "table_read"
    LINE_RUN = "line_run"
    BLOCKING_RUN = "blocking_run"
    PRE_RIG = "pre_rig"
    SETUP = "setup"
    FOCUS = "focus"
    RUN_THROUGH = "run_through"
    TECH_DRESS = "tech_dress"
    DRESS_REHEARSAL = "dress_rehearsal"
    BRUSH_UP = "brush_up"
    LINE_CHECK = "line_check"
    SOUND_CHECK = "sound_check"
    PERFORMANCE = "performance"
    STRIKE = "strike"
    LOAD_OUT = "load_out"
    TRAVEL = "travel"
    OTHER = "other"


class CallStatus(enum.StrEnum):
    """Whether the people called may know of it."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


class PayUnit(enum.StrEnum):
    """How an engagement is declared."""

    HOUR = "hour"
    CACHET = "cachet"


class BookingStatus(enum.StrEnum):
    """A booking holds its person, or waits until the person has chosen between two companies."""

    CONFIRMED = "confirmed"
    CONTESTED = "contested"


class Declared(enum.StrEnum):
    """What a person declared of the maxima and rests over all their employers when they accepted."""

    NONE = "none"
    COMPLIANT = "compliant"
    WITH_WARNING = "with_warning"


class NoticeKind(enum.StrEnum):
    """What a person is told of."""

    OFFERED = "offered"
    EXPIRING = "expiring"
    PROMOTED = "promoted"
    CONFIRMED = "confirmed"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    EVE = "eve"


class MessageStatus(enum.StrEnum):
    """How far a message has come."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


class Call(Versioned, TenantBase):
    """A convocation: who, where, when, for what. `published` is what the people called were told last."""

    __tablename__ = "call"
    id: Mapped[UuidKey]
    ref: Mapped[str | None] = mapped_column(String(60), unique=True)
    production_id: Mapped[UUID] = mapped_column(ForeignKey("production.id"), index=True)
    venue_id: Mapped[UUID | None] = mapped_column(ForeignKey("venue.id"), index=True)
    kind: Mapped[CallKind] = mapped_column(choice(CallKind))
    title: Mapped[str] = mapped_column(String(200))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    on_tour: Mapped[bool] = mapped_column(Boolean)
    breaks: Mapped[list[Any]]
    unplaced_break_minutes: Mapped[int] = mapped_column(Integer)
    status: Mapped[CallStatus] = mapped_column(choice(CallStatus))
    published_version: Mapped[int] = mapped_column(Integer, default=0)
    published_at: Mapped[datetime | None]
    published_starts_at: Mapped[datetime | None]
    published_ends_at: Mapped[datetime | None]
    published: Mapped[dict[str, Any] | None]
    cancel_reason: Mapped[str | None] = mapped_column(String(2000))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="ends_after_start"),
        CheckConstraint("unplaced_break_minutes >= 0", name="unplaced_break_minutes"),
        Index(None, "starts_at", "id"),
        Index(None, "published_starts_at"),
    )


class Publication(TenantBase):
    """One numbered version of a call, as it was told, and what had changed since the one before."""

    __tablename__ = "call_publication"
    id: Mapped[UuidKey]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"))
    version: Mapped[int] = mapped_column(Integer)
    snapshot: Mapped[dict[str, Any]]
    changes: Mapped[list[Any]]
    published_by: Mapped[str] = mapped_column(String(200))
    published_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("call_id", "version"),)


class CallCopy(TenantBase):
    """From which call a call was copied: what tells a second copy of the same week."""

    __tablename__ = "call_copy"
    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)
    copied_from: Mapped[UUID] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), index=True)


class CallTemplate(Versioned, TenantBase):
    """What calls of a kind have in common: their length, their breaks (minutes from the start), what they need."""

    __tablename__ = "call_template"
    id: Mapped[UuidKey]
    kind: Mapped[CallKind] = mapped_column(choice(CallKind))
    title: Mapped[str] = mapped_column(String(200))
    duration_minutes: Mapped[int] = mapped_column(Integer)
    breaks: Mapped[list[Any]]
    unplaced_break_minutes: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("kind", "title"),
        CheckConstraint("duration_minutes > 0", name="duration_minutes"),
    )


class CallTemplatePosition(TenantBase):
    """A job that calls made from a template need, and how many people of it."""

    __tablename__ = "call_template_position"
    id: Mapped[UuidKey]
    template_id: Mapped[UUID] = mapped_column(ForeignKey("call_template.id", ondelete="CASCADE"))
    job: Mapped[str] = mapped_column(ForeignKey("job.code", onupdate="CASCADE"), index=True)
    headcount: Mapped[int] = mapped_column(Integer)
    __table_args__ = (UniqueConstraint("template_id", "job"), CheckConstraint("headcount > 0", name="headcount"))


class Position(Versioned, TenantBase):
    """What a call needs: a job, and how many people of it."""

    __tablename__ = "position"
    id: Mapped[UuidKey]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"))
    job: Mapped[str] = mapped_column(ForeignKey("job.code", onupdate="CASCADE"), index=True)
    headcount: Mapped[int] = mapped_column(Integer)
    __table_args__ = (UniqueConstraint("call_id", "job"), CheckConstraint("headcount > 0", name="headcount"))


class PositionRequirement(Requirement, TenantBase):
    """What a position asks for beside what its job asks for."""

    __tablename__ = "position_requirement"
    position_id: Mapped[UUID] = mapped_column(ForeignKey("position.id", ondelete="CASCADE"))
    __table_args__ = (
        UniqueConstraint("position_id", "skill"),
        UniqueConstraint("position_id", "permit"),
        CheckConstraint("(skill IS NULL) <> (permit IS NULL)", name="one_thing"),
    )


_LIVE = text("status IN ('accepted', 'confirmed', 'draft', 'option')")  # domain.states.LIVE, as SQL


class Assignment(Versioned, TenantBase):
    """A person on a call in a job. `acted_at` is set once somebody acted in Filage: an import then leaves it alone."""

    __tablename__ = "assignment"
    id: Mapped[UuidKey]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id"))
    position_id: Mapped[UUID | None] = mapped_column(ForeignKey("position.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    job: Mapped[str] = mapped_column(ForeignKey("job.code", onupdate="CASCADE"), index=True)
    status: Mapped[Status] = mapped_column(choice(Status))
    rank: Mapped[int | None] = mapped_column(Integer)
    expires_at: Mapped[datetime | None]
    message: Mapped[str | None] = mapped_column(String(2000))
    reason: Mapped[str | None] = mapped_column(String(2000))
    notice_minutes: Mapped[int | None] = mapped_column(Integer)
    pay_unit: Mapped[PayUnit] = mapped_column(choice(PayUnit))
    cachets: Mapped[int | None] = mapped_column(Integer)
    decided_by: Mapped[str | None] = mapped_column(String(200))
    decided_at: Mapped[datetime | None]
    acted_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        Index(
            "uq_assignment_live", "call_id", "person_id", "job", unique=True, postgresql_where=_LIVE, sqlite_where=_LIVE
        ),
        Index(None, "call_id", "id"),
        CheckConstraint("rank IS NULL OR rank BETWEEN 1 AND 9", name="rank"),
        CheckConstraint("cachets IS NULL OR cachets BETWEEN 0 AND 100", name="cachets"),
    )


class Derogation(Versioned, TenantBase):
    """Why a rule may be exceeded: the ground, its document, the days it holds; without a person, for everybody.

    `limit_minutes` is how far it goes, in the unit of the rule; None: as far as the law lets.
    """

    __tablename__ = "derogation"
    id: Mapped[UuidKey]
    rule: Mapped[str] = mapped_column(String(40))
    ground: Mapped[str] = mapped_column(String(40))
    document: Mapped[str] = mapped_column(String(200))
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    limit_minutes: Mapped[int | None] = mapped_column(Integer)
    recorded_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    __table_args__ = (CheckConstraint("valid_from <= valid_to", name="ends_after_start"),)


class Declaration(TenantBase):
    """That a person accepting declared to respect the maxima, warned by Filage or not; nothing of their other work.

    A table of its own: a company without it yet reads and writes its assignments as before.
    """

    __tablename__ = "declaration"
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignment.id", ondelete="CASCADE"), primary_key=True)
    answer: Mapped[Declared] = mapped_column(choice(Declared))
    declared_at: Mapped[datetime]


class Asking(TenantBase):
    """What follows from asking a person: when they are reminded, and whether they moved up as the second choice."""

    __tablename__ = "asking"
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignment.id", ondelete="CASCADE"), primary_key=True)
    remind_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    promoted_at: Mapped[datetime | None]


class Notice(TenantBase):
    """One thing that a person is to be told; several make one message. Without `send_after` it waits for publication.

    `facts` is what the person knew before (of a change), `actor_id` whom to ask.
    """

    __tablename__ = "notice"
    id: Mapped[UuidKey]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    kind: Mapped[NoticeKind] = mapped_column(choice(NoticeKind))
    assignment_id: Mapped[UUID]
    call_id: Mapped[UUID] = mapped_column(index=True)
    facts: Mapped[dict[str, Any] | None]
    actor_id: Mapped[UUID | None]
    noted_at: Mapped[datetime]
    send_after: Mapped[datetime | None]
    message_id: Mapped[UUID | None] = mapped_column(index=True)


class Message(TenantBase):
    """One mail to one person, and what became of it: the delivery log. `reason` says why it was skipped or failed."""

    __tablename__ = "message"
    id: Mapped[UuidKey]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    kind: Mapped[NoticeKind] = mapped_column(choice(NoticeKind))
    status: Mapped[MessageStatus] = mapped_column(choice(MessageStatus))
    reason: Mapped[str | None] = mapped_column(String(60))
    queued_at: Mapped[datetime]
    send_after: Mapped[datetime] = mapped_column(index=True)
    handed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    __table_args__ = (Index(None, "queued_at", "id"),)


class Agreement(Versioned, TenantBase):
    """The company's own agreement: from when to when a rule's limit is another one, in the rule's unit."""

    __tablename__ = "agreement"
    id: Mapped[UuidKey]
    rule: Mapped[str] = mapped_column(String(40))
    limit_minutes: Mapped[int] = mapped_column(Integer)
    document: Mapped[str] = mapped_column(String(200))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    recorded_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("rule", "valid_from"),
        CheckConstraint("limit_minutes > 0", name="limit_minutes"),
        CheckConstraint("valid_to IS NULL OR valid_from <= valid_to", name="ends_after_start"),
    )


class Booking(SharedBase):
    """The ledger: one row per confirmed interval of a person, over all companies.

    The database refuses two overlapping rows of one person (`ex_booking_person_during`, made by the migration: its
    expressions have no form in the models). A company's role sees the rows whose `company_role` it is.
    """

    __tablename__ = "booking"
    assignment_id: Mapped[UUID] = mapped_column(primary_key=True)
    company_id: Mapped[UUID] = mapped_column(index=True)
    company_role: Mapped[str] = mapped_column(String(63))
    person_number: Mapped[int] = mapped_column(BigInteger)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    status: Mapped[BookingStatus] = mapped_column(choice(BookingStatus))
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="not_empty"),
        CheckConstraint("person_number > 0", name="person_number"),
        Index(None, "person_number", "starts_at"),
        Index(
            "ix_booking_contested",
            "person_number",
            postgresql_where=text("status = 'contested'"),
            sqlite_where=text("status = 'contested'"),
        ),
        {"info": {"company_rights": "SELECT, INSERT, UPDATE, DELETE", "rows_of": "company_role"}},
    )
