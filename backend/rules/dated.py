"""The values of the law as dated data, each with the text that set it; refuses a gap or an overlap of dates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from backend.core.errors import Sentence
from backend.rules.days import DAY, EPOCH
from backend.rules.finding import Confidence, Source
from backend.rules.periods import Period, ValuesError, check_periods, read_toml

BASE, HABITS, CONFLICTS = "labour_code", "habits", "conflicts"
STRICTER = "stricter"
CONVENTIONS: Mapping[str, str] = {"1285": "idcc_1285", "3090": "idcc_3090"}
_WORDS = {"from", "to", "article", "link", "text", "confidence"}


@dataclass(frozen=True, slots=True)
class Value:
    """What a rule asks from `start` until just before `end` (ordinals of days); `numbers` are minutes unless named."""

    start: int
    end: int | None
    numbers: Mapping[str, int]
    source: Source

    @property
    def days(self) -> Period:
        """The first and the last day on which it is in force."""
        return date.fromordinal(self.start), None if self.end is None else date.fromordinal(self.end - 1)

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
    """Return the rules of all employers, of the convention (IDCC number) if it is known, habits and conflicts."""
    names = [BASE, HABITS, CONFLICTS]
    if convention is not None and convention in CONVENTIONS:
        names.append(CONVENTIONS[convention])
    return {rule.id: rule for name in names for rule in _read(name)}


@cache
def grounds() -> Mapping[str, Sentence]:
    """Return the grounds on which a derogation may be recorded, by code."""
    found = read_toml(_text("grounds"))
    return MappingProxyType({code: Sentence(**words) for code, words in found.items()})


def parse(text: str) -> list[Rule]:
    """Read the rules of one TOML file; raises ValuesError for values that leave a gap, overlap, or lack a limit."""
    return [_rule(entry) for entry in read_toml(text).get("rule", [])]


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
            f"« {name} » : valeur incomplète ({error}) ; complétez-la.", f'"{name}": a value is incomplete ({error}).'
        ) from None
    check_periods(name, [value.days for value in values])
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


def covers(start: date, end: date | None, day: int) -> bool:
    """Tell whether `day` lies in a validity; both ends belong to it."""
    return start.toordinal() <= day and (end is None or day <= end.toordinal())
