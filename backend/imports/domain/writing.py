"""Typed rows to the text of a season file, safe to open in a spreadsheet and read back exactly."""

import re
from collections.abc import Iterable, Sequence
from datetime import date

from backend.imports.domain import guard
from backend.imports.domain.cells import PLACES
from backend.imports.domain.columns import (
    ASSIGNMENTS,
    CALLS,
    COLUMNS,
    COMPANY,
    OPTIONAL,
    PEOPLE,
    POSITIONS,
    PRODUCTIONS,
    VENUES,
)
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

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
_NEEDS_QUOTES = re.compile(r'[",;\r\n]')

Row = CompanyRow | PersonRow | VenueRow | ProductionRow | CallRow | PositionRow | AssignmentRow

FILE_OF: dict[type[Row], str] = {
    CompanyRow: COMPANY,
    PersonRow: PEOPLE,
    VenueRow: VENUES,
    ProductionRow: PRODUCTIONS,
    CallRow: CALLS,
    PositionRow: POSITIONS,
    AssignmentRow: ASSIGNMENTS,
}


def write_rows(file: str, rows: Iterable[Row], *, bom: bool = False) -> str:
    """Return the text of `file` ("people.csv" ...): comma, LF, a BOM on request; every cell guarded.

    Instants are written with the offset they carry: put them into the venue's zone first. Raises ValueError for a row
    of another file.
    """
    found = list(rows)
    placed = any(isinstance(row, VenueRow) and row.placed for row in found)
    columns = (*COLUMNS[file], *(OPTIONAL.get(file, ()) if placed else ()))
    return write_table(columns, (cells(file, row, columns) for row in found), bom=bom)


def write_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, bom: bool = False) -> str:
    """Return CSV text of plain cells under `header`; every cell guarded."""
    lines = [",".join(_quoted(guard.put_on(cell)) for cell in row) + "\n" for row in (header, *rows)]
    return (BOM if bom else "") + "".join(lines)


def cells(file: str, row: Row, columns: Sequence[str]) -> list[str]:
    """Return the cells of `row` in the order of the `columns` of `file`, without guard."""
    if FILE_OF[type(row)] != file:
        message = f"{type(row).__name__} is not a row of {file}"
        raise ValueError(message)
    return [_text(getattr(row, column)) for column in columns]


def licences_text(licences: Iterable[Licence]) -> str:
    """Return licences as one cell: `category:number:day`, separated by `|`."""
    return "|".join(f"{one.category}:{one.number}:{one.expires_on.isoformat()}" for one in licences)


def _text(value: str | float | date | tuple[Licence, ...] | None) -> str:
    match value:
        case None:
            return ""
        case tuple():
            return licences_text(value)
        case date():  # a datetime is a date too, and its isoformat carries its offset
            return value.isoformat()
        case float():
            return f"{value:.{PLACES}f}".rstrip("0").rstrip(".")
        case _:
            return str(value)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if _NEEDS_QUOTES.search(cell) else cell
