"""The import as an act of a company: what it creates, what it changes, and above all what it leaves alone."""

import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib.resources import files as package_files
from typing import Any

import pytest
from sqlalchemy import select, update

from backend.imports import applying, repository
from backend.imports.refusals import ImportRejectedError, RowError
from backend.planning import probing
from backend.planning.domain.states import Status
from backend.planning.findings import find
from backend.planning.models import Call, CallStatus, Position
from backend.telemetry import record
from backend.tenancy.session import Database
from tests.helpers import SignedUpCompany, sign_up
from tests.imports.acts import NOW, Files, acting, changed, load, one, outcomes, snapshot, without
from tests.imports.conftest import Folder
from tests.planning.stage import Stage, same_person

BEFORE_THE_OPTION_EXPIRES = datetime(2026, 11, 1, tzinfo=UTC)
SEASONS = ("compagnie-de-la-rampe", "theatre-du-pont")
ONE_EACH = dict.fromkeys(
    ("company.csv", "people.csv", "venues.csv", "productions.csv", "calls.csv", "positions.csv", "assignments.csv"), 1
)
SMALL = {"people.csv": 3, "venues.csv": 1, "productions.csv": 1, "calls.csv": 2, "positions.csv": 3,
         "assignments.csv": 5}  # fmt: skip


@pytest.fixture
def stage(client: Any, company: SignedUpCompany) -> Stage:
    return Stage(client, company)


