"""`filage migrate` over a fleet: who is visited, what is remembered, and how it ends when something is wrong."""

import asyncio
import json
import time
import urllib.request
from contextlib import ExitStack

import pytest

from backend.core.clock import utc_now
from backend.people.service import seed_jobs
from backend.telemetry import port
from backend.telemetry.metrics import Metrics
from backend.tenancy import migrations, spares
from backend.tenancy.fleet import state
from backend.tenancy.fleet.lock import only_run
from backend.tenancy.session import Database
from tests.backstage import running
from tests.conftest import ON_SQLITE
from tests.helpers import create, sign_up
from tests.migrations.stage import COLUMN_AND_INDEX, Stage, last_line

HEAD = migrations.head("tenant")
UNRENDERABLE = """
def upgrade():
    names = op.get_bind().execute(sa.text("select count(*) from venue")).scalar_one()
    op.add_column("venue", sa.Column("stage_door", sa.String(length=200), server_default=f"door {names}"))
    print("a revision may print")

def downgrade():
    op.get_bind().execute(sa.text("select 1"))
    op.drop_column("venue", "stage_door")
"""
NEW_TABLE = """
def upgrade():
    op.create_table("prop", sa.Column("id", sa.Uuid(), primary_key=True), sa.Column("name", sa.String(200)))
    op.execute("insert into prop values (gen_random_uuid(), '100% bois : \\\\:a')")

def downgrade():
    op.drop_table("prop")
"""
CONCURRENT = """
AFTERWARDS = (CreateIndexOp("ix_venue_stage_door", "venue", ["stage_door"]),)

def upgrade():
    op.add_column("venue", sa.Column("stage_door", sa.String(length=200), nullable=True))

def downgrade():
    op.drop_column("venue", "stage_door")
"""


def test_every_company_is_brought_over_once_and_then_there_is_nothing_to_do(stage: Stage) -> None:
    asyncio.run(stage.companies(3))
    later = stage.release()
    done = stage.migrate("--json")
    assert done.returncode == 0, done.stderr + done.stdout
    summary = last_line(done.stdout)
    assert (summary["done"], summary["failed"], summary["target"]) == (3, {}, later)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(line["event"] for line in lines[:-1]) == ["done"] * 3 + ["planned"] + ["started"] * 3
    again = stage.migrate()
    assert again.returncode == 0
    assert "Nothing to do" in again.stdout
    if not ON_SQLITE:
        assert set(stage.revisions().values()) == {later}
        assert set(stage.states().values()) == {"done"}
        assert len(set(stage.catalogues().values())) == 1
        assert "stage_door" in str(stage.catalogues())


def test_plain_alembic_brings_the_companies_over_by_the_same_engine(stage: Stage) -> None:
    asyncio.run(stage.companies(2))
    stage.release()
    done = stage.alembic("upgrade", "head")
    assert done.returncode == 0, done.stderr
    assert "Nothing to do" in stage.migrate().stdout
    if not ON_SQLITE:
        assert set(stage.states().values()) == {"done"}


@pytest.mark.postgresql
def test_a_company_that_fails_stops_nobody_else_and_the_command_ends_with_1(stage: Stage) -> None:
    companies = asyncio.run(stage.companies(4))
    later = stage.release(
        """
        def upgrade():
            op.add_column("venue", sa.Column("stage_door", sa.String(length=200), nullable=True))
        """
    )
    bad = companies[1]
    before = stage.catalogues()
    with stage.owner() as connection:
        connection.execute(f"alter table {bad.schema_name}.venue add stage_door text")
    barred = stage.catalogues()
    done = stage.migrate("--json")
    assert done.returncode == 1, done.stdout
    summary = last_line(done.stdout)
    assert summary["done"] == 3
    assert list(summary["failed"]) == [bad.slug]
    assert "already exists" in summary["failed"][bad.slug]
    assert stage.revisions() == {c.slug: HEAD if c.slug == bad.slug else later for c in companies}
    assert stage.catalogues()[bad.slug] == barred[bad.slug] != before[bad.slug]
    error, attempts = stage.rows("select error, attempts from shared.tenant_migration where state = 'failed'")[0]
    assert ("already exists" in error, attempts) == (True, 1)
    with stage.owner() as connection:
        connection.execute(f"alter table {bad.schema_name}.venue drop stage_door")
    assert stage.migrate().returncode == 0
    assert set(stage.revisions().values()) == {later}


