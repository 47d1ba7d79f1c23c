"""`filage findings SLUG`: a table by rule, or JSON lines."""

import asyncio
import json

import pytest

from backend.cli.finding import show_findings
from backend.tenancy.session import Database
from tests.helpers import SignedUpCompany
from tests.imports.acts import load
from tests.imports.conftest import Folder, database, folder

__all__ = ["database", "folder"]

FIELDS = {
    "rule",
    "severity",
    "person_ref",
    "window_start",
    "measured_minutes",
    "limit_minutes",
    "calls",
    "if_confirmed",
}


async def run(slug: str, *, as_json: bool = False) -> int:
    """The command has an event loop of its own, as in a terminal."""
    return await asyncio.to_thread(lambda: show_findings(slug, as_json=as_json))


async def test_a_planning_s_findings_are_shown_by_rule_and_as_json(
    database: Database, company: SignedUpCompany, folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    await load(database, company, folder("theatre-du-pont"))
    assert await run(company.slug) == 0
    table = capsys.readouterr().out
    assert await run(company.slug, as_json=True) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines
    assert all(line.keys() >= FIELDS for line in lines)
    assert f"{len(lines)} findings" in table
    assert all(line["rule"] in table for line in lines)


async def test_a_company_without_a_planning_has_no_findings(
    company: SignedUpCompany, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(company.slug, as_json=True) == 0
    assert not capsys.readouterr().out


async def test_an_unknown_company_is_told_in_one_sentence(
    company: SignedUpCompany, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run("nowhere-at-all") == 2
    assert "No company is called nowhere-at-all" in capsys.readouterr().err
