"""`Idempotency-Key`: the first answer is kept in the act's own transaction and replayed to whoever repeats the request.

The key is claimed when the session opens, the answer stored before it commits (`AnswerRoute`): an act and its kept
answer live or die together. What is kept never holds a secret: a route names its secret fields by `keep_out`.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile

from backend.core.errors import InvalidError, Sentence
from backend.core.ids import new_id
from backend.tenancy.models import SharedAnswer, TenantAnswer
from backend.tenancy.session import is_sqlite

KEPT_FOR = timedelta(days=7)
KEY_LIMIT = 255
KEPT_HEADERS = ("content-type", "etag", "location")
FORMS = ("multipart/", "application/x-www-form-urlencoded")
_HEADER = "idempotency-key"
Answer = type[SharedAnswer] | type[TenantAnswer]


class ReplayError(Exception):
    """Not an error: the answer was given before; it is sent again instead of acting twice."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__("replayed")
        self.status = status
        self.headers = headers
        self.body = body


@dataclass(slots=True)
class _Claim:
    session: AsyncSession
    table: Answer
    row_id: UUID


async def claim_for_company(request: Request, session: AsyncSession, user_id: UUID, now: datetime) -> None:
    """Claim the key of a company's POST in the company's own schema."""
    await _claim(request, session, TenantAnswer, str(user_id), now)


async def claim_shared(request: Request, session: AsyncSession, user_id: UUID | None, now: datetime) -> None:
    """Claim the key of a POST that belongs to no company."""
    await _claim(request, session, SharedAnswer, str(user_id or "anonymous"), now)


def keep_out(request: Request, *fields: str) -> None:
    """Name the fields of this answer that are shown once: kept as null, and replayed so."""
    request.state.shown_once = fields


async def _claim(request: Request, session: AsyncSession, table: Answer, who: str, now: datetime) -> None:
    key = request.headers.get(_HEADER, getattr(request.state, "once", None))
    if request.method != "POST" or key is None:
        return
    if not key.strip() or not key.isprintable() or len(key) > KEY_LIMIT:
        raise InvalidError.of(
            ["header", "Idempotency-Key"],
            f"La clé d'idempotence a de 1 à {KEY_LIMIT} caractères imprimables.",
            f"The idempotency key has 1 to {KEY_LIMIT} printable characters.",
        )
    scope = f"{who} {request.url.path}"[:200]
    fingerprint = await _fingerprint(request)
    row_id = new_id()
    insert = sqlite.insert if is_sqlite(session) else postgresql.insert
    values = {"id": row_id, "scope": scope, "key": key, "fingerprint": fingerprint, "created_at": now}
    claim = insert(table).values(values).on_conflict_do_nothing().returning(table.id)
    # A second request with this key waits here until the first has committed, then finds its answer.
    claimed = await session.scalar(claim)
    if claimed is None:
        # What stood in the way may have been old, and forgotten here or by the clock's purge.
        await session.execute(
            delete(table).where(table.scope == scope, table.key == key, table.created_at < now - KEPT_FOR)
        )
        claimed = await session.scalar(claim)
    if claimed is None:
        await _replay(session, table, scope, key, fingerprint)
    request.state.claim = _Claim(session, table, row_id)


async def _replay(session: AsyncSession, table: Answer, scope: str, key: str, fingerprint: str) -> None:
    columns = (table.fingerprint, table.status, table.headers, table.body)
    found = (await session.execute(select(*columns).where(table.scope == scope, table.key == key))).one()
    if found.fingerprint != fingerprint:
        raise InvalidError(
            Sentence(
                "Cette clé d'idempotence a déjà servi pour une autre demande : prenez-en une nouvelle.",
                "This idempotency key was already used for another request: take a new one.",
            ),
            code="idempotency_mismatch",
        )
    raise ReplayError(found.status, found.headers, found.body)


async def _fingerprint(request: Request) -> str:
    """Keyed, because a body may hold a password; files by their content, because each client draws a new boundary."""
    digest = hmac.new(request.app.state.settings.secret_key.get_secret_value().encode(), digestmod=hashlib.sha256)
    digest.update(request.url.query.encode())
    if request.headers.get("content-type", "").startswith(FORMS):
        for name, value in (await request.form()).multi_items():
            digest.update(await _part(name, value))
    else:
        digest.update(await request.body())
    return digest.hexdigest()


async def _part(name: str, value: UploadFile | str) -> bytes:
    if isinstance(value, str):
        return f"{name}\0{value}\0".encode("utf-8", "surrogatepass")
    content = await value.read()
    await value.seek(0)
    return f"{name}/{value.filename}\0".encode("utf-8", "surrogatepass") + hashlib.sha256(content).digest()


class AnswerRoute(APIRoute):
    """A route whose answer is kept, when its key was claimed, before the transaction of the act commits."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route: the session dependency is still open when the answer is known."""
        original = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                response = await original(request)
            except ReplayError as replay:
                return Response(replay.body, replay.status, {**replay.headers, "idempotency-replayed": "true"})
            finally:
                await request.close()  # the files of a form, which FastAPI closes only where it has read them itself
            await keep_answer(request, response)
            return response

        return handle


async def keep_answer(request: Request, response: Response) -> None:
    """Keep the answer of a claimed request; a route that opens its own transaction does it before that one ends."""
    claim: _Claim | None = getattr(request.state, "claim", None)
    if claim is not None:
        request.state.claim = None
        await _keep(claim, response, getattr(request.state, "shown_once", ()))


def keep_instead(response: Response, kept: Response) -> Response:
    """Return `response`, a page that shows a secret once, having noted what whoever repeats the request gets."""
    response.kept_instead = kept  # type: ignore[attr-defined]  # read by _keep alone
    return response


async def _keep(claim: _Claim, response: Response, shown_once: tuple[str, ...]) -> None:
    response = getattr(response, "kept_instead", response)
    body = bytes(response.body)
    if shown_once:
        content = json.loads(body)
        body = json.dumps(content | dict.fromkeys(shown_once) | {"code": "secret_shown_once"}).encode()
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    await claim.session.execute(
        update(claim.table)
        .where(claim.table.id == claim.row_id)
        .values(status=response.status_code, headers=headers, body=body)
    )