@pytest.mark.postgresql
def test_a_run_stops_at_its_threshold_and_a_failed_canary_keeps_it_from_the_others(stage: Stage) -> None:
    companies = asyncio.run(stage.companies(6))
    stage.release("def upgrade():\n    op.execute('select nothing_of_this_name')")
    stopped = last_line(stage.migrate("--json", "--jobs", "1", "--stop-after-failures", "2").stdout)
    assert (len(stopped["failed"]), stopped["not_tried"], stopped["stopped"]) == (2, 4, "2 companies failed")
    canary = companies[4].slug
    kept = stage.migrate("--json", "--canary", canary)
    assert kept.returncode == 1
    assert (list(last_line(kept.stdout)["failed"]), last_line(kept.stdout)["not_tried"]) == ([canary], 5)


@pytest.mark.postgresql
def test_a_plan_and_a_dry_run_change_nothing(stage: Stage) -> None:
    companies = asyncio.run(stage.companies(3))
    stage.release()
    before = (stage.catalogues(), stage.revisions(), stage.states())
    planned = stage.migrate("--plan", "--json", "--canary", companies[2].slug)
    lines = [json.loads(line) for line in planned.stdout.splitlines()]
    assert [line.get("company") for line in lines[:-1]] == [companies[2].slug, companies[0].slug, companies[1].slug]
    assert lines[0]["way"] == "SQL rendered once"
    assert companies[0].slug in stage.migrate("--plan").stdout
    tried = stage.migrate("--dry-run", "--json")
    assert (tried.returncode, last_line(tried.stdout)["done"]) == (0, 3), tried.stderr
    assert (stage.catalogues(), stage.revisions(), stage.states()) == before


@pytest.mark.postgresql
def test_one_company_goes_back_and_everybody_at_once_does_not(stage: Stage) -> None:
    companies = asyncio.run(stage.companies(2))
    before = stage.catalogues()
    later = stage.release()
    assert stage.migrate().returncode == 0
    refused = stage.migrate("--to", HEAD)
    assert (refused.returncode, "--only" in refused.stderr) == (2, True)
    back = stage.migrate("--only", companies[0].slug, "--to", HEAD)
    assert back.returncode == 0, back.stderr
    assert stage.revisions() == {companies[0].slug: HEAD, companies[1].slug: later}
    assert stage.catalogues()[companies[0].slug] == before[companies[0].slug]
    assert stage.migrate().returncode == 0
    assert len(set(stage.catalogues().values())) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--only", "troupe-0000,troup-0001"), "Did you mean: troupe-000"),
        (("--canary", "nobody"), "No company is called so: nobody"),
        (("--only", "troupe-0000", "--to", "t9999"), "Revision t9999 is not in this version"),
    ],
)
def test_a_company_or_a_revision_that_is_not_there_is_refused_in_a_sentence(
    stage: Stage, words: tuple[str, ...], says: str
) -> None:
    asyncio.run(stage.companies(2))
    stage.release()
    refused = stage.migrate(*words)
    assert refused.returncode == 2, refused.stdout
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.postgresql
def test_a_second_run_says_who_holds_the_lock_or_waits(stage: Stage) -> None:
    asyncio.run(stage.companies(1))
    later = stage.release()
    with ExitStack() as held:
        held.enter_context(only_run(stage.urls, wait=False))
        second = stage.migrate()
        assert second.returncode == 3
        assert "Another migration is running (migrate/" in second.stderr
        waiting = stage.start("--wait")
        blocked = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        until = time.monotonic() + 60
        while stage.rows(blocked) == [(0,)] and time.monotonic() < until:
            time.sleep(0.1)
        assert waiting.poll() is None
        assert set(stage.revisions().values()) == {HEAD}
    _out, errors = waiting.communicate(timeout=30)
    assert waiting.returncode == 0, errors
    assert "Waiting for" in errors
    assert set(stage.revisions().values()) == {later}


@pytest.mark.postgresql
def test_a_table_in_use_is_tried_again_until_it_is_free(stage: Stage) -> None:
    companies = asyncio.run(stage.companies(2))
    later = stage.release()
    with stage.owner() as connection, connection.transaction():
        connection.execute(f"lock table {companies[0].schema_name}.venue in access share mode")
        running_command = stage.start("--json", "--lock-timeout-ms", "100")
        until = time.monotonic() + 20
        tried_again = "select max(attempts) >= 2 and min(attempts) >= 1 from shared.tenant_migration"
        while stage.rows(tried_again) != [(True,)] and time.monotonic() < until:
            time.sleep(0.05)
        assert stage.revisions() == {companies[0].slug: HEAD, companies[1].slug: later}
    out, errors = running_command.communicate(timeout=30)
    assert running_command.returncode == 0, errors
    assert '"retrying"' in out
    (wait,) = stage.rows("select max(lock_wait_seconds) from shared.tenant_migration")[0]
    assert wait > 0.1
    assert set(stage.revisions().values()) == {later}


