"""Latency of every company by the minute, for whoever watches: counts alone, and gone after a fortnight.

Revision: s0006, after s0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "s0006"
down_revision = "s0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "latency",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("company", sa.String(length=63), nullable=False),
        sa.Column("process", sa.String(length=8), nullable=False),
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "company", "process", "bucket", name=op.f("pk_latency")),
        schema="shared",
    )


def downgrade() -> None:
    op.drop_table("latency", schema="shared")
