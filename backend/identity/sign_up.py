"""Signing a company up: user, company, schema, role and owner membership in one owner transaction, or nothing."""

from datetime import datetime, timedelta

from fastapi_users import exceptions
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.errors import InvalidError
from backend.core.settings import Settings
from backend.identity.access import Caller
from backend.identity.models import Membership, Role, User
from backend.identity.passwords import Passwords, check_password
from backend.identity.schemas import CompanyIn, OwnerIn, SlugAvailability
from backend.identity.users import UserManager, email_taken
from backend.tenancy import lifecycle, limits, names
from backend.tenancy.models import CompanyInfo
from backend.tenancy.provisioning import Draft, NewCompany

HOUR = timedelta(hours=1)


def wanted_slug(body: CompanyIn) -> str:
    """Return the slug asked for, or one made of the name; refuses malformed and reserved ones (422)."""
    slug = names.normalise_slug(body.slug) if body.slug is not None else names.suggest_slug(body.name)
    return lifecycle.check_slug(slug)


async def find_slug(session: AsyncSession, slug: str, now: datetime) -> SlugAvailability:
    """Say whether a slug is free, and suggest one that is well-formed where it is not."""
    wanted = names.normalise_slug(slug)
    if not names.is_slug(wanted):
        suggestion = names.suggest_slug(wanted)
        return SlugAvailability(slug=wanted, available=False, reason="slug_invalid", suggestion=suggestion)
    if names.is_reserved(wanted):
        return SlugAvailability(slug=wanted, available=False, reason="slug_reserved")
    taken = await lifecycle.is_taken(session, wanted, now)
    return SlugAvailability(slug=wanted, available=not taken, reason="slug_taken" if taken else None)


async def sign_up(  # noqa: PLR0913 - one act, and each of these is needed once
    new: NewCompany, body: CompanyIn, caller: Caller | None, *, settings: Settings, passwords: Passwords,
    address: str, user_agent: str | None, now: datetime,
) -> tuple[CompanyInfo, str | None]:  # fmt: skip
    """Create the company and its owner; return it with the new owner's token (None for somebody logged in).

    Raises 409 `slug_taken` or `email_taken`, 422 for the fields, 429 after too many sign-ups from one address.
    """
    slug = wanted_slug(body)
    hashed = await _hash_owner(body.owner, caller, passwords)
    if await limits.count(new.session, "sign-up", address, HOUR, now) > settings.limit_sign_ups_per_hour:
        raise limits.too_many(HOUR, now)
    manager = UserManager(new.session, settings, passwords, now)
    owner = await _owner(manager, body.owner, hashed) if body.owner else None
    draft = Draft(slug, body.name, body.timezone, body.siret, body.idcc, body.city)
    company = await new.create(draft, now)
    user_id = owner.id if owner else caller.user_id  # type: ignore[union-attr]  # _hash_owner refused neither and both
    new.session.add(Membership(user_id=user_id, company_id=company.id, role=Role.OWNER, created_at=now))
    if owner is None:
        return company, None
    await manager.request_verify(owner)
    return company, await manager.issue_token(owner, user_agent)


async def _hash_owner(owner: OwnerIn | None, caller: Caller | None, passwords: Passwords) -> str:
    if (owner is None) == (caller is None):
        raise InvalidError.of(
            ["body", "owner"],
            "Donnez « owner » pour créer votre compte, ou envoyez votre jeton d'accès sans « owner ».",
            "Give `owner` to create your account, or send your access token without `owner`.",
        )
    if owner is None:
        return ""
    check_password(owner.password, owner.email)
    return await passwords.hash(owner.password)


async def _owner(manager: UserManager, owner: OwnerIn, hashed: str) -> User:
    try:
        return await manager.add(
            email=owner.email, hashed_password=hashed, full_name=owner.full_name, language=owner.language
        )
    except (exceptions.UserAlreadyExists, IntegrityError):
        raise email_taken() from None
