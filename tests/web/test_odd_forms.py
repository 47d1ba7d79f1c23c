"""Forms as a script, an extension or a mistake may send them: refused in a sentence, and nothing of them is stored."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient

from tests.helpers import SignedUpCompany, create
from tests.planning.stage import Stage
from tests.web.conftest import Browser, hidden_fields

NOWHERE = str(uuid4())
MOVED: Mapping[str, Mapping[str, str]] = {
    **{f"a copy to {year}": {"day": f"{year}-01-01", "copy": "1"} for year in ("0001", "1969", "2500", "9999")},
    **{f"a move to {year}": {"day": f"{year}-12-31"} for year in ("0001", "1969", "2500", "9999")},
    "the first day of all": {"day": "0001-01-01", "hour": "00:00"},
    "an hour with an offset": {"day": "2031-03-05", "hour": "10:00+02:00"},
    "an hour that is none": {"day": "2031-03-05", "hour": "xx"},
    "a copy at an hour that is none": {"day": "2031-03-05", "hour": "25:00", "copy": "1"},
    "somebody without a place": {"person": NOWHERE},
}
TYPED: Mapping[str, Mapping[str, str]] = {
    "a break with an offset": {"break-0-starts": "10:00+02:00", "break-0-ends": "10:20"},
    "a break that is none": {"break-0-starts": "xx", "break-0-ends": "10:20"},
    "a break without an end": {"break-0-starts": "10:00"},
    "the first start of all": {"starts_at": "0001-01-01T00:00"},
    "the first end of all": {"ends_at": "0001-01-01T00:00"},
    "the last start of all": {"starts_at": "9999-12-31T23:59", "break-0-starts": "00:00", "break-0-ends": "00:01"},
}


@dataclass(frozen=True, slots=True)
class Desk:
    """One call with a position, and the browser of who plans it."""

    browser: Browser
    stage: Stage
    call: Mapping[str, Any]
    position: Mapping[str, Any]

    @property
    def home(self) -> str:
        return f"/c/{self.stage.company.slug}"

    async def send(self, path: str, **typed: str) -> Any:
        hidden = hidden_fields((await self.browser.get("/companies")).text, "/sign-out")
        call = (await self.stage.get(f"/calls/{self.call['id']}")).json()
        return await self.browser.post(f"{self.home}{path}", data={**hidden, "version": str(call["version"]), **typed})

    async def stored(self) -> tuple[Any, Any]:
        return (await self.stage.get("/calls")).json(), (await self.stage.get("/assignments")).json()


@pytest.fixture
async def desk(owner: Browser, client: AsyncClient, company: SignedUpCompany) -> Desk:
    stage = Stage(client, company)
    call = await stage.call(await stage.production())
    return Desk(owner, stage, call, await stage.create(f"/calls/{call['id']}/positions", job="comedien", headcount=1))


def form_of(call: Mapping[str, Any]) -> dict[str, str]:
    return {
        "title": "Filage", "production_id": str(call["production_id"]), "kind": "run_through", "venue_id": "",
        "starts_at": "2031-03-04T14:00", "ends_at": "2031-03-04T18:00", "unplaced_break_minutes": "0",
    }  # fmt: skip


async def test_no_time_of_a_form_is_more_than_a_sentence(desk: Desk) -> None:
    before, call = await desk.stored(), desk.call
    sent = [
        *((what, f"/calls/{call['id']}/move", typed) for what, typed in MOVED.items()),
        *((what, f"/calls/{call['id']}", {**form_of(call), **typed}) for what, typed in TYPED.items()),
        *((f"new: {what}", "/calls/new", {**form_of(call), **typed}) for what, typed in TYPED.items()),
        ("stretched", f"/calls/{call['id']}/stretch", {"starts": "0001-01-01T00:00", "ends": "2031-03-04T18:00"}),
        ("taken back", f"/calls/{call['id']}/back",
         {"starts_at": "0001-01-01T00:00+00:00", "ends_at": "9999-12-31T23:59+00:00"}),
        ("cured", "/cure", {"cure": f"{call['id']} breaks 9999-12-31T23:59+00:00"}),
        ("offered", f"/calls/{call['id']}/assignments",
         {"person_id": (await desk.stage.person())["id"], "job": "comedien", "what": "offer",
          "expires_at": "9999-12-31T23:59"}),
    ]  # fmt: skip
    answers = {what: await desk.send(path, **typed) for what, path, typed in sent}

    assert {what: answer.status_code for what, answer in answers.items() if answer.status_code != 422} == {}
    unsaid = [what for what, answer in answers.items() if not re.search(r'class="(alert )?wrong"', answer.text)]
    assert unsaid == []
    assert await desk.stored() == before


async def test_an_hour_that_is_none_is_named_and_a_place_is_asked_for(desk: Desk) -> None:
    for typed, said in (
        ({"day": "2031-03-05", "hour": "xx"}, "Écrivez une heure"),
        ({"day": "2500-01-01"}, "Choisissez une date entre 1970 et 2200."),
        ({"person": NOWHERE}, "Choisissez la place à donner."),
    ):
        for is_script in ("false", "true"):
            desk.browser.headers["HX-Request"] = is_script
            answer = await desk.send(f"/calls/{desk.call['id']}/move", **typed)
            assert said in answer.text, (typed, is_script)


async def test_what_no_database_stores_is_not_searched_for(desk: Desk) -> None:
    back = f"{desk.home}?department=%00"
    for path in ("?who=%00", "?department=%00", "?who=a%00b"):
        assert (await desk.browser.get(f"{desk.home}{path}")).status_code == 200, path
    place = f"/calls/{desk.call['id']}/positions/{desk.position['id']}"
    assert (await desk.send(f"{place}/candidates", q="\0")).status_code == 200
    desk.browser.headers["HX-Request"] = "true"
    moved = await desk.send(f"/calls/{desk.call['id']}/move", day="2031-03-06", back=back, seen="x")
    assert moved.status_code == 200, moved.text


async def test_a_skill_that_is_none_is_refused_in_a_sentence(desk: Desk) -> None:
    person = await desk.stage.person()
    for skills in ("A", "\0", "x" * 99):
        answer = await desk.send(f"/people/{person['id']}/skills", skills=skills)
        assert answer.status_code == 422
        assert "alert wrong" in answer.text
    assert (await desk.stage.get(f"/people/{person['id']}/skills")).json()["skills"] == []


async def test_publishing_nothing_says_that_nothing_was_chosen(desk: Desk) -> None:
    for typed in ({}, {"calls": " "}):
        answer = await desk.send("/publish", **typed)
        assert answer.status_code == 422
        assert "aucune convocation n&#39;était choisie" in answer.text


async def test_a_call_at_a_venue_deleted_meanwhile_keeps_what_was_typed(
    desk: Desk, other_company: SignedUpCompany
) -> None:
    venue = await desk.stage.create("/venues", name="Salle du Cabestan")
    foreign = await create(desk.stage.client, other_company.headers, "/venues", name="Le Colombier")
    assert (await desk.stage.delete(f"/venues/{venue['id']}")).status_code == 204
    answers = [
        await desk.send(path, **{**form_of(desk.call), "title": "Mot à garder", "venue_id": str(gone)})
        for path in ("/calls/new", f"/calls/{desk.call['id']}")
        for gone in (venue["id"], foreign["id"], NOWHERE)
    ]
    for answer in answers:
        assert answer.status_code == 404
        assert 'value="Mot à garder"' in answer.text
        assert re.search(r'id="venue_id-error"[^>]*>(<[^>]*>)*[^<]*Ce lieu n&#39;existe pas', answer.text), answer.text
        assert "Colombier" not in answer.text


async def test_a_stale_deletion_does_not_speak_of_changes_that_are_kept(desk: Desk) -> None:
    place = f"/calls/{desk.call['id']}/positions/{desk.position['id']}"
    for path, typed in ((place, {"what": "delete"}), (f"/calls/{desk.call['id']}/delete", {})):
        answer = await desk.send(path, **{**typed, "version": "99"})
        assert answer.status_code == 412
        assert "rien n&#39;a été supprimé" in answer.text
        assert "sont conservés" not in answer.text
