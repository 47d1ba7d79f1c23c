"""Routes of the portal, of invitations, and the calendar feed."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from backend.core.clock import utc_now
from backend.core.instants import HOME_TIMEZONE
from backend.core.languages import language_of
from backend.core.pagination import MAXIMUM_LIMIT, Page, PageRequest, page_request, slice_page
from backend.core.preconditions import ExpectedVersion
from backend.core.schemas import Day
from backend.identity.access import AsAdmin, AsMember, Caller, MaybeSignedIn, SharedSession, SignedIn
from backend.identity.accounts import Accounts
from backend.identity.schemas import Accepted, AcceptIn, InvitationIn, InvitationOut
from backend.planning.period import FromQuery, ToQuery, read_period
from backend.planning.reporting import FindingsFilter
from backend.portal import findings, hours, invitations, service
from backend.portal.schemas import (
    AcceptOptionIn,
    Decided,
    DeclineIn,
    DeleteMeIn,
    FeedIn,
    FeedOut,
    MyAssignments,
    MyFindings,
    MyHours,
)
from backend.rules.finding import Severity
from backend.tenancy import idempotency
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute)
calendar_router = APIRouter(tags=["calendar"])


@router.post("/invitations", status_code=201, tags=["company"], summary="Invite somebody")
async def invite(body: InvitationIn, act: AsAdmin, request: Request) -> InvitationOut:
    """Mail an invitation, and return another link of it to hand over; the role waits until it is accepted."""
    idempotency.keep_out(request, "accept_url")
    return await invitations.invite(act, body, request.app.state.settings)


@router.delete("/members/{member_id}", status_code=204, tags=["company"], summary="Remove a member, or leave")
async def remove_member(member_id: UUID, act: AsMember, expected: ExpectedVersion) -> None:
    """End a membership and the account's link to the directory; everybody may end their own, but the last owner."""
    await invitations.remove_member(act, member_id, expected)


async def _accepting(body: AcceptIn, request: Request) -> AsyncIterator[tuple[Act, invitations.Opened]]:
    database, now = request.app.state.database, utc_now()
    # With a key the invitation may have served already: for this very request, whose answer is then replayed.
    repeatable = "idempotency-key" in request.headers
    opened = await invitations.open_invitation(database, body.token, now, used_too=repeatable)
    async with invitations.accepting(database, opened, now) as act:
        await idempotency.claim_for_company(request, act.session, opened.id, now)
        yield act, opened


Accepting = Annotated[tuple[Act, invitations.Opened], Depends(_accepting, scope="function")]


@router.post("/invitations/accept", tags=["company"], summary="Accept an invitation")
async def accept_invitation(body: AcceptIn, caller: MaybeSignedIn, accepting: Accepting, request: Request) -> Accepted:
    """Join a company. An address that has an account needs that account's token; else an account is created."""
    act, opened = accepting
    state = request.app.state
    idempotency.keep_out(request, "access_token")
    return await invitations.accept(
        act, opened, body, caller, settings=state.settings, passwords=state.passwords,
        user_agent=request.headers.get("user-agent"),
    )  # fmt: skip


@router.delete("/users/me", status_code=204, tags=["me"], summary="Delete my account")
async def delete_me(body: DeleteMeIn, caller: SignedIn, request: Request) -> None:
    """Delete the account: companies keep what they planned, without the link. The last owner cannot go."""
    state = request.app.state
    accounts = Accounts(state.database, state.passwords, state.settings, utc_now())
    await accounts.check_own_password(caller, body.password, "password")
    await invitations.delete_account(state.database, caller.user_id, caller.full_name, accounts.now)


def _my_page(request: Request, page: Annotated[PageRequest, Depends(page_request)]) -> PageRequest:
    return page if "limit" in request.query_params else PageRequest(MAXIMUM_LIMIT, page.after)


@router.get("/me/assignments", tags=["me"], summary="List my assignments in all companies")
async def my_assignments(
    caller: SignedIn,
    request: Request,
    page: Annotated[PageRequest, Depends(_my_page)],
    starts: FromQuery = None,
    ends: ToQuery = None,
) -> MyAssignments:
    """Return what every company has published for the caller, by time (200 a page unless `limit` says less)."""
    period = read_period(starts, ends, HOME_TIMEZONE)
    return await service.my_assignments(
        request.app.state.database, caller, page, utc_now(), starts_before=period.ends_at, ends_after=period.starts_at
    )


@router.get("/me/findings", tags=["me"], summary="Read what the law says of my work for all companies")
async def my_findings(
    caller: SignedIn,
    request: Request,
    page: Annotated[PageRequest, Depends(page_request)],
    starts: FromQuery = None,
    ends: ToQuery = None,
    severity: Annotated[list[Severity] | None, Query(description="Once for each; all without it.")] = None,
) -> MyFindings:
    """Rests and maxima over all employers together, by the Code du travail, the worst first. No company reads it.

    Options count as `if_confirmed`: read this before you accept.
    """
    kept = frozenset(Severity) if severity is None else frozenset(severity)
    wanted = FindingsFilter(read_period(starts, ends, HOME_TIMEZONE), kept)
    database = request.app.state.database
    return await findings.my_findings(database, caller, wanted, page, language_of(request), utc_now())


