"""What enters and leaves the planning's routes. Instants are kept to the second."""

import enum
from datetime import UTC, date
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, StrictBool, StrictInt

from backend.core.resources import unsent
from backend.core.schemas import Body, Code, Instant, Line, Minutes, Text, UtcInstant, Version, refuse
from backend.people.schemas import Kinds, SkillCodes
from backend.planning.domain.options import FIRST, SECOND
from backend.planning.domain.states import Action, Status
from backend.planning.models import CallKind, CallStatus, Declared, PayUnit
from backend.planning.staffing import Colour

MOST_BREAKS = 20
MOST_PEOPLE = 1000
_CALL, _PRODUCTION, _VENUE = (
    "01936c5e-0000-7000-8000-00000000ca11",
    "01936c5e-0000-7000-8000-00000000910d",
    "01936c5e-0000-7000-8000-000000007e4e",
)


def _offered_rank(rank: int) -> int:
    if rank not in {FIRST, SECOND}:
        raise refuse(
            "rank",
            "Le rang est 1 (premier choix) ou 2 (second choix, prévenu si le premier se désiste).",
            "The rank is 1 (first choice) or 2 (second choice, told when the first falls).",
        )
    return rank


_POSITION, _PERSON, _ASSIGNMENT = (
    "01936c5e-0000-7000-8000-000000009057",
    "01936c5e-0000-7000-8000-000000009e45",
    "01936c5e-0000-7000-8000-00000000a551",
)

Second = Annotated[Instant, AfterValidator(lambda value: value.replace(microsecond=0))]
UtcSecond = Annotated[Second, AfterValidator(lambda value: value.astimezone(UTC))]
CallId = Annotated[UUID, Field(examples=[_CALL])]
ProductionId = Annotated[UUID, Field(examples=[_PRODUCTION])]
VenueId = Annotated[UUID, Field(examples=[_VENUE])]
PositionId = Annotated[UUID, Field(examples=[_POSITION])]
PersonId = Annotated[UUID, Field(examples=[_PERSON])]
AssignmentId = Annotated[UUID, Field(examples=[_ASSIGNMENT])]
Title = Annotated[Line, Field(examples=["Répétition au plateau"])]
Kind = Annotated[CallKind, Field(examples=["rehearsal"])]
Job = Annotated[Code, Field(examples=["comedien"])]
Headcount = Annotated[StrictInt, Field(ge=1, le=MOST_PEOPLE, examples=[2])]
Rank = Annotated[StrictInt, Field(ge=1, le=9, examples=[1], description="1 is the company's first choice.")]
OfferedRank = Annotated[
    StrictInt,
    AfterValidator(_offered_rank),
    Field(
        examples=[1],
        description="1: first choice; 2: next one.",
        json_schema_extra={"minimum": FIRST, "maximum": SECOND},
    ),
]
Cachets = Annotated[StrictInt, Field(ge=0, le=100, examples=[1])]
Reason = Annotated[Text, Field(examples=["La salle est fermée."])]
Message = Annotated[Text, Field(examples=["Le décor arrive à 9 h."])]


class OnBehalf(enum.StrEnum):
    """How the person gave the answer that a planner records for them."""

    PHONE = "phone"
    IN_PERSON = "in_person"
    WRITTEN = "written"


Told = Annotated[OnBehalf, Field(examples=["phone"], description="How the person said so to whoever records it.")]


class Empty(Body):
    """A body without fields: some clients cannot send none."""


class Break(Body):
    """A break whose place in the call is known."""

    starts_at: Second
    ends_at: Second
    paid: Annotated[StrictBool, Field(examples=[False])] = False


Breaks = Annotated[
    list[Break],
    Field(
        max_length=MOST_BREAKS,
        examples=[[{"starts_at": "2026-11-16T12:00:00+01:00", "ends_at": "2026-11-16T13:00:00+01:00", "paid": False}]],
    ),
]
OnTour = Annotated[
    StrictBool | None,
    Field(description="Null or left out: whether the venue's city is another than the company's.", examples=[False]),
]
UnplacedBreak = Annotated[Minutes, Field(description="Unpaid minutes without a known place.", examples=[0])]


class CallIn(Body):
    """A new call, as a draft."""

    production_id: ProductionId
    venue_id: VenueId | None = None
    kind: Kind
    title: Title
    starts_at: Second
    ends_at: Second
    on_tour: OnTour = None
    breaks: Breaks = Field(default_factory=list)
    unplaced_break_minutes: UnplacedBreak = 0


class CallChange(Body):
    """Changes of a call; `{"status": "cancelled"}` cancels it, with a reason and nothing else."""

    production_id: ProductionId = unsent()
    venue_id: VenueId | None = None
    kind: Kind = unsent()
    title: Title = unsent()
    starts_at: Second = unsent()
    ends_at: Second = unsent()
    on_tour: OnTour = None
    breaks: Breaks = unsent()
    unplaced_break_minutes: UnplacedBreak = unsent()
    status: Annotated[CallStatus, Field(description="Only `cancelled`.", examples=["cancelled"])] = unsent()
    cancel_reason: Reason | None = None


