"""The apostrophe that keeps a spreadsheet from running a cell: put on when writing, exactly one taken off when reading.

A cell that already looks guarded (apostrophes, then a dangerous character) gets one more, so the round trip is exact.
"""

import re

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


def put_on(cell: str) -> str:
    """Return `cell` as it may safely stand in a spreadsheet."""
    return f"'{cell}" if _DANGEROUS.match(cell) else cell


def is_guarded(cell: str) -> bool:
    """Tell whether `cell` begins with a guard."""
    return _GUARDED.match(cell) is not None


def take_off(cell: str) -> str:
    """Return `cell` without its guard, when it has one."""
    return cell[1:] if is_guarded(cell) else cell
