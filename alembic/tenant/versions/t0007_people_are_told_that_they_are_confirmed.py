"""A kind of news more: that a person is confirmed.

The code in service notes nothing of this kind for a company at an older revision: its people are told as before.

Revision: t0007, after t0006.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "t0007"
down_revision = "t0006"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
BEFORE = ("offered", "expiring", "promoted", "changed", "cancelled", "eve")
KINDS = ("offered", "expiring", "promoted", "confirmed", "changed", "cancelled", "eve")
STATUSES = ("queued", "sent", "failed", "skipped")
NAME, MESSAGE = "notice_kind", "message"


def upgrade() -> None:
    _let_be(BEFORE, KINDS)


def downgrade() -> None:
    for table in ("notice", MESSAGE):
        op.execute(f"DELETE FROM {table} WHERE kind = 'confirmed'")
    _let_be(KINDS, BEFORE)


def _let_be(before: tuple[str, ...], kinds: tuple[str, ...]) -> None:
    """Let the kinds be others. SQLite makes a table anew for that, from what it was; a name is all PostgreSQL needs."""
    for table in (_notice(before), _message(before)):
        with op.batch_alter_table(table.name, copy_from=table) as batch:
            batch.drop_constraint(NAME, type_="check")
            batch.create_check_constraint(NAME, _one_of("kind", kinds), postgresql_not_valid=True)
        if op.get_context().dialect.name == "postgresql":
            op.execute(f"ALTER TABLE {table.name} VALIDATE CONSTRAINT {NAME}")


def _notice(kinds: tuple[str, ...]) -> sa.Table:
    return sa.Table(
        "notice",
        sa.MetaData(),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("facts", JSON, nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("send_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_notice_person_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.CheckConstraint(_one_of("kind", kinds), name=NAME),
        sa.Index("ix_notice_person_id", "person_id"),
        sa.Index("ix_notice_message_id", "message_id"),
        sa.Index("ix_notice_call_id", "call_id"),
    )


def _message(kinds: tuple[str, ...]) -> sa.Table:
    return sa.Table(
        MESSAGE,
        sa.MetaData(),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("send_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_message_person_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
        sa.CheckConstraint(_one_of("kind", kinds), name=NAME),
        sa.CheckConstraint(_one_of("status", STATUSES), name="message_status"),
        sa.Index("ix_message_queued_at_id", "queued_at", "id"),
        sa.Index("ix_message_person_id", "person_id"),
        sa.Index("ix_message_send_after", "send_after"),
    )


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
