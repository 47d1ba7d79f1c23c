"""The demo's mailbox, and the templates of the pages behind the links of mails, asked for as a browser does."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse

from backend.core.errors import Sentence
from backend.core.ids import new_id
from backend.core.settings import Settings
from backend.outbox.mail import Mail, MailKind, render
from backend.web import assets, mailbox, rendering, sessions

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
FORM: dict[str, Any] = {"token": "t0ken", "errors": {}, "error": "", "shortest": 8}
PAGES: dict[str, dict[str, Any]] = {
    "invitation.html": {
        **FORM,
        "invited_by": "Compagnie <Rampe>",
        "inviter": "Anne & Lucas",
        "role_named": "régie",
        "email": "zoe@example.org",
        "expires_at": NOW,
        "its_zone": "Europe/Paris",
        "has_account": False,
        "is_viewer": False,
        "full_name": "",
    },
    "verify.html": {"token": "t0ken"},
    "reset_password.html": FORM,
    "done.html": {
        "heading": Sentence("C'est fait", "Done"),
        "message": Sentence("Vous êtes de la compagnie.", "You are in."),
        "next_url": "/",
        "next_label": Sentence("Continuer", "Go on"),
    },
}


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and the words between."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, var_dir=tmp_path / "var", demo_mailbox=True)


@pytest.fixture
async def browser(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.settings = settings
    app.include_router(assets.router)
    app.include_router(mailbox.router)

    @app.get("/page/{name}", dependencies=[Depends(sessions.opened)])
    def page(name: str, request: Request) -> HTMLResponse:
        said = {"errors": {"password": "Ce mot de passe est trop court."}} if "refused" in request.query_params else {}
        return rendering.render(request, name, **{**PAGES[name], **said, **request.query_params})

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://filage.localhost") as client:
        yield client


def write(settings: Settings, minutes: int = 0, **context: str) -> str:
    """Write one mail as the mailer does, and return its name."""
    values = {
        "company": "La Rampe",
        "inviter": "Anne",
        "role": "régie",
        "accept_url": "https://filage.test/invitation?token=abc&x=1",
        "expires_at": "2 décembre à 18 h",
        **context,
    }
    mail = Mail(MailKind.INVITATION, "zoe@example.org", "fr", values)
    settings.mail_dir.mkdir(parents=True, exist_ok=True)
    name = str(new_id())
    message = render(mail, settings, NOW + timedelta(minutes=minutes))
    (settings.mail_dir / f"{name}.eml").write_bytes(message.as_bytes())
    return name


async def test_an_empty_mailbox_says_what_fills_it(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/demo/mailbox")
    assert answer.status_code == 200
    assert "Aucun message" in answer.text


async def test_mails_are_listed_newest_first(browser: httpx.AsyncClient, settings: Settings) -> None:
    names = [write(settings, minutes, company=f"Compagnie {minutes}") for minutes in range(3)]
    answer = await browser.get("/demo/mailbox")
    assert re.findall(r"/demo/mailbox/([0-9a-f-]{36})", answer.text) == names[::-1]
    assert "Compagnie 2 vous invite sur Filage" in answer.text
    assert "zoe@example.org" in answer.text
    assert "mer. 25 nov. 2026, 10\u00a0h\u00a032" in answer.text


async def test_only_the_newest_are_listed_and_the_rest_are_counted(
    browser: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "SHOWN", 1)
    oldest, newest = write(settings), write(settings)
    answer = await browser.get("/demo/mailbox")
    assert newest in answer.text
    assert oldest not in answer.text
    assert "Et 1 message" in answer.text


async def test_a_mail_is_shown_with_its_link_to_click(browser: httpx.AsyncClient, settings: Settings) -> None:
    name = write(settings)
    answer = await browser.get(f"/demo/mailbox/{name}")
    assert answer.status_code == 200
    assert 'href="https://filage.test/invitation?token=abc&amp;x=1"' in answer.text
    assert "Laissez-le de côté" in answer.text


async def test_nothing_that_a_mail_holds_is_run(browser: httpx.AsyncClient, settings: Settings) -> None:
    evil = '<script>alert(1)</script><img src=x onerror=alert(1)> javascript:alert(1) http://a.test/"onclick="x'
    name = write(settings, company=evil)
    answer = await browser.get(f"/demo/mailbox/{name}")
    page = Tags(answer.text)
    assert not page.all("script")
    assert not page.all("img")
    assert "<script>alert(1)</script>" in page.words
    assert {str(a["href"]).partition(":")[0] for a in page.all("a") if ":" in str(a["href"])} == {"http", "https"}
    assert not [attributes for _, attributes in page.tags if any(key.startswith("on") for key in attributes)]
    listed = Tags((await browser.get("/demo/mailbox")).text)
    assert not listed.all("script")


@pytest.mark.parametrize(
    "name",
    [
        "00000000-0000-7000-8000-000000000000",
        "secret",
        "..%2Fsecret",
        "%2e%2e%2fsecret.eml",
        "..%5Csecret",
        "secret.eml",
        "%00",
        "*",
        "x" * 5_000,
    ],
)
async def test_an_unknown_name_is_not_found(browser: httpx.AsyncClient, settings: Settings, name: str) -> None:
    write(settings)
    (settings.var_dir / "secret").write_text("canary", encoding="utf-8")
    (settings.var_dir / "secret.eml").write_text("Subject: canary\n\ncanary", encoding="utf-8")
    (settings.mail_dir / "secret.eml").write_text("Subject: canary\n\ncanary", encoding="utf-8")
    answer = await browser.get(f"/demo/mailbox/{name}")
    assert answer.status_code == 404
    assert "canary" not in answer.text


async def test_a_file_that_is_no_mail_breaks_nothing(browser: httpx.AsyncClient, settings: Settings) -> None:
    name = write(settings)
    (settings.mail_dir / f"{name}.eml").write_bytes(bytes(range(256)) * 20)
    assert (await browser.get("/demo/mailbox")).status_code == 200
    assert (await browser.get(f"/demo/mailbox/{name}")).status_code == 200


@pytest.mark.parametrize("path", ["/demo/mailbox", "/demo/mailbox/unknown", *(f"/page/{name}" for name in PAGES)])
async def test_a_page_runs_no_script_and_leaks_no_address(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    page = Tags(answer.text)
    assert not page.all("script")
    assert not [attributes for _, attributes in page.tags if "style" in attributes]
    assert all(str(link["href"]).startswith("/static/") for link in page.all("link"))


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("path", ["/demo/mailbox", "/demo/mailbox/unknown", *(f"/page/{name}" for name in PAGES)])
async def test_a_page_can_be_read_aloud(browser: httpx.AsyncClient, path: str, language: str) -> None:
    page = Tags((await browser.get(path, headers={"Accept-Language": language})).text)
    assert page.all("html") == [{"lang": language}]
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    labelled = {label["for"] for label in page.all("label")}
    asked = {field.get("id") for field in page.all("input") if field["type"] != "hidden"}
    assert labelled == asked
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")


@pytest.mark.parametrize("name", ["invitation.html", "verify.html", "reset_password.html"])
async def test_a_form_takes_the_token_out_of_the_address(browser: httpx.AsyncClient, name: str) -> None:
    page = Tags((await browser.get(f"/page/{name}?ignored=t0ken")).text)
    assert not [form for form in page.all("form") if "?" in str(form["action"])]
    assert {"type": "hidden", "name": "token", "value": "t0ken"} in page.all("input")


@pytest.mark.parametrize(
    ("asked", "fields"),
    [({}, ["full_name", "password"]), ({"has_account": "1"}, ["password"]), ({"is_viewer": "1"}, [])],
)
async def test_an_account_is_asked_for_its_password_alone(
    browser: httpx.AsyncClient, asked: dict[str, str], fields: list[str]
) -> None:
    page = Tags((await browser.get("/page/invitation.html", params=asked)).text)
    assert [field["name"] for field in page.all("input") if field["type"] != "hidden"] == fields


async def test_names_are_words_and_never_markup(browser: httpx.AsyncClient) -> None:
    page = Tags((await browser.get("/page/invitation.html")).text)
    assert not page.all("rampe")
    assert "Compagnie <Rampe>" in page.words
    assert "Anne & Lucas" in page.words


async def test_a_refusal_is_tied_to_its_field_and_told_in_the_title(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/page/reset_password.html?refused=1")
    page = Tags(answer.text)
    (password,) = [field for field in page.all("input") if field["type"] == "password"]
    assert password["aria-invalid"] == "true"
    assert password["aria-describedby"] == "password-help password-error"
    assert {"class": "wrong", "id": "password-error", "role": "alert"} in page.all("p")
    assert "<title>À corriger" in answer.text
    calm = Tags((await browser.get("/page/reset_password.html")).text)
    assert "À corriger" not in calm.words
    assert not [p for p in calm.all("p") if p.get("role") == "alert"]
