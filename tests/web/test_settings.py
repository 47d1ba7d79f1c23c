"""The settings of a company on pages: what it is, members, invitations, jobs, agreements, trips, history, exports."""

import html
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response

from backend.outbox.mail import Mail
from tests.counting import statements
from tests.helpers import PASSWORD, SignedUpCompany, create, member, unique
from tests.planning.stage import Stage
from tests.web.conftest import Browser, hidden_fields, open_browser

PAGES = ("", "/members", "/jobs", "/agreements", "/travel", "/history")
FOR_ADMINS = ("/members", "/history")


def said(page: Response) -> str:
    """Return the text of a page as it is read."""
    return html.unescape(page.text)


async def post(browser: Browser, path: str, action: str, **typed: str) -> Response:
    """Fill in the form of a page that goes to `action`."""
    return await browser.send_form(await browser.get(path), action, **typed)


async def join(app: FastAPI, client: AsyncClient, company: SignedUpCompany, role: str) -> Browser:
    """Return the browser of a new member."""
    headers = await member(client, company, role)
    browser = open_browser(app)
    browser.cookies.set("__Host-filage", headers["Authorization"].removeprefix("Bearer "), domain="filage.test")
    return browser


async def test_every_page_of_the_settings_can_be_read_by_whom_it_is_for(
    app: FastAPI, owner: Browser, client: AsyncClient, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    viewer = await join(app, client, company, "viewer")
    for page in PAGES:
        shown = await owner.get(f"/c/{company.slug}/settings{page}")
        assert shown.status_code == 200
        assert shown.text.count("<h1") == 1
        assert " style=" not in shown.text
        seen = await viewer.get(f"/c/{company.slug}/settings{page}")
        assert seen.status_code == (403 if page in FOR_ADMINS else 200)
        assert f'action="/c/{company.slug}/settings' not in seen.text
        assert (await owner.get(f"/c/{other_company.slug}/settings{page}")).status_code == 404


async def test_the_company_changes_what_it_is(owner: Browser, client: AsyncClient, company: SignedUpCompany) -> None:
    path = f"/c/{company.slug}/settings"
    facts = {"name": "Compagnie du Cabestan", "city": "Nantes", "idcc": "1285", "timezone": "Europe/Paris", "siret": ""}
    licence = {"category": "2", "number": "PLATESV-R-2026-000001", "expires_on": "2031-05-01"}

    assert (await post(owner, path, path, **facts, **licence)).status_code == 303

    stored = (await client.get("/api/v1/company", headers=company.headers)).json()
    assert (stored["name"], stored["city"], stored["idcc"]) == ("Compagnie du Cabestan", "Nantes", "1285")
    assert stored["licences"] == [{"category": 2, "number": "PLATESV-R-2026-000001", "expires_on": "2031-05-01"}]
    page = await owner.get(path)
    assert "Compagnie du Cabestan" in page.text
    assert 'value="PLATESV-R-2026-000001"' in page.text


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"name": ""}, "name", "obligatoire"),
        ({"siret": "123"}, "siret", "14 chiffres"),
        ({"timezone": "Europe/Nantes"}, "timezone", "n'existe pas"),
        ({"number": "a|b", "expires_on": "2031-05-01"}, "number-1", "forme"),
        ({"number": "PLATESV-1"}, "expires-1", ""),
    ],
)
async def test_a_refused_setting_keeps_what_was_typed(
    owner: Browser, company: SignedUpCompany, wrong: dict[str, str], field: str, sentence: str
) -> None:
    path = f"/c/{company.slug}/settings"
    facts = {"name": "Cabestan", "city": "Brest", "timezone": "Europe/Paris", "category": "2", "number": "",
             "expires_on": ""}  # fmt: skip

    answer = await post(owner, path, path, **{**facts, **wrong})

    assert answer.status_code == 422
    beside = said(answer).partition(f'id="{field}-error"')[2]
    assert beside
    assert sentence in beside[:200]
    assert 'value="Brest"' in answer.text


