"""Whom of many an act can confirm: in their order, who is free, whom the law lets, and for whom there is a place.

Read in a few statements however many they are, then chosen without another one. The ledger and the gate have the last
word when the chosen are stored; whoever they still stop gives the place to the next one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from backend.core.errors import AppError
from backend.planning import gate, ledger, refusals
from backend.planning.domain.options import FIRST, Place
from backend.planning.domain.publication import instant_text
from backend.planning.filling import Filled
from backend.planning.gate import Brought
from backend.planning.ledger import Conflict, Hold
from backend.planning.refusals import Named, times_text
from backend.tenancy.acting import Act

_Rows = Mapping[UUID, Row[Any]]


@dataclass(slots=True)
class Choice:
    """Who is chosen, who cannot be confirmed and why, and who could be but finds no place (`beyond`)."""

    chosen: list[UUID] = field(default_factory=list)
    refused: dict[UUID, AppError] = field(default_factory=dict)
    beyond: dict[UUID, AppError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Assignments that somebody wants confirmed, with all that decides about them."""

    rows: _Rows
    places: Mapping[Place, Filled]
    stopped: Mapping[UUID, AppError]
    named: Mapping[UUID, Named]
    bench: gate.Bench

    def choose(self, wanted: Collection[UUID]) -> Choice:
        """Choose among `wanted`: first choices before second ones, then as they are named."""
        found, taken = Choice(), dict[Place, int]()
        of_person: dict[UUID, list[UUID]] = {}
        for one in self.in_order(wanted):
            row = self.rows[one]
            place = (row.call_id, row.job)
            filled, before = self.places.get(place), of_person.setdefault(row.person_id, [])
            confirmed = 0 if filled is None else filled.confirmed + taken.get(place, 0)
            if filled is not None and confirmed >= filled.headcount:
                found.beyond[one] = refusals.position_filled(confirmed, filled.headcount)
            elif (refusal := self._refusal(one, before)) is not None:
                found.refused[one] = refusal
            else:
                taken[place] = taken.get(place, 0) + 1
                before.append(one)
                found.chosen.append(one)
        return found

    def in_order(self, wanted: Collection[UUID]) -> list[UUID]:
        """Return `wanted` in the order in which they are chosen, in which nobody decides about whoever came before."""
        return sorted(wanted, key=lambda each: self.rows[each].rank or FIRST)

    def _refusal(self, one: UUID, before: Sequence[UUID]) -> AppError | None:
        row = self.rows[one]
        own = [self._conflict(each) for each in before if _overlap(self.rows[each], row)]
        if own:
            return ledger.overlap(own)
        return self.stopped.get(one) or self.bench.refusal(row.person_id, [*before, one])

    def _conflict(self, one: UUID) -> Conflict:
        row, named = self.rows[one], self.named[one]
        shown = {
            "assignment_id": str(one), "person_id": str(row.person_id), "call_id": str(row.call_id),
            "title": named.title, "starts_at": instant_text(row.starts_at), "ends_at": instant_text(row.ends_at),
        }  # fmt: skip
        return Conflict(shown, named)


async def read_candidates(
    act: Act, rows: _Rows, places: Mapping[Place, Filled], numbers: Mapping[UUID, int], brought: Brought
) -> Candidates:
    """Read what decides about these assignments; their positions and people are held already."""
    holds = holds_of(rows.values(), numbers)
    named = name_all(act, rows.values())
    times = sorted({(row.starts_at, row.ends_at) for row in rows.values()})
    bench = await gate.prepare(act, set(numbers), times, brought)
    return Candidates(rows, places, await read_stopped(act, holds, named), named, bench)


def name_all(act: Act, rows: Collection[Row[Any]]) -> dict[UUID, Named]:
    """Return whom and which call these assignments are about, in words."""
    return {
        row.id: Named(
            f"{row.first_name} {row.last_name}", row.title,
            times_text(row.starts_at, row.ends_at, row.timezone or act.company.timezone),
        )
        for row in rows
    }  # fmt: skip


def holds_of(rows: Collection[Row[Any]], numbers: Mapping[UUID, int]) -> list[Hold]:
    """Return what these assignments ask of the ledger."""
    return [Hold(row.id, numbers[row.person_id], row.starts_at, row.ends_at) for row in rows]


async def read_stopped(act: Act, holds: Sequence[Hold], named: Mapping[UUID, Named]) -> dict[UUID, AppError]:
    """Return why people cannot be had: the company's own booking first, then what it recorded, then not a word more."""
    found: dict[UUID, AppError] = {
        one.assignment_id: ledger.PersonNotAvailableError(named.get(one.assignment_id))
        for one in await ledger.find_unavailable(act, holds)
    }
    found |= {one.assignment_id: told for one, told in (await ledger.find_recorded_of_each(act, holds)).items()}
    conflicts = await ledger.find_conflicts_of_each(act, holds)
    return found | {one: ledger.overlap(own) for one, own in conflicts.items() if own}


def _overlap(one: Row[Any], other: Row[Any]) -> bool:
    return bool(one.starts_at < other.ends_at and other.starts_at < one.ends_at)
