"""Refusals of the planning that several acts share, each with a sentence that says what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from backend.core.errors import ConflictError, FieldError, InvalidError, NotFoundError, Sentence
from backend.planning.domain.states import Action, Status
from backend.planning.domain.times import Fault


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody on a call, in the words of the company whose both are."""

    person: str
    title: str
    times: str


def times_text(starts_at: datetime, ends_at: datetime, zone: str) -> str:
    """Return the day and the times of a call on the clocks of its place, in figures that both languages read."""
    first, last = (at.astimezone(ZoneInfo(zone)) for at in (starts_at, ends_at))
    same_day = first.date() == last.date()
    return f"{first:%d/%m/%Y %H:%M}-{last:%H:%M}" if same_day else f"{first:%d/%m/%Y %H:%M} - {last:%d/%m/%Y %H:%M}"


_STATES = {
    Status.DRAFT: Sentence("est un brouillon", "is a draft"),
    Status.OPTION: Sentence("est une option", "is an option"),
    Status.ACCEPTED: Sentence("est acceptée par la personne", "is accepted by the person"),
    Status.DECLINED: Sentence("a été refusée par la personne", "was declined by the person"),
    Status.EXPIRED: Sentence("est une option expirée", "is an expired option"),
    Status.CONFIRMED: Sentence("est confirmée", "is confirmed"),
    Status.RELEASED: Sentence("a été libérée", "was released"),
    Status.CANCELLED: Sentence("a été annulée", "was cancelled"),
}
_ACTS = {
    Action.OFFER: Sentence("proposer une option", "offer it"),
    Action.ACCEPT: Sentence("noter que la personne accepte", "record that the person accepts"),
    Action.DECLINE: Sentence("noter qu'elle refuse", "record that they decline"),
    Action.CONFIRM: Sentence("confirmer", "confirm it"),
    Action.RELEASE: Sentence("libérer la personne", "release the person"),
    Action.CANCEL: Sentence("annuler avec un motif", "cancel it with a reason"),
    Action.UNDO: Sentence("rétablir l'option", "let the option stand again"),
}

# The same, said to the person whose date it is.
_OWN_STATES = {
    Status.DRAFT: Sentence("ne vous est pas encore proposée", "is not offered to you yet"),
    Status.OPTION: Sentence("attend votre réponse", "waits for your answer"),
    Status.ACCEPTED: Sentence("a votre accord", "has your yes"),
    Status.DECLINED: Sentence("a été refusée", "was declined"),
    Status.EXPIRED: Sentence("n'attend plus de réponse, le délai est passé", "waits for no answer any more"),
    Status.CONFIRMED: Sentence("est confirmée", "is confirmed"),
    Status.RELEASED: Sentence("a été libérée par la compagnie", "was released by the company"),
    Status.CANCELLED: Sentence("a été annulée par la compagnie", "was cancelled by the company"),
}
_OWN_ACTS = {
    Action.ACCEPT: Sentence("accepter", "accept it"),
    Action.DECLINE: Sentence("refuser", "decline it"),
}
_ASK_AGAIN = Sentence(
    "demandez à la compagnie de vous reproposer cette date", "ask the company to offer you this date again"
)
_ASK_TO_CHANGE = Sentence("parlez à la compagnie pour y changer quelque chose", "talk to the company to change it")

_KINDS = {
    "production_id": Sentence("Ce spectacle n'existe pas", "This production"),
    "venue_id": Sentence("Ce lieu n'existe pas", "This venue"),
    "call_id": Sentence("Cette convocation n'existe pas", "This call"),
    "position_id": Sentence("Ce poste n'existe pas pour cette convocation et ce métier", "This call's position"),
    "person_id": Sentence("Cette personne n'est pas", "This person"),
    "released": Sentence("Cette affectation ne tient pas", "This assignment"),
    "job": Sentence("Ce métier n'existe pas", "This job"),
}
NO_CALL = Sentence("Cette convocation n'existe pas (ou plus).", "This call does not exist (any more).")
NO_POSITION = Sentence("Ce poste n'existe pas (ou plus).", "This position does not exist (any more).")
NO_ASSIGNMENT = Sentence("Cette affectation n'existe pas (ou plus).", "This assignment does not exist (any more).")
NO_PERSON = Sentence("Cette personne n'est pas dans votre annuaire.", "This person is not in your directory.")
NO_PRODUCTION = Sentence("Ce spectacle n'existe pas (ou plus).", "This production does not exist (any more).")


