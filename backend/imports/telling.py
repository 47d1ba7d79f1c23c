"""What an import tells people: what it changes of what they knew, as the same act by hand would.

What it brings was agreed elsewhere: new calls, and new people on any call, are told to nobody. So is what is over.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.imports.domain.columns import ASSIGNMENTS, CALLS
from backend.imports.domain.diff import Outcome, Step, of
from backend.imports.matching import Plan
from backend.imports.repository import Found
from backend.planning import notices, publishing
from backend.planning.domain.states import Status
from backend.planning.models import NoticeKind
from backend.tenancy.acting import Act

_GONE = frozenset({Status.RELEASED, Status.CANCELLED})
_STOOD = frozenset({Status.OPTION, Status.ACCEPTED, Status.CONFIRMED})


async def tell(act: Act, plan: Plan, found: Found) -> None:
    """Note who must be told of the plan, once it is written."""
    versions = {
        step.row_id: (before["published"], step.after["published"])
        for step in of(plan.steps[CALLS], Outcome.UPDATED)
        if _is_known(before := step.before or {}, act.now) and before["published"] != step.after["published"]
    }
    if versions:
        await publishing.tell_people(act, versions)
    news: dict[NoticeKind, list[notices.Concerned]] = {}
    for kind, concerned in _of_people(plan, found, act.now):
        news.setdefault(kind, []).append(concerned)
    for kind, of_this_kind in news.items():
        notices.note(act, kind, of_this_kind)


def _of_people(plan: Plan, found: Found, now: datetime) -> Iterator[tuple[NoticeKind, notices.Concerned]]:
    calls = plan.by_id(CALLS)
    for step in of(plan.steps[ASSIGNMENTS], Outcome.UPDATED):
        call_id: UUID = step.after["call_id"]
        call, kind = found.calls.by_id[call_id], _kind(step)
        if kind is not None and _is_known(call, now):
            starts_at = (calls[call_id].after if call_id in calls else call)["starts_at"]
            yield kind, notices.Concerned(step.row_id, call_id, step.after["person_id"], starts_at, is_published=True)


def _kind(step: Step) -> NoticeKind | None:
    before, after = (step.before or {})["status"], step.after["status"]
    if after is Status.CONFIRMED and before is not Status.CONFIRMED:
        return NoticeKind.CONFIRMED
    if after is Status.OPTION and before is Status.DRAFT:
        return NoticeKind.OFFERED
    return NoticeKind.CANCELLED if after in _GONE and before in _STOOD else None


def _is_known(call: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether people were told of a call that still lies ahead, before the import."""
    return call.get("published") is not None and bool(call["starts_at"] > now)
