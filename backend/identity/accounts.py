"""Acts on one's own account: register, log in and out, passwords, verification, profile, sessions."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi.security import OAuth2PasswordRequestForm
from fastapi_users import exceptions
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.emails import normalise_email
from backend.core.errors import BadRequestError, InvalidError, NotFoundError, Sentence, UnauthenticatedError
from backend.core.preconditions import check_version
from backend.core.settings import Settings
from backend.identity.access import Caller
from backend.identity.models import AccessToken, Membership, User
from backend.identity.passwords import Passwords, check_password
from backend.identity.schemas import MyCompany, RegisterIn, SessionOut, UserOut, UserPatch
from backend.identity.users import UserManager, email_taken, end_sessions
from backend.tenancy import limits
from backend.tenancy.models import Company
from backend.tenancy.session import Database

LOGIN_WINDOW = timedelta(minutes=10)
HOUR = timedelta(hours=1)
LONGEST_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Accounts:
    """What acts on accounts need: made once per request."""

    database: Database
    passwords: Passwords
    settings: Settings
    now: datetime
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    def manager(self, session: AsyncSession) -> UserManager:
        """Return fastapi-users' manager over `session`."""
        return UserManager(session, self.settings, self.passwords, self.now)

    async def register(self, session: AsyncSession, body: RegisterIn, address: str) -> User:
        """Create an account and mail its verification."""
        if await limits.count(session, "register", address, HOUR, self.now) > self.settings.limit_registers_per_hour:
            raise limits.too_many(HOUR, self.now)
        check_password(body.password, body.email)
        hashed = await self.passwords.hash(body.password)
        manager = self.manager(session)
        try:
            user = await manager.add(
                email=body.email, hashed_password=hashed, full_name=body.full_name, language=body.language
            )
        except (exceptions.UserAlreadyExists, IntegrityError):
            raise email_taken() from None
        await manager.request_verify(user)
        return user

    async def log_in(self, form: OAuth2PasswordRequestForm, user_agent: str | None) -> str:
        """Return a new token. Each failure makes the account's next refusal slower; then 429 until the window ends."""
        email = _address_or_text(form.username)
        async with self.database.shared() as session:
            failures = await limits.count(session, "login", email, LOGIN_WINDOW, self.now)
        if failures > self.settings.limit_failed_logins_per_10_minutes:
            raise limits.too_many(LOGIN_WINDOW, self.now)
        # No transaction is open while a password is hashed: waiting for a thread must not hold a connection.
        async with self.database.shared(write=False) as session:
            user = await self.manager(session).user_db.get_by_email(email)
        right, better = await self._matches(user, form.password)
        if user is not None and right:
            async with self.database.shared() as session:
                await limits.forget(session, "login", email)
                return await self.manager(session).let_in(user, better, user_agent)
        await self.pause(min(LONGEST_PAUSE_SECONDS, 0.005 * 2**failures))
        raise bad_credentials()

    async def _matches(self, user: User | None, password: str) -> tuple[bool, str | None]:
        """Tell whether the password is right; for an unknown address it takes as long, and is wrong."""
        if user is None:
            await self.passwords.hash(password)
            return False, None
        right, better = await self.passwords.verify(password, user.hashed_password)
        return right and user.is_active, better

    async def forgot_password(self, session: AsyncSession, email: str) -> None:
        """Mail a reset link, if the address has an account; the answer is the same either way."""
        user = await self._mailable(session, email)
        if user is not None:
            await self.manager(session).forgot_password(user)

    async def request_verify(self, session: AsyncSession, email: str) -> None:
        """Mail a verification link, if the address has an unverified account; the answer is the same either way."""
        user = await self._mailable(session, email)
        if user is not None and not user.is_verified:
            await self.manager(session).request_verify(user)

    async def _mailable(self, session: AsyncSession, email: str) -> User | None:
        if await limits.count(session, "mail", email, HOUR, self.now) > self.settings.limit_mails_per_hour:
            raise limits.too_many(HOUR, self.now)
        user = await self.manager(session).user_db.get_by_email(email)
        return user if user is not None and user.is_active else None

    async def verify(self, session: AsyncSession, token: str) -> User:
        """Mark the address of a mailed token as verified; a second time changes nothing."""
        manager = self.manager(session)
        try:
            return await manager.verify(token)
        except exceptions.UserAlreadyVerified:
            return await manager.owner_of_verification(token)
        except exceptions.InvalidVerifyToken:
            raise bad_token() from None

    async def reset_password(self, session: AsyncSession, token: str, password: str) -> None:
        """Set a new password by a mailed token; every session of the account ends."""
        try:
            await self.manager(session).reset_password(token, password)
        except exceptions.InvalidResetPasswordToken:
            raise bad_token() from None

    async def change(self, session: AsyncSession, caller: Caller, body: UserPatch, expected: int) -> User:
        """Change the caller's own account; a new password ends the other sessions, a new address must be verified."""
        values = body.model_dump(exclude_unset=True, exclude={"password", "current_password"})
        if any(value is None for value in values.values()):
            raise InvalidError.of(["body"], "Ces champs ne peuvent pas être vides.", "These fields cannot be empty.")
        new_address = "email" in values and values["email"] != caller.email
        if body.password is not None or new_address:
            await self.check_own_password(caller, body.current_password, "current_password")
        if new_address:
            await self._count_address_change(caller, values["email"])
        manager = self.manager(session)
        user = await manager.get(caller.user_id)
        check_version(user.version, expected)
        if body.password is not None:
            await manager.change_password(user, body.password)
            await end_sessions(session, user.id, but=caller.token_id)
        return await self._store(manager, user, values, new_address=new_address)

    async def _store(self, manager: UserManager, user: User, values: dict[str, Any], *, new_address: bool) -> User:
        try:
            await manager.user_db.update(user, {**values, **({"is_verified": False} if new_address else {})})
        except IntegrityError:
            raise email_taken() from None
        if new_address:
            await manager.request_verify(user)
        return user

    async def check_own_password(self, caller: Caller, password: str | None, field: str) -> None:
        """Refuse (422) a password that is not the caller's own; wrong ones count as failed logins do (429).

        A stolen token must not become a way to guess the password. Counted in a transaction of its own, before the
        act's: the refusal rolls that one back.
        """
        async with self.database.shared() as session:
            failures = await limits.count(session, "login", caller.email, LOGIN_WINDOW, self.now)
            hashed = await session.scalar(select(User.hashed_password).where(User.id == caller.user_id))
        if failures > self.settings.limit_failed_logins_per_10_minutes:
            raise limits.too_many(LOGIN_WINDOW, self.now)
        if password is None or hashed is None or not (await self.passwords.verify(password, hashed))[0]:
            raise InvalidError.of(
                ["body", field],
                "Redonnez votre mot de passe actuel : celui-ci n'est pas le vôtre.",
                "Give your current password: this one is not yours.",
            )
        async with self.database.shared() as session:
            await limits.forget(session, "login", caller.email)

    async def _count_address_change(self, caller: Caller, address: str) -> None:
        """Each change mails a stranger, and a refusal tells that they have an account: both are few in an hour."""
        async with self.database.shared() as session:
            changes = await limits.count(session, "address-change", str(caller.user_id), HOUR, self.now)
            mails = await limits.count(session, "mail", address, HOUR, self.now)
        if max(changes, mails) > self.settings.limit_mails_per_hour:
            raise limits.too_many(HOUR, self.now)


