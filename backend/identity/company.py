"""The company itself, its members and its invitations: shared rows, changed by the company's own members."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit import service as audit
from backend.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, Sentence
from backend.core.ids import hash_secret, new_id, new_secret
from backend.core.preconditions import check_version
from backend.core.settings import Settings
from backend.identity.models import Invitation, Membership, Role, User
from backend.identity.schemas import CompanyPatch, InvitationIn, InvitationOut, MemberOut
from backend.outbox.mail import Mail, MailKind
from backend.rules.wording import date_of
from backend.tenancy import limits
from backend.tenancy.acting import Act
from backend.tenancy.announcing import announce
from backend.tenancy.models import Company
from backend.tenancy.session import hand_over, login_rights

HOUR = timedelta(hours=1)
ROLE_NAMES: dict[str, dict[Role, str]] = {
    "fr": {
        Role.OWNER: "propriétaire", Role.ADMIN: "administration", Role.PLANNER: "planification",
        Role.PAYROLL: "paie", Role.VIEWER: "lecture", Role.INTERMITTENT: "intermittent·e",
    },
    "en": {
        Role.OWNER: "owner", Role.ADMIN: "administrator", Role.PLANNER: "planner", Role.PAYROLL: "payroll",
        Role.VIEWER: "viewer", Role.INTERMITTENT: "freelancer",
    },
}  # fmt: skip
_HIGH = frozenset({Role.OWNER, Role.ADMIN})


async def read_company(act: Act) -> Company:
    """Return the company of the act."""
    async with login_rights(act.session):
        return (await act.session.scalars(select(Company).where(Company.id == act.company.id))).one()


async def change_company(act: Act, body: CompanyPatch, expected: int) -> Company:
    """Change the company's own description."""
    values = body.model_dump(exclude_unset=True, mode="json")
    for required in ("name", "timezone", "licences"):
        if required in values and values[required] is None:
            raise InvalidError.of(["body", required], "Cette valeur est obligatoire.", "This value is required.")
    async with login_rights(act.session):
        company = (await act.session.scalars(select(Company).where(Company.id == act.company.id))).one()
        check_version(company.version, expected)
        before = {name: getattr(company, name) for name in values}
        for name, value in values.items():
            setattr(company, name, value)
        await act.session.flush()
        await announce(act.session, company.slug)
    audit.record(act, "company.changed", company.id, *audit.changes(before, values))
    return company


async def list_members(act: Act) -> list[MemberOut]:
    """Return the members, by name."""
    async with login_rights(act.session):
        rows = await act.session.execute(
            select(Membership.id, User.id, User.email, User.full_name, Membership.role, Membership.created_at,
                   Membership.version)
            .join(User, User.id == Membership.user_id)
            .where(Membership.company_id == act.company.id)
            .order_by(User.full_name, Membership.id)
        )  # fmt: skip
        return [_member(row) for row in rows]


def _member(row: Sequence[Any]) -> MemberOut:
    names = ("id", "user_id", "email", "full_name", "role", "created_at", "version")
    return MemberOut(**dict(zip(names, row, strict=True)))


async def change_role(act: Act, member_id: UUID, role: Role, expected: int) -> MemberOut:
    """Give a member another role; only owners make or unmake owners, and one owner always stays."""
    async with login_rights(act.session):
        member, user = await _member_row(act, member_id)
        check_version(member.version, expected)
        before = member.role
        _only_owners_touch_owners(act, before, role)
        if before is Role.OWNER and role is not Role.OWNER:
            await keep_an_owner(act.session, act.company.id)
        member.role = role
        if before in _HIGH and role not in _HIGH:
            await _withdraw_invitations_of(act, member.user_id)
        await act.session.flush()
    audit.record(act, "member.changed", member.id, {"role": before}, {"role": role})
    return _member((member.id, user.id, user.email, user.full_name, role, member.created_at, member.version))


async def remove_member(act: Act, member_id: UUID, expected: int) -> UUID:
    """End a membership, and return whose: an admin's act, or one's own leaving. The last owner cannot leave (409).

    What this person had invited and nobody has accepted yet ends too: an invitation lasts no longer than its inviter.
    """
    async with login_rights(act.session):
        member, _ = await _member_row(act, member_id)
        check_version(member.version, expected)
        if member.user_id != act.actor.user_id:
            if act.actor.role not in _HIGH:
                raise _not_allowed()
            _only_owners_touch_owners(act, member.role)
        if member.role is Role.OWNER:
            await keep_an_owner(act.session, act.company.id)
        user_id = member.user_id
        await _withdraw_invitations_of(act, user_id)
        await act.session.delete(member)
        await act.session.flush()
    audit.record(act, "member.removed", member_id, {"role": member.role}, None)
    return user_id


async def _withdraw_invitations_of(act: Act, user_id: UUID) -> None:
    waiting = (Invitation.company_id == act.company.id, Invitation.accepted_at.is_(None))
    await act.session.execute(delete(Invitation).where(*waiting, Invitation.inviter_id == user_id))


