"""An outside calendar as busy times: idempotent by UID, bounded, without titles, refused in sentences."""

import contextlib
import itertools
import re
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from fastapi import FastAPI
from httpx import Response
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar.timezone import tzp
from sqlalchemy import text

from backend.availability.domain import calendar_file
from backend.availability.domain.calendar_file import CalendarError, Window, read_calendar
from backend.availability.domain.recurrence import RecurrenceError, expand
from tests.availability.conftest import PATH, Artist
from tests.helpers import problem
from tests.portal.conftest import act, assign, call

PARIS = ZoneInfo("Europe/Paris")
WINDOW = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2029, 11, 3, tzinfo=UTC), PARIS)
SECRET = "Rendez-vous chez le dentiste"
OUTLOOK = """BEGIN:VTIMEZONE
TZID:Ma zone
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=SECONDLY
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
RRULE:FREQ=SECONDLY
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
"""  # followed, it would take the library from 1970 to the event second by second


def naive(year: int, month: int, day: int) -> datetime:
    return datetime.combine(date(year, month, day), time())


def event(uid: str, *lines: str) -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{SECRET}", *lines, "END:VEVENT", ""])


def calendar(*events: str) -> bytes:
    body = "".join(events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Ailleurs//FR\n{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def at(day: str, start: str = "180000", end: str = "200000") -> tuple[str, str]:
    return f"DTSTART;TZID=Europe/Paris:{day}T{start}", f"DTEND;TZID=Europe/Paris:{day}T{end}"


async def send(artist: Artist, content: bytes, **params: Any) -> Response:
    files = {"file": ("agenda.ics", content, "text/calendar")}
    return await artist.client.post(f"{PATH}/import", files=files, params=params, headers=artist.headers)


async def imported(artist: Artist, content: bytes, **params: Any) -> dict[str, Any]:
    answer = await send(artist, content, **params)
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


async def test_a_file_becomes_busy_times_and_the_same_file_again_changes_nothing(artist: Artist, app: FastAPI) -> None:
    content = calendar(
        event("un@ailleurs", *at("20270126", "140000", "150000")),
        event("deux@ailleurs", *at("20270301"), "RRULE:FREQ=WEEKLY;COUNT=5"),
        event("libre@ailleurs", *at("20270127"), "TRANSP:TRANSPARENT"),
        event("annule@ailleurs", *at("20270128"), "STATUS:CANCELLED"),
    )
    report = await imported(artist, content)
    assert (report["created"], report["updated"], report["unchanged"], report["cut"]) == (2, 0, 0, 0)
    skipped = {each["code"]: each["events"] for each in report["skipped"]}
    assert skipped == {"cancelled": 1, "transparent": 1}
    assert all(each["reason"] for each in report["skipped"])
    again = await imported(artist, content)
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 2)
    listed = await artist.listed()
    assert [(each["origin"], each["times"]) for each in listed] == [("calendar", 1), ("calendar", 5)]
    made = await call(artist.client, artist.house, "2027-01-26T14:30:00+01:00", "2027-01-26T16:00:00+01:00")
    draft = await assign(artist.client, artist.house, made["id"])
    problem(await act(artist.client, artist.house, draft, "confirm"), 409, "person_not_available")
    async with app.state.database.shared(write=False) as session:
        for table in ("unavailability", "busy_time"):
            rows = (await session.execute(text(f"select * from shared.{table}"))).all()
            assert SECRET not in str(rows)
            assert "ailleurs" not in str(rows)


async def test_a_later_file_updates_and_adds_and_removes_only_when_it_is_asked_to(artist: Artist) -> None:
    one, two = event("un", *at("20270301")), event("deux", *at("20270302"))
    await imported(artist, calendar(one, two))
    by_hand = await artist.away(starts_on="2027-05-01", ends_on="2027-05-02")
    moved = calendar(event("un", *at("20270303")), event("trois", *at("20270304")))
    report = await imported(artist, moved)
    assert (report["created"], report["updated"], report["absent"], report["removed"]) == (1, 1, 1, 0)
    starts = [each["starts_at"][:10] for each in await artist.listed()]
    assert starts == ["2027-03-02", "2027-03-03", "2027-03-04", "2027-04-30"]
    report = await imported(artist, moved, replace=True)
    assert (report["unchanged"], report["absent"], report["removed"]) == (2, 0, 1)
    listed = await artist.listed()
    assert len(listed) == 3
    assert listed[-1]["id"] == by_hand["id"]


