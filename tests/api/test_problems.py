"""Every refusal is one sentence for a person in their language, and nothing internal leaks."""

import re
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import text

from backend.core.settings import Settings
from backend.tenancy.session import Urls
from tests.backstage import log_lines, running
from tests.helpers import PASSWORD, SignedUpCompany, problem

MEGABYTE = 1_000_000


async def fail_badly() -> None:
    """Fail as a bug would."""
    message = "mot-de-passe-interne"
    raise RuntimeError(message)


@pytest.fixture(scope="module")
async def broken(settings: Settings, urls: Urls) -> AsyncIterator[tuple[FastAPI, AsyncClient]]:
    async with running(settings, urls) as (app, client):
        app.add_api_route("/api/v1/broken", fail_badly)
        yield app, client


@pytest.mark.parametrize(
    "path", ["/nulle-part", "/api/v1", "/api/v1/personne", "/api/v1/company/", "/x/c", "/%00", "/" + "x" * 3000]
)
async def test_an_unknown_path_is_a_404_in_words(client: AsyncClient, path: str) -> None:
    assert "chemin" in problem(await client.get(path), 404, "not_found")["detail"]


async def test_a_method_that_is_not_there_is_a_405_in_words(client: AsyncClient) -> None:
    problem(await client.put("/api/v1/company", json={}), 405, "method_not_allowed")
    problem(await client.request("BREW", "/api/v1/company"), 405, "method_not_allowed")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422), (b"{", 422), (b"null", 422), (b"[]", 422), (b'"x"', 422), (b"{'name': 1}", 422),
        (b'{"name": "\xff\xfe"}', 400), (b"\xff\xfe{\x00}\x00", 422), (b"\x00", 422), (b"[" * 100_000, 400),
        (b'{"name": "\\ud800"}', 422), (b'{"\\ud800": 1}', 422), (b'{"name": ' + b"9" * 5000 + b"}", 400),
        (b'{"name": NaN}', 422), (b'{"name": 1e999}', 422), (b'{"name": "a", "name": "b"}', 422),
    ],
)  # fmt: skip
async def test_a_body_that_cannot_be_read_is_refused_in_words(client: AsyncClient, content: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/api/v1/companies", content=content, headers=headers)
    assert answer.status_code in {400, 422}
    problem(answer, status)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "", "application/json; charset=utf-16"])
async def test_a_body_of_another_kind_is_refused_in_words(client: AsyncClient, kind: str) -> None:
    answer = await client.post("/api/v1/companies", content=b"<a/>", headers={"Content-Type": kind})
    problem(answer, 422)


@pytest.mark.parametrize("content", [b"x=\xff", b"username=a", b"", b"username=a&password=b&grant_type=x"])
async def test_a_form_that_lacks_something_is_refused_in_words(client: AsyncClient, content: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    problem(await client.post("/api/v1/auth/login", content=content, headers=headers), 422)
    multipart = {"Content-Type": "multipart/form-data"}
    assert (await client.post("/api/v1/auth/login", content=content, headers=multipart)).status_code in {400, 422}


async def test_a_body_over_the_limit_is_refused_declared_or_not(client: AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="username"; filename="a"\r\n\r\n'
        for _ in range(30):
            yield b"x" * 50_000

    for path, kind in (
        ("/companies", "application/json"), ("/auth/login", "application/x-www-form-urlencoded"),
        ("/auth/login", "multipart/form-data; boundary=x"),
    ):  # fmt: skip
        headers = {"Content-Type": kind}
        declared = await client.post(f"/api/v1{path}", content=b"x" * (MEGABYTE + 1), headers=headers)
        problem(declared, 413, "payload_too_large")
        chunked = await client.post(f"/api/v1{path}", content=pieces(), headers=headers)
        problem(chunked, 413, "payload_too_large")


async def test_a_body_at_the_limit_is_read(client: AsyncClient) -> None:
    frame = b'{"name": "%s"}'
    content = frame % (b"x" * (MEGABYTE - len(frame) + 2))
    assert len(content) == MEGABYTE
    answer = await client.post("/api/v1/companies", content=content, headers={"Content-Type": "application/json"})
    problem(answer, 422)


@pytest.mark.parametrize("length", ["abc", "-1", "", "1e9", "\xb2", "١", "0x10", "9" * 400])
async def test_a_length_that_is_no_number_is_no_500(client: AsyncClient, length: str) -> None:
    raw = [(b"content-length", length.encode("utf-8")), (b"content-type", b"application/json")]
    answer = await client.post("/api/v1/companies", content=b"{}", headers=raw)
    assert answer.status_code in {400, 413, 422}


async def test_a_bug_answers_500_without_a_word_of_it_and_with_the_number_to_quote(
    broken: tuple[FastAPI, AsyncClient], settings: Settings
) -> None:
    with log_lines(settings) as log:
        answer = await broken[1].get("/api/v1/broken")
    found = problem(answer, 500, "unexpected")
    for word in ("mot-de-passe-interne", "RuntimeError", "Traceback", ".py"):
        assert word not in answer.text
    assert found["trace_id"] in found["detail"]
    assert found["trace_id"] == answer.headers["x-request-id"]
    assert "traceresponse" in answer.headers
    assert "server-timing" in answer.headers
    assert "builtins.RuntimeError" in log.getvalue(), "whoever mends it needs its kind"
    assert "test_problems.py" in log.getvalue(), "and its place"
    assert "mot-de-passe-interne" not in log.getvalue(), "its text may quote a person's row"


async def test_a_database_that_refuses_leaks_no_name(broken: tuple[FastAPI, AsyncClient]) -> None:
    app, client = broken

    async def divide() -> None:
        async with app.state.database.shared() as session:
            await session.execute(text("select * from shared.nothing_of_the_kind"))

    app.add_api_route("/api/v1/broken-query", divide)
    answer = await client.get("/api/v1/broken-query")
    problem(answer, 500, "unexpected")
    assert "nothing_of_the_kind" not in answer.text


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("", "fr"), ("en", "en"), ("en-GB,en;q=0.9,fr;q=0.8", "en"), ("fr-FR, en", "fr"), ("de, en;q=0.5", "en"),
        ("fr;q=0.2, en;q=0.7", "en"), ("de", "fr"), ("*", "fr"), ("en;q=0", "fr"), ("en;q=x", "fr"),
        ("\xe9;q=\xff", "fr"),
        ("en;q=nan", "fr"), (",;,;q=1" * 1000, "fr"), ("EN-us", "en"), ("en;q=-1", "fr"), ("en ; q=0.8", "en"),
    ],
)  # fmt: skip
async def test_the_sentence_is_in_the_language_that_was_asked_for(
    client: AsyncClient, wanted: str, language: str
) -> None:
    answer = await client.get("/api/v1/users/me", headers=[(b"accept-language", wanted.encode("latin-1"))])
    detail = problem(answer, 401)["detail"]
    assert ("Connectez-vous" in detail) == (language == "fr")
    assert answer.headers["vary"] == "Accept-Language"


