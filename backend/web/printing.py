"""What is printed: the call sheet of a day, and one person's week: A4, black on white, dated on each page."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from backend.identity.access import EXPORTERS
from backend.people import service as people
from backend.planning import reading
from backend.planning.period import read_bounded_period
from backend.planning.reading import PlanningFilter
from backend.productions import service as productions
from backend.productions.repository import VenuesFilter
from backend.tenancy.acting import Act
from backend.web import planning_words
from backend.web.board import MANY, read_view
from backend.web.board_view import STANDING, Builder
from backend.web.rendering import render, words_of
from backend.web.sessions import AsReader, opened

router = APIRouter(prefix="/c/{slug}", include_in_schema=False, dependencies=[Depends(opened)])
COLUMNS = (("stage",), ("lighting",), ("sound_video",), ("wardrobe",), ("artistic", "direction"))


@router.get("/print/day")
async def call_sheet(act: AsReader, request: Request) -> Response:
    """Show the call sheet of a day, of one production or of all: hours down, departments across."""
    asked = request.query_params
    view = read_view(act, {**asked, "from": asked.get("day", ""), "view": "day"})
    builder = await _read(act, request, view.first, view.first, view.production)
    words = words_of(request)
    rows = [_row(builder, call) for call in builder.planning["calls"] if call["status"] != "cancelled"]
    known = await productions.list_venues(act, VenuesFilter(), MANY)
    venues = [one for one in known.items if str(one.id) in builder.venues]
    heads = [" / ".join(planning_words.named(words, planning_words.DEPARTMENTS, one) for one in of) for of in COLUMNS]
    return render(
        request, "print_day.html", act=act, day=view.first, rows=rows, heads=heads, venues=venues,
        titles=", ".join(builder.productions.values()), home=f"/c/{act.company.slug}", now=act.now,
        version=max((call["published_version"] for call in builder.planning["calls"]), default=0),
    )  # fmt: skip


@router.get("/print/people/{person_id}")
async def person_week(person_id: UUID, act: AsReader, request: Request) -> Response:
    """Show one person's week, as it is pinned to a door."""
    view = read_view(act, {"from": request.query_params.get("from", ""), "view": "week"})
    days = view.days
    builder = await _read(act, request, days[0], days[-1], person=person_id)
    known = await people.read_person(act, person_id)
    chips = [
        (builder.of_person(one), builder.calls[one["call_id"]])
        for of in builder.assignments.values() for one in of if one["person_id"] == str(person_id)
    ]  # fmt: skip
    week = [(day, sorted((pair for pair in chips if pair[0].day == day), key=lambda p: p[0].starts)) for day in days]
    return render(
        request, "print_person.html", act=act, who=f"{known.first_name} {known.last_name}", week=week, days=days,
        venues=builder.venues, home=f"/c/{act.company.slug}", now=act.now, person_id=person_id,
        phone=known.phone if act.actor.role in EXPORTERS else None, before=days[0] - timedelta(days=7),
        after=days[0] + timedelta(days=7),
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


def _row(builder: Builder, call: dict[str, Any]) -> dict[str, Any]:
    chip = builder.whole(call)
    on_it = [one for one in builder.assignments.get(call["id"], []) if one["status"] in STANDING]
    cells = [
        [builder.people[one["person_id"]]["name"] for one in on_it if builder.department(one) in of] for of in COLUMNS
    ]
    shown = {name for of in COLUMNS for name in of}
    others = [builder.people[one["person_id"]]["name"] for one in on_it if builder.department(one) not in shown]
    venue = builder.venues.get(call["venue_id"])
    return {
        "chip": chip, "cells": cells, "others": others, "venue": venue["name"] if venue else "",
        "pauses": call["unplaced_break_minutes"],
    }  # fmt: skip
