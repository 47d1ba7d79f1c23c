"""What stands between an act and the law: findings that need an override with a reason, or a ground of the list."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from backend.rules.finding import Finding, Severity
from backend.rules.law import AUTHORISED

Key = tuple[str, str, str, str, int, int]


@dataclass(frozen=True, slots=True)
class Ground:
    """Why a rule may be exceeded: a code of the list, and the document that says so."""

    ground: str
    document: str


@dataclass(frozen=True, slots=True)
class Clearance:
    """What whoever acts brings: one reason for what nothing makes lawful, and grounds by rule."""

    reason: str | None = None
    grounds: Mapping[str, Ground] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sorted:
    """The findings of an act that nobody has let pass: by a ground now given, forbidden, or in want of a ground."""

    derogated: list[tuple[Finding, Ground]]
    forbidden: list[Finding]
    groundless: list[Finding]


@dataclass(frozen=True, slots=True)
class Override:
    """Who let a forbidden planning pass, when, and for which reason."""

    by: str
    at: datetime
    reason: str


NOTHING = Clearance()


def override_key(finding: Finding) -> Key:
    """Return what an override is about: another measure is another finding, which needs its own."""
    start = finding.starts_at.isoformat()
    return finding.person, finding.rule, finding.scope, start, finding.measured, finding.limit


def newly_bad(found: Iterable[Finding], before: Iterable[Finding], minimum: Collection[str]) -> list[Finding]:
    """Leave out what stood before a change, at least as bad as after it; `minimum` names the rules of a least value."""
    known = {finding.key: finding for finding in before}
    return [one for one in found if one.key not in known or _is_worse(one, known[one.key], minimum)]


def _is_worse(finding: Finding, before: Finding, minimum: Collection[str]) -> bool:
    if finding.severity is not before.severity:
        return finding.severity.rank < before.severity.rank
    if finding.rule in minimum:
        return finding.measured < before.measured
    return finding.measured > before.measured


def sort_out(found: Iterable[Finding], clearance: Clearance, overridden: Collection[Key]) -> Sorted:
    """Sort the findings that bind; what only warns, is covered or was overridden as it stands is left out."""
    result = Sorted([], [], [])
    for finding in found:
        forbidden = finding.severity is Severity.HARD
        if (forbidden and override_key(finding) in overridden) or not (forbidden or finding.severity is Severity.DEROG):
            continue
        may_be_derogated = not forbidden or finding.rule in AUTHORISED
        ground = clearance.grounds.get(finding.rule) if may_be_derogated else None
        if ground is not None:
            result.derogated.append((finding, ground))
        else:
            (result.forbidden if forbidden else result.groundless).append(finding)
    return result
