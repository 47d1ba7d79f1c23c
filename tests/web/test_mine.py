"""A person's own planning on pages: dates of all companies, answers, refusals in words, and nobody else's."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from backend.planning.domain.states import SECOND_THOUGHTS
from backend.tenancy import migrations
from backend.web.mine import expiry
from tests.helpers import PASSWORD, SignedUpCompany, create
from tests.planning.stage import SOON
from tests.portal.conftest import House, act, assign, call, email, house, other_house
from tests.portal.test_two_companies import Mails, link_both, mails
from tests.web.conftest import Browser, open_browser

__all__ = ["email", "house", "mails", "other_house"]

HOUR = timedelta(hours=1)


@pytest.fixture
async def person(
    client: AsyncClient, browser: Browser, house: House, other_house: House, mails: Mails, email: str
) -> Browser:
    """The person of both companies, signed in."""
    await link_both(client, house, other_house, mails)
    answer = await browser.sign_in(email)
    assert answer.headers["location"] == "/me"
    return browser


async def offered(
    client: AsyncClient, house: House, *, day: int = 0, at: float = 0, hours: float = 4, before: timedelta = 9 * HOUR
) -> str:
    """Ask the person of a house for one date, until so long before it begins."""
    starts = SOON + timedelta(days=day, hours=at)
    made = await call(client, house, starts.isoformat(), (starts + hours * HOUR).isoformat())
    assignment = await assign(client, house, made["id"])
    answer = await act(client, house, assignment, "offer", expires_at=(starts - before).isoformat(), rank=1)
    assert answer.status_code == 200, answer.text
    return assignment


async def confirmed(client: AsyncClient, house: House, *, day: int = 0, at: float = 0, hours: float = 4) -> str:
    starts = SOON + timedelta(days=day, hours=at)
    made = await call(client, house, starts.isoformat(), (starts + hours * HOUR).isoformat())
    assignment = await assign(client, house, made["id"])
    answer = await act(client, house, assignment, "confirm", override_reason="Accord de la personne")
    assert answer.status_code == 200, answer.text
    return assignment


async def status(client: AsyncClient, house: House, assignment: str) -> dict[str, Any]:
    answer = await client.get(f"/api/v1/assignments/{assignment}", headers=house.headers)
    found: dict[str, Any] = answer.json()
    return found


async def test_one_tap_accepts_and_one_more_takes_it_back(client: AsyncClient, person: Browser, house: House) -> None:
    option = await offered(client, house)
    page = await person.get("/me")
    assert "À répondre</h2>" not in page.text
    assert "(1)" in page.text
    assert house.company.name in page.text

    answer = await person.send_form(page, f"/me/assignments/{option}/accept")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/me?accepted={option}")
    assert (await status(client, house, option))["status"] == "accepted"
    after = await person.get(answer.headers["location"])
    assert "Accepté :" in after.text
    back = await person.send_form(after, f"/me/assignments/{option}/take-back")
    assert back.status_code == 303
    found = await status(client, house, option)
    assert (found["status"], found["decided_at"]) == ("option", None)


async def test_a_double_press_acts_once(client: AsyncClient, person: Browser, house: House) -> None:
    option = await offered(client, house)
    page = await person.get("/me")
    fields = dict(re.findall(r'name="(csrf|once)" value="([^"]+)"', page.text.partition(f"{option}/accept")[2])[:2])

    first = await person.post(f"/me/assignments/{option}/accept", data=fields)
    second = await person.post(f"/me/assignments/{option}/accept", data=fields)

    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    trail = await client.get("/api/v1/audit-events", params={"limit": 200}, headers=house.headers)
    told = [event for event in trail.json()["items"] if event["subject_id"] == option]
    assert [event["what"] for event in told].count("assignment.accepted") == 1


async def test_what_would_pass_a_maximum_is_shown_first_and_accepted_by_declaring(
    client: AsyncClient, person: Browser, house: House, other_house: House
) -> None:
    await confirmed(client, other_house, hours=6)
    option = await offered(client, house, at=6.5, hours=5)

    asked = await person.send_form(await person.get("/me"), f"/me/assignments/{option}/accept")

    assert asked.status_code == 409
    assert "L3121-18" in asked.text
    assert "je déclare respecter" in asked.text
    assert (await status(client, house, option))["status"] == "option"
    done = await person.send_form(asked, f"/me/assignments/{option}/accept")
    assert done.status_code == 303
    found = await status(client, house, option)
    assert (found["status"], found["declaration"]) == ("accepted", "with_warning")


async def test_a_date_is_declined_with_a_reason_or_without(client: AsyncClient, person: Browser, house: House) -> None:
    first, second = await offered(client, house), await offered(client, house, day=1)
    page = await person.get(f"/me/assignments/{first}")
    refused = await person.send_form(page, f"/me/assignments/{first}/decline", reason="x" * 2001)
    assert refused.status_code == 422
    assert "2000" in refused.text
    assert "x" * 2001 in refused.text

    taken = await person.send_form(page, f"/me/assignments/{first}/decline", reason="Déjà pris ailleurs.")
    assert taken.status_code == 303, taken.text
    await person.send_form(await person.get(f"/me/assignments/{second}"), f"/me/assignments/{second}/decline")

    assert (await status(client, house, first))["reason"] == "Déjà pris ailleurs."
    assert (await status(client, house, second))["status"] == "declined"


async def test_who_was_slower_reads_why(client: AsyncClient, person: Browser, house: House) -> None:
    option = await offered(client, house)
    page = await person.get("/me")
    await act(client, house, option, "release")

    late = await person.send_form(page, f"/me/assignments/{option}/accept")

    assert late.status_code == 409
    assert "pourvue, ou n&#39;est plus nécessaire" in late.text
    assert f'action="/me/assignments/{option}/accept"' not in late.text


async def moved(client: AsyncClient, house: House, option: str, **to: str) -> None:
    """Move the call of an option, and publish it again."""
    assignment = await status(client, house, option)
    path = f"/api/v1/calls/{assignment['call_id']}"
    version = (await client.get(path, headers=house.headers)).headers["etag"]
    change = await client.patch(path, json=to, headers={**house.headers, "If-Match": version})
    assert change.status_code == 200, change.text
    assert (await client.post(f"{path}/publish", headers=house.headers)).status_code == 200


async def test_a_move_is_shown_old_then_new_and_an_answer_to_the_old_one_is_not_taken(
    client: AsyncClient, person: Browser, house: House
) -> None:
    option = await offered(client, house)
    page, single = await person.get("/me"), await person.get(f"/me/assignments/{option}")
    await moved(client, house, option, starts_at="2031-03-03T12:00:00+01:00", ends_at="2031-03-03T16:00:00+01:00")

    late = await person.send_form(page, f"/me/assignments/{option}/accept")
    declined = await person.send_form(single, f"/me/assignments/{option}/decline", reason="Déjà pris.")

    for answer in (late, declined):
        assert answer.status_code == 412
        text = answer.text.replace("\u00a0", " ")
        assert "La compagnie a changé cette date depuis que vous l" in text
        assert "<s>10 h–14 h</s>" in text
        assert "<strong>12 h–16 h</strong>" in text
    assert "Déjà pris." in declined.text
    assert (await status(client, house, option))["status"] == "option"
    assert (await person.send_form(late, f"/me/assignments/{option}/accept")).status_code == 303
    await moved(client, house, option, ends_at="2031-03-04T18:00:00+01:00", starts_at="2031-03-04T12:00:00+01:00")
    after = (await person.get("/me")).text.replace("\u00a0", " ")
    assert "<s>lun. 3 mars 2031 12 h–16 h</s>" in after
    assert "<strong>mar. 4 mars 2031 12 h–18 h</strong>" in after


async def test_who_comes_after_a_move_is_not_told_of_it(client: AsyncClient, person: Browser, house: House) -> None:
    first = await offered(client, house)
    await moved(client, house, first, ends_at="2031-03-03T15:00:00+01:00")
    assert "Déplacé" in (await person.get("/me")).text
    await act(client, house, first, "release")
    later = await assign(client, house, (await status(client, house, first))["call_id"])
    await act(client, house, later, "offer", expires_at=(SOON - 9 * HOUR).isoformat(), rank=1)

    page = await person.get("/me")

    assert f"{later}/accept" in page.text
    assert "Déplacé" not in page.text


async def test_a_second_choice_is_explained_and_findings_are_read_before_the_answer(
    client: AsyncClient, person: Browser, house: House, other_house: House
) -> None:
    await confirmed(client, other_house, hours=6)
    starts = SOON + 6.5 * HOUR
    made = await call(client, house, starts.isoformat(), (starts + 5 * HOUR).isoformat())
    second = await assign(client, house, made["id"])
    await act(client, house, second, "offer", expires_at=(SOON - HOUR).isoformat(), rank=2)

    page = (await person.get("/me")).text.replace("\u00a0", " ")

    assert "second choix</span>" in page
    assert "Second choix : une autre personne est demandée avant vous." in page
    assert "11 h de travail le 3 mars 2031, pour 10 h au plus." in page.partition('class="small warn"')[2]
    assert page.index('class="small warn"') < page.index(f"{second}/accept")


async def test_an_answer_is_taken_back_for_a_minute_only(
    app: FastAPI, client: AsyncClient, person: Browser, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    option = await offered(client, house)
    answer = await person.send_form(await person.get("/me"), f"/me/assignments/{option}/accept")
    page = await person.get(answer.headers["location"])
    later = datetime.now(UTC) + SECOND_THOUGHTS + timedelta(seconds=1)
    monkeypatch.setattr("backend.web.mine.utc_now", lambda: later)

    late = await person.send_form(page, f"/me/assignments/{option}/take-back")

    assert late.status_code == 409
    assert "trop tard pour revenir en arrière" in late.text
    assert (await status(client, house, option))["status"] == "accepted"


async def test_an_expired_option_says_when_and_what_to_do(
    client: AsyncClient, person: Browser, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    option = await offered(client, house)
    page = await person.get("/me")
    monkeypatch.setattr("backend.web.mine.utc_now", lambda: (SOON - 8 * HOUR).astimezone(UTC))

    late = await person.send_form(page, f"/me/assignments/{option}/accept")

    assert late.status_code == 409
    assert "Cette option a expiré aujourd&#39;hui à 1\u00a0h. Appelez la production" in late.text


async def test_an_option_is_set_aside_in_this_browser_until_a_day_before_it_expires(
    client: AsyncClient, person: Browser, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    option = await offered(client, house)
    aside = await person.send_form(await person.get("/me"), f"/me/assignments/{option}/later")
    assert aside.status_code == 303
    page = await person.get("/me")
    assert "<summary>Plus tard (1)</summary>" in page.text
    assert 'id="to-answer">À répondre (0)' in page.text

    monkeypatch.setattr("backend.web.mine.utc_now", lambda: (SOON - 20 * HOUR).astimezone(UTC))

    assert 'id="to-answer">À répondre (1)' in (await person.get("/me")).text


async def test_a_date_says_where_whom_to_phone_and_on_whose_clocks(
    client: AsyncClient, person: Browser, house: House
) -> None:
    manager = await create(
        client, house.headers, "/people", first_name="Isaac", last_name="Lambert", job="regisseur_general",
        phone="+33 6 39 98 00 21",
    )  # fmt: skip
    venue = await create(
        client, house.headers, "/venues", name="Salle du Cabestan", city="Saint-Denis", address="4 rue de l'Anse",
        timezone="Indian/Reunion",
    )  # fmt: skip
    far = House(house.company, house.person, house.production, venue)
    made = await call(client, far, "2031-10-24T17:30:00+04:00", "2031-10-24T23:00:00+04:00")
    for who, job in ((house.person["id"], "machiniste"), (manager["id"], "regisseur_general")):
        body = {"call_id": made["id"], "person_id": who, "job": job}
        assignment = await create(client, house.headers, "/assignments", **body)
        assert (await act(client, house, assignment["id"], "confirm")).status_code == 200

    page = await person.get("/me")

    assert "17\u00a0h\u00a030–23\u00a0h" in page.text
    assert "(heure locale : La Réunion)" in page.text
    assert 'href="tel:+33639980021"' in page.text
    assert "Appeler Isaac Lambert" in page.text
    assert "openstreetmap.org/search?query=4+rue+de+l%27Anse+Saint-Denis" in page.text


async def test_a_company_that_cannot_be_read_now_is_named(
    client: AsyncClient, person: Browser, house: House, other_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await confirmed(client, house)
    monkeypatch.setattr("backend.portal.service.serves", lambda _revision: False)

    page = await person.get("/me")

    assert "Illisible en ce moment" in page.text
    assert page.text.count(house.company.name) >= 2
    assert 'id="to-come">À venir (0)' in page.text
    assert migrations.serves(migrations.head("tenant"))


async def test_nobody_reads_or_answers_somebody_elses_date(
    app: FastAPI, client: AsyncClient, person: Browser, house: House, company: SignedUpCompany
) -> None:
    option = await offered(client, house)
    hidden = await person.get("/me")
    async with open_browser(app) as stranger:
        await stranger.sign_in(company.email)
        for path in (f"/me/assignments/{option}", f"/me/assignments/{uuid4()}"):
            assert (await stranger.get(path)).status_code == 404
        page = await stranger.get("/me/profile")
        csrf = re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]
        for action in ("accept", "decline", "take-back", "later"):
            answer = await stranger.post(f"/me/assignments/{option}/{action}", data={"csrf": csrf, "once": action})
            assert answer.status_code == 404
    assert option in hidden.text
    assert (await status(client, house, option))["status"] == "option"


async def test_signing_out_forgets_what_was_set_aside_too(client: AsyncClient, person: Browser, house: House) -> None:
    option = await offered(client, house)
    await person.send_form(await person.get("/me"), f"/me/assignments/{option}/later")
    assert "filage-later" in person.cookies

    await person.send_form(await person.get("/me"), "/sign-out")

    assert "filage-later" not in person.cookies


async def test_a_name_is_words_and_never_markup(client: AsyncClient, person: Browser, house: House) -> None:
    title = "<script>alert(1)</script> \u05d0\u05d1" + "x" * 100
    production = await create(client, house.headers, "/productions", title=title, kind="creation")
    await offered(client, House(house.company, house.person, production, house.venue))

    page = await person.get("/me")

    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text


async def test_the_worker_looks_after_these_pages_alone(browser: Browser) -> None:
    answer = await browser.get("/me/worker.js")

    assert answer.headers["service-worker-allowed"] == "/me"
    assert answer.headers["content-type"].startswith("text/javascript")


async def test_what_is_installed_speaks_the_language_of_the_page_from_an_address_of_its_own(owner: Browser) -> None:
    """A browser asks for a manifest without its cookies: what a shared cache keeps must not depend on them."""
    found = {}
    for language in ("fr", "en"):
        await owner.send_form(await owner.get("/me"), "/language", language=language)
        page = await owner.get("/me")
        (address,) = re.findall(r'<link rel="manifest" href="([^"]*)"', page.text)
        answer = await owner.get(address, headers={"Cookie": "", "Accept-Language": "de"})
        assert "immutable" in answer.headers["cache-control"]
        found[language] = answer.json()
    told = [{name: found[one].pop(name) for name in ("lang", "name", "description")} for one in ("fr", "en")]

    assert [one["lang"] for one in told] == ["fr", "en"]
    assert told[1]["name"] == "Filage: my planning"
    assert found["fr"] == found["en"]
    assert (found["en"]["scope"], found["en"]["start_url"]) == ("/me", "/me")
    for icon in found["en"]["icons"]:
        assert (await owner.get(icon["src"])).content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("ahead", "french", "english"),
    [
        (timedelta(minutes=40), "expire dans 40\u00a0min", "expires in 40\u00a0min"),
        (timedelta(hours=6), "expire aujourd'hui à 18\u00a0h", "expires today at 18:00"),
        (timedelta(hours=30), "expire demain à 18\u00a0h", "expires tomorrow at 18:00"),
        (timedelta(days=4, hours=6), "expire sam. 24 oct. à 18\u00a0h", "expires on Sat, Oct 24 at 18:00"),
        (timedelta(hours=-18), "a expiré hier à 18\u00a0h", "expired yesterday at 18:00"),
    ],
)
def test_an_expiry_is_said_as_people_say_it(ahead: timedelta, french: str, english: str) -> None:
    now = datetime(2026, 10, 20, 10, tzinfo=UTC)
    said = expiry(now + ahead, "Europe/Paris", now)

    assert said.fr == french
    assert said.en.replace("Sat 24 Oct", "Sat, Oct 24") == english


async def test_the_password_of_the_person_is_asked_for_where_it_matters(person: Browser) -> None:
    page = await person.get("/me/profile")
    refused = await person.send_form(page, "/me/profile/delete", own_password="pas le bon")
    assert refused.status_code == 422
    assert "celui-ci n&#39;est pas le vôtre" in refused.text
    gone = await person.send_form(page, "/me/profile/delete", own_password=PASSWORD)
    assert (gone.status_code, gone.headers["location"]) == (303, "/")
    assert (await person.get("/me")).status_code == 303
