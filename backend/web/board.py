"""A company's home, the board. It shows the planning of a day, a week or a month; what it asks is in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import parse_qsl
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from backend.core.errors import AppError, Sentence
from backend.core.pagination import PageRequest
from backend.people import service as people
from backend.people.repository import PeopleFilter
from backend.planning import calls as on_calls
from backend.planning import publishing, reading
from backend.planning.models import CallStatus
from backend.planning.period import Period, read_bounded_period
from backend.planning.reading import PlanningFilter
from backend.planning.schemas import CallOut
from backend.productions import service as productions
from backend.productions.repository import ProductionsFilter, VenuesFilter
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import keep_instead
from backend.web import forms, planning_words
from backend.web.board_view import GROUPS, VIEWS, Board, View, build, suits
from backend.web.call_list import next_day
from backend.web.rendering import is_fragment, render, words_of
from backend.web.sessions import AsPlanner, AsReader, opened, see, with_query

router = APIRouter(prefix="/c/{slug}", include_in_schema=False, dependencies=[Depends(opened)])
Asked = Annotated[str, Query(max_length=60)]
MANY = PageRequest(200, None)
FINDINGS_SHOWN = 40
OF_PEOPLE = frozenset({"added", "offered", "confirmed"})
SCREEN = "filage-screen"  # "wide" or "small", set by the board's script: of table and list, only the shown one is sent


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that the board's template reads."""

    board: Board
    waiting: int
    zone: str
    next_day: date | None = None  # of an empty board: when calls follow


def read_view(act: Act, asked: Mapping[str, str]) -> View:
    """Return the view that a query asks for; what is not readable is left out, so that no address is a dead end."""
    view = asked.get("view", "week") if asked.get("view") in VIEWS else "week"
    by = asked.get("by", "venue") if asked.get("by") in GROUPS else "venue"
    first = _day(asked.get("from", "")) or act.now.astimezone(ZoneInfo(act.company.timezone)).date()
    if view == "week":
        first -= timedelta(days=first.weekday())
    department = forms.sought(asked.get("department", ""))
    production, person, venue = (_id(asked.get(name, "")) for name in ("production", "person", "venue"))
    return View(view, by, first, production, department, person, venue)


async def show(act: Act, view: View, request: Request) -> Shown:
    """Read what a view shows; the number of statements does not depend on how much that is."""
    words, days = words_of(request), view.days
    period = read_bounded_period(days[0].isoformat(), days[-1].isoformat(), act.company.timezone)
    wanted = PlanningFilter(period, view.production, view.venue, view.person, view.department)
    planning = msgspec.json.decode(await reading.read_planning(act, wanted, words.language, covered=True))
    jobs = await people.known_jobs(act)
    waiting = await publishing.find_waiting(act, Period(period.starts_at, period.ends_at), view.production)
    changed = {str(one.call.id) for one in waiting if one.call.published_version}
    board = build(planning, view, jobs, words, act.company.timezone, changed)
    following = await next_day(act, view, period.ends_at) if board.is_empty else None
    return Shown(board, len(waiting), act.company.timezone, following)


@router.get("")
async def board(act: AsReader, request: Request) -> Response:
    """Show the board."""
    return await _page(request, act, "board.html", request.query_params)


@router.get("/board")
async def board_fragment(act: AsReader, request: Request) -> Response:
    """Show the board without its page: what a script puts in the place of the former one."""
    name = "board_fragment.html" if is_fragment(request) else "board.html"
    return await _page(request, act, name, request.query_params)


@router.get("/calls/{call_id}/days")
async def mark_days(call_id: UUID, act: AsPlanner, request: Request) -> Response:
    """Say, for a board that a call is dragged over, which of its days would suit, as far as this company knows."""
    call = await on_calls.read_call(act, call_id)
    days = read_view(act, _asked(request.query_params)).days
    period = read_bounded_period(days[0].isoformat(), days[-1].isoformat(), act.company.timezone)
    language = words_of(request).language
    planning = msgspec.json.decode(await reading.read_planning(act, PlanningFilter(period), language, judged=False))
    zone = ZoneInfo(await zone_of(act, call.venue_id))
    found = suits(planning, call.model_dump(mode="json"), days, zone)
    return JSONResponse(found, headers={"Cache-Control": "no-store"})