@pytest.mark.postgresql
def test_a_table_that_stays_in_use_is_a_failure_of_that_company_alone(stage: Stage) -> None:
    companies = asyncio.run(stage.companies(2))
    stage.release()
    with stage.owner() as connection, connection.transaction():
        connection.execute(f"lock table {companies[0].schema_name}.venue in access share mode")
        done = stage.migrate("--json", "--lock-timeout-ms", "20")
    assert done.returncode == 1
    failed = last_line(done.stdout)["failed"]
    assert list(failed) == [companies[0].slug]
    assert "its tables are in use" in failed[companies[0].slug]


@pytest.mark.postgresql
def test_a_revision_that_cannot_be_rendered_runs_in_worker_processes(stage: Stage) -> None:
    companies = asyncio.run(stage.companies(4))
    later = stage.release(UNRENDERABLE)
    planned = stage.migrate("--plan", "--json")
    assert '"worker process"' in planned.stdout
    with stage.owner() as connection:
        connection.execute(f"alter table {companies[3].schema_name}.venue add stage_door text")
    done = stage.migrate("--json", "--jobs", "2")
    assert done.returncode == 1, done.stderr
    assert list(last_line(done.stdout)["failed"]) == [companies[3].slug]
    assert list(stage.revisions().values()) == [later, later, later, HEAD]
    back = stage.migrate("--only", companies[0].slug, "--to", HEAD)
    assert back.returncode == 0, back.stderr
    assert stage.revisions()[companies[0].slug] == HEAD


@pytest.mark.postgresql
def test_a_new_table_is_open_to_its_company_and_closed_to_the_others(stage: Stage) -> None:
    one, other = asyncio.run(stage.companies(2))
    stage.release(NEW_TABLE)
    assert stage.migrate().returncode == 0
    assert stage.rows(f"select name from {one.schema_name}.prop") == [("100% bois : :a",)]
    rights = stage.rows(
        "select has_table_privilege(%s, %s, 'INSERT'), has_table_privilege(%s, %s, 'INSERT'), "
        "has_table_privilege(%s, %s, 'INSERT')",
        (one.role_name, f"{one.schema_name}.prop", other.role_name, f"{one.schema_name}.prop",
         one.role_name, f"{one.schema_name}.alembic_version"),
    )  # fmt: skip
    assert rights == [(True, False, False)]


@pytest.mark.postgresql
def test_an_index_left_invalid_by_a_kill_is_dropped_and_made_again(stage: Stage) -> None:
    (company,) = asyncio.run(stage.companies(1))
    later = stage.release(CONCURRENT)
    schema = company.schema_name
    with stage.owner() as reader:
        # An old snapshot keeps the last part of CREATE INDEX CONCURRENTLY waiting: the index is there, and invalid.
        reader.execute("begin isolation level repeatable read")
        reader.execute("select 1")
        process = stage.start("--json", "--lock-timeout-ms", "300")
        until = time.monotonic() + 20
        alive = "select count(*) from pg_stat_activity where application_name = 'filage-migrate'"
        invalid = f"select count(*) from pg_index where not indisvalid and indrelid = '{schema}.venue'::regclass"
        while stage.rows(invalid) == [(0,)] and time.monotonic() < until:
            time.sleep(0.02)
        process.kill()
        process.communicate()
        # Its server process goes on by itself, until its wait for the old snapshot times out.
        while stage.rows(alive) != [(0,)] and time.monotonic() < until:
            time.sleep(0.05)
        assert stage.rows(invalid) == [(1,)]
    assert stage.revisions() == {company.slug: later}
    assert stage.states() == {company.slug: "running"}
    done = stage.migrate("--json")
    assert (done.returncode, last_line(done.stdout)["done"]) == (0, 1), done.stdout
    assert stage.rows(invalid) == [(0,)]
    assert "ix_venue_stage_door" in stage.catalogues()[company.slug]
    assert stage.states() == {company.slug: "done"}
    assert "Nothing to do" in stage.migrate().stdout


