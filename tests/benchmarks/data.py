"""What the benchmarks plan: companies signed up by the service itself, their seasons written in bulk.

A season is teams of twenty people in four jobs; each team is called at each time of each day, so nobody is called twice
at once, and nine in ten are confirmed.
"""

import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Table, insert, text

from backend.core.clock import utc_now
from backend.core.ids import new_id
from backend.identity.models import Membership, PersonLink, Role
from backend.identity.passwords import Passwords
from backend.identity.schemas import CompanyIn
from backend.identity.sign_up import sign_up
from backend.identity.users import UserManager
from backend.people.models import Annexe, Person
from backend.people.service import seed_jobs
from backend.planning import ledger
from backend.planning.domain.publication import take_snapshot
from backend.planning.domain.states import Status
from backend.planning.ledger import Hold
from backend.planning.models import Assignment, Call, CallKind, CallStatus, PayUnit, Position
from backend.productions.models import Production, ProductionKind, Venue
from backend.tenancy.acting import Act, Actor
from backend.tenancy.models import CompanyInfo
from backend.tenancy.numbers import take_person_numbers
from backend.tenancy.provisioning import new_company
from backend.tenancy.session import Database
from tests.benchmarks.site import Site
from tests.helpers import PASSWORD

PARIS = ZoneInfo("Europe/Paris")
MONDAY = date(2027, 1, 11)
TEAM, TEAMS = 20, 5  # 100 people
TIMES = (time(9), time(11), time(14), time(16), time(20))
LENGTH = timedelta(minutes=90)
JOBS = (
    ("machiniste", "stage", Annexe.TECHNICIANS),
    ("electricien", "lighting", Annexe.TECHNICIANS),
    ("sonorisateur", "sound_video", Annexe.TECHNICIANS),
    ("comedien", "artistic", Annexe.ARTISTS),
)
OPTION_EVERY = 10
COMPANIES_OF_ONE = 10
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Signed:
    """A company and its owner's token."""

    company: CompanyInfo
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "X-Tenant": self.company.slug}


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody with an account, whom companies link."""

    id: UUID
    number: int
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class Writer:
    """Writes what a benchmark needs, as the product would have."""

    def __init__(self, site: Site) -> None:
        self.settings = site.settings
        self.database = Database(site.settings, site.urls, deliver=lambda _mails: None, seed=seed_jobs)
        self.passwords = Passwords(site.settings)
        self.now = utc_now()

    async def sign_up(self) -> Signed:
        """Sign a new company up."""
        async with new_company(self.database) as new:
            company, token = await sign_up(
                new, CompanyIn.model_validate(new_company_body()), None, settings=self.settings,
                passwords=self.passwords, address="benchmark", user_agent=None, now=self.now,
            )  # fmt: skip
        return Signed(company, token or "")

    async def add_account(self) -> Account:
        """Create an account of its own, and log it in."""
        async with self.database.shared() as session:
            manager = UserManager(session, self.settings, self.passwords, self.now)
            user = await manager.add(
                email=f"raymond-{next(_numbers)}@example.org", hashed_password="!", full_name="Raymond Marie",
                language="fr", verified=True,
            )  # fmt: skip
            return Account(user.id, user.person_number, await manager.issue_token(user, "benchmark"))

    async def fill(self, signed: Signed, days: Sequence[date], times: Sequence[time], teams: int) -> list[UUID]:
        """Write a season, and return its people."""
        actor = Actor(None, "Camille Renard", Role.OWNER)
        async with self.database.company(signed.company) as session:
            return await _Season(Act(session, signed.company, actor, self.now), days, times, teams).write()

    async def link(self, signed: Signed, account: Account, person_id: UUID) -> None:
        """Make a person of a company the one behind an account, as an accepted invitation does."""
        async with self.database.company(signed.company) as session:
            found = await session.get_one(Person, person_id)
            await session.execute(
                text("update shared.booking set person_number = :new where person_number = :old"),
                {"new": account.number, "old": found.number},
            )
            found.number, found.user_id = account.number, account.id
        ids = {"user_id": account.id, "company_id": signed.company.id}
        async with self.database.shared() as session:
            session.add(Membership(**ids, role=Role.INTERMITTENT, created_at=self.now))
            session.add(PersonLink(**ids, person_id=person_id, created_at=self.now))

    async def settle(self) -> None:
        """Let the database look at its tables, as it does by itself within a minute."""
        async with self.database.owner() as session:
            await session.execute(text("analyze"))


@asynccontextmanager
async def writing(site: Site) -> AsyncIterator[Writer]:
    """Open a writer, and close its connections."""
    writer = Writer(site)
    try:
        yield writer
    finally:
        await writer.database.close()
        writer.passwords.close()


def new_company_body() -> dict[str, Any]:
    """Return the body of a sign-up that nobody has made before."""
    number = next(_numbers)
    owner = {"email": f"direction-{number}@example.org", "password": PASSWORD, "full_name": "Camille Renard"}
    return {"name": "Compagnie du Lever", "slug": f"lever-{number}", "city": "Nantes", "owner": owner}


async def planning_company(writer: Writer) -> Signed:
    """Return a company of 100 people with 5 calls a day each: 3,500 assignments a week, for three weeks."""
    signed = await writer.sign_up()
    days = [MONDAY + timedelta(days=n) for n in range(-7, 14)]
    await writer.fill(signed, days, TIMES, TEAMS)
    return signed


async def person_of_ten_companies(writer: Writer) -> Account:
    """Return somebody whom ten companies call every tenth day each: 200 assignments in 200 days."""
    account = await writer.add_account()
    for first in range(COMPANIES_OF_ONE):
        signed = await writer.sign_up()
        days = [MONDAY + timedelta(days=n) for n in range(first, 20 * COMPANIES_OF_ONE, COMPANIES_OF_ONE)]
        people = await writer.fill(signed, days, TIMES[:1], 1)
        await writer.link(signed, account, people[0])
    return account


class _Season:
    def __init__(self, act: Act, days: Sequence[date], times: Sequence[time], teams: int) -> None:
        self.act, self.days, self.times = act, days, times
        self.people = [new_id() for _ in range(teams * TEAM)]
        self.production, self.venues = new_id(), [new_id() for _ in range(3)]
        self.stamps = {"created_at": act.now, "updated_at": act.now}
        self.calls: list[dict[str, Any]] = []
        self.positions: list[dict[str, Any]] = []
        self.assignments: list[dict[str, Any]] = []

    async def write(self) -> list[UUID]:
        numbers = await take_person_numbers(self.act.session, len(self.people))
        self._compose()
        for model, rows in (
            (Venue, self._venues()),
            (Production, [self._production()]),
            (Person, list(self._people(numbers))),
            (Call, self.calls),
            (Position, self.positions),
            (Assignment, self.assignments),
        ):
            await self.act.session.execute(insert(cast("Table", model.__table__)), rows)
        await ledger.hold(self.act, list(self._holds(dict(zip(self.people, numbers, strict=True)))))
        return self.people

    def _compose(self) -> None:
        for day, at, team in itertools.product(self.days, self.times, range(len(self.people) // TEAM)):
            call = self._call(datetime.combine(day, at, PARIS), self.venues[team % len(self.venues)])
            self.calls.append(call)
            members = self.people[team * TEAM : (team + 1) * TEAM]
            for place, (job, _department, _annexe) in enumerate(JOBS):
                position = {"id": new_id(), "call_id": call["id"], "job": job, "headcount": TEAM // len(JOBS)}
                self.positions.append(position)
                for person in members[place :: len(JOBS)]:
                    self.assignments.append(self._assignment(position, person))

    def _call(self, starts_at: datetime, venue_id: UUID) -> dict[str, Any]:
        call = {
            "id": new_id(), "production_id": self.production, "venue_id": venue_id, "kind": CallKind.SETUP,
            "title": "Montage et réglages", "starts_at": starts_at, "ends_at": starts_at + LENGTH, "on_tour": False,
            "breaks": [], "unplaced_break_minutes": 15,
        }  # fmt: skip
        told = {"published_at": self.act.now, "published_starts_at": starts_at, "published_ends_at": starts_at + LENGTH}
        snapshot = take_snapshot(call)
        return {**call, **self.stamps, **told, "status": CallStatus.PUBLISHED, "published_version": 1,
                "published": snapshot}  # fmt: skip

    def _assignment(self, position: dict[str, Any], person: UUID) -> dict[str, Any]:
        asked = len(self.assignments) % OPTION_EVERY == OPTION_EVERY - 1
        return {
            "id": new_id(), "call_id": position["call_id"], "position_id": position["id"], "person_id": person,
            "job": position["job"], "status": Status.OPTION if asked else Status.CONFIRMED,
            "rank": 1 if asked else None,
            "expires_at": self.act.now + timedelta(days=60) if asked else None, "pay_unit": PayUnit.HOUR,
            "message": "Rendez-vous au quai de déchargement." if asked else None, **self.stamps,
        }  # fmt: skip

    def _holds(self, numbers: dict[UUID, int]) -> Iterator[Hold]:
        starts = {call["id"]: call["starts_at"] for call in self.calls}
        for row in self.assignments:
            if row["status"] is Status.CONFIRMED:
                at = starts[row["call_id"]]
                yield Hold(row["id"], numbers[row["person_id"]], at, at + LENGTH)

    def _venues(self) -> list[dict[str, Any]]:
        place = {"address": "4 quai des Marins", "postal_code": "44000", "city": "Nantes", "timezone": "Europe/Paris"}
        return [{"id": i, "name": f"Salle {n}", **place, **self.stamps} for n, i in enumerate(self.venues, 1)]

    def _production(self) -> dict[str, Any]:
        return {"id": self.production, "title": "La Mouette", "kind": ProductionKind.CREATION, **self.stamps}

    def _people(self, numbers: Sequence[int]) -> Iterator[dict[str, Any]]:
        for place, (person, number) in enumerate(zip(self.people, numbers, strict=True)):
            job, department, annexe = JOBS[place % TEAM % len(JOBS)]
            yield {
                "id": person, "number": number, "first_name": "Dominique", "last_name": f"Petit {place}", "job": job,
                "department": department, "annexe": annexe, **self.stamps,
            }  # fmt: skip
