"""Where a benchmark plays: an embedded PostgreSQL in a temporary folder, and the application as a process."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from sqlalchemy import make_url

from backend.core.settings import Settings
from backend.tenancy import embedded, migrations
from backend.tenancy.session import Urls
from tests.benchmarks.client import HOST, BadAnswerError, Connection, message

ROOT = Path(__file__).parents[2]
READY_SECONDS, STOP_SECONDS = 60, 10
EVERYTHING = "1000000"
# A real installation's settings, except that nobody is limited: passwords are hashed at their full cost.
ENVIRONMENT = {
    "FILAGE_ENVIRONMENT": "development",
    "FILAGE_METRICS_PORT": "0",
    "FILAGE_LOG_FORMAT": "json",
    "FILAGE_LIMIT_SIGN_UPS_PER_HOUR": EVERYTHING,
    "FILAGE_LIMIT_REGISTERS_PER_HOUR": EVERYTHING,
}


@dataclass(frozen=True, slots=True)
class Site:
    """A migrated, empty database."""

    directory: Path
    settings: Settings
    urls: Urls
    database_pid: int


@dataclass(frozen=True, slots=True)
class Server:
    """The application, running; its log is a file of JSON lines."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid


@contextmanager
def make_site() -> Iterator[Site]:
    """Make a database server, and take it and its folder away afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="filage-bench-"))
    data = directory / "postgresql"
    try:
        server = embedded.start(data)
        embedded.make_database(server)
        urls = Urls(make_url(server.url(embedded.APP_LOGIN)), make_url(server.url(embedded.OWNER_LOGIN)))
        _set_environment(directory, urls)
        command.upgrade(migrations.config(), "head")
        first_line = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0]
        yield Site(directory, Settings(), urls, int(first_line))
    finally:
        embedded.remove(data)
        shutil.rmtree(directory, ignore_errors=True)


def _set_environment(directory: Path, urls: Urls) -> None:
    for name in [name for name in os.environ if name.startswith("FILAGE_")]:
        del os.environ[name]
    os.environ.update(
        ENVIRONMENT,
        FILAGE_VAR_DIR=str(directory),
        FILAGE_DATABASE_URL=urls.app.render_as_string(hide_password=False),
        FILAGE_OWNER_DATABASE_URL=urls.owner.render_as_string(hide_password=False),
    )


@contextmanager
def serve(site: Site, profiles: Path | None = None) -> Iterator[Server]:
    """Start the application on a free port, and end it by its process id."""
    port, log = _free_port(), site.directory / f"server-{time.monotonic_ns()}.log"
    arguments = [sys.executable, "-m", "tests.benchmarks.server", str(port), *([str(profiles)] if profiles else [])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with log.open("wb") as stream:
        # In the temporary folder, where no .env file of the developer lies.
        process = subprocess.Popen(
            arguments, cwd=site.directory, env=environment, stdout=stream, stderr=subprocess.STDOUT
        )
    server = Server(port, process, log)
    try:
        asyncio.run(_wait_until_ready(server))
        yield server
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process gently, and surely."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


async def _wait_until_ready(server: Server) -> None:
    until = time.monotonic() + READY_SECONDS
    while server.process.poll() is None and time.monotonic() < until:
        connection = Connection(server.port)
        try:
            if (await connection.ask(message("GET", "/health/ready", {}))).status == 200:
                return
        except (OSError, EOFError, TimeoutError, BadAnswerError):
            await asyncio.sleep(0.1)
        finally:
            connection.close()
    raise SystemExit(f"the server did not start:\n{server.log.read_text(encoding='utf-8')[-3000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
