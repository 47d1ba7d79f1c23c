"""The route that changes a production: it is here because another premiere passes the law's gate."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from backend.core.languages import language_of
from backend.core.preconditions import ExpectedVersion
from backend.core.resources import show
from backend.identity.access import AsPlanner
from backend.planning import premieres
from backend.planning.finding_schemas import ClearedProductionChange
from backend.planning.gate import Brought
from backend.productions.schemas import ProductionOut
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute, tags=["productions"])


@router.patch("/productions/{production_id}", summary="Change a production")
async def change_production(
    act: AsPlanner, production_id: UUID, body: ClearedProductionChange, expected: ExpectedVersion, request: Request,
    response: Response,
) -> ProductionOut:  # fmt: skip
    """Only the fields sent change; null clears a field that may be empty.

    Another premiere is refused as a move is, when it makes a finding of its published calls worse, or brings a new one.
    """
    brought = Brought(body.clearance, language_of(request))
    production = await premieres.change_production(act, production_id, body.change, expected, brought)
    show(response, production.version)
    return production
