"""Tables that a company gets by a later revision: until then it reads as if they were empty, and writes wait."""

from backend.core.errors import Sentence, UnavailableError
from backend.identity.access import OUTDATED_RETRY_SECONDS
from backend.tenancy.acting import Act

WITHOUT_CONFLICTS = frozenset({"t0001", "t0002"})
"""Revisions without the tables of skills, permits, requirements, coordinates and trips (t0003)."""


def has_conflicts(act: Act) -> bool:
    """Tell whether the company has the tables of t0003."""
    return act.company.revision not in WITHOUT_CONFLICTS


def need_conflicts(act: Act) -> None:
    """Refuse (503) what can only be kept in a table of t0003, in a company that has not got it yet."""
    if not has_conflicts(act):
        raise _outdated()


WITHOUT_TEMPLATES = frozenset({"t0001", "t0002", "t0003", "t0004"})
"""Revisions without the tables of recorded unavailabilities, copies and templates of calls (t0005)."""


def has_templates(act: Act) -> bool:
    """Tell whether the company has the tables of t0005."""
    return act.company.revision not in WITHOUT_TEMPLATES


def need_templates(act: Act) -> None:
    """Refuse (503) what can only be kept in a table of t0005, in a company that has not got it yet."""
    if not has_templates(act):
        raise _outdated()


def _outdated() -> UnavailableError:
    return UnavailableError(
        "tenant_outdated",
        Sentence("Cette compagnie est en cours de mise à jour : réessayez dans un instant.",
                 "This company is being upgraded: try again in a moment."),
        headers={"Retry-After": str(OUTDATED_RETRY_SECONDS)},
    )  # fmt: skip
