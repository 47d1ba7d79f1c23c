"""The people of a company: the list with its search, one person with skills, permits and account, and their forms."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response

from backend.core.instants import local_day
from backend.core.pagination import MAXIMUM_LIMIT, PageRequest, page_request
from backend.identity import company as of_company
from backend.identity.access import ADMINS, PLANNERS
from backend.identity.models import Role
from backend.identity.schemas import InvitationIn
from backend.people import permits, service, skills
from backend.people.repository import PeopleFilter
from backend.people.schemas import PermitIn, PersonChange, PersonIn, PersonOut, PersonSkills, SkillIn
from backend.portal import invitations, team
from backend.tenancy import idempotency
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import AnswerRoute
from backend.web import forms, naming
from backend.web.forms import NOTHING_WRONG, Refused
from backend.web.rendering import render, words_of
from backend.web.sessions import AsAdmin, AsExporter, AsPlanner, opened, see

router = APIRouter(
    prefix="/c/{slug}/people", include_in_schema=False, dependencies=[Depends(opened)], route_class=AnswerRoute
)
OF_A_PERSON = tuple(PersonIn.model_fields)
OF_A_PERMIT = tuple(PermitIn.model_fields)
ALL = PageRequest(MAXIMUM_LIMIT, None)
Page = Annotated[PageRequest, Depends(page_request)]
Sought = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class Filled:
    """What the forms of a person's page hold: their own, the permit's, and why one of them was refused."""

    typed: dict[str, str] | None = None
    refusal: Refused = NOTHING_WRONG
    permit: dict[str, str] | None = None
    permit_refusal: Refused = NOTHING_WRONG
    other: Refused = NOTHING_WRONG
    link: str = ""


AS_STORED = Filled()


@router.get("")
async def list_people(
    request: Request, act: AsExporter, page: Page, q: Sought = "", department: Sought = "", job: Sought = ""
) -> Response:  # fmt: skip
    """List the people by name, those who are sought for."""
    wanted = PeopleFilter(forms.sought(q), forms.sought(job), forms.sought(department))
    found = await service.list_people(act, wanted, page)
    jobs = await service.known_jobs(act)
    return render(
        request, "people.html", act=act, people=found.items, next_cursor=found.next_cursor, q=q, department=department,
        job=job, is_sought=bool(q.strip() or department or job), is_continued=page.after is not None,
        jobs={code: row.label for code, row in jobs.items()},
        invited=await team.waiting_since(act) if act.actor.role in PLANNERS else {},
        departments=_departments({row.department for row in jobs.values()} | {department} - {""}, request),
    )  # fmt: skip


@router.get("/new")
async def show_new_person(request: Request, act: AsPlanner) -> Response:
    """Ask who it is."""
    return await _new(request, act, dict.fromkeys(OF_A_PERSON, ""), NOTHING_WRONG)


@router.post("")
async def create_person(request: Request, act: AsPlanner) -> Response:
    """Add a person."""
    typed = forms.typed_in(request, OF_A_PERSON)

    async def again(refusal: Refused) -> Response:
        return await _new(request, act, typed, refusal)

    async with forms.trying(act, again, OF_A_PERSON):
        person = await service.create_person(act, forms.read(PersonIn, typed))
    return see(_path(act, person.id))


@router.get("/{person_id}")
async def show_person(request: Request, act: AsExporter, person_id: UUID) -> Response:
    """Show a person: what is known of them, their skills and permits, and whether they have an account."""
    return await _person(request, act, person_id)


@router.post("/{person_id}")
async def change_person(request: Request, act: AsPlanner, person_id: UUID) -> Response:
    """Change a person."""
    typed = forms.typed_in(request, OF_A_PERSON)

    async def again(refusal: Refused) -> Response:
        return await _person(request, act, person_id, Filled(typed, refusal))

    async with forms.trying(act, again, OF_A_PERSON):
        body = forms.read(PersonChange, typed)
        await service.change_person(act, person_id, body, forms.expected_version(request))
    return see(_path(act, person_id))


@router.post("/{person_id}/delete")
async def delete_person(request: Request, act: AsPlanner, person_id: UUID) -> Response:
    """Delete a person, where nothing needs them any more."""

    async def again(refusal: Refused) -> Response:
        return await _person(request, act, person_id, Filled(other=refusal))

    async with forms.trying(act, again):
        await service.delete_person(act, person_id, forms.expected_version(request))
    return see(f"/c/{act.company.slug}/people")


@router.post("/{person_id}/skills")
async def set_skills(request: Request, act: AsPlanner, person_id: UUID) -> Response:
    """Say which skills a person has; one that the company did not know yet is added to its list by its name."""

    async def again(refusal: Refused) -> Response:
        return await _person(request, act, person_id, Filled(other=refusal))

    async with forms.trying(act, again):
        codes = forms.all_typed(request, "skills")
        label = forms.typed_in(request, ("new_skill",))["new_skill"].strip()
        if label:
            skill = await skills.create_skill(act, forms.read(SkillIn, {"code": naming.code_of(label), "label": label}))
            codes.append(skill.code)
        await skills.set_person_skills(act, person_id, forms.read(PersonSkills, {"skills": codes}))
    return see(f"{_path(act, person_id)}#skills")


@router.post("/{person_id}/permits")
async def record_permit(request: Request, act: AsPlanner, person_id: UUID) -> Response:
    """Record a permit of a person."""
    typed = forms.typed_in(request, OF_A_PERMIT)

    async def again(refusal: Refused) -> Response:
        return await _person(request, act, person_id, Filled(permit=typed, permit_refusal=refusal))

    async with forms.trying(act, again, OF_A_PERMIT):
        await permits.create_permit(act, person_id, forms.read(PermitIn, typed))
    return see(f"{_path(act, person_id)}#permits")


@router.post("/{person_id}/permits/{permit_id}/delete")
async def delete_permit(request: Request, act: AsPlanner, person_id: UUID, permit_id: UUID) -> Response:
    """Delete a permit of a person."""

    async def again(refusal: Refused) -> Response:
        return await _person(request, act, person_id, Filled(other=refusal))

    async with forms.trying(act, again):
        await permits.delete_permit(act, person_id, permit_id, forms.expected_version(request))
    return see(f"{_path(act, person_id)}#permits")


@router.post("/{person_id}/invite")
async def invite(request: Request, act: AsAdmin, person_id: UUID) -> Response:
    """Invite a person to tie their account to the directory, and show the link once, to be handed over."""
    person = await service.read_person(act, person_id)

    async def again(refusal: Refused) -> Response:
        return await _person(request, act, person_id, Filled(other=refusal))

    async with forms.trying(act, again, ("email",)):
        values = {"email": person.email or "", "role": Role.INTERMITTENT, "person_id": person_id}
        body = forms.read(InvitationIn, {**values, "language": request.state.language})
        made = await invitations.invite(act, body, request.app.state.settings)
    # What is kept for a second press must not hold the link.
    await idempotency.keep_answer(request, see(_path(act, person_id)))
    return await _person(request, act, person_id, Filled(link=made.accept_url or ""))


async def _new(request: Request, act: Act, typed: dict[str, str], refusal: Refused) -> Response:
    language = request.state.language
    return render(
        request, "person_new.html", act=act, status=int(refusal.status), typed=typed, errors=refusal.errors(language),
        error=refusal.text(language), **await _choices(request, act),
    )  # fmt: skip


async def _person(request: Request, act: Act, person_id: UUID, filled: Filled = AS_STORED) -> Response:
    language, words = request.state.language, words_of(request)
    person = await service.read_person(act, person_id)
    stored, refusal = forms.stored_values(person, OF_A_PERSON), filled.refusal
    if refusal.is_stale and filled.typed is not None:
        refusal = forms.meanwhile(refusal, filled.typed, stored, words.hour(person.updated_at, act.company.timezone))
    return render(
        request, "person.html", act=act, person=person, typed=filled.typed or stored, errors=refusal.errors(language),
        error=refusal.text(language), skills=(await skills.list_skills(act, ALL)).items,
        has_skills=(await skills.read_person_skills(act, person_id)).skills,
        permits=(await permits.list_permits(act, person_id, ALL)).items, kinds=naming.choices(naming.PERMITS, language),
        permit=filled.permit or dict.fromkeys(OF_A_PERMIT, ""), permit_errors=filled.permit_refusal.errors(language),
        permit_error=filled.permit_refusal.text(language), link=filled.link, today=_today(act),
        status=int(max(refusal.status, filled.permit_refusal.status, filled.other.status)),
        other_error=filled.other.text(language) or " ".join(filled.other.errors(language).values()),
        waiting=await _waiting(act, person), **await _choices(request, act),
    )  # fmt: skip


async def _waiting(act: Act, person: PersonOut) -> bool:
    """Tell whether an invitation of this person waits for an answer; only who may invite is told."""
    if act.actor.role not in ADMINS or person.has_account:
        return False
    return any(found.person_id == person.id for found in await of_company.list_invitations(act))


async def _choices(request: Request, act: Act) -> dict[str, Any]:
    jobs = await service.known_jobs(act)
    return {
        "jobs": [(code, row.label) for code, row in jobs.items()],
        "departments": _departments({row.department for row in jobs.values()}, request),
        "annexes": naming.choices(naming.ANNEXES, request.state.language),
    }


def _departments(codes: set[str], request: Request) -> list[tuple[str, str]]:
    named = [(code, naming.department(code, request.state.language)) for code in codes]
    return sorted(named, key=lambda pair: pair[1])


def _today(act: Act) -> object:
    return local_day(act.now, ZoneInfo(act.company.timezone))


def _path(act: Act, person_id: UUID) -> str:
    return f"/c/{act.company.slug}/people/{person_id}"
