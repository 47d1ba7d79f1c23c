"""The 507-hour counter over all companies: each is visited once, the arithmetic is the counter's own."""

import asyncio
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from backend.hours import service as hours
from backend.hours.domain.counting import Person
from backend.hours.report import report
from backend.hours.service import Planned
from backend.identity.access import Caller
from backend.portal import repository
from backend.portal.repository import Link
from backend.portal.schemas import MyHours
from backend.portal.service import company_ref, visit
from backend.tenancy.session import Database


async def my_hours(
    database: Database, caller: Caller, asked: date | None, used_until: date | None, language: str, now: datetime
) -> MyHours:  # fmt: skip
    """Return the caller's counter on the day asked for (today without one); who could not be read now is named."""
    reference = hours.reference_of(asked, now)
    hours.check_used_until(used_until, reference)
    days = hours.days_to_read(reference)
    async with database.shared(write=False) as session:
        links = await repository.links_of(session, caller.user_id)
        by_hand = await hours.entries_of(session, caller.user_id, days)

    async def planned(session: AsyncSession, link: Link) -> Planned:
        return await hours.planned_in(session, link.company, link.person_id, days, now)

    found, unavailable = await visit(database, links, planned)
    person = Person(hours.youngest(found), used_until)
    undecided = sum(each.undecided for each in found)
    works = hours.together(found, by_hand)
    # Every open point is counted under each of its options: a long history must not hold the event loop.
    counted = await asyncio.to_thread(report, works, reference, person, undecided, language)
    return MyHours(**dict(counted), unavailable=[company_ref(company) for company in unavailable])
