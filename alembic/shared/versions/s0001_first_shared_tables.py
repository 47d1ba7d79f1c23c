"""The first tables of the shared schema: companies, identity, the ledger of bookings."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "s0001"
down_revision = None
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "booking",
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("company_role", sa.String(length=63), nullable=False),
        sa.Column("person_number", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "confirmed", "contested", name="booking_status", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.CheckConstraint("person_number > 0", name=op.f("ck_booking_person_number")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_booking_not_empty")),
        sa.PrimaryKeyConstraint("assignment_id", name=op.f("pk_booking")),
        schema="shared",
    )
    op.create_index(op.f("ix_booking_company_id"), "booking", ["company_id"], unique=False, schema="shared")
    op.create_index(
        "ix_booking_contested",
        "booking",
        ["person_number"],
        unique=False,
        schema="shared",
        postgresql_where=sa.text("status = 'contested'"),
        sqlite_where=sa.text("status = 'contested'"),
    )
    op.create_index(
        op.f("ix_booking_person_number_starts_at"),
        "booking",
        ["person_number", "starts_at"],
        unique=False,
        schema="shared",
    )
    op.create_table(
        "company",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("siret", sa.String(length=14), nullable=True),
        sa.Column("idcc", sa.String(length=4), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("city", sa.String(length=200), nullable=True),
        sa.Column("licences", JSON, nullable=False),
        sa.Column(
            "status",
            sa.Enum("active", "suspended", name="company_status", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("schema_name", sa.String(length=63), nullable=False),
        sa.Column("role_name", sa.String(length=63), nullable=False),
        sa.Column("revision", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company")),
        sa.UniqueConstraint("number", name=op.f("uq_company_number")),
        sa.UniqueConstraint("role_name", name=op.f("uq_company_role_name")),
        sa.UniqueConstraint("schema_name", name=op.f("uq_company_schema_name")),
        sa.UniqueConstraint("slug", name=op.f("uq_company_slug")),
        schema="shared",
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
        schema="shared",
    )
    op.create_table(
        "idempotency_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", JSON, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_key")),
        sa.UniqueConstraint("scope", "key", name=op.f("uq_idempotency_key_scope_key")),
        schema="shared",
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
        schema="shared",
    )
    op.create_table(
        "limit_counter",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "window_start", name=op.f("pk_limit_counter")),
        schema="shared",
    )
    op.create_index(
        op.f("ix_limit_counter_window_start"), "limit_counter", ["window_start"], unique=False, schema="shared"
    )
    op.create_table(
        "user",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("hashed_password", sa.String(length=1024), nullable=False),
        sa.Column("full_name", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("person_number", sa.BigInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_superuser", sa.Boolean(), nullable=False),
        sa.Column("is_verified", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
        sa.UniqueConstraint("person_number", name=op.f("uq_user_person_number")),
        schema="shared",
    )
    op.create_table(
        "access_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_agent", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["shared.user.id"], name=op.f("fk_access_token_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_access_token_token_hash")),
        schema="shared",
    )
    op.create_index(op.f("ix_access_token_user_id"), "access_token", ["user_id"], unique=False, schema="shared")
    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["shared.user.id"], name=op.f("fk_calendar_feed_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_calendar_feed_secret_hash")),
        schema="shared",
    )
    op.create_index(op.f("ix_calendar_feed_user_id"), "calendar_feed", ["user_id"], unique=False, schema="shared")
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "owner",
                "admin",
                "planner",
                "payroll",
                "viewer",
                "intermittent",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("mailed_token_hash", sa.String(length=64), nullable=False),
        sa.Column("inviter_id", sa.Uuid(), nullable=True),
        sa.Column("inviter_name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["shared.company.id"], name=op.f("fk_invitation_company_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("mailed_token_hash", name=op.f("uq_invitation_mailed_token_hash")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
        schema="shared",
    )
    op.create_index(
        op.f("ix_invitation_company_id_created_at"),
        "invitation",
        ["company_id", "created_at"],
        unique=False,
        schema="shared",
    )
    op.create_table(
        "membership",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "owner",
                "admin",
                "planner",
                "payroll",
                "viewer",
                "intermittent",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["shared.company.id"], name=op.f("fk_membership_company_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["shared.user.id"], name=op.f("fk_membership_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint("user_id", "company_id", name=op.f("uq_membership_user_id_company_id")),
        schema="shared",
    )
    op.create_index(op.f("ix_membership_company_id"), "membership", ["company_id"], unique=False, schema="shared")
    op.create_table(
        "person_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["shared.company.id"], name=op.f("fk_person_link_company_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["shared.user.id"], name=op.f("fk_person_link_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_link")),
        sa.UniqueConstraint("company_id", "person_id", name=op.f("uq_person_link_company_id_person_id")),
        sa.UniqueConstraint("user_id", "company_id", name=op.f("uq_person_link_user_id_company_id")),
        schema="shared",
    )

    if op.get_context().dialect.name == "postgresql":
        _postgresql_only()


def _postgresql_only() -> None:
    """Numbers, and the constraint that refuses double bookings over all companies (no extension is needed for it)."""
    op.execute("CREATE SEQUENCE shared.person_number_seq")
    op.execute("CREATE SEQUENCE shared.company_number_seq")
    op.execute(
        "ALTER TABLE shared.booking ADD CONSTRAINT ex_booking_person_during EXCLUDE USING gist "
        "(int8range(person_number, person_number, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&) "
        "WHERE (status = 'confirmed')"
    )
    # An empty or endless range would slip past the constraint above.
    op.execute(
        "ALTER TABLE shared.booking ADD CONSTRAINT ck_booking_finite CHECK (isfinite(starts_at) AND isfinite(ends_at))"
    )


def downgrade() -> None:
    op.drop_table("person_link", schema="shared")
    op.drop_index(op.f("ix_membership_company_id"), table_name="membership", schema="shared")
    op.drop_table("membership", schema="shared")
    op.drop_index(op.f("ix_invitation_company_id_created_at"), table_name="invitation", schema="shared")
    op.drop_table("invitation", schema="shared")
    op.drop_index(op.f("ix_calendar_feed_user_id"), table_name="calendar_feed", schema="shared")
    op.drop_table("calendar_feed", schema="shared")
    op.drop_index(op.f("ix_access_token_user_id"), table_name="access_token", schema="shared")
    op.drop_table("access_token", schema="shared")
    op.drop_table("user", schema="shared")
    op.drop_index(op.f("ix_limit_counter_window_start"), table_name="limit_counter", schema="shared")
    op.drop_table("limit_counter", schema="shared")
    op.drop_table("installation", schema="shared")
    op.drop_table("idempotency_key", schema="shared")
    op.drop_table("counter", schema="shared")
    op.drop_table("company", schema="shared")
    op.drop_index(op.f("ix_booking_person_number_starts_at"), table_name="booking", schema="shared")
    op.drop_index(
        "ix_booking_contested",
        table_name="booking",
        schema="shared",
        postgresql_where=sa.text("status = 'contested'"),
        sqlite_where=sa.text("status = 'contested'"),
    )
    op.drop_index(op.f("ix_booking_company_id"), table_name="booking", schema="shared")
    op.drop_table("booking", schema="shared")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP SEQUENCE shared.person_number_seq")
        op.execute("DROP SEQUENCE shared.company_number_seq")
