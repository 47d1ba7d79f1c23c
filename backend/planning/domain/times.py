"""Whether the times of a call hold together: its end, its length, its breaks, and wall times that no clock shows.

Refuses to guess: an end before the start is never taken for the next day.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from backend.core.errors import Sentence
from backend.core.instants import wall_time_exists
from backend.rules.wording import time_of

LONGEST_CALL = timedelta(hours=36)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Pause:
    """A break whose place in the call is known."""

    starts_at: datetime
    ends_at: datetime
    paid: bool


@dataclass(frozen=True, slots=True)
class Times:
    """When a call takes place; the instants still carry the offsets that they were written with."""

    starts_at: datetime
    ends_at: datetime
    breaks: Sequence[Pause] = ()
    unplaced_break_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to correct: the field, a sentence for a person, a stable code."""

    loc: tuple[str | int, ...]
    sentence: Sentence
    code: str


def find_faults(times: Times, zone: ZoneInfo) -> list[Fault]:
    """Return what is wrong with `times` in the time zone of the place, in the order of the fields."""
    return [*_of_wall_times(times, zone), *_of_length(times), *_of_breaks(times)]


def _of_wall_times(times: Times, zone: ZoneInfo) -> Iterator[Fault]:
    written: list[tuple[tuple[str | int, ...], datetime]] = [
        (("starts_at",), times.starts_at),
        (("ends_at",), times.ends_at),
    ]
    for index, pause in enumerate(times.breaks):
        written += [
            (("breaks", index, "starts_at"), pause.starts_at),
            (("breaks", index, "ends_at"), pause.ends_at),
        ]
    for loc, instant in written:
        if not wall_time_exists(instant, zone):
            yield Fault(loc, _no_such_time(instant, zone), "wall_time_missing")


def _no_such_time(instant: datetime, zone: ZoneInfo) -> Sentence:
    wall = time_of(instant)
    return Sentence(
        f"Le {wall.fr} n'existe pas dans le fuseau {zone.key} : les horloges avancent cette nuit-là. "
        "Choisissez une autre heure.",
        f"{wall.en} does not exist in {zone.key}: the clocks go forward that night. Choose another time.",
    )


def _of_length(times: Times) -> Iterator[Fault]:
    duration = times.ends_at - times.starts_at
    hours = LONGEST_CALL // timedelta(hours=1)
    if duration <= timedelta(0):
        yield Fault(
            ("ends_at",),
            Sentence(
                "La fin doit venir après le début : si la convocation finit le lendemain, écrivez cette date-là.",
                "The end must come after the start: when the call ends on the next day, write the next day's date.",
            ),
            "ends_before_start",
        )
    elif duration > LONGEST_CALL:
        yield Fault(
            ("ends_at",),
            Sentence(
                f"La convocation dure plus de {hours} heures : vérifiez les deux dates, ou faites-en une par jour.",
                f"The call lasts more than {hours} hours: check both dates, or make it one call a day.",
            ),
            "too_long",
        )
    elif times.unplaced_break_minutes * _MINUTE + _placed(times) >= duration:
        yield Fault(
            ("unplaced_break_minutes",),
            Sentence(
                "Les pauses durent autant que la convocation, ou plus : raccourcissez-les.",
                "The breaks last as long as the call, or longer: make them shorter.",
            ),
            "break_too_long",
        )


def _placed(times: Times) -> timedelta:
    return sum((max(p.ends_at - p.starts_at, timedelta(0)) for p in times.breaks), timedelta(0))


def _of_breaks(times: Times) -> Iterator[Fault]:
    earliest = times.starts_at
    for index, pause in enumerate(times.breaks):
        if pause.ends_at <= pause.starts_at:
            yield Fault(
                ("breaks", index, "ends_at"),
                Sentence("La fin de la pause doit venir après son début.", "The break must end after it starts."),
                "ends_before_start",
            )
        if pause.starts_at < times.starts_at or pause.ends_at > times.ends_at:
            yield Fault(
                ("breaks", index),
                Sentence(
                    "Cette pause sort de la convocation : placez-la entre son début et sa fin.",
                    "This break is not inside the call: place it between its start and its end.",
                ),
                "break_outside",
            )
        elif pause.starts_at < earliest:
            yield Fault(
                ("breaks", index),
                Sentence(
                    "Cette pause commence avant la fin de la précédente : rangez les pauses dans l'ordre, "
                    "sans chevauchement.",
                    "This break starts before the one above has ended: put the breaks in order, without overlap.",
                ),
                "break_overlap",
            )
        earliest = max(earliest, pause.ends_at)
