"""What working-time law says of a person's work for all companies together, on a page; no company reads it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from backend.core.clock import utc_now
from backend.core.pagination import DEFAULT_LIMIT, page_request
from backend.planning.period import Period
from backend.planning.reporting import FindingsFilter
from backend.portal import findings
from backend.rules.finding import Severity
from backend.web.forms import MyRoute
from backend.web.rendering import render, words_of
from backend.web.sessions import Viewer, opened

router = APIRouter(prefix="/me/findings", include_in_schema=False, dependencies=[Depends(opened)], route_class=MyRoute)
TOLD = frozenset({Severity.HARD, Severity.DEROG, Severity.WARN})


@router.get("")
async def my_findings(
    request: Request, viewer: Viewer, cursor: Annotated[str | None, Query(max_length=2000)] = None
) -> Response:
    """Show rests and maxima over all employers, from now on, the worst first."""
    now, words = utc_now(), words_of(request)
    wanted = FindingsFilter(Period(now, None), TOLD)
    found = await findings.my_findings(
        request.app.state.database, viewer, wanted, page_request(DEFAULT_LIMIT, cursor), words.language, now
    )
    return render(request, "my_findings.html", viewer=viewer, found=found)
