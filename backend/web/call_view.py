"""What the pages of a call show: its place's clock, its positions with the people on them, its findings."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from fastapi import Request, Response

from backend.audit import trail
from backend.audit.repository import EventsFilter
from backend.core.errors import NotFoundError, Sentence
from backend.core.pagination import PageRequest
from backend.people import service as people
from backend.planning import calls as on_calls
from backend.planning import reading
from backend.planning.domain.states import Action, Status, allowed
from backend.planning.finding_schemas import ClearanceIn
from backend.planning.gate import Brought
from backend.planning.models import CallStatus
from backend.planning.period import BoundedPeriod
from backend.planning.reading import PlanningFilter
from backend.planning.schemas import CallOut
from backend.productions import service as productions
from backend.productions.repository import ProductionsFilter, VenuesFilter
from backend.rules.dated import grounds
from backend.tenancy.acting import Act
from backend.web import forms, planning_words
from backend.web.board import MANY, changed_board, said_of, zone_of
from backend.web.board_view import OF_STATUS, STANDING, coverage, filled, group
from backend.web.forms import Refused, RefusedPageError
from backend.web.rendering import is_fragment, render, words_of
from backend.web.sessions import local_path
from backend.web.speaking import Words
from backend.web.typography import typeset

COMPANY_ACTS = (Action.OFFER, Action.CONFIRM, Action.RELEASE, Action.CANCEL)
EMPTY_BREAKS = 1
MOST_BREAKS = 6
MOST_NAMES = 5
FIELDS_OF = {
    "edit": ("title", "production_id", "kind", "venue_id", "starts_at", "ends_at", "breaks", "unplaced_break_minutes")
}
NEEDS_CLEARANCE = frozenset({"override_required", "skill_missing", "ground_required"})
CHANGED_BEFORE_DELETION = Sentence(
    "Quelqu'un a modifié cette fiche entre-temps : rien n'a été supprimé. Relisez-la avant de recommencer.",
    "Somebody has changed this meanwhile: nothing was deleted. Read it again before you try once more.",
)


@dataclass(frozen=True, slots=True)
class Form:
    """A form of the call's page as it was typed and refused; `name` says which one."""

    name: str
    values: Mapping[str, str]
    sentence: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    stale: bool = False


async def show_call(request: Request, act: Act, call_id: UUID | None, form: Form | None = None) -> Response:
    """Return the page of a call, or of a new one; with a form that was refused, as it was typed."""
    words = words_of(request)
    context: dict[str, Any] = {"call": None} if call_id is None else await read_sheet(request, act, call_id)
    known = await productions.list_productions(act, ProductionsFilter(), MANY)
    venues = await productions.list_venues(act, VenuesFilter(), MANY)
    jobs = context.get("jobs") or await people.known_jobs(act)
    shown = form or Form("", {})
    values = shown.values if shown.name == "edit" else values_of_call(context)
    zones = {str(one.id): one.timezone for one in venues.items}
    zone = zones.get(values.get("venue_id", ""), act.company.timezone)
    base = f"/c/{act.company.slug}"
    rest: dict[str, Any] = {
        "home": base, "values": values, "form": shown, "productions": [(one.id, one.title) for one in known.items],
        "venues": [(one.id, f"{one.name}{', ' + one.city if one.city else ''}") for one in venues.items],
        "kinds": planning_words.kinds(words), "jobs_to_choose": [(code, job.label) for code, job in jobs.items()],
        "place_zone": zone, "breaks": breaks_of(values), "icons": planning_words.ICONS,
        "done": said_of(request, act, request.query_params, context.get("call")),
        "back": local_path(request.query_params.get("back", ""), base),
    }  # fmt: skip
    return render(request, "call.html", act=act, status=shown.status, **{**context, **rest})