async def test_floating_times_and_days_are_the_persons_and_other_zones_their_own(artist: Artist) -> None:
    await imported(
        artist,
        calendar(
            event("flottant", "DTSTART:20270301T100000", "DTEND:20270301T110000"),
            event("jour", "DTSTART;VALUE=DATE:20270302", "DTEND;VALUE=DATE:20270304"),
            event("utc", "DTSTART:20270305T100000Z", "DURATION:PT1H"),
            event("tokyo", "DTSTART;TZID=Asia/Tokyo:20270306T100000", "DURATION:PT1H"),
            event("outlook", "DTSTART;TZID=Romance Standard Time:20270307T100000", "DURATION:PT1H"),
        ),
        timezone="America/Martinique",
    )
    listed = await artist.listed()
    assert [each["starts_at"] for each in listed] == [
        "2027-03-01T14:00:00Z", "2027-03-02T04:00:00Z", "2027-03-05T10:00:00Z", "2027-03-06T01:00:00Z",
        "2027-03-07T09:00:00Z",
    ]  # fmt: skip
    assert listed[1]["ends_at"] == "2027-03-04T04:00:00Z"
    assert [each["whole_days"] for each in listed] == [False, True, False, False, False]


async def test_an_unknown_zone_is_named_and_nothing_is_imported(artist: Artist) -> None:
    content = calendar(
        event("bon", *at("20270301")), event("perdu", "DTSTART;TZID=Mars/Olympus:20270301T100000", "DURATION:PT1H")
    )
    body = problem(await send(artist, content), 422)
    assert "Mars/Olympus" in body["detail"]
    assert body["errors"][0]["code"] == "unknown_timezone"
    assert await artist.listed() == []


def read(*events: str) -> Any:
    return read_calendar(calendar(*events), WINDOW)


def test_a_zone_that_only_the_file_defines_is_refused_by_its_name_whoever_sent_one_before() -> None:
    own = event("a", "DTSTART;TZID=Ma zone:20270301T100000", "DURATION:PT1H")
    for content in (calendar(OUTLOOK, own), calendar(own), calendar(OUTLOOK.replace("VTIMEZONE", "VTIMEZ\n ONE"), own)):
        with pytest.raises(CalendarError) as refused:
            read_calendar(content, WINDOW)
        assert (refused.value.code, "Ma zone" in refused.value.sentence.fr) == ("unknown_timezone", True)


def test_a_zone_that_a_file_defines_is_not_kept_for_whoever_comes_next() -> None:
    found = read(OUTLOOK.replace("Ma zone", "Europe/Nulle"), event("a", *at("20270301")))
    assert found.events[0].spans[0].starts_at == datetime(2027, 3, 1, 17, tzinfo=UTC)
    assert tzp.timezone("Europe/Nulle") is None


@pytest.mark.parametrize(
    "name",
    ["Europe/Paris", '"Europe/Paris"', "Romance Standard Time", "/freeassociation.sourceforge.net/Europe/Paris",
     '"/softwarestudio.org/Olson_20011030_5/Europe/Paris"'],
)  # fmt: skip
def test_known_zones_are_known_by_their_other_names(name: str) -> None:
    found = read(event("a", f"DTSTART;VALUE=DATE-TIME;TZID={name}:20270301T100000", "DURATION:PT1H"))
    assert found.events[0].spans[0].starts_at == datetime(2027, 3, 1, 9, tzinfo=UTC)


def test_a_recurring_event_skips_what_it_excludes_and_follows_what_was_moved() -> None:
    found = read(
        event("a", *at("20270301"), "RRULE:FREQ=WEEKLY;UNTIL=20270331T235959Z",
              "EXDATE;TZID=Europe/Paris:20270308T180000"),
        event("a", *at("20270316"), "RECURRENCE-ID;TZID=Europe/Paris:20270315T180000"),
    )  # fmt: skip
    starts = sorted(span.starts_at for each in found.events for span in each.spans)
    expected = [(1, 17), (16, 17), (22, 17), (29, 16)]  # the last one after the clocks went forward
    assert [(start.day, start.hour) for start in starts] == expected


