"""Acts on a person's entries by hand, and the counter as its person reads it. Nothing here belongs to a company."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.errors import AppError, ConflictError, FieldError, InvalidError, NotFoundError, Sentence
from backend.core.ids import new_id
from backend.core.instants import local_day
from backend.core.pagination import Page, PageRequest, cut
from backend.core.preconditions import check_version
from backend.core.resources import sent
from backend.hours import repository
from backend.hours.domain import entries, words
from backend.hours.domain.entries import Objection
from backend.hours.domain.planned import PaidCall, by_day, paid_minutes
from backend.hours.domain.values import official
from backend.hours.domain.window import year_before
from backend.hours.domain.work import Kind, Span, Standing, Work
from backend.hours.models import HoursEntry
from backend.hours.schemas import EntryChange, EntryIn, EntryOut
from backend.identity.access import Caller
from backend.people.models import Annexe
from backend.planning.domain import states
from backend.planning.domain.states import Status
from backend.planning.models import PayUnit
from backend.tenancy.models import CompanyInfo

PARIS = ZoneInfo("Europe/Paris")  # where the unemployment insurance counts its days
MOST_ENTRIES = 1000
_FIELDS = ("company_id", "employer", "kind", "status", "starts_on", "ends_on", "minutes", "cachets")
_ANNEXES = {Annexe.TECHNICIANS: Kind.ANNEXE_8, Annexe.ARTISTS: Kind.ANNEXE_10}
_DAY, _MONTH = timedelta(days=1), timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Planned:
    """What one company has confirmed for a person: blocks by day, what is undecided, and the birth date it knows."""

    works: Sequence[Work]
    undecided: int
    birth_date: date | None


async def list_entries(session: AsyncSession, caller: Caller, page: PageRequest) -> Page[EntryOut]:
    """Return one page of the caller's entries, the newest days first."""
    rows = await repository.list_entries(session, caller.user_id, page)
    kept, cursor = cut(rows, page, lambda row: (row.starts_on, row.id))
    return Page[EntryOut](items=[_shown(row) for row in kept], next_cursor=cursor)


async def read_entry(session: AsyncSession, caller: Caller, entry_id: UUID) -> EntryOut:
    """Return one of the caller's entries. Raises NotFoundError."""
    return _shown(await _found(session, caller, entry_id))


async def add_entry(session: AsyncSession, caller: Caller, body: EntryIn, now: datetime) -> EntryOut:
    """Add an entry. Raises InvalidError, and ConflictError where it clashes with another (`overlap`, ...)."""
    if await repository.hold_entries(session, caller.user_id) >= MOST_ENTRIES:
        raise _too_many()
    entry = HoursEntry(id=new_id(), user_id=caller.user_id, created_at=now, updated_at=now, version=1)
    values = body.model_dump()
    await _apply(session, caller, entry, {**values, "employer": values["employer"] or ""}, now)
    session.add(entry)
    await session.flush()
    return _shown(entry)


async def change_entry(
    session: AsyncSession, caller: Caller, entry_id: UUID, body: EntryChange, expected: int, now: datetime
) -> EntryOut:
    """Change an entry. Raises NotFoundError, StaleError, and as `add_entry`."""
    await repository.hold_entries(session, caller.user_id)
    entry = await _found(session, caller, entry_id)
    check_version(entry.version, expected)
    values = {name: getattr(entry, name) for name in _FIELDS}
    await _apply(session, caller, entry, {**values, **sent(body)}, now)
    if session.is_modified(entry):
        entry.updated_at = now
    await session.flush()
    return _shown(entry)


async def delete_entry(session: AsyncSession, caller: Caller, entry_id: UUID, expected: int) -> None:
    """Delete an entry. Raises NotFoundError, StaleError."""
    entry = await _found(session, caller, entry_id)
    check_version(entry.version, expected)
    await session.delete(entry)
    await session.flush()


async def _apply(
    session: AsyncSession, caller: Caller, entry: HoursEntry, values: dict[str, Any], now: datetime
) -> None:
    """Set the values of an entry once they are judged sound."""
    if values["company_id"] is not None:
        name = await repository.linked_company(session, caller.user_id, values["company_id"])
        if name is None:
            raise _not_your_company()
        values["employer"] = values["employer"] or name
    work = _work(entry.id, values)
    rows = await repository.entries_between(session, caller.user_id, work.starts_on, work.ends_on)
    others = [_work(row.id, row._mapping) for row in rows if row.id != entry.id]  # noqa: SLF001 - SQLAlchemy's public name
    found = list(entries.objections(work, others, official().first_day, local_day(now, PARIS)))
    if found:
        raise _refusal(found)
    for name in _FIELDS:
        if getattr(entry, name) != values[name]:
            setattr(entry, name, values[name])


async def _found(session: AsyncSession, caller: Caller, entry_id: UUID) -> HoursEntry:
    entry = await repository.find_entry(session, caller.user_id, entry_id)
    if entry is None:
        raise NotFoundError("not_found", Sentence("Cette saisie n'existe pas.", "This entry does not exist."))
    return entry


def _work(entry_id: UUID, values: Any) -> Work:  # noqa: ANN401 - a row's mapping, or the values to judge
    return Work(
        values["kind"], values["status"], values["starts_on"], values["ends_on"], values["employer"],
        values["minutes"], values["cachets"], values["company_id"], entry_id,
    )  # fmt: skip


