"""Who does it: the chooser of people for a position, and the acts on those who stand there."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from backend.core.errors import InvalidError, Sentence
from backend.core.pagination import PageRequest, page_request
from backend.people import service as people
from backend.people.repository import PeopleFilter
from backend.planning import assignments as on_assignments
from backend.planning import calls as on_calls
from backend.planning import positions as on_positions
from backend.planning.bulk import act_on_many
from backend.planning.bulk_schemas import BulkAction, BulkIn
from backend.planning.candidates import candidates
from backend.planning.finding_schemas import ConfirmIn
from backend.planning.schemas import AssignmentIn, CancelIn, OfferIn
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import AnswerRoute
from backend.web import forms, planning_words
from backend.web.board import OF_PEOPLE, answer_act, zone_of
from backend.web.board_view import group
from backend.web.call_view import brought, default_expiry, told_if_gone, trying
from backend.web.rendering import is_fragment, render, words_of
from backend.web.sessions import AsPlanner, local_path, opened, see, unhurried, with_query
from backend.web.written_times import read_wall

router = APIRouter(prefix="/c/{slug}", include_in_schema=False, route_class=AnswerRoute, dependencies=[Depends(opened)])
HURRIED = [Depends(unhurried)]
A_PAGE, MOST_FOUND = 25, 8
ACTS = frozenset({"offer", "confirm", "release", "cancel", "delete"})
SAY_UNTIL_WHEN = Sentence("Dites jusqu'à quand la personne peut répondre.", "Say until when the person can answer.")


@router.post("/calls/{call_id}/positions/{position_id}/candidates", dependencies=HURRIED)
async def choose(call_id: UUID, position_id: UUID, act: AsPlanner, request: Request) -> Response:
    """Show who could take a position. By POST: each answer "not available" is counted, as a confirmation is."""
    fields = forms.all_of_it(request)
    async with told_if_gone(request, act, fields, call_id):
        place = await on_positions.read_position(act, call_id, position_id)
        call = await on_calls.read_call(act, call_id)
    jobs = await people.known_jobs(act)
    everybody = bool(fields.get("everybody"))
    wanted = PeopleFilter(q=forms.sought(fields.get("q", "")[:100]), job=None if everybody else place.job)
    page = page_request(A_PAGE, fields.get("cursor") or None)
    words = words_of(request)
    found = await candidates(act, call_id, place.job, wanted, page, words.language, _most(request))
    zone = await zone_of(act, call.venue_id)
    base = f"/c/{act.company.slug}"
    name = "candidates_fragment.html" if is_fragment(request) else "candidates.html"
    return render(
        request, name, act=act, call=call, place=place, found=found, call_zone=zone, home=base, q=fields.get("q", ""),
        everybody=everybody, label=jobs[place.job].label if place.job in jobs else place.job,
        groups=[(rank, [one for one in found.items if one.rank == rank]) for rank in (0, 1, 2, 3)],
        told={one.person_id: group([each.model_dump(mode="json") for each in one.findings], {}) for one in found.items},
        statuses={code: words.say(said) for code, said in planning_words.STATUSES.items()},
        soon=default_expiry(act, zone), back=local_path(fields.get("back", ""), ""),
    )  # fmt: skip


@router.post("/calls/{call_id}/positions/{position_id}/marks", dependencies=HURRIED)
async def mark(call_id: UUID, position_id: UUID, act: AsPlanner, request: Request) -> Response:
    """Say in one answer, for a board that is being dragged over, whom a position would suit, by person."""
    place = await on_positions.read_position(act, call_id, position_id)
    found = await candidates(
        act,
        call_id,
        place.job,
        PeopleFilter(job=place.job),
        page_request(50, None),
        words_of(request).language,
        _most(request),
    )
    return JSONResponse({str(one.person_id): one.rank for one in found.items}, headers={"Cache-Control": "no-store"})


@router.get("/found-people")
async def find_people(act: AsPlanner, request: Request) -> Response:
    """Name the people whom a script looks for beside a board by person, to be dragged from there onto a place."""
    sought = forms.sought(request.query_params.get("q", "")[:100])
    if not is_fragment(request):
        return see(with_query(f"/c/{act.company.slug}/people", q=sought))
    found = await people.list_people(act, PeopleFilter(q=sought), PageRequest(MOST_FOUND, None))
    return render(request, "found_people.html", act=act, found=found, jobs=await people.known_jobs(act))


@router.post("/calls/{call_id}/assignments", dependencies=HURRIED)
async def assign(call_id: UUID, act: AsPlanner, request: Request) -> Response:
    """Put somebody on a position: as a draft, as an option that expires, or confirmed if the law lets it pass."""
    fields = forms.all_of_it(request)
    async with trying(request, act, call_id, "person", fields):
        body = forms.body_of(AssignmentIn, {"call_id": call_id} | _named(fields))
        made = await on_assignments.create_assignment(act, body)
        what = {"offer": "offered", "confirm": "confirmed"}.get(fields.get("what", ""), "added")
        if fields.get("what") == "offer":
            await on_assignments.offer(act, made.id, await _offer(act, call_id, fields))
        elif fields.get("what") == "confirm":
            await on_assignments.confirm(act, made.id, brought=brought(request, fields))
    return await _said(request, act, fields, call_id, done=what, person=made.person_id, assignment=made.id)


@router.post("/calls/{call_id}/answers", dependencies=HURRIED)
async def confirm_answers(call_id: UUID, act: AsPlanner, request: Request) -> Response:
    """Confirm those of a call who have said yes, all of them or none."""
    fields = forms.all_of_it(request)
    async with trying(request, act, call_id, "person", fields):
        ids = fields.get("ids", "").split()
        body = forms.body_of(BulkIn, {"action": BulkAction.CONFIRM, "ids": ids, "all_or_nothing": True})
        done = await act_on_many(act, body, brought(request, fields), _most(request))
    return await _said(request, act, fields, call_id, done="answers", number=len(done.done))


@router.post("/assignments/{assignment_id}/{what}", dependencies=HURRIED)
async def act_on(assignment_id: UUID, what: str, act: AsPlanner, request: Request) -> Response:
    """Offer, confirm, release, cancel or delete an assignment."""
    fields = forms.all_of_it(request)
    async with told_if_gone(request, act, fields, assignment_id):
        found = await on_assignments.read_assignment(act, assignment_id)
    async with trying(request, act, found.call_id, "person", fields, found.id):
        await _do(request, act, found.id, found.call_id, what, fields)
    told_of = {"delete": "undone", "offer": "offered", "confirm": "confirmed"}.get(what, "saved")
    return await _said(request, act, fields, found.call_id, done=told_of, person=found.person_id)


async def _said(
    request: Request, act: Act, fields: Mapping[str, str], call_id: UUID, person: UUID | None = None, **said: object
) -> Response:
    """Answer an act on people, with what was done: on the board that it was done beside, or on the call's page."""
    names = await people.names_of(act, {person}) if person and said["done"] in OF_PEOPLE else {}
    said["name"] = names.get(str(person), "")
    if fields.get("back"):
        return await answer_act(request, act, fields, call=call_id, **said)
    return see(with_query(f"/c/{act.company.slug}/calls/{call_id}", **said))


