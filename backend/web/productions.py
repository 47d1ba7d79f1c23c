"""The productions of a company: the list with its search, one production with its calls, and their forms."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from backend.core.pagination import MAXIMUM_LIMIT, PageRequest, page_request
from backend.planning import calls, premieres, publishing
from backend.planning.period import ALWAYS
from backend.planning.repository import CallsFilter
from backend.productions import service
from backend.productions.models import ProductionKind
from backend.productions.repository import ProductionsFilter, VenuesFilter
from backend.productions.schemas import ProductionChange, ProductionIn
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import AnswerRoute
from backend.web import forms, naming
from backend.web.board import said_of
from backend.web.forms import NOTHING_WRONG, Refused
from backend.web.rendering import render, words_of
from backend.web.sessions import AsPlanner, AsReader, opened, see

router = APIRouter(
    prefix="/c/{slug}/productions", include_in_schema=False, dependencies=[Depends(opened)], route_class=AnswerRoute
)
OF_A_PRODUCTION = tuple(ProductionIn.model_fields)
Page = Annotated[PageRequest, Depends(page_request)]
Sought = Annotated[str, Query(max_length=200)]
Kind = Annotated[str, Query(pattern="^(creation|revival)?$")]


@router.get("")
async def list_productions(
    request: Request, act: AsReader, page: Page, q: Sought = "", season: Sought = "", kind: Kind = ""
) -> Response:  # fmt: skip
    """List the productions by title, those that are sought for."""
    wanted = ProductionsFilter(forms.sought(q), forms.sought(season), ProductionKind(kind) if kind else None)
    found = await service.list_productions(act, wanted, page)
    return render(
        request, "productions.html", act=act, productions=found.items, next_cursor=found.next_cursor, q=q, kind=kind,
        season=season, is_sought=bool(q.strip() or season.strip() or kind), is_continued=page.after is not None,
        kinds=naming.choices(naming.PRODUCTION_KINDS, request.state.language),
    )  # fmt: skip


@router.get("/new")
async def show_new_production(request: Request, act: AsPlanner) -> Response:
    """Ask what is put on."""
    return _new(request, act, dict.fromkeys(OF_A_PRODUCTION, ""), NOTHING_WRONG)


@router.post("")
async def create_production(request: Request, act: AsPlanner) -> Response:
    """Add a production."""
    typed = forms.typed_in(request, OF_A_PRODUCTION)

    async def again(refusal: Refused) -> Response:
        return _new(request, act, typed, refusal)

    async with forms.trying(act, again, OF_A_PRODUCTION):
        production = await service.create_production(act, forms.read(ProductionIn, typed))
    return see(_path(act, production.id))


@router.get("/{production_id}")
async def show_production(request: Request, act: AsReader, production_id: UUID, page: Page) -> Response:
    """Show a production, and its calls by start."""
    return await _production(request, act, production_id, page)


@router.post("/{production_id}")
async def change_production(request: Request, act: AsPlanner, production_id: UUID) -> Response:
    """Change a production."""
    typed = forms.typed_in(request, OF_A_PRODUCTION)

    async def again(refusal: Refused) -> Response:
        return await _production(request, act, production_id, FIRST_PAGE, typed, refusal)

    async with forms.trying(act, again, OF_A_PRODUCTION):
        body = forms.read(ProductionChange, typed)
        await premieres.change_production(act, production_id, body, forms.expected_version(request))
    return see(_path(act, production_id))


@router.post("/{production_id}/delete")
async def delete_production(request: Request, act: AsPlanner, production_id: UUID) -> Response:
    """Delete a production that has no calls."""

    async def again(refusal: Refused) -> Response:
        return await _production(request, act, production_id, FIRST_PAGE, None, refusal)

    async with forms.trying(act, again):
        await service.delete_production(act, production_id, forms.expected_version(request))
    return see(f"/c/{act.company.slug}/productions")


FIRST_PAGE = PageRequest(50, None)


def _new(request: Request, act: Act, typed: dict[str, str], refusal: Refused) -> Response:
    language = request.state.language
    return render(
        request, "production_new.html", act=act, status=int(refusal.status), typed=typed,
        errors=refusal.errors(language), error=refusal.text(language),
        kinds=naming.choices(naming.PRODUCTION_KINDS, language),
    )  # fmt: skip


async def _production(
    request: Request, act: Act, production_id: UUID, page: PageRequest, typed: dict[str, str] | None = None,
    refusal: Refused = NOTHING_WRONG,
) -> Response:  # fmt: skip
    language, words = request.state.language, words_of(request)
    production = await service.read_production(act, production_id)
    stored = forms.stored_values(production, OF_A_PRODUCTION)
    if refusal.is_stale:
        at = words.hour(production.updated_at, act.company.timezone)
        refusal = forms.meanwhile(refusal, typed or stored, stored, at)
    found = await calls.list_calls(act, CallsFilter(ALWAYS, production_id=production_id), page)
    venues = await service.list_venues(act, VenuesFilter(None, None), PageRequest(MAXIMUM_LIMIT, None))
    return render(
        request, "production.html", act=act, production=production, typed=typed or stored, status=int(refusal.status),
        errors=refusal.errors(language), error=refusal.text(language), calls=found.items, next_cursor=found.next_cursor,
        done=said_of(request, act, request.query_params, None), home=f"/c/{act.company.slug}",
        waiting=len(await publishing.find_waiting(act, ALWAYS, production_id)),
        is_continued=page.after is not None, venues={venue.id: venue for venue in venues.items},
        kinds=naming.choices(naming.PRODUCTION_KINDS, language),
        call_kinds=dict(naming.choices(naming.CALL_KINDS, language)),
        states=dict(naming.choices(naming.CALL_STATES, language)),
    )  # fmt: skip


def _path(act: Act, production_id: UUID) -> str:
    return f"/c/{act.company.slug}/productions/{production_id}"
