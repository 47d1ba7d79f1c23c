"""Coordinates of venues: both or none; kept beside the venue, so that a company without their table is served."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm.attributes import flag_modified

from backend.core.errors import InvalidError
from backend.identity.expansion import has_conflicts, need_conflicts
from backend.productions.models import Venue, VenuePlace
from backend.tenancy.acting import Act
from backend.tenancy.rows import apply_changes, values_of

FIELDS = ("latitude", "longitude")
NOWHERE: Mapping[str, float | None] = {"latitude": None, "longitude": None}


async def read(act: Act, venue_id: UUID) -> dict[str, float | None]:
    """Return where a venue is, nulls where nobody has said."""
    place = await act.session.get(VenuePlace, venue_id) if has_conflicts(act) else None
    return dict(NOWHERE) if place is None else values_of(place, FIELDS)


def check(values: Mapping[str, float | None]) -> None:
    """Refuse (InvalidError) one of the two without the other."""
    missing = [name for name in FIELDS if values[name] is None]
    if len(missing) == 1:
        raise InvalidError.of(
            ["body", missing[0]],
            "Latitude et longitude vont ensemble : donnez les deux, ou aucune.",
            "Latitude and longitude go together: give both, or neither.",
            "place",
        )


async def add(act: Act, venue_id: UUID, place: Mapping[str, Any]) -> None:
    """Keep where a new venue is."""
    need_conflicts(act)
    act.session.add(VenuePlace(venue_id=venue_id, **place))
    await act.session.flush()


async def change(act: Act, venue: Venue, after: Mapping[str, Any]) -> None:
    """Keep where a venue is from now on; its version grows with that."""
    need_conflicts(act)
    place = await act.session.get(VenuePlace, venue.id)
    if after["latitude"] is None:
        await act.session.delete(place)
    elif place is None:
        act.session.add(VenuePlace(venue_id=venue.id, **after))
    else:
        apply_changes(place, after)
    flag_modified(venue, "name")
    venue.updated_at = act.now
