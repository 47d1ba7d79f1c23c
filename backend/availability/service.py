"""Acts on a person's own unavailabilities, given once for all companies; and the one bit that a company may learn."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from backend.availability import freed, repository
from backend.availability.domain.clocks import Span, instant_of, span_of
from backend.availability.domain.recurrence import MOST_TIMES, RecurrenceError, expand
from backend.availability.models import Origin, Unavailability
from backend.availability.schemas import (
    Sharing,
    UnavailabilityChange,
    UnavailabilityIn,
    UnavailabilityOut,
    When,
    WhenChange,
)
from backend.core.errors import ConflictError, InvalidError, NotFoundError, Sentence
from backend.core.ids import new_id
from backend.core.instants import wall_time_exists
from backend.core.pagination import Page, PageRequest, cut
from backend.core.preconditions import check_version
from backend.core.resources import sent
from backend.identity.access import Caller
from backend.tenancy.session import login_rights

BACK, AHEAD = timedelta(days=366), timedelta(days=3 * 366)
LONGEST = timedelta(days=366)
MOST_ROWS, MOST_TIMES_OF_ALL = 3000, 10_000
_DAY = timedelta(days=1)
_DAYS, _INSTANTS = frozenset({"starts_on", "ends_on"}), frozenset({"starts_at", "ends_at"})
OWN_UNAVAILABILITY = Sentence(
    "Vous avez indiqué être indisponible sur ces horaires : supprimez cette indisponibilité (voyez "
    "« unavailabilities »), puis acceptez. Tant qu'elle est là, la compagnie ne pourrait pas vous confirmer.",
    "You said that you are unavailable at these times: delete that unavailability (see `unavailabilities`), then "
    "accept. While it stands, the company could not confirm you.",
)


IMPORTED = Sentence(
    "Cette indisponibilité vient de votre agenda : changez-la là-bas et importez-le à nouveau, ou supprimez-la ici.",
    "This unavailability comes from your calendar: change it there and import it again, or delete it here.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whether the person of this number is away at some moment of `span`."""

    number: int
    span: Span


async def list_own(session: AsyncSession, caller: Caller, page: PageRequest) -> Page[UnavailabilityOut]:
    """Return one page of the caller's unavailabilities, by their first start."""
    rows, cursor = cut(
        await repository.list_own(session, caller.user_id, page), page, lambda row: (row.starts_at, row.id)
    )
    return Page[UnavailabilityOut](items=[shown(row) for row in rows], next_cursor=cursor)


@dataclass(frozen=True, slots=True)
class OwnTime:
    """One time at which a person said that they are away, and by which of their unavailabilities."""

    unavailability_id: UUID
    span: Span


@dataclass(frozen=True, slots=True)
class Current:
    """An unavailability that is not over: its next time, and the end of its last one."""

    said: UnavailabilityOut
    following: Span
    last_at: datetime


async def own_times(session: AsyncSession, caller: Caller, within: Span) -> list[OwnTime]:
    """Return each of the caller's times that touches `within`, by its start."""
    rows = await repository.times_of(session, caller.user_id, within)
    return [OwnTime(row.unavailability_id, Span(row.starts_at, row.ends_at)) for row in rows]


async def list_current(
    session: AsyncSession, caller: Caller, origin: Origin, now: datetime, limit: int
) -> list[Current]:  # fmt: skip
    """Return those of the caller's unavailabilities that are not over, by their next time."""
    rows = await repository.list_current(session, caller.user_id, origin, now, limit)
    return [Current(shown(row), Span(row.next_at, row.next_until), row.last_at) for row in rows]


async def count_imported(session: AsyncSession, caller: Caller) -> int:
    """Return how many unavailabilities the caller has from calendars, past ones too."""
    return await repository.count_imported(session, caller.user_id)


