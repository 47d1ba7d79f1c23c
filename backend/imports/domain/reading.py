"""Bytes of one file to rows of text: encoding, separator, header and shape are judged here, meanings are not.

Refuses anything but UTF-8, control characters, cells and files beyond their limits; never raises for a file's content.
"""

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from backend.core.errors import Sentence
from backend.imports.domain import correcting, guard
from backend.imports.domain.columns import COLUMNS, OPTIONAL
from backend.imports.domain.correcting import Corrections
from backend.imports.domain.problems import Problems, listed, shown

MAXIMUM_ROWS = 50_000
MAXIMUM_CELL = 10_000
MAXIMUM_NAMED = 20
_LONGEST_COMPARED = 1_000
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")  # its text holds zeros too
# Everything of Unicode's category Cc, except the tab and the two line ends, which a quoted cell may hold;
# and what turns the text after it round.
_CONTROL = re.compile("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class TextRow:
    """One row as text, its guards taken off; `guarded` names the columns that had one.

    `filed` is what the file holds, where corrections are read in its place.
    """

    line: int
    cells: Mapping[str, str]
    guarded: frozenset[str] = frozenset()
    filed: Mapping[str, str] = field(default_factory=dict)

    def value(self, column: str) -> str:
        """Return the cell as refs are compared: stripped, in Unicode's composed form; empty when there is none."""
        text = self.cells.get(column, "").strip()
        # No ref is that long, and composing a long run of combining marks takes quadratic time.
        return unicodedata.normalize("NFC", text) if len(text) <= _LONGEST_COMPARED else text


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one file. `broken` rows have a problem already and only serve to know which refs exist.

    `complete` is false when part of the file could not be read: nothing can be said of what it lacks.
    """

    file: str
    rows: list[TextRow]
    broken: list[TextRow]
    complete: bool

    def values(self, column: str) -> set[str]:
        """Return every value of `column`, broken rows included."""
        return {row.value(column) for row in (*self.rows, *self.broken)}


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    cells: list[str]


def read_table(
    file: str, content: bytes, problems: Problems, corrections: Corrections = correcting.NONE
) -> Table:  # fmt: skip
    """Return the rows of `file` (a name of `COLUMNS`); what is wrong with its form goes to `problems`."""
    text = _decoded(file, content, problems)
    if text is None:
        return _unreadable(file)
    records = _Records(file, text, problems)
    header = next(records, None)
    if header is None and records.complete:
        problems.add(file, None, None, _EMPTY, "file_empty")
    columns = _columns(file, header, problems) if header else None
    if columns is None:
        return _unreadable(file)
    return _rows(file, columns, records, problems, corrections)


def _unreadable(file: str) -> Table:
    return Table(file, [], [], complete=False)


def _decoded(file: str, content: bytes, problems: Problems) -> str | None:
    body = content.removeprefix(_BOM)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        if b"\0" in body and not body.startswith(_UTF16):
            problems.add(file, None, None, _NO_TEXT, "not_text")
            return None
        line = len(_LINE_END.findall(body[: error.start])) + 1
        problems.add(file, line, None, _NOT_UTF8, "not_utf8")
        return None


class _Records:
    """Iterates over the records that are not blank; stops with a problem where the CSV itself is malformed."""

    def __init__(self, file: str, text: str, problems: Problems) -> None:
        self._file = file
        self._problems = problems
        self._reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
        self.complete = True

    def __iter__(self) -> Iterator[_Record]:
        return self

    def __next__(self) -> _Record:
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except csv.Error as error:
                self._malformed(line, str(error))
                raise StopIteration from None
            if any(cell.strip() for cell in cells):
                return _Record(line, cells)

    def _malformed(self, line: int, reason: str) -> None:
        self.complete = False
        if "field limit" in reason:
            self._problems.add(self._file, line, None, _CELL_ENDLESS, "cell_too_long")
        else:
            self._problems.add(self._file, line, None, _MALFORMED, "malformed_csv")


def _separator(text: str) -> str:
    header = next((line for line in io.StringIO(text) if "," in line or ";" in line), "")
    return ";" if header.count(";") > header.count(",") else ","


def _columns(file: str, header: _Record, problems: Problems) -> list[str] | None:
    found = [cell.strip() for cell in header.cells]
    needed = COLUMNS[file]
    expected = (*needed, *OPTIONAL.get(file, ()))
    unknown = [name for name in dict.fromkeys(found) if name not in expected][:MAXIMUM_NAMED]
    duplicates = [name for name, count in Counter(found).items() if count > 1 and name in expected]
    wrong = [
        *((name, _missing(name, expected), "column_missing") for name in needed if name not in found),
        *((name, _unknown(name, expected), "column_unknown") for name in unknown),
        *((name, _duplicate(name), "column_duplicate") for name in duplicates),
    ]
    for name, sentence, code in wrong:
        problems.add(file, header.line, shown(name), sentence, code)
    return None if wrong else found


def _rows(
    file: str, columns: Sequence[str], records: _Records, problems: Problems, corrections: Corrections
) -> Table:  # fmt: skip
    rows: list[TextRow] = []
    broken: list[TextRow] = []
    for record in records:
        if len(rows) + len(broken) == MAXIMUM_ROWS:
            problems.add(file, record.line, None, _TOO_MANY, "too_many_rows")
            return Table(file, rows, broken, complete=False)
        row, read = _text_row(file, columns, record, corrections)
        (rows if _is_well_formed(file, columns, read, problems) else broken).append(row)
    return Table(file, rows, broken, complete=records.complete)


def _text_row(
    file: str, columns: Sequence[str], record: _Record, corrections: Corrections
) -> tuple[TextRow, _Record]:  # fmt: skip
    """Return a row, and its record as it is read: with the corrections that were made for it."""
    filed = {}
    if corrections:
        filed = dict(zip(columns, record.cells, strict=False))
        cells = [correcting.corrected(corrections, file, record.line, *one) for one in filed.items()]
        record = _Record(record.line, [*cells, *record.cells[len(cells) :]])
    pairs = list(zip(columns, record.cells, strict=False))
    guarded = frozenset(column for column, cell in pairs if cell[:1] == "'" and guard.is_guarded(cell))
    return TextRow(record.line, {column: guard.take_off(cell) for column, cell in pairs}, guarded, filed), record


def _is_well_formed(file: str, columns: Sequence[str], record: _Record, problems: Problems) -> bool:
    if len(record.cells) != len(columns):
        problems.add(file, record.line, None, _cell_count(len(columns), len(record.cells)), "cell_count")
        return False
    well_formed = True
    for column, cell in zip(columns, record.cells, strict=True):
        if _CONTROL.search(cell):
            problems.add(file, record.line, column, CONTROL_CHARACTER, "control_character")
            well_formed = False
        elif len(cell) > MAXIMUM_CELL:
            problems.add(file, record.line, column, _CELL_TOO_LONG, "cell_too_long")
            well_formed = False
    return well_formed


CONTROL_CHARACTER = Sentence(
    "Cette cellule contient un caractère de contrôle invisible : retapez-la au clavier.",
    "This cell holds an invisible control character: type it again.",
)
_EMPTY = Sentence(
    "Ce fichier est vide : il faut au moins la ligne des noms de colonnes.",
    "This file is empty: it needs at least the line of column names.",
)
_NO_TEXT = Sentence(
    "Ce fichier n'est pas du texte (une image, un classeur ?) : dans le tableur, enregistrez la feuille en "
    "« CSV UTF-8 ».",
    'This file is no text (a picture, a workbook?): in the spreadsheet, save the sheet as "CSV UTF-8".',
)
_NOT_UTF8 = Sentence(
    "Ce fichier n'est pas en UTF-8 : enregistrez en UTF-8 (dans le tableur : « CSV UTF-8 ») et recommencez.",
    'This file is not in UTF-8: save it as UTF-8 (in a spreadsheet: "CSV UTF-8") and try again.',
)
_MALFORMED = Sentence(
    "Les guillemets de cette ligne ne vont pas par paires : corrigez-la ; la suite du fichier n'a pas pu être lue.",
    "The quotes of this line do not pair up: correct it; the rest of the file could not be read.",
)
_CELL_TOO_LONG = Sentence(
    f"Cette cellule dépasse {MAXIMUM_CELL} caractères : raccourcissez-la.",
    f"This cell is longer than {MAXIMUM_CELL} characters: shorten it.",
)
_CELL_ENDLESS = Sentence(
    f"Une cellule de cette ligne dépasse {MAXIMUM_CELL} caractères : raccourcissez-la, ou fermez ses guillemets ; "
    "la suite du fichier n'a pas pu être lue.",
    f"A cell of this line is longer than {MAXIMUM_CELL} characters: shorten it, or close its quotes; "
    "the rest of the file could not be read.",
)
_TOO_MANY = Sentence(
    f"Ce fichier a plus de {MAXIMUM_ROWS} lignes : importez la saison en plusieurs fois.",
    f"This file has more than {MAXIMUM_ROWS} rows: import the season in several parts.",
)


def _cell_count(expected: int, found: int) -> Sentence:
    return Sentence(
        f"Cette ligne a {found} cellules au lieu de {expected} : un texte qui contient le séparateur va entre "
        "guillemets.",
        f"This line has {found} cells instead of {expected}: a text that holds the separator goes between quotes.",
    )


def _missing(name: str, expected: Sequence[str]) -> Sentence:
    return Sentence(
        f"La colonne « {name} » manque. Colonnes attendues : {listed(expected)}.",
        f'The column "{name}" is missing. Expected columns: {listed(expected)}.',
    )


def _unknown(name: str, expected: Sequence[str]) -> Sentence:
    return Sentence(
        f"La colonne « {shown(name)} » est inconnue : retirez-la. Colonnes attendues : {listed(expected)}.",
        f'The column "{shown(name)}" is unknown: remove it. Expected columns: {listed(expected)}.',
    )


def _duplicate(name: str) -> Sentence:
    return Sentence(
        f"La colonne « {name} » est là deux fois : n'en gardez qu'une.",
        f'The column "{name}" is there twice: keep one only.',
    )
