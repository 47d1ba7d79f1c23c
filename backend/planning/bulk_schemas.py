"""What enters and leaves one act for many assignments."""

import enum
from typing import Annotated, Any

from pydantic import Field, StrictBool

from backend.core.schemas import Body
from backend.planning.finding_schemas import ClearanceIn
from backend.planning.schemas import (
    AssignmentId,
    AssignmentOut,
    Message,
    OfferedRank,
    Reason,
    RemindAt,
    Told,
    UtcSecond,
)

MOST_AT_ONCE = 500


class BulkAction(enum.StrEnum):
    """What can be done to many at once; `accept` and `decline` record the answers of the people."""

    OFFER = "offer"
    CONFIRM = "confirm"
    RELEASE = "release"
    CANCEL = "cancel"
    ACCEPT = "accept"
    DECLINE = "decline"


class BulkIn(ClearanceIn):
    """One act for many: what goes with the act is given once, for all of them."""

    action: Annotated[BulkAction, Field(examples=["offer"])]
    ids: Annotated[
        list[AssignmentId],
        Field(min_length=1, max_length=MOST_AT_ONCE, description="Each once; named twice, it is done once."),
    ]
    all_or_nothing: Annotated[
        StrictBool,
        Field(examples=[True], description="True: one that cannot be done stops all. False: the others are done."),
    ] = False
    rank: Annotated[OfferedRank | None, Field(description="With `offer`; 1 if left out.")] = None
    expires_at: Annotated[
        UtcSecond | None, Field(examples=["2031-03-01T18:00:00+01:00"], description="With `offer`, always.")
    ] = None
    remind_at: Annotated[RemindAt | None, Field(description="With `offer`.")] = None
    message: Annotated[Message | None, Field(description="With `offer`: one message for all of them.")] = None
    reason: Annotated[Reason | None, Field(examples=[None], description="With `cancel`, always; with `decline`.")] = (
        None
    )
    on_behalf: Annotated[
        Told | None,
        Field(
            examples=[None],
            description="With `accept` and `decline`, always; with `confirm`, of those who have not answered.",
        ),
    ] = None
    override_reason: Annotated[Reason | None, Field(examples=[None], description="With `confirm`.")] = None


class BulkFailure(Body):
    """One assignment for which it could not be done, and why."""

    id: AssignmentId
    code: Annotated[str, Field(examples=["state_conflict"])]
    detail: Annotated[str, Field(examples=["Cette affectation est confirmée : vous pouvez annuler avec un motif."])]
    allowed: Annotated[list[str] | None, Field(examples=[["cancel"]])] = None
    conflicts: Annotated[list[dict[str, Any]] | None, Field(examples=[None])] = None
    findings: Annotated[list[dict[str, Any]] | None, Field(examples=[None])] = None


class BulkOut(Body):
    """What was done, and for which it could not be."""

    action: Annotated[BulkAction, Field(examples=["offer"])]
    done: list[AssignmentOut]
    failed: list[BulkFailure]
