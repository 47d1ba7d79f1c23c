"""Whom the company holds after the import: what to give back, what to hold, and who would be in two places at once."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Span:
    """When an assignment holds its person."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Stand:
    """One assignment before and after the import; None while it holds nobody."""

    assignment_id: UUID
    person_id: UUID
    call_id: UUID
    before: Span | None
    after: Span | None

    @property
    def changes(self) -> bool:
        """Tell whether the ledger has something to do."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Clash:
    """A person held twice at one time: by what this import brings, and by something else of the company."""

    brought: Stand
    other: Stand


def find_clashes(stands: Iterable[Stand]) -> list[Clash]:
    """Return the first clash of each assignment that this import brings or moves."""
    held: dict[UUID, list[tuple[Span, Stand]]] = defaultdict(list)
    for stand in stands:
        if stand.after is not None:
            held[stand.person_id].append((stand.after, stand))
    return [clash for spans in held.values() for clash in _of_person(spans)]


def _of_person(spans: list[tuple[Span, Stand]]) -> Iterable[Clash]:
    spans.sort(key=lambda pair: (pair[0].starts_at, pair[0].ends_at, pair[1].assignment_id))
    latest, holder = spans[0]
    for span, stand in spans[1:]:
        if span.starts_at < latest.ends_at and (stand.changes or holder.changes):
            yield Clash(stand, holder) if stand.changes else Clash(holder, stand)
        if span.ends_at > latest.ends_at:
            latest, holder = span, stand
