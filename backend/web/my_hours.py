"""A person's hours towards the 507 on pages: the arithmetic line by line, a chart, entries by hand; no company's."""

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from babel.dates import format_date
from fastapi import APIRouter, Depends, Form, Query, Request, Response

from backend.core.clock import utc_now
from backend.core.errors import InvalidError, Sentence
from backend.core.pagination import MAXIMUM_LIMIT, PageRequest
from backend.hours import service as entries
from backend.hours.domain.work import Kind, Standing
from backend.hours.schemas import MOST_MINUTES, EntryChange, EntryIn, EntryOut, MonthOut
from backend.identity import accounts
from backend.identity.access import SharedSession
from backend.portal import hours
from backend.portal.schemas import MyHours
from backend.tenancy import idempotency
from backend.web.forms import NOTHING_WRONG, MyRoute, Refused, body_of, otherwise, version_of
from backend.web.rendering import render, words_of
from backend.web.sessions import Viewer, opened, see
from backend.web.speaking import Words

router = APIRouter(prefix="/me/hours", include_in_schema=False, dependencies=[Depends(opened)], route_class=MyRoute)

Typed = Annotated[str, Form(max_length=5000)]
Asked = Annotated[str, Query(max_length=40)]
KINDS: Mapping[Kind, Sentence] = {
    Kind.ANNEXE_8: Sentence("annexe 8 (technique)", "annexe 8 (technicians)"),
    Kind.ANNEXE_10: Sentence("annexe 10 (artistes)", "annexe 10 (artists)"),
    Kind.TEACHING: Sentence("enseignement", "teaching"),
    Kind.TRAINING: Sentence("formation", "training"),
    Kind.ASSIMILATED: Sentence("absence assimilée (maternité, adoption, accident, longue maladie)",
                               "absence that counts (maternity, adoption, accident, long illness)"),
    Kind.SICKNESS: Sentence("arrêt maladie indemnisé", "paid sickness"),
}  # fmt: skip
STANDINGS: Mapping[Standing, Sentence] = {
    Standing.DECLARED: Sentence("déclaré (AEM reçue)", "declared (certificate received)"),
    Standing.WORKED: Sentence("fait, pas encore déclaré", "done, not declared yet"),
    Standing.PLANNED: Sentence("prévu", "planned"),
}
NOT_A_DAY = Sentence("Écrivez une date : jour, mois, année.", "Write a date: day, month, year.")
NOT_HOURS = Sentence("Écrivez des heures : 7, 7,5 ou 7 h 30.", "Write hours: 7, 7.5 or 7:30.")
CHANGED = Sentence(
    "Cette saisie a changé entre-temps, dans un autre onglet. Vos valeurs sont conservées ci-dessous ; comparez puis "
    "enregistrez.",
    "This entry has changed meanwhile, in another tab. Your values are kept below; compare, then save.",
)
TOO_MANY_HOURS = Sentence(f"Au plus {MOST_MINUTES // 60} heures.", f"At most {MOST_MINUTES // 60} hours.")
_HOURS = re.compile(r"(\d{1,4})(?:\s*(?:h|:)\s*([0-5]\d)?|[.,](\d{1,2}))?")
_CACHETS = re.compile(r"\s*\d{1,6}\s*")
# The chart's measures, in its own units: a bar for each month, in a box that scales with the page.
BAR, GAP, HEIGHT, LEFT, TOP, BELOW = 36, 16, 220, 62, 16, 52


@dataclass(frozen=True, slots=True)
class Bar:
    """One month of the chart: what counts of it, declared or not, as places in the drawing."""

    label: str
    x: int
    done_y: float
    done_height: float
    plan_y: float
    plan_height: float
    minutes: int
    declared: int
    year: int
    begins: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """The counted hours by month; `lines` are its scale."""

    bars: list[Bar]
    lines: list[tuple[float, str]]
    width: int
    height: int
    base: float
    left: int = LEFT
    bar: int = BAR


@router.get("")
async def my_hours(
    request: Request, viewer: Viewer, reference_date: Asked = "", used_until: Asked = ""
) -> Response:  # fmt: skip
    """Show the counter on a day, each step of it, and the entries by hand."""
    typed = {"reference_date": reference_date, "used_until": used_until}
    otherwise(request, partial(_counted, request, viewer, typed))
    return await _counted(request, viewer, typed)


