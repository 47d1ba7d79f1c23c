"""What a company's planning brings to the counter: confirmed calls as paid hours or cachets, day by day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from backend.hours.domain.work import Kind, Standing, Work

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class PaidCall:
    """One confirmed call: the minutes paid if it is paid by the hour, the cachets if it is not (None)."""

    day: date
    kind: Kind
    standing: Standing
    minutes: int
    cachets: int | None


def paid_minutes(starts_at: datetime, ends_at: datetime, breaks: Sequence[Mapping[str, Any]], unplaced: int) -> int:
    """Return the real minutes of a call less its unpaid breaks; instants are aware, a break's may be ISO 8601 text."""
    unpaid = sum((_length(each) for each in breaks if not each["paid"]), timedelta(minutes=unplaced))
    return max(0, (ends_at - starts_at - unpaid) // _MINUTE)


def by_day(calls: Iterable[PaidCall], employer: str, company_id: UUID) -> list[Work]:
    """Return one block per day, kind and standing; technicians count real hours whatever their pay unit."""
    sums: dict[tuple[date, Kind, Standing], Work] = {}
    for call in calls:
        key = call.day, call.kind, call.standing
        work = sums.get(key) or Work(call.kind, call.standing, call.day, call.day, employer, company_id=company_id)
        cachets = call.cachets if call.kind is Kind.ANNEXE_10 else None
        minutes = call.minutes if cachets is None else 0
        sums[key] = replace(work, minutes=work.minutes + minutes, cachets=work.cachets + (cachets or 0))
    return [work for _, work in sorted(sums.items()) if work.minutes or work.cachets]


def _length(pause: Mapping[str, Any]) -> timedelta:
    starts_at, ends_at = (_instant(pause[name]) for name in ("starts_at", "ends_at"))
    return ends_at - starts_at


def _instant(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