def counts_of_readme(name: str) -> dict[str, int]:
    readme = (package_files("backend") / "demo" / "season" / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+\.csv)` \| ([\d,]+) \| ([\d,]+) \|$", readme, re.MULTILINE)
    return {file: int(row[SEASONS.index(name)].replace(",", "")) for file, *row in rows}


async def refused(database: Database, company: SignedUpCompany, files: Files) -> list[RowError]:
    """Import, see it refused with nothing changed, and return why."""
    before = await snapshot(database, company)
    with pytest.raises(ImportRejectedError) as caught:
        await load(database, company, files)
    assert await snapshot(database, company) == before
    return [error for error in caught.value.fields if isinstance(error, RowError)]


@pytest.mark.parametrize("name", SEASONS)
async def test_a_season_comes_in_whole_and_the_same_again_changes_nothing(
    database: Database, company: SignedUpCompany, folder: Folder, name: str
) -> None:
    expected = counts_of_readme(name)
    assert len(expected) == 7
    started = time.perf_counter()
    report = await load(database, company, folder(name))
    print(f"{name}: {time.perf_counter() - started:.2f} s")  # noqa: T201 - a figure to read, not to assert
    assert {**outcomes(report, "created"), **outcomes(report, "updated")} == expected
    found = await snapshot(database, company)
    tables = {"people.csv": "person", "venues.csv": "venue", "productions.csv": "production", "calls.csv": "call",
              "positions.csv": "position", "assignments.csv": "assignment"}  # fmt: skip
    assert {file: len(found[table]) for file, table in tables.items()} | {"company.csv": 1} == expected
    again = await load(database, company, folder(name))
    assert outcomes(again, "unchanged") == expected
    assert await snapshot(database, company) == found


async def test_of_the_season_nine_options_stand_and_three_have_expired(
    database: Database, company: SignedUpCompany, folder: Folder
) -> None:
    await load(database, company, folder("compagnie-de-la-rampe"))
    rows = (await snapshot(database, company))["assignment"]
    states = Counter(row["status"] for row in rows)
    assert states == {Status.CONFIRMED: 2514, Status.OPTION: 9, Status.EXPIRED: 3, Status.DECLINED: 4}
    expired = [row for row in rows if row["status"] is Status.EXPIRED]
    assert {(row["rank"], row["expires_at"]) for row in expired} == {(1, datetime(2026, 11, 13, 17, tzinfo=UTC))}


async def test_ten_times_the_rows_take_a_few_more_statements_at_most(
    database: Database, company: SignedUpCompany, other_company: SignedUpCompany, folder: Folder, small: Files
) -> None:
    taken = []
    for its_company, files in ((company, small), (other_company, folder("compagnie-de-la-rampe"))):
        request = record.RequestRecord()
        record.begin(request)
        await load(database, its_company, files)
        taken.append(request.statements)
        request.statements = 0
        await load(database, its_company, files)
        taken.append(request.statements)
    few, few_again, many, many_again = taken
    print(f"statements: {taken}")  # noqa: T201 - a figure to read
    assert few <= 43  # two read whom published dates concern; the last hands over the renewal of the agenda
    assert many <= few + 15  # SQLite asks for the bookings of four hundred people at a time
    assert many_again == few_again <= 23


async def test_calls_come_in_published_in_version_one_and_confirmed_people_are_booked(
    database: Database, company: SignedUpCompany, small: Files
) -> None:
    await load(database, company, small)
    found = await snapshot(database, company)
    call = one(found["call"], ref="A-001")
    assert (call["status"], call["published_version"], call["published_at"]) == (CallStatus.PUBLISHED, 1, NOW)
    assert call["published"]["title"] == call["title"] == "Répétition"
    assert call["published_starts_at"] == call["starts_at"] == datetime(2026, 11, 16, 9, tzinfo=UTC)
    publication = one(found["call_publication"], call_id=call["id"])
    assert (publication["version"], publication["snapshot"], publication["changes"]) == (1, call["published"], [])
    confirmed = {row["id"] for row in found["assignment"] if row["status"] is Status.CONFIRMED}
    assert {row["assignment_id"] for row in found["booking"]} == confirmed
    assert len(confirmed) == 4
    positions = {(row["call_id"], row["job"]): row["id"] for row in found["position"]}
    assert all(row["position_id"] == positions[row["call_id"], row["job"]] for row in found["assignment"]
               if (row["call_id"], row["job"]) in positions)  # fmt: skip
    (event,) = [row for row in found["audit_event"] if row["what"] == "season.imported"]
    assert event["actor_name"] == "Camille Renard"
    assert event["after"]["people.csv"]["created"] == 3


async def test_company_csv_describes_the_company_and_never_renames_it(
    database: Database, company: SignedUpCompany, small: Files
) -> None:
    report = await load(database, company, small)
    (row,) = (await snapshot(database, company))["company"]
    assert (row["slug"], row["name"], row["city"], row["idcc"]) == (company.slug, "Petite Compagnie", "Nantes", "1285")
    assert row["licences"] == [{"category": 2, "number": "DEMO-2-000901", "expires_on": "2028-06-30"}]
    ignored, renamed, renumbered = report.warnings
    assert "slug" in ignored
    assert "« Petite Compagnie »" in renamed
    assert "SIRET" in renumbered
    assert report.files["company.csv"].updated == 1
    assert len((await load(database, company, small)).warnings) == 1


async def test_a_call_is_on_tour_when_its_venue_is_in_another_city_than_the_company_now_is(
    database: Database, company: SignedUpCompany, small: Files
) -> None:
    await load(database, company, small)
    assert [row["on_tour"] for row in (await snapshot(database, company))["call"]] == [False, False]
    moved = changed(small, "company.csv", ("Nantes", "Rennes"))
    report = await load(database, company, moved)
    assert outcomes(report, "updated") == {"company.csv": 1, "calls.csv": 2}
    assert [row["on_tour"] for row in (await snapshot(database, company))["call"]] == [True, True]


async def test_a_changed_folder_updates_what_changed_and_nothing_else(
    database: Database, company: SignedUpCompany, small: Files
) -> None:
    await load(database, company, small)
    before = await snapshot(database, company)
    files = changed(small, "company.csv", ("Petite Compagnie", "Grande Compagnie"))
    files = changed(files, "people.csv", ("98 90 01", "98 90 09"))
    files = changed(files, "venues.csv", ("320", "321"))
    files = changed(files, "productions.csv", ("La Mouette", "Platonov"))
    files = changed(files, "calls.csv", ("A-001,A,V01,rehearsal,Répétition", "A-001,A,V01,rehearsal,Italienne"))
    files = changed(files, "positions.csv", ("A-001,comedien,2", "A-001,comedien,3"))
    files = changed(
        files, "assignments.csv", ("A-001,C01,comedien,confirmed,,,hour,", "A-001,C01,comedien,confirmed,,,cachet,1")
    )
    later = NOW + timedelta(hours=1)
    report = await load(database, company, files, now=later)
    assert outcomes(report, "updated") == ONE_EACH
    assert outcomes(report, "created") == outcomes(report, "absent") == outcomes(report, "kept") == {}
    found = await snapshot(database, company)
    for table in ("person", "venue", "production", "call", "position", "assignment", "company"):
        versions = Counter(row["version"] for row in found[table])
        was = Counter(row["version"] for row in before[table])
        grown = sum(number * version for version, number in (versions - was).items()) - sum(
            number * version for version, number in (was - versions).items()
        )
        assert grown == 1, table
    person = one(found["person"], ref="C01")
    assert (person["phone"], person["created_at"], person["updated_at"]) == ("+33 6 39 98 90 09", NOW, later)
    call = one(found["call"], ref="A-001")
    assert (call["published_version"], call["published"]["title"]) == (2, "Italienne")
    publication = one(found["call_publication"], call_id=call["id"], version=2)
    assert publication["changes"] == [{"field": "title", "before": "Répétition", "after": "Italienne"}]


async def test_rows_that_the_files_lack_stay_and_are_counted(
    database: Database, company: SignedUpCompany, small: Files
) -> None:
    await load(database, company, small)
    before = await snapshot(database, company)
    files = without(small, "assignments.csv", "A-002")
    files = without(without(files, "positions.csv", "A-002"), "calls.csv", "A-002")
    files = without(files, "people.csv", "RG01")
    report = await load(database, company, files)
    assert outcomes(report, "absent") == {"people.csv": 1, "calls.csv": 1, "positions.csv": 2, "assignments.csv": 3}
    assert await snapshot(database, company) == before


async def test_a_dry_run_counts_the_same_and_leaves_nothing(
    database: Database, company: SignedUpCompany, small: Files
) -> None:
    before = await snapshot(database, company)
    tried = await load(database, company, small, dry_run=True)
    assert tried.dry_run
    assert await snapshot(database, company) == before
    done = await load(database, company, small)
    assert done.files == tried.files
    assert outcomes(done, "created") == SMALL


async def test_a_moved_call_takes_its_bookings_along_also_those_of_people_the_file_lacks(
    database: Database, company: SignedUpCompany, small: Files
) -> None:
    await load(database, company, small)
    files = changed(
        small, "calls.csv", ("2026-11-16T14:30:00+01:00,2026-11-16T18:00", "2026-11-17T14:30:00+01:00,2026-11-17T18:00")
    )
    files = without(files, "assignments.csv", "A-002,RG01")
    await load(database, company, files)
    found = await snapshot(database, company)
    call = one(found["call"], ref="A-002")
    moved = {
        row["id"] for row in found["assignment"] if row["call_id"] == call["id"] and row["status"] is Status.CONFIRMED
    }
    assert len(moved) == 2
    spans = {(row["starts_at"], row["ends_at"]) for row in found["booking"] if row["assignment_id"] in moved}
    assert spans == {(call["starts_at"], call["ends_at"])} == {(datetime(2026, 11, 17, 13, 30, tzinfo=UTC),
                                                                datetime(2026, 11, 17, 17, tzinfo=UTC))}  # fmt: skip


async def test_two_calls_may_exchange_their_times(database: Database, company: SignedUpCompany, small: Files) -> None:
    await load(database, company, small)
    first, second = "2026-11-16T10:00:00+01:00,2026-11-16T13:00:00", "2026-11-16T14:30:00+01:00,2026-11-16T18:00:00"
    files = changed(small, "calls.csv", (first, "FIRST"), (second, first), ("FIRST", second))
    report = await load(database, company, files)
    assert outcomes(report, "updated") == {"calls.csv": 2}
    found = await snapshot(database, company)
    starts = {row["id"]: row["starts_at"] for row in found["call"]}
    calls = {row["id"]: row["call_id"] for row in found["assignment"]}
    assert all(row["starts_at"] == starts[calls[row["assignment_id"]]] for row in found["booking"])


async def test_an_assignment_confirmed_no_more_gives_its_person_back(
    database: Database, company: SignedUpCompany, small: Files
) -> None:
    await load(database, company, small)
    files = changed(small, "assignments.csv", ("A-001,C01,comedien,confirmed", "A-001,C01,comedien,cancelled"))
    assert outcomes(await load(database, company, files), "updated") == {"assignments.csv": 1}
    found = await snapshot(database, company)
    assert len(found["booking"]) == 3
    await load(database, company, small)
    assert len((await snapshot(database, company))["booking"]) == 4


async def test_what_somebody_did_in_filage_is_kept(
    database: Database, company: SignedUpCompany, small: Files, stage: Stage
) -> None:
    files = changed(small, "assignments.csv", ("2026-11-10T18:00", "2126-11-10T18:00"))
    await load(database, company, files)
    option = one((await snapshot(database, company))["assignment"], status=Status.OPTION)
    assert (await stage.post(f"/assignments/{option['id']}/release")).status_code == 200
    cancelled = one((await snapshot(database, company))["assignment"], job="regisseur_general")
    answer = await stage.post(f"/assignments/{cancelled['id']}/cancel", {"reason": "La salle est fermée."})
    assert answer.status_code == 200, answer.text
    before = await snapshot(database, company)
    files = changed(files, "assignments.csv", ("comedien,option,1,2126", "comedien,option,2,2127"))
    report = await load(database, company, files)
    assert outcomes(report, "kept") == {"assignments.csv": 2}
    assert outcomes(report, "updated") == outcomes(report, "created") == {}
    assert await snapshot(database, company) == before


@pytest.mark.parametrize("refusal", [Status.DECLINED, Status.RELEASED])
async def test_a_refusal_is_never_undone_even_one_that_the_file_itself_brought(
    database: Database, company: SignedUpCompany, small: Files, refusal: Status
) -> None:
    files = changed(small, "assignments.csv", ("A-001,C01,comedien,confirmed", f"A-001,C01,comedien,{refusal}"))
    await load(database, company, files)
    before = await snapshot(database, company)
    assert len(before["booking"]) == 3
    report = await load(database, company, small)
    assert outcomes(report, "kept") == {"assignments.csv": 1}
    assert await snapshot(database, company) == before


async def test_an_option_of_the_file_that_lapsed_is_no_change_and_may_be_given_more_time(
    database: Database, company: SignedUpCompany, small: Files
) -> None:
    await load(database, company, small, now=BEFORE_THE_OPTION_EXPIRES)
    before = await snapshot(database, company)
    assert one(before["assignment"], status=Status.OPTION)["rank"] == 1
    report = await load(database, company, small, now=NOW)
    assert outcomes(report, "unchanged")["assignments.csv"] == 5
    assert await snapshot(database, company) == before
    files = changed(small, "assignments.csv", ("2026-11-10T18:00", "2026-12-10T18:00"))
    assert outcomes(await load(database, company, files), "updated") == {"assignments.csv": 1}
    option = one((await snapshot(database, company))["assignment"], status=Status.OPTION)
    assert option["expires_at"] == datetime(2026, 12, 10, 17, tzinfo=UTC)


async def test_a_cancelled_call_stays_cancelled_and_nobody_is_put_on_it(
    database: Database, company: SignedUpCompany, small: Files, stage: Stage
) -> None:
    await load(database, company, without(small, "assignments.csv", "A-001,C02"))
    call = one((await snapshot(database, company))["call"], ref="A-001")
    answer = await stage.patch(f"/calls/{call['id']}", {"status": "cancelled", "cancel_reason": "La salle est fermée."})
    assert answer.status_code == 200, answer.text
    before = await snapshot(database, company)
    report = await load(database, company, changed(small, "calls.csv", ("A-001,A,V01,rehearsal", "A-001,A,V01,travel")))
    assert outcomes(report, "kept") == {"calls.csv": 1, "assignments.csv": 2}
    assert outcomes(report, "created") == outcomes(report, "updated") == {}
    assert await snapshot(database, company) == before


async def test_a_person_whose_address_has_an_account_is_not_linked(
    database: Database, client: Any, company: SignedUpCompany, small: Files
) -> None:
    somebody = await sign_up(client)
    files = changed(small, "people.csv", ("genevieve.roche@example.org", somebody.email))
    await load(database, company, files)
    person = one((await snapshot(database, company))["person"], email=somebody.email)
    assert person["user_id"] is None


async def test_two_people_may_exchange_their_addresses(
    database: Database, company: SignedUpCompany, small: Files
) -> None:
    await load(database, company, small)
    first, second = "genevieve.roche@example.org", "lucas.guillaume@example.org"
    files = changed(small, "people.csv", (first, "FIRST"), (second, first), ("FIRST", second))
    assert outcomes(await load(database, company, files), "updated") == {"people.csv": 2}
    assert one((await snapshot(database, company))["person"], ref="C01")["email"] == second


async def test_an_address_of_somebody_else_of_the_directory_is_refused_at_its_line(
    database: Database, company: SignedUpCompany, small: Files, stage: Stage
) -> None:
    await stage.create("/people", first_name="Ana", last_name="Roux", job="comedien", email="isaac.lambert@example.org")
    (error,) = await refused(database, company, small)
    assert (error.file, error.line, error.column, error.code) == ("people.csv", 4, "email", "duplicate_email")


async def test_a_booking_of_this_company_that_the_files_lack_is_an_overlap_at_its_line(
    database: Database, company: SignedUpCompany, small: Files
) -> None:
    await load(database, company, small)
    files = without(small, "assignments.csv", "A-002")
    files = without(without(files, "positions.csv", "A-002"), "calls.csv", "A-002")
    late = changed(files, "calls.csv", ("2026-11-16T13:00", "2026-11-16T15:00"))
    (error,) = await refused(database, company, late)
    assert (error.file, error.line, error.code) == ("assignments.csv", 2, "overlap")
    assert "Geneviève Roche" in error.sentence.fr
    assert "Répétition" in error.sentence.fr
    moved_alone = without(late, "assignments.csv", "A-001")
    (error,) = await refused(database, company, moved_alone)
    assert (error.file, error.line, error.column, error.code) == ("calls.csv", 2, "starts_at", "overlap")


async def test_a_person_whom_another_company_holds_is_not_available_and_not_a_word_more(
    database: Database, company: SignedUpCompany, other_company: SignedUpCompany, small: Files, client: Any
) -> None:
    await load(database, company, without(small, "assignments.csv", "A-"))
    mine = one((await snapshot(database, company))["person"], ref="C01")
    other = Stage(client, other_company)
    person = await other.person()
    await same_person(database, (other_company, person), (company, {"id": str(mine["id"])}))
    start = datetime(2026, 11, 16, 12, tzinfo=UTC)  # 13:00 in Paris: touches the first call, lies on the second
    await other.confirmed(await other.call(await other.production(), start, hours=2, title="Secret"), person)
    (error,) = await refused(database, company, small)
    assert (error.file, error.line, error.column) == ("assignments.csv", 4, "person_ref")
    assert error.code == "person_not_available"
    assert "Secret" not in error.sentence.fr + error.sentence.en
    assert outcomes(await load(database, company, without(small, "assignments.csv", "A-002,C01")), "created") == {
        "assignments.csv": 4
    }


async def test_every_not_available_row_that_is_named_is_counted_for_the_limit_and_no_other_is_told(
    database: Database, company: SignedUpCompany, other_company: SignedUpCompany, small: Files, client: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await load(database, company, without(small, "assignments.csv", "A-"))
    mine = one((await snapshot(database, company))["person"], ref="C01")
    other = Stage(client, other_company)
    person = await other.person()
    await same_person(database, (other_company, person), (company, {"id": str(mine["id"])}))
    start = datetime(2026, 11, 16, 9, tzinfo=UTC)
    await other.confirmed(await other.call(await other.production(), start, hours=9), person)
    with pytest.raises(ImportRejectedError) as caught:
        await load(database, company, small)
    assert caught.value.unavailable == 2
    assert (len(caught.value.fields), caught.value.extra["more"]) == (2, 0)
    counted: list[int] = []
    monkeypatch.setattr(applying, "UNAVAILABLE_TOLD", 1)
    monkeypatch.setattr(probing, "note_refusals", lambda _act, refused: counted.append(refused))
    with pytest.raises(ImportRejectedError) as caught:
        await load(database, company, small)
    assert (counted, caught.value.unavailable) == ([1], 1)
    assert (len(caught.value.fields), caught.value.extra["more"]) == (1, 0)
    assert "corrigez celles-ci d'abord" in caught.value.sentence.fr


async def test_two_rows_that_mean_one_row_of_filage_are_refused(
    database: Database, company: SignedUpCompany, small: Files
) -> None:
    await load(database, company, small)
    venue = one((await snapshot(database, company))["venue"], ref="V01")
    row = f"id:{venue['id']},Autre salle,,,,Europe/Paris,\n"
    files = {**small, "venues.csv": small["venues.csv"] + row.encode()}
    (error,) = await refused(database, company, files)
    assert (error.file, error.line, error.code) == ("venues.csv", 3, "duplicate")


async def test_breaks_with_a_place_stay_while_they_make_up_the_minutes_of_the_file(
    database: Database, company: SignedUpCompany, small: Files, stage: Stage
) -> None:
    files = changed(small, "calls.csv", ("2026-11-16T18:00:00+01:00,0", "2026-11-16T18:00:00+01:00,30"))
    await load(database, company, files)
    call = one((await snapshot(database, company))["call"], ref="A-002")
    assert (call["breaks"], call["unplaced_break_minutes"]) == ([], 30)
    pause = {"starts_at": "2026-11-16T16:00:00+01:00", "ends_at": "2026-11-16T16:20:00+01:00", "paid": False}
    answer = await stage.patch(f"/calls/{call['id']}", {"breaks": [pause], "unplaced_break_minutes": 10})
    assert answer.status_code == 200, answer.text
    before = await snapshot(database, company)
    await load(database, company, files)
    assert await snapshot(database, company) == before
    await load(database, company, changed(files, "calls.csv", ("18:00:00+01:00,30", "18:00:00+01:00,45")))
    call = one((await snapshot(database, company))["call"], ref="A-002")
    assert (call["breaks"], call["unplaced_break_minutes"]) == ([], 45)


async def test_a_draft_call_stays_a_draft(
    database: Database, company: SignedUpCompany, small: Files, stage: Stage
) -> None:
    await load(database, company, small)
    production = one((await snapshot(database, company))["production"], ref="A")
    call = await stage.call({"id": str(production["id"])})
    row = f"id:{call['id']},A,,rehearsal,Lecture,2031-03-03T10:00:00+01:00,2031-03-03T13:00:00+01:00,0\n"
    files = {**small, "calls.csv": small["calls.csv"] + row.encode()}
    assert outcomes(await load(database, company, files), "updated") == {"calls.csv": 1}
    found = one((await snapshot(database, company))["call"], title="Lecture")
    assert (found["status"], found["published_version"], found["ref"]) == (CallStatus.DRAFT, 0, None)


@pytest.mark.postgresql
async def test_an_import_locks_the_calls_it_compares_so_no_act_meanwhile_is_written_over(
    database: Database, company: SignedUpCompany, small: Files
) -> None:
    await load(database, company, small)
    async with acting(database, company) as act:
        await repository.load(act, lock=True)
        call = one((await snapshot(database, company))["call"], ref="A-001")
        async with acting(database, company) as planner:
            query = select(Call.id).where(Call.id == call["id"]).with_for_update(read=True, skip_locked=True)
            assert (await planner.session.scalars(query)).all() == []


async def test_the_findings_are_counted_and_stop_nothing(
    database: Database, company: SignedUpCompany, folder: Folder
) -> None:
    files = folder("compagnie-de-la-rampe")
    trial = await load(database, company, files, dry_run=True)
    done = await load(database, company, files)
    assert (done.findings["HARD"], done.findings["DEROG"], done.findings["WARN"]) == (32, 26, 27)
    assert trial.findings == done.findings
    async with acting(database, company) as act:
        assert sum(done.findings.values()) == len((await find(act)).findings)


async def test_no_file_confirms_more_people_than_a_position_wants(
    database: Database, company: SignedUpCompany, small: Files
) -> None:
    one_wanted = ("A-001,comedien,2", "A-001,comedien,1")
    confirms = ("A-002,C02,comedien,option,1,2026-11-10T18:00:00+01:00,hour", "A-002,C02,comedien,confirmed,,,hour")
    at_position = [("positions.csv", 2, "headcount", "headcount_too_low")]

    def places(found: list[RowError]) -> list[tuple[str, int | None, str | None, str]]:
        return [(error.file, error.line, error.column, error.code) for error in found]

    of_a_new_call = await refused(database, company, changed(small, "positions.csv", one_wanted))
    assert places(of_a_new_call) == at_position
    assert "effectif de 2" in of_a_new_call[0].sentence.fr
    await load(database, company, small)
    lowered = changed(small, "positions.csv", one_wanted)
    assert places(await refused(database, company, lowered)) == at_position
    with pytest.raises(ImportRejectedError):
        await load(database, company, lowered, dry_run=True)
    both = changed(small, "positions.csv", ("A-002,comedien,2", "A-002,comedien,1"))
    await load(database, company, both)
    too_many = changed(both, "assignments.csv", confirms)
    assert places(await refused(database, company, too_many)) == [("assignments.csv", 5, "status", "position_filled")]
    await load(database, company, changed(small, "assignments.csv", confirms))


async def test_what_stood_beyond_a_headcount_before_may_stay_and_grows_no_further(
    database: Database, company: SignedUpCompany, small: Files
) -> None:
    await load(database, company, small)
    async with acting(database, company) as act:
        await act.session.execute(update(Position).values(headcount=1))
    fewer = changed(small, "positions.csv", (",2\r\n" if b"\r\n" in small["positions.csv"] else ",2\n", ",1\n"))
    assert outcomes(await load(database, company, fewer), "unchanged")["positions.csv"] == 3


async def test_the_trial_names_the_calls_that_a_file_would_move_back(
    stage: Stage, database: Database, company: SignedUpCompany, small: Files
) -> None:
    await load(database, company, small)
    call = one((await snapshot(database, company))["call"], ref="A-001")
    later = {"starts_at": "2026-11-16T11:00:00+01:00", "title": "Filage"}
    assert (await stage.patch(f"/calls/{call['id']}", later)).status_code == 200
    assert (await stage.post(f"/calls/{call['id']}/publish")).status_code == 200
    report = await load(database, company, small, dry_run=True)
    assert outcomes(report, "updated") == {"calls.csv": 1}
    (told,) = [warning for warning in report.warnings if "calls.csv" in warning]
    assert told == (
        "calls.csv, ligne 2 : « Filage » du 16/11/2026 change et est publiée à nouveau : titre Filage → Répétition, "
        "début 16/11/2026 11:00 → 16/11/2026 10:00."
    )
    await load(database, company, small)
    assert not [warning for warning in (await load(database, company, small)).warnings if "calls.csv" in warning]
