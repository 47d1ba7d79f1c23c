"""What people declare when they accept: that they respect the maxima over all their employers (L8261-1), and no data.

A company reads one of three words and when it was said. It is kept as long as the person stands by the acceptance.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, null, select

from backend.audit.service import record
from backend.planning.domain.states import Status
from backend.planning.models import Assignment, Declaration, Declared
from backend.planning.upgrading import check_upgraded
from backend.tenancy.acting import Act

BEFORE_THEM = frozenset({"t0001", "t0002", "t0003"})
"""Revisions of a company that has no table of declarations yet."""
STANDING = (Status.ACCEPTED, Status.CONFIRMED, Status.CANCELLED)
"""States in which the person's acceptance, and what they declared with it, stands or is kept for payroll."""
Said = tuple[Declared, datetime | None]
NOTHING: Said = (Declared.NONE, None)


async def keep(act: Act, assignment_id: UUID, declared: Declared) -> None:
    """Keep what the person declares with an acceptance, in place of what they declared before."""
    if declared is Declared.NONE and act.company.revision in BEFORE_THEM:
        return
    check_upgraded(act, BEFORE_THEM)
    await forget(act, assignment_id)
    if declared is not Declared.NONE:
        act.session.add(Declaration(assignment_id=assignment_id, answer=declared, declared_at=act.now))
        record(act, "assignment.declared", assignment_id, after={"declaration": declared})
        await act.session.flush()


async def forget(act: Act, assignment_id: UUID) -> None:
    """Drop what was declared: the person has declined, or accepts anew."""
    if act.company.revision not in BEFORE_THEM:
        await act.session.execute(delete(Declaration).where(Declaration.assignment_id == assignment_id))


async def forget_all(act: Act, assignment_ids: Collection[UUID]) -> None:
    """Drop what was declared of these assignments: somebody else records the answers of their people."""
    if act.company.revision not in BEFORE_THEM:
        await act.session.execute(delete(Declaration).where(Declaration.assignment_id.in_(assignment_ids)))


async def of(act: Act, assignment: Assignment) -> Said:
    """Return what the person declared of an assignment, and when."""
    if assignment.status not in STANDING or act.company.revision in BEFORE_THEM:
        return NOTHING
    query = select(Declaration.answer, Declaration.declared_at).where(Declaration.assignment_id == assignment.id)
    row = (await act.session.execute(query)).one_or_none()
    return NOTHING if row is None else (row.answer, row.declared_at)


def columns(act: Act) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return `answer` and `declared_at`, null where nothing is declared, for a query that selects from `assignment`."""
    if act.company.revision in BEFORE_THEM:
        return null().label("answer"), null().label("declared_at")
    stands = and_(Declaration.assignment_id == Assignment.id, Assignment.status.in_(STANDING))
    answer = select(Declaration.answer).where(stands).scalar_subquery()
    declared_at = select(Declaration.declared_at).where(stands).scalar_subquery()
    return answer.label("answer"), declared_at.label("declared_at")
