"""Routes of skills and permits: `/skills`, `/people/{id}/skills`, `/people/{id}/permits`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from backend.core.pagination import Page, PageRequest, page_request
from backend.core.preconditions import ExpectedVersion
from backend.core.resources import show, show_created
from backend.identity.access import AsExporter, AsPlanner, AsReader
from backend.people import permits, skills
from backend.people.schemas import (
    PermitChange,
    PermitIn,
    PermitOut,
    PersonSkills,
    SkillChange,
    SkillIn,
    SkillOut,
)
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute, tags=["people"])
PageOf = Annotated[PageRequest, Depends(page_request)]


@router.get("/skills", summary="List the skills")
async def list_skills(act: AsReader, page: PageOf) -> Page[SkillOut]:
    """By code. A new company begins with none: they are its own words for what it asks of people."""
    return await skills.list_skills(act, page)


@router.post("/skills", status_code=201, summary="Add a skill")
async def create_skill(act: AsPlanner, body: SkillIn, request: Request, response: Response) -> SkillOut:
    """409 `duplicate` when the code is taken."""
    skill = await skills.create_skill(act, body)
    show_created(request, response, skill.id, skill.version)
    return skill


@router.get("/skills/{skill_id}", summary="Read a skill")
async def read_skill(act: AsReader, skill_id: UUID, response: Response) -> SkillOut:
    """With its `ETag`."""
    skill = await skills.read_skill(act, skill_id)
    show(response, skill.version)
    return skill


@router.patch("/skills/{skill_id}", summary="Change a skill")
async def change_skill(
    act: AsPlanner, skill_id: UUID, body: SkillChange, expected: ExpectedVersion, response: Response
) -> SkillOut:
    """Only the fields sent change. A new `code` follows to every person, job and position that names it."""
    skill = await skills.change_skill(act, skill_id, body, expected)
    show(response, skill.version)
    return skill


@router.delete("/skills/{skill_id}", status_code=204, summary="Delete a skill")
async def delete_skill(act: AsPlanner, skill_id: UUID, expected: ExpectedVersion) -> None:
    """409 `in_use` while a person has it, or a job or a position asks for it."""
    await skills.delete_skill(act, skill_id, expected)


@router.get("/people/{person_id}/skills", summary="Read the skills of a person")
async def read_person_skills(act: AsExporter, person_id: UUID) -> PersonSkills:
    """By their codes."""
    return await skills.read_person_skills(act, person_id)


@router.put("/people/{person_id}/skills", summary="Say which skills a person has")
async def set_person_skills(act: AsPlanner, person_id: UUID, body: PersonSkills) -> PersonSkills:
    """All of them: what is left out, the person has no more."""
    return await skills.set_person_skills(act, person_id, body)


@router.get("/people/{person_id}/permits", summary="List the permits of a person")
async def list_permits(act: AsExporter, person_id: UUID, page: PageOf) -> Page[PermitOut]:
    """In the order in which they were recorded, expired ones too."""
    return await permits.list_permits(act, person_id, page)


@router.post("/people/{person_id}/permits", status_code=201, summary="Record a permit of a person")
async def create_permit(
    act: AsPlanner, person_id: UUID, body: PermitIn, request: Request, response: Response
) -> PermitOut:
    """A renewed permit is another one: the days of both count. Nothing about the person's health is taken."""
    permit = await permits.create_permit(act, person_id, body)
    show_created(request, response, permit.id, permit.version)
    return permit


@router.get("/people/{person_id}/permits/{permit_id}", summary="Read a permit of a person")
async def read_permit(act: AsExporter, person_id: UUID, permit_id: UUID, response: Response) -> PermitOut:
    """With its `ETag`."""
    permit = await permits.read_permit(act, person_id, permit_id)
    show(response, permit.version)
    return permit


@router.patch("/people/{person_id}/permits/{permit_id}", summary="Change a permit of a person")
async def change_permit(
    act: AsPlanner, person_id: UUID, permit_id: UUID, body: PermitChange, expected: ExpectedVersion, response: Response
) -> PermitOut:
    """Only the fields sent change; null clears the issuer, and the expiry of a permit that holds for good."""
    permit = await permits.change_permit(act, person_id, permit_id, body, expected)
    show(response, permit.version)
    return permit


@router.delete("/people/{person_id}/permits/{permit_id}", status_code=204, summary="Delete a permit of a person")
async def delete_permit(act: AsPlanner, person_id: UUID, permit_id: UUID, expected: ExpectedVersion) -> None:
    """What asked for it is found again."""
    await permits.delete_permit(act, person_id, permit_id, expected)
