"""`filage import DIR --company SLUG`: exit code, a table of counts, or a table of what to correct."""

import asyncio
from pathlib import Path

import pytest

from backend.cli.importing import import_folder
from backend.tenancy.session import Database
from tests.helpers import SignedUpCompany
from tests.imports.acts import Files, changed, snapshot
from tests.imports.conftest import database, folder, small

__all__ = ["database", "folder", "small"]


def written(directory: Path, files: Files) -> Path:
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return directory


async def run(directory: Path, company: str, *, dry_run: bool = False) -> int:
    """The command has an event loop of its own, as in a terminal."""
    return await asyncio.to_thread(import_folder, directory, company, dry_run)


async def test_a_folder_is_imported_and_its_counts_are_shown(
    database: Database, company: SignedUpCompany, small: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(written(tmp_path, small), company.slug, dry_run=True) == 0
    assert "What would change" in capsys.readouterr().out
    assert (await snapshot(database, company))["person"] == []
    assert await run(tmp_path, company.slug) == 0
    shown = capsys.readouterr().out
    assert "assignments.csv" in shown
    assert "is ignored" in shown
    found = await snapshot(database, company)
    assert len(found["person"]) == 3
    assert found["audit_event"][-1]["actor_id"] is None


async def test_bad_rows_are_listed_and_nothing_is_stored(
    database: Database, company: SignedUpCompany, small: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = await snapshot(database, company)
    files = changed(small, "people.csv", ("genevieve.roche@example.org", "[red]nobody"))
    assert await run(written(tmp_path, files), company.slug) == 1
    shown = capsys.readouterr().err
    assert "people.csv" in shown
    assert "[red]nobody" in shown
    assert await snapshot(database, company) == before


async def test_an_unknown_company_or_an_empty_folder_is_told_in_one_sentence(
    company: SignedUpCompany, small: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(tmp_path, company.slug) == 2
    assert "people.csv" in capsys.readouterr().err
    assert await run(written(tmp_path, small), "nowhere-at-all") == 2
    shown = capsys.readouterr().err
    assert "nowhere-at-all" in shown
    assert "Traceback" not in shown