def _shown(row: Any) -> EntryOut:  # noqa: ANN401 - a row of the repository, or the entry itself
    return EntryOut(id=row.id, version=row.version, **{name: getattr(row, name) for name in _FIELDS})


def _refusal(found: Sequence[Objection]) -> AppError:
    clash = next((each for each in found if each.against), None)
    if clash is not None:
        conflicts = [
            {"id": str(other.entry_id), "starts_on": str(other.starts_on), "ends_on": str(other.ends_on)}
            for other in clash.against
        ]
        return ConflictError(clash.code, clash.sentence, extra={"conflicts": conflicts})
    fields = [FieldError(["body", each.field], each.sentence, each.code) for each in found]
    return InvalidError(found[0].sentence, fields)


def _not_your_company() -> InvalidError:
    return InvalidError.of(
        ["body", "company_id"],
        "Aucune compagnie de cet identifiant ne vous a dans son équipe : laissez ce champ vide et nommez l'employeur.",
        "No company with this id has you in its team: leave this field out and name the employer.",
    )


def _too_many() -> ConflictError:
    return ConflictError(
        "too_many",
        Sentence(
            f"Vous avez déjà {MOST_ENTRIES} saisies : supprimez les plus anciennes, qui ne comptent plus.",
            f"You have {MOST_ENTRIES} entries already: delete the oldest ones, which no longer count.",
        ),
    )


def reference_of(asked: date | None, now: datetime) -> date:
    """Return the reference date: the one asked for, or today. Raises InvalidError where no value is known for it."""
    today = local_day(now, PARIS)
    allowed = entries.reference_days(official().first_day, today)
    reference = asked or today
    if not allowed.holds(reference):
        first, last = words.on_day(allowed.first), words.on_day(allowed.last)
        raise InvalidError.of(
            ["query", "reference_date"],
            f"Choisissez une date de référence du {first.fr} au {last.fr}.",
            f"Choose a reference date from {first.en} to {last.en}.",
            "day_range",
        )
    return reference


def check_used_until(used_until: date | None, reference: date) -> None:
    """Refuse an earlier opening of rights that is not earlier than the reference date."""
    if used_until is not None and used_until >= reference:
        raise InvalidError.of(
            ["query", "used_until"],
            "La fin de contrat qui a ouvert vos droits doit être avant la date de référence.",
            "The end of contract that opened your rights must be before the reference date.",
            "day_range",
        )


def days_to_read(reference: date) -> Span:
    """Return the days that may matter: three years back, for a lengthened search, and to the end of the last month."""
    return Span(year_before(year_before(year_before(reference))), reference + _MONTH)


async def entries_of(session: AsyncSession, user_id: UUID, days: Span) -> list[Work]:
    """Return a person's entries that touch `days`, as the counter takes them."""
    rows = await repository.entries_between(session, user_id, days.first, days.last)
    return [_work(row.id, row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


async def planned_in(
    session: AsyncSession, company: CompanyInfo, person_id: UUID, days: Span, now: datetime
) -> Planned:
    """Return what a company, whose transaction this is, has told a person of these days; one statement."""
    zone = ZoneInfo(company.timezone)
    ends_after, starts_before = (
        datetime(day.year, day.month, day.day, tzinfo=zone) for day in (days.first, days.last + _DAY)
    )
    rows = await repository.calls_of(session, company.id, person_id, starts_before, ends_after)
    held = [row for row in rows if row.status is not None and _holds(row, now)]
    firm = [row for row in held if row.status is Status.CONFIRMED and not row.contested]
    calls = [call for row in firm if (call := _paid_call(row, zone, now)) is not None]
    birth_date = rows[0].birth_date if rows else None
    return Planned(by_day(calls, company.name, company.id), len(held) - len(firm), birth_date)


def _holds(row: Any, now: datetime) -> bool:  # noqa: ANN401 - a row of repository.calls_of
    status = states.effective(row.status, row.expires_at, now)
    return status is not Status.EXPIRED and row.published["status"] != "cancelled"


def _paid_call(row: Any, zone: ZoneInfo, now: datetime) -> PaidCall | None:  # noqa: ANN401 - a row of repository.calls_of
    """Return what a confirmed call is paid, on the day it starts; None for permanent staff."""
    kind = _ANNEXES.get(row.annexe)
    if kind is None or row.person_annexe is Annexe.PERMANENT:
        return None
    told = row.published
    return PaidCall(
        local_day(row.published_starts_at, zone),
        kind,
        Standing.WORKED if row.published_ends_at <= now else Standing.PLANNED,
        paid_minutes(row.published_starts_at, row.published_ends_at, told["breaks"], told["unplaced_break_minutes"]),
        row.cachets if row.pay_unit is PayUnit.CACHET else None,
    )


def together(planned: Iterable[Planned], by_hand: Sequence[Work]) -> list[Work]:
    """Return all blocks: the companies', less what an entry by hand replaces, and the entries."""
    everywhere = [work for each in planned for work in each.works]
    return [*entries.replaced(everywhere, by_hand), *by_hand]


def youngest(planned: Iterable[Planned]) -> date | None:
    """Return the latest birth date that a company knows: where they differ, the limits of the younger age apply."""
    return max((each.birth_date for each in planned if each.birth_date), default=None)
