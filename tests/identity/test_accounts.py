"""Accounts: what logs in, what ends a session, and how little an answer gives away."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.security import OAuth2PasswordRequestForm
from fastapi_users.jwt import decode_jwt, generate_jwt
from httpx import AsyncClient, Response
from sqlalchemy import text

from backend.core.errors import TooManyError, UnauthenticatedError
from backend.core.settings import Settings
from backend.identity.accounts import Accounts
from backend.tenancy.session import Urls
from tests.backstage import log_in, mailed_token, mails_to, register, running
from tests.helpers import PASSWORD, SignedUpCompany, problem, unique

NEW_PASSWORD = "rideau-rouge-et-or"
RESET_AUDIENCE, VERIFY_AUDIENCE = "fastapi-users:reset", "fastapi-users:verify"


async def try_to_log_in(client: AsyncClient, address: str, password: str) -> Response:
    return await client.post("/api/v1/auth/login", data={"username": address, "password": password})


async def me(client: AsyncClient, headers: dict[str, str]) -> Response:
    return await client.get("/api/v1/users/me", headers=headers)


async def change(client: AsyncClient, headers: dict[str, str], **fields: Any) -> Response:
    etag = (await me(client, headers)).headers["etag"]
    return await client.patch("/api/v1/users/me", json=fields, headers={**headers, "If-Match": etag})


async def ask_for_reset(app: FastAPI, client: AsyncClient, address: str) -> str:
    answer = await client.post("/api/v1/auth/forgot-password", json={"email": address})
    assert answer.status_code == 202
    return await mailed_token(app, address, "reset-password")


async def reset(client: AsyncClient, token: str, password: str = NEW_PASSWORD) -> Response:
    return await client.post("/api/v1/auth/reset-password", json={"token": token, "password": password})


async def test_an_account_is_registered_logged_in_and_logged_out(client: AsyncClient) -> None:
    address = await register(client)
    headers = await log_in(client, address)
    found = await me(client, headers)
    assert (found.json()["email"], found.json()["is_verified"]) == (address, False)
    assert (await client.post("/api/v1/auth/logout", headers=headers)).status_code == 204
    problem(await me(client, headers), 401, "login_required")


async def test_an_address_has_one_account_however_it_is_written(client: AsyncClient) -> None:
    address = await register(client)
    body = {"email": f" {address.upper()} ", "password": PASSWORD, "full_name": "Anne"}
    problem(await client.post("/api/v1/auth/register", json=body), 409, "email_taken")
    assert await log_in(client, address.upper())


async def test_two_registrations_of_one_address_at_once_make_one_account(client: AsyncClient) -> None:
    body = {"email": f"{unique('anne')}@example.org", "password": PASSWORD, "full_name": "Anne"}
    answers = await asyncio.gather(*(client.post("/api/v1/auth/register", json=body) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert {answer.json().get("code") for answer in answers} == {None, "email_taken"}


async def test_registrations_from_one_address_are_limited(settings: Settings, urls: Urls) -> None:
    async with running(settings, urls, limit_registers_per_hour=1) as (own, client):
        async with own.state.database.shared() as session:
            await session.execute(text("delete from shared.limit_counter"))
        await register(client)
        body = {"email": f"{unique('anne')}@example.org", "password": PASSWORD, "full_name": "Anne"}
        refused = await client.post("/api/v1/auth/register", json=body)
        problem(refused, 429, "rate_limited")
        assert int(refused.headers["retry-after"]) > 0


async def test_refused_logins_and_tokens_are_counted_by_reason(settings: Settings, urls: Urls) -> None:
    async with running(settings, urls, limit_failed_logins_per_10_minutes=1) as (own, client):
        address = await register(client)
        for _ in range(3):
            await try_to_log_in(client, address, "faux-mot-de-passe")
        await me(client, {"Authorization": "Bearer inconnu"})
        value = own.state.metrics.registry.get_sample_value
        counted = {
            reason: value("filage_auth_failures_total", {"reason": reason})
            for reason in ("password", "rate_limited", "token")
        }
    assert counted == {"password": 1, "rate_limited": 2, "token": 1}


async def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(client: AsyncClient) -> None:
    address = await register(client)
    one = problem(await try_to_log_in(client, address, "faux-mot-de-passe"), 401, "bad_credentials")
    two = problem(await try_to_log_in(client, f"{unique('x')}@example.org", "faux-mot-de-passe"), 401)
    assert {**one, "trace_id": ""} == {**two, "trace_id": ""}


@pytest.mark.parametrize(
    ("address", "password"),
    [
        ("a\x00b@example.org", PASSWORD), ("pas une adresse", PASSWORD), ("x" * 5000, PASSWORD), ("é" * 320, PASSWORD),
        ("a@example.org", "\x00"), ("a@example.org", "x" * 100_000), ("' or 1=1 --", PASSWORD), ("\x00", PASSWORD),
    ],
)  # fmt: skip
async def test_what_is_no_address_or_password_is_refused_like_any_other(
    client: AsyncClient, address: str, password: str
) -> None:
    problem(await try_to_log_in(client, address, password), 401, "bad_credentials")


async def test_failed_logins_are_limited_and_each_takes_longer_than_the_one_before(
    app: FastAPI, settings: Settings, client: AsyncClient
) -> None:
    address, pauses = await register(client), list[float]()

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    now = datetime(2026, 11, 16, 9, 3, tzinfo=UTC)

    def at(moment: datetime) -> Accounts:
        limited = settings.model_copy(update={"limit_failed_logins_per_10_minutes": 3})
        return Accounts(app.state.database, app.state.passwords, limited, moment, note)

    wrong = OAuth2PasswordRequestForm(username=address, password="faux-mot-de-passe")
    for _ in range(3):
        with pytest.raises(UnauthenticatedError):
            await at(now).log_in(wrong, None)
    assert len(pauses) == 3
    assert pauses[0] < pauses[1] < pauses[2] <= 1.0
    right = OAuth2PasswordRequestForm(username=address, password=PASSWORD)
    with pytest.raises(TooManyError) as refused:
        await at(now).log_in(right, None)
    assert refused.value.headers["Retry-After"] == str(7 * 60)
    other = OAuth2PasswordRequestForm(username=await register(client), password=PASSWORD)
    assert await at(now).log_in(other, None), "an account pays for its own failures only"
    assert await at(now + timedelta(minutes=7)).log_in(right, None), "the window ends"


async def test_a_login_that_succeeds_forgets_the_failures_before_it(settings: Settings, urls: Urls) -> None:
    async with running(settings, urls, limit_failed_logins_per_10_minutes=3) as (_, client):
        address = await register(client)
        for _ in range(3):
            for _ in range(2):
                problem(await try_to_log_in(client, address, "faux-mot-de-passe"), 401)
            assert (await try_to_log_in(client, address, PASSWORD)).status_code == 200
        for _ in range(3):
            problem(await try_to_log_in(client, address, "faux-mot-de-passe"), 401)
        refused = await try_to_log_in(client, address, PASSWORD)
        problem(refused, 429, "rate_limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 600


async def test_failed_logins_at_once_are_all_counted(settings: Settings, urls: Urls) -> None:
    async with running(settings, urls, limit_failed_logins_per_10_minutes=3) as (_, client):
        address = await register(client)
        answers = await asyncio.gather(*(try_to_log_in(client, address, "faux") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [401] * 3 + [429] * 5


async def test_a_reset_sets_the_password_once_and_ends_every_session(app: FastAPI, client: AsyncClient) -> None:
    address = await register(client)
    sessions = [await log_in(client, address) for _ in range(2)]
    token = await ask_for_reset(app, client, address)
    problem(await reset(client, token, "court"), 422)
    assert (await reset(client, token)).status_code == 204
    for headers in sessions:
        problem(await me(client, headers), 401, "login_required")
    problem(await try_to_log_in(client, address, PASSWORD), 401)
    assert await log_in(client, address, NEW_PASSWORD)
    problem(await reset(client, token, "troisieme-mot-de-passe"), 400, "bad_token")
    assert await log_in(client, address, NEW_PASSWORD)


async def test_forgetting_gives_away_nothing_and_mails_nobody_unknown(app: FastAPI, client: AsyncClient) -> None:
    unknown, known = f"{unique('x')}@example.org", await register(client)
    answers = [
        await client.post("/api/v1/auth/forgot-password", json={"email": address}) for address in (unknown, known)
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, b"null")}
    assert await mailed_token(app, known, "reset-password")
    await app.state.runner.work_off()
    assert mails_to(app, unknown) == []


async def test_mails_to_one_address_are_limited_known_or_not(settings: Settings, urls: Urls) -> None:
    async with running(settings, urls, limit_mails_per_hour=2) as (_, client):
        for address in (await register(client), f"{unique('x')}@example.org"):
            for path in ("forgot-password", "request-verify-token"):
                assert (await client.post(f"/api/v1/auth/{path}", json={"email": address})).status_code == 202
            problem(await client.post("/api/v1/auth/forgot-password", json={"email": address}), 429, "rate_limited")


async def test_a_token_that_was_tampered_with_or_expired_or_made_for_something_else_is_refused_in_words(
    app: FastAPI, settings: Settings, client: AsyncClient
) -> None:
    address = await register(client)
    verification = await mailed_token(app, address, "verify")
    token = await ask_for_reset(app, client, address)
    secret = settings.secret_key.get_secret_value()
    data = {**decode_jwt(token, secret, [RESET_AUDIENCE]), "aud": RESET_AUDIENCE}
    bad = [
        token[:-4] + "AAAA", token + "x", "", "a.b.c", "\x00", "x" * 1500, verification,
        generate_jwt({**data, "exp": 1}, secret), generate_jwt(data, secret, -10),
        generate_jwt(data, "another" * 8, 60),
        generate_jwt({**data, "fingerprint": "x"}, secret, 60), generate_jwt({**data, "sub": "x"}, secret, 60),
        generate_jwt({**data, "sub": "0197a3c2-5b1e-7c3a-9d2f-1a2b3c4d5e6f"}, secret, 60),
        generate_jwt({"aud": RESET_AUDIENCE}, secret, 60),
    ]  # fmt: skip
    for wrong in bad:
        answer = await reset(client, wrong)
        problem(answer, 422 if wrong == "" else 400)
    for wrong in (token, verification[:-4] + "AAAA", "x", generate_jwt({"aud": VERIFY_AUDIENCE}, secret, 60)):
        problem(await client.post("/api/v1/auth/verify", json={"token": wrong}), 400, "bad_token")
    assert await log_in(client, address)


async def test_a_token_whose_signature_was_left_out_is_refused(app: FastAPI, client: AsyncClient) -> None:
    token = await ask_for_reset(app, client, await register(client))
    none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
    problem(await reset(client, f"{none}.{token.split('.')[1]}."), 400, "bad_token")


async def test_an_address_is_verified_by_the_mailed_token_and_a_second_time_changes_nothing(
    app: FastAPI, client: AsyncClient
) -> None:
    address = await register(client)
    token = await mailed_token(app, address, "verify")
    for _ in range(2):
        answer = await client.post("/api/v1/auth/verify", json={"token": token})
        assert (answer.status_code, answer.json()["is_verified"]) == (200, True)


async def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions_only(client: AsyncClient) -> None:
    address = await register(client)
    here, elsewhere = await log_in(client, address), await log_in(client, address)
    for wrong in ({}, {"current_password": "faux"}, {"current_password": None}):
        found = problem(await change(client, here, password=NEW_PASSWORD, **wrong), 422)
        assert found["errors"][0]["loc"] == ["body", "current_password"]
    assert (await me(client, elsewhere)).status_code == 200
    assert (await change(client, here, password=NEW_PASSWORD, current_password=PASSWORD)).status_code == 200
    assert (await me(client, here)).status_code == 200
    problem(await me(client, elsewhere), 401)
    problem(await try_to_log_in(client, address, PASSWORD), 401)
    assert await log_in(client, address, NEW_PASSWORD)


async def test_a_new_password_makes_a_mailed_reset_worthless(app: FastAPI, client: AsyncClient) -> None:
    address = await register(client)
    token, headers = await ask_for_reset(app, client, address), await log_in(client, address)
    assert (await change(client, headers, password=NEW_PASSWORD, current_password=PASSWORD)).status_code == 200
    problem(await reset(client, token, "encore-un-autre-mot"), 400, "bad_token")


async def test_a_new_address_needs_the_password_and_must_be_verified_again(app: FastAPI, client: AsyncClient) -> None:
    address, taken = await register(client), await register(client)
    old_token, headers = await mailed_token(app, address, "verify"), await log_in(client, address)
    await client.post("/api/v1/auth/verify", json={"token": old_token})
    assert (await me(client, headers)).json()["is_verified"] is True
    new = f"{unique('nouvelle')}@example.org"
    problem(await change(client, headers, email=new), 422)
    problem(await change(client, headers, email=taken, current_password=PASSWORD), 409, "email_taken")
    assert (await me(client, headers)).json()["email"] == address
    changed = await change(client, headers, email=new.upper(), current_password=PASSWORD)
    assert (changed.json()["email"], changed.json()["is_verified"]) == (new, False)
    problem(await client.post("/api/v1/auth/verify", json={"token": old_token}), 400, "bad_token")
    verified = await client.post("/api/v1/auth/verify", json={"token": await mailed_token(app, new, "verify")})
    assert verified.json()["is_verified"] is True


async def test_an_account_changes_under_its_etag(client: AsyncClient) -> None:
    headers = await log_in(client, await register(client))
    etag = (await me(client, headers)).headers["etag"]
    body = {"full_name": "Anne Aubert-Roy", "language": "en"}
    problem(await client.patch("/api/v1/users/me", json=body, headers=headers), 428, "precondition_required")
    changed = await client.patch("/api/v1/users/me", json=body, headers={**headers, "If-Match": etag})
    assert {name: changed.json()[name] for name in body} == body
    assert changed.headers["etag"] != etag
    stale = await client.patch("/api/v1/users/me", json=body, headers={**headers, "If-Match": etag})
    problem(stale, 412, "stale_etag")
    for wrong in ({"full_name": None}, {"language": "de"}, {"is_superuser": True}, {"is_verified": True}):
        problem(await change(client, headers, **wrong), 422)


async def test_sessions_are_listed_and_only_ones_own_can_be_ended(client: AsyncClient) -> None:
    address = await register(client)
    here, elsewhere = await log_in(client, address), await log_in(client, address)
    stranger = await log_in(client, await register(client))
    listed = (await client.get("/api/v1/me/sessions", headers=here)).json()["items"]
    assert [row["current"] for row in listed] == [False, True]
    foreign = (await client.get("/api/v1/me/sessions", headers=stranger)).json()["items"][0]["id"]
    problem(await client.delete(f"/api/v1/me/sessions/{foreign}", headers=here), 404, "not_found")
    assert (await me(client, stranger)).status_code == 200
    other = next(row["id"] for row in listed if not row["current"])
    assert (await client.delete(f"/api/v1/me/sessions/{other}", headers=here)).status_code == 204
    problem(await me(client, elsewhere), 401)
    assert (await me(client, here)).status_code == 200


async def test_no_token_and_no_password_is_stored_as_itself(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany
) -> None:
    token = (await log_in(client, company.email))["Authorization"].removeprefix("Bearer ")
    async with app.state.database.owner() as session:
        stored = (await session.execute(text("select * from shared.access_token"))).all()
        users = (await session.execute(text('select * from shared."user"'))).all()
    assert stored
    assert token not in str(stored)
    assert company.token not in str(stored)
    assert PASSWORD not in str(users)
    assert "argon2id" in str(users)


async def test_a_session_that_has_expired_is_worth_nothing(app: FastAPI, client: AsyncClient) -> None:
    headers = await log_in(client, await register(client))
    assert (await me(client, headers)).status_code == 200
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    async with app.state.database.owner() as session:
        await session.execute(
            text("update shared.access_token set expires_at = :then where token_hash in "
                 "(select token_hash from shared.access_token order by id desc limit 1)"),
            {"then": f"{long_ago:%Y-%m-%d %H:%M:%S.%f}" if app.state.database.is_sqlite else long_ago},
        )  # fmt: skip
    problem(await me(client, headers), 401)


async def test_an_account_that_was_closed_is_worth_nothing(app: FastAPI, client: AsyncClient) -> None:
    address = await register(client)
    headers, token = await log_in(client, address), await ask_for_reset(app, client, address)
    async with app.state.database.owner() as session:
        await session.execute(text('update shared."user" set is_active = false where email = :it'), {"it": address})
    problem(await me(client, headers), 401)
    problem(await try_to_log_in(client, address, PASSWORD), 401, "bad_credentials")
    problem(await reset(client, token), 400, "bad_token")


@pytest.mark.parametrize(
    "value",
    [
        "", "Bearer", "Bearer ", "bearer x", "Basic YTpi", "Bearer " + "x" * 10_000, "Bearer a\x00b", "Bearer \xe9\xff",
        "Bearer ' or 1=1 --", "Bearer a b", "\x00",
    ],
)  # fmt: skip
async def test_an_authorization_that_is_no_token_is_refused(client: AsyncClient, value: str) -> None:
    answer = await client.get("/api/v1/users/me", headers=[(b"authorization", value.encode("latin-1"))])
    problem(answer, 401, "login_required")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_hashing_passwords_holds_neither_the_loop_nor_a_connection_and_runs_in_few_threads(
    settings: Settings, urls: Urls
) -> None:
    async with running(settings, urls, db_pool_size=1, db_pool_overflow=0, db_pool_timeout_seconds=5) as (own, client):
        address = await register(client)
        headers = await log_in(client, address)
        go, under_way, most, threads = threading.Event(), 0, 0, set[str]()
        lock, real = threading.Lock(), own.state.passwords.helper.verify_and_update

        def slow(*values: str) -> tuple[bool, str | None]:
            nonlocal under_way, most
            with lock:
                under_way += 1
                most = max(most, under_way)
                threads.add(threading.current_thread().name)
            go.wait(20)
            with lock:
                under_way -= 1
            found: tuple[bool, str | None] = real(*values)
            return found

        own.state.passwords.helper.verify_and_update = slow
        logins = [asyncio.create_task(try_to_log_in(client, address, PASSWORD)) for _ in range(4)]
        try:
            async with asyncio.timeout(10):
                while most < 2:  # noqa: ASYNC110 - threads of a pool have no event of the loop
                    await asyncio.sleep(0.01)
            # Nothing of a login can end before `go`: an answer now is one that waited for no password.
            assert (await client.get("/health/live")).status_code == 200
            assert (await me(client, headers)).status_code == 200
            assert not any(login.done() for login in logins)
        finally:
            go.set()
            answers = await asyncio.gather(*logins)
    assert {answer.status_code for answer in answers} == {200}
    assert most == 2
    assert all(name.startswith("password") for name in threads)
