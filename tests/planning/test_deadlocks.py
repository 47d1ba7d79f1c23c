"""A deadlock that the database broke is retried inside the act: nobody sees it."""

import asyncio

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.planning import ledger
from backend.planning.models import Call as CallRow
from backend.planning.models import CallStatus
from backend.tenancy.session import Database
from tests.counting import statements
from tests.imports.acts import load
from tests.imports.conftest import Folder, folder
from tests.planning.stage import SOON, Stage, company_info

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