@pytest.mark.postgresql
def test_a_sign_up_makes_the_indexes_of_afterwards_too(stage: Stage) -> None:
    asyncio.run(stage.companies(1))
    stage.release(CONCURRENT)
    assert stage.migrate().returncode == 0
    with stage.here():
        assert "CREATE INDEX ix_venue_stage_door ON venue" in migrations.tenant_script()


@pytest.mark.postgresql
def test_a_schema_dropped_by_hand_is_named_and_the_others_go_on(stage: Stage) -> None:
    companies = asyncio.run(stage.companies(3))
    later = stage.release()
    with stage.owner() as connection:
        connection.execute(f"drop schema {companies[0].schema_name} cascade")
        connection.execute(f"drop table {companies[1].schema_name}.alembic_version")
    done = stage.migrate("--json")
    failed = last_line(done.stdout)["failed"]
    assert done.returncode == 1
    assert f"its schema {companies[0].schema_name} is gone" in failed[companies[0].slug]
    assert "has no alembic_version" in failed[companies[1].slug]
    assert stage.revisions()[companies[2].slug] == later


@pytest.mark.postgresql
def test_a_company_at_a_revision_without_a_file_is_named_and_the_others_go_on(stage: Stage) -> None:
    companies = asyncio.run(stage.companies(2))
    later = stage.release()
    with stage.owner() as connection:
        connection.execute("update shared.company set revision = 'gone' where slug = %s", (companies[0].slug,))
    done = stage.migrate("--json")
    assert done.returncode == 1
    assert "Revision gone is not in this version" in last_line(done.stdout)["failed"][companies[0].slug]
    assert stage.revisions()[companies[1].slug] == later


@pytest.mark.postgresql
def test_a_schema_that_another_way_has_brought_along_is_only_noted(stage: Stage) -> None:
    companies = asyncio.run(stage.companies(2))
    # It would pass a second time without an error: only the comparison of revisions keeps it from that.
    later = stage.release("def upgrade():\n    op.execute('create table if not exists tally (n int)')\n"
                          "    op.execute('insert into tally values (1)')")  # fmt: skip
    assert stage.migrate().returncode == 0
    with stage.owner() as connection:
        connection.execute("update shared.company set revision = %s where slug = %s", (HEAD, companies[0].slug))
    done = stage.migrate("--json")
    assert (done.returncode, last_line(done.stdout)["done"]) == (0, 1), done.stdout
    assert set(stage.revisions().values()) == {later}
    assert stage.rows(f"select count(*) from {companies[0].schema_name}.tally") == [(1,)]


@pytest.mark.postgresql
def test_a_full_disk_is_said_remembered_and_stops_nobody_else(stage: Stage) -> None:
    companies = asyncio.run(stage.companies(2))
    full = f"do $$ begin if current_schema() = '{companies[0].schema_name}' then raise disk_full; end if; end $$"
    stage.release(f"def upgrade():\n    op.execute({full!r})")
    done = stage.migrate("--json")
    failed = last_line(done.stdout)["failed"]
    assert (done.returncode, list(failed)) == (1, [companies[0].slug])
    assert "disk is full" in failed[companies[0].slug]


@pytest.mark.postgresql
def test_a_revision_that_ends_the_transaction_by_itself_is_refused(stage: Stage) -> None:
    asyncio.run(stage.companies(1))
    stage.release("def upgrade():\n    with op.get_context().autocommit_block():\n        op.execute('select 1')")
    done = stage.migrate("--json")
    assert done.returncode == 1
    assert "AFTERWARDS" in str(last_line(done.stdout)["failed"])
    assert set(stage.revisions().values()) == {HEAD}


@pytest.mark.postgresql
def test_the_state_of_the_fleet_is_served_as_json_and_as_metrics(stage: Stage) -> None:
    companies = asyncio.run(stage.companies(3))
    stage.release()
    with stage.owner() as connection:
        connection.execute(f"drop schema {companies[0].schema_name} cascade")
    assert stage.migrate().returncode == 1
    server = port.serve(Metrics(state.reader(stage.urls)), "127.0.0.1", 29464)
    assert server is not None
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        with urllib.request.urlopen(f"{address}/migrations") as answer:  # noqa: S310 - our own port
            found = json.load(answer)
        with urllib.request.urlopen(f"{address}/metrics") as answer:  # noqa: S310 - our own port
            metrics = answer.read().decode()
    finally:
        server.shutdown()
    assert found["run"]["states"] == {"pending": 0, "running": 0, "done": 2, "failed": 1}
    assert found["run"]["failed"][0]["company"] == companies[0].slug
    assert (found["late"], found["companies"]) == (0, 3), "this process knows an older head: the others are ahead of it"
    assert 'filage_migration_tenants{state="failed"} 1.0' in metrics
    assert 'filage_migration_tenant_duration_seconds_count{outcome="done"} 2.0' in metrics
    assert 'filage_migration_lock_wait_seconds_bucket{le="+Inf",outcome="done"} 2.0' in metrics
    assert "filage_migration_last_success_timestamp_seconds 1" not in metrics


