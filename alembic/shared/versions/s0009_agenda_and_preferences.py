"""When which company has something due, so that nobody opens every schema each minute; and which mails people want.

Revision: s0009, after s0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "s0009"
down_revision = "s0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agenda",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("company_role", sa.String(length=63), nullable=False),
        sa.PrimaryKeyConstraint("company_id", "due_at", name=op.f("pk_agenda")),
        schema="shared",
    )
    op.create_index(op.f("ix_agenda_due_at"), "agenda", ["due_at"], schema="shared")
    op.create_table(
        "message_preference",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["shared.user.id"], name=op.f("fk_message_preference_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "kind", name=op.f("pk_message_preference")),
        schema="shared",
    )


def downgrade() -> None:
    op.drop_table("message_preference", schema="shared")
    op.drop_table("agenda", schema="shared")
