"""Two acts about one person at the same moment: the law judges them one after the other."""

import asyncio
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import text

from backend.planning import findings
from backend.tenancy.session import Database
from tests.helpers import problem
from tests.planning.stage import SOON, Stage
from tests.planning.test_gate import HOUR

pytestmark = pytest.mark.postgresql
WAITING = text(
    "select count(*) from pg_locks w where not w.granted and w.pid in "
    "(select l.pid from pg_locks l join pg_database d on d.oid = l.database where d.datname = current_database())"
)


class Meeting:
    """Holds each act at the moment at which it reads what is named until both are there, or one waits for the other."""

    def __init__(
        self, database: Database, monkeypatch: pytest.MonkeyPatch, module: ModuleType = findings,
        name: str = "read_planned",
    ) -> None:  # fmt: skip
        self.database, self.there = database, 0
        self.read: Callable[..., Awaitable[Any]] = getattr(module, name)
        monkeypatch.setattr(module, name, self.read_together)

    async def read_together(self, *asked: Any) -> Any:
        self.there += 1
        while self.there < 2 and not await self._is_waited_for():
            pass  # each look is a question to the database, during which the other act goes on
        return await self.read(*asked)

    async def _is_waited_for(self) -> bool:
        async with self.database.shared(write=False) as session:
            return bool(await session.scalar(WAITING))


async def two_calls(stage: Stage) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Two calls of one day, of five hours and of five and a half: each is lawful without the other."""
    production = await stage.production()
    morning, evening = await stage.call(production, hours=5), await stage.call(production, SOON + 6 * HOUR, hours=5.5)
    return morning, evening, await stage.person()


def one_passed(answers: list[Response]) -> Response:
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    return next(answer for answer in answers if answer.status_code == 409)


async def test_of_two_confirmations_at_once_the_second_is_told_what_both_make(
    stage: Stage, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    morning, evening, person = await two_calls(stage)
    drafts = [await stage.assignment(call, person) for call in (morning, evening)]
    Meeting(database, monkeypatch)
    answers = await asyncio.gather(*(stage.act(draft, "confirm") for draft in drafts))
    refused = problem(one_passed(list(answers)), 409, "ground_required")
    assert [(f["rule"], f["measured_minutes"]) for f in refused["findings"]] == [("WT-DAY-10", 630)]


async def test_of_a_move_and_a_confirmation_at_once_the_second_is_told_what_both_make(
    stage: Stage, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    morning, evening, person = await two_calls(stage)
    shorter = {"ends_at": (SOON + 4 * HOUR).isoformat()}
    assert (await stage.patch(f"/calls/{morning['id']}", shorter)).status_code == 200
    assert (await stage.act(await stage.assignment(morning, person), "confirm")).status_code == 200
    assert (await stage.post(f"/calls/{morning['id']}/publish")).status_code == 200
    draft = await stage.assignment(evening, person)
    Meeting(database, monkeypatch)
    longer = {"ends_at": (SOON + 5 * HOUR).isoformat()}
    answers = await asyncio.gather(stage.patch(f"/calls/{morning['id']}", longer), stage.act(draft, "confirm"))
    problem(one_passed(list(answers)), 409, "ground_required")


async def test_two_productions_that_share_people_are_published_at_once_without_a_deadlock(
    stage: Stage, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [await stage.person() for _ in range(4)]
    productions = [await stage.production(), await stage.production()]
    for number, production in enumerate(productions):
        ordered = people if number else people[::-1]
        for day, person in enumerate(ordered):
            call = await stage.call(production, SOON + (24 * day + 4 * number) * HOUR)
            assert (await stage.act(await stage.assignment(call, person), "confirm")).status_code == 200
    Meeting(database, monkeypatch)
    answers = await asyncio.gather(*(stage.post(f"/productions/{one['id']}/publish") for one in productions))
    assert [answer.status_code for answer in answers] == [200, 200]
