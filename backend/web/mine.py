"""A person's own planning over all their companies: what waits for an answer, what is to come, and the answers."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote_plus
from uuid import UUID

from babel.dates import get_timezone_location
from fastapi import APIRouter, Depends, Form, Query, Request, Response

from backend.core.clock import utc_now
from backend.core.errors import Sentence
from backend.core.instants import HOME_TIMEZONE
from backend.core.pagination import MAXIMUM_LIMIT, PageRequest
from backend.planning.domain.states import Action, Status
from backend.planning.models import CallStatus
from backend.planning.service import ALREADY_HELD, STILL_CONTESTED
from backend.portal import findings, hours, service
from backend.portal.findings import Weighed
from backend.portal.schemas import CompanyRef, DeclineIn, MyAssignment
from backend.portal.service import MyAct
from backend.tenancy import idempotency
from backend.web.assets import find as find_asset
from backend.web.forms import NOTHING_WRONG, MyRoute, Refused, body_of, otherwise, version_of
from backend.web.rendering import render, words_of
from backend.web.sessions import LATER, MaybeViewer, Viewer, opened, see
from backend.web.speaking import Words, in_zone

router = APIRouter(prefix="/me", include_in_schema=False, dependencies=[Depends(opened)], route_class=MyRoute)

SHOWN_AT_ONCE = 30
LOOK_BACK = timedelta(hours=12)
SOON = timedelta(days=1)
NEWS = timedelta(days=14)
WEIGHED = 12  # options judged on the page itself; the others are on their own
MOST_LATER = 40
HOUR_OF_MINUTES = 60
Typed = Annotated[str, Form(max_length=5000)]
Asked = Annotated[str, Query(max_length=40)]
Seen = Annotated[str, Form(max_length=20)]
WITHOUT_FOLLOW_UP = frozenset({Status.DECLINED, Status.EXPIRED, Status.RELEASED, Status.CANCELLED})
NOT_ANSWERED = {
    Status.EXPIRED: Sentence(
        "Cette option a expiré {when}. Appelez la production si vous êtes toujours libre.",
        "This option expired {when}. Phone the production if you are still free.",
    ),
    Status.RELEASED: Sentence(
        "{company} n'attend plus de réponse pour cette date : elle est pourvue, ou n'est plus nécessaire. "
        "Rien n'est engagé de votre côté.",
        "{company} no longer waits for an answer about this date: it is filled, or not needed any more. "
        "Nothing is engaged on your side.",
    ),
    Status.ACCEPTED: Sentence("Vous avez déjà accepté cette date.", "You have accepted this date already."),
    Status.CONFIRMED: Sentence(
        "{company} vous a déjà confirmé cette date. Pour vous désister, appelez la production.",
        "{company} has confirmed this date to you already. To withdraw, phone the production.",
    ),
    Status.DECLINED: Sentence("Vous avez déjà décliné cette date.", "You have declined this date already."),
    Status.CANCELLED: Sentence("{company} a annulé cette date.", "{company} has cancelled this date."),
}
MOVED = Sentence(
    "La compagnie a changé cette date depuis que vous l'avez lue : rien n'est envoyé. La voici comme elle est "
    "maintenant ; répondez de nouveau.",
    "The company has changed this date since you read it: nothing was sent. Here it is as it is now; answer again.",
)
OWN_AWAY = "own_unavailability"
AWAY = Sentence(
    "Vous avez dit que vous n'êtes pas libre à ces heures : libérez-les d'abord, puis acceptez. Sans cela, la "
    "compagnie ne pourrait pas vous confirmer.",
    "You said that you are not free at these times: free them first, then accept. Otherwise the company could not "
    "confirm you.",
)
TOO_LATE = Sentence(
    "Il est trop tard pour revenir en arrière : déclinez la date si vous ne pouvez plus.",
    "It is too late to take that back: decline the date if you cannot make it any more.",
)


@dataclass(slots=True)
class Planning:
    """One person's dates, as the page lists them."""

    to_answer: list[MyAssignment] = field(default_factory=list)
    later: list[MyAssignment] = field(default_factory=list)
    to_come: list[MyAssignment] = field(default_factory=list)
    without_follow_up: list[MyAssignment] = field(default_factory=list)
    unavailable: Sequence[CompanyRef] = ()
    more: bool = False


