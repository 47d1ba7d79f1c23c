"""What a company records for its people stays with it; what people share of their time is opaque, and their choice."""

from typing import Any

import pytest
from httpx import AsyncClient

from tests.availability.conftest import Artist
from tests.counting import statements
from tests.helpers import SignedUpCompany, create, member, problem
from tests.portal.conftest import House, act, assign, call
from tests.portal.test_two_companies import EVENING, LATER, MORNING, confirmed

DAY = {"starts_on": "2027-01-26", "ends_on": "2027-01-26"}
WEEK = {"from": "2027-01-25", "to": "2027-01-31"}
EXPIRY = {"expires_at": "2027-01-20T18:00:00+01:00"}


def path(house: House) -> str:
    return f"/people/{house.person['id']}/unavailabilities"


async def record(client: AsyncClient, house: House, **fields: Any) -> dict[str, Any]:
    return await create(client, house.headers, path(house), **fields)


async def test_it_is_recorded_listed_read_and_deleted_for_a_person_without_account(
    client: AsyncClient, house: House
) -> None:
    made = await record(client, house, **DAY, note="Tournage à Lyon")
    assert (made["starts_at"], made["whole_days"], made["recorded_by"]) == (
        "2027-01-25T23:00:00Z", True, "Camille Renard",
    )  # fmt: skip
    listed = await client.get(f"/api/v1{path(house)}", headers=house.headers)
    assert listed.json()["items"] == [made]
    one = f"/api/v1{path(house)}/{made['id']}"
    read = await client.get(one, headers=house.headers)
    assert (read.json(), read.headers["ETag"]) == (made, '"1"')
    problem(await client.delete(one, headers=house.headers), 428, "precondition_required")
    assert (await client.delete(one, headers={**house.headers, "If-Match": '"1"'})).status_code == 204
    problem(await client.get(one, headers=house.headers), 404, "not_found")


async def test_it_stops_offers_and_confirmations_of_this_company_and_says_what_is_in_the_way(
    client: AsyncClient, house: House
) -> None:
    made = await record(client, house, **DAY)
    draft = await assign(client, house, (await call(client, house, *MORNING))["id"])
    for name, fields in (("offer", EXPIRY), ("confirm", {})):
        body = problem(await act(client, house, draft, name, **fields), 409, "person_unavailable")
        assert [each["id"] for each in body["unavailabilities"]] == [made["id"]]
    wanted = {
        "call_id": (await call(client, house, *LATER))["id"],
        "person_id": house.person["id"],
        "job": "machiniste",
    }
    answer = await client.post("/api/v1/planning/check", json={"assignments": [wanted]}, headers=house.headers)
    assert [each["code"] for each in answer.json()["refusals"]] == ["person_unavailable"]


async def test_another_company_and_the_person_learn_nothing_of_it(artist: Artist) -> None:
    await record(artist.client, artist.house, **DAY, note="Secret")
    assert await artist.listed() == []
    assert await confirmed(artist.client, artist.other, MORNING)
    other = await artist.client.get(f"/api/v1{path(artist.house)}", headers=artist.other.headers)
    problem(other, 404, "not_found")


