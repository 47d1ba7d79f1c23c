"""Rows of text to typed rows, file by file: what each row says by itself, without a look at the others."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from backend.core.errors import Sentence
from backend.imports.domain import cells
from backend.imports.domain.cells import Parser
from backend.imports.domain.problems import Problems
from backend.imports.domain.reading import Table
from backend.imports.domain.row_reader import NAME_LIMIT, RowReader
from backend.imports.domain.rows import (
    AssignmentRow,
    CallRow,
    CompanyRow,
    PersonRow,
    PositionRow,
    ProductionRow,
    VenueRow,
)
from backend.planning.domain.states import Status

Row = TypeVar("Row")

ADDRESS_LIMIT, POSTAL_CODE_LIMIT, DEPARTMENT_LIMIT, SEASON_LIMIT, OBJET_LIMIT = 500, 20, 60, 20, 60
LARGEST_CAPACITY, LARGEST_HEADCOUNT, LARGEST_RANK, MOST_CACHETS = 1_000_000, 1_000, 9, 100
LONGEST_CALL = timedelta(hours=36)
"""A set-up that runs over days is one call a day; what is longer is a wrong day or month."""

CALL_KINDS = frozenset(
    {
        "rehearsal",
        "stage_rehearsal",
        "table_read",
        "line_run",
        "blocking_run",
        "pre_rig",
        "setup",
        "focus",
        "run_through",
        "tech_dress",
        "dress_rehearsal",
        "brush_up",
        "line_check",
        "sound_check",
        "performance",
        "strike",
        "load_out",
        "travel",
        "other",
    }
)
PRODUCTION_KINDS = frozenset({"creation", "revival"})
ANNEXES = frozenset({"8", "10", "cdi"})
PAY_UNITS = frozenset({"hour", "cachet"})
STATUSES = frozenset(status.value for status in Status)
# An answered or lapsed option keeps the rank and the expiry it was offered with, so that an export loses neither.
ONCE_OPTIONS = frozenset({Status.OPTION, Status.ACCEPTED, Status.DECLINED, Status.EXPIRED, Status.RELEASED})

_MINUTE = timedelta(minutes=1)
_UNREAD = datetime(1970, 1, 1, tzinfo=UTC)


def company_rows(table: Table, problems: Problems) -> list[CompanyRow]:
    """Type company.csv."""
    return _typed(table, problems, _company)


def person_rows(table: Table, problems: Problems, job: Parser[str], today: date | None) -> list[PersonRow]:
    """Type people.csv; a birth date after `today` is refused."""
    return _typed(table, problems, lambda row: _person(row, job, today))


def venue_rows(table: Table, problems: Problems) -> list[VenueRow]:
    """Type venues.csv."""
    return _typed(table, problems, _venue)


def production_rows(table: Table, problems: Problems) -> list[ProductionRow]:
    """Type productions.csv."""
    return _typed(table, problems, _production)


def call_rows(table: Table, problems: Problems) -> list[CallRow]:
    """Type calls.csv."""
    return _typed(table, problems, _call)


def position_rows(table: Table, problems: Problems, job: Parser[str]) -> list[PositionRow]:
    """Type positions.csv."""
    return _typed(table, problems, lambda row: _position(row, job))


def assignment_rows(table: Table, problems: Problems, job: Parser[str]) -> list[AssignmentRow]:
    """Type assignments.csv."""
    return _typed(table, problems, lambda row: _assignment(row, job))


def _typed(table: Table, problems: Problems, make: Callable[[RowReader], Row]) -> list[Row]:
    readers = [RowReader(table.file, row, problems) for row in table.rows]
    made = [(make(reader), reader) for reader in readers]
    return [row for row, reader in made if reader.good]


def _company(row: RowReader) -> CompanyRow:
    return CompanyRow(
        line=row.line,
        slug=row.some_text("slug", NAME_LIMIT),
        name=row.text("name", NAME_LIMIT),
        siret=row.optional("siret", cells.siret),
        idcc=row.optional("idcc", cells.idcc),
        licences=row.optional("licences", cells.licences) or (),
        timezone=row.required("timezone", cells.timezone, ""),
        city=row.some_text("city", NAME_LIMIT),
    )


def _person(row: RowReader, job: Parser[str], today: date | None) -> PersonRow:
    person = PersonRow(
        line=row.line,
        ref=row.ref("ref"),
        first_name=row.name("first_name"),
        last_name=row.name("last_name"),
        email=row.optional("email", row.unguarded("email", cells.email)),
        phone=row.optional("phone", cells.phone),
        job=row.required("job", job, ""),
        department=row.text("department", DEPARTMENT_LIMIT),
        annexe=row.required("annexe", _ANNEXE, ""),
        birth_date=row.optional("birth_date", cells.day),
    )
    if today is not None and person.birth_date is not None and person.birth_date > today:
        row.refuse("birth_date", _BORN_LATER, "birth_date")
    return person


def _venue(row: RowReader) -> VenueRow:
    placed = row.has("latitude") or row.has("longitude")
    venue = VenueRow(
        line=row.line,
        ref=row.ref("ref"),
        name=row.text("name", NAME_LIMIT),
        address=row.optional("address", row.unguarded("address", cells.paragraph(ADDRESS_LIMIT))),
        postal_code=row.some_text("postal_code", POSTAL_CODE_LIMIT),
        city=row.some_text("city", NAME_LIMIT),
        timezone=row.required("timezone", cells.timezone, ""),
        capacity=row.optional("capacity", _CAPACITY),
        placed=placed,
        latitude=row.optional("latitude", _LATITUDE) if row.has("latitude") else None,
        longitude=row.optional("longitude", _LONGITUDE) if row.has("longitude") else None,
    )
    if row.good and (venue.latitude is None) != (venue.longitude is None):
        row.refuse("latitude" if venue.latitude is None else "longitude", _HALF_A_PLACE, "place")
    return venue


def _production(row: RowReader) -> ProductionRow:
    return ProductionRow(
        line=row.line,
        ref=row.ref("ref"),
        title=row.text("title", NAME_LIMIT),
        kind=row.required("kind", _PRODUCTION_KIND, ""),
        season=row.some_text("season", SEASON_LIMIT),
        premiere_date=row.optional("premiere_date", cells.day),
        objet_number=row.some_text("objet_number", OBJET_LIMIT),
    )


def _call(row: RowReader) -> CallRow:
    call = CallRow(
        line=row.line,
        ref=row.ref("ref"),
        production_ref=row.ref("production_ref"),
        venue_ref=row.some_ref("venue_ref"),
        kind=row.required("kind", _CALL_KIND, ""),
        title=row.text("title", NAME_LIMIT),
        starts_at=row.required("starts_at", cells.instant, _UNREAD),
        ends_at=row.required("ends_at", cells.instant, _UNREAD),
        break_minutes=row.required("break_minutes", _MINUTES, 0),
    )
    if call.starts_at is not _UNREAD and call.ends_at is not _UNREAD:
        _check_duration(row, call)
    return call


def _check_duration(row: RowReader, call: CallRow) -> None:
    duration = call.ends_at - call.starts_at
    if duration <= timedelta(0):
        row.refuse("ends_at", _ENDS_BEFORE, "ends_before_start")
    elif duration > LONGEST_CALL:
        row.refuse("ends_at", _TOO_LONG, "call_too_long")
    elif call.break_minutes and call.break_minutes * _MINUTE >= duration:
        row.refuse("break_minutes", _BREAK_TOO_LONG, "break_too_long")


def _position(row: RowReader, job: Parser[str]) -> PositionRow:
    return PositionRow(
        line=row.line,
        call_ref=row.ref("call_ref"),
        job=row.required("job", job, ""),
        headcount=row.required("headcount", _HEADCOUNT, 0),
    )


def _assignment(row: RowReader, job: Parser[str]) -> AssignmentRow:
    assignment = AssignmentRow(
        line=row.line,
        call_ref=row.ref("call_ref"),
        person_ref=row.ref("person_ref"),
        job=row.required("job", job, ""),
        status=row.required("status", _STATUS, ""),
        option_rank=row.optional("option_rank", _RANK),
        option_expires_at=row.optional("option_expires_at", cells.instant),
        pay_unit=row.required("pay_unit", _PAY_UNIT, ""),
        cachets=row.optional("cachets", _CACHETS),
    )
    _check_option(row, assignment.status)
    _check_cachets(row, assignment.pay_unit)
    return assignment


def _check_option(row: RowReader, status: str) -> None:
    for column in ("option_rank", "option_expires_at"):
        if status == Status.OPTION and row.is_empty(column):
            row.refuse(column, _OPTION_NEEDS, "option_incomplete")
        if status and status not in ONCE_OPTIONS and not row.is_empty(column):
            row.refuse(column, _NOT_AN_OPTION, "not_an_option")


def _check_cachets(row: RowReader, pay_unit: str) -> None:
    if pay_unit == "cachet" and row.is_empty("cachets"):
        row.refuse("cachets", _CACHETS_NEEDED, "cachets_required")
    if pay_unit == "hour" and not row.is_empty("cachets"):
        row.refuse("cachets", _CACHETS_REFUSED, "cachets_refused")


_ANNEXE = cells.one_of(ANNEXES)
_PRODUCTION_KIND = cells.one_of(PRODUCTION_KINDS)
_CALL_KIND = cells.one_of(CALL_KINDS)
_STATUS = cells.one_of(STATUSES)
_PAY_UNIT = cells.one_of(PAY_UNITS)
_LATITUDE, _LONGITUDE = cells.degrees(90), cells.degrees(180)
_HALF_A_PLACE = Sentence(
    "Latitude et longitude vont ensemble : donnez les deux, ou aucune.",
    "Latitude and longitude go together: give both, or neither.",
)
_CAPACITY = cells.whole_number(0, LARGEST_CAPACITY)
_MINUTES = cells.whole_number(0, LONGEST_CALL // _MINUTE)
_HEADCOUNT = cells.whole_number(1, LARGEST_HEADCOUNT)
_RANK = cells.whole_number(1, LARGEST_RANK)
_CACHETS = cells.whole_number(0, MOST_CACHETS)

_HOURS = LONGEST_CALL // timedelta(hours=1)
_BORN_LATER = Sentence(
    "Cette date de naissance est dans l'avenir : corrigez-la.",
    "This birth date lies in the future: correct it.",
)
_ENDS_BEFORE = Sentence(
    "La convocation finit avant de commencer (ou en même temps) : corrigez l'heure, ou le jour si elle finit "
    "après minuit.",
    "The call ends before it starts (or at the same time): correct the time, or the day if it ends after midnight.",
)
_TOO_LONG = Sentence(
    f"La convocation dure plus de {_HOURS} heures : vérifiez les deux jours, ou faites-en une par jour.",
    f"The call lasts more than {_HOURS} hours: check both days, or make it one call a day.",
)
_BREAK_TOO_LONG = Sentence(
    "La pause dure autant que la convocation, ou plus : elle doit être plus courte.",
    "The break lasts as long as the call, or longer: it must be shorter.",
)
_OPTION_NEEDS = Sentence(
    "Une option a toujours un rang et une date limite : remplissez option_rank et option_expires_at.",
    "An option always has a rank and an expiry: fill in option_rank and option_expires_at.",
)
_NOT_AN_OPTION = Sentence(
    "Le rang et la date limite sont pour les options : videz cette cellule, ou corrigez le statut.",
    "Rank and expiry are for options: empty this cell, or correct the status.",
)
_CACHETS_NEEDED = Sentence(
    "Une affectation payée au cachet dit combien de cachets (0 pour un voyage) : remplissez cette cellule.",
    "An assignment paid by cachet says how many cachets (0 for a trip): fill in this cell.",
)
_CACHETS_REFUSED = Sentence(
    "Le nombre de cachets est pour les affectations payées au cachet : videz cette cellule, ou corrigez pay_unit.",
    "The number of cachets is for assignments paid by cachet: empty this cell, or correct pay_unit.",
)
