"""Judges the work of people by the law, and says what changes when a call moves."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from backend.core.errors import Sentence
from backend.rules.case import Case
from backend.rules.checks import convention, day, fitness, minors, night, rest, stretch, travel, week
from backend.rules.days import WEEK_DAYS, days_of, minute_of
from backend.rules.finding import Finding
from backend.rules.law import Law, unknown_convention
from backend.rules.timeline import Interval, Timeline, lay_out
from backend.rules.work import Segment, Work

Check = Callable[[Case], Iterator[Finding]]

CHECKS: Sequence[Check] = (
    day.check_days,
    day.check_convention_days,
    week.check_weeks,
    week.check_twelve_weeks,
    rest.check_daily_rest,
    week.check_weekly_rest,
    week.check_days_in_a_row,
    stretch.check_breaks,
    stretch.check_minors_breaks,
    stretch.check_services,
    convention.check_calls,
    convention.check_services,
    convention.check_performances,
    convention.check_journeys,
    convention.check_tour_spans,
    convention.check_circus,
    minors.check_minors,
    rest.check_minors_rest,
    night.check_nights,
    week.check_overtime,
    day.check_sundays,
    day.check_holidays,
    fitness.check_skills,
    fitness.check_permits,
    travel.check_travel,
)
WINDOWED = frozenset(
    {"WT-DAY-10", "EAC-DAY-12", "WT-WEEK-48", "WT-OT", "WT-WREST-35", "WT-NIGHT-DEF", "WT-SUNDAY", "WT-HOL"}
)
"""Rules that a change leaves alone outside the days and weeks that it touches; the others look further."""
FIRST_YEAR, LAST_YEAR = 1900, 2100


@dataclass(frozen=True, slots=True)
class Note:
    """Something that could not be judged: about a person, or (no person) about the whole."""

    code: str
    sentence: Sentence
    person: str | None = None
    call: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Findings, the worst first, and what could not be judged."""

    findings: Sequence[Finding]
    notes: Sequence[Note]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a move does: findings that appear, that disappear, and that stay with another measure (as they become)."""

    appeared: Sequence[Finding]
    gone: Sequence[Finding]
    changed: Sequence[Finding]


def check(works: Iterable[Work], law: Law, zone: ZoneInfo, within: Interval | None = None) -> Report:
    """Judge everybody; the findings are in order of severity, then time, then person. `within`: as `check_person`."""
    found: list[Finding] = []
    unknown: set[str] = set()
    notes = [] if law.convention_known else [Note("unknown_convention", unknown_convention(law.convention or ""))]
    for work in works:
        found += check_person(work, law, zone, within)
        notes += notes_on(work)
        if law.travel is not None and len({one.venue for one in work.segments}) > 1:
            unknown.update(travel.unknown_venues(_laid_out(work, zone).placed, law.travel))
    if law.travel is not None and unknown:
        notes.append(Note("travel_unknown", travel.unjudged(unknown, law.travel)))
    return Report(sorted(found, key=_order), notes)


def joined(report: Report, more: Iterable[Finding]) -> Report:
    """Return the report with findings that are about no person among the others, in order."""
    return Report(sorted((*report.findings, *more), key=_order), report.notes)


def check_person(work: Work, law: Law, zone: ZoneInfo, within: Interval | None = None) -> list[Finding]:
    """Return the findings of one person: on what is sure first, then what options would add (`if_confirmed`).

    With `within` (two minutes), findings of the rules of `WINDOWED` are those whose day or week it touches.
    """
    segments = [segment for segment in work.segments if _possible(segment)]
    sure = [segment for segment in segments if not segment.if_confirmed]
    found = _judge(work, sure, law, zone, within)
    if len(sure) == len(segments):
        return found
    known = {finding.key: finding for finding in found}
    for finding in _judge(work, segments, law, zone, within):
        before = known.get(finding.key)
        if before is None or finding.severity.rank < before.severity.rank:
            found.append(replace(finding, if_confirmed=True))
    return found


def notes_on(work: Work) -> Iterator[Note]:
    """Yield what could not be judged of one person's work."""
    if work.birth_date is None and work.segments:
        text = Sentence(
            "Date de naissance inconnue : les règles propres aux moins de 18 ans ne sont pas vérifiées.",
            "Birth date unknown: the rules for people under 18 are not checked.",
        )
        yield Note("birth_date_unknown", text, work.person)
    for segment in work.segments:
        if not _possible(segment):
            text = Sentence(
                "Cette convocation ne dure rien, ou ses dates sont hors du calendrier : corrigez-les.",
                "This call lasts no time, or its dates are outside the calendar: correct them.",
            )
            yield Note("not_a_segment", text, work.person, segment.call)


