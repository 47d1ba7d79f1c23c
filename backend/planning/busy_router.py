"""The route of a person's busy times, `/people/{id}/busy`."""

from uuid import UUID

from fastapi import APIRouter

from backend.identity.access import AsPlanner
from backend.planning import busy
from backend.planning.period import FromQuery, ToQuery, read_bounded_period
from backend.planning.schemas import BusyOut
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute, tags=["people"])


@router.get("/people/{person_id}/busy", summary="Read when a person is busy, if they share it")
async def read_busy(act: AsPlanner, person_id: UUID, starts: FromQuery = None, ends: ToQuery = None) -> BusyOut:
    """`from` and `to` are days or instants, 62 days apart at most; times that touch are made one.

    Only if the person has said so (`PUT /me/sharing`): otherwise an empty list, with `shared` false.
    """
    return await busy.read_busy(act, person_id, read_bounded_period(starts, ends, act.company.timezone))
