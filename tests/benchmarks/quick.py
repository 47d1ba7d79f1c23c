"""The quick check of a review: a few seconds of the hot reads, as ratios that another machine can compare.

The unit is the processor time of `/health/live` in the same run, which is what the middleware alone costs.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks import groups, machine
from tests.benchmarks.figures import NOT_MEASURED, Figures
from tests.benchmarks.groups import Prepared
from tests.benchmarks.load import Closed
from tests.benchmarks.measuring import Scenario

RECORDED = Path(__file__).with_name("recorded.json")
SECONDS = 4


@dataclass(frozen=True, slots=True)
class Ratios:
    """One read: server and database processor time in units of a health request, and its use of the database."""

    server: float
    database: float
    statements: float
    round_trips: float


async def scenarios(prepared: Prepared) -> list[Scenario]:
    """Return the hot reads, one client each."""
    found = [await groups.planning(prepared), await groups.me(prepared), await groups.assignments(prepared)]
    return [replace(first, kind=Closed(1, SECONDS), goal_p95_ms=None) for first, *_others in found]


def ratios(unit: Figures, rows: Sequence[Figures]) -> dict[str, Ratios]:
    """Return the ratios of each read."""
    one = unit.server_cpu_ms or 1.0
    return {
        row.name: Ratios(
            round(row.server_cpu_ms / one, 1), round(row.database_cpu_ms / one, 1), row.statements, row.round_trips
        )
        for row in rows
    }


def show(console: Console, found: Mapping[str, Ratios], hottest: Mapping[str, Mapping[str, float]]) -> None:
    """Print ratios and hottest functions beside the recorded ones."""
    recorded = read()
    table = Table("what", title=f"Ratios to a health request (recorded: {recorded.get('date', 'never')})")
    for column in ("server CPU", "recorded", "database CPU", "recorded", "statements", "recorded", "round trips",
                   "recorded"):  # fmt: skip
        table.add_column(column, justify="right")
    for name, each in found.items():
        before = recorded.get("ratios", {}).get(name, {})
        cells = [
            text
            for field in ("server", "database", "statements", "round_trips")
            for text in (f"{getattr(each, field):.1f}", _figure(before.get(field)))
        ]
        table.add_row(name, *cells)
    console.print(table)
    for name, functions in hottest.items():
        _show_hottest(console, name, functions, recorded.get("hottest", {}).get(name, {}))


def record(found: Mapping[str, Ratios], hottest: Mapping[str, Mapping[str, float]]) -> None:
    """Keep the ratios for the next comparison."""
    content = {
        "date": date.today().isoformat(),  # noqa: DTZ011 - the day of whoever records
        "machine": machine.describe(),
        "ratios": {name: {field: getattr(each, field) for field in Ratios.__slots__} for name, each in found.items()},
        "hottest": hottest,
    }
    RECORDED.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read() -> dict[str, Any]:
    """Return what was recorded last; nothing when there is no file."""
    if not RECORDED.exists():
        return {}
    found: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return found


def _show_hottest(console: Console, name: str, functions: Mapping[str, float], before: Mapping[str, float]) -> None:
    table = Table("library or function", title=f"{name}: own time")
    table.add_column("share", justify="right")
    table.add_column("recorded", justify="right")
    for function, share in functions.items():
        known = before.get(function)
        table.add_row(function, f"{share:.1%}", NOT_MEASURED if known is None else f"{known:.1%}")
    console.print(table)


def _figure(value: float | None) -> str:
    return NOT_MEASURED if value is None else f"{value:.1f}"