def move_call(
    works: Iterable[Work],
    call: str,
    starts_at: datetime,
    ends_at: datetime,
    law: Law,
    zone: ZoneInfo,
    known: Mapping[str, Sequence[Finding]] | None = None,
) -> Changes:
    """Say what changes when `call` moves: only the people called for it are judged again, and only where it moved.

    `known` gives findings of people as they stand, where the caller has them; others are judged before and after.
    """
    before: list[Finding] = []
    after: list[Finding] = []
    for work in works:
        old = [segment for segment in work.segments if segment.call == call]
        if old:
            instants = [starts_at, ends_at, *(edge for one in old for edge in (one.starts_at, one.ends_at))]
            within = minute_of(min(instants)), minute_of(max(instants))
            found = None if known is None else known.get(work.person)
            if found is None:
                before += check_person(work, law, zone, within)
            else:
                before += [f for f in found if f.rule not in WINDOWED or _touches(f, within, zone)]
            after += check_person(moved(work, call, starts_at, ends_at), law, zone, within)
    return compare(before, after)


def replan(pairs: Iterable[tuple[Work, Work]], law: Law, zone: ZoneInfo) -> Changes:
    """Say what changes when the work of people (before, after) becomes another: judged only where it differs.

    Within a person's work each assignment has a name of its own.
    """
    before: list[Finding] = []
    after: list[Finding] = []
    for old, new in pairs:
        within = _differing(old, new)
        if within is not None:
            before += check_person(old, law, zone, within)
            after += check_person(new, law, zone, within)
    return compare(before, after)


def moved(work: Work, call: str, starts_at: datetime, ends_at: datetime) -> Work:
    """Return the work with one call at another time; its placed breaks move with its start."""
    return replace(work, segments=[_moved(s, starts_at, ends_at) if s.call == call else s for s in work.segments])


def compare(before: Iterable[Finding], after: Iterable[Finding]) -> Changes:
    """Match findings by person, rule and start of their window."""
    old = {(*finding.key, finding.if_confirmed): finding for finding in before}
    new = {(*finding.key, finding.if_confirmed): finding for finding in after}
    return Changes(
        appeared=sorted((finding for key, finding in new.items() if key not in old), key=_order),
        gone=sorted((finding for key, finding in old.items() if key not in new), key=_order),
        changed=sorted((f for key, f in new.items() if key in old and f != old[key]), key=_order),
    )


def _judge(work: Work, segments: Sequence[Segment], law: Law, zone: ZoneInfo, within: Interval | None) -> list[Finding]:
    case = Case(work, lay_out(segments, days_of(zone)), law, within)
    return [finding for find in CHECKS for finding in find(case)]


def _laid_out(work: Work, zone: ZoneInfo) -> Timeline:
    return lay_out([segment for segment in work.segments if _possible(segment)], days_of(zone))


def _differing(old: Work, new: Work) -> Interval | None:
    """Return from where to where the work differs, or None when it does not."""
    before, after = ({segment.assignment: segment for segment in work.segments} for work in (old, new))
    names = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    changed = [found[name] for name in names for found in (before, after) if name in found]
    if not changed:
        return None
    return minute_of(min(one.starts_at for one in changed)), minute_of(max(one.ends_at for one in changed))


def _touches(finding: Finding, within: Interval, zone: ZoneInfo) -> bool:
    around = WEEK_DAYS if finding.rule == "WT-WREST-35" else 0
    days = days_of(zone)
    first, last = days.of(within[0]) - around, days.of(within[1]) + around
    return days.of(minute_of(finding.starts_at)) <= last and days.of(minute_of(finding.ends_at) - 1) >= first


def _possible(segment: Segment) -> bool:
    years = segment.starts_at.year >= FIRST_YEAR and segment.ends_at.year <= LAST_YEAR
    return years and segment.starts_at < segment.ends_at


def _moved(segment: Segment, starts_at: datetime, ends_at: datetime) -> Segment:
    by = starts_at - segment.starts_at
    pauses = [replace(p, starts_at=p.starts_at + by, ends_at=p.ends_at + by) for p in segment.pauses]
    return replace(segment, starts_at=starts_at, ends_at=ends_at, pauses=pauses)


def _order(finding: Finding) -> tuple[int, datetime, str, str]:
    return finding.severity.rank, finding.starts_at, finding.person, finding.rule
