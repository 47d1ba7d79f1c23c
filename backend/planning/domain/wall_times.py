"""A call on another day or at another hour: what the clock of its place shows is kept, not the number of minutes."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from backend.core.errors import InvalidError
from backend.core.schemas import FIRST_YEAR, LAST_YEAR
from backend.rules.wording import time_of


def read_instant(field: str, wall: datetime, zone: ZoneInfo, *, second: bool | None = None) -> datetime:
    """Return when the clocks of `zone` show `wall` (naive); `second` says which time, where they show it twice.

    A time that they skip keeps the offset before the skip, as somebody wrote it: what takes it refuses it.
    Raises InvalidError `ambiguous_time` for a time that is shown twice when nobody says which, `instant_range` for one
    that the planning does not hold.
    """
    if not FIRST_YEAR <= wall.year <= LAST_YEAR:
        raise out_of_range(field)
    first, last = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if second is None and _is_shown_twice(first, last):
        at = time_of(wall)
        raise InvalidError.of(
            ["body", field],
            f"Le {at.fr} existe deux fois dans le fuseau {zone.key} : dites laquelle des deux.",
            f"{at.en} exists twice in {zone.key}: say which of the two.",
            "ambiguous_time",
        )
    return last if second and _is_shown_twice(first, last) else first


def out_of_range(field: str) -> InvalidError:
    """Return the refusal of a day or an instant before or after everything that the planning holds."""
    return InvalidError.of(
        ["body", field],
        f"Choisissez une date entre {FIRST_YEAR} et {LAST_YEAR}.",
        f"Choose a date between {FIRST_YEAR} and {LAST_YEAR}.",
        "instant_range",
    )


def move_to(call: Mapping[str, Any], zone: ZoneInfo, day: date, hour: time | None = None) -> dict[str, Any]:
    """Return the new times of `call` when it begins on `day`, at `hour` or at the hour at which it begins now.

    `call` maps starts_at, ends_at (aware) and breaks, as the API shows them. Raises InvalidError as `read_instant`.
    """
    begins = _wall(call["starts_at"], zone)
    by = datetime.combine(day, hour or begins.time()) - begins

    def moved(name: str, instant: datetime | str) -> datetime:
        return read_instant(name, _wall(instant, zone) + by, zone)

    return {
        "starts_at": moved("starts_at", call["starts_at"]),
        "ends_at": moved("ends_at", call["ends_at"]),
        "breaks": [
            {
                "starts_at": moved("breaks", one["starts_at"]),
                "ends_at": moved("breaks", one["ends_at"]),
                "paid": one["paid"],
            }
            for one in call["breaks"]
        ],
    }


def _wall(instant: datetime | str, zone: ZoneInfo) -> datetime:
    aware = instant if isinstance(instant, datetime) else datetime.fromisoformat(instant)
    return aware.astimezone(zone).replace(tzinfo=None)


def _is_shown_twice(first: datetime, last: datetime) -> bool:
    return last.astimezone(UTC) - first.astimezone(UTC) > timedelta(0)