async def my_account(session: AsyncSession, caller: Caller) -> UserOut:
    """Return the caller's own account."""
    return account_of(await session.get_one(User, caller.user_id))


def account_of(user: User) -> UserOut:
    """Return an account as its owner sees it."""
    return UserOut.model_validate({name: getattr(user, name) for name in UserOut.model_fields})


async def my_companies(session: AsyncSession, user_id: UUID) -> list[MyCompany]:
    """Return the companies of a user, with the role in each."""
    rows = await session.execute(
        select(Company.id, Company.slug, Company.name, Membership.role, Company.status)
        .join(Membership, Membership.company_id == Company.id)
        .where(Membership.user_id == user_id)
        .order_by(Company.name, Company.id)
    )
    return [MyCompany(id=i, slug=s, name=n, role=r, status=st) for i, s, n, r, st in rows]


async def my_sessions(session: AsyncSession, caller: Caller, now: datetime) -> list[SessionOut]:
    """Return the caller's logins that still hold, newest first."""
    columns = (AccessToken.id, AccessToken.created_at, AccessToken.expires_at, AccessToken.user_agent)
    rows = await session.execute(
        select(*columns)
        .where(AccessToken.user_id == caller.user_id, AccessToken.expires_at > now)
        .order_by(AccessToken.created_at.desc(), AccessToken.id.desc())
    )
    return [
        SessionOut(id=i, created_at=c, expires_at=e, user_agent=agent, current=i == caller.token_id)
        for i, c, e, agent in rows
    ]


async def end_session(session: AsyncSession, user_id: UUID, token_id: UUID) -> None:
    """Revoke one login of a user (404 when it is not theirs)."""
    found = await session.scalar(
        delete(AccessToken).where(AccessToken.id == token_id, AccessToken.user_id == user_id).returning(AccessToken.id)
    )
    if found is None:
        raise NotFoundError("not_found", Sentence("Cette connexion n'existe pas.", "This session does not exist."))


def bad_credentials() -> UnauthenticatedError:
    """Return the one refusal of a login: it does not say which of the two was wrong."""
    return UnauthenticatedError(
        "bad_credentials",
        Sentence("Adresse e-mail ou mot de passe incorrect.", "Wrong e-mail address or password."),
    )


def bad_token() -> BadRequestError:
    """Return the refusal of a mailed token that is unknown, used or too old."""
    return BadRequestError(
        "bad_token",
        Sentence(
            "Ce lien ne vaut plus : demandez-en un nouveau.", "This link is not valid any more: ask for a new one."
        ),
    )


def _address_or_text(username: str) -> str:
    try:
        return normalise_email(username.strip())
    except ValueError:
        return username[:320].replace("\0", "\ufffd")  # PostgreSQL stores no NUL, and no account has one
