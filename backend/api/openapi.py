"""The OpenAPI document: JSON examples on every request and answer, composed from the examples of their fields."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from backend.core.errors import PROBLEM_JSON

DESCRIPTION = """Planning and hours for production companies. Errors are `application/problem+json`: `detail` is a
sentence for a person, `code` is stable. A company's route needs `X-Tenant: <slug>` (or the company's host)."""
PROBLEM_EXAMPLE = {
    "type": "urn:filage:problem:overlap",
    "title": "Conflict",
    "status": 409,
    "code": "overlap",
    "detail": "Cette personne est déjà confirmée à ces heures dans votre compagnie.",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
}
_ERRORS = {
    "400": ("tenant_required", "Dites pour quelle compagnie : ajoutez l'en-tête X-Tenant avec son adresse courte."),
    "401": ("login_required", "Connectez-vous : il faut un jeton d'accès valable."),
    "403": ("not_allowed", "Votre rôle dans cette compagnie ne le permet pas."),
    "404": ("not_found", "Cette fiche n'existe pas."),
    "409": ("state_conflict", "Cet acte n'est pas possible dans cet état."),
    "413": ("payload_too_large", "Cet envoi est trop gros : faites-en plusieurs."),
    "412": ("stale_etag", "Cette fiche a changé entre-temps : relisez-la."),
    "422": ("invalid", "Certaines valeurs sont à corriger : voyez « errors »."),
    "428": ("precondition_required", "Il manque l'en-tête If-Match : relisez la fiche et renvoyez son ETag."),
    "429": ("rate_limited", "Trop d'essais : attendez avant de recommencer."),
}
_BY_FORMAT = {
    "uuid": "0197a3c2-5b1e-7c3a-9d2f-1a2b3c4d5e6f", "date-time": "2026-11-16T10:00:00+01:00", "date": "2026-11-16",
    "email": "camille.renard@example.org", "binary": "call_ref,job,headcount", "password": "trois-coups-au-lever",
}  # fmt: skip
_BY_TYPE = {"string": "texte", "integer": 1, "number": 1.0, "boolean": True, "null": None}
_WRITES = frozenset({"patch", "delete"})
# Counted limits: the answers "not available" of an hour, sign-ups, log-ins, and mails that somebody else receives.
_LIMITED = re.compile(
    r"(?:post .*/(?:offer|confirm|bulk|shifts|check|imports/season|companies|invitations|"
    r"auth/(?:register|login|forgot-password|request-verify-token))|patch .*/calls/\{call_id\})$"
)
_KEY = {
    "name": "Idempotency-Key", "in": "header", "required": False, "example": "0197a3c2-5b1e-7c3a-9d2f-1a2b3c4d5e6f",
    "description": "The same key with the same request gets the first answer again, and nothing is done twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}  # fmt: skip


def install(app: FastAPI) -> None:
    """Replace the application's OpenAPI by the one with examples; made once, at its first reading."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = build(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents


def build(app: FastAPI) -> dict[str, Any]:
    """Return the document of `app`."""
    document = get_openapi(title="Filage", version=app.version, description=DESCRIPTION, routes=app.routes)
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _join_security(operation)
            _add_examples(operation, schemas)
            _add_errors(method, path, operation)
            if method == "post" and operation.get("security") and "/auth/" not in path:
                operation.setdefault("parameters", []).append(_KEY)
    for replaced in ("HTTPValidationError", "ValidationError"):  # FastAPI's own form of a 422
        schemas.pop(replaced, None)
    return document


def _join_security(operation: dict[str, Any]) -> None:
    """A company's route needs its token and its company, which FastAPI writes as one or the other."""
    if len(schemes := operation.get("security", [])) > 1:
        operation["security"] = [{name: scopes for scheme in schemes for name, scopes in scheme.items()}]


def _add_examples(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    bodies = [operation.get("requestBody", {}), *operation.get("responses", {}).values()]
    for body in bodies:
        for media in body.get("content", {}).values():
            if "schema" in media and "example" not in media:
                media["example"] = example_of(media["schema"], schemas)


def _add_errors(method: str, path: str, operation: dict[str, Any]) -> None:
    responses, security = operation["responses"], operation.get("security") or [{}]
    wanted = {"422"} if "422" in responses else set()
    wanted |= {"400", "403"} if "company" in security[0] else set()
    wanted |= {"413"} if "requestBody" in operation else set()
    wanted |= {"412"} if any(one["name"].lower() == "if-match" for one in operation.get("parameters", [])) else set()
    wanted |= {"429"} if _LIMITED.search(f"{method} {path}") else set()
    if operation.get("security"):
        wanted |= {"401", "404"}
        wanted |= {"428", "412", "409"} if method in _WRITES else set()
        wanted |= {"409"} if method == "post" else set()
    for status in sorted(wanted):
        code, detail = _ERRORS[status]
        example = PROBLEM_EXAMPLE | {
            "type": f"urn:filage:problem:{code}", "title": HTTPStatus(int(status)).phrase, "status": int(status),
            "code": code, "detail": detail,
        }  # fmt: skip
        responses[status] = {
            "description": detail,
            "content": {PROBLEM_JSON: {"schema": {"type": "object"}, "example": example}},
        }


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """Return an example of `schema`: its own, or one made of its parts."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas)
    several = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    own = schema.get("examples") or ([schema["example"]] if "example" in schema else None)
    if own:
        return own[0]
    return example_of(several[0], schemas) if several else _made_example(schema, schemas)


def _made_example(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if schema.get("type") == "array":
        return [example_of(schema.get("items", {}), schemas)]
    if "properties" in schema:
        return {name: example_of(part, schemas) for name, part in schema["properties"].items()}
    if schema.get("type") == "object":
        return {}
    return _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE.get(schema.get("type", ""), {}))
