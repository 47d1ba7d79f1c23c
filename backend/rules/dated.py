"""The values of the law as dated data, each with the text that set it; refuses a gap or an overlap of dates."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from backend.core.errors import Sentence
from backend.rules.days import DAY, EPOCH
from backend.rules.finding import Confidence, Source

BASE, HABITS = "labour_code", "habits"
STRICTER = "stricter"
CONVENTIONS: Mapping[str, str] = {"1285": "idcc_1285", "3090": "idcc_3090"}
_WORDS = {"from", "to", "article", "link", "text", "confidence"}


class ValuesError(ValueError):
    """The values of a rule do not hold together; `sentence` says where."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence.en)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Value:
    """What a rule asks from `start` until just before `end` (ordinals of days); `numbers` are minutes unless named."""

    start: int
    end: int | None
    numbers: Mapping[str, int]
    source: Source

    @property
    def sure_from(self) -> int:
        """The minute from which `start` has begun in every zone: no day need be looked up after it."""
        return (self.start - EPOCH + 1) * DAY

    def __getitem__(self, name: str) -> int:
        return self.numbers[name]

    @property
    def limit(self) -> int:
        """The threshold; reaching it is no breach, save where the rule says "reaches"."""
        return self.numbers["limit"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with its values in order of date; `minimum` means that less than the limit is the breach."""

    id: str
    title: Sentence
    values: Sequence[Value]
    minimum: bool
    grounds: Sequence[str]
    agreement: str | None = None  # the number to which a company agreement may go, or `STRICTER`

    def on(self, day: int) -> Value | None:
        """Return the value in force on `day`, or None."""
        for value in reversed(self.values):
            if value.start <= day:
                return value if value.end is None or day < value.end else None
        return None


def rules_of(convention: str | None) -> dict[str, Rule]:
    """Return the rules of all employers, those of the convention (IDCC number) if it is known, and the habits."""
    names = [BASE, HABITS]
    if convention is not None and convention in CONVENTIONS:
        names.append(CONVENTIONS[convention])
    return {rule.id: rule for name in names for rule in _read(name)}


@cache
def grounds() -> Mapping[str, Sentence]:
    """Return the grounds on which a derogation may be recorded, by code."""
    found = tomllib.loads(_text("grounds"))
    return MappingProxyType({code: Sentence(**words) for code, words in found.items()})


def parse(text: str) -> list[Rule]:
    """Read the rules of one TOML file; raises ValuesError for values that leave a gap, overlap, or lack a limit."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValuesError(
            Sentence(f"Fichier de valeurs illisible : {error}.", f"Unreadable values: {error}.")
        ) from None
    return [_rule(entry) for entry in found.get("rule", [])]


@cache
def _read(name: str) -> Sequence[Rule]:
    return parse(_text(name))


def _text(name: str) -> str:
    return files("backend.rules").joinpath("values", f"{name}.toml").read_text(encoding="utf-8")


def _rule(entry: Mapping[str, Any]) -> Rule:
    name = str(entry.get("id", "?"))
    try:
        values = sorted((_value(found) for found in entry["value"]), key=lambda value: value.start)
        rule = Rule(
            name, Sentence(**entry["title"]), values, entry.get("minimum", False), entry.get("grounds", ()),
            entry.get("agreement"),
        )  # fmt: skip
        _check_agreement(rule)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValuesError(
            Sentence(f"{name} : valeur incomplète ({error}).", f"{name}: a value is incomplete ({error}).")
        ) from None
    _check_dates(name, values)
    return rule


def _value(found: Mapping[str, Any]) -> Value:
    numbers = {name: number for name, number in found.items() if name not in _WORDS}
    if "limit" not in numbers or any(type(number) is not int for number in numbers.values()):
        message = "limit"
        raise KeyError(message)
    end = found.get("to")
    source = Source(found["article"], found["link"], " ".join(found["text"].split()), Confidence(found["confidence"]))
    return Value(found["from"].toordinal(), None if end is None else end.toordinal(), numbers, source)


def _check_agreement(rule: Rule) -> None:
    if rule.agreement not in {None, STRICTER} and any(rule.agreement not in value.numbers for value in rule.values):
        raise KeyError(rule.agreement)


def _check_dates(name: str, values: Sequence[Value]) -> None:
    if not values:
        raise ValuesError(Sentence(f"{name} : aucune valeur.", f"{name}: no value."))
    for value in values:
        if value.end is not None and value.end <= value.start:
            raise _dates(name, value.start, "finit avant de commencer", "ends before it begins")
    for before, after in pairwise(values):
        if before.end is None or before.end > after.start:
            raise _dates(
                name, after.start, "commence avant la fin de la précédente", "begins before the one above ends"
            )
        if before.end < after.start:
            raise _dates(name, after.start, "laisse un trou après la précédente", "leaves a gap after the one above")


def _dates(name: str, day: int, fr: str, en: str) -> ValuesError:
    start = date.fromordinal(day)
    return ValuesError(
        Sentence(
            f"{name} : la valeur du {start:%d/%m/%Y} {fr} : corrigez « from » ou « to ».",
            f"{name}: the value of {start} {en}: correct `from` or `to`.",
        )
    )


def covers(start: date, end: date | None, day: int) -> bool:
    """Tell whether `day` lies in a validity; both ends belong to it."""
    return start.toordinal() <= day and (end is None or day <= end.toordinal())
