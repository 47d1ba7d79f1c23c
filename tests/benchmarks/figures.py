"""What a benchmark says: one row of figures for each load, as a table and as JSON."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

NOT_MEASURED = "-"


@dataclass(frozen=True, slots=True)
class Figures:
    """One load. Times are milliseconds; processor time, statements and round trips are means of one request."""

    name: str
    load: str
    requests: int
    per_second: float
    p50_ms: float
    p95_ms: float
    server_cpu_ms: float
    database_cpu_ms: float
    statements: float
    round_trips: float
    kilobytes: float
    errors: int
    goal_p95_ms: float | None


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` (0 to 1) of `values` do not exceed; 0 where there are none."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def show(console: Console, rows: Sequence[Figures]) -> None:
    """Print the table."""
    table = Table(Column("what", no_wrap=True), Column("load", no_wrap=True), title="The critical endpoints, measured")
    for column in (
        "requests", "per second", "p50 ms", "p95 ms", "goal p95", "server CPU ms", "database CPU ms", "statements",
        "round trips", "kB", "errors",
    ):  # fmt: skip
        table.add_column(column, justify="right")
    for row in rows:
        goal = NOT_MEASURED if row.goal_p95_ms is None else f"{row.goal_p95_ms:g}"
        table.add_row(
            row.name, row.load, str(row.requests), f"{row.per_second:.1f}", f"{row.p50_ms:.1f}", f"{row.p95_ms:.1f}",
            goal, f"{row.server_cpu_ms:.2f}", f"{row.database_cpu_ms:.2f}", f"{row.statements:.1f}",
            f"{row.round_trips:.1f}", f"{row.kilobytes:.1f}", str(row.errors),
        )  # fmt: skip
    console.print(table)


def write(path: Path, machine: dict[str, object], rows: Sequence[Figures], extra: dict[str, object]) -> None:
    """Write the figures as JSON."""
    content = {"machine": machine, "figures": [asdict(row) for row in rows], **extra}
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
