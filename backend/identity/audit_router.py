"""Route of `/audit-events`: it stands here because the trail itself, below, knows nothing of roles."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from backend.audit import trail
from backend.audit.repository import EventsFilter
from backend.audit.schemas import AuditEventOut
from backend.core.pagination import Page, PageRequest, page_request
from backend.core.schemas import Instant, Line
from backend.identity.access import AsAdmin
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute, tags=["company"])


def _wanted(
    subject_id: Annotated[UUID | None, Query(description="What was acted upon.")] = None,
    what: Annotated[Line | None, Query(description="The act, exactly.", examples=["person.changed"])] = None,
    since: Annotated[Instant | None, Query(alias="from", description="This instant and later.")] = None,
    until: Annotated[Instant | None, Query(alias="to", description="Before this instant.")] = None,
) -> EventsFilter:
    return EventsFilter(subject_id, what, since, until)


@router.get("/audit-events", summary="Read who did what")
async def list_events(
    act: AsAdmin,
    wanted: Annotated[EventsFilter, Depends(_wanted)],
    page: Annotated[PageRequest, Depends(page_request)],
) -> Page[AuditEventOut]:
    """Newest first, for owners and admins. Events are added and read, never changed."""
    return await trail.list_events(act, wanted, page)
