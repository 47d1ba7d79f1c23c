"""A stretch of network: what a client writes reaches the server's socket some time later, and so do the answers.

Threads, not asyncio: its clock counts in whole milliseconds. What follows closely is not delayed twice, as on a wire.
"""

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

_CHUNK = 65_536
_Wire = queue.SimpleQueue[tuple[float, bytes]]


@contextlib.contextmanager
def distance(server: Path, one_way: float) -> Iterator[int]:
    """Yield a port of 127.0.0.1 that leads to the socket `server`, `one_way` seconds away."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_welcome, args=(door, server, one_way), daemon=True).start()
        try:
            yield door.getsockname()[1]
        finally:
            door.shutdown(socket.SHUT_RDWR)


def _welcome(door: socket.socket, server: Path, one_way: float) -> None:
    with contextlib.suppress(OSError):  # the door is closed
        while True:
            client, _address = door.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            behind = socket.socket(socket.AF_UNIX)
            behind.connect(str(server))
            for source, target in ((client, behind), (behind, client)):
                wire: _Wire = queue.SimpleQueue()
                threading.Thread(target=_take, args=(source, wire, one_way), daemon=True).start()
                threading.Thread(target=_give, args=(wire, target), daemon=True).start()


def _take(source: socket.socket, wire: _Wire, one_way: float) -> None:
    data = b"?"
    while data:
        try:
            data = source.recv(_CHUNK)
        except OSError:  # the other direction has ended the connection
            data = b""
        wire.put((time.perf_counter() + one_way, data))


def _give(wire: _Wire, target: socket.socket) -> None:
    """Hand on each piece when it is due; an empty one ends the connection."""
    with contextlib.suppress(OSError):
        while True:
            due, data = wire.get()
            time.sleep(max(0.0, due - time.perf_counter()))
            if not data:
                target.shutdown(socket.SHUT_RDWR)
                return
            target.sendall(data)
