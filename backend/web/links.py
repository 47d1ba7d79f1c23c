"""The pages behind the links of our mails, usable without JavaScript; they ask, and the services decide."""

from functools import lru_cache
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # The address of these pages holds a token: it goes to no other site and into no cache.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}

# What a template may be rendered without.
OPTIONAL = dict.fromkeys("error error_field full_name password_help next_url next_label".split(), "")


def render(name: str, request: Request, *, status: int = HTTPStatus.OK, **context: object) -> HTMLResponse:
    """Return the page `name` ("invitation.html"); the top of each template says which `context` it needs.

    Forms go back to the path of `request`, without its query: a token travels in the body from there on.
    Raises jinja2.UndefinedError for a missing context variable.
    """
    page = _environment().get_template(name).render({**OPTIONAL, **context, "path": request.url.path})
    return HTMLResponse(page, status_code=status, headers=HEADERS)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("backend.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
