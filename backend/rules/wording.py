"""Durations, days and times as a person reads them, in French and in English."""

from datetime import date, datetime

from backend.core.errors import Sentence

_MONTHS_FR = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()
_MONTHS_EN = "January February March April May June July August September October November December".split()
_HOUR = 60


def hours(minutes: int) -> str:
    """Return `11 h`, `11 h 30` or `40 min`: written alike in both languages."""
    whole, rest = divmod(minutes, _HOUR)
    if not whole:
        return f"{rest} min"
    return f"{whole} h {rest:02d}" if rest else f"{whole} h"


def date_of(wall: date) -> Sentence:
    """Return the date, of a local time too."""
    fr, en = _MONTHS_FR[wall.month - 1], _MONTHS_EN[wall.month - 1]
    return Sentence(f"{'1er' if wall.day == 1 else wall.day} {fr} {wall.year}", f"{wall.day} {en} {wall.year}")


def time_of(wall: datetime) -> Sentence:
    """Return the date and the time of a local time."""
    on = date_of(wall)
    return Sentence(f"{on.fr} à {wall.hour} h {wall.minute:02d}", f"{on.en} at {wall:%H:%M}")
