"""${message}

Rules of a revision:
- Expand first, contract in a later release: the code in service must run with the schema before and after this one.
- No schema names: a company's tables are found by the search path, which holds that company alone.
- SQLite alters a table only in batch mode: `with op.batch_alter_table("call") as table: ...`.
- No native enum types, identity columns, triggers or foreign keys to another schema (Citus and one-company restore).
- An index on a table that is in use is made CONCURRENTLY in production; a column with a volatile default is not added.

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
