"""Companies that have not reached the revision of a table yet: they are read without it, and asked to wait for it."""

from collections.abc import Collection

from backend.core.errors import Sentence, UnavailableError
from backend.identity.access import OUTDATED_RETRY_SECONDS
from backend.tenancy.acting import Act

BEFORE_OPTIONS = frozenset({"t0001", "t0002", "t0003", "t0004", "t0005"})
"""Revisions of a company that has no table of askings, notices and messages yet."""

BEFORE_CONFIRMATIONS = BEFORE_OPTIONS | {"t0006"}
"""Revisions of a company whose tables hold no news that somebody is confirmed."""


def follows_options(act: Act) -> bool:
    """Tell whether the company has the tables of what follows from asking people."""
    return act.company.revision not in BEFORE_OPTIONS


def tells_confirmations(act: Act) -> bool:
    """Tell whether the company's people can be told that they are confirmed."""
    return act.company.revision not in BEFORE_CONFIRMATIONS


def check_upgraded(act: Act, before: Collection[str]) -> None:
    """Refuse (503, to be tried again) an act that needs a table which the company lacks at the revisions `before`."""
    if act.company.revision in before:
        raise UnavailableError(
            "tenant_outdated",
            Sentence("Cette compagnie est en cours de mise à jour : réessayez dans un instant.",
                     "This company is being upgraded: try again in a moment."),
            headers={"Retry-After": str(OUTDATED_RETRY_SECONDS)},
        )  # fmt: skip