async def forget_imported(session: AsyncSession, caller: Caller) -> None:
    """Delete what the caller's calendars brought; what they said by hand stays."""
    await repository.hold_own(session, caller.user_id)
    await repository.delete_imported(session, caller.user_id)


async def read_own(session: AsyncSession, caller: Caller, unavailability_id: UUID) -> UnavailabilityOut:
    """Return one of the caller's. Raises NotFoundError."""
    return shown(await _found(session, caller, unavailability_id))


async def add_own(session: AsyncSession, caller: Caller, body: UnavailabilityIn, now: datetime) -> UnavailabilityOut:
    """Store an unavailability and each of its times. Raises InvalidError; ConflictError `too_many`."""
    spans = await _spans(body, now)
    await check_room(session, caller.user_id, 1, len(spans))
    row = Unavailability(
        id=new_id(), user_id=caller.user_id, origin=Origin.HAND, whole_days=body.starts_on is not None,
        timezone=body.timezone, starts_at=spans[0].starts_at, ends_at=spans[0].ends_at, recurrence=body.recurrence,
        times=len(spans), note=body.note, created_at=now, updated_at=now, version=1,
    )  # fmt: skip
    session.add(row)
    await repository.add_times(session, caller.person_number, [(row.id, span) for span in spans])
    return shown(row)


async def change_own(
    session: AsyncSession, caller: Caller, unavailability_id: UUID, body: UnavailabilityChange, expected: int,
    now: datetime,
) -> UnavailabilityOut:  # fmt: skip
    """Change an unavailability, and write its times anew where they change.

    Raises NotFoundError, StaleError, InvalidError; ConflictError `too_many`, `imported` for times of a calendar.
    """
    row = await _found(session, caller, unavailability_id)
    check_version(row.version, expected)
    values = sent(body)
    if values.keys() - {"note"}:
        if row.origin is Origin.CALENDAR:
            raise ConflictError("imported", IMPORTED)
        kept = {name: values.get(name, getattr(row, name)) for name in ("timezone", "recurrence")}
        whole = UnavailabilityIn.model_construct(**kept, **merged_times(row, body, ZoneInfo(row.timezone)))
        await _rewrite(session, caller, row, whole, now)
    if "note" in values:
        row.note = values["note"]
    row.updated_at = now
    await session.flush()
    return shown(row)


async def _rewrite(
    session: AsyncSession, caller: Caller, row: Unavailability, body: UnavailabilityIn, now: datetime
) -> None:
    spans = await _spans(body, now)
    await check_room(session, caller.user_id, 0, len(spans) - row.times)
    row.whole_days, row.timezone, row.recurrence = body.starts_on is not None, body.timezone, body.recurrence
    row.starts_at, row.ends_at, row.times = spans[0].starts_at, spans[0].ends_at, len(spans)
    await repository.delete_times(session, row.id)
    await repository.add_times(session, caller.person_number, [(row.id, span) for span in spans])
    await freed.tell(session, caller.person_number)


def merged_times(row: Any, body: WhenChange, zone: ZoneInfo) -> dict[str, Any]:  # noqa: ANN401 - a person's, or a company's
    """Return the times of a changed unavailability: those sent, and the row's own of the same kind for the others.

    Raises InvalidError where one is sent of another kind, alone.
    """
    found = {name: value for name, value in sent(body).items() if name in When.model_fields}
    by_days = row.whole_days if not found else bool(found.keys() & _DAYS)
    if by_days and row.whole_days:
        last = row.ends_at.astimezone(zone) - timedelta(minutes=1)
        return {"starts_on": row.starts_at.astimezone(zone).date(), "ends_on": last.date()} | found
    if not by_days and not row.whole_days:
        return {"starts_at": row.starts_at, "ends_at": row.ends_at} | found
    for name in sorted((_DAYS if by_days else _INSTANTS) - found.keys()):
        raise InvalidError.of(
            ["body", name],
            f"Il manque « {name} » : l'indisponibilité était donnée autrement (en instants ou en jours entiers).",
            f"`{name}` is missing: the unavailability was given the other way (in instants, or in whole days).",
            "missing",
        )
    return found


