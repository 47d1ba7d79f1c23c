"""When a person is away, on a page: a month, the list, a form, an imported calendar; companies read one word of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import get_day_names
from fastapi import APIRouter, Depends, Form, Query, Request, Response
from starlette.datastructures import UploadFile

from backend.availability import importing, service
from backend.availability.models import Origin
from backend.availability.schemas import CalendarReport, Sharing, UnavailabilityIn
from backend.availability.service import Current
from backend.core.clock import utc_now
from backend.core.errors import InvalidError, Sentence
from backend.core.instants import HOME_TIMEZONE, find_zone
from backend.core.pagination import MAXIMUM_LIMIT, PageRequest
from backend.identity.access import SharedSession
from backend.planning.domain.states import LIVE
from backend.portal import service as portal
from backend.portal.schemas import MyAssignment
from backend.tenancy import idempotency
from backend.web.forms import NOTHING_WRONG, MyRoute, Refused, body_of, otherwise, version_of
from backend.web.mine import place_time
from backend.web.my_hours import ONCE
from backend.web.my_month import month_named, month_of_days, span_of
from backend.web.rendering import render, words_of
from backend.web.sessions import Viewer, opened, see
from backend.web.speaking import Words, in_zone

router = APIRouter(
    prefix="/me/unavailabilities", include_in_schema=False, dependencies=[Depends(opened)], route_class=MyRoute
)
Asked = Annotated[str, Query(max_length=40)]
Typed = Annotated[str, Form(max_length=5000)]
PATH = "/me/unavailabilities"
SHOWN, IMPORTED_SHOWN = 200, 20
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WORKDAYS = "MO,TU,WE,TH,FR"
REPEATS: Mapping[str, Sentence] = {
    "": Sentence("une seule fois", "once"),
    "weekly": Sentence("chaque semaine, le même jour", "every week, on the same day"),
    "fortnightly": Sentence("une semaine sur deux, le même jour", "every other week, on the same day"),
    "workdays": Sentence("du lundi au vendredi", "Monday to Friday"),
    "monthly": Sentence("chaque mois, à la même date", "every month, on the same date"),
}
ZONES = (HOME_TIMEZONE, "America/Guadeloupe", "America/Martinique", "America/Cayenne", "America/Miquelon",
         "Indian/Reunion", "Indian/Mayotte", "Pacific/Noumea", "Pacific/Tahiti", "Pacific/Wallis",
         "Europe/London", "America/Montreal", "America/New_York")  # fmt: skip
# Which field of the form a refusal of the service speaks of.
FIELDS = {"starts_at": "starts_time", "ends_at": "ends_time", "recurrence": "until"}
NOT_A_DAY = Sentence("Écrivez une date : jour, mois, année.", "Write a date: day, month, year.")
NOT_A_TIME = Sentence("Écrivez une heure : 18:30.", "Write a time: 18:30.")
BOTH_TIMES = Sentence(
    "Écrivez les deux heures, ou aucune pour toute la journée.", "Write both times, or none for the whole day."
)
NO_END = Sentence(
    "Dites jusqu'à quel jour cela se répète : au plus trois ans.", "Say until which day it recurs: three years at most."
)
ONE_OF_BOTH = Sentence(
    "Des heures sur plusieurs jours se répètent déjà chaque jour : laissez le dernier jour vide, ou choisissez « une "
    "seule fois ».",
    "Hours over several days recur each day already: leave the last day empty, or choose “once”.",
)
NO_FILE = Sentence("Choisissez un fichier .ics de votre agenda.", "Choose an .ics file of your calendar.")
CHANGED = Sentence(
    "Cette indisponibilité a changé entre-temps, dans un autre onglet : relisez-la ci-dessous, puis recommencez.",
    "This unavailability has changed meanwhile, in another tab: read it again below, then retry.",
)
DONE = {
    "deleted": Sentence("Supprimée : vos compagnies peuvent de nouveau vous proposer ces dates.",
                        "Deleted: your companies can offer you these dates again."),
    "forgotten": Sentence("L'agenda importé est oublié.", "The imported calendar is forgotten."),
    "shared": Sentence("Vos heures prises sont partagées.", "Your busy times are shared."),
    "unshared": Sentence("Vos heures prises ne sont plus partagées.", "Your busy times are not shared any more."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AwayForm:
    """What was typed of an unavailability, as it was typed."""

    starts_on: str = ""
    ends_on: str = ""
    starts_time: str = ""
    ends_time: str = ""
    repeat: str = ""
    until: str = ""
    timezone: str = HOME_TIMEZONE
    note: str = ""

    def values(self) -> dict[str, Any]:
        """Return it as the services take it. Raises InvalidError for what cannot be read."""
        first = _day_in("starts_on", self.starts_on)
        last = _day_in("ends_on", self.ends_on) if self.ends_on else first
        found: dict[str, Any] = {"timezone": self.timezone, "note": self.note.strip() or None}
        rule = self._rule(first)
        if not self.starts_time and not self.ends_time:
            return {**found, "starts_on": first, "ends_on": last, "recurrence": rule}
        if not (self.starts_time and self.ends_time):
            raise _wrong("ends_time" if self.starts_time else "starts_time", BOTH_TIMES)
        if last > first:
            if rule is not None:
                raise _wrong("repeat", ONE_OF_BOTH)
            rule = f"FREQ=DAILY;UNTIL={last:%Y%m%d}"
        elif last < first or first == date.max:  # the service says what is wrong with it
            return {**found, "starts_on": first, "ends_on": last}
        starts, ends = _time_in("starts_time", self.starts_time), _time_in("ends_time", self.ends_time)
        zone = find_zone(self.timezone) or ZoneInfo(HOME_TIMEZONE)
        until = first if ends > starts else first + timedelta(days=1)
        return {
            **found, "recurrence": rule,
            "starts_at": datetime.combine(first, starts, zone), "ends_at": datetime.combine(until, ends, zone),
        }  # fmt: skip

    def _rule(self, first: date) -> str | None:
        if not self.repeat:
            return None
        if not self.until:
            raise _wrong("until", NO_END)
        until = f"UNTIL={_day_in('until', self.until):%Y%m%d}"
        named = WEEKDAYS[first.weekday()]
        rules = {
            "weekly": f"FREQ=WEEKLY;BYDAY={named}",
            "fortnightly": f"FREQ=WEEKLY;INTERVAL=2;BYDAY={named}",
            "workdays": f"FREQ=WEEKLY;BYDAY={WORKDAYS}",
            "monthly": "FREQ=MONTHLY",
        }
        return f"{rules.get(self.repeat, self.repeat)};{until}"


def _wrong(name: str, sentence: Sentence) -> InvalidError:
    return InvalidError.of(["body", name], sentence.fr, sentence.en, name)


def _day_in(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _wrong(name, NOT_A_DAY) from None


def _time_in(name: str, text: str) -> time:
    try:
        return time.fromisoformat(text).replace(tzinfo=None, second=0, microsecond=0)
    except ValueError:
        raise _wrong(name, NOT_A_TIME) from None


async def _typed(request: Request) -> AwayForm:
    found = dict(request.state.typed)
    return AwayForm(**{each.name: found.get(each.name, each.default) for each in fields(AwayForm)})


TypedAway = Annotated[AwayForm, Depends(_typed)]


@router.get("")
async def my_unavailabilities(
    request: Request, viewer: Viewer, month: Asked = "", added: Asked = "", done: Asked = ""
) -> Response:  # fmt: skip
    """Show a month, what is said of the days to come, and how to say more."""
    return await _page(request, viewer, month=month, added=added, done=done)


async def _page(  # noqa: PLR0913 - what the forms of one page may hold
    request: Request, viewer: Viewer, refusal: Refused = NOTHING_WRONG, *, of: str = "", typed: AwayForm | None = None,
    month: str = "", added: str = "", done: str = "", report: CalendarReport | None = None,
    session: Any = None,  # noqa: ANN401 - the shared session
) -> Response:  # fmt: skip
    """Show the page; `of` names the form that was refused, `report` what an import did that `session` still holds."""
    words, now, database = words_of(request), utc_now(), request.app.state.database
    first = month_named(month, now)
    if session is None:
        async with database.shared(write=False) as reading:
            mine = await _read(reading, viewer, first, now)
    else:
        mine = await _read(session, viewer, first, now)
    within = span_of(first)
    found = await portal.my_assignments(
        database, viewer, PageRequest(MAXIMUM_LIMIT, None), now, starts_before=within.ends_at,
        ends_after=within.starts_at,
    )  # fmt: skip
    sentence = words.say(CHANGED) if refusal.is_stale else refusal.text(words.language)
    just = next((each for each in mine["said"] if str(each.said.id) == added), None)
    return render(
        request, "my_unavailabilities.html", viewer=viewer, path=PATH,
        status=int(refusal.status), **mine,
        shown=month_of_days(first, now, mine["times"], mine["said"], found.items, words),
        day_names=[get_day_names("short", locale=words.language)[at].strip(".") for at in range(7)],
        typed=asdict(typed or AwayForm()), sentence=sentence, of=of,
        errors={of: {FIELDS.get(name, name): text for name, text in refusal.errors(words.language).items()}},
        just=just, still=_still(just, mine["times"], found.items) if just else [],
        done=DONE.get(done), report=report, unread=found.unavailable, imported_shown=IMPORTED_SHOWN,
        most_bytes=importing.MOST_BYTES,
        repeats=[(name, words.say(text)) for name, text in REPEATS.items()],
        zones=[(zone, place_time(words, zone) or words.say(Sentence("métropole", "mainland France")))
               for zone in ZONES],
        when=partial(when, words, now), place_time=partial(place_time, words), home_zone=HOME_TIMEZONE, now=now,
    )  # fmt: skip


async def _read(session: Any, viewer: Viewer, first: date, now: datetime) -> dict[str, Any]:  # noqa: ANN401 - the shared session
    return {
        "said": await service.list_current(session, viewer, Origin.HAND, now, SHOWN),
        "imported": await service.list_current(session, viewer, Origin.CALENDAR, now, IMPORTED_SHOWN),
        "imported_of_all": await service.count_imported(session, viewer),
        "times": await service.own_times(session, viewer, span_of(first)),
        "sharing": await service.read_sharing(session, viewer.user_id),
    }


def _still(just: Current, times: list[service.OwnTime], dates: list[MyAssignment]) -> list[MyAssignment]:
    """Return the dates that stand although their person has just said that they are away then."""
    own = [one.span for one in times if one.unavailability_id == just.said.id]
    return [
        item for item in dates
        if item.status in LIVE
        and any(one.starts_at < item.call.ends_at and item.call.starts_at < one.ends_at for one in own)
    ]  # fmt: skip


@router.post("", dependencies=ONCE)
async def add(request: Request, viewer: Viewer, session: SharedSession, typed: TypedAway) -> Response:
    """Store an unavailability."""
    otherwise(request, partial(_page, request, viewer, of="add", typed=typed, month=typed.starts_on[:7]))
    made = await service.add_own(session, viewer, body_of(UnavailabilityIn, typed.values()), utc_now())
    return _added(made.id, made.starts_at)


def _added(unavailability_id: UUID, starts_at: datetime) -> Response:
    return see(f"{PATH}?month={in_zone(starts_at, HOME_TIMEZONE):%Y-%m}&added={unavailability_id}")


@router.post("/days", dependencies=ONCE)
async def press_a_day(
    request: Request, viewer: Viewer, session: SharedSession, day: Typed = "", free: Typed = "", month: Typed = ""
) -> Response:  # fmt: skip
    """Mark one day of the month, or free one that was marked alone."""
    otherwise(request, partial(_page, request, viewer, of="days", month=month))
    if free:
        name, _, version = free.partition(".")
        await service.delete_own(session, viewer, _id_in(name), version_of(version))
        return see(f"{PATH}?month={month[:7]}&done=deleted")
    pressed = _day_in("day", day)
    body = body_of(UnavailabilityIn, {"starts_on": pressed, "ends_on": pressed})
    made = await service.add_own(session, viewer, body, utc_now())
    return _added(made.id, made.starts_at)


def _id_in(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _wrong("day", NOT_A_DAY) from None


async def _unhurried(request: Request, viewer: Viewer) -> None:
    otherwise(request, partial(_page, request, viewer, of="import"))
    await importing.check_unhurried(request, viewer)


@router.post("/import", dependencies=[Depends(_unhurried), *ONCE])
async def import_calendar(request: Request, viewer: Viewer, session: SharedSession, replace: Typed = "") -> Response:
    """Take the busy times of a file and say what was left out; whoever repeats the request sees the page."""
    otherwise(request, partial(_page, request, viewer, of="import"))
    upload = (await request.form()).get(importing.FIELD)
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise _wrong(importing.FIELD, NO_FILE)
    content = await importing.content_of(upload)
    report = await importing.import_calendar(
        session, viewer, content, ZoneInfo(HOME_TIMEZONE), utc_now(), replace=replace == "true",
        language=words_of(request).language,
    )  # fmt: skip
    page = await _page(request, viewer, report=report, session=session)
    return idempotency.keep_instead(page, see(PATH))


@router.post("/import/forget", dependencies=ONCE)
async def forget_imported(viewer: Viewer, session: SharedSession) -> Response:
    """Forget what calendars brought."""
    await service.forget_imported(session, viewer)
    return see(f"{PATH}?done=forgotten")


@router.post("/sharing", dependencies=ONCE)
async def share(viewer: Viewer, session: SharedSession, busy_times: Typed = "") -> Response:
    """Let one's companies see busy times, or no more."""
    wanted = Sharing(busy_times=busy_times == "true")
    await service.change_sharing(session, viewer.user_id, wanted, utc_now())
    return see(f"{PATH}?done={'shared' if wanted.busy_times else 'unshared'}")


