"""The counter's sentences, in French and English: one for each step of the arithmetic."""

from datetime import date

from backend.core.errors import Sentence
from backend.hours.domain.work import Kind

ESTIMATE = Sentence(
    "Estimation : seule la notification de France Travail fait foi.",
    "Estimate: only the notification of France Travail is authoritative.",
)
_MONTHS = (
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
    "January February March April May June July August September October November December".split(),
)
_KINDS = {
    Kind.ANNEXE_8: Sentence("annexe 8 (techniciens)", "annexe 8 (technicians)"),
    Kind.ANNEXE_10: Sentence("annexe 10 (artistes)", "annexe 10 (artists)"),
}


def duration(minutes: int) -> str:
    """Return minutes as people write hours: "82 h 30", "507 h"."""
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02}" if rest else f"{hours} h"


def on_day(day: date) -> Sentence:
    """Return a day as it is written."""
    fr, en = (names[day.month - 1] for names in _MONTHS)
    return Sentence(f"{'1er' if day.day == 1 else day.day} {fr} {day.year}", f"{day.day} {en} {day.year}")


def of_month(month: date) -> Sentence:
    """Return a month as it is written."""
    fr, en = (names[month.month - 1] for names in _MONTHS)
    return Sentence(f"{fr} {month.year}", f"{en} {month.year}")


def window_searched(first: date, last: date, days: int, sick: int) -> Sentence:
    """Say which days are searched."""
    start, end = on_day(first), on_day(last)
    more_fr = f", dont {sick} pour maladie" if sick else ""
    more_en = f", {sick} of them for sickness" if sick else ""
    return Sentence(
        f"Période examinée : du {start.fr} au {end.fr} inclus ({days} jours{more_fr}).",
        f"Period searched: from {start.en} to {end.en} included ({days} days{more_en}).",
    )


def month_counted(month: date, kind: Kind, worked: int, inside: int, limit: int | None, counted: int) -> Sentence:
    """Say what a month brings: what was worked, what lies inside the period, its limit, what counts."""
    name, annexe = of_month(month), _KINDS[kind]
    fr, en = f"{name.fr.capitalize()}, {annexe.fr} : {duration(worked)}", f"{name.en}, {annexe.en}: {duration(worked)}"
    if inside != worked:
        fr, en = f"{fr}, dont {duration(inside)} dans la période", f"{en}, {duration(inside)} of them in the period"
    if limit is not None and worked > limit:
        fr, en = f"{fr}, limite du mois {duration(limit)}", f"{en}, limit of the month {duration(limit)}"
    return Sentence(f"{fr} ; comptées : {duration(counted)}.", f"{en}; counted: {duration(counted)}.")


def teaching_counted(worked: int, limit: int, counted: int) -> Sentence:
    """Say what teaching brings."""
    return Sentence(
        f"Enseignement : {duration(worked)}, limite {duration(limit)} ; comptées : {duration(counted)}.",
        f"Teaching: {duration(worked)}, limit {duration(limit)}; counted: {duration(counted)}.",
    )


def training_counted(worked: int, pool: int, teaching: int, counted: int) -> Sentence:
    """Say what training brings, and that teaching eats into its limit."""
    return Sentence(
        f"Formation : {duration(worked)}, limite {duration(pool)} moins {duration(teaching)} d'enseignement ; "
        f"comptées : {duration(counted)}.",
        f"Training: {duration(worked)}, limit {duration(pool)} less {duration(teaching)} of teaching; "
        f"counted: {duration(counted)}.",
    )


def assimilated_counted(counted: int) -> Sentence:
    """Say what assimilated days bring."""
    return Sentence(f"Jours assimilés : {duration(counted)}.", f"Assimilated days: {duration(counted)}.")


def annexe_governs(annexe_8: int, annexe_10: int) -> Sentence:
    """Say which annexe has more hours, and so governs."""
    if annexe_8 == annexe_10:
        return Sentence(
            f"Annexes 8 et 10 à égalité ({duration(annexe_8)}) : aucune ne l'emporte.",
            f"Annexes 8 and 10 are equal ({duration(annexe_8)}): none governs.",
        )
    winner, more, less = (8, annexe_8, annexe_10) if annexe_8 > annexe_10 else (10, annexe_10, annexe_8)
    return Sentence(
        f"L'annexe {winner} l'emporte : {duration(more)} contre {duration(less)}.",
        f"Annexe {winner} governs: {duration(more)} against {duration(less)}.",
    )


def compared(total: int, threshold: int) -> Sentence:
    """Say how far the total is from the threshold."""
    if total >= threshold:
        return Sentence(
            f"Total : {duration(total)} pour {duration(threshold)} à réunir ; le seuil est atteint.",
            f"Total: {duration(total)} for {duration(threshold)} needed; the threshold is reached.",
        )
    return Sentence(
        f"Total : {duration(total)} pour {duration(threshold)} à réunir ; il manque {duration(threshold - total)}.",
        f"Total: {duration(total)} for {duration(threshold)} needed; {duration(threshold - total)} are missing.",
    )


def catch_up(minimum: int) -> Sentence:
    """Say that the catch-up clause may exist."""
    return Sentence(
        f"À partir de {duration(minimum)}, une clause de rattrapage peut exister : demandez à France Travail.",
        f"From {duration(minimum)} on, a catch-up clause may exist: ask France Travail.",
    )


def lengthened(days: int, hours: int) -> Sentence:
    """Say that the period was lengthened, against more hours."""
    return Sentence(
        f"Période allongée de {days} jours, contre {duration(hours)} de plus à réunir.",
        f"Period lengthened by {days} days, for {duration(hours)} more to gather.",
    )


def age_unknown(limit: int) -> Sentence:
    """Say that the lower teaching limit was taken because no birth date is known."""
    return Sentence(
        f"Aucune compagnie ne connaît votre date de naissance : l'enseignement est limité à {duration(limit)}.",
        f"No company knows your birth date: teaching is limited to {duration(limit)}.",
    )
