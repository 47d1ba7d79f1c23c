"""A change of the planning that is only proposed: calls at other times, people on calls, people taken off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from backend.rules.work import Pause, Segment, Work

NEW = "new-"
"""Begins the name of an assignment that does not exist yet; an id follows."""


@dataclass(frozen=True, slots=True)
class NewTimes:
    """When a call would take place instead; `facts` are what else of it would be another thing, as a segment has it."""

    starts_at: datetime
    ends_at: datetime
    pauses: Sequence[Pause]
    unplaced_break_minutes: int
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Calls that move; segments that each person (by id) would be confirmed on; assignments that would go."""

    moved: Mapping[str, NewTimes]
    confirmed: Mapping[str, Sequence[Segment]]
    released: frozenset[str]

    def applied_to(self, work: Work) -> Work:
        """Return the work of somebody as it would be; an assignment that stands already is confirmed, not doubled."""
        kept = [segment for segment in work.segments if segment.assignment not in self.released]
        for wanted in self.confirmed.get(work.person, ()):
            kept = [*(s for s in kept if s.assignment != wanted.assignment), replace(wanted, if_confirmed=False)]
        return replace(work, segments=[self._moved(segment) for segment in kept])

    def _moved(self, segment: Segment) -> Segment:
        times = self.moved.get(segment.call)
        if times is None:
            return segment
        return replace(
            segment,
            starts_at=times.starts_at,
            ends_at=times.ends_at,
            pauses=times.pauses,
            unplaced_break_minutes=times.unplaced_break_minutes,
            **times.facts,
        )


def overlapping(work: Work, segment: Segment) -> list[Segment]:
    """Return the other confirmed segments of somebody that share time with `segment`."""
    return [
        other
        for other in work.segments
        if not other.if_confirmed
        and other.assignment != segment.assignment
        and other.starts_at < segment.ends_at
        and segment.starts_at < other.ends_at
    ]
