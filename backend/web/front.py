"""The front page, and the companies of whoever is signed in."""

from fastapi import APIRouter, Depends, Request, Response

from backend.identity import accounts
from backend.identity.access import READERS
from backend.web.rendering import render
from backend.web.sessions import MaybeViewer, Viewer, opened

router = APIRouter(include_in_schema=False, dependencies=[Depends(opened)])


@router.get("/")
async def front(request: Request, viewer: MaybeViewer) -> Response:
    """Say what Filage is and for whom."""
    return render(request, "front.html", viewer=viewer)


@router.get("/companies")
async def my_companies(request: Request, viewer: Viewer) -> Response:
    """Show the companies of the viewer, with the role in each."""
    async with request.app.state.database.shared(write=False) as session:
        mine = await accounts.my_companies(session, viewer.user_id)
    return render(request, "companies.html", viewer=viewer, mine=mine, readers=READERS)
