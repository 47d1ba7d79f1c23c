"""Reading a company's audit trail."""

from backend.audit import repository
from backend.audit.repository import EventsFilter
from backend.audit.schemas import AuditEventOut
from backend.core.pagination import Page, PageRequest, cut
from backend.tenancy.acting import Act


async def list_events(act: Act, wanted: EventsFilter, page: PageRequest) -> Page[AuditEventOut]:
    """Return one page of events, newest first."""
    found = await repository.list_events(act.session, wanted, page)
    rows, cursor = cut(found, page, lambda row: repository.place_of(wanted, row))
    events = [AuditEventOut.model_validate(row, from_attributes=True) for row in rows]
    return Page[AuditEventOut](items=events, next_cursor=cursor)
