"""The settings of a company: what it is, its jobs, its agreements, its trips, its exports and its history."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from backend.audit import trail
from backend.audit.repository import EventsFilter
from backend.core.pagination import MAXIMUM_LIMIT, PageRequest, page_request
from backend.identity import company
from backend.identity.schemas import CompanyOut, CompanyPatch
from backend.imports import exports
from backend.imports.domain.columns import FILES
from backend.people import service as people
from backend.people import skills
from backend.people.schemas import JobIn, JobOut
from backend.planning import agreements, findings
from backend.planning.finding_schemas import AgreementChange, AgreementIn, AgreementOut
from backend.portal import history
from backend.productions import travel
from backend.productions.schemas import TravelSettingsChange
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import AnswerRoute
from backend.web import forms, naming
from backend.web.call_list import period_asked
from backend.web.forms import NOTHING_WRONG, Refused
from backend.web.rendering import render, words_of
from backend.web.sessions import AsAdmin, AsExporter, AsPlanner, AsReader, Viewer, opened, see
from backend.web.typography import said

router = APIRouter(
    prefix="/c/{slug}/settings", include_in_schema=False, dependencies=[Depends(opened)], route_class=AnswerRoute
)
OF_THE_COMPANY = ("name", "siret", "idcc", "timezone", "city", "contact_name", "contact_phone")
OF_A_LICENCE = ("category", "number", "expires_on")
OF_AN_AGREEMENT = ("rule", "limit_minutes", "document", "valid_from", "valid_to")
OF_TRAVEL = ("speed_kmh", "margin_minutes")
OF_A_JOB = ("label", "department", "annexe")
ALL = PageRequest(MAXIMUM_LIMIT, None)
Page = Annotated[PageRequest, Depends(page_request)]


@dataclass(frozen=True, slots=True)
class Filled:
    """What the form of the company holds, and why it was refused."""

    typed: dict[str, str]
    licences: Sequence[dict[str, str]]
    refusal: Refused = NOTHING_WRONG


@router.get("")
async def show_company(request: Request, act: AsReader, viewer: Viewer) -> Response:
    """Show what the company is, and let its administrators change it."""
    return await _company(request, act, viewer.is_verified, viewer.email)


@router.post("")
async def change_company(request: Request, act: AsAdmin, viewer: Viewer) -> Response:
    """Change name, SIRET, agreement, time zone, city, licences or whom to phone."""
    typed, licences = forms.typed_in(request, OF_THE_COMPANY), _licences(request)

    async def again(refusal: Refused) -> Response:
        return await _company(request, act, viewer.is_verified, viewer.email, Filled(typed, licences, refusal))

    async with forms.trying(act, again, (*OF_THE_COMPANY, *OF_A_LICENCE)):
        listed = [{**one, "category": forms.number(one["category"])} for one in licences]
        body = forms.read(CompanyPatch, {**typed, "licences": listed})
        await company.change_company(act, body, forms.expected_version(request))
    request.app.state.directory.forget(act.company.slug)
    return see(f"/c/{act.company.slug}/settings")


def _licences(request: Request) -> list[dict[str, str]]:
    """Return the rows of the licences of which anything was typed."""
    columns = [[value for key, value in request.state.typed if key == name] for name in OF_A_LICENCE]
    rows = [dict(zip(OF_A_LICENCE, row, strict=True)) for row in zip(*columns, strict=False)]
    return [row for row in rows if row["number"].strip() or row["expires_on"]]


async def _company(
    request: Request, act: Act, verified: bool, email: str, filled: Filled | None = None
) -> Response:  # fmt: skip
    language = request.state.language
    found = await company.read_company(act)
    shown = CompanyOut.model_validate({name: getattr(found, name) for name in CompanyOut.model_fields})
    stored = forms.stored_values(shown, OF_THE_COMPANY)
    held = [{name: forms.stored_values(one, OF_A_LICENCE)[name] for name in OF_A_LICENCE} for one in shown.licences]
    filled = filled or Filled(stored, held)
    refusal = filled.refusal
    if refusal.is_stale:
        refusal = forms.meanwhile(refusal, filled.typed, stored)
    return render(
        request, "settings.html", act=act, company_row=shown, typed=filled.typed, status=int(refusal.status),
        licences=[*filled.licences, dict.fromkeys(OF_A_LICENCE, "")], errors=refusal.errors(language),
        error=refusal.text(language), files=FILES, verified=verified, email=email,
        conventions=naming.choices(naming.CONVENTIONS, language),
    )  # fmt: skip


@router.get("/exports/{file}")
async def export_file(act: AsExporter, file: str) -> Response:
    """Send one file of the season, as it is imported."""
    text = await exports.export_file(act, file, bom=True)
    headers = {
        "Content-Disposition": f'attachment; filename="{act.company.slug}-{file}"', "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    return Response(text, media_type="text/csv", headers=headers)


@router.get("/jobs")
async def show_jobs(request: Request, act: AsReader) -> Response:
    """List the jobs and the skills of the company."""
    return await _jobs(request, act)


@router.post("/jobs")
async def create_job(request: Request, act: AsPlanner) -> Response:
    """Add a job; its code is made of its label."""
    typed = forms.typed_in(request, OF_A_JOB)

    async def again(refusal: Refused) -> Response:
        return await _jobs(request, act, typed, refusal)

    async with forms.trying(act, again, OF_A_JOB):
        await people.create_job(act, forms.read(JobIn, {**typed, "code": naming.code_of(typed["label"])}))
    return see(f"/c/{act.company.slug}/settings/jobs")


@router.post("/jobs/{job_id}/delete")
async def delete_job(request: Request, act: AsPlanner, job_id: UUID) -> Response:
    """Delete a job that nobody and nothing names."""

    async def again(refusal: Refused) -> Response:
        return await _jobs(request, act, None, refusal)

    async with forms.trying(act, again):
        await people.delete_job(act, job_id, forms.expected_version(request))
    return see(f"/c/{act.company.slug}/settings/jobs")


@router.post("/skills/{skill_id}/delete")
async def delete_skill(request: Request, act: AsPlanner, skill_id: UUID) -> Response:
    """Delete a skill that nobody has and nothing asks for."""

    async def again(refusal: Refused) -> Response:
        return await _jobs(request, act, None, refusal)

    async with forms.trying(act, again):
        await skills.delete_skill(act, skill_id, forms.expected_version(request))
    return see(f"/c/{act.company.slug}/settings/jobs")


async def _jobs(
    request: Request, act: Act, typed: dict[str, str] | None = None, refusal: Refused = NOTHING_WRONG
) -> Response:
    language = request.state.language
    jobs: list[JobOut] = (await people.list_jobs(act, ALL)).items
    codes = {job.department for job in jobs} | set(naming.DEPARTMENTS)
    departments = sorted(((code, naming.department(code, language)) for code in codes), key=lambda pair: pair[1])
    return render(
        request, "settings_jobs.html", act=act, jobs=sorted(jobs, key=lambda job: (job.department, job.label)),
        departments=departments, annexes=naming.choices(naming.ANNEXES, language), status=int(refusal.status),
        skills=(await skills.list_skills(act, ALL)).items, typed=typed or dict.fromkeys(OF_A_JOB, ""),
        errors=refusal.errors(language), error=refusal.text(language),
    )  # fmt: skip


@router.get("/agreements")
async def show_agreements(request: Request, act: AsReader) -> Response:
    """List the company's own agreements on limits."""
    return await _agreements(request, act)


