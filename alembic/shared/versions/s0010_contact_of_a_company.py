"""Whom to phone at a company, as it says itself: shown to the people that it calls.

Revision: s0010, after s0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "s0010"
down_revision = "s0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("company", sa.Column("contact_name", sa.String(length=200), nullable=True), schema="shared")
    op.add_column("company", sa.Column("contact_phone", sa.String(length=40), nullable=True), schema="shared")


def downgrade() -> None:
    op.drop_column("company", "contact_phone", schema="shared")
    op.drop_column("company", "contact_name", schema="shared")
