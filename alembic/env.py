"""Alembic's entry: `[alembic]` migrates the shared schema, then every company; `[tenant]` makes revisions."""

from alembic import context
from sqlalchemy import Connection

import backend.audit.models
import backend.availability.models
import backend.hours.models
import backend.identity.models
import backend.people.models
import backend.planning.models
import backend.portal.models
import backend.productions.models  # noqa: F401 - each import above adds its tables to the metadata
from backend.core.settings import Settings
from backend.tenancy import migrations
from backend.tenancy.base import SHARED_SCHEMA, SharedBase, TenantBase
from backend.tenancy.fleet import lock
from backend.tenancy.fleet.migrate import bring_companies, open_run
from backend.tenancy.fleet.order import Order, ignore
from backend.tenancy.session import find_urls

config = context.config
settings = Settings()
urls = find_urls(settings)
# A company's schema is whatever the search path holds: it has no name here.
WATCHED_SCHEMA = None if config.config_ini_section == "tenant" else SHARED_SCHEMA


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Exclusion constraints and the version tables have no form in the models: the revisions alone know them."""
    if kind == "schema":
        return name == WATCHED_SCHEMA
    return not (name or "").startswith(("ex_", "alembic_version"))


def migrate_shared(connection: Connection) -> None:
    """Run the shared history as it was asked for, and grant what the logins need."""
    context.configure(
        connection=connection,
        target_metadata=SharedBase.metadata,
        version_table_schema=SHARED_SCHEMA,
        include_schemas=True,
        include_name=_is_ours,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    migrations.finish_shared(connection, urls)


def run_shared() -> None:
    """Migrate the shared schema, then every company: one run at a time, which others wait for."""
    asked = getattr(config.cmd_opts, "cmd", None)  # absent where a program calls Alembic: it says what it wants
    wants_fleet = asked[0].__name__ == "upgrade" if asked else config.attributes.get("companies", False)
    words = context.get_x_argument(as_dictionary=True)
    slugs = tuple(slug for slug in words.get("tenant", "").split(",") if slug)
    order = Order(only=slugs, jobs=int(words.get("jobs", Order().jobs)))
    with lock.only_run(urls, wait=True) as held, migrations.shared_connection(urls) as connection:
        with held.without_sign_ups():
            migrate_shared(connection)
            opened = open_run(connection, order) if wants_fleet else (None, [])
        summary = bring_companies(connection, urls, order, held, opened, ignore)
    if summary.exit_code:
        failures = [f"{slug}: {error}" for slug, error in summary.failed.items()]
        counts = f"{summary.done} companies done, {len(failures)} failed, {summary.not_tried} not tried."
        raise SystemExit("\n".join([*failures, counts]))


def run_tenant() -> None:
    """Show a company's schema at head to `check` and `revision --autogenerate`; nothing of it is kept."""
    with migrations.model_company(urls) as connection:
        context.configure(
            connection=connection,
            target_metadata=TenantBase.metadata,
            include_name=_is_ours,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
        )
        context.run_migrations()


if config.config_ini_section == "tenant":
    run_tenant()
elif "connection" in config.attributes:
    migrate_shared(config.attributes["connection"])
else:
    run_shared()
