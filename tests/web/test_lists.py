"""People, productions and venues on pages: lists with search, one of them, and their forms."""

import html
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response

from tests.helpers import PASSWORD, SignedUpCompany, create, member, unique
from tests.web.conftest import Browser, hidden_fields, open_browser

KINDS = {
    "people": {"first_name": "Inès", "last_name": "Vasseur", "job": "electricien"},
    "productions": {"title": "La Mouette", "kind": "creation"},
    "venues": {"name": "Salle du Cabestan"},
}
NAMED = {"people": "last_name", "productions": "title", "venues": "name"}
HARD_NAMES = ["<script>alert(1)</script>", "\u05de\u05e1\u05da abc", "Long " * 39 + "name", "O'Neil & Fils"]


def said(page: Response) -> str:
    """Return the text of a page as it is read."""
    return html.unescape(page.text)


async def post(browser: Browser, path: str, action: str, **typed: str) -> Response:
    """Fill in the form of a page that goes to `action`."""
    return await browser.send_form(await browser.get(path), action, **typed)


async def add(browser: Browser, company: SignedUpCompany, kind: str, **changes: str) -> str:
    """Add one by its page, and return the path where it is shown."""
    base = f"/c/{company.slug}/{kind}"
    answer = await post(browser, f"{base}/new", base, **{**KINDS[kind], **changes})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_empty_list_says_what_to_do_next(owner: Browser, company: SignedUpCompany, kind: str) -> None:
    page = await owner.get(f"/c/{company.slug}/{kind}")

    assert page.status_code == 200
    assert 'class="empty"' in page.text
    assert page.text.count("<h1") == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_one_is_added_found_changed_and_deleted(owner: Browser, company: SignedUpCompany, kind: str) -> None:
    field, base = NAMED[kind], f"/c/{company.slug}/{kind}"
    path = await add(owner, company, kind)
    await add(owner, company, kind, **{field: "Autre"})
    assert KINDS[kind][field] in said(await owner.get(path))

    found = said(await owner.get(base, params={"q": KINDS[kind][field].split()[-1].lower()}))
    assert KINDS[kind][field] in found
    assert "Autre" not in found
    assert "ne répond à cette recherche" in said(await owner.get(base, params={"q": "introuvable"}))

    changed = await post(owner, path, path, **{**KINDS[kind], field: "Changé"})
    assert (changed.status_code, changed.headers["location"]) == (303, path)
    assert "Changé" in said(await owner.get(path))
    gone = await post(owner, path, f"{path}/delete")
    assert (gone.status_code, gone.headers["location"]) == (303, base)
    assert (await owner.get(path)).status_code == 404


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", HARD_NAMES)
async def test_names_of_any_kind_are_text(owner: Browser, company: SignedUpCompany, kind: str, name: str) -> None:
    path = await add(owner, company, kind, **{NAMED[kind]: name})

    for page in (await owner.get(path), await owner.get(f"/c/{company.slug}/{kind}")):
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert name.strip() in said(page)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_form_sent_twice_adds_one(owner: Browser, company: SignedUpCompany, kind: str) -> None:
    base = f"/c/{company.slug}/{kind}"
    fields = {**hidden_fields((await owner.get(f"{base}/new")).text, base), **KINDS[kind]}

    answers = [await owner.post(base, data=fields) for _ in range(2)]

    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert (await owner.get(base)).text.count(f'<th scope="row"><a href="{base}/') == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stale_form_keeps_what_was_typed_and_shows_what_is_stored(
    owner: Browser, company: SignedUpCompany, kind: str
) -> None:
    field, path = NAMED[kind], await add(owner, company, kind)
    early = await owner.get(path)
    await post(owner, path, path, **{**KINDS[kind], field: "De Camille"})

    late = await owner.send_form(early, path, **{**KINDS[kind], field: "De Dominique"})

    assert late.status_code == 412
    page = said(late)
    assert "Quelqu'un a modifié cette fiche à" in page
    assert 'value="De Dominique"' in page
    assert "Enregistré entre-temps : De Camille" in page
    again = await owner.send_form(late, path, **{**KINDS[kind], field: "De Dominique"})
    assert again.status_code == 303
    assert "De Dominique" in said(await owner.get(path))


