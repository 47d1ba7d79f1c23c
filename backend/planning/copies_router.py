"""Routes of planning by copy: `/planning/copies` and `/shifts`, `/calls/series`, `/call-templates`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from backend.core.languages import language_of
from backend.core.pagination import Page, PageRequest, page_request
from backend.core.preconditions import ExpectedVersion
from backend.core.resources import show, show_created
from backend.identity.access import AsPlanner, AsReader
from backend.planning import copying, series, shifting, templates
from backend.planning.copy_schemas import (
    CopyIn,
    CopyOut,
    SeriesIn,
    SeriesOut,
    ShiftIn,
    ShiftOut,
    TemplateChange,
    TemplateIn,
    TemplateOut,
)
from backend.planning.gate import Brought
from backend.planning.probing import unhurried
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute)


@router.post("/planning/copies", tags=["planning"], summary="Copy calls, a day, a week or a production")
async def copy_calls(act: AsPlanner, body: CopyIn) -> CopyOut:
    """Drafts at other dates, at the same times on the clocks of each venue, with breaks and positions; all or nothing.

    People come along as drafts with `people: draft`. A time in the hour that the clocks skip in spring moves on by that
    hour, one in the hour that they show twice in autumn is its first; a call over the change lasts an hour less or
    more. `clock_change` marks all of these, and `duration_minutes` says how long each really lasts.
    What was copied to the same times before is refused (409 `already_copied`) unless `again` is true.
    """
    return await copying.copy_calls(act, body)


@router.post("/planning/shifts", tags=["planning"], summary="Move a block of dates", dependencies=[Depends(unhurried)])
async def shift_calls(act: AsPlanner, body: ShiftIn, request: Request) -> ShiftOut:
    """All of the calls with their confirmed people, or none: refused as one call that moves is.

    By `days`, the clocks keep their times; by `minutes`, so many minutes pass.
    """
    return await shifting.shift_calls(act, body, Brought(body.clearance, language_of(request)))


@router.post("/calls/series", status_code=201, tags=["planning"], summary="Add a series of calls")
async def create_series(act: AsPlanner, body: SeriesIn) -> SeriesOut:
    """Drafts on days of the week or on dates, less the exceptions, 400 at most; over the end of a year if it is meant.

    `start` is what the clocks of the venue show, on every day of the series. Exceptions on which it has no call are
    named in `except_unused`.
    """
    return await series.create_series(act, body)


@router.get("/call-templates", tags=["planning"], summary="List the templates of calls")
async def list_templates(act: AsReader, page: Annotated[PageRequest, Depends(page_request)]) -> Page[TemplateOut]:
    """In the order in which they were made."""
    return await templates.list_templates(act, page)


@router.post("/call-templates", status_code=201, tags=["planning"], summary="Add a template of calls")
async def create_template(act: AsPlanner, body: TemplateIn, request: Request, response: Response) -> TemplateOut:
    """409 `duplicate` when a template of this kind has the title."""
    made = await templates.create_template(act, body)
    show_created(request, response, made.id, made.version)
    return made


@router.get("/call-templates/{template_id}", tags=["planning"], summary="Read a template of calls")
async def read_template(act: AsReader, template_id: UUID, response: Response) -> TemplateOut:
    """With its `ETag`."""
    found = await templates.read_template(act, template_id)
    show(response, found.version)
    return found


@router.patch("/call-templates/{template_id}", tags=["planning"], summary="Change a template of calls")
async def change_template(
    act: AsPlanner, template_id: UUID, body: TemplateChange, expected: ExpectedVersion, response: Response
) -> TemplateOut:
    """Only the fields sent change; calls made from it stay as they are."""
    changed = await templates.change_template(act, template_id, body, expected)
    show(response, changed.version)
    return changed


@router.delete(
    "/call-templates/{template_id}", status_code=204, tags=["planning"], summary="Delete a template of calls"
)
async def delete_template(act: AsPlanner, template_id: UUID, expected: ExpectedVersion) -> None:
    """Calls made from it stay."""
    await templates.delete_template(act, template_id, expected)
