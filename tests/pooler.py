"""PgBouncer, in transaction mode, before the test database (`FILAGE_TEST_POOLER=pgbouncer`): five servers for all."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy import URL

POOLER = os.environ.get("FILAGE_TEST_POOLER", "none")
SERVERS = 5
direct = pytest.mark.skipif(POOLER != "none", reason="about a backend of one's own, which PgBouncer gives to nobody")
_PLACES = ("/usr/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/sbin")
_PATIENCE_SECONDS = 10


@contextmanager
def in_front_of(url: URL) -> Iterator[URL]:
    """Run a PgBouncer of one's own before the server of `url` (the app login's), and yield the URL through it."""
    binary = shutil.which("pgbouncer", path=os.pathsep.join(_PLACES))
    if binary is None:
        pytest.exit("FILAGE_TEST_POOLER=pgbouncer, but pgbouncer is not installed (Debian: apt install pgbouncer)", 3)
    # On a socket, whose name is short enough for any folder and free by its folder.
    directory = Path(tempfile.mkdtemp(prefix="filage-pooler-"))
    directory.chmod(0o777)
    process = subprocess.Popen(
        [binary, *_as_the_servers_user(url), str(_configure(directory, url))],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    through = url.set(query={"host": str(directory), "port": "6432"})
    try:
        _wait(through, directory)
        yield through
    finally:
        process.terminate()
        process.wait(_PATIENCE_SECONDS)
        shutil.rmtree(directory)


def _as_the_servers_user(url: URL) -> list[str]:
    """PgBouncer refuses to run as root, and must reach the server's socket."""
    return ["-u", Path(str(url.query["host"])).owner()] if os.getuid() == 0 else []


def _configure(directory: Path, url: URL) -> Path:
    users = directory / "users.txt"
    users.write_text(f'"{url.username}" ""\n')
    config = directory / "pgbouncer.ini"
    config.write_text(
        f"""[databases]
{url.database} = host={url.query["host"]} port=5432
[pgbouncer]
listen_addr =
unix_socket_dir = {directory}
listen_port = 6432
auth_type = trust
auth_file = {users}
pool_mode = transaction
server_reset_query = RESET ROLE; RESET ALL
server_reset_query_always = 1
default_pool_size = {SERVERS}
max_client_conn = 500
logfile = {directory}/log
pidfile = {directory}/pid
"""
    )
    for path in (users, config):
        path.chmod(0o644)
    return config


def _wait(url: URL, directory: Path) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    conninfo = f"postgresql://{url.username}@/{url.database}?host={quote(str(directory))}&port=6432"
    while time.monotonic() < until:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(conninfo, prepare_threshold=None) as found:
            found.execute("select 1")
            return
        time.sleep(0.05)
    pytest.exit(f"PgBouncer does not answer: {(directory / 'log').read_text(errors='replace')[-500:]}", 3)
