"""Queries of the portal: pointers from `shared`, then one company at a time, always the same number of statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Uuid, bindparam, case, cast, func, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.models import PersonLink
from backend.people.models import Job, Person
from backend.planning.domain.states import Status
from backend.planning.ledger import IS_CONTESTED
from backend.planning.models import Assignment, Booking, Call, Publication
from backend.productions.models import Production, Venue
from backend.tenancy.directory import company_columns
from backend.tenancy.models import Company, CompanyInfo
from backend.tenancy.session import is_sqlite


@dataclass(frozen=True, slots=True)
class Link:
    """Who the caller is in one company."""

    company: CompanyInfo
    person_id: UUID


@dataclass(frozen=True, slots=True)
class Found:
    """One company's rows about one person, each with the production and the place of its published version."""

    company: CompanyInfo
    rows: Sequence[Any]


async def links_of(session: AsyncSession, user_id: UUID) -> list[Link]:
    """Return the companies that have linked a user, and who the user is there."""
    query = (
        company_columns()
        .add_columns(PersonLink.person_id)
        .join(PersonLink, PersonLink.company_id == Company.id)
        .where(PersonLink.user_id == user_id)
        .order_by(Company.number)
    )
    return [Link(CompanyInfo(*row[:-1]), row[-1]) for row in await session.execute(query)]


