"""Inviting many people of a directory at once: one invitation each, and none where one waits or an account is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Row, select

from backend.core.settings import Settings
from backend.identity import company as identity_company
from backend.identity.models import Invitation, Role
from backend.identity.schemas import InvitationIn, InvitationOut, Language
from backend.people.models import Person
from backend.tenancy.acting import Act
from backend.tenancy.session import login_rights

MANY = 500  # people on one page


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
class Invited:
    """What came of inviting one person; `accept_url` is shown once, where an invitation was made."""

    name: str
    email: str | None
    outcome: Outcome
    accept_url: str | None = None


async def to_invite(act: Act) -> list[Candidate]:
    """Return who may be invited, by name, and who of them has an invitation that waits."""
    query = (
        select(Person.id, Person.first_name, Person.last_name, Person.email)
        .where(Person.user_id.is_(None), Person.email.is_not(None))
        .order_by(Person.last_name, Person.first_name, Person.id)
        .limit(MANY)
    )
    waiting = await _waiting(act)
    return [
        Candidate(row.id, f"{row.first_name} {row.last_name}", row.email, row.id in waiting)
        for row in await act.session.execute(query)
    ]


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


async def _waiting(act: Act) -> frozenset[UUID]:
    query = select(Invitation.person_id).where(
        Invitation.company_id == act.company.id,
        Invitation.accepted_at.is_(None),
        Invitation.expires_at > act.now,
    )
    async with login_rights(act.session):
        return frozenset(one for one in await act.session.scalars(query) if one is not None)


def _outcome(person: Row[tuple[UUID, str, str, str | None, UUID | None]], waiting: frozenset[UUID]) -> Outcome:
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
