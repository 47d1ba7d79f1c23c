"""What tenancy costs, and how a fleet is migrated, beside the same server without tenancy and beside django-tenants."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from backend.core.clock import utc_now
from backend.people.service import seed_jobs
from backend.tenancy import embedded, migrations, spares
from backend.tenancy.base import TenantBase
from backend.tenancy.models import CompanyInfo
from backend.tenancy.provisioning import Draft, new_company
from backend.tenancy.session import Database, Urls
from tests.benchmarks.distance import distance
from tests.benchmarks.peer import CHANGES, make_peer
from tests.migrations.stage import COLUMN_AND_INDEX, Stage, new_stage

VISITED = (1, 50, 500)
TRANSACTIONS, WARM_UP = 400, 60
SIGN_UPS = 20
ROWS = 50
ROUND_TRIP_SECONDS = 0.0025  # a database in the same region, another building
NOTHING_TIMES = 5
QUERY = text("select id, name from venue order by name limit :rows")
Rows = list[tuple[str, str, str, str]]


def measure(console: Console, companies: int) -> Rows:
    """Return rows of (what, measured, goal, beside): transactions, memory, sign-up, and a fleet of `companies`."""
    folder = Path(tempfile.mkdtemp(prefix="filage-tenancy-"))
    data = folder / "postgresql"
    try:
        server = embedded.start(data)
        (folder / "stage").mkdir()
        stage = new_stage(server, folder / "stage")
        with console.status(f"{companies} companies sign up ..."):
            begun = time.perf_counter()
            made = asyncio.run(stage.companies(companies))
            each = (time.perf_counter() - begun) / companies
        rows = asyncio.run(_with_database(stage, made))
        with console.status("the peer signs up ..."):
            peer = make_peer(server, folder / "peer")
            signed_up = peer.create(companies)
        rows.append(("sign-up, all of the fleet", f"{each * 1000:.1f} ms, mean", "", f"{signed_up:.1f} ms, median"))
        with console.status("both migrate ..."):
            rows += _fleet(stage, peer, companies)
        return rows
    finally:
        embedded.remove(data)
        shutil.rmtree(folder, ignore_errors=True)


def show(console: Console, rows: Rows, companies: int) -> None:
    """Print the table."""
    table = Table("what", "Filage", "goal", "beside", title=f"Tenancy, {companies} companies")
    for row in rows:
        table.add_row(*row)
    console.print(table)


async def _with_database(stage: Stage, made: Sequence[CompanyInfo]) -> Rows:
    await _fill(stage, made)
    rows: Rows = []
    for number in sorted({min(number, len(made)) for number in VISITED}):
        rows.append(await _transactions(stage, stage.urls, made[:number]))
    with distance(Path(str(stage.urls.app.query["host"])) / ".s.PGSQL.5432", ROUND_TRIP_SECONDS / 2) as port:
        far = Urls(*(url.set(host="127.0.0.1", port=port, query={}) for url in (stage.urls.app, stage.urls.owner)))
        rows.append(
            await _transactions(stage, far, made[: VISITED[-1]], f" {ROUND_TRIP_SECONDS * 1000} ms away", "0.85")
        )
    rows += await _memory(stage, made[: VISITED[-1]])
    return [*rows, *await _sign_ups(stage)]


async def _fill(stage: Stage, made: Sequence[CompanyInfo]) -> None:
    with stage.owner() as connection:
        for company in made:
            connection.execute(
                f"insert into {company.schema_name}.venue (id, name, timezone, created_at, updated_at, version) "
                "select gen_random_uuid(), 'Lieu ' || n, 'Europe/Paris', now(), now(), 1 "
                f"from generate_series(1, {ROWS}) n"
            )


async def _transactions(
    stage: Stage, urls: Urls, made: Sequence[CompanyInfo], where: str = "", goal: str = "1.25"
) -> tuple[str, str, str, str]:
    """Read fifty rows in a company's transaction and in a plain one, in turns."""
    database = _database(stage, urls)
    plain = create_async_engine(
        urls.owner, pool_size=5, connect_args={"options": f"-c search_path={made[0].schema_name}"}
    )

    async def without() -> None:
        async with AsyncSession(plain) as session:
            (await session.execute(QUERY, {"rows": ROWS})).all()
            await session.commit()

    with_tenancy, without_it = [], []
    for number in range(WARM_UP + TRANSACTIONS):
        company = made[number % len(made)]
        first, second = await _timed(lambda c=company: _read(database, c)), await _timed(without)  # type: ignore[misc]
        if number >= WARM_UP:
            with_tenancy.append(first)
            without_it.append(second)
    await plain.dispose()
    await database.close()
    ratio = median(with_tenancy) / median(without_it)
    return (
        f"transaction{where}, {len(made)} companies: p50 to one without tenancy", f"{ratio:.2f}", goal,
        f"{median(with_tenancy):.2f} ms to {median(without_it):.2f} ms",
    )  # fmt: skip


