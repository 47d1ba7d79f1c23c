"""A server of one's own for migrations: its processes are killed, and nobody else's tests may notice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.tenancy import embedded
from tests.conftest import ON_SQLITE
from tests.migrations.stage import Stage, new_stage
from tests.servers import throwaway_server


@pytest.fixture(scope="session")
def own_server() -> Iterator[embedded.EmbeddedServer | None]:
    if ON_SQLITE:
        yield None
        return
    with throwaway_server() as server:
        yield server


@pytest.fixture
def stage(own_server: embedded.EmbeddedServer | None, tmp_path: Path) -> Stage:
    return new_stage(own_server, tmp_path)
