"""What a rule says of a planning: how serious, where, how much, from which text, and what would cure it."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from backend.core.errors import Sentence


class Severity(enum.StrEnum):
    """How a finding binds, the worst first."""

    HARD = "HARD"  # no derogation can exist
    DEROG = "DEROG"  # lawful only with a derogation
    WARN = "WARN"  # to look at
    INFO = "INFO"  # pay, or covered by a derogation

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Unit(enum.StrEnum):
    """What `measured` and `limit` count."""

    MINUTES = "minutes"
    DAYS = "days"
    NIGHTS = "nights"
    SERVICES = "services"
    SHOWS = "shows"
    YEARS = "years"
    SKILLS = "skills"
    PERMITS = "permits"


class Confidence(enum.StrEnum):
    """How well the text behind a value is known."""

    LAW = "L"  # the article, word for word
    CONVENTION = "C"  # the convention's article
    PAGE = "P"  # a page that reports it: never more than a warning
    HABIT = "G"  # a habit of the trade: only where the company says so
    COMPANY = "A"  # the company's own agreement, requirement or setting


@dataclass(frozen=True, slots=True)
class Source:
    """The text that set a limit: articles, where to read them, and their words."""

    article: str
    link: str
    text: str
    confidence: Confidence


class Action(enum.StrEnum):
    """One change that makes a finding disappear."""

    END_EARLIER = "end_earlier"
    START_LATER = "start_later"
    END_LATER = "end_later"
    INSERT_BREAK = "insert_break"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Cure:
    """A change of one assignment: `at` is the new start or end, or where each 20-minute break begins.

    `minutes` is how much changes, and orders the cures.
    """

    action: Action
    call: str
    assignment: str
    minutes: int
    at: Sequence[datetime]
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach, alert or pay fact of one person in one window; `person` is empty where it is about calls alone."""

    rule: str
    severity: Severity
    person: str
    starts_at: datetime
    ends_at: datetime
    measured: int
    limit: int
    unit: Unit
    calls: Sequence[str]
    assignments: Sequence[str]
    source: Source
    sentence: Sentence
    cures: Sequence[Cure] = ()
    details: Mapping[str, int] = field(default_factory=dict)
    covered_by: str | None = None
    scope: str = ""  # the employer or the production that it is about, where there may be several
    if_confirmed: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two findings the same one, before and after a change."""
        return (
            self.person,
            self.rule,
            self.scope,
            self.starts_at,
            self.unit,
            self.limit,
            self.severity is Severity.WARN,
        )

    @property
    def override_by(self) -> Sequence[str]:
        """Roles that may let it pass: with a reason for HARD, with a ground of the list for DEROG."""
        return _OVERRIDES.get(self.severity, ())

    def to_json(self) -> dict[str, Any]:
        """Return the finding in JSON's own types; instants in UTC."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "person_ref": self.person or None,
            "window_start": _text(self.starts_at),
            "window_end": _text(self.ends_at),
            "measured_minutes": self.measured,
            "limit_minutes": self.limit,
            "unit": self.unit.value,
            "calls": list(self.calls),
            "assignments": list(self.assignments),
            "if_confirmed": self.if_confirmed,
            "sentence": {"fr": self.sentence.fr, "en": self.sentence.en},
            "article": self.source.article,
            "link": self.source.link,
            "text": self.source.text,
            "confidence": self.source.confidence.value,
            "override_by": list(self.override_by),
            "covered_by": self.covered_by,
            "details": dict(self.details),
            "cures": [_cure_json(cure) for cure in self.cures],
        }


_OVERRIDES: Mapping[Severity, Sequence[str]] = {
    Severity.HARD: ("owner", "admin"),
    Severity.DEROG: ("owner", "admin", "planner"),
}


def _cure_json(cure: Cure) -> dict[str, Any]:
    return {
        "action": cure.action.value,
        "call": cure.call,
        "assignment": cure.assignment,
        "minutes": cure.minutes,
        "at": [_text(instant) for instant in cure.at],
        "sentence": {"fr": cure.sentence.fr, "en": cure.sentence.en},
    }


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