async def _do(
    request: Request, act: Act, assignment_id: UUID, call_id: UUID, what: str, fields: dict[str, str]
) -> None:  # fmt: skip
    if what not in ACTS:
        raise InvalidError.of(["body", "what"], "Cet acte n'existe pas.", "There is no such act.", "unknown")
    version = forms.expected_version(request)
    if what == "offer":
        await on_assignments.offer(act, assignment_id, await _offer(act, call_id, fields), version)
    elif what == "confirm":
        said = forms.body_of(ConfirmIn, {"on_behalf": fields.get("on_behalf") or None}).on_behalf
        await on_assignments.confirm(act, assignment_id, version, brought(request, fields), said)
    elif what == "release":
        await on_assignments.release(act, assignment_id, version)
    elif what == "cancel":
        body = forms.body_of(CancelIn, {"reason": fields.get("reason", "")})
        await on_assignments.cancel(act, assignment_id, body, version)
    else:
        await on_assignments.delete_assignment(act, assignment_id, version)


def _most(request: Request) -> int:
    most: int = request.app.state.settings.limit_unavailable_answers_per_hour
    return most


def _named(fields: Mapping[str, str]) -> dict[str, Any]:
    return {
        "person_id": fields.get("person_id", ""), "position_id": fields.get("position_id") or None,
        "job": fields.get("job", ""),
    }  # fmt: skip


async def _offer(act: Act, call_id: UUID, fields: Mapping[str, str]) -> OfferIn:
    call = await on_calls.read_call(act, call_id)
    zone = ZoneInfo(await zone_of(act, call.venue_id))
    expires_at = read_wall("expires_at", fields.get("expires_at", ""), zone, "0", SAY_UNTIL_WHEN)
    return forms.body_of(OfferIn, {"expires_at": expires_at, "message": fields.get("message") or None})
