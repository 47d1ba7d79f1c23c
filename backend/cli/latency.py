"""`filage latency`: how fast each company was answered, from what the workers keep by the minute."""

import asyncio
import json
import re
import sys
from collections.abc import Sequence
from datetime import timedelta

from rich.table import Table

from backend.cli.starting import console
from backend.core.clock import utc_now
from backend.core.settings import Settings
from backend.people.service import seed_jobs
from backend.tenancy import latency
from backend.tenancy.directory import CompanyDirectory
from backend.tenancy.session import Database, find_urls

SHOWN, NOT_STARTED = 0, 2
SHARES = (0.5, 0.95, 0.99)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_PERIOD = re.compile(r"([1-9]\d{0,4})([mhd])")


def show_latency(slug: str | None, last: str, *, as_json: bool) -> int:
    """Print the latency over the period `last` ("30m", "1h", "7d"); return 0, or 2 when it could not begin."""
    out, err = console(), console(stderr=True)
    period = _PERIOD.fullmatch(last)
    if period is None:
        err.print(f"--last is a number of minutes, hours or days, such as 30m, 1h or 7d: not {last}.", markup=False)
        return NOT_STARTED
    back = timedelta(**{_UNITS[period[2]]: int(period[1])})
    if back > latency.KEPT_FOR:
        err.print(f"Latency is kept for {latency.KEPT_FOR.days} days: ask for a shorter period.")
        return NOT_STARTED
    found = asyncio.run(_read(Settings(), slug, back))
    if found is None:
        err.print(f"No company is called {slug}: see `filage company list`.", soft_wrap=True, markup=False)
        return NOT_STARTED
    if as_json:
        for summary in found:
            sys.stdout.write(json.dumps(_values(summary)) + "\n")
    else:
        out.print(_table(found))
    return SHOWN


async def _read(settings: Settings, slug: str | None, back: timedelta) -> Sequence[latency.Summary] | None:
    database = Database(settings, find_urls(settings), deliver=lambda _items: None, seed=seed_jobs)
    try:
        if slug is not None and await CompanyDirectory(database, 0).by_slug(slug) is None:
            return None
        async with database.shared(write=False) as session:
            return await latency.read(session, utc_now() - back, slug)
    finally:
        await database.close()


def _values(summary: latency.Summary) -> dict[str, object]:
    quantiles = {f"p{share * 100:.0f}_seconds": summary.quantile(share) for share in SHARES}
    return {"company": summary.slug, "requests": summary.requests, "errors": summary.errors, **quantiles}


def _table(found: Sequence[latency.Summary]) -> Table:
    table = Table()
    table.add_column("company", overflow="fold")
    for name in (*(f"p{share * 100:.0f}" for share in SHARES), "requests", "errors"):
        table.add_column(name, justify="right", no_wrap=True)
    for summary in found:
        shown = (summary.quantile(share) for share in SHARES)
        durations = ("" if seconds is None else f"{seconds * 1000:.0f} ms" for seconds in shown)
        table.add_row(summary.slug or "(all)", *durations, str(summary.requests), str(summary.errors))
    return table
