"""Routes of identity: sign-up, login, one's account, the company, its members and invitations."""

from collections.abc import AsyncIterator
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import OAuth2PasswordRequestForm

from backend.core.clock import utc_now
from backend.core.errors import TooManyError, UnauthenticatedError
from backend.core.pagination import Page, PageRequest, page_request, slice_page
from backend.core.preconditions import ExpectedVersion, etag
from backend.identity import accounts, company
from backend.identity.access import AsAdmin, AsMember, MaybeSignedIn, SharedSession, SignedIn
from backend.identity.accounts import Accounts
from backend.identity.models import User
from backend.identity.schemas import (
    CompanyIn,
    CompanyOut,
    CompanyPatch,
    EmailIn,
    InvitationOut,
    LoggedIn,
    MemberOut,
    MemberPatch,
    MyCompany,
    RegisterIn,
    ResetIn,
    SessionOut,
    SignedUp,
    SlugAvailability,
    TokenIn,
    UserOut,
    UserPatch,
)
from backend.identity.sign_up import find_slug, sign_up
from backend.tenancy import idempotency
from backend.tenancy.idempotency import AnswerRoute
from backend.tenancy.models import Company
from backend.tenancy.provisioning import NewCompany, new_company

router = APIRouter(route_class=AnswerRoute)
SLUG_LIMIT = 200
Listed = TypeVar("Listed", MyCompany, SessionOut, MemberOut, InvitationOut)


async def _new_company(request: Request, caller: MaybeSignedIn) -> AsyncIterator[NewCompany]:
    async with new_company(request.app.state.database) as new:
        await idempotency.claim_shared(request, new.session, caller.user_id if caller else None, utc_now())
        yield new


def _accounts(request: Request) -> Accounts:
    state = request.app.state
    return Accounts(state.database, state.passwords, state.settings, utc_now())


SignUpTransaction = Annotated[NewCompany, Depends(_new_company, scope="function")]
TheAccounts = Annotated[Accounts, Depends(_accounts)]
AskedPage = Annotated[PageRequest, Depends(page_request)]


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


@router.post("/companies", status_code=201, tags=["sign-up"], summary="Sign a company up")
async def create_company(
    body: CompanyIn, caller: MaybeSignedIn, new: SignUpTransaction, request: Request, response: Response
) -> SignedUp:
    """Create user, company, schema, role and owner membership: all or nothing. With a token, leave `owner` out."""
    state = request.app.state
    created, token = await sign_up(
        new, body, caller, settings=state.settings, passwords=state.passwords, address=_address(request),
        user_agent=request.headers.get("user-agent"), now=utc_now(),
    )  # fmt: skip
    state.directory.forget(created.slug)
    idempotency.keep_out(request, "access_token")
    stored = await new.session.get_one(Company, created.id)
    response.headers["Location"] = "/api/v1/company"
    return SignedUp(company=_company(stored), access_token=token)


@router.get("/companies/slug-availability", tags=["sign-up"], summary="Can this slug be had?")
async def slug_availability(
    session: SharedSession, slug: Annotated[str, Query(min_length=1, max_length=SLUG_LIMIT)]
) -> SlugAvailability:
    """Say whether a slug is free, and suggest one that is well-formed where it is not."""
    return await find_slug(session, slug, utc_now())


@router.post("/auth/register", status_code=201, tags=["auth"], summary="Create an account")
async def register(body: RegisterIn, session: SharedSession, acts: TheAccounts, request: Request) -> UserOut:
    """Create an account without a company; a verification mail follows."""
    return accounts.account_of(await acts.register(session, body, _address(request)))


@router.post("/auth/login", tags=["auth"], summary="Log in")
async def log_in(
    form: Annotated[OAuth2PasswordRequestForm, Depends()], acts: TheAccounts, request: Request
) -> LoggedIn:
    """Exchange an e-mail address (`username`) and a password for a token."""
    try:
        return LoggedIn(access_token=await acts.log_in(form, request.headers.get("user-agent")))
    except (UnauthenticatedError, TooManyError) as refusal:
        reason = "password" if isinstance(refusal, UnauthenticatedError) else "rate_limited"
        request.app.state.metrics.auth_failures.labels(reason).inc()
        raise


@router.post("/auth/logout", status_code=204, tags=["auth"], summary="Log out")
async def log_out(caller: SignedIn, session: SharedSession) -> None:
    """Revoke the token that this request carries."""
    await accounts.end_session(session, caller.user_id, caller.token_id)


@router.post("/auth/forgot-password", status_code=202, tags=["auth"], summary="Ask for a reset link")
async def forgot_password(body: EmailIn, session: SharedSession, acts: TheAccounts) -> None:
    """Mail a link to set a new password, if the address has an account; the answer does not tell."""
    await acts.forgot_password(session, body.email)


