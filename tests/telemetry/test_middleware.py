"""What an operator sees of a request: one id everywhere, the route's template, and never a secret."""

import json
import re
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from prometheus_client.openmetrics.exposition import generate_latest

from backend.core.settings import Settings
from tests.backstage import log_lines
from tests.helpers import SignedUpCompany, unique

NO_ID = "0197a3c2-5b1e-7c3a-9d2f-1a2b3c4d5e6f"


def routes(app: FastAPI) -> set[str]:
    """Return every value of the route label."""
    return {
        sample.labels["http_route"]
        for metric in app.state.metrics.registry.collect()
        for sample in metric.samples
        if metric.name == "http_server_request_duration_seconds"
    }


def requests(log: Any) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in lines if line["event"] == "request"]


async def test_one_id_is_in_the_headers_the_body_the_log_and_the_exemplar(
    app: FastAPI, client: AsyncClient, settings: Settings
) -> None:
    with log_lines(settings) as log:
        answer = await client.get("/api/v1/users/me")
    found = answer.headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{32}", found)
    assert answer.json()["trace_id"] == found
    line = requests(log)[0]
    assert (line["trace_id"], line["request_id"], line["code"]) == (found, found, "login_required")
    parts = answer.headers["traceresponse"].split("-")
    assert (parts[0], parts[1], parts[2]) == ("00", found, line["span_id"])
    assert re.match(r"app;dur=[\d.]+, db;dur=[\d.]+, traceparent;desc=\"00-", answer.headers["server-timing"])
    shown = generate_latest(app.state.metrics.registry)  # type: ignore[no-untyped-call]  # the library's
    assert f'trace_id="{found}"' in shown.decode()


async def test_every_request_has_an_id_of_its_own(client: AsyncClient) -> None:
    ids = {(await client.get("/health/live")).headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5
    assert "0" * 32 not in ids


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/health/live", "/health/live"), ("GET", "/api/v1/company", "/api/v1/company"),
        ("DELETE", f"/api/v1/members/{NO_ID}", "/api/v1/members/{member_id}"),
        ("DELETE", "/api/v1/members/x", "/api/v1/members/{member_id}"),
        ("POST", "/api/v1/companies", "/api/v1/companies"),
    ],
)  # fmt: skip
async def test_the_route_is_its_template_with_its_prefix(
    app: FastAPI, client: AsyncClient, settings: Settings, company: SignedUpCompany, method: str, path: str, route: str
) -> None:
    with log_lines(settings) as log:
        await client.request(method, path, headers=company.headers)
    assert requests(log)[0]["http.route"] == route
    assert route in routes(app)


async def test_unknown_addresses_share_one_label(app: FastAPI, client: AsyncClient, settings: Settings) -> None:
    await client.get("/personne")
    before = routes(app)
    with log_lines(settings) as log:
        for number in range(20):
            await client.get(f"/api/v1/personne-{number}")
            await client.request(f"VERB{number}", "/personne")
    assert routes(app) == before
    assert {line["http.route"] for line in requests(log)} == {"unmatched"}
    assert {line["http.method"] for line in requests(log)} == {"GET", "_OTHER"}


@pytest.mark.parametrize(
    "value",
    [
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "x",
        "\r\nSet-Cookie: a=b",
        "é" * 5000,
        "\x1b[31m",
        '{"a":1}',
    ],
)
async def test_a_callers_ids_choose_nothing(client: AsyncClient, settings: Settings, value: str) -> None:
    raw = value.encode("latin-1")
    headers = [(b"traceparent", raw), (b"x-request-id", raw), (b"tracestate", raw), (b"baggage", raw)]
    with log_lines(settings) as log:
        answer = await client.get("/health/live", headers=headers)
    assert answer.status_code == 200
    assert "0af7651916cd43dd8448eb211c80319c" not in str(answer.headers)
    assert answer.headers["traceresponse"].endswith("-00"), "nobody chooses that a trace is kept"
    kept = requests(log)[0]["caller_request_id"]
    assert kept is None or re.fullmatch(r"[\w.\-]{1,64}", kept)
    assert "set-cookie" not in answer.headers


async def test_no_secret_of_a_path_a_query_a_header_or_a_body_is_in_the_log(
    client: AsyncClient, settings: Settings, company: SignedUpCompany
) -> None:
    secret = unique("jeton-tres-secret")
    with log_lines(settings) as log:
        await client.get(f"/calendar/{secret}.ics")
        await client.get(f"/invitation?token={secret}")
        await client.get(f"/api/v1/personne/{secret}", params={"token": secret})
        await client.get("/api/v1/users/me", headers={"Authorization": f"Bearer {secret}", "Cookie": f"s={secret}"})
        await client.post("/api/v1/auth/login", data={"username": f"{secret}@example.org", "password": secret})
        await client.post("/api/v1/auth/reset-password", json={"token": secret, "password": secret})
        await client.get("/api/v1/company", headers=company.headers)
        ours = "\n".join(line for line in log.getvalue().splitlines() if '"httpx"' not in line)
    assert len(requests(log)) == 7
    assert secret not in ours
    assert company.token not in ours
    assert company.email not in ours


async def test_the_log_names_the_company_by_its_schema_and_counts_statements(
    client: AsyncClient, settings: Settings, company: SignedUpCompany
) -> None:
    with log_lines(settings) as log:
        await client.get("/api/v1/company", headers=company.headers)
        await client.get("/health/live")
    read, live = requests(log)
    assert read["tenant"].startswith("t_")
    assert read["statements"] > 0
    assert (live["tenant"], live["statements"]) == (None, 0)


async def test_requests_under_way_are_counted_and_counted_off(app: FastAPI, client: AsyncClient) -> None:
    gauge = app.state.metrics.active_requests
    for path in ("/health/live", "/personne", "/api/v1/company"):
        await client.get(path)
    assert gauge.labels("GET")._value.get() == 0
