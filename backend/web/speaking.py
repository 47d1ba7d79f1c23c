"""In which language a page speaks, and how it writes days, hours and durations; French is what the templates hold.

The catalogue (`locale/en/LC_MESSAGES/messages.po`) translates their sentences; it is read as text, so that nothing has
to be compiled before a change of words is seen.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from backend.core.errors import Sentence
from backend.web.naming import FIELDS, changes_in_words
from backend.web.typography import said, typeset

Language = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = ("fr", "en")
HOUR = 60


@lru_cache(maxsize=len(LANGUAGES))
def translations(language: str) -> NullTranslations:
    """Return the catalogue of a language; that of French is empty, since the templates are in French."""
    if language != "en":
        return French()
    compiled = BytesIO()
    with files("backend.web").joinpath("locale", "en", "LC_MESSAGES", "messages.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale="en"))
    compiled.seek(0)
    return Translations(compiled)


class French(NullTranslations):
    """The sentences of the templates as they are written, with marks that stay at their words."""

    def gettext(self, message: str) -> str:
        """Return a sentence of a template."""
        return typeset(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return a sentence of a template for one or for many."""
        return typeset(super().ngettext(msgid1, msgid2, n))

    # Jinja asks for these first.
    ugettext, ungettext = gettext, ngettext


class Words:
    """What a template needs to write for one reader: `language`, and instants in `zone`."""

    def __init__(self, language: str) -> None:
        self.language: Language = "en" if language == "en" else "fr"

    def say(self, sentence: Sentence) -> str:
        """Return a sentence of the services in this language."""
        return said(sentence, self.language)

    def day(self, when: date | datetime, zone: str | ZoneInfo | None = None, *, year: bool = False) -> str:
        """Return "sam. 24 oct." or "Sat 24 Oct"; an instant is read in `zone`."""
        local = in_zone(when, zone).date() if isinstance(when, datetime) else when
        return _written(local, "EEE d MMM y" if year else "EEE d MMM", self.language)

    def long_day(self, when: date | datetime, zone: str | ZoneInfo | None = None) -> str:
        """Return "samedi 24 octobre 2026"."""
        local = in_zone(when, zone).date() if isinstance(when, datetime) else when
        return _written(local, "EEEE d MMMM y", self.language)

    def day_of_month(self, day: date) -> str:
        """Return "24", and "1er" as French does: what a cell of a month shows is part of how it is named."""
        return "1er" if self.language == "fr" and day.day == 1 else str(day.day)

    def iso_day(self, when: datetime, zone: str | ZoneInfo) -> str:
        """Return "2026-10-24", the day of the place: what addresses and fields of dates hold."""
        return in_zone(when, zone).date().isoformat()

    def month(self, when: date | datetime, zone: str | ZoneInfo | None = None) -> str:
        """Return "octobre 2026"; an instant is read in `zone`."""
        local = in_zone(when, zone).date() if isinstance(when, datetime) else when
        return format_date(local, "LLLL y", self.language)

    def hour(self, when: datetime, zone: str | ZoneInfo) -> str:
        """Return "17 h 30", "17 h" or, in English, "17:30"; the hour of the place."""
        return self._clock(in_zone(when, zone))

    def moment(self, when: datetime, zone: str | ZoneInfo) -> str:
        """Return "sam. 24 oct. 2026, 17 h 30", on the clock of the place."""
        return f"{self.day(when, zone, year=True)}, {self.hour(when, zone)}"

    def span(self, starts: datetime, ends: datetime, zone: str | ZoneInfo) -> str:
        """Return "17 h 30–23 h"; an end on a later day names it: "20 h–1 h (dim. 25 oct.)"."""
        first, last = in_zone(starts, zone), in_zone(ends, zone)
        text = f"{self._clock(first)}\u2013{self._clock(last)}"
        return text if first.date() == last.date() else f"{text} ({self.day(last.date())})"

    def minutes(self, count: int) -> str:
        """Return "5 h 30", "45 min" or "5 h"."""
        hours, rest = divmod(abs(count), HOUR)
        sign = "\u2212" if count < 0 else ""
        if not hours:
            return f"{sign}{rest}\u00a0min"
        return f"{sign}{hours}\u00a0h" + (f"\u00a0{rest:02}" if rest else "")

    def lasting(self, starts: datetime, ends: datetime) -> str:
        """Return how long it is from one instant to the other: the real time, whatever the clocks do in between."""
        return self.minutes(round((ends - starts).total_seconds()) // HOUR)

    def typed(self, fields: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return what somebody typed into a form, each with its name in words; ids and versions are left out."""
        known = {name: value for name, value in fields if name in FIELDS and name != "version"}
        return [(name, value) for name, _, value in changes_in_words(None, known, self.language)]

    def _clock(self, local: datetime) -> str:
        if self.language == "en":
            return f"{local:%H:%M}"
        return f"{local.hour}\u00a0h" + (f"\u00a0{local.minute:02}" if local.minute else "")


@lru_cache(maxsize=1000)
def _written(day: date, pattern: str, language: str) -> str:
    """Write a day, the first of a month as French does; a board says each of its few days once for every call."""
    first_of_month = language == "fr" and day.day == 1
    return format_date(day, pattern.replace(" d ", " d'er' ") if first_of_month else pattern, language)


def in_zone(when: datetime, zone: str | ZoneInfo | None) -> datetime:
    """Return an aware instant on the clock of `zone`. Raises ValueError without a zone: no page guesses one."""
    if zone is None:
        message = "an instant needs the zone of its place"
        raise ValueError(message)
    return when.astimezone(ZoneInfo(zone) if isinstance(zone, str) else zone)