async def test_a_stale_setting_is_explained(owner: Browser, client: AsyncClient, company: SignedUpCompany) -> None:
    path = f"/c/{company.slug}/settings"
    early = await owner.get(path)
    await client.patch("/api/v1/company", json={"city": "Rennes"}, headers={**company.headers, "If-Match": "*"})

    late = await owner.send_form(early, path, name="Cabestan", city="Brest", timezone="Europe/Paris")

    assert late.status_code == 412
    assert "Quelqu'un a modifié cette fiche entre-temps." in said(late)
    assert "Enregistré entre-temps : Rennes" in said(late)
    assert 'value="Brest"' in late.text


async def test_a_changed_role_refuses_the_page_that_the_other_has_open(
    app: FastAPI, owner: Browser, client: AsyncClient, company: SignedUpCompany
) -> None:
    planner = await join(app, client, company, "planner")
    open_page = await planner.get(f"/c/{company.slug}/venues/new")
    assert open_page.status_code == 200
    members = f"/c/{company.slug}/settings/members"
    page = await owner.get(members)
    theirs = page.text.partition("Dominique Petit")[2].partition(f'action="{members}/')[2].partition('"')[0]

    changed = await owner.send_form(page, f"{members}/{theirs}", role="viewer")

    assert changed.status_code == 303
    refused = await planner.send_form(open_page, f"/c/{company.slug}/venues", name="Salle du Cabestan")
    assert refused.status_code == 403
    assert "Votre rôle dans cette compagnie ne le permet pas" in said(refused)
    assert (await planner.get(f"/c/{company.slug}/venues")).status_code == 200
    stale = await owner.send_form(page, f"{members}/{theirs}", role="planner")
    assert stale.status_code == 412
    assert "a changé entre-temps" in said(stale)
    page = await owner.get(members)
    assert (await owner.send_form(page, f"{members}/{theirs}/remove")).headers["location"] == members
    assert (await planner.get(f"/c/{company.slug}/venues")).status_code == 404


async def test_the_last_owner_stays_and_an_admin_makes_no_owner(
    app: FastAPI, owner: Browser, client: AsyncClient, company: SignedUpCompany
) -> None:
    members = f"/c/{company.slug}/settings/members"
    page = await owner.get(members)
    mine = page.text.partition(f'action="{members}/')[2].partition('"')[0]
    for act in (members + "/" + mine, f"{members}/{mine}/remove"):
        refused = await owner.send_form(page, act, role="viewer")
        assert refused.status_code == 409
        assert "au moins une personne propriétaire" in said(refused)
    admin = await join(app, client, company, "admin")
    page = await admin.get(members)
    assert '<option value="owner"' not in page.text
    invited = await admin.send_form(
        page, f"/c/{company.slug}/settings/invitations", email="x@example.org", role="owner"
    )
    assert invited.status_code == 403
    own = page.text.partition("Dominique Petit")[2].partition(f'action="{members}/')[2].partition('"')[0]
    left = await admin.send_form(page, f"{members}/{own}/remove")
    assert left.headers["location"] == "/companies"
    assert (await admin.get(members)).status_code == 404


async def test_somebody_is_invited_by_a_link_and_the_invitation_is_taken_back(
    app: FastAPI, owner: Browser, company: SignedUpCompany
) -> None:
    members, action = f"/c/{company.slug}/settings/members", f"/c/{company.slug}/settings/invitations"
    email = f"{unique('jo')}@example.org"
    wrong = await post(owner, members, action, email="pas une adresse", role="planner")
    assert wrong.status_code == 422
    assert 'value="pas une adresse"' in wrong.text
    shown = await post(owner, members, action, email=email, role="planner")
    link = shown.text.partition('id="link" value="')[2].partition('"')[0]
    page = await owner.get(members)
    assert email in page.text
    assert "/invitation?token=" not in page.text
    async with open_browser(app) as invited:
        there = await invited.get(f"/invitation?{link.partition('?')[2]}")
        assert there.status_code == 200
        one = page.text.partition(f"{action}/")[2].partition("/")[0]
        assert (await owner.send_form(page, f"{action}/{one}/withdraw")).status_code == 303
        gone = await invited.send_form(there, "/invitation", full_name="Jo", password=PASSWORD)
        assert gone.status_code == 404
        assert "a été retirée" in said(gone)


