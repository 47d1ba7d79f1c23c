"""What is wrong with the files, in sentences an administrator understands; the first ones are kept, all are counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from backend.core.errors import Sentence
from backend.imports.domain.columns import FILES

MAXIMUM_KEPT = 200
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One thing to correct: where (`line` counts from 1, the header's) and what to do; `code` is stable.

    `value` is what was read in the cell, `was` the digest of what the file holds there; None where no cell is meant.
    `beside` are cells of the same row that say which one it is: its ref, its title, its other time.
    """

    file: str
    line: int | None
    column: str | None
    sentence: Sentence
    code: str
    value: str | None = None
    was: str | None = None
    beside: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Problems:
    """Collects problems: keeps the first `MAXIMUM_KEPT`, counts the rest as `more`."""

    kept: list[RowProblem] = field(default_factory=list)
    more: int = 0

    def add(self, file: str, line: int | None, column: str | None, sentence: Sentence, code: str) -> None:
        """Take one problem."""
        if len(self.kept) < MAXIMUM_KEPT:
            self.kept.append(RowProblem(file, line, column, sentence, code))
        else:
            self.more += 1

    def in_order(self) -> tuple[RowProblem, ...]:
        """Return the kept problems file by file, line by line."""
        return tuple(sorted(self.kept, key=lambda problem: (FILES.index(problem.file), problem.line or 0)))


def shown(text: str) -> str:
    """Return `text` fit for a sentence: short, on one line, nothing invisible."""
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in short)


def listed(words: Sequence[str]) -> str:
    """Return `words` as one list for a sentence."""
    return ", ".join(shown(word) for word in words)
