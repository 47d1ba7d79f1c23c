"""Options as time sees them: when a person is reminded of one, and who moves up when somebody falls."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

FIRST, SECOND = 1, 2
DAY_BEFORE = timedelta(days=1)
TOO_SHORT = timedelta(hours=2)
Place = tuple[UUID, str]
"""A call and a job: what a first and a second choice are asked for."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How many people a place wants (None: nobody has said), and how many stand on it as confirmed or first choice."""

    headcount: int | None
    standing: int


def default_reminder(now: datetime, expires_at: datetime) -> datetime | None:
    """Return a day before the expiry, or half-way where that is later; None for an option of less than two hours."""
    if expires_at - now < TOO_SHORT:
        return None
    half_way = now + (expires_at - now) / 2
    return max(expires_at - DAY_BEFORE, half_way).replace(microsecond=0)


def move_up(
    fallen: Iterable[Place], seconds: Sequence[tuple[UUID, Place]], standing: Mapping[Place, Standing]
) -> list[UUID]:
    """Return which of the second choices, in their order, move up: one for each who fell, while a place wants them."""
    open_places: dict[Place, int] = {}
    for place in fallen:
        open_places[place] = open_places.get(place, 0) + 1
    for place, found in standing.items():
        if found.headcount is not None and place in open_places:
            open_places[place] = min(open_places[place], max(0, found.headcount - found.standing))
    moved = []
    for assignment_id, place in seconds:
        if open_places.get(place, 0) > 0:
            open_places[place] -= 1
            moved.append(assignment_id)
    return moved
