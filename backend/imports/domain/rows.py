"""One typed row per line of a file; `line` is where it began, so that a later refusal can still name it."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence of an entrepreneur de spectacles: category "1" to "3", number, last day."""

    category: str
    number: str
    expires_on: date


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """The company itself; `slug` is never applied (an import does not rename a company)."""

    line: int
    slug: str | None
    name: str
    siret: str | None
    idcc: str | None
    licences: tuple[Licence, ...]
    timezone: str
    city: str | None


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person of the directory; `email` is normalised, `annexe` is "8", "10" or "cdi"."""

    line: int
    ref: str
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    job: str
    department: str
    annexe: str
    birth_date: date | None


@dataclass(frozen=True, slots=True)
class VenueRow:
    """A place; `capacity` in seats; `placed`: whether the file has columns for where it is, in degrees."""

    line: int
    ref: str
    name: str
    address: str | None
    postal_code: str | None
    city: str | None
    timezone: str
    capacity: int | None
    placed: bool = False
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class ProductionRow:
    """A show."""

    line: int
    ref: str
    title: str
    kind: str
    season: str | None
    premiere_date: date | None
    objet_number: str | None


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call; its instants are aware and keep the offset they were written with."""

    line: int
    ref: str
    production_ref: str
    venue_ref: str | None
    kind: str
    title: str
    starts_at: datetime
    ends_at: datetime
    break_minutes: int


@dataclass(frozen=True, slots=True)
class PositionRow:
    """What a call needs of one job."""

    line: int
    call_ref: str
    job: str
    headcount: int


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """A person on a call in a job; `status` is any state of an assignment."""

    line: int
    call_ref: str
    person_ref: str
    job: str
    status: str
    option_rank: int | None
    option_expires_at: datetime | None
    pay_unit: str
    cachets: int | None


@dataclass(frozen=True, slots=True)
class Season:
    """The seven files of one company, every row judged good."""

    company: CompanyRow
    people: list[PersonRow]
    venues: list[VenueRow]
    productions: list[ProductionRow]
    calls: list[CallRow]
    positions: list[PositionRow]
    assignments: list[AssignmentRow]
