"""Where the server's time goes: own time by library and by function, as shares of the whole."""

import asyncio
import json
import os
import signal
import time
from collections import Counter
from pathlib import Path

from tests.benchmarks import load
from tests.benchmarks.load import Closed
from tests.benchmarks.measuring import Scenario
from tests.benchmarks.site import ROOT, Server

SECONDS = 4
LIBRARIES_SHOWN, FUNCTIONS_SHOWN = 8, 10
WRITTEN_SECONDS = 15.0
PACKAGES = "site-packages"


async def hottest(server: Server, scenario: Scenario, written: Path) -> dict[str, float]:
    """Return libraries (in capitals) and functions with the largest own time, and the share of each (0 to 1)."""
    await load.run(server.port, Closed(1, SECONDS, 10), scenario.requests, scenario.status)
    os.kill(server.pid, signal.SIGUSR1)
    await load.run(server.port, Closed(1, SECONDS), scenario.requests, scenario.status)
    os.kill(server.pid, signal.SIGUSR1)
    return _shares(await asyncio.to_thread(_read, written))


def _read(written: Path) -> list[tuple[str, str, int]]:
    until = time.monotonic() + WRITTEN_SECONDS
    while not written.exists():
        if time.monotonic() > until:
            raise SystemExit(f"the server wrote no profile: {written.name}")
        time.sleep(0.05)
    return [(file, name, count) for file, name, count in json.loads(written.read_text(encoding="utf-8"))]


def _shares(samples: list[tuple[str, str, int]]) -> dict[str, float]:
    libraries: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for file, name, count in samples:
        where = _where(file)
        libraries[where.parts[0].upper()] += count
        functions[f"{where.as_posix()} {name}"] += count
    whole = max(1, functions.total())
    shown = libraries.most_common(LIBRARIES_SHOWN) + functions.most_common(FUNCTIONS_SHOWN)
    return {name: round(count / whole, 4) for name, count in shown}


def _where(file: str) -> Path:
    """Return a path without the folders of this machine: from the library's name on."""
    path = Path(file)
    if PACKAGES in path.parts:
        return Path(*path.parts[path.parts.index(PACKAGES) + 1 :])
    if path.is_relative_to(ROOT):
        return path.relative_to(ROOT)
    return Path("python", *path.parts[-2:])
