"""What enters and leaves the routes that make and move many calls at once: copies, shifts, series, templates."""

from datetime import date
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool, StrictInt, StringConstraints, model_validator

from backend.core.resources import unsent
from backend.core.schemas import Body, Day, UtcInstant, Version, refuse
from backend.planning.domain.times import LONGEST_CALL
from backend.planning.finding_schemas import ClearanceIn
from backend.planning.schemas import (
    MOST_BREAKS,
    Breaks,
    CallId,
    Headcount,
    Job,
    Kind,
    OnTour,
    ProductionId,
    Second,
    Title,
    UnplacedBreak,
    VenueId,
)

MOST_CALLS = 400
MOST_POSITIONS = 50
LONGEST_MINUTES = int(LONGEST_CALL.total_seconds()) // 60
_TEMPLATE = "01936c5e-0000-7000-8000-00000007e3b1"

TemplateId = Annotated[UUID, Field(examples=[_TEMPLATE], description="What is not sent is the template's.")]
Duration = Annotated[
    StrictInt,
    Field(
        ge=1, le=LONGEST_MINUTES, examples=[240],
        description="On the clocks: over a clock change, a call lasts that hour longer or less long.",
    ),
]  # fmt: skip
RealMinutes = Annotated[int, Field(examples=[240], description="How long the call really lasts.")]
ClockChange = Annotated[
    bool,
    Field(
        examples=[False],
        description="Look at this one: a time fell into an hour that the clocks skip or show twice, or the call lasts "
        "longer or less long because they change.",
    ),
]


