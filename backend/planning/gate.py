"""The gate of publishing and confirming: what the law forbids needs an override with a reason, or a recorded ground.

It judges what is sure (confirmed) as it stands in the act's transaction; options count once they are confirmed. What
was let pass is not asked again while it stays as it is. Two acts about one person are judged one after the other
(`hold_people`): side by side, neither would see what both of them make.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select

from backend.audit.service import record
from backend.core.errors import AppError, ConflictError, ForbiddenError, Sentence
from backend.identity.access import ADMINS
from backend.people.models import Person
from backend.planning import derogations, findings, overrides, repository
from backend.planning.domain.clearance import Clearance, Ground, Key, Sorted, newly_bad, override_key, sort_out
from backend.planning.domain.proposal import Proposal
from backend.planning.domain.states import Status
from backend.planning.finding_schemas import ClearanceIn, findings_json
from backend.planning.findings import TWELVE_MONTHS, TWELVE_WEEKS, Extent, Planned
from backend.planning.models import Assignment
from backend.planning.period import Period
from backend.rules.engine import check
from backend.rules.finding import Finding, Severity
from backend.rules.law import Law
from backend.rules.work import Work
from backend.tenancy.acting import Act

FINDINGS_SHOWN = 200
BINDING = frozenset({Severity.HARD, Severity.DEROG})
_ASK_AN_ADMIN = Sentence(
    "La loi ou la compagnie interdit ce planning, et seule une personne qui l'administre peut passer outre, avec un "
    "motif : "
    "corrigez ce que dit « findings », ou demandez-lui.",
    "The law or the company forbids this planning, and only an owner or an admin may override it, with a reason: cure "
    "what `findings` says, or ask one of them.",
)
_GIVE_A_REASON = Sentence(
    "La loi interdit ce planning : corrigez ce que dit « findings », ou passez outre en donnant « override_reason », "
    "qui reste dans l'historique.",
    "The law forbids this planning: cure what `findings` says, or override it by `override_reason`, which stays in the "
    "history.",
)
_GIVE_A_GROUND = Sentence(
    "Ce planning n'est permis qu'avec une dérogation : corrigez ce que dit « findings », ou donnez dans « grounds » un "
    "motif et son document pour chaque règle.",
    "This planning is lawful only with a derogation: cure what `findings` says, or give a ground and its document for "
    "each rule in `grounds`.",
)
_GIVE_A_REASON_FOR_SKILLS = Sentence(
    "Il manque à une personne une compétence ou un titre valable : choisissez quelqu'un d'autre, complétez sa fiche, "
    "ou passez outre en donnant « override_reason », qui reste dans l'historique.",
    "Somebody lacks a skill or a valid permit: choose somebody else, complete their file, or override it by "
    "`override_reason`, which stays in the history.",
)
OF_SKILLS = ("SKILL-", "PERMIT-")


@dataclass(frozen=True, slots=True)
class Brought:
    """What a request brings to pass the gate, and the language in which it is answered."""

    clearance: ClearanceIn
    language: str


BRINGING_NOTHING = Brought(ClearanceIn(), "fr")


async def hold_people(act: Act, people: ColumnElement[bool]) -> None:
    """Have every other act that passes the gate with one of these people wait until this one is stored.

    Before anything is asked of the ledger, so that acts meet in one order: calls, assignments, people, bookings.
    """
    await repository.lock_people(act, people)


def confirmed_on(assignments: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that a person is confirmed in one of these assignments."""
    return Person.id.in_(select(Assignment.person_id).where(assignments, Assignment.status == Status.CONFIRMED))


async def let_pass(
    act: Act,
    assignments: ColumnElement[bool],
    times: Sequence[tuple[datetime, datetime]],
    brought: Brought,
    before: Proposal | None = None,
    law: Law | None = None,
) -> None:
    """Let an act on these assignments, whose calls have these times, pass the law, and keep on what ground it passed.

    `before` turns the planning back into what it was: what was as bad then is not asked. The people are held already;
    `law`, if it was read already.

    Raises ForbiddenError `not_allowed`, ConflictError `override_required`, `skill_missing` or
    `ground_required`, each with `findings`;
    InvalidError for a ground that is none.
    """
    law = law or await findings.read_law(act)
    clearance = _read(brought.clearance, law)
    planned = await _confirmed(act, assignments, times)
    found = await asyncio.to_thread(_judge, planned, law, ZoneInfo(act.company.timezone), before)
    overridden = await overrides.recorded(act, {UUID(finding.person) for finding in found})
    result = sort_out(found, clearance, overridden)
    if (refusal := _refusal(act, result, clearance, brought.language)) is not None:
        raise refusal
    for finding, ground in result.derogated:
        derogations.derogate(act, finding, ground)
    for finding in result.forbidden:
        record(act, overrides.OVERRIDDEN, UUID(finding.person), after=_told(finding) | {"reason": clearance.reason})
    await act.session.flush()


