"""The seven files of a season and their columns, in order: one source for what is read and what is written."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

COMPANY: Final = "company.csv"
PEOPLE: Final = "people.csv"
VENUES: Final = "venues.csv"
PRODUCTIONS: Final = "productions.csv"
CALLS: Final = "calls.csv"
POSITIONS: Final = "positions.csv"
ASSIGNMENTS: Final = "assignments.csv"

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        COMPANY: ("slug", "name", "siret", "idcc", "licences", "timezone", "city"),
        PEOPLE: (
            "ref", "first_name", "last_name", "email", "phone", "job", "department", "annexe", "birth_date",
        ),
        VENUES: ("ref", "name", "address", "postal_code", "city", "timezone", "capacity"),
        PRODUCTIONS: ("ref", "title", "kind", "season", "premiere_date", "objet_number"),
        CALLS: ("ref", "production_ref", "venue_ref", "kind", "title", "starts_at", "ends_at", "break_minutes"),
        POSITIONS: ("call_ref", "job", "headcount"),
        ASSIGNMENTS: (
            "call_ref", "person_ref", "job", "status", "option_rank", "option_expires_at", "pay_unit", "cachets",
        ),
    }
)  # fmt: skip

OPTIONAL: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({VENUES: ("latitude", "longitude")})
"""Columns that a file may have after its own; without them, what they would say stays as it is."""

FILES: Final[tuple[str, ...]] = tuple(COLUMNS)
