"""A fleet migrated under kill -9: of the runner, of a backend, of the whole server; nobody is ever left half-way."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from backend.tenancy import embedded, migrations
from tests.backstage import LONG, TWENTIETHS
from tests.migrations.stage import Stage, last_line

HEAD = migrations.head("tenant")
COMPANIES = 15 * TWENTIETHS
ROUNDS = 10 if TWENTIETHS > 1 else 2
UP_SECONDS = 60
# Several statements, so that a company could be left between two of them.
LATER = """
def upgrade():
    op.add_column("venue", sa.Column("stage_door", sa.String(length=200), nullable=True))
    op.create_index("ix_venue_stage_door", "venue", ["stage_door"])
    op.execute("insert into job (id, code, label, department, annexe, version) values "
               "(gen_random_uuid(), '{revision}', 'Guide', 'salle', '8', 1)")

def downgrade():
    op.execute("delete from job where code = '{revision}'")
    op.drop_index("ix_venue_stage_door", table_name="venue")
    op.drop_column("venue", "stage_door")
"""

pytestmark = [pytest.mark.postgresql, pytest.mark.soak, LONG]


def postmaster(server: embedded.EmbeddedServer) -> int:
    return int((Path(server.socket_directory) / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])


def kill_runner(_server: embedded.EmbeddedServer, process: subprocess.Popen[str], _dice: random.Random) -> None:
    process.kill()


def kill_backend(server: embedded.EmbeddedServer, _process: subprocess.Popen[str], dice: random.Random) -> None:
    """Kill one backend of the run: PostgreSQL then ends all others and recovers."""
    with contextlib.suppress(psycopg.Error), psycopg.connect(server.conninfo(), autocommit=True) as connection:
        query = "select pid from pg_stat_activity where application_name = 'filage-migrate'"
        backends = [pid for (pid,) in connection.execute(query).fetchall()]
        if backends:
            os.kill(dice.choice(backends), signal.SIGKILL)


def kill_server(server: embedded.EmbeddedServer, _process: subprocess.Popen[str], _dice: random.Random) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(postmaster(server), signal.SIGKILL)


def wait_until_up(server: embedded.EmbeddedServer) -> None:
    """Wait for recovery; a server whose postmaster was killed is started again."""
    until = time.monotonic() + UP_SECONDS
    while True:
        try:
            with psycopg.connect(server.conninfo()):
                return
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
        time.sleep(0.3)
        if not is_running(postmaster(server)):
            with contextlib.suppress(Exception):  # its last backends are still going: the next try will do
                server.handle.ensure_postgres_running()


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


Kill = Callable[[embedded.EmbeddedServer, "subprocess.Popen[str]", random.Random], None]


@pytest.mark.parametrize("kill", [kill_runner, kill_backend, kill_server])
def test_nobody_is_half_migrated_whatever_is_killed_and_the_next_run_finishes(
    stage: Stage, own_server: embedded.EmbeddedServer, kill: Kill
) -> None:
    seed = random.randrange(1_000_000)  # noqa: S311 - moments, no secrets
    print(f"seed {seed}")  # noqa: T201 - a failure must be repeatable
    dice = random.Random(seed)  # noqa: S311
    asyncio.run(stage.companies(COMPANIES))
    before = set(stage.catalogues().values())
    assert len(before) == 1
    for number in range(ROUNDS):
        later = stage.release(LATER.format(revision="later1"))
        process = stage.start("--jobs", "4", "--json")
        wait_for_the_first(stage, process)
        time.sleep(dice.uniform(0, 0.02 * COMPANIES / 4))
        kill(own_server, process, dice)
        out, _errors = process.communicate(timeout=60)
        wait_until_up(own_server)
        told = acknowledged(out)
        assert_nobody_is_half_way(stage, before, told)
        assert stage.migrate("--json").returncode == 0
        assert set(stage.revisions().values()) == {later}, number
        assert set(stage.states().values()) == {"done"}
        assert len(set(stage.catalogues().values())) == 1
        back = stage.migrate("--json", "--only", ",".join(stage.revisions()), "--to", HEAD)
        assert (back.returncode, last_line(back.stdout)["done"]) == (0, COMPANIES)
        assert set(stage.catalogues().values()) == before


def wait_for_the_first(stage: Stage, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + UP_SECONDS
    claimed = "select count(*) from shared.tenant_migration where state = 'running' and to_revision = 'later1'"
    done = "select count(*) from shared.company where revision = 'later1'"
    with stage.owner() as connection:
        while process.poll() is None and time.monotonic() < until:
            counts = [connection.execute(query).fetchone() for query in (claimed, done)]
            if any(row and row[0] for row in counts):
                return
            time.sleep(0.005)


def acknowledged(out: str) -> set[str]:
    """Return the companies whose end the run had told before it was killed."""
    return {line.split('"company": "')[1].split('"')[0] for line in out.splitlines() if '"event": "done"' in line}


def assert_nobody_is_half_way(stage: Stage, before: set[str], told: set[str]) -> None:
    revisions, catalogues = stage.revisions(), stage.catalogues()
    old = {catalogues[slug] for slug, revision in revisions.items() if revision == HEAD}
    new = {catalogues[slug] for slug, revision in revisions.items() if revision != HEAD}
    assert old <= before
    assert len(new) <= 1
    assert not new & before
    assert told <= {slug for slug, revision in revisions.items() if revision != HEAD}, "nothing acknowledged is lost"
    for slug, schema in stage.rows("select slug, schema_name from shared.company"):
        guides = stage.rows(f"select count(*) from {schema}.job where code = 'later1'")[0][0]
        assert guides == (revisions[slug] != HEAD), slug
