"""The groups: what each one prepares, and the loads that it measures."""

import enum
import itertools
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from importlib.resources import files

from tests.benchmarks import data
from tests.benchmarks.client import json_message, message
from tests.benchmarks.data import MONDAY, Signed, Writer, new_company_body
from tests.benchmarks.load import Closed, Open
from tests.benchmarks.measuring import Scenario

API = "/api/v1"
SEASON = "compagnie-de-la-rampe"  # 2,530 assignments
IMPORTS, SIGN_UPS = 6, 40
BOUNDARY = "filage-benchmark"
PLANNING_GOAL, ME_GOAL, SIGN_UP_GOAL, IMPORT_GOAL = 100, 50, 300, 5000  # p95 in milliseconds


class Group(enum.StrEnum):
    """What can be asked for on the command line."""

    PLANNING = "planning"
    ME = "me"
    LIST = "list"
    SIGN_UP = "sign-up"
    IMPORT = "import"
    RULES = "rules"
    TELEMETRY = "telemetry"
    TENANCY = "tenancy"
    QUICK = "quick"


class Prepared:
    """Writes the data of the groups, and shares the planning's company between those that read it."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self._planning: Signed | None = None

    async def planning_company(self) -> Signed:
        if self._planning is None:
            self._planning = await data.planning_company(self.writer)
        return self._planning


def week_path() -> str:
    """Return the path of the planning week."""
    return f"{API}/planning?from={MONDAY}&to={MONDAY + timedelta(days=6)}"


def month_path() -> str:
    """Return the path of four weeks of one's own assignments."""
    last = MONDAY + timedelta(days=28)
    return f"{API}/me/assignments?from={MONDAY}T00:00:00%2B01:00&to={last}T00:00:00%2B01:00"


def get(path: str, headers: Mapping[str, str]) -> Iterator[bytes]:
    """Return the same question, again and again."""
    return itertools.repeat(message("GET", path, headers))


async def planning(prepared: Prepared) -> list[Scenario]:
    headers = (await prepared.planning_company()).headers
    name, route = "planning week, 3,500 rows", f"{API}/planning"
    return [
        Scenario(name, route, get(week_path(), headers), Open(20, 15), goal_p95_ms=PLANNING_GOAL),
        Scenario(name, route, get(week_path(), headers), Closed(1, 6)),
        Scenario(name, route, get(week_path(), headers), Closed(4, 6)),
    ]


async def me(prepared: Prepared) -> list[Scenario]:
    account = await data.person_of_ten_companies(prepared.writer)
    route = f"{API}/me/assignments"
    month, season = get(month_path(), account.headers), get(route, account.headers)
    return [
        Scenario("me, month: 28 rows", route, month, Open(20, 8), goal_p95_ms=ME_GOAL),
        Scenario("me, month: 28 rows", route, month, Closed(1, 6), goal_p95_ms=ME_GOAL),
        Scenario("me, all: 200 rows", route, season, Closed(1, 6)),
    ]


async def assignments(prepared: Prepared) -> list[Scenario]:
    headers = (await prepared.planning_company()).headers
    route = f"{API}/assignments"
    fifty = get(f"{route}?limit=50", headers)
    return [
        Scenario("list of 50", route, fifty, Closed(1, 5)),
        Scenario("list of 50", route, fifty, Closed(4, 5)),
    ]


async def sign_up(_prepared: Prepared) -> list[Scenario]:
    path = f"{API}/companies"
    requests = (json_message("POST", path, {}, new_company_body()) for _ in itertools.count())
    return [
        Scenario("sign-up", path, requests, Closed(1, 60, SIGN_UPS), status=201, goal_p95_ms=SIGN_UP_GOAL, warm_up=2)
    ]


async def season_import(prepared: Prepared) -> list[Scenario]:
    """The first import fills an empty company, the second finds everything as it is."""
    path = f"{API}/imports/season"
    body = _form(SEASON)
    companies = [await prepared.writer.sign_up() for _ in range(IMPORTS)]
    requests = [
        message("POST", path, signed.headers, body, f"multipart/form-data; boundary={BOUNDARY}") for signed in companies
    ]
    return [
        Scenario("import, new", path, iter(requests), Closed(1, 120, IMPORTS), goal_p95_ms=IMPORT_GOAL,
                 warm_up=0),
        Scenario("import, unchanged", path, iter(requests), Closed(1, 120, IMPORTS), warm_up=0),
    ]  # fmt: skip


def health() -> Scenario:
    """Return the cheapest request there is: what the middleware costs, and the unit of the quick check."""
    return Scenario("health", "/health/live", get("/health/live", {}), Closed(1, 4, 1500), warm_up=100)


PREPARE: Mapping[Group, Callable[[Prepared], Awaitable[list[Scenario]]]] = {
    Group.PLANNING: planning,
    Group.ME: me,
    Group.LIST: assignments,
    Group.SIGN_UP: sign_up,
    Group.IMPORT: season_import,
}


def _form(season: str) -> bytes:
    parts = []
    for file in sorted(files("backend").joinpath("demo", "season", season).iterdir(), key=lambda file: file.name):
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{file.name}"\r\n\r\n'
        parts.append(head.encode() + file.read_bytes() + b"\r\n")
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])
