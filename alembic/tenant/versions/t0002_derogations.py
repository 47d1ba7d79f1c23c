"""Recorded derogations: on which ground and by which document a rule may be exceeded, for whom, on which days.

The code in service reads a company without this table as one that has recorded none.

Revision: t0002, after t0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "t0002"
down_revision = "t0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "derogation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("ground", sa.String(length=40), nullable=False),
        sa.Column("document", sa.String(length=200), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("limit_minutes", sa.Integer(), nullable=True),
        sa.Column("recorded_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("ck_derogation_ends_after_start")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_derogation_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_derogation")),
    )
    op.create_index(op.f("ix_derogation_person_id"), "derogation", ["person_id"])


def downgrade() -> None:
    op.drop_table("derogation")
