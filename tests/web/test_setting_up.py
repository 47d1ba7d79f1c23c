"""The first set-up of a company: its files judged by line before anything is stored, then taken; or a pattern."""

import csv
import io
import re
from base64 import b64decode
from datetime import date, timedelta
from html import unescape
from importlib.resources import files
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response

from tests.helpers import SignedUpCompany, member
from tests.web.conftest import Browser, hidden_fields, open_browser

SEASON = Path(str(files("backend"))) / "demo" / "season"
BAD = sorted(path.name for path in (SEASON / "bad").iterdir() if path.is_dir())
ACCEPTED = {"00-valid", "12-excel-fr", "13-crlf"}
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


async def send(
    browser: Browser,
    company: SignedUpCompany,
    sent: dict[str, bytes],
    step: str = "check",
    fixes: dict[str, str] | None = None,
) -> Response:
    """Send files by the form of the set-up page, as a browser does without its script."""
    action = f"/c/{company.slug}/setup/import"
    page = await browser.get(f"/c/{company.slug}/setup")
    data = {**hidden_fields(page.text, action), **(fixes or {}), "step": step}
    parts = [("files", (name, content, "text/csv")) for name, content in sent.items()]
    return await browser.post(action, data=data, files=parts or [("files", ("", b"", "application/octet-stream"))])


def read_folder(name: str) -> dict[str, bytes]:
    """Return the files of one folder of the season."""
    return {path.name: path.read_bytes() for path in sorted((SEASON / name).glob("*.csv"))}


async def count_people(client: AsyncClient, company: SignedUpCompany) -> int:
    """Count who is in the directory, by the API."""
    answer = await client.get("/api/v1/people?limit=200", headers=company.headers)
    return len(answer.json()["items"])


@pytest.mark.parametrize("folder", BAD)
async def test_each_bad_folder_is_told_line_by_line_and_leaves_nothing(
    owner: Browser, client: AsyncClient, company: SignedUpCompany, folder: str
) -> None:
    answer = await send(owner, company, read_folder(f"bad/{folder}"))

    assert answer.status_code == (200 if folder in ACCEPTED else 422)
    assert ('id="store"' in answer.text) == (folder in ACCEPTED)
    assert ('class="faults"' in answer.text) == (folder not in ACCEPTED)
    assert await count_people(client, company) == 0


async def test_a_mistake_is_named_by_file_line_column_and_cure(owner: Browser, company: SignedUpCompany) -> None:
    page = (await send(owner, company, read_folder("bad/07-unknown-job"))).text.replace("&#39;", "'")

    assert "people.csv" in page
    assert "Ligne 2" in page
    assert "colonne « job »" in page
    assert "astronaute" in page


def fields_of(page: str) -> dict[str, str]:
    """Return the fields of corrections of a page, with what they hold."""
    found = [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r'<input [^>]*name="fix:[^>]*>', page)]
    return {unescape(one["name"]): unescape(one["value"]) for one in found}


async def test_mistakes_are_corrected_on_the_page_and_the_corrections_stay_until_the_season_is_stored(
    owner: Browser, client: AsyncClient, company: SignedUpCompany
) -> None:
    season = read_folder("bad/00-valid")
    lines = season["people.csv"].decode().splitlines()
    header, first = lines[0].split(","), lines[1].split(",")
    first[header.index("job")], first[header.index("email")] = "astronaute", "pas une adresse"
    season["people.csv"] = "\n".join([lines[0], ",".join(first), *lines[2:]]).encode()
    page = (await send(owner, company, season)).text
    asked = fields_of(page)
    (job,) = (name for name in asked if ":2:job:" in name)
    (email,) = (name for name in asked if ":2:email:" in name)
    assert (asked[job], asked[email]) == ("astronaute", "pas une adresse")
    assert '<option value="machiniste">' in page

    half = await send(owner, company, season, fixes={job: "machiniste", email: "encore fausse"})
    again = fields_of(half.text)
    assert half.status_code == 422
    assert again == {job: "machiniste", email: "encore fausse"}
    assert "Un point à corriger" in half.text
    whole = {**again, email: "ines@example.org"}
    other = await send(owner, company, {"people.csv": b"ref"}, fixes=whole)
    assert fields_of(other.text) == whole  # files that are refused altogether lose nothing either
    tried = await send(owner, company, season, fixes=whole)
    assert (tried.status_code, fields_of(tried.text)) == (200, whole)
    for page in (half.text, other.text, tried.text):  # what was typed can be typed anew, and says where it belongs
        assert not re.search(r'type="hidden" name="fix:', page)
        assert page.count("people.csv, Ligne 2, colonne « job »</span>") == 1
    assert tried.text.index('value="check">') < tried.text.index('id="store"')  # Enter tries, and does not store
    stored = await send(owner, company, season, "store", fixes=whole)

    assert stored.status_code == 303
    people = (await client.get("/api/v1/people?limit=200", headers=company.headers)).json()["items"]
    assert [one["email"] for one in people if one["job"] == "machiniste"][:1] == ["ines@example.org"]


