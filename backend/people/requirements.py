"""What jobs and positions ask of people: read for many at once, checked, and replaced as a whole."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import InstrumentedAttribute

from backend.core.errors import InvalidError
from backend.core.ids import new_id
from backend.identity.expansion import has_conflicts, need_conflicts
from backend.people.models import Skill
from backend.tenancy.acting import Act
from backend.tenancy.rows import refusing

FIELDS = ("required_skills", "required_permits")
Owner = InstrumentedAttribute[Any]


@dataclass(frozen=True, slots=True)
class Required:
    """Codes of skills and kinds of permits, each in order."""

    required_skills: tuple[str, ...] = ()
    required_permits: tuple[str, ...] = ()

    def values(self) -> dict[str, list[str]]:
        """Return both lists, as the API shows and the history keeps them."""
        return {"required_skills": list(self.required_skills), "required_permits": list(self.required_permits)}


NOTHING = Required()


async def read(act: Act, owner: Owner, keys: Collection[Any]) -> dict[Any, Required]:
    """Return what each of `keys` asks for, those that ask for nothing left out; `owner` is the column that names it."""
    if not keys or not has_conflicts(act):
        return {}
    table = owner.class_
    rows = (await act.session.execute(select(owner, table.skill, table.permit).where(owner.in_(keys)))).all()
    found: dict[Any, tuple[set[str], set[str]]] = {}
    for key, skill, permit in rows:
        skills, permits = found.setdefault(key, (set(), set()))
        skills.update({skill} - {None})
        permits.update({permit} - {None})
    return {key: Required(tuple(sorted(skills)), tuple(sorted(permits))) for key, (skills, permits) in found.items()}


async def read_one(act: Act, owner: Owner, key: object) -> Required:
    """Return what one job or position asks for."""
    return (await read(act, owner, [key])).get(key, NOTHING)


async def wanted(act: Act, values: Mapping[str, Any], before: Required = NOTHING) -> Required:
    """Return what `values` make of `before`. Raises InvalidError for a skill that the company has not."""
    skills = sorted(set(values.get("required_skills", before.required_skills)))
    await check_skills(act, skills, "required_skills")
    return Required(tuple(skills), tuple(sorted(set(values.get("required_permits", before.required_permits)))))


async def check_skills(act: Act, codes: Collection[str], field: str) -> None:
    """Refuse (InvalidError) a code that is no skill of the company."""
    if not codes:
        return
    need_conflicts(act)
    known = set(await act.session.scalars(select(Skill.code).where(Skill.code.in_(codes))))
    if unknown := sorted(set(codes) - known):
        raise no_skill(field, unknown)


def no_skill(field: str, codes: Collection[str]) -> InvalidError:
    """Refuse codes that are no skills of the company, or were until a moment ago."""
    named = ", ".join(codes)
    return InvalidError.of(
        ["body", field],
        f"Votre compagnie n'a pas de compétence {named} : choisissez dans la liste, ou créez-la.",
        f"Your company has no skill {named}: choose one from the list, or create it.",
        "unknown",
    )


async def replace(act: Act, owner: Owner, key: object, before: Required, after: Required) -> bool:
    """Store what a job or a position asks for from now on; tell whether that is anything else than before."""
    if after == before:
        return False
    need_conflicts(act)
    table = owner.class_
    await act.session.execute(delete(table).where(owner == key), execution_options={"synchronize_session": False})
    blank = {"skill": None, "permit": None, owner.key: key}
    rows = [blank | {"id": new_id(), "skill": code} for code in after.required_skills]
    rows += [blank | {"id": new_id(), "permit": kind} for kind in after.required_permits]
    if rows:
        async with refusing(act.session, {"fk_": no_skill("required_skills", after.required_skills)}):
            await act.session.execute(insert(table).values(rows))
    return True