class Selection(Body):
    """Which calls: by id, of a day, of the week (from Monday) of a day, of some days, or of a production.

    `production_id` alone means all of its calls; beside days it narrows them. Cancelled calls are left out.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"week": "2026-11-16"}]})

    call_ids: Annotated[list[CallId] | None, Field(min_length=1, max_length=MOST_CALLS)] = None
    day: Annotated[Day | None, Field(examples=[None])] = None
    week: Annotated[Day | None, Field(examples=["2026-11-16"], description="Any day of that week.")] = None
    first_day: Annotated[Day | None, Field(examples=[None])] = None
    last_day: Annotated[Day | None, Field(examples=[None], description="Included.")] = None
    production_id: ProductionId | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        days = (self.first_day, self.last_day)
        ways = [self.call_ids is not None, self.day is not None, self.week is not None, None not in days]
        by_days = days == (None, None) or None not in days
        only_ids = self.call_ids is None or self.production_id is None
        if not by_days or not only_ids or sum(ways) > 1 or not (any(ways) or self.production_id):
            raise refuse(
                "selection",
                "Désignez les convocations d'une seule façon : « call_ids », « day », « week », « first_day » et "
                "« last_day », ou « production_id ».",
                "Name the calls in one way: `call_ids`, `day`, `week`, `first_day` and `last_day`, or `production_id`.",
            )
        if self.first_day is not None and self.last_day is not None and self.last_day < self.first_day:
            raise refuse(
                "period",
                "Le dernier jour vient avant le premier : échangez-les.",
                "The last day comes before the first one: swap them.",
            )
        return self


class CopyIn(Body):
    """Which calls are copied, and to when; positions always come along, people as drafts if they are wanted."""

    source: Selection
    to: Annotated[
        Day, Field(examples=["2026-12-07"], description="Day of the first call; with `week`, any day of the new week.")
    ]
    people: Annotated[Literal["none", "draft"], Field(examples=["draft"])] = "none"
    again: Annotated[StrictBool, Field(examples=[False], description="Copy what was copied there before.")] = False
    dry_run: Annotated[StrictBool, Field(examples=[False], description="Say what would be made; make nothing.")] = False


class CopiedCall(Body):
    """One call that was made, or would be (`call_id` null)."""

    copied_from: CallId
    call_id: CallId | None
    title: Title
    starts_at: UtcInstant
    ends_at: UtcInstant
    duration_minutes: RealMinutes
    clock_change: ClockChange


class CopyOut(Body):
    """What a copy made: drafts, so many `days` later, with how many positions and drafts of assignments."""

    dry_run: Annotated[bool, Field(examples=[False])]
    days: Annotated[int, Field(examples=[21])]
    calls: list[CopiedCall]
    positions: Annotated[int, Field(examples=[4])]
    assignments: Annotated[int, Field(examples=[6])]


class ShiftIn(ClearanceIn):
    """Which calls move, and how far: by days (the clocks keep their times), or by minutes."""

    source: Selection
    days: Annotated[StrictInt | None, Field(ge=-3660, le=3660, examples=[7])] = None
    minutes: Annotated[StrictInt | None, Field(ge=-1440, le=1440, examples=[None])] = None

    @model_validator(mode="after")
    def _one_distance(self) -> Self:
        if bool(self.days) == bool(self.minutes) or 0 in {self.days, self.minutes}:
            raise refuse(
                "distance",
                "Donnez soit « days », soit « minutes », pas les deux, et un nombre autre que zéro.",
                "Give either `days` or `minutes`, not both, and a number other than zero.",
            )
        return self

    @property
    def clearance(self) -> ClearanceIn:
        """What makes the moves pass the law."""
        return ClearanceIn(override_reason=self.override_reason, grounds=self.grounds)


class ShiftedCall(Body):
    """A call at its new times."""

    call_id: CallId
    title: Title
    starts_at: UtcInstant
    ends_at: UtcInstant
    duration_minutes: RealMinutes
    clock_change: ClockChange
    version: Version


class ShiftOut(Body):
    """The calls that moved, by their new start."""

    calls: list[ShiftedCall]


class TemplateBreak(Body):
    """A break by its place in the call."""

    after_minutes: Annotated[StrictInt, Field(ge=0, le=LONGEST_MINUTES, examples=[120])]
    minutes: Annotated[StrictInt, Field(ge=1, le=LONGEST_MINUTES, examples=[20])]
    paid: Annotated[StrictBool, Field(examples=[True])] = False


TemplateBreaks = Annotated[list[TemplateBreak], Field(max_length=MOST_BREAKS)]


class TemplatePosition(Body):
    """A job that the call needs, and how many people of it."""

    job: Job
    headcount: Headcount = 1


Positions = Annotated[list[TemplatePosition], Field(max_length=MOST_POSITIONS)]


class TemplateIn(Body):
    """What calls of a kind have in common."""

    kind: Kind
    title: Title
    duration_minutes: Duration
    breaks: TemplateBreaks = Field(default_factory=list)
    unplaced_break_minutes: UnplacedBreak = 0
    positions: Positions = Field(default_factory=list)


class TemplateChange(Body):
    """Changes of a template; `breaks` and `positions` are replaced as a whole. Calls made from it stay as they are."""

    kind: Kind = unsent()
    title: Title = unsent()
    duration_minutes: Duration = unsent()
    breaks: TemplateBreaks = unsent()
    unplaced_break_minutes: UnplacedBreak = unsent()
    positions: Positions = unsent()


class TemplateOut(Body):
    """A template of calls."""

    id: Annotated[UUID, Field(examples=[_TEMPLATE])]
    kind: Kind
    title: Title
    duration_minutes: Duration
    breaks: TemplateBreaks
    unplaced_break_minutes: UnplacedBreak
    positions: Positions
    created_at: UtcInstant
    updated_at: UtcInstant
    version: Version


class CallNew(Body):
    """A new call, as a draft; with `template_id`, `kind`, `title`, `ends_at`, breaks and positions may be left out."""

    template_id: Annotated[TemplateId | None, Field(examples=[None])] = None
    production_id: ProductionId
    venue_id: VenueId | None = None
    kind: Kind | None = None
    title: Title | None = None
    starts_at: Second
    ends_at: Second | None = None
    on_tour: OnTour = None
    breaks: Breaks = unsent()
    unplaced_break_minutes: UnplacedBreak = unsent()


class SeriesIn(Body):
    """Many calls alike: on days of the week from `first_day` to `until`, or on `dates`; less those of `except`."""

    template_id: Annotated[TemplateId | None, Field(examples=[None])] = None
    production_id: ProductionId
    venue_id: VenueId | None = None
    kind: Kind | None = None
    title: Title | None = None
    on_tour: OnTour = None
    start: Annotated[
        str,
        StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"),
        Field(examples=["20:00"], description="On the clocks of the venue."),
    ]
    duration_minutes: Duration | None = None
    breaks: TemplateBreaks | None = None
    unplaced_break_minutes: UnplacedBreak | None = None
    positions: Positions | None = None
    first_day: Annotated[Day | None, Field(examples=["2026-12-01"])] = None
    until: Annotated[Day | None, Field(examples=["2027-01-10"], description="Included.")] = None
    weekdays: Annotated[
        list[Literal["mo", "tu", "we", "th", "fr", "sa", "su"]], Field(max_length=7, examples=[["tu", "fr"]])
    ] = Field(default_factory=list)
    every_weeks: Annotated[StrictInt, Field(ge=1, le=52, examples=[1])] = 1
    dates: Annotated[list[Day], Field(max_length=MOST_CALLS, examples=[[]])] = Field(default_factory=list)
    except_: Annotated[
        list[Day], Field(alias="except", max_length=MOST_CALLS, examples=[["2026-12-25", "2027-01-01"]])
    ] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        pattern = (self.first_day, self.until, self.weekdays or None)
        if (None in pattern) == (not self.dates) or (self.dates and pattern != (None, None, None)):
            raise refuse(
                "series",
                "Donnez « first_day », « until » et « weekdays », ou bien « dates ».",
                "Give `first_day`, `until` and `weekdays`, or else `dates`.",
            )
        return self


class SeriesCall(Body):
    """One call of a series."""

    call_id: CallId
    day: Annotated[date, Field(examples=["2026-12-04"])]
    starts_at: UtcInstant
    ends_at: UtcInstant
    duration_minutes: RealMinutes
    clock_change: ClockChange


class SeriesOut(Body):
    """The drafts that a series made, by day, the days that it left out, and exceptions that were none of its days."""

    calls: list[SeriesCall]
    left_out: Annotated[list[date], Field(examples=[["2026-12-25"]])]
    except_unused: Annotated[
        list[date],
        Field(examples=[["2027-01-02"]], description="Days of `except` on which the series has no call: a slip?"),
    ]
    positions: Annotated[int, Field(examples=[10])]
