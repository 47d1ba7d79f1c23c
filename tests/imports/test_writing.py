"""What is exported opens safely in a spreadsheet and reads back exactly."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.imports.domain.columns import ASSIGNMENTS, CALLS, COLUMNS, COMPANY, PEOPLE, POSITIONS, PRODUCTIONS, VENUES
from backend.imports.domain.judging import judge
from backend.imports.domain.problems import Problems
from backend.imports.domain.reading import read_table
from backend.imports.domain.rows import PersonRow, Season
from backend.imports.domain.writing import Row, write_rows, write_table

Folder = Callable[[str], dict[str, bytes]]
HEADER = COLUMNS[POSITIONS]
anything = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t\r\n"), max_size=12)
tricky = st.text(st.sampled_from("'=+-@\t\r\n\",; a"), max_size=8)
cell = anything | tricky
row = st.tuples(cell, cell, st.just("1"))


@settings(deadline=None)
@given(st.lists(row, max_size=8), st.booleans())
def test_any_cells_read_back_exactly(rows: list[tuple[str, str, str]], bom: bool) -> None:
    problems = Problems()
    table = read_table(POSITIONS, write_table(HEADER, rows, bom=bom).encode(), problems)
    assert problems.kept == []
    assert [tuple(found.cells[column] for column in HEADER) for found in table.rows] == rows


@settings(deadline=None)
@given(st.lists(row, min_size=1, max_size=8))
def test_no_cell_begins_like_a_formula(rows: list[tuple[str, str, str]]) -> None:
    for cells in csv.reader(io.StringIO(write_table(HEADER, rows), newline="")):
        assert not any(one.startswith(("=", "+", "-", "@", "\t", "\r")) for one in cells)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+33 6 39 98 00 01", "'+33 6 39 98 00 01"),
        ("-18 ans", "'-18 ans"),
        ("@home", "'@home"),
        ("'=1", "''=1"),
        ("''-", "'''-"),
        ("'90", "'90"),
        ("l'été", "l'été"),
        ("\tx", "'\tx"),
    ],
)
def test_one_apostrophe_guards_a_cell(value: str, written: str) -> None:
    assert write_table(["a"], [[value]]) == f"a\n{written}\n"


def test_separators_quotes_and_line_ends_are_quoted() -> None:
    assert write_table(["a", "b"], [['dit "oui"', "1;2"], ["x,y", "1\n2"]]) == (
        'a,b\n"dit ""oui""","1;2"\n"x,y","1\n2"\n'
    )


def test_the_bom_is_there_on_request_only() -> None:
    assert write_rows(PEOPLE, [], bom=True).encode().startswith(b"\xef\xbb\xbfref,")
    assert write_rows(PEOPLE, []).encode().startswith(b"ref,")


def rows_of(season: Season) -> dict[str, list[Row]]:
    return {
        COMPANY: [season.company],
        PEOPLE: [*season.people],
        VENUES: [*season.venues],
        PRODUCTIONS: [*season.productions],
        CALLS: [*season.calls],
        POSITIONS: [*season.positions],
        ASSIGNMENTS: [*season.assignments],
    }


@pytest.mark.parametrize("name", ["compagnie-de-la-rampe", "theatre-du-pont"])
def test_the_season_is_written_as_it_was_read(name: str, folder: Folder, jobs: frozenset[str]) -> None:
    season = judge(folder(name), jobs).season
    assert season is not None
    written = {file: write_rows(file, rows).encode() for file, rows in rows_of(season).items()}
    assert judge(written, jobs).season == season
    unguarded = {file: content.replace(b",'+", b",+") for file, content in written.items()}
    assert unguarded == folder(name)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=50))
def test_a_title_of_any_text_survives_the_round_trip(title: str) -> None:
    season = judge(SMALL, {"comedien"}).season
    assert season is not None
    stored = judge(with_title(season, title), {"comedien"}).season
    if stored is None:
        assert not title.strip()
        return
    assert judge(with_title(season, stored.productions[0].title), {"comedien"}).season == stored


def with_title(season: Season, title: str) -> dict[str, bytes]:
    changed = replace(season, productions=[replace(season.productions[0], title=title)])
    return {file: write_rows(file, rows).encode() for file, rows in rows_of(changed).items()}


SMALL = {
    COMPANY: b"slug,name,siret,idcc,licences,timezone,city\n,Petite,,,,Europe/Paris,\n",
    PEOPLE: b"ref,first_name,last_name,email,phone,job,department,annexe,birth_date\n",
    VENUES: b"ref,name,address,postal_code,city,timezone,capacity\n",
    PRODUCTIONS: b"ref,title,kind,season,premiere_date,objet_number\nA,La Mouette,creation,,,\n",
    CALLS: b"ref,production_ref,venue_ref,kind,title,starts_at,ends_at,break_minutes\n",
    POSITIONS: b"call_ref,job,headcount\n",
    ASSIGNMENTS: b"call_ref,person_ref,job,status,option_rank,option_expires_at,pay_unit,cachets\n",
}


def test_a_row_of_another_file_is_a_value_error() -> None:
    person = PersonRow(2, "C01", "Anne", "Roy", None, None, "comedien", "artistic", "10", date(1980, 1, 1))
    with pytest.raises(ValueError):
        write_rows(CALLS, [person])
