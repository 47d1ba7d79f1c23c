"""Telling every process that a company has changed: NOTIFY inside the change's transaction, LISTEN in each process.

The listener holds one connection of its own, outside the pool and beside any pooler (a pooler in transaction mode
cannot carry LISTEN: then the cache's short expiry, at most 2 seconds, is what remains).
"""

import asyncio

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.ending import cancel
from backend.core.settings import Settings
from backend.telemetry.logs import get_logger
from backend.tenancy.directory import CompanyDirectory
from backend.tenancy.session import Urls, is_sqlite

CHANNEL = "filage_company"
PAUSE_SECONDS = 1.0

log = get_logger("filage.tenancy")


async def announce(session: AsyncSession, *slugs: str) -> None:
    """Tell every process, once this transaction has committed, to forget what it knows of these slugs."""
    if is_sqlite(session):
        return
    for slug in slugs:
        await session.execute(text("select pg_notify(:channel, :slug)"), {"channel": CHANNEL, "slug": slug})


def listen_url(settings: Settings, urls: Urls) -> URL:
    """Return where to listen: beside a pooler, whose transaction mode cannot carry LISTEN."""
    return make_url(settings.listen_database_url) if settings.listen_database_url else urls.app


class Listener:
    """Forgets companies as they are announced; reconnects for as long as it runs, and forgets everything then."""

    def __init__(self, url: URL, directory: CompanyDirectory) -> None:
        self._conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._directory = directory
        self._task: asyncio.Task[None] | None = None
        self.listening = asyncio.Event()

    def start(self) -> None:
        """Begin to listen, in a task of this event loop."""
        self._task = asyncio.create_task(self._run(), name="company-listener")

    async def stop(self) -> None:
        """End the task and its connection."""
        if self._task is not None:
            await cancel({self._task})

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError) as error:
                log.warning("listener_lost", error=type(error).__name__)
            self.listening.clear()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._conninfo, autocommit=True, application_name="filage-listener"
        )
        async with connection:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            # Whatever was announced while nobody listened is unknown: start from nothing.
            self._directory.forget_all()
            self.listening.set()
            async for notification in connection.notifies():
                self._directory.forget(notification.payload)