async def test_a_job_is_added_and_deleted_and_one_in_use_stays(owner: Browser, company: SignedUpCompany) -> None:
    path = f"/c/{company.slug}/settings/jobs"
    assert (await post(owner, path, path, label="", department="stage", annexe="8")).status_code == 422
    assert (await post(owner, path, path, label="Souffleur·se", department="stage", annexe="10")).status_code == 303
    twice = await post(owner, path, path, label="Souffleur·se", department="stage", annexe="10")
    assert twice.status_code == 409
    assert "a déjà ce code" in said(twice)
    page = await owner.get(path)
    job = page.text.partition("souffleur")[2].partition(f"{path}/")[2].partition("/delete")[0]
    people = f"/c/{company.slug}/people"
    await post(owner, f"{people}/new", people, first_name="Inès", last_name="Vasseur", job="souffleur_se")
    used = await owner.send_form(page, f"{path}/{job}/delete")
    assert used.status_code == 409
    assert "Ce métier sert encore" in said(used)


async def test_an_agreement_is_recorded_ended_and_refused_beyond_the_text(
    owner: Browser, company: SignedUpCompany
) -> None:
    path = f"/c/{company.slug}/settings/agreements"
    body = {"rule": "WT-DAY-10", "limit_minutes": "660", "document": "Accord du 1er mars", "valid_from": "2027-01-01"}
    too_far = await post(owner, path, path, **{**body, "limit_minutes": "900"})
    assert too_far.status_code == 422
    assert "L3121" in said(too_far).partition('id="limit_minutes-error"')[2][:400]
    assert (await post(owner, path, path, **body)).status_code == 303
    page = await owner.get(path)
    assert "11\u00a0h" in page.text
    one = page.text.partition(f'action="{path}/')[2].partition('"')[0]
    before = await owner.send_form(page, f"{path}/{one}", valid_to="2026-01-01")
    assert before.status_code == 422
    assert "finit avant de commencer" in said(before)
    assert (await owner.send_form(page, f"{path}/{one}", valid_to="2027-12-31")).status_code == 303
    page = await owner.get(path)
    assert (await owner.send_form(page, f"{path}/{one}/delete")).status_code == 303
    assert "Aucun accord enregistré" in said(await owner.get(path))


async def test_the_estimate_of_trips_is_changed(owner: Browser, company: SignedUpCompany) -> None:
    path = f"/c/{company.slug}/settings/travel"
    early = await owner.get(path)
    assert (await owner.send_form(early, path, speed_kmh="vite", margin_minutes="15")).status_code == 422
    assert (await owner.send_form(early, path, speed_kmh="80", margin_minutes="20")).status_code == 303
    late = await owner.send_form(early, path, speed_kmh="70", margin_minutes="20")
    assert late.status_code == 412
    assert "Enregistré entre-temps : 80" in said(late)


async def test_the_history_tells_in_words_who_did_what(owner: Browser, company: SignedUpCompany) -> None:
    venues = f"/c/{company.slug}/venues"
    made = await post(owner, f"{venues}/new", venues, name="<script>alert(1)</script>")
    await post(owner, made.headers["location"], made.headers["location"], name="Salle du Cabestan", city="Nantes")

    page = await owner.get(f"/c/{company.slug}/settings/history")

    assert "<script>alert" not in page.text
    text = said(page)
    assert "Camille Renard</bdi></strong> a modifié un lieu" in text
    assert "a ajouté un lieu" in text
    assert "<ins><bdi>Salle du Cabestan</bdi></ins>" in text
    assert str(datetime.now(UTC).year) in text
    only = said(await owner.get(f"/c/{company.slug}/settings/history", params={"what": "venue.changed"}))
    assert "</strong> a ajouté un lieu" not in only
    none = await owner.get(f"/c/{company.slug}/settings/history", params={"what": "call.cancelled"})
    assert "Voir tout l'historique" in said(none)
    path = f"/c/{company.slug}/settings/history"
    of_old = await owner.get(path, params={"from": "2026-01-01", "to": "2026-01-31"})
    assert "Voir tout l'historique" in said(of_old)
    assert 'value="2026-01-31"' in of_old.text
    turned = said(await owner.get(path, params={"from": "2026-02-01", "to": "2026-01-31"}))
    assert "« Au » est avant « Du »" in turned
    assert "a ajouté un lieu" in turned


