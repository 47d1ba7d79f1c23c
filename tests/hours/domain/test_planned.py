"""What a planning brings: real paid minutes, cachets whatever the presence, one block a day."""

from datetime import date, datetime
from uuid import UUID

import pytest

from backend.hours.domain.entries import replaced
from backend.hours.domain.planned import PaidCall, by_day, paid_minutes
from backend.hours.domain.work import Kind, Standing, Work

COMPANY, OTHER = UUID(int=1), UUID(int=2)
DAY = date(2026, 10, 15)


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "minutes"),
    [
        ("2026-10-24T23:00:00+02:00", "2026-10-25T03:30:00+01:00", 330),
        ("2027-03-27T23:30:00+01:00", "2027-03-28T05:30:00+02:00", 300),
    ],
)
def test_a_night_when_the_clocks_change_is_paid_as_it_lasts(starts_at: str, ends_at: str, minutes: int) -> None:
    assert paid_minutes(datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at), [], 0) == minutes


def test_unpaid_breaks_alone_are_taken_off() -> None:
    start, end = (datetime.fromisoformat(f"2026-10-15T{hour}:00:00+02:00") for hour in ("09", "18"))
    breaks = [
        {"starts_at": "2026-10-15T12:00:00+02:00", "ends_at": "2026-10-15T13:00:00+02:00", "paid": False},
        {"starts_at": start, "ends_at": start, "paid": True},
    ]
    assert paid_minutes(start, end, breaks, 15) == 9 * 60 - 60 - 15
    assert paid_minutes(start, end, breaks, 10_000) == 0


def test_the_calls_of_a_day_are_one_block_and_a_cachet_counts_without_its_presence() -> None:
    calls = [
        PaidCall(DAY, Kind.ANNEXE_10, Standing.WORKED, 60, None),
        PaidCall(DAY, Kind.ANNEXE_10, Standing.WORKED, 225, 1),
    ]
    (block,) = by_day(calls, "Rampe", COMPANY)
    assert (block.minutes, block.cachets, block.standing) == (60, 1, Standing.WORKED)


def test_a_trip_without_a_cachet_is_no_block_and_a_technician_counts_real_hours() -> None:
    assert by_day([PaidCall(DAY, Kind.ANNEXE_10, Standing.PLANNED, 240, 0)], "Rampe", COMPANY) == []
    (block,) = by_day([PaidCall(DAY, Kind.ANNEXE_8, Standing.PLANNED, 240, 1)], "Rampe", COMPANY)
    assert (block.minutes, block.cachets, block.standing) == (240, 0, Standing.PLANNED)


def test_an_entry_replaces_what_its_company_planned_of_its_kind_on_its_days_and_nothing_else() -> None:
    def work(kind: Kind, day: int, company: UUID | None) -> Work:
        on = date(2026, 10, day)
        return Work(kind, Standing.WORKED, on, on, "Rampe", 60, company_id=company)

    planned = [
        work(Kind.ANNEXE_8, 15, COMPANY), work(Kind.ANNEXE_8, 16, COMPANY), work(Kind.ANNEXE_10, 15, COMPANY),
        work(Kind.ANNEXE_8, 15, OTHER),
    ]  # fmt: skip
    assert replaced(planned, [work(Kind.ANNEXE_8, 15, COMPANY)]) == planned[1:]
    assert replaced(planned, [work(Kind.ANNEXE_8, 15, None), work(Kind.TEACHING, 15, COMPANY)]) == planned