async def _spans(body: UnavailabilityIn, now: datetime) -> list[Span]:
    zone = ZoneInfo(body.timezone)
    first = read_span(body, zone, now)
    if body.recurrence is None:
        return [first]
    # In a thread: a rule that hardly ever comes true must not hold the event loop.
    return await asyncio.to_thread(_recurring, body.recurrence, first, zone, now)


async def delete_own(session: AsyncSession, caller: Caller, unavailability_id: UUID, expected: int) -> None:
    """Delete an unavailability with all its times. Raises NotFoundError, StaleError."""
    row = await _found(session, caller, unavailability_id)
    check_version(row.version, expected)
    await session.delete(row)
    await freed.tell(session, caller.person_number)


async def find_away(session: AsyncSession, asked: Sequence[Asked]) -> list[bool]:
    """Tell for each question whether that person is away then, in whichever company's act this is: one bit each.

    Runs with the login's rights: a company's role cannot read these tables at all.
    """
    async with login_rights(session):
        return await read_away(session, asked)


async def read_away(session: AsyncSession, asked: Sequence[Asked]) -> list[bool]:
    """Answer as `find_away`, for whoever has the login's rights already."""
    if not asked:
        return []
    within = Span(min(one.span.starts_at for one in asked), max(one.span.ends_at for one in asked))
    busy = await repository.busy(session, {one.number for one in asked}, within)
    return [any(span.overlaps(one.span) for span in busy.get(one.number, ())) for one in asked]


async def check_own(session: AsyncSession, number: int, span: Span) -> None:
    """Refuse (ConflictError `own_unavailability`) a person's yes to a time at which they said that they are away."""
    async with login_rights(session):
        rows = await repository.own_at(session, number, span)
    if rows:
        told = [
            {
                "id": str(row.unavailability_id),
                "starts_at": instant_text(row.starts_at),
                "ends_at": instant_text(row.ends_at),
            }
            for row in rows
        ]
        raise ConflictError("own_unavailability", OWN_UNAVAILABILITY, extra={"unavailabilities": told})


async def read_sharing(session: AsyncSession, user_id: UUID) -> Sharing:
    """Return what a person lets companies see."""
    return Sharing(busy_times=await repository.shares(session, user_id))


async def change_sharing(session: AsyncSession, user_id: UUID, wanted: Sharing, now: datetime) -> Sharing:
    """Let companies see busy times, or no more from now on."""
    await repository.hold_own(session, user_id)
    if wanted.busy_times != await repository.shares(session, user_id):
        await repository.share(session, user_id, now if wanted.busy_times else None)
    return wanted


async def shared_times(session: AsyncSession, user_id: UUID, number: int, within: Span) -> list[Span] | None:
    """Return when an account is away, None when its person does not share that; with the login's rights only."""
    if not await repository.shares(session, user_id):
        return None
    return (await repository.busy(session, {number}, within)).get(number, [])


async def check_room(session: AsyncSession, user_id: UUID, rows: int, times: int) -> None:
    """Refuse (ConflictError `too_many`) what one account would hold beyond its bounds; locks the account."""
    had_rows, had_times = await repository.hold_own(session, user_id)
    if had_rows + rows > MOST_ROWS or had_times + times > MOST_TIMES_OF_ALL:
        raise ConflictError(
            "too_many",
            Sentence(
                f"Un compte garde au plus {MOST_ROWS} indisponibilités et {MOST_TIMES_OF_ALL} dates : supprimez les "
                "anciennes, ou raccourcissez les répétitions.",
                f"An account keeps {MOST_ROWS} unavailabilities and {MOST_TIMES_OF_ALL} times at most: delete old "
                "ones, or shorten the recurrences.",
            ),
        )


