"""The shortest changes that make a finding disappear; each is exact, and none is proposed that a call cannot take."""

from collections.abc import Iterator, Sequence

from backend.core.errors import Sentence
from backend.rules.case import Case
from backend.rules.days import instant
from backend.rules.finding import Action, Cure
from backend.rules.timeline import Placed, stay_at_work
from backend.rules.wording import hours


def end_at(case: Case, placed: Placed, minute: int) -> Iterator[Cure]:
    """Yield the cure that ends the call at `minute`, when some of it is left."""
    minutes = placed.end - minute
    if minutes > 0 and minute - placed.start > placed.segment.unplaced_break_minutes:
        at = case.at(minute)
        yield _cure(
            Action.END_EARLIER,
            placed,
            minutes,
            (minute,),
            Sentence(
                f"Finir le {at.fr}, soit {hours(minutes)} plus tôt.", f"End on {at.en}, {hours(minutes)} earlier."
            ),
        )


def start_at(case: Case, placed: Placed, minute: int) -> Iterator[Cure]:
    """Yield the cure that starts the call at `minute`, when some of it is left."""
    minutes = minute - placed.start
    if minutes > 0 and placed.end - minute > placed.segment.unplaced_break_minutes:
        at = case.at(minute)
        yield _cure(
            Action.START_LATER,
            placed,
            minutes,
            (minute,),
            Sentence(
                f"Commencer le {at.fr}, soit {hours(minutes)} plus tard.",
                f"Start on {at.en}, {hours(minutes)} later.",
            ),
        )


def extend_to(case: Case, placed: Placed, minute: int) -> Iterator[Cure]:
    """Yield the cure that ends the call later, at `minute`."""
    minutes, at = minute - placed.end, case.at(minute)
    text = Sentence(
        f"Prolonger jusqu'au {at.fr}, soit {hours(minutes)} de plus.", f"Go on until {at.en}, {hours(minutes)} more."
    )
    yield _cure(Action.END_LATER, placed, minutes, (minute,), text)


def release(case: Case, placed: Placed) -> Cure:
    """Return the cure that takes the person off the call."""
    at = case.at(placed.start)
    text = Sentence(f"Retirer de la convocation du {at.fr}.", f"Take off the call of {at.en}.")
    return _cure(Action.RELEASE, placed, placed.minutes, (), text)


def insert_breaks(case: Case, placed: Placed, starts: Sequence[int], length: int) -> Cure:
    """Return the cure that puts a break of `length` minutes at each of `starts` into the call."""
    at = case.at(starts[0])
    if len(starts) == 1:
        text = Sentence(
            f"Placer une pause de {length} minutes le {at.fr}.", f"Insert a {length}-minute break on {at.en}."
        )
    else:
        text = Sentence(
            f"Placer {len(starts)} pauses de {length} minutes, la première le {at.fr}.",
            f"Insert {len(starts)} breaks of {length} minutes, the first on {at.en}.",
        )
    return _cure(Action.INSERT_BREAK, placed, length * len(starts), starts, text)


def work_less(case: Case, causes: Sequence[Placed], start: int, end: int, excess: int) -> list[Cure]:
    """Return what takes `excess` minutes of work out of `start`..`end`: end or start a call otherwise, or leave one."""
    found: list[Cure] = []
    for placed in reversed(causes):
        if placed.end <= end and placed.start >= start and placed.minutes > excess and _alone(causes, placed):
            found += end_at(case, placed, _walk_back(placed, excess))
            break
    for placed in causes:
        if placed.end <= end and placed.start >= start and placed.minutes > excess and _alone(causes, placed):
            found += start_at(case, placed, _walk_on(placed, excess))
            break
    if not found:
        enough = [placed for placed in causes if placed.within(start, end) >= excess and _alone(causes, placed)]
        found += [release(case, min(enough, key=lambda placed: placed.minutes))] if enough else []
    return found


def _alone(causes: Sequence[Placed], placed: Placed) -> bool:
    """Tell whether nothing else overlaps: minutes taken out of one of two calls at once would still be worked."""
    return not any(other is not placed and other.start < placed.end and other.end > placed.start for other in causes)


def _walk_back(placed: Placed, minutes: int) -> int:
    for start, end in reversed(stay_at_work(placed.segment, placed.start, placed.end)):
        if end - start > minutes:
            return end - minutes
        minutes -= end - start
    return placed.start


def _walk_on(placed: Placed, minutes: int) -> int:
    for start, end in stay_at_work(placed.segment, placed.start, placed.end):
        if end - start > minutes:
            return start + minutes
        minutes -= end - start
    return placed.end


def _cure(action: Action, placed: Placed, minutes: int, at: Sequence[int], sentence: Sentence) -> Cure:
    return Cure(
        action,
        placed.segment.call,
        placed.segment.assignment,
        minutes,
        tuple(instant(minute) for minute in at),
        sentence,
    )
