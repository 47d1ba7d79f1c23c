"""What happens behind the links of our mails: the same services as the API, answered as pages."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.security import OAuth2PasswordRequestForm

from backend.core.clock import utc_now
from backend.core.errors import AppError, InvalidError, NotFoundError, Sentence
from backend.identity.access import Caller, find_caller
from backend.identity.accounts import Accounts
from backend.identity.company import ROLE_NAMES
from backend.identity.passwords import SHORTEST
from backend.identity.schemas import Accepted, AcceptIn
from backend.portal import invitations
from backend.portal.invitations import GoneError, Opened
from backend.web import forms
from backend.web.forms import NOTHING_WRONG, Refused
from backend.web.rendering import render
from backend.web.sessions import MaybeViewer, Viewer, begin_session, local_path, opened, see
from backend.web.signing import TheAccounts, home

router = APIRouter(include_in_schema=False, dependencies=[Depends(opened)])
OF_AN_ACCOUNT = ("full_name", "password")
Token = Annotated[str, Query(max_length=2000)]
TokenField = Annotated[str, Form(max_length=2000)]
PasswordField = Annotated[str, Form(max_length=1000)]
NO_NAME = Sentence("Écrivez vos prénom et nom.", "Give your first and last name.")
VERIFIED = (
    Sentence("Adresse confirmée", "Address confirmed"),
    Sentence("Merci : plusieurs compagnies peuvent maintenant vous relier à leur planning.",
             "Thank you: several companies can tie you to their planning now."),
)  # fmt: skip
CHANGED = (
    Sentence("Mot de passe changé", "Password changed"),
    Sentence("Connectez-vous avec le nouveau ; toutes les autres connexions sont fermées.",
             "Sign in with the new one; all other sessions are closed."),
)  # fmt: skip
MAILED = (
    Sentence("Un message est parti", "A message is on its way"),
    Sentence("Son lien confirme votre adresse. Rien n'arrive ? Regardez parmi les indésirables.",
             "Its link confirms your address. Nothing arrives? Look among the unwanted mail."),
)  # fmt: skip
BROKEN = Sentence("Ce lien ne marche pas", "This link does not work")
ONWARDS = Sentence("Continuer", "Go on")
SIGN_IN = Sentence("Se connecter", "Sign in")


@router.get("/invitation")
async def show_invitation(request: Request, viewer: MaybeViewer, token: Token = "") -> Response:
    """Show who invites whom to what, and ask for what is missing."""
    try:
        found = await invitations.open_invitation(request.app.state.database, token, utc_now())
    except (NotFoundError, GoneError) as error:
        return _broken(request, error)
    return await _invitation(request, viewer, found, token)


@router.post("/invitation")
async def accept_invitation(
    request: Request, viewer: MaybeViewer, acts: TheAccounts, token: TokenField, password: PasswordField = ""
) -> Response:
    """Accept, and begin the session; somebody who has an account proves it by its password, or by being signed in."""
    typed = forms.typed_in(request, OF_AN_ACCOUNT)
    try:
        found = await invitations.open_invitation(acts.database, token, acts.now)
    except (NotFoundError, GoneError) as error:
        return _broken(request, error)
    try:
        caller, session_token = await _prove(request, acts, viewer, found, password)
        done = await _accept(request, acts, found, caller, {**typed, "token": token})
    except AppError as error:
        return await _invitation(request, viewer, found, token, typed, _refused(error))
    bearer = done.access_token or session_token
    who = await find_caller(acts.database, bearer, None, acts.now) if bearer else viewer
    response = see(await home(request, who.user_id) if who else "/sign-in")
    if bearer:
        begin_session(request, response, bearer, request.state.language)
    return response


async def _prove(
    request: Request, acts: Accounts, viewer: Caller | None, found: Opened, password: str
) -> tuple[Caller | None, str | None]:
    """Return whom the invited address belongs to, and the token of a login that had to be made for it."""
    if viewer is not None and viewer.email == found.email:
        return viewer, None
    if not await invitations.has_account(acts.database, found.email):
        return None, None
    form = OAuth2PasswordRequestForm(username=found.email, password=password)
    token = await acts.log_in(form, request.headers.get("user-agent"))
    return await find_caller(acts.database, token, None, acts.now), token


async def _accept(
    request: Request, acts: Accounts, found: Opened, caller: Caller | None, typed: dict[str, str]
) -> Accepted:
    body = forms.read(AcceptIn, {name: typed[name] for name in ("token", "full_name")})
    body = body.model_copy(update={"password": typed["password"] or None})
    async with invitations.accepting(acts.database, found, acts.now) as act:
        return await invitations.accept(
            act, found, body, caller, settings=acts.settings, passwords=acts.passwords,
            user_agent=request.headers.get("user-agent"),
        )  # fmt: skip


def _refused(error: AppError) -> Refused:
    """A wrong password is a field of this form, and no way in that is refused."""
    refusal = forms.refused(error, OF_AN_ACCOUNT)
    if error.code == "bad_credentials":
        return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, error.sentence, {"password": error.sentence})
    if "full_name" in refusal.fields:
        return Refused(refusal.status, refusal.sentence, {**refusal.fields, "full_name": NO_NAME})
    return refusal


async def _invitation(
    request: Request, viewer: Caller | None, found: Opened, token: str, typed: dict[str, str] | None = None,
    refusal: Refused = NOTHING_WRONG,
) -> Response:  # fmt: skip
    language, database = request.state.language, request.app.state.database
    name = typed["full_name"] if typed else await invitations.known_name(database, found)
    return render(
        request, "invitation.html", status=int(refusal.status), viewer=viewer, token=token,
        invited_by=found.company.name, inviter=found.inviter_name, role_named=ROLE_NAMES[language][found.role],
        email=found.email, expires_at=found.expires_at, its_zone=found.company.timezone, shortest=SHORTEST,
        is_viewer=viewer is not None and viewer.email == found.email,
        has_account=await invitations.has_account(database, found.email),
        full_name=name, errors=refusal.errors(language), error=refusal.text(language),
    )  # fmt: skip


@router.get("/verify")
async def show_verification(request: Request, viewer: MaybeViewer, token: Token = "") -> Response:
    """Ask for one press: mail filters open links by themselves."""
    return render(request, "verify.html", viewer=viewer, token=token)


@router.post("/verify")
async def verify(request: Request, viewer: MaybeViewer, acts: TheAccounts, token: TokenField) -> Response:
    """Verify an address."""
    try:
        async with acts.database.shared() as session:
            await acts.verify(session, token)
    except AppError as error:
        return _broken(request, error)
    return _done(request, viewer, VERIFIED, ("/sign-in", ONWARDS))


@router.post("/verification")
async def mail_verification(request: Request, viewer: Viewer, acts: TheAccounts, back: TokenField = "/") -> Response:
    """Mail the viewer the link that confirms their address once more."""
    async with acts.database.shared() as session:
        await acts.request_verify(session, viewer.email)
    return _done(request, viewer, MAILED, (local_path(back), ONWARDS))


@router.get("/reset-password")
async def show_reset(request: Request, token: Token = "") -> Response:
    """Ask for the new password."""
    return render(request, "reset_password.html", token=token, shortest=SHORTEST, errors={}, error="")


@router.post("/reset-password")
async def reset(request: Request, acts: TheAccounts, token: TokenField, password: PasswordField) -> Response:
    """Set the new password; every session of the account ends."""
    try:
        async with acts.database.shared() as session:
            await acts.reset_password(session, token, password)
    except InvalidError as error:
        refusal, language = forms.refused(error, ("password",)), request.state.language
        return render(
            request, "reset_password.html", status=int(error.status), token=token, shortest=SHORTEST,
            errors=refusal.errors(language), error=refusal.text(language),
        )  # fmt: skip
    except AppError as error:
        return _broken(request, error)
    return _done(request, None, CHANGED, ("/sign-in", SIGN_IN))


def _broken(request: Request, error: AppError) -> Response:
    return _done(request, None, (BROKEN, error.sentence), ("/", ONWARDS), int(error.status))


def _done(
    request: Request, viewer: Caller | None, said: tuple[Sentence, Sentence], onwards: tuple[str, Sentence],
    status: int = HTTPStatus.OK,
) -> Response:  # fmt: skip
    heading, message = said
    return render(
        request, "done.html", status=status, viewer=viewer, heading=heading, message=message, next_url=onwards[0],
        next_label=onwards[1],
    )  # fmt: skip
