"""Who may do what on PostgreSQL: rights of the app login, of all companies' roles, and of one company's role.

Models say what companies may touch in `shared` by their table's `info`: `company_rights` (a list of SQL privileges) and
`rows_of` (the column that must equal `current_user`: row-level security, which no injected setting can change).
"""

from psycopg import sql
from sqlalchemy import Connection, select, text

from backend.tenancy import queue
from backend.tenancy.base import SHARED_SCHEMA, SharedBase, TenantBase
from backend.tenancy.models import Installation
from backend.tenancy.names import companies_role


def quote(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return sql.Identifier(name).as_string(None)


def grant_shared(connection: Connection, app_login: str) -> None:
    """Grant what the app login and the companies need in `shared`; safe to repeat after each migration."""
    installation = connection.execute(select(Installation.id)).scalar_one()
    group = companies_role(installation)
    if not connection.execute(text("select 1 from pg_roles where rolname = :name"), {"name": group}).scalar():
        connection.exec_driver_sql(f"CREATE ROLE {quote(group)} NOLOGIN")
    app, companies = quote(app_login), quote(group)
    statements = [
        f"REVOKE ALL ON SCHEMA {SHARED_SCHEMA} FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA {SHARED_SCHEMA} TO {app}, {companies}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SHARED_SCHEMA} TO {app}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {SHARED_SCHEMA} TO {app}",
        f"GRANT USAGE ON SEQUENCE {SHARED_SCHEMA}.person_number_seq TO {companies}",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        *queue.rights(connection, app, companies),
    ]
    for table in SharedBase.metadata.sorted_tables:
        statements += _row_security(table.name, table.info, app, companies)
    for statement in statements:
        connection.exec_driver_sql(statement)


def _row_security(table: str, info: dict[str, str], app: str, companies: str) -> list[str]:
    if "company_rights" not in info:
        return []
    name = f"{SHARED_SCHEMA}.{quote(table)}"
    return [
        f"GRANT {info['company_rights']} ON {name} TO {companies}",
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"DROP POLICY IF EXISTS own_rows ON {name}",
        f"CREATE POLICY own_rows ON {name} TO {companies} USING ({quote(info['rows_of'])} = current_user)",
        f"DROP POLICY IF EXISTS app_rows ON {name}",
        f"CREATE POLICY app_rows ON {name} TO {app} USING (true)",
    ]


def company_statements(schema: str, role: str, group: str, app_login: str) -> list[str]:
    """Return the statements that make a company's role and schema (run before its tables exist)."""
    return [
        f"CREATE ROLE {quote(role)} NOLOGIN",
        f"GRANT {quote(group)} TO {quote(role)} WITH INHERIT TRUE",
        f"GRANT {quote(role)} TO {quote(app_login)} WITH INHERIT FALSE, SET TRUE",
        f"CREATE SCHEMA {quote(schema)}",
        f"GRANT USAGE ON SCHEMA {quote(schema)} TO {quote(role)}",
    ]


def removal_statements(schema: str, role: str) -> list[str]:
    """Return the statements that take a company's schema and role away again, or what is left of them."""
    return [f"DROP SCHEMA IF EXISTS {quote(schema)} CASCADE", f"DROP ROLE IF EXISTS {quote(role)}"]


def table_statements(schema: str, role: str) -> list[str]:
    """Return the statements that give a company's role its tables (run after each change of them)."""
    tables = TenantBase.metadata.sorted_tables
    added_only = [f"{quote(schema)}.{quote(t.name)}" for t in tables if t.info.get("append_only")]
    return [
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {quote(schema)} TO {quote(role)}",
        f"REVOKE INSERT, UPDATE, DELETE ON {quote(schema)}.alembic_version FROM {quote(role)}",
        *(f"REVOKE UPDATE, DELETE ON {name} FROM {quote(role)}" for name in added_only),
    ]
