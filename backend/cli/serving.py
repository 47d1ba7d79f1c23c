"""How the API's processes run and end: on SIGTERM nobody is accepted any more, and whoever was accepted is answered.

Closing a socket that listens resets whoever the system has accepted and no process has taken yet. So the door is shut
first, those behind it are let in, and then it is closed: who comes meanwhile knocks again, and is refused. A connection
that is kept open between two requests stays so a moment longer, since the next one may be on its way.
"""

import asyncio
import sys
import time
from socket import AF_INET6, IPPROTO_IP, IPPROTO_IPV6, socket

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.supervisors import Multiprocess

from backend.app import create_app
from backend.cli.heads import BoundedHeads
from backend.core import memory

APPLICATION = "backend.cli.serving:application"
# Longer than the longest statement allowed (FILAGE_STATEMENT_TIMEOUT_MS). Whoever stops Filage must wait longer still.
DRAIN_SECONDS = 20
LET_IN_SECONDS = 0.5
# A process answers its parent once it has read its code. uvicorn's own 5 seconds are too few on a busy machine: it then
# kills whoever is still reading, starts another one, and never comes to serve.
ANSWER_SECONDS = 20
# Linux's numbers, which Python does not name: packets with fewer hops to live are dropped.
IP_MINTTL, IPV6_MINHOPCOUNT = 21, 73
MOST_HOPS = 255
LAST_ANSWER = (b"connection", b"close")


def application() -> FastAPI:
    """Build what a process serves, and settle its memory."""
    built = create_app()
    memory.settle()
    return built


def shut(door: socket) -> None:
    """Let the system accept nobody new; whoever it has accepted can still be taken. Linux alone knows how.

    No packet of a usual client has so many hops to live. It takes no privilege, which a filter of packets would.
    """
    if sys.platform == "linux":
        if door.family == AF_INET6:
            door.setsockopt(IPPROTO_IPV6, IPV6_MINHOPCOUNT, MOST_HOPS)
        else:
            door.setsockopt(IPPROTO_IP, IP_MINTTL, MOST_HOPS)


class Connection(BoundedHeads):
    """One client's connection; at the end it takes one more request, and says in the answer that it was the last."""

    def shutdown(self) -> None:
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request, whatever its type says
        if cycle is not None and not cycle.response_complete:
            super().shutdown()
            return
        if LAST_ANSWER not in self.server_state.default_headers:
            self.server_state.default_headers = [*self.server_state.default_headers, LAST_ANSWER]
        self.loop.call_later(LET_IN_SECONDS, super().shutdown)


class Process(uvicorn.Server):
    """The only process of a small installation."""

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        for door in sockets or []:
            shut(door)
        await asyncio.sleep(LET_IN_SECONDS)
        await super().shutdown(sockets)


class Processes(Multiprocess):
    """Several processes on one socket, which is closed here before they are told to end.

    uvicorn's own keeps it open while they finish: the system goes on accepting for nobody.
    """

    def terminate_all(self) -> None:
        for door in self.sockets:
            shut(door)
        time.sleep(LET_IN_SECONDS)
        for door in self.sockets:
            door.close()
        super().terminate_all()


def serve(host: str, port: int, workers: int) -> None:
    """Serve until SIGTERM or Ctrl-C; leaves with uvicorn's code when the application cannot start."""
    config = uvicorn.Config(
        APPLICATION, factory=True, host=host, port=port, workers=workers, log_config=None, access_log=False,
        timeout_graceful_shutdown=DRAIN_SECONDS, timeout_worker_healthcheck=ANSWER_SECONDS, http=Connection,
    )  # fmt: skip
    doors = [config.bind_socket()]
    if workers == 1:
        process = Process(config)
        process.run(doors)
        failed = not process.started
    else:
        processes = Processes(config, doors)
        processes.run()
        failed = any(process.exitcode == STARTUP_FAILURE for process in processes.processes)
    if failed:
        sys.exit(STARTUP_FAILURE)
