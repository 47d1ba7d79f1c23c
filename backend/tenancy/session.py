"""The one door to a transaction: a company's, the shared schema's, the owner's; committed before the answer leaves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Row, Select, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from backend.core.settings import Settings
from backend.telemetry.metrics import Metrics
from backend.tenancy import embedded
from backend.tenancy.engine import (
    SCOPE_OPTION,
    Scope,
    create_app_engine,
    create_owner_engine,
    create_sqlite_engine,
    for_one_statement,
)
from backend.tenancy.models import CompanyInfo

_HANDED_OVER = "filage_handed_over"
_AFTERWARDS = "filage_afterwards"
_SCOPE = "filage_scope"
_SETTINGS = "filage_settings"
_LEAVE_ROLE = text("RESET ROLE")
_TAKE_ROLE = text("select set_config('role', :role, true)")
LOGIN_PATH = "pg_catalog"  # shared tables name their schema: an empty path finds no company's table by accident
Deliver = Callable[[Sequence[object]], None]
Keep = Callable[[AsyncSession, Sequence[object]], Awaitable[None]]
Seed = Callable[[AsyncSession], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Urls:
    """The two logins of PostgreSQL, or one SQLite file (then both are the same)."""

    app: URL
    owner: URL


def find_urls(settings: Settings) -> Urls:
    """Return the logins' URLs; without FILAGE_DATABASE_URL the embedded server is started and prepared."""
    if settings.app_url is None:
        server = embedded.start(settings.var_dir / "postgresql")
        embedded.make_database(server)
        return Urls(make_url(server.url(embedded.APP_LOGIN)), make_url(server.url(embedded.OWNER_LOGIN)))
    return Urls(settings.app_url, make_url(settings.owner_database_url or settings.app_url))


def company_file(shared: Path, schema_name: str) -> Path:
    """Return the SQLite file of one company, beside the shared one."""
    return shared.with_name(f"{shared.stem}.{schema_name}{shared.suffix}")


