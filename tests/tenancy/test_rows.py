"""Refusals by constraint leave the transaction usable, on both engines and under a distributed server's names."""

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from backend.core.errors import ConflictError, Sentence
from backend.people.models import Annexe, Job, Person
from backend.tenancy.rows import apply_changes, broken_constraint, in_use, refusing, sort_instant, sort_text
from tests.helpers import SignedUpCompany, create

SENTENCE = Sentence("Non.", "No.")


def job(code: str) -> Job:
    return Job(code=code, label=code, department="stage", annexe=Annexe.TECHNICIANS)


async def test_after_a_refusal_the_transaction_goes_on_and_keeps_the_rest(
    client: AsyncClient, app: FastAPI, company: SignedUpCompany
) -> None:
    info = await app.state.directory.by_slug(company.slug)
    async with app.state.database.company(info) as session:
        session.add(job("avant"))
        with pytest.raises(ConflictError):
            async with refusing(session, {"uq_job_code": in_use(SENTENCE)}):
                session.add(job("machiniste"))
        session.add(job("apres"))
    async with app.state.database.company(info, write=False) as session:
        codes = set(await session.scalars(select(Job.code)))
    assert {"avant", "apres", "machiniste"} <= codes
    assert len(codes) == 21


async def test_a_constraint_without_a_refusal_stays_an_error(
    client: AsyncClient, app: FastAPI, company: SignedUpCompany
) -> None:
    info = await app.state.directory.by_slug(company.slug)
    async with app.state.database.company(info) as session:
        with pytest.raises(IntegrityError) as raised:
            async with refusing(session, {"uq_other": in_use(SENTENCE)}):
                session.add(job("machiniste"))
    assert broken_constraint(raised.value) == "uq_job_code"


async def test_a_broken_foreign_key_is_told_from_a_taken_value(
    client: AsyncClient, app: FastAPI, company: SignedUpCompany
) -> None:
    await create(client, company.headers, "/people", first_name="Anne", last_name="A", job="machiniste")
    info = await app.state.directory.by_slug(company.slug)
    async with app.state.database.company(info) as session:
        with pytest.raises(ConflictError) as raised:
            async with refusing(session, {"uq_": in_use(Sentence("x", "x")), "fk_": in_use(SENTENCE)}):
                await session.execute(delete(Job).where(Job.code == "machiniste"))
        assert (await session.scalars(select(Person.job))).all() == ["machiniste"]
    assert raised.value.sentence is SENTENCE


def test_the_columns_that_sqlite_names_give_the_constraints_name() -> None:
    error = IntegrityError("", {}, Exception("UNIQUE constraint failed: position.call_id, position.job"))
    assert broken_constraint(error) == "uq_position_call_id_job"
    assert broken_constraint(IntegrityError("", {}, Exception("FOREIGN KEY constraint failed"))) == "fk_"
    assert broken_constraint(IntegrityError("", {}, Exception("NOT NULL constraint failed: job.code"))) == ""


def test_stamps_are_set_only_when_something_differs() -> None:
    row = job("a")
    assert apply_changes(row, {"label": "a"}, department="touched") is False
    assert row.department == "stage"
    assert apply_changes(row, {"label": "b"}, department="touched") is True
    assert (row.label, row.department) == ("b", "touched")


@pytest.mark.parametrize("text", ["2026-11-16T10:00:00", "0001-01-01T00:00:00+23:59", "now"])
def test_an_instant_of_a_cursor_has_an_offset_and_a_place_in_the_calendar(text: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        sort_instant(text)


def test_half_a_character_does_not_sort() -> None:
    assert sort_text("Éloïse 🎭") == "Éloïse 🎭"
    with pytest.raises(ValueError, match="surrogates"):
        sort_text("\ud800")
