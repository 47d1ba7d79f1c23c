"""PostgreSQL servers to throw away: whoever starts one has it alone, and nothing of it stays.

Processes that shared one would wait for each other (DROP DATABASE waits for every backend of the server), and thousands
of schemas and roles take longer to drop one by one than a whole server takes to delete.
"""

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from backend.tenancy import embedded

ROOT = Path(tempfile.gettempdir()) / f"filage-tests-{os.getuid()}"


@contextlib.contextmanager
def throwaway_server() -> Iterator[embedded.EmbeddedServer]:
    """Start a new server of the test's own, and stop it at the end; its data is deleted when the run has ended."""
    ROOT.mkdir(mode=0o755, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=ROOT))
    folder.chmod(0o755)  # as root the server runs under a user of its own
    server = embedded.start(folder / "postgresql")
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        # What is thrown away need not outlive a power cut.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("select pg_reload_conf()")
    try:
        yield server
    finally:
        embedded.start(folder / "postgresql").handle.cleanup()


def sweep() -> None:
    """Delete the servers of this process and of those that have ended: many thousand files, in no test's time."""
    for folder in ROOT.glob("*-*"):
        process_id = int(folder.name.split("-")[0])
        if process_id == os.getpid() or not _is_alive(process_id):
            _kill(folder / "postgresql")
            shutil.rmtree(folder, ignore_errors=True)


def _kill(data: Path) -> None:
    """End the server of a killed test process (on Linux; a process number may have come again)."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        process_id = int((data / "postmaster.pid").read_text().split()[0])
        if str(data) in Path(f"/proc/{process_id}/cmdline").read_text():
            os.kill(process_id, signal.SIGQUIT)


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True
