"""The season's files, written from what the company has: read back, they change nothing.

A cancelled call, its positions and its assignments are left out: the columns could not say that it is cancelled.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from backend.imports import repository
from backend.imports.domain import assigning, calling
from backend.imports.domain.columns import ASSIGNMENTS, CALLS, COMPANY, FILES, PEOPLE, POSITIONS, PRODUCTIONS, VENUES
from backend.imports.domain.refs import exported_ref
from backend.imports.domain.rows import (
    AssignmentRow,
    CallRow,
    CompanyRow,
    Licence,
    PersonRow,
    PositionRow,
    ProductionRow,
    VenueRow,
)
from backend.imports.domain.typed import ONCE_OPTIONS
from backend.imports.domain.writing import Row, write_rows
from backend.imports.refusals import no_such_export
from backend.imports.repository import Found
from backend.planning.domain.states import effective
from backend.productions import places
from backend.tenancy.acting import Act
from backend.tenancy.session import login_rights

_NO_LINE = 0
_PERSON = ("first_name", "last_name", "email", "phone", "job", "department", "annexe", "birth_date")
_VENUE = ("name", "address", "postal_code", "city", "timezone", "capacity")
_PRODUCTION = ("title", "kind", "season", "premiere_date", "objet_number")


async def export_file(act: Act, file: str, *, bom: bool = False) -> str:
    """Return the text of one of the season's files ("people.csv"). Raises NotFoundError for any other."""
    if file not in FILES:
        raise no_such_export(FILES)
    if file == COMPANY:
        return write_rows(file, [await _company(act)], bom=bom)
    found = await repository.load(act, lock=False)
    return await asyncio.to_thread(_write, act, found, file, bom=bom)


async def _company(act: Act) -> CompanyRow:
    async with login_rights(act.session):
        found = await repository.read_company(act.session, act.company.id, lock=False)
    licences = tuple(
        Licence(str(one["category"]), one["number"], date.fromisoformat(one["expires_on"])) for one in found["licences"]
    )
    return CompanyRow(line=_NO_LINE, **{**found, "licences": licences})


def _write(act: Act, found: Found, file: str, *, bom: bool) -> str:
    return write_rows(file, _Rows(act, found).of(file), bom=bom)


class _Rows:
    """The rows of each file, with the refs that they go by."""

    def __init__(self, act: Act, found: Found) -> None:
        self._act = act
        self._found = found
        self._calls = {row["id"]: row for row in found.calls.rows if not calling.is_cancelled(row)}

    def of(self, file: str) -> Iterable[Row]:
        """Return the rows of one file, in the order in which they were made."""
        rows: Mapping[str, Iterable[Row]] = {
            PEOPLE: (PersonRow(line=_NO_LINE, ref=_ref(r), **_taken(r, _PERSON)) for r in self._found.people.rows),
            VENUES: (self._venue(row) for row in self._found.venues.rows),
            PRODUCTIONS: (
                ProductionRow(line=_NO_LINE, ref=_ref(r), **_taken(r, _PRODUCTION))
                for r in self._found.productions.rows
            ),
            CALLS: (self._call(row) for row in self._calls.values()),
            POSITIONS: (self._position(row) for row in self._found.positions if row["call_id"] in self._calls),
            ASSIGNMENTS: (self._assignment(row) for row in self._assignments()),
        }
        return rows[file]

    def _assignments(self) -> Sequence[Mapping[str, Any]]:
        current = assigning.current_by_key(self._found.assignments).values()
        return sorted((row for row in current if row["call_id"] in self._calls), key=lambda row: row["id"])

    def _venue(self, row: Mapping[str, Any]) -> VenueRow:
        place = _taken(row, places.FIELDS)
        return VenueRow(line=_NO_LINE, ref=_ref(row), **_taken(row, _VENUE), **place, placed=None not in place.values())

    def _call(self, row: Mapping[str, Any]) -> CallRow:
        zone = self._zone(row)
        venue = self._found.venues.by_id.get(row["venue_id"])
        return CallRow(
            line=_NO_LINE,
            ref=_ref(row),
            production_ref=_ref(self._found.productions.by_id[row["production_id"]]),
            venue_ref=_ref(venue) if venue is not None else None,
            kind=row["kind"],
            title=row["title"],
            starts_at=_local(row["starts_at"], zone),
            ends_at=_local(row["ends_at"], zone),
            break_minutes=calling.unpaid_minutes(row),
        )

    def _position(self, row: Mapping[str, Any]) -> PositionRow:
        return PositionRow(_NO_LINE, _ref(self._calls[row["call_id"]]), row["job"], row["headcount"])

    def _assignment(self, row: Mapping[str, Any]) -> AssignmentRow:
        call = self._calls[row["call_id"]]
        status = effective(row["status"], row["expires_at"], self._act.now)
        # A confirmed assignment keeps the rank and the expiry that it was offered with; the file has them no more.
        optional = row if status in ONCE_OPTIONS else {"rank": None, "expires_at": None}
        expires_at = optional["expires_at"]
        return AssignmentRow(
            line=_NO_LINE,
            call_ref=_ref(call),
            person_ref=_ref(self._found.people.by_id[row["person_id"]]),
            job=row["job"],
            status=status,
            option_rank=optional["rank"],
            option_expires_at=_local(expires_at, self._zone(call)) if expires_at is not None else None,
            pay_unit=row["pay_unit"],
            cachets=row["cachets"],
        )

    def _zone(self, call: Mapping[str, Any]) -> ZoneInfo:
        venue_id: UUID | None = call["venue_id"]
        zone = self._found.venues.by_id[venue_id]["timezone"] if venue_id is not None else self._act.company.timezone
        return ZoneInfo(zone)


def _ref(row: Mapping[str, Any]) -> str:
    return exported_ref(row["ref"], row["id"])


def _taken(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(microsecond=0)