@pytest.mark.postgresql
async def test_code_serves_its_own_revision_and_one_that_a_newer_release_has_added(stage: Stage) -> None:
    async with running(stage.settings(), stage.urls, tenant_cache_seconds=0) as (_app, client):
        company = await sign_up(client)
        await create(client, company.headers, "/venues", name="La Fonderie")
        stage.release()
        done = await asyncio.to_thread(stage.run)
        assert done.returncode == 0, done.stderr
        for expected in (200, 200):
            answer = await client.get("/api/v1/venues", headers=company.headers)
            assert (answer.status_code, len(answer.json()["items"])) == (expected, 1)
        meanwhile = await sign_up(client)
        assert stage.revisions()[meanwhile.slug] == HEAD
        assert (await client.get("/api/v1/venues", headers=meanwhile.headers)).status_code == 200
        again = await asyncio.to_thread(stage.run, "--json")
        assert last_line(again.stdout)["done"] == 1
        assert len(set(stage.catalogues().values())) == 1


@pytest.mark.postgresql
async def test_sign_ups_go_on_during_a_run_and_come_out_at_a_known_revision(stage: Stage) -> None:
    await stage.companies(4)
    slow = COLUMN_AND_INDEX.replace("def upgrade():", "def upgrade():\n    op.execute('select pg_sleep(0.7)')")
    later = stage.release(slow)
    async with running(stage.settings(), stage.urls, tenant_cache_seconds=0) as (_app, client):
        process = await asyncio.to_thread(stage.start, "--jobs", "1", "--json")
        await asyncio.to_thread(until_one_runs, stage)
        company = await sign_up(client)
        assert process.poll() is None, "the run went on meanwhile"
        out, errors = await asyncio.to_thread(process.communicate)
    assert process.returncode == 0, errors
    # The last look of the run found the company that had signed up with the code of the release before.
    assert last_line(out)["done"] == 5
    assert stage.revisions()[company.slug] == later
    assert len(set(stage.catalogues().values())) == 1


@pytest.mark.postgresql
async def test_whoever_takes_a_spare_during_a_release_comes_out_at_the_head_of_its_own_code(stage: Stage) -> None:
    await stage.companies(1)
    await keep_spares(stage, 2)
    first, _second = stage.rows("select number from shared.spare order by number")
    later = stage.release()
    assert (await asyncio.to_thread(stage.run)).returncode == 0
    (before,) = await stage.companies(1, "avant")
    assert ((before.number,), before.revision) == (first, HEAD)
    with stage.here():
        (own,) = await stage.companies(1, "propre")
        await keep_spares(stage, 2)
        ready = stage.rows("select number, revision from shared.spare order by number")
        (after,) = await stage.companies(1, "ensuite")
    assert own.number not in [number for number, _revision in ready]
    assert [revision for _number, revision in ready] == [later, later]
    assert ((after.number, after.revision), own.revision) == (ready[0], later)
    again = await asyncio.to_thread(stage.run, "--json")
    assert last_line(again.stdout)["done"] == 1
    assert set(stage.revisions().values()) == {later}
    assert len(set(stage.catalogues().values())) == 1


async def keep_spares(stage: Stage, wanted: int) -> None:
    database = Database(stage.settings(), stage.urls, deliver=lambda _items: None, seed=seed_jobs)
    await spares.keep(database, wanted, utc_now)
    await database.close()


def until_one_runs(stage: Stage) -> None:
    while "running" not in stage.states().values():
        time.sleep(0.05)


@pytest.mark.postgresql
async def test_a_sign_up_waits_only_while_the_shared_schema_is_migrated(stage: Stage) -> None:
    async with running(stage.settings(), stage.urls) as (_app, client):
        with only_run(stage.urls, wait=False) as held:
            with held.without_sign_ups():
                waiting = asyncio.create_task(sign_up(client))
                await asyncio.sleep(0.7)
                assert not waiting.done()
            await asyncio.wait_for(waiting, 10)
            await asyncio.wait_for(sign_up(client), 10)
