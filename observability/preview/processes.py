"""What the preview starts, and ends again: the demo with data of its own, and Prometheus over it, on the loopback."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml

from backend.tenancy.migrations import revisions

LOOPBACK = "127.0.0.1"
PROMETHEUS = Path(__file__).parents[1] / "prometheus"
MISSING = "Prometheus is missing: install it (Debian, Ubuntu: apt install prometheus), then run this again."
PATIENCE_SECONDS = 180  # the demo's first start makes a database and loads two companies
DRAIN_SECONDS = 20


class StartError(RuntimeError):
    """Something that the preview needs did not start; the message says what, and where its log is."""


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now."""
    with socket.create_server((LOOPBACK, 0)) as server:
        port: int = server.getsockname()[1]
    return port


def find_prometheus() -> str:
    """Return the path of Prometheus, or refuse with the sentence that says how it is installed."""
    found = shutil.which("prometheus")
    if found is None:
        raise StartError(MISSING)
    return found


def write_configuration(folder: Path, targets: Mapping[str, list[str]], *, every: str = "5s") -> Path:
    """Write a configuration that scrapes `targets` by job and evaluates the committed rules as often; return its path.

    A preview lasts minutes: what production looks at once a minute is looked at `every` few seconds here.
    """
    rules = folder / "rules"
    shutil.rmtree(rules, ignore_errors=True)
    rules.mkdir(parents=True)
    for path in (PROMETHEUS / "rules").glob("*.yml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        groups = [{key: value for key, value in group.items() if key != "interval"} for group in content["groups"]]
        (rules / path.name).write_text(yaml.safe_dump({"groups": groups}, sort_keys=False), encoding="utf-8")
    jobs = [{"job_name": job, "static_configs": [{"targets": found}]} for job, found in targets.items()]
    written = {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": ["rules/*.yml"],
        "scrape_configs": jobs,
    }
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")
    return path


@contextmanager
def prometheus(folder: Path, targets: Mapping[str, list[str]], *, every: str = "5s") -> Iterator[str]:
    """Run Prometheus over `targets` with its data in `folder`, begun anew; give its address once it is ready."""
    port = free_port()
    shutil.rmtree(folder / "data", ignore_errors=True)  # an earlier preview's processes would be drawn beside these
    command = [
        find_prometheus(),
        f"--config.file={write_configuration(folder, targets, every=every)}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=1d",
        "--enable-feature=exemplar-storage",
        f"--web.listen-address={LOOPBACK}:{port}",
    ]
    address = f"http://{LOOPBACK}:{port}"
    with running(command, folder / "prometheus.log", {}) as process:
        wait_until_ready(f"{address}/-/ready", process, folder / "prometheus.log")
        yield address


@contextmanager
def demo(folder: Path) -> Iterator[tuple[str, int]]:
    """Run the demo with its data in `folder`; give its address and its metrics port once it is ready."""
    port, metrics_port = free_port(), free_port()
    environment = demo_environment(folder) | {"FILAGE_METRICS_PORT": str(metrics_port)}
    command = [sys.executable, "-m", "backend.cli.main", "demo", "--port", str(port)]
    address = f"http://{LOOPBACK}:{port}"
    with running(command, folder / "demo.log", environment) as process:
        wait_until_ready(f"{address}/health/ready", process, folder / "demo.log")
        yield address, metrics_port


def demo_environment(folder: Path) -> dict[str, str]:
    """Return the settings of the preview's own demo: a database of its own, and no mail server."""
    return {
        "FILAGE_VAR_DIR": str(folder),
        "FILAGE_METRICS_HOST": LOOPBACK,
        "FILAGE_LOG_FORMAT": "json",
        "FILAGE_LIMIT_SIGN_UPS_PER_HOUR": "100",
        "FILAGE_LIMIT_MAILS_PER_HOUR": "1000",
    }


def migrate_fleet(folder: Path, companies: list[str]) -> None:
    """Take these companies one revision back and all of them up again, so that there is a fleet migration to see."""
    before = revisions("tenant")[-2]
    for arguments in (["--only", ",".join(companies), "--to", before], []):
        command = [sys.executable, "-m", "backend.cli.main", "migrate", "--json", *arguments]
        with running(command, folder / "migrate.log", demo_environment(folder) | {"FILAGE_METRICS_PORT": "0"}) as run:
            if run.wait(PATIENCE_SECONDS):
                raise StartError(f"The fleet could not be migrated: see {folder / 'migrate.log'}.")


@contextmanager
def running(command: list[str], log: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command that writes into `log`; it is asked to end on the way out, and ended if it does not.

    It has a process group of its own: Ctrl-C comes to the preview alone, which ends its processes in order.
    No setting of the environment or of a .env reaches it: what database or mail server they name is not ours to touch.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FILAGE_")}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - commands written above
            command,
            env={**inherited, **environment},
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(DRAIN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when `url` answers 200; refuse when the process ended or is not ready in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StartError(f"The {log.stem} ended at its start: see {log}.")
        try:
            if httpx.get(url, timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # not listening yet: the deadline ends this
        time.sleep(0.2)
    raise StartError(f"{url} was not ready after {PATIENCE_SECONDS} seconds: see {log}.")
