"""Availability on a page: a day by one press, hours, recurrences, a calendar file, and what companies read of it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response

from backend.core.clock import utc_now
from tests.availability.test_importing import SECRET, at, calendar, event
from tests.helpers import SignedUpCompany
from tests.planning.stage import SOON
from tests.portal.conftest import House, act, assign, call, email, house, other_house
from tests.portal.test_two_companies import mails
from tests.web.conftest import Browser, hidden_fields, open_browser
from tests.web.test_mine import confirmed, offered, person

__all__ = ["email", "house", "mails", "other_house", "person"]

PAGE = "/me/unavailabilities"
NOW = datetime(2031, 2, 20, 9, tzinfo=UTC)  # a Thursday; SOON is Monday the 3rd of March


@pytest.fixture
def then(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the page, near enough to the dates of these tests."""
    for module in ("my_unavailabilities", "mine"):
        monkeypatch.setattr(f"backend.web.{module}.utc_now", lambda: NOW)


async def press(browser: Browser, page: Response, **what: str) -> Response:
    return await browser.send_form(page, f"{PAGE}/days", **what)


def plain(answer: Response) -> str:
    return answer.text.replace("\u00a0", " ").replace("&#39;", "'")


@pytest.mark.usefixtures("then")
async def test_one_press_takes_a_day_and_another_frees_it(client: AsyncClient, person: Browser, house: House) -> None:
    page = await person.get(f"{PAGE}?month=2031-03")
    taken = await press(person, page, day="2031-03-03")
    assert taken.headers["location"].startswith(f"{PAGE}?month=2031-03&added=")
    after = await person.get(taken.headers["location"])
    assert "C'est noté : lun. 3 mars, toute la journée." in plain(after)
    draft = await assign(
        client, house, (await call(client, house, SOON.isoformat(), "2031-03-03T12:00:00+01:00"))["id"]
    )
    refused = await act(client, house, draft, "confirm")
    assert refused.json()["code"] == "person_not_available"

    free = re.findall(r'name="free" value="([^"]+)" aria-label="lun. 3 mars : indisponible', after.text)
    freed = await press(person, after, free=free[0])

    assert freed.headers["location"] == f"{PAGE}?month=2031-03&done=deleted"
    assert (await act(client, house, draft, "confirm")).status_code == 200


@pytest.mark.usefixtures("then")
async def test_a_double_press_takes_a_day_once(owner: Browser) -> None:
    page = await owner.get(f"{PAGE}?month=2031-03")
    first, second = await press(owner, page, day="2031-03-04"), await press(owner, page, day="2031-03-04")

    assert first.headers["location"] == second.headers["location"]
    assert "dit</h2>" not in (shown := plain(await owner.get(PAGE)))
    assert "Ce que vous avez dit (1)" in shown


SAID: list[tuple[dict[str, str], str]] = [
    ({"starts_on": "2031-03-04"}, "mar. 4 mars, toute la journée"),
    ({"starts_on": "2031-12-30", "ends_on": "2032-01-02"}, "du mar. 30 déc. au ven. 2 janv. 2032"),
    ({"starts_on": "2031-03-04", "starts_time": "18:00", "ends_time": "22:30"}, "mar. 4 mars, 18 h–22 h 30"),
    (
        {"starts_on": "2031-03-04", "starts_time": "22:00", "ends_time": "02:00"},
        "mar. 4 mars, 22 h–2 h (mer. 5 mars)",
    ),
    (
        {"starts_on": "2031-03-04", "starts_time": "18:00", "ends_time": "22:00", "repeat": "weekly",
         "until": "2031-06-30"},
        "chaque mardi, 18 h–22 h, jusqu'au mar. 24 juin 2031 (17 fois)",
    ),
    (
        {"starts_on": "2031-03-04", "repeat": "fortnightly", "until": "2031-04-30"},
        "un mardi sur deux, toute la journée, jusqu'au mar. 29 avr. 2031 (5 fois)",
    ),
    (
        {"starts_on": "2031-03-08", "repeat": "workdays", "until": "2031-03-14"},
        "du lundi au vendredi, toute la journée, jusqu'au ven. 14 mars 2031 (5 fois)",
    ),
    (
        {"starts_on": "2031-03-31", "repeat": "monthly", "until": "2031-07-31"},
        "chaque mois, le 31, toute la journée, jusqu'au jeu. 31 juil. 2031 (3 fois)",
    ),
    (
        {"starts_on": "2031-03-04", "ends_on": "2031-03-06", "starts_time": "09:00", "ends_time": "12:00"},
        "chaque jour, 9 h–12 h, jusqu'au jeu. 6 mars 2031 (3 fois)",
    ),
]  # fmt: skip


