"""Who has to be visited, in which order: canaries first, then by number. A decision over plain rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.core.ids import new_id
from backend.tenancy.fleet import legs, refusals
from backend.tenancy.fleet.order import Order, Visit


@dataclass(frozen=True, slots=True)
class Place:
    """Where a company stands."""

    company_id: UUID
    slug: str
    schema: str
    role: str
    revision: str | None


def plan(
    places: Sequence[Place], order: Order, target: str, pending: Mapping[UUID, str | None], skip: Collection[UUID] = ()
) -> list[Visit]:
    """Return the visits of a run; `pending` maps companies that lack indexes to the revision they came from.

    Raises FleetError: an unknown company or revision, everybody asked to go back.
    """
    slugs = {place.slug for place in places}
    unknown = {*order.only, *order.canaries} - slugs
    if unknown:
        raise refusals.unknown_companies(unknown, slugs)
    legs.check_known(target)
    visits = [
        _visit(place, order, target, pending)
        for place in places
        if (not order.only or place.slug in order.only)
        and place.company_id not in skip
        and (place.revision != target or place.company_id in pending)
    ]
    if not order.only and any(_goes_back(visit) for visit in visits):
        raise refusals.whole_fleet_downgrade(target)
    return sorted(visits, key=lambda visit: not visit.is_canary)


def _visit(place: Place, order: Order, target: str, pending: Mapping[UUID, str | None]) -> Visit:
    indexes_only = place.revision == target
    start = pending[place.company_id] if indexes_only else place.revision
    return Visit(
        new_id(), place.company_id, place.slug, place.schema, place.role, start, target,
        is_canary=place.slug in order.canaries, indexes_only=indexes_only,
    )  # fmt: skip


def _goes_back(visit: Visit) -> bool:
    # A revision without a file is a failure of that company alone, said when its turn comes.
    known = visit.start in legs.known()
    return known and legs.is_downgrade(visit.start, visit.end)