async def read_sheet(request: Request, act: Act, call_id: UUID) -> dict[str, Any]:
    """Return a call with everything around it. Raises NotFoundError."""
    call, words = await on_calls.read_call(act, call_id), words_of(request)
    period = BoundedPeriod(call.starts_at, call.ends_at)
    planning = msgspec.json.decode(
        await reading.read_planning(act, PlanningFilter(period, call.production_id), words.language, covered=True)
    )
    jobs, name = await people.known_jobs(act), str(call_id)
    persons = {one["id"]: one["name"] for one in planning["people"]}
    on_it = [
        one | {
            "name": persons[one["person_id"]], "state": state_of(one), "said": _said(words, one), "acts": [
                each.value for each in allowed(Status(one["status"]), contested=one["contested"])
                if each in COMPANY_ACTS
            ],
            "label": jobs[one["job"]].label if one["job"] in jobs else one["job"],
        }
        for one in planning["assignments"] if one["call_id"] == name
    ]  # fmt: skip
    standing = [one for one in on_it if one["status"] in STANDING]
    of_call = [one for one in planning["positions"] if one["call_id"] == name]
    wanted = {one["job"] for one in of_call}
    aside = [one for one in on_it if one["job"] not in wanted]
    positions = [
        one | {
            "label": jobs[one["job"]].label if one["job"] in jobs else one["job"],
            "sure": filled([one], standing), "standing": sum(p["job"] == one["job"] for p in standing),
            "state": coverage([one], [p for p in standing if p["job"] == one["job"]]),
            "declined": _declined(one, on_it), "people": [p for p in on_it if p["job"] == one["job"]],
        }
        for one in of_call
    ]  # fmt: skip
    zone = await zone_of(act, call.venue_id)
    return {
        "call": call, "jobs": jobs, "call_zone": zone, "positions": positions, "home": f"/c/{act.company.slug}",
        "aside": aside, "aside_standing": sum(one in standing for one in aside), "icons": planning_words.ICONS,
        "sure": filled(of_call, standing), "needed": sum(one["headcount"] for one in of_call),
        "answered": [one for one in standing if one["status"] == Status.ACCEPTED],
        "counted": [(state, number) for state in ("contested", "accepted", "option", "draft")
                    if (number := sum(one["state"] == state for one in standing))],
        "state_words": {state: words.say(said) for state, said in planning_words.COVERAGE.items()},
        "production": next((one["title"] for one in planning["productions"]), ""),
        "venue": next((one["name"] for one in planning["venues"] if one["id"] == str(call.venue_id)), ""),
        "kind": planning_words.named(words, planning_words.KINDS, call.kind),
        "found": group([one for one in planning["findings"] if name in one["call_ids"]], persons),
        "is_cancelled": call.status is CallStatus.CANCELLED, "is_draft": call.status is CallStatus.DRAFT,
        "local_day": call.starts_at.astimezone(ZoneInfo(zone)).date(),
        "local_hour": f"{call.starts_at.astimezone(ZoneInfo(zone)):%H:%M}",
        "soon": default_expiry(act, zone),
    }  # fmt: skip


def state_of(one: Mapping[str, Any]) -> str:
    """Return how somebody stands on a call, by the name of its colour: what is contested is not sure."""
    return "contested" if one["contested"] else OF_STATUS.get(one["status"], "off")


def _said(words: Words, one: Mapping[str, Any]) -> str:
    return words.say(
        planning_words.COVERAGE["contested"] if one["contested"] else planning_words.STATUSES[one["status"]]
    )