@pytest.mark.usefixtures("then")
async def test_what_is_said_is_read_as_people_say_it(owner: Browser) -> None:
    for typed, said in SAID:
        added = await owner.send_form(await owner.get(PAGE), PAGE, **typed, note="Cours du soir")
        assert added.status_code == 303, plain(added)

        page = plain(await owner.get(added.headers["location"]))

        assert f"C'est noté : {said}." in page
        assert "Cours du soir · pour vous seul·e" in page


@pytest.mark.usefixtures("then")
async def test_hours_of_the_clock_change_keep_the_clock(owner: Browser) -> None:
    typed = {"starts_on": "2031-03-24", "starts_time": "18:00", "ends_time": "20:00", "repeat": "weekly",
             "until": "2031-04-07"}  # fmt: skip
    await owner.send_form(await owner.get(PAGE), PAGE, **typed)

    for month, days in (("2031-03", ("lun. 24 mars", "lun. 31 mars")), ("2031-04", ("lun. 7 avr.",))):
        page = plain(await owner.get(f"{PAGE}?month={month}"))
        for day in days:
            assert f"{day} : indisponible 18 h–20 h" in page


WRONG: list[tuple[dict[str, str], str, str]] = [
    ({"starts_on": ""}, "starts_on", "Écrivez une date"),
    ({"starts_on": "2031-03-04", "ends_on": "2031-03-01"}, "ends_on", "La fin doit venir après le début"),
    ({"starts_on": "2031-03-04", "starts_time": "18:00"}, "ends_time", "Écrivez les deux heures"),
    ({"starts_on": "2031-03-04", "starts_time": "6 h", "ends_time": "8 h"}, "starts_time", "Écrivez une heure"),
    ({"starts_on": "2031-03-04", "repeat": "weekly"}, "until", "jusqu'à quel jour"),
    ({"starts_on": "2031-03-04", "repeat": "weekly", "until": "2051-01-01"}, "until", "va trop loin"),
    ({"starts_on": "2031-03-04", "repeat": "FREQ=SECONDLY", "until": "2031-04-01"}, "until", "se répète"),
    ({"starts_on": "2039-03-04"}, "ends_on", "dans trois ans"),
    ({"starts_on": "2031-03-30", "starts_time": "02:30", "ends_time": "04:00"}, "starts_time", "n'existe pas"),
    ({"starts_on": "2031-03-04", "timezone": "Europe/Nulle"}, "timezone", "n'existe pas"),
    ({"starts_on": "2031-03-04", "note": "x" * 501}, "note", "500"),
    (
        {"starts_on": "2031-03-04", "ends_on": "2031-03-05", "starts_time": "18:00", "ends_time": "20:00",
         "repeat": "weekly", "until": "2031-04-30"}, "repeat", "laissez le dernier jour vide",
    ),
]  # fmt: skip


