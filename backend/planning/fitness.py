"""What jobs and positions ask for, and which skills and permits people have: one statement for each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Uuid, cast, null, select, true, union_all

from backend.identity.expansion import has_conflicts
from backend.people.models import JobRequirement, Person, PersonPermit, PersonSkill, Skill
from backend.planning.models import Call, Position, PositionRequirement
from backend.planning.period import Period
from backend.planning.repository import touches
from backend.rules.work import Permit
from backend.tenancy.acting import Act


@dataclass(slots=True)
class Asked:
    """Codes of skills and kinds of permits."""

    skills: set[str] = field(default_factory=set)
    permits: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Held:
    """What one person has."""

    skills: set[str] = field(default_factory=set)
    permits: list[Permit] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fitness:
    """What is asked for, by call and job (a position's own) and by job; what people have, by their ids."""

    asked: Mapping[tuple[UUID | None, str], Asked] = field(default_factory=dict)
    held: Mapping[UUID, Held] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def required(self, call_id: UUID, job: str) -> dict[str, Any]:
        """Return what somebody in `job` needs on a call, as a segment takes it."""
        if not self.asked:
            return {}
        both = [found for key in ((call_id, job), (None, job)) if (found := self.asked.get(key)) is not None]
        return {
            "required_skills": tuple(sorted({code for found in both for code in found.skills})),
            "required_permits": tuple(sorted({kind for found in both for kind in found.permits})),
        }

    def of(self, person_id: UUID) -> dict[str, Any]:
        """Return what a person has, as their work takes it."""
        found = self.held.get(person_id, Held())
        return {"skills": frozenset(found.skills), "permits": tuple(found.permits), "skill_labels": self.labels}


NOTHING_ASKED = Fitness()


async def read(act: Act, people: ColumnElement[bool] | None, between: Period) -> Fitness:
    """Return what is asked for in a period, and what `people` (all without a condition) have of such things."""
    if not has_conflicts(act):
        return NOTHING_ASKED
    asked, labels = await _asked(act, between)
    return Fitness(asked, await _held(act, people) if asked else {}, labels)


async def _asked(act: Act, between: Period) -> tuple[dict[tuple[UUID | None, str], Asked], dict[str, str]]:
    of_jobs = select(
        cast(null(), Uuid).label("call_id"), JobRequirement.job, JobRequirement.skill, Skill.label,
        JobRequirement.permit,
    ).outerjoin(Skill, Skill.code == JobRequirement.skill)  # fmt: skip
    of_positions = (
        select(Position.call_id, Position.job, PositionRequirement.skill, Skill.label, PositionRequirement.permit)
        .join(Position, Position.id == PositionRequirement.position_id)
        .join(Call, Call.id == Position.call_id)
        .outerjoin(Skill, Skill.code == PositionRequirement.skill)
        .where(touches(between))
    )
    found: dict[tuple[UUID | None, str], Asked] = {}
    labels: dict[str, str] = {}
    for row in await act.session.execute(union_all(of_jobs, of_positions)):
        asked = found.setdefault((row.call_id, row.job), Asked())
        if row.skill is None:
            asked.permits.add(row.permit)
        else:
            asked.skills.add(row.skill)
            labels[row.skill] = row.label
    return found, labels


async def _held(act: Act, people: ColumnElement[bool] | None) -> dict[UUID, Held]:
    ids = select(Person.id).where(true() if people is None else people)
    no_day = cast(null(), Date)
    skills = select(
        PersonSkill.person_id, PersonSkill.skill.label("code"), no_day.label("issued_on"), no_day.label("expires_on")
    ).where(PersonSkill.person_id.in_(ids))
    permits = select(
        PersonPermit.person_id, PersonPermit.kind.label("code"), PersonPermit.issued_on, PersonPermit.expires_on
    ).where(PersonPermit.person_id.in_(ids))
    return _by_person(await act.session.execute(union_all(skills, permits)))


def _by_person(rows: Iterable[Any]) -> dict[UUID, Held]:
    found: dict[UUID, Held] = {}
    for row in rows:
        held = found.setdefault(row.person_id, Held())
        if row.issued_on is None:
            held.skills.add(row.code)
        else:
            held.permits.append(Permit(row.code, row.issued_on, row.expires_on))
    for held in found.values():
        held.permits.sort(key=lambda permit: (permit.kind, permit.issued_on))
    return found