def _declined(position: Mapping[str, Any], on_it: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return who said no to a place that is still open."""
    of_job = [one for one in on_it if one["job"] == position["job"]]
    if sum(one["status"] in STANDING for one in of_job) >= position["headcount"]:
        return []
    return [one["name"] for one in of_job if one["status"] == Status.DECLINED]


def default_expiry(act: Act, zone: str) -> str:
    """Return the wall time that an option expires at when nobody says otherwise: 18:00 in three days."""
    day: date = act.now.astimezone(ZoneInfo(zone)).date() + timedelta(days=3)
    return f"{day.isoformat()}T18:00"


def values_of_call(context: Mapping[str, Any]) -> dict[str, str]:
    """Return a call as its form holds it: texts, and times of its place."""
    call: CallOut | None = context.get("call")
    if call is None:
        return {}
    zone = ZoneInfo(context["call_zone"])
    starts, ends = call.starts_at.astimezone(zone), call.ends_at.astimezone(zone)
    found = {
        "production_id": str(call.production_id), "venue_id": str(call.venue_id or ""), "kind": call.kind.value,
        "title": call.title, "starts_at": f"{starts:%Y-%m-%dT%H:%M}", "ends_at": f"{ends:%Y-%m-%dT%H:%M}",
        "unplaced_break_minutes": str(call.unplaced_break_minutes), "version": str(call.version),
    }  # fmt: skip
    for name, instant in (("starts_at", starts), ("ends_at", ends)):
        if instant.utcoffset() != instant.replace(fold=1 - instant.fold).utcoffset():
            found[f"{name}_second"] = str(instant.fold)
    for number, pause in enumerate(call.breaks):
        found[f"break-{number}-starts"] = f"{pause.starts_at.astimezone(zone):%H:%M}"
        found[f"break-{number}-ends"] = f"{pause.ends_at.astimezone(zone):%H:%M}"
        if pause.paid:
            found[f"break-{number}-paid"] = "1"
    return found


def breaks_of(values: Mapping[str, str]) -> list[int]:
    """Return the numbers of the breaks that a form shows: those that are there, and an empty one."""
    filled = [number for number in range(MOST_BREAKS) if values.get(f"break-{number}-starts")]
    return list(range(min(len(filled) + EMPTY_BREAKS, MOST_BREAKS)))


@asynccontextmanager
async def trying(
    request: Request, act: Act, call_id: UUID | None, form: str, fields: dict[str, str], of: UUID | None = None
) -> AsyncIterator[None]:
    """Try an act of a call's page; refused, show what the law says of it, or the `form` as it was typed.

    `of` is what may be changed meanwhile where that is not the call itself: somebody's place on it.
    """

    async def again(refusal: Refused) -> Response:
        if "findings" in refusal.extra:
            return await show_gate(request, act, refusal, fields)
        if is_fragment(request) and refusal.status is HTTPStatus.NOT_FOUND and refusal.sentence:
            raise NotFoundError(refusal.code, refusal.sentence)
        if is_fragment(request) and call_id is not None:
            return await show_refusal(request, act, call_id, refusal, fields, of)
        return await show_call(request, act, call_id, _typed(request, form, fields, refusal))

    async with told_if_gone(request, act, fields, of or call_id), forms.trying(act, again, FIELDS_OF.get(form, ())):
        yield


@asynccontextmanager
async def told_if_gone(
    request: Request, act: Act, fields: Mapping[str, str], subject: UUID | None
) -> AsyncIterator[None]:
    """Say to a script whose board shows what is not there any more that it is gone, and what the board shows now."""
    try:
        yield
    except NotFoundError as error:
        if not is_fragment(request) or not fields.get("seen"):
            raise
        raise RefusedPageError(await _show_gone(request, act, fields, subject), error.code) from error


async def _show_gone(request: Request, act: Act, fields: Mapping[str, str], subject: UUID | None) -> Response:
    newest = (await trail.list_events(act, EventsFilter(subject_id=subject), PageRequest(1, None))).items
    deleted = next((one for one in newest if one.what in planning_words.GONE), None)
    by_oneself = deleted is not None and deleted.actor_id == act.actor.user_id
    told = planning_words.GONE_BY_ONESELF if by_oneself else planning_words.GONE
    template = told[deleted.what] if deleted else planning_words.NOT_THERE
    name, board = await changed_board(request, act, fields)
    return render(
        request, "refused_fragment.html", act=act, status=HTTPStatus.NOT_FOUND, call=None, in_the_way=[], fresh=name,
        sentences=[words_of(request).say(template).format(name=deleted.actor_name if deleted else "")], **board,
    )  # fmt: skip


def _typed(request: Request, name: str, fields: dict[str, str], refusal: Refused) -> Form:
    is_deletion = fields.get("what") == "delete" or request.url.path.endswith("/delete")
    stale = CHANGED_BEFORE_DELETION if is_deletion else forms.CHANGED
    shown, language = replace(refusal, sentence=stale) if refusal.is_stale else refusal, request.state.language
    errors = shown.errors(language) | {
        one["id"]: typeset(one["detail"], language) for one in refusal.extra.get("failed", [])
    }
    return Form(name, fields, shown.text(language), errors, int(refusal.status), stale=refusal.is_stale)


def brought(request: Request, fields: Mapping[str, str]) -> Brought:
    """Return what a form brings to pass the law: a reason, and a ground and its document for each rule."""
    grounds = [
        {"rule": name.removeprefix("ground-"), "ground": value, "document": fields.get(f"document-{name[7:]}", "")}
        for name, value in fields.items()
        if name.startswith("ground-") and value
    ]
    reason = fields.get("override_reason") or None
    clearance = forms.body_of(ClearanceIn, {"override_reason": reason, "grounds": grounds})
    return Brought(clearance, words_of(request).language)


async def show_gate(request: Request, act: Act, refusal: Refused, fields: Mapping[str, str]) -> Response:
    """Return what the law says of a refused act, with the form that sends it again with what makes it pass."""
    words = words_of(request)
    sentence, errors = refusal.text(words.language), refusal.errors(words.language)
    own = ("override_reason", "ground-", "document-", "seen")
    kept = [(name, value) for name, value in fields.items() if not name.startswith(own)]
    base = f"/c/{act.company.slug}"
    sentence = words.say(planning_words.GATE[refusal.code]) if refusal.code in planning_words.GATE else sentence
    told_of = refusal.extra["findings"]
    names = await people.names_of(act, {UUID(one["person_id"]) for one in told_of if one["person_id"]})
    return render(
        request, "gate_fragment.html" if is_fragment(request) else "gate.html", act=act, status=int(refusal.status),
        findings=group(told_of, names), sentence=sentence, errors=errors, kept=kept, target=request.url.path, home=base,
        may_pass=refusal.code in NEEDS_CLEARANCE, back=local_path(fields.get("back", ""), base),
        grounds=[(code, words.say(said)) for code, said in grounds().items()],
        reason=fields.get("override_reason", ""),
    )  # fmt: skip


async def show_refusal(
    request: Request, act: Act, call_id: UUID, refusal: Refused, fields: Mapping[str, str], of: UUID | None = None
) -> Response:
    """Return to the board's script which call was not changed, why, and what stands in its way.

    Where the script's board is out of date (`of` was changed meanwhile: the call, or somebody's place on it), what has
    changed of it comes along, so that the next gesture begins from what is.
    """
    words, zone = words_of(request), act.company.timezone
    sentence, errors = refusal.text(words.language), refusal.errors(words.language)
    call = await on_calls.read_call(act, call_id)
    call_zone = await zone_of(act, call.venue_id)
    in_the_way = await _in_the_way(act, refusal.extra.get("conflicts") or [])
    sentence = words.say(planning_words.BUSY) if refusal.code == "overlap" and in_the_way else sentence
    failed = [typeset(one["detail"], words.language) for one in refusal.extra.get("failed", [])]
    sentence = words.say(forms.CHANGED) if refusal.is_stale else sentence
    name, board = await changed_board(request, act, fields) if refusal.is_stale and fields.get("seen") else ("", {})
    if name:
        sentence = await _overtaken(act, words, call, call_zone, of or call_id)
    response = render(
        request, "refused_fragment.html", act=act, status=int(refusal.status), call=call, in_the_way=in_the_way,
        sentences=list(dict.fromkeys([*([sentence] if sentence else []), *errors.values(), *failed]))[:MOST_NAMES],
        most=MOST_NAMES, zone=zone, call_zone=call_zone, fresh=name, **{"home": f"/c/{act.company.slug}", **board},
    )  # fmt: skip
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#alerts", "innerHTML"
    return response


async def _in_the_way(act: Act, conflicts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each call that stands in the way once, with `people`, the names of all whom it holds."""
    names = await people.names_of(act, {UUID(str(one["person_id"])) for one in conflicts}) if conflicts else {}
    found: dict[str, dict[str, Any]] = {}
    for one in conflicts:
        instants = {name: datetime.fromisoformat(one[name]) for name in ("starts_at", "ends_at")}
        held = found.setdefault(str(one["call_id"]), {**one, **instants, "people": []})
        name = names.get(str(one["person_id"]))
        if name and name not in held["people"]:
            held["people"].append(name)
    return list(found.values())


async def _overtaken(act: Act, words: Words, call: CallOut, zone: str, of: UUID) -> str:
    """Say who changed a call, or a place on it, before somebody else's gesture reached it, and when it is now."""
    newest = (await trail.list_events(act, EventsFilter(subject_id=of), PageRequest(1, None))).items
    name = newest[0].actor_name if newest else words.say(planning_words.SOMEBODY)
    by_oneself = bool(newest) and newest[0].actor_id == act.actor.user_id
    sentence = planning_words.OVERTAKEN_BY_ONESELF if by_oneself else planning_words.OVERTAKEN
    day, hours = words.day(call.starts_at, zone), words.span(call.starts_at, call.ends_at, zone)
    said = words.say(sentence if of == call.id else planning_words.OVERTAKEN_TEAM)
    return said.format(name=name, day=day, hours=hours)
