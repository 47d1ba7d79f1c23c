"""What a board shows: the planning of a period as rows and days, each call as a chip that says how it stands.

Pure: the planning comes as the API gives it, and nothing here asks for anything.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID
from zlib import crc32
from zoneinfo import ZoneInfo

from backend.planning.domain.states import Status
from backend.planning.models import CallStatus
from backend.planning.staffing import Colour
from backend.web.planning_words import COVERAGE, DEPARTMENTS, ICONS, KINDS, STATUSES, TINTS, named
from backend.web.sessions import with_query
from backend.web.speaking import Words

Planning = Mapping[str, Any]
VIEWS, GROUPS = ("day", "week", "month"), ("person", "venue", "department")
LENGTHS = {"day": 1, "week": 7}
STANDING = frozenset({Status.DRAFT, Status.OPTION, Status.ACCEPTED, Status.CONFIRMED})
GRAVITY = ("HARD", "DEROG", "WARN", "INFO")
NOWHERE = ""
MINUTES = len("2031-03-03T10:00")
OF_STATUS = {Status.CONFIRMED: "full", Status.OPTION: "option", Status.ACCEPTED: "accepted", Status.DRAFT: "draft"}
ASKED = frozenset({Status.OPTION, Status.ACCEPTED})


@dataclass(frozen=True, slots=True)
class View:
    """Which board is asked for: how long, in which rows, from which day, and what it leaves out."""

    view: str
    by: str
    first: date
    production: UUID | None = None
    department: str | None = None
    person: UUID | None = None
    venue: UUID | None = None

    @property
    def days(self) -> list[date]:
        """The days that are shown; a month is shown in whole weeks."""
        if self.view != "month":
            return [self.first + timedelta(days=number) for number in range(LENGTHS[self.view])]
        start = self.first.replace(day=1)
        following = (start + timedelta(days=31)).replace(day=1)
        begins = start - timedelta(days=start.weekday())
        weeks = -(-(following - begins).days // 7)
        return [begins + timedelta(days=number) for number in range(7 * weeks)]

    @property
    def before(self) -> "View":
        """The board one day, week or month earlier."""
        if self.view == "month":
            return replace(self, first=(self.first.replace(day=1) - timedelta(days=1)).replace(day=1))
        return replace(self, first=self.first - timedelta(days=LENGTHS[self.view]))

    @property
    def after(self) -> "View":
        """The board one day, week or month later."""
        if self.view == "month":
            return replace(self, first=(self.first.replace(day=1) + timedelta(days=31)).replace(day=1))
        return replace(self, first=self.first + timedelta(days=LENGTHS[self.view]))

    def but(self, **changes: Any) -> "View":  # noqa: ANN401 - fields of a view
        """Return this view with other values."""
        return replace(self, **changes)

    def at(self, path: str) -> str:
        """Return the address of this view on `path`."""
        return with_query(
            path, view=self.view, by=self.by, production=self.production, department=self.department,
            person=self.person, venue=self.venue, **{"from": self.first.isoformat()},
        )  # fmt: skip


class Chip(NamedTuple):
    """One call in one cell: of everybody, of one department, of one person, or the part of it that nobody does yet."""

    call: str
    version: int
    day: date
    hours: str
    title: str
    about: str
    state: str
    figure: str
    said: str
    starts: str
    ends: str
    is_draft: bool = False
    is_changed: bool = False
    answered: int = 0
    beside: int = 0
    declined: int = 0
    is_fixed: bool = False
    assignment: str = ""
    assignment_version: int = 0
    position: str = ""
    tint: str = ""
    found: int = 0
    people: str = ""
    place: str = ""
    venue: str = ""

    @property
    def icon(self) -> str:
        """The icon of its state."""
        return ICONS[self.state]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the board: whose or where it is, and its chips day by day."""

    key: str
    label: str
    note: str
    cells: list[list[Chip]]
    tint: str = ""

    @property
    def count(self) -> int:
        """How many chips stand on it."""
        return sum(map(len, self.cells))


@dataclass(frozen=True, slots=True)
class Answer:
    """A call on which somebody has said yes and waits for the company's word: how many there are."""

    call: str
    title: str
    day: date
    hours: str
    number: int


