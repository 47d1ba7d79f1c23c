"""Coordinates in venues.csv: columns that may be there, come in, go out again, and else change nothing."""

import pytest
from httpx import AsyncClient

from backend.imports.domain.columns import VENUES
from tests.helpers import SignedUpCompany, problem
from tests.imports.acts import Files, one, outcomes, post
from tests.imports.conftest import Folder
from tests.planning.stage import Stage


def located(files: Files, *places: str, header: str = ",latitude,longitude") -> dict[str, bytes]:
    """Return the files with two columns more in venues.csv, filled row by row, empty where nothing is left."""
    head, *rows = files[VENUES].decode().splitlines()
    blank = "," * header.count(",")
    filled = [*places, *[blank] * len(rows)]
    lines = [head + header, *(row + place for row, place in zip(rows, filled, strict=False))]
    return {**files, VENUES: ("\n".join(lines) + "\n").encode()}


async def places(client: AsyncClient, company: SignedUpCompany) -> list[tuple[float | None, float | None]]:
    rows = (await Stage(client, company).get("/venues", limit=200)).json()["items"]
    return [(row["latitude"], row["longitude"]) for row in sorted(rows, key=lambda row: row["ref"])]


async def test_coordinates_come_in_go_out_and_come_in_again_unchanged(
    client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany, folder: Folder
) -> None:
    files = folder("theatre-du-pont")
    await post(client, company, files)
    report = await post(client, company, located(files, ",48.8708,2.361"))
    assert report.status_code == 200, report.text
    assert outcomes(report.json(), "updated") == {VENUES: 1}
    assert await places(client, company) == [(48.8708, 2.361), (None, None)]
    exported = (await client.get(f"/api/v1/exports/{VENUES}", headers=company.headers)).content
    assert exported == located(files, ",48.8708,2.361")[VENUES]
    again = await post(client, company, {**files, VENUES: exported})
    assert outcomes(again.json(), "updated") == {}
    fresh = await post(client, other_company, {**files, VENUES: exported})
    assert outcomes(fresh.json(), "created")[VENUES] == 2
    assert await places(client, other_company) == await places(client, company)


async def test_a_file_without_the_columns_leaves_coordinates_alone_and_an_empty_cell_clears_them(
    client: AsyncClient, company: SignedUpCompany, folder: Folder
) -> None:
    files = folder("theatre-du-pont")
    await post(client, company, located(files, ",48.8708,2.361", ",-12.5,-170"))
    assert await places(client, company) == [(48.8708, 2.361), (-12.5, -170)]
    same = await post(client, company, files)
    assert outcomes(same.json(), "updated") == {}
    assert await places(client, company) == [(48.8708, 2.361), (-12.5, -170)]
    exported = (await client.get(f"/api/v1/exports/{VENUES}", headers=company.headers)).text
    assert "'-12.5,'-170" in exported  # a spreadsheet runs no cell
    moved = await post(client, company, located(files, ",48.88,2.361"))
    assert outcomes(moved.json(), "updated") == {VENUES: 2}
    assert await places(client, company) == [(48.88, 2.361), (None, None)]


@pytest.mark.parametrize(
    ("place", "column", "code"),
    [
        (",91,0", "latitude", "not_degrees"),
        (",0,-180.5", "longitude", "not_degrees"),
        (",NaN,0", "latitude", "not_degrees"),
        (",1e2,0", "latitude", "not_degrees"),
        (",48.8,", "longitude", "place"),
        (",,2.3", "latitude", "place"),
    ],
)
async def test_a_cell_that_is_no_place_is_named(
    client: AsyncClient, company: SignedUpCompany, folder: Folder, place: str, column: str, code: str
) -> None:
    refused = problem(await post(client, company, located(folder("theatre-du-pont"), place)), 422, "import_rejected")
    error = one(refused["errors"], code=code)
    assert (error["file"], error["line"], error["column"]) == (VENUES, 2, column)
    assert (await Stage(client, company).get("/venues")).json()["items"] == []


async def test_one_of_the_two_columns_alone_fills_no_place(
    client: AsyncClient, company: SignedUpCompany, folder: Folder
) -> None:
    files = located(folder("theatre-du-pont"), ",48.8", header=",latitude")
    problem(await post(client, company, files), 422, "import_rejected")


async def test_a_comma_of_a_french_spreadsheet_is_a_decimal_point(
    client: AsyncClient, company: SignedUpCompany, folder: Folder
) -> None:
    assert (await post(client, company, located(folder("theatre-du-pont"), ',"48,8708","2,361"'))).status_code == 200
    assert (await places(client, company))[0] == (48.8708, 2.361)
