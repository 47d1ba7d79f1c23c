"""Inviting somebody and accepting: account, membership, person of the directory and ledger, in one transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit import service as audit
from backend.core.errors import (
    AppError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    Sentence,
    UnauthenticatedError,
)
from backend.core.ids import hash_secret, new_id
from backend.core.settings import Settings
from backend.identity import company as identity_company
from backend.identity.access import Caller, check_revision
from backend.identity.models import Invitation, Membership, PersonLink, Role, User
from backend.identity.passwords import Passwords, check_password
from backend.identity.schemas import Accepted, AcceptIn, InvitationIn, InvitationOut, MyCompany
from backend.identity.users import UserManager
from backend.people.models import Person
from backend.planning import ledger
from backend.portal.repository import links_of
from backend.tenancy.acting import Act, Actor
from backend.tenancy.directory import company_columns
from backend.tenancy.models import Company, CompanyInfo, CompanyStatus
from backend.tenancy.numbers import take_person_numbers
from backend.tenancy.session import Database, login_rights


class GoneError(AppError):
    """410: it was there, and is worth nothing any more."""

    status = HTTPStatus.GONE


@dataclass(frozen=True, slots=True)
class Opened:
    """An invitation that holds, found by one of its tokens; `mailed`: by the one that proves the address."""

    id: UUID
    email: str
    role: Role
    person_id: UUID | None
    inviter_name: str
    expires_at: datetime
    mailed: bool
    company: CompanyInfo


async def invite(act: Act, body: InvitationIn, settings: Settings) -> InvitationOut:
    """Invite by e-mail; an intermittent whose address is in the directory is tied to that person."""
    person_id = await _person_to_link(act, body)
    return await identity_company.invite(act, body.model_copy(update={"person_id": person_id}), settings)


async def _person_to_link(act: Act, body: InvitationIn) -> UUID | None:
    named = Person.id == body.person_id if body.person_id is not None else Person.email == body.email
    row = (await act.session.execute(select(Person.id, Person.user_id).where(named))).one_or_none()
    if row is None and body.person_id is not None:
        raise InvalidError.of(
            ["body", "person_id"],
            "Cette personne n'est pas dans votre annuaire.",
            "This person is not in your directory.",
        )
    if row is not None and row.user_id is not None and body.person_id is not None:
        raise _linked_already()
    if row is None or (body.person_id is None and (body.role is not Role.INTERMITTENT or row.user_id is not None)):
        return None
    found: UUID = row.id
    return found


async def open_invitation(database: Database, token: str, now: datetime, *, used_too: bool = False) -> Opened:
    """Return the invitation of a token: 404 when there is none, 410 when it was used or is too old."""
    hashed = hash_secret(token)
    query = (
        company_columns()
        .add_columns(
            Invitation.id.label("invitation_id"),
            Invitation.email, Invitation.role, Invitation.person_id, Invitation.inviter_name,
            Invitation.expires_at, Invitation.accepted_at, Invitation.mailed_token_hash,
        )
        .join(Invitation, Invitation.company_id == Company.id)
        .where(or_(Invitation.token_hash == hashed, Invitation.mailed_token_hash == hashed))
    )  # fmt: skip
    async with database.shared(write=False) as session:
        row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError(
            "not_found",
            Sentence("Cette invitation n'existe pas, ou a été retirée.",
                     "This invitation does not exist, or was withdrawn."),
        )  # fmt: skip
    company = CompanyInfo(*row[: len(CompanyInfo.__dataclass_fields__)])
    if (row.accepted_at is not None and not used_too) or row.expires_at <= now:
        raise _expired()
    if company.status is CompanyStatus.SUSPENDED:
        raise ForbiddenError(
            "tenant_suspended", Sentence("Cette compagnie est suspendue.", "This company is suspended.")
        )
    check_revision(company)
    return Opened(
        id=row.invitation_id, email=row.email, role=row.role, person_id=row.person_id, inviter_name=row.inviter_name,
        expires_at=row.expires_at, mailed=row.mailed_token_hash == hashed, company=company,
    )  # fmt: skip


async def has_account(database: Database, email: str) -> bool:
    """Tell whether an invited address has an account: only to whoever holds the invitation's token."""
    async with database.shared(write=False) as session:
        return (await session.scalar(select(User.id).where(User.email == email))) is not None


