"""Routes of what the law says: the findings of a person and of a production."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from backend.core.languages import language_of
from backend.core.pagination import PageRequest, page_request
from backend.identity.access import AsExporter
from backend.planning import reporting
from backend.planning.finding_schemas import FindingsPage
from backend.planning.period import FromQuery, ToQuery, read_period
from backend.planning.reporting import FindingsFilter
from backend.rules.finding import Severity
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute, tags=["findings"])
PageOf = Annotated[PageRequest, Depends(page_request)]


def _wanted(
    act: AsExporter,
    starts: FromQuery = None,
    ends: ToQuery = None,
    severity: Annotated[
        list[Severity] | None, Query(description="Once for each severity; all without it.", examples=[["HARD"]])
    ] = None,
) -> FindingsFilter:
    kept = frozenset(Severity) if severity is None else frozenset(severity)
    return FindingsFilter(read_period(starts, ends, act.company.timezone), kept)


Wanted = Annotated[FindingsFilter, Depends(_wanted)]


@router.get("/people/{person_id}/findings", summary="Read what the law says of a person's work")
async def person_findings(
    act: AsExporter, person_id: UUID, wanted: Wanted, page: PageOf, request: Request
) -> FindingsPage:
    """In this company, the worst first. `from` and `to` keep the findings whose window has a moment between them."""
    return await reporting.of_person(act, person_id, wanted, page, language_of(request))


@router.get("/productions/{production_id}/findings", summary="Read what the law says of a production's work")
async def production_findings(
    act: AsExporter, production_id: UUID, wanted: Wanted, page: PageOf, request: Request
) -> FindingsPage:
    """Of its people, where one of its calls takes part, the worst first; their other productions count as well."""
    return await reporting.of_production(act, production_id, wanted, page, language_of(request))