class BreakOut(Body):
    """A break whose place in the call is known."""

    starts_at: UtcInstant
    ends_at: UtcInstant
    paid: Annotated[bool, Field(examples=[False])]


class Staffed(Body):
    """How far a call is staffed at this moment; the API computes the colour, so that it is the same everywhere."""

    to_fill: Annotated[int, Field(examples=[2], description="Places of its positions without somebody confirmed.")]
    offered: Annotated[int, Field(examples=[1], description="People whose option stands, or who have accepted.")]
    confirmed: Annotated[int, Field(examples=[3])]
    colour: Annotated[
        Colour,
        Field(
            examples=["amber"],
            description="`green`: nothing to fill, or cancelled; `amber`: as many are asked as are missing; `red`: "
            "fewer are.",
        ),
    ]


class CallOut(Staffed):
    """A call; `unpublished_changes` tells that it is no longer what the people called were told."""

    id: CallId
    ref: Annotated[str | None, Field(examples=["A-001"])]
    production_id: ProductionId
    venue_id: VenueId | None
    kind: Kind
    title: Title
    starts_at: UtcInstant
    ends_at: UtcInstant
    on_tour: Annotated[bool, Field(examples=[False])]
    breaks: list[BreakOut]
    unplaced_break_minutes: UnplacedBreak
    status: Annotated[CallStatus, Field(examples=["published"])]
    cancel_reason: Annotated[str | None, Field(examples=[None])]
    published_version: Annotated[int, Field(examples=[1], description="0: never published.")]
    published_at: UtcInstant | None
    unpublished_changes: Annotated[bool, Field(examples=[False])]
    created_at: UtcInstant
    updated_at: UtcInstant
    version: Version


class Difference(Body):
    """One difference between what was told before and what is told now."""

    field: Annotated[str, Field(examples=["starts_at"])]
    before: Annotated[Any, Field(examples=["2026-11-16T09:00:00Z"])]
    after: Annotated[Any, Field(examples=["2026-11-16T10:00:00Z"])]


class PublicationOut(Body):
    """The published state of a call: its version, and what changed with it (nothing in a first one)."""

    call_id: CallId
    version: Annotated[int, Field(examples=[2])]
    published_at: UtcInstant
    changes: list[Difference]


class ProductionPublicationOut(Body):
    """The calls that got a new version, or would (`dry_run`); unchanged ones are not named."""

    production_id: ProductionId
    dry_run: Annotated[bool, Field(examples=[False])]
    number: Annotated[int, Field(examples=[12], description="How many calls that is.")]
    first_day: Annotated[date | None, Field(examples=["2026-11-16"], description="Of them, in the company's zone.")]
    last_day: Annotated[date | None, Field(examples=["2026-12-20"])]
    past: Annotated[int, Field(examples=[0], description="How many of them have begun already.")]
    calls: list[PublicationOut]


class PositionIn(Body):
    """What a call needs; what the position asks for is asked beside what its job asks for."""

    job: Job
    headcount: Headcount = 1
    required_skills: SkillCodes = Field(default_factory=list)
    required_permits: Kinds = Field(default_factory=list)


class PositionChange(Body):
    """Changes of a position; its job only while nobody is assigned to it."""

    job: Job = unsent()
    headcount: Headcount = unsent()
    required_skills: SkillCodes = unsent()
    required_permits: Kinds = unsent()


class PlannedPosition(Body):
    """What a call needs: a job, and how many people of it."""

    id: PositionId
    call_id: CallId
    job: Job
    headcount: Headcount
    version: Version


class PositionOut(PlannedPosition):
    """What a call needs, and what the position asks for beside what its job asks for."""

    required_skills: SkillCodes
    required_permits: Annotated[list[str], Field(examples=[["electrical_habilitation"]])]


class AssignmentIn(Body):
    """A person on a call in a job; without `position_id` the call's position of that job is taken, if there is one."""

    call_id: CallId
    position_id: PositionId | None = None
    person_id: PersonId
    job: Job
    pay_unit: Annotated[PayUnit, Field(examples=["hour"])] = PayUnit.HOUR
    cachets: Cachets | None = None


class AssignmentChange(Body):
    """Changes of an assignment that are no act: its state changes by the acts only."""

    position_id: PositionId | None = None
    pay_unit: Annotated[PayUnit, Field(examples=["cachet"])] = unsent()
    cachets: Cachets | None = None
    message: Message | None = None


RemindAt = Annotated[
    UtcSecond,
    Field(
        examples=["2031-02-28T18:00:00+01:00"],
        description="When the person is reminded, between now and the expiry; left out: a day before it, or half-way.",
    ),
]


class OfferIn(Body):
    """An option: it always expires, and shows no pay."""

    rank: OfferedRank = FIRST
    expires_at: Annotated[UtcSecond, Field(examples=["2031-03-01T18:00:00+01:00"])]
    remind_at: RemindAt | None = None
    message: Message | None = None


class AnsweredIn(Body):
    """The person's answer, recorded by a planner: who recorded it, and how the person gave it, stay in the history."""

    on_behalf: Told
    reason: Reason | None = None


