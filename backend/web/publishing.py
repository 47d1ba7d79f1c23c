"""Publishing: what has changed, who will read it, and the one press that makes it known."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from backend.core.errors import InvalidError
from backend.planning import publishing
from backend.planning.period import ALWAYS, Period, read_bounded_period
from backend.productions import service as productions
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import AnswerRoute
from backend.web import forms, planning_words
from backend.web.board import after_act, read_view, zones_of
from backend.web.board_view import View
from backend.web.call_view import brought, show_gate
from backend.web.forms import NOTHING_WRONG, Refused
from backend.web.rendering import render, words_of
from backend.web.sessions import AsPlanner, opened, see, unhurried, with_query

router = APIRouter(prefix="/c/{slug}", include_in_schema=False, route_class=AnswerRoute, dependencies=[Depends(opened)])
OF_INSTANTS = frozenset({"starts_at", "ends_at"})


@router.get("/publish")
async def summary(act: AsPlanner, request: Request) -> Response:
    """Show what publishing the period of a board, or the whole of a production, would tell, and whom."""
    view = read_view(act, request.query_params)
    return await _page(request, act, view, whole=view.production if "whole" in request.query_params else None)


@router.post("/publish", dependencies=[Depends(unhurried)])
async def publish(act: AsPlanner, request: Request) -> Response:
    """Publish the calls that the page showed, as it showed them; all or none."""
    fields = forms.all_of_it(request)
    whole = read_view(act, {"production": fields.get("whole", "")}).production

    async def again(refusal: Refused) -> Response:
        if "findings" in refusal.extra:
            return await show_gate(request, act, refusal, fields)
        return await _page(request, act, read_view(act, _query(fields)), refusal, whole=whole)

    async with forms.trying(act, again):
        done = await publishing.publish_calls(act, _shown(fields.get("calls", "")), brought(request, fields))
    told_of = await publishing.find_audience(act, [one.call_id for one in done])
    reached = {row.person_id for row in told_of if row.has_mail}
    untold = {row.person_id for row in told_of} - reached
    said = {"done": "published", "number": len(done), "people": len(reached), "untold": len(untold) or ""}
    if whole is not None:
        return see(with_query(f"/c/{act.company.slug}/productions/{whole}", **said))
    return see(after_act(request, act, fields.get("back", ""), **said))


def _shown(text: str) -> dict[UUID, int]:
    """Read which calls the page showed, each with its row version. Raises InvalidError."""
    try:
        pairs = [part.partition(":") for part in text.split()]
        shown = {UUID(name): int(version) for name, _, version in pairs}
    except ValueError:
        raise InvalidError.of(
            ["body", "calls"],
            "Rouvrez cette page : la liste de ce qu'elle publie n'est pas lisible.",
            "Open this page again: the list of what it publishes cannot be read.",
        ) from None
    if not shown:
        raise InvalidError.of(
            ["body", "calls"],
            "Rien n'a été publié : aucune convocation n'était choisie.",
            "Nothing was published: no call was chosen.",
        )
    return shown


def _query(fields: dict[str, str]) -> dict[str, str]:
    pairs = [part.partition("=") for part in fields.get("back", "").partition("?")[2].split("&")]
    return {name: value for name, _, value in pairs}


async def _page(
    request: Request, act: Act, view: View, refusal: Refused = NOTHING_WRONG, *, whole: UUID | None = None
) -> Response:
    days, base = view.days, f"/c/{act.company.slug}"
    put_on = await productions.read_production(act, whole) if whole else None
    bounded = read_bounded_period(days[0].isoformat(), days[-1].isoformat(), act.company.timezone)
    period = ALWAYS if whole else Period(bounded.starts_at, bounded.ends_at)
    waiting = await publishing.find_waiting(act, period, whole or view.production)
    told_of = await publishing.find_audience(act, [one.call.id for one in waiting])
    zones = await zones_of(act)
    calls: dict[UUID, dict[str, Any]] = {
        one.call.id: {
            "call": one.call, "zone": zones.get(one.call.venue_id, act.company.timezone),
            "changes": [_said(request, change, zones.get(one.call.venue_id, act.company.timezone))
                        for change in one.changes],
        }
        for one in waiting
    }  # fmt: skip
    people: dict[UUID, dict[str, Any]] = {}
    for row in told_of:
        people.setdefault(row.person_id, {"name": row.name, "calls": [], "row": row})["calls"].append(
            calls[row.call_id]
        )
    alone = [calls[name] for name in calls if name not in {row.call_id for row in told_of}]
    return render(
        request, "publish.html", act=act, status=int(refusal.status), waiting=list(calls.values()),
        people=list(people.values()), alone=alone, reached=_reached([one["row"] for one in people.values()]),
        summary=publishing.summary_of(act, [one.call for one in waiting]),
        home=base, sentence=refusal.whole(request.state.language), view=view,
        back=f"{base}/productions/{whole}" if whole else view.at(base),
        put_on=put_on,
        versions=" ".join(f"{one.call.id}:{one.call.version}" for one in waiting),
    )  # fmt: skip


def _reached(rows: Sequence[Any]) -> dict[str, int]:
    """Return how many of these people read it in their own planning, by mail alone, and not at all."""
    return {
        "account": sum(bool(row.has_account) for row in rows),
        "mail": sum(bool(row.has_mail) and not row.has_account for row in rows),
        "nowhere": sum(not row.has_mail for row in rows),
    }


def _said(request: Request, change: Any, zone: str) -> dict[str, str]:  # noqa: ANN401 - a Difference
    """Return one difference in words: instants as hours of the place, the rest by the name of its field."""
    words = words_of(request)
    name = planning_words.named(words, planning_words.CHANGED_FIELDS, change.field)
    if change.field not in OF_INSTANTS:
        plain = change.field == "title"
        return {
            "field": name,
            "before": str(change.before) if plain else "",
            "after": str(change.after) if plain else "",
        }
    before, after = (publishing.instant(value) for value in (change.before, change.after))
    shown = [f"{words.day(one, zone)} {words.hour(one, zone)}" for one in (before, after)]
    return {"field": name, "before": shown[0], "after": shown[1]}