def missing(sentence: Sentence) -> NotFoundError:
    """Return the refusal of an id in the path that names nothing of this company."""
    return NotFoundError("not_found", sentence)


def unknown_in_body(field: str, loc: Sequence[str | int] = ()) -> InvalidError:
    """Refuse an id or a code that names nothing of this company; `loc`: where it stands, if deeper in the body."""
    kind = _KINDS[field]
    return InvalidError.of(
        ["body", *(loc or [field])],
        f"{kind.fr} dans votre compagnie : choisissez dans la liste.",
        f"{kind.en} does not exist in your company: choose one from the list.",
        "unknown",
    )


def invalid_times(faults: Sequence[Fault]) -> InvalidError:
    """Refuse the times of a call; the first fault is the answer's sentence."""
    fields = [FieldError(("body", *fault.loc), fault.sentence, fault.code) for fault in faults]
    return InvalidError(faults[0].sentence, fields)


def call_cancelled() -> ConflictError:
    return ConflictError(
        "state_conflict",
        Sentence(
            "Cette convocation est annulée et ne change plus : créez-en une nouvelle.",
            "This call is cancelled and is not changed any more: create a new one.",
        ),
        extra={"allowed": []},
    )


def state_conflict(status: Status, allowed: Sequence[Action]) -> ConflictError:
    """Refuse an act that leads nowhere from `status`; `allowed` names those that do."""
    state = _STATES[status]
    fr = ", ou ".join(_ACTS[action].fr for action in allowed)
    en = ", or ".join(_ACTS[action].en for action in allowed)
    return ConflictError(
        "state_conflict",
        Sentence(
            f"Cette affectation {state.fr} : " + (f"vous pouvez {fr}." if fr else "créez-en une nouvelle."),
            f"This assignment {state.en}: " + (f"you can {en}." if en else "create a new one."),
        ),
        extra={"allowed": [action.value for action in allowed], "current": status.value},
    )


def own_state_conflict(status: Status, allowed: Sequence[Action]) -> ConflictError:
    """Say to the person whose date it is that their act leads nowhere from `status`, and what they can do."""
    state = _OWN_STATES[status]
    otherwise = _ASK_TO_CHANGE if status is Status.CONFIRMED else _ASK_AGAIN
    fr = " ou ".join(_OWN_ACTS[action].fr for action in allowed)
    en = " or ".join(_OWN_ACTS[action].en for action in allowed)
    return ConflictError(
        "state_conflict",
        Sentence(
            f"Cette date {state.fr} : " + (f"vous pouvez {fr}." if fr else f"{otherwise.fr}."),
            f"This date {state.en}: " + (f"you can {en}." if en else f"{otherwise.en}."),
        ),
        extra={"allowed": [action.value for action in allowed], "current": status.value},
    )


def position_filled(confirmed: int, headcount: int) -> ConflictError:
    """Refuse one person more than a position wants."""
    return ConflictError(
        "position_filled",
        Sentence(
            f"Ce poste est déjà pourvu ({confirmed} sur {headcount}) : augmentez son effectif, ou annulez quelqu'un "
            "d'abord.",
            f"This position is filled already ({confirmed} of {headcount}): raise its headcount, or cancel somebody "
            "first.",
        ),
    )