async def test_a_mistake_says_which_row_it_is_of(owner: Browser, company: SignedUpCompany) -> None:
    season = read_folder("bad/00-valid")
    lines = season["calls.csv"].decode().splitlines()
    header, first = lines[0].split(","), lines[1].split(",")
    row = dict(zip(header, first, strict=True))
    first[header.index("ends_at")] = "hier"
    season["calls.csv"] = "\n".join([lines[0], ",".join(first), *lines[2:]]).encode()

    page = unescape((await send(owner, company, season)).text)

    for name in ("ref", "title", "starts_at"):
        assert f"{name} {row[name]}" in page


async def test_a_correction_is_not_made_in_another_file(owner: Browser, company: SignedUpCompany) -> None:
    season = read_folder("bad/07-unknown-job")
    asked = fields_of((await send(owner, company, season)).text)
    fixes = dict.fromkeys(asked, "machiniste")
    changed = {name: text.replace(b"astronaute", b"cosmonaute") for name, text in season.items()}

    page = (await send(owner, company, changed, fixes=fixes)).text

    assert "cosmonaute" in page
    forged = {"fix:people.csv:9999999999:job:x": "a", "fix:": "b", "fix:x:y:z": "c", "fix:people.csv:-1:job:": "d"}
    assert (await send(owner, company, season, fixes=forged)).status_code == 422


async def test_the_mistakes_are_downloaded_as_a_table_that_no_spreadsheet_runs(
    owner: Browser, company: SignedUpCompany
) -> None:
    page = (await send(owner, company, read_folder("bad/10-formula-cell"))).text
    table = b64decode(page.partition("base64,")[2].partition('"')[0]).decode("utf-8-sig")

    rows = list(csv.reader(io.StringIO(table)))

    assert rows[0] == ["fichier", "ligne", "colonne", "à corriger"]
    assert rows[1][:3] == ["people.csv", "2", "first_name"]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


async def test_a_season_is_tried_then_stored_and_the_week_is_one_press_away(
    owner: Browser, client: AsyncClient, company: SignedUpCompany
) -> None:
    season = read_folder("theatre-du-pont")
    tried = await send(owner, company, season)
    assert tried.status_code == 200
    assert "Le nom de la compagnie change" in tried.text
    assert await count_people(client, company) == 0

    stored = await send(owner, company, season, "store")

    assert (stored.status_code, stored.headers["location"]) == (303, f"/c/{company.slug}/setup?step=3")
    page = await owner.get(stored.headers["location"])
    assert "Première convocation" in page.text
    assert f'href="/c/{company.slug}?from=20' in page.text
    assert await count_people(client, company) > 0


async def test_one_form_tries_and_then_stores(owner: Browser, client: AsyncClient, company: SignedUpCompany) -> None:
    """As the script does: the same hidden fields, twice over."""
    action = f"/c/{company.slug}/setup/import"
    hidden = hidden_fields((await owner.get(f"/c/{company.slug}/setup")).text, action)
    parts = [("files", (name, content)) for name, content in read_folder("bad/00-valid").items()]

    answers = [
        await owner.post(action, data={**hidden, "step": step}, files=parts) for step in ("check", "store", "store")
    ]

    assert [answer.status_code for answer in answers] == [200, 303, 303]
    assert answers[2].headers["idempotency-replayed"] == "true"
    assert await count_people(client, company) == 3


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({}, "Aucun fichier reçu"),
        ({"affiche.png": PNG}, "n'est pas de ceux d'une saison"),
        ({"people.csv": PNG}, "n'est pas du texte"),
        ({"people.csv": b""}, "Ce fichier est vide"),
        ({"people.csv": "Inès".encode("latin-1")}, "n'est pas en UTF-8"),
        ({"../people.csv": b"ref"}, "chemin"),
        ({"<script>.csv": b"ref"}, "&lt;script&gt;.csv"),
    ],
)
async def test_what_is_no_season_is_refused_in_a_sentence(
    owner: Browser, company: SignedUpCompany, sent: dict[str, bytes], sentence: str
) -> None:
    answer = await send(owner, company, sent, "store")

    assert answer.status_code == 422
    assert sentence in answer.text.replace("&#39;", "'")
    assert 'action="/sign-out"' in answer.text