@dataclass(frozen=True, slots=True)
class Bench:
    """Judges people one by one without asking the database again: nothing is stored, and nobody is confirmed by it."""

    act: Act
    works: Mapping[UUID, Work]
    law: Law
    clearance: Clearance
    overridden: Collection[Key]
    language: str

    def refusal(self, person_id: UUID, assignments: Collection[UUID]) -> AppError | None:
        """Return what would stop this person from being confirmed in all of these assignments."""
        work = self.works.get(person_id)
        if work is None:
            return None
        named = frozenset(map(str, assignments))
        sure = [replace(each, if_confirmed=False) for each in work.segments
                if not each.if_confirmed or each.assignment in named]  # fmt: skip
        planned = Planned([replace(work, segments=sure)], named)
        found = _judge(planned, self.law, ZoneInfo(self.act.company.timezone), None)
        return _refusal(self.act, sort_out(found, self.clearance, self.overridden), self.clearance, self.language)


async def prepare(
    act: Act, people: Collection[UUID], times: Sequence[tuple[datetime, datetime]], brought: Brought
) -> Bench:
    """Read what judges these people in calls at these times, in the same few statements however many they are."""
    law = await findings.read_law(act)
    planned = await findings.read_planned(act, Extent(Person.id.in_(people), _around(times)))
    works = {UUID(work.person): work for work in planned.works}
    overridden = await overrides.recorded(act, set(people))
    return Bench(act, works, law, _read(brought.clearance, law), overridden, brought.language)


def _judge(planned: Planned, law: Law, zone: ZoneInfo, before: Proposal | None) -> list[Finding]:
    """Return what the act answers for: what its assignments take part in, or make worse outside of their days.

    A rest or a working day reaches into days on which the person is not called: a Monday may take the rest of the week
    before, so the finding need not name the assignment that causes it.
    """
    found = [finding for finding in check(planned.works, law, zone).findings if finding.severity in BINDING]
    if before is not None:
        stood = [before.applied_to(work) for work in planned.works]
        return _made_worse(found, stood, law, zone)
    about = [finding for finding in found if not planned.marked.isdisjoint(finding.assignments)]
    beside = [finding for finding in found if planned.marked.isdisjoint(finding.assignments)]
    people = {finding.person for finding in beside}
    without = [_without(work, planned.marked) for work in planned.works if work.person in people]
    return [*about, *_made_worse(beside, without, law, zone)]


def _made_worse(found: list[Finding], stood: list[Work], law: Law, zone: ZoneInfo) -> list[Finding]:
    return newly_bad(found, check(stood, law, zone).findings, law.minimum_rules) if found else found


def _without(work: Work, marked: frozenset[str]) -> Work:
    return replace(work, segments=[segment for segment in work.segments if segment.assignment not in marked])


async def _confirmed(
    act: Act, assignments: ColumnElement[bool], times: Sequence[tuple[datetime, datetime]]
) -> Planned:  # fmt: skip
    sure = Assignment.status == Status.CONFIRMED
    planned = await findings.read_planned(act, Extent(confirmed_on(assignments), _around(times), assignments & sure))
    works = [replace(work, segments=[s for s in work.segments if not s.if_confirmed]) for work in planned.works]
    return Planned(works, planned.marked)


def _around(times: Sequence[tuple[datetime, datetime]]) -> Period:
    first, last = min(start for start, _ in times), max(end for _, end in times)
    return Period(first - TWELVE_MONTHS, last + TWELVE_WEEKS)


def _read(body: ClearanceIn, law: Law) -> Clearance:
    grounds = {}
    for number, one in enumerate(body.grounds):
        derogations.check_ground(["body", "grounds", number], one.rule, one.ground, law.rules)
        grounds[one.rule] = Ground(one.ground, one.document)
    return Clearance(body.override_reason, grounds)


def _refusal(act: Act, result: Sorted, clearance: Clearance, language: str) -> AppError | None:
    shown = findings_json([*result.forbidden, *result.groundless][:FINDINGS_SHOWN], language)
    if result.forbidden and act.actor.role not in ADMINS:
        return ForbiddenError("not_allowed", _ASK_AN_ADMIN, extra={"findings": shown})
    if result.forbidden and clearance.reason is None:
        of_skills = all(finding.rule.startswith(OF_SKILLS) for finding in result.forbidden)
        code, told = (
            ("skill_missing", _GIVE_A_REASON_FOR_SKILLS) if of_skills else ("override_required", _GIVE_A_REASON)
        )
        return ConflictError(code, told, extra={"findings": shown})
    if result.groundless:
        return ConflictError("ground_required", _GIVE_A_GROUND, extra={"findings": shown})
    return None


def _told(finding: Finding) -> dict[str, object]:
    person, rule, scope, start, measured, limit = override_key(finding)
    return {
        "rule": rule,
        "person_id": person,
        "scope": scope,
        "window_start": start,
        "measured_minutes": measured,
        "limit_minutes": limit,
        "article": finding.source.article,
        "call_ids": list(finding.calls),
    }