async def known_name(database: Database, opened: Opened) -> str:
    """Return by which name the company knows whom it invited, empty where the invitation names nobody."""
    if opened.person_id is None:
        return ""
    async with database.company(opened.company, write=False) as session:
        query = select(Person.first_name, Person.last_name).where(Person.id == opened.person_id)
        row = (await session.execute(query)).one_or_none()
    return f"{row.first_name} {row.last_name}" if row else ""


@asynccontextmanager
async def accepting(database: Database, opened: Opened, now: datetime) -> AsyncIterator[Act]:
    """Open the company's transaction in which an invitation is accepted."""
    async with database.company(opened.company) as session:
        yield Act(session, opened.company, Actor(None, opened.email), now)


async def accept(
    act: Act, opened: Opened, body: AcceptIn, caller: Caller | None, *, settings: Settings, passwords: Passwords,
    user_agent: str | None,
) -> Accepted:  # fmt: skip
    """Accept: single use; an existing account must be the caller's, a second company needs a verified address."""
    async with login_rights(act.session):
        await _use_up(act, opened)
    person = await _lock_person(act, opened)
    async with login_rights(act.session):
        manager = UserManager(act.session, settings, passwords, act.now)
        user = await manager.user_db.get_by_email(opened.email)
        token = None
        if user is None:
            user = await _new_user(manager, opened, body, person)
            token = await manager.issue_token(user, user_agent)
        else:
            await _check_known_user(act, opened, user, caller)
        if opened.mailed:
            user.is_verified = True
        role = await _join(act, opened, user)
        if person is not None:
            await _point(act, user, person)
        number, user_id, name = user.person_number, user.id, user.full_name
    contested = await _link(act, person, user_id, number) if person is not None else []
    audit.record(
        Act(act.session, act.company, Actor(user_id, name), act.now), "invitation.accepted", opened.id, None,
        {"email": opened.email, "role": opened.role, "person_id": opened.person_id, "contested": len(contested)},
    )  # fmt: skip
    company = act.company
    return Accepted(
        company=MyCompany(id=company.id, slug=company.slug, name=company.name, role=role, status=company.status),
        person_id=opened.person_id, contested=len(contested), access_token=token,
    )  # fmt: skip


async def _lock_person(act: Act, opened: Opened) -> Person | None:
    if opened.person_id is None:
        return None
    found = await act.session.scalar(select(Person).where(Person.id == opened.person_id).with_for_update())
    if found is None:
        raise _expired()
    if found.user_id is not None:
        raise _linked_already()
    return found


async def _use_up(act: Act, opened: Opened) -> None:
    """The row is claimed by its update: of two acceptances at once the second finds it used."""
    used = await act.session.scalar(
        update(Invitation)
        .where(Invitation.id == opened.id, Invitation.accepted_at.is_(None))
        .values(accepted_at=act.now)
        .returning(Invitation.id)
    )
    if used is None:
        raise _expired()


async def _new_user(manager: UserManager, opened: Opened, body: AcceptIn, person: Person | None) -> User:
    name = body.full_name or (f"{person.first_name} {person.last_name}" if person is not None else None)
    if body.password is None or name is None:
        field = "password" if body.password is None else "full_name"
        raise InvalidError.of(
            ["body", field],
            "Cette adresse n'a pas encore de compte : donnez un nom et un mot de passe pour le créer.",
            "This address has no account yet: give a name and a password to create it.",
        )
    check_password(body.password, opened.email)
    hashed = await manager.passwords.hash(body.password)
    user = await manager.add(
        email=opened.email, hashed_password=hashed, full_name=name, language="fr", verified=opened.mailed
    )
    if not opened.mailed:
        await manager.request_verify(user)
    return user


async def _check_known_user(act: Act, opened: Opened, user: User, caller: Caller | None) -> None:
    if caller is None or caller.user_id != user.id:
        raise UnauthenticatedError(
            "login_required",
            Sentence(
                "Cette adresse a déjà un compte : connectez-vous avec elle, puis acceptez l'invitation.",
                "This address has an account already: log in with it, then accept the invitation.",
            ),
            headers={"WWW-Authenticate": "Bearer"},
        )
    if user.is_verified or opened.mailed:
        return
    elsewhere = select(Membership.id).where(Membership.user_id == user.id, Membership.company_id != act.company.id)
    if (await act.session.scalar(elsewhere.limit(1))) is not None:
        raise ForbiddenError(
            "not_allowed",
            Sentence(
                "Confirmez d'abord votre adresse : acceptez par le lien reçu par e-mail, ou demandez un e-mail de "
                "vérification.",
                "Verify your address first: accept by the link in the mail, or ask for a verification mail.",
            ),
        )


