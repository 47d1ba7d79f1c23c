"""Pure-ASGI middleware: a body that is larger than its route takes (413) or not in UTF-8 (422) is refused unread."""

import re
from email.message import Message
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

from backend.api.problems import answer
from backend.core.errors import AppError, InvalidError, Problem, Sentence, TooLargeError
from backend.core.settings import Settings

# The route of the API, and the page of a company whose form sends the same files.
IMPORT_PATH = re.compile(r"/api/v1/imports/season|/c/[^/]+/setup/import")
UTF_8 = frozenset({"utf-8", "utf8"})


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
        is_import = IMPORT_PATH.fullmatch(scope["path"].rstrip("/")) is not None
        limit = self.settings.limit_import_bytes if is_import else self.settings.limit_body_bytes
        error = _refusal(Headers(scope=scope), _import_too_large(limit) if is_import else _too_large(limit), limit)
        if error is not None:
            problem = Problem(error.status, error.code, error.sentence)
            await answer(Request(scope), problem, {"Connection": "close"})(scope, receive, send)
            return
        received = 0

        async def counting() -> AsgiMessage:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                # Starlette's own class: the framework turns any other error met while reading a body into a 400.
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        await self.app(scope, counting, send)


def _refusal(headers: Headers, too_large: AppError, limit: int) -> AppError | None:
    declared = headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        return too_large
    content_type = Message()
    content_type["content-type"] = headers.get("content-type", "")
    # Readers of forms would decode with whatever codec is named, and some of Python's are no character sets at all.
    if (content_type.get_content_charset() or "utf-8") not in UTF_8:
        return InvalidError.of(
            ["header", "Content-Type"], "Envoyez ce corps en UTF-8.", "Send this body in UTF-8.", "charset"
        )
    return None


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(
        "payload_too_large",
        Sentence(
            f"Cet envoi est trop gros : {limit:,} octets au plus. Faites-en plusieurs.".replace(",", " "),
            f"This request is too large: {limit:,} bytes at most. Send it in parts.",
        ),
    )


def _import_too_large(limit: int) -> TooLargeError:
    return TooLargeError(
        "payload_too_large",
        Sentence(
            f"Les sept fichiers dépassent {limit:,} octets ensemble : importez la saison en plusieurs dossiers, "
            "quelques spectacles à la fois ; ce qui manque dans un dossier n'est jamais effacé.".replace(",", " "),
            f"The seven files exceed {limit:,} bytes together: import the season in several folders, a few "
            "productions at a time; what a folder lacks is never deleted.",
        ),
    )
