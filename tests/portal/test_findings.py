"""Findings over all employers: the person reads them, no company does."""

from datetime import timedelta
from typing import Any

from httpx import AsyncClient

from tests.counting import statements
from tests.helpers import problem
from tests.planning.stage import SOON
from tests.portal.conftest import House, act, assign, call
from tests.portal.test_two_companies import Mails, as_person, link_both, mails

__all__ = ["mails"]

HOUR = timedelta(hours=1)
MORNING, AFTERNOON = (0.0, 5.0), (6.0, 11.5)  # five hours here, five and a half there: 10 h 30 that day


async def planned(client: AsyncClient, house: House, day: int, hours: tuple[float, float]) -> str:
    """Put the person on a published call; return the draft's id."""
    start, end = (SOON + (24 * day + hour) * HOUR for hour in hours)
    return await assign(client, house, (await call(client, house, start.isoformat(), end.isoformat()))["id"])


async def confirm(client: AsyncClient, house: House, day: int, hours: tuple[float, float]) -> str:
    made = await planned(client, house, day, hours)
    answer = await act(client, house, made, "confirm")
    assert answer.status_code == 200, answer.text
    return made


async def mine(client: AsyncClient, login: str, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get("/api/v1/me/findings", params=params, headers=as_person(login))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def of_company(client: AsyncClient, house: House) -> list[dict[str, Any]]:
    path = f"/api/v1/people/{house.person['id']}/findings"
    found: list[dict[str, Any]] = (await client.get(path, headers=house.headers)).json()["items"]
    return [f for f in found if f["severity"] != "INFO"]


async def test_the_person_sees_a_day_that_neither_company_sees(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    ours = await confirm(client, house, 0, MORNING)
    theirs = await confirm(client, other_house, 0, AFTERNOON)
    found = await mine(client, login, severity="DEROG")
    assert [(f["rule"], f["measured_minutes"], f["assignment_ids"]) for f in found] == [
        ("WT-DAY-10", 630, [ours, theirs])
    ]
    assert [c["slug"] for c in found[0]["companies"]] == [house.company.slug, other_house.company.slug]
    assert "dix heures" in found[0]["text"]
    for one in (house, other_house):
        assert await of_company(client, one) == []
        planning = await client.get(
            "/api/v1/planning", params={"from": "2031-03-03", "to": "2031-03-09"}, headers=one.headers
        )
        assert planning.json()["findings"] == []
    assert await mine(client, login, **{"from": "2031-04-01"}) == []


async def test_an_option_says_what_accepting_it_would_bring(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    await confirm(client, house, 0, MORNING)
    option = await planned(client, other_house, 0, AFTERNOON)
    assert await mine(client, login, severity="DEROG") == []  # a draft, of which the person knows nothing
    expiry = (SOON - 30 * 24 * HOUR).isoformat()
    assert (await act(client, other_house, option, "offer", expires_at=expiry)).status_code == 200
    assert [(f["rule"], f["if_confirmed"]) for f in await mine(client, login, severity="DEROG")] == [
        ("WT-DAY-10", True)
    ]
    declined = await client.post(f"/api/v1/me/assignments/{option}/decline", headers=as_person(login))
    assert declined.status_code == 200, declined.text
    assert await mine(client, login, severity="DEROG") == []


async def test_a_company_that_plans_day_by_day_learns_nothing_of_the_findings(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    """The other one has the person every morning: asking gives "not available", and no finding but its own drafts'."""
    login, _ = await link_both(client, house, other_house, mails)
    for day in range(3):
        await confirm(client, house, day, MORNING)
    answers = []
    for day in range(3):
        for hours in (MORNING, AFTERNOON):
            made = await planned(client, other_house, day, hours)
            asked = await act(client, other_house, made, "confirm")
            answers.append((asked.status_code, asked.json().get("code"), asked.json().get("findings")))
    assert answers == [(409, "person_not_available", None), (200, None, None)] * 3
    assert [f for f in await of_company(client, other_house) if not f["if_confirmed"]] == []
    assert {f["rule"] for f in await mine(client, login, severity="DEROG")} == {"WT-DAY-10"}


async def test_six_calls_are_judged_with_as_many_statements_as_one(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    counts = []
    for days in ((0,), range(1, 6)):
        for day in days:
            await confirm(client, house, day, MORNING)
        with statements() as sent:
            await mine(client, login)
        counts.append(len(sent))
    assert counts[0] == counts[1]


async def test_findings_are_paged_and_what_is_no_period_is_refused(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    for day in range(2):
        await confirm(client, house, day, MORNING)
        await confirm(client, other_house, day, AFTERNOON)
    headers = as_person(login)
    first = (await client.get("/api/v1/me/findings", params={"limit": 1}, headers=headers)).json()
    rest = await mine(client, login, cursor=first["next_cursor"])
    assert first["items"] + rest == await mine(client, login)
    for params in (
        {"from": "hier"},
        {"from": "2031-03-03", "to": "2031-03-01"},
        {"cursor": "x"},
        {"from": "0000-01-01"},
    ):
        problem(await client.get("/api/v1/me/findings", params=params, headers=headers), 422)
    problem(await client.get("/api/v1/me/findings"), 401, "login_required")
    assert await mine(client, login, **{"from": "2100-01-01", "to": "2100-12-31"}) == []
