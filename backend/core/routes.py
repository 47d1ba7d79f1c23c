"""A route that reads all it is sent: a query parameter that it does not know is refused, as an unknown field is."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import ParamTypes
from fastapi.routing import APIRoute

from backend.core.errors import FieldError, InvalidError, Sentence

SHOWN_LENGTH = 60


class StrictRoute(APIRoute):
    """Refuses (422) a misspelt filter, which would otherwise return everything."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route: the names are compared before anything is read."""
        original = super().get_route_handler()
        params = get_flat_params(self.dependant)
        known = {param.alias for param in params if getattr(param.field_info, "in_", None) is ParamTypes.query}

        async def handle(request: Request) -> Response:
            unknown = [name for name in request.query_params if name not in known]
            if unknown:
                raise _unknown(unknown, sorted(known))
            return await original(request)

        return handle


def _unknown(names: list[str], known: list[str]) -> InvalidError:
    fr = f"cette adresse connaît {', '.join(known)}" if known else "cette adresse n'en connaît aucun"
    en = f"this address knows {', '.join(known)}" if known else "this address knows none"
    sentence = Sentence(f"Ce paramètre n'existe pas : {fr}.", f"This parameter does not exist: {en}.")
    fields = [FieldError(["query", name[:SHOWN_LENGTH]], sentence, "extra_forbidden") for name in names]
    first = fields[0].loc[1]
    return InvalidError(Sentence(f"{first} : {sentence.fr}", f"{first}: {sentence.en}"), fields)