async def _counted(
    request: Request, viewer: Viewer, typed: Mapping[str, str], refusal: Refused = NOTHING_WRONG
) -> Response:
    words, now = words_of(request), utc_now()
    asked = {} if refusal.sentence else {name: _day(name, text) for name, text in typed.items() if text}
    counted = await hours.my_hours(
        request.app.state.database, viewer, asked.get("reference_date"), asked.get("used_until"), words.language, now
    )
    async with request.app.state.database.shared(write=False) as session:
        listed = await entries.list_entries(session, viewer, PageRequest(MAXIMUM_LIMIT, None))
    return render(
        request, "my_hours.html", viewer=viewer, status=int(refusal.status),
        counted=counted, chart=chart(counted, words), entries=listed.items, typed=typed,
        sentence=refusal.text(words.language), errors=refusal.errors(words.language),
        kinds=_said(words, KINDS), standings=_said(words, STANDINGS), month=partial(_month, words),
    )  # fmt: skip


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidError.of(["query", name], NOT_A_DAY.fr, NOT_A_DAY.en, "date_parsing") from None


def _said(words: Words, sentences: Mapping[Any, Sentence]) -> dict[str, str]:
    return {str(key): words.say(sentence) for key, sentence in sentences.items()}


def _month(words: Words, month: str) -> str:
    return format_date(date.fromisoformat(f"{month}-01"), "MMM y", words.language)


def chart(counted: MyHours, words: Words) -> Chart | None:
    """Return the months of the counter as bars: what is declared, and what is planned or done on top of it."""
    totals, declared = _by_month(counted.with_planned.months), _by_month(counted.declared.months)
    if not totals:
        return None
    most = max(60, *totals.values())
    scale = HEIGHT / most
    bars = []
    for place, month in enumerate(_months(counted.window.first_day, counted.window.last_day, totals)):
        minutes = totals.get(month, 0)
        done = min(declared.get(month, 0), minutes)
        rest = minutes - done
        label = format_date(date.fromisoformat(f"{month}-01"), "MMM", words.language)
        x = LEFT + place * (BAR + GAP)
        bars.append(
            Bar(label, x, TOP + HEIGHT - done * scale, done * scale, TOP + HEIGHT - minutes * scale, rest * scale,
                minutes, done, int(month[:4]), month.endswith("-01"))
        )  # fmt: skip
    step = next(hours for hours in (1, 5, 10, 25, 50, 100, 250) if most <= hours * 60 * 5 or hours == 250) * 60  # noqa: PLR2004 - the coarsest scale
    lines = [
        (TOP + HEIGHT - at * scale, words.minutes(at) if at else "0") for at in range(0, most + 1, step)
    ]  # fmt: skip
    width = LEFT + len(bars) * (BAR + GAP)
    return Chart(bars, lines, max(width, 640), TOP + HEIGHT + BELOW, TOP + HEIGHT)


def _months(first: date, last: date, counted: Iterable[str]) -> list[str]:
    """Return every month of a period and those that count outside of it, none left out between them."""
    found = {f"{first:%Y-%m}", f"{last:%Y-%m}", *counted}
    year, month = map(int, min(found).split("-"))
    months = []
    while (name := f"{year}-{month:02}") <= max(found):
        months.append(name)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)  # noqa: PLR2004 - December
    return months


