"""The period in which hours are looked for, and the day on which a worked day leaves it."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from backend.hours.domain.work import ONE_DAY, Kind, Span, Work, span_of

DAYS_365 = timedelta(days=365)


def year_before(day: date) -> date:
    """Return the same day one year earlier; 28 February for a 29th."""
    is_leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if is_leap_day else day.day)


def search_window(
    reference: date, readings: Mapping[str, str], works: Iterable[Work], used_until: date | None = None
) -> tuple[Span, int]:
    """Return the period that ends with the contract's last day, and by how many days sickness lengthens it.

    Twelve months back from `reference` (end of the retained contract); days up to `used_until` opened rights already
    and are out. Sources: France Travail, "conditions"; service-public.fr F14098 (sickness).
    """
    last = reference if readings["window_ends"] == "included" else reference - ONE_DAY
    before = last - DAYS_365 if readings["window_length"] == "days_365" else year_before(last)
    window = Span(before + ONE_DAY, last)
    sick = _sick_days(works, window) if readings["sickness"] == "lengthens" else 0
    first = window.first - timedelta(days=sick)
    return Span(max(first, used_until + ONE_DAY) if used_until else first, last), sick


def leaves_on(day: date) -> date:
    """Return the first end of contract whose twelve months no longer hold `day`."""
    is_leap_day = (day.month, day.day) == (2, 29)
    return date(day.year + 1, 3, 1) if is_leap_day else day.replace(year=day.year + 1)


def _sick_days(works: Iterable[Work], window: Span) -> int:
    return sum(span_of(work).common(window).days for work in works if work.kind is Kind.SICKNESS)
