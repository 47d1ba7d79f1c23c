"""The ref that a row goes by in a file: the company's own, or `id:` and the row's id where it has none.

Both are deterministic, so an export needs to store nothing, and what it wrote is found again.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

PREFIX: Final = "id:"


def exported_ref(ref: str | None, row_id: UUID) -> str:
    """Return the ref under which a row is exported."""
    return ref if ref is not None else f"{PREFIX}{row_id}"


class Known:
    """The rows of one table of the company, found by the ref of a file."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.rows = list(rows)
        self.by_id: dict[UUID, Mapping[str, Any]] = {row["id"]: row for row in self.rows}
        self._by_ref = {row["ref"]: row for row in self.rows if row["ref"] is not None}

    def find(self, ref: str) -> Mapping[str, Any] | None:
        """Return the row that has `ref`, else the one whose id it spells (it may have got a ref meanwhile)."""
        found = self._by_ref.get(ref)
        row_id = _read_id(ref) if found is None else None
        return found if row_id is None else self.by_id.get(row_id)


def _read_id(ref: str) -> UUID | None:
    if not ref.startswith(PREFIX):
        return None
    try:
        return UUID(ref.removeprefix(PREFIX))
    except ValueError:
        return None
