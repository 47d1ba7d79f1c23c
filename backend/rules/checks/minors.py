"""Under 18: shorter days and weeks, no night; under 16: an authorisation first. Age is taken on the civil day."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from backend.core.errors import Sentence
from backend.rules.case import Case, Reading
from backend.rules.cures import end_at, release, start_at, work_less
from backend.rules.dated import Value
from backend.rules.days import WEEK_DAYS, monday
from backend.rules.finding import Cure, Finding, Severity, Unit
from backend.rules.timeline import Placed
from backend.rules.wording import hours


@dataclass(frozen=True, slots=True)
class Night:
    """The hours in which a minor may not work, from the evening of a day to the next morning."""

    start: int
    midnight: int
    end: int


def check_minors(case: Case) -> Iterator[Finding]:
    """MIN-DAY, MIN-NIGHT and MIN-AUTH; nothing for an adult, nor for somebody whose birth date is unknown."""
    if not case.has_minor_days:
        return
    yield from _days(case)
    yield from _weeks(case)
    yield from _nights(case)
    yield from _authorisations(case)


def _days(case: Case) -> Iterator[Finding]:
    for day, minutes in case.timeline.by_day.items():
        value = case.law.value("MIN-DAY", day)
        if day < case.adult_from and value is not None and minutes > value.limit:
            severity = Severity.DEROG if minutes <= value["ceiling"] else Severity.HARD
            reading = Reading("MIN-DAY", value, case.days.start(day), case.days.start(day + 1), minutes, value.limit)
            on = case.on(reading.start)
            sentence = Sentence(
                f"{hours(minutes)} de travail le {on.fr}, pour {hours(value.limit)} au plus avant 18 ans.",
                f"{hours(minutes)} of work on {on.en}, where {hours(value.limit)} is the most under 18.",
            )
            yield _too_much(case, reading, severity, sentence)


def _weeks(case: Case) -> Iterator[Finding]:
    weeks: dict[int, int] = {}
    for day, minutes in case.timeline.by_day.items():
        if day < case.adult_from:
            weeks[monday(day)] = weeks.get(monday(day), 0) + minutes
    for week, minutes in weeks.items():
        value = case.law.value("MIN-DAY", week)
        if value is not None and minutes > value["week"]:
            severity = Severity.DEROG if minutes <= value["week_ceiling"] else Severity.HARD
            start, end = case.days.start(week), case.days.start(week + WEEK_DAYS)
            on = case.on(start)
            sentence = Sentence(
                f"{hours(minutes)} de travail dans la semaine du {on.fr}, pour {hours(value['week'])} au plus avant "
                "18 ans.",
                f"{hours(minutes)} of work in the week of {on.en}, where {hours(value['week'])} is the most under 18.",
            )
            yield _too_much(case, Reading("MIN-DAY", value, start, end, minutes, value["week"]), severity, sentence)


def _too_much(case: Case, reading: Reading, severity: Severity, sentence: Sentence) -> Finding:
    causes = case.timeline.touching(reading.start, reading.end)
    cures = work_less(case, causes, reading.start, reading.end, reading.measured - reading.limit)
    return case.find(reading, severity, sentence, causes, cures)


def _nights(case: Case) -> Iterator[Finding]:
    """Yield the nights worked: an inspector may allow work until 24:00 in show business, nobody after it."""
    evenings = sorted({one for day in case.timeline.by_day for one in (day - 1, day)})
    for evening in evenings:
        value = case.law.value("MIN-NIGHT", evening)
        if value is None or evening >= case.adult_from:
            continue
        night = _night_of(case, value, evening)
        minutes = case.timeline.minutes_between(night.start, night.end)
        if minutes:
            yield _at_night(case, value, night, minutes)


def _night_of(case: Case, value: Value, evening: int) -> Night:
    first = value["first_hour_child"] if evening < case.sixteen_from else value["first_hour"]
    days = case.days
    return Night(days.at(evening, first), days.start(evening + 1), days.at(evening + 1, value["last_hour"]))


def _at_night(case: Case, value: Value, night: Night, minutes: int) -> Finding:
    late = case.timeline.minutes_between(night.midnight, night.end)
    causes = case.timeline.touching(night.start, night.end)
    at = case.at(night.start)
    sentence = Sentence(
        f"{hours(minutes)} de travail dans la nuit qui commence le {at.fr} : interdit avant 18 ans"
        + (" ; rien ne le permet après minuit." if late else ", sauf autorisation jusqu'à minuit."),
        f"{hours(minutes)} of work in the night that begins on {at.en}: forbidden under 18"
        + ("; nothing allows it after midnight." if late else ", unless authorised until midnight."),
    )
    reading = Reading("MIN-NIGHT", value, night.start, night.end, minutes, value.limit)
    severity = Severity.HARD if late else Severity.DEROG
    cures = _out_of_night(case, night, causes) if len(causes) == 1 else []
    return case.find(reading, severity, sentence, causes, cures)


def _out_of_night(case: Case, night: Night, causes: list[Placed]) -> list[Cure]:
    only = causes[0]
    if only.start < night.start:
        return list(end_at(case, only, night.start))
    return list(start_at(case, only, night.end)) or [release(case, only)]


def _authorisations(case: Case) -> Iterator[Finding]:
    """Yield, for each production, the first day worked under 16 that no recorded authorisation covers."""
    told = set()
    for placed in case.timeline.placed:
        day, production = case.days.of(placed.start), placed.segment.production
        value = case.law.value("MIN-AUTH", day)
        if value is None or day >= case.sixteen_from or production in told:
            continue
        age = _age(case, day)
        if case.law.cover("MIN-AUTH", Severity.HARD, case.person, day, age) is not None:
            continue
        told.add(production)
        start, end = case.days.start(day), case.days.start(day + 1)
        on = case.on(start)
        sentence = Sentence(
            f"La personne a {age} ans le {on.fr} : demandez d'abord l'autorisation individuelle du préfet.",
            f"The person is {age} on {on.en}: ask for the prefect's individual authorisation first.",
        )
        reading = Reading("MIN-AUTH", value, start, end, age, value.limit, Unit.YEARS)
        yield replace(case.find(reading, Severity.HARD, sentence, [placed]), scope=production)


def _age(case: Case, day: int) -> int:
    born = case.birth_date
    on = case.days.wall(case.days.start(day)).date()
    return 0 if born is None else on.year - born.year - ((on.month, on.day) < (born.month, born.day))
