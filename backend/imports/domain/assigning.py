"""What a row of assignments.csv does: acts done in Filage win over the file, and no refusal is undone."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from backend.imports.domain.diff import Outcome, Step
from backend.imports.domain.rows import AssignmentRow
from backend.imports.domain.typed import ONCE_OPTIONS
from backend.planning.domain.states import LIVE, Status, effective

REFUSED: Final = frozenset({Status.DECLINED, Status.RELEASED})

Key = tuple[UUID, UUID, str]


def current_by_key(rows: Iterable[Mapping[str, Any]]) -> dict[Key, Mapping[str, Any]]:
    """Return the assignment of each call, person and job that a file speaks of: the live one, else the latest.

    `rows` come in the order in which they were made.
    """
    current: dict[Key, Mapping[str, Any]] = {}
    for row in rows:
        key = (row["call_id"], row["person_id"], row["job"])
        if key not in current or current[key]["status"] not in LIVE:
            current[key] = row
    return current


def file_values(row: AssignmentRow, now: datetime) -> dict[str, Any]:
    """Return what a row of the file says; an option whose expiry is past is expired."""
    status = effective(Status(row.status), row.option_expires_at, now)
    values: dict[str, Any] = {"status": status, "pay_unit": row.pay_unit, "cachets": row.cachets}
    if status in ONCE_OPTIONS:
        values |= {"rank": row.option_rank, "expires_at": row.option_expires_at}
    return values


def decide_assignment(row: AssignmentRow, found: Mapping[str, Any], values: Mapping[str, Any], now: datetime) -> Step:
    """Decide about an assignment that the company has.

    It is kept as it is when it stands elsewhere than the file says, and either somebody acted on it in Filage or it
    was declined or released.
    """
    status = effective(found["status"], found["expires_at"], now)
    if values["status"] is not status and (found["acted_at"] is not None or status in REFUSED):
        return Step(row.line, found["id"], Outcome.KEPT, found)
    # An option that lapsed since it was imported is stored as an option, and is no change.
    stands = {**found, "status": status}
    changed = {name: value for name, value in values.items() if stands[name] != value}
    return Step(row.line, found["id"], Outcome.UPDATED if changed else Outcome.UNCHANGED, found, changed)
