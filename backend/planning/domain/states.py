"""The one state machine of an assignment: which act leads from where to where."""

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta


class Status(enum.StrEnum):
    """Where an assignment stands."""

    DRAFT = "draft"
    OPTION = "option"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    CANCELLED = "cancelled"


class Action(enum.StrEnum):
    """What a planner or the person does to an assignment."""

    OFFER = "offer"
    ACCEPT = "accept"
    DECLINE = "decline"
    CONFIRM = "confirm"
    RELEASE = "release"
    CANCEL = "cancel"
    UNDO = "undo"


LIVE = frozenset({Status.DRAFT, Status.OPTION, Status.ACCEPTED, Status.CONFIRMED})
"""States in which an assignment still stands: one of them at most for a call, a person and a job."""

SECOND_THOUGHTS = timedelta(seconds=60)
"""How long a person may take an acceptance back; a page offers it for ten seconds."""

_MACHINE: Mapping[Action, Mapping[Status, Status]] = {
    Action.OFFER: {Status.DRAFT: Status.OPTION},
    Action.ACCEPT: {Status.OPTION: Status.ACCEPTED},
    Action.DECLINE: {Status.OPTION: Status.DECLINED, Status.ACCEPTED: Status.DECLINED},
    Action.CONFIRM: dict.fromkeys((Status.DRAFT, Status.OPTION, Status.ACCEPTED), Status.CONFIRMED),
    Action.RELEASE: {Status.OPTION: Status.RELEASED, Status.ACCEPTED: Status.RELEASED},
    Action.CANCEL: {Status.CONFIRMED: Status.CANCELLED},
    # An answer or a release by mistake: the option stands again, until the day on which it would have expired anyhow.
    Action.UNDO: {Status.DECLINED: Status.OPTION, Status.RELEASED: Status.OPTION},
}
_CONTESTED: Mapping[Action, Status] = {Action.ACCEPT: Status.CONFIRMED, Action.DECLINE: Status.DECLINED}


class TransitionError(ValueError):
    """The act does not lead anywhere from here; `allowed` names the acts that do."""

    def __init__(self, current: Status, allowed: tuple[Action, ...]) -> None:
        super().__init__(f"not from {current}")
        self.current = current
        self.allowed = allowed


def effective(status: Status, expires_at: datetime | None, now: datetime) -> Status:
    """Return the state at `now`: an option past its expiry is expired, whether or not anything has run since."""
    past = expires_at is not None and expires_at <= now
    return Status.EXPIRED if status is Status.OPTION and past else status


def is_undoable(expires_at: datetime | None, now: datetime) -> bool:
    """Tell whether an option that fell could stand again: time has not ended it meanwhile."""
    return expires_at is not None and expires_at > now


def allowed(status: Status, *, contested: bool = False, undoable: bool = False) -> tuple[Action, ...]:
    """Return the acts that lead somewhere from `status`; `undoable`: what fell may stand again (`is_undoable`)."""
    acts = [action for action in Action if status in _MACHINE[action] and (undoable or action is not Action.UNDO)]
    if contested and status is Status.CONFIRMED:
        acts += [action for action in _CONTESTED if action not in acts]
    return tuple(acts)


def after(status: Status, action: Action, *, contested: bool = False, undoable: bool = False) -> Status:
    """Return the state that `action` leads to.

    A contested confirmed assignment may also be declined by the person, or accepted, which keeps it contested
    (the ledger decides when it stops being so). Raises TransitionError.
    """
    if contested and status is Status.CONFIRMED and action in _CONTESTED:
        return _CONTESTED[action]
    if action not in allowed(status, undoable=undoable):
        raise TransitionError(status, allowed(status, contested=contested, undoable=undoable))
    return _MACHINE[action][status]


def taken_back(status: Status, decided_at: datetime | None, expires_at: datetime | None, now: datetime) -> Status:
    """Return the state after the person takes back the acceptance just given: the option stands again.

    Raises TransitionError where there is none, it is too late, or the option would have expired meanwhile.
    """
    just_now = decided_at is not None and now - decided_at <= SECOND_THOUGHTS
    open_still = effective(Status.OPTION, expires_at, now) is Status.OPTION
    if status is Status.ACCEPTED and just_now and open_still:
        return Status.OPTION
    raise TransitionError(status, allowed(status))