@router.post("/{unavailability_id}/delete", dependencies=ONCE)
async def delete(
    request: Request, viewer: Viewer, session: SharedSession, unavailability_id: UUID, version: Typed = ""
) -> Response:  # fmt: skip
    """Delete an unavailability with all its times, unless it has changed meanwhile."""
    otherwise(request, partial(_page, request, viewer, of="days"))
    await service.delete_own(session, viewer, unavailability_id, version_of(version))
    return see(f"{PATH}?done=deleted")


def when(words: Words, now: datetime, one: Current) -> str:
    """Say when somebody is away, as people do: "chaque mardi, 18 h–22 h, jusqu'au mer. 30 juin 2027 (30 fois)"."""
    said, span = one.said, one.following
    last = one.last_at - timedelta(seconds=1)
    rhythm = _rhythm(words, said.recurrence, in_zone(said.starts_at, said.timezone)) if said.recurrence else ""
    hours = words.say(Sentence("toute la journée", "all day")) if said.whole_days else ""
    hours = hours or words.span(span.starts_at, span.ends_at, said.timezone)
    if rhythm:
        until = words.say(Sentence("jusqu'au", "until"))
        often = words.say(Sentence(f"{said.times} fois", f"{said.times} times"))
        return f"{rhythm}, {hours}, {until} {words.day(last, said.timezone, year=True)} ({often})"
    first = _day_text(words, span.starts_at, said.timezone, now)
    if said.whole_days and in_zone(last, said.timezone).date() != in_zone(span.starts_at, said.timezone).date():
        end = _day_text(words, last, said.timezone, now)
        return words.say(Sentence(f"du {first} au {end}", f"{first} to {end}"))
    return f"{first}, {hours}"


