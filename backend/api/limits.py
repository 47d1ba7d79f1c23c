"""Pure-ASGI middleware: a body larger than its route takes is refused (413) before anything reads it whole."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.problems import answer
from backend.core.errors import Problem, Sentence, TooLargeError
from backend.core.settings import Settings

IMPORT_PATH = "/api/v1/imports/season"


class BodyLimitMiddleware:
    """Trusts `Content-Length` to refuse early, and counts what really arrives."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on while its body stays under the limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_import = scope["path"].rstrip("/") == IMPORT_PATH
        limit = self.settings.limit_import_bytes if is_import else self.settings.limit_body_bytes
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > limit:
            error = _too_large(limit)
            problem = Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error.code, error.sentence)
            await answer(Request(scope), problem, {"Connection": "close"})(scope, receive, send)
            return
        received = 0

        async def counting() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                # Starlette's own class: the framework turns any other error met while reading a body into a 400.
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        await self.app(scope, counting, send)


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(
        "payload_too_large",
        Sentence(
            f"Cet envoi est trop gros : {limit:,} octets au plus. Faites-en plusieurs.".replace(",", " "),
            f"This request is too large: {limit:,} bytes at most. Send it in parts.",
        ),
    )
