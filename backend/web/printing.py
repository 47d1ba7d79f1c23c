"""What is printed: the call sheet of a day, and one person's week: A4, black on white, dated on each page."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from backend.core.errors import Sentence
from backend.identity.access import EXPORTERS
from backend.people import service as people
from backend.planning import publishing, reading
from backend.planning.domain.states import Status
from backend.planning.models import CallStatus
from backend.planning.period import Period, read_bounded_period
from backend.planning.reading import PlanningFilter
from backend.portal.repository import Contact, Link, contact_of, contacts_of
from backend.productions import service as productions
from backend.productions.repository import VenuesFilter
from backend.tenancy.acting import Act
from backend.web import planning_words
from backend.web.board import MANY, read_view
from backend.web.board_view import Builder
from backend.web.places import address_of, map_of
from backend.web.rendering import render, words_of
from backend.web.sessions import AsReader, opened, with_query
from backend.web.speaking import Words
from backend.web.square import square_code

router = APIRouter(prefix="/c/{slug}", include_in_schema=False, dependencies=[Depends(opened)])
UNPUBLISHED = Sentence("brouillon, non publié", "draft, not published")
CHANGED = Sentence("modifié depuis sa publication", "changed since it was published")
OPTION = Sentence("option", "option")
CONTESTED = Sentence("à départager", "to be settled")
NIL = UUID(int=0)  # nobody: a sheet for all leaves nobody out
COLUMNS = (("stage",), ("lighting",), ("sound_video",), ("wardrobe",), ("artistic", "direction"))


class OfACall(NamedTuple):
    """What the portal reads of a row to say whom to phone about its call."""

    call_id: UUID


@router.get("/print/day")
async def call_sheet(act: AsReader, request: Request) -> Response:
    """Show the call sheet of a day, of one production or of all: hours down, departments across."""
    asked = request.query_params
    view = read_view(act, {**asked, "from": asked.get("day", ""), "view": "day"})
    builder = await _read(act, request, view.first, view.first, view.production)
    words = words_of(request)
    period = read_bounded_period(view.first.isoformat(), view.first.isoformat(), act.company.timezone)
    waiting = await publishing.find_waiting(act, Period(period.starts_at, period.ends_at), view.production)
    unpublished = {str(one.call.id) for one in waiting}
    taking_place = [call for call in builder.planning["calls"] if call["status"] != CallStatus.CANCELLED]
    rows = [_row(builder, call, words, is_unpublished=call["id"] in unpublished) for call in taking_place]
    known = await productions.list_venues(act, VenuesFilter(), MANY)
    venues = [one for one in known.items if str(one.id) in builder.venues]
    heads = [" / ".join(planning_words.named(words, planning_words.DEPARTMENTS, one) for one in of) for of in COLUMNS]
    address = f"{request.app.state.settings.public_url}/c/{act.company.slug}/print/day?day={view.first}"
    return render(
        request, "print_day.html", act=act, day=view.first, rows=rows, heads=heads, now=act.now,
        venues=[(one, address_of(one), map_of(one)) for one in venues],
        titles=", ".join(builder.productions.values()), home=f"/c/{act.company.slug}",
        version=max((call["published_version"] for call in taking_place), default=0),
        unpublished=sum(row["mark"] is not None for row in rows), contacts=await _to_phone(act, taking_place),
        team=await _team(act, builder, rows), code=square_code(with_query(address, production=view.production)),
        map_code=square_code,
    )  # fmt: skip


async def _team(act: Act, builder: Builder, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return who is on the sheet with the number to phone them; only for whoever may read the directory."""
    if act.actor.role not in EXPORTERS:
        return []
    on_it = {name for row in rows for name in row["ids"]}
    phones = await people.phones_of(act, [UUID(name) for name in on_it])
    jobs = builder.jobs
    return [
        {"name": one["name"], "job": jobs[one["job"]].label if one["job"] in jobs else one["job"],
         "phone": phones.get(name, "")}
        for name, one in builder.people.items() if name in on_it
    ]  # fmt: skip


