"""Signing in and out in a browser, a forgotten password, and the language of the pages."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.security import OAuth2PasswordRequestForm

from backend.core.clock import utc_now
from backend.core.emails import normalise_email
from backend.core.errors import AppError, Sentence, TooManyError, UnauthenticatedError
from backend.identity import accounts
from backend.identity.access import READERS, find_caller
from backend.identity.accounts import Accounts
from backend.web.rendering import render, words_of
from backend.web.sessions import (
    MaybeViewer,
    begin_session,
    end_session,
    keep_language,
    local_path,
    opened,
    see,
)

router = APIRouter(include_in_schema=False, dependencies=[Depends(opened)])
Typed = Annotated[str, Form(max_length=1000)]
Resumed = Annotated[str, Form(max_length=200_000)]
NO_ADDRESS = Sentence("Ce n'est pas une adresse e-mail : relisez-la.", "This is not an e-mail address: read it again.")
Next = Annotated[str, Query(max_length=2000)]


def the_accounts(request: Request) -> Accounts:
    """Return the acts on accounts, for this request."""
    state = request.app.state
    return Accounts(state.database, state.passwords, state.settings, utc_now())


TheAccounts = Annotated[Accounts, Depends(the_accounts)]


@router.get("/sign-in")
async def show_sign_in(
    request: Request, viewer: MaybeViewer, next: Next = "", expired: Next = "",  # noqa: A002 - the address says so
) -> Response:  # fmt: skip
    """Ask for address and password; whoever is signed in goes on."""
    if viewer is not None:
        return see(local_path(next, await home(request, viewer.user_id)))
    return _form(request, next=next, has_expired=bool(expired))


@router.post("/sign-in")
async def sign_in(
    request: Request, acts: TheAccounts, email: Typed, password: Typed, next: Typed = "",  # noqa: A002 - as above
    resume_path: Typed = "", resume: Resumed = "[]",
) -> Response:  # fmt: skip
    """Begin a session; a form that was interrupted is shown again, to be sent by one press."""
    typed = _resumed(resume)
    try:
        token = await acts.log_in(
            OAuth2PasswordRequestForm(username=email, password=password), request.headers.get("user-agent")
        )
    except (UnauthenticatedError, TooManyError) as refusal:
        _count(request, refusal)
        return _form(request, refusal, next=next, email=email, resume_path=resume_path, resume=typed)
    caller = await find_caller(acts.database, token, None, acts.now)
    if caller is None:
        return _form(request, next=next, email=email)
    if resume_path:
        request.state.language, request.state.bearer = caller.language, token
        path = local_path(resume_path)
        response: Response = render(request, "resume.html", typed=typed, sentence=None, path=path, viewer=caller)
    else:
        response = see(local_path(next, await home(request, caller.user_id)))
    begin_session(request, response, token, caller.language)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, viewer: MaybeViewer) -> Response:
    """End this session; the browser keeps nothing of it."""
    if viewer is not None:
        async with request.app.state.database.shared() as session:
            await accounts.end_session(session, viewer.user_id, viewer.token_id)
    response = see("/sign-in")
    end_session(response)
    return response


@router.get("/forgot-password")
async def show_forgot_password(request: Request) -> Response:
    """Ask for the address."""
    return render(request, "forgot_password.html", email="", error="", sent=False)


@router.post("/forgot-password")
async def forgot_password(request: Request, acts: TheAccounts, email: Typed) -> Response:
    """Mail a link, if the address has an account; the page does not tell."""
    try:
        address = normalise_email(email.strip())
        async with acts.database.shared() as session:
            await acts.forgot_password(session, address)
    except AppError as refusal:
        return _not_sent(request, email, refusal.status, refusal.sentence)
    except ValueError:
        return _not_sent(request, email, HTTPStatus.UNPROCESSABLE_ENTITY, NO_ADDRESS)
    return render(request, "forgot_password.html", email=email, error="", sent=True)


@router.post("/language")
async def choose_language(language: Typed, back: Typed = "/") -> Response:
    """Remember the language of this browser."""
    response = see(local_path(back))
    keep_language(response, language if language in {"fr", "en"} else "fr")
    return response


async def home(request: Request, user_id: UUID) -> str:
    """Return where somebody's day begins: their company's board, their own planning, or the choice between several."""
    async with request.app.state.database.shared(write=False) as session:
        mine = await accounts.my_companies(session, user_id)
    plans = [found for found in mine if found.role in READERS]
    if len(plans) == 1 and len(mine) == 1:
        return f"/c/{plans[0].slug}"
    return "/companies" if plans else "/me"


def _form(
    request: Request, refusal: AppError | None = None, *, next: str = "", email: str = "",  # noqa: A002 - as above
    resume_path: str = "", resume: Sequence[tuple[str, str]] = (), has_expired: bool = False,
) -> Response:  # fmt: skip
    return render(
        request, "sign_in.html", status=int(refusal.status) if refusal else HTTPStatus.OK, next=next, email=email,
        error=words_of(request).say(refusal.sentence) if refusal else "", resume_path=resume_path, resume=resume,
        has_expired=has_expired,
    )  # fmt: skip


def _not_sent(request: Request, email: str, status: HTTPStatus, sentence: Sentence) -> Response:
    error = words_of(request).say(sentence)
    return render(request, "forgot_password.html", status=int(status), email=email, sent=False, error=error)


def _count(request: Request, refusal: AppError) -> None:
    reason = "password" if isinstance(refusal, UnauthenticatedError) else "rate_limited"
    request.app.state.metrics.auth_failures.labels(reason).inc()


def _resumed(text: str) -> list[tuple[str, str]]:
    """Return the fields of an interrupted form, as its page sent them along; nothing where they are not readable."""
    try:
        found = json.loads(text)
        return [(str(name), str(value)) for name, value in found]
    except (ValueError, TypeError, RecursionError):
        return []
