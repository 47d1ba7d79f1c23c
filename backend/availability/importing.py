"""Importing an outside calendar as busy times: the same file again changes nothing, and no title is kept."""

import asyncio
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from backend.availability import freed, repository
from backend.availability.domain.calendar_file import (
    BusyEvent,
    CalendarError,
    CalendarRead,
    Window,
    month_of,
    read_calendar,
)
from backend.availability.domain.recurrence import MOST_POSITIONS
from backend.availability.models import Origin
from backend.availability.schemas import CalendarReport, Skipped
from backend.availability.service import AHEAD, check_room
from backend.core.clock import utc_now
from backend.core.errors import InvalidError, Sentence, TooLargeError
from backend.core.ids import new_id
from backend.identity.access import Caller, SignedIn
from backend.tenancy import limits

FIELD = "file"
HOUR = timedelta(hours=1)
MOST_BYTES = 1_000_000
EXAMPLE = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Mon agenda//FR\r\nBEGIN:VEVENT\r\nUID:cours-du-lundi@example.org\r\n"
    "DTSTART;TZID=Europe/Paris:20261207T180000\r\nDTEND;TZID=Europe/Paris:20261207T220000\r\n"
    "RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20270630T215959Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
_REASONS = {
    "cancelled": Sentence("annulé", "cancelled"),
    "transparent": Sentence("marqué « disponible » dans l'agenda", "marked as free in the calendar"),
    "no_uid": Sentence("sans identifiant (UID)", "without an identifier (UID)"),
    "no_times": Sentence("sans horaires lisibles, ou de plus d'un an", "without readable times, or longer than a year"),
    "out_of_range": Sentence(
        "terminé avant ce mois-ci, ou dans plus de trois ans", "over before this month, or more than three years ahead"
    ),
    "duplicate": Sentence("deux fois dans le fichier", "twice in the file"),
    "recurrence_empty": Sentence(
        "avec une répétition qui ne donne aucune date", "with a recurrence that gives no time at all"
    ),
    "recurrence": Sentence("avec une répétition illisible", "with a recurrence that cannot be read"),
    "recurrence_too_old": Sentence("répété depuis plus de quarante ans", "repeated for more than forty years"),
    "recurrence_positions": Sentence(
        f"avec une répétition de plus de {MOST_POSITIONS} rangs (BYSETPOS)",
        f"with a recurrence of more than {MOST_POSITIONS} positions (BYSETPOS)",
    ),
    "recurrence_too_fine": Sentence("répété plus d'une fois par jour", "repeated more than once a day"),
}


async def read_file(request: Request) -> bytes:
    """Return the one file of the form. Raises InvalidError, TooLargeError above 1 MB."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise _wrong_form()
    try:
        form = await request.form()
    except HTTPException as error:
        if error.status_code != HTTPStatus.BAD_REQUEST:
            raise
        raise _wrong_form() from error
    parts = form.multi_items()
    if len(parts) != 1 or parts[0][0] != FIELD or not isinstance(parts[0][1], UploadFile):
        raise _wrong_form()
    return await content_of(parts[0][1])


async def content_of(upload: UploadFile) -> bytes:
    """Return what a file holds. Raises TooLargeError above 1 MB."""
    content = await upload.read()
    if len(content) > MOST_BYTES:
        raise TooLargeError(
            "payload_too_large",
            Sentence(
                "Un calendrier importé fait au plus 1 Mo : exportez une période plus courte.",
                "An imported calendar has 1 MB at most: export a shorter period.",
            ),
        )
    return content


async def check_unhurried(request: Request, caller: Caller) -> None:
    """Count a calendar of this account, taken or not, in a transaction of its own: each may take seconds to read.

    Raises TooManyError above `FILAGE_LIMIT_CALENDARS_PER_HOUR`.
    """
    now, database = utc_now(), request.app.state.database
    async with database.shared() as session:
        sent = await limits.count(session, "calendar", str(caller.user_id), HOUR, now)
    if sent > database.settings.limit_calendars_per_hour:
        raise limits.too_many(HOUR, now)


async def unhurried(request: Request, caller: SignedIn) -> None:
    """Check it before an import by the API."""
    await check_unhurried(request, caller)


async def import_calendar(
    session: AsyncSession, caller: Caller, content: bytes, zone: ZoneInfo, now: datetime, *, replace: bool,
    language: str,
) -> CalendarReport:  # fmt: skip
    """Make the busy times of a file the caller's. Raises InvalidError; ConflictError `too_many`: nothing is stored."""
    read = await _read(content, Window(month_of(now), month_of(now) + AHEAD, zone))
    await check_room(session, caller.user_id, 0, 0)
    had = await repository.imported(session, caller.user_id)
    created = [event for event in read.events if event.uid_hash not in had]
    updated = [e for e in read.events if e.uid_hash in had and had[e.uid_hash].fingerprint != e.fingerprint]
    absent = [row for uid, row in had.items() if uid not in {event.uid_hash for event in read.events}]
    going = [had[event.uid_hash].id for event in updated] + ([row.id for row in absent] if replace else [])
    await repository.delete_rows(session, going)
    new = [*created, *updated]
    await check_room(session, caller.user_id, len(new), sum(len(event.spans) for event in new))
    rows = [_row(caller, event, zone, now) for event in new]
    await repository.add_rows(session, rows)
    spans = [(row["id"], span) for row, event in zip(rows, new, strict=True) for span in event.spans]
    await repository.add_times(session, caller.person_number, spans)
    if going:
        await freed.tell(session, caller.person_number)
    return CalendarReport(
        created=len(created), updated=len(updated), unchanged=len(read.events) - len(new),
        removed=len(absent) if replace else 0, absent=0 if replace else len(absent), cut=read.cut,
        skipped=[
            Skipped(code=code, reason=_REASONS[code].in_language(language), events=number)
            for code, number in sorted(read.skipped.items())
        ],
    )  # fmt: skip


async def _read(content: bytes, window: Window) -> CalendarRead:
    try:
        # Seconds for a file of 1 MB: it must not hold the event loop.
        return await asyncio.to_thread(read_calendar, content, window)
    except CalendarError as error:
        raise InvalidError.of(["body", FIELD], error.sentence.fr, error.sentence.en, error.code) from error


def _row(caller: Caller, event: BusyEvent, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(), "user_id": caller.user_id, "origin": Origin.CALENDAR, "uid_hash": event.uid_hash,
        "fingerprint": event.fingerprint, "whole_days": event.whole_days, "timezone": zone.key,
        "starts_at": event.spans[0].starts_at, "ends_at": event.spans[0].ends_at, "recurrence": event.recurrence,
        "times": len(event.spans), "note": None, "created_at": now, "updated_at": now, "version": 1,
    }  # fmt: skip


def _wrong_form() -> InvalidError:
    return InvalidError.of(
        ["body", FIELD],
        "Envoyez un seul fichier iCalendar (.ics) dans un formulaire multipart, champ « file ».",
        "Send one iCalendar file (.ics) in a multipart form, field `file`.",
        "form",
    )