class Database:
    """Every transaction of one application process.

    What a transaction hands over goes to `keep` inside it (a queue in the same database), and to `deliver` once it has
    committed.
    """

    def __init__(
        self,
        settings: Settings,
        urls: Urls,
        *,
        deliver: Deliver,
        seed: Seed,
        keep: Keep | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.settings = settings
        self.urls = urls
        self.is_sqlite = urls.app.get_backend_name() == "sqlite"
        self.seed = seed
        self._deliver = deliver
        self._keep = keep
        self._metrics = metrics or Metrics()
        self._files: dict[str, AsyncEngine] = {}
        self._app: AsyncEngine | None = None
        self._asked: AsyncEngine | None = None
        self._asking: set[asyncio.Task[Sequence[Row[Any]]]] = set()
        self._owner: AsyncEngine | None = None
        if not self.is_sqlite:
            self._app = create_app_engine(urls.app, settings, self._metrics)
            self._asked = for_one_statement(self._app)
            self._owner = create_owner_engine(urls.owner, settings, self._metrics)

    @property
    def shared_file(self) -> Path:
        """The SQLite file that holds the shared tables."""
        return Path(self.urls.app.database or "filage.sqlite3")

    @asynccontextmanager
    async def company(self, company: CompanyInfo, *, write: bool = True) -> AsyncIterator[AsyncSession]:
        """One transaction inside `company`: its schema alone in the path, its role and no other."""
        scope = Scope(company.schema_name, company.role_name, write)
        engine = self._app or self._file_engine(company.schema_name)
        async with self._transaction(engine, scope) as session:
            session.info["company"] = company
            yield session

    @asynccontextmanager
    async def shared(self, *, write: bool = True) -> AsyncIterator[AsyncSession]:
        """One transaction of the app login itself: it reads and writes `shared`, and no company."""
        scope = Scope(LOGIN_PATH, "none", write)
        async with self._transaction(self._app or self._file_engine(None), scope) as session:
            yield session

    async def ask(self, query: Select[Any]) -> Sequence[Row[Any]]:
        """Return the rows of one query on `shared`, whose tables name their schema: no transaction, one round trip."""
        if self._asked is None:
            async with self.shared(write=False) as session:
                return (await session.execute(query)).all()
        # Cancelled while a connection is switched to autocommit, SQLAlchemy would lose it: the question ends by itself.
        asking = asyncio.create_task(self._ask_at_once(self._asked, query), name="question")
        self._asking.add(asking)
        asking.add_done_callback(self._forget_question)
        return await asyncio.shield(asking)

    async def _ask_at_once(self, engine: AsyncEngine, query: Select[Any]) -> Sequence[Row[Any]]:
        async with engine.connect() as connection:
            return (await connection.execute(query)).all()

    def _forget_question(self, asking: asyncio.Task[Sequence[Row[Any]]]) -> None:
        self._asking.discard(asking)
        if not asking.cancelled():
            asking.exception()  # its caller has it, unless it was cancelled: nobody else is to be told

    @asynccontextmanager
    async def owner(self, schema_name: str | None = None) -> AsyncIterator[AsyncSession]:
        """One transaction of the owner (sign-up only); on SQLite one over the new company's file and the shared one."""
        engine = self._owner or self._file_engine(schema_name)
        async with self._transaction(engine, Scope(LOGIN_PATH, "none")) as session:
            yield session

    async def close(self) -> None:
        """Close every connection, once the questions of callers that were cancelled have ended."""
        if self._asking:
            await asyncio.wait(self._asking)
        for engine in (self._app, self._owner, *self._files.values()):
            if engine is not None:
                await engine.dispose()

    async def forget_file(self, schema_name: str) -> None:
        """Remove the SQLite file of a company whose sign-up failed."""
        engine = self._files.pop(schema_name, None)
        if engine is not None:
            await engine.dispose()
        await asyncio.to_thread(_remove_file, company_file(self.shared_file, schema_name))

    def _file_engine(self, schema_name: str | None) -> AsyncEngine:
        key = schema_name or ""
        if key not in self._files:
            main = company_file(self.shared_file, schema_name) if schema_name else None
            self._files[key] = create_sqlite_engine(main, self.shared_file, self._metrics)
        return self._files[key]

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine, scope: Scope) -> AsyncIterator[AsyncSession]:
        # Bound once per session: a new option engine per statement would open a second connection.
        bound = engine.execution_options(**{SCOPE_OPTION: scope})
        session = AsyncSession(bound, expire_on_commit=False)
        session.info[_SCOPE], session.info[_SETTINGS] = scope, self.settings
        try:
            async with session:
                yield session
                if self._keep is not None and _HANDED_OVER in session.info:
                    await self._keep(session, session.info[_HANDED_OVER])
                await session.commit()
        finally:
            for act in session.info.pop(_AFTERWARDS, []):
                await act(self)
        handed_over = session.info.pop(_HANDED_OVER, [])
        if handed_over:
            self._deliver(handed_over)


def _remove_file(file: Path) -> None:
    for path in (file, file.with_name(f"{file.name}-journal")):
        path.unlink(missing_ok=True)


def hand_over(session: AsyncSession, item: object) -> None:
    """Have `item` (a mail) delivered once this transaction has committed; a rollback drops it."""
    session.info.setdefault(_HANDED_OVER, []).append(item)


def afterwards(session: AsyncSession, act: Callable[[Database], Awaitable[None]]) -> None:
    """Have `act` done once this transaction has ended, whichever way: what is counted must survive a refusal."""
    session.info.setdefault(_AFTERWARDS, []).append(act)


def settings_of(session: AsyncSession) -> Settings:
    """Return the settings of the process that opened this transaction."""
    settings: Settings = session.info[_SETTINGS]
    return settings


@asynccontextmanager
async def login_rights(session: AsyncSession) -> AsyncIterator[None]:
    """Leave the company's role inside its transaction, to write `shared` in the same act; then take it again."""
    if is_sqlite(session):
        yield
        return
    scope: Scope = session.info[_SCOPE]
    await session.flush()
    await session.execute(_LEAVE_ROLE)
    yield
    await session.flush()
    await session.execute(_TAKE_ROLE, {"role": scope.role})


def is_sqlite(session: AsyncSession) -> bool:
    """Tell whether this transaction is on the quick-test engine."""
    return session.get_bind().dialect.name == "sqlite"
