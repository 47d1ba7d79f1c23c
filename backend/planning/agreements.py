"""The company's own agreements on limits, a layer between the convention and recorded derogations; acts on them.

Before, after and between agreements on one rule, the law and the convention hold: a gap is nothing to refuse.
"""

from datetime import date
from uuid import UUID

from sqlalchemy import func, or_, select

from backend.audit.service import changes, record
from backend.core.errors import FieldError, InvalidError, Sentence
from backend.core.ids import new_id
from backend.core.pagination import Page, PageRequest, cut
from backend.core.preconditions import check_version
from backend.core.resources import sent
from backend.planning.finding_schemas import AgreementChange, AgreementIn, AgreementOut
from backend.planning.models import Agreement
from backend.planning.upgrading import check_upgraded
from backend.rules import agreements as rules_of_agreements
from backend.rules import law
from backend.tenancy.acting import Act
from backend.tenancy.rows import apply_changes, get_row, keyset, refusing, values_of
from backend.tenancy.session import is_sqlite

FIELDS = ("rule", "limit_minutes", "document", "valid_from", "valid_to")
BEFORE_THEM = frozenset({"t0001", "t0002", "t0003"})
"""Revisions of a company that has no table of agreements yet."""
AGREEMENTS_LOCK = 7_304_121
NO_AGREEMENT = Sentence("Cet accord n'existe pas (ou plus).", "This agreement does not exist (any more).")


async def recorded(act: Act) -> list[law.Agreement]:
    """Return the agreements as the law counts with them."""
    if act.company.revision in BEFORE_THEM:
        return []
    query = select(*(getattr(Agreement, name) for name in FIELDS)).order_by(Agreement.rule, Agreement.valid_from)
    return [
        law.Agreement(row.rule, row.limit_minutes, row.document, row.valid_from, row.valid_to)
        for row in await act.session.execute(query)
    ]


async def list_agreements(act: Act, page: PageRequest) -> Page[AgreementOut]:
    """Return one page of agreements, in the order in which they were recorded."""
    check_upgraded(act, BEFORE_THEM)
    query = keyset(select(*Agreement.__table__.columns), page, (Agreement.id,), (UUID,))
    rows, cursor = cut((await act.session.execute(query)).all(), page, lambda row: (row.id,))
    items = [AgreementOut.model_validate(row, from_attributes=True) for row in rows]
    return Page[AgreementOut](items=items, next_cursor=cursor)


async def create_agreement(act: Act, body: AgreementIn, known: law.Law) -> AgreementOut:
    """Record an agreement. Raises InvalidError: beyond the text of the rule, days in disorder, or days of another."""
    check_upgraded(act, BEFORE_THEM)
    row = Agreement(id=new_id(), recorded_by=act.actor.name, created_at=act.now, **body.model_dump())
    await _check(act, row, known)
    async with refusing(act.session, {"uq_agreement_": _overlap(row.rule, row.document, row.valid_from, row.valid_to)}):
        act.session.add(row)
    record(act, "agreement.recorded", row.id, after=values_of(row, FIELDS))
    return AgreementOut.model_validate(row, from_attributes=True)


async def change_agreement(
    act: Act, agreement_id: UUID, body: AgreementChange, expected: int, known: law.Law
) -> AgreementOut:
    """Give an agreement another last day or another document. Raises NotFoundError, StaleError, InvalidError."""
    check_upgraded(act, BEFORE_THEM)
    row = await get_row(act, Agreement, agreement_id, NO_AGREEMENT)
    check_version(row.version, expected)
    before = values_of(row, FIELDS)
    with act.session.no_autoflush:
        changed = apply_changes(row, sent(body))
        await _check(act, row, known)
    if changed:
        await act.session.flush()
        record(act, "agreement.changed", agreement_id, *changes(before, values_of(row, FIELDS)))
    return AgreementOut.model_validate(row, from_attributes=True)


async def delete_agreement(act: Act, agreement_id: UUID, expected: int) -> None:
    """Take an agreement back, as if it had never been: to end one, give it a last day. Raises as `change_agreement`."""
    check_upgraded(act, BEFORE_THEM)
    row = await get_row(act, Agreement, agreement_id, NO_AGREEMENT)
    check_version(row.version, expected)
    before = values_of(row, FIELDS)
    await act.session.delete(row)
    record(act, "agreement.deleted", agreement_id, before=before)
    await act.session.flush()


async def _check(act: Act, row: Agreement, known: law.Law) -> None:
    if row.valid_to is not None and row.valid_to < row.valid_from:
        raise InvalidError.of(
            ["body", "valid_to"],
            "L'accord finit avant de commencer : corrigez l'une des deux dates.",
            "The agreement ends before it begins: correct one of the two days.",
            "ends_before_start",
        )
    wanted = law.Agreement(row.rule, row.limit_minutes, row.document, row.valid_from, row.valid_to)
    refusal = rules_of_agreements.find_refusal(wanted, known.rules)
    if refusal is not None:
        loc = "limit_minutes" if row.rule in known.rules and known.rules[row.rule].agreement else "rule"
        raise InvalidError(refusal, [FieldError(("body", loc), refusal, "not_lawful")])
    await _hold_agreements(act)
    query = select(Agreement.document, Agreement.valid_from, Agreement.valid_to).where(
        Agreement.rule == row.rule,
        Agreement.id != row.id,
        or_(Agreement.valid_to.is_(None), Agreement.valid_to >= row.valid_from),
        *([] if row.valid_to is None else [Agreement.valid_from <= row.valid_to]),
    )
    other = (await act.session.execute(query.order_by(Agreement.valid_from).limit(1))).one_or_none()
    if other is not None:
        raise _overlap(row.rule, other.document, other.valid_from, other.valid_to)


async def _hold_agreements(act: Act) -> None:
    """Let one act at a time look for other agreements of the company: two that overlap would not see each other."""
    if not is_sqlite(act.session):  # which has one writer at a time
        key = func.hashtext(str(act.company.id))
        await act.session.execute(select(func.pg_advisory_xact_lock(AGREEMENTS_LOCK, key)))


def _overlap(rule: str, document: str, start: date, end: date | None) -> InvalidError:
    until = Sentence("sans fin", "without an end") if end is None else Sentence(f"au {end:%d/%m/%Y}", f"to {end}")
    return InvalidError.of(
        ["body", "valid_from"],
        f"Un autre accord sur {rule} ({document}) vaut déjà du {start:%d/%m/%Y} {until.fr} : un jour n'a qu'un seuil ; "
        "arrêtez l'un la veille du début de l'autre.",
        f"Another agreement on {rule} ({document}) holds from {start} {until.en} already: a day has one limit; end the "
        "one on the day before the other begins.",
        "overlap",
    )