@pytest.mark.parametrize(
    ("kind", "wrong", "field", "sentence"),
    [
        ("people", {"last_name": ""}, "last_name", "ne peut pas rester vide"),
        ("people", {"last_name": "x" * 201}, "last_name", "200 caractères au plus"),
        ("people", {"email": "pas une adresse"}, "email", "n'est pas valable"),
        ("people", {"job": "astronaute"}, "job", "n'existe pas dans votre compagnie"),
        ("people", {"birth_date": "2999-01-01"}, "birth_date", "entre 1900 et 2200"),
        ("people", {"birth_date": "2199-01-01"}, "birth_date", "dans l'avenir"),
        ("people", {"phone": "<b>"}, "phone", "Écrivez un numéro de téléphone"),
        ("people", {"job": ""}, "job", "Choisissez un métier."),
        ("productions", {"title": ""}, "title", "ne peut pas rester vide"),
        ("productions", {"kind": "opéra"}, "kind", ""),
        ("productions", {"premiere_date": "demain"}, "premiere_date", ""),
        ("venues", {"latitude": "47,2"}, "longitude", "vont ensemble"),
        ("venues", {"latitude": "nord", "longitude": "2"}, "latitude", "nombre"),
        ("venues", {"latitude": "91", "longitude": "2"}, "latitude", "90"),
        ("venues", {"capacity": "420,5"}, "capacity", "nombre entier"),
        ("venues", {"timezone": "Europe/Nantes"}, "timezone", "n'existe pas"),
    ],
)
async def test_a_refusal_stands_beside_its_field_and_what_was_typed_is_kept(
    owner: Browser, company: SignedUpCompany, kind: str, wrong: dict[str, str], field: str, sentence: str
) -> None:
    base, path = f"/c/{company.slug}/{kind}", await add(owner, company, kind)

    for answer in (
        await post(owner, f"{base}/new", base, **{**KINDS[kind], "ref": "R1", **wrong}),
        await post(owner, path, path, **{**KINDS[kind], "ref": "R1", **wrong}),
    ):
        assert answer.status_code == 422
        beside = said(answer).partition(f'id="{field}-error"')[2]
        assert beside
        assert sentence in beside[:300]
        assert 'value="R1"' in answer.text
        assert "<title>À corriger" in answer.text


async def test_a_taken_reference_is_told_beside_its_field(owner: Browser, company: SignedUpCompany) -> None:
    for kind, typed in KINDS.items():
        base = f"/c/{company.slug}/{kind}"
        await add(owner, company, kind, ref="R1")
        answer = await post(owner, f"{base}/new", base, **{**typed, "ref": "R1"})
        assert answer.status_code == 409
        assert "a déjà cette référence" in said(answer).partition('id="ref-error"')[2][:200]


async def test_a_thousand_people_are_paged_and_found(
    owner: Browser, client: AsyncClient, company: SignedUpCompany
) -> None:
    lines = [f"P{n:04},Prénom{n:04},Nom{n:04},p{n:04}.{company.slug}@example.org,,electricien,lighting,8,"
             for n in range(1000)]  # fmt: skip
    header = "ref,first_name,last_name,email,phone,job,department,annexe,birth_date"
    await import_people(client, company, "\n".join([header, *lines]))
    base, seen = f"/c/{company.slug}/people", set[str]()
    url: str | None = f"{base}?department=lighting&q=nom"

    pages = 0
    while url is not None:
        page = await owner.get(url)
        pages += 1
        rows = {row.partition("</bdi>")[0] for row in page.text.split("<bdi>Nom")[1:]}
        assert not rows & seen
        seen |= rows
        url = html.unescape(page.text.partition('rel="next" href="')[2].partition('"')[0]) or None

    assert (len(seen), pages) == (1000, 20)
    found = await owner.get(base, params={"q": "nom0777 prénom0777"})
    assert found.text.count("<bdi>Nom") == 1
    assert (await owner.get(base, params={"department": "stage"})).text.count("<bdi>Nom") == 0


async def import_people(client: AsyncClient, company: SignedUpCompany, people: str) -> None:
    """Import a season that has nothing but people."""
    heads = {
        "company.csv": f"slug,name,siret,idcc,licences,timezone,city\n{company.slug},{company.name},,,,Europe/Paris,\n",
        "people.csv": people,
        "venues.csv": "ref,name,address,postal_code,city,timezone,capacity\n",
        "productions.csv": "ref,title,kind,season,premiere_date,objet_number\n",
        "calls.csv": "ref,production_ref,venue_ref,kind,title,starts_at,ends_at,break_minutes\n",
        "positions.csv": "call_ref,job,headcount\n",
        "assignments.csv": "call_ref,person_ref,job,status,option_rank,option_expires_at,pay_unit,cachets\n",
    }
    parts = [("files", (name, text.encode())) for name, text in heads.items()]
    answer = await client.post("/api/v1/imports/season", headers=company.headers, files=parts)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("words", ["\0", "a\0b", "%", "_", "\\", "'; drop table person; --", "\u202e", "x" * 200])
