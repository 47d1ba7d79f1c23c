"""Maxima of the civil day: ten hours for everybody, twelve where the convention says so, Sundays and holidays."""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from holidays.countries.france import France

from backend.core.errors import Sentence
from backend.rules.case import Case, Reading
from backend.rules.cures import work_less
from backend.rules.days import WEEK_DAYS
from backend.rules.finding import Finding, Severity
from backend.rules.timeline import Placed
from backend.rules.wording import hours

_RIGGING = frozenset({"setup", "pre_rig", "strike", "load_out"})
_FIRST_OF_MAY = (5, 1)


def check_days(case: Case) -> Iterator[Finding]:
    """WT-DAY-10: more than 10 h in a civil day; above 12 h nothing can allow it (L3121-18, -19)."""
    for day, minutes in case.worked_days():
        value = case.law.value("WT-DAY-10", day)
        if value is not None and minutes > value.limit:
            severity = Severity.HARD if minutes > value["ceiling"] else Severity.DEROG
            reading = Reading("WT-DAY-10", value, case.days.start(day), case.days.start(day + 1), minutes, value.limit)
            yield _too_long(case, reading, severity)


def check_convention_days(case: Case) -> Iterator[Finding]:
    """EAC-DAY-12: 12 h on tour, in a festival, to set up and strike, or in the fortnight before; 10 h otherwise."""
    for day, minutes in case.worked_days():
        value = case.law.value("EAC-DAY-12", day)
        if value is None or minutes <= value.limit:
            continue
        start, end = case.days.start(day), case.days.start(day + 1)
        before = value["days_before_premiere"]
        extended = any(_may_last(placed, day, before) for placed in case.timeline.touching(start, end))
        limit = value["extended"] if extended else value.limit
        if minutes > limit:
            severity = Severity.HARD if minutes > value["extended"] else Severity.DEROG
            yield _too_long(case, Reading("EAC-DAY-12", value, start, end, minutes, limit), severity)


def check_sundays(case: Case) -> Iterator[Finding]:
    """WT-SUNDAY: work on Sunday, lawful by rotation in show business; for the pay."""
    for day, minutes in case.worked_days():
        if day % WEEK_DAYS == 0:
            value = case.law.value("WT-SUNDAY", day)
            if value is not None:
                start = case.days.start(day)
                on = case.on(start)
                sentence = Sentence(
                    f"{hours(minutes)} de travail le dimanche {on.fr}.", f"{hours(minutes)} of work on Sunday {on.en}."
                )
                reading = Reading("WT-SUNDAY", value, start, case.days.start(day + 1), minutes, value.limit)
                yield case.find(reading, Severity.INFO, sentence)


def check_holidays(case: Case) -> Iterator[Finding]:
    """WT-HOL: work on a legal holiday; the first of May is paid twice, and worked only if it cannot stop."""
    for day, minutes in case.worked_days():
        name = holiday_on(day, case.law.subdivision)
        value = case.law.value("WT-HOL", day) if name else None
        if value is None:
            continue
        start = case.days.start(day)
        reading = Reading("WT-HOL", value, start, case.days.start(day + 1), minutes, value.limit)
        on = case.on(start)
        worked = hours(minutes)
        if _month_day(day) == _FIRST_OF_MAY:
            sentence = Sentence(
                f"{worked} de travail le 1er mai ({on.fr}) : payées double, et seulement si l'activité ne peut "
                "s'interrompre.",
                f"{worked} of work on 1 May ({on.en}): paid double, and only if the activity cannot stop.",
            )
            yield case.find(reading, Severity.WARN, sentence, details={"doubled_minutes": minutes})
        else:
            sentence = Sentence(
                f"{worked} de travail un jour férié ({name}, {on.fr}) : la loi n'impose pas de majoration.",
                f"{worked} of work on a public holiday ({name}, {on.en}): the law sets no premium.",
            )
            yield case.find(reading, Severity.INFO, sentence)


@lru_cache(maxsize=4096)
def holiday_on(day: int, subdivision: str | None = None) -> str | None:
    """Return the French name of the public holiday of `day`, or None."""
    on = date.fromordinal(day)
    return _holidays(on.year, subdivision).get(on)


@lru_cache(maxsize=64)
def _holidays(year: int, subdivision: str | None) -> dict[date, str]:
    found = France(years=year, subdiv=subdivision, language="fr")  # type: ignore[no-untyped-call] # the library's own
    return dict(found.items())


def _month_day(day: int) -> tuple[int, int]:
    on = date.fromordinal(day)
    return on.month, on.day


def _may_last(placed: Placed, day: int, before: int) -> bool:
    segment = placed.segment
    premiere = segment.premiere
    near = premiere is not None and 1 <= premiere.toordinal() - day <= before
    return segment.on_tour or segment.festival or segment.kind in _RIGGING or near


def _too_long(case: Case, reading: Reading, severity: Severity) -> Finding:
    on, worked, limit = case.on(reading.start), hours(reading.measured), hours(reading.limit)
    causes = case.timeline.touching(reading.start, reading.end)
    sentence = Sentence(
        f"{worked} de travail le {on.fr}, pour {limit} au plus.",
        f"{worked} of work on {on.en}, where {limit} is the most.",
    )
    cures = work_less(case, causes, reading.start, reading.end, reading.measured - reading.limit)
    return case.find(reading, severity, sentence, causes, cures)
