"""Asked of the database before anybody is served: is each company kept apart, is each fence in force?

A mixed-up context refuses to serve anywhere. A missing fence is named in the log; in production an essential one, or a
login with too much power, refuses to serve.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.settings import Settings
from backend.telemetry.logs import get_logger
from backend.tenancy.base import SHARED_SCHEMA, SharedBase
from backend.tenancy.directory import company_columns
from backend.tenancy.engine import ScopeError
from backend.tenancy.hardening import FENCES
from backend.tenancy.models import Company, CompanyInfo
from backend.tenancy.session import LOGIN_PATH, Database

CONNECTIONS = 2
ROUNDS = 3  # asked in turn, so that a pooler that mixes transactions up is caught
_HERE = text("select current_user, current_setting('search_path'), pg_backend_pid()")
_MAY_USE = text("select has_schema_privilege(current_user, oid, 'usage') from pg_namespace where nspname = :schema")
_LOGIN = text(
    "select not rolsuper as superuser, not rolbypassrls as bypassrls, not rolinherit as inherit, "
    "not (rolcreaterole or rolcreatedb or rolreplication) as rights, "
    "not exists (select from pg_auth_members where member = r.oid and (inherit_option or admin_option)) as memberships "
    "from pg_roles r where rolname = session_user"
)
_ROW_SECURITY = text(
    "select relname from pg_class where relnamespace = to_regnamespace(:schema) and relname = any(:tables) "
    "and (not relrowsecurity or pg_has_role(session_user, relowner, 'member'))"
)
_LOGIN_RULES = {
    "superuser": "the app login is no superuser: no right and no row-level security binds one",
    "bypassrls": "the app login does not bypass row-level security",
    "inherit": "the app login is NOINHERIT: it has a company's rights only after a switch",
    "rights": "the app login makes no roles and no databases, and does not replicate",
    "memberships": "the app login inherits from no role that was granted to it",
}


class UnsafeDatabaseError(RuntimeError):
    """The database does not keep companies apart as it must; nothing is served over it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing asked: whether it holds, and whether production may serve without it."""

    name: str
    why: str
    holds: bool
    essential: bool


async def run(database: Database, settings: Settings) -> None:
    """Prove the isolation before the first request. Raises UnsafeDatabaseError; logs what is missing."""
    log = get_logger("filage.isolation")
    try:
        found = await examine(settings, database)
    except DBAPIError as error:
        if settings.environment == "production":
            message = "the isolation of companies could not be proved: the database did not answer, or is not migrated"
            raise UnsafeDatabaseError(message) from error
        log.warning("isolation_not_proved", error=type(error.orig).__name__)
        return
    missing = [check for check in found if not check.holds]
    say = log.warning if missing else log.info
    say("isolation", in_force=[c.name for c in found if c.holds], missing=[c.name for c in missing])
    essential = [check.name for check in missing if check.essential]
    if essential and settings.environment == "production":
        message = (
            f"production does not serve without: {', '.join(essential)} (see `filage db harden`, `filage db check`)"
        )
        raise UnsafeDatabaseError(message)


async def examine(settings: Settings, database: Database) -> list[Check]:
    """Return every check of this database. Raises UnsafeDatabaseError when two transactions were mixed up."""
    # Two connections of its own: a pool of one could not show that two are kept apart.
    changes = {"db_pool_size": 2, "db_pool_overflow": 0}
    own = Database(settings.model_copy(update=changes), database.urls, deliver=lambda _items: None, seed=database.seed)
    try:
        async with own.shared(write=False) as session:
            checks = [*await _login_checks(session), await _row_security(session), *await _fences(session)]
            rows = (await session.execute(company_columns().order_by(Company.number).limit(2))).all()
        companies = [CompanyInfo(*row) for row in rows] if len(rows) == CONNECTIONS else []
        await _keep_apart(own, companies)
    finally:
        await own.close()
    whose = "two companies'" if companies else "the app login's: there are no two companies yet"
    why = f"two open transactions kept their own schema and role ({whose})"
    return [Check("context isolation", why, holds=True, essential=True), *checks]


async def _login_checks(session: AsyncSession) -> list[Check]:
    row = (await session.execute(_LOGIN)).one()._asdict()
    return [Check(f"login: {name}", why, row[name], essential=True) for name, why in _LOGIN_RULES.items()]


async def _row_security(session: AsyncSession) -> Check:
    guarded = [table.name for table in SharedBase.metadata.sorted_tables if "company_rights" in table.info]
    bare = list(await session.scalars(_ROW_SECURITY, {"schema": SHARED_SCHEMA, "tables": guarded}))
    why = "row-level security shows a company its own rows of the shared tables, and the app login does not own them"
    return Check("row-level security", why, not bare, essential=True)


async def _fences(session: AsyncSession) -> list[Check]:
    checks = []
    for fence in FENCES:
        question = text(fence.in_force)
        answer = await session.scalar(question, {"functions": fence.functions} if fence.functions else {})
        checks.append(Check(fence.name, fence.why, bool(answer), fence.essential))
    return checks


async def _keep_apart(own: Database, companies: Sequence[CompanyInfo]) -> None:
    """Ask two open transactions in turn where they are, and the login afterwards; all by the ordinary way in."""
    login = (own.urls.app.username or "", LOGIN_PATH)
    wanted = [(company.role_name, company.schema_name) for company in companies] or [login] * CONNECTIONS
    try:
        async with AsyncExitStack() as stack:
            ways_in = [own.company(each, write=False) for each in companies] or [
                own.shared(write=False) for _ in wanted
            ]
            sessions = [await stack.enter_async_context(way_in) for way_in in ways_in]
            for _ in range(ROUNDS):
                found = [(await session.execute(_HERE)).one() for session in sessions]
                _compare([tuple(row[:2]) for row in found], wanted)
                _compare([len({row[2] for row in found})], [CONNECTIONS])
            for session, company in zip(sessions, reversed(companies), strict=False):
                _compare([await session.scalar(_MAY_USE, {"schema": company.schema_name})], [False])
        async with own.shared(write=False) as session:
            _compare([tuple((await session.execute(_HERE)).one()[:2])], [login])
    except ScopeError as error:
        raise UnsafeDatabaseError(str(error)) from error


def _compare(found: Sequence[object], wanted: Sequence[object]) -> None:
    if list(found) != list(wanted):
        message = f"two transactions at once are not kept apart: found {found}, wanted {wanted}"
        raise UnsafeDatabaseError(message)