async def keep_an_owner(session: AsyncSession, company_id: UUID) -> None:
    """Refuse (409) when this would leave the company without an owner; the owners' rows stay locked meanwhile."""
    owners = select(Membership.id).where(Membership.company_id == company_id, Membership.role == Role.OWNER)
    # In one order, so that two owners who leave at once wait for each other instead of deadlocking.
    if len((await session.scalars(owners.order_by(Membership.id).with_for_update())).all()) <= 1:
        raise ConflictError(
            "last_owner",
            Sentence(
                "Une compagnie garde au moins une personne propriétaire : nommez-en une autre d'abord.",
                "A company keeps at least one owner: make somebody else an owner first.",
            ),
        )


async def invite(act: Act, body: InvitationIn, settings: Settings) -> InvitationOut:
    """Store an invitation, mail one token of it, and return the other in `accept_url`."""
    (made,) = await invite_many(act, [body], settings)
    return made


async def invite_many(act: Act, bodies: Sequence[InvitationIn], settings: Settings) -> list[InvitationOut]:
    """Store these invitations, all or none, each as `invite`; the hour's limit counts each of them."""
    for body in bodies:
        if body.role in _HIGH:
            _only_owners_touch_owners(act, body.role)
    tokens = [(new_secret(), new_secret()) for _ in bodies]
    expires_at = act.now + timedelta(days=settings.invitation_days)
    made = [_invitation(act, body, *own, expires_at) for body, own in zip(bodies, tokens, strict=True)]
    async with login_rights(act.session):
        sent = await limits.count(act.session, "invitations", str(act.company.id), HOUR, act.now, by=len(made))
        if sent > settings.limit_invitations_per_hour:
            raise limits.too_many(HOUR, act.now)
        act.session.add_all(made)
        await act.session.flush()
    last_day = date_of(expires_at.astimezone(ZoneInfo(act.company.timezone)))
    for body, invitation, (_, mailed) in zip(bodies, made, tokens, strict=True):
        audit.record(act, "invitation.created", invitation.id, None, {"email": body.email, "role": body.role})
        context = {
            "company": act.company.name, "inviter": act.actor.name, "role": ROLE_NAMES[body.language][body.role],
            "accept_url": accept_url(settings, mailed), "expires_at": last_day.in_language(body.language),
        }  # fmt: skip
        hand_over(act.session, Mail(MailKind.INVITATION, body.email, body.language, context))
    return [_shown(one, accept_url(settings, token)) for one, (token, _) in zip(made, tokens, strict=True)]


def _invitation(act: Act, body: InvitationIn, token: str, mailed: str, expires_at: datetime) -> Invitation:
    return Invitation(
        id=new_id(), company_id=act.company.id, email=body.email, role=body.role, person_id=body.person_id,
        token_hash=hash_secret(token), mailed_token_hash=hash_secret(mailed), inviter_id=act.actor.user_id,
        inviter_name=act.actor.name, created_at=act.now, expires_at=expires_at,
    )  # fmt: skip


def accept_url(settings: Settings, token: str) -> str:
    """Return the link of an invitation."""
    return f"{settings.public_url}/invitation?token={token}"


async def list_invitations(act: Act) -> list[InvitationOut]:
    """Return the invitations that still wait for an answer, newest first."""
    query = (
        select(Invitation)
        .where(Invitation.company_id == act.company.id, Invitation.accepted_at.is_(None))
        .where(Invitation.expires_at > act.now)
        .order_by(Invitation.created_at.desc(), Invitation.id)
        .limit(500)
    )
    async with login_rights(act.session):
        return [_shown(invitation, None) for invitation in await act.session.scalars(query)]


async def withdraw_invitation(act: Act, invitation_id: UUID) -> None:
    """Delete an invitation: both its tokens are worth nothing from now on."""
    statement = delete(Invitation).where(
        Invitation.id == invitation_id, Invitation.company_id == act.company.id, Invitation.accepted_at.is_(None)
    )
    async with login_rights(act.session):
        found = await act.session.scalar(statement.returning(Invitation.email))
    if found is None:
        raise NotFoundError("not_found", Sentence("Cette invitation n'existe pas.", "This invitation does not exist."))
    audit.record(act, "invitation.withdrawn", invitation_id, {"email": found}, None)


def _shown(invitation: Invitation, url: str | None) -> InvitationOut:
    return InvitationOut(
        id=invitation.id, email=invitation.email, role=invitation.role, person_id=invitation.person_id,
        inviter_name=invitation.inviter_name, created_at=invitation.created_at, expires_at=invitation.expires_at,
        accepted_at=invitation.accepted_at, accept_url=url,
    )  # fmt: skip


async def _member_row(act: Act, member_id: UUID) -> tuple[Membership, User]:
    query = select(Membership, User).join(User, User.id == Membership.user_id)
    found = await act.session.execute(query.where(Membership.id == member_id, Membership.company_id == act.company.id))
    row = found.one_or_none()
    if row is None:
        raise NotFoundError("not_found", Sentence("Ce membre n'existe pas.", "This member does not exist."))
    return row[0], row[1]


def _only_owners_touch_owners(act: Act, *roles: Role) -> None:
    if Role.OWNER in roles and act.actor.role != Role.OWNER:
        raise _not_allowed()


def _not_allowed() -> ForbiddenError:
    return ForbiddenError(
        "not_allowed",
        Sentence(
            "Seule une personne propriétaire ou administratrice peut le faire.",
            "Only an owner, or an administrator where that suffices, may do this.",
        ),
    )
