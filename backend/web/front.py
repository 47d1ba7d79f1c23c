"""The front page, signing a company up, and the companies of whoever is signed in."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import OAuth2PasswordRequestForm

from backend.core.clock import utc_now
from backend.core.errors import AppError, Sentence, TooManyError, UnauthenticatedError
from backend.identity import accounts
from backend.identity.access import READERS, Caller
from backend.identity.company import ROLE_NAMES
from backend.identity.passwords import SHORTEST
from backend.identity.schemas import CompanyIn, SlugAvailability
from backend.identity.sign_up import find_slug, sign_up
from backend.tenancy import idempotency, names
from backend.tenancy.idempotency import ReplayError
from backend.tenancy.lifecycle import slug_taken
from backend.tenancy.provisioning import new_company
from backend.web import forms
from backend.web.example import EXAMPLE
from backend.web.forms import NOTHING_WRONG, Refused
from backend.web.rendering import render, words_of
from backend.web.sessions import MaybeViewer, Viewer, begin_session, opened, see
from backend.web.signing import TheAccounts

router = APIRouter(include_in_schema=False, dependencies=[Depends(opened)])
OF_THE_COMPANY, OF_THE_OWNER = ("name", "slug"), ("full_name", "email", "password")
BY_CODE = {"slug_taken": "slug", "slug_invalid": "slug", "slug_reserved": "slug", "email_taken": "email"}
FREE = Sentence("Cette adresse est libre.", "This address is free.")
MALFORMED = Sentence("Cette adresse ne convient pas. Essayez « {slug} ».", "This address will not do. Try “{slug}”.")
NameTyped = Annotated[str, Query(max_length=2000)]


@router.get("/")
async def front(request: Request, viewer: MaybeViewer) -> Response:
    """Say what Filage is and for whom, and let a company sign up."""
    return _front(request, viewer, "front.html")


@router.get("/sign-up")
async def show_sign_up(request: Request, viewer: MaybeViewer) -> Response:
    """Ask for a company's name and address, and for its owner's account where nobody is signed in."""
    return _front(request, viewer, "sign_up.html")


@router.get("/sign-up/address")
async def check_address(request: Request, name: NameTyped = "", slug: NameTyped = "") -> Response:
    """Say of the address that is being typed, or made of the name, whether it can be had: a fragment."""
    wanted = slug.strip() or (names.suggest_slug(name) if name.strip() else "")
    if not wanted:
        return render(request, "sign_up_address.html", slug="", sentence="", available=False)
    async with request.app.state.database.shared(write=False) as session:
        found = await find_slug(session, wanted[: names.SLUG_MAXIMUM * 5], utc_now())
    sentence = words_of(request).say(_about(found))
    return render(request, "sign_up_address.html", slug=found.slug, sentence=sentence, available=found.available)


def _about(found: SlugAvailability) -> Sentence:
    if found.available:
        return FREE
    if found.reason == "slug_invalid":
        slug = found.suggestion or ""
        return Sentence(MALFORMED.fr.format(slug=slug), MALFORMED.en.format(slug=slug))
    return names.SLUG_RESERVED if found.reason == "slug_reserved" else slug_taken().sentence


@router.post("/sign-up")
async def sign_a_company_up(request: Request, viewer: MaybeViewer, acts: TheAccounts) -> Response:
    """Make the company, its space and its owner's account, and begin the owner's session."""
    asked = OF_THE_COMPANY if viewer else (*OF_THE_COMPANY, *OF_THE_OWNER)
    typed = forms.typed_in(request, asked)
    try:
        return await _create(request, viewer, acts, typed)
    except AppError as error:
        refusal = forms.refused(error, asked)
        if error.code in BY_CODE:
            refusal = Refused(error.status, error.sentence, {BY_CODE[error.code]: error.sentence})
        if refusal.fields.get("slug") and not typed["slug"]:
            typed["slug"] = names.suggest_slug(typed["name"])
        return _front(request, viewer, "sign_up.html", typed, refusal)


async def _create(request: Request, viewer: Caller | None, acts: TheAccounts, typed: dict[str, str]) -> Response:
    state, language = request.app.state, request.state.language
    body = forms.read(CompanyIn, {"name": typed["name"], "slug": typed["slug"], **_owner(typed, language, viewer)})
    try:
        async with new_company(state.database) as new:
            await idempotency.claim_shared(request, new.session, viewer.user_id if viewer else None, acts.now)
            created, token = await sign_up(
                new, body, viewer, settings=state.settings, passwords=state.passwords,
                address=request.client.host if request.client else "unknown",
                user_agent=request.headers.get("user-agent"), now=acts.now,
            )  # fmt: skip
            response: Response = see(f"/c/{created.slug}/setup")
            await idempotency.keep_answer(request, response)
        state.directory.forget(created.slug)
    except ReplayError as replay:
        # Sent twice: the company is there, and whoever knows its owner's password is let in by it.
        token, response = await _log_in(request, acts, typed), see(replay.headers["location"])
    if token is not None:
        begin_session(request, response, token, language)
    return response


def _owner(typed: dict[str, str], language: str, viewer: Caller | None) -> dict[str, object]:
    if viewer is not None:
        return {}
    return {"owner": {name: typed[name] for name in OF_THE_OWNER} | {"language": language}}


async def _log_in(request: Request, acts: TheAccounts, typed: dict[str, str]) -> str | None:
    if "email" not in typed:
        return None
    form = OAuth2PasswordRequestForm(username=typed["email"], password=typed["password"])
    try:
        return await acts.log_in(form, request.headers.get("user-agent"))
    except (UnauthenticatedError, TooManyError):
        return None


def _front(
    request: Request, viewer: Caller | None, name: str, typed: dict[str, str] | None = None,
    refusal: Refused = NOTHING_WRONG,
) -> Response:  # fmt: skip
    language = request.state.language
    empty = dict.fromkeys((*OF_THE_COMPANY, *OF_THE_OWNER), "")
    return render(
        request, name, status=int(refusal.status), viewer=viewer, typed={**empty, **(typed or {}), "password": ""},
        errors=refusal.errors(language), error=refusal.text(language), example=EXAMPLE,
        host=urlsplit(request.app.state.settings.public_url).netloc, shortest=SHORTEST,
    )  # fmt: skip


@router.get("/companies")
async def my_companies(request: Request, viewer: Viewer) -> Response:
    """Show the companies of the viewer, with the role in each."""
    async with request.app.state.database.shared(write=False) as session:
        mine = await accounts.my_companies(session, viewer.user_id)
    roles = ROLE_NAMES[request.state.language]
    return render(request, "companies.html", viewer=viewer, mine=mine, readers=READERS, roles=roles)
