"""Alembic's entry: `[alembic]` migrates the shared schema, then every company; `[tenant]` makes revisions."""

from alembic import context

import backend.audit.models
import backend.identity.models
import backend.people.models
import backend.planning.models
import backend.portal.models
import backend.productions.models  # noqa: F401 - each import above adds its tables to the metadata
from backend.core.settings import Settings
from backend.tenancy import migrations
from backend.tenancy.base import SHARED_SCHEMA, SharedBase, TenantBase
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


def run_shared() -> None:
    """Migrate the shared schema, then every company: one run at a time, behind an advisory lock."""
    asked = getattr(config.cmd_opts, "cmd", None)  # absent where a program calls Alembic: it says what it wants
    wants_fleet = asked[0].__name__ == "upgrade" if asked else config.attributes.get("companies", False)
    with migrations.only_run(urls) as connection:
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
        if wants_fleet:
            migrations.upgrade_companies(connection, urls)


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
else:
    run_shared()
