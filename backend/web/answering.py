"""Routes of a person's own forms: what is refused comes back as the same page, and nothing of it is stored."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel, ValidationError

from backend.core.errors import AppError, InvalidError
from backend.core.preconditions import stale
from backend.tenancy.idempotency import AnswerRoute
from backend.web.forms import faults
from backend.web.speaking import Words

Model = TypeVar("Model", bound=BaseModel)
Again = Callable[[AppError], Awaitable[Response]]
# What no correction of a form would cure is a page of its own.
ELSEWHERE = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


class MyRoute(AnswerRoute):
    """A route whose act, when it is refused, is taken back; the answer is its page again."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route: the handler says how its page is shown again, by `otherwise`."""
        original = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await original(request)
            except AppError as refusal:
                again: Again | None = getattr(request.state, "again", None)
                if again is not None and refusal.status not in ELSEWHERE:
                    request.state.shown_again = await again(refusal)
                # The refusal itself leaves, through the act's transaction: that is what takes it back.
                raise

        return handle


def otherwise(request: Request, again: Again) -> None:
    """Say what is shown where the rest of this request is refused."""
    request.state.again = again


def body_of(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Return what was typed as a body of the services. Raises InvalidError with a sentence for each field."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        fields = faults(error, values)
        raise InvalidError(fields[0].sentence, fields) from None


def told(words: Words, refusal: AppError) -> tuple[str, dict[str, str]]:
    """Return a refusal as a page shows it: one sentence for the whole, and one beside each field."""
    fields = refusal.fields if isinstance(refusal, InvalidError) else []
    named = {str(field.loc[-1]): words.say(field.sentence) for field in reversed(fields)}
    sentence = words.say(refusal.sentence)
    return ("" if sentence in named.values() else sentence), named


def version_of(text: str) -> int:
    """Return the version that a form was made from; none where it is not readable. Raises StaleError then."""
    if not text.isdecimal() or len(text) > 9:  # noqa: PLR2004 - as in an ETag
        raise stale()
    return int(text)
