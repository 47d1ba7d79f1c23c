"""The first tables of a company: directory, productions, planning, audit."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "t0001"
down_revision = None
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.String(length=60), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("before", JSON, nullable=True),
        sa.Column("after", JSON, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index(op.f("ix_audit_event_at_id"), "audit_event", ["at", "id"], unique=False)
    op.create_index(op.f("ix_audit_event_subject_id"), "audit_event", ["subject_id"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", JSON, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_key")),
        sa.UniqueConstraint("scope", "key", name=op.f("uq_idempotency_key_scope_key")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("department", sa.String(length=60), nullable=False),
        sa.Column(
            "annexe",
            sa.Enum("8", "10", "cdi", name="annexe", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("code", name=op.f("uq_job_code")),
    )
    op.create_table(
        "production",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.String(length=60), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "creation", "revival", name="production_kind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("season", sa.String(length=20), nullable=True),
        sa.Column("premiere_date", sa.Date(), nullable=True),
        sa.Column("objet_number", sa.String(length=60), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_production")),
        sa.UniqueConstraint("ref", name=op.f("uq_production_ref")),
    )
    op.create_index(op.f("ix_production_title_id"), "production", ["title", "id"], unique=False)
    op.create_table(
        "venue",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.String(length=60), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=500), nullable=True),
        sa.Column("postal_code", sa.String(length=20), nullable=True),
        sa.Column("city", sa.String(length=200), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_venue")),
        sa.UniqueConstraint("ref", name=op.f("uq_venue_ref")),
    )
    op.create_index(op.f("ix_venue_name_id"), "venue", ["name", "id"], unique=False)
    op.create_table(
        "call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.String(length=60), nullable=True),
        sa.Column("production_id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "rehearsal",
                "stage_rehearsal",
                "table_read",
                "line_run",
                "blocking_run",
                "pre_rig",
                "setup",
                "focus",
                "run_through",
                "tech_dress",
                "dress_rehearsal",
                "brush_up",
                "line_check",
                "sound_check",
                "performance",
                "strike",
                "load_out",
                "travel",
                "other",
                name="call_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("on_tour", sa.Boolean(), nullable=False),
        sa.Column("breaks", JSON, nullable=False),
        sa.Column("unplaced_break_minutes", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "published",
                "cancelled",
                name="call_status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("published_version", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published", JSON, nullable=True),
        sa.Column("cancel_reason", sa.String(length=2000), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_call_ends_after_start")),
        sa.CheckConstraint("unplaced_break_minutes >= 0", name=op.f("ck_call_unplaced_break_minutes")),
        sa.ForeignKeyConstraint(["production_id"], ["production.id"], name=op.f("fk_call_production_id")),
        sa.ForeignKeyConstraint(["venue_id"], ["venue.id"], name=op.f("fk_call_venue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
        sa.UniqueConstraint("ref", name=op.f("uq_call_ref")),
    )
    op.create_index(op.f("ix_call_production_id"), "call", ["production_id"], unique=False)
    op.create_index(op.f("ix_call_published_starts_at"), "call", ["published_starts_at"], unique=False)
    op.create_index(op.f("ix_call_starts_at_id"), "call", ["starts_at", "id"], unique=False)
    op.create_index(op.f("ix_call_venue_id"), "call", ["venue_id"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.String(length=60), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("first_name", sa.String(length=200), nullable=False),
        sa.Column("last_name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("job", sa.String(length=60), nullable=False),
        sa.Column("department", sa.String(length=60), nullable=False),
        sa.Column(
            "annexe",
            sa.Enum("8", "10", "cdi", name="annexe", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["job"], ["job.code"], name=op.f("fk_person_job"), onupdate="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
        sa.UniqueConstraint("number", name=op.f("uq_person_number")),
        sa.UniqueConstraint("ref", name=op.f("uq_person_ref")),
        sa.UniqueConstraint("user_id", name=op.f("uq_person_user_id")),
    )
    op.create_index(op.f("ix_person_job"), "person", ["job"], unique=False)
    op.create_index(
        op.f("ix_person_last_name_first_name_id"), "person", ["last_name", "first_name", "id"], unique=False
    )
    op.create_table(
        "call_publication",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("snapshot", JSON, nullable=False),
        sa.Column("changes", JSON, nullable=False),
        sa.Column("published_by", sa.String(length=200), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_publication_call_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_publication")),
        sa.UniqueConstraint("call_id", "version", name=op.f("uq_call_publication_call_id_version")),
    )
    op.create_table(
        "position",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("job", sa.String(length=60), nullable=False),
        sa.Column("headcount", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("headcount > 0", name=op.f("ck_position_headcount")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_position_call_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["job"], ["job.code"], name=op.f("fk_position_job"), onupdate="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_position")),
        sa.UniqueConstraint("call_id", "job", name=op.f("uq_position_call_id_job")),
    )
    op.create_index(op.f("ix_position_job"), "position", ["job"], unique=False)
    op.create_table(
        "assignment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("position_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("job", sa.String(length=60), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "option",
                "accepted",
                "declined",
                "expired",
                "confirmed",
                "released",
                "cancelled",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message", sa.String(length=2000), nullable=True),
        sa.Column("reason", sa.String(length=2000), nullable=True),
        sa.Column("notice_minutes", sa.Integer(), nullable=True),
        sa.Column(
            "pay_unit",
            sa.Enum("hour", "cachet", name="pay_unit", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("cachets", sa.Integer(), nullable=True),
        sa.Column("decided_by", sa.String(length=200), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("cachets IS NULL OR cachets BETWEEN 0 AND 100", name=op.f("ck_assignment_cachets")),
        sa.CheckConstraint("rank IS NULL OR rank BETWEEN 1 AND 9", name=op.f("ck_assignment_rank")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_assignment_call_id")),
        sa.ForeignKeyConstraint(["job"], ["job.code"], name=op.f("fk_assignment_job"), onupdate="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_assignment_person_id")),
        sa.ForeignKeyConstraint(["position_id"], ["position.id"], name=op.f("fk_assignment_position_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    op.create_index(op.f("ix_assignment_call_id_id"), "assignment", ["call_id", "id"], unique=False)
    op.create_index(op.f("ix_assignment_job"), "assignment", ["job"], unique=False)
    op.create_index(op.f("ix_assignment_person_id"), "assignment", ["person_id"], unique=False)
    op.create_index(op.f("ix_assignment_position_id"), "assignment", ["position_id"], unique=False)
    op.create_index(
        "uq_assignment_live",
        "assignment",
        ["call_id", "person_id", "job"],
        unique=True,
        postgresql_where=sa.text("status IN ('accepted', 'confirmed', 'draft', 'option')"),
        sqlite_where=sa.text("status IN ('accepted', 'confirmed', 'draft', 'option')"),
    )


def downgrade() -> None:
    op.drop_index(
        "uq_assignment_live",
        table_name="assignment",
        postgresql_where=sa.text("status IN ('accepted', 'confirmed', 'draft', 'option')"),
        sqlite_where=sa.text("status IN ('accepted', 'confirmed', 'draft', 'option')"),
    )
    op.drop_index(op.f("ix_assignment_position_id"), table_name="assignment")
    op.drop_index(op.f("ix_assignment_person_id"), table_name="assignment")
    op.drop_index(op.f("ix_assignment_job"), table_name="assignment")
    op.drop_index(op.f("ix_assignment_call_id_id"), table_name="assignment")
    op.drop_table("assignment")
    op.drop_index(op.f("ix_position_job"), table_name="position")
    op.drop_table("position")
    op.drop_table("call_publication")
    op.drop_index(op.f("ix_person_last_name_first_name_id"), table_name="person")
    op.drop_index(op.f("ix_person_job"), table_name="person")
    op.drop_table("person")
    op.drop_index(op.f("ix_call_venue_id"), table_name="call")
    op.drop_index(op.f("ix_call_starts_at_id"), table_name="call")
    op.drop_index(op.f("ix_call_published_starts_at"), table_name="call")
    op.drop_index(op.f("ix_call_production_id"), table_name="call")
    op.drop_table("call")
    op.drop_index(op.f("ix_venue_name_id"), table_name="venue")
    op.drop_table("venue")
    op.drop_index(op.f("ix_production_title_id"), table_name="production")
    op.drop_table("production")
    op.drop_table("job")
    op.drop_table("idempotency_key")
    op.drop_index(op.f("ix_audit_event_subject_id"), table_name="audit_event")
    op.drop_index(op.f("ix_audit_event_at_id"), table_name="audit_event")
    op.drop_table("audit_event")
