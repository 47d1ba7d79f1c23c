"""Inviting the team: one press for everybody who has an address and no account, and what came of it for each person."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from backend.core.errors import InvalidError, Sentence
from backend.core.pagination import PageRequest, page_request
from backend.identity.schemas import Language
from backend.portal import team
from backend.portal.team import Invited
from backend.tenancy import idempotency
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import AnswerRoute
from backend.web import forms
from backend.web.forms import NOTHING_WRONG, Refused
from backend.web.rendering import render
from backend.web.sessions import AsAdmin, opened, see

router = APIRouter(
    prefix="/c/{slug}/people/invite", include_in_schema=False, dependencies=[Depends(opened)], route_class=AnswerRoute
)
ON_A_PAGE = 100
FIRST = PageRequest(ON_A_PAGE, None)
Page = Annotated[PageRequest, Depends(page_request)]
NOBODY = Sentence("Choisissez au moins une personne.", "Choose one person at least.")


@dataclass(frozen=True, slots=True)
class Filled:
    """Who was ticked, why that was refused, or what came of it."""

    ticked: frozenset[str] | None = None
    refusal: Refused = NOTHING_WRONG
    results: tuple[Invited, ...] = ()


AS_STORED = Filled()


@router.get("")
async def show_team(request: Request, act: AsAdmin, page: Page) -> Response:
    """List whom an invitation can reach, a page of them; who waits for an answer already is not ticked."""
    return await _team(request, act, page=PageRequest(ON_A_PAGE, page.after))


@router.post("")
async def invite_team(request: Request, act: AsAdmin) -> Response:
    """Invite those who are ticked, and show each result with its link, once."""
    ticked = forms.all_typed(request, "people")

    async def again(refusal: Refused) -> Response:
        return await _team(request, act, Filled(frozenset(ticked), refusal))

    async with forms.trying(act, again):
        language: Language = "en" if request.state.language == "en" else "fr"
        results = await team.invite(act, _ids(ticked), language, request.app.state.settings)
    # What is kept for a second press must not hold the links.
    await idempotency.keep_answer(request, see(f"/c/{act.company.slug}/people/invite"))
    return await _team(request, act, Filled(results=tuple(results)))


def _ids(ticked: list[str]) -> list[UUID]:
    try:
        found = [UUID(one) for one in ticked]
    except ValueError:
        found = []
    if not found:
        raise InvalidError(NOBODY)
    return found


async def _team(request: Request, act: Act, filled: Filled = AS_STORED, page: PageRequest = FIRST) -> Response:
    language = request.state.language
    found = await team.to_invite(act, page)
    fresh = {str(one.id) for one in found.people if not one.is_waiting}
    ticked = filled.ticked if filled.ticked is not None else fresh
    return render(
        request, "team_invite.html", act=act, found=found.people, ticked=ticked, total=found.total,
        next_cursor=found.next_cursor, is_continued=page.after is not None, results=filled.results,
        error=filled.refusal.text(language), status=int(filled.refusal.status),
    )  # fmt: skip
