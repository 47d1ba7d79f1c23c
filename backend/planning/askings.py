"""What follows from asking a person, beside the assignment: when they are reminded, and that they moved up.

A company without the table yet offers options all the same: nobody is reminded, and seconds move up without a date.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, null, select
from sqlalchemy.dialects import postgresql, sqlite

from backend.planning import refusals
from backend.planning.domain.options import default_reminder
from backend.planning.models import Asking, Assignment
from backend.planning.upgrading import follows_options
from backend.tenancy import agenda
from backend.tenancy.acting import Act
from backend.tenancy.session import is_sqlite

Followed = tuple[datetime | None, datetime | None]
"""When the person is reminded, and when they moved up."""


def check_times(act: Act, expires_at: datetime, remind_at: datetime | None) -> datetime | None:
    """Return when to remind the person; refuse (InvalidError) an expiry in the past and a reminder outside."""
    if expires_at <= act.now:
        raise refusals.expires_in_past()
    if remind_at is None:
        return default_reminder(act.now, expires_at)
    if not act.now < remind_at < expires_at:
        raise refusals.reminder_outside()
    return remind_at


def check_call(act: Act, expires_at: datetime, starts_at: datetime) -> None:
    """Refuse to ask for a call that has begun (ConflictError), or until after its start (InvalidError)."""
    if starts_at <= act.now:
        raise refusals.call_begun()
    if expires_at > starts_at:
        raise refusals.expires_after_start()


async def begin(act: Act, assignment_ids: Collection[UUID], expires_at: datetime, remind_at: datetime | None) -> None:
    """Keep when these people are reminded, and have the company visited then and when their options expire."""
    if follows_options(act):
        await _keep(act, [{"assignment_id": one, "remind_at": remind_at} for one in assignment_ids])
    await agenda.enter(act.session, act.company, [at for at in (expires_at, remind_at) if at is not None])


async def move_up(act: Act, assignment_ids: Collection[UUID]) -> None:
    """Keep that these second choices have moved up now."""
    if assignment_ids and follows_options(act):
        await _keep(act, [{"assignment_id": one, "promoted_at": act.now} for one in assignment_ids])


async def of(act: Act, assignment: Assignment) -> Followed:
    """Return what follows from one assignment; nothing of one that was never offered."""
    if assignment.rank is None or not follows_options(act):
        return None, None
    query = select(Asking.remind_at, Asking.promoted_at).where(Asking.assignment_id == assignment.id)
    row = (await act.session.execute(query)).one_or_none()
    return (None, None) if row is None else (row.remind_at, row.promoted_at)


def columns(act: Act) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return `remind_at` and `promoted_at` for a query that selects from `assignment`."""
    if not follows_options(act):
        return null().label("remind_at"), null().label("promoted_at")
    its = Asking.assignment_id == Assignment.id
    return (
        select(Asking.remind_at).where(its).scalar_subquery().label("remind_at"),
        select(Asking.promoted_at).where(its).scalar_subquery().label("promoted_at"),
    )


async def _keep(act: Act, rows: list[Mapping[str, Any]]) -> None:
    await act.session.flush()
    insert = sqlite.insert(Asking) if is_sqlite(act.session) else postgresql.insert(Asking)
    changed = {name: insert.excluded[name] for name in rows[0] if name != "assignment_id"}
    await act.session.execute(insert.on_conflict_do_update(index_elements=["assignment_id"], set_=changed), rows)
