"""Adding events to a company's audit trail."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from backend.audit.models import AuditEvent
from backend.tenancy.acting import Act


def record(
    act: Act,
    what: str,
    subject_id: UUID | None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Add one event (`what`: "person.created", "call.moved", ...); stored with the act's own transaction."""
    act.session.add(
        AuditEvent(
            at=act.now,
            what=what,
            subject_id=subject_id,
            actor_id=act.actor.user_id,
            actor_name=act.actor.name,
            before=plain(before),
            after=plain(after),
        )
    )


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return only the values that differ, before and after."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


def plain(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the values in the forms that JSON has."""
    return None if values is None else {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    return value
