"""What happens behind the links of our mails: the same services as the API, answered as pages."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse
from fastapi.security import OAuth2PasswordRequestForm

from backend.core.clock import utc_now
from backend.core.errors import AppError, InvalidError
from backend.core.schemas import NAME_LIMIT
from backend.identity.access import Caller, find_caller
from backend.identity.accounts import Accounts
from backend.identity.company import ROLE_NAMES
from backend.identity.passwords import SHORTEST
from backend.identity.schemas import AcceptIn
from backend.portal import invitations
from backend.portal.invitations import Opened
from backend.web.links import render

router = APIRouter(include_in_schema=False)
PASSWORD_HELP = f"Au moins {SHORTEST} caractères ; une phrase que vous retenez convient très bien."
Token = Annotated[str, Query(max_length=2000)]
TokenField = Annotated[str, Form(max_length=2000)]
PasswordField = Annotated[str, Form(max_length=1000)]


def _accounts(request: Request) -> Accounts:
    state = request.app.state
    return Accounts(state.database, state.passwords, state.settings, utc_now())


TheAccounts = Annotated[Accounts, Depends(_accounts)]


@router.get("/invitation")
async def show_invitation(request: Request, token: Token = "") -> HTMLResponse:
    """Show who invites whom to what, and ask for what is missing."""
    try:
        opened = await invitations.open_invitation(request.app.state.database, token, utc_now())
    except AppError as error:
        return _refused(request, error)
    return await _invitation(request, opened, token)


@router.post("/invitation")
async def accept_invitation(
    request: Request, acts: TheAccounts, token: TokenField, password: PasswordField,
    full_name: Annotated[str, Form(max_length=NAME_LIMIT)] = "",
) -> HTMLResponse:  # fmt: skip
    """Accept; somebody who has an account proves it by its password."""
    state, now = request.app.state, utc_now()
    try:
        opened = await invitations.open_invitation(state.database, token, now)
    except AppError as error:
        return _refused(request, error)
    try:
        known = await invitations.has_account(state.database, opened.email)
        caller = await _log_in(acts, opened.email, password) if known else None
        body = AcceptIn(token=token, full_name=full_name.strip() or None, password=password)
        async with invitations.accepting(state.database, opened, now) as act:
            await invitations.accept(
                act, opened, body, caller, settings=state.settings, passwords=state.passwords, user_agent=None
            )
    except (AppError, ValueError) as error:
        sentence = error.sentence.fr if isinstance(error, AppError) else "Écrivez vos prénom et nom."
        return await _invitation(request, opened, token, error=sentence, full_name=full_name)
    return render(
        "done.html", request, heading=f"Bienvenue dans {opened.company.name}",
        message="L'invitation est acceptée. Vos prochaines dates sont dans votre planning Filage.",
        english="The invitation is accepted.",
    )  # fmt: skip


@router.get("/verify")
async def show_verification(request: Request, token: Token = "") -> HTMLResponse:
    """Ask for one press: mail filters open links by themselves."""
    return render("verify.html", request, token=token)


@router.post("/verify")
async def verify(request: Request, acts: TheAccounts, token: TokenField) -> HTMLResponse:
    """Verify an address."""
    try:
        async with acts.database.shared() as session:
            await acts.verify(session, token)
    except AppError as error:
        return _refused(request, error)
    return render(
        "done.html", request, heading="Adresse confirmée",
        message="Merci : plusieurs compagnies peuvent maintenant vous relier à leur planning.",
        english="Your address is verified.",
    )  # fmt: skip


@router.get("/reset-password")
async def show_reset(request: Request, token: Token = "") -> HTMLResponse:
    """Ask for the new password."""
    return render("reset_password.html", request, token=token, password_help=PASSWORD_HELP)


@router.post("/reset-password")
async def reset(request: Request, acts: TheAccounts, token: TokenField, password: PasswordField) -> HTMLResponse:
    """Set the new password; every session of the account ends."""
    try:
        async with acts.database.shared() as session:
            await acts.reset_password(session, token, password)
    except InvalidError as error:
        return render(
            "reset_password.html", request, status=int(error.status), token=token, password_help=PASSWORD_HELP,
            error=error.sentence.fr, error_field="password",
        )  # fmt: skip
    except AppError as error:
        return _refused(request, error)
    return render(
        "done.html", request, heading="Mot de passe changé",
        message="Connectez-vous avec le nouveau ; toutes les autres connexions sont fermées.",
        english="Your password is changed; all other sessions are closed.",
    )  # fmt: skip


async def _invitation(request: Request, opened: Opened, token: str, **extra: str) -> HTMLResponse:
    return render(
        "invitation.html", request, status=HTTPStatus.UNPROCESSABLE_ENTITY if extra else HTTPStatus.OK, token=token,
        company=opened.company.name, inviter=opened.inviter_name, role=ROLE_NAMES["fr"][opened.role],
        email=opened.email, expires_at=opened.expires_at.strftime("%d/%m/%Y"), password_help=PASSWORD_HELP,
        has_account=await invitations.has_account(request.app.state.database, opened.email), **extra,
    )  # fmt: skip


async def _log_in(acts: Accounts, email: str, password: str) -> Caller | None:
    token = await acts.log_in(OAuth2PasswordRequestForm(username=email, password=password), None)
    return await find_caller(acts.database, token, None, acts.now)


def _refused(request: Request, error: AppError) -> HTMLResponse:
    return render(
        "done.html", request, status=int(error.status), heading="Ce lien ne marche pas", message=error.sentence.fr,
        english=error.sentence.en,
    )  # fmt: skip
