"""What pages say in both languages, and how they write days and hours."""

import re
from datetime import UTC, date, datetime

import pytest

from backend.core.errors import Sentence
from backend.web.speaking import Words, translations
from tests.helpers import SignedUpCompany
from tests.web import catalogue
from tests.web.conftest import Browser


def test_every_sentence_of_the_pages_has_an_english_one_and_none_is_left_over() -> None:
    said = {message.id for message in catalogue.said() if message.id}
    translated = {message.id for message in catalogue.stored() if message.id and message.string and not message.fuzzy}

    assert said
    assert said - translated == set(), "python -m tests.web.catalogue adds them: translate them there"
    assert translated - said == set(), "python -m tests.web.catalogue drops them"


def test_translations_keep_the_places_of_names_and_figures() -> None:
    for message in catalogue.stored():
        if message.id and isinstance(message.id, str):
            assert isinstance(message.string, str)
            assert message.string.count("%(") == message.id.count("%("), message.id


@pytest.mark.parametrize(
    ("instant", "french", "english"),
    [
        # The clocks go back in the night to 25 October 2026 and forward in that to 28 March 2027.
        (datetime(2026, 10, 24, 15, 30, tzinfo=UTC), "sam. 24 oct., 17\u00a0h\u00a030", "Sat 24 Oct, 17:30"),
        (datetime(2026, 10, 25, 16, 30, tzinfo=UTC), "dim. 25 oct., 17\u00a0h\u00a030", "Sun 25 Oct, 17:30"),
        (datetime(2027, 3, 28, 15, tzinfo=UTC), "dim. 28 mars, 17\u00a0h", "Sun 28 Mar, 17:00"),
    ],
)
def test_hours_are_those_of_the_place_on_that_day(instant: datetime, french: str, english: str) -> None:
    for language, wanted in (("fr", french), ("en", english)):
        words = Words(language)
        day, hour = words.day(instant, "Europe/Paris"), words.hour(instant, "Europe/Paris")
        assert f"{day}, {hour}".replace("Sat, ", "Sat ").replace("Sun, ", "Sun ") == wanted


def test_an_end_on_the_next_day_names_it() -> None:
    starts, ends = datetime(2026, 11, 14, 22, tzinfo=UTC), datetime(2026, 11, 15, 2, 30, tzinfo=UTC)

    assert Words("fr").span(starts, ends, "Europe/Paris") == "23\u00a0h\u20133\u00a0h\u00a030 (dim. 15 nov.)"


def test_no_page_guesses_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        Words("fr").day(datetime(2026, 11, 14, 22, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Dates à venir : 3", "Dates à venir\u00a0: 3"),
        ("Rien n'arrive ? Regardez ; attendez !", "Rien n'arrive\u202f? Regardez\u202f; attendez\u202f!"),
        ("voyez « Mon planning » :", "voyez «\u00a0Mon planning\u00a0»\u00a0:"),
        ("la touche « ? »", "la touche «\u00a0?\u00a0»"),
        # What is no sentence of ours stays: hours, addresses and their queries, places of names.
        (
            "à 20:30, http://a.fr/b?c=d&e=1;f :8000 ?q=1 %(when)s",
            "à 20:30, http://a.fr/b?c=d&e=1;f :8000 ?q=1 %(when)s",
        ),
    ],
)
def test_no_french_line_begins_with_a_mark(text: str, shown: str) -> None:
    assert Words("fr").say(Sentence(text, text)) == shown
    assert translations("fr").gettext(text) == shown
    assert translations("fr").ngettext(text, text, 2) == shown
    assert Words("en").say(Sentence(text, text)) == text


@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_hour_is_cut_in_two(language: str) -> None:
    text = "11 h 30, 9 h, 40 min, 2 hommes, 5 h 5"
    assert Words(language).say(Sentence(text, text)) == "11\u00a0h\u00a030, 9\u00a0h, 40\u00a0min, 2 hommes, 5\u00a0h 5"


async def test_pages_hold_the_marks_of_their_own_sentences_and_leave_what_was_typed(
    browser: Browser, company: SignedUpCompany
) -> None:
    await browser.sign_in(company.email)
    browser.typeset = True
    home, typed = f"/c/{company.slug}", "Le Cid : acte II ? « Oui »"
    page = await browser.get(f"{home}/productions/new")

    await browser.send_form(page, f"{home}/productions", title=typed, kind="creation")
    listed = await browser.get(f"{home}/productions")

    assert typed in listed.text
    for path in ("", "/calls", "/people", "/productions", "/settings", "/setup"):
        french = (await browser.get(home + path)).text.replace(typed, "")
        assert "\u00a0:" in french or path, path
        assert not re.search(r"[\wé»] [:;?!»](?=[\s<])", french), path


def test_the_first_of_a_month_is_written_as_french_does() -> None:
    first = date(2026, 11, 1)
    assert (Words("fr").day(first), Words("fr").long_day(first)) == ("dim. 1er nov.", "dimanche 1er novembre 2026")
    assert (Words("fr").day(date(2026, 11, 11)), Words("en").day(first)) == ("mer. 11 nov.", "Sun 1 Nov")
