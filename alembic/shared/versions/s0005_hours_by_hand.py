"""What a person enters by hand for the counter of hours: it belongs to the account, and dies with it.

Revision: s0005, after s0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "s0005"
down_revision = "s0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hours_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("employer", sa.String(length=200), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "annexe_8",
                "annexe_10",
                "teaching",
                "training",
                "assimilated",
                "sickness",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "planned",
                "worked",
                "declared",
                name="standing",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("cachets", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_hours_entry_ends_after_start")),
        sa.CheckConstraint("minutes >= 0", name=op.f("ck_hours_entry_minutes")),
        sa.CheckConstraint("cachets >= 0", name=op.f("ck_hours_entry_cachets")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["shared.company.id"], name=op.f("fk_hours_entry_company_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["shared.user.id"], name=op.f("fk_hours_entry_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hours_entry")),
        schema="shared",
    )
    op.create_index(op.f("ix_hours_entry_company_id"), "hours_entry", ["company_id"], schema="shared")
    op.create_index(
        op.f("ix_hours_entry_user_id_starts_on_id"), "hours_entry", ["user_id", "starts_on", "id"], schema="shared"
    )


def downgrade() -> None:
    op.drop_table("hours_entry", schema="shared")
