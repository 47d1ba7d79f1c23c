"""What the rules look at: the work of one person, as segments between two instants, and facts of each call."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime


class Trade(enum.StrEnum):
    """Which part of a convention governs the person on a call; everything but technicians are artists."""

    TECHNICIAN = "technician"
    DRAMA = "drama"
    DANCE = "dance"
    MUSIC = "music"
    CIRCUS = "circus"
    ARTIST = "artist"  # directors, choreographers and other artists


@dataclass(frozen=True, slots=True)
class Pause:
    """A break whose place is known; a paid one (at the employer's disposal) is work (L3121-2)."""

    starts_at: datetime
    ends_at: datetime
    paid: bool = False


class PermitKind(enum.StrEnum):
    """A title that work may need; never anything of a person's health."""

    ELECTRICAL_HABILITATION = "electrical_habilitation"
    LIFT_AUTHORISATION = "lift_authorisation"
    ROPE_ACCESS = "rope_access"
    SSIAP = "ssiap"


@dataclass(frozen=True, slots=True)
class Permit:
    """A permit that somebody holds, valid on both of its days; without `expires_on`, for good."""

    kind: str
    issued_on: date
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """One assignment of the person: from `starts_at` to `ends_at`, aware instants.

    `call` and `assignment` are names given back in findings. `kind` is the call's (`setup`, `performance`, ...).
    `unplaced_break_minutes` are unpaid minutes whose place is unknown. `if_confirmed` marks what is not sure yet.
    `venue` is where it is, `required_skills` and `required_permits` what the company asks for the job on this call.
    """

    call: str
    assignment: str
    starts_at: datetime
    ends_at: datetime
    kind: str = "other"
    trade: Trade = Trade.TECHNICIAN
    pauses: Sequence[Pause] = ()
    unplaced_break_minutes: int = 0
    on_tour: bool = False
    festival: bool = False
    production: str = ""
    premiere: date | None = None
    employer: str = ""
    if_confirmed: bool = False
    venue: str = ""
    required_skills: Sequence[str] = ()
    required_permits: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """Everything that one person does, in any order, and what they can; `birth_date` brings the rules for minors.

    `skill_labels` is what skills are called, for sentences.
    """

    person: str
    segments: Sequence[Segment]
    birth_date: date | None = None
    skills: frozenset[str] = frozenset()
    permits: Sequence[Permit] = ()
    skill_labels: Mapping[str, str] = field(default_factory=dict)
