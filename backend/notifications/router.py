"""Routes of messages: what a person wants to be written about, and a company's delivery log."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from backend.core.languages import language_of
from backend.core.pagination import Page, PageRequest, page_request
from backend.core.preconditions import ExpectedVersion
from backend.core.resources import show
from backend.identity.access import AsPlanner, SharedSession, SignedIn
from backend.notifications import log, preferences
from backend.notifications.log import MessagesFilter
from backend.notifications.schemas import MessageOut, Preferences, PreferencesChange
from backend.planning.models import MessageStatus, NoticeKind
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute)


@router.get("/me/message-preferences", tags=["me"], summary="Read which messages I want")
async def read_preferences(caller: SignedIn, session: SharedSession, response: Response) -> Preferences:
    """From all companies together, with their `ETag`; no company reads it."""
    return _answer(response, await preferences.read(session, caller.user_id))


@router.patch("/me/message-preferences", tags=["me"], summary="Choose which messages I want")
async def change_preferences(
    body: PreferencesChange, caller: SignedIn, session: SharedSession, expected: ExpectedVersion, response: Response
) -> Preferences:
    """What is left out stays; a message that is not wanted stands in the company's log as skipped."""
    return _answer(response, await preferences.change(session, caller.user_id, body, expected))


@router.get("/messages", tags=["planning"], summary="Read the delivery log")
async def list_messages(
    request: Request,
    act: AsPlanner,
    page: Annotated[PageRequest, Depends(page_request)],
    person_id: UUID | None = None,
    kind: NoticeKind | None = None,
    status: MessageStatus | None = None,
) -> Page[MessageOut]:
    """To whom, about what, when and with which outcome, the newest first; never what a message says."""
    return await log.list_messages(act, MessagesFilter(person_id, kind, status), page, language_of(request))


def _answer(response: Response, found: Preferences) -> Preferences:
    show(response, preferences.version(found))
    return found
