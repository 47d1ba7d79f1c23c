"""Latency of every company by the minute: exact counts, quantiles in the right bucket, nothing lost in vain."""

import asyncio
import math
import time
from collections import Counter
from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from backend.core.clock import utc_now
from backend.core.settings import Settings
from backend.telemetry.latency import BUCKETS, Rollups, bound_of, bucket_of, quantile
from backend.telemetry.metrics import Metrics
from backend.tenancy import latency
from backend.tenancy.latency import LatencyKeeper
from backend.tenancy.models import Latency
from backend.tenancy.session import Urls
from tests.backstage import running
from tests.helpers import sign_up


@given(st.floats(0, 100))
def test_a_duration_is_in_the_first_bucket_that_reaches_it(seconds: float) -> None:
    bucket = bucket_of(seconds)
    assert 0 <= bucket < BUCKETS
    assert bucket == BUCKETS - 1 or seconds <= bound_of(bucket) * (1 + 1e-12)
    assert bucket == 0 or seconds > bound_of(bucket - 1) * (1 - 1e-12)


@given(st.lists(st.floats(0.001, 30), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_lies_in_the_bucket_of_the_exact_one(durations: list[float], share: float) -> None:
    counts = Counter(map(bucket_of, durations))
    exact = sorted(durations)[math.ceil(share * len(durations)) - 1]
    found = quantile(share, counts)
    assert found is not None
    assert abs(bucket_of(found) - bucket_of(exact)) <= 1


def test_no_request_has_no_quantile() -> None:
    assert quantile(0.95, {}) is None


async def test_requests_of_every_company_are_stored_and_read_back(settings: Settings, urls: Urls) -> None:
    async with running(settings, urls) as (own, client):
        first, second = await sign_up(client), await sign_up(client)
        for company, number in ((first, 4), (second, 2)):
            for _ in range(number):
                await client.get("/api/v1/venues", headers=company.headers)
        keeper: LatencyKeeper = own.state.latency
        await keeper.store()
        await client.get("/api/v1/venues", headers=first.headers)
        await keeper.store()
        async with own.state.database.shared() as session:
            since = utc_now() - timedelta(minutes=5)
            total, *companies = await latency.read(session, since)
            (alone,) = await latency.read(session, since, first.slug)
            assert await latency.read(session, utc_now() + timedelta(minutes=2)) == [latency.Summary(None)]
    found = {summary.slug: summary.requests for summary in companies}
    assert (found[first.slug], found[second.slug], alone.requests) == (5, 2, 5)
    assert total.requests >= sum(found.values())
    assert 0 < (alone.quantile(0.5) or 0) <= (alone.quantile(0.95) or 0)
    assert alone.errors == 0


async def test_what_cannot_be_stored_is_kept_ten_minutes_and_then_counted_as_given_up(
    app: FastAPI, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics, rollups = Metrics(), Rollups()
    keeper = LatencyKeeper(app.state.database, rollups, metrics)
    now = time.time()
    rollups.add("t_lost", 0.1, 200, now - 3600)
    rollups.add("t_kept", 0.1, 500, now)

    async def away(*_: object) -> None:
        raise OperationalError("insert", {}, Exception("down"))

    with monkeypatch.context() as patch:
        patch.setattr(latency, "store", away)
        await keeper.store()
    assert metrics.registry.get_sample_value("filage_telemetry_dropped_total", {"signal": "latency"}) == 1
    await keeper.store()
    async with app.state.database.shared() as session:
        rows = (await session.scalars(select(Latency).where(Latency.company.in_(["t_lost", "t_kept"])))).all()
    assert [(row.company, row.requests, row.errors) for row in rows] == [("t_kept", 1, 1)]


async def test_old_minutes_are_purged(app: FastAPI, client: AsyncClient) -> None:
    rollups = Rollups()
    now = utc_now()
    for days in (13, 15):
        rollups.add(f"t_old_{days}", 0.1, 200, (now - timedelta(days=days)).timestamp())
    async with app.state.database.shared() as session:
        await latency.store(session, "test", rollups.take())
        await latency.purge(session, now)
        left = (await session.scalars(select(Latency.company).where(Latency.company.startswith("t_old_")))).all()
    assert left == ["t_old_13"]


async def test_the_last_minute_is_stored_when_the_process_ends(settings: Settings, urls: Urls) -> None:
    async with running(settings, urls) as (_, client):
        company = await sign_up(client)
        await client.get("/api/v1/venues", headers=company.headers)
    async with running(settings, urls) as (own, _), own.state.database.shared() as session:
        (found,) = await latency.read(session, utc_now() - timedelta(minutes=5), company.slug)
    assert found.requests == 1


async def test_a_keeper_that_never_began_stops_at_once(app: FastAPI, client: AsyncClient) -> None:
    async with asyncio.timeout(30):
        await LatencyKeeper(app.state.database, Rollups(), Metrics()).stop()


async def test_a_clock_that_jumps_back_changes_no_duration_and_loses_no_request(
    settings: Settings, urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(settings, urls) as (own, client):
        await client.get("/api/v1/users/me")
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now - 3600)
        answer = await client.get("/api/v1/users/me")
        taken = own.state.latency._rollups.take()
    assert float(answer.headers["server-timing"].split(";dur=")[1].split(",")[0]) >= 0
    assert sum(found.requests for found in taken) == 2
    assert len({found.minute for found in taken}) == 2