@router.post("/agreements")
async def record_agreement(request: Request, act: AsAdmin) -> Response:
    """Record an agreement; what no agreement may widen is refused with its article."""
    typed = forms.typed_in(request, OF_AN_AGREEMENT)

    async def again(refusal: Refused) -> Response:
        return await _agreements(request, act, typed, refusal)

    async with forms.trying(act, again, OF_AN_AGREEMENT):
        body = forms.read(AgreementIn, {**typed, "limit_minutes": forms.number(typed["limit_minutes"])})
        await agreements.create_agreement(act, body, await findings.read_law(act))
    return see(f"/c/{act.company.slug}/settings/agreements")


@router.post("/agreements/{agreement_id}")
async def end_agreement(request: Request, act: AsAdmin, agreement_id: UUID) -> Response:
    """Give an agreement its last day, or none."""
    typed = forms.typed_in(request, ("valid_to",))

    async def again(refusal: Refused) -> Response:
        return await _agreements(request, act, None, forms.as_whole(refusal))

    async with forms.trying(act, again):
        change, expected = forms.read(AgreementChange, typed), forms.expected_version(request)
        await agreements.change_agreement(act, agreement_id, change, expected, await findings.read_law(act))
    return see(f"/c/{act.company.slug}/settings/agreements")


@router.post("/agreements/{agreement_id}/delete")
async def delete_agreement(request: Request, act: AsAdmin, agreement_id: UUID) -> Response:
    """Take an agreement back that was recorded by mistake."""

    async def again(refusal: Refused) -> Response:
        return await _agreements(request, act, None, forms.as_whole(refusal))

    async with forms.trying(act, again):
        await agreements.delete_agreement(act, agreement_id, forms.expected_version(request))
    return see(f"/c/{act.company.slug}/settings/agreements")


