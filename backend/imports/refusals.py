"""The refusal of an import: every bad row with its file, line, column and a sentence; and what a request did wrong."""

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from backend.core.errors import FieldError, InvalidError, NotFoundError, Sentence
from backend.imports.domain import guard
from backend.imports.domain.columns import FILES
from backend.imports.domain.problems import RowProblem, shown

PART = ("body", "files")


@dataclass(frozen=True, slots=True)
class RowError(FieldError):
    """One refused row, or cell; `line` and `column` are None where the whole file, or row, is meant.

    `value` and `was` let a page correct the cell (`domain.correcting`), `beside` says which row it is of; no answer of
    the API holds them.
    """

    file: str = ""
    line: int | None = None
    column: str | None = None
    value: str | None = None
    was: str | None = None
    beside: tuple[tuple[str, str], ...] = ()

    def body(self, language: str) -> dict[str, Any]:
        """Return the entry of `errors`: file, line, column, msg, code."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "msg": self.sentence.in_language(language),
            "code": self.code,
        }


class ImportRejectedError(InvalidError):
    """422 `import_rejected`: nothing was stored; `more` problems were found beyond the listed ones.

    `unavailable` counts the "not available" answers among them: each is counted against the company's hourly limit.
    Others there may be, where it is not `is_all`, are neither told nor counted.
    """

    def __init__(
        self, problems: Sequence[RowProblem], more: int = 0, unavailable: int = 0, *, is_all: bool = True
    ) -> None:
        super().__init__(
            _summary(len(problems) + more, is_all=is_all), [_row_error(one) for one in problems],
            code="import_rejected", extra={"more": more},
        )  # fmt: skip
        self.unavailable = unavailable


def as_csv(faults: Sequence[RowError], language: str) -> str:
    """Return the refused rows as a table for a spreadsheet: file, line, column and what to do."""
    text = io.StringIO()
    writer = csv.writer(text)
    heads = (
        ("fichier", "ligne", "colonne", "à corriger") if language != "en" else ("file", "line", "column", "to correct")
    )
    writer.writerow(heads)
    for fault in faults:
        told = (fault.file, str(fault.line or ""), fault.column or "", fault.sentence.in_language(language))
        writer.writerow([guard.put_on(cell) for cell in told])
    return text.getvalue()


def _row_error(problem: RowProblem) -> RowError:
    loc = [part for part in (problem.file, problem.line, problem.column) if part is not None]
    return RowError(
        loc,
        problem.sentence,
        problem.code,
        problem.file,
        problem.line,
        problem.column,
        problem.value,
        problem.was,
        problem.beside,
    )


def _summary(count: int, *, is_all: bool) -> Sentence:
    fr, en = ("", "") if is_all else (
        " D'autres personnes ne sont peut-être pas disponibles : corrigez celles-ci d'abord.",
        " Other people may not be available: correct these first.",
    )  # fmt: skip
    points, things = ("un point", "one thing") if count == 1 else (f"{count} points", f"{count} things")
    return Sentence(
        f"Import refusé, rien n'a été enregistré : {points} à corriger, voyez « errors ».{fr}",
        f"Import refused, nothing was stored: {things} to correct, see `errors`.{en}",
    )


def not_multipart() -> InvalidError:
    return InvalidError.of(
        PART,
        "Envoyez les fichiers en multipart/form-data, chacun dans une partie « files ».",
        "Send the files as multipart/form-data, each in a part called `files`.",
        "multipart_required",
    )


def unreadable_form() -> InvalidError:
    return InvalidError.of(
        PART,
        "Cet envoi multipart/form-data est incomplet ou mal formé : recommencez l'envoi.",
        "This multipart/form-data body is incomplete or malformed: send it again.",
        "multipart_malformed",
    )


def no_files() -> InvalidError:
    return InvalidError.of(
        PART,
        f"Aucun fichier reçu : envoyez {_names()}, chacun dans une partie « files ».",
        f"No file received: send {_names()}, each in a part called `files`.",
        "files_missing",
    )


def unknown_part(name: str) -> InvalidError:
    return InvalidError.of(
        ["body", shown(name)],
        f"La partie « {shown(name)} » est inconnue : chaque fichier va dans une partie « files ».",
        f'The part "{shown(name)}" is unknown: each file goes into a part called `files`.',
        "unknown_part",
    )


def nameless_part() -> InvalidError:
    return InvalidError.of(
        PART,
        'Une partie « files » n\'a pas de nom de fichier : ajoutez-le (filename="people.csv").',
        'A part `files` has no file name: add it (filename="people.csv").',
        "file_name_missing",
    )


def path_in_name(name: str) -> InvalidError:
    return InvalidError.of(
        PART,
        f"« {shown(name)} » contient un chemin : donnez le nom seul, sans dossier.",
        f'"{shown(name)}" holds a path: give the name alone, without a folder.',
        "file_name_path",
    )


def unknown_file(name: str) -> InvalidError:
    return InvalidError.of(
        PART,
        f"Le fichier « {shown(name)} » n'est pas de ceux d'une saison : {_names()}.",
        f'The file "{shown(name)}" is not one of a season: {_names()}.',
        "file_unknown",
    )


def file_twice(name: str) -> InvalidError:
    return InvalidError.of(
        PART,
        f"Le fichier {name} est là deux fois : n'en envoyez qu'un.",
        f"The file {name} is there twice: send it once.",
        "file_twice",
    )


def no_such_export(known: Collection[str]) -> NotFoundError:
    names = ", ".join(known)
    return NotFoundError(
        "not_found",
        Sentence(f"Cet export n'existe pas ; il y a : {names}.", f"This export does not exist; there are: {names}."),
    )


def _names() -> str:
    return ", ".join(FILES)