async def answer_act(
    request: Request, act: Act, fields: Mapping[str, str], call: CallOut | None = None, /, **said: object
) -> Response:
    """Answer an act of the board: send the browser to the board; or, to a script, say at once what has changed of it.

    A script says by `seen` which parts it shows, each with its mark. Whoever repeats the request is sent to the board.
    `call` is the one that `said` names, where the act has read it.
    """
    see_board = see(after_act(request, act, fields.get("back", ""), **said))
    if not is_fragment(request) or not fields.get("seen"):
        return see_board
    name, context = await changed_board(request, act, fields)
    asked = {name: str(value) for name, value in said.items()}
    context["done"] = await _done(request, act, asked, call)
    return keep_instead(render(request, name, act=act, **context), see_board)


async def changed_board(request: Request, act: Act, fields: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Return the template, and what it reads, of what a script's board (`seen`, `back`) does not show as it is now."""
    view = read_view(act, _asked(fields))
    shown = await show(act, view, request)
    changed = shown.board.changed(fields["seen"])
    name = "board_fragment.html" if changed is None else "board_changes.html"
    return name, _context(request, act, view, shown) | {"changed": changed, "alone": True, "done": None}


async def show_board(request: Request, act: Act, fields: Mapping[str, str], sentence: str, status: int) -> Response:
    """Return the page of the board that a refused form stood on, with the sentence of the refusal."""
    return await _page(request, act, "board.html", _asked(fields), sentence, status)


async def _page(
    request: Request, act: Act, name: str, asked: Mapping[str, str], sentence: str = "", status: int = 200
) -> Response:  # fmt: skip
    view = read_view(act, asked)
    shown = await show(act, view, request)
    context = _context(request, act, view, shown) | {"done": await _done(request, act, asked)}
    alone = name == "board_fragment.html"
    choices = {} if alone else await _choices(act, request, view)
    return render(request, name, act=act, status=status, alone=alone, sentence=sentence, **context, **choices)


def _asked(fields: Mapping[str, str]) -> dict[str, str]:
    """Return what the address of the board asks that a form stood on."""
    return dict(parse_qsl(fields.get("back", "").partition("?")[2]))


def _context(request: Request, act: Act, view: View, shown: Shown) -> dict[str, Any]:
    base = f"/c/{act.company.slug}"
    return {
        "shown": shown, "board": shown.board, "view": view, "home": base, "back": view.at(base),
        "screen": request.cookies.get(SCREEN, ""), "findings_shown": FINDINGS_SHOWN,
        "today": act.now.astimezone(ZoneInfo(act.company.timezone)).date(),
    }  # fmt: skip


async def _choices(act: Act, request: Request, view: View) -> dict[str, Any]:
    """Return what the filters choose from, as pairs of a value and its words; of many people, those of a name."""
    shows = await productions.list_productions(act, ProductionsFilter(), MANY)
    venues = await productions.list_venues(act, VenuesFilter(), MANY)
    who = forms.sought(request.query_params.get("who", "")[:100]) or ""
    found = await people.list_people(act, PeopleFilter(q=who or None), MANY)
    persons = [(one.id, f"{one.last_name} {one.first_name}") for one in found.items]
    if view.person is not None and all(one != view.person for one, _ in persons):
        names = await people.names_of(act, {view.person})
        persons += [(view.person, name) for name in names.values()]
    return {
        "productions": [(one.id, one.title) for one in shows.items],
        "venues": [(one.id, one.name) for one in venues.items],
        "persons": persons, "who": who, "many_people": bool(who) or found.next_cursor is not None,
        "departments": [(code, words_of(request).say(said)) for code, said in planning_words.DEPARTMENTS.items()],
    }  # fmt: skip


async def _done(
    request: Request, act: Act, asked: Mapping[str, str], call: CallOut | None = None
) -> dict[str, str] | None:
    """Return what was just done, in words, and the form that undoes it; its parts travel in the address."""
    name = _id(asked.get("call", ""))
    if name is not None and call is None:
        try:
            call = await on_calls.read_call(act, name)
        except AppError:
            return None  # it is gone meanwhile: there is nothing to undo
    if (said := said_of(request, act, asked, call)) is not None or call is None:
        return said
    words, what = words_of(request), asked.get("done", "")
    if what not in {"moved", "copied"}:
        return None
    base = f"/c/{act.company.slug}"
    zone = await zone_of(act, call.venue_id)
    day, hours = words.day(call.starts_at, zone), words.span(call.starts_at, call.ends_at, zone)
    template = planning_words.MOVED if what == "moved" else planning_words.COPIED
    sentence = words.say(template).format(day=day, hours=hours)
    if what == "copied":
        return {"sentence": sentence, "action": f"{base}/calls/{call.id}/delete", "version": str(call.version)}
    return {
        "sentence": sentence, "action": f"{base}/calls/{call.id}/back", "version": str(call.version),
        "starts_at": asked.get("starts", "")[:40], "ends_at": asked.get("ends", "")[:40],
        "venue_id": asked.get("venue_was", "")[:40],
    }  # fmt: skip


def said_of(request: Request, act: Act, asked: Mapping[str, str], call: CallOut | None) -> dict[str, str] | None:
    """Return what was done that needs no undoing, or that a draft taken away undoes; None where it is something else.

    `call` is the one that it was about: of one that was never published, its people are told nothing yet.
    """
    words, what = words_of(request), "saved" if "saved" in asked else asked.get("done", "")
    is_draft = call is not None and call.status is CallStatus.DRAFT
    template = _said_when(what, asked, is_draft=is_draft)
    if template is None or (what in OF_PEOPLE and call is None):
        return None
    sentence = words.say(template).format(
        name=asked.get("name", "")[:200],
        **{each: asked.get(each, "")[:6] for each in ("number", "people", "untold")},
    )
    if what != "added" or call is None:
        return {"sentence": sentence, "action": ""}
    base, assignment = f"/c/{act.company.slug}", _id(asked.get("assignment", ""))
    return {
        "sentence": sentence, "action": f"{base}/assignments/{assignment}/delete", "version": "1",
        "next": f"{base}/calls/{call.id}#a-{assignment}",
    }  # fmt: skip


def _said_when(what: str, asked: Mapping[str, str], *, is_draft: bool) -> Sentence | None:
    return {
        "saved": planning_words.SAVED, "undone": planning_words.TAKEN_BACK, "added": planning_words.ADDED,
        "answers": planning_words.ANSWERS,
        "offered": planning_words.OFFERED_DRAFT if is_draft else planning_words.OFFERED,
        "confirmed": planning_words.CONFIRMED_DRAFT if is_draft else planning_words.CONFIRMED,
        "published": planning_words.published(asked),
    }.get(what)  # fmt: skip


async def zone_of(act: Act, venue_id: UUID | None) -> str:
    """Return the zone of a venue, or of the company."""
    if venue_id is None:
        return act.company.timezone
    return await productions.zone_of(act, venue_id)


async def zones_of(act: Act) -> dict[UUID | None, str]:
    """Return the zone of each venue of the company."""
    known = await productions.list_venues(act, VenuesFilter(), MANY)
    return {one.id: one.timezone for one in known.items}


def after_act(request: Request, act: Act, back: str, **said: object) -> str:
    """Return where the browser reads the board again, with what was done in its address."""
    base = f"/c/{act.company.slug}"
    _, _, query = back.partition("?")
    path = f"{base}/board" if is_fragment(request) else base
    return with_query(f"{path}?{query}" if query else path, **said)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1971 <= found.year <= 2199 else None  # noqa: PLR2004 - what the API takes, with room around


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
