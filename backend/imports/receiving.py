"""The files of a season as a form brings them: each is one of the seven, and each is there once."""

from collections.abc import Iterable, Iterator

from starlette.datastructures import UploadFile

from backend.imports import refusals
from backend.imports.domain.columns import FILES

FIELD = "files"


async def read_files(parts: Iterable[tuple[str, UploadFile | str]], slug: str) -> dict[str, bytes]:
    """Return the content of each file by its name. Raises InvalidError for a part that is none, or for no file at all.

    A file may still have the name under which this company's export was downloaded.
    """
    files = dict(_named(parts, f"{slug}-"))
    if not files:
        raise refusals.no_files()
    return {name: await part.read() for name, part in files.items()}


def _named(parts: Iterable[tuple[str, UploadFile | str]], prefix: str) -> Iterator[tuple[str, UploadFile]]:
    seen: set[str] = set()
    for field, part in parts:
        if field != FIELD:
            raise refusals.unknown_part(field)
        if isinstance(part, str) or not part.filename:
            raise refusals.nameless_part()
        name = part.filename.removeprefix(prefix)
        _check_name(name, seen)
        seen.add(name)
        yield name, part


def _check_name(name: str, seen: set[str]) -> None:
    if "/" in name or "\\" in name:
        raise refusals.path_in_name(name)
    if name not in FILES:
        raise refusals.unknown_file(name)
    if name in seen:
        raise refusals.file_twice(name)