class CancelIn(Body):
    """Why a confirmed assignment is cancelled: kept for payroll, with the notice given."""

    reason: Reason


class AssignmentOut(Body):
    """An assignment as the company reads it; `allowed` names the acts that the company can do now."""

    id: AssignmentId
    call_id: CallId
    position_id: PositionId | None
    person_id: PersonId
    job: Job
    status: Annotated[Status, Field(examples=["option"])]
    contested: Annotated[bool, Field(examples=[False], description="To be confirmed with the person.")]
    rank: Rank | None
    expires_at: UtcInstant | None
    remind_at: Annotated[UtcInstant | None, Field(description="When the person is reminded that the option expires.")]
    promoted_at: Annotated[
        UtcInstant | None, Field(examples=[None], description="When the second choice moved up to the first's place.")
    ]
    message: Message | None
    reason: Reason | None
    notice_minutes: Annotated[int | None, Field(examples=[None], description="From the cancellation to the start.")]
    pay_unit: Annotated[PayUnit, Field(examples=["hour"])]
    cachets: Cachets | None
    decided_by: Annotated[str | None, Field(examples=["Anne Martin"])]
    decided_at: UtcInstant | None
    declaration: Annotated[
        Declared,
        Field(
            examples=["compliant"],
            description="What the person declared of the maxima over all their employers when accepting: `compliant`, "
            "`with_warning` (Filage had warned them), or `none` (nothing to declare).",
        ),
    ]
    declared_at: UtcInstant | None
    created_at: UtcInstant
    updated_at: UtcInstant
    version: Version
    allowed: Annotated[
        list[Action],
        Field(
            examples=[["accept", "decline", "confirm", "release"]],
            description="What the company can do now, each by the route of its name: `accept` and `decline` record the "
            "person's answer (`on_behalf`), `undo` lets an option stand again. An act may still be refused for another "
            "reason than the state: somebody is not available, a position is filled.",
        ),
    ]


class HistoryOut(Body):
    """One act on an assignment: what it was, by whom, from which state to which."""

    at: UtcInstant
    what: Annotated[str, Field(examples=["assignment.released"])]
    by: Annotated[str, Field(examples=["Anne Martin"])]
    from_: Annotated[Status | None, Field(alias="from", examples=["option"])]
    to: Annotated[Status | None, Field(examples=["released"])]
    reason: Annotated[str | None, Field(examples=[None])]
    on_behalf: Annotated[OnBehalf | None, Field(examples=[None])]


class PlannedCall(Staffed):
    """A call of the period, in short."""

    id: CallId
    production_id: ProductionId
    venue_id: VenueId | None
    kind: Kind
    title: Title
    starts_at: UtcInstant
    ends_at: UtcInstant
    on_tour: Annotated[bool, Field(examples=[False])]
    breaks: list[BreakOut]
    unplaced_break_minutes: UnplacedBreak
    status: Annotated[CallStatus, Field(examples=["published"])]
    published_version: Annotated[int, Field(examples=[1])]
    version: Version


class PlannedAssignment(Body):
    """An assignment of the period, in short; `status` is the one at this moment."""

    id: AssignmentId
    call_id: CallId
    position_id: PositionId | None
    person_id: PersonId
    job: Job
    status: Annotated[Status, Field(examples=["confirmed"])]
    contested: Annotated[bool, Field(examples=[False])]
    rank: Rank | None
    expires_at: UtcInstant | None
    version: Version


class PlannedPerson(Body):
    """Somebody assigned in the period."""

    id: PersonId
    name: Annotated[str, Field(examples=["Geneviève Roche"])]
    department: Annotated[str, Field(examples=["artistic"])]
    job: Job


class PlannedProduction(Body):
    """A production of the period."""

    id: ProductionId
    title: Annotated[str, Field(examples=["La Mouette"])]


class PlannedVenue(Body):
    """A venue of the period."""

    id: VenueId
    name: Annotated[str, Field(examples=["Grande salle"])]
    city: Annotated[str | None, Field(examples=["Nantes"])]
    timezone: Annotated[str, Field(examples=["Europe/Paris"])]


class PlannedUnavailability(Body):
    """When somebody cannot come, as the company recorded it; what people say for all companies is not shown."""

    id: Annotated[UUID, Field(examples=["01936c5e-0000-7000-8000-00000000aba5"])]
    person_id: PersonId
    name: Annotated[str, Field(examples=["Geneviève Roche"])]
    whole_days: Annotated[bool, Field(examples=[True])]
    starts_at: UtcInstant
    ends_at: UtcInstant


class BusySpan(Body):
    """A time at which somebody is busy, for whatever reason."""

    starts_at: UtcInstant
    ends_at: UtcInstant


class BusyOut(Body):
    """When a person is busy, if they share it: their bookings everywhere and their unavailabilities, made one."""

    person_id: PersonId
    shared: Annotated[
        bool, Field(examples=[True], description="False: the person does not share it, or has no account.")
    ]
    items: list[BusySpan]
