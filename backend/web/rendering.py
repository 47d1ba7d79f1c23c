"""How a page is made: one template, one reader, one set of headers; nothing in it runs unless this host sent it."""

import gzip
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from backend.identity.access import ADMINS, EXPORTERS, PLANNERS, READERS, Caller
from backend.identity.company import ROLE_NAMES
from backend.tenancy.acting import Act
from backend.web import assets, sessions
from backend.web.speaking import LANGUAGES, Words, translations
from backend.web.typography import typeset

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "HX-Request, Accept-Language, Cookie",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# Below this many bytes, packing costs more than it saves.
WORTH_PACKING = 800
LONGEST_ADDRESS = 1000


def render(
    request: Request,
    name: str,
    *,
    status: int = HTTPStatus.OK,
    viewer: Caller | None = None,
    act: Act | None = None,
    **context: object,
) -> HTMLResponse:
    """Return the page or fragment `name` ("board.html") for one reader.

    `act` puts it inside a company, `viewer` is who is signed in outside of one. The top of each template says which
    `context` it needs; jinja2.UndefinedError for one that is missing.
    """
    language: str = request.state.language
    text = environment(language).get_template(name).render(_shell(request, language, viewer, act) | context)
    response = HTMLResponse(text, status_code=status, headers=HEADERS)
    if len(response.body) > WORTH_PACKING and assets.accepts_gzip(request):
        response.body = gzip.compress(bytes(response.body), 5, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(response.body))
        response.headers["Vary"] += ", Accept-Encoding"
    sessions.keep_visit(request, response)
    return response


def is_fragment(request: Request) -> bool:
    """Tell whether htmx asks for a piece of the page that it shows."""
    return request.headers.get("hx-request") == "true"


def words_of(request: Request) -> Words:
    """Return what writes days, hours and sentences for the reader of this request."""
    return Words(request.state.language)


def _here(request: Request) -> str:
    """Return the address of this page with what it asks for, unless that is longer than a field takes."""
    address = f"{request.url.path}?{request.url.query}"
    return address if request.url.query and len(address) <= LONGEST_ADDRESS else request.url.path


def _shell(request: Request, language: str, viewer: Caller | None, act: Act | None) -> dict[str, Any]:
    """Return what every template may use."""
    role = act.actor.role if act else None
    return {
        "path": request.url.path,
        "here": _here(request),
        "words": Words(language),
        "language": language,
        "form_token": lambda: sessions.form_token(request),
        "once": lambda: token_urlsafe(12),
        "viewer_name": act.actor.name if act else viewer.full_name if viewer else None,
        "company": act.company if act else None,
        "base": f"/c/{act.company.slug}" if act else None,
        "zone": act.company.timezone if act else None,
        "role": role,
        "role_name": ROLE_NAMES[language].get(role, "") if role else "",  # type: ignore[call-overload]  # a role's text
        "may_read": role in READERS,
        "may_export": role in EXPORTERS,
        "may_plan": role in PLANNERS,
        "may_administer": role in ADMINS,
    }


@lru_cache(maxsize=len(LANGUAGES))
def environment(language: str) -> Environment:
    """Return the templates, speaking `language`."""
    found = Environment(
        loader=PackageLoader("backend.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    catalogue = translations(language)
    install: Callable[..., None] = found.install_gettext_translations  # type: ignore[attr-defined]  # by the extension
    install(catalogue, newstyle=True)
    found.globals["asset"] = assets.address
    found.filters["instant"] = datetime.fromisoformat
    found.filters["typeset"] = partial(typeset, language=language)
    return found
