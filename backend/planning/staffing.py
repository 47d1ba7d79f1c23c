"""How far each call is staffed: places to fill, people asked, people confirmed, and the colour's name.

A part of the query that reads the calls, not a query of its own. A job that no position asks for fills no place.
"""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, BindParameter, ColumnElement, Select, and_, case, func, literal, or_, select, union_all

from backend.planning.domain.states import Status
from backend.planning.models import Assignment, Call, CallStatus, Position


class Colour(enum.StrEnum):
    """Green: nothing to fill. Amber: somebody is asked for each place that is. Red: for some place nobody is asked.

    A call of which nobody has said what it needs is red until somebody stands on it: it is not complete, but unplanned.
    """

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


NAMES = ("to_fill", "offered", "confirmed", "colour")
NOBODY: Mapping[str, Any] = {"to_fill": 0, "offered": 0, "confirmed": 0, "colour": Colour.RED}
"""A call without positions and people: a new one."""


def of_calls(calls: Select[Any], now: datetime | BindParameter[Any]) -> CTE:
    """Return the rows `staffing`, to join by `call_id`, of the calls whose ids `calls` selects.

    Both tables are read once: places and people of a call and job are added up, then the jobs of a call.
    """
    places = select(
        Position.call_id, Position.job, Position.headcount.label("wanted"), _number(0, "asked"), _number(0, "sure")
    ).where(Position.call_id.in_(calls))
    is_sure = Assignment.status == Status.CONFIRMED
    people = select(
        Assignment.call_id, Assignment.job, _number(0, "wanted"), _count(_is_asked(now)).label("asked"),
        _count(is_sure).label("sure"),
    ).where(Assignment.call_id.in_(calls))  # fmt: skip
    rows = union_all(places, people).subquery("row_of_a_call")
    job = (
        select(
            rows.c.call_id,
            func.sum(rows.c.wanted).label("wanted"),
            func.sum(rows.c.asked).label("asked"),
            func.sum(rows.c.sure).label("sure"),
        )
        .group_by(rows.c.call_id, rows.c.job)
        .subquery("job_of_a_call")
    )
    return (
        select(
            job.c.call_id,
            func.sum(job.c.wanted).label("wanted"),
            func.sum(_at_least_none(job.c.wanted - job.c.sure)).label("to_fill"),
            func.sum(_at_least_none(job.c.wanted - job.c.sure - job.c.asked)).label("unasked"),
            func.sum(job.c.asked).label("asked"),
            func.sum(job.c.sure).label("sure"),
        )
        .group_by(job.c.call_id)
        .cte("staffing")
        # Added up once: without statistics, PostgreSQL would do it again for each call.
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )


def columns(staffing: CTE) -> dict[str, ColumnElement[Any]]:
    """Return the three numbers and the colour as columns, by their names; 0 and red for a call without a row.

    A cancelled call, of the same query, has nothing to fill.
    """
    is_off = Call.status == CallStatus.CANCELLED
    to_fill = case((is_off, 0), else_=func.coalesce(staffing.c.to_fill, 0))
    says_nothing = func.coalesce(staffing.c.wanted, 0) == 0
    colour = case(
        (is_off, Colour.GREEN.value),
        (and_(says_nothing, staffing.c.asked > 0), Colour.AMBER.value),
        (and_(says_nothing, staffing.c.sure > 0), Colour.GREEN.value),
        (says_nothing, Colour.RED.value),
        (to_fill == 0, Colour.GREEN.value),
        (staffing.c.unasked == 0, Colour.AMBER.value),
        else_=Colour.RED.value,
    )
    return {
        "to_fill": to_fill,
        "offered": func.coalesce(staffing.c.asked, 0),
        "confirmed": func.coalesce(staffing.c.sure, 0),
        "colour": colour,
    }


def _is_asked(now: datetime | BindParameter[Any]) -> ColumnElement[bool]:
    stands = or_(Assignment.expires_at.is_(None), Assignment.expires_at > now)
    return or_(Assignment.status == Status.ACCEPTED, and_(Assignment.status == Status.OPTION, stands))


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _number(value: int, name: str) -> ColumnElement[int]:
    return literal(value).label(name)


def _at_least_none(value: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((value > 0, value), else_=0)
