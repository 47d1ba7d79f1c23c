"""What a row of calls.csv does to a call: times, breaks, touring, and the version that people are told."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from backend.imports.domain.rows import CallRow
from backend.planning.domain.publication import CANCELLED, FIELDS, PUBLISHED, find_changes, take_snapshot

_MINUTE = timedelta(minutes=1)


def file_values(row: CallRow, production_id: UUID, venue_id: UUID | None) -> dict[str, Any]:
    """Return what a row of the file says of a call, without its breaks."""
    return {
        "production_id": production_id,
        "venue_id": venue_id,
        "kind": row.kind,
        "title": row.title,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
    }


def breaks_of(row: CallRow, found: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the breaks of a call: those it has, while they make up the file's minutes and lie inside its times."""
    if found is not None and unpaid_minutes(found) == row.break_minutes and _lie_inside(row, found):
        return {"breaks": found["breaks"], "unplaced_break_minutes": found["unplaced_break_minutes"]}
    return {"breaks": [], "unplaced_break_minutes": row.break_minutes}


def unpaid_minutes(call: Mapping[str, Any]) -> int:
    """Return the unpaid minutes inside a call, whether their place is known or not."""
    placed = sum((_end(one) - _start(one) for one in call["breaks"] if not one["paid"]), timedelta(0))
    minutes: int = call["unplaced_break_minutes"] + placed // _MINUTE
    return minutes


def is_cancelled(call: Mapping[str, Any]) -> bool:
    """Tell whether a call was cancelled: no import wakes it up."""
    return bool(call["status"] == CANCELLED)


def next_version(call: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the columns of the next published version of `call`; empty when people know all of it already."""
    snapshot = take_snapshot({name: call[name] for name in FIELDS})
    if snapshot == call.get("published"):
        return {}
    return {
        "status": PUBLISHED,
        "published": snapshot,
        "published_version": call.get("published_version", 0) + 1,
        "published_at": now,
        "published_starts_at": call["starts_at"],
        "published_ends_at": call["ends_at"],
    }


def publication(call_id: UUID, told_before: Mapping[str, Any] | None, version: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbered version to keep beside the call."""
    return {
        "call_id": call_id,
        "version": version["published_version"],
        "snapshot": version["published"],
        "changes": find_changes(told_before, version["published"]),
        "published_at": version["published_at"],
    }


def _lie_inside(row: CallRow, found: Mapping[str, Any]) -> bool:
    return all(row.starts_at <= _start(one) and _end(one) <= row.ends_at for one in found["breaks"])


def _start(one: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(one["starts_at"])


def _end(one: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(one["ends_at"])
