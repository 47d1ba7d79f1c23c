"""`python -m tests.benchmarks [GROUP ...] [--json FILE]`: measures the critical endpoints; fails for errors alone."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests.benchmarks import (
    figures,
    groups,
    machine,
    profiling,
    quick,
    rules_speed,
    sign_up_parts,
    telemetry_cost,
    tenancy_speed,
)
from tests.benchmarks.data import writing
from tests.benchmarks.figures import Figures
from tests.benchmarks.groups import Group, Prepared
from tests.benchmarks.measuring import Scenario, measure
from tests.benchmarks.site import Server, Site, make_site, serve

WIDTH = 150  # characters: the table is one line a load, wherever it is printed
EVERYTHING = [group for group in Group if group not in {Group.QUICK, Group.TENANCY}]
console = Console(width=max(WIDTH, Console().width))

Groups = Annotated[list[Group] | None, typer.Argument(help="What to measure; nothing: all but quick and tenancy.")]
Json = Annotated[Path | None, typer.Option("--json", help="File for the figures.", dir_okay=False)]
Companies = Annotated[int, typer.Option(help="tenancy: how large the fleet is.", min=2, max=5_000)]
Record = Annotated[bool, typer.Option("--record", help="quick: keep these ratios as the recorded ones.")]


def main(wanted: Groups = None, json: Json = None, record: Record = False, companies: Companies = 200) -> None:
    """Measure the critical endpoints on a server and a database of their own."""
    asked = list(dict.fromkeys(wanted or EVERYTHING))
    shape = machine.describe()
    console.print(" · ".join(f"{name.replace('_', ' ')}: {value}" for name, value in shape.items()))
    rows: list[Figures] = []
    extra: dict[str, object] = {}
    if Group.RULES in asked:  # a function alone: no server, no database
        asked.remove(Group.RULES)
        rows += rules_speed.measure()
    if Group.TENANCY in asked:  # servers of its own, and a peer's environment
        asked.remove(Group.TENANCY)
        fleet = extra["tenancy"] = tenancy_speed.measure(console, companies)
        tenancy_speed.show(console, fleet, companies)
    if asked:
        with make_site() as site:
            if Group.TELEMETRY in asked:
                asked.remove(Group.TELEMETRY)
                extra["telemetry"] = asyncio.run(telemetry_cost.measure(site))
            rows += _served(site, asked, record=record)
            if Group.SIGN_UP in asked:
                extra["sign_up_parts_ms"] = asyncio.run(sign_up_parts.measure(site))
    if rows:
        figures.show(console, rows)
    if "sign_up_parts_ms" in extra:
        sign_up_parts.show(console, extra["sign_up_parts_ms"])
    if "telemetry" in extra:
        telemetry_cost.show(console, extra["telemetry"])
    if json is not None:
        figures.write(json, shape, rows, extra)
    raise typer.Exit(1 if any(row.errors or not row.requests for row in rows) else 0)


def _served(site: Site, asked: Sequence[Group], *, record: bool) -> list[Figures]:
    rows: list[Figures] = []
    for group in asked:
        if group is Group.QUICK:
            rows += _quick(site, record=record)
            continue
        scenarios = asyncio.run(_prepare(site, group))
        with serve(site) as server:
            rows += asyncio.run(_measure(site, server, scenarios))
    return rows


def _quick(site: Site, *, record: bool) -> list[Figures]:
    scenarios = asyncio.run(_prepare(site, Group.QUICK))
    with serve(site) as server:
        unit, *rows = asyncio.run(_measure(site, server, [groups.health(), *scenarios]))
    folder = site.directory / "profiles"
    folder.mkdir()
    with serve(site, folder) as server:
        hottest = asyncio.run(_profile(server, scenarios, folder))
    found = quick.ratios(unit, rows)
    quick.show(console, found, hottest)
    if record:
        quick.record(found, hottest)
    return [unit, *rows]


async def _prepare(site: Site, group: Group) -> list[Scenario]:
    with console.status(f"{group}: writing what will be read ..."):
        async with writing(site) as writer:
            prepared = Prepared(writer)
            prepare = quick.scenarios if group is Group.QUICK else groups.PREPARE[group]
            scenarios = await prepare(prepared)
            await writer.settle()
    return scenarios


async def _measure(site: Site, server: Server, scenarios: Sequence[Scenario]) -> list[Figures]:
    rows = []
    for scenario in scenarios:
        with console.status(f"{scenario.name}, {scenario.kind} ..."):
            rows.append(await measure(site, server, scenario, console))
    return rows


async def _profile(server: Server, scenarios: Sequence[Scenario], folder: Path) -> dict[str, dict[str, float]]:
    found = {}
    for number, scenario in enumerate(scenarios, 1):
        with console.status(f"{scenario.name}: profile ..."):
            found[scenario.name] = await profiling.hottest(server, scenario, folder / f"{number}.json")
    return found


if __name__ == "__main__":
    typer.run(main)