def test_an_endless_or_too_frequent_recurrence_is_cut_or_skipped_and_counted() -> None:
    found = read(
        event("jours", *at("20200101"), "RRULE:FREQ=DAILY"),
        event("semaines", *at("20200101"), "RRULE:FREQ=WEEKLY"),
        event("secondes", *at("20270101"), "RRULE:FREQ=SECONDLY"),
        event("heures", *at("20270101"), "RRULE:FREQ=DAILY;BYHOUR=1,2,3,4"),
        event("jamais", *at("20270101"), "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
        event("fini", *at("20200101"), "RRULE:FREQ=DAILY;COUNT=10"),
    )
    assert [len(each.spans) for each in found.events] == [400, 157]
    assert found.cut == 2
    assert found.skipped == {"recurrence_too_fine": 2, "out_of_range": 1, "recurrence_empty": 1}


def test_an_end_in_the_last_year_of_the_calendar_is_an_end_like_another() -> None:
    for until in ("99991231T235959Z", "99991231"):
        found = read(event("a", *at("20270301"), f"RRULE:FREQ=WEEKLY;UNTIL={until}"))
        assert (len(found.events), found.skipped, found.cut) == (1, {}, 1)


@pytest.mark.parametrize(
    "rule", ["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;BYDAY=6MO", "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6"]
)
def test_a_rule_that_never_comes_true_is_given_up_a_few_years_later_and_counted_as_work(rule: str) -> None:
    with pytest.raises(RecurrenceError) as caught:
        expand(rule, naive(2027, 3, 1), PARIS, naive(2027, 3, 1), naive(2029, 12, 1))
    assert caught.value.code == "recurrence_empty"
    assert 0 < caught.value.steps < 40 * 366 * 10  # at most forty years were looked at, of nearly eight thousand


HEAVY = {
    "positions": "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=" + ",".join(map(str, range(1, 137))),
    "dates": f"FREQ=YEARLY;BYMONTHDAY={','.join(map(str, range(1, 32)))};BYDAY=MO,TU,WE,TH,FR,SA,SU;"
    f"BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;BYSETPOS={','.join(map(str, range(1, 90)))}",
}


@pytest.mark.parametrize("rule", HEAVY.values(), ids=HEAVY)
def test_a_rule_of_many_positions_is_skipped_before_it_is_followed(rule: str) -> None:
    found = read(*(event(f"n{number}", "DTSTART:19000101T100000", "DURATION:PT1H", f"RRULE:{rule}") for number in "ab"))
    assert found.skipped == {"recurrence_positions": 2}
    few = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=" + ",".join(map(str, range(1, 13)))
    assert read(event("peu", *at("20270301"), f"RRULE:{few}")).skipped == {}


def test_a_rule_is_weighed_by_its_lists_its_starts_and_its_years() -> None:
    def steps(rule: str, year: int = 1990) -> int:
        return expand(rule, naive(year, 1, 1), PARIS, naive(2026, 11, 1), naive(2027, 11, 1)).steps

    plain = steps("FREQ=YEARLY")
    days = 38 * 365
    assert steps("FREQ=YEARLY", 1950) > 3 * plain // 2
    assert steps("FREQ=YEARLY;BYSETPOS=1,2,3;BYYEARDAY=1,2,3") > plain + 6 * days
    assert steps("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU") > plain + 20 * days
    with pytest.raises(RecurrenceError) as caught:
        steps("FREQ=MONTHLY;BYMONTHDAY=1,2,3,4,5,6,7,8", 1)
    assert caught.value.code == "recurrence_too_old"


def test_rules_that_take_longer_than_their_steps_say_are_refused_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = itertools.count()
    monkeypatch.setattr(calendar_file, "clocks", SimpleNamespace(thread_time=lambda: float(next(seconds))))
    with pytest.raises(CalendarError) as caught:
        read(*(event(f"n{number}", *at("20270301"), "RRULE:FREQ=WEEKLY;COUNT=2") for number in range(5)))
    assert caught.value.code == "too_much_work"
    assert "n° 3" in caught.value.sentence.fr


async def test_an_account_imports_so_many_calendars_an_hour_taken_or_not(artist: Artist, app: FastAPI) -> None:
    database = app.state.database
    settings_of_app = database.settings
    database.settings = settings_of_app.model_copy(update={"limit_calendars_per_hour": 2})
    try:
        problem(await send(artist, b"rien"), 422)
        await imported(artist, calendar(event("un", *at("20270301"))))
        refused = await send(artist, calendar(event("deux", *at("20270302"))))
    finally:
        database.settings = settings_of_app
    problem(refused, 429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 0
    assert len(await artist.listed()) == 1


def test_an_absence_in_the_hour_that_the_clocks_skip_is_kept_with_its_length() -> None:
    found = read(event("nuit", *at("20270327", "023000", "033000"), "RRULE:FREQ=DAILY;COUNT=3"))
    starts = [span.starts_at for span in found.events[0].spans]
    assert starts == [datetime(2027, 3, day, hour, 30, tzinfo=UTC) for day, hour in ((27, 1), (28, 1), (29, 0))]
    assert {span.ends_at - span.starts_at for span in found.events[0].spans} == {timedelta(hours=1)}


def test_rules_that_take_too_much_work_together_are_refused_and_the_event_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calendar_file, "MOST_STEPS", 100_000)
    many = [event(f"n{number}", *at("20270301"), "RRULE:FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2") for number in range(50)]
    with pytest.raises(CalendarError) as caught:
        read(*many)
    assert caught.value.code == "too_much_work"
    assert re.search(r"l'événement n° \d+ du fichier \(début le 01/03/2027, « FREQ=MONTHLY", caught.value.sentence.fr)
    assert read(event("a", *at("20270301"), "RRULE:FREQ=WEEKLY;COUNT=10")).skipped == {}


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(
        ["FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,MO",
         "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", "FREQ=YEARLY"]
    ),
    st.dates(date(1990, 1, 1), date(2029, 1, 1)),
)  # fmt: skip
def test_a_rule_followed_from_near_the_window_gives_what_it_gives_from_its_start(rule: str, day: date) -> None:
    first, floor, horizon = datetime.combine(day, time(10)), naive(2026, 11, 1), naive(2027, 11, 1)
    plain = rrulestr(rule, dtstart=first).between(floor, horizon, inc=True)
    assert expand(rule, first, PARIS, floor, horizon).starts == plain


