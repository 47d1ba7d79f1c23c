"""Whether an entry by hand can stand: its own figures, its dates, and beside the person's other entries."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from backend.core.errors import Sentence
from backend.hours.domain import words
from backend.hours.domain.work import ABSENCES, ANNEXES, Kind, Span, Standing, Work, share, span_of

DAY_MINUTES = 24 * 60
LONGEST = timedelta(days=366)
AHEAD_YEARS = 3
CACHETS_A_DAY = 3  # three shows of less than an hour are the most that a day holds (convention 1285, XIII.5)


@dataclass(frozen=True, slots=True)
class Objection:
    """Why an entry is refused: the field to correct; `against` are the entries that it clashes with, if any."""

    field: str
    sentence: Sentence
    code: str
    against: Sequence[Work] = ()


def horizon(first_day: date, today: date) -> Span:
    """Return the days that the counter takes: from the first day with values to three years ahead."""
    return Span(first_day, date(today.year + AHEAD_YEARS, 12, 31))


def reference_days(first_day: date, today: date) -> Span:
    """Return the ends of contract that can be asked for: the twelve months before have values."""
    days = horizon(first_day, today)
    return Span(days.first.replace(year=days.first.year + 1), days.last)


def objections(work: Work, others: Iterable[Work], first_day: date, today: date) -> Iterator[Objection]:
    """Yield what is wrong with an entry; what clashes with `others` only once the entry itself is sound."""
    alone = [*_dates(work, horizon(first_day, today), today)] or [*_amounts(work)]
    yield from alone or _clashes(work, list(others))


def _dates(work: Work, allowed: Span, today: date) -> Iterator[Objection]:
    for field, day in (("starts_on", work.starts_on), ("ends_on", work.ends_on)):
        if not allowed.holds(day):
            first, last = words.on_day(allowed.first), words.on_day(allowed.last)
            yield Objection(
                field,
                Sentence(f"Choisissez une date du {first.fr} au {last.fr}.",
                         f"Choose a date from {first.en} to {last.en}."),
                "day_range",
            )  # fmt: skip
            return
    if work.ends_on < work.starts_on:
        yield Objection(
            "ends_on",
            Sentence("La fin est avant le début : inversez les deux dates.",
                     "The end is before the start: swap the two dates."),
            "ends_before_start",
        )  # fmt: skip
    elif work.ends_on - work.starts_on >= LONGEST:
        yield Objection(
            "ends_on",
            Sentence("Plus d'un an en une seule saisie : découpez-la par mois.",
                     "More than a year in one entry: divide it by months."),
            "too_long",
        )  # fmt: skip
    elif work.standing is not Standing.PLANNED and work.ends_on > today:
        yield Objection(
            "status",
            Sentence("Ce qui finit après aujourd'hui est prévu : choisissez cet état, ou une date passée.",
                     "What ends after today is planned: choose that state, or a date in the past."),
            "not_over",
        )  # fmt: skip


def _amounts(work: Work) -> Iterator[Objection]:
    if work.kind in ABSENCES:
        yield from _absence(work)
        return
    if not work.employer:
        yield Objection("employer", Sentence("Nommez l'employeur.", "Name the employer."), "missing")
    if work.cachets and work.kind is not Kind.ANNEXE_10:
        yield Objection(
            "cachets",
            Sentence("Les cachets sont pour les artistes (annexe 10) : écrivez la durée travaillée.",
                     "Cachets are for artists (annexe 10): write the time worked."),
            "cachets",
        )  # fmt: skip
    elif not work.minutes and not work.cachets:
        yield Objection(
            "minutes",
            Sentence("Dites combien : la durée travaillée, ou des cachets pour un artiste.",
                     "Say how much: the time worked, or cachets for an artist."),
            "missing",
        )  # fmt: skip
    if work.minutes > work.days * DAY_MINUTES:
        yield Objection("minutes", _more_than_a_day(work.starts_on), "day_too_long")
    if work.cachets > work.days * CACHETS_A_DAY:
        yield Objection(
            "cachets",
            Sentence(f"Au plus {CACHETS_A_DAY} cachets par jour : vérifiez le nombre ou les dates.",
                     f"At most {CACHETS_A_DAY} cachets a day: check the number or the dates."),
            "cachets",
        )  # fmt: skip


def _absence(work: Work) -> Iterator[Objection]:
    for field in ("minutes", "cachets"):
        if getattr(work, field):
            yield Objection(
                field,
                Sentence("Une absence compte par ses jours : laissez ce champ vide.",
                         "An absence counts by its days: leave this field out."),
                "absence",
            )  # fmt: skip


def _clashes(work: Work, others: Sequence[Work]) -> Iterator[Objection]:
    same = [other for other in others if _is_same(work, other) and span_of(work).common(span_of(other)).days]
    if same:
        start, end = words.on_day(same[0].starts_on), words.on_day(same[0].ends_on)
        yield Objection(
            "starts_on",
            Sentence(
                f"Ces jours sont déjà saisis, du {start.fr} au {end.fr} : modifiez cette saisie-là, ou changez les "
                "dates.",
                f"These days are entered already, from {start.en} to {end.en}: change that entry, or the dates.",
            ),
            "overlap",
            same,
        )
        return
    full = _first_full_day(work, others)
    if full is not None:
        day, against = full
        yield Objection("minutes", _more_than_a_day(day), "day_too_long", against)


def _is_same(work: Work, other: Work) -> bool:
    """Absences exclude one another; work excludes work of the same kind for the same employer, and no other."""
    if work.kind in ABSENCES or other.kind in ABSENCES:
        return work.kind in ABSENCES and other.kind in ABSENCES
    return work.kind is other.kind and work.employer_key == other.employer_key


def _first_full_day(work: Work, others: Sequence[Work]) -> tuple[date, list[Work]] | None:
    """Return the first day that would hold more than 24 paid hours, all entries together, and the other entries."""
    beside = [other for other in others if span_of(work).common(span_of(other)).days and other.minutes]
    most = sum(-(-each.minutes // each.days) for each in (work, *beside))
    for number in range(work.days if work.minutes and most > DAY_MINUTES else 0):
        day = work.starts_on + timedelta(days=number)
        if sum(share(each.minutes, span_of(each), Span(day, day)) for each in (work, *beside)) > DAY_MINUTES:
            return day, [other for other in beside if span_of(other).holds(day)]
    return None


def _more_than_a_day(day: date) -> Sentence:
    name = words.on_day(day)
    return Sentence(
        f"Plus de 24 heures le {name.fr} : vérifiez la durée et les dates.",
        f"More than 24 hours on {name.en}: check the time worked and the dates.",
    )


def replaced(works: Sequence[Work], entries: Sequence[Work]) -> list[Work]:
    """Return the companies' works that no entry by hand replaces: one that names the company, the kind and the days."""
    own = [entry for entry in entries if entry.company_id and entry.kind in ANNEXES]
    return [
        work
        for work in works
        if not any(
            entry.company_id == work.company_id and entry.kind is work.kind and span_of(entry).holds(work.starts_on)
            for entry in own
        )
    ]
