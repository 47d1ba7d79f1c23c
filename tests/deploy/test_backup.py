"""A backup is worth what its restore is: rehearsed here with the scripts of deploy/backup/ on a server that is new."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from psycopg import sql
from sqlalchemy import make_url

from backend.tenancy import embedded, hardening
from backend.tenancy.session import Urls
from tests.backstage import LONG, TWENTIETHS, log_in, running
from tests.deploy.conftest import DEPLOY, ROOT, Tools
from tests.helpers import create, problem, sign_up
from tests.migrations.stage import Stage
from tests.smtp import free_port

# Beside the two that sign up; 200 with FILAGE_SOAK=1, to see how long it takes.
COMPANIES = 10 * TWENTIETHS
TIMEOUT = 30
EXPORTER = shutil.which("prometheus-node-exporter")
LOGINS = hardening.Logins(embedded.APP_LOGIN, embedded.OWNER_LOGIN)
TABLES = (
    "select schemaname, tablename from pg_tables where schemaname in ('shared', 'procrastinate') "
    r"or schemaname ~ '^t_\d+$' order by 1, 2"
)
SUM = "select count(*), md5(coalesce(string_agg(r::text, '|' order by r::text), '')) from {} r"
RIGHTS = (
    "select c.oid::regclass::text, c.relacl::text, c.relrowsecurity, c.relowner::regrole::text from pg_class c "
    r"join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'shared' or n.nspname ~ '^t_\d+$' "
    "union all select nspname, nspacl::text, null, nspowner::regrole::text from pg_namespace "
    r"where nspname = 'shared' or nspname ~ '^t_\d+$' "
    "union all select p.oid::regprocedure::text, p.proacl::text, p.prosecdef, p.proowner::regrole::text from pg_proc p "
    "where p.proname in ('set_config', 'lo_create', 'query_to_xml') or p.prosecdef "
    "union all select polrelid::regclass::text || polname, pg_get_expr(polqual, polrelid), null, "
    "polroles::regrole[]::text from pg_policy order by 1, 2"
)
MEMBERS = (
    "select roleid::regrole::text, member::regrole::text, admin_option, inherit_option, set_option "
    "from pg_auth_members where starts_with(roleid::regrole::text, (select id from shared.installation)) order by 1, 2"
)

pytestmark = [pytest.mark.database, pytest.mark.postgresql]


def content(server: embedded.EmbeddedServer, database: str) -> dict[str, Any]:
    """Return how many rows each table has and what they add up to, and every right that keeps companies apart."""
    with psycopg.connect(server.conninfo(database=database)) as connection:
        found: dict[str, Any] = {}
        for schema, table in connection.execute(TABLES).fetchall():
            query = sql.SQL(SUM).format(sql.Identifier(schema, table))
            found[f"{schema}.{table}"] = connection.execute(query).fetchone()
        return {
            "rows": found,
            "rights": connection.execute(RIGHTS).fetchall(),
            "members": connection.execute(MEMBERS).fetchall(),
        }


def place(server: embedded.EmbeddedServer, database: str) -> dict[str, str]:
    return {"PGHOST": server.socket_directory, "PGDATABASE": database}


def filage(environment: dict[str, str], *words: str) -> tuple[int, str]:
    found = subprocess.run(
        [sys.executable, "-m", "backend.cli.main", *words],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    return found.returncode, found.stdout + found.stderr


def newest(folder: Path) -> Path:
    return max(folder.glob("filage-*Z"))


@LONG
async def test_what_was_lost_is_there_again_with_its_fences_and_somebody_logs_in(
    stage: Stage, old_server: embedded.EmbeddedServer, new_server: embedded.EmbeddedServer, tools: Tools, tmp_path: Path
) -> None:
    lost = str(stage.urls.owner.database)
    hardening.harden(old_server.conninfo(database=lost), LOGINS)
    await stage.companies(COMPANIES)
    async with running(stage.settings(), stage.urls) as (_app, client):
        company, other = await sign_up(client), await sign_up(client)
        await create(client, company.headers, "/venues", name="La Fonderie")
        await create(client, other.headers, "/venues", name="Le Quai")
    before, clock = content(old_server, lost), time.monotonic()
    folder = tmp_path / "backups"
    made = tools.run("backup/backup.sh", "--now", BACKUP_DIR=str(folder), **place(old_server, lost))
    assert made.returncode == 0, made.stderr
    saved = time.monotonic()

    logins = {"OWNER_PASSWORD": "owner0", "APP_PASSWORD": "app0", "FILAGE_DATABASE": "filage"}
    for _ in range(2):  # safe to repeat
        done = tools.run("postgres/logins.sh", **logins, **place(new_server, "postgres"))
        assert done.returncode == 0, done.stderr
    done = tools.run("backup/restore.sh", newest(folder), **place(new_server, "filage"))
    assert done.returncode == 0, done.stderr
    restored = time.monotonic()
    urls = Urls(make_url(new_server.url(embedded.APP_LOGIN)), make_url(new_server.url(embedded.OWNER_LOGIN)))
    environment = stage.environment | {
        "FILAGE_DATABASE_URL": urls.app.render_as_string(hide_password=False),
        "FILAGE_OWNER_DATABASE_URL": urls.owner.render_as_string(hide_password=False),
        "FILAGE_SUPERUSER_DATABASE_URL": f"postgresql://postgres@/filage?host={new_server.socket_directory}",
    }
    assert content(new_server, "filage") == before
    for words, said in (("db harden", "done"), ("migrate", "Nothing to do"), ("db check", "in force")):
        code, output = filage(environment, *words.split())
        assert (code, said in output) == (0, True), output
    assert content(new_server, "filage") == before
    print(f"backup {saved - clock:.1f} s: {made.stdout}restore {restored - saved:.1f} s: {done.stdout}")  # noqa: T201
    async with running(stage.settings(), urls) as (_app, client):
        headers = {**await log_in(client, company.email), "X-Tenant": company.slug}
        found = await client.get("/api/v1/venues", headers=headers)
        assert [venue["name"] for venue in found.json()["items"]] == ["La Fonderie"]
        problem(await client.get("/api/v1/venues", headers={**headers, "X-Tenant": other.slug}), 404)
        await sign_up(client)  # numbers and roles go on where they stopped


def test_a_backup_that_has_changed_or_a_database_that_holds_something_is_refused(
    stage: Stage, old_server: embedded.EmbeddedServer, new_server: embedded.EmbeddedServer, tools: Tools, tmp_path: Path
) -> None:
    here = place(old_server, str(stage.urls.owner.database))
    made = tools.run("backup/backup.sh", "--now", BACKUP_DIR=str(tmp_path), **here)
    assert made.returncode == 0, made.stderr
    backup = newest(tmp_path)
    refused = tools.run("backup/restore.sh", backup, **here)
    assert (refused.returncode, "is not empty" in refused.stderr) == (1, True), refused.stderr
    roles = backup / "roles.sql"
    roles.write_text(roles.read_text(encoding="utf-8") + "ALTER ROLE filage_app SUPERUSER;\n", encoding="utf-8")
    refused = tools.run("backup/restore.sh", backup, **place(new_server, "postgres"))
    assert (refused.returncode, "has changed" in refused.stderr) == (1, True), refused.stderr
    (backup / "SHA256SUMS").unlink()
    refused = tools.run("backup/restore.sh", backup, **place(new_server, "postgres"))
    assert (refused.returncode, "no finished backup" in refused.stderr) == (1, True), refused.stderr


def test_a_backup_that_fails_leaves_none_behind_and_the_check_says_so(
    new_server: embedded.EmbeddedServer, stage: Stage, old_server: embedded.EmbeddedServer, tools: Tools, tmp_path: Path
) -> None:
    failed = tools.run("backup/backup.sh", "--now", BACKUP_DIR=str(tmp_path), **place(new_server, "postgres"))
    assert failed.returncode != 0
    assert list(tmp_path.glob("filage-*Z")) == []
    assert tools.run("backup/backup.sh", "--check", BACKUP_DIR=str(tmp_path)).returncode == 1
    for old in ("filage-20260101T030000Z", "filage-20260102T030000Z"):
        (tmp_path / old).mkdir()
        os.utime(tmp_path / old, (0, 0))
    assert tools.run("backup/backup.sh", "--check", BACKUP_DIR=str(tmp_path)).returncode == 1
    here = place(old_server, str(stage.urls.owner.database))
    made = tools.run("backup/backup.sh", "--now", BACKUP_DIR=str(tmp_path), BACKUP_KEEP="2", **here)
    assert made.returncode == 0, made.stderr
    assert tools.run("backup/backup.sh", "--check", BACKUP_DIR=str(tmp_path)).returncode == 0
    kept = sorted(path.name for path in tmp_path.glob("filage-*"))
    assert len(kept) == 2
    assert kept[0] == "filage-20260102T030000Z"


def test_a_backup_tells_when_it_was_finished_and_one_that_fails_keeps_the_last_word(
    new_server: embedded.EmbeddedServer, stage: Stage, old_server: embedded.EmbeddedServer, tools: Tools, tmp_path: Path
) -> None:
    here = place(old_server, str(stage.urls.owner.database))
    before = int(time.time())
    assert tools.run("backup/backup.sh", "--now", BACKUP_DIR=str(tmp_path), **here).returncode == 0
    told = (tmp_path / "backup.prom").read_text(encoding="utf-8")
    [family] = text_string_to_metric_families(told)
    [sample] = family.samples
    assert (family.name, family.type) == ("filage_backup_last_success_timestamp_seconds", "gauge")
    assert before <= sample.value <= time.time()
    assert list(tmp_path.glob("*.part")) == []
    failed = tools.run("backup/backup.sh", "--now", BACKUP_DIR=str(tmp_path), **place(new_server, "postgres"))
    assert failed.returncode != 0
    assert (tmp_path / "backup.prom").read_text(encoding="utf-8") == told


def test_a_backup_that_cannot_tell_is_kept_and_says_so(
    stage: Stage, old_server: embedded.EmbeddedServer, tools: Tools, tmp_path: Path
) -> None:
    (tmp_path / "backup.prom.part").mkdir()
    here = place(old_server, str(stage.urls.owner.database))
    made = tools.run("backup/backup.sh", "--now", BACKUP_DIR=str(tmp_path), **here)
    assert made.returncode == 0
    assert f"{newest(tmp_path).name} is made, but {tmp_path}/backup.prom could not be written" in made.stderr


@pytest.mark.skipif(EXPORTER is None, reason="no node exporter is installed (Debian: prometheus-node-exporter)")
def test_a_node_exporter_shows_it(
    stage: Stage, old_server: embedded.EmbeddedServer, tools: Tools, tmp_path: Path
) -> None:
    here = place(old_server, str(stage.urls.owner.database))
    assert tools.run("backup/backup.sh", "--now", BACKUP_DIR=str(tmp_path), **here).returncode == 0
    told = (tmp_path / "backup.prom").read_text(encoding="utf-8").splitlines()[-1].split()
    port = free_port()
    given = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]["exporter"]["command"]
    flags = [flag.partition("=")[0] + f"={tmp_path}" if "directory=" in flag else flag for flag in given]
    process = subprocess.Popen(
        [str(EXPORTER), *flags, f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.DEVNULL
    )
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=10)) as client:
            shown = client.get(f"http://127.0.0.1:{port}/metrics").text
    finally:
        process.terminate()
        process.wait(TIMEOUT)
    samples = {
        sample.name: sample.value for family in text_string_to_metric_families(shown) for sample in family.samples
    }
    assert samples[told[0]] == float(told[1])
    assert samples["node_textfile_scrape_error"] == 0


def test_the_alert_of_a_stale_backup_waits_as_long_as_the_check() -> None:
    script = (DEPLOY / "backup" / "backup.sh").read_text(encoding="utf-8")
    rules = (ROOT / "observability" / "prometheus" / "rules" / "causes.yml").read_text(encoding="utf-8")
    [minutes] = re.findall(r"--check\) younger_than_minutes (\d+)", script)
    [hours] = re.findall(r"filage_backup_last_success_timestamp_seconds\) > (\d+) \* 3600", rules)
    assert int(minutes) == int(hours) * 60


def test_roles_of_companies_that_signed_up_after_the_backup_are_named(
    stage: Stage, old_server: embedded.EmbeddedServer, tools: Tools, tmp_path: Path
) -> None:
    here = place(old_server, str(stage.urls.owner.database))
    assert tools.run("backup/backup.sh", "--now", BACKUP_DIR=str(tmp_path), **here).returncode == 0
    with psycopg.connect(old_server.conninfo(), autocommit=True) as connection:
        ((installation,),) = stage.rows("select id from shared.installation")
        younger, served = f"{installation}_t_000900", f"{installation}_t_000901"
        for role in (younger, served):
            connection.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
        connection.execute("create database rehearsal owner filage_owner")
    # A rehearsal stands beside the database that serves: whoever has something there has signed up since.
    with psycopg.connect(old_server.conninfo(database=here["PGDATABASE"])) as connection:
        connection.execute(sql.SQL("create schema t_000901 authorization {}").format(sql.Identifier(served)))
    try:
        done = tools.run("backup/restore.sh", newest(tmp_path), "rehearsal", **here)
        assert (done.returncode, younger in done.stdout) == (0, True), done.stderr + done.stdout
        assert served not in done.stdout
    finally:
        with psycopg.connect(old_server.conninfo(database=here["PGDATABASE"])) as connection:
            connection.execute("drop schema t_000901")
        with psycopg.connect(old_server.conninfo(), autocommit=True) as connection:
            connection.execute("drop database rehearsal with (force)")
            for role in (younger, served):
                connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))