async def _agreements(
    request: Request, act: Act, typed: dict[str, str] | None = None, refusal: Refused = NOTHING_WRONG
) -> Response:
    language = request.state.language
    known = (await findings.read_law(act)).rules
    found: list[AgreementOut] = (await agreements.list_agreements(act, ALL)).items
    open_to = [(rule.id, f"{said(rule.title, language)} ({rule.id})") for rule in known.values() if rule.agreement]
    return render(
        request, "settings_agreements.html", act=act, agreements=found, status=int(refusal.status),
        titles={rule.id: said(rule.title, language) for rule in known.values()},
        rules=sorted(open_to, key=lambda pair: pair[1]), typed=typed or dict.fromkeys(OF_AN_AGREEMENT, ""),
        errors=refusal.errors(language), error=refusal.text(language),
    )  # fmt: skip


@router.get("/travel")
async def show_travel(request: Request, act: AsReader) -> Response:
    """Show how trips between venues are estimated."""
    return await _travel(request, act)


@router.post("/travel")
async def change_travel(request: Request, act: AsPlanner) -> Response:
    """Change how trips between venues are estimated."""
    typed = forms.typed_in(request, OF_TRAVEL)

    async def again(refusal: Refused) -> Response:
        return await _travel(request, act, typed, refusal)

    async with forms.trying(act, again, OF_TRAVEL):
        body = forms.read(TravelSettingsChange, {name: forms.number(text) for name, text in typed.items()})
        await travel.change_settings(act, body, forms.expected_version(request))
    return see(f"/c/{act.company.slug}/settings/travel")


async def _travel(
    request: Request, act: Act, typed: dict[str, str] | None = None, refusal: Refused = NOTHING_WRONG
) -> Response:
    language = request.state.language
    found = await travel.read_settings(act)
    stored = forms.stored_values(found, OF_TRAVEL)
    if refusal.is_stale and typed is not None:
        refusal = forms.meanwhile(refusal, typed, stored)
    return render(
        request, "settings_travel.html", act=act, settings=found, typed=typed or stored, status=int(refusal.status),
        errors=refusal.errors(language), error=refusal.text(language),
    )  # fmt: skip


@router.get("/history")
async def show_history(
    request: Request, act: AsAdmin, page: Page, what: Annotated[str, Query(max_length=60)] = ""
) -> Response:  # fmt: skip
    """Tell who did what, the newest first; from one day to another where that is asked."""
    language = request.state.language
    asked = {name: request.query_params.get(name, "")[:40] for name in ("from", "to")}
    period, errors = period_asked(act, asked, language)
    wanted = EventsFilter(what=forms.sought(what), since=period.starts_at, until=period.ends_at)
    found = await trail.list_events(act, wanted, page)
    words, zone = words_of(request), act.company.timezone
    about = await history.told_about(act, found.items)
    told = [
        (event, naming.act_in_words(event.what, language), of,
         naming.changes_in_words(event.before, event.after, language, lambda when: words.moment(when, zone)))
        for event, of in zip(found.items, about, strict=True)
    ]  # fmt: skip
    return render(
        request, "settings_history.html", act=act, told=told, next_cursor=found.next_cursor, what=what,
        asked=asked, errors=errors, is_continued=page.after is not None, acts=naming.acts_to_choose(language),
    )  # fmt: skip
