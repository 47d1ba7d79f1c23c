"""Acts on the company's skills, and on who has them. Deletes none that somebody has or something asks for."""

from uuid import UUID

from sqlalchemy import delete, insert, select

from backend.audit.service import changes, record
from backend.core.errors import AppError, Sentence
from backend.core.ids import new_id
from backend.core.pagination import Page, PageRequest, cut
from backend.core.preconditions import check_version
from backend.core.resources import sent
from backend.identity.expansion import has_conflicts, need_conflicts
from backend.people.models import Person, PersonSkill, Skill
from backend.people.requirements import check_skills, no_skill
from backend.people.schemas import PersonSkills, SkillChange, SkillIn, SkillOut
from backend.people.service import NO_PERSON
from backend.tenancy.acting import Act
from backend.tenancy.rows import apply_changes, duplicate, get_row, in_use, keyset, refusing, sort_text, values_of

FIELDS = tuple(SkillIn.model_fields)
_SKILL = (Skill.id, Skill.code, Skill.label, Skill.version)


async def list_skills(act: Act, page: PageRequest) -> Page[SkillOut]:
    """Return one page of skills, by code."""
    if not has_conflicts(act):
        return Page[SkillOut](items=[])
    found = (await act.session.execute(keyset(select(*_SKILL), page, (Skill.code,), (sort_text,)))).all()
    rows, cursor = cut(found, page, lambda row: (row.code,))
    return Page[SkillOut](items=[_shown(row) for row in rows], next_cursor=cursor)


async def read_skill(act: Act, skill_id: UUID) -> SkillOut:
    """Return one skill. Raises NotFoundError."""
    return _shown(await _row(act, skill_id))


async def create_skill(act: Act, body: SkillIn) -> SkillOut:
    """Add a skill. Raises ConflictError `duplicate` when its code is taken."""
    need_conflicts(act)
    skill = Skill(id=new_id(), **body.model_dump())
    async with refusing(act.session, _refusals()):
        act.session.add(skill)
    record(act, "skill.created", skill.id, after=values_of(skill, FIELDS))
    return _shown(skill)


async def change_skill(act: Act, skill_id: UUID, body: SkillChange, expected: int) -> SkillOut:
    """Change a skill; a new code follows wherever it is named. Raises ConflictError `duplicate`, StaleError."""
    skill = await _row(act, skill_id)
    check_version(skill.version, expected)
    before = values_of(skill, FIELDS)
    async with refusing(act.session, _refusals()):
        changed = apply_changes(skill, sent(body))
    if changed:
        record(act, "skill.changed", skill_id, *changes(before, values_of(skill, FIELDS)))
    return _shown(skill)


async def delete_skill(act: Act, skill_id: UUID, expected: int) -> None:
    """Delete a skill. Raises ConflictError `in_use` while somebody has it, or a job or a position asks for it."""
    skill = await _row(act, skill_id)
    check_version(skill.version, expected)
    before = values_of(skill, FIELDS)
    async with refusing(act.session, {"fk_": in_use(_IN_USE)}):
        await act.session.delete(skill)
    record(act, "skill.deleted", skill_id, before=before)


async def read_person_skills(act: Act, person_id: UUID) -> PersonSkills:
    """Return the codes of the skills that a person has. Raises NotFoundError."""
    await get_row(act, Person, person_id, NO_PERSON)
    return PersonSkills(skills=await _of(act, person_id))


async def set_person_skills(act: Act, person_id: UUID, body: PersonSkills) -> PersonSkills:
    """Say which skills a person has, all of them. Raises NotFoundError, InvalidError for an unknown code."""
    need_conflicts(act)
    # Locked: of two who say it at once, the second replaces what the first has said.
    person = await act.session.get(Person, person_id, with_for_update={"key_share": True})
    if person is None:
        await get_row(act, Person, person_id, NO_PERSON)
    after = sorted(set(body.skills))
    await check_skills(act, after, "skills")
    before = await _of(act, person_id)
    if before != after:
        its = PersonSkill.person_id == person_id
        await act.session.execute(delete(PersonSkill).where(its), execution_options={"synchronize_session": False})
        rows = [{"id": new_id(), "person_id": person_id, "skill": code} for code in after]
        if rows:
            async with refusing(act.session, {"fk_": no_skill("skills", after)}):
                await act.session.execute(insert(PersonSkill).values(rows))
        record(act, "person.skills_changed", person_id, {"skills": before}, {"skills": after})
    return PersonSkills(skills=after)


async def _of(act: Act, person_id: UUID) -> list[str]:
    if not has_conflicts(act):
        return []
    query = select(PersonSkill.skill).where(PersonSkill.person_id == person_id)
    return sorted((await act.session.scalars(query)).all())


async def _row(act: Act, skill_id: UUID) -> Skill:
    need_conflicts(act)
    return await get_row(act, Skill, skill_id, _NO_SKILL)


def _shown(row: object) -> SkillOut:
    return SkillOut.model_validate(row, from_attributes=True)


def _refusals() -> dict[str, AppError]:
    return {"uq_skill_code": duplicate("code", _SAME_CODE)}


_NO_SKILL = Sentence("Cette compétence n'existe pas (ou plus).", "This skill does not exist (any more).")
_SAME_CODE = Sentence(
    "Une autre compétence a déjà ce code : choisissez-en un autre.", "Another skill has this code: choose another one."
)
_IN_USE = Sentence(
    "Cette compétence sert encore (personnes, métiers ou postes) : retirez-la d'abord.",
    "This skill is still in use (people, jobs or positions): take it away from them first.",
)
