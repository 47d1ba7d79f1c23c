"""Seven files to one season, or to the list of every row that is wrong; nothing is written and nothing is raised."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from backend.core.errors import Sentence
from backend.imports.domain import correcting, crossing, guard, typed
from backend.imports.domain.cells import job_of
from backend.imports.domain.columns import (
    ASSIGNMENTS,
    CALLS,
    COMPANY,
    FILES,
    PEOPLE,
    POSITIONS,
    PRODUCTIONS,
    VENUES,
)
from backend.imports.domain.correcting import Corrections
from backend.imports.domain.problems import Problems, RowProblem, shown
from backend.imports.domain.reading import Table, TextRow, read_table
from backend.imports.domain.rows import (
    AssignmentRow,
    CallRow,
    CompanyRow,
    PersonRow,
    PositionRow,
    ProductionRow,
    Season,
    VenueRow,
)

# What tells somebody which row of theirs is meant.
TELLING: Final = (
    "ref", "title", "name", "first_name", "last_name", "call_ref", "person_ref", "job", "starts_at", "ends_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judgement:
    """A season, or problems; `more` counts the problems beyond the listed ones; `warnings` refuse nothing."""

    season: Season | None
    problems: tuple[RowProblem, ...]
    more: int
    warnings: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class _Rows:
    """The good rows, while others may be bad and the company missing."""

    companies: list[CompanyRow]
    people: list[PersonRow]
    venues: list[VenueRow]
    productions: list[ProductionRow]
    calls: list[CallRow]
    positions: list[PositionRow]
    assignments: list[AssignmentRow]


def judge(
    files: Mapping[str, bytes], known_jobs: Collection[str], *, today: date | None = None,
    corrections: Corrections = correcting.NONE,
) -> Judgement:  # fmt: skip
    """Judge the seven files of one company, by file name; every problem of every row is found in one pass.

    Cells are read as `corrections` have them. `known_jobs` are the company's job codes. With `today`, a birth
    date after it is refused. A past option expiry is no problem. Nothing is raised, whatever the files hold; other
    names than the seven are not looked at.
    """
    problems = Problems()
    tables = {file: _table(file, files, problems, corrections) for file in FILES}
    rows = _typed(tables, known_jobs, today, problems)
    _check_tables(tables, problems)
    _check_rows(rows, problems)
    if problems.kept:
        return Judgement(None, _with_values(problems.in_order(), tables), problems.more, ())
    season = _season(rows)
    return Judgement(season, (), 0, _warnings(season))


def _with_values(problems: Sequence[RowProblem], tables: Mapping[str, Table]) -> tuple[RowProblem, ...]:
    """Return the problems with what stands in their cells, so that it can be corrected where it is told."""
    lines = {(one.file, one.line) for one in problems if one.column is not None}
    rows = {
        (file, row.line): row
        for file, table in tables.items() for row in (*table.rows, *table.broken) if (file, row.line) in lines
    }  # fmt: skip
    return tuple(_with_value(one, rows.get((one.file, one.line or 0))) for one in problems)


def _with_value(problem: RowProblem, row: TextRow | None) -> RowProblem:
    column = problem.column
    if row is None or column is None or column not in row.cells:
        return problem
    text = row.cells[column]
    value = guard.put_on(text) if column in row.guarded else text
    beside = tuple((name, shown(row.cells[name])) for name in TELLING if name != column and row.cells.get(name))
    return replace(problem, value=value, was=correcting.digest(row.filed.get(column, value)), beside=beside)


def _table(file: str, files: Mapping[str, bytes], problems: Problems, corrections: Corrections) -> Table:
    if file in files:
        return read_table(file, files[file], problems, corrections)
    problems.add(file, None, None, _file_missing(file), "file_missing")
    return Table(file, [], [], complete=False)


def _typed(tables: Mapping[str, Table], known_jobs: Collection[str], today: date | None, problems: Problems) -> _Rows:
    job = job_of(known_jobs)
    return _Rows(
        typed.company_rows(tables[COMPANY], problems),
        typed.person_rows(tables[PEOPLE], problems, job, today),
        typed.venue_rows(tables[VENUES], problems),
        typed.production_rows(tables[PRODUCTIONS], problems),
        typed.call_rows(tables[CALLS], problems),
        typed.position_rows(tables[POSITIONS], problems, job),
        typed.assignment_rows(tables[ASSIGNMENTS], problems, job),
    )


def _check_tables(tables: Mapping[str, Table], problems: Problems) -> None:
    crossing.check_one_company(tables[COMPANY], problems)
    for file, columns in _UNIQUE.items():
        crossing.check_unique(tables[file], columns, problems)
    for file, column, target in _REFERENCES:
        crossing.check_known(tables[file], column, tables[target], problems)


def _check_rows(rows: _Rows, problems: Problems) -> None:
    crossing.check_emails(rows.people, problems)
    zones = crossing.zones_of_calls(rows.calls, rows.venues, rows.companies[0] if rows.companies else None)
    crossing.check_wall_times(rows.calls, rows.assignments, zones, problems)
    crossing.check_overlaps(rows.calls, rows.people, rows.assignments, problems)


def _season(rows: _Rows) -> Season:
    return Season(
        company=rows.companies[0],
        people=rows.people,
        venues=rows.venues,
        productions=rows.productions,
        calls=rows.calls,
        positions=rows.positions,
        assignments=rows.assignments,
    )


def _warnings(season: Season) -> tuple[Sentence, ...]:
    return (SLUG_IGNORED,) if season.company.slug else ()


_UNIQUE: Final[Mapping[str, tuple[str, ...]]] = {
    PEOPLE: ("ref",),
    VENUES: ("ref",),
    PRODUCTIONS: ("ref",),
    CALLS: ("ref",),
    POSITIONS: ("call_ref", "job"),
    ASSIGNMENTS: ("call_ref", "person_ref", "job"),
}
_REFERENCES: Final = (
    (CALLS, "production_ref", PRODUCTIONS),
    (CALLS, "venue_ref", VENUES),
    (POSITIONS, "call_ref", CALLS),
    (ASSIGNMENTS, "call_ref", CALLS),
    (ASSIGNMENTS, "person_ref", PEOPLE),
)
SLUG_IGNORED: Final = Sentence(
    "La colonne « slug » de company.csv est ignorée : un import ne change pas l'adresse courte de la compagnie.",
    'The column "slug" of company.csv is ignored: an import does not change the slug of the company.',
)


def _file_missing(file: str) -> Sentence:
    return Sentence(
        f"Le fichier {file} manque : une saison a sept fichiers ({', '.join(FILES)}).",
        f"The file {file} is missing: a season has seven files ({', '.join(FILES)}).",
    )
