"""What a publication tells, pure."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.planning.domain.publication import FIELDS, cancel_snapshot, find_changes, take_snapshot
from backend.planning.models import CallKind

CALL: dict[str, Any] = {
    "kind": CallKind.REHEARSAL,
    "title": "Répétition",
    "production_id": UUID(int=1),
    "venue_id": None,
    "starts_at": datetime.fromisoformat("2026-11-16T10:00:00+01:00"),
    "ends_at": datetime.fromisoformat("2026-11-16T13:00:00+01:00"),
    "on_tour": False,
    "breaks": [],
    "unplaced_break_minutes": 0,
    "cancel_reason": "never told by a snapshot",
}


def test_a_snapshot_is_plain_json_in_utc() -> None:
    snapshot = take_snapshot(CALL)
    assert json.loads(json.dumps(snapshot)) == snapshot
    assert snapshot["starts_at"] == "2026-11-16T09:00:00Z"
    assert set(snapshot) == {*FIELDS, "status"}


def test_the_same_instant_with_another_offset_changes_nothing() -> None:
    moved = CALL | {"starts_at": datetime.fromisoformat("2026-11-16T09:00:00+00:00")}
    assert find_changes(take_snapshot(CALL), take_snapshot(moved)) == []


def test_a_first_publication_has_no_changes() -> None:
    assert find_changes(None, take_snapshot(CALL)) == []


def test_changes_name_the_field_with_what_was_and_what_is() -> None:
    later = CALL | {"starts_at": datetime.fromisoformat("2026-11-16T11:00:00+01:00")}
    assert find_changes(take_snapshot(CALL), take_snapshot(later)) == [
        {"field": "starts_at", "before": "2026-11-16T09:00:00Z", "after": "2026-11-16T10:00:00Z"}
    ]


def test_a_cancellation_keeps_what_was_told_last() -> None:
    told = take_snapshot(CALL)
    cancelled = cancel_snapshot(told, "La salle est fermée.")
    assert cancelled["starts_at"] == told["starts_at"]
    assert [change["field"] for change in find_changes(told, cancelled)] == ["status", "cancel_reason"]