async def _join(act: Act, opened: Opened, user: User) -> Role:
    """Return the role in force: a member keeps the one they have."""
    mine = (Membership.user_id == user.id, Membership.company_id == act.company.id)
    role: Role | None = await act.session.scalar(select(Membership.role).where(*mine))
    if role is not None:
        return role
    act.session.add(Membership(user_id=user.id, company_id=act.company.id, role=opened.role, created_at=act.now))
    await act.session.flush()
    return opened.role


async def _point(act: Act, user: User, person: Person) -> None:
    link = PersonLink(id=new_id(), user_id=user.id, company_id=act.company.id, person_id=person.id, created_at=act.now)
    try:
        async with act.session.begin_nested():
            act.session.add(link)
    except IntegrityError:
        raise _linked_already() from None


async def _link(act: Act, person: Person, user_id: UUID, number: int) -> list[UUID]:
    """Give the person the account's number; bookings of this company that overlap others become contested."""
    old, person.user_id, person.number, person.updated_at = person.number, user_id, number, act.now
    await act.session.flush()
    return await ledger.renumber(act, old, number)


async def remove_member(act: Act, member_id: UUID, expected: int) -> UUID:
    """End a membership, and with it the account's link to the directory; return whose it was.

    Raises as `identity.company.remove_member`.
    """
    user_id = await identity_company.remove_member(act, member_id, expected)
    link = (PersonLink.user_id == user_id, PersonLink.company_id == act.company.id)
    async with login_rights(act.session):
        person_id = await act.session.scalar(delete(PersonLink).where(*link).returning(PersonLink.person_id))
    if person_id is not None:
        await unlink(act, person_id)
    return user_id


async def unlink(act: Act, person_id: UUID) -> None:
    """Forget that a person has an account: the directory keeps them, under a ledger number of their own again."""
    person = await act.session.scalar(select(Person).where(Person.id == person_id).with_for_update())
    if person is None:
        return
    old, person.number = person.number, (await take_person_numbers(act.session, 1))[0]
    person.user_id, person.updated_at = None, act.now
    await act.session.flush()
    await ledger.renumber(act, old, person.number)
    audit.record(act, "person.unlinked", person_id, {"has_account": True}, {"has_account": False})


async def delete_account(database: Database, user_id: UUID, name: str, now: datetime) -> None:
    """Delete an account: company by company, then the shared rows. Every step can be repeated."""
    unlinked: set[UUID] = set()
    while not await _delete_unless_linked(database, user_id, unlinked):
        async with database.shared(write=False) as session:
            links = await links_of(session, user_id)
        for link in links:
            async with database.company(link.company) as session:
                await unlink(Act(session, link.company, Actor(user_id, name), now), link.person_id)
            unlinked.add(link.person_id)


async def _delete_unless_linked(database: Database, user_id: UUID, unlinked: set[UUID]) -> bool:
    """Delete the user when every link is cut; an acceptance at this moment waits for the user's row, or is seen."""
    async with database.shared() as session:
        user = await session.scalar(select(User).where(User.id == user_id).with_for_update())
        if user is None:
            return True
        await _refuse_last_owner(session, user_id)
        if any(link.person_id not in unlinked for link in await links_of(session, user_id)):
            return False
        await session.delete(user)
        return True


async def _refuse_last_owner(session: AsyncSession, user_id: UUID) -> None:
    query = select(Membership.company_id).where(Membership.user_id == user_id, Membership.role == Role.OWNER)
    for company_id in sorted((await session.scalars(query)).all()):
        await identity_company.keep_an_owner(session, company_id)


def _expired() -> GoneError:
    return GoneError(
        "invitation_expired",
        Sentence(
            "Cette invitation a déjà servi ou n'est plus valable : demandez-en une nouvelle à la compagnie.",
            "This invitation was used already or is too old: ask the company for a new one.",
        ),
    )


def _linked_already() -> ConflictError:
    return ConflictError(
        "state_conflict",
        Sentence(
            "Cette personne, ou ce compte, est déjà rattachée dans cette compagnie.",
            "This person, or this account, is linked already in this company.",
        ),
    )
