"""What a published call tells the people called, as one snapshot, and what changed between two of them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from backend.core.errors import Sentence

NAMES: Mapping[str, Sentence] = {
    "kind": Sentence("nature", "kind"),
    "title": Sentence("titre", "title"),
    "production_id": Sentence("production", "production"),
    "venue_id": Sentence("lieu", "venue"),
    "starts_at": Sentence("début", "start"),
    "ends_at": Sentence("fin", "end"),
    "on_tour": Sentence("en tournée", "on tour"),
    "breaks": Sentence("pauses", "breaks"),
    "unplaced_break_minutes": Sentence("pauses sans heure", "breaks without a time"),
}
"""What is told of a call, as people call it."""
FIELDS = tuple(NAMES)
TOLD = timedelta(minutes=15)
"""A move of more than this is told to the people; less is read when they look."""
WHEN_AND_WHERE = ("starts_at", "ends_at", "venue_id")
PUBLISHED, CANCELLED = "published", "cancelled"


def instant_text(instant: datetime) -> str:
    """Return an aware instant as the API writes it: UTC, `2026-11-16T09:00:00Z`."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def take_snapshot(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the publication of `call` tells, in JSON's own types; `call` maps at least `FIELDS`."""
    return {name: _plain(call[name]) for name in FIELDS} | {"status": PUBLISHED}


def cancel_snapshot(told: Mapping[str, Any], reason: str | None) -> dict[str, Any]:
    """Return the snapshot of the cancellation: what was told last stands cancelled, so that people recognise it."""
    return {**told, "status": CANCELLED, "cancel_reason": reason}


def find_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return `{field, before, after}` for each difference; a first publication has changed nothing."""
    if before is None:
        return []
    return [
        {"field": name, "before": before.get(name), "after": after[name]}
        for name in after
        if before.get(name) != after[name]
    ]


def has_moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Tell whether the times or the place are other ones, by however little."""
    return any(before.get(name) != after.get(name) for name in WHEN_AND_WHERE)


def must_be_told(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> bool:
    """Tell whether people who were told `before` must be told of `after`: another place, or times too far from it."""
    if before is None:
        return False
    moved = any(
        abs(datetime.fromisoformat(after[name]) - datetime.fromisoformat(before[name])) > TOLD
        for name in ("starts_at", "ends_at")
    )
    return moved or before.get("venue_id") != after.get("venue_id")


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a column of a call holds
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, UUID):
        return str(value)
    return value.value if isinstance(value, Enum) else value
