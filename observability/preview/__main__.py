"""`./run dashboards`: the demo, Prometheus, a gentle load and the page of the boards, until Ctrl-C."""

import asyncio
import os
import signal
import socket
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

import uvicorn

from observability.preview.load import Load
from observability.preview.processes import LOOPBACK, StartError, demo, find_prometheus, migrate_fleet, prometheus
from observability.preview.server import make_app, state_of

PORT, MOST = 8001, 65_535
FOLDER = Path("var") / "dashboards"
JOB = "filage-api"


def main() -> int:
    """Start everything, serve until told to stop, end everything; return 1 with a sentence when it cannot begin."""
    signal.signal(signal.SIGTERM, _end)
    try:
        port = _port(os.environ.get("PORT") or str(PORT))
        find_prometheus()
        _preview(port, FOLDER)
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        pass  # Ctrl-C before the page was there; afterwards the server ends by itself
    _say("Stopped.")
    return 0


def _port(text: str) -> int:
    """Return the port to serve on; refuses one that is none or is taken, before anything is started."""
    if not text.isdecimal() or not 0 < int(text) <= MOST:
        raise StartError(f"PORT is a number from 1 to {MOST}: not {text}.")
    try:
        with socket.create_server((LOOPBACK, int(text))):
            return int(text)
    except OSError:
        raise StartError(f"Port {text} is taken: PORT=9001 ./run dashboards serves on another one.") from None


def _preview(port: int, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    with ExitStack() as started:
        _say("Starting the demo, with data of its own under var/dashboards (the first time takes half a minute) ...")
        address, metrics_port = started.enter_context(demo(folder))
        load = Load(address)
        asyncio.run(load.prepare())
        _say("Starting Prometheus ...")
        watcher = started.enter_context(prometheus(folder / "prometheus", {JOB: [f"{LOOPBACK}:{metrics_port}"]}))
        app = make_app(watcher, lambda: state_of(address, watcher, load.answered))
        _say(f"Boards      http://{LOOPBACK}:{port}  (figures come within a minute; Ctrl-C ends everything)")
        _say(f"Prometheus  {watcher}")
        _say(f"Demo        {address}/docs")
        server = uvicorn.Server(uvicorn.Config(app, host=LOOPBACK, port=port, log_level="warning"))
        asyncio.run(_serve(server, load, folder))


async def _serve(server: uvicorn.Server, load: Load, folder: Path) -> None:
    """Serve the page while the load goes on; a fleet migration runs once, beside it."""
    companies = list(load.tokens)[2:]
    beside = [
        asyncio.create_task(load.run()),
        asyncio.create_task(asyncio.to_thread(migrate_fleet, folder, companies)),
    ]
    try:
        await server.serve()
    finally:
        for task in beside:
            task.cancel()
        for task in beside:
            with suppress(asyncio.CancelledError):
                await task


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