async def test_anything_may_be_searched_for(owner: Browser, company: SignedUpCompany, words: str) -> None:
    for kind in KINDS:
        page = await owner.get(f"/c/{company.slug}/{kind}", params=dict.fromkeys(("q", "department", "season"), words))
        assert page.status_code == 200
    assert (await owner.get(f"/c/{company.slug}/settings/history", params={"what": words[:60]})).status_code == 200


async def test_a_forged_cursor_is_refused_in_words(owner: Browser, company: SignedUpCompany) -> None:
    for kind in KINDS:
        page = await owner.get(f"/c/{company.slug}/{kind}", params={"cursor": "Zm9yZ2Vk"})
        assert page.status_code == 422
        assert "curseur" in said(page)


async def test_what_was_typed_survives_an_expired_session(owner: Browser, company: SignedUpCompany) -> None:
    base = f"/c/{company.slug}/people"
    fields = {**hidden_fields((await owner.get(f"{base}/new")).text, base), **KINDS["people"]}
    del owner.cookies["__Host-filage"]
    asked = await owner.post(base, data=fields)
    assert asked.status_code == 401
    assert "votre saisie vous attend" in asked.text

    resumed = await owner.send_form(asked, "/sign-in", email=company.email, password=PASSWORD)
    assert "Vasseur" in resumed.text
    done = await owner.send_form(resumed, base)

    assert done.status_code == 303
    assert "Vasseur" in (await owner.get(done.headers["location"])).text


async def test_skills_and_permits_of_a_person(owner: Browser, company: SignedUpCompany) -> None:
    path = await add(owner, company, "people")
    answer = await post(owner, path, f"{path}/skills", new_skill="Accroche à la perche")
    assert answer.status_code == 303
    page = await owner.get(path)
    assert 'name="skills" value="accroche_a_la_perche" checked' in page.text
    await post(owner, path, f"{path}/skills")
    assert "checked" not in (await owner.get(path)).text.partition('id="skills"')[2].partition("</form>")[0]

    wrong = await post(
        owner, path, f"{path}/permits", kind="electrical_habilitation", issued_on="2026-01-01", expires_on="2025-01-01"
    )
    assert wrong.status_code == 422
    assert "expire avant d'être délivré" in said(wrong)
    assert "<details open>" in wrong.text
    done = await post(owner, path, f"{path}/permits", kind="ssiap", issued_on="2020-01-01", expires_on="2021-01-01")
    assert done.status_code == 303
    page = await owner.get(path)
    assert "expiré le" in page.text
    permit = page.text.partition(f"{path}/permits/")[2].partition("/delete")[0]
    assert (await owner.send_form(page, f"{path}/permits/{permit}/delete")).status_code == 303
    assert "Aucun titre enregistré" in said(await owner.get(path))


async def test_a_person_is_invited_by_a_link_that_is_shown_once(
    app: FastAPI, owner: Browser, company: SignedUpCompany
) -> None:
    path = await add(owner, company, "people", email=f"{unique('ines')}@example.org")
    fields = hidden_fields((await owner.get(path)).text, f"{path}/invite")

    shown = await owner.post(f"{path}/invite", data=fields)
    again = await owner.post(f"{path}/invite", data=fields)

    link = shown.text.partition('id="link" value="')[2].partition('"')[0]
    assert "/invitation?token=" in link
    assert (again.status_code, again.headers["location"]) == (303, path)
    assert "/invitation?token=" not in again.text
    assert "invitation sans réponse" in (await owner.get(path)).text
    async with open_browser(app) as invited:
        page = await invited.get(f"/invitation?{link.partition('?')[2]}")
        done = await invited.send_form(page, "/invitation", full_name="Inès Vasseur", password="une-longue-phrase")
        assert done.headers["location"] == "/me"
        assert (await invited.get(path)).status_code == 403
    assert "Cette personne voit ses dates" in said(await owner.get(path))


async def test_a_venue_is_placed_and_its_trips_are_set(owner: Browser, company: SignedUpCompany) -> None:
    path = await add(owner, company, "venues", latitude="47,2184", longitude="-1,5536", capacity="1 200")
    other = await add(owner, company, "venues", name="Studio du Radoub")
    page = await owner.get(path)
    assert "mlat=47.2184" in page.text
    assert 'value="1200"' in page.text
    for minutes, status in (("95", 303), ("", 422), ("-1", 422)):
        answer = await post(owner, path, f"{path}/trips", other=other.rpartition("/")[2], minutes=minutes)
        assert answer.status_code == status
    assert (await post(owner, path, f"{path}/trips", other="", minutes="5")).status_code == 422
    page = await owner.get(other)
    assert "1\u00a0h\u00a035" in page.text
    back = f"{other}/trips/{path.rpartition('/')[2]}/delete"
    assert (await owner.send_form(page, back)).status_code == 303
    assert "Aucune durée fixée" in said(await owner.get(other))


