"""Routes of what the law says: findings of a person and of a production, dry run, derogations, agreements."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from backend.core.languages import language_of
from backend.core.pagination import Page, PageRequest, page_request
from backend.core.preconditions import ExpectedVersion
from backend.core.resources import show
from backend.identity.access import AsAdmin, AsExporter, AsPlanner, AsReader
from backend.planning import agreements, checking, derogations, findings, reporting
from backend.planning.finding_schemas import (
    AgreementChange,
    AgreementIn,
    AgreementOut,
    CheckIn,
    CheckOut,
    DerogationIn,
    DerogationOut,
    FindingsPage,
)
from backend.planning.period import FromQuery, ToQuery, read_period
from backend.planning.probing import unhurried
from backend.planning.reporting import FindingsFilter
from backend.rules.finding import Severity
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute, tags=["findings"])
PageOf = Annotated[PageRequest, Depends(page_request)]


@dataclass(frozen=True, slots=True)
class Asked:
    """The query of a list of findings, before the company's calendar reads it."""

    starts: str | None
    ends: str | None
    severities: frozenset[Severity]

    def of(self, act: Act) -> FindingsFilter:
        """Return the filter, with days of the company's calendar."""
        return FindingsFilter(read_period(self.starts, self.ends, act.company.timezone), self.severities)


def _asked(
    starts: FromQuery = None,
    ends: ToQuery = None,
    severity: Annotated[
        list[Severity] | None, Query(description="Once for each severity; all without it.", examples=[["HARD"]])
    ] = None,
) -> Asked:
    return Asked(starts, ends, frozenset(Severity) if severity is None else frozenset(severity))


AskedFor = Annotated[Asked, Depends(_asked)]


@router.get("/people/{person_id}/findings", summary="Read what the law says of a person's work")
async def person_findings(
    act: AsExporter, person_id: UUID, asked: AskedFor, page: PageOf, request: Request
) -> FindingsPage:
    """In this company, the worst first. `from` and `to` keep the findings whose window has a moment between them."""
    return await reporting.of_person(act, person_id, asked.of(act), page, language_of(request))


@router.get("/productions/{production_id}/findings", summary="Read what the law says of a production's work")
async def production_findings(
    act: AsReader, production_id: UUID, asked: AskedFor, page: PageOf, request: Request
) -> FindingsPage:
    """Of its people, where one of its calls takes part, the worst first; their other productions count as well.

    A viewer reads no rule about minors.
    """
    return await reporting.of_production(act, production_id, asked.of(act), page, language_of(request))


@router.post("/planning/check", summary="Try a change of the planning", dependencies=[Depends(unhurried)])
async def check_change(act: AsPlanner, body: CheckIn, request: Request) -> CheckOut:
    """What would be refused, and which findings would appear, go or change; nothing is stored, and nobody is told.

    The cures of a finding are tried here first: `end_earlier` and `insert_break` by `calls`, `release` by `released`.
    """
    most = request.app.state.settings.limit_unavailable_answers_per_hour
    return await checking.check_change(act, body, language_of(request), most)


@router.get("/planning/derogations", summary="List the recorded derogations")
async def list_derogations(act: AsReader, page: PageOf) -> Page[DerogationOut]:
    """In the order in which they were recorded, by hand or by a ground given when publishing or confirming."""
    return await derogations.list_derogations(act, page)


@router.post("/planning/derogations", status_code=201, summary="Record a derogation")
async def create_derogation(act: AsPlanner, body: DerogationIn, response: Response) -> DerogationOut:
    """Findings that it covers become INFO, with its document; nothing covers what no derogation can make lawful."""
    law = await findings.read_law(act)
    derogation = await derogations.create_derogation(act, body, law.rules)
    show(response, derogation.version)
    return derogation


@router.delete("/planning/derogations/{derogation_id}", status_code=204, summary="Take a derogation back")
async def delete_derogation(act: AsPlanner, derogation_id: UUID, expected: ExpectedVersion) -> None:
    """What it covered is found again; the history keeps that it was recorded."""
    await derogations.delete_derogation(act, derogation_id, expected)


@router.get("/planning/agreements", summary="List the company's agreements")
async def list_agreements(act: AsReader, page: PageOf) -> Page[AgreementOut]:
    """In the order in which they were recorded."""
    return await agreements.list_agreements(act, page)


@router.post("/planning/agreements", status_code=201, summary="Record a company agreement")
async def create_agreement(act: AsAdmin, body: AgreementIn, response: Response) -> AgreementOut:
    """From its first day on, its limit is the rule's: a stricter one binds, a wider one covers what it allows.

    422, citing the article, for what no agreement may widen, and for days on which another one on the rule holds.
    """
    agreement = await agreements.create_agreement(act, body, await findings.read_law(act))
    show(response, agreement.version)
    return agreement


@router.patch("/planning/agreements/{agreement_id}", summary="End a company agreement, or rename its document")
async def change_agreement(
    act: AsAdmin, agreement_id: UUID, body: AgreementChange, expected: ExpectedVersion, response: Response
) -> AgreementOut:
    """From the day after its last one, the law and the convention hold again."""
    known = await findings.read_law(act)
    agreement = await agreements.change_agreement(act, agreement_id, body, expected, known)
    show(response, agreement.version)
    return agreement


@router.delete("/planning/agreements/{agreement_id}", status_code=204, summary="Take a company agreement back")
async def delete_agreement(act: AsAdmin, agreement_id: UUID, expected: ExpectedVersion) -> None:
    """For one recorded by mistake: what it covered is found again; the history keeps that it was recorded."""
    await agreements.delete_agreement(act, agreement_id, expected)
