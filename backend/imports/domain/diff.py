"""What a row of a file does to the company: create, update, or leave as it is; decided here, written elsewhere."""

import enum
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID


class Outcome(enum.StrEnum):
    """What becomes of one row of a file."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows of one file became what; `absent` are the company's rows that the file lacks: they stay."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: int = 0
    absent: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Step:
    """What one row does: the id of what it is about, and the values as they will stand (with CREATED and UPDATED).

    `before` is the row as the company has it, None when it has none. `line` is the row's in its file.
    """

    line: int
    row_id: UUID
    outcome: Outcome
    before: Mapping[str, Any] | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def after(self) -> dict[str, Any]:
        """The row as it will stand; empty for one that is not created."""
        return {**(self.before or {}), **self.values}


def decide(line: int, found: Mapping[str, Any] | None, values: Mapping[str, Any], new_id: UUID) -> Step:
    """Create what is not there, update what differs from `values`, leave the rest."""
    if found is None:
        return Step(line, new_id, Outcome.CREATED, None, values)
    changed = {name: value for name, value in values.items() if found[name] != value}
    return Step(line, found["id"], Outcome.UPDATED if changed else Outcome.UNCHANGED, found, changed)


def count(steps: Iterable[Step], absent: int) -> Counts:
    """Count the outcomes of one file."""
    outcomes = Counter(step.outcome for step in steps)
    return Counts(**{outcome.value: outcomes[outcome] for outcome in Outcome}, absent=absent)


def of(steps: Sequence[Step], outcome: Outcome) -> list[Step]:
    """Return the steps with this outcome."""
    return [step for step in steps if step.outcome is outcome]
