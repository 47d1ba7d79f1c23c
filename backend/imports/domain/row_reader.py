"""The cells of one row, one by one: each bad one becomes a problem, and reading goes on, so all are told at once."""

from collections.abc import Callable
from typing import TypeVar

from backend.core.errors import Sentence
from backend.imports.domain import cells
from backend.imports.domain.cells import CellError, Parser
from backend.imports.domain.problems import Problems
from backend.imports.domain.reading import TextRow

T = TypeVar("T")

NAME_LIMIT, REF_LIMIT = 200, 60


class RowReader:
    """Reads the cells of one row; a bad one becomes a problem and the column's blank, and `good` turns false."""

    def __init__(self, file: str, row: TextRow, problems: Problems) -> None:
        self._file = file
        self._row = row
        self._problems = problems
        self.line = row.line
        self.good = True

    def required(self, column: str, parse: Parser[T], blank: T) -> T:
        """Return the value of `column`, which must have one."""
        text = self._row.cells[column].strip()
        if not text:
            self.refuse(column, _required(column), "value_required")
            return blank
        return self._parsed(column, text, parse, blank)

    def optional(self, column: str, parse: Parser[T]) -> T | None:
        """Return the value of `column`, or None for an empty cell."""
        text = self._row.cells[column].strip()
        return self._parsed(column, text, parse, None) if text else None

    def has(self, column: str) -> bool:
        """Tell whether the file has this column at all."""
        return column in self._row.cells

    def name(self, column: str) -> str:
        """Return a person's name: it never begins like a formula, guarded or not."""
        return self.required(column, _never_a_formula(cells.line(NAME_LIMIT)), "")

    def ref(self, column: str) -> str:
        """Return a ref: short, on one line, and never like a formula."""
        return self.required(column, _REF, "")

    def some_ref(self, column: str) -> str | None:
        """Return a ref, or None."""
        return self.optional(column, _REF)

    def is_empty(self, column: str) -> bool:
        """Tell whether the cell has no value."""
        return not self._row.value(column)

    def unguarded(self, column: str, parse: Parser[T]) -> Parser[T]:
        """Return `parse`, for a text that may begin like a formula only behind an apostrophe."""

        def guarded(text: str) -> T:
            if column not in self._row.guarded:
                cells.refuse_unguarded(text)
            return parse(text)

        return guarded

    def text(self, column: str, limit: int) -> str:
        """Return a text that must be there."""
        return self.required(column, self.unguarded(column, cells.line(limit)), "")

    def some_text(self, column: str, limit: int) -> str | None:
        """Return a text, or None."""
        return self.optional(column, self.unguarded(column, cells.line(limit)))

    def refuse(self, column: str, sentence: Sentence, code: str) -> None:
        """Note a problem of this row."""
        self.good = False
        self._problems.add(self._file, self.line, column, sentence, code)

    def _parsed(self, column: str, text: str, parse: Callable[[str], T], blank: T) -> T:
        try:
            return parse(text)
        except CellError as error:
            self.refuse(column, error.sentence, error.code)
            return blank


def _never_a_formula(parse: Parser[str]) -> Parser[str]:
    def checked(text: str) -> str:
        cells.refuse_formula(text)
        return parse(text)

    return checked


_REF = _never_a_formula(cells.line(REF_LIMIT))


def _required(column: str) -> Sentence:
    return Sentence(
        f"La cellule « {column} » est vide : remplissez-la.",
        f'The cell "{column}" is empty: fill it in.',
    )
