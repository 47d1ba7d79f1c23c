"""Schemas that are ready before their company is: a sign-up takes one instead of making its own.

Before going back to s0006, run a worker with FILAGE_SPARE_SCHEMAS=0 for a minute: it removes the schemas themselves.

Revision: s0007, after s0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "s0007"
down_revision = "s0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spare",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_spare")),
        schema="shared",
    )


def downgrade() -> None:
    op.drop_table("spare", schema="shared")
