"""The counter's values and readings in force on a day, from dated data files; a gap or an overlap of dates is refused.

The files stand in `backend/hours/values/`: official values with their source, and the open points with the choice made.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any, Generic, TypeVar

from backend.core.errors import Sentence
from backend.rules.periods import ValuesError, check_periods, read_toml

MINUTES = 60
_FILES = ("unemployment_insurance.toml", "open_points.toml")


@dataclass(frozen=True, slots=True)
class Value:
    """A figure in force from `since` to `until` (both included; None: until it is changed), and who says so."""

    since: date
    until: date | None
    figure: int
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The numbered reading of an open point from `since` to `until`, both included."""

    since: date
    until: date | None
    number: int
    option: str


Dated = TypeVar("Dated", Value, Choice)


@dataclass(frozen=True, slots=True)
class Series(Generic[Dated]):
    """What held from when to when, without a gap and without an overlap."""

    name: str
    periods: tuple[Dated, ...]

    def on(self, day: date) -> Dated:
        """Return what is in force on `day`. Raises ValuesError before the first period and after the last."""
        for period in self.periods:
            if period.since <= day and (period.until is None or day <= period.until):
                return period
        raise ValuesError(
            f"Aucune valeur de « {self.name} » n'est connue au {day:%d/%m/%Y} : choisissez une autre date.",
            f'No value of "{self.name}" is known on {day}: choose another date.',
        )


@dataclass(frozen=True, slots=True)
class Figure:
    """One official value: its unit (hour, cachet, day, year) and its series."""

    unit: str
    label: Sentence
    series: Series[Value]

    def on(self, day: date) -> int:
        """Return the figure in force on `day`: minutes where the unit is the hour. Raises ValuesError."""
        found = self.series.on(day).figure
        return found * MINUTES if self.unit == "hour" else found


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """A question without an official answer: its options, and which of them was chosen from when."""

    question: Sentence
    options: Mapping[str, Sentence]
    series: Series[Choice]


@dataclass(frozen=True, slots=True)
class Book:
    """Every value and every open point."""

    figures: Mapping[str, Figure]
    points: Mapping[str, OpenPoint]

    def figure(self, name: str, day: date) -> int:
        """Return a figure in force on `day`: minutes where the unit is the hour. Raises ValuesError."""
        return self.figures[name].on(day)

    def readings(self, day: date) -> dict[str, str]:
        """Return the option chosen for each open point on `day`. Raises ValuesError."""
        return {name: point.series.on(day).option for name, point in self.points.items()}

    @property
    def first_day(self) -> date:
        """The first day on which every value and every choice is known."""
        figures = (figure.series.periods[0].since for figure in self.figures.values())
        points = (point.series.periods[0].since for point in self.points.values())
        return max(*figures, *points)


@lru_cache(maxsize=1)
def official() -> Book:
    """Return the product's own files, read once. Raises ValuesError on a file that contradicts itself."""
    folder = files("backend.hours") / "values"
    return read_book(*((folder / name).read_text(encoding="utf-8") for name in _FILES))


def read_book(figures: str, points: str) -> Book:
    """Read the texts of both files (TOML). Raises ValuesError, whose sentence names the entry and the dates."""
    return Book(
        {name: _figure(name, entry) for name, entry in read_toml(figures).items()},
        {name: _point(name, entry) for name, entry in read_toml(points).items()},
    )


def _figure(name: str, entry: Mapping[str, Any]) -> Figure:
    try:
        periods = [Value(p["from"], p.get("until"), p["value"], p["source"], p["confidence"]) for p in entry["period"]]
        return Figure(entry["unit"], Sentence(entry["fr"], entry["en"]), _series(name, periods))
    except KeyError as missing:
        raise _incomplete(name, missing) from None


def _point(name: str, entry: Mapping[str, Any]) -> OpenPoint:
    try:
        options = {option: Sentence(words["fr"], words["en"]) for option, words in entry["options"].items()}
        choices = [Choice(v["from"], v.get("until"), v["number"], v["choice"]) for v in entry["version"]]
        _check_choices(name, options, choices)
        return OpenPoint(Sentence(entry["fr"], entry["en"]), options, _series(name, choices))
    except KeyError as missing:
        raise _incomplete(name, missing) from None


def _incomplete(name: str, missing: KeyError) -> ValuesError:
    return ValuesError(f"« {name} » : il manque {missing} ; ajoutez-le.", f'"{name}": {missing} is missing; add it.')


def _check_choices(name: str, options: Iterable[str], choices: Sequence[Choice]) -> None:
    for choice in choices:
        if choice.option not in options:
            raise ValuesError(
                f"« {name} », version {choice.number} : « {choice.option} » n'est pas une de ses options.",
                f'"{name}", version {choice.number}: "{choice.option}" is none of its options.',
            )


def _series(name: str, periods: Sequence[Dated]) -> Series[Dated]:
    """Return the periods in order. Raises ValuesError when they are none, reversed, overlap or leave a gap."""
    ordered = sorted(periods, key=lambda period: period.since)
    check_periods(name, [(period.since, period.until) for period in ordered])
    return Series(name, tuple(ordered))