async def test_too_many_bytes_are_refused_in_a_sentence(owner: Browser, company: SignedUpCompany) -> None:
    answer = await send(owner, company, {"people.csv": b"x" * 5_100_000})

    assert answer.status_code == 413
    assert "importez la saison en plusieurs dossiers" in answer.text


@pytest.mark.parametrize("pattern", ["creation", "revival", "tour"])
async def test_a_production_begins_from_a_pattern(
    owner: Browser, client: AsyncClient, company: SignedUpCompany, pattern: str
) -> None:
    page, action = await owner.get(f"/c/{company.slug}/setup"), f"/c/{company.slug}/setup/pattern"
    fields = {**hidden_fields(page.text, action), "pattern": pattern, "title": "La Mouette", "first_day": "2026-10-19"}

    answers = [await owner.post(action, data=fields) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    calls = (await client.get("/api/v1/calls?limit=200", headers=company.headers)).json()["items"]
    assert len(calls) == len({call["id"] for call in calls}) > 5
    assert {call["status"] for call in calls} == {"draft"}
    (production,) = (await client.get("/api/v1/productions", headers=company.headers)).json()["items"]
    premiere = min(call["starts_at"] for call in calls if call["kind"] == "performance")
    assert production["premiere_date"] == premiere[:10]
    # The clocks go back in the night to 25 October: it begins at 18:00 by the wall on both sides.
    shows = {call["starts_at"][11:16] for call in calls if call["kind"] == "performance"}
    assert shows <= {"16:00", "17:00"}
    needs = await client.get(f"/api/v1/calls/{calls[0]['id']}/positions", headers=company.headers)
    assert needs.json()["items"]


async def test_a_pattern_begins_on_any_day_of_the_year(owner: Browser, company: SignedUpCompany) -> None:
    """Also around the nights of the clocks, in which some times are not there."""
    action = f"/c/{company.slug}/setup/pattern"
    for start in (date(2027, 3, 28) - timedelta(days=days) for days in (0, 3, 16)):
        page = await owner.get(f"/c/{company.slug}/setup")
        fields = {"pattern": "creation", "title": str(start), "first_day": start.isoformat()}
        assert (await owner.send_form(page, action, **fields)).status_code == 303


async def test_a_pattern_without_a_title_or_a_day_keeps_what_was_typed(
    owner: Browser, company: SignedUpCompany
) -> None:
    page = await owner.get(f"/c/{company.slug}/setup")

    answer = await owner.send_form(
        page, f"/c/{company.slug}/setup/pattern", pattern="tour", title="Sans jour", first_day=""
    )

    assert answer.status_code == 422
    assert 'value="Sans jour"' in answer.text
    assert 'value="tour" checked' in answer.text
    assert 'id="first_day-error"' in answer.text


async def test_who_does_not_plan_or_does_not_belong_sets_nothing_up(
    app: FastAPI, owner: Browser, client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    for path in ("", "?step=3"):
        assert (await owner.get(f"/c/{other_company.slug}/setup{path}")).status_code == 404
    page = await owner.get(f"/c/{company.slug}/setup")
    hidden = hidden_fields(page.text, f"/c/{company.slug}/setup/import")
    parts = [("files", (name, content)) for name, content in read_folder("bad/00-valid").items()]

    foreign = await owner.post(f"/c/{other_company.slug}/setup/import", data={**hidden, "step": "store"}, files=parts)

    assert foreign.status_code == 404
    assert await count_people(client, other_company) == 0
    viewer = await member(client, company, "viewer")
    async with open_browser(app) as reader:
        reader.cookies.set("__Host-filage", viewer["Authorization"].removeprefix("Bearer "), domain="filage.test")
        assert (await reader.get(f"/c/{company.slug}/setup")).status_code == 403