async def test_the_planning_shows_what_the_company_recorded_in_the_same_statements(
    client: AsyncClient, house: House, other_house: House
) -> None:
    async def planning(**params: str) -> dict[str, Any]:
        answer = await client.get("/api/v1/planning", params={**WEEK, **params}, headers=house.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    with statements() as before:
        assert (await planning())["unavailabilities"] == []
    made = await record(client, house, **DAY, note="Pour nous seuls")
    await record(client, house, starts_on="2027-02-01", ends_on="2027-02-02")
    with statements() as after:
        shown = (await planning())["unavailabilities"]
    assert len(after) == len(before)
    names = ("id", "person_id", "whole_days", "starts_at", "ends_at")
    assert shown == [{**{name: made[name] for name in names}, "name": "Raymond Marie"}]
    assert (await planning(department="costume"))["unavailabilities"] == []
    assert (await planning(person_id=house.person["id"]))["unavailabilities"] == shown


@pytest.mark.parametrize("fields", [{}, {"starts_on": "2027-01-27", "ends_on": "2027-01-26"}, {**DAY, "why": "x"}])
async def test_what_is_no_time_is_refused_in_a_sentence(
    client: AsyncClient, house: House, fields: dict[str, Any]
) -> None:
    problem(await client.post(f"/api/v1{path(house)}", json=fields, headers=house.headers), 422)


async def busy(
    client: AsyncClient, house: House, headers: dict[str, str] | None = None, params: dict[str, str] = WEEK
) -> Any:
    path = f"/api/v1/people/{house.person['id']}/busy"
    return await client.get(path, params=params, headers=headers or house.headers)


async def share(artist: Artist, *, on: bool) -> None:
    answer = await artist.client.put("/api/v1/me/sharing", json={"busy_times": on}, headers=artist.headers)
    assert (answer.status_code, answer.json()) == (200, {"busy_times": on})


async def test_busy_times_are_shared_only_once_the_person_says_so_and_until_they_take_it_back(artist: Artist) -> None:
    client = artist.client
    await artist.away(starts_at=MORNING[0], ends_at=MORNING[1], note="Secret de Polichinelle")
    await confirmed(client, artist.other, EVENING)
    closed = {"person_id": artist.house.person["id"], "shared": False, "items": []}
    assert (await client.get("/api/v1/me/sharing", headers=artist.headers)).json() == {"busy_times": False}
    assert (await busy(client, artist.house)).json() == closed
    for _ in range(2):
        await share(artist, on=True)
    answer = await busy(client, artist.house)
    # One span: how many there are, and of which kind, is not told.
    assert answer.json()["items"] == [{"starts_at": "2027-01-26T13:00:00Z", "ends_at": "2027-01-26T21:00:00Z"}]
    for secret in ("Polichinelle", artist.other.company.slug, artist.other.company.id, "Mouette"):
        assert secret not in answer.text
    for _ in range(2):
        await share(artist, on=False)
    assert (await busy(client, artist.house)).json() == closed


async def test_busy_times_are_cut_to_the_period_which_is_bounded(artist: Artist) -> None:
    await artist.away(starts_on="2027-01-20", ends_on="2027-02-10")
    await share(artist, on=True)
    answer = await busy(
        artist.client, artist.house, params={"from": "2027-01-25T00:00:00Z", "to": "2027-01-26T00:00:00Z"}
    )
    assert answer.json()["items"] == [{"starts_at": "2027-01-25T00:00:00Z", "ends_at": "2027-01-26T00:00:00Z"}]
    problem(await busy(artist.client, artist.house, params={"from": "2027-01-01", "to": "2027-12-31"}), 422)
    problem(await busy(artist.client, artist.house, params={"from": "2027-01-01"}), 422)


async def test_a_company_that_the_person_does_not_belong_to_and_a_viewer_read_nothing(
    artist: Artist, company: SignedUpCompany
) -> None:
    await share(artist, on=True)
    stranger = {**artist.house.headers, "X-Tenant": artist.other.company.slug}
    problem(await busy(artist.client, artist.other, stranger), 404, "tenant_not_found")
    problem(await busy(artist.client, artist.other, artist.house.headers), 404, "not_found")
    viewer = await member(artist.client, company, "viewer")
    problem(await busy(artist.client, artist.house, viewer), 403, "not_allowed")


async def test_what_is_recorded_is_changed_as_far_as_is_said(client: AsyncClient, house: House) -> None:
    made = await record(client, house, **DAY, note="Tournage")
    one, match = f"/api/v1{path(house)}/{made['id']}", house.headers | {"If-Match": '"1"'}
    problem(await client.patch(one, json={"note": "x"}, headers=house.headers), 428, "precondition_required")
    changed = await client.patch(one, json={"ends_on": "2027-01-27"}, headers=match)
    assert (changed.json()["ends_at"], changed.json()["note"], changed.headers["etag"]) == (
        "2027-01-27T23:00:00Z", "Tournage", '"2"',
    )  # fmt: skip
    problem(await client.patch(one, json={"note": "x"}, headers=match), 412, "stale_etag")
    anything = house.headers | {"If-Match": "*"}
    problem(await client.patch(one, json={"ends_on": "2027-01-20"}, headers=anything), 422)
    assert (await client.get(one, headers=house.headers)).json() == changed.json()
