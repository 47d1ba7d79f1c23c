"""The venues of a company: the list with its search, one venue with its coordinates and trips, and their forms."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from backend.core.errors import InvalidError, Sentence
from backend.core.pagination import MAXIMUM_LIMIT, PageRequest, page_request
from backend.productions import service, travel
from backend.productions.repository import VenuesFilter
from backend.productions.schemas import TripIn, VenueChange, VenueIn
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import AnswerRoute
from backend.web import forms
from backend.web.forms import NOTHING_WRONG, Refused
from backend.web.places import map_of
from backend.web.rendering import render, words_of
from backend.web.sessions import AsPlanner, AsReader, opened, see

router = APIRouter(
    prefix="/c/{slug}/venues", include_in_schema=False, dependencies=[Depends(opened)], route_class=AnswerRoute
)
OF_A_VENUE = tuple(VenueIn.model_fields)
OF_A_TRIP = ("other", "minutes")
NUMBERS = ("capacity", "latitude", "longitude")
ALL = PageRequest(MAXIMUM_LIMIT, None)
NO_OTHER = Sentence("Choisissez l'autre lieu.", "Choose the other venue.")
Page = Annotated[PageRequest, Depends(page_request)]
Sought = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class Filled:
    """What the two forms of a venue's page hold, and why one of them was refused."""

    typed: dict[str, str] | None = None
    refusal: Refused = NOTHING_WRONG
    trip: dict[str, str] | None = None
    trip_refusal: Refused = NOTHING_WRONG


AS_STORED = Filled()


@router.get("")
async def list_venues(request: Request, act: AsReader, page: Page, q: Sought = "") -> Response:
    """List the venues by name, those that are sought for."""
    found = await service.list_venues(act, VenuesFilter(forms.sought(q), None), page)
    return render(
        request, "venues.html", act=act, venues=found.items, next_cursor=found.next_cursor, q=q,
        is_continued=page.after is not None, maps={venue.id: map_of(venue) for venue in found.items},
    )  # fmt: skip


@router.get("/new")
async def show_new_venue(request: Request, act: AsPlanner) -> Response:
    """Ask where it is."""
    return _new(request, act, dict.fromkeys(OF_A_VENUE, ""), NOTHING_WRONG)


@router.post("")
async def create_venue(request: Request, act: AsPlanner) -> Response:
    """Add a venue."""
    typed = forms.typed_in(request, OF_A_VENUE)

    async def again(refusal: Refused) -> Response:
        return _new(request, act, typed, refusal)

    async with forms.trying(act, again, OF_A_VENUE):
        venue = await service.create_venue(act, forms.read(VenueIn, _with_numbers(typed)))
    return see(_path(act, venue.id))


@router.get("/{venue_id}")
async def show_venue(request: Request, act: AsReader, venue_id: UUID) -> Response:
    """Show a venue, and how long the trips to others take."""
    return await _venue(request, act, venue_id)


@router.post("/{venue_id}")
async def change_venue(request: Request, act: AsPlanner, venue_id: UUID) -> Response:
    """Change a venue."""
    typed = forms.typed_in(request, OF_A_VENUE)

    async def again(refusal: Refused) -> Response:
        return await _venue(request, act, venue_id, Filled(typed, refusal))

    async with forms.trying(act, again, OF_A_VENUE):
        body = forms.read(VenueChange, _with_numbers(typed))
        await service.change_venue(act, venue_id, body, forms.expected_version(request))
    return see(_path(act, venue_id))


@router.post("/{venue_id}/delete")
async def delete_venue(request: Request, act: AsPlanner, venue_id: UUID) -> Response:
    """Delete a venue where no call takes place."""

    async def again(refusal: Refused) -> Response:
        return await _venue(request, act, venue_id, Filled(refusal=refusal))

    async with forms.trying(act, again):
        await service.delete_venue(act, venue_id, forms.expected_version(request))
    return see(f"/c/{act.company.slug}/venues")


@router.post("/{venue_id}/trips")
async def set_trip(request: Request, act: AsPlanner, venue_id: UUID) -> Response:
    """Set the minutes of the trip to another venue, in both directions."""
    typed = forms.typed_in(request, OF_A_TRIP)

    async def again(refusal: Refused) -> Response:
        return await _venue(request, act, venue_id, Filled(trip=typed, trip_refusal=refusal))

    async with forms.trying(act, again, OF_A_TRIP):
        body = forms.read(TripIn, {"minutes": forms.number(typed["minutes"])})
        await travel.set_trip(act, venue_id, _other(typed["other"]), body)
    return see(f"{_path(act, venue_id)}#trips")


@router.post("/{venue_id}/trips/{other_id}/delete")
async def delete_trip(request: Request, act: AsPlanner, venue_id: UUID, other_id: UUID) -> Response:
    """Let a trip be estimated again."""

    async def again(refusal: Refused) -> Response:
        return await _venue(request, act, venue_id, Filled(trip_refusal=refusal))

    async with forms.trying(act, again):
        await travel.delete_trip(act, venue_id, other_id, forms.expected_version(request))
    return see(f"{_path(act, venue_id)}#trips")


def _other(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidError.of(["body", "other"], NO_OTHER.fr, NO_OTHER.en) from None


def _with_numbers(typed: dict[str, str]) -> dict[str, object]:
    return {name: forms.number(text) if name in NUMBERS and text.strip() else text for name, text in typed.items()}


def _new(request: Request, act: Act, typed: dict[str, str], refusal: Refused) -> Response:
    language = request.state.language
    return render(
        request, "venue_new.html", act=act, status=int(refusal.status), typed=typed, errors=refusal.errors(language),
        error=refusal.text(language),
    )  # fmt: skip


async def _venue(request: Request, act: Act, venue_id: UUID, filled: Filled = AS_STORED) -> Response:
    language, words, refusal = request.state.language, words_of(request), filled.refusal
    venue = await service.read_venue(act, venue_id)
    stored = forms.stored_values(venue, OF_A_VENUE)
    if refusal.is_stale:
        at = words.hour(venue.updated_at, act.company.timezone)
        refusal = forms.meanwhile(refusal, filled.typed or stored, stored, at)
    others = (await service.list_venues(act, VenuesFilter(None, None), ALL)).items
    return render(
        request, "venue.html", act=act, venue=venue, typed=filled.typed or stored, errors=refusal.errors(language),
        error=refusal.text(language), status=int(max(refusal.status, filled.trip_refusal.status)),
        others=[(str(other.id), other.name) for other in others if other.id != venue_id],
        trips=(await travel.list_trips(act, venue_id, ALL)).items, trip=filled.trip or dict.fromkeys(OF_A_TRIP, ""),
        trip_errors=filled.trip_refusal.errors(language), trip_error=filled.trip_refusal.text(language),
    )  # fmt: skip


def _path(act: Act, venue_id: UUID) -> str:
    return f"/c/{act.company.slug}/venues/{venue_id}"
