"""Lists by keyset: an opaque cursor holds the last row's sort values, so pages stay stable while rows come and go."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from backend.core.errors import InvalidError

DEFAULT_LIMIT = 50
MAXIMUM_LIMIT = 200
MAXIMUM_CURSOR = 2_000

Item = TypeVar("Item")
Row = TypeVar("Row")


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next_cursor` is null on the last one."""

    model_config = ConfigDict(extra="forbid")

    items: list[Item]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """`limit` rows after the row whose sort values are `after` (None: from the start)."""

    limit: int
    after: tuple[str, ...] | None

    def values(self, *parsers: Callable[[str], Any]) -> tuple[Any, ...] | None:
        """Return the cursor's sort values, each read by its parser; a forged cursor is refused (422)."""
        if self.after is None:
            return None
        if len(self.after) != len(parsers):
            raise _bad_cursor()
        try:
            return tuple(parse(text) for parse, text in zip(parsers, self.after, strict=True))
        except (ValueError, OverflowError):
            raise _bad_cursor() from None


def page_request(
    limit: Annotated[int, Query(ge=1, le=MAXIMUM_LIMIT, description="Rows per page.", examples=[50])] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None, Query(max_length=MAXIMUM_CURSOR, description="`next_cursor` of the page before.")
    ] = None,
) -> PageRequest:
    """Read `limit` and `cursor` from the query string."""
    return PageRequest(limit, None if cursor is None else _decode(cursor))


def cut(rows: Sequence[Row], page: PageRequest, key: Callable[[Row], Sequence[Any]]) -> tuple[list[Row], str | None]:
    """Split `limit + 1` fetched rows into the page and the cursor of the next one."""
    if len(rows) <= page.limit:
        return list(rows), None
    kept = list(rows[: page.limit])
    return kept, _encode(key(kept[-1]))


def slice_page(
    items: Sequence[Row], page: PageRequest, key: Callable[[Row], tuple[str, ...]]
) -> tuple[list[Row], str | None]:
    """Cut a short list that is read whole anyway (members, sessions): what follows the cursor's row, in its order."""
    keys = [key(item) for item in items]
    start = keys.index(page.after) + 1 if page.after in keys else 0
    if page.after is not None and start == 0:
        raise _bad_cursor()
    return cut(items[start : start + page.limit + 1], page, key)


def _encode(values: Sequence[Any]) -> str:
    texts = [value.isoformat() if hasattr(value, "isoformat") else str(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(texts).encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[str, ...]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        texts = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, binascii.Error, RecursionError):
        raise _bad_cursor() from None
    if not isinstance(texts, list) or not all(isinstance(text, str) and _is_storable(text) for text in texts):
        raise _bad_cursor()
    return tuple(texts)


def _is_storable(text: str) -> bool:
    """A lone surrogate has no UTF-8, and PostgreSQL takes no NUL."""
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def _bad_cursor() -> InvalidError:
    return InvalidError.of(
        ["query", "cursor"],
        "Ce curseur n'est pas valable : reprenez la liste depuis le début, sans « cursor ».",
        "This cursor is not valid: start the list again without it.",
        "cursor",
    )