def headcount_too_low(confirmed: int, headcount: int) -> ConflictError:
    """Refuse a position of fewer people than are confirmed on it: at least two, since no position is for nobody."""
    over = confirmed - headcount
    of_them = Sentence("de l'une", "of one") if over == 1 else Sentence(f"de {over}", f"of {over}")
    return ConflictError(
        "headcount_too_low",
        Sentence(
            f"{confirmed} personnes sont confirmées sur ce poste : annulez d'abord l'affectation {of_them.fr} d'entre "
            f"elles, ou gardez un effectif de {confirmed} au moins.",
            f"{confirmed} people are confirmed on this position: cancel the assignment {of_them.en} of them first, or "
            f"keep a headcount of {confirmed} at least.",
        ),
        extra={"confirmed": confirmed},
    )


def not_available(wanted: Named) -> Sentence:
    """Say that somebody cannot be had for one of the company's own calls; why is nobody's business here."""
    return Sentence(
        f"{wanted.person} n'est pas disponible pour « {wanted.title} » ({wanted.times}) : choisissez quelqu'un d'autre "
        "ou d'autres horaires.",
        f'{wanted.person} is not available for "{wanted.title}" ({wanted.times}): choose somebody else, or other '
        "times.",
    )


def overlap(other: Named) -> Sentence:
    """Say which other call of the company holds somebody at that time."""
    return Sentence(
        f"{other.person} est déjà confirmé·e sur « {other.title} » ({other.times}), en même temps : annulez l'autre "
        "affectation ou changez les horaires.",
        f'{other.person} is already confirmed on "{other.title}" ({other.times}), at the same time: cancel the other '
        "assignment, or change the times.",
    )


def moved_up() -> ConflictError:
    """Refuse to restore an option whose place was given to the second choice meanwhile."""
    return ConflictError(
        "promoted",
        Sentence(
            "Le second choix a pris la place de cette option et en a été prévenu : libérez-le d'abord, ou affectez à "
            "nouveau cette personne.",
            "The second choice has taken the place of this option and was told: release them first, or assign this "
            "person again.",
        ),
        extra={"allowed": []},
    )


def expires_in_past() -> InvalidError:
    return InvalidError.of(
        ["body", "expires_at"],
        "L'option expirerait dans le passé : choisissez une date à venir.",
        "The option would expire in the past: choose a date to come.",
        "expires_in_past",
    )


def call_begun() -> ConflictError:
    """Refuse to ask for a call that has begun: nobody could answer in time."""
    return ConflictError(
        "call_begun",
        Sentence(
            "Cette convocation a déjà commencé : on ne propose plus cette date. Confirmez la personne si elle est "
            "venue.",
            "This call has begun already: its date is offered no more. Confirm the person if they came.",
        ),
    )


def expires_after_start() -> InvalidError:
    """Refuse an option that would still wait for an answer during its call."""
    sentence = Sentence(
        "L'option expirerait après le début de la convocation : choisissez un moment avant.",
        "The option would expire after the call has begun: choose a moment before it.",
    )
    field = FieldError(["body", "expires_at"], sentence, "expires_after_start")
    return InvalidError(sentence, [field], code="expires_after_start")


def reminder_outside() -> InvalidError:
    return InvalidError.of(
        ["body", "remind_at"],
        "Le rappel se place entre maintenant et l'expiration de l'option : choisissez une autre date.",
        "The reminder lies between now and the option's expiry: choose another date.",
        "reminder",
    )


SAME_ASSIGNMENT = Sentence(
    "Cette personne est déjà affectée à cette convocation pour ce métier : modifiez l'affectation existante.",
    "This person is already assigned to this call in this job: change the assignment that exists.",
)
SAME_POSITION = Sentence(
    "Cette convocation a déjà un poste pour ce métier : changez son effectif.",
    "This call already has a position of this job: change its headcount.",
)
CALL_IN_USE = Sentence(
    "Des personnes ont été prévenues de cette convocation, ou sollicitées : annulez-la au lieu de la supprimer.",
    "People were told of this call or asked for it: cancel it instead of deleting it.",
)
POSITION_IN_USE = Sentence(
    "Des personnes sont affectées à ce poste : libérez-les ou annulez leurs affectations d'abord.",
    "People are assigned to this position: release them or cancel their assignments first.",
)
