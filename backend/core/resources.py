"""What the routes of one resource share: its headers, the fields that a PATCH really sent, and a shorter text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from backend.core.preconditions import etag
from backend.core.schemas import refuse


def show(response: Response, version: int) -> None:
    """Give the answer the entity tag of what it shows."""
    response.headers["ETag"] = etag(version)


def show_created(request: Request, response: Response, row_id: UUID, version: int) -> None:
    """Give the answer of a creation its address and entity tag; the list's own path is where it was created."""
    response.headers["Location"] = f"{request.url.path.rstrip('/')}/{row_id}"
    show(response, version)


def unsent() -> Any:  # noqa: ANN401 - the default of a field of any type, and never read
    """Return the default of a PATCH's field that may be left out but never be null."""
    return Field(default_factory=lambda: None)


def sent(body: BaseModel) -> dict[str, Any]:
    """Return the fields that the client sent, nulls included; what one of them leaves out has its default."""
    return body.model_dump(include=body.model_fields_set)


@dataclass(frozen=True, slots=True)
class AtMost:
    """Bounds a text that is already a `Line` or a `Text` to `limit` characters."""

    limit: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        """Count after the text was stripped and normalised."""
        return core_schema.no_info_after_validator_function(self._count, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say the shorter limit in OpenAPI too."""
        found: Mapping[str, Any] = handler(schema)
        return {**found, "maxLength": self.limit}

    def _count(self, text: str) -> str:
        if len(text) > self.limit:
            raise refuse(
                "string_too_long",
                f"Trop long : {self.limit} caractères au plus.",
                f"Too long: {self.limit} characters at most.",
            )
        return text
