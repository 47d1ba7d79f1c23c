"""`POST /imports/season`: every folder of `bad/` does what its README says; clumsy requests get a sentence."""

from typing import Any

import pytest
from httpx import AsyncClient, Response

from backend.tenancy.session import Database
from tests.helpers import SignedUpCompany, member, problem
from tests.imports.acts import Files, changed, count_everything, outcomes, post, snapshot
from tests.imports.conftest import Folder

REJECTED: dict[str, tuple[str, int | None, str | None, str, tuple[str, ...]]] = {
    "01-missing-column": ("people.csv", 1, "email", "column_missing", ("email",)),
    "02-unknown-person": ("assignments.csv", 3, "person_ref", "unknown_ref", ("C99",)),
    "03-ends-before-starts": ("calls.csv", 3, "ends_at", "ends_before_start", ()),
    "04-wall-time-without-offset": ("calls.csv", 2, "starts_at", "offset_required", ("2026-11-16T10:00:00",)),
    "05-duplicate-ref": ("people.csv", 5, "ref", "duplicate", ("2", "5", "C01")),
    "06-invalid-email": ("people.csv", 2, "email", "invalid_email", ("genevieve.roche(at)example.org",)),
    "07-unknown-job": ("positions.csv", 2, "job", "unknown_job", ("astronaute", "comedien")),
    "08-negative-headcount": ("positions.csv", None, "headcount", "not_a_number", ("-2",)),
    "09-very-long-name": ("people.csv", 2, "last_name", "too_long", ("2000", "200")),
    "10-formula-cell": ("people.csv", 2, "first_name", "formula", ("=cmd",)),
    "11-latin-1": ("people.csv", 2, None, "not_utf8", ("UTF-8",)),
    "14-empty-file": ("calls.csv", None, None, "file_empty", ()),
    "15-overlapping-confirmed": ("assignments.csv", 4, "call_ref", "overlap", ("C01", "A-001", "A-002")),
}
ACCEPTED = {"people.csv": 3, "venues.csv": 1, "productions.csv": 1, "calls.csv": 2, "positions.csv": 3,
            "assignments.csv": 5}  # fmt: skip


async def send(client: AsyncClient, company: SignedUpCompany, *parts: tuple[str, Any]) -> Response:
    return await client.post("/api/v1/imports/season", headers=company.headers, files=list(parts))


@pytest.mark.parametrize("name", REJECTED)
async def test_a_bad_folder_is_rejected_with_its_place_and_leaves_not_one_row(
    client: AsyncClient, database: Database, company: SignedUpCompany, folder: Folder, name: str
) -> None:
    before, everything = await snapshot(database, company), await count_everything(database)
    body = problem(await post(client, company, folder(f"bad/{name}")), 422, "import_rejected")
    file, line, column, code, words = REJECTED[name]
    found = [error for error in body["errors"] if (error["file"], error["code"]) == (file, code)]
    assert found, body["errors"]
    assert set(found[0]) == {"file", "line", "column", "msg", "code"}
    assert found[0]["column"] == column
    assert line is None or found[0]["line"] == line
    assert all(word in found[0]["msg"] for word in words), found[0]["msg"]
    assert body["more"] == 0
    assert await snapshot(database, company) == before
    assert await count_everything(database) == everything


@pytest.mark.parametrize("name", ["00-valid", "12-excel-fr", "13-crlf"])
async def test_a_good_folder_is_accepted_however_the_spreadsheet_wrote_it(
    client: AsyncClient, database: Database, company: SignedUpCompany, folder: Folder, name: str
) -> None:
    answer = await post(client, company, folder(f"bad/{name}"))
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert outcomes(report, "created") == ACCEPTED
    assert outcomes(report, "updated") == {"company.csv": 1}
    names = {row["last_name"] for row in (await snapshot(database, company))["person"]}
    assert names == {"Roche", "Guillaume", "Lambert"}


async def test_a_dry_run_answers_the_counts_and_leaves_nothing(
    client: AsyncClient, database: Database, company: SignedUpCompany, small: Files
) -> None:
    before = await snapshot(database, company)
    answer = await post(client, company, small, dry_run=True)
    assert answer.json()["dry_run"] is True
    assert outcomes(answer.json(), "created") == ACCEPTED
    assert await snapshot(database, company) == before


