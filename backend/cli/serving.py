"""How the API's processes run and end: on SIGTERM nobody is accepted any more, and whoever was accepted is answered."""

import sys

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

APPLICATION = "backend.app:create_app"
# Longer than the longest statement allowed (FILAGE_STATEMENT_TIMEOUT_MS). Whoever stops Filage must wait longer still.
DRAIN_SECONDS = 20


class Processes(Multiprocess):
    """Several processes on one socket, which is closed before they are told to end.

    uvicorn's own keeps it open while they finish: the system goes on accepting for nobody, and resets at the end.
    """

    def terminate_all(self) -> None:
        for socket in self.sockets:
            socket.close()
        super().terminate_all()


def serve(host: str, port: int, workers: int) -> None:
    """Serve until SIGTERM or Ctrl-C; leaves with uvicorn's code when the application cannot start."""
    config = uvicorn.Config(
        APPLICATION, factory=True, host=host, port=port, workers=workers, log_config=None, access_log=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )  # fmt: skip
    if workers == 1:
        server = uvicorn.Server(config)
        server.run()
        failed = not server.started
    else:
        processes = Processes(config, sockets=[config.bind_socket()])
        processes.run()
        failed = any(process.exitcode == STARTUP_FAILURE for process in processes.processes)
    if failed:
        sys.exit(STARTUP_FAILURE)
