"""Health for whoever runs the service: alive, and ready to serve. No secret, no version of anything."""

from fastapi import APIRouter, Request, Response
from pydantic import Field

from backend.core.schemas import Body
from backend.tenancy.directory import is_migrated

router = APIRouter(tags=["operations"])


class Health(Body):
    """One word."""

    status: str = Field(examples=["ok"])


@router.get("/health/live", summary="The process runs")
async def live() -> Health:
    """Answer as long as the event loop turns; asks nothing of the database."""
    return Health(status="ok")


@router.get("/health/ready", summary="Requests can be served", responses={503: {"model": Health}})
async def ready(request: Request, response: Response) -> Health:
    """Ask the database for the installation; 503 while it does not answer or is not migrated."""
    try:
        found = await is_migrated(request.app.state.database)
    except Exception as error:  # noqa: BLE001 - whatever keeps the database from answering, the answer is "not ready"
        request.app.state.log.warning("not_ready", error=type(error).__name__)
        found = False
    if not found:
        response.status_code = 503
    return Health(status="ok" if found else "not ready")