async def test_every_bad_row_is_told_in_the_clients_language(
    client: AsyncClient, company: SignedUpCompany, small: Files
) -> None:
    files = changed(small, "people.csv", ("1980-02-03", "1980-02-30"), ("lucas.guillaume@example.org", "lucas"))
    french = problem(await post(client, company, files), 422, "import_rejected")
    assert [error["line"] for error in french["errors"]] == [2, 3]
    assert "n'est pas une date" in french["errors"][0]["msg"]
    parts = [("files", (name, content)) for name, content in files.items()]
    headers = {**company.headers, "Accept-Language": "en"}
    english = problem(await client.post("/api/v1/imports/season", headers=headers, files=parts), 422)
    assert "is not a date" in english["errors"][0]["msg"]
    assert "nothing was stored" in english["detail"]


async def test_problems_beyond_two_hundred_are_counted(
    client: AsyncClient, company: SignedUpCompany, small: Files
) -> None:
    rows = "".join(f"X{number},,,,,,,,\n" for number in range(100))
    body = problem(await post(client, company, {**small, "people.csv": small["people.csv"] + rows.encode()}), 422)
    assert len(body["errors"]) == 200
    assert body["more"] > 0


async def test_a_missing_file_is_named(client: AsyncClient, company: SignedUpCompany, small: Files) -> None:
    files = {name: content for name, content in small.items() if name != "venues.csv"}
    refused = problem(await post(client, company, files), 422, "import_rejected")
    assert ": un point à corriger" in refused["detail"]
    (error,) = refused["errors"]
    assert (error["file"], error["line"], error["code"]) == ("venues.csv", None, "file_missing")


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([("files", ("people.csv", b"a")), ("files", ("people.csv", b"a"))], "file_twice"),
        ([("files", ("notes.csv", b"a"))], "file_unknown"),
        ([("files", ("rampe/people.csv", b"a"))], "file_name_path"),
        ([("files", ("..\\people.csv", b"a"))], "file_name_path"),
        ([("files", (None, b"a"))], "file_name_missing"),
        ([("files", ("", b"a"))], "file_name_missing"),
        ([("people", ("people.csv", b"a"))], "unknown_part"),
    ],
)
async def test_a_clumsy_form_gets_a_sentence(
    client: AsyncClient, company: SignedUpCompany, parts: list[tuple[str, Any]], code: str
) -> None:
    body = problem(await send(client, company, *parts), 422)
    assert [error["code"] for error in body["errors"]] == [code]
    assert len(body["detail"]) > 20


@pytest.mark.parametrize(
    ("content_type", "content", "code"),
    [
        ("application/json", b"{}", "multipart_required"),
        ("application/x-www-form-urlencoded", b"files=a", "multipart_required"),
        ("", b"", "multipart_required"),
        ("multipart/form-data", b"x", "multipart_malformed"),
        ("multipart/form-data; boundary=b", b"--c\r\n\r\nx", "multipart_malformed"),
        ("multipart/form-data; boundary=b", b"--b--\r\n", "files_missing"),
    ],
)
async def test_a_body_without_files_gets_a_sentence(
    client: AsyncClient, company: SignedUpCompany, content_type: str, content: bytes, code: str
) -> None:
    headers = company.headers | ({"Content-Type": content_type} if content_type else {})
    answer = await client.post("/api/v1/imports/season", headers=headers, content=content)
    assert problem(answer, 422)["errors"][0]["code"] == code


async def test_only_planners_import(client: AsyncClient, company: SignedUpCompany, small: Files) -> None:
    parts = [("files", (name, content)) for name, content in small.items()]
    for role, status in (("viewer", 403), ("payroll", 403), ("planner", 200)):
        headers = await member(client, company, role)
        answer = await client.post("/api/v1/imports/season", headers=headers, files=parts)
        assert answer.status_code == status, role


async def test_an_import_reaches_its_own_company_and_no_other(
    client: AsyncClient, database: Database, company: SignedUpCompany, other_company: SignedUpCompany, small: Files
) -> None:
    before = await snapshot(database, other_company)
    assert (await post(client, company, small)).status_code == 200
    assert await snapshot(database, other_company) == before
    read = await client.get("/api/v1/company", headers=company.headers)
    assert (read.json()["name"], read.json()["slug"]) == ("Petite Compagnie", company.slug)


async def test_a_repeated_key_imports_once(client: AsyncClient, company: SignedUpCompany, small: Files) -> None:
    parts = [("files", (name, content)) for name, content in small.items()]
    headers = company.headers | {"Idempotency-Key": "saison"}
    first = await client.post("/api/v1/imports/season", headers=headers, files=parts)
    again = await client.post("/api/v1/imports/season", headers=headers, files=parts)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
