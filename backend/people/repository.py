"""Every query of the directory; lists select columns."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.ids import new_id
from backend.core.pagination import PageRequest
from backend.people.domain.jobs import Trade
from backend.people.models import Annexe, Job, Person
from backend.tenancy.rows import holds_words, keyset, sort_text

_JOB = (Job.id, Job.code, Job.label, Job.department, Job.annexe, Job.version)
_PERSON = (
    Person.id, Person.ref, Person.first_name, Person.last_name, Person.email, Person.phone, Person.job,
    Person.department, Person.annexe, Person.birth_date, Person.user_id, Person.created_at, Person.updated_at,
    Person.version,
)  # fmt: skip


class JobRow(NamedTuple):
    """What a person takes from their job."""

    code: str
    label: str
    department: str
    annexe: Annexe


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """Which people a list holds; None leaves the question open."""

    q: str | None = None
    job: str | None = None
    department: str | None = None
    annexe: Annexe | None = None


async def insert_jobs(session: AsyncSession, trades: Sequence[Trade]) -> None:
    """Insert all trades, in one statement."""
    rows = [
        {"id": new_id(), "code": t.code, "label": t.label, "department": t.department, "annexe": Annexe(t.annexe),
         "version": 1}
        for t in trades
    ]  # fmt: skip
    await session.execute(insert(Job).values(rows))


async def list_jobs(session: AsyncSession, page: PageRequest) -> Sequence[Row[Any]]:
    """Return one page of jobs and a row more, by code."""
    return (await session.execute(keyset(select(*_JOB), page, (Job.code,), (sort_text,)))).all()


async def all_jobs(session: AsyncSession) -> Sequence[Row[Any]]:
    """Return code, label, department and annexe of every job."""
    return (await session.execute(select(Job.code, Job.label, Job.department, Job.annexe).order_by(Job.code))).all()


async def find_job(session: AsyncSession, code: str) -> JobRow | None:
    """Return the job called `code`, or None."""
    query = select(Job.code, Job.label, Job.department, Job.annexe).where(Job.code == code)
    row = (await session.execute(query)).one_or_none()
    return None if row is None else JobRow(*row)


async def names(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Row[Any]]:
    """Return id and name of these people."""
    name = (Person.first_name + " " + Person.last_name).label("name")
    return (await session.execute(select(Person.id, name).where(Person.id.in_(ids)))).all()


async def phones(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Row[Any]]:
    """Return id and phone of these people, of those who have one."""
    return (
        await session.execute(select(Person.id, Person.phone).where(Person.id.in_(ids), Person.phone.is_not(None)))
    ).all()


async def list_people(session: AsyncSession, wanted: PeopleFilter, page: PageRequest) -> Sequence[Row[Any]]:
    """Return one page of people and a row more, by last name, first name and id."""
    query = select(*_PERSON)
    if wanted.q is not None:
        query = query.where(holds_words(wanted.q, Person.first_name, Person.last_name, Person.email))
    if wanted.job is not None:
        query = query.where(Person.job == wanted.job)
    if wanted.department is not None:
        query = query.where(Person.department == wanted.department)
    if wanted.annexe is not None:
        query = query.where(Person.annexe == wanted.annexe)
    order = (Person.last_name, Person.first_name, Person.id)
    return (await session.execute(keyset(query, page, order, (sort_text, sort_text, UUID)))).all()
