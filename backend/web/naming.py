"""How pages call what the services name by codes: departments, kinds, states, roles and acts, in both languages."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from backend.core.errors import Sentence
from backend.identity.company import ROLE_NAMES
from backend.identity.models import Role
from backend.people.models import Annexe
from backend.planning.domain.states import Status
from backend.planning.models import CallKind, CallStatus, Declared, PayUnit
from backend.planning.schemas import OnBehalf
from backend.productions.models import ProductionKind
from backend.rules.work import PermitKind
from backend.web.typography import said

DEPARTMENTS: Final[Mapping[str, Sentence]] = {
    "artistic": Sentence("artistique", "artistic"),
    "direction": Sentence("mise en scène", "direction"),
    "stage": Sentence("plateau", "stage"),
    "lighting": Sentence("lumière", "lighting"),
    "sound_video": Sentence("son et vidéo", "sound and video"),
    "wardrobe": Sentence("costumes", "wardrobe"),
    "production": Sentence("production", "production"),
    "front_of_house": Sentence("accueil", "front of house"),
}
ANNEXES: Final[Mapping[str, Sentence]] = {
    Annexe.TECHNICIANS: Sentence("annexe 8 (technique)", "annexe 8 (technicians)"),
    Annexe.ARTISTS: Sentence("annexe 10 (artistes)", "annexe 10 (artists)"),
    Annexe.PERMANENT: Sentence("permanent·e", "permanent staff"),
}
PRODUCTION_KINDS: Final[Mapping[str, Sentence]] = {
    ProductionKind.CREATION: Sentence("création", "new production"),
    ProductionKind.REVIVAL: Sentence("reprise", "revival"),
}
PERMITS: Final[Mapping[str, Sentence]] = {
    PermitKind.ELECTRICAL_HABILITATION: Sentence("habilitation électrique", "electrical habilitation"),
    PermitKind.LIFT_AUTHORISATION: Sentence("autorisation de conduite (nacelle, élévateur)", "lift authorisation"),
    PermitKind.ROPE_ACCESS: Sentence("travail sur cordes", "rope access"),
    PermitKind.SSIAP: Sentence("SSIAP (sécurité incendie)", "SSIAP (fire safety)"),
}
CALL_KINDS: Final[Mapping[str, Sentence]] = {
    CallKind.REHEARSAL: Sentence("répétition", "rehearsal"),
    CallKind.STAGE_REHEARSAL: Sentence("répétition au plateau", "stage rehearsal"),
    CallKind.TABLE_READ: Sentence("lecture à la table", "table read"),
    CallKind.LINE_RUN: Sentence("italienne", "line run"),
    CallKind.BLOCKING_RUN: Sentence("allemande", "blocking run"),
    CallKind.PRE_RIG: Sentence("prémontage", "pre-rig"),
    CallKind.SETUP: Sentence("montage", "load-in"),
    CallKind.FOCUS: Sentence("réglages", "focus"),
    CallKind.RUN_THROUGH: Sentence("filage", "run-through"),
    CallKind.TECH_DRESS: Sentence("couturière", "tech dress"),
    CallKind.DRESS_REHEARSAL: Sentence("générale", "dress rehearsal"),
    CallKind.BRUSH_UP: Sentence("raccord", "brush-up"),
    CallKind.LINE_CHECK: Sentence("line check", "line check"),
    CallKind.SOUND_CHECK: Sentence("balances", "sound check"),
    CallKind.PERFORMANCE: Sentence("représentation", "performance"),
    CallKind.STRIKE: Sentence("démontage", "strike"),
    CallKind.LOAD_OUT: Sentence("chargement", "load-out"),
    CallKind.TRAVEL: Sentence("trajet", "travel"),
    CallKind.OTHER: Sentence("autre", "other"),
}
CALL_STATES: Final[Mapping[str, Sentence]] = {
    CallStatus.DRAFT: Sentence("brouillon", "draft"),
    CallStatus.PUBLISHED: Sentence("publiée", "published"),
    CallStatus.CANCELLED: Sentence("annulée", "cancelled"),
}
CONVENTIONS: Final[Mapping[str, Sentence]] = {
    "1285": Sentence("1285 · entreprises artistiques et culturelles", "1285 · artistic and cultural companies"),
    "3090": Sentence("3090 · entreprises du secteur privé du spectacle vivant", "3090 · private live performance"),
}
MAY: Final[Mapping[Role, Sentence]] = {
    Role.OWNER: Sentence("tout, y compris nommer d'autres propriétaires", "everything, and making other owners"),
    Role.ADMIN: Sentence("réglages, membres, dérogations et planning", "settings, members, derogations and planning"),
    Role.PLANNER: Sentence("équipe, lieux, spectacles et planning", "people, venues, productions and planning"),
    Role.PAYROLL: Sentence("lire et exporter, fiches comprises", "reading and exporting, people included"),
    Role.VIEWER: Sentence("lire le planning, sans les fiches", "reading the planning, without the people's details"),
    Role.INTERMITTENT: Sentence("ses propres dates, rien d'autre", "their own dates, nothing else"),
}
# What was acted upon, and what was done: "a modifié une personne".
SUBJECTS: Final[Mapping[str, Sentence]] = {
    "agreement": Sentence("un accord d'entreprise", "a company agreement"),
    "assignment": Sentence("une affectation", "an assignment"),
    "call": Sentence("une convocation", "a call"),
    "call_template": Sentence("un modèle de convocation", "a call template"),
    "company": Sentence("la compagnie", "the company"),
    "derogation": Sentence("une dérogation", "a derogation"),
    "finding": Sentence("un constat du droit", "a finding of the law"),
    "invitation": Sentence("une invitation", "an invitation"),
    "job": Sentence("un métier", "a job"),
    "member": Sentence("un membre", "a member"),
    "permit": Sentence("un titre", "a permit"),
    "person": Sentence("une personne", "a person"),
    "position": Sentence("un poste", "a position"),
    "production": Sentence("un spectacle", "a production"),
    "season": Sentence("la saison", "the season"),
    "skill": Sentence("une compétence", "a skill"),
    "unavailability": Sentence("une indisponibilité", "an unavailability"),
    "travel_settings": Sentence("l'estimation des trajets", "the estimate of trips"),
    "venue": Sentence("un lieu", "a venue"),
    "venue_travel": Sentence("une durée de trajet", "the duration of a trip"),
}
ACTS: Final[Mapping[str, Sentence]] = {
    "accepted": Sentence("a accepté", "accepted"),
    "acceptance_taken_back": Sentence("est revenu·e sur", "took back"),
    "overridden": Sentence("a passé outre à", "overrode"),
    "promoted": Sentence("a fait passer au premier rang", "moved up to first"),
    "cancelled": Sentence("a annulé", "cancelled"),
    "changed": Sentence("a modifié", "changed"),
    "confirmed": Sentence("a confirmé", "confirmed"),
    "created": Sentence("a ajouté", "added"),
    "declared": Sentence("a déclaré sur", "declared about"),
    "declined": Sentence("a décliné", "declined"),
    "deleted": Sentence("a supprimé", "deleted"),
    "expired": Sentence("a laissé expirer", "let expire"),
    "imported": Sentence("a importé", "imported"),
    "offered": Sentence("a proposé", "offered"),
    "published": Sentence("a publié", "published"),
    "recorded": Sentence("a enregistré", "recorded"),
    "released": Sentence("a libéré", "released"),
    "removed": Sentence("a retiré", "removed"),
    "set": Sentence("a fixé", "set"),
    "skills_changed": Sentence("a changé les compétences d'", "changed the skills of"),
    "unlinked": Sentence("a délié le compte d'", "unlinked the account of"),
    "withdrawn": Sentence("a retiré", "withdrew"),
}
EVENTS: Final = (
    "season.imported call.created call.changed call.published call.cancelled call.deleted assignment.created "
    "assignment.offered assignment.accepted assignment.declined assignment.confirmed assignment.released "
    "assignment.cancelled person.created person.changed person.deleted person.skills_changed permit.created "
    "venue.created venue.changed production.created production.changed member.changed member.removed "
    "invitation.created invitation.accepted invitation.withdrawn agreement.recorded agreement.changed "
    "derogation.recorded company.changed"
).split()
FIELDS: Final[Mapping[str, Sentence]] = {
    "address": Sentence("adresse", "address"), "annexe": Sentence("annexe", "annexe"),
    "birth_date": Sentence("date de naissance", "birth date"), "breaks": Sentence("pauses", "breaks"),
    "capacity": Sentence("jauge", "capacity"), "city": Sentence("ville", "city"), "code": Sentence("code", "code"),
    "department": Sentence("pôle", "department"), "document": Sentence("document", "document"),
    "email": Sentence("e-mail", "e-mail"), "ends_at": Sentence("fin", "end"),
    "expires_on": Sentence("expire le", "expires on"), "first_name": Sentence("prénom", "first name"),
    "headcount": Sentence("effectif", "headcount"), "idcc": Sentence("convention", "agreement"),
    "issued_on": Sentence("délivré le", "issued on"), "issuer": Sentence("délivré par", "issued by"),
    "job": Sentence("métier", "job"), "kind": Sentence("type", "kind"), "label": Sentence("libellé", "label"),
    "last_name": Sentence("nom", "last name"), "latitude": Sentence("latitude", "latitude"),
    "licences": Sentence("licences", "licences"), "limit_minutes": Sentence("seuil (min)", "limit (min)"),
    "longitude": Sentence("longitude", "longitude"), "margin_minutes": Sentence("marge (min)", "margin (min)"),
    "minutes": Sentence("minutes", "minutes"), "name": Sentence("nom", "name"),
    "objet_number": Sentence("numéro d'objet", "objet number"), "on_tour": Sentence("en tournée", "on tour"),
    "phone": Sentence("téléphone", "phone"), "postal_code": Sentence("code postal", "postal code"),
    "premiere_date": Sentence("première", "premiere"), "reason": Sentence("motif", "reason"),
    "ref": Sentence("référence", "reference"), "role": Sentence("rôle", "role"), "rule": Sentence("règle", "rule"),
    "season": Sentence("saison", "season"), "siret": Sentence("SIRET", "SIRET"),
    "skills": Sentence("compétences", "skills"), "speed_kmh": Sentence("vitesse (km/h)", "speed (km/h)"),
    "starts_at": Sentence("début", "start"), "status": Sentence("état", "state"),
    "timezone": Sentence("fuseau horaire", "time zone"), "title": Sentence("titre", "title"),
    "unplaced_break_minutes": Sentence("pause (min)", "break (min)"),
    "valid_from": Sentence("à partir du", "from"), "valid_to": Sentence("jusqu'au", "until"),
    "cachets": Sentence("cachets", "cachets"), "cancel_reason": Sentence("motif de l'annulation", "reason"),
    "contact_name": Sentence("qui appeler", "whom to phone"), "contact_phone": Sentence("téléphone", "phone"),
    "contested": Sentence("dates à départager", "dates to be settled"),
    "decided_at": Sentence("décidé le", "decided on"), "decided_by": Sentence("décidé par", "decided by"),
    "declaration": Sentence("déclaration sur les repos", "declaration about rests"),
    "duration_minutes": Sentence("durée (min)", "duration (min)"),
    "expires_at": Sentence("réponse attendue avant le", "answer expected before"),
    "ground": Sentence("fondement", "ground"), "has_account": Sentence("compte lié", "account tied"),
    "message": Sentence("message", "message"), "notice_minutes": Sentence("prévenu·e (min avant)", "notice (min)"),
    "on_behalf": Sentence("répondu pour la personne", "answered on their behalf"),
    "pay_unit": Sentence("déclaré en", "declared in"), "positions": Sentence("postes", "positions"),
    "rank": Sentence("rang de l'option", "rank of the option"),
    "required_permits": Sentence("titres demandés", "permits asked for"),
    "required_skills": Sentence("compétences demandées", "skills asked for"),
    "measured_minutes": Sentence("mesuré (min)", "measured (min)"), "scope": Sentence("portée", "scope"),
    "employer": Sentence("employeur", "employer"), "ends_on": Sentence("fin", "end"),
    "full_name": Sentence("prénom et nom", "full name"), "hours": Sentence("heures", "hours"),
    "q": Sentence("recherche", "search"), "starts_on": Sentence("début", "start"),
    "reference_date": Sentence("date de référence", "reference date"),
    "used_until": Sentence("droits déjà ouverts jusqu'au", "rights already opened until"),
    "new_email": Sentence("nouvelle adresse", "new address"),
    "version": Sentence("version", "version"), "window_start": Sentence("à partir de", "from"),
}  # fmt: skip
ASSIGNMENT_STATES: Final[Mapping[str, Sentence]] = {
    Status.DRAFT: Sentence("brouillon", "draft"),
    Status.OPTION: Sentence("option en attente", "option pending"),
    Status.ACCEPTED: Sentence("acceptée", "accepted"),
    Status.DECLINED: Sentence("déclinée", "declined"),
    Status.EXPIRED: Sentence("option expirée", "option expired"),
    Status.CONFIRMED: Sentence("confirmée", "confirmed"),
    Status.RELEASED: Sentence("libérée", "released"),
}
# What the codes of one field are called; in another field the same word may be somebody's own.
VALUES: Final[Mapping[str, Mapping[str, Sentence]]] = {
    "status": {**CALL_STATES, **ASSIGNMENT_STATES}, "kind": {**CALL_KINDS, **PRODUCTION_KINDS, **PERMITS},
    "department": DEPARTMENTS, "annexe": ANNEXES, "idcc": CONVENTIONS,
    "role": {role: Sentence(ROLE_NAMES["fr"][role], ROLE_NAMES["en"][role]) for role in Role},
    "on_behalf": {
        OnBehalf.PHONE: Sentence("au téléphone", "by phone"),
        OnBehalf.IN_PERSON: Sentence("de vive voix", "in person"),
        OnBehalf.WRITTEN: Sentence("par écrit", "in writing"),
    },
    "pay_unit": {PayUnit.HOUR: Sentence("heures", "hours"), PayUnit.CACHET: Sentence("cachets", "cachets")},
    "declaration": {
        Declared.COMPLIANT: Sentence("repos respectés", "rests kept"),
        Declared.WITH_WARNING: Sentence("repos respectés, avertissement lu", "rests kept, warning read"),
    },
}  # fmt: skip
LONGEST_CODE = 50
INSTANT = "_at"
At = Callable[[datetime], str]
NOT_TOLD = frozenset({"production_id", "venue_id", "call_id", "person_id", "position_id", "id", "other_venue_id"})


def department(code: str, language: str) -> str:
    """Return what people call a department; one of the company's own is its own name."""
    return said(DEPARTMENTS[code], language) if code in DEPARTMENTS else code


