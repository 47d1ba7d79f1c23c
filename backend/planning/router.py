"""Routes of `/calls`, their positions and publication, `/assignments` with their acts, and `/planning`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from backend.core.languages import language_of
from backend.core.pagination import Page, PageRequest, page_request
from backend.core.preconditions import ANY_VERSION, ExpectedVersion, stale
from backend.core.resources import show, show_created
from backend.core.schemas import Code, Line
from backend.identity.access import AsPlanner, AsReader
from backend.planning import assignments as on_assignments
from backend.planning import bulk as on_many
from backend.planning import calls as on_calls
from backend.planning import history, publishing, reading, templates
from backend.planning import positions as on_positions
from backend.planning.bulk_schemas import BulkAction, BulkIn, BulkOut
from backend.planning.copy_schemas import CallNew
from backend.planning.domain.states import Action, Status
from backend.planning.finding_schemas import ClearanceIn, ClearedCallChange, ConfirmIn, PlanningOut
from backend.planning.gate import Brought
from backend.planning.models import CallKind, CallStatus
from backend.planning.period import FromQuery, ToQuery, read_bounded_period, read_period
from backend.planning.probing import check_unhurried, unhurried
from backend.planning.repository import AssignmentsFilter, CallsFilter
from backend.planning.schemas import (
    AnsweredIn,
    AssignmentChange,
    AssignmentIn,
    AssignmentOut,
    CallOut,
    CancelIn,
    Empty,
    HistoryOut,
    OfferIn,
    PositionChange,
    PositionIn,
    PositionOut,
    ProductionPublicationOut,
    PublicationOut,
)
from backend.tenancy.idempotency import AnswerRoute

router = APIRouter(route_class=AnswerRoute, tags=["planning"])
PageOf = Annotated[PageRequest, Depends(page_request)]


def _offered_version(
    if_match: Annotated[
        str | None,
        Header(
            description="`ETag` as you read it; without it the act is done on whatever stands.",
            max_length=100,
            examples=['"1"'],
        ),
    ] = None,
) -> int:
    if if_match is None or if_match.strip() == "*":
        return ANY_VERSION
    version = if_match.strip().removeprefix("W/").strip('"')
    if not version.isdecimal():
        raise stale()
    return int(version)


OfferedVersion = Annotated[int, Depends(_offered_version)]


def _brought(request: Request, body: ClearanceIn | None = None) -> Brought:
    return Brought(body or ClearanceIn(), language_of(request))


BroughtToPass = Annotated[Brought, Depends(_brought)]


def _wanted_calls(  # noqa: PLR0913, PLR0917 - parameters of the query
    act: AsReader,
    starts: FromQuery = None,
    ends: ToQuery = None,
    production_id: UUID | None = None,
    venue_id: UUID | None = None,
    status: CallStatus | None = None,
    kind: CallKind | None = None,
    q: Annotated[Line | None, Query(description="Words of the title.", examples=["filage"])] = None,
) -> CallsFilter:
    return CallsFilter(read_period(starts, ends, act.company.timezone), production_id, venue_id, status, kind, q)


@router.get("/calls", summary="List the calls")
async def list_calls(
    act: AsReader, wanted: Annotated[CallsFilter, Depends(_wanted_calls)], page: PageOf
) -> Page[CallOut]:
    """By start. `from` and `to` keep the calls that have a moment between them."""
    return await on_calls.list_calls(act, wanted, page)


@router.post("/calls", status_code=201, summary="Add a call")
async def create_call(act: AsPlanner, body: CallNew, request: Request, response: Response) -> CallOut:
    """A draft: nobody is told before it is published. 422 for times that do not hold together.

    `template_id` names a template: its kind, title, length, breaks and positions, as far as the body does not say them.
    """
    call = await templates.new_call(act, body)
    show_created(request, response, call.id, call.version)
    return call


@router.get("/calls/{call_id}", summary="Read a call")
async def read_call(act: AsReader, call_id: UUID, response: Response) -> CallOut:
    """With its `ETag`."""
    call = await on_calls.read_call(act, call_id)
    show(response, call.version)
    return call


@router.patch("/calls/{call_id}", summary="Change or cancel a call", dependencies=[Depends(unhurried)])
async def change_call(
    act: AsPlanner,
    call_id: UUID,
    body: ClearedCallChange,
    expected: ExpectedVersion,
    request: Request,
    response: Response,
) -> CallOut:
    """A call that moves takes its confirmed people along: 409 `overlap` or `person_not_available`, and nothing moves.

    A draft moves whatever the law says. A published call whose new times, kind, place or production make a finding of
    its confirmed people worse, or bring a new one, is refused as in publishing: `not_allowed`, `override_required` or
    `ground_required`.

    `{"status": "cancelled", "cancel_reason": "..."}` cancels it and the assignments on it.
    """
    brought = Brought(body.clearance, language_of(request))
    call = await on_calls.change_call(act, call_id, body.change, expected, brought)
    show(response, call.version)
    return call


@router.delete("/calls/{call_id}", status_code=204, summary="Delete a draft call")
async def delete_call(act: AsPlanner, call_id: UUID, expected: ExpectedVersion) -> None:
    """Only a draft that nobody was told of or asked for; 409 `in_use` otherwise: cancel it instead."""
    await on_calls.delete_call(act, call_id, expected)


@router.post("/calls/{call_id}/publish", summary="Publish a call")
async def publish_call(
    act: AsPlanner, call_id: UUID, expected: OfferedVersion, response: Response, brought: BroughtToPass
) -> PublicationOut:
    """The next numbered version, with what has changed; a call that has not changed keeps its version.

    What the law forbids of its confirmed people is refused, with `findings`: 403 `not_allowed` to a planner, 409
    `override_required` without `override_reason`, 409 `ground_required` without a ground for each rule.
    """
    publication, version = await publishing.publish_call(act, call_id, expected, brought)
    show(response, version)
    return publication


@router.post("/productions/{production_id}/publish", summary="Publish the calls of a production")
async def publish_production(
    act: AsPlanner, production_id: UUID, brought: BroughtToPass, starts: FromQuery = None, ends: ToQuery = None,
    dry_run: Annotated[bool, Query(description="Say what it would do; do nothing.", examples=[False])] = False,
) -> ProductionPublicationOut:  # fmt: skip
    """Every draft or changed call, each with its new version; or none, as for one call, when the law forbids some.

    `from` and `to` keep the calls that have a moment between them. The answer says how many calls that is, from which
    day to which, and how many have begun already; `dry_run` says so beforehand.
    """
    period = read_period(starts, ends, act.company.timezone)
    return await publishing.publish_production(act, production_id, brought, period, dry_run=dry_run)


@router.get("/calls/{call_id}/positions", summary="List the positions of a call")
async def list_positions(act: AsReader, call_id: UUID) -> Page[PositionOut]:
    """All of them, in one page: a call has one for each job at most."""
    return await on_positions.list_positions(act, call_id)


@router.post("/calls/{call_id}/positions", status_code=201, summary="Add a position")
async def create_position(
    act: AsPlanner, call_id: UUID, body: PositionIn, request: Request, response: Response
) -> PositionOut:
    """409 `duplicate` when the call has a position of this job, `headcount_too_low` below those confirmed in it."""
    position = await on_positions.create_position(act, call_id, body)
    show_created(request, response, position.id, position.version)
    return position


@router.get("/calls/{call_id}/positions/{position_id}", summary="Read a position")
async def read_position(act: AsReader, call_id: UUID, position_id: UUID, response: Response) -> PositionOut:
    """With its `ETag`."""
    position = await on_positions.read_position(act, call_id, position_id)
    show(response, position.version)
    return position


@router.patch("/calls/{call_id}/positions/{position_id}", summary="Change a position")
async def change_position(
    act: AsPlanner,
    call_id: UUID,
    position_id: UUID,
    body: PositionChange,
    expected: ExpectedVersion,
    response: Response,
) -> PositionOut:
    """The job changes only while nobody stands on the position (409 `in_use`).

    The headcount is not lowered below those confirmed (409 `headcount_too_low`): cancel somebody first.
    """
    position = await on_positions.change_position(act, call_id, position_id, body, expected)
    show(response, position.version)
    return position


@router.delete("/calls/{call_id}/positions/{position_id}", status_code=204, summary="Delete a position")
async def delete_position(act: AsPlanner, call_id: UUID, position_id: UUID, expected: ExpectedVersion) -> None:
    """409 `in_use` while somebody stands on it."""
    await on_positions.delete_position(act, call_id, position_id, expected)


def _wanted_assignments(
    act: AsReader,
    starts: FromQuery = None,
    ends: ToQuery = None,
    call_id: UUID | None = None,
    person_id: UUID | None = None,
    status: Annotated[Status | None, Query(description="The state at this moment.")] = None,
) -> AssignmentsFilter:
    return AssignmentsFilter(read_period(starts, ends, act.company.timezone), call_id, person_id, status)


@router.get("/assignments", summary="List the assignments")
async def list_assignments(
    act: AsReader, wanted: Annotated[AssignmentsFilter, Depends(_wanted_assignments)], page: PageOf
) -> Page[AssignmentOut]:
    """In the order in which they were made. `from` and `to` are about their calls."""
    return await on_assignments.list_assignments(act, wanted, page)


@router.post("/assignments", status_code=201, summary="Put a person on a call")
async def create_assignment(act: AsPlanner, body: AssignmentIn, request: Request, response: Response) -> AssignmentOut:
    """A draft, of which the person knows nothing. 409 `duplicate` when they stand on this call in this job."""
    assignment = await on_assignments.create_assignment(act, body)
    show_created(request, response, assignment.id, assignment.version)
    return assignment


async def _unhurried_asking(request: Request, act: AsPlanner, body: BulkIn) -> None:
    if body.action in {BulkAction.OFFER, BulkAction.CONFIRM}:
        await check_unhurried(request, act)


@router.post("/assignments/bulk", summary="Do one act for many assignments", dependencies=[Depends(_unhurried_asking)])
async def act_on_many(act: AsPlanner, body: BulkIn, request: Request) -> BulkOut:
    """`failed` names each one for which it could not be done, with its code and sentence; the others are done.

    With `all_or_nothing`, one failure stops all: 409 `bulk_refused`, with `failed`. A confirmation beyond a headcount
    is `position_filled`, the others are as for one assignment. One mail goes to each person, whatever the number.

    `not_told`: the answers "not available" of this hour are used up; nothing was done, and nothing is said of whether
    the person is free. `detail` says how long it lasts.
    """
    clearance = ClearanceIn(override_reason=body.override_reason, grounds=body.grounds)
    most_refusals = request.app.state.settings.limit_unavailable_answers_per_hour
    return await on_many.act_on_many(act, body, Brought(clearance, language_of(request)), most_refusals)


@router.get("/assignments/{assignment_id}", summary="Read an assignment")
async def read_assignment(act: AsReader, assignment_id: UUID, response: Response) -> AssignmentOut:
    """With its `ETag`."""
    return _answer(response, await on_assignments.read_assignment(act, assignment_id))


@router.patch("/assignments/{assignment_id}", summary="Change an assignment")
async def change_assignment(
    act: AsPlanner, assignment_id: UUID, body: AssignmentChange, expected: ExpectedVersion, response: Response
) -> AssignmentOut:
    """Pay unit, cachets, message, position; the state changes by the acts below."""
    return _answer(response, await on_assignments.change_assignment(act, assignment_id, body, expected))


@router.delete("/assignments/{assignment_id}", status_code=204, summary="Delete a draft assignment")
async def delete_assignment(act: AsPlanner, assignment_id: UUID, expected: ExpectedVersion) -> None:
    """409 `state_conflict` beyond a draft, with the acts that are possible instead."""
    await on_assignments.delete_assignment(act, assignment_id, expected)


@router.post("/assignments/{assignment_id}/offer", summary="Offer an option", dependencies=[Depends(unhurried)])
async def offer(
    act: AsPlanner, assignment_id: UUID, body: OfferIn, expected: OfferedVersion, response: Response
) -> AssignmentOut:
    """The person is asked to keep the date free until `expires_at`; they can answer once the call is published.

    409 `person_not_available` when they are away then, or another company has confirmed them: it is not told which;
    `call_begun` once the call has begun. 422 for an expiry after the call's start.
    """
    return _answer(response, await on_assignments.offer(act, assignment_id, body, expected))


@router.post("/assignments/{assignment_id}/confirm", summary="Confirm an assignment", dependencies=[Depends(unhurried)])
async def confirm(
    act: AsPlanner, assignment_id: UUID, expected: OfferedVersion, request: Request, response: Response,
    body: ConfirmIn | None = None,
) -> AssignmentOut:  # fmt: skip
    """409 `overlap` with the company's own assignments in the way, or `person_not_available` for anything elsewhere.

    What the law forbids is refused as in publishing: `not_allowed`, `override_required` or `ground_required`.
    `on_behalf` keeps in the history how somebody who has not answered said yes.
    """
    sent = body or ConfirmIn()
    brought = Brought(sent, language_of(request))
    return _answer(response, await on_assignments.confirm(act, assignment_id, expected, brought, sent.on_behalf))


@router.post("/assignments/{assignment_id}/release", summary="Release a person")
async def release(
    act: AsPlanner, assignment_id: UUID, expected: OfferedVersion, response: Response, _body: Empty | None = None
) -> AssignmentOut:
    """Gives up an option or an acceptance."""
    return _answer(response, await on_assignments.release(act, assignment_id, expected))


@router.post("/assignments/{assignment_id}/cancel", summary="Cancel a confirmed assignment")
async def cancel(
    act: AsPlanner, assignment_id: UUID, body: CancelIn, expected: OfferedVersion, response: Response
) -> AssignmentOut:
    """The reason and the notice are kept for payroll."""
    return _answer(response, await on_assignments.cancel(act, assignment_id, body, expected))


@router.post("/assignments/{assignment_id}/accept", summary="Record that the person accepts")
async def accept(
    act: AsPlanner, assignment_id: UUID, body: AnsweredIn, expected: OfferedVersion, response: Response
) -> AssignmentOut:
    """On behalf of the person, who said so by telephone or otherwise; the history says who recorded it, and how."""
    answered = await on_assignments.answer(act, assignment_id, Action.ACCEPT, body, expected)
    return _answer(response, answered)


@router.post("/assignments/{assignment_id}/decline", summary="Record that the person declines")
async def decline(
    act: AsPlanner, assignment_id: UUID, body: AnsweredIn, expected: OfferedVersion, response: Response
) -> AssignmentOut:
    """On behalf of the person; the second choice moves up and is told."""
    answered = await on_assignments.answer(act, assignment_id, Action.DECLINE, body, expected)
    return _answer(response, answered)


@router.post("/assignments/{assignment_id}/undo", summary="Let an option stand again")
async def undo(
    act: AsPlanner, assignment_id: UUID, expected: OfferedVersion, response: Response, _body: Empty | None = None
) -> AssignmentOut:
    """Takes back an answer "no" or a release, until the option expires.

    409 `promoted` once a second choice moved up, `position_filled` once others are confirmed on all places.
    """
    return _answer(response, await on_assignments.undo(act, assignment_id, expected))


@router.get("/assignments/{assignment_id}/history", summary="Read the history of an assignment")
async def read_history(act: AsReader, assignment_id: UUID, page: PageOf) -> Page[HistoryOut]:
    """Who did what, when, from which state to which, and why; the newest first."""
    return await history.read_history(act, assignment_id, page)


def _answer(response: Response, assignment: AssignmentOut) -> AssignmentOut:
    show(response, assignment.version)
    return assignment


def _wanted_planning(
    act: AsReader,
    starts: FromQuery = None,
    ends: ToQuery = None,
    production_id: UUID | None = None,
    venue_id: UUID | None = None,
    person_id: UUID | None = None,
    department: Annotated[Code | None, Query(examples=["lighting"])] = None,
) -> reading.PlanningFilter:
    period = read_bounded_period(starts, ends, act.company.timezone)
    return reading.PlanningFilter(period, production_id, venue_id, person_id, department)


@router.get(
    "/planning",
    summary="Read the planning of a period",
    response_class=Response,
    responses={
        200: {"model": PlanningOut, "description": "Calls that touch the period, and all that they name."},
        304: {"description": "Nothing has changed since the `ETag` of `If-None-Match`."},
    },
)
async def read_planning(
    act: AsReader,
    wanted: Annotated[reading.PlanningFilter, Depends(_wanted_planning)],
    request: Request,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """`from` and `to` are days or instants, 62 days apart at most.

    `person_id` and `department` narrow the calls, and the assignments on them; `department` the positions too.
    `findings`: what the law says of these assignments in the period, the worst first; pay (INFO) is in the lists.
    """
    body = await reading.read_planning(act, wanted, language_of(request))
    tag = reading.fingerprint(body)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept-Language"}
    if if_none_match is not None and tag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
