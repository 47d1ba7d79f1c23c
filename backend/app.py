"""The only wiring place: `create_app` builds everything, and nothing happens at import."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from backend import __version__
from backend.api import health, openapi, problems
from backend.api.limits import BodyLimitMiddleware
from backend.api.v1 import PREFIX, ROUTERS
from backend.core.settings import Settings
from backend.identity.passwords import Passwords
from backend.outbox.mailer import Mailer
from backend.outbox.tasks import Outbox
from backend.people.service import seed_jobs
from backend.portal.router import calendar_router
from backend.telemetry import logs, port
from backend.telemetry.latency import Rollups
from backend.telemetry.metrics import Metrics
from backend.telemetry.middleware import TelemetryMiddleware
from backend.telemetry.tracing import Tracing
from backend.tenancy import selftest
from backend.tenancy.announcing import Listener, listen_url
from backend.tenancy.directory import CompanyDirectory
from backend.tenancy.fleet import state
from backend.tenancy.latency import LatencyKeeper
from backend.tenancy.middleware import TenantMiddleware
from backend.tenancy.migrations import head
from backend.tenancy.session import Database, Urls, find_urls
from backend.web import errors, forms, mailbox, routes
from backend.worker.runner import Runner

DRAIN_SECONDS = 10


def create_app(settings: Settings | None = None, urls: Urls | None = None) -> FastAPI:
    """Build the application (`uvicorn --factory backend.app:create_app`); `urls` come from `settings` if absent."""
    settings = settings or Settings()
    log = logs.configure(settings.log_level, settings.log_format)
    urls = urls or find_urls(settings)
    metrics, rollups = Metrics(state.reader(urls)), Rollups()
    log.lost = metrics.dropped.labels("logs").inc
    tracing = Tracing(metrics)
    mailer = Mailer(settings, metrics)
    outbox = Outbox(settings, urls.app, mailer)
    database = Database(settings, urls, deliver=outbox.deliver, keep=outbox.keep, seed=seed_jobs, metrics=metrics)
    runner = Runner(database, outbox, mailer, metrics, tracing)
    passwords = Passwords(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if database.is_sqlite:
            logs.get_logger("filage").warning("sqlite", note="SQLite keeps no company apart: for a first look only.")
        else:
            await selftest.run(database, settings)
        keeper.start()
        server = port.serve(metrics, settings.metrics_host, settings.metrics_port)
        if not database.is_sqlite:
            listener.start()
        works_here = settings.worker_in_process and not database.is_sqlite
        working = asyncio.create_task(runner.run(), name="worker") if works_here else None
        yield
        if working is not None:
            runner.stop()
            await working
        await outbox.drain(DRAIN_SECONDS)
        await listener.stop()
        await keeper.stop()
        await database.close()
        passwords.close()
        tracing.shutdown()
        if server is not None:
            server.shutdown()

    app = FastAPIOffline(title="Filage", version=__version__, lifespan=lifespan, redirect_slashes=False)
    app.state.settings, app.state.database, app.state.metrics = settings, database, metrics
    app.state.directory = CompanyDirectory(database, settings.tenant_cache_seconds)
    app.state.passwords, app.state.mailer, app.state.runner = passwords, mailer, runner
    app.state.log, app.state.tracing = logs.get_logger("filage"), tracing
    keeper = app.state.latency = LatencyKeeper(database, rollups, metrics)
    listener = app.state.listener = Listener(listen_url(settings, urls), app.state.directory)
    metrics.build_info.labels(__version__, head("tenant")).set(1)
    _add_routes(app, settings)
    openapi.install(app)
    # Added last is outermost: telemetry sees every answer, the boundary below it turns the unexpected into one.
    app.add_middleware(TenantMiddleware, base_domain=settings.base_domain)
    app.add_middleware(BodyLimitMiddleware, settings=settings)
    app.add_middleware(problems.UnexpectedErrorMiddleware)
    app.add_middleware(
        TelemetryMiddleware, metrics=metrics, tracing=tracing, rollups=rollups, pinned=settings.pinned_companies
    )
    return app


def _add_routes(app: FastAPI, settings: Settings) -> None:
    app.state.answer_as_page = errors.answer_as_page
    problems.add_handlers(app)
    forms.add_handlers(app)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    app.include_router(calendar_router)
    app.include_router(health.router)
    for router in routes.ROUTERS:
        app.include_router(router)
    if settings.demo_mailbox:
        app.include_router(mailbox.router)
