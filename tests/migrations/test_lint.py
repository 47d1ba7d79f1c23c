"""The lint of revisions: what the product's history must never hold, and what it may."""

import pytest

from backend.tenancy import migrations
from backend.tenancy.fleet import legs, lint


@pytest.mark.parametrize(
    ("code", "sql"),
    [
        ("not-null-without-default", "ALTER TABLE venue ADD COLUMN door VARCHAR(200) NOT NULL"),
        ("volatile-default", "ALTER TABLE venue ADD COLUMN door UUID DEFAULT gen_random_uuid()"),
        ("set-not-null", "ALTER TABLE venue ALTER COLUMN city SET NOT NULL"),
        ("type-change", "ALTER TABLE venue ALTER COLUMN city TYPE TEXT"),
        ("drop-column", "ALTER TABLE venue DROP COLUMN city"),
        ("rename", "ALTER TABLE venue RENAME COLUMN city TO town"),
        ("rename", "ALTER TABLE venue RENAME TO theatre"),
        ("foreign-key-validated", "ALTER TABLE venue ADD CONSTRAINT fk_x FOREIGN KEY(a) REFERENCES job (code)"),
        ("check-validated", "ALTER TABLE venue ADD CONSTRAINT ck_x CHECK (a > 0)"),
        ("unique-constraint", "ALTER TABLE venue ADD CONSTRAINT uq_x UNIQUE (a)"),
        ("drop-table", "DROP TABLE venue"),
        ("index-not-concurrent", "CREATE INDEX ix_x ON venue (city)"),
        ("index-not-concurrent", 'CREATE UNIQUE INDEX "ix_x" ON "call" (city)'),
        ("not-portable", "CREATE TYPE mood AS ENUM ('so')"),
        ("names-a-schema", "INSERT INTO shared.company VALUES (1)"),
        ("ends-transaction", "COMMIT"),
        ("drop-column", "ALTER TABLE venue ADD COLUMN door TEXT, DROP COLUMN city"),
    ],
)
def test_a_dangerous_statement_is_refused_by_its_rule_alone_and_may_be_waived(code: str, sql: str) -> None:
    assert [found.code for found in lint.findings(f"-- Running\n\n{sql};\n")] == [code]
    assert lint.findings(sql, {code: "nobody reads it any more"}) == []


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE venue ADD COLUMN door VARCHAR(200)",
        "ALTER TABLE venue ADD COLUMN door VARCHAR(200) DEFAULT '' NOT NULL",
        "ALTER TABLE venue ADD COLUMN door INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE venue ADD CONSTRAINT fk_x FOREIGN KEY(a) REFERENCES job (code) NOT VALID",
        "ALTER TABLE venue ADD CONSTRAINT ck_x CHECK (a > 0) NOT VALID",
        "ALTER TABLE venue VALIDATE CONSTRAINT ck_x",
        "ALTER TABLE venue DROP CONSTRAINT ck_x",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_x ON venue (city)",
        "CREATE TABLE prop (id UUID NOT NULL, PRIMARY KEY (id)); CREATE INDEX ix_prop ON prop (id)",
        "UPDATE alembic_version SET version_num='t2' WHERE alembic_version.version_num = 't1'",
    ],
)
def test_a_harmless_statement_passes(sql: str) -> None:
    assert lint.findings(sql) == []


@pytest.mark.parametrize("revision", migrations.revisions("tenant"))
def test_no_revision_of_the_product_would_stop_a_company(revision: str) -> None:
    script = migrations.scripts("tenant").get_revision(revision)
    assert script is not None
    start = script.down_revision if isinstance(script.down_revision, str) else None
    leg = legs.leg(start, revision)
    assert leg.sql is not None, "a revision that cannot be rendered is read by nobody: say why it must be so"
    assert lint.findings(leg.sql, getattr(script.module, "WAIVED", {})) == []


def test_the_minimum_is_a_revision_of_the_history_and_what_lies_before_it_is_not_served() -> None:
    assert migrations.MINIMUM_TENANT_REVISION in migrations.revisions("tenant")
    assert migrations.serves(migrations.head("tenant"))
    assert migrations.serves("t9999"), "a newer release has been here first"
    assert not migrations.serves(None)