async def test_the_errors_of_fields_are_sentences_in_both_languages(client: AsyncClient) -> None:
    body = {"email": "x", "password": 7, "full_name": "", "langue": "fr"}
    for language, word in (("fr", "Ce champ n'existe pas"), ("en", "This field does not exist")):
        answer = await client.post("/api/v1/auth/register", json=body, headers={"Accept-Language": language})
        found = problem(answer, 422, "invalid")
        assert {tuple(error["loc"]) for error in found["errors"]} == {("body", name) for name in [*body]}
        assert word in str(found["errors"])
        assert "Input should" not in answer.text


async def test_the_only_wrong_value_is_named_in_the_answers_sentence(client: AsyncClient) -> None:
    kind = {"Content-Type": "application/json"}
    unreadable = problem(await client.post("/api/v1/companies", content=b"{", headers=kind), 422, "invalid")
    assert unreadable["detail"].startswith("Ce corps n'est pas du JSON")
    body = {"name": "Théâtre", "owner": {"email": "a@example.org", "password": PASSWORD, "full_name": "A", "x": 1}}
    assert problem(await client.post("/api/v1/companies", json=body), 422)["detail"].startswith("owner.x : ")


async def test_a_choice_is_offered_in_the_language_of_the_sentence(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    for language, word in (("fr", "'draft', 'published' ou 'cancelled'"), ("en", "'published' or 'cancelled'")):
        headers = {**company.headers, "Accept-Language": language}
        answer = await client.get("/api/v1/calls", params={"status": "open"}, headers=headers)
        assert word in problem(answer, 422, "invalid")["detail"]


@pytest.mark.parametrize("path", ["/api/v1/members/x", "/api/v1/members/%00", "/api/v1/members/" + "9" * 500])
async def test_an_id_that_is_none_is_refused_in_words(client: AsyncClient, company: SignedUpCompany, path: str) -> None:
    problem(await client.delete(path, headers={**company.headers, "If-Match": '"1"'}), 422)


async def test_every_problem_says_the_same_six_things(client: AsyncClient, company: SignedUpCompany) -> None:
    answers = [
        await client.get("/personne"), await client.get("/api/v1/company"),
        await client.get("/api/v1/company", headers={"Authorization": f"Bearer {company.token}"}),
        await client.patch("/api/v1/company", json={}, headers=company.headers),
        await client.post("/api/v1/companies", json={}),
    ]  # fmt: skip
    for answer in answers:
        found = problem(answer, answer.status_code)
        assert {"type", "title", "status", "code", "detail", "trace_id"} <= set(found)
        assert found["type"] == f"urn:filage:problem:{found['code']}"
        assert re.fullmatch(r"[a-z_]+", found["code"])
        assert found["trace_id"] == answer.headers["x-request-id"]
