"""A season is taken whole, or every row that is wrong is told."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.imports.domain import typed
from backend.imports.domain.columns import ASSIGNMENTS, CALLS, COLUMNS, COMPANY, FILES, PEOPLE, POSITIONS, VENUES
from backend.imports.domain.judging import SLUG_IGNORED, Judgement, judge
from backend.imports.domain.problems import MAXIMUM_KEPT, RowProblem
from backend.imports.domain.rows import Licence, Season
from backend.people.models import Annexe
from backend.planning.domain.states import Status
from backend.planning.models import CallKind, PayUnit
from backend.productions.models import ProductionKind

Folder = Callable[[str], dict[str, bytes]]
Edit = Callable[..., Judgement]


@pytest.fixture
def edited(folder: Folder, jobs: frozenset[str]) -> Edit:
    """Judge the small valid company after replacing one text of one file."""

    def judged(file: str, old: str, new: str, *, today: date | None = None) -> Judgement:
        files = folder("bad/00-valid")
        text = files[file].decode()
        assert old in text
        return judge({**files, file: text.replace(old, new, 1).encode()}, jobs, today=today)

    return judged


def places(judgement: Judgement) -> list[tuple[str, int | None, str | None, str]]:
    assert (judgement.season is None) == bool(judgement.problems)
    return [(p.file, p.line, p.column, p.code) for p in judgement.problems]


def only(judgement: Judgement) -> RowProblem:
    assert len(judgement.problems) == 1, judgement.problems
    assert judgement.season is None
    return judgement.problems[0]


def accepted(judgement: Judgement) -> Season:
    assert judgement.problems == ()
    assert judgement.season is not None
    return judgement.season


def counts(season: Season) -> tuple[int, ...]:
    return (
        len(season.people),
        len(season.venues),
        len(season.productions),
        len(season.calls),
        len(season.positions),
        len(season.assignments),
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("compagnie-de-la-rampe", (40, 10, 3, 254, 1279, 2530)),
        ("theatre-du-pont", (14, 2, 2, 25, 95, 138)),
        ("bad/00-valid", (3, 1, 1, 2, 3, 5)),
    ],
)
def test_the_good_companies_are_taken_with_the_counts_of_the_readme(
    name: str, expected: tuple[int, ...], folder: Folder, jobs: frozenset[str]
) -> None:
    judgement = judge(folder(name), jobs)
    assert counts(accepted(judgement)) == expected
    assert judgement.warnings == (SLUG_IGNORED,)


@pytest.mark.parametrize("name", ["bad/12-excel-fr", "bad/13-crlf"])
def test_other_dialects_give_the_very_same_season(name: str, folder: Folder, jobs: frozenset[str]) -> None:
    assert accepted(judge(folder(name), jobs)) == accepted(judge(folder("bad/00-valid"), jobs))


@pytest.mark.parametrize(
    ("name", "place", "words"),
    [
        ("01-missing-column", (PEOPLE, 1, "email", "column_missing"), ["email"]),
        ("02-unknown-person", (ASSIGNMENTS, 3, "person_ref", "unknown_ref"), ["C99", PEOPLE]),
        ("03-ends-before-starts", (CALLS, 3, "ends_at", "ends_before_start"), ["avant de commencer"]),
        ("04-wall-time-without-offset", (CALLS, 2, "starts_at", "offset_required"), ["décalage", "+01:00"]),
        ("05-duplicate-ref", (PEOPLE, 5, "ref", "duplicate"), ["C01", "2", "5"]),
        ("06-invalid-email", (PEOPLE, 2, "email", "invalid_email"), ["genevieve.roche(at)example.org"]),
        ("07-unknown-job", (POSITIONS, 2, "job", "unknown_job"), ["astronaute", "comedien", "regisseur_general"]),
        ("08-negative-headcount", (POSITIONS, 3, "headcount", "not_a_number"), ["-2", "nombre entier", "1"]),
        ("09-very-long-name", (PEOPLE, 2, "last_name", "too_long"), ["2000", "200"]),
        ("10-formula-cell", (PEOPLE, 2, "first_name", "formula"), ["=cmd", "tableur"]),
        ("11-latin-1", (PEOPLE, 2, None, "not_utf8"), ["UTF-8"]),
        ("14-empty-file", (CALLS, None, None, "file_empty"), ["vide"]),
        (
            "15-overlapping-confirmed",
            (ASSIGNMENTS, 4, "call_ref", "overlap"),
            ["Geneviève Roche (C01)", "A-001", "A-002"],
        ),
    ],
)
def test_a_bad_folder_is_refused_for_its_one_fault_only(
    name: str, place: tuple[str, int | None, str | None, str], words: list[str], folder: Folder, jobs: frozenset[str]
) -> None:
    judgement = judge(folder(f"bad/{name}"), jobs)
    assert places(judgement) == [place]
    assert all(word in judgement.problems[0].sentence.fr for word in words)


def test_values_are_typed(folder: Folder, jobs: frozenset[str]) -> None:
    season = accepted(judge(folder("compagnie-de-la-rampe"), jobs))
    assert season.company.licences[0] == Licence("2", "DEMO-2-000117", date(2026, 12, 22))
    assert season.people[0].birth_date == date(1989, 8, 17)
    assert season.calls[0].starts_at.isoformat() == "2026-09-07T10:00:00+02:00"
    assert season.venues[0].capacity == 320
    assert season.productions[2].objet_number is None
    options = [one for one in season.assignments if one.status == "option"]
    assert (len(options), sum(one.option_rank == 2 for one in options)) == (12, 2)
    assert all(one.option_expires_at is not None for one in options)


def test_the_words_of_the_files_are_those_of_the_tables() -> None:
    assert set(typed.CALL_KINDS) == set(CallKind)
    assert set(typed.PRODUCTION_KINDS) == set(ProductionKind)
    assert set(typed.ANNEXES) == set(Annexe)
    assert set(typed.PAY_UNITS) == set(PayUnit)


def test_every_bad_cell_of_every_row_is_told_at_once(edited: Edit) -> None:
    rows = "C02,=Lucas,Guillaume,nobody,abc,astronaute,,9,1974-13-12\nX,,@Roy,,,comedien,artistic,10,\n"
    judgement = edited(
        PEOPLE,
        "C02,Lucas,Guillaume,lucas.guillaume@example.org,+33 6 39 98 90 02,comedien,artistic,10,1974-04-12\n",
        rows,
    )
    assert places(judgement) == [
        (PEOPLE, 3, "first_name", "formula"),
        (PEOPLE, 3, "email", "invalid_email"),
        (PEOPLE, 3, "phone", "invalid_phone"),
        (PEOPLE, 3, "job", "unknown_job"),
        (PEOPLE, 3, "department", "value_required"),
        (PEOPLE, 3, "annexe", "unknown_value"),
        (PEOPLE, 3, "birth_date", "not_a_date"),
        (PEOPLE, 4, "first_name", "value_required"),
        (PEOPLE, 4, "last_name", "formula"),
    ]


def test_the_list_of_problems_is_cut_and_says_how_many_more(folder: Folder, jobs: frozenset[str]) -> None:
    files = folder("bad/00-valid")
    files[POSITIONS] += b"A-001,astronaute,0\n" * 300
    judgement = judge(files, jobs)
    assert len(judgement.problems) == MAXIMUM_KEPT
    assert judgement.more == 300 * 2 + 299 - MAXIMUM_KEPT


def test_each_missing_file_is_named(jobs: frozenset[str]) -> None:
    assert places(judge({}, jobs)) == [(file, None, None, "file_missing") for file in FILES]


def test_a_file_that_could_not_be_read_makes_no_other_file_wrong(folder: Folder, jobs: frozenset[str]) -> None:
    for file in (PEOPLE, CALLS, VENUES):
        files = folder("bad/00-valid")
        files[file] = files[file].replace(b"\n", b'\n"', 1)
        assert places(judge(files, jobs)) == [(file, 2, None, "malformed_csv")]


def test_a_bad_row_is_still_known_to_the_rows_that_name_it(edited: Edit) -> None:
    assert only(edited(PEOPLE, "Lucas,", "Lucas,Jean,")).code == "cell_count"
    assert only(edited(VENUES, ",320", ",many")).code == "not_a_number"


@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        (CALLS, "A-001,A,", "A-001,Z,", "unknown_ref"),
        (CALLS, "A-001,A,V01", "A-001,A,V99", "unknown_ref"),
        (POSITIONS, "A-001,", "A-009,", "unknown_ref"),
        (ASSIGNMENTS, "A-001,C01", "A-009,C01", "unknown_ref"),
        (POSITIONS, "A-002,comedien,2", "A-001,comedien,2", "duplicate"),
        (ASSIGNMENTS, "A-001,C02", "A-001,C01", "duplicate"),
        (CALLS, "rehearsal", "party", "unknown_value"),
        (CALLS, "Répétition", "", "value_required"),
        (CALLS, "+01:00,0", "+01:00,-1", "not_a_number"),
        (CALLS, "+01:00,0", "+01:00,", "value_required"),
        (CALLS, "13:00:00+01:00,0", "13:00:00+01:00,180", "break_too_long"),
        (CALLS, "2026-11-16T13:00", "2026-11-18T13:00", "call_too_long"),
        (CALLS, "2026-11-16T13:00", "2026-11-16T10:00", "ends_before_start"),
        (CALLS, "2026-11-16T10:00:00+01:00", "16/11/2026 10:00", "not_an_instant"),
        (CALLS, "2026-11-16T10:00:00+01:00", "2026-02-30T10:00:00+01:00", "not_an_instant"),
        (CALLS, "2026-11-16T10:00:00+01:00", "1969-11-16T10:00:00+01:00", "not_an_instant"),
        (CALLS, "2026-11-16T10:00:00+01:00", "2026-11-16T10:00:00+99:00", "not_an_instant"),
        (POSITIONS, "comedien,2", "comedien,0", "not_a_number"),
        (POSITIONS, "comedien,2", "comedien,1.5", "not_a_number"),
        (POSITIONS, "comedien,2", "comedien,99999999999999999999", "not_a_number"),
        (POSITIONS, "comedien,2", "comedien,٢", "not_a_number"),
        (ASSIGNMENTS, "confirmed", "maybe", "unknown_value"),
        (ASSIGNMENTS, "option,1,", "option,99,", "not_a_number"),
        (ASSIGNMENTS, "option,1,", "option,0,", "not_a_number"),
        (ASSIGNMENTS, "option,1,", "option,,", "option_incomplete"),
        (ASSIGNMENTS, "2026-11-10T18:00:00+01:00", "", "option_incomplete"),
        (ASSIGNMENTS, "2026-11-10T18:00:00+01:00", "2026-11-10T18:00:00", "offset_required"),
        (ASSIGNMENTS, "confirmed,,", "confirmed,1,", "not_an_option"),
        (ASSIGNMENTS, "confirmed,,", "draft,,2026-11-10T18:00:00+01:00", "not_an_option"),
        (ASSIGNMENTS, "hour,", "hour,1", "cachets_refused"),
        (ASSIGNMENTS, "hour,", "cachet,", "cachets_required"),
        (ASSIGNMENTS, "hour,", "cachet,101", "not_a_number"),
        (ASSIGNMENTS, "hour,", "day,", "unknown_value"),
        (PEOPLE, ",10,", ",8 ,", None),
        (PEOPLE, ",10,", ",11,", "unknown_value"),
        (PEOPLE, "lucas.guillaume@", "Genevieve.Roche@", "duplicate_email"),
        (PEOPLE, "+33 6 39 98 90 01", "=1+1", "invalid_phone"),
        (PEOPLE, "+33 6 39 98 90 01", "+cmd|' /C calc'!A0", "invalid_phone"),
        (PEOPLE, "+33 6 39 98 90 01", "0" * 41, "too_long"),
        (PEOPLE, "+33 6 39 98 90 01", "", None),
        (PEOPLE, "1980-02-03", "1880-02-03", "not_a_date"),
        (PEOPLE, "1980-02-03", "03/02/1980", "not_a_date"),
        (PEOPLE, "Geneviève", "'=1+1", "formula"),
        (PEOPLE, "Geneviève", " +1", "formula"),
        (PEOPLE, "Geneviève", "Gene\u2028viève", "control_character"),
        (PEOPLE, "Geneviève", "Gene\tviève", "control_character"),
        (PEOPLE, "Geneviève", '"Gene\nviève"', "control_character"),
        (PEOPLE, "Geneviève", "Gene\x00viève", "control_character"),
        (PEOPLE, "genevieve.roche@example.org", "=1@example.org", "formula"),
        (PEOPLE, "genevieve.roche@example.org", f"{'a' * 400}@example.org", "too_long"),
        (VENUES, "Salle du Cabestan", "=1+1", "formula"),
        (VENUES, "14 quai du Cabestan", "@SUM(A1)", "formula"),
        (VENUES, "14 quai du Cabestan", "'-2 quai", None),
        (VENUES, "14 quai du Cabestan", '"14 quai\nBâtiment B"', None),
        (VENUES, "Europe/Paris", "Europe/Nantes", "unknown_timezone"),
        (VENUES, "Europe/Paris", "../../etc/passwd", "unknown_timezone"),
        (COMPANY, "Europe/Paris", "Paris", "unknown_timezone"),
        (COMPANY, "99999999800019", "99999999800018", "invalid_siret"),
        (COMPANY, "99999999800019", "9,99999998E+13", "cell_count"),
        (COMPANY, "99999999800019", "999 999 998 00019", None),
        (COMPANY, "1285", "CCNEAC", "invalid_idcc"),
        (COMPANY, "1285", "", None),
        (COMPANY, "2:DEMO-2-000901:2028-06-30", "4:X:2028-06-30", "invalid_licence"),
        (COMPANY, "2:DEMO-2-000901:2028-06-30", "2:X", "invalid_licence"),
        (COMPANY, "2:DEMO-2-000901:2028-06-30", "2:X:30/06/2028", "not_a_date"),
        (COMPANY, "2:DEMO-2-000901:2028-06-30", "2:X:2028-06-30|", "invalid_licence"),
        (COMPANY, "2:DEMO-2-000901:2028-06-30", "2:X:2028-06-30 | 3:Y:Z:2029-06-30", None),
        (COMPANY, "2:DEMO-2-000901:2028-06-30", "", None),
    ],
)
def test_one_wrong_cell_gives_one_problem(edited: Edit, file: str, old: str, new: str, code: str | None) -> None:
    judgement = edited(file, old, new)
    if code is None:
        accepted(judgement)
    else:
        problem = only(judgement)
        assert (problem.file, problem.code) == (file, code)
        assert problem.line is not None


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (b"A-002,A,V01,rehearsal,R,2026-11-17T10:00:00+01:00,2026-11-17T13:00:00+01:00,0", "duplicate"),
        (b"-A3,A,V01,rehearsal,R,2026-11-17T10:00:00+01:00,2026-11-17T13:00:00+01:00,0", "formula"),
        (b"A3,A,,rehearsal,R,2026-11-17T10:00:00+01:00,2026-11-17T13:00:00+01:00,0", None),
    ],
)
def test_a_call_more_has_a_ref_of_its_own_and_perhaps_no_venue_yet(
    row: bytes, code: str | None, folder: Folder, jobs: frozenset[str]
) -> None:
    files = folder("bad/00-valid")
    files[CALLS] += row + b"\n"
    assert places(judge(files, jobs)) == ([(CALLS, 4, "ref", code)] if code else [])


@pytest.mark.parametrize("status", list(Status))
def test_every_state_of_an_assignment_is_accepted(edited: Edit, status: Status) -> None:
    terms = "1,2026-11-10T18:00:00+01:00" if status is Status.OPTION else ","
    season = accepted(edited(ASSIGNMENTS, "A-001,C02,comedien,confirmed,,", f"A-001,C02,comedien,{status},{terms}"))
    assert season.assignments[1].status == status


@pytest.mark.parametrize("status", ["accepted", "declined", "expired", "released"])
def test_an_answered_option_may_keep_its_rank_and_expiry(edited: Edit, status: str) -> None:
    season = accepted(edited(ASSIGNMENTS, ",option,", f",{status},"))
    assert season.assignments[3].option_rank == 1


def test_an_option_that_expired_long_ago_is_no_problem(edited: Edit) -> None:
    accepted(edited(ASSIGNMENTS, "2026-11-10T18:00:00+01:00", "2019-11-10T18:00:00+01:00"))


@pytest.mark.parametrize("rows", [0, 2])
def test_the_company_is_exactly_one_row(folder: Folder, jobs: frozenset[str], rows: int) -> None:
    files = folder("bad/00-valid")
    header, row = files[COMPANY].splitlines(keepends=True)
    files[COMPANY] = header + row * rows
    expected = (COMPANY, None, None, "company_missing") if rows == 0 else (COMPANY, 3, None, "one_company")
    assert places(judge(files, jobs)) == [expected]


def test_without_a_slug_there_is_nothing_to_warn_of(edited: Edit) -> None:
    assert edited(COMPANY, "petite-compagnie,", ",").warnings == ()


def test_a_birth_date_after_today_is_refused(edited: Edit) -> None:
    assert only(edited(PEOPLE, "1980-02-03", "2027-01-02", today=date(2027, 1, 1))).code == "birth_date"
    accepted(edited(PEOPLE, "1980-02-03", "2027-01-01", today=date(2027, 1, 1)))


def test_a_time_that_the_clocks_of_the_venue_skip_is_refused(edited: Edit) -> None:
    skipped, shown = (
        "2027-03-28T02:30:00+01:00,2027-03-28T05:00:00+02:00",
        "2026-11-16T10:00:00+01:00,2026-11-16T13:00:00+01:00",
    )
    problem = only(edited(CALLS, shown, skipped))
    assert (problem.line, problem.column, problem.code) == (2, "starts_at", "wall_time_skipped")
    assert "2027-03-28 02:30" in problem.sentence.fr
    accepted(edited(CALLS, shown, skipped.replace("T02:30:00+01:00", "T01:30:00+00:00")))


def test_the_zone_is_the_venues_and_without_a_venue_the_companys(folder: Folder, jobs: frozenset[str]) -> None:
    files = folder("bad/00-valid")
    for call in (b"A-003,A,V01,travel,Retour,", b"A-004,A,,travel,Retour,"):
        files[CALLS] += call + b"2027-03-28T02:30:00+01:00,2027-03-28T05:00:00+02:00,0\n"
    assert [place[1] for place in places(judge(files, jobs))] == [4, 5]
    files[VENUES] = files[VENUES].replace(b"Europe/Paris", b"America/New_York")
    assert [place[1] for place in places(judge(files, jobs))] == [5]


def test_an_option_that_expires_at_a_skipped_time_is_refused(edited: Edit) -> None:
    problem = only(edited(ASSIGNMENTS, "2026-11-10T18:00:00+01:00", "2027-03-28T02:30:00+01:00"))
    assert (problem.column, problem.code) == ("option_expires_at", "wall_time_skipped")


def test_confirmed_calls_that_touch_do_not_overlap(edited: Edit) -> None:
    accepted(edited(CALLS, "2026-11-16T14:30:00+01:00", "2026-11-16T13:00:00+01:00"))
    assert only(edited(CALLS, "2026-11-16T14:30:00+01:00", "2026-11-16T12:59:00+01:00")).code == "overlap"


def test_overlaps_are_of_instants_not_of_wall_times(edited: Edit) -> None:
    accepted(edited(CALLS, "2026-11-16T14:30:00+01:00", "2026-11-16T12:30:00+00:00"))
    assert only(edited(CALLS, "2026-11-16T14:30:00+01:00", "2026-11-16T13:30:00+02:00")).code == "overlap"


def test_two_jobs_at_once_on_one_call_overlap(edited: Edit) -> None:
    problem = only(edited(ASSIGNMENTS, "A-001,C02,comedien", "A-001,C01,musicien"))
    assert (problem.line, problem.code) == (3, "overlap")


def test_a_short_call_inside_a_long_one_is_found_behind_another(folder: Folder, jobs: frozenset[str]) -> None:
    files = folder("bad/00-valid")
    files[CALLS] += (
        b"L,A,V01,setup,Long,2026-12-01T08:00:00+01:00,2026-12-01T20:00:00+01:00,0\n"
        b"S,A,V01,setup,Court,2026-12-01T09:00:00+01:00,2026-12-01T10:00:00+01:00,0\n"
        b"T,A,V01,setup,Tard,2026-12-01T19:00:00+01:00,2026-12-01T22:00:00+01:00,0\n"
    )
    files[ASSIGNMENTS] += b"".join(b"%s,C01,comedien,confirmed,,,hour,\n" % ref for ref in (b"L", b"S", b"T"))
    assert [place[1] for place in places(judge(files, jobs))] == [8, 9]


def test_an_option_may_overlap(edited: Edit) -> None:
    judgement = edited(CALLS, "2026-11-16T14:30:00+01:00", "2026-11-16T12:00:00+01:00")
    assert "Lucas" not in only(judgement).sentence.fr


def test_names_are_stored_in_composed_form(edited: Edit) -> None:
    assert accepted(edited(PEOPLE, "Geneviève", "Genevie\u0300ve")).people[0].first_name == "Geneviève"


def test_every_problem_has_both_languages(folder: Folder, jobs: frozenset[str]) -> None:
    files = {file: ",".join(COLUMNS[file]).encode() + b"\n" + b",".join([b"=x"] * len(COLUMNS[file])) for file in FILES}
    problems = judge(files, jobs).problems
    assert len(problems) > 30
    assert all(p.sentence.fr and p.sentence.en and p.sentence.fr != p.sentence.en for p in problems)


@settings(deadline=None)
@given(st.sampled_from(FILES), st.lists(st.lists(st.text(max_size=12), max_size=9), max_size=3))
def test_nothing_in_a_file_raises(file: str, rows: list[list[str]]) -> None:
    files = {name: ",".join(COLUMNS[name]).encode() + b"\n" for name in FILES}
    files[file] += "\n".join(",".join(row) for row in rows).encode()
    judgement = judge(files, {"comedien"})
    assert judgement.season is None
    assert judgement.problems
