"""Every call of a company as a list: sought by title, production, venue, days and state, each to change or delete."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response

from backend.core.errors import InvalidError, Sentence
from backend.core.instants import local_day
from backend.core.pagination import MAXIMUM_LIMIT, PageRequest, page_request
from backend.core.schemas import FIRST_YEAR, LAST_YEAR
from backend.planning import calls
from backend.planning.models import CallStatus
from backend.planning.period import ALWAYS, Period, read_period
from backend.planning.repository import CallsFilter
from backend.productions import service as productions
from backend.productions.repository import ProductionsFilter, VenuesFilter
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import AnswerRoute
from backend.web import forms, naming
from backend.web.board_view import View
from backend.web.forms import NOTHING_WRONG, Refused
from backend.web.rendering import render
from backend.web.sessions import AsPlanner, AsReader, opened, see, with_query
from backend.web.speaking import Words

router = APIRouter(
    prefix="/c/{slug}/calls", include_in_schema=False, dependencies=[Depends(opened)], route_class=AnswerRoute
)
NOT_A_DAY = Sentence(
    f"Écrivez un jour entre {FIRST_YEAR} et {LAST_YEAR}, avec les quatre chiffres de l'année.",
    f"Write a day between {FIRST_YEAR} and {LAST_YEAR}, with all four figures of the year.",
)
WRONG_ORDER = Sentence(
    "« Au » est avant « Du » : corrigez l'une des deux dates.", "The last day is before the first: correct one of them."
)
OF_THE_SEARCH = ("q", "production", "venue", "from", "to", "state")
FIRST_PAGE, ALL = PageRequest(50, None), PageRequest(MAXIMUM_LIMIT, None)
Page = Annotated[PageRequest, Depends(page_request)]
Sought = Annotated[str, Query(max_length=200)]


@router.get("")
async def list_calls(request: Request, act: AsReader, page: Page, q: Sought = "") -> Response:
    """List the calls by start, those that are sought for; those to come where nothing is asked."""
    asked = {name: request.query_params.get(name, "")[:200] for name in OF_THE_SEARCH}
    if not set(OF_THE_SEARCH) & set(request.query_params):
        asked["from"] = local_day(act.now, ZoneInfo(act.company.timezone)).isoformat()
    return await _list(request, act, {**asked, "q": q}, page)


@router.post("/{call_id}/remove")
async def remove_call(request: Request, act: AsPlanner, call_id: UUID) -> Response:
    """Delete a draft that nobody was told of, and show the list as it was sought."""
    asked = forms.typed_in(request, OF_THE_SEARCH)

    async def again(refusal: Refused) -> Response:
        return await _list(request, act, asked, FIRST_PAGE, refusal)

    async with forms.trying(act, again):
        await calls.delete_call(act, call_id, forms.expected_version(request))
    return see(with_query(f"/c/{act.company.slug}/calls", **asked))


async def _list(
    request: Request, act: Act, asked: dict[str, str], page: PageRequest, refusal: Refused = NOTHING_WRONG
) -> Response:
    language = request.state.language
    period, errors = period_asked(act, asked, language)
    state = CallStatus(asked["state"]) if asked["state"] in set(CallStatus) else None
    wanted = CallsFilter(
        period, _id(asked["production"]), _id(asked["venue"]), state, q=forms.sought(asked["q"])
    )  # fmt: skip
    found = await calls.list_calls(act, wanted, page)
    put_on = (await productions.list_productions(act, ProductionsFilter(), ALL)).items
    venues = (await productions.list_venues(act, VenuesFilter(), ALL)).items
    return render(
        request, "calls.html", act=act, calls=found.items, next_cursor=found.next_cursor, asked=asked, errors=errors,
        is_continued=page.after is not None, is_sought=bool(request.query_params), error=refusal.text(language),
        status=int(refusal.status), venues={venue.id: venue for venue in venues},
        productions={one.id: one.title for one in put_on},
        call_kinds=dict(naming.choices(naming.CALL_KINDS, language)),
        states=dict(naming.choices(naming.CALL_STATES, language)),
    )  # fmt: skip


def period_asked(act: Act, asked: Mapping[str, str], language: str) -> tuple[Period, dict[str, str]]:
    """Return the period that is asked for; where it cannot be read, always, and why beside its field."""
    try:
        return read_period(asked["from"] or None, asked["to"] or None, act.company.timezone), {}
    except InvalidError as error:
        wrong = forms.refused(error, OF_THE_SEARCH).fields
        return ALWAYS, {name: Words(language).say(_why(asked[name], act.company.timezone)) for name in wrong}


def _why(text: str, zone: str) -> Sentence:
    """Return what is wrong with one end of a period, as the page calls it: no day at all, or the wrong order."""
    try:
        read_period(text, None, zone)
    except InvalidError:
        return NOT_A_DAY
    return WRONG_ORDER


def _id(text: str) -> UUID | None:
    """Return the id that an address holds; what is none leaves the question open."""
    try:
        return UUID(text)
    except ValueError:
        return None


async def next_day(act: Act, view: View, after: datetime) -> date | None:
    """Return the day of the first call that a view would show later; None where none is known to follow."""
    if view.person is not None or view.department is not None:
        return None
    wanted = CallsFilter(Period(after, None), production_id=view.production, venue_id=view.venue)
    found = (await calls.list_calls(act, wanted, PageRequest(1, None))).items
    return local_day(found[0].starts_at, ZoneInfo(act.company.timezone)) if found else None