def choices(words: Mapping[Any, Sentence], language: str, only: Iterable[Any] | None = None) -> list[tuple[str, str]]:
    """Return pairs of value and words for a field of choice."""
    kept = list(words) if only is None else [key for key in only if key in words]
    return [(str(getattr(key, "value", key)), said(words[key], language)) for key in kept]


def act_in_words(what: str, language: str) -> str:
    """Return "a modifié une personne" for "person.changed"; a code that has no words stands as itself."""
    subject, _, done = what.partition(".")
    if subject not in SUBJECTS or done not in ACTS:
        return what
    verb, noun = said(ACTS[done], language), said(SUBJECTS[subject], language)
    return f"{verb}{noun}" if verb.endswith("'") else f"{verb} {noun}"


def acts_to_choose(language: str) -> list[tuple[str, str]]:
    """Return the acts by which the history is filtered, in words."""
    return [(what, act_in_words(what, language)) for what in EVENTS]


def changes_in_words(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, language: str, at: At | None = None
) -> list[tuple[str, str, str]]:
    """Return name, old value and new value of what an act changed; ids, which nobody reads, are left out.

    `at` writes an instant, or a day, as the pages of a company do.
    """
    old, new = before or {}, after or {}
    names = [name for name in {**old, **new} if name not in NOT_TOLD]
    told = [(_name(name, language), _text(name, old.get(name), language, at), _text(name, new.get(name), language, at))
            for name in names]  # fmt: skip
    return [one for one in told if one[1] or one[2]]