@pytest.mark.usefixtures("then")
async def test_what_is_wrong_is_told_beside_its_field_and_what_was_typed_is_kept(owner: Browser) -> None:
    page = await owner.get(PAGE)
    for typed, field, sentence in WRONG:
        refused = await owner.send_form(page, PAGE, **{"note": "Cours du soir", **typed})

        assert refused.status_code == 422, typed
        assert sentence in plain(refused).partition(f'id="{field}-error"')[2][:400], typed
        kept = [text for name, text in typed.items() if text and name not in {"repeat", "timezone"}]
        assert all(f'value="{text}"' in refused.text for text in kept), typed
        assert "Ce que vous avez dit (0)" in plain(refused)


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("", {"starts_on": "9999-12-31", "starts_time": "23:00", "ends_time": "01:00"}),
        ("", {"starts_on": "0001-01-01", "starts_time": "00:00", "ends_time": "01:00"}),
        ("/days", {"day": "9999-12-31"}),
        ("/days", {"day": "0001-01-01"}),
        ("/days", {"day": "x"}),
    ],
)
async def test_a_day_at_the_end_of_all_is_refused_in_a_sentence(
    owner: Browser, path: str, typed: dict[str, str]
) -> None:
    page = await owner.get("/me/unavailabilities")
    answer = await owner.send_form(page, f"/me/unavailabilities{path}", **typed)
    assert answer.status_code == 422
    assert re.search(r'class="(alert )?wrong"', answer.text)


@pytest.mark.usefixtures("then")
async def test_a_date_that_stands_is_named_when_its_person_says_to_be_away(
    client: AsyncClient, person: Browser, house: House
) -> None:
    await confirmed(client, house)
    month = await person.get(f"{PAGE}?month=2031-03")
    assert "lun. 3 mars : libre, 1 date" in plain(month)

    answer = await press(person, month, day="2031-03-03")
    page = plain(await person.get(answer.headers["location"]))

    assert f"lun. 3 mars 10 h–14 h, {house.company.name}" in page.partition("Une date tient toujours")[2][:300]


@pytest.mark.usefixtures("then")
async def test_saying_yes_against_ones_own_word_leads_to_the_page_where_it_is_deleted(
    client: AsyncClient, person: Browser, house: House
) -> None:
    option = await offered(client, house)
    await press(person, await person.get(f"{PAGE}?month=2031-03"), day="2031-03-03")

    refused = await person.send_form(await person.get("/me"), f"/me/assignments/{option}/accept")

    assert refused.status_code == 409
    assert f'href="{PAGE}?month=2031-03"' in refused.text
    assert "« unavailabilities »" not in plain(refused)


async def send_file(browser: Browser, content: bytes, name: str = "agenda.ics", **typed: str) -> Response:
    page = await browser.get(PAGE)
    return await browser.post(
        f"{PAGE}/import", data={**hidden_fields(page.text, f"{PAGE}/import"), **typed},
        files={"file": (name, content, "text/calendar")}, headers={"Origin": "https://filage.test"},
    )  # fmt: skip


async def test_a_calendar_is_taken_and_what_is_left_out_is_said_with_its_reason(owner: Browser) -> None:
    day = f"{utc_now() + timedelta(days=10):%Y%m%d}"
    taken = await send_file(
        owner,
        calendar(
            event("a", *at(day)), event("b", *at(day, "200000", "210000")),
            event("c", *at(day), "STATUS:CANCELLED"), event("d", *at(day), "TRANSP:TRANSPARENT"),
            event("e", *at("20010101")),
        ),
    )  # fmt: skip

    assert taken.status_code == 200
    text = plain(taken)
    assert "Agenda importé. Ajoutés : 2 ; mis à jour : 0 ; déjà connus : 0." in text
    for reason in ("1 × annulé", "1 × marqué « disponible » dans l'agenda", "1 × terminé avant ce mois-ci"):
        assert reason in text
    assert "Importées d'un agenda (2)" in text
    assert SECRET not in text
    again = await send_file(owner, calendar(event("a", *at(day))), replace="true")
    assert "Ajoutés : 0 ; mis à jour : 0 ; déjà connus : 1. Retirés, car absents du fichier : 1." in plain(again)
    await owner.send_form(again, f"{PAGE}/import/forget")
    assert "Importées d'un agenda" not in plain(await owner.get(PAGE))


