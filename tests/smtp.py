"""A real SMTP server on the loopback, in a thread of its own, that leaves nothing open when it ends."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

PATIENCE_SECONDS = 5.0
TURNS_TO_BE_LET_IN = 5


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def smtp_server(handler: object, port: int | None = None) -> Iterator[int]:
    """Take mails for `handler` (aiosmtpd's interface) and yield the port."""
    controller = _Server(handler, hostname="127.0.0.1", port=port or free_port(), enable_SMTPUTF8=True)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


class _Server(Controller):
    """The library's own end drops connections that a client has just left: a later test would be warned of them."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._transports: set[asyncio.BaseTransport] = set()
        self._ending: asyncio.Task[None] | None = None

    def factory(self) -> SMTP:
        transports = self._transports

        class Session(SMTP):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                transports.add(transport)
                super().connection_made(transport)

        return Session(self.handler, **self.SMTP_kwargs)

    def cancel_tasks(self, stop_loop: bool = True) -> None:  # noqa: ARG002 - the library's signature
        self._ending = self.loop.create_task(self._end())

    async def _end(self) -> None:
        for listening in self.server.sockets if isinstance(self.server, asyncio.Server) else ():
            self.loop.remove_reader(listening.fileno())
        for _ in range(TURNS_TO_BE_LET_IN):  # whoever is told to go before they are in is never seen off
            await asyncio.sleep(0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others, timeout=PATIENCE_SECONDS)
        for transport in self._transports:
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
        await asyncio.sleep(0)  # in this turn of the loop every transport gives its socket back
        self.loop.call_soon(self.loop.stop)
