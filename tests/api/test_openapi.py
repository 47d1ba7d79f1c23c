"""The document that clients read: every operation has words, examples and its error answers."""

import re
from http import HTTPStatus
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from httpx import AsyncClient
from pydantic import TypeAdapter

from tests.helpers import SignedUpCompany

Operation = tuple[str, dict[str, Any]]


@pytest.fixture
def operations(app: FastAPI) -> list[Operation]:
    paths = app.openapi()["paths"]
    return [(f"{method.upper()} {path}", found) for path, methods in paths.items() for method, found in methods.items()]


async def test_the_document_and_its_page_are_served_without_another_site(client: AsyncClient) -> None:
    served = await client.get("/openapi.json")
    assert served.status_code == 200
    assert served.json()["info"]["title"] == "Filage"
    page = await client.get("/docs")
    parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(parts) > 1
    for part in parts:
        assert part.startswith("/"), part
        assert (await client.get(part)).status_code == 200, part


def test_a_route_of_a_company_asks_for_the_token_and_for_the_company(operations: list[Operation]) -> None:
    documented = dict(operations)
    assert documented["GET /api/v1/planning"]["security"] == [{"login": [], "company": []}]
    assert documented["GET /api/v1/me/assignments"]["security"] == [{"login": []}]
    assert not documented["POST /api/v1/auth/login"].get("security")


def test_every_operation_has_a_summary_a_tag_and_a_sentence(operations: list[Operation]) -> None:
    assert len(operations) > 20
    for name, operation in operations:
        assert operation.get("summary"), name
        assert len(operation.get("tags", [])) == 1, name
        assert operation.get("description", "").strip().endswith((".", ")")), name


def test_every_request_and_answer_with_a_body_has_an_example(operations: list[Operation]) -> None:
    for name, operation in operations:
        bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for which, body in bodies.items():
            for kind, media in body.get("content", {}).items():
                assert "example" in media or media.get("examples"), f"{name} {which} {kind}"
                if media.get("schema") and "Empty" not in str(media["schema"]):
                    assert media.get("example") not in ({}, [{}]), f"{name} {which}: the example says nothing"


def test_the_examples_of_requests_are_valid_requests(app: FastAPI, operations: list[Operation]) -> None:
    """Checked against the very types that read the requests, so an example cannot grow old."""
    checked, documented = 0, dict(operations)
    for route in iter_route_contexts(app.routes):
        body = getattr(route, "body_field", None)
        if body is None or not route.include_in_schema:
            continue
        operation = documented[f"{next(iter(route.methods or ()))} {route.path}"]
        example = operation["requestBody"]["content"].get("application/json", {}).get("example")
        if example is not None:
            TypeAdapter(body.field_info.annotation).validate_python(example)
            checked += 1
    assert checked > 10


def test_every_operation_says_which_errors_it_answers(operations: list[Operation]) -> None:
    for name, operation in operations:
        statuses = set(operation["responses"])
        method, path = name.split(" ")
        if operation.get("security"):
            assert {"401", "404"} <= statuses, name
        if method in {"PATCH", "DELETE"} and any(p["name"] == "if-match" for p in operation.get("parameters", [])):
            assert {"412", "428"} <= statuses, name
        if "requestBody" in operation or "{" in path:
            assert "422" in statuses, name
        for status in statuses - {"200", "201", "202", "204", "304", "503"}:
            content = operation["responses"][status]["content"]
            problem = content["application/problem+json"]["example"]
            assert set(content) == {"application/problem+json"}, name
            assert (problem["status"], problem["title"]) == (int(status), HTTPStatus(int(status)).phrase), name
            assert problem["detail"], name
            assert problem["trace_id"], name


def test_limits_roles_versions_and_keys_are_documented_where_they_hold(operations: list[Operation]) -> None:
    documented = dict(operations)
    for act in ("offer", "confirm"):
        operation = documented[f"POST /api/v1/assignments/{{assignment_id}}/{act}"]
        assert {"400", "403", "412", "413", "429"} <= set(operation["responses"])
        assert "Idempotency-Key" in {one["name"] for one in operation["parameters"]}
    assert "429" in documented["POST /api/v1/auth/login"]["responses"]
    assert "429" not in documented["GET /api/v1/calls"]["responses"]
    assert "Idempotency-Key" not in str(documented["POST /api/v1/auth/login"])
    assert {"400", "403"} <= set(documented["GET /api/v1/planning"]["responses"])


def test_operation_ids_are_unique(operations: list[Operation]) -> None:
    ids = [operation["operationId"] for _, operation in operations]
    assert len(set(ids)) == len(ids)


def test_no_example_holds_a_default_of_the_library(app: FastAPI) -> None:
    text = str(app.openapi())
    for word in ("additionalProp1", "HTTPValidationError", "user@example.com"):
        assert word not in text


async def test_the_answer_of_a_route_has_the_fields_of_its_example(
    app: FastAPI, client: AsyncClient, company: SignedUpCompany
) -> None:
    for path in ("/company", "/members", "/invitations", "/me/companies", "/me/sessions", "/users/me"):
        operation = app.openapi()["paths"][f"/api/v1{path}"]["get"]
        example = operation["responses"]["200"]["content"]["application/json"]["example"]
        answer = await client.get(f"/api/v1{path}", headers=company.headers)
        assert set(answer.json()) == set(example), path
