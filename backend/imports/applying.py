"""A plan carried out, or refused row by row: what only the company's own rows and the ledger can tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from backend.core.errors import Sentence
from backend.imports import storing
from backend.imports.domain.columns import ASSIGNMENTS, CALLS, PEOPLE
from backend.imports.domain.diff import Outcome, of
from backend.imports.domain.holding import Clash, Stand, find_clashes
from backend.imports.domain.problems import Problems, shown
from backend.imports.headcounts import check_headcounts
from backend.imports.matching import Plan
from backend.imports.refusals import ImportRejectedError
from backend.imports.repository import Found
from backend.planning import ledger, probing
from backend.planning.ledger import Hold
from backend.tenancy.acting import Act
from backend.tenancy.numbers import take_person_numbers

UNAVAILABLE_TOLD = 50
"""Rows told "not available" by one import: a file of every hour of a season would else read a person's whole diary."""


@dataclass(frozen=True, slots=True)
class Application:
    """Writes one plan. `stands` are all assignments of the company, before and after it."""

    act: Act
    found: Found
    plan: Plan
    stands: Sequence[Stand]

    async def write(self) -> None:
        """Write the ledger, then the rows. Raises ImportRejectedError with every row that cannot be written."""
        problems = Problems()
        self._check_matched_once(problems)
        self._check_emails(problems)
        check_headcounts(self.plan, self.found, problems)
        clashes = find_clashes(self.stands)
        for clash in clashes:
            self._tell_clash(clash, problems)
        numbers = await self._number_people()
        unavailable = await self._hold({clash.brought.assignment_id for clash in clashes}, numbers)
        named = unavailable[:UNAVAILABLE_TOLD]
        if named:
            probing.note_refusals(self.act, len(named))
        for stand in named:
            self._tell(stand, ledger.NOT_AVAILABLE, "person_not_available", problems)
        if problems.kept:
            # Not even how many others there are: what is told is what is counted.
            raise ImportRejectedError(
                problems.in_order(), problems.more, len(named), is_all=len(named) == len(unavailable)
            )
        await storing.store(self.act, self.plan, numbers)

    def _check_matched_once(self, problems: Problems) -> None:
        for file, steps in self.plan.steps.items():
            first: dict[UUID, int] = {}
            for step in steps:
                if step.before is not None and first.setdefault(step.row_id, step.line) != step.line:
                    problems.add(file, step.line, None, _same_row(first[step.row_id], step.line), "duplicate")

    def _check_emails(self, problems: Problems) -> None:
        """An address of somebody whom the file does not hold; the file's own were compared before."""
        planned = {step.row_id for step in self.plan.steps[PEOPLE]}
        taken = {row["email"] for row in self.found.people.rows if row["id"] not in planned} - {None}
        for step in self.plan.steps[PEOPLE]:
            if step.values.get("email") in taken:
                problems.add(PEOPLE, step.line, "email", _EMAIL_TAKEN, "duplicate_email")

    async def _number_people(self) -> dict[UUID, int]:
        created = of(self.plan.steps[PEOPLE], Outcome.CREATED)
        numbers = await take_person_numbers(self.act.session, len(created))
        return {step.row_id: number for step, number in zip(created, numbers, strict=True)}

    async def _hold(self, clashing: set[UUID], new: Mapping[UUID, int]) -> list[Stand]:
        """Write the ledger; return whom another company holds."""
        numbers = {row["id"]: row["number"] for row in self.found.people.rows} | dict(new)
        changing = {stand.assignment_id: stand for stand in self.stands if stand.changes}
        wanted = [
            Hold(stand.assignment_id, numbers[stand.person_id], stand.after.starts_at, stand.after.ends_at)
            for stand in changing.values()
            if stand.after is not None and stand.assignment_id not in clashing
        ]
        given_back = [stand.assignment_id for stand in changing.values() if stand.before is not None]
        if not wanted and not given_back:
            return []
        return [changing[refused.assignment_id] for refused in await ledger.rebook(self.act, given_back, wanted)]

    def _tell_clash(self, clash: Clash, problems: Problems) -> None:
        person, other = self._person(clash.brought.person_id), self._after(CALLS, clash.other.call_id)
        zone = ZoneInfo(self.act.company.timezone)
        self._tell(clash.brought, _overlap(person, other, zone), "overlap", problems)

    def _tell(self, stand: Stand, sentence: Sentence, code: str, problems: Problems) -> None:
        """At the row of the assignment, or, where the file lacks it, at the row of the call that moved."""
        for file, row_id, column in (
            (ASSIGNMENTS, stand.assignment_id, "person_ref"),
            (CALLS, stand.call_id, "starts_at"),
        ):
            step = self.plan.by_id(file).get(row_id)
            if step is not None:
                problems.add(file, step.line, column, sentence, code)
                return

    def _person(self, person_id: UUID) -> str:
        row = self._after(PEOPLE, person_id)
        return shown(f"{row['first_name']} {row['last_name']}")

    def _after(self, file: str, row_id: UUID) -> Mapping[str, Any]:
        step = self.plan.by_id(file).get(row_id)
        known = self.found.people if file == PEOPLE else self.found.calls
        return step.after if step is not None else known.by_id[row_id]


def _overlap(person: str, other: Mapping[str, Any], zone: ZoneInfo) -> Sentence:
    starts_at: datetime = other["starts_at"].astimezone(zone)
    ends_at: datetime = other["ends_at"].astimezone(zone)
    title, times = shown(other["title"]), f"{starts_at:%d/%m/%Y %H:%M}-{ends_at:%H:%M}"
    return Sentence(
        f"{person} est déjà confirmé·e dans Filage sur « {title} » ({times}), en même temps : changez l'un des deux.",
        f'{person} is already confirmed in Filage on "{title}" ({times}), at the same time: change one of them.',
    )


def _same_row(first: int, second: int) -> Sentence:
    return Sentence(
        f"Les lignes {first} et {second} désignent la même fiche de Filage : corrigez ou retirez l'une des deux.",
        f"Lines {first} and {second} mean the same row of Filage: correct or remove one of them.",
    )


_EMAIL_TAKEN = Sentence(
    "Une autre personne de votre annuaire a déjà cette adresse : donnez à cette ligne sa référence (voyez l'export des "
    "personnes), ou changez l'adresse.",
    "Another person of your directory has this e-mail: give this row that person's ref (see the export of the people), "
    "or change the address.",
)
