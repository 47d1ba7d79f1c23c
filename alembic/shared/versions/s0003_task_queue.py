"""The task queue, in a schema of its own, and the one function by which tasks are added.

The tables are those that the pinned procrastinate ships, and no others: with another version this revision stops
before it has done anything. Whoever raises the version adds the files that it ships under sql/migrations as a new
revision, and writes out here the SQL that this revision ran until then.

Revision: s0003, after s0002.
"""

import hashlib

from alembic import op
from procrastinate.schema import SchemaManager

revision = "s0003"
down_revision = "s0002"
branch_labels = None
depends_on = None

EXPECTED = "c70ec4b400a60ad9592787653aae5ae77ae41bf801d56b5bd2712751a07f2009"
# The role in force, not `current_user`: inside a function that runs with its owner's rights, that is the owner. It
# reads "none" for a login (the application's or the owner's), which says for each task whose it is.
ADD_TASKS = """
CREATE FUNCTION shared.add_tasks(tasks jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, procrastinate, pg_temp AS $$
DECLARE
    acting CONSTANT text := current_setting('role');
    own uuid;
    added integer;
BEGIN
    IF acting <> 'none' THEN
        SELECT company.id INTO own FROM shared.company WHERE company.role_name = acting;
        IF own IS NULL THEN
            RAISE insufficient_privilege USING MESSAGE = 'only companies and the application add tasks';
        END IF;
        IF EXISTS (
            SELECT FROM jsonb_array_elements(tasks) AS task WHERE task ->> 'company' IS DISTINCT FROM own::text
        ) THEN
            RAISE insufficient_privilege USING MESSAGE = 'a company adds tasks of its own only';
        END IF;
    END IF;
    INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, scheduled_at, args)
    SELECT
        task ->> 'queue',
        task ->> 'name',
        coalesce(task ->> 'company', '') || '/' || (task ->> 'name') || '/' || (task ->> 'unique'),
        (task ->> 'not_before')::timestamptz,
        jsonb_build_object(
            'company', task -> 'company', 'payload', task ->> 'payload', 'trace', coalesce(task ->> 'trace', '')
        )
    FROM jsonb_array_elements(tasks) AS task
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN added;
END;
$$
"""

# The library's functions name no schema: their triggers must find its tables whoever writes a row, from wherever.
FIX_PATHS = """
SELECT format('ALTER FUNCTION %s SET search_path = pg_catalog, procrastinate, pg_temp', oid::regprocedure)
FROM pg_proc WHERE pronamespace = 'procrastinate'::regnamespace
"""


def upgrade() -> None:
    """Make the queue; SQLite has none: what a request hands over is done there after its commit."""
    if op.get_context().dialect.name != "postgresql":
        return
    shipped = SchemaManager.get_schema()
    found = hashlib.sha256(shipped.encode()).hexdigest()
    if found != EXPECTED:
        message = f"procrastinate ships other tables ({found}) than this revision was written for: see its first lines"
        raise RuntimeError(message)
    connection = op.get_bind().execution_options(no_parameters=True)
    connection.exec_driver_sql("CREATE SCHEMA procrastinate")
    connection.exec_driver_sql("SET LOCAL search_path TO procrastinate")
    connection.exec_driver_sql(shipped)
    for statement in connection.exec_driver_sql(FIX_PATHS).scalars().all():
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("SET LOCAL search_path TO DEFAULT")
    connection.exec_driver_sql(ADD_TASKS)
    # Until the grants that follow every migration, nobody but the owner may call it.
    connection.exec_driver_sql("REVOKE ALL ON FUNCTION shared.add_tasks(jsonb) FROM PUBLIC")


def downgrade() -> None:
    """Drop the queue with every task that waits in it."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION shared.add_tasks(jsonb)")
        op.execute("DROP SCHEMA procrastinate CASCADE")
