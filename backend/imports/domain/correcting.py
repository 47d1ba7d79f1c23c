"""Cells that somebody corrects while a season is tried: the files stay as they are, and are read with other words.

A correction names the text that it was made for, by its digest: where a file holds another one, it does nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

DIGITS = 12


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of one file; `line` is that of its row's first line, `was` the digest of what the file holds there."""

    file: str
    line: int
    column: str
    was: str


Corrections = Mapping[Cell, str]
NONE: Corrections = {}


def digest(text: str) -> str:
    """Return what tells one text of a cell from another."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]


def corrected(corrections: Corrections, file: str, line: int, column: str, text: str) -> str:
    """Return what is read in place of `text`."""
    return corrections.get(Cell(file, line, column, digest(text)), text)