async def test_the_calls_of_a_production_are_listed_by_the_hour_of_their_place(
    owner: Browser, client: AsyncClient, company: SignedUpCompany
) -> None:
    path = await add(owner, company, "productions")
    venue = await create(client, company.headers, "/venues", name="Le Séchoir", timezone="Indian/Reunion")
    body: dict[str, Any] = {"production_id": path.rpartition("/")[2], "kind": "performance", "title": "Première"}
    times = {"starts_at": "2026-10-24T17:30:00+02:00", "ends_at": "2026-10-24T23:00:00+02:00"}
    await create(client, company.headers, "/calls", **body, **times)
    await create(client, company.headers, "/calls", **body, **times, venue_id=venue["id"])

    page = said(await owner.get(path))

    assert "sam. 24 oct. 2026, 17\u00a0h\u00a030\u201323\u00a0h" in page
    assert "sam. 24 oct. 2026, 19\u00a0h\u00a030\u20131\u00a0h (dim. 25 oct.)" in page
    assert "Indian/Reunion" in page
    refused = await post(owner, path, f"{path}/delete")
    assert refused.status_code == 409
    assert "Ce spectacle a des convocations" in said(refused)


async def test_nothing_of_another_company_is_shown_or_changed(
    owner: Browser, app: FastAPI, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    """The other company looks alike, and its ids are asked for under both slugs."""
    async with open_browser(app) as other:
        await other.sign_in(other_company.email)
        for kind, typed in KINDS.items():
            theirs = await add(other, other_company, kind, **{NAMED[kind]: "Secret"})
            under_mine = theirs.replace(other_company.slug, company.slug)
            mine = await add(owner, company, kind)
            hidden = hidden_fields((await owner.get(mine)).text, mine)
            for path in (theirs, under_mine):
                assert (await owner.get(path)).status_code == 404
                for act in (path, f"{path}/delete"):
                    refused = await owner.post(act, data={**hidden, **typed})
                    assert refused.status_code == 404
                    assert "Secret" not in refused.text
            assert "Secret" not in (await owner.get(f"/c/{company.slug}/{kind}")).text
            assert "Secret" in (await other.get(theirs)).text


async def test_who_only_reads_is_shown_no_form_and_nobodys_details(
    app: FastAPI, owner: Browser, client: AsyncClient, company: SignedUpCompany
) -> None:
    paths = {kind: await add(owner, company, kind) for kind in KINDS}
    for role, may_read_people in (("viewer", False), ("payroll", True)):
        headers = await member(client, company, role)
        async with open_browser(app) as reader:
            reader.cookies.set("__Host-filage", headers["Authorization"].removeprefix("Bearer "), domain="filage.test")
            for kind, path in paths.items():
                page = await reader.get(path)
                allowed = kind != "people" or may_read_people
                assert page.status_code == (200 if allowed else 403)
                assert f'action="{path}"' not in page.text
                assert (await reader.get(f"/c/{company.slug}/{kind}/new")).status_code == 403
            hidden = hidden_fields((await reader.get(paths["venues"])).text, "/sign-out")
            for kind, path in paths.items():
                assert (await reader.post(path, data={**hidden, **KINDS[kind]})).status_code == 403


async def test_the_calls_are_sought_changed_and_deleted_from_one_list(
    owner: Browser, company: SignedUpCompany, client: AsyncClient, other_company: SignedUpCompany
) -> None:
    base, titles = f"/c/{company.slug}", ("La Mouette", "Oncle Vania")
    put_on = [await create(client, company.headers, "/productions", title=one, kind="creation") for one in titles]
    venue = await create(client, company.headers, "/venues", name="Salle du Cabestan")
    times = {"starts_at": "2031-03-03T10:00:00+01:00", "ends_at": "2031-03-03T13:00:00+01:00", "kind": "rehearsal"}
    later = {"starts_at": "2031-05-03T10:00:00+02:00", "ends_at": "2031-05-03T13:00:00+02:00", "kind": "strike"}
    first = await create(client, company.headers, "/calls", production_id=put_on[0]["id"], title="Filage 100 %",
                         venue_id=venue["id"], **times)  # fmt: skip
    other = await create(client, company.headers, "/calls", production_id=put_on[1]["id"], title="Démontage", **later)
    assert "Aucune convocation" not in said(await owner.get(f"{base}/calls"))
    past = await create(client, company.headers, "/calls", production_id=put_on[0]["id"], title="Passée", kind="strike",
                        starts_at="2020-03-03T10:00:00+01:00", ends_at="2020-03-03T13:00:00+01:00")  # fmt: skip
    assert past["id"] not in (await owner.get(f"{base}/calls")).text
    assert past["id"] in (await owner.get(f"{base}/calls", params={"from": ""})).text
    await client.delete(f"/api/v1/calls/{past['id']}", headers={**company.headers, "If-Match": "*"})

    for asked, found in (
        ({"q": "filage %"}, first), ({"q": "démont"}, other), ({"production": put_on[0]["id"]}, first),
        ({"venue": venue["id"]}, first), ({"from": "2031-04-01"}, other), ({"to": "2031-03-03"}, first),
    ):  # fmt: skip
        page = await owner.get(f"{base}/calls", params=asked)
        assert found["id"] in page.text
        assert ({first["id"], other["id"]} - {found["id"]}).pop() not in page.text, asked
    assert "ne répond à cette recherche" in said(await owner.get(f"{base}/calls", params={"state": "cancelled"}))
    odd = await owner.get(f"{base}/calls", params={"from": "hier", "venue": "x", "state": "y", "production": "z"})
    assert odd.status_code == 200
    assert 'id="from-error"' in odd.text
    assert f'<a href="{base}/calls" aria-current="page">' in odd.text

    page = await owner.get(f"{base}/calls", params={"q": "filage"})
    gone = await owner.send_form(page, f"{base}/calls/{first['id']}/remove")
    assert gone.headers["location"] == f"{base}/calls?q=filage"
    assert (await owner.send_form(page, f"{base}/calls/{first['id']}/remove", once="2")).status_code == 404
    assert (await owner.get(f"/c/{other_company.slug}/calls")).status_code == 404


async def test_a_refused_page_says_who_is_signed_in_and_leads_to_their_planning(
    app: FastAPI, owner: Browser, company: SignedUpCompany, client: AsyncClient, browser: Browser
) -> None:
    headers = await member(client, company, "intermittent")
    async with open_browser(app) as mine:
        mine.cookies.set("__Host-filage", headers["Authorization"].removeprefix("Bearer "), domain="filage.test")
        refused, deeper = [await mine.get(f"/c/{company.slug}{path}") for path in ("", "/calls")]
    assert (refused.status_code, deeper.status_code) == (403, 403)
    assert "<title>Accès refusé" in refused.text
    assert "Vous êtes connecté·e en tant que Dominique Petit." in refused.text
    assert 'href="/sign-in"' not in refused.text
    assert 'class="button" href="/me"' in refused.text
    assert f'class="button" href="/c/{company.slug}"' not in deeper.text

    for path in (f"/c/{company.slug}/venues/{uuid4()}", "/nulle-part"):
        missing = await owner.get(path)
        assert missing.status_code == 404
        assert "<title>Introuvable" in missing.text
        assert 'href="/sign-in"' not in missing.text
    nobody = await browser.get("/nulle-part")
    assert (nobody.status_code, 'href="/sign-in"' in nobody.text) == (404, True)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_typed_about_something_deleted_meanwhile_is_shown_to_be_copied(
    owner: Browser, company: SignedUpCompany, kind: str
) -> None:
    path = await add(owner, company, kind)
    form = await owner.get(path)
    await post(owner, path, f"{path}/delete")
    refused = await owner.send_form(form, path, **{**KINDS[kind], NAMED[kind]: "Mot à garder"})

    assert refused.status_code == 404
    assert "Rien n'a été enregistré." in said(refused)
    assert "<dd>Mot à garder</dd>" in refused.text
    assert "<dt>version" not in refused.text
    assert "Cette page n'existe pas" in said(await owner.get(path))


async def test_fields_are_called_by_their_words(owner: Browser, company: SignedUpCompany) -> None:
    home = f"/c/{company.slug}"
    long = await owner.get(f"{home}/venues", params={"q": "x" * 500})
    assert (long.status_code, "Recherche : Trop long : 200 caractères au plus." in said(long)) == (422, True)
    for path in (f"{home}/calls", f"{home}/settings/history"):
        year = said(await owner.get(path, params={"from": "0026-11-16"}))
        order = said(await owner.get(path, params={"from": "2026-11-16", "to": "2026-11-15"}))
        assert "Écrivez un jour entre 1970 et 2200" in year
        assert "« Au » est avant « Du »" in order
        assert "« from »" not in year + order
