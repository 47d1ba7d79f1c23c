"""How long it takes from one venue to another: minutes set by hand, or the great circle at the company's speed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import asin, ceil, cos, radians, sin, sqrt

EARTH_KM = 6371.0088
HOUR = 60
Place = tuple[float, float]


@dataclass(frozen=True)
class Travel:
    """What a company knows of its venues, by their ids: where they are, what they are called, how long a trip takes.

    `by_hand` holds a pair once, in either order; its minutes are taken as they are. `margin_minutes` is added to
    estimates.
    """

    speed_kmh: int
    margin_minutes: int
    places: Mapping[str, Place] = field(default_factory=dict)
    by_hand: Mapping[frozenset[str], int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def minutes(self, one: str, other: str) -> int | None:
        """Return how long the trip takes, in whole minutes rounded up; None where nobody can tell."""
        by_hand = self.by_hand.get(frozenset((one, other)))
        if by_hand is not None:
            return by_hand
        start, end = self.places.get(one), self.places.get(other)
        if start is None or end is None:
            return None
        # Rounded first: a distance that is a whole number of minutes is not one more by a last digit.
        return ceil(round(distance_km(start, end) * HOUR / self.speed_kmh, 6)) + self.margin_minutes

    def name(self, venue: str) -> str:
        """Return what the venue is called."""
        return self.names.get(venue, venue)


def distance_km(start: Place, end: Place) -> float:
    """Return the great-circle distance of two places (latitude, longitude in degrees), by the haversine formula."""
    (lat, lon), (other_lat, other_lon) = start, end
    across = sin(radians(other_lat - lat) / 2) ** 2
    along = cos(radians(lat)) * cos(radians(other_lat)) * sin(radians(other_lon - lon) / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(across + along)))
