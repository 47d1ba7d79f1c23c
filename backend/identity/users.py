"""fastapi-users over our own adapters: they flush and never commit, store hashed tokens, and hash outside the loop."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi_users import BaseUserManager, UUIDIDMixin, exceptions
from fastapi_users.authentication.strategy.db import AccessTokenDatabase, DatabaseStrategy
from fastapi_users.db import BaseUserDatabase
from fastapi_users.jwt import decode_jwt, generate_jwt
from jwt import PyJWTError
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.errors import ConflictError, Sentence
from backend.core.ids import hash_secret
from backend.core.settings import Settings
from backend.identity.models import AccessToken, User
from backend.identity.passwords import Passwords, check_password
from backend.outbox.mail import Mail, MailKind
from backend.tenancy.numbers import take_person_numbers
from backend.tenancy.session import hand_over

USER_AGENT_LIMIT = 200


class UserDatabase(BaseUserDatabase[User, UUID]):  # type: ignore[type-var]  # Mapped columns are descriptors
    """Users of the shared schema, in the request's own transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get(self, id: UUID) -> User | None:  # noqa: A002 - fastapi-users' name
        """Return the user of an id."""
        return await self.session.get(User, id)

    async def get_by_email(self, email: str) -> User | None:
        """Return the user of an address (stored normalised)."""
        found: User | None = await self.session.scalar(select(User).where(User.email == email))
        return found

    async def create(self, create_dict: dict[str, Any]) -> User:
        """Add a user; the caller's transaction decides whether they stay."""
        user = User(**create_dict)
        self.session.add(user)
        await self.session.flush()
        return user

    async def update(self, user: User, update_dict: Mapping[str, Any]) -> User:
        """Change a user."""
        for name, value in update_dict.items():
            setattr(user, name, value)
        await self.session.flush()
        return user

    async def delete(self, user: User) -> None:
        """Remove a user; the database removes their tokens, memberships and links."""
        await self.session.delete(user)
        await self.session.flush()


@dataclass(slots=True)
class IssuedToken:
    """A token as its owner sees it once; only its hash is stored."""

    token: str
    user_id: UUID
    created_at: datetime


class TokenDatabase(AccessTokenDatabase[IssuedToken]):
    """Access tokens by their SHA-256."""

    def __init__(self, session: AsyncSession, settings: Settings, now: datetime, user_agent: str | None = None) -> None:
        self.session = session
        self.lifetime = timedelta(days=settings.access_token_days)
        self.now = now
        self.user_agent = (user_agent or "")[:USER_AGENT_LIMIT] or None

    async def get_by_token(self, token: str, max_age: datetime | None = None) -> IssuedToken | None:
        """Return the token when it is known and has not expired."""
        query = select(AccessToken).where(
            AccessToken.token_hash == hash_secret(token), AccessToken.expires_at > (max_age or self.now)
        )
        found = await self.session.scalar(query)
        return IssuedToken(token, found.user_id, found.created_at) if found else None

    async def create(self, create_dict: dict[str, Any]) -> IssuedToken:
        """Store a new token."""
        issued = IssuedToken(create_dict["token"], create_dict["user_id"], self.now)
        self.session.add(
            AccessToken(
                token_hash=hash_secret(issued.token), user_id=issued.user_id, created_at=self.now,
                expires_at=self.now + self.lifetime, user_agent=self.user_agent,
            )
        )  # fmt: skip
        await self.session.flush()
        return issued

    async def update(self, access_token: IssuedToken, update_dict: dict[str, Any]) -> IssuedToken:
        """Refuse: a token is issued once and never changed."""
        raise TypeError(f"a token cannot be changed: {sorted(update_dict)} of {access_token.user_id}")

    async def delete(self, access_token: IssuedToken) -> None:
        """Revoke a token."""
        await self.session.execute(delete(AccessToken).where(AccessToken.token_hash == hash_secret(access_token.token)))