@dataclass(frozen=True)
class Board:
    """All that a board shows; `open` is what nobody does yet. `whole` makes the chips of calls that `calls` holds."""

    view: View
    days: list[date]
    rows: list[Row]
    open: Row | None
    number: int
    whole: Callable[[], Iterable[Chip]]
    found: list[dict[str, Any]]
    findings: int
    answers: list[Answer] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """How many people have said yes and are not confirmed yet."""
        return sum(one.number for one in self.answers)

    @property
    def is_empty(self) -> bool:
        """Whether nothing takes place."""
        return not self.number

    @cached_property
    def calls(self) -> list[list[Chip]]:
        """Each call once, day by day; made when it is asked for, which a wide screen's week never does."""
        return _days(self.whole(), self.days)

    @property
    def weeks(self) -> list[list[tuple[date, list[Chip]]]]:
        """The days and their calls, week by week."""
        each = self.by_day
        return [each[start : start + 7] for start in range(0, len(each), 7)]

    @property
    def by_day(self) -> list[tuple[date, list[Chip]]]:
        """The days and their calls."""
        return list(zip(self.days, self.calls, strict=True))

    @property
    def lines(self) -> list[Row]:
        """The rows of the table of a week, what is open first."""
        return [*([self.open] if self.open and self.view.view == "week" else []), *self.rows]

    @property
    def found_by_rule(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """The findings by the text that they rest on, the gravest first."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for one in sorted(self.found, key=lambda one: GRAVITY.index(one["severity"])):
            groups.setdefault(one["article"] or one["rule"], []).append(one)
        return list(groups.items())

    @cached_property
    def shape(self) -> str:
        """Which rows and days stand there: where it is another, nothing less than the whole board is of use."""
        return _mark([self.view.view, self.days, [row.key for row in self.lines], self.is_empty])

    def mark(self, key: str) -> str | None:
        """Return what changes with what a part of the board shows; None where there is no such part."""
        return (self._of_days if key.startswith("d") else self._of_table).get(key)

    @cached_property
    def _of_table(self) -> dict[str, str]:
        cells = [[(row.key, row.label, row.note, row.count), *map(_shown, row.cells)] for row in self.lines]
        if self.view.view == "month":
            cells = [[_shown(cell) for _, cell in week] for week in self.weeks]
        marks = {f"{at}.{column}": _mark(one) for at, line in enumerate(cells) for column, one in enumerate(line)}
        return marks | {"f": _mark([self.found, self.findings]), "w": _mark(self.answers)}

    @cached_property
    def _of_days(self) -> dict[str, str]:
        return {f"d{at}": _mark(_shown(cell)) for at, cell in enumerate(self.calls)}

    def changed(self, seen: str) -> set[str] | None:
        """Return the parts that are not what a browser says it shows; None where it needs the whole board."""
        shape, *pairs = seen.split()
        if shape != self.shape or self.view.view == "day":
            return None
        known = (pair.partition(":") for pair in pairs)
        return {key for key, _, mark in known if self.mark(key) != mark}


class Builder:
    """Makes chips out of one planning for one reader."""

    def __init__(
        self, planning: Planning, jobs: Mapping[str, Any], words: Words, zone: str, changed: Collection[str] = (),
        *, is_part: bool = False,
    ) -> None:  # fmt: skip
        """`changed`: the calls that are not what was published. `is_part`: other departments are left out."""
        self.changed, self.is_part = changed, is_part
        self.words, self.jobs, self.zone = words, jobs, zone
        self.planning = planning
        self.calls = {call["id"]: call for call in planning["calls"]}
        self.productions = {one["id"]: one["title"] for one in planning["productions"]}
        self.venues = {one["id"]: one for one in planning["venues"]}
        self.people = {one["id"]: one for one in planning["people"]}
        self.positions = _grouped(planning["positions"])
        self.assignments = _grouped(one for one in planning["assignments"] if one["status"] in STANDING)
        declined = (one for one in planning["assignments"] if one["status"] == Status.DECLINED)
        self.declined = Counter((one["call_id"], one["job"]) for one in declined)
        self.clocks: dict[str, tuple[date, str, str, str]] = {}
        self.coverage = {state: words.say(said) for state, said in COVERAGE.items()}
        self.found: dict[str, int] = {}
        for finding in standing_findings(planning):
            for name in {*finding["call_ids"], *finding["assignment_ids"]}:
                self.found[name] = self.found.get(name, 0) + 1

    def zone_of(self, call: Mapping[str, Any]) -> ZoneInfo:
        """Return the zone whose clock hangs where the call takes place."""
        venue = self.venues.get(call["venue_id"])
        return ZoneInfo(venue["timezone"] if venue else self.zone)

    def clock(self, call: Mapping[str, Any]) -> tuple[date, str, str, str]:
        """Return a call's day by the clock of its place, its hours in words, its start and its end; read once each."""
        found = self.clocks.get(call["id"])
        if found is None:
            zone = self.zone_of(call)
            starts, ends = (datetime.fromisoformat(call[name]).astimezone(zone) for name in ("starts_at", "ends_at"))
            hours = f"{self.words.hour(starts, zone)}\u2013{self.words.hour(ends, zone)}"
            first, last = (one.isoformat()[:MINUTES] for one in (starts, ends))
            found = self.clocks[call["id"]] = (starts.date(), hours, first, last)
        return found

    def chip(self, call: Mapping[str, Any], state: str, figure: str, title: str, **more: Any) -> Chip:  # noqa: ANN401
        """Return a chip of a call; `more` are its other fields."""
        day, hours, starts, ends = self.clock(call)
        is_off = call["status"] == CallStatus.CANCELLED
        state, is_draft = ("off", False) if is_off else (state, call["status"] == CallStatus.DRAFT)
        more.setdefault("said", self.coverage[state])
        more.setdefault("found", self.found.get(call["id"], 0))
        more.setdefault("about", self.productions.get(call["production_id"], ""))
        return Chip(
            call=call["id"], version=call["version"], day=day, title=title, state=state, figure=figure, hours=hours,
            is_draft=is_draft, is_changed=not is_off and call["id"] in self.changed, is_fixed=is_off,
            starts=starts, ends=ends, **more,
        )  # fmt: skip

    def whole(self, call: Mapping[str, Any], department: str | None = None, **more: Any) -> Chip:  # noqa: ANN401
        """Return the chip of a call, or of what one department does on it."""
        wanted, on_it = self.positions.get(call["id"], []), self.assignments.get(call["id"], [])
        if department is not None:
            wanted, on_it = ([one for one in of if self.department(one) == department] for of in (wanted, on_it))
        needed = sum(one["headcount"] for one in wanted)
        is_whole = department is None and not self.is_part
        placed = needed - call["to_fill"] - doubtful(wanted, on_it) if is_whole else filled(wanted, on_it)
        state = of_colour(call["colour"], on_it) if is_whole else coverage(wanted, on_it)
        jobs = {one["job"] for one in wanted}
        place = self.venues.get(call["venue_id"])
        return self.chip(
            call, state, f"{placed}/{needed}" if wanted else str(len(on_it)), self.title(call),
            beside=sum(one["job"] not in jobs for one in on_it) if wanted else 0,
            answered=sum(one["status"] == Status.ACCEPTED for one in on_it),
            place=", ".join(part for part in (place["name"], place["city"]) if part) if place else "",
            venue=call["venue_id"] or "",
            people=", ".join(self.people[one["person_id"]]["name"] for one in on_it if one["person_id"] in self.people),
            **{"about": f"{self.productions.get(call['production_id'], '')}{', ' + place['name'] if place else ''}"}
            | more,
        )  # fmt: skip

    def title(self, call: Mapping[str, Any]) -> str:
        """Return what a call is called."""
        return call["title"] or named(self.words, KINDS, call["kind"])

    def department(self, one: Mapping[str, Any]) -> str:
        """Return the department of a position or of an assignment: that of its job."""
        job = self.jobs.get(one["job"])
        return job.department if job else NOWHERE

    def of_person(self, one: Mapping[str, Any]) -> Chip:
        """Return the chip of one person's assignment."""
        call = self.calls[one["call_id"]]
        state = "contested" if one["contested"] else OF_STATUS[one["status"]]
        job = self.jobs.get(one["job"])
        said = self.coverage["contested"] if one["contested"] else self.words.say(STATUSES[one["status"]])
        return self.chip(
            call, state, "", self.title(call), assignment=one["id"], assignment_version=one["version"],
            said=f"{said}, {job.label if job else one['job']}", found=self.found.get(one["id"], 0),
        )  # fmt: skip

    def still_open(self, position: Mapping[str, Any]) -> Chip | None:
        """Return the chip of what nobody stands on yet of a position; None where enough do."""
        call = self.calls[position["call_id"]]
        on_it = [one for one in self.assignments.get(call["id"], []) if one["job"] == position["job"]]
        missing = position["headcount"] - len(on_it)
        if missing <= 0 or call["status"] == CallStatus.CANCELLED:
            return None
        job = self.jobs.get(position["job"])
        figure = f"{filled([position], on_it)}/{position['headcount']}"
        state = "part" if on_it else "none"
        label = job.label if job else position["job"]
        return self.chip(call, state, figure, label, about=self.title(call), position=position["id"], found=0,
                         declined=self.declined[call["id"], position["job"]])  # fmt: skip

    def answers(self) -> list[Answer]:
        """Return the calls on which somebody who said yes waits to be confirmed, by start."""
        found = []
        for call in self.planning["calls"]:
            on_it = self.assignments.get(call["id"], [])
            number = sum(one["status"] == Status.ACCEPTED for one in on_it)
            if number and call["status"] != CallStatus.CANCELLED:
                day, hours, _, _ = self.clock(call)
                found.append(Answer(call["id"], self.title(call), day, hours, number))
        return found


def of_colour(colour: str, on_it: Sequence[Mapping[str, Any]]) -> str:
    """Return how a whole call stands: as the API counts it, save that what is contested is not sure."""
    if any(one["contested"] for one in on_it):
        return "contested"
    if colour == Colour.AMBER:
        return "accepted" if any(one["status"] == Status.ACCEPTED for one in on_it) else "option"
    return "full" if colour == Colour.GREEN else "part" if on_it else "none"


def coverage(positions: Iterable[Mapping[str, Any]], on_it: Sequence[Mapping[str, Any]]) -> str:
    """Return how these positions stand, by the rules of the API's colour: a draft asks nobody yet."""
    wanted = list(positions)
    sure = Counter(one["job"] for one in on_it if one["status"] == Status.CONFIRMED)
    asked = Counter(one["job"] for one in on_it if one["status"] in ASKED)
    if not wanted:
        colour = Colour.AMBER if asked else Colour.GREEN if sure else Colour.RED
    elif all(sure[one["job"]] >= one["headcount"] for one in wanted):
        colour = Colour.GREEN
    else:
        is_asked = all(sure[one["job"]] + asked[one["job"]] >= one["headcount"] for one in wanted)
        colour = Colour.AMBER if is_asked else Colour.RED
    return of_colour(colour, on_it)


def filled(positions: Iterable[Mapping[str, Any]], on_it: Iterable[Mapping[str, Any]]) -> int:
    """Return how many of the places somebody sure has; who is in no position's job has none of them."""
    sure = [one["job"] for one in on_it if one["status"] == Status.CONFIRMED and not one["contested"]]
    return sum(min(sure.count(one["job"]), one["headcount"]) for one in positions)


def doubtful(positions: Iterable[Mapping[str, Any]], on_it: Iterable[Mapping[str, Any]]) -> int:
    """Return how many places somebody has whose booking is contested."""
    jobs = {one["job"] for one in positions}
    return sum(bool(one["contested"]) and one["job"] in jobs for one in on_it)


def build(
    planning: Planning, view: View, jobs: Mapping[str, Any], words: Words, zone: str, changed: Collection[str] = ()
) -> Board:  # fmt: skip
    """Return the board of a planning, which holds what `view` asks for; `changed` since they were published."""
    builder, days = Builder(planning, jobs, words, zone, changed, is_part=view.department is not None), view.days
    makers = {"person": _of_people, "venue": _of_venues, "department": _of_departments}
    rows = makers[view.by](builder, days) if view.view == "week" else []
    opened = [chip for one in planning["positions"] if (chip := builder.still_open(one)) is not None]
    return Board(
        view, days, rows, _row("open", "", "", opened, days) if opened else None,
        len(planning["calls"]), lambda: map(builder.whole, planning["calls"]),
        group(planning["findings"], {one["id"]: one["name"] for one in planning["people"]}),
        len(standing_findings(planning)),
        builder.answers(),
    )  # fmt: skip


def standing_findings(planning: Planning) -> list[Mapping[str, Any]]:
    """Return the findings that no recorded derogation covers: those that somebody must look at."""
    return [one for one in planning["findings"] if not one["covered_by"]]


def group(findings: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return findings with `people`, the names, and their `number`; what is said alike of several is said once."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for one in findings:
        cure = one["cures"][0]["sentence"] if one["cures"] else ""
        passed = (one["overridden"] or {}).get("reason")
        key = (one["rule"], one["severity"], one["sentence"], one["if_confirmed"], one["covered_by"], passed, cure)
        told = found.setdefault(key, {**one, "people": [], "number": 0})
        told["number"] += 1
        if one["person_id"] in names:
            told["people"].append(names[one["person_id"]])
    return list(found.values())


def suits(planning: Planning, call: Mapping[str, Any], days: Iterable[date], zone: ZoneInfo) -> dict[str, int]:
    """Say of each day whether a call could be on it, as far as this company knows: 0 yes, 1 somebody is away, 2 no.

    No: somebody confirmed on it is confirmed on another call at these hours.
    """
    people = {
        one["person_id"] for one in planning["assignments"]
        if one["call_id"] == call["id"] and one["status"] == Status.CONFIRMED
    }  # fmt: skip
    times = {one["id"]: _between(one) for one in planning["calls"] if one["id"] != call["id"]}
    taken = [
        times[one["call_id"]] for one in planning["assignments"]
        if one["person_id"] in people and one["status"] == Status.CONFIRMED and one["call_id"] in times
    ]  # fmt: skip
    away = [_between(one) for one in planning["unavailabilities"] if one["person_id"] in people]
    walls = [instant.astimezone(zone).replace(tzinfo=None) for instant in _between(call)]
    found = {}
    for day in days:
        first, last = ((wall + (day - walls[0].date())).replace(tzinfo=zone) for wall in walls)
        clashes, absent = (any(a < last and b > first for a, b in known) for known in (taken, away))
        found[day.isoformat()] = 2 if clashes else 1 if absent else 0
    return found


def _between(one: Mapping[str, Any]) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(one["starts_at"]), datetime.fromisoformat(one["ends_at"])


def _of_people(builder: Builder, days: list[date]) -> list[Row]:
    chips: dict[str, list[Chip]] = {}
    for on_it in builder.assignments.values():
        for one in on_it:
            chips.setdefault(one["person_id"], []).append(builder.of_person(one))
    return [
        _row(
            key, person["name"], builder.jobs[person["job"]].label if person["job"] in builder.jobs else person["job"],
            chips[key], days, TINTS.get(person["department"], "pr"),
        )
        for key, person in builder.people.items() if key in chips
    ]  # fmt: skip


def _of_venues(builder: Builder, days: list[date]) -> list[Row]:
    chips: dict[str, list[Chip]] = {}
    for call in builder.calls.values():
        about = builder.productions.get(call["production_id"], "")
        chips.setdefault(call["venue_id"] or NOWHERE, []).append(builder.whole(call, about=about))
    rows = [
        _row(key, one["name"], one["city"] or "", chips[key], days)
        for key, one in builder.venues.items()
        if key in chips
    ]
    return rows + ([_row(NOWHERE, "", "", chips[NOWHERE], days)] if NOWHERE in chips else [])


def _of_departments(builder: Builder, days: list[date]) -> list[Row]:
    known = list(dict.fromkeys([*DEPARTMENTS, *(job.department for job in builder.jobs.values())]))
    chips: dict[str, list[Chip]] = {name: [] for name in known}
    for call_id, call in builder.calls.items():
        parts = [*builder.positions.get(call_id, []), *builder.assignments.get(call_id, [])]
        for name in dict.fromkeys(builder.department(one) for one in parts):
            chips.setdefault(name, []).append(builder.whole(call, name, tint=TINTS.get(name, "pr")))
    return [
        _row(name, named(builder.words, DEPARTMENTS, name), "", of, days, TINTS.get(name, "pr"))
        for name, of in chips.items() if of
    ]  # fmt: skip


def _row(key: str, label: str, note: str, chips: list[Chip], days: list[date], tint: str = "") -> Row:
    return Row(key, label, note, _days(chips, days), tint)


def _days(chips: Iterable[Chip], days: list[date]) -> list[list[Chip]]:
    """Put chips into the columns of their days; what began before the first is in the first, and the reverse."""
    cells: list[list[Chip]] = [[] for _ in days]
    for chip in sorted(chips, key=lambda chip: (chip.starts, chip.ends)):
        cells[min(max((chip.day - days[0]).days, 0), len(days) - 1)].append(chip)
    return cells


def _shown(chips: Iterable[Chip]) -> list[Any]:
    return [tuple(chip) for chip in chips]


def _mark(shown: object) -> str:
    return f"{crc32(repr(shown).encode('utf-8', 'surrogatepass')):x}"


def _grouped(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["call_id"], []).append(row)
    return found