def _by_month(months: list[MonthOut]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in months:
        found[one.month] = found.get(one.month, 0) + one.counted_minutes
    return found


@dataclass(frozen=True, slots=True)
class EntryForm:
    """What was typed of an entry, as it was typed."""

    employer: str = ""
    company_id: str = ""
    kind: str = Kind.ANNEXE_8
    status: str = Standing.DECLARED
    starts_on: str = ""
    ends_on: str = ""
    hours: str = ""
    cachets: str = ""

    def values(self) -> dict[str, Any]:
        """Return it as the services take it. Raises InvalidError for what is no number."""
        return {
            "employer": self.employer.strip() or None,
            "company_id": self.company_id or None,
            "kind": self.kind,
            "status": self.status,
            "starts_on": self.starts_on,
            "ends_on": self.ends_on,
            "minutes": minutes_of(self.hours),
            "cachets": int(self.cachets) if _CACHETS.fullmatch(self.cachets) else self.cachets.strip() or 0,
        }


def minutes_of(text: str) -> int:
    """Return the minutes of "7", "7,5", "7 h 30" or "7:30"; none typed is none worked. Raises InvalidError."""
    plain = text.replace("\u00a0", " ").replace("\u202f", " ").strip()
    if not plain:
        return 0
    found = _HOURS.fullmatch(plain)
    if found is None:
        raise InvalidError.of(["body", "hours"], NOT_HOURS.fr, NOT_HOURS.en, "hours")
    whole, minutes, decimals = found.groups()
    part = round(float(f"0.{decimals}") * 60) if decimals else int(minutes or 0)
    total = int(whole) * 60 + part
    if total > MOST_MINUTES:
        raise InvalidError.of(["body", "hours"], TOO_MANY_HOURS.fr, TOO_MANY_HOURS.en, "hours")
    return total


async def _typed(request: Request) -> EntryForm:
    found = dict(request.state.typed)
    return EntryForm(**{each.name: found.get(each.name, "") for each in fields(EntryForm)})


TypedEntry = Annotated[EntryForm, Depends(_typed)]


async def _claimed(request: Request, viewer: Viewer, session: SharedSession) -> AsyncIterator[None]:
    await idempotency.claim_shared(request, session, viewer.user_id, utc_now())
    yield


ONCE = [Depends(_claimed, scope="function")]


@router.get("/entries/new")
async def new_entry(request: Request, viewer: Viewer) -> Response:
    """Ask for the hours of one contract."""
    return await _form(request, viewer, EntryForm(), None)


@router.post("/entries/new", dependencies=ONCE)
async def add_entry(request: Request, viewer: Viewer, session: SharedSession, typed: TypedEntry) -> Response:
    """Store the hours of one contract."""
    otherwise(request, partial(_form, request, viewer, typed, None))
    await entries.add_entry(session, viewer, body_of(EntryIn, typed.values()), utc_now())
    return see("/me/hours#entries")


@router.get("/entries/{entry_id}")
async def show_entry(request: Request, viewer: Viewer, session: SharedSession, entry_id: UUID) -> Response:
    """Show an entry, to be changed or deleted."""
    entry = await entries.read_entry(session, viewer, entry_id)
    return await _form(request, viewer, typed_of(entry, words_of(request)), entry)


@router.post("/entries/{entry_id}", dependencies=ONCE)
async def change_entry(
    request: Request, viewer: Viewer, session: SharedSession, entry_id: UUID, typed: TypedEntry, version: Typed = ""
) -> Response:  # fmt: skip
    """Change an entry, unless it has changed meanwhile."""
    entry = await entries.read_entry(session, viewer, entry_id)
    otherwise(request, partial(_form, request, viewer, typed, entry))
    values = typed.values()
    if values["company_id"] and not values["employer"]:
        del values["employer"]
    change = body_of(EntryChange, values)
    await entries.change_entry(session, viewer, entry_id, change, version_of(version), utc_now())
    return see("/me/hours#entries")


@router.post("/entries/{entry_id}/delete", dependencies=ONCE)
async def delete_entry(
    request: Request, viewer: Viewer, session: SharedSession, entry_id: UUID, version: Typed = ""
) -> Response:  # fmt: skip
    """Delete an entry, unless it has changed meanwhile."""
    entry = await entries.read_entry(session, viewer, entry_id)
    otherwise(request, partial(_form, request, viewer, typed_of(entry, words_of(request)), entry))
    await entries.delete_entry(session, viewer, entry_id, version_of(version))
    return see("/me/hours#entries")


def typed_of(entry: EntryOut, words: Words) -> EntryForm:
    """Return an entry as its person would type it."""
    return EntryForm(
        entry.employer, str(entry.company_id or ""), entry.kind, entry.status, str(entry.starts_on),
        str(entry.ends_on), words.minutes(entry.minutes) if entry.minutes else "", str(entry.cachets or ""),
    )  # fmt: skip


async def _form(
    request: Request, viewer: Viewer, typed: EntryForm, entry: EntryOut | None, refusal: Refused = NOTHING_WRONG
) -> Response:  # fmt: skip
    """Show the form of an entry; after somebody else's change, with the version that it has now."""
    words = words_of(request)
    async with request.app.state.database.shared(write=False) as session:
        mine = await accounts.my_companies(session, viewer.user_id)
        if entry is not None and refusal.is_stale:
            entry = await entries.read_entry(session, viewer, entry.id)
    sentence = words.say(CHANGED) if refusal.is_stale else refusal.text(words.language)
    errors = {"hours" if name == "minutes" else name: text for name, text in refusal.errors(words.language).items()}
    return render(
        request, "my_entry.html", viewer=viewer, status=int(refusal.status), typed=typed,
        entry=entry, stored=typed_of(entry, words) if entry and refusal.is_stale else None,
        companies=[(str(found.id), found.name) for found in mine], kinds=_said(words, KINDS).items(),
        standings=_said(words, STANDINGS).items(), sentence=sentence, errors=errors,
        path=f"/me/hours/entries/{entry.id if entry else 'new'}",
    )  # fmt: skip
