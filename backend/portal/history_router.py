"""Route of `/audit-events`: it stands here because the trail itself, below, knows neither roles nor periods."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from backend.audit import trail
from backend.audit.repository import EventsFilter
from backend.audit.schemas import AuditEventOut
from backend.core.pagination import Page, PageRequest, page_request
from backend.core.schemas import Line
from backend.identity.access import AsAdmin
from backend.planning.period import FromQuery, ToQuery, read_period
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute, tags=["company"])


def _wanted(
    act: AsAdmin,
    subject_id: Annotated[UUID | None, Query(description="What was acted upon.")] = None,
    what: Annotated[Line | None, Query(description="The act, exactly.", examples=["person.changed"])] = None,
    starts: FromQuery = None,
    ends: ToQuery = None,
) -> EventsFilter:
    period = read_period(starts, ends, act.company.timezone)
    return EventsFilter(subject_id, what, period.starts_at, period.ends_at)


@router.get("/audit-events", summary="Read who did what")
async def list_events(
    act: AsAdmin,
    wanted: Annotated[EventsFilter, Depends(_wanted)],
    page: Annotated[PageRequest, Depends(page_request)],
) -> Page[AuditEventOut]:
    """Newest first, for owners and admins; of a day of the company's calendar, or from one to another, both included.

    Events are added and read, never changed.
    """
    return await trail.list_events(act, wanted, page)
