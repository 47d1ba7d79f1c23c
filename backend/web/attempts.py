"""What a page tries by a service and shows again when it is refused: nothing of a refused act is stored, not even half.

A form is read as text and checked by the API's own bodies, so that a page refuses what the API refuses, in its words.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import quote

from fastapi import Request, Response
from pydantic import BaseModel, ValidationError

from backend.core import validation
from backend.core.errors import AppError, InvalidError, NotFoundError, Sentence, StaleError
from backend.planning.finding_schemas import ClearanceIn
from backend.planning.gate import Brought
from backend.tenancy.acting import Act
from backend.web.errors import typed as typed_fields
from backend.web.forms import RefusedPageError, faults
from backend.web.rendering import words_of
from backend.web.speaking import Words

Model = TypeVar("Model", bound=BaseModel)
NEEDS_CLEARANCE = frozenset({"override_required", "skill_missing", "ground_required"})
CHANGED = Sentence(
    "Quelqu'un a modifié cette fiche entre-temps. Vos changements sont conservés ci-dessous ; comparez puis "
    "enregistrez.",
    "Somebody has changed this meanwhile. Your changes are kept below; compare, then save.",
)


class RefusedError(RefusedPageError):
    """The page that answers a refused act, whose transaction is taken back."""

    def __init__(self, response: Response, error: AppError) -> None:
        super().__init__(response, error.code)


@asynccontextmanager
async def trying(act: Act) -> AsyncIterator[None]:
    """Run an act of which nothing is left for whoever catches its refusal."""
    async with act.session.begin_nested():
        yield


async def typed(request: Request) -> dict[str, str]:
    """Return what was typed into the form, the last value of each field."""
    await request.form()
    return {name: value.strip() for name, value in typed_fields(request)}


def read(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Return a form as a body of the API. Raises InvalidError with a sentence for each field."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        fields = faults(error, values)
        raise InvalidError(validation.summary(fields), fields) from None


def told(words: Words, error: AppError) -> tuple[str, dict[str, str]]:
    """Return a refusal as the page shows it: the sentence of the whole, and those of its fields by name.

    Raises the refusal again when the page itself is not there: NotFoundError.
    """
    if isinstance(error, NotFoundError):
        raise error
    sentence = words.say(CHANGED if isinstance(error, StaleError) else error.sentence)
    fields = error.fields if isinstance(error, InvalidError) else []
    named = {_name(field.loc): words.say(field.sentence) for field in reversed(fields)}
    return ("" if sentence in named.values() else sentence), named


def told_whole(words: Words, error: AppError) -> str:
    """Return a refusal in one sentence, for a page without the refused fields."""
    sentence, named = told(words, error)
    return sentence or next(iter(named.values()))


def _name(loc: Any) -> str:  # noqa: ANN401 - names and places in lists
    names = [str(part) for part in loc if part != "body" and not isinstance(part, int)]
    return names[0] if names else ""


def brought(request: Request, fields: Mapping[str, str]) -> Brought:
    """Return what a form brings to pass the law: a reason, and a ground and its document for each rule."""
    grounds = [
        {"rule": name.removeprefix("ground-"), "ground": value, "document": fields.get(f"document-{name[7:]}", "")}
        for name, value in fields.items()
        if name.startswith("ground-") and value
    ]
    reason = fields.get("override_reason") or None
    clearance = read(ClearanceIn, {"override_reason": reason, "grounds": grounds})
    return Brought(clearance, words_of(request).language)


def version_of(fields: Mapping[str, str]) -> int:
    """Return the row version that a form was made for; 0, which no row has, where it is not readable."""
    text = fields.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004 - digits of a version


def with_query(path: str, **values: object) -> str:
    """Return a path with these values in its query, those that are empty left out."""
    parts = [f"{name}={quote(str(value), safe='')}" for name, value in values.items() if value not in {None, ""}]
    return path + ("?" if "?" not in path else "&") * bool(parts) + "&".join(parts)
