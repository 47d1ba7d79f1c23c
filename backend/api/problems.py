"""Every error leaves as `application/problem+json` (RFC 9457), one sentence for a person; nothing internal leaks."""

from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.core import preconditions, validation
from backend.core.errors import PROBLEM_JSON, AppError, InvalidError, Problem, Sentence
from backend.core.languages import language_of
from backend.telemetry import record
from backend.telemetry.logs import get_logger

log = get_logger("filage.errors")

BUSY_RETRY_SECONDS = 2
# What PostgreSQL answers when it is the server's turn to give up: time-outs, locks, shutting down, deadlock.
BUSY_STATES = frozenset({"57014", "55P03", "57P01", "57P02", "57P03", "40P01", "53300"})

UNEXPECTED = Sentence(
    "Une erreur inattendue s'est produite ; rien n'a été enregistré. Donnez-nous ce numéro : {trace_id}.",
    "Something unexpected happened; nothing was stored. Quote this number to us: {trace_id}.",
)
BUSY = Sentence(
    "Filage est très occupé : rien n'a été enregistré, réessayez dans quelques secondes.",
    "Filage is very busy: nothing was stored, try again in a few seconds.",
)
LOST = Sentence(
    "La base de données a coupé la connexion : relisez avant de recommencer, ou renvoyez la demande avec la même clé "
    "d'idempotence.",
    "The database cut the connection: read again before you retry, or send the request again with the same idempotency "
    "key.",
)
IN_CONFLICT = Sentence(
    "Cette fiche existe déjà, ou une autre fiche s'en sert encore : relisez la liste avant de recommencer.",
    "This already exists, or something else still uses it: read the list again before you retry.",
)
_HTTP = {
    404: ("not_found", Sentence("Cette adresse n'existe pas : vérifiez le chemin.",
                                "This address does not exist: check the path.")),
    405: ("method_not_allowed", Sentence("Cette méthode n'existe pas à cette adresse : voyez /docs.",
                                         "This method does not exist at this address: see /docs.")),
    400: ("bad_request", Sentence("Ce corps n'est pas lisible : vérifiez son format.",
                                  "This body cannot be read: check its format.")),
    413: ("payload_too_large", Sentence("Cet envoi est trop gros.", "This request is too large.")),
}  # fmt: skip


def answer(request: Request, problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """Return the problem document in the client's language; on a page, the page that says the same."""
    record.current().fields["code"] = problem.code
    page: Response | None = request.app.state.answer_as_page(request, problem, headers or {})
    if page is not None:
        return page
    content = problem.body(language_of(request), record.current().trace_id)
    return JSONResponse(
        content, int(problem.status), {**(headers or {}), "vary": "Accept-Language"}, media_type=PROBLEM_JSON
    )


def add_handlers(app: FastAPI) -> None:
    """Register the handlers of every error that is expected."""
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(StaleDataError, _stale)
    app.add_exception_handler(IntegrityError, _integrity)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(PoolTimeoutError, _busy)


async def _app_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)  # noqa: S101 - Starlette dispatches by class
    fields = error.fields if isinstance(error, InvalidError) else ()
    if error.code == "person_not_available":
        request.app.state.metrics.availability_refusals.inc()
    problem = Problem(error.status, error.code, error.sentence, fields, error.extra)
    return answer(request, problem, error.headers)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - Starlette dispatches by class
    fields = validation.field_errors(error.errors())
    return answer(request, Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", validation.summary(fields), fields))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette dispatches by class
    status = HTTPStatus(error.status_code)
    code, sentence = _HTTP.get(
        status, ("http_error", Sentence("Cette demande est refusée.", "This request is refused."))
    )
    return answer(request, Problem(status, code, sentence), dict(error.headers or {}))


async def _stale(request: Request, _error: Exception) -> Response:
    return await _app_error(request, preconditions.stale())


async def _integrity(request: Request, error: Exception) -> Response:
    log.warning("integrity", constraint=getattr(getattr(error, "orig", None), "diag", None) and _constraint(error))
    return answer(request, Problem(HTTPStatus.CONFLICT, "conflict", IN_CONFLICT))


def _constraint(error: Exception) -> str | None:
    return getattr(error.orig.diag, "constraint_name", None)  # type: ignore[attr-defined]  # psycopg's error


async def _database(request: Request, error: Exception) -> Response:
    if _is_lost(error):
        log.warning("database_lost", error=type(error).__name__)
        return _later(request, "database_lost", LOST)
    if _sqlstate(error) in BUSY_STATES or "database is locked" in str(error):
        return await _busy(request, error)
    return unexpected(request, error)


def _sqlstate(error: Exception) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def _is_lost(error: Exception) -> bool:
    """Tell whether the connection broke, or none could be made: libpq says so without a state."""
    if not isinstance(error, DBAPIError):
        return False
    by_libpq = isinstance(error, OperationalError) and type(error.orig).__module__.startswith("psycopg")
    return error.connection_invalidated or (by_libpq and _sqlstate(error) is None)


async def _busy(request: Request, error: Exception) -> Response:
    log.warning("busy", error=type(error).__name__)
    return _later(request, "busy", BUSY)


def _later(request: Request, code: str, sentence: Sentence) -> Response:
    problem = Problem(HTTPStatus.SERVICE_UNAVAILABLE, code, sentence)
    return answer(request, problem, {"Retry-After": str(BUSY_RETRY_SECONDS)})


def unexpected(request: Request, error: Exception) -> Response:
    """Log an error that nobody expected, with its traceback, and answer 500 without a word of it."""
    log.error("unexpected", exc_info=error)
    trace_id = record.current().trace_id
    sentence = Sentence(UNEXPECTED.fr.format(trace_id=trace_id), UNEXPECTED.en.format(trace_id=trace_id))
    return answer(request, Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "unexpected", sentence))


class UnexpectedErrorMiddleware:
    """The outermost boundary: what no handler knows becomes a 500 that still carries the request's ids."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; answer for it when it fails before it has begun to answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def watching(message: dict[str, object]) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watching)  # type: ignore[arg-type]  # Starlette's own mapping type
        except Exception as error:
            if begun:
                raise
            await unexpected(Request(scope), error)(scope, receive, send)
