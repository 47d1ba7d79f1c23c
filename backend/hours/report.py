"""The counter put into words and figures, in the language of its person."""

from collections.abc import Sequence
from datetime import date

from backend.core.errors import FieldError, InvalidError
from backend.hours.domain import words
from backend.hours.domain.counting import Assessment, Count, Person, Point, assess
from backend.hours.domain.months import Month, inside
from backend.hours.domain.values import Book, Figure, official
from backend.hours.domain.window import leaves_on
from backend.hours.domain.work import Work
from backend.hours.schemas import (
    BlockOut,
    CountOut,
    HoursOut,
    MonthOut,
    OptionOut,
    PointOut,
    StepOut,
    ValueOut,
    WindowOut,
)
from backend.rules.periods import ValuesError


def report(works: Sequence[Work], reference: date, person: Person, undecided: int, language: str) -> HoursOut:
    """Return the counter on `reference`. Raises InvalidError where a value that is needed is not known."""
    book = official()
    try:
        found = assess(works, reference, person, book)
    except ValuesError as error:
        field = FieldError(["query", "reference_date"], error.sentence, "day_range")
        raise InvalidError(error.sentence, [field]) from None
    window = found.with_planned.window
    return HoursOut(
        notice=words.ESTIMATE.in_language(language),
        reference_date=reference,
        window=WindowOut(first_day=window.first, last_day=window.last, days=window.days),
        declared=_count(found.declared, language),
        with_planned=_count(found.with_planned, language),
        undecided=undecided,
        blocks=_blocks(works, found, reference, book),
        open_points=[_point(point, book, language) for point in found.points],
        values=[_value(name, figure, reference, language) for name, figure in book.figures.items()],
    )


def _count(found: Count, language: str) -> CountOut:
    return CountOut(
        total_minutes=found.total,
        threshold_minutes=found.threshold,
        missing_minutes=found.missing,
        reached=not found.missing,
        governing_annexe=found.governing,
        annexe_8_minutes=found.annexe_8,
        annexe_10_minutes=found.annexe_10,
        teaching_minutes=found.teaching,
        training_minutes=found.training,
        assimilated_minutes=found.assimilated,
        months=[_month(month) for month in found.months],
        steps=[
            StepOut(code=step.code, text=step.sentence.in_language(language), minutes=step.minutes)
            for step in found.steps
        ],
    )


def _month(found: Month) -> MonthOut:
    return MonthOut(
        month=f"{found.month:%Y-%m}",
        kind=found.kind,
        employers=found.employers,
        worked_minutes=found.worked,
        inside_minutes=found.inside,
        limit_minutes=found.limit,
        counted_minutes=found.counted,
    )


def _blocks(works: Sequence[Work], found: Assessment, reference: date, book: Book) -> list[BlockOut]:
    readings, window = book.readings(reference), found.with_planned.window
    sized = [(work, inside(work, window, book, readings)) for work in works]
    return [
        _block(work, minutes, window.first)
        for work, minutes in sorted(sized, key=lambda each: (each[0].starts_on, each[0].ends_on, each[0].employer_key))
        if minutes
    ]


def _block(work: Work, minutes: int, first_day: date) -> BlockOut:
    return BlockOut(
        employer=work.employer,
        company_id=work.company_id,
        entry_id=work.entry_id,
        kind=work.kind,
        status=work.standing,
        starts_on=work.starts_on,
        ends_on=work.ends_on,
        minutes=minutes,
        leaves_from=leaves_on(max(work.starts_on, first_day)),
        leaves_wholly=leaves_on(work.ends_on),
    )


def _point(found: Point, book: Book, language: str) -> PointOut:
    point = book.points[found.name]
    return PointOut(
        name=found.name,
        version=found.number,
        question=point.question.in_language(language),
        chosen=found.chosen,
        text=point.options[found.chosen].in_language(language),
        others=[
            OptionOut(
                option=other.option,
                text=point.options[other.option].in_language(language),
                declared_minutes=other.declared,
                with_planned_minutes=other.with_planned,
            )
            for other in found.others
        ],
    )


def _value(name: str, figure: Figure, reference: date, language: str) -> ValueOut:
    value = figure.series.on(reference)
    return ValueOut(
        name=name,
        label=figure.label.in_language(language),
        value=value.figure,
        unit=figure.unit,
        since=value.since,
        confidence=value.confidence,
        source=value.source,
    )