async def test_the_history_says_which_call_and_whom_in_words_and_on_the_clock_of_the_company(
    owner: Browser, company: SignedUpCompany, client: AsyncClient
) -> None:
    stage, path = Stage(client, company), f"/c/{company.slug}/settings/history"
    call, person = await stage.call(await stage.production()), await stage.person("Inès")
    assignment = await stage.assignment(call, person)
    await stage.act(assignment, "offer", expires_at="2031-03-01T12:00:00+01:00", rank=1)
    await stage.post(f"/calls/{call['id']}/publish")
    with statements() as for_few:
        text = said(await owner.get(path)).replace("\u00a0", " ")

    name = f"Inès {person['last_name']}"
    assert "a publié une convocation · <bdi>Répétition</bdi>, lun. 3 mars 2031, 10 h</span>" in text
    assert (
        f"a proposé une affectation · <bdi>Répétition</bdi>, lun. 3 mars 2031, 10 h · <bdi>{name}</bdi></span>" in text
    )
    assert "<dt>réponse attendue avant le</dt><dd><ins><bdi>sam. 1er mars 2031, 12 h</bdi></ins>" in text
    assert "<del><bdi>brouillon</bdi></del> <ins><bdi>option en attente</bdi></ins>" in text
    assert "rang de l'option" in text
    for raw in ("decided_at", "expires_at", "_at</dt>", "+00:00</bdi>", "<dt>rank"):
        assert raw not in text
    for _ in range(3):
        await stage.assignment(await stage.call(await stage.production()), await stage.person())
    with statements() as for_many:
        await owner.get(path)
    assert len(for_many) == len(for_few)


async def test_a_season_is_exported_by_those_who_may(
    app: FastAPI, owner: Browser, client: AsyncClient, company: SignedUpCompany
) -> None:
    path = f"/c/{company.slug}/settings/exports"
    answer = await owner.get(f"{path}/people.csv")
    assert answer.status_code == 200
    assert answer.text.startswith("\ufeffref,first_name")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert (await owner.get(f"{path}/secrets.csv")).status_code == 404
    viewer = await join(app, client, company, "viewer")
    assert (await viewer.get(f"{path}/people.csv")).status_code == 403


async def test_forms_of_another_browser_change_nothing(
    app: FastAPI, owner: Browser, client: AsyncClient, company: SignedUpCompany
) -> None:
    path = f"/c/{company.slug}/settings/travel"
    admin = await join(app, client, company, "admin")
    stolen = hidden_fields((await admin.get(path)).text, path)

    answer = await owner.post(path, data={**stolen, "speed_kmh": "200", "margin_minutes": "0"})

    assert answer.status_code == 403
    assert 'value="60"' in (await owner.get(path)).text


