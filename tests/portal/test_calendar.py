"""The iCalendar feed, read back by another reading of the same standard."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from backend.portal.calendar import CalendarEntry, render

PARIS = ZoneInfo("Europe/Paris")
CHANGED = datetime(2026, 9, 1, 10, 5, 7, tzinfo=UTC)


def entry(**changes: Any) -> CalendarEntry:
    values: dict[str, Any] = {
        "uid": "018f-la-mouette@filage",
        "sequence": 3,
        "status": "CONFIRMED",
        "starts_at": datetime(2026, 10, 15, 15, 30, tzinfo=UTC),
        "ends_at": datetime(2026, 10, 15, 21, 0, tzinfo=UTC),
        "timezone": "Europe/Paris",
        "summary": "La Mouette, générale",
        "production": "La Mouette",
        "company": "Compagnie de la Rampe",
        "job": "régie son",
        "location": "Salle du Cabestan, 14 quai du Cabestan; 44000 Nantes",
        "description_lines": ("Pause de 19 h à 20 h", "Apporter la clé \\ le badge"),
        "updated_at": CHANGED,
    }
    return CalendarEntry(**{**values, **changes})


def feed(*entries: CalendarEntry) -> Any:
    return Calendar.from_ical(render(entries, name="Mon planning"))


def events(*entries: CalendarEntry) -> list[Any]:
    return list(feed(*entries).walk("VEVENT"))


def periods(calendar: Any) -> list[tuple[str, str, timedelta, timedelta]]:
    return [
        (period.name, period["DTSTART"].dt.isoformat(), period["TZOFFSETFROM"].td, period["TZOFFSETTO"].td)
        for zone in calendar.walk("VTIMEZONE")
        for period in zone.subcomponents
    ]


def test_every_field_comes_back_as_it_was_given() -> None:
    given = entry()
    (event,) = events(given)
    assert event["UID"] == given.uid
    assert event["SEQUENCE"] == 3
    assert event["STATUS"] == "CONFIRMED"
    assert event["TRANSP"] == "OPAQUE"
    assert event["SUMMARY"] == given.summary
    assert event["LOCATION"] == given.location
    assert event.start == given.starts_at
    assert event.end == given.ends_at
    assert event["DTSTART"].params["TZID"] == "Europe/Paris"
    assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt == CHANGED
    assert str(event["DESCRIPTION"]).split("\n") == [
        "Compagnie : Compagnie de la Rampe",
        "Production : La Mouette",
        "Poste : régie son",
        "Pause de 19 h à 20 h",
        "Apporter la clé \\ le badge",
    ]


def test_the_calendar_says_its_name_its_version_and_when_to_come_back() -> None:
    calendar = feed(entry())
    assert calendar["VERSION"] == "2.0"
    assert "Filage" in calendar["PRODID"]
    assert calendar["NAME"] == calendar["X-WR-CALNAME"] == "Mon planning"
    assert calendar["REFRESH-INTERVAL"].dt == timedelta(hours=1)
    assert "METHOD" not in calendar


def test_a_calendar_without_entries_is_still_a_calendar() -> None:
    assert feed().walk("VEVENT") == []


@pytest.mark.parametrize(
    ("status", "summary", "transparency"),
    [
        ("TENTATIVE", "Option : La Mouette, générale", "OPAQUE"),
        ("CONFIRMED", "La Mouette, générale", "OPAQUE"),
        ("CANCELLED", "Annulé : La Mouette, générale", "TRANSPARENT"),
    ],
)
def test_the_state_is_said_in_words_too(status: str, summary: str, transparency: str) -> None:
    (event,) = events(entry(status=status))
    assert (event["STATUS"], event["SUMMARY"], event["TRANSP"]) == (status, summary, transparency)


def test_a_cancelled_entry_stays_in_the_feed_under_its_uid() -> None:
    found = events(entry(), entry(uid="other@filage", status="CANCELLED", sequence=4))
    assert [(event["UID"], event["STATUS"]) for event in found] == [
        ("018f-la-mouette@filage", "CONFIRMED"),
        ("other@filage", "CANCELLED"),
    ]


def test_an_entry_without_a_place_has_no_location() -> None:
    assert "LOCATION" not in events(entry(location=""))[0]


def test_lines_are_folded_at_75_bytes_and_end_with_crlf() -> None:
    long = "é" * 300 + "\N{PERFORMING ARTS}" * 50
    rendered = render([entry(summary=long)], name="x")
    lines = rendered.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert b"\n" not in b"".join(lines)
    assert events(entry(summary=long))[0]["SUMMARY"] == long


@pytest.mark.parametrize("end_of_line", ["\r", "\n", "\r\n", "\x0b", "\x85"])
def test_a_text_cannot_add_a_line_of_its_own(end_of_line: str) -> None:
    evil = f"La Mouette{end_of_line}ATTENDEE:mailto:someone@example.org{end_of_line}END:VEVENT"
    given = entry(summary=evil, location=evil, company=evil, description_lines=[evil])
    (event,) = events(given)
    assert "ATTENDEE" not in event
    rendered = render([given], name=evil)
    lines = rendered.splitlines()
    assert lines.count(b"END:VEVENT") == 1
    assert not any(line.startswith(b"ATTENDEE") for line in lines)


def test_the_name_of_the_calendar_is_escaped_like_any_text() -> None:
    assert b"\r\nNAME:Rampe\\, Pont\\; tous\r\n" in render([], name="Rampe, Pont; tous")


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x7f", "\ud800"])
def test_control_characters_are_left_out(character: str) -> None:
    assert events(entry(summary=f"La{character} Mouette"))[0]["SUMMARY"] == "La Mouette"


@pytest.mark.parametrize(
    ("starts_at", "wall"),
    [
        (datetime(2026, 10, 24, 15, 30, tzinfo=UTC), "20261024T173000"),
        (datetime(2026, 10, 25, 16, 30, tzinfo=UTC), "20261025T173000"),
        (datetime(2027, 3, 27, 16, 30, tzinfo=UTC), "20270327T173000"),
        (datetime(2027, 3, 28, 15, 30, tzinfo=UTC), "20270328T173000"),
    ],
)
def test_the_wall_time_is_kept_around_both_clock_changes(starts_at: datetime, wall: str) -> None:
    given = entry(starts_at=starts_at, ends_at=starts_at + timedelta(hours=4))
    (event,) = events(given)
    assert event["DTSTART"].to_ical() == wall.encode()
    assert event.start == starts_at
    assert event.end - event.start == timedelta(hours=4)


def test_a_strike_over_the_longer_night_is_an_hour_longer_than_the_clocks_say() -> None:
    given = entry(starts_at=datetime(2026, 10, 24, 23, tzinfo=PARIS), ends_at=datetime(2026, 10, 25, 4, tzinfo=PARIS))
    (event,) = events(given)
    assert event["DTEND"].to_ical() == b"20261025T040000"
    assert event.end.astimezone(UTC) - event.start.astimezone(UTC) == timedelta(hours=6)


def test_the_second_half_past_two_of_that_night_is_written_in_utc() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = first + timedelta(hours=1)
    earlier, later = events(
        entry(starts_at=first, ends_at=first + timedelta(minutes=15)),
        entry(starts_at=second, ends_at=second + timedelta(minutes=15)),
    )
    assert earlier["DTSTART"].to_ical() == b"20261025T023000"
    assert later["DTSTART"].to_ical() == b"20261025T013000Z"
    assert [event.start.astimezone(UTC) for event in (earlier, later)] == [first, second]


def test_the_zone_tells_the_clock_changes_in_the_time_before_each() -> None:
    found = periods(feed(entry()))
    hour = timedelta(hours=1)
    assert ("STANDARD", "2026-10-25T03:00:00", 2 * hour, hour) in found
    assert ("DAYLIGHT", "2027-03-28T02:00:00", hour, 2 * hour) in found
    assert [start for _, start, _, _ in found] == sorted(start for _, start, _, _ in found)


def test_a_reader_without_a_zone_database_finds_the_same_instants() -> None:
    # The zone is renamed to one that no database knows, so that only the VTIMEZONE can tell.
    starts = [datetime(2026, 10, 24, 12, tzinfo=UTC) + timedelta(days=step) for step in (0, 1, 154, 155, 240)]
    given = [entry(uid=str(start), starts_at=start, ends_at=start + timedelta(hours=2)) for start in starts]
    renamed = render(given, name="x").replace(b"Europe/Paris", b"Theatre/Nowhere")
    found: Any = Calendar.from_ical(renamed)
    assert [event.start.astimezone(UTC) for event in found.walk("VEVENT")] == starts


def test_each_zone_is_told_once() -> None:
    zones = ["Europe/Paris", "Indian/Reunion", "Europe/Paris", "America/Martinique"]
    calendar = feed(*(entry(uid=str(i), timezone=zone) for i, zone in enumerate(zones)))
    assert [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")] == sorted(set(zones))
    assert {event.start for event in calendar.walk("VEVENT")} == {entry().starts_at}


def test_the_same_entries_give_the_same_bytes() -> None:
    given = [entry(uid=str(number)) for number in range(3)]
    assert render(given, name="x") == render(list(given), name="x")
