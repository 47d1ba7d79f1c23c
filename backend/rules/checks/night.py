"""Night work: between midnight and seven in live performance (L3122-20), and who becomes a night worker by it."""

from collections.abc import Iterator
from datetime import date

from backend.core.errors import Sentence
from backend.rules.case import Case, Reading
from backend.rules.days import WEEK_DAYS, monday
from backend.rules.finding import Finding, Severity, Unit
from backend.rules.timeline import Placed
from backend.rules.wording import hours

_MORNING = 12 * 60  # no night lasts until then: a quick look before the exact one


def night_minutes(case: Case) -> dict[int, int]:
    """Return the minutes of night work of each civil day that has some."""
    found: dict[int, int] = {}
    for day, start, end in case.timeline.parts:
        if start - case.days.start(day) > _MORNING:
            continue
        value = case.law.value("WT-NIGHT-DEF", day)
        minutes = 0 if value is None else min(end, case.days.at(day, value["last_hour"])) - start
        if minutes > 0:
            found[day] = found.get(day, 0) + minutes
    return found


def check_nights(case: Case) -> Iterator[Finding]:
    """WT-NIGHT-DEF for the pay, then WT-NIGHT-WORKER: by the year, and by the week if that is habitual."""
    nights = night_minutes(case)
    for day, _ in case.worked_days():
        minutes = nights.get(day, 0)
        value = case.law.value("WT-NIGHT-DEF", day) if minutes else None
        if value is not None:
            start, end = case.days.start(day), case.days.at(day, value["last_hour"])
            on = case.on(start)
            sentence = Sentence(
                f"{hours(minutes)} de travail de nuit (0 h à {value['last_hour']} h) le {on.fr}.",
                f"{hours(minutes)} of night work (0:00 to {value['last_hour']}:00) on {on.en}.",
            )
            yield case.find(Reading("WT-NIGHT-DEF", value, start, end, minutes, 0), Severity.INFO, sentence)
    yield from _by_the_year(case, nights)
    yield from _by_the_week(case, nights)


def _by_the_year(case: Case, nights: dict[int, int]) -> Iterator[Finding]:
    """Yield the twelve months with most night work, once they reach the alert."""
    worst = max(((_sum(nights, _year_before(day), day), day) for day in nights), default=None)
    value = None if worst is None else case.law.value("WT-NIGHT-WORKER", worst[1])
    if worst is None or value is None or worst[0] < value["alert"]:
        return
    total, day = worst
    first, reached = _year_before(day), total >= value.limit
    start, end = case.days.start(first), case.days.start(day + 1)
    on = case.on(case.days.start(day))
    sentence = Sentence(
        f"{hours(total)} de nuit en douze mois au {on.fr} : à {hours(value.limit)}, la personne est travailleur de "
        "nuit (8 h par jour au plus, visite médicale préalable, accord collectif nécessaire).",
        f"{hours(total)} of night work in twelve months on {on.en}: from {hours(value.limit)} on, the person is a "
        "night worker (8 h a day at most, medical visit first, collective agreement needed).",
    )
    reading = Reading("WT-NIGHT-WORKER", value, start, end, total, value.limit if reached else value["alert"])
    causes = [placed for one in nights if first <= one <= day for placed in _of_night(case, one)]
    yield case.find(reading, Severity.DEROG if reached else Severity.WARN, sentence, causes)


def _by_the_week(case: Case, nights: dict[int, int]) -> Iterator[Finding]:
    weeks: dict[int, list[int]] = {}
    for day, minutes in nights.items():
        value = case.law.value("WT-NIGHT-WORKER", day)
        if value is not None and minutes >= value["night"]:
            weeks.setdefault(monday(day), []).append(day)
    for week, days in weeks.items():
        value = case.law.value("WT-NIGHT-WORKER", week)
        if value is None or len(days) < value["nights"]:
            continue
        start, end = case.days.start(week), case.days.start(week + WEEK_DAYS)
        on = case.on(start)
        sentence = Sentence(
            f"{len(days)} nuits d'au moins {hours(value['night'])} dans la semaine du {on.fr} : si c'est habituel, "
            "la personne est travailleur de nuit.",
            f"{len(days)} nights of {hours(value['night'])} or more in the week of {on.en}: if that is habitual, "
            "the person is a night worker.",
        )
        reading = Reading("WT-NIGHT-WORKER", value, start, end, len(days), value["nights"], Unit.NIGHTS)
        causes = [placed for day in days for placed in _of_night(case, day)]
        yield case.find(reading, Severity.WARN, sentence, causes)


def _of_night(case: Case, day: int) -> list[Placed]:
    value = case.law.value("WT-NIGHT-DEF", day)
    return [] if value is None else case.timeline.touching(case.days.start(day), case.days.at(day, value["last_hour"]))


def _sum(nights: dict[int, int], first: int, last: int) -> int:
    return sum(minutes for day, minutes in nights.items() if first <= day <= last)


def _year_before(day: int) -> int:
    """Return the first day of the twelve months that end with `day`."""
    following = date.fromordinal(day + 1)
    try:
        return following.replace(year=following.year - 1).toordinal()
    except ValueError:  # 29 February
        return date(following.year - 1, 3, 1).toordinal()
