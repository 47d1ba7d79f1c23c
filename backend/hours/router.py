"""Routes of a person's hours by hand, `/me/hours/entries`; the counter reads every company: it is the portal's."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from backend.core.clock import utc_now
from backend.core.pagination import Page, PageRequest, page_request
from backend.core.preconditions import ExpectedVersion
from backend.core.resources import show, show_created
from backend.hours import service
from backend.hours.schemas import EntryChange, EntryIn, EntryOut
from backend.identity.access import SharedSession, SignedIn
from backend.tenancy import idempotency
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute, tags=["me"])


async def _claimed(request: Request, caller: SignedIn, session: SharedSession) -> None:
    await idempotency.claim_shared(request, session, caller.user_id, utc_now())


@router.get("/me/hours/entries", summary="List my hours entered by hand")
async def list_entries(
    caller: SignedIn, session: SharedSession, page: Annotated[PageRequest, Depends(page_request)]
) -> Page[EntryOut]:
    """The newest days first. They are the caller's alone: no company reads them."""
    return await service.list_entries(session, caller, page)


@router.post("/me/hours/entries", status_code=201, summary="Enter hours by hand", dependencies=[Depends(_claimed)])
async def add_entry(
    body: EntryIn, caller: SignedIn, session: SharedSession, request: Request, response: Response
) -> EntryOut:
    """409 `overlap` where the employer's days are entered already, 409 `day_too_long` above 24 hours in one day."""
    entry = await service.add_entry(session, caller, body, utc_now())
    show_created(request, response, entry.id, entry.version)
    return entry


@router.get("/me/hours/entries/{entry_id}", summary="Read hours entered by hand")
async def read_entry(entry_id: UUID, caller: SignedIn, session: SharedSession, response: Response) -> EntryOut:
    """With its `ETag`."""
    entry = await service.read_entry(session, caller, entry_id)
    show(response, entry.version)
    return entry


@router.patch("/me/hours/entries/{entry_id}", summary="Change hours entered by hand")
async def change_entry(
    entry_id: UUID, body: EntryChange, caller: SignedIn, session: SharedSession, expected: ExpectedVersion,
    response: Response,
) -> EntryOut:  # fmt: skip
    """Only the fields sent change; refused as a new entry is."""
    entry = await service.change_entry(session, caller, entry_id, body, expected, utc_now())
    show(response, entry.version)
    return entry


@router.delete("/me/hours/entries/{entry_id}", status_code=204, summary="Delete hours entered by hand")
async def delete_entry(entry_id: UUID, caller: SignedIn, session: SharedSession, expected: ExpectedVersion) -> None:
    """The counter forgets them at once."""
    await service.delete_entry(session, caller, entry_id, expected)
