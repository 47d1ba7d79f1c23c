"""What enters and leaves the counter's routes. Durations are whole minutes; both ends of a period are included."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StrictInt, model_validator

from backend.core.resources import unsent
from backend.core.schemas import Body, Day, Line, Version, refuse
from backend.hours.domain.work import Kind, Standing

MOST_MINUTES = 366 * 24 * 60
MOST_CACHETS = 366 * 3
_ENTRY, _COMPANY = "01936c5e-0000-7000-8000-0000000e4741", "01936c5e-0000-7000-8000-00000000c0a1"

Employer = Annotated[Line, Field(examples=["Théâtre de la Cité"])]
CompanyId = Annotated[
    UUID,
    Field(
        examples=[_COMPANY],
        description="A company of Filage that you work with: this entry then replaces what it planned on these days.",
    ),
]
EntryKind = Annotated[
    Kind,
    Field(
        examples=["annexe_10"],
        description="`annexe_8` technicians, `annexe_10` artists, `teaching` under contract with an approved school, "
        "`training` not paid by the unemployment insurance, `assimilated` days (maternity, adoption, prolonged work "
        "accident, long illness) and paid `sickness`, both outside contracts.",
    ),
]
Status = Annotated[
    Standing, Field(examples=["declared"], description="`declared`: the employer's certificate (AEM) says so.")
]
EntryMinutes = Annotated[StrictInt, Field(ge=0, le=MOST_MINUTES, examples=[0], description="Paid by the hour.")]
EntryCachets = Annotated[StrictInt, Field(ge=0, le=MOST_CACHETS, examples=[4], description="For artists; 12 h each.")]
StartsOn = Annotated[Day, Field(examples=["2026-10-05"])]
EndsOn = Annotated[Day, Field(examples=["2026-10-09"])]
MinutesOut = Annotated[int, Field(examples=[2880])]


class EntryIn(Body):
    """One contract (per month, as on its certificate), teaching, training or absence."""

    employer: Employer | None = Field(None, description="Left out for an absence, and with `company_id`.")
    company_id: CompanyId | None = Field(None, examples=[None])
    kind: EntryKind
    status: Status = Standing.DECLARED
    starts_on: StartsOn
    ends_on: EndsOn
    minutes: EntryMinutes = 0
    cachets: EntryCachets = 0


class EntryChange(Body):
    """What a PATCH of an entry takes."""

    employer: Employer = unsent()
    company_id: CompanyId | None = Field(None, examples=[None])
    kind: EntryKind = unsent()
    status: Status = unsent()
    starts_on: StartsOn = unsent()
    ends_on: EndsOn = unsent()
    minutes: EntryMinutes = unsent()
    cachets: EntryCachets = unsent()

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, values: Any) -> Any:  # noqa: ANN401 - whatever the client sent
        if values == {}:
            raise refuse("empty", "Dites ce qui change : aucun champ n'est envoyé.", "Say what changes: no field sent.")
        return values


class EntryOut(Body):
    """An entry as it stands."""

    id: Annotated[UUID, Field(examples=[_ENTRY])]
    company_id: CompanyId | None = Field(examples=[None])
    employer: str = Field(examples=["Théâtre de la Cité"])
    kind: EntryKind
    status: Status
    starts_on: StartsOn
    ends_on: EndsOn
    minutes: EntryMinutes
    cachets: EntryCachets
    version: Version


class StepOut(Body):
    """One line of the arithmetic."""

    code: str = Field(examples=["month"], description="Stable name of the step.")
    text: str = Field(examples=["Octobre 2026, annexe 10 (artistes) : 48 h ; comptées : 48 h."])
    minutes: MinutesOut


class MonthOut(Body):
    """One month of one annexe."""

    month: str = Field(examples=["2026-10"])
    kind: EntryKind
    employers: int = Field(examples=[1])
    worked_minutes: MinutesOut
    inside_minutes: MinutesOut = Field(description="Of these, inside the period.")
    limit_minutes: int | None = Field(examples=[20160])
    counted_minutes: MinutesOut


class CountOut(Body):
    """A total, what it is made of, and each step towards it."""

    total_minutes: MinutesOut
    threshold_minutes: int = Field(examples=[30420])
    missing_minutes: int = Field(examples=[27540])
    reached: bool = Field(examples=[False])
    governing_annexe: Kind | None = Field(examples=["annexe_10"])
    annexe_8_minutes: int = Field(examples=[0])
    annexe_10_minutes: MinutesOut
    teaching_minutes: int = Field(examples=[0])
    training_minutes: int = Field(examples=[0])
    assimilated_minutes: int = Field(examples=[0])
    months: list[MonthOut]
    steps: list[StepOut]


class BlockOut(Body):
    """One block of hours of the period, before the monthly limits, and when it leaves the twelve months."""

    employer: str = Field(examples=["Théâtre de la Cité"])
    company_id: CompanyId | None
    entry_id: UUID | None = Field(examples=[_ENTRY], description="The entry by hand; null where a company planned it.")
    kind: EntryKind
    status: Status
    starts_on: StartsOn
    ends_on: EndsOn
    minutes: MinutesOut
    leaves_from: date = Field(examples=["2027-10-05"], description="First end of contract without its first day.")
    leaves_wholly: date = Field(examples=["2027-10-09"], description="First end of contract without any of its days.")


class OptionOut(Body):
    """What another reading of an open point would give."""

    option: str = Field(examples=["kept"])
    text: str = Field(examples=["Ils comptent pour les 507 heures."])
    declared_minutes: MinutesOut
    with_planned_minutes: int = Field(examples=[6600])


class PointOut(Body):
    """A question without an official answer: the cautious reading taken here, and what the others would give."""

    name: str = Field(examples=["excess_cachets"])
    version: int = Field(examples=[1], description="Number of this choice; it grows when the choice changes.")
    question: str = Field(examples=["Que deviennent les cachets au-delà de la limite du mois ?"])
    chosen: str = Field(examples=["dropped"])
    text: str = Field(examples=["Ils ne comptent pas."])
    others: list[OptionOut]


class ValueOut(Body):
    """An official value in force on the reference date, and who says so."""

    name: str = Field(examples=["threshold"])
    label: str = Field(examples=["Heures à réunir pour ouvrir des droits"])
    value: int = Field(examples=[507])
    unit: str = Field(examples=["hour"])
    since: date = Field(examples=["2016-08-01"])
    confidence: str = Field(examples=["page"], description="`page` read there, `reported` by others, `general`.")
    source: str = Field(examples=["France Travail, spectacle, « conditions »"])


class WindowOut(Body):
    """The days in which hours are looked for."""

    first_day: date = Field(examples=["2025-11-01"])
    last_day: date = Field(examples=["2026-10-31"])
    days: int = Field(examples=[365])


class HoursOut(Body):
    """The counter on one reference date: declared, and with what is planned or done but not declared yet."""

    notice: str = Field(examples=["Estimation : seule la notification de France Travail fait foi."])
    reference_date: date = Field(examples=["2026-10-31"])
    window: WindowOut
    declared: CountOut
    with_planned: CountOut
    undecided: int = Field(
        examples=[0], description="Options, accepted offers and contested bookings of the period: they do not count."
    )
    blocks: list[BlockOut]
    open_points: list[PointOut]
    values: list[ValueOut]
