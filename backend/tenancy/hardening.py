"""Fences that only a superuser can raise: what PostgreSQL lets everybody do, and a company's role must not.

Each fence is per database, safe to raise again, and can be looked at by any login. It takes nothing from the product:
the app and owner logins are given back what they need.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import Connection, sql

from backend.tenancy import embedded


@dataclass(frozen=True, slots=True)
class Logins:
    """The two logins of an installation."""

    app: str
    owner: str


@dataclass(frozen=True, slots=True)
class Fence:
    """One right taken from PUBLIC. `functions` is a pattern of names in pg_catalog; the rest says it in SQL."""

    name: str
    why: str
    in_force: LiteralString
    raise_by: tuple[LiteralString, ...] = ()
    functions: LiteralString | None = None
    keepers: tuple[str, ...] = ("owner",)
    essential: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of a fence: in force or missing, and what the server said when it refused to raise it."""

    fence: Fence
    in_force: bool
    refusal: str = ""


_NO_FUNCTION = (
    "select count(*) > 0 and not bool_or(has_function_privilege('public', oid, 'execute')) from pg_catalog.pg_proc "
    "where pronamespace = 'pg_catalog'::regnamespace and proname ~ :functions"
)


def _functions(
    name: str, pattern: LiteralString, why: str, keepers: tuple[str, ...] = ("owner",), *, essential: bool = False
) -> Fence:
    return Fence(name, why, _NO_FUNCTION, functions=pattern, keepers=keepers, essential=essential)


FENCES = (
    _functions(
        "set_config", "^set_config$",
        "inside any SELECT it changes the role: the next statement would run as another company",
        ("owner", "app"), essential=True,
    ),
    Fence(
        "temporary tables",
        "SELECT INTO makes one that outlives the transaction and hides the next company's table of the same name",
        "select not has_database_privilege('public', current_database(), 'temporary')",
        ("REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC", "GRANT TEMPORARY ON DATABASE {database} TO {owner}"),
        essential=True,
    ),
    Fence(
        "pg_settings",
        "an UPDATE of this view sets the role as set_config does",
        "select not has_table_privilege('public', 'pg_catalog.pg_settings', 'update')",
        ("REVOKE UPDATE ON pg_catalog.pg_settings FROM PUBLIC",),
    ),
    Fence(
        "plpgsql",
        "DO runs a whole program, SET ROLE included, as one statement",
        "select not exists (select from pg_catalog.pg_language where lanname = 'plpgsql' "
        "and has_language_privilege('public', oid, 'usage'))",
        ("REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC", "GRANT USAGE ON LANGUAGE plpgsql TO {owner}"),
    ),
    _functions("ts_stat, ts_rewrite", "^(ts_stat|ts_rewrite)$", "they run a statement that is handed to them as text"),
    _functions(
        "XML of tables and queries", "^(query|table|schema|database|cursor)_to_xml",
        "they run a statement, or read whole schemas, by a name handed to them as text",
    ),
    _functions(
        "large objects", "^(lo_|loread$|lowrite$)",
        "they stand in no schema: not exported, restored or deleted with the company",
    ),
    _functions(
        "session advisory locks", "^pg_(try_)?advisory_(lock|unlock)",
        "one outlives its transaction and could keep sign-ups and migrations waiting for ever",
    ),
    _functions(
        "names of other sessions", "^pg_stat_get_activity$",
        "the application_name of every session tells which companies are at work",
        ("owner", "pg_monitor"),
    ),
)  # fmt: skip


def harden(conninfo: str, logins: Logins) -> list[Finding]:
    """Raise every fence in the database of `conninfo` (a superuser's), and return what stands afterwards.

    Raises psycopg.Error when there is no connection to be had, or a login does not exist.
    """
    with psycopg.connect(conninfo, autocommit=True, application_name="filage-harden") as connection:
        return [_raise(connection, fence, logins) for fence in FENCES]


def harden_embedded(directory: Path) -> list[Finding]:
    """Harden the database of the embedded server in `directory`, whose superuser is at hand."""
    server = embedded.start(directory)
    embedded.make_database(server)
    return harden(server.conninfo(database=embedded.DATABASE), Logins(embedded.APP_LOGIN, embedded.OWNER_LOGIN))


def _raise(connection: Connection, fence: Fence, logins: Logins) -> Finding:
    try:
        with connection.transaction():
            for statement in _statements(connection, fence, logins):
                connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege as error:
        return Finding(fence, _stands(connection, fence), str(error).splitlines()[0])
    # A REVOKE by somebody without the right only warns: believe what is found, not what was sent.
    stands = _stands(connection, fence)
    return Finding(fence, stands, "" if stands else "the server took the statements and changed nothing")


def _stands(connection: Connection, fence: Fence) -> bool:
    question = fence.in_force.replace(":functions", "%(functions)s")
    row = connection.execute(question, {"functions": fence.functions}).fetchone()
    return bool(row and row[0])


def _statements(connection: Connection, fence: Fence, logins: Logins) -> Sequence[sql.Composed]:
    names = {
        "database": sql.Identifier(connection.info.dbname),
        "owner": sql.Identifier(logins.owner),
        "app": sql.Identifier(logins.app),
    }
    if fence.functions is None:
        return [sql.SQL(statement).format(**names) for statement in fence.raise_by]
    listed = sql.SQL(", ").join(sql.SQL(signature) for signature in _signatures(connection, fence.functions))
    keepers = [names.get(keeper, sql.Identifier(keeper)) for keeper in fence.keepers]
    return [
        sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(listed),
        sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(listed, sql.SQL(", ").join(keepers)),
    ]


def _signatures(connection: Connection, pattern: str) -> list[LiteralString]:
    """Return the functions of that name, quoted by the server itself."""
    query = (
        "select oid::regprocedure::text from pg_catalog.pg_proc "
        "where pronamespace = 'pg_catalog'::regnamespace and proname ~ %s order by 1"
    )
    return [row[0] for row in connection.execute(query, (pattern,)).fetchall()]
