"""The pages of a call: add, read, change, move, copy, cancel, and what it needs. Each drag ends here too."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response

from backend.core.errors import FieldError, InvalidError, NotFoundError, Sentence
from backend.core.preconditions import ANY_VERSION
from backend.planning import assignments as on_assignments
from backend.planning import calls as on_calls
from backend.planning import positions as on_positions
from backend.planning.copy_schemas import CopyIn
from backend.planning.copying import copy_call, copy_calls
from backend.planning.domain.wall_times import move_to, read_instant
from backend.planning.schemas import AssignmentIn, CallChange, CallIn, CallOut, PositionChange, PositionIn
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import AnswerRoute
from backend.web import forms
from backend.web.board import answer_act, show_board, zone_of
from backend.web.call_view import Form, brought, read_sheet, show_call, told_if_gone, trying
from backend.web.forms import Refused
from backend.web.rendering import is_fragment, render
from backend.web.sessions import AsPlanner, AsReader, local_path, opened, see, unhurried
from backend.web.written_times import read_day, read_hour, read_known, read_wall

router = APIRouter(prefix="/c/{slug}", include_in_schema=False, route_class=AnswerRoute, dependencies=[Depends(opened)])
HURRIED = [Depends(unhurried)]
BREAKS = 6
BOTH_ENDS = Sentence("Écrivez le début et la fin de la pause.", "Write the start and the end of the break.")
NOBODYS_PLACE = Sentence("Choisissez la place à donner.", "Choose the place to give.")


@router.get("/calls/new")
async def new_call(act: AsPlanner, request: Request) -> Response:
    """Ask for a new call."""
    asked = request.query_params
    day = asked.get("day", "")[:10]
    values = {
        "production_id": asked.get("production", ""), "venue_id": asked.get("venue", ""), "kind": "rehearsal",
        "starts_at": f"{day}T10:00" if day else "", "ends_at": f"{day}T13:00" if day else "",
        "unplaced_break_minutes": "0", "title": "",
    }  # fmt: skip
    return await show_call(request, act, None, Form("edit", values))


@router.post("/calls/new")
async def create_call(act: AsPlanner, request: Request) -> Response:
    """Add a draft."""
    fields = forms.all_of_it(request)
    async with trying(request, act, None, "edit", fields):
        values = await _read_call(act, fields)
        call = await on_calls.create_call(act, forms.body_of(CallIn, values))
    return see(f"/c/{act.company.slug}/calls/{call.id}?saved=1")


@router.get("/calls/{call_id}")
async def read_call(call_id: UUID, act: AsReader, request: Request) -> Response:
    """Show a call: what it needs, who is on it, and the forms that change it."""
    return await show_call(request, act, call_id)


@router.get("/calls/{call_id}/sheet")
async def call_sheet(call_id: UUID, act: AsReader, request: Request) -> Response:
    """Show the commands of a call: what a script opens beside the board."""
    if not is_fragment(request):
        return see(f"/c/{act.company.slug}/calls/{call_id}")
    async with told_if_gone(request, act, request.query_params, call_id):
        context = await read_sheet(request, act, call_id)
    back = local_path(request.query_params.get("back", ""), context["home"])
    return render(request, "call_sheet.html", act=act, **context | {"back": back})


@router.post("/calls/{call_id}", dependencies=HURRIED)
async def change_call(call_id: UUID, act: AsPlanner, request: Request) -> Response:
    """Change what a call is; times are those of its place."""
    fields = forms.all_of_it(request)
    async with trying(request, act, call_id, "edit", fields):
        values = await _read_call(act, fields)
        body = forms.body_of(CallChange, values)
        await on_calls.change_call(act, call_id, body, forms.expected_version(request), brought(request, fields))
    return see(f"/c/{act.company.slug}/calls/{call_id}?saved=1")


@router.post("/calls/{call_id}/move", dependencies=HURRIED)
async def move(call_id: UUID, act: AsPlanner, request: Request) -> Response:
    """Move a call to another day, hour or venue, or somebody's place on it to somebody else; or copy it there."""
    fields = forms.all_of_it(request)
    async with trying(request, act, call_id, "move", fields):
        said, call = await _moved(request, act, call_id, fields)
    return await answer_act(request, act, fields, call, **said)


