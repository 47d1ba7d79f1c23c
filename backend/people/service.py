"""Acts on a company's directory. Deletes nobody whom an assignment or an account still needs."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from backend.audit.service import changes, record
from backend.core.errors import AppError, InvalidError, Sentence
from backend.core.ids import new_id
from backend.core.instants import local_day
from backend.core.pagination import Page, PageRequest, cut
from backend.core.preconditions import check_version
from backend.core.resources import sent
from backend.people import repository, requirements
from backend.people.domain.jobs import FIRST_TRADES
from backend.people.models import Job, JobRequirement, Person
from backend.people.repository import JobRow, PeopleFilter
from backend.people.requirements import NOTHING, Required
from backend.people.schemas import JobChange, JobIn, JobOut, PersonChange, PersonIn, PersonOut
from backend.tenancy.acting import Act
from backend.tenancy.numbers import take_person_numbers
from backend.tenancy.rows import apply_changes, duplicate, get_row, in_use, refusing, values_of

JOB_FIELDS = tuple(name for name in JobIn.model_fields if name not in requirements.FIELDS)
PERSON_FIELDS = tuple(PersonIn.model_fields)
FROM_THE_JOB = ("department", "annexe")


async def seed_jobs(session: AsyncSession) -> None:
    """Give a new company its first jobs, in one statement."""
    await repository.insert_jobs(session, FIRST_TRADES)


async def known_jobs(act: Act) -> dict[str, JobRow]:
    """Return every job of the company by its code."""
    return {row.code: JobRow(*row) for row in await repository.all_jobs(act.session)}


async def known_job_id(act: Act, code: str) -> UUID:
    """Return the id of a job that the company is known to have."""
    return (await act.session.scalars(select(Job.id).where(Job.code == code))).one()


async def list_jobs(act: Act, page: PageRequest) -> Page[JobOut]:
    """Return one page of jobs, by code."""
    rows, cursor = cut(await repository.list_jobs(act.session, page), page, lambda row: (row.code,))
    required = await requirements.read(act, JobRequirement.job, [row.code for row in rows])
    items = [_shown_job(row, required.get(row.code, NOTHING)) for row in rows]
    return Page[JobOut](items=items, next_cursor=cursor)


async def read_job(act: Act, job_id: UUID) -> JobOut:
    """Return one job. Raises NotFoundError."""
    job = await get_row(act, Job, job_id, _NO_JOB)
    return _shown_job(job, await requirements.read_one(act, JobRequirement.job, job.code))


async def create_job(act: Act, body: JobIn) -> JobOut:
    """Add a job. Raises ConflictError `duplicate` when its code is taken, InvalidError for an unknown skill."""
    required = await requirements.wanted(act, body.model_dump())
    job = Job(id=new_id(), **body.model_dump(exclude=set(requirements.FIELDS)))
    async with refusing(act.session, _job_refusals()):
        act.session.add(job)
    await requirements.replace(act, JobRequirement.job, job.code, NOTHING, required)
    record(act, "job.created", job.id, after=values_of(job, JOB_FIELDS) | required.values())
    return _shown_job(job, required)


async def change_job(act: Act, job_id: UUID, body: JobChange, expected: int) -> JobOut:
    """Change a job; a new code follows wherever it is named. Raises ConflictError, InvalidError, StaleError."""
    job = await get_row(act, Job, job_id, _NO_JOB)
    check_version(job.version, expected)
    had = await requirements.read_one(act, JobRequirement.job, job.code)
    required = await requirements.wanted(act, sent(body), had)
    before = values_of(job, JOB_FIELDS) | had.values()
    values = {name: value for name, value in sent(body).items() if name not in requirements.FIELDS}
    async with refusing(act.session, _job_refusals()):
        if not (changed := apply_changes(job, values)) and required != had:
            changed = True
            flag_modified(job, "label")  # the version grows with what the job asks for, too
    await requirements.replace(act, JobRequirement.job, job.code, had, required)
    if changed:
        record(act, "job.changed", job.id, *changes(before, values_of(job, JOB_FIELDS) | required.values()))
    return _shown_job(job, required)


async def delete_job(act: Act, job_id: UUID, expected: int) -> None:
    """Delete a job. Raises ConflictError `in_use` while a person, a position or an assignment names it."""
    job = await get_row(act, Job, job_id, _NO_JOB)
    check_version(job.version, expected)
    before = values_of(job, JOB_FIELDS) | (await requirements.read_one(act, JobRequirement.job, job.code)).values()
    async with refusing(act.session, {"fk_": in_use(_JOB_IN_USE)}):
        await act.session.delete(job)
    record(act, "job.deleted", job_id, before=before)


async def list_people(act: Act, wanted: PeopleFilter, page: PageRequest) -> Page[PersonOut]:
    """Return one page of people, by last name and first name."""
    found = await repository.list_people(act.session, wanted, page)
    rows, cursor = cut(found, page, lambda row: (row.last_name, row.first_name, row.id))
    return Page[PersonOut](items=[_shown_person(row) for row in rows], next_cursor=cursor)


async def names_of(act: Act, ids: Collection[UUID]) -> dict[str, str]:
    """Return how these people are called, by their ids as texts."""
    return {str(row.id): row.name for row in await repository.names(act.session, ids)}


async def phones_of(act: Act, ids: Collection[UUID]) -> dict[str, str]:
    """Return where these people are phoned, by their ids as texts; who has no number is not in it."""
    return {str(row.id): row.phone for row in await repository.phones(act.session, ids)}


async def read_person(act: Act, person_id: UUID) -> PersonOut:
    """Return one person. Raises NotFoundError."""
    return _shown_person(await get_row(act, Person, person_id, NO_PERSON))


async def create_person(act: Act, body: PersonIn) -> PersonOut:
    """Add a person. Raises InvalidError (unknown job, birth date to come), ConflictError `duplicate`."""
    values = await _checked(act, body.model_dump(), body.job)
    (number,) = await take_person_numbers(act.session, 1)
    person = Person(id=new_id(), number=number, created_at=act.now, updated_at=act.now, **values)
    async with refusing(act.session, _person_refusals()):
        act.session.add(person)
    record(act, "person.created", person.id, after=values_of(person, PERSON_FIELDS))
    return _shown_person(person)


async def change_person(act: Act, person_id: UUID, body: PersonChange, expected: int) -> PersonOut:
    """Change a person. Raises InvalidError, ConflictError `duplicate`, StaleError."""
    person = await get_row(act, Person, person_id, NO_PERSON)
    check_version(person.version, expected)
    before = values_of(person, PERSON_FIELDS)
    values = await _checked(act, sent(body), person.job)
    async with refusing(act.session, _person_refusals()):
        changed = apply_changes(person, values, updated_at=act.now)
    if changed:
        record(act, "person.changed", person.id, *changes(before, values_of(person, PERSON_FIELDS)))
    return _shown_person(person)


async def delete_person(act: Act, person_id: UUID, expected: int) -> None:
    """Delete a person. Raises ConflictError `in_use` while they have assignments, or an account linked here."""
    person = await get_row(act, Person, person_id, NO_PERSON)
    check_version(person.version, expected)
    if person.user_id is not None:
        raise in_use(_LINKED)
    before = values_of(person, PERSON_FIELDS)
    async with refusing(act.session, {"fk_": in_use(_PERSON_IN_USE)}):
        await act.session.delete(person)
    record(act, "person.deleted", person_id, before=before)


async def _checked(act: Act, values: Mapping[str, Any], job_code: str) -> dict[str, Any]:
    """Return the values with what comes from the job; one query, and none where no value depends on it."""
    _check_birth(act, values.get("birth_date"))
    blank = [name for name in FROM_THE_JOB if name in values and values[name] is None]
    if "job" not in values and not blank:
        return dict(values)
    job = await repository.find_job(act.session, values.get("job", job_code))
    if job is None:
        raise _unknown_job()
    return {**values, **{name: getattr(job, name) for name in blank}}


def _check_birth(act: Act, birth_date: date | None) -> None:
    if birth_date is not None and birth_date > local_day(act.now, ZoneInfo(act.company.timezone)):
        raise InvalidError.of(
            ["body", "birth_date"],
            "Cette date de naissance est dans l'avenir : corrigez-la.",
            "This birth date lies in the future: correct it.",
            "birth_date",
        )


def _shown_job(row: Any, required: Required) -> JobOut:  # noqa: ANN401 - a row or a job
    own = {name: getattr(row, name) for name in ("id", *JOB_FIELDS, "version")}
    return JobOut.model_validate(own | required.values())


def _shown_person(row: object) -> PersonOut:
    return PersonOut.model_validate(row, from_attributes=True)


def _job_refusals() -> dict[str, AppError]:
    return {"uq_job_code": duplicate("code", _SAME_CODE)}


def _person_refusals() -> dict[str, AppError]:
    return {
        "uq_person_email": duplicate("email", _SAME_EMAIL),
        "uq_person_ref": duplicate("ref", _SAME_REF),
        "fk_person_job": _unknown_job(),
    }


def _unknown_job() -> InvalidError:
    return InvalidError.of(
        ["body", "job"],
        "Ce métier n'existe pas dans votre compagnie : choisissez-en un dans la liste des métiers, ou créez-le.",
        "This job does not exist in your company: choose one of its jobs, or create it.",
        "unknown_job",
    )


_NO_JOB = Sentence("Ce métier n'existe pas (ou plus).", "This job does not exist (any more).")
NO_PERSON = Sentence("Cette personne n'est pas dans votre annuaire.", "This person is not in your directory.")
_SAME_CODE = Sentence(
    "Un autre métier a déjà ce code : choisissez-en un autre.", "Another job has this code: choose another one."
)
_SAME_EMAIL = Sentence(
    "Une autre personne de votre annuaire a déjà cette adresse e-mail : modifiez sa fiche, ou changez l'adresse.",
    "Another person of your directory has this e-mail address: change that person, or the address.",
)
_SAME_REF = Sentence(
    "Une autre personne de votre annuaire a déjà cette référence : choisissez-en une autre.",
    "Another person of your directory has this reference: choose another one.",
)
_JOB_IN_USE = Sentence(
    "Ce métier sert encore (personnes, besoins ou affectations) : donnez-leur un autre métier, puis supprimez-le.",
    "This job is still in use (people, positions or assignments): give them another job, then delete it.",
)
_PERSON_IN_USE = Sentence(
    "Cette personne a des affectations : supprimez d'abord les brouillons ; ce qui a été convenu est conservé.",
    "This person has assignments: delete the drafts first; what was agreed is kept.",
)
_LINKED = Sentence(
    "Cette personne a lié son compte à votre compagnie : retirez-la d'abord des membres.",
    "This person has linked an account to your company: remove them from its members first.",
)
