"""What enters and leaves the portal."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool

from backend.core.schemas import Body, Line, Text, UtcInstant
from backend.hours.schemas import HoursOut
from backend.planning.domain.states import Action, Status
from backend.planning.models import CallKind, CallStatus, Declared
from backend.rules.finding import Severity, Unit


class CompanyRef(Body):
    """A company, as the person it works with sees it."""

    id: UUID
    slug: str = Field(examples=["compagnie-de-la-rampe"])
    name: str = Field(examples=["Compagnie de la Rampe"])


class ProductionRef(Body):
    """A production."""

    id: UUID
    title: str = Field(examples=["La Mouette"])


class VenueRef(Body):
    """Where to go."""

    id: UUID
    name: str = Field(examples=["Théâtre de la Presqu'île"])
    address: str | None = Field(examples=["4 quai des Marins"])
    postal_code: str | None = Field(examples=["56100"])
    city: str | None = Field(examples=["Lorient"])
    timezone: str = Field(examples=["Europe/Paris"])


class BreakOut(Body):
    """A break inside a call."""

    starts_at: UtcInstant
    ends_at: UtcInstant
    paid: bool = Field(examples=[False])


class CallRef(Body):
    """A call, as it was published last: what the person was told."""

    id: UUID
    kind: CallKind
    title: str = Field(examples=["Montage (matin)"])
    starts_at: UtcInstant
    ends_at: UtcInstant
    on_tour: bool = Field(examples=[True])
    breaks: list[BreakOut]
    unplaced_break_minutes: int = Field(examples=[0])
    status: CallStatus
    version: int = Field(examples=[1], description="Number of the publication.")


class CallBefore(Body):
    """When a call was before its last publication moved it, for somebody who was on it already."""

    starts_at: UtcInstant
    ends_at: UtcInstant
    elsewhere: bool = Field(examples=[False], description="It was at another place, too or only.")
    changed_at: UtcInstant


class ContactRef(Body):
    """Whom to phone about a call: who manages the stage on it, else whom the company names, else its office."""

    name: str = Field(examples=["Isaac Lambert"])
    job_label: str = Field(
        examples=["régisseur·se général·e"], description="The company's name for whom the company names itself."
    )
    phone: str = Field(examples=["+33 6 39 98 00 21"])


class MyAssignment(Body):
    """One assignment of the caller, in one of their companies."""

    id: UUID
    company: CompanyRef
    production: ProductionRef
    call: CallRef
    before: CallBefore | None = Field(examples=[None], description="What the last publication moved, if it did.")
    venue: VenueRef | None
    timezone: str = Field(
        examples=["Europe/Paris"], description="On whose clocks the hours are read: the venue's, or the company's."
    )
    contact: ContactRef | None
    job: str = Field(examples=["machiniste"])
    job_label: str = Field(examples=["machiniste"])
    status: Status
    contested: bool = Field(examples=[False], description="Another booking of yours overlaps: decline one of the two.")
    rank: int | None = Field(examples=[None])
    expires_at: UtcInstant | None = Field(examples=[None])
    message: str | None = Field(examples=[None])
    allowed: list[Action] = Field(examples=[["accept", "decline"]], description="What you can do now.")


class MyAssignments(Body):
    """Assignments over all companies, by time; a company that cannot be read now is named in `unavailable`."""

    items: list[MyAssignment]
    next_cursor: str | None = Field(examples=[None])
    unavailable: list[CompanyRef] = Field(examples=[[]])


class MyFinding(Body):
    """What the law says of one person's work over all their employers, in one window."""

    rule: str = Field(examples=["WT-DAY-10"])
    severity: Severity = Field(examples=["DEROG"])
    window_start: UtcInstant
    window_end: UtcInstant
    measured_minutes: int = Field(examples=[660], description="In `unit`.")
    limit_minutes: int = Field(examples=[600], description="In `unit`.")
    unit: Unit = Field(examples=["minutes"])
    assignment_ids: list[UUID]
    companies: list[CompanyRef] = Field(description="Whose assignments take part.")
    if_confirmed: bool = Field(examples=[False], description="Rests on an option, or on what you accepted.")
    sentence: str = Field(examples=["11 h de travail le 13 novembre 2026, pour 10 h au plus."])
    article: str = Field(examples=["Code du travail, art. L3121-18 et L3121-19"])
    link: str = Field(examples=["https://www.legifrance.gouv.fr/codes/article_lc/LEGIARTI000033020428"])
    text: str = Field(examples=["La durée quotidienne de travail effectif par salarié ne peut excéder dix heures."])
    details: dict[str, int] = Field(examples=[{}])


class MyFindings(Body):
    """Findings over all companies, the worst first; a company that cannot be read now is named in `unavailable`."""

    items: list[MyFinding]
    next_cursor: str | None = Field(examples=[None])
    unavailable: list[CompanyRef] = Field(examples=[[]])


class MyHours(HoursOut):
    """The counter over all companies; a company that cannot be read now is named in `unavailable`, and is not in it."""

    unavailable: list[CompanyRef] = Field(examples=[[]])


class DeclineIn(Body):
    """Why, if the person wants to say."""

    reason: Text | None = Field(None, examples=["Déjà pris ailleurs."])


class AcceptOptionIn(Body):
    """The declaration that the maxima are respected (L8261-1): needed where accepting brings a finding."""

    declaration: Annotated[
        StrictBool, Field(examples=[True], description="« Je respecte les durées maximales », over all my employers.")
    ] = False


class Decided(Body):
    """The assignment after the person's answer; `note` says what remains to be done, if anything.

    `findings` are what an acceptance causes over all employers: no company reads them. The company reads `declaration`.
    """

    assignment: MyAssignment
    note: str | None = Field(examples=[None])
    declaration: Declared = Field(Declared.NONE, examples=["with_warning"])
    findings: list[MyFinding] = Field(default_factory=list)
    unavailable: list[CompanyRef] = Field(default_factory=list, examples=[[]])


class FeedIn(Body):
    """A name, so that the right subscription can be ended."""

    name: Line = Field("Filage", examples=["Téléphone"])


class FeedOut(Body):
    """A calendar subscription; `url` is shown once and is the secret: whoever has it reads the calendar."""

    id: UUID
    name: str = Field(examples=["Téléphone"])
    created_at: UtcInstant
    url: str | None = Field(None, examples=["https://filage.example/calendar/q3J0...wQ.ics"])
    code: str | None = Field(None, examples=[None], description="`secret_shown_once` where this answer is a replay.")


class DeleteMeIn(Body):
    """The caller's password: deleting an account cannot be undone."""

    password: str = Field(min_length=1, max_length=1000, examples=["trois-coups-au-lever"])
