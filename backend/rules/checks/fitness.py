"""Whether the person has what the job asks for on each call: skills, and permits that are valid on each of its days."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from backend.core.errors import Sentence
from backend.rules import cures
from backend.rules.case import Case, Reading
from backend.rules.finding import Finding, Severity, Unit
from backend.rules.timeline import Placed
from backend.rules.wording import date_of
from backend.rules.work import Permit, PermitKind

WORDS = {
    PermitKind.ELECTRICAL_HABILITATION: Sentence("habilitation électrique", "electrical habilitation"),
    PermitKind.LIFT_AUTHORISATION: Sentence("autorisation de conduite (levage)", "lift authorisation"),
    PermitKind.ROPE_ACCESS: Sentence("travaux sur cordes", "rope access"),
    PermitKind.SSIAP: Sentence("SSIAP (sécurité incendie)", "SSIAP (fire safety)"),
}


def check_skills(case: Case) -> Iterator[Finding]:
    """SKILL-MISSING: one finding for each skill of each call."""
    for (_, skill), causes in _needs(case, "required_skills").items():
        if skill in case.skills:
            continue
        label, at = case.skill_labels.get(skill, skill), case.at(causes[0].start)
        sentence = Sentence(
            f"Compétence « {label} » demandée pour la convocation du {at.fr}, et pas acquise.",
            f'Skill "{label}" required for the call of {at.en}, and not held.',
        )
        yield from _found(case, "SKILL-MISSING", skill, causes, 0, Unit.SKILLS, sentence)


def check_permits(case: Case) -> Iterator[Finding]:
    """PERMIT-EXPIRED and PERMIT-MISSING: one finding for each kind of permit of each call."""
    for (_, kind), causes in _needs(case, "required_permits").items():
        held = [permit for permit in case.permits if permit.kind == kind]
        day = next((day for day in _days(case, causes) if not any(_valid(one, day) for one in held)), None)
        if day is None:
            continue
        word, at = _word(kind), case.at(causes[0].start)
        ended = max((one.expires_on for one in held if one.expires_on and one.expires_on < day), default=None)
        if ended is None:
            sentence = Sentence(
                f"{_first(word.fr)} : demandé pour la convocation du {at.fr}, et aucun n'est valable.",
                f"{_first(word.en)}: required for the call of {at.en}, and none is valid.",
            )
            yield from _found(case, "PERMIT-MISSING", kind, causes, 0, Unit.PERMITS, sentence)
        else:
            on = date_of(ended)
            sentence = Sentence(
                f"{_first(word.fr)} : expiré le {on.fr}, et demandé pour la convocation du {at.fr}.",
                f"{_first(word.en)}: expired on {on.en}, and required for the call of {at.en}.",
            )
            yield from _found(case, "PERMIT-EXPIRED", kind, causes, (day - ended).days, Unit.DAYS, sentence)


def _needs(case: Case, what: str) -> dict[tuple[str, str], list[Placed]]:
    found: dict[tuple[str, str], list[Placed]] = {}
    for placed in case.timeline.placed:
        for code in getattr(placed.segment, what):
            found.setdefault((placed.segment.call, code), []).append(placed)
    return found


def _found(
    case: Case, rule: str, code: str, causes: Sequence[Placed], measured: int, unit: Unit, sentence: Sentence
) -> Iterator[Finding]:
    start, end = causes[0].start, max(one.end for one in causes)
    value = case.value_at(rule, start)
    if value is not None:
        reading = Reading(rule, value, start, end, measured, value.limit, unit)
        instead = [cures.release(case, causes[0])] if len(causes) == 1 else []
        yield replace(case.find(reading, Severity.HARD, sentence, causes, instead), scope=code)


def _days(case: Case, causes: Sequence[Placed]) -> Iterator[date]:
    """Yield the civil days of a call; one that ends at midnight has no moment in the day that follows."""
    first, last = case.days.of(causes[0].start), case.days.of(max(one.end for one in causes) - 1)
    yield from (date.fromordinal(day) for day in range(first, last + 1))


def _valid(permit: Permit, day: date) -> bool:
    return permit.issued_on <= day and (permit.expires_on is None or day <= permit.expires_on)


def _word(kind: str) -> Sentence:
    return WORDS[PermitKind(kind)] if kind in set(PermitKind) else Sentence(kind, kind)


def _first(text: str) -> str:
    return text[0].upper() + text[1:]
