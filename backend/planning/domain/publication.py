"""What a published call tells the people called, as one snapshot, and what changed between two of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

FIELDS = (
    "kind",
    "title",
    "production_id",
    "venue_id",
    "starts_at",
    "ends_at",
    "on_tour",
    "breaks",
    "unplaced_break_minutes",
)
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


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a column of a call holds
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, UUID):
        return str(value)
    return value.value if isinstance(value, Enum) else value
