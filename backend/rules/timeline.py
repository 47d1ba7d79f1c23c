"""The work of one person put in order: breaks cut out, overlaps merged, minutes added up by day and by week."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from backend.rules.days import Days, minute_of, monday, overlap
from backend.rules.work import Segment

Interval = tuple[int, int]
_FAR = 10**12  # minutes: before every calendar


@dataclass(frozen=True, slots=True)
class Placed:
    """A segment with its place in minutes, and the pieces of it that are work."""

    segment: Segment
    start: int
    end: int
    pieces: Sequence[Interval]

    @property
    def minutes(self) -> int:
        """How long it is work."""
        return sum(ends - starts for starts, ends in self.pieces)

    def within(self, start: int, end: int) -> int:
        """Return its minutes of work between `start` and `end`."""
        return sum(overlap(starts, ends, start, end) for starts, ends in self.pieces)


@dataclass(frozen=True)
class Timeline:
    """The segments in order of their start; everything else is added up when first asked for."""

    placed: Sequence[Placed]
    days: Days

    @cached_property
    def work(self) -> list[Interval]:
        """Intervals of work, merged: touching ones are one."""
        return merge(piece for placed in self.placed for piece in placed.pieces)

    @cached_property
    def presence(self) -> list[Interval]:
        """Intervals between call and end of call, breaks included, merged."""
        return merge((placed.start, placed.end) for placed in self.placed)

    @cached_property
    def by_day(self) -> dict[int, int]:
        """Minutes of work of each civil day that has some, in order."""
        found: dict[int, int] = {}
        for day, start, end in self.parts:
            found[day] = found.get(day, 0) + end - start
        return found

    @cached_property
    def by_week(self) -> dict[int, int]:
        """Minutes of work of each ISO week that has some, by its Monday."""
        return add_by_week(self.by_day)

    def touching(self, start: int, end: int) -> list[Placed]:
        """Return the segments that share time with `start`..`end`."""
        starts = self._starts
        first, last = bisect_right(starts, start - self._longest), bisect_left(starts, end)
        return [placed for placed in self.placed[first:last] if placed.end > start]

    def minutes_between(self, start: int, end: int) -> int:
        """Return the minutes of work between two minutes."""
        first = max(0, bisect_right(self.work, (start, 0)) - 1)
        found = 0
        for starts, ends in self.work[first:]:
            if starts >= end:
                break
            found += overlap(starts, ends, start, end)
        return found

    def ending_at(self, minute: int) -> Sequence[Placed]:
        """Return the segments that end at `minute`."""
        return self._by_end.get(minute, ())

    def starting_at(self, minute: int) -> Sequence[Placed]:
        """Return the segments that start at `minute`."""
        first, last = bisect_left(self._starts, minute), bisect_right(self._starts, minute)
        return self.placed[first:last]

    def end_without(self, left: Placed, default: int) -> int:
        """Return the last end of the segments that start before `left` ends, without it; `default` without others."""
        until = bisect_left(self._starts, left.end)
        # Whatever starts before `left` has its furthest end added up; what starts beside or after it is looked at.
        at = bisect_left(self._starts, left.start)
        ends = [one.end for one in self.placed[at:until] if one is not left]
        return max([*ends, self._ends_so_far[at - 1]] if at else ends, default=default)

    @cached_property
    def parts(self) -> list[tuple[int, int, int]]:
        """Work parted at midnight: day, start, end."""
        return list(split_by_day(self.work, self.days))

    @cached_property
    def _starts(self) -> list[int]:
        return [placed.start for placed in self.placed]

    @cached_property
    def _by_end(self) -> dict[int, list[Placed]]:
        found: dict[int, list[Placed]] = {}
        for placed in self.placed:
            found.setdefault(placed.end, []).append(placed)
        return found

    @cached_property
    def _ends_so_far(self) -> list[int]:
        return list(accumulate((placed.end for placed in self.placed), max))

    @cached_property
    def _longest(self) -> int:
        return max((placed.end - placed.start for placed in self.placed), default=0)


def lay_out(segments: Iterable[Segment], days: Days) -> Timeline:
    """Return the timeline of `segments`; those that do not end after their start count for nothing."""
    placed = [place(segment) for segment in segments]
    return Timeline(sorted((one for one in placed if one.start < one.end), key=lambda one: (one.start, one.end)), days)


def place(segment: Segment) -> Placed:
    """Return `segment` in minutes, with its unpaid breaks cut out."""
    start, end = minute_of(segment.starts_at), minute_of(segment.ends_at)
    pieces: Sequence[Interval] = [(start, end)]
    if segment.pauses:
        pieces = stay_at_work(segment, start, end)
    if segment.unplaced_break_minutes > 0:
        pieces = _without_unplaced(pieces, segment.unplaced_break_minutes)
    return Placed(segment, start, end, pieces)


def stay_at_work(segment: Segment, start: int, end: int) -> list[Interval]:
    """Return `start`..`end` without the unpaid breaks whose place is known; what lies outside cuts nothing."""
    pauses = merge((minute_of(p.starts_at), minute_of(p.ends_at)) for p in segment.pauses if not p.paid)
    pieces, at = [], start
    for starts, ends in pauses:
        if starts > at:
            pieces.append((at, min(starts, end)))
        at = max(at, ends)
        if at >= end:
            break
    if at < end:
        pieces.append((at, end))
    return [piece for piece in pieces if piece[0] < piece[1]]


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the union of `intervals`, in order; empty ones vanish, touching ones become one."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def split_by_day(intervals: Iterable[Interval], days: Days) -> Iterator[tuple[int, int, int]]:
    """Yield `day, start, end` for the part of each interval that lies in one civil day."""
    day, midnight = 0, -_FAR
    for first, end in intervals:
        start = first
        while start < end:
            if start >= midnight:
                day = days.of(start)
                midnight = days.start(day + 1)
            yield day, start, min(end, midnight)
            start = midnight


def add_by_week(by_day: dict[int, int]) -> dict[int, int]:
    """Return the minutes of each ISO week, by its Monday."""
    found: dict[int, int] = {}
    for day, minutes in by_day.items():
        week = monday(day)
        found[week] = found.get(week, 0) + minutes
    return found


def _without_unplaced(pieces: Sequence[Interval], minutes: int) -> list[Interval]:
    """Take the break out of the middle of the longest piece; what it cannot hold, out of the next longest."""
    left = sorted(pieces, key=lambda piece: piece[0] - piece[1])
    kept: list[Interval] = []
    for start, end in left:
        cut = min(minutes, end - start)
        minutes -= cut
        middle = start + (end - start - cut) // 2
        kept += [(start, middle), (middle + cut, end)] if cut else [(start, end)]
    return sorted(piece for piece in kept if piece[0] < piece[1])