@router.post("/calls/{call_id}/stretch", dependencies=HURRIED)
async def stretch(call_id: UUID, act: AsPlanner, request: Request) -> Response:
    """Give a call another start and end, in the wall times of its place; `by` adds minutes to the end."""
    fields = forms.all_of_it(request)
    async with trying(request, act, call_id, "move", fields):
        call = await on_calls.read_call(act, call_id)
        zone = ZoneInfo(await zone_of(act, call.venue_id))
        values = {name: read_wall(name, fields.get(name[:-3], ""), zone) for name in ("starts_at", "ends_at")}
        minutes = fields.get("by", "")
        if minutes in {"-15", "15"}:
            values = {"ends_at": call.ends_at + timedelta(minutes=int(minutes))}
        body = forms.body_of(CallChange, values)
        await on_calls.change_call(act, call_id, body, forms.expected_version(request), brought(request, fields))
    return await answer_act(request, act, fields, **_undo_of(call))


@router.post("/calls/{call_id}/back", dependencies=HURRIED)
async def move_back(call_id: UUID, act: AsPlanner, request: Request) -> Response:
    """Undo a move: the times and the venue that the call had."""
    fields = forms.all_of_it(request)
    async with trying(request, act, call_id, "move", fields):
        call = await on_calls.read_call(act, call_id)
        starts, ends = (read_known(name, fields.get(name, "")) for name in ("starts_at", "ends_at"))
        by = starts - call.starts_at
        pauses = [
            {"starts_at": one.starts_at + by, "ends_at": one.ends_at + by, "paid": one.paid} for one in call.breaks
        ]
        values = {
            "starts_at": starts,
            "ends_at": ends,
            "breaks": pauses,
            "venue_id": fields.get("venue_id") or None,
        }
        body = forms.body_of(CallChange, values)
        await on_calls.change_call(act, call_id, body, forms.expected_version(request), brought(request, fields))
    return await answer_act(request, act, fields, done="undone")


@router.post("/cure", dependencies=HURRIED)
async def cure(act: AsPlanner, request: Request) -> Response:
    """Do what a finding proposes: the call begins later, ends earlier or later, or has breaks."""
    fields = forms.all_of_it(request)
    name, _, rest = fields.get("cure", "").partition(" ")
    call_id = _uuid("cure", name)
    async with trying(request, act, call_id, "move", fields):
        call = await on_calls.read_call(act, call_id)
        body = forms.body_of(CallChange, _cured(call, *rest.partition(" ")[::2]))
        await on_calls.change_call(act, call_id, body, call.version, brought(request, fields))
    return await answer_act(request, act, fields, done="saved")


@router.post("/copy-week")
async def copy_week(act: AsPlanner, request: Request) -> Response:
    """Copy a week's calls with what they need to another week, and on demand their people as drafts."""
    fields = forms.all_of_it(request)

    async def again(refusal: Refused) -> Response:
        return await show_board(request, act, fields, refusal.whole(request.state.language), int(refusal.status))

    async with forms.trying(act, again):
        source = {"week": fields.get("week", "")}
        people = "draft" if fields.get("people") else "none"
        await copy_calls(act, forms.body_of(CopyIn, {"source": source, "to": fields.get("to", ""), "people": people}))
    return await answer_act(request, act, fields, done="saved")


@router.post("/calls/{call_id}/cancel")
async def cancel_call(call_id: UUID, act: AsPlanner, request: Request) -> Response:
    """Cancel a call, with a reason for whoever was called."""
    fields = forms.all_of_it(request)
    async with trying(request, act, call_id, "cancel", fields):
        values = {"status": "cancelled", "cancel_reason": fields.get("cancel_reason") or None}
        await on_calls.change_call(act, call_id, forms.body_of(CallChange, values), forms.expected_version(request))
    return see(f"/c/{act.company.slug}/calls/{call_id}?saved=1")


