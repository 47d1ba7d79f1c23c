"""One row of a company, found, changed and refused in words; and lists cut by keyset. It decides nothing by itself."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from backend.core.errors import AppError, ConflictError, NotFoundError, Sentence
from backend.core.pagination import PageRequest
from backend.tenancy.acting import Act
from backend.tenancy.base import TenantBase

Row = TypeVar("Row", bound=TenantBase)
Columns = Sequence[InstrumentedAttribute[Any]]
Query = TypeVar("Query", bound=Select[Any])

_SQLITE_UNIQUE = "UNIQUE constraint failed: "
_SQLITE_FOREIGN = "FOREIGN KEY constraint failed"


async def get_row(act: Act, model: type[Row], row_id: UUID, missing: Sentence) -> Row:
    """Return the row, ready to be changed. Raises NotFoundError `not_found` with the sentence `missing`."""
    row = await act.session.get(model, row_id)
    if row is None:
        raise NotFoundError("not_found", missing)
    return row


def values_of(row: TenantBase, names: Iterable[str]) -> dict[str, Any]:
    """Return the named columns of a row as they stand."""
    return {name: getattr(row, name) for name in names}


def apply_changes(row: TenantBase, values: Mapping[str, Any], **stamps: object) -> bool:
    """Set what differs and, only then, the `stamps` (`updated_at`, ...); tell whether anything did differ."""
    different = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in {**different, **stamps}.items() if different else ():
        setattr(row, name, value)
    return bool(different)


@asynccontextmanager
async def refusing(session: AsyncSession, refusals: Mapping[str, AppError]) -> AsyncIterator[None]:
    """Flush what the block did inside a SAVEPOINT; a broken constraint becomes the refusal whose key begins its name.

    The transaction stays usable after the refusal. Keys are compared as prefixes, since a distributed server adds a
    shard's number to constraint names; "fk_" stands for any foreign key (SQLite does not name the broken one). A
    constraint without refusal stays an IntegrityError.
    """
    try:
        async with session.begin_nested():
            yield
            await session.flush()
    except IntegrityError as error:
        name = broken_constraint(error)
        refusal = next((refusal for prefix, refusal in refusals.items() if name.startswith(prefix)), None)
        if refusal is None:
            raise
        raise refusal from error


def broken_constraint(error: IntegrityError) -> str:
    """Return the name of the broken constraint, by the naming convention where the engine tells the columns only."""
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if name is not None:
        return str(name)
    message = str(error.orig)
    if message.startswith(_SQLITE_UNIQUE):
        columns = [column.split(".") for column in message.removeprefix(_SQLITE_UNIQUE).split(", ")]
        return "_".join(["uq", columns[0][0], *(column[-1] for column in columns)])
    return "fk_" if message.startswith(_SQLITE_FOREIGN) else ""


def duplicate(field: str, sentence: Sentence) -> ConflictError:
    """Return the refusal of a value that another row of the company has; `field` names it for programs."""
    return ConflictError("duplicate", sentence, extra={"field": field})


def in_use(sentence: Sentence) -> ConflictError:
    """Return the refusal to delete what something else still names; the sentence says what to do first."""
    return ConflictError("in_use", sentence)


def holds_words(text: str, *columns: ColumnElement[Any] | InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Return the condition that each word of `text` stands somewhere in the columns, in either case.

    SQLite folds the case of ASCII letters only.
    """
    searched: ColumnElement[str] = func.coalesce(columns[0], "")
    for column in columns[1:]:
        searched = searched.concat(" ").concat(func.coalesce(column, ""))
    return and_(*(searched.icontains(word, autoescape=True) for word in text.split()))


def keyset(
    query: Query, page: PageRequest, columns: Columns, parsers: Sequence[Callable[[str], Any]], *, newest: bool = False
) -> Query:
    """Order by `columns` (all descending if `newest`) and start after the page's cursor; one row more than its limit.

    The last column is unique; `parsers` read the cursor's texts back. Raises InvalidError on a forged cursor.
    """
    after = page.values(*parsers)
    if after is not None:
        here = tuple_(*columns)
        query = query.where(here < after if newest else here > after)
    order = [column.desc() for column in columns] if newest else list(columns)
    return query.order_by(*order).limit(page.limit + 1)


def sort_text(text: str) -> str:
    """Read a text of a cursor. Raises ValueError on half a character, which no database stores."""
    text.encode()
    return text


def sort_instant(text: str) -> datetime:
    """Read an instant of a cursor. Raises ValueError without an offset, OverflowError out of the calendar."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        message = f"an instant of a cursor has an offset: {text!r}"
        raise ValueError(message)
    return found.astimezone(UTC)
