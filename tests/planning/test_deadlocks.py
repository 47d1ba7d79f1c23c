"""A deadlock that the database broke is retried inside the act: nobody sees it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.planning import ledger, promoting
from backend.planning.models import Assignment, CallStatus
from backend.planning.models import Call as CallRow
from backend.tenancy.acting import Act, Actor
from backend.tenancy.session import Database
from tests.counting import statements
from tests.imports.acts import load
from tests.imports.conftest import Folder, folder
from tests.planning.stage import SOON, Stage, company_info
from tests.planning.test_side_by_side import Meeting

__all__ = ["folder"]
pytestmark = pytest.mark.postgresql


class Crossing:
    """Two acts that change the same two calls in opposite order, each waiting for the other once."""

    def __init__(self, database: Database, stage: Stage, titles: list[str]) -> None:
        self.database = database
        self.stage = stage
        self.titles = titles
        self.attempts = 0
        self.both_begun = asyncio.Barrier(2)

    async def act(self, titles: list[str]) -> None:
        async with self.database.company(await company_info(self.database, self.stage.company)) as session:
            await ledger._in_savepoint(session, lambda: self._change(session, titles))

    async def _change(self, session: AsyncSession, titles: list[str]) -> None:
        self.attempts += 1
        meets = self.attempts <= 2
        for title in titles:
            change = update(CallRow).where(CallRow.title == title).values(cancel_reason=" then ".join(titles))
            await session.execute(change.execution_options(synchronize_session=False))
            if meets:
                meets = False
                await self.both_begun.wait()


async def test_of_two_acts_that_deadlock_both_are_stored(stage: Stage, database: Database) -> None:
    production = await stage.production()
    titles = ["Montage", "Filage"]
    for title in titles:
        assert (await stage.call(production, SOON, title=title))["status"] == CallStatus.DRAFT
    crossing = Crossing(database, stage, titles)
    await asyncio.gather(crossing.act(titles), crossing.act(titles[::-1]))
    assert crossing.attempts == 3


async def test_a_deadlock_that_comes_back_each_time_is_given_up(
    stage: Stage, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "RETRIES", 0)
    production = await stage.production()
    titles = ["Montage", "Filage"]
    for title in titles:
        await stage.call(production, SOON, title=title)
    crossing = Crossing(database, stage, titles)
    found = await asyncio.gather(crossing.act(titles), crossing.act(titles[::-1]), return_exceptions=True)
    assert [type(each) for each in found if each is not None] == [OperationalError]


async def choices(stage: Stage) -> list[dict[str, Any]]:
    """Return the options of a call that wants two: two first choices, and two second ones."""
    call = await stage.call(await stage.production(), SOON)
    await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=2)
    made = [await stage.assignment(call, await stage.person()) for _ in range(4)]
    for rank, hours, one in zip((1, 1, 2, 2), (1, 24, 1, 24), made, strict=True):
        body = {"expires_at": (SOON - timedelta(hours=hours)).isoformat(), "rank": rank}
        assert (await stage.act(one, "offer", **body)).status_code == 200
    return made


@pytest.mark.parametrize("other", ["a planner", "a single act", "the clock"])
async def test_acts_by_which_second_choices_move_up_on_one_call_wait_for_each_other_and_not_in_a_circle(
    stage: Stage, database: Database, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    first, other_first, second, other_second = await choices(stage)
    Meeting(database, monkeypatch, promoting, "_lock_seconds")

    async def release(*which: dict[str, Any]) -> int:
        body = {"action": "release", "ids": [one["id"] for one in which]}
        return (await stage.post("/assignments/bulk", body)).status_code

    async def decline_one(which: dict[str, Any], _: dict[str, Any]) -> int:
        return (await stage.act(which, "decline", on_behalf="phone")).status_code

    async def expire(*which: dict[str, Any]) -> int:
        info = await company_info(database, stage.company)
        async with database.company(info) as session:
            act = Act(session, info, Actor(None, "Filage"), SOON - timedelta(hours=2))
            return 200 if await promoting.expire(act, Assignment.id.in_([UUID(one["id"]) for one in which])) else 404

    acts: dict[str, Callable[..., Awaitable[int]]] = {
        "a planner": release,
        "a single act": decline_one,
        "the clock": expire,
    }
    found = await asyncio.gather(release(first, second), acts[other](other_first, other_second))
    assert list(found) == [200, 200]
    assert [(await stage.read(one))["status"] for one in (first, second)] == ["released", "released"]


def locking(sent: list[str]) -> list[str]:
    """Return the statements that lock calls, many at once."""
    return [one for one in sent if "FROM call" in one and one.endswith("FOR UPDATE") and "ORDER BY" in one]


async def test_an_import_and_a_publication_lock_calls_in_the_order_of_what_no_act_changes(
    stage: Stage, database: Database, folder: Folder
) -> None:
    """In the order of their starts they met in circles: a call that was moved between two looks had another place."""
    production = await stage.production()
    await stage.call(production, SOON)
    with statements() as sent:
        assert (await stage.post(f"/productions/{production['id']}/publish")).status_code == 200
        await load(database, stage.company, folder("bad/00-valid"))
    orders = [statement.partition("ORDER BY ")[2] for statement in locking(sent)]
    assert orders == ["call.id FOR UPDATE"] * 2
