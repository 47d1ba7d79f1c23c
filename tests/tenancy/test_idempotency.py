"""`Idempotency-Key`: one act for one key, whoever repeats it, and never somebody else's answer."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi import APIRouter, FastAPI, Request, UploadFile
from httpx import AsyncClient, Response
from sqlalchemy import func, select, text, update

from backend.audit.models import AuditEvent
from backend.core.errors import ConflictError, Sentence
from backend.core.schemas import Body
from backend.core.settings import Settings
from backend.identity.access import AsMember
from backend.tenancy import idempotency
from backend.tenancy.idempotency import AnswerRoute
from backend.tenancy.models import TenantAnswer
from backend.tenancy.session import Urls
from tests.backstage import info, join, running
from tests.helpers import SignedUpCompany, problem, unique

router = APIRouter(route_class=AnswerRoute)
PATH = "/api/v1/test-cues"


class Cue(Body):
    """A body of a test."""

    label: str
    fails: bool = False


@router.post(PATH, status_code=201)
async def create_cue(body: Cue, act: AsMember, request: Request) -> dict[str, Any]:
    """Leave one row each time it really runs."""
    act.session.add(AuditEvent(at=act.now, what="cue", actor_name=body.label, subject_id=uuid4()))
    await act.session.flush()
    if body.fails:
        raise ConflictError("state_conflict", Sentence("Non.", "No."))
    idempotency.keep_out(request, "secret")
    return {"id": str(uuid4()), "label": body.label, "secret": f"secret-{uuid4()}"}


@router.post(f"{PATH}/files", status_code=201)
async def create_from_files(files: list[UploadFile], act: AsMember) -> dict[str, str]:
    """Leave one row each time it really runs."""
    act.session.add(AuditEvent(at=act.now, what="cue", actor_name=str(len(files))))
    return {"id": str(uuid4())}


@pytest.fixture(scope="module")
async def own(settings: Settings, urls: Urls) -> AsyncIterator[tuple[FastAPI, AsyncClient]]:
    async with running(settings, urls) as (app, client):
        app.include_router(router)
        yield app, client


async def post(
    own: tuple[FastAPI, AsyncClient], headers: dict[str, str], key: str, label: str = "Top 1", **more: Any
) -> Response:
    body = {"label": label, **more}
    return await own[1].post(PATH, json=body, headers={**headers, "Idempotency-Key": key})


async def acts(own: tuple[FastAPI, AsyncClient], company: SignedUpCompany) -> int:
    app = own[0]
    async with app.state.database.company(await info(app, company)) as session:
        found: int = await session.scalar(select(func.count()).where(AuditEvent.what == "cue"))
    return found


async def test_the_first_answer_is_given_again_without_its_secret(
    own: tuple[FastAPI, AsyncClient], company: SignedUpCompany
) -> None:
    first, again = [await post(own, company.headers, "cle") for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == {**first.json(), "secret": None, "code": "secret_shown_once"}
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert await acts(own, company) == 1
    async with own[0].state.database.company(await info(own[0], company)) as session:
        kept = (await session.scalars(select(TenantAnswer.body))).one()
    assert first.json()["secret"].encode() not in (kept or b"")


async def test_the_same_key_for_something_else_is_refused(
    own: tuple[FastAPI, AsyncClient], company: SignedUpCompany
) -> None:
    await post(own, company.headers, "cle")
    problem(await post(own, company.headers, "cle", "Top 2"), 422, "idempotency_mismatch")
    queried = await own[1].post(
        f"{PATH}?x=1", json={"label": "Top 1"}, headers={**company.headers, "Idempotency-Key": "cle"}
    )
    problem(queried, 422, "idempotency_mismatch")
    assert await acts(own, company) == 1


async def test_without_a_key_each_request_acts(own: tuple[FastAPI, AsyncClient], company: SignedUpCompany) -> None:
    for _ in range(2):
        await own[1].post(PATH, json={"label": "Top 1"}, headers=company.headers)
    assert await acts(own, company) == 2


async def test_a_key_belongs_to_one_member_of_one_company(
    own: tuple[FastAPI, AsyncClient], company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    colleague = await join(*own, company, "viewer")
    answers = [await post(own, headers, "cle") for headers in (company.headers, colleague, other_company.headers)]
    assert len({answer.json()["id"] for answer in answers}) == 3
    assert (await acts(own, company), await acts(own, other_company)) == (2, 1)


async def test_requests_at_once_with_one_key_act_once(
    own: tuple[FastAPI, AsyncClient], company: SignedUpCompany
) -> None:
    answers = await asyncio.gather(*(post(own, company.headers, "cle") for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum(answer.json()["secret"] is not None for answer in answers) == 1
    assert await acts(own, company) == 1


async def test_a_refusal_does_not_use_up_the_key_and_leaves_nothing(
    own: tuple[FastAPI, AsyncClient], company: SignedUpCompany
) -> None:
    problem(await post(own, company.headers, "cle", fails=True), 409)
    problem(await post(own, company.headers, "cle", label=7), 422)  # type: ignore[arg-type]  # a wrong body
    assert await acts(own, company) == 0
    assert (await post(own, company.headers, "cle")).status_code == 201
    assert await acts(own, company) == 1


async def test_an_answer_is_kept_for_seven_days(own: tuple[FastAPI, AsyncClient], company: SignedUpCompany) -> None:
    await post(own, company.headers, "cle")
    for age, wanted in ((timedelta(days=6, hours=23), 1), (timedelta(days=2), 2)):
        async with own[0].state.database.company(await info(own[0], company)) as session:
            at = (await session.scalars(select(TenantAnswer.created_at))).one()
            await session.execute(update(TenantAnswer).values(created_at=at - age))
        await post(own, company.headers, "cle")
        assert await acts(own, company) == wanted


@pytest.mark.parametrize("key", ["", "   ", "x" * 256, "a\x00b", "a\tb\x7f", "\x85"])
async def test_a_key_that_is_none_is_refused(
    own: tuple[FastAPI, AsyncClient], company: SignedUpCompany, key: str
) -> None:
    headers = [*(company.headers.items()), ("Idempotency-Key", key)]
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    problem(await own[1].post(PATH, json={"label": "Top 1"}, headers=raw), 422)
    assert await acts(own, company) == 0


@pytest.mark.parametrize("key", ["x" * 255, "é", "'; drop table person; --", "0"])
async def test_any_other_key_will_do(own: tuple[FastAPI, AsyncClient], company: SignedUpCompany, key: str) -> None:
    raw = [(n.encode(), v.encode("latin-1")) for n, v in [*company.headers.items(), ("Idempotency-Key", key)]]
    for _ in range(2):
        assert (await own[1].post(PATH, json={"label": "Top 1"}, headers=raw)).status_code == 201
    assert await acts(own, company) == 1


async def test_files_are_the_same_whatever_the_boundary_and_another_whatever_their_order(
    own: tuple[FastAPI, AsyncClient], company: SignedUpCompany
) -> None:
    async def upload(*files: tuple[str, bytes]) -> Response:
        parts = [("files", (name, content, "text/csv")) for name, content in files]
        headers = {**company.headers, "Idempotency-Key": "cle"}
        return await own[1].post(f"{PATH}/files", files=parts, headers=headers)

    first = await upload(("people.csv", b"a,b"), ("calls.csv", b"c,d"))
    again = await upload(("people.csv", b"a,b"), ("calls.csv", b"c,d"))
    assert first.status_code == 201, first.text
    assert first.json() == again.json()
    for other in ([("people.csv", b"a,x"), ("calls.csv", b"c,d")], [("people.csv", b"a,b")], [("x.csv", b"a,b")]):
        problem(await upload(*other), 422, "idempotency_mismatch")
    assert await acts(own, company) == 1


async def test_the_key_does_not_lock_reading(own: tuple[FastAPI, AsyncClient], company: SignedUpCompany) -> None:
    headers = {**company.headers, "Idempotency-Key": unique("cle")}
    for _ in range(2):
        answer = await own[1].get("/api/v1/company", headers=headers)
        assert answer.status_code == 200
        assert "idempotency-replayed" not in answer.headers


async def test_bodies_and_keys_are_not_stored(own: tuple[FastAPI, AsyncClient], company: SignedUpCompany) -> None:
    await post(own, company.headers, "cle", "mot-de-passe-du-corps")
    async with own[0].state.database.company(await info(own[0], company)) as session:
        fingerprint = await session.scalar(text("select fingerprint from idempotency_key"))
    assert len(fingerprint) == 64
    again = await post(own, company.headers, "autre", "mot-de-passe-du-corps")
    assert again.status_code == 201