@router.post("/auth/reset-password", status_code=204, tags=["auth"], summary="Set a new password")
async def reset_password(body: ResetIn, session: SharedSession, acts: TheAccounts) -> None:
    """Set a new password by a mailed token; every session of the account ends."""
    await acts.reset_password(session, body.token, body.password)


@router.post("/auth/request-verify-token", status_code=202, tags=["auth"], summary="Ask for a verification link")
async def request_verify_token(body: EmailIn, session: SharedSession, acts: TheAccounts) -> None:
    """Mail a link that verifies the address, if it has an unverified account; the answer does not tell."""
    await acts.request_verify(session, body.email)


@router.post("/auth/verify", tags=["auth"], summary="Verify an address")
async def verify(body: TokenIn, session: SharedSession, acts: TheAccounts) -> UserOut:
    """Mark the address of a mailed token as verified."""
    return accounts.account_of(await acts.verify(session, body.token))


@router.get("/users/me", tags=["me"], summary="Read my account")
async def read_me(caller: SignedIn, session: SharedSession, response: Response) -> UserOut:
    """Return the caller's own account."""
    return _tagged(await session.get_one(User, caller.user_id), response)


@router.patch("/users/me", tags=["me"], summary="Change my account")
async def change_me(
    body: UserPatch, caller: SignedIn, session: SharedSession, acts: TheAccounts, expected: ExpectedVersion,
    response: Response,
) -> UserOut:  # fmt: skip
    """Change name, language, address or password; the last two need `current_password`."""
    return _tagged(await acts.change(session, caller, body, expected), response)


@router.get("/me/companies", tags=["me"], summary="List my companies")
async def list_my_companies(caller: SignedIn, session: SharedSession, page: AskedPage) -> Page[MyCompany]:
    """Return every company of the caller, with the role in it."""
    return _page(await accounts.my_companies(session, caller.user_id), page)


@router.get("/me/sessions", tags=["me"], summary="List my sessions")
async def list_my_sessions(caller: SignedIn, session: SharedSession, page: AskedPage) -> Page[SessionOut]:
    """Return every login of the caller that still holds."""
    return _page(await accounts.my_sessions(session, caller, utc_now()), page)


@router.delete("/me/sessions/{session_id}", status_code=204, tags=["me"], summary="End one of my sessions")
async def end_my_session(session_id: UUID, caller: SignedIn, session: SharedSession) -> None:
    """Revoke one login of the caller."""
    await accounts.end_session(session, caller.user_id, session_id)


@router.get("/company", tags=["company"], summary="Read the company")
async def read_company(act: AsMember, response: Response) -> CompanyOut:
    """Return the company of this request."""
    found = _company(await company.read_company(act))
    response.headers["ETag"] = etag(found.version)
    return found


@router.patch("/company", tags=["company"], summary="Change the company")
async def change_company(
    body: CompanyPatch, act: AsAdmin, expected: ExpectedVersion, request: Request, response: Response
) -> CompanyOut:
    """Change name, SIRET, agreement, time zone, city, licences or whom to phone; the slug stays."""
    changed = _company(await company.change_company(act, body, expected))
    request.app.state.directory.forget(changed.slug)
    response.headers["ETag"] = etag(changed.version)
    return changed


@router.get("/members", tags=["company"], summary="List the members")
async def list_members(act: AsAdmin, page: AskedPage) -> Page[MemberOut]:
    """Return everybody who has a role in the company."""
    return _page(await company.list_members(act), page)


@router.patch("/members/{member_id}", tags=["company"], summary="Change a member's role")
async def change_member(
    member_id: UUID, body: MemberPatch, act: AsAdmin, expected: ExpectedVersion, response: Response
) -> MemberOut:
    """Give a member another role; only owners make or unmake owners."""
    changed = await company.change_role(act, member_id, body.role, expected)
    response.headers["ETag"] = etag(changed.version)
    return changed


@router.get("/invitations", tags=["company"], summary="List the invitations")
async def list_invitations(act: AsAdmin, page: AskedPage) -> Page[InvitationOut]:
    """Return the invitations that wait for an answer."""
    return _page(await company.list_invitations(act), page)


@router.delete("/invitations/{invitation_id}", status_code=204, tags=["company"], summary="Withdraw an invitation")
async def withdraw_invitation(invitation_id: UUID, act: AsAdmin) -> None:
    """Make both tokens of an invitation worthless."""
    await company.withdraw_invitation(act, invitation_id)


def _page(items: list[Listed], page: PageRequest) -> Page[Listed]:
    shown, cursor = slice_page(items, page, lambda item: (str(item.id),))
    return Page(items=shown, next_cursor=cursor)


def _company(found: Company) -> CompanyOut:
    return CompanyOut.model_validate({name: getattr(found, name) for name in CompanyOut.model_fields})


def _tagged(found: User, response: Response) -> UserOut:
    response.headers["ETag"] = etag(found.version)
    return accounts.account_of(found)
