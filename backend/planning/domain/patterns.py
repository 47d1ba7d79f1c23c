"""Productions to begin with: what a creation, a revival and a tour call people for, day by day from their first one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from backend.core.errors import Sentence


@dataclass(frozen=True, slots=True)
class PatternCall:
    """One call: `day` counts from 0; an `until` that is not after `at` lies on the next day; `needs` by job."""

    day: int
    at: time
    until: time
    kind: str
    title: Sentence
    needs: Mapping[str, int]
    break_minutes: int = 0

    def times(self, first_day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return start and end on the clock of `zone`."""
        day = first_day + timedelta(days=self.day)
        last = day if self.until > self.at else day + timedelta(days=1)
        return datetime.combine(day, self.at, zone), datetime.combine(last, self.until, zone)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A kind of production: its calls in order, whether they are on tour, and the day of its premiere."""

    production_kind: str
    calls: tuple[PatternCall, ...]
    on_tour: bool = False

    @property
    def premiere(self) -> int:
        """Return the day of the first performance."""
        return next(call.day for call in self.calls if call.kind == "performance")


_STAGE = {"regisseur_plateau": 1, "machiniste": 2, "regisseur_lumiere": 1, "electricien": 2, "regisseur_son": 1}
_LIGHT = {"regisseur_lumiere": 1, "electricien": 2, "regisseur_plateau": 1}
_ACTORS = {"metteur_en_scene": 1, "comedien": 3}
_SHOW = {"comedien": 3, "regisseur_general": 1, "regisseur_plateau": 1, "regisseur_lumiere": 1, "regisseur_son": 1,
         "habilleur": 1}  # fmt: skip
_RUN = {"metteur_en_scene": 1, **_SHOW}
_TRUCK = {"regisseur_general": 1, "regisseur_plateau": 1, "machiniste": 2}


def _call(
    day: int, hours: str, kind: str, fr: str, en: str, needs: Mapping[str, int], break_minutes: int = 0
) -> PatternCall:  # fmt: skip
    at, until = (time.fromisoformat(text) for text in hours.split("-"))
    return PatternCall(day, at, until, kind, Sentence(fr, en), needs, break_minutes)


def _rehearsals(*days: int) -> Iterator[PatternCall]:
    for day in days:
        yield _call(day, "10:00-18:00", "rehearsal", "Répétition", "Rehearsal", _ACTORS, 60)


def _performances(*days: int) -> Iterator[PatternCall]:
    for day in days:
        yield _call(day, "18:00-22:30", "performance", "Représentation", "Performance", _SHOW)


PATTERNS: Final[Mapping[str, Pattern]] = MappingProxyType(
    {
        "creation": Pattern(
            "creation",
            (
                _call(0, "14:00-18:00", "table_read", "Lecture à la table", "Table read", _ACTORS),
                *_rehearsals(1, 2, 3, 4, 7, 8),
                _call(9, "09:00-18:00", "setup", "Montage", "Load-in", _STAGE, 60),
                _call(10, "09:00-18:00", "focus", "Réglages", "Focus", _LIGHT, 60),
                _call(11, "14:00-18:00", "run_through", "Filage", "Run-through", _RUN),
                _call(14, "19:00-23:00", "tech_dress", "Couturière", "Tech dress", _RUN),
                _call(15, "19:00-23:00", "dress_rehearsal", "Générale", "Dress rehearsal", _RUN),
                *_performances(16, 17, 18),
                _call(19, "14:00-18:00", "strike", "Démontage", "Strike", _STAGE),
            ),
        ),
        "revival": Pattern(
            "revival",
            (
                _call(0, "14:00-18:00", "line_run", "Italienne", "Line run", _ACTORS),
                _call(1, "10:00-18:00", "brush_up", "Raccord", "Brush-up", _ACTORS, 60),
                _call(2, "09:00-18:00", "setup", "Montage", "Load-in", _STAGE, 60),
                _call(3, "09:00-13:00", "focus", "Réglages", "Focus", _LIGHT),
                _call(3, "14:00-18:00", "run_through", "Filage", "Run-through", _RUN),
                *_performances(4, 5),
                _call(6, "14:00-18:00", "strike", "Démontage", "Strike", _STAGE),
            ),
        ),
        "tour": Pattern(
            "revival",
            (
                _call(0, "09:00-13:00", "travel", "Route", "Travel", _TRUCK),
                _call(0, "14:30-19:30", "setup", "Montage", "Load-in", _STAGE),
                _call(1, "10:00-13:00", "focus", "Réglages", "Focus", _LIGHT),
                _call(1, "15:00-17:00", "brush_up", "Raccord", "Brush-up", _ACTORS),
                *_performances(1, 2),
                _call(3, "09:00-12:00", "load_out", "Démontage et chargement", "Load-out", _STAGE),
                _call(3, "13:00-17:00", "travel", "Retour", "Travel back", _TRUCK),
            ),
            on_tour=True,
        ),
    }
)  # fmt: skip
