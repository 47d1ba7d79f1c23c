"""The page of the preview: the committed boards, the runbooks, and Prometheus behind a door for reading alone."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from observability.grafana import asking
from observability.grafana.panels import RUNBOOKS

STATIC = Path(__file__).parent / "static"
PAGES = Path(__file__).parents[2] / "deploy" / "runbooks"
READABLE = {"query", "query_range", "query_exemplars"}
HOSTS = ["127.0.0.1", "localhost"]  # a name that somebody else points at this machine opens nothing
POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"


def make_app(prometheus: str, state: Callable[[], dict[str, object]]) -> Starlette:
    """Return the page over the Prometheus at `prometheus`; `state` tells of the demo and its load."""
    client = httpx.AsyncClient(base_url=prometheus, timeout=30)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    async def index(_request: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers={"Content-Security-Policy": POLICY})

    async def boards(_request: Request) -> Response:
        return JSONResponse(asking.load_boards(), headers={"Cache-Control": "no-store"})

    async def tell(_request: Request) -> Response:
        return JSONResponse(state(), headers={"Cache-Control": "no-store"})

    async def runbook(request: Request) -> Response:
        pages = {path.name: path for path in PAGES.glob("*.md")}
        page = pages.get(request.path_params["name"])
        if page is None:
            return PlainTextResponse("There is no such page.\n", 404)
        return PlainTextResponse(page.read_text(encoding="utf-8"))

    async def ask(request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in READABLE:
            return PlainTextResponse("Only questions are passed on.\n", 404)
        return await _passed_on(client, f"/api/v1/{kind}", request)

    async def values(request: Request) -> Response:
        return await _passed_on(client, f"/api/v1/label/{request.path_params['label']}/values", request)

    return Starlette(
        routes=[
            Route("/", index),
            Route("/boards", boards),
            Route("/state", tell),
            Route(RUNBOOKS + "/{name}", runbook),
            Route("/prometheus/{kind}", ask),
            Route("/prometheus/label/{label:str}/values", values),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        lifespan=lifespan,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)],
    )


async def _passed_on(client: httpx.AsyncClient, path: str, request: Request) -> Response:
    try:
        answer = await client.get(path, params=httpx.QueryParams(request.url.query))
    except httpx.TransportError as error:
        body = {"status": "error", "error": f"Prometheus does not answer ({type(error).__name__})."}
        return JSONResponse(body, 502)
    return Response(answer.content, answer.status_code, media_type="application/json")


def state_of(address: str, prometheus: str, answered: Counter[str]) -> dict[str, object]:
    """Return what the page says of the demo and its load."""
    return {"demo": address, "prometheus": prometheus, "answered": json.loads(json.dumps(answered))}
