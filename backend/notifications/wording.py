"""What stands in a message, in words: a date and its hours, a place, what was before. Never pay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from backend.core.errors import Sentence
from backend.planning.models import NoticeKind
from backend.rules.wording import date_of

_DAYS_FR = "lundi mardi mercredi jeudi vendredi samedi dimanche".split()
_DAYS_EN = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
SECOND_CHOICE = Sentence(
    "Second choix : une autre personne est demandée avant vous. Votre oui compte dès qu'elle renonce.",
    "Second choice: somebody else is asked before you. Your yes counts as soon as they decline.",
)
CONFIRMED = Sentence("Date confirmée", "Confirmed date")
SAID_YES = Sentence(
    "En option : vous avez déjà dit oui, la compagnie n'a pas encore confirmé.",
    "An option: you have said yes already, the company has not confirmed yet.",
)
NOTHING_TO_ANSWER = Sentence(
    "Vous avez déjà dit oui : il n'y a rien à répondre. Rien n'est confirmé tant que la compagnie ne vous l'a pas "
    "écrit.",
    "You have said yes already: there is nothing to answer. Nothing is confirmed until the company has written so to "
    "you.",
)
SOMEWHERE = Sentence("Lieu à préciser", "Place to be named")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call is: its words, and the zone whose clocks count there."""

    words: str | None
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Told:
    """When and where a call is, as its people know it."""

    starts_at: datetime
    ends_at: datetime
    place: Place


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell: of which call, in which job, and what goes with its kind."""

    kind: NoticeKind
    production: str
    title: str
    job: str
    now: Told
    before: Told | None = None
    expires_at: datetime | None = None
    is_option: bool = False
    is_accepted: bool = False
    is_second: bool = False
    message: str | None = None
    reason: str | None = None


def item(news: News, language: str, home: ZoneInfo) -> Mapping[str, Any]:
    """Return the head and the lines by which a mail shows one thing; an expiry is on the clocks of the company."""
    lines: list[Sentence] = [_when(news.now), _where(news.now), Sentence(news.job, news.job)]
    if news.kind is NoticeKind.CHANGED and news.before is not None:
        before = _when(news.before), _where(news.before)
        lines += [Sentence(f"Avant : {before[0].fr}, {before[1].fr}", f"Before: {before[0].en}, {before[1].en}")]
    if news.kind is NoticeKind.CANCELLED:
        lines += [Sentence("Annulé : vous n'êtes plus attendu·e.", "Cancelled: you are not expected any more.")]
    if news.is_second:
        lines += [SECOND_CHOICE]
    if news.kind is NoticeKind.CHANGED and not news.is_option:
        lines += [CONFIRMED]
    if news.is_accepted:
        lines += [SAID_YES]
    elif news.expires_at is not None:
        at = news.expires_at.astimezone(home)
        day = date_of(at)
        lines += [Sentence(f"Option jusqu'au {day.fr} à {_clock(at)}", f"Option until {day.en} at {at:%H:%M}")]
    if news.reason:
        lines += [Sentence(f"Motif : {news.reason}", f"Reason: {news.reason}")]
    if news.message:
        lines += [quoted(news.message)]
    return {"head": f"{news.production} – {news.title}", "lines": [line.in_language(language) for line in lines]}


def quoted(message: str) -> Sentence:
    """Return what a planner wrote, between the marks of each language."""
    return Sentence(f"« {message} »", f'"{message}"')


def said_of_all(news: Sequence[News]) -> str | None:
    """Return what a planner wrote beside several dates, the same for each: it is said once."""
    messages = {one.message for one in news}
    return messages.pop() if len(news) > 1 and len(messages) == 1 else None


def _clock(local: datetime) -> str:
    """Return "20 h" or "20 h 30", as the pages write it."""
    return f"{local.hour} h {local.minute:02d}" if local.minute else f"{local.hour} h"


def _when(told: Told) -> Sentence:
    starts, ends = (at.astimezone(told.place.zone) for at in (told.starts_at, told.ends_at))
    day = date_of(starts)
    end_fr, end_en = _clock(ends), f"{ends:%H:%M}"
    if ends.date() != starts.date():
        end_day = date_of(ends)
        end_fr, end_en = f"{end_fr} le {end_day.fr}", f"{end_en} on {end_day.en}"
    return Sentence(
        f"{_DAYS_FR[starts.weekday()]} {day.fr}, de {_clock(starts)} à {end_fr}",
        f"{_DAYS_EN[starts.weekday()]} {day.en}, from {starts:%H:%M} to {end_en}",
    )


def _where(told: Told) -> Sentence:
    return SOMEWHERE if told.place.words is None else Sentence(told.place.words, told.place.words)
