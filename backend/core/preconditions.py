"""Optimistic concurrency (RFC 9110, section 13): `ETag` on what is read, `If-Match` on what changes it."""

import re
from typing import Annotated

from fastapi import Depends, Header

from backend.core.errors import PreconditionRequiredError, Sentence, StaleError

ANY_VERSION = -1
_ETAG = re.compile(r'(?:W/)?"(\d{1,9})"')


def etag(version: int) -> str:
    """Return the entity tag of a row's version."""
    return f'"{version}"'


def _if_match(
    if_match: Annotated[
        str | None, Header(description="`ETag` of the resource as you read it.", examples=['"1"'], max_length=1000)
    ] = None,
) -> int:
    if if_match is None:
        raise PreconditionRequiredError(
            "precondition_required",
            Sentence(
                "Il manque l'en-tête If-Match : relisez la fiche et renvoyez son ETag.",
                "The If-Match header is missing: read the resource again and send its ETag.",
            ),
        )
    if if_match.strip() == "*":
        return ANY_VERSION
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise stale()
    return int(found.group(1))


ExpectedVersion = Annotated[int, Depends(_if_match)]


def check_version(found: int, expected: int) -> None:
    """Refuse (412) a change that was made on an older reading."""
    if expected not in {ANY_VERSION, found}:
        raise stale()


def stale() -> StaleError:
    """Return the refusal of a change made on an older reading."""
    return StaleError(
        "stale_etag",
        Sentence(
            "Cette fiche a changé entre-temps : relisez-la, puis recommencez votre modification.",
            "This resource has changed meanwhile: read it again, then make your change again.",
        ),
    )