def _name(name: str, language: str) -> str:
    return said(FIELDS[name], language) if name in FIELDS else name.replace("_", " ")


def _text(name: str, value: Any, language: str, at: At | None) -> str:  # noqa: ANN401 - whatever an event holds
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return said(Sentence("oui" if value else "non", "yes" if value else "no"), language)
    if isinstance(value, list):
        return ", ".join(_text(name, one, language, at) for one in value) or "–"
    if isinstance(value, dict):
        return ", ".join(f"{_name(key, language)} {_text(key, one, language, at)}" for key, one in value.items() if one)
    text = str(value)
    words = VALUES.get(name, {}).get(text)
    if words is not None:
        return said(words, language)
    return _instant(name, text, at)


def _instant(name: str, text: str, at: At | None) -> str:
    if at is None or not name.endswith(INSTANT):
        return text
    try:
        return at(datetime.fromisoformat(text))
    except ValueError:
        return text


def code_of(label: str) -> str:
    """Return a code made of a label: "Accroche à la perche" becomes "accroche_a_la_perche"."""
    folded = "".join(c for c in unicodedata.normalize("NFKD", label.lower()) if not unicodedata.combining(c))
    code = re.sub(r"[^a-z0-9]+", "_", folded).strip("_")[:LONGEST_CODE].rstrip("_")
    return code if code[:1].isalpha() else f"c_{code}".rstrip("_")
