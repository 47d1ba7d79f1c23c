"""Skills and permits of people, what jobs and positions ask for, where venues are and how long trips take.

Tables only: the code in service reads a company without them as one that asks for nothing and knows no place.

Revision: t0003, after t0002.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "t0003"
down_revision = "t0002"
branch_labels = None
depends_on = None

PERSON_PERMIT, VENUE_TRAVEL = "person_permit", "venue_travel"


def upgrade() -> None:
    _people()
    _requirements()
    _venues()


def _people() -> None:
    op.create_table(
        "skill",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skill")),
        sa.UniqueConstraint("code", name=op.f("uq_skill_code")),
    )
    op.create_table(
        "person_skill",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("skill", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_person_skill_person_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["skill"], ["skill.code"], name=op.f("fk_person_skill_skill"), onupdate="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_skill")),
        sa.UniqueConstraint("person_id", "skill", name=op.f("uq_person_skill_person_id_skill")),
    )
    op.create_index(op.f("ix_person_skill_skill"), "person_skill", ["skill"])
    op.create_table(
        PERSON_PERMIT,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("issuer", sa.String(length=200), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("issued_on <= expires_on", name=op.f("ck_person_permit_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_person_permit_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_permit")),
    )
    op.create_index(op.f("ix_person_permit_person_id"), PERSON_PERMIT, ["person_id"])


def _requirements() -> None:
    owners: tuple[tuple[str, sa.Column[Any], str], ...] = (
        ("job_requirement", sa.Column("job", sa.String(length=60), nullable=False), "job.code"),
        ("position_requirement", sa.Column("position_id", sa.Uuid(), nullable=False), "position.id"),
    )
    for table, column, target in owners:
        owner = column.name
        op.create_table(
            table,
            sa.Column("id", sa.Uuid(), nullable=False),
            sa.Column("skill", sa.String(length=60), nullable=True),
            sa.Column("permit", sa.String(length=40), nullable=True),
            column,
            sa.CheckConstraint("(skill IS NULL) <> (permit IS NULL)", name=op.f(f"ck_{table}_one_thing")),
            sa.ForeignKeyConstraint(
                [owner], [target], name=op.f(f"fk_{table}_{owner}"), ondelete="CASCADE",
                onupdate="CASCADE" if owner == "job" else None,
            ),
            sa.ForeignKeyConstraint(["skill"], ["skill.code"], name=op.f(f"fk_{table}_skill"), onupdate="CASCADE"),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
            sa.UniqueConstraint(owner, "permit", name=op.f(f"uq_{table}_{owner}_permit")),
            sa.UniqueConstraint(owner, "skill", name=op.f(f"uq_{table}_{owner}_skill")),
        )  # fmt: skip
        op.create_index(op.f(f"ix_{table}_skill"), table, ["skill"])


def _venues() -> None:
    op.create_table(
        "venue_place",
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("latitude", sa.Float(precision=53), nullable=False),
        sa.Column("longitude", sa.Float(precision=53), nullable=False),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name=op.f("ck_venue_place_latitude")),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name=op.f("ck_venue_place_longitude")),
        sa.ForeignKeyConstraint(["venue_id"], ["venue.id"], name=op.f("fk_venue_place_venue_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("venue_id", name=op.f("pk_venue_place")),
    )
    op.create_table(
        VENUE_TRAVEL,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("other_venue_id", sa.Uuid(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("minutes BETWEEN 0 AND 1440", name=op.f("ck_venue_travel_minutes")),
        sa.CheckConstraint("venue_id < other_venue_id", name=op.f("ck_venue_travel_smaller_first")),
        sa.ForeignKeyConstraint(["venue_id"], ["venue.id"], name=op.f("fk_venue_travel_venue_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["other_venue_id"], ["venue.id"], name=op.f("fk_venue_travel_other_venue_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_venue_travel")),
        sa.UniqueConstraint("venue_id", "other_venue_id", name=op.f("uq_venue_travel_venue_id_other_venue_id")),
    )
    op.create_index(op.f("ix_venue_travel_other_venue_id"), VENUE_TRAVEL, ["other_venue_id"])
    op.create_table(
        "travel_settings",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("speed_kmh", sa.Integer(), nullable=False),
        sa.Column("margin_minutes", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_travel_settings_one_row")),
        sa.CheckConstraint("margin_minutes >= 0", name=op.f("ck_travel_settings_margin_minutes")),
        sa.CheckConstraint("speed_kmh > 0", name=op.f("ck_travel_settings_speed_kmh")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_travel_settings")),
    )


def downgrade() -> None:
    for table in (
        "travel_settings", VENUE_TRAVEL, "venue_place", "position_requirement", "job_requirement", PERSON_PERMIT,
        "person_skill", "skill",
    ):  # fmt: skip
        op.drop_table(table)
