"""What enters and leaves the routes of absences."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, model_validator

from backend.availability.models import NOTE_LIMIT, Origin
from backend.core.instants import HOME_TIMEZONE
from backend.core.resources import AtMost, unsent
from backend.core.schemas import Body, Day, Instant, Line, Text, TimeZone, UtcInstant, Version, refuse

_ID = "01936c5e-0000-7000-8000-00000000aba5"


def _rule_alone(rule: str) -> str:
    """Leave out the name with which a calendar's file begins the line of a rule."""
    return rule[len(_RRULE) :].strip() if rule.upper().startswith(_RRULE) else rule


_RRULE = "RRULE:"
StartsAt = Annotated[Instant, Field(examples=["2026-12-07T18:00:00+01:00"])]
EndsAt = Annotated[Instant, Field(examples=["2026-12-07T22:00:00+01:00"], description="The first moment free again.")]
StartsOn = Annotated[Day, Field(examples=[None])]
EndsOn = Annotated[Day, Field(examples=[None], description="Included.")]
Recurrence = Annotated[
    Line,
    AfterValidator(_rule_alone),
    Field(
        examples=["FREQ=WEEKLY;BYDAY=MO;UNTIL=20270630"],
        description="RRULE (RFC 5545) on the clocks of `timezone`, once a day at most, with an end: at most 400 times. "
        "`RRULE:` before it is left out.",
    ),
]
Note = Annotated[Text, AtMost(NOTE_LIMIT), Field(examples=["Cours au conservatoire"])]
Zone = Annotated[TimeZone, Field(description="Where whole days begin, and whose clocks a recurrence follows.")]


class When(Body):
    """A time: two instants, or two days of which the last one is included."""

    starts_at: StartsAt | None = None
    ends_at: EndsAt | None = None
    starts_on: StartsOn | None = None
    ends_on: EndsOn | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        instants, days = (self.starts_at, self.ends_at), (self.starts_on, self.ends_on)
        by_instants = None not in instants and days == (None, None)
        by_days = None not in days and instants == (None, None)
        if not by_instants and not by_days:
            raise refuse(
                "times",
                "Donnez « starts_at » et « ends_at » (instants), ou « starts_on » et « ends_on » (jours entiers).",
                "Give either `starts_at` and `ends_at` (instants), or `starts_on` and `ends_on` (whole days).",
            )
        return self


class UnavailabilityIn(When):
    """When the person is away; `note` is theirs alone."""

    timezone: Zone = HOME_TIMEZONE
    recurrence: Recurrence | None = None
    note: Annotated[Note | None, Field(description="Private: no company reads it.")] = None


class WhenChange(Body):
    """Other times: instants, or whole days. One of the two that is not sent stays, where it is of the same kind."""

    starts_at: StartsAt = unsent()
    ends_at: EndsAt = unsent()
    starts_on: Annotated[Day, Field(examples=["2026-12-07"])] = unsent()
    ends_on: Annotated[Day, Field(examples=["2026-12-08"], description="Included.")] = unsent()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.model_fields_set & {"starts_at", "ends_at"} and self.model_fields_set & {"starts_on", "ends_on"}:
            raise refuse(
                "times",
                "Donnez des instants (« starts_at », « ends_at ») ou des jours entiers (« starts_on », « ends_on »), "
                "pas les deux.",
                "Give instants (`starts_at`, `ends_at`) or whole days (`starts_on`, `ends_on`), not both.",
            )
        return self


class UnavailabilityChange(WhenChange):
    """What a PATCH of one's own unavailability takes; null takes away the recurrence, or the note."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ends_at": "2026-12-07T23:00:00+01:00", "note": "Cours au conservatoire"}]}
    )

    timezone: Zone = unsent()
    recurrence: Recurrence | None = None
    note: Annotated[Note | None, Field(description="Private: no company reads it.")] = None


class UnavailabilityOut(Body):
    """An unavailability as its person sees it; `starts_at` and `ends_at` are those of its first time."""

    id: Annotated[UUID, Field(examples=[_ID])]
    origin: Annotated[Origin, Field(examples=["hand"], description="`calendar`: imported.")]
    whole_days: Annotated[bool, Field(examples=[False])]
    timezone: Annotated[str, Field(examples=["Europe/Paris"])]
    starts_at: UtcInstant
    ends_at: UtcInstant
    recurrence: Annotated[str | None, Field(examples=["FREQ=WEEKLY;BYDAY=MO;UNTIL=20270630"])]
    times: Annotated[int, Field(examples=[30], description="How many times it makes the person unavailable.")]
    note: Annotated[str | None, Field(examples=["Cours au conservatoire"])]
    created_at: UtcInstant
    version: Version


class Skipped(Body):
    """Events of a file that make nobody busy, and why."""

    code: Annotated[str, Field(examples=["transparent"])]
    reason: Annotated[str, Field(examples=["marqué « disponible » dans l'agenda"])]
    events: Annotated[int, Field(examples=[3])]


class CalendarReport(Body):
    """What an import did: `created + updated + unchanged` events of the file make the person busy."""

    created: Annotated[int, Field(examples=[12])]
    updated: Annotated[int, Field(examples=[1])]
    unchanged: Annotated[int, Field(examples=[30])]
    removed: Annotated[int, Field(examples=[0], description="Imported before, not in this file, with `replace`.")]
    absent: Annotated[int, Field(examples=[2], description="The same without `replace`: they stay.")]
    cut: Annotated[
        int, Field(examples=[1], description="Recurrences without an end in sight: taken 400 times, 3 years ahead.")
    ]
    skipped: list[Skipped]


class RecordedIn(When):
    """When a person cannot come, as the company knows it; days are those of the company's calendar."""

    note: Annotated[Note | None, Field(description="For this company; nothing of anybody's health belongs here.")] = (
        None
    )


class RecordedChange(WhenChange):
    """What a PATCH of a recorded unavailability takes; null takes away the note."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"starts_on": "2026-12-07", "ends_on": "2026-12-08", "note": "Tournage à Lyon"}]
        }
    )

    note: Annotated[Note | None, Field(description="For this company; nothing of anybody's health belongs here.")] = (
        None
    )


class RecordedOut(Body):
    """What a company recorded for one of its people."""

    id: Annotated[UUID, Field(examples=[_ID])]
    person_id: Annotated[UUID, Field(examples=["01936c5e-0000-7000-8000-000000009e45"])]
    whole_days: Annotated[bool, Field(examples=[True])]
    starts_at: UtcInstant
    ends_at: UtcInstant
    note: Annotated[str | None, Field(examples=["Tournage à Lyon"])]
    recorded_by: Annotated[str, Field(examples=["Anne Martin"])]
    created_at: UtcInstant
    version: Version


class Sharing(Body):
    """What a person lets companies see; off until they say otherwise."""

    busy_times: Annotated[
        StrictBool,
        Field(
            examples=[True],
            description="Companies that one belongs to see when one is busy: no title, no reason, no company.",
        ),
    ]
