"""What enters and leaves the routes of messages: never what a message says."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool

from backend.core.resources import unsent
from backend.core.schemas import Body, UtcInstant
from backend.planning.models import MessageStatus, NoticeKind
from backend.planning.schemas import PersonId

Wanted = Annotated[StrictBool, Field(examples=[True])]


class Preferences(Body):
    """Which kinds of messages the caller wants, from all companies together."""

    offered: Annotated[Wanted, Field(description="Options offered.")]
    expiring: Annotated[Wanted, Field(description="An option about to expire, once.")]
    promoted: Annotated[Wanted, Field(description="The second choice that moves up.")]
    confirmed: Annotated[Wanted, Field(description="A date that the company confirms.")]
    changed: Annotated[Wanted, Field(description="A published change of more than 15 minutes, or of place.")]
    cancelled: Annotated[Wanted, Field(description="A date cancelled or released.")]
    eve: Annotated[Wanted, Field(description="The evening before, at 18:00.")]


class PreferencesChange(Body):
    """Kinds to switch on or off; what is left out stays."""

    offered: Wanted = unsent()
    expiring: Wanted = unsent()
    promoted: Wanted = unsent()
    confirmed: Wanted = unsent()
    changed: Annotated[StrictBool, Field(examples=[False])] = unsent()
    cancelled: Wanted = unsent()
    eve: Wanted = unsent()


class Addressee(Body):
    """To whom a message goes."""

    id: PersonId
    name: Annotated[str, Field(examples=["Geneviève Roche"])]


class MessageOut(Body):
    """One message and what became of it; what it says stays between the company and its person."""

    id: Annotated[UUID, Field(examples=["01936c5e-0000-7000-8000-00000000e555"])]
    person: Addressee
    kind: Annotated[NoticeKind, Field(examples=["offered"])]
    status: Annotated[MessageStatus, Field(examples=["sent"])]
    reason: Annotated[
        str | None,
        Field(
            examples=[None, "L'adresse a été refusée par le serveur de messagerie (550)."],
            description="Skipped: `no_email`, `unwanted`, `nothing_left` (answered, confirmed or taken back). "
            "Failed: a sentence in the language asked for, with the mail server's code.",
        ),
    ]
    queued_at: Annotated[UtcInstant, Field(description="When its first cause was stored.")]
    send_after: Annotated[UtcInstant, Field(description="When it was to leave: changes wait 15 minutes for others.")]
    sent_at: UtcInstant | None
    latency_seconds: Annotated[float | None, Field(examples=[1.2], description="From `send_after` to `sent_at`.")]