def read_span(body: When, zone: ZoneInfo, now: datetime) -> Span:
    """Return the time that a body names. Raises InvalidError: it ends before it starts, is too long or far away."""
    if body.starts_on is not None and body.ends_on is not None:
        field = "ends_on"
        start = instant_of(datetime.combine(body.starts_on, time()), zone)
        end = instant_of(datetime.combine(body.ends_on, time()) + _DAY, zone)
    else:
        field = "ends_at"
        start, end = (_instant(body, name, zone) for name in ("starts_at", "ends_at"))
    if end <= start:
        raise InvalidError.of(
            ["body", field],
            "La fin doit venir après le début : corrigez-la.",
            "The end must come after the start: correct it.",
            "ends_before_start",
        )
    if end - start > LONGEST + timedelta(hours=1) or start < now - BACK or end > now + AHEAD:
        raise InvalidError.of(
            ["body", field],
            "Une indisponibilité dure au plus un an, et se place entre il y a un an et dans trois ans : choisissez "
            "d'autres dates, ou une répétition.",
            "An unavailability lasts a year at most, and lies between a year ago and three years ahead: choose other "
            "dates, or a recurrence.",
            "out_of_range",
        )
    return Span(start, end)


def _instant(body: When, name: str, zone: ZoneInfo) -> datetime:
    instant: datetime = getattr(body, name)
    if not wall_time_exists(instant, zone):
        raise InvalidError.of(
            ["body", name],
            f"{instant:%H:%M} n'existe pas ce jour-là dans le fuseau {zone.key} : les horloges avancent.",
            f"{instant:%H:%M} does not exist on that day in {zone.key}: the clocks go forward.",
            "wall_time_missing",
        )
    return instant.astimezone(UTC).replace(microsecond=0)


def _recurring(rule: str, first: Span, zone: ZoneInfo, now: datetime) -> list[Span]:
    wall_start, wall_end = (at.astimezone(zone).replace(tzinfo=None) for at in (first.starts_at, first.ends_at))
    horizon = (now + AHEAD).astimezone(zone).replace(tzinfo=None)
    try:
        found = expand(rule, wall_start, zone, wall_start, horizon)
    except RecurrenceError as error:
        raise _refused(error.code, error.sentence) from error
    if found.cut:
        raise _refused("recurrence_too_long", _TOO_LONG)
    if not found.starts:
        raise _refused("recurrence_empty", _EMPTY)
    length = wall_end - wall_start
    return [span_of(start, start + length, zone) for start in found.starts]


def _refused(code: str, sentence: Sentence) -> InvalidError:
    return InvalidError.of(["body", "recurrence"], sentence.fr, sentence.en, code)


async def _found(session: AsyncSession, caller: Caller, unavailability_id: UUID) -> Unavailability:
    row = await repository.find_own(session, caller.user_id, unavailability_id)
    if row is None:
        raise NotFoundError(
            "not_found", Sentence("Cette indisponibilité n'existe pas.", "This unavailability does not exist.")
        )
    return row


def shown(row: Any) -> UnavailabilityOut:  # noqa: ANN401 - a row of the repository, or the unavailability itself
    """Return an unavailability as its person sees it."""
    return UnavailabilityOut(**{name: getattr(row, name) for name in UnavailabilityOut.model_fields})


def instant_text(instant: datetime) -> str:
    """Return an instant as the API writes it."""
    return instant.isoformat().replace("+00:00", "Z")


_TOO_LONG = Sentence(
    f"Cette répétition va trop loin : arrêtez-la plus tôt, après {MOST_TIMES} dates au plus et dans les trois ans qui "
    "viennent.",
    f"This recurrence goes too far: end it earlier, after {MOST_TIMES} times at most and within the next three years.",
)
_EMPTY = Sentence(
    "Cette répétition ne donne aucune date : vérifiez la règle et le début.",
    "This recurrence gives no time at all: check the rule and the start.",
)
