"""Recorded derogations of a company, which its law counts with, and the acts on them."""

from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import not_, or_, select

from backend.audit.service import record
from backend.core.errors import InvalidError, Sentence
from backend.core.ids import new_id
from backend.core.pagination import Page, PageRequest, cut
from backend.core.preconditions import check_version
from backend.identity.access import EXPORTERS
from backend.people.models import Person
from backend.planning import refusals, repository
from backend.planning.domain.clearance import Ground
from backend.planning.domain.discretion import OF_PEOPLE
from backend.planning.finding_schemas import DerogationIn, DerogationOut
from backend.planning.models import Derogation
from backend.planning.upgrading import check_upgraded
from backend.rules import law
from backend.rules.dated import Rule
from backend.rules.finding import Finding
from backend.tenancy.acting import Act
from backend.tenancy.rows import get_row, keyset, values_of

FIELDS = ("rule", "ground", "document", "valid_from", "valid_to", "person_id", "limit_minutes")
BEFORE_THEM = frozenset({"t0001"})
"""Revisions of a company that has no table of derogations yet."""
LONGEST_DAY = timedelta(hours=25)
"""A civil day on which the clocks go back."""
NO_DEROGATION = Sentence("Cette dérogation n'existe pas (ou plus).", "This derogation does not exist (any more).")


async def recorded(act: Act) -> list[law.Derogation]:
    """Return the derogations as the law counts with them; a person goes by id and by ref."""
    if act.company.revision in BEFORE_THEM:
        return []
    query = (
        select(*(getattr(Derogation, name) for name in FIELDS), Person.ref)
        .outerjoin(Person, Person.id == Derogation.person_id)
        .order_by(Derogation.id)
    )
    return [
        law.Derogation(
            rule=row.rule,
            ground=row.ground,
            document=row.document,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            persons=frozenset() if row.person_id is None else frozenset({str(row.person_id), row.ref or ""}),
            limit=row.limit_minutes,
        )
        for row in await act.session.execute(query)
    ]


async def list_derogations(act: Act, page: PageRequest) -> Page[DerogationOut]:
    """Return one page of derogations, in the order in which they were recorded.

    Whoever may not read people reads none of a rule that would tell of them: a minor's, by name.
    """
    check_upgraded(act, BEFORE_THEM)
    query = keyset(select(*Derogation.__table__.columns), page, (Derogation.id,), (UUID,))
    if act.actor.role not in EXPORTERS:
        query = query.where(not_(or_(*(Derogation.rule.startswith(start) for start in OF_PEOPLE))))
    rows, cursor = cut((await act.session.execute(query)).all(), page, lambda row: (row.id,))
    items = [DerogationOut.model_validate(row, from_attributes=True) for row in rows]
    return Page[DerogationOut](items=items, next_cursor=cursor)


async def create_derogation(act: Act, body: DerogationIn, rules: dict[str, Rule]) -> DerogationOut:
    """Record a derogation. Raises InvalidError: a rule or a ground that is none, days in the wrong order, nobody."""
    check_ground(["body"], body.rule, body.ground, rules)
    if body.valid_to < body.valid_from:
        raise InvalidError.of(
            ["body", "valid_to"],
            "La dérogation finit avant de commencer : corrigez l'une des deux dates.",
            "The derogation ends before it begins: correct one of the two days.",
            "ends_before_start",
        )
    if body.person_id is not None and not await repository.person_exists(act, body.person_id):
        raise refusals.unknown_in_body("person_id")
    row = _add(act, **body.model_dump())
    await act.session.flush()
    return DerogationOut.model_validate(row, from_attributes=True)


async def delete_derogation(act: Act, derogation_id: UUID, expected: int) -> None:
    """Take a derogation back: what it covered is found again. Raises NotFoundError, StaleError."""
    check_upgraded(act, BEFORE_THEM)
    row = await get_row(act, Derogation, derogation_id, NO_DEROGATION)
    check_version(row.version, expected)
    before = values_of(row, FIELDS)
    await act.session.delete(row)
    record(act, "derogation.deleted", derogation_id, before=before)
    await act.session.flush()


def derogate(act: Act, finding: Finding, ground: Ground) -> None:
    """Record what makes one finding lawful: for its person, on the days of its window, as far as it goes."""
    first, last = _days(finding, ZoneInfo(act.company.timezone))
    _add(
        act, rule=finding.rule, ground=ground.ground, document=ground.document, valid_from=first, valid_to=last,
        person_id=UUID(finding.person), limit_minutes=finding.measured,
    )  # fmt: skip


def check_ground(loc: Iterable[str | int], rule: str, ground: str, rules: dict[str, Rule]) -> None:
    """Refuse (InvalidError) a rule that the company has not, and a ground on which it cannot be exceeded."""
    grounds = rules[rule].grounds if rule in rules else ()
    if ground in grounds:
        return
    if grounds:
        listed = ", ".join(grounds)
        raise InvalidError.of(
            [*loc, "ground"],
            f"Pour {rule}, le motif de dérogation est l'un de : {listed}.",
            f"For {rule}, the ground of a derogation is one of: {listed}.",
            "ground",
        )
    raise InvalidError.of(
        [*loc, "rule"],
        f"La règle {rule} n'existe pas pour votre compagnie, ou n'admet aucune dérogation.",
        f"The rule {rule} does not exist for your company, or admits no derogation.",
        "unknown",
    )


def _add(act: Act, **values: object) -> Derogation:
    check_upgraded(act, BEFORE_THEM)
    row = Derogation(id=new_id(), recorded_by=act.actor.name, created_at=act.now, **values)
    act.session.add(row)
    record(act, "derogation.recorded", row.id, after=values_of(row, FIELDS))
    return row


def _days(finding: Finding, zone: ZoneInfo) -> tuple[date, date]:
    """Return the days of a week or more; of 24 hours the first alone, since on the second begins another window."""
    first = finding.starts_at.astimezone(zone).date()
    if finding.ends_at - finding.starts_at <= LONGEST_DAY:
        return first, first
    return first, (finding.ends_at - timedelta(minutes=1)).astimezone(zone).date()
