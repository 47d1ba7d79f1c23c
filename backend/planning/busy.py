"""When a person is busy, in all companies and for their own reasons: for companies that the person lets see it."""

from uuid import UUID

from sqlalchemy import select

from backend.availability import service as availability
from backend.availability.domain.clocks import Span, merged
from backend.people.models import Person
from backend.people.service import NO_PERSON
from backend.planning.models import Booking
from backend.planning.period import BoundedPeriod
from backend.planning.schemas import BusyOut, BusySpan
from backend.tenancy.acting import Act
from backend.tenancy.rows import get_row
from backend.tenancy.session import login_rights


async def read_busy(act: Act, person_id: UUID, period: BoundedPeriod) -> BusyOut:
    """Return opaque busy times of a person, if they share them. Raises NotFoundError."""
    person = await get_row(act, Person, person_id, NO_PERSON)
    within = Span(period.starts_at, period.ends_at)
    spans = None if person.user_id is None else await _busy(act, person.user_id, person.number, within)
    items = [BusySpan(starts_at=span.starts_at, ends_at=span.ends_at) for span in merged(spans or [], within)]
    return BusyOut(person_id=person_id, shared=spans is not None, items=items)


async def _busy(act: Act, user_id: UUID, number: int, within: Span) -> list[Span] | None:
    async with login_rights(act.session):
        away = await availability.shared_times(act.session, user_id, number, within)
        if away is None:
            return None
        booked = await act.session.execute(
            select(Booking.starts_at, Booking.ends_at).where(
                Booking.person_number == number,
                Booking.starts_at < within.ends_at,
                Booking.ends_at > within.starts_at,
            )
        )
        return [*away, *(Span(row.starts_at, row.ends_at) for row in booked)]
