"""Where venues are, how long the trip between two takes by hand, and how the others are estimated."""

from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient, Response

from tests.helpers import SignedUpCompany, create, member, problem

NANTES, LORIENT = {"latitude": 47.2184, "longitude": -1.5536}, {"latitude": 47.7486, "longitude": -3.3664}


async def venue(client: AsyncClient, company: SignedUpCompany, **fields: Any) -> dict[str, Any]:
    return await create(client, company.headers, "/venues", name="La Fonderie", **fields)


async def patch(
    client: AsyncClient, company: SignedUpCompany, row: dict[str, Any], body: Any, tag: str = "*"
) -> Response:
    headers = {**company.headers, "If-Match": tag}
    return await client.patch(f"/api/v1/venues/{row['id']}", json=body, headers=headers)


def trip(one: dict[str, Any], other: dict[str, Any]) -> str:
    return f"/api/v1/venues/{one['id']}/travel/{other['id']}"


async def test_a_venue_is_put_on_the_map_moved_and_taken_off_it(client: AsyncClient, company: SignedUpCompany) -> None:
    row = await venue(client, company, **NANTES)
    assert {name: row[name] for name in NANTES} == NANTES
    listed = (await client.get("/api/v1/venues", headers=company.headers)).json()["items"]
    assert listed == [row]
    moved = await patch(client, company, row, LORIENT, '"1"')
    assert (moved.status_code, moved.headers["etag"]) == (200, '"2"')
    assert {name: moved.json()[name] for name in LORIENT} == LORIENT
    problem(await patch(client, company, row, NANTES, '"1"'), 412, "stale_etag")
    same = await patch(client, company, row, LORIENT, '"2"')
    assert same.json()["version"] == 2
    north = await patch(client, company, row, {"latitude": 48}, '"2"')
    assert (north.json()["latitude"], north.json()["longitude"]) == (48, LORIENT["longitude"])
    off = await patch(client, company, row, {"latitude": None, "longitude": None}, '"3"')
    assert (off.json()["latitude"], off.json()["longitude"], off.json()["version"]) == (None, None, 4)
    assert (await client.get(f"/api/v1/venues/{row['id']}", headers=company.headers)).json() == off.json()
    params = {"subject_id": row["id"]}
    events = (await client.get("/api/v1/audit-events", params=params, headers=company.headers)).json()["items"]
    assert events[0]["before"] == {"latitude": 48.0, "longitude": LORIENT["longitude"]}
    headers = {**company.headers, "If-Match": "*"}
    again = await patch(client, company, row, NANTES)
    assert again.status_code == 200
    assert (await client.delete(f"/api/v1/venues/{row['id']}", headers=headers)).status_code == 204


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ('{"latitude": 91, "longitude": 0}', "latitude"),
        ('{"latitude": -90.000001, "longitude": 0}', "latitude"),
        ('{"latitude": 0, "longitude": 180.1}', "longitude"),
        ('{"latitude": NaN, "longitude": 0}', "latitude"),
        ('{"latitude": Infinity, "longitude": 0}', "latitude"),
        ('{"latitude": 0, "longitude": 1e400}', "longitude"),
        ('{"latitude": "47", "longitude": 0}', "latitude"),
        ('{"latitude": true, "longitude": 0}', "latitude"),
        ('{"latitude": 47}', "longitude"),
        ('{"longitude": 1}', "latitude"),
        ('{"latitude": 47, "longitude": null}', "longitude"),
    ],
)
async def test_a_place_that_is_none_is_refused_where_it_stands(
    client: AsyncClient, company: SignedUpCompany, place: str, field: str
) -> None:
    headers = {**company.headers, "Content-Type": "application/json", "If-Match": "*"}
    row = await venue(client, company)
    body = '{"name": "La Fonderie", ' + place[1:]
    for answer in (
        await client.post("/api/v1/venues", content=body, headers=headers),
        await client.patch(f"/api/v1/venues/{row['id']}", content=place, headers=headers),
    ):
        assert problem(answer, 422, "invalid")["errors"][0]["loc"] == ["body", field]
    assert (await client.get(f"/api/v1/venues/{row['id']}", headers=headers)).json() == row


async def test_a_number_that_is_none_is_refused_as_such(client: AsyncClient, company: SignedUpCompany) -> None:
    for language, words in (("fr", "Écrivez un nombre fini."), ("en", "Write a finite number.")):
        headers = {**company.headers, "Content-Type": "application/json", "Accept-Language": language}
        body = '{"name": "La Fonderie", "latitude": NaN, "longitude": 0}'
        answer = problem(await client.post("/api/v1/venues", content=body, headers=headers), 422, "invalid")
        assert words in answer["detail"]


async def test_half_of_the_coordinates_cannot_be_taken_away(client: AsyncClient, company: SignedUpCompany) -> None:
    row = await venue(client, company, **NANTES)
    problem(await patch(client, company, row, {"latitude": None}), 422, "invalid")
    edge = await patch(client, company, row, {"latitude": -90, "longitude": 180})
    assert edge.status_code == 200, edge.text


