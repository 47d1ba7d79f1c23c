"""One durable row per company and run of the fleet's migrations."""

import sqlalchemy as sa
from alembic import op

revision = "s0002"
down_revision = "s0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tenant_migration",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("from_revision", sa.String(length=32), nullable=True),
        sa.Column("to_revision", sa.String(length=32), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending", "running", "done", "failed",
                name="migration_state", native_enum=False, create_constraint=True, length=32,
            ),
            nullable=False,
        ),
        sa.Column("is_canary", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("indexes_pending", sa.Boolean(), nullable=False),
        sa.Column("error", sa.String(length=2000), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("lock_wait_seconds", sa.Float(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["shared.company.id"],
            name=op.f("fk_tenant_migration_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_migration")),
        sa.UniqueConstraint("company_id", "run_id", name=op.f("uq_tenant_migration_company_id_run_id")),
        schema="shared",
    )  # fmt: skip
    op.create_index(op.f("ix_tenant_migration_run_id"), "tenant_migration", ["run_id"], unique=False, schema="shared")
    op.create_index(
        "ix_tenant_migration_unfinished",
        "tenant_migration",
        ["company_id"],
        unique=False,
        schema="shared",
        postgresql_where=sa.text("indexes_pending or state in ('pending', 'running')"),
        sqlite_where=sa.text("indexes_pending or state in ('pending', 'running')"),
    )


def downgrade() -> None:
    op.drop_index("ix_tenant_migration_unfinished", table_name="tenant_migration", schema="shared")
    op.drop_index(op.f("ix_tenant_migration_run_id"), table_name="tenant_migration", schema="shared")
    op.drop_table("tenant_migration", schema="shared")
