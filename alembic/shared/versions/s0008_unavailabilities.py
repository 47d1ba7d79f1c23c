"""When people are away, given once for all companies, and who lets companies see their busy times.

No company's role gets any right on these tables: acts ask with the login's own rights.

Revision: s0008, after s0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "s0008"
down_revision = "s0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unavailability",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "origin",
            sa.Enum("hand", "calendar", name="origin", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("uid_hash", sa.String(length=64), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("whole_days", sa.Boolean(), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recurrence", sa.String(length=500), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_unavailability_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["shared.user.id"], name=op.f("fk_unavailability_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unavailability")),
        sa.UniqueConstraint("user_id", "uid_hash", name=op.f("uq_unavailability_user_id_uid_hash")),
        schema="shared",
    )
    op.create_index(
        op.f("ix_unavailability_user_id_starts_at_id"),
        "unavailability",
        ["user_id", "starts_at", "id"],
        schema="shared",
    )
    op.create_table(
        "busy_time",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("unavailability_id", sa.Uuid(), nullable=False),
        sa.Column("person_number", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_busy_time_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["unavailability_id"],
            ["shared.unavailability.id"],
            name=op.f("fk_busy_time_unavailability_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_busy_time")),
        schema="shared",
    )
    op.create_index(op.f("ix_busy_time_unavailability_id"), "busy_time", ["unavailability_id"], schema="shared")
    op.create_index(
        op.f("ix_busy_time_person_number_starts_at"), "busy_time", ["person_number", "starts_at"], schema="shared"
    )
    op.create_table(
        "busy_sharing",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["shared.user.id"], name=op.f("fk_busy_sharing_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_busy_sharing")),
        schema="shared",
    )


def downgrade() -> None:
    op.drop_table("busy_sharing", schema="shared")
    op.drop_table("busy_time", schema="shared")
    op.drop_table("unavailability", schema="shared")
