"""The house rules that the linters cannot see: where a transaction ends, who names a schema, how long a function is."""

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BACKEND = ROOT / "backend"
MODULES = sorted(BACKEND.rglob("*.py"))
MAXIMUM_LINES = 60

Rule = Callable[[ast.AST], Iterator[int]]

MAY_COMMIT = ("tenancy/session.py", "tenancy/provisioning.py", "tenancy/migrations.py", "tenancy/fleet/", "worker/")
MAY_NAME_A_SCHEMA = ("tenancy/",)
# A home, a root or a workspace folder names one machine; the pattern is written so that it does not find itself.
MACHINE_PATH = re.compile(r"(?<![A-Za-z0-9_.}])/(work|root|tmp|home/\w+|Users/\w+|opt/\w+)/")
REGISTRY = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs\.org|proxy\.golang\.org|(extra-)?index[-]url")


def where(module: Path) -> str:
    return module.relative_to(BACKEND).as_posix()


def findings(find: Rule, allowed: tuple[str, ...]) -> list[str]:
    """Return `file:line` of everything that the rule finds outside the allowed places."""
    return [
        f"{where(module)}:{line}"
        for module in MODULES
        if not where(module).startswith(allowed)
        for line in find(ast.parse(module.read_text(encoding="utf-8")))
    ]


def commits(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            yield node.lineno


def schema_names(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "schema":
            yield node.value.lineno
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "search_path" in node.value:
            yield node.lineno


def composed_statements(tree: ast.AST) -> Iterator[int]:
    """Find `text(...)` of anything but one literal: an f-string, a sum, a format."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node.func) == "text" and node.args:
            literal = isinstance(node.args[0], ast.Constant | ast.Name | ast.Attribute)
            if not literal:
                yield node.lineno


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git is wherever it is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_there_are_modules_to_look_at() -> None:
    assert len(MODULES) > 20


def test_only_the_session_provisioning_and_migrations_commit() -> None:
    assert findings(commits, MAY_COMMIT) == []


def test_only_the_tenancy_kernel_names_a_schema() -> None:
    assert findings(schema_names, MAY_NAME_A_SCHEMA) == []


def test_only_the_tenancy_kernel_composes_a_statement() -> None:
    assert findings(composed_statements, MAY_NAME_A_SCHEMA) == []


@pytest.mark.parametrize(
    ("find", "source"),
    [
        (commits, "await act.session.commit()"),
        (schema_names, "Table('x', metadata, schema='shared')"),
        (schema_names, "execute('set search_path to t_000001')"),
        (composed_statements, "text(f'select {x}')"),
        (composed_statements, "sqlalchemy.text('select ' + x)"),
    ],
)
def test_each_of_these_rules_sees_what_it_forbids(find: Rule, source: str) -> None:
    assert list(find(ast.parse(source))) == [1]


def test_the_revisions_do_not_hide_the_library_that_runs_them() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
    found = find_spec("alembic")
    assert found is not None
    assert found.origin is not None
    assert ROOT / "alembic" not in Path(found.origin).parents


@pytest.mark.parametrize("module", MODULES, ids=where)
def test_a_module_says_what_it_is_for(module: Path) -> None:
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    assert docstring, f"{where(module)} begins without a docstring"


def test_a_function_fits_in_one_look() -> None:
    long = [
        f"{where(module)}:{node.lineno} {node.name}"
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MAXIMUM_LINES
    ]
    assert long == []


def test_no_file_names_one_machine_or_a_package_registry() -> None:
    found = []
    for path in tracked_files():
        if path.suffix == ".lock":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if MACHINE_PATH.search(line) or REGISTRY.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert found == []


@pytest.mark.parametrize(
    "line", ["see /" + "work/main/x", "cd /" + "home/anne/filage", "--index" + "-url=x", "https://pypi" + ".org/simple"]
)
def test_a_path_of_one_machine_or_a_registry_is_recognised(line: str) -> None:
    assert MACHINE_PATH.search(line) or REGISTRY.search(line)


def test_the_lock_pins_every_package_with_a_hash_and_no_address() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert len(packages) > 50
    assert [line for line in packages if "==" not in line or not line.endswith("\\")] == []
    assert [line for line in lines if "://" in line] == []