async def _to_phone(act: Act, calls: Sequence[Mapping[str, Any]], person_id: UUID = NIL) -> list[Contact]:
    """Return whom to phone about these calls, each once; only the company's own contact without the directory."""
    named = contact_of(act.company)
    if act.actor.role not in EXPORTERS:
        return [named] if named else []
    rows = [OfACall(UUID(call["id"])) for call in calls]
    found = await contacts_of(act.session, Link(act.company, person_id), rows)
    return list(
        dict.fromkeys([*([named] if named else []), *(found[row.call_id] for row in rows if row.call_id in found)])
    )


@router.get("/print/people/{person_id}")
async def person_week(person_id: UUID, act: AsReader, request: Request) -> Response:
    """Show one person's week, as it is pinned to a door."""
    view = read_view(act, {"from": request.query_params.get("from", ""), "view": "week"})
    days = view.days
    builder = await _read(act, request, days[0], days[-1], person=person_id)
    known = await people.read_person(act, person_id)
    places = await productions.list_venues(act, VenuesFilter(), MANY)
    chips = [
        (builder.of_person(one), builder.calls[one["call_id"]])
        for of in builder.assignments.values() for one in of if one["person_id"] == str(person_id)
    ]  # fmt: skip
    week = [(day, sorted((pair for pair in chips if pair[0].day == day), key=lambda p: p[0].starts)) for day in days]
    return render(
        request, "print_person.html", act=act, who=f"{known.first_name} {known.last_name}", week=week, days=days,
        venues=builder.venues, home=f"/c/{act.company.slug}", now=act.now, person_id=person_id,
        before=days[0] - timedelta(days=7), after=days[0] + timedelta(days=7),
        contacts=await _to_phone(act, [call for _chip, call in chips], person_id),
        addresses={str(one.id): address_of(one) for one in places.items if address_of(one)},
        version=max((call["published_version"] for _chip, call in chips), default=0),
    )  # fmt: skip


async def _read(
    act: Act, request: Request, first: date, last: date, production: UUID | None = None, person: UUID | None = None
) -> Builder:
    period = read_bounded_period(first.isoformat(), last.isoformat(), act.company.timezone)
    filled = PlanningFilter(period, production, person_id=person)
    words = words_of(request)
    planning = msgspec.json.decode(await reading.read_planning(act, filled, words.language))
    return Builder(planning, await people.known_jobs(act), words, act.company.timezone)


def _row(builder: Builder, call: Mapping[str, Any], words: Words, *, is_unpublished: bool) -> dict[str, Any]:
    """Return a call as its line: who is sure of it, who is asked and marked so; drafts are counted and not named."""
    standing = builder.assignments.get(call["id"], [])
    named = [one for one in standing if one["status"] != Status.DRAFT]
    told = [(builder.department(one), _name(builder, one, words)) for one in named]
    shown = {department for of in COLUMNS for department in of}
    venue = builder.venues.get(call["venue_id"])
    mark = None
    if is_unpublished:
        mark = words.say(CHANGED if call["published_version"] else UNPUBLISHED)
    return {
        "chip": builder.whole(call),
        "cells": [[name for department, name in told if department in of] for of in COLUMNS],
        "others": [name for department, name in told if department not in shown], "mark": mark,
        "venue": venue["name"] if venue else "", "pauses": call["unplaced_break_minutes"],
        "drafts": len(standing) - len(named), "ids": [one["person_id"] for one in named],
    }  # fmt: skip


def _name(builder: Builder, one: Mapping[str, Any], words: Words) -> str:
    name: str = builder.people[one["person_id"]]["name"]
    if one["contested"]:
        return f"{name} ({words.say(CONTESTED)})"
    return name if one["status"] == Status.CONFIRMED else f"{name} ({words.say(OPTION)})"
