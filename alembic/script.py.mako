"""${message}

How a revision of a company's tables is written (the lint of backend/tenancy/fleet/lint.py refuses the rest):

1. Expand, then contract. The code in service runs with the schema before and after this revision: add what is new and
   empty, or with a constant server_default; let a release write both; drop, rename or retype in a later release, which
   raises MINIMUM_TENANT_REVISION and says here why nobody misses the old one: WAIVED = {"drop-column": "..."}.
2. No lock is held long. The runner gives each try 2 s for a table (lock_timeout), each statement 60 s
   (statement_timeout), and each company one transaction. Fill large tables in batches by a task, not here.
3. An index on a table that exists is made outside the transaction, CONCURRENTLY, and again after a kill:
   AFTERWARDS = (CreateIndexOp("ix_call_day", "call", ["day"]),)  # from alembic.operations.ops import CreateIndexOp
   Never autocommit_block: it would end the company's transaction half-way.
4. A constraint comes NOT VALID and is validated by a later revision. A unique constraint is a unique index in AFTERWARDS.
5. It can be rendered as SQL: no op.get_bind(), no query. Where it must read, RENDERABLE = False; it is then slower.
6. No schema names: the search path holds the company's own alone. No foreign key to another schema.
7. SQLite alters in batch mode only: `with op.batch_alter_table("call") as table: table.alter_column(...)`; adding a
   column that may be empty, or an index, needs none.
8. Citus refuses native enums, domains, identity columns, triggers, custom range types and tables without primary key.
9. downgrade() leads one company back (`filage migrate --only SLUG --to REV`), with the data that the new code wrote.

A shared revision: the same, with schema="shared"; it may be waited for by every sign-up, so it is quick.

Revision: ${up_revision}, after ${down_revision | comma,n}.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
