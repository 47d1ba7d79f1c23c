"""Routes of `/venues` and `/productions`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from backend.core.pagination import Page, PageRequest, page_request
from backend.core.preconditions import ExpectedVersion
from backend.core.resources import show, show_created
from backend.core.schemas import Line
from backend.identity.access import AsPlanner, AsReader
from backend.productions import service
from backend.productions.models import ProductionKind
from backend.productions.repository import ProductionsFilter, VenuesFilter
from backend.productions.schemas import (
    ProductionIn,
    ProductionOut,
    VenueChange,
    VenueIn,
    VenueOut,
)
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute, tags=["productions"])
PageOf = Annotated[PageRequest, Depends(page_request)]


def _wanted_venues(
    q: Annotated[Line | None, Query(description="Words of the name or of the city.", examples=["fonderie"])] = None,
    city: Annotated[Line | None, Query(description="The city, exactly.", examples=["Nantes"])] = None,
) -> VenuesFilter:
    return VenuesFilter(q, city)


@router.get("/venues", summary="List the venues")
async def list_venues(
    act: AsReader, wanted: Annotated[VenuesFilter, Depends(_wanted_venues)], page: PageOf
) -> Page[VenueOut]:
    """By name. `q` finds each of its words in the name or the city, in either case."""
    return await service.list_venues(act, wanted, page)


@router.post("/venues", status_code=201, summary="Add a venue")
async def create_venue(act: AsPlanner, body: VenueIn, request: Request, response: Response) -> VenueOut:
    """409 `duplicate` when another venue has the ref."""
    venue = await service.create_venue(act, body)
    show_created(request, response, venue.id, venue.version)
    return venue


@router.get("/venues/{venue_id}", summary="Read a venue")
async def read_venue(act: AsReader, venue_id: UUID, response: Response) -> VenueOut:
    """With its `ETag`."""
    venue = await service.read_venue(act, venue_id)
    show(response, venue.version)
    return venue


@router.patch("/venues/{venue_id}", summary="Change a venue")
async def change_venue(
    act: AsPlanner, venue_id: UUID, body: VenueChange, expected: ExpectedVersion, response: Response
) -> VenueOut:
    """Only the fields sent change; null clears, and puts `timezone` back to the company's."""
    venue = await service.change_venue(act, venue_id, body, expected)
    show(response, venue.version)
    return venue


@router.delete("/venues/{venue_id}", status_code=204, summary="Delete a venue")
async def delete_venue(act: AsPlanner, venue_id: UUID, expected: ExpectedVersion) -> None:
    """409 `in_use` while a call takes place there."""
    await service.delete_venue(act, venue_id, expected)


def _wanted_productions(
    q: Annotated[Line | None, Query(description="Words of the title.", examples=["traversée"])] = None,
    season: Annotated[Line | None, Query(examples=["2026-2027"])] = None,
    kind: Annotated[ProductionKind | None, Query(examples=["creation"])] = None,
) -> ProductionsFilter:
    return ProductionsFilter(q, season, kind)


@router.get("/productions", summary="List the productions")
async def list_productions(
    act: AsReader, wanted: Annotated[ProductionsFilter, Depends(_wanted_productions)], page: PageOf
) -> Page[ProductionOut]:
    """By title. `q` finds each of its words in the title, in either case."""
    return await service.list_productions(act, wanted, page)


@router.post("/productions", status_code=201, summary="Add a production")
async def create_production(act: AsPlanner, body: ProductionIn, request: Request, response: Response) -> ProductionOut:
    """409 `duplicate` when another production has the ref."""
    production = await service.create_production(act, body)
    show_created(request, response, production.id, production.version)
    return production


@router.get("/productions/{production_id}", summary="Read a production")
async def read_production(act: AsReader, production_id: UUID, response: Response) -> ProductionOut:
    """With its `ETag`."""
    production = await service.read_production(act, production_id)
    show(response, production.version)
    return production


@router.delete("/productions/{production_id}", status_code=204, summary="Delete a production")
async def delete_production(act: AsPlanner, production_id: UUID, expected: ExpectedVersion) -> None:
    """409 `in_use` while it has calls."""
    await service.delete_production(act, production_id, expected)
