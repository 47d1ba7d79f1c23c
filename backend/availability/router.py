"""Routes of absences: `/me/unavailabilities` and `/me/sharing`, and what a company records for its people."""

from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response

from backend.availability import importing, recorded, service
from backend.availability.schemas import (
    CalendarReport,
    RecordedChange,
    RecordedIn,
    RecordedOut,
    Sharing,
    UnavailabilityChange,
    UnavailabilityIn,
    UnavailabilityOut,
)
from backend.core.clock import utc_now
from backend.core.instants import HOME_TIMEZONE
from backend.core.languages import language_of
from backend.core.pagination import Page, PageRequest, page_request
from backend.core.preconditions import ExpectedVersion
from backend.core.resources import show, show_created
from backend.core.schemas import TimeZone
from backend.identity.access import AsPlanner, SharedSession, SignedIn
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
                    "properties": {
                        importing.FIELD: {"type": "string", "format": "binary", "examples": [importing.EXAMPLE]}
                    },
                }
            }
        },
    }
}


@router.post("/me/unavailabilities/import", tags=["me"], summary="Import my calendar as busy times",
             openapi_extra=_FORM, dependencies=[Depends(importing.unhurried), Depends(_claimed)])  # fmt: skip
async def import_calendar(
    caller: SignedIn, session: SharedSession, request: Request,
    timezone: Annotated[TimeZone, Query(description="On whose clocks times without a zone are read.")] = HOME_TIMEZONE,
    replace: Annotated[
        bool, Query(description="Forget what was imported before and is not in this file.", examples=[False])
    ] = False,
) -> CalendarReport:  # fmt: skip
    """One iCalendar file (.ics) of 1 MB at most, in the field `file`. Times are kept; titles and places are not.

    Events are known again by their UID: the same file twice changes nothing, another one adds and updates. Events that
    are cancelled, leave the person free or never come true are skipped and counted. All or nothing: an unknown time
    zone is refused, and so are recurrences that take too much work together (422, naming the event). Twenty an hour.
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


@router.patch("/me/unavailabilities/{unavailability_id}", tags=["me"], summary="Change one of my unavailabilities")
async def change_own(
    unavailability_id: UUID, body: UnavailabilityChange, caller: SignedIn, session: SharedSession,
    expected: ExpectedVersion, response: Response,
) -> UnavailabilityOut:  # fmt: skip
    """Only the fields sent change; a recurrence is written out anew from the first time on.

    What was imported changes in its calendar (409 `imported`), but for the note.
    """
    changed = await service.change_own(session, caller, unavailability_id, body, expected, utc_now())
    show(response, changed.version)
    return changed


@router.delete(
    "/me/unavailabilities/{unavailability_id}", status_code=204, tags=["me"], summary="Delete an unavailability"
)
async def delete_own(
    unavailability_id: UUID, caller: SignedIn, session: SharedSession, expected: ExpectedVersion
) -> None:
    """With all its times: companies may ask the person again at once."""
    await service.delete_own(session, caller, unavailability_id, expected)


@router.get("/me/sharing", tags=["me"], summary="Read what I let companies see")
async def read_sharing(caller: SignedIn, session: SharedSession) -> Sharing:
    """Nothing, until the caller says otherwise."""
    return await service.read_sharing(session, caller.user_id)


@router.put("/me/sharing", tags=["me"], summary="Say what I let companies see")
async def change_sharing(body: Sharing, caller: SignedIn, session: SharedSession) -> Sharing:
    """With `busy_times`, the companies that one belongs to read `GET /people/{id}/busy`; without, at once no more."""
    return await service.change_sharing(session, caller.user_id, body, utc_now())


@router.get("/people/{person_id}/unavailabilities", tags=["people"], summary="List what is recorded for a person")
async def list_recorded(act: AsPlanner, person_id: UUID, page: PageOf) -> Page[RecordedOut]:
    """By start: what this company recorded itself. What the person says for all companies is not in it."""
    return await recorded.list_recorded(act, person_id, page)


@router.post(
    "/people/{person_id}/unavailabilities", status_code=201, tags=["people"], summary="Record when a person cannot come"
)
async def add_recorded(
    act: AsPlanner, person_id: UUID, body: RecordedIn, request: Request, response: Response
) -> RecordedOut:
    """With or without an account. Offers and confirmations of this company are refused then: 409 `person_unavailable`.

    No other company learns of it, and neither does the person.
    """
    added = await recorded.add_recorded(act, person_id, body)
    show_created(request, response, added.id, added.version)
    return added


@router.get(
    "/people/{person_id}/unavailabilities/{recorded_id}", tags=["people"], summary="Read a recorded unavailability"
)
async def read_recorded(act: AsPlanner, person_id: UUID, recorded_id: UUID, response: Response) -> RecordedOut:
    """With its `ETag`."""
    found = await recorded.read_recorded(act, person_id, recorded_id)
    show(response, found.version)
    return found


@router.patch(
    "/people/{person_id}/unavailabilities/{recorded_id}", tags=["people"], summary="Change a recorded unavailability"
)
async def change_recorded(
    act: AsPlanner, person_id: UUID, recorded_id: UUID, body: RecordedChange, expected: ExpectedVersion,
    response: Response,
) -> RecordedOut:  # fmt: skip
    """Only the fields sent change; what is confirmed already stays so."""
    changed = await recorded.change_recorded(act, person_id, recorded_id, body, expected)
    show(response, changed.version)
    return changed


@router.delete(
    "/people/{person_id}/unavailabilities/{recorded_id}",
    status_code=204,
    tags=["people"],
    summary="Delete a recorded unavailability",
)
async def delete_recorded(act: AsPlanner, person_id: UUID, recorded_id: UUID, expected: ExpectedVersion) -> None:
    """The company may ask the person again."""
    await recorded.delete_recorded(act, person_id, recorded_id, expected)
