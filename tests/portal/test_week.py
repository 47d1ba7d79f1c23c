"""One week of a planner under the law: plan, read findings, cure, override, derogate, publish; the history tells it."""

from datetime import datetime, timedelta
from typing import Any

from httpx import AsyncClient

from tests.helpers import problem
from tests.planning.stage import SOON, Stage
from tests.portal.conftest import House, act, assign, call
from tests.portal.test_two_companies import Mails, as_person, link_both, mails

__all__ = ["mails"]

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MONDAY = SOON  # at 10:00
WEEK = {"from": "2031-03-03", "to": "2031-03-09"}
TWELVE_HOURS = {"valid_from": "2031-03-07", "valid_to": "2031-03-07"}


async def draft(client: AsyncClient, house: House, start: datetime, hours: float) -> tuple[dict[str, Any], str]:
    """Put the person of the house on a call that nobody was told of."""
    times = (start.isoformat(), (start + hours * HOUR).isoformat())
    made = await call(client, house, *times, publish=False)
    return made, await assign(client, house, made["id"])


def binding(found: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(f["severity"], f["rule"]): f for f in found if f["severity"] in {"HARD", "DEROG"}}


def cure(finding: dict[str, Any], action: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in finding["cures"] if one["action"] == action)
    return found


async def test_a_week_is_planned_cured_overridden_derogated_and_published(
    client: AsyncClient, house: House, other_house: House, mails: Mails
) -> None:
    login, _ = await link_both(client, house, other_house, mails)
    stage = Stage(client, house.company)
    find = f"/people/{house.person['id']}/findings"

    # Plan: a long morning, a late evening before an early call, a strike without a break, a day of eleven hours.
    monday, on_monday = await draft(client, house, MONDAY, 7)
    _, on_tuesday = await draft(client, house, MONDAY + DAY + 8 * HOUR, 5.5)
    wednesday, on_wednesday = await draft(client, house, MONDAY + 2 * DAY - HOUR, 4)
    _, on_thursday = await draft(client, house, MONDAY + 3 * DAY, 6.5)
    friday, on_friday = await draft(client, house, MONDAY + 4 * DAY, 12)
    pauses = [
        {"starts_at": (start := MONDAY + 4 * DAY + at * HOUR).isoformat(), "ends_at": (start + HOUR / 2).isoformat()}
        for at in (4, 8)
    ]
    assert (await stage.patch(f"/calls/{friday['id']}", {"breaks": pauses})).status_code == 200

    # See: all of it rests on drafts, and none of it has kept the drafts from being stored.
    found = (await stage.get(find)).json()["items"]
    assert {f["if_confirmed"] for f in found} == {True}
    by_call = {(f["rule"], f["call_ids"][0]): f for f in found if f["severity"] in {"HARD", "DEROG"}}
    assert sorted(rule for rule, _ in by_call) == ["WT-BREAK-20", "WT-BREAK-20", "WT-DAY-10", "WT-REST-11"]

    # Cure two by the change that each proposes, tried before it is made.
    pause = cure(by_call["WT-BREAK-20", monday["id"]], "insert_break")
    breaks = [
        {"starts_at": at, "ends_at": (datetime.fromisoformat(at) + timedelta(minutes=20)).isoformat()}
        for at in pause["at"]
    ]
    rest = next(f for (rule, _), f in by_call.items() if rule == "WT-REST-11")
    later = cure(rest, "start_later")
    assert later["call_id"] == wednesday["id"]
    for call_id, change in ((monday["id"], {"breaks": breaks}), (wednesday["id"], {"starts_at": later["at"][0]})):
        tried = await stage.post("/planning/check", {"calls": [{"call_id": call_id, **change}]})
        assert binding(tried.json()["gone"]), tried.text
        assert not binding(tried.json()["appeared"]), tried.text
        assert (await stage.patch(f"/calls/{call_id}", change)).status_code == 200
    for cured in (on_monday, on_tuesday, on_wednesday):
        assert (await act(client, house, cured, "confirm")).status_code == 200

    # Override one with a reason; record a derogation for another.
    problem(await act(client, house, on_thursday, "confirm"), 409, "override_required")
    reason = "Le camion part à 16 h 30 : la pause est prise à la fin."
    assert (await act(client, house, on_thursday, "confirm", override_reason=reason)).status_code == 200
    problem(await act(client, house, on_friday, "confirm"), 409, "ground_required")
    derogation = {"rule": "WT-DAY-10", "ground": "agreement", "document": "Accord du 3 mars 2030", **TWELVE_HOURS}
    await stage.create("/planning/derogations", **derogation)
    assert (await act(client, house, on_friday, "confirm")).status_code == 200

    # Publish: nothing is asked again, and what stays is what was let pass.
    published = await stage.post(f"/productions/{house.production['id']}/publish")
    assert [one["version"] for one in published.json()["calls"]] == [1] * 5
    assert list(binding((await stage.get("/planning", **WEEK)).json()["findings"])) == [("HARD", "WT-BREAK-20")]

    # The history tells it.
    events = (await stage.get("/audit-events", limit=200)).json()["items"][::-1]
    kept = ("call.changed", "assignment.confirmed", "finding.overridden", "derogation.recorded", "call.published")
    assert [e["what"] for e in events if e["what"] in kept] == [
        *["call.changed"] * 3,
        *["assignment.confirmed"] * 4,
        "finding.overridden",
        "derogation.recorded",
        "assignment.confirmed",
        *["call.published"] * 5,
    ]
    (overridden,) = [e for e in events if e["what"] == "finding.overridden"]
    assert (overridden["after"]["reason"], overridden["subject_id"]) == (reason, house.person["id"])

    # The other company has the same person on Monday evening: each sees a lawful day, the person sees both.
    _, evening = await draft(client, other_house, MONDAY + 8 * HOUR, 4.5)
    assert (await act(client, other_house, evening, "confirm")).status_code == 200
    told = await Stage(client, other_house.company).post(f"/productions/{other_house.production['id']}/publish")
    assert told.status_code == 200, told.text
    mine = await client.get("/api/v1/me/findings", params={"severity": "DEROG"}, headers=as_person(login))
    assert ("WT-DAY-10", [on_monday, evening]) in [(f["rule"], f["assignment_ids"]) for f in mine.json()["items"]]
    for one in (house, other_house):
        items = (await Stage(client, one.company).get(f"/people/{one.person['id']}/findings")).json()["items"]
        assert [f for f in items if f["severity"] == "DEROG"] == []
