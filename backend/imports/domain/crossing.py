"""What rows say of each other: refs that exist, rows that are there twice, people in two places at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from backend.core.errors import Sentence
from backend.core.instants import wall_time_exists
from backend.imports.domain.columns import ASSIGNMENTS, CALLS, COMPANY, PEOPLE
from backend.imports.domain.problems import Problems, shown
from backend.imports.domain.reading import Table
from backend.imports.domain.rows import AssignmentRow, CallRow, CompanyRow, PersonRow, VenueRow
from backend.planning.domain.states import Status


def check_one_company(table: Table, problems: Problems) -> None:
    """Refuse a company.csv without exactly one row."""
    rows = sorted((*table.rows, *table.broken), key=lambda row: row.line)
    if table.complete and not rows:
        problems.add(COMPANY, None, None, _NO_COMPANY, "company_missing")
    for row in rows[1:]:
        problems.add(COMPANY, row.line, None, _ONE_COMPANY, "one_company")


def check_unique(table: Table, columns: Sequence[str], problems: Problems) -> None:
    """Refuse a row that has the same values in `columns` as an earlier one; both lines are named."""
    first_line: dict[tuple[str, ...], int] = {}
    for row in sorted((*table.rows, *table.broken), key=lambda row: row.line):
        key = tuple(row.value(column) for column in columns)
        if not all(key):
            continue
        first = first_line.setdefault(key, row.line)
        if first != row.line:
            problems.add(table.file, row.line, columns[-1], _twice(columns, key, first, row.line), "duplicate")


def check_known(table: Table, column: str, target: Table, problems: Problems) -> None:
    """Refuse a ref in `column` that no row of `target` has; says nothing when `target` was not read to its end."""
    if not target.complete:
        return
    known = target.values("ref")
    for row in table.rows:
        ref = row.value(column)
        if ref and ref not in known:
            problems.add(table.file, row.line, column, _unknown_ref(ref, target.file), "unknown_ref")


def check_emails(people: Iterable[PersonRow], problems: Problems) -> None:
    """Refuse a second person with the same e-mail: an address is one person."""
    first: dict[str, int] = {}
    for person in people:
        if person.email is None:
            continue
        line = first.setdefault(person.email, person.line)
        if line != person.line:
            problems.add(PEOPLE, person.line, "email", _same_email(person.email, line, person.line), "duplicate_email")


def zones_of_calls(
    calls: Iterable[CallRow], venues: Iterable[VenueRow], company: CompanyRow | None
) -> dict[str, ZoneInfo]:
    """Return the zone of each call: its venue's, or the company's where no venue is known yet."""
    zones = {venue.ref: ZoneInfo(venue.timezone) for venue in venues}
    own = ZoneInfo(company.timezone) if company else None
    found = {call.ref: zones.get(call.venue_ref) if call.venue_ref else own for call in calls}
    return {ref: zone for ref, zone in found.items() if zone is not None}


def check_wall_times(
    calls: Iterable[CallRow],
    assignments: Iterable[AssignmentRow],
    zones: Mapping[str, ZoneInfo],
    problems: Problems,
) -> None:
    """Refuse a time that the clocks skip at the place of the call."""
    instants: list[tuple[str, int, str, datetime, str]] = []
    for call in calls:
        instants.append((CALLS, call.line, "starts_at", call.starts_at, call.ref))
        instants.append((CALLS, call.line, "ends_at", call.ends_at, call.ref))
    instants.extend(
        (ASSIGNMENTS, one.line, "option_expires_at", one.option_expires_at, one.call_ref)
        for one in assignments
        if one.option_expires_at is not None
    )
    for file, line, column, instant, call_ref in instants:
        zone = zones.get(call_ref)
        if zone is not None and not wall_time_exists(instant, zone):
            problems.add(file, line, column, _skipped(instant, zone), "wall_time_skipped")


def check_overlaps(
    calls: Iterable[CallRow],
    people: Iterable[PersonRow],
    assignments: Iterable[AssignmentRow],
    problems: Problems,
) -> None:
    """Refuse two confirmed assignments of one person at the same time; calls that only touch do not overlap."""
    call_of = {call.ref: call for call in calls}
    names = {person.ref: _named(person) for person in people}
    confirmed: dict[str, list[tuple[CallRow, AssignmentRow]]] = defaultdict(list)
    for one in assignments:
        if one.status == Status.CONFIRMED and one.call_ref in call_of:
            confirmed[one.person_ref].append((call_of[one.call_ref], one))
    for ref, taken in confirmed.items():
        _check_person(names.get(ref, shown(ref)), taken, problems)


def _check_person(name: str, taken: list[tuple[CallRow, AssignmentRow]], problems: Problems) -> None:
    taken.sort(key=lambda pair: (pair[0].starts_at, pair[1].line))
    latest_call, latest = taken[0]
    for call, one in taken[1:]:
        # The same call in the same job is one row written twice, and is told as such.
        twice = (call.ref, one.job) == (latest_call.ref, latest.job)
        if call.starts_at < latest_call.ends_at and not twice:
            first, second = sorted((latest, one), key=lambda row: row.line)
            problems.add(ASSIGNMENTS, second.line, "call_ref", _overlap(name, first, second), "overlap")
        if call.ends_at > latest_call.ends_at:
            latest_call, latest = call, one


def _named(person: PersonRow) -> str:
    return f"{shown(f'{person.first_name} {person.last_name}')} ({shown(person.ref)})"


_NO_COMPANY = Sentence(
    "Ce fichier n'a que ses noms de colonnes : il lui faut une ligne, celle de la compagnie.",
    "This file has only its column names: it needs one row, the company's.",
)
_ONE_COMPANY = Sentence(
    "Ce fichier n'a qu'une ligne, celle de la compagnie : retirez les autres.",
    "This file has one row, the company's: remove the others.",
)


def _twice(columns: Sequence[str], key: Sequence[str], first: int, second: int) -> Sentence:
    what = ", ".join(f"{column} {shown(value)}" for column, value in zip(columns, key, strict=True))
    return Sentence(
        f"Les lignes {first} et {second} ont la même valeur ({what}) : corrigez ou retirez l'une des deux.",
        f"Lines {first} and {second} have the same value ({what}): correct or remove one of them.",
    )


def _unknown_ref(ref: str, file: str) -> Sentence:
    return Sentence(
        f"« {shown(ref)} » n'est pas dans {file} : corrigez la référence, ou ajoutez la ligne à {file}.",
        f'"{shown(ref)}" is not in {file}: correct the ref, or add its row to {file}.',
    )


def _same_email(email: str, first: int, second: int) -> Sentence:
    return Sentence(
        f"Les lignes {first} et {second} ont la même adresse ({shown(email)}) : une adresse est à une seule personne.",
        f"Lines {first} and {second} have the same e-mail ({shown(email)}): an address belongs to one person.",
    )


def _skipped(instant: datetime, zone: ZoneInfo) -> Sentence:
    wall = instant.isoformat(sep=" ", timespec="minutes")[:16]
    return Sentence(
        f"L'heure {wall} n'existe pas dans le fuseau {zone.key} (changement d'heure) : corrigez l'heure ou "
        "le décalage.",
        f"The time {wall} does not exist in {zone.key} (the clocks change): correct the time or the offset.",
    )


def _overlap(name: str, first: AssignmentRow, second: AssignmentRow) -> Sentence:
    lines = f"{first.line}, {second.line}"
    return Sentence(
        f"{name} est confirmé sur deux convocations en même temps, {shown(first.call_ref)} et "
        f"{shown(second.call_ref)} (lignes {lines}) : changez l'un des deux.",
        f"{name} is on two confirmed calls at the same time, {shown(first.call_ref)} and "
        f"{shown(second.call_ref)} (lines {lines}): change one of them.",
    )
