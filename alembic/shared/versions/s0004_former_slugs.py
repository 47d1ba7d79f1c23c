"""Slugs that companies had: kept free for a while after a rename.

Revision: s0004, after s0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "s0004"
down_revision = "s0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "former_slug",
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("kept_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["shared.company.id"], name=op.f("fk_former_slug_company_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_former_slug")),
        schema="shared",
    )
    op.create_index(op.f("ix_former_slug_company_id"), "former_slug", ["company_id"], schema="shared")


def downgrade() -> None:
    op.drop_table("former_slug", schema="shared")
