"""Companies that have not reached the revision of a table yet: they are read without it, and asked to wait for it."""

from collections.abc import Collection

from backend.core.errors import Sentence, UnavailableError
from backend.identity.access import OUTDATED_RETRY_SECONDS
from backend.tenancy.acting import Act


def check_upgraded(act: Act, before: Collection[str]) -> None:
    """Refuse (503, to be tried again) an act that needs a table which the company lacks at the revisions `before`."""
    if act.company.revision in before:
        raise UnavailableError(
            "tenant_outdated",
            Sentence("Cette compagnie est en cours de mise à jour : réessayez dans un instant.",
                     "This company is being upgraded: try again in a moment."),
            headers={"Retry-After": str(OUTDATED_RETRY_SECONDS)},
        )  # fmt: skip
