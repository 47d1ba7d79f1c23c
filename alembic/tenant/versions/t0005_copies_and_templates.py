"""When people cannot come, as a company recorded it; which call was copied from which; templates of calls.

The code in service reads a company without these tables as one that has recorded, copied and made nothing of the kind.

Revision: t0005, after t0004.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "t0005"
down_revision = "t0004"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
KINDS = (
    "rehearsal stage_rehearsal table_read line_run blocking_run pre_rig setup focus run_through tech_dress "
    "dress_rehearsal brush_up line_check sound_check performance strike load_out travel other"
).split()


def upgrade() -> None:
    op.create_table(
        "person_unavailability",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("whole_days", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("recorded_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_person_unavailability_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_person_unavailability_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_unavailability")),
    )
    op.create_index(
        op.f("ix_person_unavailability_person_id_starts_at"), "person_unavailability", ["person_id", "starts_at"]
    )
    op.create_table(
        "call_copy",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("copied_from", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_copy_call_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["copied_from"], ["call.id"], name=op.f("fk_call_copy_copied_from"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_call_copy")),
    )
    op.create_index(op.f("ix_call_copy_copied_from"), "call_copy", ["copied_from"])
    op.create_table(
        "call_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(*KINDS, name="call_kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("breaks", JSON, nullable=False),
        sa.Column("unplaced_break_minutes", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("duration_minutes > 0", name=op.f("ck_call_template_duration_minutes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_template")),
        sa.UniqueConstraint("kind", "title", name=op.f("uq_call_template_kind_title")),
    )
    op.create_table(
        "call_template_position",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("job", sa.String(length=60), nullable=False),
        sa.Column("headcount", sa.Integer(), nullable=False),
        sa.CheckConstraint("headcount > 0", name=op.f("ck_call_template_position_headcount")),
        sa.ForeignKeyConstraint(["job"], ["job.code"], name=op.f("fk_call_template_position_job"), onupdate="CASCADE"),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["call_template.id"],
            name=op.f("fk_call_template_position_template_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_template_position")),
        sa.UniqueConstraint("template_id", "job", name=op.f("uq_call_template_position_template_id_job")),
    )
    op.create_index(op.f("ix_call_template_position_job"), "call_template_position", ["job"])


def downgrade() -> None:
    op.drop_table("call_template_position")
    op.drop_table("call_template")
    op.drop_table("call_copy")
    op.drop_table("person_unavailability")