@router.get("")
async def my_planning(
    request: Request, viewer: Viewer, accepted: Asked = "", declined: Asked = "", note: Asked = "",
    all_of_it: Annotated[str, Query(alias="all", max_length=1)] = "",
) -> Response:  # fmt: skip
    """Show what waits for an answer and what is to come, of all companies."""
    now, database = utc_now(), request.app.state.database
    found = await service.my_assignments(
        database, viewer, PageRequest(MAXIMUM_LIMIT, None), now, starts_before=None, ends_after=now - LOOK_BACK
    )
    counted = await hours.my_hours(database, viewer, None, None, words_of(request).language, now)
    planning = sorted_out(found.items, found.unavailable, later_of(request), now, more=bool(found.next_cursor))
    asked = [item.id for item in planning.to_answer[:WEIGHED]]
    weighed = await findings.weigh_each(database, viewer, asked, now) if asked else {}
    response = render(
        request, "my_planning.html", viewer=viewer, now=now, all=bool(all_of_it), counted=counted, planning=planning,
        weighed={one: each.shown(words_of(request).language) for one, each in weighed.items()},
        shown_at_once=SHOWN_AT_ONCE, accepted=_one_of(found.items, accepted), declined=_one_of(found.items, declined),
        home_minutes=round((in_zone(now, HOME_TIMEZONE).utcoffset() or timedelta()).total_seconds() / 60),
        note={"contested": STILL_CONTESTED, "held": ALREADY_HELD}.get(note), **spoken(request, now),
    )  # fmt: skip
    # The worker of this page names its cache by this: nobody's planning is kept under another's name.
    response.headers["Filage-Reader"] = hashlib.sha256(viewer.user_id.bytes).hexdigest()[:16]
    return response


def _one_of(items: Sequence[MyAssignment], wanted: str) -> MyAssignment | None:
    return next((item for item in items if str(item.id) == wanted), None)


def sorted_out(
    items: Sequence[MyAssignment], unavailable: Sequence[CompanyRef], set_aside: frozenset[str], now: datetime,
    *, more: bool = False,
) -> Planning:  # fmt: skip
    """Sort a person's dates; an option that expires within a day is not set aside any more."""
    found = Planning(unavailable=unavailable, more=more)
    for item in items:
        if item.call.ends_at <= now:
            continue
        if item.status in WITHOUT_FOLLOW_UP or item.call.status is CallStatus.CANCELLED:
            found.without_follow_up.append(item)
        elif Action.ACCEPT in item.allowed and item.status is Status.OPTION:
            expires_soon = item.expires_at is not None and item.expires_at - now <= SOON
            aside = str(item.id) in set_aside and not expires_soon
            (found.later if aside else found.to_answer).append(item)
        else:
            found.to_come.append(item)
    found.to_answer.sort(key=lambda item: (item.expires_at or item.call.starts_at, item.call.starts_at, item.id))
    return found


def spoken(request: Request, now: datetime) -> dict[str, Any]:
    """Return what the templates of a planning say by functions."""
    words = words_of(request)
    return {
        "expiry": lambda item: words.say(expiry(item.expires_at, item.timezone, now)),
        "place_time": partial(place_time, words),
        "day": partial(day, words, now),
        "moved": lambda item: item.before if item.before and now - item.before.changed_at < NEWS else None,
        "map_of": map_of,
        "tel": lambda phone: "".join(sign for sign in phone if sign.isdigit() or sign == "+"),
        "home_zone": HOME_TIMEZONE,
    }


