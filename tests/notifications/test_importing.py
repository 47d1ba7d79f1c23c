"""An import tells people what it changes of what they knew, and nothing of what it brings."""

from datetime import timedelta
from importlib.resources import files

import pytest

from backend.core.clock import utc_now
from tests.imports.acts import changed, post
from tests.notifications.conftest import House, Letter

MINUTES = timedelta(minutes=1)
MOVED = ("2036-11-17T14:30:00+01:00,2036-11-17T18:00", "2036-11-17T15:30:00+01:00,2036-11-17T19:00")


@pytest.fixture
def small() -> dict[str, bytes]:
    """Return a small season that lies ahead."""
    here = files("backend").joinpath("demo", "season", "bad", "00-valid")
    found = {file.name: file.read_bytes() for file in here.iterdir() if file.name.endswith(".csv")}
    moved = (b"2026-11-16", b"2036-11-17")  # a Monday both
    return {name: content.replace(*moved).replace(b"2026-11", b"2036-11") for name, content in found.items()}


async def brought(house: House, season: dict[str, bytes], **params: bool) -> list[Letter]:
    """Import, and return the mails that have come half an hour later."""
    answer = await post(house.client, house.company, season, **params)
    assert answer.status_code == 200, answer.text
    return [*await house.work(), *await house.minute(utc_now() + 30 * MINUTES)]


async def test_what_an_import_brings_is_told_to_nobody_and_what_it_changes_as_by_hand(
    house: House, small: dict[str, bytes]
) -> None:
    assert await brought(house, small) == []
    assert await brought(house, small) == []
    moved = changed(small, "calls.csv", MOVED)
    assert await brought(house, moved, dry_run=True) == []
    letters = await brought(house, moved)
    assert letters
    assert {letter.subject for letter in letters} == {"Petite Compagnie : votre planning change"}
    assert all("de 15 h 30 à 19 h" in letter.text and "Avant : " in letter.text for letter in letters)
    gone = changed(moved, "assignments.csv", ("A-001,C01,comedien,confirmed", "A-001,C01,comedien,cancelled"))
    (letter,) = await brought(house, gone)
    assert letter.subject == "Petite Compagnie : une date annulée"
    (letter,) = await brought(house, moved)
    assert letter.subject == "Petite Compagnie vous confirme une date"


async def test_an_import_tells_nobody_of_a_draft_that_moves(house: House, small: dict[str, bytes]) -> None:
    production = await house.stage.production()
    call = await house.stage.call(production)
    await house.stage.assignment(call, (await house.person()).person)
    await house.work()
    exported = {name: (await house.stage.get(f"/exports/{name}")).content for name in small}
    later = changed(exported, "calls.csv", ("2031-03-03T10:00:00", "2031-03-03T11:00:00"), ("T13:00:00", "T14:00:00"))
    assert await brought(house, later) == []
    assert (await house.stage.get(f"/calls/{call['id']}")).json()["starts_at"] == "2031-03-03T10:00:00Z"
    assert await house.log() == []
