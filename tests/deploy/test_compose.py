"""deploy/compose.yaml says what deploy/README.md promises: who waits for whom, what is published, and no secret."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from backend.cli.serving import DRAIN_SECONDS
from backend.core.settings import Settings
from backend.tenancy import embedded
from observability.grafana.panels import DASHBOARDS, RUNBOOKS
from tests.deploy.conftest import DEPLOY, ROOT

TEXT = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
EXAMPLE = (DEPLOY / ".env.example").read_text(encoding="utf-8")
# As somebody fills the example in: what it leaves empty and asks for, and nothing else.
ASKED = re.findall(r"\$\{(\w+):\?", TEXT)
FILLED = dict(re.findall(r"^(\w+)=(.*)$", EXAMPLE, re.MULTILINE)) | {
    name: f"{name.lower().replace('_', '')}0123456789012345678901234567"
    for name in ASKED
    if name not in {"FILAGE_PUBLIC_URL", "FILAGE_BASE_DOMAIN"}
}
VARIABLE = r"\$\{(\w+)(?:(:-|:\?)([^}]*))?\}"
OF_THE_COMMANDS = {"FILAGE_SUPERUSER_DATABASE_URL"}  # an option of `filage db harden`
FILAGE = ("harden", "migrate", "api", "worker")
WITHOUT_A_SHELL = {"collector", "jaeger"}
WITH_ITS_OWN = {"mail"}
ONCE = {"harden", "migrate", "restore"}


def filled(part: Any) -> Any:
    """Fill the variables in as Compose does: ${X}, ${X:-default} where X is empty, ${X:?message}."""
    if isinstance(part, dict):
        return {name: filled(value) for name, value in part.items()}
    if isinstance(part, list):
        return [filled(value) for value in part]
    return re.sub(VARIABLE, _value, part) if isinstance(part, str) else part


def _value(found: re.Match[str]) -> str:
    default: str = found[3] if found[2] == ":-" else ""
    return FILLED.get(found[1]) or default


COMPOSE: dict[str, Any] = filled(yaml.safe_load(TEXT))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def environment(service: str) -> dict[str, str]:
    found: dict[str, str] = SERVICES[service].get("environment", {})
    return found


def waits_for(service: str) -> dict[str, str]:
    asked: dict[str, dict[str, str]] = SERVICES[service].get("depends_on", {})
    return {name: condition["condition"] for name, condition in asked.items()}


def test_the_specification_of_compose_knows_every_key() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"],
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_that_the_installation_needs_is_there() -> None:
    assert set(SERVICES) == {
        *FILAGE, "postgres", "pgbouncer", "backup", "restore", "exporter", "collector", "jaeger", "prometheus",
        "alertmanager", "grafana", "mail",
    }  # fmt: skip


def test_every_image_has_a_version() -> None:
    tags = {name: str(service["image"]).rpartition(":")[2] for name, service in SERVICES.items()}
    assert {name: tag for name, tag in tags.items() if not re.fullmatch(r"v?\d+(\.\d+)+(-\w+)?", tag)} == {}
    assert SERVICES["grafana"]["image"] == "grafana/grafana:11.6.0"
    assert SERVICES["backup"]["image"] == SERVICES["restore"]["image"] == SERVICES["postgres"]["image"]


def test_fences_stand_before_the_first_migration_and_a_migration_before_whoever_serves() -> None:
    assert waits_for("harden") == {"postgres": "service_healthy"}
    assert waits_for("migrate") == {"harden": "service_completed_successfully"}
    for service in ("api", "worker", "backup"):
        assert waits_for(service)["migrate"] == "service_completed_successfully"
    assert waits_for("api")["pgbouncer"] == "service_healthy"


def test_no_password_is_in_the_file_and_one_that_is_missing_stops_the_start() -> None:
    secrets = {"POSTGRES_PASSWORD", "OWNER_PASSWORD", "APP_PASSWORD", "GRAFANA_PASSWORD", "FILAGE_SECRET_KEY"}
    assert secrets <= set(ASKED)
    assert {name for name in secrets if not re.search(rf"^{name}=$", EXAMPLE, re.MULTILINE)} == set()
    written = re.findall(r"(?:PASSWORD|SECRET\w*): +(\S+)", TEXT) + re.findall(r"://\w+:([^@\n]+)@", TEXT)
    assert written
    assert [value for value in written if not value.startswith("${")] == []
    assert set(re.findall(r"\$\{(\w+)", TEXT)) == {name for name, _ in re.findall(r"^(\w+)(=)", EXAMPLE, re.MULTILINE)}


@pytest.mark.parametrize("service", FILAGE)
def test_every_variable_of_filage_is_a_setting_and_production_takes_them(
    service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = environment(service)
    ours = {name for name in given if name.startswith("FILAGE_")} - OF_THE_COMMANDS
    assert {name for name in ours if name.removeprefix("FILAGE_").lower() not in Settings.model_fields} == set()
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"FILAGE_{name.upper()}", raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.environment == "production"
    assert (settings.smtp_host, settings.smtp_port, settings.smtp_username) == ("mail", 1025, None)
    assert settings.mail_from == Settings.model_fields["mail_from"].default


def test_requests_go_through_the_pooler_and_what_listens_or_locks_goes_past_it() -> None:
    api = environment("api")
    assert "@pgbouncer:6432/" in api["FILAGE_DATABASE_URL"]
    assert api["FILAGE_DB_POOLER"] == "pgbouncer"
    direct = [api["FILAGE_LISTEN_DATABASE_URL"], api["FILAGE_OWNER_DATABASE_URL"]]
    direct += [environment(service)["FILAGE_DATABASE_URL"] for service in ("migrate", "worker")]
    assert all("@postgres:5432/" in url for url in direct)


def test_the_database_has_the_settings_that_the_tests_run_with() -> None:
    given = dict(word.removeprefix("-c").split("=", 1) for word in SERVICES["postgres"]["command"][1:])
    assert {name: given[name] for name in embedded.SERVER_SETTINGS} == embedded.SERVER_SETTINGS
    assert SERVICES["postgres"]["image"].startswith("postgres:18.")


def test_the_pooler_resets_every_backend_and_leaves_servers_for_the_others() -> None:
    config = (DEPLOY / "pgbouncer" / "pgbouncer.ini").read_text(encoding="utf-8")
    given = dict(re.findall(r"^(\w+) = (.+)$", config, re.MULTILINE))
    assert given["pool_mode"] == "transaction"
    assert (given["server_reset_query"], given["server_reset_query_always"]) == ("RESET ROLE; RESET ALL", "1")
    assert int(given["default_pool_size"]) < int(embedded.SERVER_SETTINGS["max_connections"]) / 2


def test_nothing_is_published_beyond_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"api", "grafana", "prometheus", "alertmanager", "jaeger", "mail"}
    assert all(str(port).startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_whoever_can_say_how_it_is_says_so_and_whoever_dies_comes_back() -> None:
    for name, service in SERVICES.items():
        if name not in ONCE:
            assert service["restart"] == "unless-stopped"
        # The API's stands in the Dockerfile.
        if name not in {"api", *ONCE, *WITHOUT_A_SHELL, *WITH_ITS_OWN}:
            assert service["healthcheck"]["test"][0] == "CMD", name
        assert re.fullmatch(r"\d+[mg]", service["mem_limit"]), name
        if name != "postgres":
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]


def test_whoever_is_stopped_has_longer_than_its_requests() -> None:
    assert all(int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > DRAIN_SECONDS for name in FILAGE)


def test_prometheus_reads_the_processes_that_run() -> None:
    config = yaml.safe_load((ROOT / "observability/prometheus/prometheus.compose.yml").read_text(encoding="utf-8"))
    targets = {
        target for job in config["scrape_configs"] for found in job["static_configs"] for target in found["targets"]
    }
    workers = int(SERVICES["api"]["command"][-1])
    first = Settings.model_fields["metrics_port"].default
    assert targets == {f"api:{first + number}" for number in range(workers)} | {f"worker:{first}", "exporter:9100"}
    assert config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] == ["alertmanager:9093"]


def mounted(service: str) -> dict[str, Path]:
    """Return the files and folders of this repository that a service sees, by where it sees them."""
    parts = [volume.split(":") for volume in SERVICES[service].get("volumes", []) if volume.startswith(".")]
    return {part[1]: (DEPLOY / part[0]).resolve() for part in parts}


def test_every_file_that_is_mounted_exists() -> None:
    wanted = [path for service in SERVICES for path in mounted(service).values()]
    assert len(wanted) >= 11
    assert [path for path in wanted if not path.exists()] == []


def test_grafana_finds_its_boards_and_serves_the_pages_that_panels_lead_to() -> None:
    seen = mounted("grafana")
    assert seen[f"/usr/share/grafana{RUNBOOKS}"] == DEPLOY / "runbooks"
    assert seen["/etc/grafana/provisioning"] == ROOT / "observability/grafana/provisioning"
    config = yaml.safe_load((seen["/etc/grafana/provisioning"] / "dashboards/filage.yml").read_text(encoding="utf-8"))
    assert [seen[provider["options"]["path"]] for provider in config["providers"]] == [DASHBOARDS]


def test_the_exporter_reads_what_the_backup_writes() -> None:
    exporter, backup = SERVICES["exporter"], SERVICES["backup"]
    assert exporter["volumes"] == [f"{backup['volumes'][0]}:ro"]
    assert exporter["user"] == backup["user"]
    assert f"--collector.textfile.directory={backup['environment']['BACKUP_DIR']}" in exporter["command"]
    assert waits_for("exporter") == {"backup": "service_started"}


def test_the_page_names_every_service_and_its_links_lead_somewhere() -> None:
    page = (DEPLOY / "README.md").read_text(encoding="utf-8")
    assert {name for name in SERVICES if f"`{name}`" not in page and f" {name} " not in page} == set()
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page)
    assert links
    assert [link for link in links if not (DEPLOY / link).exists()] == []
    assert {
        f"http://{port.rpartition(':')[0]}" for service in SERVICES.values() for port in service.get("ports", [])
    } - {f"http://{found}" for found in re.findall(r"http://([\d.]+:\d+)", page)} == {"http://127.0.0.1:8000-8001"}