def expiry(when: datetime, zone: str, now: datetime) -> Sentence:
    """Say until when an option holds, or that it does not any more, on the clocks of its place."""
    french, english = Words("fr"), Words("en")
    left = int((when - now).total_seconds() // 60)
    if 0 <= left < HOUR_OF_MINUTES:
        return Sentence(f"expire dans {french.minutes(max(left, 1))}", f"expires in {english.minutes(max(left, 1))}")
    fr, en = (_day_near(words, when, zone, now) for words in (french, english))
    hour_fr, hour_en = french.hour(when, zone), english.hour(when, zone)
    if left < 0:
        return Sentence(f"a expiré {fr} à {hour_fr}", f"expired {en} at {hour_en}")
    return Sentence(f"expire {fr} à {hour_fr}", f"expires {en} at {hour_en}")


def day(words: Words, now: datetime, when: datetime, zone: str) -> str:
    """Return a day as people say it: with its year where it is not this one."""
    return words.day(when, zone, year=in_zone(when, zone).year != in_zone(now, zone).year)


def _day_near(words: Words, when: datetime, zone: str, now: datetime) -> str:
    days = (in_zone(when, zone).date() - in_zone(now, zone).date()).days
    near = {0: ("aujourd'hui", "today"), 1: ("demain", "tomorrow"), -1: ("hier", "yesterday")}.get(days)
    if near is None:
        named = day(words, now, when, zone)
        return named if words.language == "fr" else f"on {named}"
    return near[0] if words.language == "fr" else near[1]


def place_time(words: Words, zone: str) -> str:
    """Name the place whose clocks are meant, where they are not those of the metropolis."""
    if zone == HOME_TIMEZONE:
        return ""
    return get_timezone_location(zone, locale=words.language, return_city=True)


def map_of(item: MyAssignment) -> str | None:
    """Return a map on which the place is looked for, where there is an address to look for."""
    venue = item.venue
    if venue is None or not (venue.address or venue.city):
        return None
    parts = (venue.address, venue.postal_code, venue.city) if venue.address else (venue.name, venue.city)
    return f"https://www.openstreetmap.org/search?query={quote_plus(' '.join(part for part in parts if part))}"


def later_of(request: Request) -> frozenset[str]:
    """Return the options that were set aside in this browser."""
    return frozenset(request.cookies.get(LATER, "").split("."))


@router.get("/assignments/{assignment_id}")
async def show_option(request: Request, viewer: Viewer, assignment_id: UUID) -> Response:
    """Show one date whole, with what accepting it would mean over all employers."""
    return await _option_page(request, viewer, assignment_id)


async def _option_page(
    request: Request, viewer: Viewer, assignment_id: UUID, refusal: Refused = NOTHING_WRONG, *,
    weighed: Weighed | None = None, status: int = HTTPStatus.OK, reason: str = "",
) -> Response:  # fmt: skip
    now, words = utc_now(), words_of(request)
    database = request.app.state.database
    item = await service.my_assignment(database, viewer, assignment_id, now)
    if weighed is None and Action.ACCEPT in item.allowed:
        weighed = await findings.weigh(database, viewer, assignment_id, now)
    return render(
        request, "my_option.html", viewer=viewer, status=int(max(refusal.status, status)), item=item, now=now,
        found=weighed.shown(words.language) if weighed else [], missing=weighed.missing() if weighed else [],
        sentence=refusal.text(words.language), errors=refusal.errors(words.language), reason=reason,
        own_away=refusal.code == OWN_AWAY, path=f"/me/assignments/{assignment_id}",
        **spoken(request, now),
    )  # fmt: skip


async def _my_act(assignment_id: UUID, viewer: Viewer, request: Request) -> AsyncIterator[MyAct]:
    now = utc_now()
    async with service.my_act(request.app.state.database, viewer, assignment_id, now) as mine:
        await idempotency.claim_for_company(request, mine.act.session, viewer.user_id, now)
        yield mine


async def _weighed_act(
    assignment_id: UUID, viewer: Viewer, request: Request, declaration: Typed = ""
) -> AsyncIterator[tuple[MyAct | None, Weighed]]:
    """Weigh before the act begins; no act begins where something must be declared first."""
    weighed = await findings.weigh(request.app.state.database, viewer, assignment_id, utc_now())
    if weighed.findings and declaration != "true":
        yield None, weighed
        return
    async for mine in _my_act(assignment_id, viewer, request):
        yield mine, weighed


OneAct = Annotated[MyAct, Depends(_my_act, scope="function")]
WeighedAct = Annotated[tuple[MyAct | None, Weighed], Depends(_weighed_act, scope="function")]


@router.post("/assignments/{assignment_id}/accept")
async def accept(
    request: Request, viewer: Viewer, assignment_id: UUID, asked: WeighedAct, seen: Seen = ""
) -> Response:  # fmt: skip
    """Accept; where a maximum would be passed or a rest shortened, first show it and ask for the declaration."""
    mine, weighed = asked
    if mine is None:
        return await _option_page(request, viewer, assignment_id, weighed=weighed, status=HTTPStatus.CONFLICT)
    otherwise(request, partial(_not_answered, request, viewer, assignment_id))
    mine.check_seen(version_of(seen) if seen else None)
    language = words_of(request).language
    declared = weighed.declared(language, declares=bool(weighed.findings))
    decided = await service.accept(mine, assignment_id, declared, language)
    note = "" if decided.note is None else "&note=contested" if decided.assignment.contested else "&note=held"
    return see(f"/me?accepted={assignment_id}{note}")


@router.post("/assignments/{assignment_id}/decline")
async def decline(
    request: Request, viewer: Viewer, assignment_id: UUID, mine: OneAct, reason: Typed = "", seen: Seen = ""
) -> Response:  # fmt: skip
    """Decline, with a reason or without."""
    otherwise(request, partial(_not_answered, request, viewer, assignment_id, reason=reason))
    mine.check_seen(version_of(seen) if seen else None)
    body = body_of(DeclineIn, {"reason": reason.strip() or None})
    await service.decline(mine, assignment_id, body.reason)
    return see(f"/me?declined={assignment_id}")


@router.post("/assignments/{assignment_id}/take-back")
async def take_back(request: Request, viewer: Viewer, assignment_id: UUID, mine: OneAct) -> Response:
    """Take an acceptance back that was just given."""
    otherwise(request, partial(_too_late, request, viewer, assignment_id))
    await service.take_back(mine, assignment_id)
    return see("/me")


@router.post("/assignments/{assignment_id}/later")
async def answer_later(request: Request, viewer: Viewer, assignment_id: UUID) -> Response:
    """Put an option below the others in this browser, until a day before it expires."""
    await service.my_assignment(request.app.state.database, viewer, assignment_id, utc_now())
    kept = [*(one for one in request.cookies.get(LATER, "").split(".") if one), str(assignment_id)]
    response = see("/me")
    response.set_cookie(
        LATER, ".".join(dict.fromkeys(kept[-MOST_LATER:])), max_age=7 * 86_400, path="/me", secure=True, httponly=True,
        samesite="lax",
    )  # fmt: skip
    return response


async def _not_answered(
    request: Request, viewer: Viewer, assignment_id: UUID, refusal: Refused, *, reason: str = ""
) -> Response:  # fmt: skip
    """Say in words why an answer was not taken: it expired, somebody else was faster, or it was given already."""
    if refusal.is_stale:
        refusal = replace(refusal, sentence=MOVED)
    if refusal.status is HTTPStatus.CONFLICT:
        now = utc_now()
        item = await service.my_assignment(request.app.state.database, viewer, assignment_id, now)
        own = AWAY if refusal.code == OWN_AWAY else refusal.sentence
        refusal = replace(refusal, sentence=why_not(item, now) or own)
    return await _option_page(request, viewer, assignment_id, refusal, reason=reason)


async def _too_late(request: Request, viewer: Viewer, assignment_id: UUID, refusal: Refused) -> Response:
    return await _option_page(request, viewer, assignment_id, replace(refusal, sentence=TOO_LATE))


def why_not(item: MyAssignment, now: datetime) -> Sentence | None:
    """Say in which state a date is that can be answered no more, and what to do about it."""
    if item.call.status is CallStatus.CANCELLED:
        found: Sentence | None = NOT_ANSWERED[Status.CANCELLED]
    else:
        found = NOT_ANSWERED.get(item.status)
    if found is None:
        return None
    fr = en = ""
    if item.expires_at is not None:
        past = expiry(min(item.expires_at, now - timedelta(seconds=1)), item.timezone, now)
        fr, en = past.fr.removeprefix("a expiré "), past.en.removeprefix("expired ")
    company = item.company.name
    return Sentence(found.fr.format(when=fr, company=company), found.en.format(when=en, company=company))


@router.get("/worker.js")
async def offline_worker(viewer: MaybeViewer) -> Response:  # noqa: ARG001 - whoever is signed in, it is the same
    """Return the service worker; it may look after /me and nothing else."""
    found = find_asset("js/mine-worker.js")
    assert found is not None  # noqa: S101 - it is part of the product
    headers = {
        "Service-Worker-Allowed": "/me",
        "Cache-Control": "no-cache",
        "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(found.content, media_type=found.media_type, headers=headers)
