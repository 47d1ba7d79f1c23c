"""Acts on the permits of people: what kind, by whom, from when to when; nothing of anybody's health."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend.audit.service import changes, record
from backend.core.errors import InvalidError, NotFoundError, Sentence
from backend.core.ids import new_id
from backend.core.pagination import Page, PageRequest, cut
from backend.core.preconditions import check_version
from backend.core.resources import sent
from backend.identity.expansion import has_conflicts, need_conflicts
from backend.people.models import Person, PersonPermit
from backend.people.schemas import PermitChange, PermitIn, PermitOut
from backend.people.service import NO_PERSON
from backend.tenancy.acting import Act
from backend.tenancy.rows import apply_changes, get_row, keyset, refusing, values_of

FIELDS = ("person_id", *PermitIn.model_fields)
_NO_PERMIT = Sentence("Ce titre n'existe pas (ou plus).", "This permit does not exist (any more).")


async def list_permits(act: Act, person_id: UUID, page: PageRequest) -> Page[PermitOut]:
    """Return one page of a person's permits, in the order in which they were recorded. Raises NotFoundError."""
    await get_row(act, Person, person_id, NO_PERSON)
    if not has_conflicts(act):
        return Page[PermitOut](items=[])
    query = select(*PersonPermit.__table__.columns).where(PersonPermit.person_id == person_id)
    found = (await act.session.execute(keyset(query, page, (PersonPermit.id,), (UUID,)))).all()
    rows, cursor = cut(found, page, lambda row: (row.id,))
    return Page[PermitOut](items=[_shown(row) for row in rows], next_cursor=cursor)


async def read_permit(act: Act, person_id: UUID, permit_id: UUID) -> PermitOut:
    """Return one permit of a person. Raises NotFoundError."""
    return _shown(await _row(act, person_id, permit_id))


async def create_permit(act: Act, person_id: UUID, body: PermitIn) -> PermitOut:
    """Record a permit. Raises NotFoundError, InvalidError when it expires before it is issued."""
    await get_row(act, Person, person_id, NO_PERSON)
    need_conflicts(act)
    values = body.model_dump()
    _check_days(values)
    permit = PersonPermit(id=new_id(), person_id=person_id, created_at=act.now, updated_at=act.now, **values)
    async with refusing(act.session, {"fk_": NotFoundError("not_found", NO_PERSON)}):
        act.session.add(permit)
    record(act, "permit.created", permit.id, after=values_of(permit, FIELDS))
    return _shown(permit)


async def change_permit(act: Act, person_id: UUID, permit_id: UUID, body: PermitChange, expected: int) -> PermitOut:
    """Change a permit. Raises NotFoundError, InvalidError, StaleError."""
    permit = await _row(act, person_id, permit_id)
    check_version(permit.version, expected)
    before, values = values_of(permit, FIELDS), sent(body)
    _check_days(before | values)
    if apply_changes(permit, values, updated_at=act.now):
        await act.session.flush()
        record(act, "permit.changed", permit_id, *changes(before, values_of(permit, FIELDS)))
    return _shown(permit)


async def delete_permit(act: Act, person_id: UUID, permit_id: UUID, expected: int) -> None:
    """Delete a permit. Raises NotFoundError, StaleError."""
    permit = await _row(act, person_id, permit_id)
    check_version(permit.version, expected)
    before = values_of(permit, FIELDS)
    await act.session.delete(permit)
    record(act, "permit.deleted", permit_id, before=before)
    await act.session.flush()


async def _row(act: Act, person_id: UUID, permit_id: UUID) -> PersonPermit:
    need_conflicts(act)
    permit = await get_row(act, PersonPermit, permit_id, _NO_PERMIT)
    if permit.person_id != person_id:
        raise NotFoundError("not_found", _NO_PERMIT)
    return permit


def _check_days(values: Mapping[str, Any]) -> None:
    if values["expires_on"] is not None and values["expires_on"] < values["issued_on"]:
        raise InvalidError.of(
            ["body", "expires_on"],
            "Ce titre expire avant d'être délivré : corrigez l'une des deux dates.",
            "This permit expires before it is issued: correct one of the two days.",
            "ends_before_start",
        )


def _shown(row: object) -> PermitOut:
    return PermitOut.model_validate(row, from_attributes=True)
