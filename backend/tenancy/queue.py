"""The task queue's schema: its name, the worker's connection to it, and who may do what in it.

A company's role reaches no table of it: it may call `shared.add_tasks`, which stamps the company by the role in force.
"""

from typing import Any

from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Connection, text

SCHEMA = "procrastinate"
ADD_TASKS = "shared.add_tasks(jsonb)"


def connection_options(url: URL) -> dict[str, Any]:
    """Return the arguments of the worker's connection pool: the library names no schema, so the path does.

    The connection listens for notifications and keeps its path: a pooler in transaction mode must not stand between.
    """
    names: dict[str, Any] = url.translate_connect_args(database="dbname", username="user") | dict(url.query)
    options = {"options": f"-c search_path={SCHEMA}", "application_name": "filage-worker"}
    return {"conninfo": make_conninfo("", **names), "kwargs": options, "configure": _autocommit}


async def _autocommit(connection: AsyncConnection[Any]) -> None:
    # Each of the library's acts is one statement: one round trip instead of three between a mail's yes and its record.
    await connection.set_autocommit(True)


def rights(connection: Connection, app: str, companies: str) -> list[str]:
    """Return the grants of the app login and of the companies' group (quoted names); none before the schema exists."""
    if connection.execute(text("select to_regnamespace(:schema)"), {"schema": SCHEMA}).scalar() is None:
        return []
    return [
        f"REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC",
        f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {SCHEMA} FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {app}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO {app}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {SCHEMA} TO {app}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {SCHEMA} TO {app}",
        f"REVOKE ALL ON FUNCTION {ADD_TASKS} FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {ADD_TASKS} TO {app}, {companies}",
    ]
