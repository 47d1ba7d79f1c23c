"""Routes of trips between venues: `/venues/{id}/travel` by hand, `/company/travel` for estimates."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from backend.core.pagination import Page, PageRequest, page_request
from backend.core.preconditions import ExpectedVersion
from backend.core.resources import show
from backend.identity.access import AsPlanner, AsReader
from backend.productions import travel
from backend.productions.schemas import TravelSettingsChange, TravelSettingsOut, TripIn, TripOut
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute, tags=["productions"])


@router.get("/company/travel", summary="Read how trips between venues are estimated")
async def read_travel(act: AsReader, response: Response) -> TravelSettingsOut:
    """The distance as the crow flies at `speed_kmh`, and `margin_minutes` more; version 0: nothing was set yet."""
    settings = await travel.read_settings(act)
    show(response, settings.version)
    return settings


@router.patch("/company/travel", summary="Change how trips between venues are estimated")
async def change_travel(
    act: AsPlanner, body: TravelSettingsChange, expected: ExpectedVersion, response: Response
) -> TravelSettingsOut:
    """Only the fields sent change. Minutes set by hand between two venues stay as they are."""
    settings = await travel.change_settings(act, body, expected)
    show(response, settings.version)
    return settings


@router.get("/venues/{venue_id}/travel", summary="List the trips of a venue that are set by hand")
async def list_trips(
    act: AsReader, venue_id: UUID, page: Annotated[PageRequest, Depends(page_request)]
) -> Page[TripOut]:  # fmt: skip
    """In the order in which they were set; each holds in both directions."""
    return await travel.list_trips(act, venue_id, page)


@router.get("/venues/{venue_id}/travel/{other_venue_id}", summary="Read the minutes between two venues")
async def read_trip(act: AsReader, venue_id: UUID, other_venue_id: UUID, response: Response) -> TripOut:
    """With its `ETag`; 404 where nobody has set them."""
    trip = await travel.read_trip(act, venue_id, other_venue_id)
    show(response, trip.version)
    return trip


@router.put("/venues/{venue_id}/travel/{other_venue_id}", summary="Set the minutes between two venues")
async def set_trip(
    act: AsPlanner, venue_id: UUID, other_venue_id: UUID, body: TripIn, response: Response
) -> TripOut:  # fmt: skip
    """From door to door, in both directions; they are taken as they are, without the margin of an estimate."""
    trip = await travel.set_trip(act, venue_id, other_venue_id, body)
    show(response, trip.version)
    return trip


@router.delete("/venues/{venue_id}/travel/{other_venue_id}", status_code=204, summary="Delete the minutes of a trip")
async def delete_trip(act: AsPlanner, venue_id: UUID, other_venue_id: UUID, expected: ExpectedVersion) -> None:
    """The trip is estimated again, where both venues have coordinates."""
    await travel.delete_trip(act, venue_id, other_venue_id, expected)
