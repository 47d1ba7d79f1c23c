"""The layers that hold for one company: law, convention, its own agreement and settings, recorded derogations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from backend.core.errors import Sentence
from backend.rules.dated import CONVENTIONS, Rule, Value, covers, rules_of
from backend.rules.finding import Confidence, Severity, Source
from backend.rules.travel import Travel

AUTHORISED = frozenset({"MIN-AUTH"})  # forbidden without a document, lawful with it


@dataclass(frozen=True, slots=True)
class Agreement:
    """A company agreement: from then on the rule's limit is `limit`, stricter or wider within what the law lets."""

    rule: str
    limit: int
    document: str
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Derogation:
    """A derogation recorded for a rule: its ground (`dated.grounds`), its document, the days it is valid.

    `persons` empty means everybody; `limit` is how far it goes, None for as far as the law lets.
    """

    rule: str
    ground: str
    document: str
    valid_from: date
    valid_to: date
    persons: frozenset[str] = frozenset()
    limit: int | None = None


@dataclass(frozen=True)
class Law:
    """What one company is judged by. `habits` are the unverified rules that it switched on, with their limits.

    `travel` is what it knows of its venues; without it no trip is judged.
    """

    convention: str | None = None
    agreements: Sequence[Agreement] = ()
    derogations: Sequence[Derogation] = ()
    habits: Mapping[str, int] | None = None
    subdivision: str | None = None  # Alsace and Moselle have two more holidays ("67", "68", "57")
    travel: Travel | None = None

    @cached_property
    def rules(self) -> dict[str, Rule]:
        """Rules by id: all employers', the convention's, and the habits switched on."""
        on = self.habits or {}
        return {name: rule for name, rule in rules_of(self.convention).items() if not _is_habit(rule) or name in on}

    @cached_property
    def minimum_rules(self) -> frozenset[str]:
        """The rules of which less than the limit is the breach."""
        return frozenset(name for name, rule in self.rules.items() if rule.minimum)

    @property
    def convention_known(self) -> bool:
        """Whether the product has rules of this convention (a company without one has none to know)."""
        return self.convention is None or self.convention in CONVENTIONS

    @cached_property
    def sure(self) -> dict[str, tuple[int, Value]]:
        """Steady values with the minute from which they hold everywhere."""
        return {name: (value.sure_from, value) for name, value in self.steady.items()}

    @cached_property
    def steady(self) -> dict[str, Value]:
        """Values that never change, no agreement touches and no habit replaces: most of them, at every look."""
        changed = {*self._agreed, *(self.habits or {})}
        return {
            name: rule.values[0]
            for name, rule in self.rules.items()
            if len(rule.values) == 1 and rule.values[0].end is None and name not in changed
        }

    @cached_property
    def _agreed(self) -> dict[str, list[Agreement]]:
        found: dict[str, list[Agreement]] = {}
        for agreement in self.agreements:
            found.setdefault(agreement.rule, []).append(agreement)
        return found

    def value(self, name: str, day: int) -> Value | None:
        """Return what `name` asks on `day`, the agreement's where that is stricter than the law's; None for nothing."""
        steady = self.steady.get(name)
        if steady is not None:
            return steady if steady.start <= day else None
        rule = self.rules.get(name)
        value = None if rule is None else rule.on(day)
        if rule is None or value is None:
            return None
        if self.habits and name in self.habits:
            return replace(value, numbers={**value.numbers, "limit": self.habits[name]})
        for agreement in self._agreed.get(name, ()):
            if covers(agreement.valid_from, agreement.valid_to, day) and is_stricter(
                rule, agreement.limit, value.limit
            ):
                value = replace(
                    value,
                    numbers={**value.numbers, "limit": agreement.limit},
                    source=Source(agreement.document, "", agreement.document, Confidence.COMPANY),
                )
        return value

    def cover(self, name: str, severity: Severity, person: str, day: int, measured: int) -> str | None:
        """Return the document that makes a finding lawful, or None: nothing covers what no derogation can cover."""
        if severity is Severity.INFO or (severity is Severity.HARD and name not in AUTHORISED):
            return None
        rule = self.rules[name]
        for derogation in self.derogations:
            if (
                derogation.rule == name
                and (not derogation.persons or person in derogation.persons)
                and covers(derogation.valid_from, derogation.valid_to, day)
                and (derogation.limit is None or not is_stricter(rule, derogation.limit, measured))
            ):
                return derogation.document
        for agreement in self._agreed.get(name, ()):
            if covers(agreement.valid_from, agreement.valid_to, day) and not is_stricter(
                rule, agreement.limit, measured
            ):
                return agreement.document
        return None


def unknown_convention(convention: str) -> Sentence:
    """Return what a company reads whose convention has no rules here."""
    return Sentence(
        f"La convention {convention} n'a pas de règles dans Filage : seul le Code du travail est vérifié.",
        f"Filage has no rules of convention {convention}: only the Code du travail is checked.",
    )


def _is_habit(rule: Rule) -> bool:
    return rule.values[0].source.confidence is Confidence.HABIT


def is_stricter(rule: Rule, one: int, other: int) -> bool:
    """Tell whether the limit `one` of a rule asks for more than `other` does."""
    return one > other if rule.minimum else one < other
