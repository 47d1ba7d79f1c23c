"""Who may enter: the caller behind a token, their role in the company of the request, and the act they are let into.

Refuses by 401 (nobody), 404 (a company that does not exist, or that the caller does not belong to: the same answer),
403 (suspended, or a role that may not), 503 (a schema behind the code). Roles are read from the database each time.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer
from sqlalchemy import and_, select

from backend.core.clock import utc_now
from backend.core.errors import ForbiddenError, NotFoundError, Sentence, UnauthenticatedError, UnavailableError
from backend.core.ids import hash_secret
from backend.identity.models import AccessToken, Membership, Role, User
from backend.telemetry import record
from backend.tenancy import idempotency
from backend.tenancy.acting import Act, Actor
from backend.tenancy.directory import CompanyDirectory
from backend.tenancy.middleware import company_of
from backend.tenancy.migrations import serves
from backend.tenancy.models import CompanyInfo, CompanyStatus
from backend.tenancy.session import Database

EVERYBODY = frozenset(Role)
READERS = frozenset({Role.OWNER, Role.ADMIN, Role.PLANNER, Role.PAYROLL, Role.VIEWER})
EXPORTERS = frozenset({Role.OWNER, Role.ADMIN, Role.PLANNER, Role.PAYROLL})
PLANNERS = frozenset({Role.OWNER, Role.ADMIN, Role.PLANNER})
ADMINS = frozenset({Role.OWNER, Role.ADMIN})
OWNERS = frozenset({Role.OWNER})
SAFE_METHODS = frozenset({"GET", "HEAD"})
OUTDATED_RETRY_SECONDS = 30

_bearer = OAuth2PasswordBearer("/api/v1/auth/login", scheme_name="login", auto_error=False)
# For the documentation: the middleware has read it already, or the host instead.
_tenant = APIKeyHeader(
    name="X-Tenant", scheme_name="company", auto_error=False,
    description="The company's slug, like `compagnie-de-la-rampe`. Not needed on the company's own host.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Caller:
    """The user behind a valid token; `role` is the one in the company that was asked for, if any."""

    user_id: UUID
    email: str
    full_name: str
    language: str
    is_verified: bool
    person_number: int
    token_id: UUID
    role: Role | None = None


async def find_caller(database: Database, token: str | None, company_id: UUID | None, now: datetime) -> Caller | None:
    """Return the user of `token` and their role in the company, in one query; None when the token is worth nothing."""
    if not token:
        return None
    query = (
        select(
            User.id, User.email, User.full_name, User.language, User.is_verified, User.person_number,
            AccessToken.id, Membership.role,
        )
        .join(AccessToken, AccessToken.user_id == User.id)
        .outerjoin(Membership, and_(Membership.user_id == User.id, Membership.company_id == company_id))
        .where(AccessToken.token_hash == hash_secret(token), AccessToken.expires_at > now, User.is_active)
    )  # fmt: skip
    rows = await database.ask(query)
    return Caller(*rows[0]) if rows else None


async def signed_in(request: Request, token: Annotated[str | None, Depends(_bearer)]) -> Caller:
    """Return the caller, or refuse (401)."""
    return await known_caller(request, token)


async def known_caller(request: Request, token: str | None) -> Caller:
    """Return the caller of a token, wherever the request carried it, or refuse (401)."""
    return _known(request, await find_caller(request.app.state.database, token, None, utc_now()))


async def maybe_signed_in(request: Request, token: Annotated[str | None, Depends(_bearer)]) -> Caller | None:
    """Return the caller, None without a token; a token that is worth nothing is refused all the same (401)."""
    return await signed_in(request, token) if token else None


SignedIn = Annotated[Caller, Depends(signed_in)]
MaybeSignedIn = Annotated[Caller | None, Depends(maybe_signed_in)]


def acting(
    roles: frozenset[Role], token_of: Callable[..., Any] = _bearer, kept_in: Callable[..., Any] = _tenant
) -> Callable[..., AsyncIterator[Act]]:
    """Return the dependency of a company's route: the act of a member who has one of `roles`.

    The API's routes are shown a bearer token and name their company by a header; pages have their own two ways.
    """

    async def act(
        request: Request,
        token: Annotated[str | None, Depends(token_of)],
        _: Annotated[str | None, Depends(kept_in)],
    ) -> AsyncIterator[Act]:
        database: Database = request.app.state.database
        directory: CompanyDirectory = request.app.state.directory
        now = utc_now()
        company = await company_of(request, directory)
        found = await find_caller(database, token, company.id if company else None, now)
        caller = _known(request, found)
        company = _served(request, company, caller)
        if caller.role not in roles:
            raise ForbiddenError(
                "not_allowed",
                Sentence(
                    "Votre rôle dans cette compagnie ne le permet pas : demandez à la personne qui l'administre.",
                    "Your role in this company does not allow this: ask whoever administers it.",
                ),
            )
        actor = Actor(caller.user_id, caller.full_name, caller.role)
        async with database.company(company, write=request.method not in SAFE_METHODS) as session:
            await idempotency.claim_for_company(request, session, caller.user_id, now)
            yield Act(session, company, actor, now)

    return act


def _known(request: Request, caller: Caller | None) -> Caller:
    if caller is None:
        request.app.state.metrics.auth_failures.labels("token").inc()
        raise UnauthenticatedError(
            "login_required",
            Sentence("Connectez-vous : il faut un jeton d'accès valable.", "Log in: a valid access token is needed."),
            headers={"WWW-Authenticate": "Bearer"},
        )
    request.state.caller = caller  # for the page that says what was refused, to whom
    return caller


def _served(request: Request, company: CompanyInfo | None, caller: Caller) -> CompanyInfo:
    failures = request.app.state.metrics.tenant_resolution_failures
    if company is None or caller.role is None:
        failures.labels("not_found").inc()
        raise company_not_found()
    record.current().company = company.schema_name
    if company.status is CompanyStatus.SUSPENDED:
        failures.labels("suspended").inc()
        raise ForbiddenError(
            "tenant_suspended",
            Sentence("Cette compagnie est suspendue : écrivez à son administration.",
                     "This company is suspended: write to whoever runs it."),
        )  # fmt: skip
    check_revision(company)
    return company


def check_revision(company: CompanyInfo) -> None:
    """Refuse (503) a company whose schema is older than this code can serve."""
    if not serves(company.revision):
        raise UnavailableError(
            "tenant_outdated",
            Sentence("Cette compagnie est en cours de mise à jour : réessayez dans un instant.",
                     "This company is being upgraded: try again in a moment."),
            headers={"Retry-After": str(OUTDATED_RETRY_SECONDS)},
        )  # fmt: skip


def company_not_found() -> NotFoundError:
    """Return the one answer for a company that does not exist and for one that the caller does not belong to."""
    return NotFoundError(
        "tenant_not_found",
        Sentence("Aucune de vos compagnies n'a cette adresse courte.", "None of your companies has this slug."),
    )


AsMember = Annotated[Act, Depends(acting(EVERYBODY), scope="function")]
AsReader = Annotated[Act, Depends(acting(READERS), scope="function")]
AsExporter = Annotated[Act, Depends(acting(EXPORTERS), scope="function")]
AsPlanner = Annotated[Act, Depends(acting(PLANNERS), scope="function")]
AsAdmin = Annotated[Act, Depends(acting(ADMINS), scope="function")]
AsOwner = Annotated[Act, Depends(acting(OWNERS), scope="function")]


async def _shared_session(request: Request) -> AsyncIterator[Any]:
    database: Database = request.app.state.database
    async with database.shared(write=request.method not in SAFE_METHODS) as session:
        yield session


SharedSession = Annotated[Any, Depends(_shared_session, scope="function")]
