"""A person's calendar subscriptions on a page: one tap for each kind of calendar; an address is shown once."""

from functools import partial
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response

from backend.core.clock import utc_now
from backend.core.instants import HOME_TIMEZONE
from backend.identity.access import SharedSession
from backend.portal import service
from backend.portal.schemas import FeedIn
from backend.tenancy import idempotency
from backend.web.forms import NOTHING_WRONG, MyRoute, Refused, body_of, otherwise
from backend.web.my_hours import ONCE
from backend.web.rendering import render
from backend.web.sessions import Viewer, opened, see

router = APIRouter(prefix="/me/calendar", include_in_schema=False, dependencies=[Depends(opened)], route_class=MyRoute)
Typed = Annotated[str, Form(max_length=5000)]
GOOGLE = "https://calendar.google.com/calendar/render?cid="
OFFICE = "https://outlook.office.com/calendar/0/addfromweb?url="
OUTLOOK = "https://outlook.live.com/calendar/0/addfromweb?url="


@router.get("")
async def my_feeds(request: Request, viewer: Viewer) -> Response:
    """Show the subscriptions, and offer another one."""
    return await _page(request, viewer)


async def _page(
    request: Request, viewer: Viewer, refusal: Refused = NOTHING_WRONG, *, name: str = "", url: str | None = None
) -> Response:  # fmt: skip
    async with request.app.state.database.shared(write=False) as session:
        feeds = await service.list_feeds(session, viewer)
    return _shown(request, viewer, feeds, refusal, name=name, url=url)


def _shown(
    request: Request, viewer: Viewer, feeds: object, refusal: Refused = NOTHING_WRONG, *, name: str = "",
    url: str | None = None,
) -> Response:  # fmt: skip
    language = request.state.language
    return render(
        request, "my_calendar.html", viewer=viewer, status=int(refusal.status),
        feeds=feeds, feed_name=name, url=url, links=links(url) if url else {},
        sentence=refusal.text(language), errors=refusal.errors(language), home_zone=HOME_TIMEZONE,
    )  # fmt: skip


def links(url: str) -> dict[str, str]:
    """Return what each kind of calendar opens for the address of a feed."""
    feed = f"webcal://{url.partition('://')[2]}"
    return {
        "device": feed,
        "google": GOOGLE + quote(feed, safe=""),
        "office": f"{OFFICE}{quote(url, safe='')}&name=Filage",
        "outlook": f"{OUTLOOK}{quote(url, safe='')}&name=Filage",
    }


@router.post("", dependencies=ONCE)
async def subscribe(request: Request, viewer: Viewer, session: SharedSession, name: Typed = "") -> Response:
    """Create a subscription and show its address this one time; whoever repeats the request sees the list."""
    otherwise(request, partial(_page, request, viewer, name=name))
    body = body_of(FeedIn, {"name": name.strip()} if name.strip() else {})
    feed = await service.add_feed(session, viewer, body.name, request.app.state.settings.public_url, utc_now())
    page = _shown(request, viewer, await service.list_feeds(session, viewer), url=feed.url, name=feed.name)
    return idempotency.keep_instead(page, see("/me/calendar"))


@router.post("/{feed_id}/end", dependencies=ONCE)
async def end(request: Request, viewer: Viewer, session: SharedSession, feed_id: UUID) -> Response:  # noqa: ARG001 - Viewer reads it
    """End a subscription: its address is worth nothing from now on."""
    await service.end_feed(session, viewer, feed_id)
    return see("/me/calendar")
