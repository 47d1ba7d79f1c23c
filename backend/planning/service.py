"""What a person answers to an assignment: the portal's way into the planning. Everything else is the company's."""

from uuid import UUID

from backend.core.errors import Sentence
from backend.planning import assignments
from backend.planning.domain.states import Status
from backend.planning.models import Declared
from backend.tenancy.acting import Act

STILL_CONTESTED = Sentence(
    "C'est noté, mais une autre de vos dates, ou une indisponibilité que vous avez donnée, tient encore sur ces "
    "horaires : cette affectation reste à confirmer jusqu'à ce que vous refusiez l'une des deux dates, que l'autre "
    "soit annulée, ou que vous supprimiez l'indisponibilité.",
    "Noted, but another of your dates, or an unavailability that you gave, still stands at these times: this "
    "assignment stays to be confirmed until you decline one of the two dates, the other one is cancelled, or you "
    "delete the unavailability.",
)


ALREADY_HELD = Sentence(
    "C'est noté, mais vous êtes déjà confirmé sur ces horaires par ailleurs : cette date ne pourra pas être confirmée "
    "tant que l'autre tient.",
    "Noted, but you are already confirmed elsewhere at these times: this date cannot be confirmed while the other one "
    "stands.",
)


async def accept(act: Act, assignment_id: UUID, declared: Declared = Declared.NONE) -> Sentence | None:
    """Say yes to an option or to a contested booking, declaring that; return what remains to be said, or None.

    The actor is the person. Raises NotFoundError when it is not theirs, ConflictError `state_conflict`.
    """
    found = await assignments.accept(act, assignment_id, declared)
    if found.contested:
        return STILL_CONTESTED
    is_wish = found.status is Status.ACCEPTED
    return ALREADY_HELD if is_wish and await assignments.is_held(act, assignment_id) else None


async def decline(act: Act, assignment_id: UUID, reason: str | None = None) -> None:
    """Say no; where two companies overlap, the other one's booking is then tried again. Raises as `accept`."""
    await assignments.decline(act, assignment_id, reason)


async def take_back(act: Act, assignment_id: UUID) -> None:
    """Take back the acceptance that was just given: the option stands again. Raises as `accept`."""
    await assignments.take_back(act, assignment_id)
