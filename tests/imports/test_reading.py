"""From bytes to rows of text: what is accepted, and where what is refused stands."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.imports.domain import reading
from backend.imports.domain.columns import POSITIONS
from backend.imports.domain.problems import Problems, RowProblem
from backend.imports.domain.reading import MAXIMUM_CELL, Table, read_table

HEADER = b"call_ref,job,headcount\n"


def read(content: bytes) -> tuple[Table, list[RowProblem]]:
    problems = Problems()
    return read_table(POSITIONS, content, problems), problems.kept


def the_problem(content: bytes) -> RowProblem:
    _, problems = read(content)
    assert len(problems) == 1, problems
    return problems[0]


def cells(content: bytes) -> list[tuple[int, list[str]]]:
    table, problems = read(content)
    assert problems == []
    return [(row.line, list(row.cells.values())) for row in table.rows]


def test_comma_and_semicolon_bom_and_crlf_read_alike() -> None:
    plain = cells(HEADER + b"A-001,comedien,2\n")
    excel = b"\xef\xbb\xbf" + (HEADER + b"A-001,comedien,2\n").replace(b",", b";").replace(b"\n", b"\r\n")
    assert plain == cells(excel) == [(2, ["A-001", "comedien", "2"])]


def test_the_separator_is_the_headers_not_the_rows() -> None:
    assert cells(b"call_ref;job;headcount\nA,B,C;D,E;2\n") == [(2, ["A,B,C", "D,E", "2"])]


def test_columns_may_stand_in_any_order_with_spaces_around() -> None:
    table, problems = read(b" headcount , call_ref,job\n2,A,comedien\n")
    assert problems == []
    assert table.rows[0].cells == {"headcount": "2", "call_ref": "A", "job": "comedien"}


def test_a_line_break_between_quotes_is_part_of_the_cell_and_counts_as_a_line() -> None:
    content = HEADER + b'"A\nB","x\r\ny",1\n\nC,d,2\n'
    assert cells(content) == [(2, ["A\nB", "x\r\ny", "1"]), (6, ["C", "d", "2"])]


def test_blank_lines_and_lines_of_separators_are_no_rows() -> None:
    assert cells(b"\n" + HEADER + b"\nA,b,1\n,,\n , ,\n\n") == [(4, ["A", "b", "1"])]


def test_a_missing_end_of_the_last_line_changes_nothing() -> None:
    assert cells(HEADER + b"A,b,1") == cells(HEADER + b"A,b,1\n")


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_the_line_of_the_first_byte_that_is_not_utf8_is_told(end: bytes) -> None:
    problem = the_problem(end.join([b"call_ref,job,headcount", "é,b,1".encode(), b"\xe8,b,1"]))
    assert (problem.line, problem.code) == (3, "not_utf8")
    assert "enregistrez en UTF-8" in problem.sentence.fr


def test_utf16_is_refused_as_not_utf8() -> None:
    assert the_problem((HEADER.decode() + "A,b,1").encode("utf-16")).code == "not_utf8"


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\r\n", b" \t\n", b",,,\n", b"\x0b"])
def test_a_file_without_content_is_empty(content: bytes) -> None:
    assert the_problem(content).code == "file_empty"


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x0b", "\x1b", "\x7f", "\x85"])
def test_a_control_character_is_refused_with_line_and_column(character: str) -> None:
    table, problems = read(HEADER + f"A,b,1\nB,c{character},1\nC,d,1\n".encode())
    assert [(p.line, p.column, p.code) for p in problems] == [(3, "job", "control_character")]
    assert [row.line for row in table.rows] == [2, 4]
    assert table.values("call_ref") == {"A", "B", "C"}


def test_each_wrong_column_is_named() -> None:
    table, problems = read(b"call_ref,call_ref,jobb,headcount\nA,A,b,1\n")
    assert [(p.line, p.column, p.code) for p in problems] == [
        (1, "job", "column_missing"),
        (1, "jobb", "column_unknown"),
        (1, "call_ref", "column_duplicate"),
    ]
    assert (table.rows, table.complete) == ([], False)


@pytest.mark.parametrize(("row", "count"), [(b"A,b", 2), (b"A,b,1,", 4), (b"A,b,1,x,y", 5)])
def test_a_row_with_too_few_or_too_many_cells_is_named(row: bytes, count: int) -> None:
    table, problems = read(HEADER + row + b"\nB,c,1\n")
    assert [(p.line, p.code) for p in problems] == [(2, "cell_count")]
    assert f"{count} cellules au lieu de 3" in problems[0].sentence.fr
    assert [row.line for row in table.rows] == [3]
    assert table.values("call_ref") == {"A", "B"}


def test_a_cell_beyond_the_limit_is_named() -> None:
    problem = the_problem(HEADER + b"A," + b"x" * (MAXIMUM_CELL + 1) + b",1\n")
    assert (problem.line, problem.column, problem.code) == (2, "job", "cell_too_long")
    assert str(MAXIMUM_CELL) in problem.sentence.fr


def test_a_cell_of_a_megabyte_is_a_problem_not_an_error() -> None:
    assert the_problem(HEADER + b"A,b,1\nB," + b"x" * 1_000_000 + b",1\n").code == "cell_too_long"
    assert the_problem(HEADER + b'A,b,1\nB,"' + b"x\n" * 500_000).line == 3


@pytest.mark.parametrize("row", [b'A,"b,1\nC,d,1\n', b'A,"b"c,1\n'])
def test_quotes_that_do_not_pair_up_are_a_problem_of_their_line(row: bytes) -> None:
    table, problems = read(HEADER + b"Z,y,1\n" + row)
    assert [(p.line, p.code) for p in problems] == [(3, "malformed_csv")]
    assert not table.complete


def test_a_quote_inside_a_bare_cell_is_kept() -> None:
    assert cells(HEADER + b'A,La "Mouette",1\n') == [(2, ["A", 'La "Mouette"', "1"])]


def test_rows_beyond_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAXIMUM_ROWS", 3)
    assert read(HEADER + b"A,b,1\n" * 3)[1] == []
    problem = the_problem(HEADER + b"A,b,1\n" * 5)
    assert (problem.line, problem.code) == (5, "too_many_rows")


def test_a_guard_is_taken_off_once_and_remembered() -> None:
    table, _ = read(HEADER + b"'=x,''-y,'plain\n")
    assert list(table.rows[0].cells.values()) == ["=x", "'-y", "'plain"]
    assert table.rows[0].guarded == {"call_ref", "job"}


def test_a_header_of_very_many_columns_is_answered_briefly() -> None:
    _, problems = read(b",".join(b"c%d" % n for n in range(100_000)) + b"\n")
    assert len(problems) == 3 + reading.MAXIMUM_NAMED


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_problems(content: bytes) -> None:
    for text in (content, HEADER + content):
        table, problems = read(text)
        assert table.complete or problems


@settings(deadline=None)
@given(st.text(st.sampled_from("\",;\n\rA'=\x00 "), max_size=40))
def test_any_csv_like_text_is_rows_or_problems(text: str) -> None:
    table, problems = read(HEADER + text.encode())
    assert table.complete or problems
    assert all(set(row.cells) == {"call_ref", "job", "headcount"} for row in table.rows)