async def test_a_file_that_is_none_is_refused_on_the_page(owner: Browser) -> None:
    foreign = event("a", "DTSTART;TZID=Nulle/Part:20310301T100000", "DURATION:PT1H")
    for content, name, sentence in (
        (b"\x89PNG\r\n", "photo.png", "n'est pas un calendrier iCalendar lisible"),
        (b"", "", "Choisissez un fichier .ics"),
        (calendar(foreign), "a.ics", "fuseau horaire"),
    ):
        refused = await send_file(owner, content, name)

        assert refused.status_code == 422
        assert sentence in plain(refused)
        assert "Ce que vous avez dit (0)" in plain(refused)


async def test_too_many_calendars_within_the_hour_are_refused_on_the_page(
    app: FastAPI, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = app.state.database
    monkeypatch.setattr(database, "settings", database.settings.model_copy(update={"limit_calendars_per_hour": 1}))
    assert (await send_file(owner, calendar())).status_code == 200
    refused = await send_file(owner, calendar())
    assert refused.status_code == 429
    assert "Trop d'essais" in plain(refused)
    assert "Ce que vous avez dit (0)" in plain(refused)


async def test_busy_times_are_shared_when_their_person_says_so_and_no_longer(
    client: AsyncClient, person: Browser, house: House
) -> None:
    path = f"/api/v1/people/{house.person['id']}/busy"
    page = await person.get(PAGE)
    assert "non partagées" in plain(page)
    shared = await person.send_form(page, f"{PAGE}/sharing")
    page = await person.get(shared.headers["location"])
    assert "Vos heures prises sont partagées." in plain(page)
    params = {"from": "2031-03-01T00:00:00Z", "to": "2031-03-08T00:00:00Z"}
    seen = (await client.get(path, params=params, headers=house.headers)).json()

    ended = await person.send_form(page, f"{PAGE}/sharing")

    assert "ne sont plus partagées" in plain(await person.get(ended.headers["location"]))
    assert (await client.get(path, params=params, headers=house.headers)).json() != seen


async def test_nobody_deletes_or_reads_somebody_elses(
    app: FastAPI, person: Browser, other_company: SignedUpCompany
) -> None:
    typed = {"starts_on": f"{utc_now() + timedelta(days=5):%Y-%m-%d}", "note": "Secret de Polichinelle"}
    await person.send_form(await person.get(PAGE), PAGE, **typed)
    action = re.findall(rf'action="({PAGE}/[0-9a-f-]{{36}}/delete)"', (await person.get(PAGE)).text)[0]
    async with open_browser(app) as stranger:
        await stranger.sign_in(other_company.email)
        page = await stranger.get(PAGE)
        assert "Polichinelle" not in page.text
        csrf = hidden_fields(page.text, PAGE)["csrf"]
        answer = await stranger.post(action, data={"csrf": csrf, "version": "1"})
        assert answer.status_code == 404
        free = f"{action.split('/')[3]}.1"
        pressed = await stranger.post(f"{PAGE}/days", data={"csrf": csrf, "free": free})
        assert pressed.status_code == 404
    assert "Secret de Polichinelle" in (await person.get(PAGE)).text


async def test_what_changed_in_another_tab_is_not_deleted_blindly(owner: Browser) -> None:
    typed = {"starts_on": f"{utc_now() + timedelta(days=5):%Y-%m-%d}"}
    await owner.send_form(await owner.get(PAGE), PAGE, **typed)
    page = await owner.get(PAGE)
    action = re.findall(rf'action="({PAGE}/[0-9a-f-]{{36}}/delete)"', page.text)[0]

    stale = await owner.send_form(page, action, version="9")

    assert stale.status_code == 412
    assert "a changé entre-temps, dans un autre onglet" in plain(stale)
    assert (await owner.send_form(stale, action)).headers["location"] == f"{PAGE}?done=deleted"
