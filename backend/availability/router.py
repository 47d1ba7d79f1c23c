"""Routes of absences: `/me/unavailabilities`, which belong to no company."""

from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response

from backend.availability import importing, service
from backend.availability.schemas import CalendarReport, UnavailabilityIn, UnavailabilityOut
from backend.core.clock import utc_now
from backend.core.instants import HOME_TIMEZONE
from backend.core.languages import language_of
from backend.core.pagination import Page, PageRequest, page_request
from backend.core.preconditions import ExpectedVersion
from backend.core.resources import show, show_created
from backend.core.schemas import TimeZone
from backend.identity.access import SharedSession, SignedIn
from backend.tenancy import idempotency
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute)
PageOf = Annotated[PageRequest, Depends(page_request)]


async def _claimed(request: Request, caller: SignedIn, session: SharedSession) -> None:
    await idempotency.claim_shared(request, session, caller.user_id, utc_now())


@router.get("/me/unavailabilities", tags=["me"], summary="List my unavailabilities")
async def list_own(caller: SignedIn, session: SharedSession, page: PageOf) -> Page[UnavailabilityOut]:
    """By their first start. Given once for all companies, of which none reads them."""
    return await service.list_own(session, caller, page)


@router.post("/me/unavailabilities", status_code=201, tags=["me"], summary="Say when I am unavailable",
             dependencies=[Depends(_claimed)])  # fmt: skip
async def add_own(
    body: UnavailabilityIn, caller: SignedIn, session: SharedSession, request: Request, response: Response
) -> UnavailabilityOut:
    """No company can offer or confirm these times from now on: each learns `person_not_available`, and no more.

    What is confirmed already stays so. A recurrence without an end, or with more than 400 times, is refused (422).
    """
    added = await service.add_own(session, caller, body, utc_now())
    show_created(request, response, added.id, added.version)
    return added


_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [importing.FIELD],
                    "properties": {importing.FIELD: {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


@router.post("/me/unavailabilities/import", tags=["me"], summary="Import my calendar as busy times",
             openapi_extra=_FORM, dependencies=[Depends(_claimed)])  # fmt: skip
async def import_calendar(
    caller: SignedIn, session: SharedSession, request: Request,
    timezone: Annotated[TimeZone, Query(description="On whose clocks times without a zone are read.")] = HOME_TIMEZONE,
    replace: Annotated[
        bool, Query(description="Forget what was imported before and is not in this file.", examples=[False])
    ] = False,
) -> CalendarReport:  # fmt: skip
    """One iCalendar file (.ics) of 1 MB at most, in the field `file`. Times are kept; titles and places are not.

    Events are known again by their UID: the same file twice changes nothing, another one adds and updates. Events that
    are cancelled or leave the person free are skipped and counted. All or nothing: an unknown time zone is refused.
    """
    content = await importing.read_file(request)
    return await importing.import_calendar(
        session, caller, content, ZoneInfo(timezone), utc_now(), replace=replace, language=language_of(request)
    )


@router.get("/me/unavailabilities/{unavailability_id}", tags=["me"], summary="Read one of my unavailabilities")
async def read_own(
    unavailability_id: UUID, caller: SignedIn, session: SharedSession, response: Response
) -> UnavailabilityOut:
    """With its `ETag`."""
    found = await service.read_own(session, caller, unavailability_id)
    show(response, found.version)
    return found


@router.delete(
    "/me/unavailabilities/{unavailability_id}", status_code=204, tags=["me"], summary="Delete an unavailability"
)
async def delete_own(
    unavailability_id: UUID, caller: SignedIn, session: SharedSession, expected: ExpectedVersion
) -> None:
    """With all its times: companies may ask the person again at once."""
    await service.delete_own(session, caller, unavailability_id, expected)
