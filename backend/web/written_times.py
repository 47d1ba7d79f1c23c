"""Days, hours and instants as somebody writes them into a form: one that no clock shows is refused in a sentence."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from backend.core.errors import FieldError, InvalidError, Sentence
from backend.core.schemas import FIRST_YEAR, LAST_YEAR
from backend.planning.domain.wall_times import out_of_range, read_instant

WRITE_A_TIME = Sentence("Écrivez un jour et une heure.", "Write a day and a time.")
WRITE_A_DAY = Sentence("Choisissez un jour.", "Choose a day.")
WRITE_AN_HOUR = Sentence("Écrivez une heure : 18:30.", "Write a time: 18:30.")
SECONDS = {"1": True, "0": False}


def read_wall(
    name: str, text: str, zone: ZoneInfo, second: str | None = None, unread: Sentence = WRITE_A_TIME
) -> datetime:
    """Return when the clocks of `zone` show what was written; `second` is what was ticked where they show it twice.

    Raises InvalidError: it is no time, has an offset, is out of the calendar, or is shown twice and nothing was ticked.
    """
    found = _instant(text)
    if found is None or found.tzinfo is not None:
        raise _refused(name, unread)
    return read_instant(name, found, zone, second=SECONDS.get(second or ""))


def read_known(name: str, text: str) -> datetime:
    """Return an instant that a page of ours wrote, with its offset. Raises InvalidError, for years too."""
    found = _instant(text)
    if found is None or found.tzinfo is None:
        raise _refused(name, WRITE_A_TIME)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise out_of_range(name)
    return found


def read_day(name: str, text: str) -> date:
    """Return the day that was written. Raises InvalidError, for years that the planning does not hold too."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise _refused(name, WRITE_A_DAY) from None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise out_of_range(name)
    return found


def read_hour(name: str, text: str) -> time | None:
    """Return the hour of a clock that was written, or None where nothing was. Raises InvalidError."""
    if not text:
        return None
    try:
        found = time.fromisoformat(text)
    except ValueError:
        raise _refused(name, WRITE_AN_HOUR) from None
    if found.tzinfo is not None:
        raise _refused(name, WRITE_AN_HOUR)
    return found


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _refused(name: str, sentence: Sentence) -> InvalidError:
    return InvalidError(sentence, [FieldError(("body", name), sentence)])