async def test_minutes_by_hand_hold_in_both_directions(client: AsyncClient, company: SignedUpCompany) -> None:
    one, other, third = [await venue(client, company) for _ in range(3)]
    there = await client.put(trip(one, other), json={"minutes": 95}, headers=company.headers)
    assert (there.status_code, there.headers["etag"]) == (200, '"1"')
    assert there.json() == {"venue_id": one["id"], "other_venue_id": other["id"], "minutes": 95, "version": 1}
    back = await client.get(trip(other, one), headers=company.headers)
    assert back.json() == {"venue_id": other["id"], "other_venue_id": one["id"], "minutes": 95, "version": 1}
    again = await client.put(trip(other, one), json={"minutes": 0}, headers=company.headers)
    assert (again.json()["minutes"], again.json()["version"]) == (0, 2)
    assert (await client.put(trip(third, one), json={"minutes": 1440}, headers=company.headers)).status_code == 200
    for row, expected in ((one, {other["id"]: 0, third["id"]: 1440}), (other, {one["id"]: 0})):
        listed = (await client.get(f"/api/v1/venues/{row['id']}/travel", headers=company.headers)).json()["items"]
        assert {found["other_venue_id"]: found["minutes"] for found in listed} == expected
    headers = {**company.headers, "If-Match": '"1"'}
    problem(await client.delete(trip(one, other), headers=headers), 412, "stale_etag")
    assert (await client.delete(trip(one, other), headers={**headers, "If-Match": '"2"'})).status_code == 204
    problem(await client.get(trip(other, one), headers=company.headers), 404, "not_found")
    params = {"what": "venue_travel.set"}
    events = (await client.get("/api/v1/audit-events", params=params, headers=company.headers)).json()["items"]
    assert [event["after"]["minutes"] for event in events] == [1440, 0, 95]
    deleted = await client.delete(f"/api/v1/venues/{third['id']}", headers={**headers, "If-Match": "*"})
    assert deleted.status_code == 204
    assert (await client.get(f"/api/v1/venues/{one['id']}/travel", headers=company.headers)).json()["items"] == []


async def test_a_trip_to_nowhere_or_to_another_company_s_venue_is_not_found_and_one_to_itself_is_refused(
    client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    ours, theirs, nowhere = await venue(client, company), await venue(client, other_company), {"id": str(uuid4())}
    headers = {**company.headers, "If-Match": "*"}
    for one, other in ((ours, theirs), (theirs, ours), (ours, nowhere), (theirs, theirs)):
        problem(await client.put(trip(one, other), json={"minutes": 5}, headers=headers), 404, "not_found")
        problem(await client.get(trip(one, other), headers=headers), 404, "not_found")
        problem(await client.delete(trip(one, other), headers=headers), 404, "not_found")
    refused = problem(await client.put(trip(ours, ours), json={"minutes": 5}, headers=headers), 422, "invalid")
    assert refused["errors"][0] == {
        "loc": ["path", "other_venue_id"],
        "msg": "Un trajet mène d'un lieu à un autre : choisissez deux lieux différents.",
        "code": "same_venue",
    }
    problem(await client.get(f"/api/v1/venues/{theirs['id']}/travel", headers=headers), 404, "not_found")


@pytest.mark.parametrize("minutes", [-1, 1441, 1.5, "20", None, True, 10**30])
async def test_minutes_that_are_none_are_refused(client: AsyncClient, company: SignedUpCompany, minutes: Any) -> None:
    one, other = await venue(client, company), await venue(client, company)
    refused = problem(await client.put(trip(one, other), json={"minutes": minutes}, headers=company.headers), 422)
    assert refused["errors"][0]["loc"] == ["body", "minutes"]


async def test_the_estimate_has_a_default_and_is_the_company_s_own_from_then_on(
    client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    url = "/api/v1/company/travel"
    first = await client.get(url, headers=company.headers)
    assert first.json() == {"speed_kmh": 60, "margin_minutes": 15, "version": 0}
    headers = {**company.headers, "If-Match": first.headers["etag"]}
    slower = await client.patch(url, json={"speed_kmh": 45}, headers=headers)
    assert slower.json() == {"speed_kmh": 45, "margin_minutes": 15, "version": 1}
    problem(await client.patch(url, json={"speed_kmh": 50}, headers=headers), 412, "stale_etag")
    margin = await client.patch(url, json={"margin_minutes": 0}, headers={**headers, "If-Match": '"1"'})
    assert margin.json() == {"speed_kmh": 45, "margin_minutes": 0, "version": 2}
    assert (await client.get(url, headers=company.headers)).json() == margin.json()
    assert (await client.get(url, headers=other_company.headers)).json() == first.json()
    params = {"what": "travel_settings.changed"}
    events = (await client.get("/api/v1/audit-events", params=params, headers=company.headers)).json()["items"]
    assert [event["after"] for event in events] == [{"margin_minutes": 0}, {"speed_kmh": 45}]


@pytest.mark.parametrize(
    ("field", "value"),
    [("speed_kmh", 0), ("speed_kmh", -60), ("speed_kmh", 1001), ("speed_kmh", None), ("speed_kmh", "60"),
     ("margin_minutes", -1), ("margin_minutes", 1441), ("margin_minutes", 0.5)],
)  # fmt: skip
async def test_a_speed_or_a_margin_that_is_none_is_refused(
    client: AsyncClient, company: SignedUpCompany, field: str, value: Any
) -> None:
    headers = {**company.headers, "If-Match": "*"}
    refused = problem(
        await client.patch("/api/v1/company/travel", json={field: value}, headers=headers), 422, "invalid"
    )
    assert refused["errors"][0]["loc"] == ["body", field]


async def test_a_viewer_reads_trips_and_sets_none(client: AsyncClient, company: SignedUpCompany) -> None:
    one, other = await venue(client, company), await venue(client, company)
    headers = {**await member(client, company, "viewer"), "If-Match": "*"}
    for url in ("/api/v1/company/travel", f"/api/v1/venues/{one['id']}/travel"):
        assert (await client.get(url, headers=headers)).status_code == 200
    problem(await client.put(trip(one, other), json={"minutes": 5}, headers=headers), 403, "not_allowed")
    problem(await client.patch("/api/v1/company/travel", json={"speed_kmh": 5}, headers=headers), 403, "not_allowed")