@router.post("/calls/{call_id}/delete")
async def delete_call(call_id: UUID, act: AsPlanner, request: Request) -> Response:
    """Delete a draft that nobody was told of."""
    fields = forms.all_of_it(request)
    async with trying(request, act, call_id, "cancel", fields):
        await on_calls.delete_call(act, call_id, forms.expected_version(request))
    return await answer_act(request, act, fields, done="undone")


@router.post("/calls/{call_id}/positions")
async def add_position(call_id: UUID, act: AsPlanner, request: Request) -> Response:
    """Say what else a call needs."""
    fields = forms.all_of_it(request)
    async with trying(request, act, call_id, "position", fields):
        wanted = {"job": fields.get("job", ""), "headcount": _number(fields.get("headcount", ""))}
        body = forms.body_of(PositionIn, wanted)
        await on_positions.create_position(act, call_id, body)
    return see(f"/c/{act.company.slug}/calls/{call_id}?saved=1")


@router.post("/calls/{call_id}/positions/{position_id}")
async def change_position(call_id: UUID, position_id: UUID, act: AsPlanner, request: Request) -> Response:
    """Change how many people a position needs, or take it away."""
    fields = forms.all_of_it(request)
    async with trying(request, act, call_id, "position", fields):
        if fields.get("what") == "delete":
            await on_positions.delete_position(act, call_id, position_id, forms.expected_version(request))
        else:
            body = forms.body_of(PositionChange, {"headcount": _number(fields.get("headcount", ""))})
            await on_positions.change_position(act, call_id, position_id, body, forms.expected_version(request))
    return see(f"/c/{act.company.slug}/calls/{call_id}?saved=1")


@router.get("/cure")
async def no_cure(act: AsReader) -> Response:
    """Lead back to the board from where only forms go: a language was chosen on what they answered."""
    return see(f"/c/{act.company.slug}")


@router.get("/calls/{call_id}/{rest:path}")
async def back_to_call(call_id: UUID, rest: str, act: AsReader) -> Response:
    """Lead back to the call from where only forms go, and to the position that they were about."""
    kind, _, name = rest.partition("/")
    anchor = f"#p-{name.partition('/')[0]}" if kind == "positions" and name else ""
    return see(f"/c/{act.company.slug}/calls/{call_id}{anchor}")


async def _moved(
    request: Request, act: Act, call_id: UUID, fields: Mapping[str, str]
) -> tuple[dict[str, object], CallOut | None]:
    """Do what a move asks for; return what is said of it, which is also what undoes it, and the call if it changed."""
    if fields.get("person"):
        return await _given_to(act, call_id, fields), None
    call = await on_calls.read_call(act, call_id)
    zone = ZoneInfo(await zone_of(act, call.venue_id))
    times = move_to(
        call.model_dump(), zone, read_day("day", fields.get("day", "")), read_hour("hour", fields.get("hour", ""))
    )
    if "venue" in fields:
        times["venue_id"] = _uuid("venue", fields["venue"]) if fields["venue"] else None
    if fields.get("copy"):
        copy = await copy_call(act, call_id, times, with_people=bool(fields.get("team")))
        return {"done": "copied", "call": copy.id}, None
    body = forms.body_of(CallChange, times)
    moved = await on_calls.change_call(act, call_id, body, forms.expected_version(request), brought(request, fields))
    return _undo_of(call), moved


