"""A server of one's own for migrations: its processes are killed, and nobody else's tests may notice."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.tenancy import embedded
from tests.conftest import ON_SQLITE
from tests.migrations.stage import Stage, new_stage


@pytest.fixture(scope="session")
def own_server() -> Iterator[embedded.EmbeddedServer | None]:
    if ON_SQLITE:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="filage-fleet-"))
    folder.chmod(0o755)  # as root the server runs under a user of its own
    yield embedded.start(folder / "postgresql")
    embedded.remove(folder / "postgresql")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stage(own_server: embedded.EmbeddedServer | None, tmp_path: Path) -> Iterator[Stage]:
    made = new_stage(own_server, tmp_path)
    yield made
    if own_server is not None:
        embedded.drop_database(own_server, str(made.urls.owner.database))
