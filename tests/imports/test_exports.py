"""`GET /exports/*.csv`: what comes out goes in again and changes nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from httpx import AsyncClient

from backend.imports.domain.columns import FILES
from backend.imports.exports import export_file
from backend.tenancy.session import Database
from tests.helpers import SignedUpCompany, create, member, problem
from tests.imports.acts import Files, acting, changed, load, outcomes, post, snapshot
from tests.imports.conftest import Folder
from tests.planning.stage import Stage


async def export(client: AsyncClient, company: SignedUpCompany) -> dict[str, bytes]:
    found = {}
    for file in FILES:
        answer = await client.get(f"/api/v1/exports/{file}", headers=company.headers)
        assert answer.status_code == 200, answer.text
        found[file] = answer.content
    return found


async def unchanged(client: AsyncClient, database: Database, company: SignedUpCompany) -> dict[str, bytes]:
    """Import what the company exports, see that nothing changed, and return it."""
    before, files = await snapshot(database, company), await export(client, company)
    answer = await post(client, company, files)
    assert answer.status_code == 200, answer.text
    for outcome in ("created", "updated", "kept", "absent"):
        assert outcomes(answer.json(), outcome) == {}
    assert await snapshot(database, company) == before
    return files


@pytest.mark.parametrize("name", ["compagnie-de-la-rampe", "theatre-du-pont"])
async def test_a_season_goes_round(
    client: AsyncClient,
    database: Database,
    company: SignedUpCompany,
    other_company: SignedUpCompany,
    folder: Folder,
    name: str,
) -> None:
    first = await post(client, company, folder(name))
    assert first.status_code == 200, first.text
    files = await unchanged(client, database, company)
    for file in set(FILES) - {"company.csv", "assignments.csv"}:
        assert files[file].replace(b",'+33", b",+33") == folder(name)[file]
    fresh = await post(client, other_company, files)
    assert fresh.json()["files"] == first.json()["files"]
    assert await export(client, other_company) == changed(files, "company.csv", (company.slug, other_company.slug))


async def test_rows_made_in_filage_go_by_their_id_and_are_found_again(
    client: AsyncClient, database: Database, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    stage = Stage(client, company)
    venue = await stage.create("/venues", name="Grande salle", city="Brest", timezone="Indian/Reunion")
    production, person = await stage.production(), await stage.person()
    call = await stage.call(production, venue_id=venue["id"], unplaced_break_minutes=10)
    await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=1)
    await stage.confirmed(call, person)
    files = await unchanged(client, database, company)
    row = files["calls.csv"].decode().splitlines()[1]
    assert row == (
        f"id:{call['id']},id:{production['id']},id:{venue['id']},rehearsal,Répétition,"
        "2031-03-03T13:00:00+04:00,2031-03-03T16:00:00+04:00,10"
    )
    fresh = await post(client, other_company, files)
    assert fresh.status_code == 200, fresh.text
    assert outcomes(fresh.json(), "created")["assignments.csv"] == 1
    assert await unchanged(client, database, other_company) == changed(
        files, "company.csv", (company.slug, other_company.slug)
    )


async def test_a_row_that_got_a_ref_after_its_export_is_still_found(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    stage = Stage(client, company)
    production = await stage.production()
    files = await export(client, company)
    answer = await stage.patch(f"/productions/{production['id']}", {"ref": "TRAV"})
    assert answer.status_code == 200, answer.text
    report = (await post(client, company, files)).json()
    assert report["files"]["productions.csv"]["unchanged"] == 1
    assert report["files"]["productions.csv"]["created"] == 0


async def test_every_state_of_an_assignment_goes_round(
    client: AsyncClient, database: Database, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    stage = Stage(client, company)
    call = await stage.call(await stage.production())
    draft, offered, confirmed, released, cancelled = [
        await stage.assignment(call, await stage.person(), "comedien") for _ in range(5)
    ]
    expires_at = datetime(2030, 1, 1, tzinfo=UTC).isoformat()
    for assignment in (offered, confirmed, released):
        assert (await stage.act(assignment, "offer", expires_at=expires_at, rank=2)).status_code == 200
    for assignment, act in ((confirmed, "confirm"), (released, "release"), (cancelled, "confirm")):
        assert (await stage.act(assignment, act)).status_code == 200
    assert (await stage.act(cancelled, "cancel", reason="La salle est fermée.")).status_code == 200
    files = await unchanged(client, database, company)
    cells = [line.split(",") for line in files["assignments.csv"].decode().splitlines()[1:]]
    assert sorted((cell[3], cell[4]) for cell in cells) == [
        ("cancelled", ""), ("confirmed", ""), ("draft", ""), ("option", "1"), ("released", "2"),
    ]  # fmt: skip  # the second choice has moved up to the place of whoever was cancelled
    assert draft["status"] == "draft"
    fresh = await post(client, other_company, files)
    assert outcomes(fresh.json(), "created")["assignments.csv"] == 5
    await unchanged(client, database, other_company)


async def test_only_the_live_assignment_of_a_person_on_a_call_is_exported(
    client: AsyncClient, database: Database, company: SignedUpCompany
) -> None:
    stage = Stage(client, company)
    call, person = await stage.call(await stage.production()), await stage.person()
    first = await stage.confirmed(call, person)
    await stage.act(first, "cancel", reason="Erreur de date.")
    await stage.confirmed(call, person)
    files = await unchanged(client, database, company)
    assert files["assignments.csv"].decode().count("\n") == 2
    assert ",confirmed," in files["assignments.csv"].decode()


async def test_a_cancelled_call_is_left_out_and_nobody_misses_it(
    client: AsyncClient, database: Database, company: SignedUpCompany
) -> None:
    stage = Stage(client, company)
    call = await stage.call(await stage.production())
    await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=1)
    await stage.confirmed(call, await stage.person())
    reason = {"status": "cancelled", "cancel_reason": "La salle est fermée."}
    assert (await stage.patch(f"/calls/{call['id']}", reason)).status_code == 200
    files = await unchanged(client, database, company)
    for file in ("calls.csv", "positions.csv", "assignments.csv"):
        assert files[file].decode().count("\n") == 1


async def test_breaks_and_touring_set_by_hand_survive_the_round(
    client: AsyncClient, database: Database, company: SignedUpCompany
) -> None:
    stage = Stage(client, company)
    pause = {"starts_at": "2031-03-03T11:00:00+01:00", "ends_at": "2031-03-03T11:15:00+01:00", "paid": False}
    rest = {"starts_at": "2031-03-03T12:00:00+01:00", "ends_at": "2031-03-03T12:10:00+01:00", "paid": True}
    await stage.call(await stage.production(), breaks=[pause, rest], unplaced_break_minutes=5, on_tour=True)
    files = await unchanged(client, database, company)
    assert files["calls.csv"].decode().endswith(",20\n")


async def test_a_cell_that_a_spreadsheet_would_run_is_guarded_and_comes_back_as_it_was(
    client: AsyncClient, database: Database, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    titles = ["=1+1", "+33", "-x", "@y", "'=z", 'guillemets " et, virgule', "'simple"]
    for title in titles:
        await create(client, company.headers, "/productions", title=title, kind="creation")
    address = "12 quai\n=SOMME(A1)"
    await create(client, company.headers, "/venues", name="-Salle", address=address)
    files = await unchanged(client, database, company)
    text = files["productions.csv"].decode()
    for guarded in ("'=1+1", "'+33", "'-x", "'@y", "''=z"):
        assert f",{guarded}," in text
    assert (await post(client, other_company, files)).status_code == 200
    found = await snapshot(database, other_company)
    assert [row["title"] for row in sorted(found["production"], key=lambda row: row["id"])] == titles
    assert [(row["name"], row["address"]) for row in found["venue"]] == [("-Salle", address)]


async def test_an_export_is_a_csv_file_with_the_name_of_the_company(
    client: AsyncClient, company: SignedUpCompany, small: Files
) -> None:
    await post(client, company, small)
    answer = await client.get("/api/v1/exports/people.csv", headers=company.headers, params={"bom": True})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{company.slug}-people.csv"'
    assert answer.content == b"\xef\xbb\xbf" + small["people.csv"].replace(b",+33", b",'+33")
    files = {f"{company.slug}-{file}": content for file, content in small.items()}
    again = await post(client, company, {**files, f"{company.slug}-people.csv": answer.content})
    assert again.status_code == 200, again.text
    assert outcomes(again.json(), "updated") == {}


async def test_an_export_that_does_not_exist_is_not_found(client: AsyncClient, company: SignedUpCompany) -> None:
    for file in ("users.csv", "people", "..%2Fpeople.csv"):
        problem(await client.get(f"/api/v1/exports/{file}", headers=company.headers), 404, "not_found")


async def test_readers_do_not_export_and_payroll_does(client: AsyncClient, company: SignedUpCompany) -> None:
    for role, status in (("viewer", 403), ("intermittent", 403), ("payroll", 200)):
        headers = await member(client, company, role)
        assert (await client.get("/api/v1/exports/company.csv", headers=headers)).status_code == status, role


async def test_an_option_that_lapsed_is_exported_as_expired_and_goes_round(
    database: Database, company: SignedUpCompany, small: Files
) -> None:
    lapses = datetime(2026, 11, 10, 17, tzinfo=UTC)
    await load(database, company, small, now=lapses - timedelta(seconds=1))
    exported = []
    for now in (lapses - timedelta(seconds=1), lapses):
        async with acting(database, company, now) as act:
            exported.append(await export_file(act, "assignments.csv"))
    row = "A-002,C02,comedien,{},1,2026-11-10T18:00:00+01:00,hour,\n"
    assert [row.format(status) in text for status, text in zip(("option", "expired"), exported, strict=True)] == [
        True, True,
    ]  # fmt: skip
    before = await snapshot(database, company)
    await load(database, company, {**small, "assignments.csv": exported[1].encode()}, now=lapses)
    assert await snapshot(database, company) == before
