"""The metrics port of a process: /metrics, and /migrations as JSON where the fleet can be read."""

import json
import socket
import threading
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from backend.telemetry.logs import get_logger
from backend.telemetry.metrics import Metrics

if TYPE_CHECKING:  # the names exist for type checkers only
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PORTS_TRIED = 16


def serve(metrics: Metrics, host: str, port: int) -> WSGIServer | None:
    """Expose the metrics on the first free port from `port` on, one per process; None if `port` is 0 or all taken."""
    if port == 0:
        return None
    for candidate in range(port, port + PORTS_TRIED):
        try:
            server = make_server(host, candidate, pages(metrics), _server_class(host), handler_class=_SilentHandler)
        except OSError:
            continue
        threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
        get_logger("filage.metrics").info("metrics", port=candidate)
        return server
    get_logger("filage.metrics").error("metrics_port_taken", first=port, last=port + PORTS_TRIED - 1)
    return None


def pages(metrics: Metrics) -> "WSGIApplication":
    """Return what the port answers."""
    metrics_page = make_wsgi_app(metrics.registry)
    read_fleet = metrics.read_fleet

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path in {"/", "/metrics"}:
            found: Iterable[bytes] = metrics_page(environ, start_response)
            return found
        state = read_fleet() if path == "/migrations" and read_fleet is not None else None
        if path != "/migrations" or read_fleet is None:
            return _json(start_response, "404 Not Found", {"pages": ["/metrics", "/migrations"]})
        if state is None:
            return _json(start_response, "503 Service Unavailable", {"detail": "The database does not answer."})
        return _json(start_response, "200 OK", state.shown())

    return answer


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def shutdown(self) -> None:
        """Stop answering, and give the port back at once."""
        super().shutdown()
        self.server_close()


class _ServerOfIpv6(_Server):
    address_family = socket.AF_INET6


def _server_class(host: str) -> type[WSGIServer]:
    return _ServerOfIpv6 if ":" in host else _Server


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Log nothing: a scrape every few seconds is no event."""


def _json(start_response: "StartResponse", status: str, body: object) -> list[bytes]:
    start_response(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    return [json.dumps(body, ensure_ascii=False).encode()]