async def _given_to(act: Act, call_id: UUID, fields: Mapping[str, str]) -> dict[str, object]:
    """Put somebody on a call as a draft: on an open position, or in the place of another draft."""
    person, position, job = _uuid("person_id", fields["person"]), None, ""
    if fields.get("assignment"):
        former = await on_assignments.read_assignment(act, _uuid("assignment", fields["assignment"]))
        await on_assignments.delete_assignment(act, former.id, ANY_VERSION)
        position, job = former.position_id, former.job
    elif fields.get("position"):
        place = await on_positions.read_position(act, call_id, _uuid("position", fields["position"]))
        position, job = place.id, place.job
    else:
        raise InvalidError(NOBODYS_PLACE, [FieldError(("body", "position"), NOBODYS_PLACE)])
    body = forms.body_of(AssignmentIn, {"call_id": call_id, "position_id": position, "person_id": person, "job": job})
    made = await on_assignments.create_assignment(act, body)
    return {"done": "added", "call": call_id, "assignment": made.id, "name": fields.get("name", "")}


def _undo_of(call: CallOut) -> dict[str, object]:
    return {
        "done": "moved", "call": call.id, "starts": call.starts_at.isoformat(), "ends": call.ends_at.isoformat(),
        "venue_was": call.venue_id or "",
    }  # fmt: skip


def _cured(call: CallOut, action: str, at: str) -> dict[str, Any]:
    instants = [read_known("cure", text) for text in at.split(",")][:BREAKS]
    if action == "start_later":
        return {"starts_at": instants[0]}
    if action in {"end_earlier", "end_later"}:
        return {"ends_at": instants[0]}
    pauses = [one.model_dump() for one in call.breaks]
    pauses += [{"starts_at": start, "ends_at": start + timedelta(minutes=20), "paid": False} for start in instants]
    return {"breaks": sorted(pauses, key=lambda one: one["starts_at"])}


async def _read_call(act: Act, fields: Mapping[str, str]) -> dict[str, Any]:
    """Read a call's form. Raises InvalidError with a sentence for each field that is not readable.

    A venue that is not there (any more) is a NotFoundError that names its field.
    """
    venue = _uuid("venue_id", fields["venue_id"]) if fields.get("venue_id") else None
    try:
        zone = ZoneInfo(await zone_of(act, venue))
    except NotFoundError as error:
        raise NotFoundError(error.code, error.sentence, extra={"field": "venue_id"}) from error
    refused: list[FieldError] = []
    values: dict[str, Any] = {name: fields.get(name, "") for name in ("production_id", "kind", "title")}
    for name in ("starts_at", "ends_at"):
        try:
            values[name] = read_wall(name, fields.get(name, ""), zone, fields.get(f"{name}_second"))
        except InvalidError as error:
            refused += error.fields
    if refused:
        raise InvalidError(refused[0].sentence, refused)
    breaks = _breaks(fields, values["starts_at"], zone)
    minutes = _number(fields.get("unplaced_break_minutes", "") or "0")
    return values | {"venue_id": venue, "breaks": breaks, "unplaced_break_minutes": minutes}


def _breaks(fields: Mapping[str, str], starts_at: datetime, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Read the breaks, which are written as hours of the call: an hour before its start is one of the next day."""
    found = []
    begins = starts_at.astimezone(zone).replace(tzinfo=None)
    for number in range(BREAKS):
        pair = [read_hour("breaks", fields.get(f"break-{number}-{name}", "")) for name in ("starts", "ends")]
        hours = [hour for hour in pair if hour is not None]
        if not hours:
            continue
        if len(hours) == 1:
            raise InvalidError(BOTH_ENDS, [FieldError(("body", "breaks"), BOTH_ENDS)])
        walls = [datetime.combine(begins.date(), hour) for hour in hours]
        walls = [wall if wall >= begins else wall + timedelta(days=1) for wall in walls]
        first, last = (read_instant("breaks", wall, zone, second=False) for wall in walls)
        found.append({"starts_at": first, "ends_at": last, "paid": f"break-{number}-paid" in fields})
    return found


def _uuid(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidError.of(["body", name], "Choisissez dans la liste.", "Choose from the list.", "unknown") from None


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() and len(text) < 6 else text  # noqa: PLR2004 - what the body refuses in words
