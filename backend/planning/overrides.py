"""Findings that were overridden: the history, which can only grow, is where that is kept; readers see it from there."""

from collections.abc import Collection, Iterable
from uuid import UUID

from backend.audit import repository as trail
from backend.planning.domain.clearance import Key, Override, override_key
from backend.rules.finding import Finding, Severity
from backend.tenancy.acting import Act

OVERRIDDEN = "finding.overridden"


async def recorded(act: Act, people: Collection[UUID]) -> dict[Key, Override]:
    """Return the overrides of these people's findings, the last one of each."""
    found = await trail.events_of(act.session, OVERRIDDEN, people)
    return {_key(row.after): Override(row.actor_name, row.at, row.after["reason"]) for row in found if row.after}


async def of_findings(act: Act, found: Iterable[Finding]) -> dict[Key, Override]:
    """Return the overrides of findings by `override_key`; where nothing is forbidden, nothing is asked."""
    return await recorded(act, {UUID(one.person) for one in found if one.severity is Severity.HARD})


def override_of(finding: Finding, overridden: dict[Key, Override]) -> Override | None:
    """Return the override of a finding, as long as it keeps its measure and stays forbidden."""
    return overridden.get(override_key(finding)) if finding.severity is Severity.HARD else None


def _key(told: dict[str, object]) -> Key:
    names = ("person_id", "rule", "scope", "window_start", "measured_minutes", "limit_minutes")
    person, rule, scope, start, measured, limit = (told[name] for name in names)
    return str(person), str(rule), str(scope), str(start), int(str(measured)), int(str(limit))
