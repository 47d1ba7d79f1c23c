"""A refusal on a page is a page: the same sentence as the API's, what to do next, and what was typed kept."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import quote

from fastapi import Request, Response
from starlette.routing import Match

from backend.core import validation
from backend.core.errors import FieldError, Problem, Sentence
from backend.identity.access import READERS, Caller
from backend.telemetry import record
from backend.web import sessions
from backend.web.naming import FIELDS
from backend.web.rendering import is_fragment, render, words_of
from backend.web.sessions import FIELD, ONCE, see

# Whatever else is asked for is read by programs.
NOT_PAGES = ("/api/", "/health", "/calendar/", "/static/", "/docs", "/redoc", "/openapi.json")
HIDDEN = frozenset({FIELD, ONCE})
KEPT_HEADERS = ("Retry-After",)
NOT_READ = "method_not_allowed"
NO_PAGE = Sentence(
    "Cette adresse ne s'ouvre pas ainsi : passez par les liens et les boutons des pages.",
    "This address does not open like that: go by the links and buttons of the pages.",
)
TO_CORRECT = Sentence("Quelques valeurs sont à corriger.", "Some values must be corrected.")
MY_PLANNING = Sentence("Mon planning", "My planning")


def answer_as_page(request: Request, problem: Problem, headers: Mapping[str, str]) -> Response | None:
    """Return the page that says `problem`, or None when no person looks at this answer."""
    if not is_page(request):
        return None
    if not hasattr(request.state, "visit"):
        sessions.prepare(request)
    kept = {name: headers[name] for name in KEPT_HEADERS if name in headers}
    response = _answer(request, problem)
    response.headers.update(kept)
    return response


def is_page(request: Request) -> bool:
    """Tell whether this request is a browser's, for a page."""
    if request.url.path.startswith(NOT_PAGES):
        return False
    return is_fragment(request) or "text/html" in request.headers.get("accept", "")


def _answer(request: Request, problem: Problem) -> Response:
    if problem.code == "login_required" or (problem.code == "stale_form" and _has_lost_its_session(request)):
        return _sign_in_first(request)
    if problem.code == "stale_form":
        return render(
            request, "resume.html", status=int(problem.status), typed=typed(request), sentence=problem.sentence
        )
    if problem.code == NOT_READ:
        if request.method in {"GET", "HEAD"}:
            return see(_page_of(request))
        problem = replace(problem, sentence=NO_PAGE)
    problem = _in_words(problem)
    name = "problem_fragment.html" if is_fragment(request) else "problem.html"
    response = render(
        request, name, status=int(problem.status), problem=problem, trace_id=record.current().trace_id,
        who=_who(request), viewer_name=_viewer_name(request), board=_board_of(request), typed=typed(request),
    )  # fmt: skip
    if is_fragment(request):
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#alerts", "innerHTML"
    return response


def _in_words(problem: Problem) -> Problem:
    """Name the fields of a refused request as pages call them, where the sentence only sums up their names."""
    if not problem.fields or problem.sentence != validation.summary(problem.fields):
        return problem
    named = [_named(one) for one in problem.fields]
    return replace(problem, sentence=named[0].sentence if len(named) == 1 else TO_CORRECT, fields=named)


def _named(error: FieldError) -> FieldError:
    name = FIELDS.get(str(error.loc[-1])) if error.loc else None
    if name is None:
        return error
    fr, en = (f"{text[:1].upper()}{text[1:]}" for text in (name.fr, name.en))
    return replace(error, sentence=Sentence(f"{fr} : {error.sentence.fr}", f"{en}: {error.sentence.en}"))


def _page_of(request: Request) -> str:
    """Return the nearest address above that of a form which is a page: what Enter in the address bar leads back to."""
    path: str = request.url.path
    while path := path.rpartition("/")[0]:
        scope = {**request.scope, "path": path, "method": "GET"}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            return path
    return "/"


def _who(request: Request) -> str | None:
    """Return the name of who is signed in, where a route has looked."""
    caller: Caller | None = getattr(request.state, "caller", None)
    return caller.full_name if caller else None


def _viewer_name(request: Request) -> str | None:
    """Return what stands where "sign in" would be no cure: a name, or the way to the planning of this browser."""
    unnamed = words_of(request).say(MY_PLANNING) if sessions.session_token(request) else None
    return _who(request) or unnamed


def _board_of(request: Request) -> str:
    """Return the address of the board of the company that was asked for, where who asks may read it; or ""."""
    caller: Caller | None = getattr(request.state, "caller", None)
    slug = request.path_params.get("slug")
    home = f"/c/{slug}" if slug and caller and caller.role in READERS else ""
    return "" if request.url.path == home else home


def _has_lost_its_session(request: Request) -> bool:
    """Tell whether a form of somebody who was signed in arrives from a browser that has forgotten the session since."""
    return sessions.session_token(request) is None and request.url.path.startswith(("/c/", "/me"))


def _sign_in_first(request: Request) -> Response:
    """Ask for the login; a form that was being sent waits meanwhile, and a page is come back to."""
    if is_fragment(request):
        address = request.headers.get("hx-current-url") or request.headers.get("referer", "/")
        to = f"/sign-in?next={_path(address)}&expired=1"
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": to})
    if request.method in {"GET", "HEAD"}:
        target = quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""), safe="")
        return Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": f"/sign-in?next={target}"})
    return render(
        request,
        "sign_in.html",
        status=HTTPStatus.UNAUTHORIZED,
        next="",
        email="",
        error="",
        resume_path=request.url.path,
        resume=typed(request),
    )


def typed(request: Request) -> list[tuple[str, str]]:
    """Return what was typed into the form of this request, without its own fields and without passwords."""
    fields: list[tuple[str, str]] = getattr(request.state, "typed", [])
    return [(name, value) for name, value in fields if name not in HIDDEN and "password" not in name]


def _path(address: str) -> str:
    """Return the path of an address of this host, for use in another one."""
    _, _, rest = address.partition("//")
    return quote(f"/{rest.partition('/')[2]}", safe="")
