"""What the README promises must be there: its table of settings, its links, its commands."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from backend.core.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TABLE = dict(re.findall(r"^\| `FILAGE_([A-Z0-9_]+)` \| (.+?) \|", README, re.MULTILINE))
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_table_names_every_setting_and_no_other() -> None:
    assert sorted(TABLE) == sorted(name.upper() for name in Settings.model_fields)


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_the_table_shows_the_default_in_force(name: str) -> None:
    default = Settings.model_fields[name].default
    if default is not None and not isinstance(default, SecretStr):
        assert TABLE[name.upper()] == f"`{default}`"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_into_the_repository_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_command_of_the_readme_is_one_of_the_entry_script() -> None:
    commands = set(re.findall(r"\./run ([a-z]+)", README))
    script = (ROOT / "run").read_text(encoding="utf-8")
    assert commands
    assert {command for command in commands if f"    {command}) " not in script} == set()
