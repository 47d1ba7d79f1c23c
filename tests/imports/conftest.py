"""The season's folders, as they ship with the product, and the jobs that its README lists."""

from collections.abc import Callable
from importlib.resources import files

import pytest
from fastapi import FastAPI

from backend.tenancy.session import Database

Folder = Callable[[str], dict[str, bytes]]


@pytest.fixture(scope="session")
def jobs() -> frozenset[str]:
    table = (files("backend") / "demo" / "season" / "README.md").read_text("utf-8").split("## Jobs")[1]
    return frozenset(line.split("`")[1] for line in table.splitlines() if line.startswith("| `"))


@pytest.fixture(scope="session")
def folder() -> Folder:
    """Return the seven files of a folder: "theatre-du-pont", "bad/00-valid" ..."""

    def read(name: str) -> dict[str, bytes]:
        here = files("backend").joinpath("demo", "season", *name.split("/"))
        return {file.name: file.read_bytes() for file in here.iterdir() if file.name.endswith(".csv")}

    return read


@pytest.fixture
def database(app: FastAPI) -> Database:
    found: Database = app.state.database
    return found


@pytest.fixture(scope="session")
def small(folder: Folder) -> dict[str, bytes]:
    return folder("bad/00-valid")