def test_what_has_no_usable_times_is_skipped_with_its_reason() -> None:
    found = read(
        event("a", "DTSTART:20270301T100000Z"),
        event("b", "DTEND:20270301T100000Z"),
        event("c", "DTSTART:20270301T100000Z", "DTEND:20270301T090000Z"),
        event("d", "DTSTART:20270301T100000Z", "DTEND:20400301T090000Z"),
        event("e", "DTSTART:pas une date"),
        event("f", "DTSTART:99991231T235959Z", "DURATION:P300D"),
        event("", *at("20270301")),
        event("g", *at("20260101")),
        event("h", *at("20270301")),
        event("h", *at("20270302")),
        event("i", "DTSTART;TZID=Asia/Tokyo:00010101T000000", "DURATION:PT1H"),
        event("j", "DTSTART:00010101T000000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY"),
        event("k", "DTSTART:00010101T000000Z", "DURATION:PT1H", "RRULE:FREQ=YEARLY"),
        event("l", "DTSTART:99991231T000000Z", "DURATION:PT1H", "RRULE:FREQ=YEARLY"),
        event("m", *at("20270302"), "RECURRENCE-ID:99991231T235959Z"),
    )
    assert found.skipped == {
        "no_times": 7, "no_uid": 1, "out_of_range": 2, "duplicate": 1, "recurrence_too_old": 1,
    }  # fmt: skip
    assert len(found.events) == 3


