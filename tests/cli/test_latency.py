"""`filage latency`: a table with the busiest company first, or JSON lines; a bad request is told in one sentence."""

import asyncio
import json

import pytest
from httpx import AsyncClient

from backend.cli.latency import show_latency
from backend.core.settings import Settings
from backend.tenancy.session import Urls
from tests.backstage import running
from tests.helpers import SignedUpCompany, sign_up


async def run(slug: str | None = None, last: str = "1h", *, as_json: bool = False) -> int:
    """The command has an event loop of its own, as in a terminal."""
    return await asyncio.to_thread(lambda: show_latency(slug, last, as_json=as_json))


async def served(settings: Settings, urls: Urls) -> SignedUpCompany:
    """Return a company with five requests that an ended process has stored."""
    async with running(settings, urls) as (_, client):
        company = await sign_up(client)
        for _number in range(5):
            await client.get("/api/v1/venues", headers=company.headers)
    return company


async def test_a_company_s_latency_is_shown_as_a_table_and_as_json(
    settings: Settings, urls: Urls, client: AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    company = await served(settings, urls)
    assert await run(company.slug) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("p50", "p95", "p99", "requests", "errors", "5"))
    assert await run(company.slug, as_json=True) == 0
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (line["company"], line["requests"], line["errors"]) == (company.slug, 5, 0)
    assert 0 < line["p50_seconds"] <= line["p95_seconds"] <= line["p99_seconds"]


async def test_all_companies_are_shown_below_their_total(
    settings: Settings, urls: Urls, client: AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    company = await served(settings, urls)
    assert await run(as_json=True) == 0
    total, *companies = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert total["company"] is None
    assert company.slug in {line["company"] for line in companies}
    assert [line["requests"] for line in companies] == sorted((line["requests"] for line in companies), reverse=True)


@pytest.mark.parametrize(
    ("slug", "last", "sentence"),
    [
        (None, "1 week", "number of minutes, hours or days"), (None, "0h", "number of minutes, hours or days"),
        (None, "15d", "kept for 14 days"), (None, "99999d", "kept for 14 days"),
        ("personne-ici", "1h", "No company is called personne-ici"),
    ],
)  # fmt: skip
async def test_a_bad_request_is_told_in_one_sentence(
    client: AsyncClient, capsys: pytest.CaptureFixture[str], slug: str | None, last: str, sentence: str
) -> None:
    assert await run(slug, last) == 2
    assert sentence in capsys.readouterr().err.replace("\n", " ")