@router.get("/me/hours", tags=["me"], summary="Count my hours towards the 507")
async def my_hours(
    caller: SignedIn,
    request: Request,
    reference_date: Annotated[
        Day | None, Query(description="End of the contract that would open rights; today if left out.")
    ] = None,
    used_until: Annotated[
        Day | None, Query(description="End of the contract that opened your present rights: hours count once.")
    ] = None,
) -> MyHours:
    """Annexes 8 and 10: hours and cachets of all companies and those entered by hand, with each step of the arithmetic.

    An estimate: only the notification of France Travail is authoritative. No company reads it.
    """
    database, language = request.app.state.database, language_of(request)
    return await hours.my_hours(database, caller, reference_date, used_until, language, utc_now())


@asynccontextmanager
async def _open_my_act(assignment_id: UUID, caller: Caller, request: Request) -> AsyncIterator[service.MyAct]:
    now = utc_now()
    async with service.my_act(request.app.state.database, caller, assignment_id, now) as mine:
        await idempotency.claim_for_company(request, mine.act.session, caller.user_id, now)
        yield mine


async def _my_act(assignment_id: UUID, caller: SignedIn, request: Request) -> AsyncIterator[service.MyAct]:
    async with _open_my_act(assignment_id, caller, request) as mine:
        yield mine


MyAct = Annotated[service.MyAct, Depends(_my_act, scope="function")]


async def _weighed(assignment_id: UUID, caller: SignedIn, request: Request) -> findings.Weighed:
    return await findings.weigh(request.app.state.database, caller, assignment_id, utc_now())


Weighed = Annotated[findings.Weighed, Depends(_weighed)]


async def _weighed_act(
    assignment_id: UUID, caller: SignedIn, request: Request, weighed: Weighed
) -> AsyncIterator[tuple[service.MyAct, findings.Weighed]]:
    # Weighed before the act begins: no company is read inside the transaction of another one.
    async with _open_my_act(assignment_id, caller, request) as mine:
        yield mine, weighed


WeighedAct = Annotated[tuple[service.MyAct, findings.Weighed], Depends(_weighed_act, scope="function")]


@router.post("/me/assignments/{assignment_id}/accept", tags=["me"], summary="Accept an option")
async def accept(
    assignment_id: UUID, weighed_act: WeighedAct, request: Request, body: AcceptOptionIn | None = None
) -> Decided:
    """Accept an option; a contested booking stays contested until the other one is gone, and `note` says so.

    Where it would exceed a maximum or shorten a rest over all employers: 409 `declaration_required` with `findings`,
    until `declaration` is true. The company reads that it was, with a warning or without, and nothing else.
    """
    (mine, weighed), language = weighed_act, language_of(request)
    declared = weighed.declared(language, declares=body is not None and body.declaration)
    decided = await service.accept(mine, assignment_id, declared, language)
    told = {"declaration": declared, "findings": weighed.shown(language), "unavailable": weighed.missing()}
    return decided.model_copy(update=told)


@router.post("/me/assignments/{assignment_id}/decline", tags=["me"], summary="Decline an option or a contested booking")
async def decline(assignment_id: UUID, mine: MyAct, body: DeclineIn | None = None) -> Decided:
    """Decline; where two companies overlap, this settles it for the other one."""
    return await service.decline(mine, assignment_id, body.reason if body else None)


@router.post("/me/assignments/{assignment_id}/take-back", tags=["me"], summary="Take back an acceptance just given")
async def take_back(assignment_id: UUID, mine: MyAct) -> Decided:
    """Within a minute of accepting: the option stands again. Later, decline instead."""
    return await service.take_back(mine, assignment_id)


async def _claimed(request: Request, caller: SignedIn, session: SharedSession) -> None:
    await idempotency.claim_shared(request, session, caller.user_id, utc_now())


@router.post("/me/calendar-feeds", status_code=201, tags=["me"], summary="Subscribe to my calendar",
             dependencies=[Depends(_claimed)])  # fmt: skip
async def add_feed(body: FeedIn, caller: SignedIn, session: SharedSession, request: Request) -> FeedOut:
    """Create a private feed over all companies; its URL is shown once."""
    idempotency.keep_out(request, "url")
    return await service.add_feed(session, caller, body.name, request.app.state.settings.public_url, utc_now())


@router.get("/me/calendar-feeds", tags=["me"], summary="List my calendar subscriptions")
async def list_feeds(
    caller: SignedIn, session: SharedSession, page: Annotated[PageRequest, Depends(page_request)]
) -> Page[FeedOut]:
    """Return the caller's subscriptions, without their URLs."""
    items, cursor = slice_page(await service.list_feeds(session, caller), page, lambda feed: (str(feed.id),))
    return Page(items=items, next_cursor=cursor)


@router.delete("/me/calendar-feeds/{feed_id}", status_code=204, tags=["me"], summary="End a calendar subscription")
async def end_feed(feed_id: UUID, caller: SignedIn, session: SharedSession) -> None:
    """Revoke a subscription."""
    await service.end_feed(session, caller, feed_id)


@calendar_router.get("/calendar/{secret}.ics", summary="Read a calendar feed", response_class=Response,
                     responses={200: {"content": {"text/calendar": {"example": "BEGIN:VCALENDAR"}}}})  # fmt: skip
async def read_calendar(secret: str, request: Request) -> Response:
    """Return a person's assignments of all companies as iCalendar (RFC 5545); the secret is the key."""
    content = await service.calendar(request.app.state.database, secret, utc_now())
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"Cache-Control": "private, max-age=300", "ETag": tag, "Referrer-Policy": "no-referrer"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="text/calendar; charset=utf-8")