async def assignments_of(
    session: AsyncSession,
    link: Link,
    *,
    starts_before: datetime | None = None,
    ends_after: datetime | None = None,
    assignment_id: UUID | None = None,
) -> Found:
    """Return what one company has told one person: assignments on published and cancelled calls, no drafts."""
    narrowed = {"starts_before": starts_before, "ends_after": ends_after, "assignment_id": assignment_id}
    values = {name: value for name, value in narrowed.items() if value is not None}
    query = _assignments(frozenset(values), sqlite=is_sqlite(session))
    rows = await session.execute(query, {"company_id": link.company.id, "person_id": link.person_id, **values})
    return Found(link.company, rows.all())


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to phone, and as what."""

    name: str
    label: str
    phone: str


# Who manages the stage of a call; then whom the company names itself; then who is in the office. A company that names
# nobody and has renamed these trades has nobody to phone.
STAGE_MANAGEMENT = ("regisseur_general", "regisseur_plateau")
OFFICE = ("charge_de_production", "administrateur")


async def contacts_of(session: AsyncSession, link: Link, rows: Sequence[Any]) -> dict[UUID, Contact]:
    """Return whom to phone about each of these calls of a company, by the call; nobody is told to phone themselves."""
    if not rows:
        return {}
    calls = {row.call_id for row in rows}
    found = (await session.execute(_CONTACTS, {"calls": list(calls), "person_id": link.person_id})).all()
    office = contact_of(link.company) or next((_as_contact(row) for row in found if row.call_id is None), None)
    on_call = {row.call_id: _as_contact(row) for row in reversed(found) if row.call_id is not None}
    return {call: who for call in calls if (who := on_call.get(call, office)) is not None}


def contact_of(company: CompanyInfo) -> Contact | None:
    """Return whom a company names in its settings, in its own name where it names nobody."""
    if company.contact_phone is None:
        return None
    return Contact(company.contact_name or company.name, company.name, company.contact_phone)


def _as_contact(row: Row[Any]) -> Contact:
    return Contact(f"{row.first_name} {row.last_name}", row.label, row.phone)


# Columns of the tables, not of the entities: rows then pass SQLAlchemy's loading of entities by.
_ASSIGNMENT, _CALL, _JOB = Assignment.__table__, Call.__table__, Job.__table__
_PRODUCTION, _VENUE, _BOOKING = Production.__table__, Venue.__table__, Booking.__table__
_PERSON, _PUBLICATION = Person.__table__, Publication.__table__
_OF_ASSIGNMENT = ("id", "status", "rank", "expires_at", "message", "job", "version", "updated_at")
_OF_CALL = ("published", "published_version", "published_at", "published_starts_at", "published_ends_at")
_OF_VENUE = ("id", "name", "address", "postal_code", "city", "timezone")
_NARROWED: Mapping[str, ColumnElement[bool]] = {
    "starts_before": _CALL.c.published_starts_at < bindparam("starts_before"),
    "ends_after": _CALL.c.published_ends_at > bindparam("ends_after"),
    "assignment_id": _ASSIGNMENT.c.id == bindparam("assignment_id"),
}


@lru_cache(maxsize=16)
def _assignments(narrowed_by: frozenset[str], *, sqlite: bool) -> Select[Any]:
    """Compose the statement once per process: composing it for each company cost more than running it."""
    contested = select(_BOOKING.c.assignment_id).where(_BOOKING.c.company_id == bindparam("company_id"), IS_CONTESTED)
    return (
        select(
            *(_ASSIGNMENT.c[name] for name in _OF_ASSIGNMENT),
            *(_CALL.c[name] for name in _OF_CALL),
            *(_VENUE.c[name].label(f"venue_{name}") for name in _OF_VENUE),
            _CALL.c.id.label("call_id"),
            _JOB.c.label,
            _JOB.c.annexe,
            _PERSON.c.birth_date,
            _PRODUCTION.c.title.label("production_title"),
            _PRODUCTION.c.premiere_date,
            _ASSIGNMENT.c.id.in_(contested).label("contested"),
            _PUBLICATION.c.changes.label("told_changes"),
        )
        .join(_CALL, _CALL.c.id == _ASSIGNMENT.c.call_id)
        .join(_JOB, _JOB.c.code == _ASSIGNMENT.c.job)
        .join(_PERSON, _PERSON.c.id == _ASSIGNMENT.c.person_id)
        .outerjoin(_PRODUCTION, _PRODUCTION.c.id == _told("production_id", sqlite=sqlite))
        # What the last publication changed for somebody who was there before it.
        .outerjoin(
            _PUBLICATION,
            (_PUBLICATION.c.call_id == _CALL.c.id)
            & (_PUBLICATION.c.version == _CALL.c.published_version)
            & (_PUBLICATION.c.published_at > _ASSIGNMENT.c.created_at),
        )
        .outerjoin(_VENUE, _VENUE.c.id == _told("venue_id", sqlite=sqlite))
        .where(
            _ASSIGNMENT.c.person_id == bindparam("person_id"),
            _ASSIGNMENT.c.status != Status.DRAFT,
            _CALL.c.published_version > 0,
            *(_NARROWED[name] for name in sorted(narrowed_by)),
        )
        .order_by(_CALL.c.published_starts_at, _ASSIGNMENT.c.id)
    )


def _told(name: str, *, sqlite: bool) -> ColumnElement[Any]:
    """Return an id that the published version names, as the engine stores ids (SQLite: 32 digits, no hyphens)."""
    found: ColumnElement[Any] = _CALL.c.published[name].as_string()
    return func.replace(found, "-", "") if sqlite else cast(found, Uuid)


def _contacts() -> Any:  # noqa: ANN401 - a statement of two halves
    """Compose whom to phone: the stage management confirmed on a call, and the office; the best comes first."""
    who = (_PERSON.c.first_name, _PERSON.c.last_name, _PERSON.c.phone, _JOB.c.label)
    callable_ = (_PERSON.c.phone.is_not(None), _PERSON.c.id != bindparam("person_id"))
    on_call = (
        select(_ASSIGNMENT.c.call_id, *who, _order(_ASSIGNMENT.c.job, STAGE_MANAGEMENT).label("rank"))
        .join(_PERSON, _PERSON.c.id == _ASSIGNMENT.c.person_id)
        .join(_JOB, _JOB.c.code == _ASSIGNMENT.c.job)
        .where(
            _ASSIGNMENT.c.call_id.in_(bindparam("calls", expanding=True)),
            _ASSIGNMENT.c.status == Status.CONFIRMED,
            _ASSIGNMENT.c.job.in_(STAGE_MANAGEMENT),
            *callable_,
        )
    )
    office = (
        select(cast(null(), Uuid).label("call_id"), *who, _order(_PERSON.c.job, OFFICE).label("rank"))
        .join(_JOB, _JOB.c.code == _PERSON.c.job)
        .where(_PERSON.c.job.in_(OFFICE), *callable_)
    )
    both = union_all(on_call, office).subquery()
    return select(both).order_by(both.c.rank, both.c.last_name, both.c.first_name)


def _order(job: ColumnElement[Any], codes: Sequence[str]) -> ColumnElement[Any]:
    return case({code: rank for rank, code in enumerate(codes)}, value=job)


_CONTACTS = _contacts()
