"""What the containers start is tried with the real programs: PgBouncer with a password, Alertmanager's own check."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from backend.tenancy import embedded
from tests.deploy.conftest import DEPLOY, ROOT
from tests.deploy.processes import PATIENCE_SECONDS
from tests.smtp import free_port

ALERTMANAGER = DEPLOY / "alertmanager"
PGBOUNCER = shutil.which("pgbouncer", path=os.pathsep.join(("/usr/sbin", "/usr/bin", "/usr/local/bin")))
AMTOOL = shutil.which("amtool")
MAIL = {
    "SMTP_HOST": "mail", "SMTP_PORT": "1025", "SMTP_TLS": "none", "SMTP_USERNAME": "", "SMTP_PASSWORD": "",
    "ALERT_FROM": "alerts@example.org", "ALERT_PAGE_TO": "page@example.org", "ALERT_TICKET_TO": "ticket@example.org",
}  # fmt: skip


def alertmanager(folder: Path, **changes: str) -> tuple[dict[str, Any], Path]:
    """Run start.sh with a program in Alertmanager's place that does nothing; return what it was to read."""
    stand_in = folder / "alertmanager"
    stand_in.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    stand_in.chmod(0o755)
    run = folder / "run"
    run.mkdir()
    subprocess.run(
        ["/bin/sh", ALERTMANAGER / "start.sh"], check=True, timeout=100,
        env={
            **MAIL, **changes, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "ALERTMANAGER_RUN": str(run),
            "ALERTMANAGER_CONFIG": str(ALERTMANAGER / "alertmanager.yml"),
        },
    )  # fmt: skip
    path = run / "alertmanager.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize(("tls", "required"), [("none", False), ("starttls", True)])
def test_alertmanager_writes_to_whom_the_env_file_names(tmp_path: Path, tls: str, required: bool) -> None:
    config, path = alertmanager(tmp_path, SMTP_TLS=tls)
    assert config["global"]["smtp_smarthost"] == "mail:1025"
    assert config["global"]["smtp_require_tls"] is required
    to = {receiver["name"]: receiver["email_configs"][0]["to"] for receiver in config["receivers"]}
    assert to == {"page": "page@example.org", "ticket": "ticket@example.org"}
    assert "${" not in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o077 == 0


def test_every_severity_of_an_alert_has_somebody_to_write_to(tmp_path: Path) -> None:
    config, _ = alertmanager(tmp_path)
    routed = {
        matcher.split('"')[1]: route["receiver"] for route in config["route"]["routes"] for matcher in route["matchers"]
    }
    rules = [yaml.safe_load(path.read_text()) for path in (ROOT / "observability/prometheus/rules").glob("*.yml")]
    severities = {
        rule["labels"]["severity"]
        for content in rules for group in content["groups"] for rule in group["rules"] if "alert" in rule
    }  # fmt: skip
    assert {severity: routed[severity] for severity in severities} == {"page": "page", "ticket": "ticket"}


@pytest.mark.skipif(AMTOOL is None, reason="amtool is not installed (Debian: prometheus-alertmanager)")
def test_alertmanager_takes_its_configuration(tmp_path: Path) -> None:
    _, path = alertmanager(tmp_path)
    done = subprocess.run([str(AMTOOL), "check-config", path], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def pooler(new_server: embedded.EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run pgbouncer/start.sh with pgbouncer.ini, its two addresses changed, as the user who may reach the server."""
    if PGBOUNCER is None:
        pytest.skip("pgbouncer is not installed (Debian: apt install pgbouncer)")
    embedded.make_database(new_server)
    owner = Path(new_server.socket_directory).owner()
    run = Path(tempfile.mkdtemp(prefix="filage-pooler-"))
    port = free_port()
    config = (DEPLOY / "pgbouncer" / "pgbouncer.ini").read_text(encoding="utf-8")
    config = config.replace("host=postgres", f"host={new_server.socket_directory}")
    config = config.replace("listen_addr = *", "listen_addr = 127.0.0.1").replace("6432", str(port))
    (run / "pgbouncer.ini").write_text(config, encoding="utf-8")
    shutil.copy(DEPLOY / "pgbouncer" / "start.sh", run)
    if os.getuid() == 0:
        for path in (run, *run.iterdir()):
            shutil.chown(path, owner)
    process = subprocess.Popen(
        ["/bin/sh", str(run / "start.sh")], user=owner if os.getuid() == 0 else None, stderr=subprocess.DEVNULL,
        env={
            "PATH": f"{Path(PGBOUNCER).parent}{os.pathsep}/usr/bin{os.pathsep}/bin", "APP_PASSWORD": "right0",
            "PGBOUNCER_RUN": str(run), "PGBOUNCER_CONFIG": str(run / "pgbouncer.ini"),
        },
    )  # fmt: skip
    until_listening(port, process)
    yield port
    process.terminate()
    process.wait(PATIENCE_SECONDS)
    shutil.rmtree(run)


def until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise AssertionError("PgBouncer does not listen")


def through(port: int, password: str) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host="127.0.0.1", port=port, user="filage_app", password=password, dbname="filage", prepare_threshold=None
    )


@pytest.mark.database
@pytest.mark.postgresql
def test_the_pooler_lets_in_who_has_the_password_and_gives_every_backend_back_clean(pooler: int) -> None:
    with pytest.raises(psycopg.OperationalError, match="auth"):
        through(pooler, "wrong0")
    with through(pooler, "right0") as connection:
        connection.execute("set application_name = 'left behind'")
        connection.execute("set statement_timeout = '77s'")
        connection.commit()
        assert connection.execute("show statement_timeout").fetchone() != ("77s",)
