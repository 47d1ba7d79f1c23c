"""The session of a browser: a cookie that holds the same revocable token as the API's, and what keeps forms honest.

A form is taken when it comes from a page of this host (Origin, Sec-Fetch-Site) and carries the hidden field that only
such a page can know. It is taken once: its key is an idempotency key.
"""

import hashlib
import hmac
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from backend.core.clock import utc_now
from backend.core.errors import ForbiddenError, Sentence
from backend.core.languages import preferred_language
from backend.identity.access import (
    ADMINS,
    EVERYBODY,
    EXPORTERS,
    OWNERS,
    PLANNERS,
    READERS,
    SAFE_METHODS,
    Caller,
    acting,
    find_caller,
    known_caller,
)
from backend.planning.probing import check_unhurried
from backend.tenancy.acting import Act

SESSION = "__Host-filage"
VISIT = "__Host-filage-visit"  # who has no session yet still fills in forms
LANGUAGE = "filage-language"
LATER = "filage-later"  # options that were set aside on /me
FIELD, ONCE = "csrf", "once"
YEAR = 365 * 86_400
FORGED = Sentence(
    "Ce formulaire ne vient pas d'une page de Filage ouverte dans ce navigateur : rouvrez la page, puis recommencez.",
    "This form does not come from a page of Filage that is open in this browser: open the page again, then retry.",
)

STALE = Sentence(
    "Votre session a changé depuis l'ouverture de cette page : relisez votre saisie, puis envoyez-la.",
    "Your session has changed since this page was opened: read what you typed again, then send it.",
)


def session_token(request: Request) -> str | None:
    """Return the token of this browser's session; no page reads the Authorization header."""
    return request.cookies.get(SESSION)


def _nothing() -> None:
    return None


async def _signed_in(request: Request) -> Caller:
    return await known_caller(request, session_token(request))


async def _maybe_signed_in(request: Request) -> Caller | None:
    return await find_caller(request.app.state.database, session_token(request), None, utc_now())


Viewer = Annotated[Caller, Depends(_signed_in)]
MaybeViewer = Annotated[Caller | None, Depends(_maybe_signed_in)]
AsMember = Annotated[Act, Depends(acting(EVERYBODY, session_token, _nothing), scope="function")]
AsReader = Annotated[Act, Depends(acting(READERS, session_token, _nothing), scope="function")]
AsExporter = Annotated[Act, Depends(acting(EXPORTERS, session_token, _nothing), scope="function")]
AsPlanner = Annotated[Act, Depends(acting(PLANNERS, session_token, _nothing), scope="function")]
AsAdmin = Annotated[Act, Depends(acting(ADMINS, session_token, _nothing), scope="function")]
AsOwner = Annotated[Act, Depends(acting(OWNERS, session_token, _nothing), scope="function")]


async def unhurried(request: Request, act: AsPlanner) -> None:
    """Check it before an act of a page, as `probing.unhurried` does for the API."""
    await check_unhurried(request, act)


async def opened(request: Request) -> None:
    """Prepare a page's request: its language; and for what changes something, that its form is ours.

    Every router of pages depends on it. Raises ForbiddenError `forged_form` or `stale_form`.
    """
    prepare(request)
    if request.method in SAFE_METHODS:
        return
    form = await request.form()
    request.state.typed = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    if not _comes_from_here(request):
        request.state.typed = []
        raise ForbiddenError("forged_form", FORGED)
    if not _is_ours(request, str(form.get(FIELD, ""))):
        raise ForbiddenError("stale_form", STALE)
    request.state.once = _key(form) if form.get(ONCE) else None


def _key(form: FormData) -> str:
    """Return the key under which this form acts once: with other words in it, after Back, it is another act."""
    digest = hashlib.sha256()
    for name, value in form.multi_items():
        text = value if isinstance(value, str) else f"{value.filename}\0{value.size}"
        digest.update(f"{name}\0{text}\0".encode("utf-8", "surrogatepass"))
    return f"{form[ONCE]}.{digest.hexdigest()[:32]}"


def prepare(request: Request) -> None:
    """Note the language of this browser, and whom a form is given to that has no session yet."""
    chosen, accepted = request.cookies.get(LANGUAGE, ""), request.headers.get("accept-language", "")
    request.state.language = chosen if chosen in {"fr", "en"} else preferred_language(accepted)
    request.state.visit = request.cookies.get(VISIT) or token_urlsafe(24)


def _comes_from_here(request: Request) -> bool:
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def form_token(request: Request) -> str:
    """Return the hidden field of a form on this page; masked, so that no two pages hold the same text."""
    salt = token_urlsafe(9)
    return f"{salt}.{_sign(request, salt)}"


def _is_ours(request: Request, shown: str) -> bool:
    salt, _, signature = shown.partition(".")
    return hmac.compare_digest(signature.encode(), _sign(request, salt).encode())


def _sign(request: Request, salt: str) -> str:
    key: str = request.app.state.settings.secret_key.get_secret_value()
    bearer = getattr(request.state, "bearer", None) or session_token(request) or request.state.visit
    return hmac.new(key.encode(), f"form\0{salt}\0{bearer}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def keep_visit(request: Request, response: Response) -> None:
    """Let a browser without a session come back with the forms that it was given."""
    if VISIT not in request.cookies and session_token(request) is None:
        response.set_cookie(VISIT, request.state.visit, secure=True, httponly=True, samesite="lax", path="/")


def begin_session(request: Request, response: Response, token: str, language: str | None = None) -> None:
    """Have the browser keep the token until it expires, out of reach of scripts."""
    seconds = request.app.state.settings.access_token_days * 86_400
    response.set_cookie(SESSION, token, max_age=seconds, secure=True, httponly=True, samesite="lax", path="/")
    if language is not None:
        keep_language(response, language)


def end_session(response: Response) -> None:
    """Have the browser forget the session, and everything that it kept of this host."""
    response.delete_cookie(SESSION, secure=True, httponly=True, samesite="lax", path="/")
    response.delete_cookie(LATER, secure=True, httponly=True, samesite="lax", path="/me")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'


def keep_language(response: Response, language: str) -> None:
    """Remember in which language this browser reads."""
    response.set_cookie(LANGUAGE, language, max_age=YEAR, secure=True, httponly=True, samesite="lax", path="/")


def see(path: str) -> RedirectResponse:
    """Send the browser to another page, by GET."""
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)


def local_path(path: str, otherwise: str = "/") -> str:
    """Return `path` when it is one of this host, else `otherwise`: no link of ours leads somebody elsewhere."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours else otherwise


def with_query(path: str, **values: object) -> str:
    """Return a path with these values in its query, those that are empty left out."""
    parts = [f"{name}={quote(str(value), safe='')}" for name, value in values.items() if value not in {None, ""}]
    return path + ("?" if "?" not in path else "&") * bool(parts) + "&".join(parts)
