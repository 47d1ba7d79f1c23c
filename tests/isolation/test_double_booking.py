"""Fifty clients of two companies book the same people at the same hours: nobody is ever held twice, nothing is a 500.

Behind the people stand real requests (assign, confirm, cancel); deadlocks are provoked besides, and counted.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from backend.core.clock import utc_now
from backend.core.settings import Settings
from backend.people.models import Annexe, Person
from backend.planning import ledger
from backend.tenancy.acting import Act, Actor
from backend.tenancy.models import CompanyInfo
from backend.tenancy.numbers import take_person_numbers
from backend.tenancy.session import Database, Urls
from tests.backstage import LONG, TWENTIETHS, running
from tests.helpers import sign_up
from tests.planning.stage import SOON, Stage, company_info

pytestmark = [pytest.mark.postgresql, pytest.mark.soak, LONG]
CLIENTS = 50
TRIES = 1000 * TWENTIETHS
PEOPLE = 200
CALLS = 12
CONNECTIONS = 20
CROSSINGS = 3
LATER = SOON + timedelta(days=30)
OVERLAPS = (
    "select count(*) from shared.booking a join shared.booking b on a.person_number = b.person_number "
    "and a.assignment_id < b.assignment_id and a.starts_at < b.ends_at and b.starts_at < a.ends_at "
    "where a.status = 'confirmed' and b.status = 'confirmed' and a.person_number = any(%s)"
)
HELD = "select count(*) from shared.booking where status = 'confirmed' and person_number = any(%s)"
EXPECTED = frozenset({200, 201, 409})


@dataclass(slots=True)
class House:
    """One company: calls at overlapping hours, and the people it shares with the other company."""

    stage: Stage
    calls: list[dict[str, Any]] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    info: CompanyInfo | None = None
    gives_back: float = 0.5

    async def set_up(self) -> None:
        production = await self.stage.production()
        for number in range(CALLS):
            # Each call overlaps its neighbours: three hours long, one hour apart.
            self.calls.append(await self.stage.call(production, SOON + timedelta(hours=number)))


# Acts about one person take turns: whoever is last among all these clients at once waits longer than a usual one would.
PATIENT = {"db_pool_size": CONNECTIONS, "db_pool_timeout_seconds": 120, "lock_timeout_ms": 60_000,
           "statement_timeout_ms": 60_000}  # fmt: skip


@dataclass(slots=True)
class Try:
    """What the clients met."""

    seen: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def note(self, answer: Any) -> dict[str, Any]:
        body: dict[str, Any] = answer.json()
        self.seen[f"{answer.status_code} {body.get('code', '')}".strip()] += 1
        if answer.status_code not in EXPECTED:
            self.failures.append(f"{answer.status_code} {answer.text[:200]}")
        return body


async def book(house: House, person: str, chance: random.Random, tried: Try) -> None:
    """Assign somebody and confirm it at once; some of what is held is given back, so that places become free."""
    body = {"call_id": chance.choice(house.calls)["id"], "person_id": person, "job": "comedien"}
    assigned = tried.note(await house.stage.post("/assignments", body))
    if "id" not in assigned:
        return
    confirmed = tried.note(await house.stage.act(assigned, "confirm"))
    if "id" not in confirmed:
        await house.stage.delete(f"/assignments/{assigned['id']}")  # still a draft: the place is free again
    elif chance.random() < house.gives_back:
        tried.note(await house.stage.act(assigned, "cancel", reason="another try"))


async def all_tries(houses: Sequence[House], people: int, tries: int, chance: random.Random) -> Try:
    tried, left = Try(), iter(range(tries))

    async def one_client() -> None:
        for _ in left:
            house = chance.choice(houses)
            await book(house, house.people[chance.randrange(people)], chance, tried)

    await asyncio.gather(*(one_client() for _ in range(CLIENTS)))
    return tried


@pytest.mark.parametrize("people", [PEOPLE, 1], ids=["200 people", "one hot person"])
async def test_nobody_is_held_twice_and_nobody_sees_a_failure(
    settings: Settings, urls: Urls, superuser: str, monkeypatch: pytest.MonkeyPatch, people: int
) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}")  # noqa: T201 - repeats a failure
    deadlocks = count_deadlocks(monkeypatch)
    async with running(settings, urls, **PATIENT) as (app, client):
        houses = [House(Stage(client, await sign_up(client)), gives_back=0.5 if people > 1 else 0.9) for _ in range(2)]
        for house in houses:
            await house.set_up()
        numbers = await employ_the_same(app.state.database, houses, people)
        tried = await all_tries(houses, people, TRIES // 2, random.Random(seed))  # noqa: S311 - a schedule
        async with app.state.database.shared() as session:
            pairs = [await take_person_numbers(session, 2) for _ in range(CROSSINGS)]
        await asyncio.gather(*(cross(app.state.database, houses, pair) for pair in pairs))
    print(dict(tried.seen), f"deadlocks {len(deadlocks)}")  # noqa: T201 - what the run was made of
    assert tried.failures == [], f"seed {seed}"
    numbers += [number for pair in pairs for number in pair]
    with psycopg.connect(superuser) as above:
        assert above.execute(OVERLAPS, (numbers,)).fetchone() == (0,), f"seed {seed}"
        held = above.execute(HELD, (numbers,)).fetchone()
    assert held
    assert held[0] > 0
    assert tried.seen["409 person_not_available"] > 0  # the two companies did meet
    assert tried.seen["200"] > 0
    assert len(deadlocks) >= CROSSINGS  # each was met by a retry: nobody saw it


async def employ_the_same(database: Database, houses: Sequence[House], people: int) -> list[int]:
    """Give both companies the same people: one number in both, as linking an account to both does."""
    async with database.shared() as session:
        numbers = await take_person_numbers(session, people)
    for house in houses:
        house.info = await company_info(database, house.stage.company)
        async with database.company(house.info) as session:
            rows = [_person(number) for number in numbers]
            session.add_all(rows)
            await session.flush()
            house.people = [str(row.id) for row in rows]
    return numbers


def _person(number: int) -> Person:
    now = utc_now()
    return Person(
        id=uuid4(), number=number, first_name="Odile", last_name=f"Roche {number}", job="comedien",
        department="artists", annexe=Annexe.ARTISTS, created_at=now, updated_at=now,
    )  # fmt: skip


async def cross(database: Database, houses: Sequence[House], numbers: Sequence[int]) -> None:
    """Let the two companies book the same two people in opposite order: each waits for the other."""
    met = asyncio.Barrier(2)

    async def act(house: House, order: Sequence[int]) -> None:
        assert house.info is not None
        first_time = True
        async with database.company(house.info) as session:
            acting = Act(session, house.info, Actor(None, "test"), utc_now())

            async def work() -> None:
                nonlocal first_time
                for number in order:
                    await ledger._insert(acting, [ledger.Hold(uuid4(), number, LATER, LATER + timedelta(hours=1))])
                    if first_time:
                        first_time = False
                        await met.wait()

            await ledger._in_savepoint(session, work)

    await asyncio.gather(act(houses[0], numbers), act(houses[1], numbers[::-1]))


def count_deadlocks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note each deadlock that the ledger sees; it goes on as it would."""
    found: list[str] = []
    original = ledger._sqlstate

    def noting(error: DBAPIError) -> str | None:
        state = original(error)
        if state == ledger.DEADLOCK:
            found.append(state)
        return state

    monkeypatch.setattr(ledger, "_sqlstate", noting)
    return found