def _day_text(words: Words, at: datetime, zone: str, now: datetime) -> str:
    return words.day(at, zone, year=in_zone(at, zone).year != in_zone(now, zone).year)


def _rhythm(words: Words, rule: str, first: datetime) -> str:
    """Say the rhythm of a recurrence in a few words; one that is not of the page's own form is only said to recur."""
    parts = dict(part.partition("=")[::2] for part in rule.upper().split(";"))
    kind, step = parts.get("FREQ"), parts.get("INTERVAL", "1")
    known = set(parts) <= {"FREQ", "INTERVAL", "BYDAY", "UNTIL", "COUNT"}
    names = get_day_names("wide", locale=words.language)
    days = parts.get("BYDAY", WEEKDAYS[first.weekday()]).split(",")
    if known and kind == "WEEKLY" and step in {"1", "2"} and set(days) <= set(WEEKDAYS):
        if ",".join(days) == WORKDAYS and step == "1":
            return words.say(REPEATS["workdays"])
        named = words.say(Sentence(" et ", " and ")).join(names[WEEKDAYS.index(day)] for day in days)
        every = Sentence(f"chaque {named}", f"every {named}")
        other = Sentence(f"un {named} sur deux", f"every other {named}")
        return words.say(every if step == "1" else other)
    if known and step == "1" and "BYDAY" not in parts and kind in {"DAILY", "MONTHLY"}:
        monthly = Sentence(f"chaque mois, le {first.day}", f"every month, on day {first.day}")
        return words.say(Sentence("chaque jour", "every day") if kind == "DAILY" else monthly)
    return words.say(Sentence("à intervalles réguliers", "at regular intervals"))
