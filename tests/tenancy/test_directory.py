"""Companies by slug: remembered for a moment, forgotten when told, and never read for what cannot be a slug."""

import asyncio
from uuid import uuid4

from fastapi import FastAPI
from sqlalchemy import update

from backend.tenancy.directory import CompanyDirectory
from backend.tenancy.models import Company
from tests.backstage import info
from tests.counting import statements
from tests.helpers import SignedUpCompany, unique


async def rename(app: FastAPI, old: str, new: str) -> None:
    async with app.state.database.shared() as session:
        await session.execute(update(Company).where(Company.slug == old).values(slug=new))


async def test_a_company_is_read_once_and_again_after_a_moment(app: FastAPI, company: SignedUpCompany) -> None:
    directory = CompanyDirectory(app.state.database, seconds=0.2)
    with statements() as sent:
        first = await directory.by_slug(company.slug)
        spent = len(sent)
        assert await directory.by_slug(company.slug) is first
        assert len(sent) == spent > 0
        await asyncio.sleep(0.25)
        assert await directory.by_slug(company.slug) == first
        assert len(sent) == 2 * spent


async def test_a_company_that_changed_is_read_again_when_forgotten(app: FastAPI, company: SignedUpCompany) -> None:
    directory, slug = CompanyDirectory(app.state.database, seconds=60), unique("nouveau")
    found = await info(app, company)
    assert await directory.by_slug(company.slug) == found
    assert await directory.by_slug(slug) is None
    await rename(app, company.slug, slug)
    assert await directory.by_slug(company.slug) == found
    directory.forget(company.slug)
    directory.forget(slug)
    assert await directory.by_slug(company.slug) is None
    renamed = await directory.by_slug(slug)
    assert renamed is not None
    assert (renamed.id, renamed.schema_name) == (found.id, found.schema_name)


async def test_unknown_slugs_are_remembered_too(app: FastAPI) -> None:
    directory, slug = CompanyDirectory(app.state.database, seconds=60), unique("personne")
    with statements() as sent:
        for _ in range(5):
            assert await directory.by_slug(slug) is None
    assert sum("company" in statement for statement in sent) == 1


async def test_what_cannot_be_a_slug_costs_neither_database_nor_memory(app: FastAPI) -> None:
    directory = CompanyDirectory(app.state.database, seconds=60)
    with statements() as sent:
        for slug in ("", "x" * 60_000, "a\x00b", "é", "AB C", "\ud800"):
            assert await directory.by_slug(slug) is None
    assert sent == []
    assert directory._found == {}


async def test_the_memory_is_bounded(app: FastAPI, company: SignedUpCompany) -> None:
    directory = CompanyDirectory(app.state.database, seconds=60)
    directory._found = {f"s{number}": (float("inf"), None) for number in range(20_000)}
    assert await directory.by_slug(company.slug) is not None
    assert len(directory._found) == 1


async def test_companies_are_found_by_id_and_listed_by_number(
    app: FastAPI, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    directory = CompanyDirectory(app.state.database, seconds=60)
    assert await directory.by_id(uuid4()) is None
    numbers = [found.number for found in await directory.all()]
    assert numbers == sorted(numbers)
    assert {company.slug, other_company.slug} <= {found.slug for found in await directory.all()}