async def _read(database: Database, company: CompanyInfo) -> None:
    async with database.company(company, write=False) as session:
        (await session.execute(QUERY, {"rows": ROWS})).all()


async def _memory(stage: Stage, made: Sequence[CompanyInfo]) -> Rows:
    """Let one backend visit every table of every company, recycled as shipped and never."""
    shipped, never = await _visit(stage, made), await _visit(stage, made, db_pool_max_companies=100_000)
    name = f"memory of a backend after {len(made)} companies"
    return [(name, f"{shipped:.0f} MB", "64 MB", f"{never:.0f} MB if never replaced")]


async def _visit(stage: Stage, made: Sequence[CompanyInfo], **changes: Any) -> float:
    database = _database(stage, stage.urls, db_pool_size=1, db_pool_overflow=0, **changes)
    tables = [table.name for table in TenantBase.metadata.sorted_tables]
    most = 0.0
    for company in made:
        async with database.company(company, write=False) as session:
            for table in tables:
                await session.execute(text(f"select 1 from {table} limit 1"))
            pid = await session.scalar(text("select pg_backend_pid()"))
            most = max(most, _megabytes(int(pid or 0)))
    await database.close()
    return most


def _megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))


async def _sign_ups(stage: Stage) -> Rows:
    """Sign companies up in a spare room and in one of their own, in turns: the database's part, commit included."""
    database = _database(stage, stage.urls)
    with_spare, without = [], []
    for number in range(SIGN_UPS):
        await spares.keep(database, 1, utc_now)
        with_spare.append(await _timed(lambda n=number: _sign_up(database, f"reserve-{n}")))  # type: ignore[misc]
        without.append(await _timed(lambda n=number: _sign_up(database, f"propre-{n}")))  # type: ignore[misc]
    await database.close()
    return [
        ("sign-up's database work with a spare schema, median", f"{median(with_spare):.1f} ms", "5 ms", ""),
        ("sign-up's database work without, median", f"{median(without):.1f} ms", "100 ms", ""),
    ]


async def _sign_up(database: Database, slug: str) -> None:
    async with new_company(database) as new:
        await new.create(Draft(slug, slug, "Europe/Paris"), utc_now())


def _fleet(stage: Stage, peer: Any, companies: int) -> Rows:
    ours, theirs = [], {}
    for number, (change, executor) in enumerate(zip(CHANGES, ("standard", "multiprocessing"), strict=True)):
        stage.release(
            COLUMN_AND_INDEX.replace("stage_door", f"stage_door_{number}"),
            f"later{number}",
            f"later{number - 1}" if number else None,
        )
        begun = time.perf_counter()
        done = stage.start()
        _out, problems = done.communicate(timeout=3600)
        if done.returncode:
            raise SystemExit(f"filage migrate failed:\n{problems[-3000:]}")
        ours.append(time.perf_counter() - begun)
        theirs[executor] = peer.migrate(executor, change)
    rows: Rows = [
        (f"add a column and an index to {companies}: ratio to its {executor} executor",
         f"{seconds / ours[number]:.1f} times faster", "25" if executor == "standard" else "",
         f"{ours[number]:.2f} s to {seconds:.1f} s")
        for number, (executor, seconds) in enumerate(theirs.items())
    ]  # fmt: skip
    nothing = []
    with stage.here():
        for _ in range(NOTHING_TIMES):
            begun = time.perf_counter()
            if not migrations.is_current(stage.urls):
                raise SystemExit("something was left to migrate")
            nothing.append((time.perf_counter() - begun) * 1000)
    again = peer.migrate("standard")
    return [*rows, ("nothing to do", f"{median(nothing):.1f} ms", "20 ms", f"{again:.1f} s")]


def _database(stage: Stage, urls: Urls, **changes: Any) -> Database:
    settings = stage.settings().model_copy(update=changes)
    return Database(settings, urls, deliver=lambda _items: None, seed=seed_jobs)


async def _timed(act: Callable[[], Awaitable[None]]) -> float:
    """Return the milliseconds that `act` takes."""
    begun = time.perf_counter()
    await act()
    return (time.perf_counter() - begun) * 1000