async def test_the_whole_team_is_invited_once_and_each_result_is_named(
    app: FastAPI, owner: Browser, company: SignedUpCompany, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Mail] = []
    monkeypatch.setattr(app.state.database, "_deliver", sent.extend)
    path, base = f"/c/{company.slug}/people/invite", {"last_name": "Vasseur", "job": "electricien"}
    emails = [f"{unique('equipe')}@example.org" for _ in range(3)]
    team = [await create(client, company.headers, "/people", first_name=f"Inès {number}", email=email, **base)
            for number, email in enumerate(emails)]  # fmt: skip
    silent = await create(client, company.headers, "/people", first_name="Sans adresse", **base)
    page = await owner.get(path)
    assert page.text.count('name="people"') == 3
    assert "Sans adresse" not in page.text
    nobody = await owner.send_form(page, path)
    assert (nobody.status_code, "Choisissez au moins une personne" in nobody.text) == (422, True)

    chosen = [one["id"] for one in (*team[:2], silent)]
    form = {**hidden_fields(page.text, path), "people": chosen}
    done = await owner.post(path, data=form)
    again = await owner.post(path, data=form)

    assert "2 invitations sont parties" in done.text
    assert done.text.count("/invitation?token=") == 4  # beside each name, and all of them to copy at once
    assert "sans adresse e-mail" in done.text
    assert (again.status_code, again.headers["location"]) == (303, path)
    once_more = await owner.post(path, data={**form, "once": "another", "people": [one["id"] for one in team]})
    assert "1 invitation est partie" in once_more.text
    assert once_more.text.count("déjà invitée, réponse attendue") == 2
    waiting = (await client.get("/api/v1/invitations", headers=company.headers)).json()["items"]
    assert sorted(one["email"] for one in waiting) == sorted(emails)
    assert {one["person_id"] for one in waiting} == {one["id"] for one in team}
    assert sorted(mail.to for mail in sent) == sorted(emails)
    people = said(await owner.get(f"/c/{company.slug}/people"))
    assert people.count("invité·e le") == 3
    assert people.count("sans compte") == 1
    foreign = await owner.post(path, data={**form, "once": "third", "people": [str(uuid4()), "x"]})
    assert foreign.status_code == 422


async def test_a_long_team_is_invited_page_by_page_and_says_how_many_there_are(
    owner: Browser, company: SignedUpCompany, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.web.inviting.ON_A_PAGE", 2)
    path, base = f"/c/{company.slug}/people/invite", {"first_name": "Inès", "job": "electricien"}
    for number in range(3):
        email = f"{unique('equipe')}@example.org"
        await create(client, company.headers, "/people", last_name=f"Vasseur {number}", email=email, **base)

    first = await owner.get(path)
    second = await owner.get(html.unescape(first.text.partition('rel="next" href="')[2].partition('"')[0]))

    assert "Sur cette page : 2 personnes sur 3" in said(first).replace("\u00a0", " ")
    assert "<span data-ticked>(2)</span>" in first.text
    assert (first.text.count('name="people"'), second.text.count('name="people"')) == (2, 1)
    assert "Vasseur 2" in second.text


async def test_an_invitation_that_waits_names_the_person_and_is_sent_again_with_other_links(
    app: FastAPI, owner: Browser, company: SignedUpCompany, other_company: SignedUpCompany, client: AsyncClient
) -> None:
    path, email = f"/c/{company.slug}/settings/members", f"{unique('ines')}@example.org"
    person = await create(
        client, company.headers, "/people", first_name="Inès", last_name="Vasseur", job="electricien", email=email
    )
    body = {"email": email, "role": "intermittent", "person_id": person["id"]}
    old = (await client.post("/api/v1/invitations", json=body, headers=company.headers)).json()
    page, act = await owner.get(path), f"/c/{company.slug}/settings/invitations/{old['id']}/again"
    assert "<bdi>Inès Vasseur</bdi></strong> · " in page.text

    done = await owner.send_form(page, act)

    link = html.unescape(done.text.partition('id="link" value="')[2].partition('"')[0])
    waiting = (await client.get("/api/v1/invitations", headers=company.headers)).json()["items"]
    assert [(one["email"], one["person_id"]) for one in waiting] == [(email, person["id"])]
    async with open_browser(app) as invited:
        asked = await invited.get(f"/invitation?{link.partition('?')[2]}")
        assert (asked.status_code, 'value="Inès Vasseur"' in asked.text) == (200, True)
        assert (await invited.get(f"/invitation?{old['accept_url'].partition('?')[2]}")).status_code == 404
    fields = hidden_fields(page.text, act)
    assert (await owner.post(act, data={**fields, "once": "more"})).status_code == 404
    foreign = act.replace(company.slug, other_company.slug)
    assert (await owner.post(foreign, data={**fields, "once": "foreign"})).status_code == 404
