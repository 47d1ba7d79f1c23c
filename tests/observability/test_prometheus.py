"""Alerts that wake somebody are proved: each fires, is quiet, breaks a test when it is blinded, and has a page."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from backend.cli.main import app
from backend.telemetry.fleet import FleetState
from backend.telemetry.metrics import Metrics
from backend.telemetry.slo import is_promised

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "observability" / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
CONFIGS = sorted(PROMETHEUS.glob("*.yml"))
RUNBOOKS = ROOT / "deploy" / "runbooks"
PROMTOOL = shutil.which("promtool")
BLIND = "vector(0) > 1"
OF_THE_BACKUP = {"filage_backup_last_success_timestamp_seconds"}  # deploy/backup/backup.sh notes it, no process of ours
OF_PROMETHEUS = {"up", "scrape_samples_post_metric_relabeling"}  # Prometheus makes these of each scrape
# A shortened run blinds these two; the full one blinds all.
SAMPLE = ("FilageTargetDown", "FilageMigrationTenantFailed")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    return [rule for path in RULES for group in load(path)["groups"] for rule in group["rules"]]


ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}
RECORDED = {rule["record"] for rule in rules() if "record" in rule}


def exposed() -> set[str]:
    """Return the names of all series that a process can expose."""
    metrics = Metrics(lambda: FleetState(heads={}, companies=0, late=0))
    families = {family.name: family.type for family in metrics.registry.collect()}
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
    return {name + ending for name, kind in families.items() for ending in endings.get(kind, ("",))}


def names_in(expression: str) -> set[str]:
    """Return the metrics that an expression reads: every name that is no function, label or word of PromQL."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    bare = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", bare)
    words = set(re.findall(r"[A-Za-z_:][\w:]*(?!\w*\s*\()", bare))
    return {word for word in words if "_" in word or ":" in word or word == "up"}


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command that does something."""
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))
    if not hasattr(command, "commands"):
        yield path


def cases_of(alert: str, *, firing: bool) -> int:
    return sum(
        test["alertname"] == alert and bool(test["exp_alerts"]) == firing
        for path in TESTS
        for group in load(path)["tests"]
        for test in group["alert_rule_test"]
    )


def promtool(*arguments: object, cwd: Path = PROMETHEUS) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROMTOOL), *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False, timeout=100
    )


def test_there_are_alerts_to_look_at() -> None:
    assert len(ALERTS) >= 17
    assert all(name.startswith("Filage") for name in ALERTS)


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_an_alert_has_a_page_a_firing_test_and_a_quiet_one(alert: str) -> None:
    annotations = ALERTS[alert]["annotations"]
    assert annotations["runbook"] == f"deploy/runbooks/{alert}.md"
    assert (RUNBOOKS / f"{alert}.md").is_file()
    assert ALERTS[alert]["labels"]["severity"] in {"page", "ticket"}
    assert cases_of(alert, firing=True) > 0
    assert cases_of(alert, firing=False) > 0


def test_every_page_is_of_an_alert_and_has_the_three_parts() -> None:
    pages = {path.stem: path.read_text(encoding="utf-8") for path in RUNBOOKS.glob("*.md")}
    assert set(pages) == set(ALERTS)
    for text in pages.values():
        assert re.findall("^## (.+)", text, re.MULTILINE) == ["What it means", "How to look", "What to do"]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_reads_only_what_exists(rule: dict[str, Any]) -> None:
    read = names_in(rule["expr"])
    known = exposed() | RECORDED | OF_PROMETHEUS | OF_THE_BACKUP
    assert read
    assert {name for name in read - known if name not in {"histogram_quantile", "group_left"}} == set()


def test_an_invented_metric_is_seen() -> None:
    found = names_in('sum by (le) (rate(filage_invented_total{job="x"}[5m])) > on (a_b) up')
    assert found - exposed() - OF_PROMETHEUS == {"filage_invented_total"}


def test_every_command_of_a_page_exists() -> None:
    known = {" ".join(path) for path in commands(typer.main.get_command(app))}
    text = "\n".join(path.read_text(encoding="utf-8") for path in RUNBOOKS.glob("*.md"))
    used = {" ".join(found.split()) for found in re.findall(r"`filage ([a-z]+(?: [a-z]+)?)", text)}
    assert used
    assert {command for command in used if command not in known and command.split()[0] not in known} == set()


@pytest.mark.parametrize("path", [*CONFIGS, *RULES, *TESTS], ids=lambda path: path.name)
def test_a_bound_is_written_as_python_prints_it(path: Path) -> None:
    bounds = set(re.findall(r'\ble="([^"]+)"', path.read_text(encoding="utf-8")))
    assert {bound for bound in bounds if bound != "+Inf" and bound != str(float(bound))} == set()


@needs_promtool
@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.name)
def test_prometheus_takes_the_configuration_and_its_rules(config: Path) -> None:
    done = promtool("check", "config", config)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_alerts_fire_and_are_quiet_as_promised(path: Path) -> None:
    done = promtool("test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


def blinded(alert: str, folder: Path) -> list[Path]:
    """Copy rules and tests into `folder`, the alert's expression replaced by one that never fires; return its tests."""
    for name in ("rules", "tests"):
        shutil.copytree(PROMETHEUS / name, folder / name)
    for path in (folder / "rules").glob("*.yml"):
        content = load(path)
        for group in content["groups"]:
            for rule in group["rules"]:
                if rule.get("alert") == alert:
                    rule["expr"] = BLIND
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return [path for path in (folder / "tests").glob("*.yml") if f"alertname: {alert}" in path.read_text()]


@needs_promtool
@pytest.mark.soak
@pytest.mark.parametrize("alert", sorted(ALERTS) if os.environ.get("FILAGE_SOAK") else SAMPLE)
def test_a_blinded_alert_breaks_a_test(alert: str, tmp_path: Path) -> None:
    paths = blinded(alert, tmp_path)
    assert any(promtool("test", "rules", path, cwd=tmp_path).returncode != 0 for path in paths)


@pytest.mark.parametrize(
    ("route", "promised"),
    [
        ("/api/v1/calls", True), ("/c/{slug}", True), ("/c/{slug}/calls/{call_id}", True), ("/me", True),
        ("/me/hours", True), ("/", False), ("/static/{path:path}", False), ("/companies", False), ("unmatched", False),
    ],
)  # fmt: skip
def test_what_is_promised_of_a_route_is_what_the_rules_count(route: str, promised: bool) -> None:
    counted = {found for rule in rules() for found in re.findall(r'http_route=~"([^"]+)"', rule["expr"])}

    assert is_promised(route) is promised
    assert {bool(re.fullmatch(one, route)) for one in counted} == {promised}