@pytest.mark.parametrize(
    "content",
    [b"", b"pas un calendrier", b"BEGIN:VCALENDAR\r\n", b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", b"\xff\xfe\x00",
     b"\x00" * 100, b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID;;=:x\r\n"],
)  # fmt: skip
async def test_what_is_no_calendar_is_refused_in_a_sentence(artist: Artist, content: bytes) -> None:
    body = problem(await send(artist, content), 422)
    assert body["errors"][0]["code"] == "malformed"


async def test_a_file_that_is_too_large_is_refused_and_the_limit_is_said(artist: Artist) -> None:
    for size in (1_000_000, 5_000_000):
        body = problem(await send(artist, b"X" * size), 413, "payload_too_large")
        assert "1" in body["detail"]
    many = calendar(*(event(f"e{number}", "DTSTART:20270301T100000Z") for number in range(2001)))
    assert problem(await send(artist, many), 422)["errors"][0]["code"] == "too_many"
    rules = calendar(*(event(f"e{number}", *at("20270301"), "RRULE:FREQ=DAILY;COUNT=2") for number in range(501)))
    assert problem(await send(artist, rules), 422)["errors"][0]["code"] == "too_many"
    assert await artist.listed() == []


async def test_a_form_without_its_one_file_is_refused_in_a_sentence(artist: Artist) -> None:
    path = f"{PATH}/import"
    answers = [
        await artist.client.post(path, json={}, headers=artist.headers),
        await artist.client.post(path, headers=artist.headers),
        await artist.client.post(path, files={"autre": ("a.ics", b"x")}, headers=artist.headers),
        await artist.client.post(path, files=[("file", ("a", b"x")), ("file", ("b", b"x"))], headers=artist.headers),
        await artist.client.post(path, data={"file": "texte"}, files={"x": ("a", b"")}, headers=artist.headers),
    ]
    for answer in answers:
        assert problem(answer, 422)["errors"][0]["code"] == "form"
    problem(await send(artist, calendar(), timezone="Nulle/Part"), 422)


async def test_an_empty_calendar_with_replace_forgets_what_was_imported(artist: Artist) -> None:
    await imported(artist, calendar(event("un", *at("20270301"))))
    assert (await imported(artist, calendar(), replace=True))["removed"] == 1
    assert await artist.listed() == []


_WORDS = st.sampled_from(
    ["DTSTART:00010101T000000Z", "DTEND:99991231T235959", "DTSTART;TZID=Asia/Tokyo:99991231T235959",
     "RECURRENCE-ID:99991231T235959Z", "RRULE:FREQ=DAILY", "RRULE:FREQ=YEARLY;UNTIL=00010101", "BEGIN:VCALENDAR",
     "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "UID:a", "DTSTART:20270301T100000Z",
     "DTSTART;VALUE=DATE:20270301", "DTEND:20270301T110000Z", "DTEND;TZID=Europe/Paris:20270301T110000",
     "DURATION:PT1H", "DURATION:-P1D", "RRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=WEEKLY;BYDAY=MO,XX", "RRULE:",
     "RRULE:FREQ=MONTHLY;BYSETPOS=0", "EXDATE:20270301T100000Z", "EXDATE:hier", "RECURRENCE-ID:20270301T100000Z",
     "RECURRENCE-ID:x", "TRANSP:TRANSPARENT", "STATUS:", "DTSTART:", "DTSTART;TZID=:20270301T100000", " suite", ":",
     "DTSTART;TZID=../../etc/passwd:20270301T100000", 'DTSTART;TZID="a:b":20270301T100000', "BEGIN:VTIMEZONE",
     "END:VTIMEZONE", 'DTSTART;X="TZID=:";TZID=/a/b:20270301T100000']
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.lists(_WORDS, max_size=12), st.text(max_size=30))
def test_any_text_is_read_or_refused_in_a_sentence(lines: list[str], noise: str) -> None:
    body = ["BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, noise, "END:VEVENT", "END:VCALENDAR"]
    for text_of_file in ("\r\n".join(body), "\r\n".join(lines)):
        with contextlib.suppress(CalendarError):
            read_calendar(text_of_file.encode("utf-8", "replace"), WINDOW)
