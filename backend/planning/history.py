"""The history of one assignment, from the company's audit trail: who did what, when, from where to where, and why."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row

from backend.audit.repository import EventsFilter, list_events, place_of
from backend.core.pagination import Page, PageRequest, cut
from backend.planning import refusals, repository
from backend.planning.domain.states import Status
from backend.planning.schemas import HistoryOut
from backend.tenancy.acting import Act

# What was done to all assignments of a call at once names no state: the act itself says it.
_REACHED = {"created": Status.DRAFT, "released": Status.RELEASED, "cancelled": Status.CANCELLED}


async def read_history(act: Act, assignment_id: UUID, page: PageRequest) -> Page[HistoryOut]:
    """Return one page of the acts on an assignment, newest first. Raises NotFoundError."""
    if await repository.find_assignment(act, assignment_id) is None:
        raise refusals.missing(refusals.NO_ASSIGNMENT)
    wanted = EventsFilter(subject_id=assignment_id)
    rows, cursor = cut(await list_events(act.session, wanted, page), page, lambda row: place_of(wanted, row))
    return Page[HistoryOut](items=[_shown(row) for row in rows], next_cursor=cursor)


def _shown(row: Row[Any]) -> HistoryOut:
    before, after = row.before or {}, row.after or {}
    values = {
        "at": row.at, "what": row.what, "by": row.actor_name, "from": before.get("status"),
        "to": after.get("status") or _REACHED.get(row.what.rpartition(".")[2]), "reason": after.get("reason"),
        "on_behalf": after.get("on_behalf"),
    }  # fmt: skip
    return HistoryOut.model_validate(values)
