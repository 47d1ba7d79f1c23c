"""A server, a database and a tenant history of one's own, with later revisions that the product never has."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, make_url
from typer.testing import CliRunner

from backend.cli.main import app
from backend.core.clock import utc_now
from backend.core.ids import new_id
from backend.core.settings import Settings
from backend.people.service import seed_jobs
from backend.tenancy import embedded, migrations
from backend.tenancy.fleet import legs
from backend.tenancy.models import CompanyInfo
from backend.tenancy.provisioning import Draft, new_company
from backend.tenancy.session import Database, Urls

REVISION = '''
"""A later revision, of a test."""
import sqlalchemy as sa
from alembic import op
from alembic.operations.ops import CreateIndexOp

revision, down_revision, branch_labels, depends_on = "{revision}", "{down}", None, None
{body}
'''
# What a usual release does: a column that may be empty, and an index.
COLUMN_AND_INDEX = """
def upgrade():
    op.add_column("venue", sa.Column("stage_door", sa.String(length=200), nullable=True))
    op.create_index("ix_venue_stage_door", "venue", ["stage_door"])

def downgrade():
    op.drop_index("ix_venue_stage_door", table_name="venue")
    op.drop_column("venue", "stage_door")
"""
TENANT_INI = """
[alembic]
script_location = {root}/alembic
version_locations = {root}/alembic/shared/versions
path_separator = os
[tenant]
script_location = {root}/alembic
version_locations = {root}/alembic/tenant/versions{separator}{versions}
path_separator = os
"""
CATALOGUE = """
    select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
    from information_schema.columns where table_schema = %(schema)s
    union all select indexdef from pg_indexes where schemaname = %(schema)s
    union all select conrelid::regclass::text || conname || pg_get_constraintdef(oid) from pg_constraint
    where connamespace = %(schema)s::regnamespace
    union all select relname || ' ' || coalesce(array_to_string(relacl, ','), '') from pg_class
    where relnamespace = %(schema)s::regnamespace and relkind = 'r'
    order by 1
"""


@dataclass
class Stage:
    """One database and the later history that its commands see."""

    urls: Urls
    folder: Path
    var_dir: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        versions = self.folder / "versions"
        versions.mkdir()
        ini = self.folder / "alembic.ini"
        ini.write_text(
            TENANT_INI.format(root=migrations.ROOT, versions=versions, separator=os.pathsep), encoding="utf-8"
        )
        self.environment = {
            **os.environ,
            "ALEMBIC_CONFIG": str(ini),
            "FILAGE_ENVIRONMENT": "test",
            "FILAGE_METRICS_PORT": "0",
            "FILAGE_VAR_DIR": str(self.var_dir),
            "FILAGE_DATABASE_URL": self.urls.app.render_as_string(hide_password=False),
            "FILAGE_OWNER_DATABASE_URL": self.urls.owner.render_as_string(hide_password=False),
        }

    def settings(self) -> Settings:
        return Settings(
            environment="test",
            var_dir=self.var_dir,
            database_url=self.environment["FILAGE_DATABASE_URL"],
            owner_database_url=self.environment["FILAGE_OWNER_DATABASE_URL"],
            metrics_port=0,
        )

    def release(self, body: str = COLUMN_AND_INDEX, revision: str = "later1", down: str | None = None) -> str:
        """Write a later tenant revision into this stage's history, after the product's head."""
        text = REVISION.format(revision=revision, down=down or migrations.head("tenant"), body=textwrap.dedent(body))
        (self.folder / "versions" / f"{revision}.py").write_text(text, encoding="utf-8")
        return revision

    def start(self, *words: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "backend.cli.main", "migrate", *words],
            cwd=migrations.ROOT, env={**self.environment, **more}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command as a process of its own."""
        process = self.start(*words)
        out, err = process.communicate(timeout=100)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def migrate(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command inside this process: the same code without its start-up."""
        with self.here():
            found = CliRunner().invoke(app, ["migrate", *words])
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return subprocess.CompletedProcess(words, found.exit_code, found.stdout, found.stderr)

    @contextmanager
    def here(self) -> Iterator[None]:
        """Let this process see the stage's history and database for a while."""
        before, on_term = dict(os.environ), signal.getsignal(signal.SIGTERM)
        os.environ.update(self.environment)
        _forget()
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
            signal.signal(signal.SIGTERM, on_term)
            _forget()

    def alembic(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "alembic", *words],
            cwd=migrations.ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip

    @contextmanager
    def owner(self) -> Iterator[psycopg.Connection[Any]]:
        """Yield a connection of the owner; every statement stands by itself."""
        _words, values = self.urls.owner.get_dialect()().create_connect_args(self.urls.owner)
        with psycopg.connect(**values, autocommit=True) as connection:
            yield connection

    def rows(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        with self.owner() as connection:
            return connection.execute(query, values).fetchall()

    def revisions(self) -> dict[str, str | None]:
        return dict(self.rows("select slug, revision from shared.company order by number"))

    def states(self) -> dict[str, str]:
        """Return the state of each company in the newest row it has."""
        query = (
            "select distinct on (c.id) c.slug, m.state from shared.tenant_migration m "
            "join shared.company c on c.id = m.company_id order by c.id, m.created_at desc"
        )
        return dict(self.rows(query))

    def catalogues(self) -> dict[str, str]:
        """Return what each company's schema holds, its own name and role left out."""
        found = {}
        for slug, schema, role in self.rows("select slug, schema_name, role_name from shared.company"):
            rows = self.rows(CATALOGUE, {"schema": schema})
            version = self.rows(f"select version_num from {schema}.alembic_version")
            found[slug] = str([*rows, version]).replace(role, "role").replace(schema, "schema")
        return found

    async def companies(self, number: int, prefix: str = "troupe") -> list[CompanyInfo]:
        """Make companies at the product's head, without owners."""
        database = Database(self.settings(), self.urls, deliver=lambda _items: None, seed=seed_jobs)
        made = []
        for place in range(number):
            draft = Draft(f"{prefix}-{place:04d}", f"Troupe {place}", "Europe/Paris")
            async with new_company(database) as new:
                made.append(await new.create(draft, utc_now()))
        await database.close()
        return made


def last_line(text: str) -> dict[str, Any]:
    """Return the summary that ends the output for machines."""
    found: dict[str, Any] = json.loads(text.strip().splitlines()[-1])
    return found


def new_stage(server: embedded.EmbeddedServer | None, folder: Path) -> Stage:
    """Return a stage with a migrated database of its own (no server: SQLite files)."""
    if server is None:
        url = URL.create("sqlite+aiosqlite", database=str(folder / "filage.sqlite3"))
        stage = Stage(Urls(url, url), folder, folder)
    else:
        name = f"filage_stage_{new_id().hex[-12:]}"
        embedded.make_database(server, name)
        urls = Urls(make_url(server.url(embedded.APP_LOGIN, name)), make_url(server.url(embedded.OWNER_LOGIN, name)))
        stage = Stage(urls, folder, folder)
    with stage.here():
        migrations.upgrade()
    return stage


def _forget() -> None:
    for known in (migrations.scripts, migrations.head, migrations.revisions, migrations.tenant_script, legs.leg):
        known.cache_clear()
