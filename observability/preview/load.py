"""A gentle load: a few requests a second by the demo's people, in several companies, with a few that go wrong."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from backend.demo import stage

PER_SECOND = 5.0
AT_ONCE = 4  # a slow answer slows the load down, instead of piling up
SEED = 1897  # any number: each preview sends the same requests in the same order
NOBODY = UUID(int=0)
NEW_COMPANIES = {
    "theatre-des-essais": "Théâtre des Essais",
    "compagnie-du-rideau": "Compagnie du Rideau",
    "les-planches": "Les Planches",
    "opera-de-poche": "Opéra de Poche",
}
SEASON_OF = {"theatre-des-essais": "theatre-du-pont", "les-planches": "theatre-du-pont"}


@dataclass(frozen=True, slots=True)
class Act:
    """One kind of request; `{number}` varies what is asked for, `weight` says how often it comes."""

    weight: int
    method: str
    path: str
    body: object = None
    known: bool = True
    company: str | None = None


ACTS = (
    Act(16, "GET", "/planning?from=2026-11-16&to=2026-11-22"),
    Act(5, "GET", "/planning?from=2026-11-02&to=2026-12-13"),
    Act(8, "GET", "/people?limit=50"),
    Act(6, "GET", "/calls?limit=50"),
    Act(6, "GET", "/assignments?limit=50"),
    Act(5, "GET", "/productions"),
    Act(5, "GET", "/venues"),
    Act(3, "GET", "/jobs"),
    Act(5, "GET", "/me/assignments?from=2026-11-01&to=2027-01-31"),
    Act(3, "GET", "/me/hours?reference_date=2027-05-31"),
    Act(6, "GET", "/users/me"),
    Act(4, "GET", "/me/companies"),
    Act(3, "GET", "/company"),
    Act(3, "GET", "/members"),
    Act(2, "GET", "/audit-events"),
    Act(1, "GET", "/exports/calls.csv"),
    Act(2, "GET", f"/people/{NOBODY}"),
    Act(1, "GET", "/planning?from=hier&to=demain"),
    Act(1, "POST", "/venues", {"name": ""}),
    Act(1, "GET", "/une-adresse-qui-n-existe-pas"),
    Act(1, "GET", "/users/me", known=False),
    Act(1, "GET", "/people", company="une-autre-compagnie"),
    Act(1, "POST", "/auth/login", {"username": stage.INTERMITTENT, "password": "un mot de passe oublié"}, known=False),
    Act(1, "POST", "/auth/forgot-password", {"email": stage.PLANNER}, known=False),
)


@dataclass(slots=True)
class Load:
    """The load on one demo; `answered` counts its requests by status."""

    address: str
    tokens: dict[str, str] = field(default_factory=dict)
    answered: Counter[str] = field(default_factory=Counter)

    async def prepare(self) -> None:
        """Log the owners in; sign the further companies up, and give two of them a season."""
        async with self._client() as client:
            for troupe in stage.TROUPES:
                self.tokens[troupe.slug] = await _log_in(client, troupe.owner)
            for slug, name in NEW_COMPANIES.items():
                self.tokens[slug] = await _sign_up(client, slug, name)

    async def run(self) -> None:
        """Send requests until cancelled."""
        chance = random.Random(SEED)  # noqa: S311 - which page comes next is no secret
        gate = asyncio.Semaphore(AT_ONCE)
        async with self._client() as client, asyncio.TaskGroup() as under_way:
            while True:
                await gate.acquire()
                act = chance.choices(ACTS, [act.weight for act in ACTS])[0]
                slug = chance.choices(list(self.tokens), [8, 5, 3, 2, 1, 1])[0]
                under_way.create_task(self.perform(client, act, slug, gate))
                await asyncio.sleep(chance.expovariate(PER_SECOND))

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"{self.address}/api/v1", timeout=30)

    async def perform(self, client: httpx.AsyncClient, act: Act, slug: str, gate: asyncio.Semaphore) -> None:
        """Send one request for a company, count its answer, and open the gate for the next one."""
        headers = {"X-Tenant": act.company or slug}
        if act.known:
            headers["Authorization"] = f"Bearer {self.tokens[slug]}"
        form = act.path == "/auth/login"
        try:
            answer = await client.request(
                act.method,
                act.path,
                headers=headers,
                data=act.body if form else None,  # type: ignore[arg-type]  # the one form above is a dict
                json=None if form else act.body,
            )
            self.answered[str(answer.status_code)] += 1
        except httpx.TransportError as error:
            self.answered[type(error).__name__] += 1  # shown on the page: the demo is away or slow
        finally:
            gate.release()


async def _log_in(client: httpx.AsyncClient, email: str) -> str:
    answer = await client.post("/auth/login", data={"username": email, "password": stage.PASSWORD})
    answer.raise_for_status()
    return str(answer.json()["access_token"])


async def _sign_up(client: httpx.AsyncClient, slug: str, name: str) -> str:
    email = f"direction@{slug}.example.org"
    owner = {"email": email, "password": stage.PASSWORD, "full_name": f"Direction {name}"}
    answer = await client.post("/companies", json={"name": name, "slug": slug, "owner": owner})
    if answer.status_code == httpx.codes.CONFLICT:  # an earlier preview signed it up
        return await _log_in(client, email)
    answer.raise_for_status()
    token = str(answer.json()["access_token"])
    if slug in SEASON_OF:
        files = [("files", (file, content, "text/csv")) for file, content in stage.season(SEASON_OF[slug]).items()]
        headers = {"Authorization": f"Bearer {token}", "X-Tenant": slug}
        (await client.post("/imports/season", files=files, headers=headers)).raise_for_status()
    return token
