"""What the counter counts: one contract, absence or teaching of a person, and the part of it inside some days."""

import enum
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

ONE_DAY = timedelta(days=1)


class Kind(enum.StrEnum):
    """As what the unemployment insurance takes it."""

    ANNEXE_8 = "annexe_8"
    ANNEXE_10 = "annexe_10"
    TEACHING = "teaching"
    TRAINING = "training"
    ASSIMILATED = "assimilated"
    SICKNESS = "sickness"


class Standing(enum.StrEnum):
    """How sure it is: to come, done, or done and declared by the employer (on its certificate)."""

    PLANNED = "planned"
    WORKED = "worked"
    DECLARED = "declared"


ANNEXES = frozenset({Kind.ANNEXE_8, Kind.ANNEXE_10})
ABSENCES = frozenset({Kind.ASSIMILATED, Kind.SICKNESS})


@dataclass(frozen=True, slots=True)
class Work:
    """A block of hours: `minutes` paid by the hour and `cachets`; an absence counts by its days instead.

    `company_id` is the company in Filage, `entry_id` the entry by hand that it comes from.
    """

    kind: Kind
    standing: Standing
    starts_on: date
    ends_on: date
    employer: str = ""
    minutes: int = 0
    cachets: int = 0
    company_id: UUID | None = None
    entry_id: UUID | None = None

    @property
    def days(self) -> int:
        """Days of the calendar, both ends included."""
        return (self.ends_on - self.starts_on).days + 1

    @property
    def employer_key(self) -> str:
        """The employer's name as it is compared: two spellings that differ by case or spaces are one employer."""
        return " ".join(self.employer.casefold().split())


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` to `last`, both included; empty when `last` is before `first`."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return max(0, (self.last - self.first).days + 1)

    def common(self, other: "Span") -> "Span":
        """Return the days that both have."""
        return Span(max(self.first, other.first), min(self.last, other.last))

    def holds(self, day: date) -> bool:
        """Tell whether `day` is one of them."""
        return self.first <= day <= self.last


def span_of(work: Work) -> Span:
    """Return the days of a block."""
    return Span(work.starts_on, work.ends_on)


def share(amount: int, whole: Span, part: Span) -> int:
    """Return the part of `amount` that falls on `part`, spread evenly over the days of `whole`.

    Whole numbers only; the shares of a division of `whole` add up to `amount` exactly.
    """
    inside = whole.common(part)
    if not amount or not inside.days:
        return 0
    before = (inside.first - whole.first).days
    return amount * (before + inside.days) // whole.days - amount * before // whole.days
