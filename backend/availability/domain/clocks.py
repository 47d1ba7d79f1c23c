"""From wall times of a zone to instants, on the nights too when the clocks change."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo


@dataclass(frozen=True, order=True, slots=True)
class Span:
    """From `starts_at` until just before `ends_at`, both in UTC."""

    starts_at: datetime
    ends_at: datetime

    def overlaps(self, other: "Span") -> bool:
        """Tell whether both have a moment in common."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def without(self, other: "Span") -> list["Span"]:
        """Return what of this span lies outside `other`: none, one or two spans."""
        if not self.overlaps(other):
            return [self]
        before, after = Span(self.starts_at, other.starts_at), Span(other.ends_at, self.ends_at)
        return [part for part in (before, after) if part.starts_at < part.ends_at]


def instant_of(wall: datetime, zone: tzinfo) -> datetime:
    """Return the instant at which the clocks of `zone` show `wall` (naive).

    A time that the clocks skip moves on by as much as they do (02:30 is 03:30); of one shown twice, the first.
    """
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def span_of(start: datetime, end: datetime, zone: tzinfo) -> Span:
    """Return the span between two times on the clocks of `zone`, where the first comes before the second.

    A start that the clocks skip may move on to the end or past it (02:30 to 03:30): then the span keeps its length.
    """
    span = Span(instant_of(start, zone), instant_of(end, zone))
    return span if span.starts_at < span.ends_at else Span(span.starts_at, span.starts_at + (end - start))


def merged(spans: Iterable[Span], within: Span) -> list[Span]:
    """Return the spans cut to `within`, with those that touch or overlap made one: how many there were is not told."""
    found: list[Span] = []
    for span in sorted(spans):
        cut = Span(max(span.starts_at, within.starts_at), min(span.ends_at, within.ends_at))
        if cut.starts_at >= cut.ends_at:
            continue
        if found and cut.starts_at <= found[-1].ends_at:
            found[-1] = Span(found[-1].starts_at, max(found[-1].ends_at, cut.ends_at))
        else:
            found.append(cut)
    return found
