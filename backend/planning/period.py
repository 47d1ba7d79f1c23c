"""A period asked for in a query: `from` and `to`, instants with an offset or days of the company's calendar."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Query

from backend.core.errors import InvalidError
from backend.core.schemas import FIRST_YEAR, LAST_YEAR

LONGEST = timedelta(days=62)
CLOCK_CHANGE = timedelta(hours=1)  # 62 days across the autumn night last an hour more
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LOST_PLUS = re.compile(r" (\d{2}:?\d{2})$")  # a `+` that a client forgot to encode arrives as a space
_LIMIT = 40

FromQuery = Annotated[
    str | None,
    Query(
        alias="from",
        max_length=_LIMIT,
        description="Instant with an offset, or a day in the company's time zone (`/me`: Europe/Paris).",
        examples=["2026-11-16"],
    ),
]
ToQuery = Annotated[
    str | None,
    Query(
        alias="to",
        max_length=_LIMIT,
        description="Instant with an offset (excluded), or a day in the company's time zone (that whole day included).",
        examples=["2026-11-22"],
    ),
]


@dataclass(frozen=True, slots=True)
class Period:
    """From `starts_at` until just before `ends_at`, both in UTC; None where the query left a side open."""

    starts_at: datetime | None
    ends_at: datetime | None


ALWAYS = Period(None, None)


@dataclass(frozen=True, slots=True)
class BoundedPeriod:
    """A period with two ends, of at most 62 days."""

    starts_at: datetime
    ends_at: datetime


def read_period(starts: str | None, ends: str | None, timezone: str) -> Period:
    """Read both sides; raises InvalidError for what is no instant and no day, and for an end before the start."""
    zone = ZoneInfo(timezone)
    first = None if starts is None else _read("from", starts, zone, days_added=0)
    last = None if ends is None else _read("to", ends, zone, days_added=1)
    if first is not None and last is not None and last <= first:
        raise InvalidError.of(
            ["query", "to"],
            "« to » doit venir après « from » : corrigez la période.",
            "`to` must come after `from`: correct the period.",
            "period",
        )
    return Period(first, last)


def read_bounded_period(starts: str | None, ends: str | None, timezone: str) -> BoundedPeriod:
    """Read a period that must have both sides and last 62 days at most (InvalidError otherwise)."""
    for name, value in (("from", starts), ("to", ends)):
        if value is None:
            raise InvalidError.of(
                ["query", name],
                f"Il manque « {name} » : donnez un jour (2026-11-16) ou un instant avec son décalage horaire.",
                f"`{name}` is missing: give a day (2026-11-16) or an instant with its offset.",
                "missing",
            )
    found = read_period(starts, ends, timezone)
    bounded = BoundedPeriod(*_both(found))
    if bounded.ends_at - bounded.starts_at > LONGEST + CLOCK_CHANGE:
        raise InvalidError.of(
            ["query", "to"],
            f"La période dépasse {LONGEST.days} jours : demandez-en une plus courte.",
            f"The period is longer than {LONGEST.days} days: ask for a shorter one.",
            "period_too_long",
        )
    return bounded


def _both(period: Period) -> Any:  # noqa: ANN401 - two instants: the caller has refused a missing side
    return period.starts_at, period.ends_at


def _read(name: str, value: str, zone: ZoneInfo, *, days_added: int) -> datetime:
    try:
        if _DAY.fullmatch(value):
            day = date.fromisoformat(value)
            found = datetime.combine(day + timedelta(days=days_added), time(), zone)
        else:
            found = datetime.fromisoformat(_LOST_PLUS.sub(r"+\1", value))
    except (ValueError, OverflowError):
        raise _unreadable(name) from None
    if found.utcoffset() is None or not FIRST_YEAR <= found.year <= LAST_YEAR + 1:
        raise _unreadable(name)
    return found.astimezone(UTC)


def _unreadable(name: str) -> InvalidError:
    return InvalidError.of(
        ["query", name],
        f"« {name} » n'est ni un jour (2026-11-16) ni un instant avec son décalage (2026-11-16T10:00:00+01:00), "
        f"entre {FIRST_YEAR} et {LAST_YEAR}.",
        f"`{name}` is neither a day (2026-11-16) nor an instant with its offset (2026-11-16T10:00:00+01:00), "
        f"between {FIRST_YEAR} and {LAST_YEAR}.",
        "period",
    )