class UserManager(UUIDIDMixin, BaseUserManager[User, UUID]):  # type: ignore[type-var]  # as above
    """What happens to accounts: our rules for passwords, our mails, hashing in threads."""

    user_db: UserDatabase

    def __init__(self, session: AsyncSession, settings: Settings, passwords: Passwords, now: datetime) -> None:
        super().__init__(UserDatabase(session), passwords.helper)
        secret = settings.secret_key.get_secret_value()
        self.reset_password_token_secret = self.verification_token_secret = secret
        self.session, self.settings, self.passwords, self.now = session, settings, passwords, now

    async def add(
        self, *, email: str, hashed_password: str, full_name: str, language: str, verified: bool = False
    ) -> User:
        """Create an account whose password is hashed already. Raises UserAlreadyExists."""
        if await self.user_db.get_by_email(email) is not None:
            raise exceptions.UserAlreadyExists
        values = {
            "email": email, "hashed_password": hashed_password, "full_name": full_name, "language": language,
            "is_verified": verified, "created_at": self.now,
            "person_number": (await take_person_numbers(self.session, 1))[0],
        }  # fmt: skip
        return await self.user_db.create(values)

    async def change_password(self, user: User, password: str) -> None:
        """Store a new password."""
        check_password(password, user.email)
        await self.user_db.update(user, {"hashed_password": await self.passwords.hash(password)})

    async def forgot_password(self, user: User, request: Request | None = None) -> None:
        """Mail a link that is worth one hour, and nothing once the password has changed."""
        data = {"sub": str(user.id), "fingerprint": _fingerprint(user), "aud": self.reset_password_token_audience}
        token = generate_jwt(data, self.reset_password_token_secret, self.reset_password_token_lifetime_seconds)
        await self.on_after_forgot_password(user, token, request)

    async def reset_password(self, token: str, password: str, request: Request | None = None) -> User:
        """Set the password that goes with a mailed token. Raises InvalidResetPasswordToken."""
        try:
            data = decode_jwt(token, self.reset_password_token_secret, [self.reset_password_token_audience])
            user = await self.get(self.parse_id(data.get("sub", "")))
        except (PyJWTError, exceptions.InvalidID, exceptions.UserNotExists):
            raise exceptions.InvalidResetPasswordToken from None
        if data.get("fingerprint") != _fingerprint(user) or not user.is_active:
            raise exceptions.InvalidResetPasswordToken
        await self.change_password(user, password)
        await self.on_after_reset_password(user, request)
        return user

    async def owner_of_verification(self, token: str) -> User:
        """Return the user of a verification token that was used before. Raises InvalidVerifyToken."""
        try:
            data = decode_jwt(token, self.verification_token_secret, [self.verification_token_audience])
            return await self.get(self.parse_id(data["sub"]))
        except (PyJWTError, KeyError, exceptions.InvalidID, exceptions.UserNotExists):
            raise exceptions.InvalidVerifyToken from None

    async def on_after_reset_password(self, user: User, request: Request | None = None) -> None:
        """End every session: whoever reset the password may have lost the old one to somebody."""
        del request
        await end_sessions(self.session, user.id)

    async def on_after_forgot_password(self, user: User, token: str, request: Request | None = None) -> None:
        """Hand over the mail."""
        del request
        url = f"{self.settings.public_url}/reset-password?token={token}"
        context = {"name": user.full_name, "reset_url": url}
        hand_over(self.session, Mail(MailKind.PASSWORD_RESET, user.email, _language(user), context))

    async def on_after_request_verify(self, user: User, token: str, request: Request | None = None) -> None:
        """Hand over the mail."""
        del request
        url = f"{self.settings.public_url}/verify?token={token}"
        context = {"name": user.full_name, "verify_url": url}
        hand_over(self.session, Mail(MailKind.VERIFICATION, user.email, _language(user), context))

    def strategy(self, user_agent: str | None = None) -> DatabaseStrategy[User, UUID, IssuedToken]:  # type: ignore[type-var]  # as above
        """Return fastapi-users' strategy over our token table."""
        return DatabaseStrategy(TokenDatabase(self.session, self.settings, self.now, user_agent))

    async def let_in(self, user: User, better_hash: str | None, user_agent: str | None) -> str:
        """Log in a user whose password was found right before this transaction, and store its better hash."""
        if better_hash is not None:
            await self.session.execute(
                update(User)
                .where(User.id == user.id, User.hashed_password == user.hashed_password)
                .values(hashed_password=better_hash)
            )
        return await self.issue_token(user, user_agent)

    async def issue_token(self, user: User, user_agent: str | None = None) -> str:
        """Log `user` in and return their new token."""
        return await self.strategy(user_agent).write_token(user)


async def end_sessions(session: AsyncSession, user_id: UUID, *, but: UUID | None = None) -> None:
    """Revoke every token of a user, or all but one."""
    await session.execute(
        delete(AccessToken).where(AccessToken.user_id == user_id, AccessToken.id.is_distinct_from(but))
    )


def email_taken() -> ConflictError:
    """Return the refusal of an address that has an account already."""
    return ConflictError(
        "email_taken",
        Sentence(
            "Cette adresse e-mail a déjà un compte : connectez-vous, ou demandez un nouveau mot de passe.",
            "This e-mail address has an account already: log in, or ask for a new password.",
        ),
    )


def _fingerprint(user: User) -> str:
    return hash_secret(user.hashed_password)[:32]


def _language(user: User) -> Any:  # noqa: ANN401 - "fr" or "en", checked when it was stored
    return user.language
