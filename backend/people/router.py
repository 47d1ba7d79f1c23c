"""Routes of the directory: `/jobs` and `/people`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from backend.core.pagination import Page, PageRequest, page_request
from backend.core.preconditions import ExpectedVersion
from backend.core.resources import show, show_created
from backend.core.schemas import Line
from backend.identity.access import AsExporter, AsPlanner, AsReader
from backend.people import service
from backend.people.models import Annexe
from backend.people.repository import PeopleFilter
from backend.people.schemas import JobChange, JobCode, JobIn, JobOut, PersonChange, PersonIn, PersonOut
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute, tags=["people"])
PageOf = Annotated[PageRequest, Depends(page_request)]


@router.get("/jobs", summary="List the jobs")
async def list_jobs(act: AsReader, page: PageOf) -> Page[JobOut]:
    """By code. A new company begins with nineteen jobs of the stage; it may change them all."""
    return await service.list_jobs(act, page)


@router.post("/jobs", status_code=201, summary="Add a job")
async def create_job(act: AsPlanner, body: JobIn, request: Request, response: Response) -> JobOut:
    """409 `duplicate` when the code is taken."""
    job = await service.create_job(act, body)
    show_created(request, response, job.id, job.version)
    return job


@router.get("/jobs/{job_id}", summary="Read a job")
async def read_job(act: AsReader, job_id: UUID, response: Response) -> JobOut:
    """With its `ETag`."""
    job = await service.read_job(act, job_id)
    show(response, job.version)
    return job


@router.patch("/jobs/{job_id}", summary="Change a job")
async def change_job(
    act: AsPlanner, job_id: UUID, body: JobChange, expected: ExpectedVersion, response: Response
) -> JobOut:
    """Only the fields sent change. A new `code` follows to every person, position and assignment that names it."""
    job = await service.change_job(act, job_id, body, expected)
    show(response, job.version)
    return job


@router.delete("/jobs/{job_id}", status_code=204, summary="Delete a job")
async def delete_job(act: AsPlanner, job_id: UUID, expected: ExpectedVersion) -> None:
    """409 `in_use` while a person, a position or an assignment names it."""
    await service.delete_job(act, job_id, expected)


def _wanted(
    q: Annotated[Line | None, Query(description="Words of the name or of the e-mail.", examples=["renard"])] = None,
    job: Annotated[JobCode | None, Query()] = None,
    department: Annotated[Line | None, Query(examples=["lighting"])] = None,
    annexe: Annotated[Annexe | None, Query(examples=["8"])] = None,
) -> PeopleFilter:
    return PeopleFilter(q, job, department, annexe)


@router.get("/people", summary="List the people")
async def list_people(
    act: AsExporter, wanted: Annotated[PeopleFilter, Depends(_wanted)], page: PageOf
) -> Page[PersonOut]:
    """By last name, first name. `q` finds each of its words in the names or the e-mail, in either case."""
    return await service.list_people(act, wanted, page)


@router.post("/people", status_code=201, summary="Add a person")
async def create_person(act: AsPlanner, body: PersonIn, request: Request, response: Response) -> PersonOut:
    """Nobody needs an account. 409 `duplicate` when the e-mail or the ref is another person's: `field` says which."""
    person = await service.create_person(act, body)
    show_created(request, response, person.id, person.version)
    return person


@router.get("/people/{person_id}", summary="Read a person")
async def read_person(act: AsExporter, person_id: UUID, response: Response) -> PersonOut:
    """With its `ETag`."""
    person = await service.read_person(act, person_id)
    show(response, person.version)
    return person


@router.patch("/people/{person_id}", summary="Change a person")
async def change_person(
    act: AsPlanner, person_id: UUID, body: PersonChange, expected: ExpectedVersion, response: Response
) -> PersonOut:
    """Only the fields sent change; null clears, and puts `department` and `annexe` back to the job's."""
    person = await service.change_person(act, person_id, body, expected)
    show(response, person.version)
    return person


@router.delete("/people/{person_id}", status_code=204, summary="Delete a person")
async def delete_person(act: AsPlanner, person_id: UUID, expected: ExpectedVersion) -> None:
    """409 `in_use` while the person has assignments, or has linked an account to this company."""
    await service.delete_person(act, person_id, expected)
