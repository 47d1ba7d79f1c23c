"""How pages call what the planning names by codes: kinds of calls, departments, states, acts."""

from collections.abc import Mapping

from backend.core.errors import Sentence
from backend.planning.domain import publication
from backend.planning.domain.states import Status
from backend.planning.models import CallKind
from backend.web.speaking import Words

KINDS: dict[str, Sentence] = {
    CallKind.REHEARSAL: Sentence("répétition", "rehearsal"),
    CallKind.STAGE_REHEARSAL: Sentence("répétition au plateau", "stage rehearsal"),
    CallKind.TABLE_READ: Sentence("lecture à la table", "table read"),
    CallKind.LINE_RUN: Sentence("italienne", "line run"),
    CallKind.BLOCKING_RUN: Sentence("allemande", "blocking run"),
    CallKind.PRE_RIG: Sentence("prémontage", "pre-rig"),
    CallKind.SETUP: Sentence("montage", "fit-up"),
    CallKind.FOCUS: Sentence("réglages", "focus"),
    CallKind.RUN_THROUGH: Sentence("filage", "run-through"),
    CallKind.TECH_DRESS: Sentence("couturière", "tech dress"),
    CallKind.DRESS_REHEARSAL: Sentence("générale", "dress rehearsal"),
    CallKind.BRUSH_UP: Sentence("raccord", "brush-up"),
    CallKind.LINE_CHECK: Sentence("test des lignes", "line check"),
    CallKind.SOUND_CHECK: Sentence("balances", "sound check"),
    CallKind.PERFORMANCE: Sentence("représentation", "performance"),
    CallKind.STRIKE: Sentence("démontage", "strike"),
    CallKind.LOAD_OUT: Sentence("chargement", "load-out"),
    CallKind.TRAVEL: Sentence("voyage", "travel"),
    CallKind.OTHER: Sentence("autre", "other"),
}
DEPARTMENTS: dict[str, Sentence] = {
    "artistic": Sentence("Artistes", "Artists"),
    "direction": Sentence("Mise en scène", "Direction"),
    "stage": Sentence("Plateau", "Stage"),
    "lighting": Sentence("Lumière", "Lighting"),
    "sound_video": Sentence("Son et vidéo", "Sound and video"),
    "wardrobe": Sentence("Costumes", "Wardrobe"),
    "production": Sentence("Production", "Production"),
    "front_of_house": Sentence("Accueil", "Front of house"),
}
# The colours of the style sheet: a department without one of its own is shown as production is.
TINTS = {"artistic": "ar", "direction": "di", "stage": "pl", "lighting": "lu", "sound_video": "so", "wardrobe": "co"}
STATUSES: dict[str, Sentence] = {
    Status.DRAFT: Sentence("brouillon", "draft"),
    Status.OPTION: Sentence("option en attente", "option pending"),
    Status.ACCEPTED: Sentence("acceptée, à confirmer", "accepted, to be confirmed"),
    Status.DECLINED: Sentence("déclinée", "declined"),
    Status.EXPIRED: Sentence("option expirée", "option expired"),
    Status.CONFIRMED: Sentence("confirmée", "confirmed"),
    Status.RELEASED: Sentence("libérée", "released"),
    Status.CANCELLED: Sentence("annulée", "cancelled"),
}
COVERAGE: dict[str, Sentence] = {
    "full": Sentence("complet", "complete"),
    "part": Sentence("incomplet", "incomplete"),
    "none": Sentence("personne", "nobody"),
    "option": Sentence("option en attente", "option pending"),
    "accepted": Sentence("acceptée, à confirmer", "accepted, to be confirmed"),
    "contested": Sentence("à départager, pas sûre", "contested, not sure"),
    "draft": Sentence("brouillon", "draft"),
    "off": Sentence("annulé", "cancelled"),
}
ICONS = {
    "full": "check", "option": "hourglass", "part": "triangle-alert", "none": "octagon-alert", "draft": "pencil",
    "off": "x", "accepted": "hand", "contested": "circle-help",
}  # fmt: skip
CHANGED_FIELDS: dict[str, Sentence] = {**publication.NAMES, "status": Sentence("état", "state")}
MOVED = Sentence("Convocation déplacée au {day}, {hours}.", "Call moved to {day}, {hours}.")
COPIED = Sentence("Convocation copiée au {day}, {hours}.", "Call copied to {day}, {hours}.")
ADDED = Sentence(
    "{name} est sur cette convocation, en brouillon : rien ne lui est dit.",
    "{name} is on this call, as a draft: nothing is said to them.",
)
OFFERED = Sentence("Proposé à {name} : sa réponse est attendue.", "Offered to {name}: an answer is awaited.")
OFFERED_DRAFT = Sentence(
    "Proposé à {name}, qui ne le saura qu'à la publication de la convocation.",
    "Offered to {name}, who will not know before the call is published.",
)
ANSWERS = Sentence("Réponses confirmées : {number}.", "Answers confirmed: {number}.")
CONFIRMED = Sentence("{name} : c'est confirmé.", "{name}: confirmed.")
CONFIRMED_DRAFT = Sentence(
    "{name} : c'est confirmé. La convocation n'est pas publiée, rien ne lui est dit avant.",
    "{name}: confirmed. The call is not published, and nothing is said to them before it is.",
)
PUBLISHED = Sentence(
    "Convocations publiées : {number}. Personnes prévenues : {people}.",
    "Calls published: {number}. People told: {people}.",
)
PUBLISHED_UNTOLD = Sentence(
    "Convocations publiées : {number}. Personnes prévenues : {people}. Sans adresse, à prévenir autrement : {untold}.",
    "Calls published: {number}. People told: {people}. Without an address, to be told otherwise: {untold}.",
)
PUBLISHED_ALONE = Sentence(
    "Convocations publiées : {number}. Personne n'était à prévenir.",
    "Calls published: {number}. There was nobody to tell.",
)
BUSY = Sentence(
    "Ces personnes sont déjà confirmées ailleurs en même temps : changez les horaires, ou annulez l'autre affectation.",
    "These people are confirmed elsewhere at the same time: change the times, or cancel the other assignment.",
)
GATE: dict[str, Sentence] = {
    "not_allowed": Sentence(
        "La loi ou la compagnie interdit ce planning, et seule une personne qui l'administre peut passer outre, avec "
        "un motif : corrigez ce qui est dit ci-dessous, ou demandez-lui.",
        "The law or the company forbids this planning, and only an owner or an admin may override it, with a reason: "
        "cure what is said below, or ask one of them.",
    ),
    "override_required": Sentence(
        "La loi interdit ce planning : corrigez ce qui est dit ci-dessous, ou passez outre en écrivant un motif.",
        "The law forbids this planning: cure what is said below, or override it by writing a reason.",
    ),
    "ground_required": Sentence(
        "Ce planning n'est permis qu'avec une dérogation : corrigez ce qui est dit ci-dessous, ou donnez pour chaque "
        "règle son fondement et son document.",
        "This planning is lawful only with a derogation: cure what is said below, or give for each rule its ground and "
        "its document.",
    ),
    "skill_missing": Sentence(
        "Il manque à une personne une compétence ou un titre valable : choisissez quelqu'un d'autre, complétez sa "
        "fiche, ou passez outre en écrivant un motif.",
        "Somebody lacks a skill or a valid permit: choose somebody else, complete their file, or override it by "
        "writing a reason.",
    ),
}
OVERTAKEN = Sentence(
    "{name} a modifié cette convocation entre-temps : elle est maintenant le {day}, {hours}. Le planning est à jour, "
    "vous pouvez recommencer.",
    "{name} has changed this call meanwhile: it is now on {day}, {hours}. The board is up to date, you can try again.",
)
OVERTAKEN_BY_ONESELF = Sentence(
    "Vous avez modifié cette convocation entre-temps, dans une autre fenêtre : elle est maintenant le {day}, {hours}. "
    "Le planning est à jour, vous pouvez recommencer.",
    "You have changed this call meanwhile, in another window: it is now on {day}, {hours}. The board is up to date, "
    "you can try again.",
)
OVERTAKEN_TEAM = Sentence(
    "{name} a modifié cette équipe entre-temps. Le planning est à jour, vous pouvez recommencer.",
    "{name} has changed this team meanwhile. The board is up to date, you can try again.",
)
GONE = {
    "call.deleted": Sentence(
        "{name} a supprimé cette convocation entre-temps. Le planning est à jour.",
        "{name} has deleted this call meanwhile. The board is up to date.",
    ),
    "assignment.deleted": Sentence(
        "{name} a retiré cette personne entre-temps. Le planning est à jour.",
        "{name} has taken this person away meanwhile. The board is up to date.",
    ),
}
GONE_BY_ONESELF = {
    "call.deleted": Sentence(
        "Vous avez supprimé cette convocation entre-temps, dans une autre fenêtre. Le planning est à jour.",
        "You have deleted this call meanwhile, in another window. The board is up to date.",
    ),
    "assignment.deleted": Sentence(
        "Vous avez retiré cette personne entre-temps, dans une autre fenêtre. Le planning est à jour.",
        "You have taken this person away meanwhile, in another window. The board is up to date.",
    ),
}
NOT_THERE = Sentence(
    "Ce que visait ce geste n'existe plus. Le planning est à jour, vous pouvez recommencer.",
    "What this gesture was about is not there any more. The board is up to date, you can try again.",
)
SOMEBODY = Sentence("Quelqu'un", "Somebody")
SAVED = Sentence("C'est enregistré.", "Saved.")
TAKEN_BACK = Sentence("C'est annulé : tout est comme avant.", "Undone: everything is as before.")


def published(asked: Mapping[str, str]) -> Sentence:
    """Return what is said after publishing: how many were told, and how many cannot be."""
    if asked.get("untold"):
        return PUBLISHED_UNTOLD
    return PUBLISHED if asked.get("people", "0") != "0" else PUBLISHED_ALONE


def named(words: Words, names: dict[str, Sentence], code: str) -> str:
    """Return how a code is called; one that the company has added is its own name."""
    found = names.get(code)
    return words.say(found) if found else code.replace("_", " ")


def kinds(words: Words) -> list[tuple[str, str]]:
    """Return the kinds of calls to choose from."""
    return [(kind.value, words.say(KINDS[kind])) for kind in CallKind]
