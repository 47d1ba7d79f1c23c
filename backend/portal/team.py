"""Inviting many people of a directory at once: one invitation each, and none where one waits or an account is there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Row, func, select

from backend.core.errors import NotFoundError, Sentence
from backend.core.pagination import PageRequest, cut
from backend.core.settings import Settings
from backend.identity import company as identity_company
from backend.identity.models import Invitation, Role
from backend.identity.schemas import InvitationIn, InvitationOut, Language
from backend.people.models import Person
from backend.tenancy.acting import Act
from backend.tenancy.rows import keyset, sort_text
from backend.tenancy.session import login_rights

GONE = Sentence("Cette invitation n'attend plus.", "This invitation does not wait any more.")


class Outcome(StrEnum):
    """What came of inviting somebody."""

    SENT = "sent"
    WAITING = "waiting"
    LINKED = "linked"
    NO_ADDRESS = "no_address"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody of the directory without an account, whom a mail reaches."""

    id: UUID
    name: str
    email: str
    is_waiting: bool


@dataclass(frozen=True, slots=True)
class Reachable:
    """A page of whom a mail reaches and who has no account; `total` counts them all."""

    people: Sequence[Candidate]
    next_cursor: str | None
    total: int


@dataclass(frozen=True, slots=True)
class Invited:
    """What came of inviting one person; `accept_url` is shown once, where an invitation was made."""

    name: str
    email: str | None
    outcome: Outcome
    accept_url: str | None = None


async def to_invite(act: Act, page: PageRequest) -> Reachable:
    """Return a page of who may be invited, by name, with who of them has an invitation that waits, and how many."""
    may = (Person.user_id.is_(None), Person.email.is_not(None))
    query = select(Person.id, Person.first_name, Person.last_name, Person.email).where(*may)
    order = (Person.last_name, Person.first_name, Person.id)
    found = (await act.session.execute(keyset(query, page, order, (sort_text, sort_text, UUID)))).all()
    rows, cursor = cut(found, page, lambda row: (row.last_name, row.first_name, row.id))
    total = await act.session.scalar(select(func.count()).select_from(Person).where(*may)) or 0
    waiting = await _waiting(act)
    people = [Candidate(row.id, f"{row.first_name} {row.last_name}", row.email, row.id in waiting) for row in rows]
    return Reachable(people, cursor, total)


async def waiting_since(act: Act) -> dict[UUID, datetime]:
    """Return when the people of a directory whose invitation waits were invited last."""
    return dict(await _waiting(act))


async def names_of(act: Act, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of these people of the directory."""
    if not ids:
        return {}
    query = select(Person.id, Person.first_name, Person.last_name).where(Person.id.in_(ids))
    return {row.id: f"{row.first_name} {row.last_name}" for row in await act.session.execute(query)}


async def invite_again(act: Act, invitation_id: UUID, language: Language, settings: Settings) -> InvitationOut:
    """Replace an invitation that waits by another of the same: its links end, and new ones go out for as many days."""
    found = {one.id: one for one in await identity_company.list_invitations(act)}.get(invitation_id)
    await identity_company.withdraw_invitation(act, invitation_id)
    if found is None:
        raise NotFoundError("not_found", GONE)
    body = InvitationIn(email=found.email, role=found.role, person_id=found.person_id, language=language)
    return await identity_company.invite(act, body, settings)


async def invite(act: Act, ids: Sequence[UUID], language: Language, settings: Settings) -> list[Invited]:
    """Invite these people as intermittents, and say what came of each; who is unknown here is left out.

    Once more changes nothing: who has an account or an invitation that waits gets none. The rows are locked meanwhile,
    so that of two presses at once the second finds what the first did.
    """
    query = select(Person.id, Person.first_name, Person.last_name, Person.email, Person.user_id)
    chosen = query.where(Person.id.in_(ids)).order_by(Person.last_name, Person.first_name, Person.id).with_for_update()
    people = (await act.session.execute(chosen)).all()
    waiting = await _waiting(act)
    outcomes = {person.id: _outcome(person, waiting) for person in people}
    bodies = [
        InvitationIn(email=person.email, role=Role.INTERMITTENT, person_id=person.id, language=language)
        for person in people
        if outcomes[person.id] is Outcome.SENT
    ]
    made = {one.person_id: one for one in await identity_company.invite_many(act, bodies, settings)} if bodies else {}
    return [_result(person, outcomes[person.id], made) for person in people]


async def _waiting(act: Act) -> dict[UUID, datetime]:
    query = (
        select(Invitation.person_id, func.max(Invitation.created_at))
        .where(
            Invitation.company_id == act.company.id,
            Invitation.person_id.is_not(None),
            Invitation.accepted_at.is_(None),
            Invitation.expires_at > act.now,
        )
        .group_by(Invitation.person_id)
    )
    async with login_rights(act.session):
        return {row[0]: row[1] for row in await act.session.execute(query)}


def _outcome(person: Row[tuple[UUID, str, str, str | None, UUID | None]], waiting: Collection[UUID]) -> Outcome:
    if person.user_id is not None:
        return Outcome.LINKED
    if person.email is None:
        return Outcome.NO_ADDRESS
    return Outcome.WAITING if person.id in waiting else Outcome.SENT


def _result(
    person: Row[tuple[UUID, str, str, str | None, UUID | None]],
    outcome: Outcome,
    made: Mapping[UUID | None, InvitationOut],
) -> Invited:
    url = made[person.id].accept_url if person.id in made else None
    return Invited(f"{person.first_name} {person.last_name}", person.email, outcome, url)
