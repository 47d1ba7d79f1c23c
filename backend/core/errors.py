"""Expected refusals: each has a status, a stable code and a sentence in French and English; nothing internal leaks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar

PROBLEM_JSON = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a person reads, in both languages of the product; French is the default."""

    fr: str
    en: str

    def in_language(self, language: str) -> str:
        """Return the sentence in `language` ("fr" or "en")."""
        return self.en if language == "en" else self.fr


class AppError(Exception):
    """A refusal that the caller can understand and act on.

    `code` is stable and in snake_case (api.md); `extra` joins the problem document (`conflicts`, `errors`, ...).
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST

    def __init__(
        self,
        code: str,
        sentence: Sentence,
        *,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {sentence.en}")
        self.code = code
        self.sentence = sentence
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})


class BadRequestError(AppError):
    """400: the request contradicts itself or names no company."""


class UnauthenticatedError(AppError):
    """401: nobody, or a token that is unknown, expired or revoked."""

    status = HTTPStatus.UNAUTHORIZED


class ForbiddenError(AppError):
    """403: known, and not allowed."""

    status = HTTPStatus.FORBIDDEN


class NotFoundError(AppError):
    """404: absent, or not to be seen by this caller; both give the same answer."""

    status = HTTPStatus.NOT_FOUND


class ConflictError(AppError):
    """409: the state of things refuses this act."""

    status = HTTPStatus.CONFLICT


class StaleError(AppError):
    """412: somebody changed it meanwhile."""

    status = HTTPStatus.PRECONDITION_FAILED


class PreconditionRequiredError(AppError):
    """428: `If-Match` is missing."""

    status = HTTPStatus.PRECONDITION_REQUIRED


class TooLargeError(AppError):
    """413: more bytes than the route takes."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class TooManyError(AppError):
    """429: a limit of api.md, with `Retry-After` in seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class UnavailableError(AppError):
    """503: come back later, with `Retry-After` in seconds."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


@dataclass(frozen=True, slots=True)
class FieldError:
    """One refused value: where it stands (`loc`), why (`sentence`), and a stable `code`."""

    loc: Sequence[str | int]
    sentence: Sentence
    code: str = "value_error"

    def body(self, language: str) -> dict[str, Any]:
        """Return the entry of `errors` in the problem document."""
        return {"loc": list(self.loc), "msg": self.sentence.in_language(language), "code": self.code}


class InvalidError(AppError):
    """422: understood, and malformed; `fields` says where."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(
        self,
        sentence: Sentence,
        fields: Sequence[FieldError] = (),
        *,
        code: str = "invalid",
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code, sentence, extra=extra)
        self.fields = list(fields)

    @classmethod
    def of(cls, loc: Sequence[str | int], fr: str, en: str, code: str = "value_error") -> "InvalidError":
        """Refuse one field; the sentence is the answer's `detail` too."""
        sentence = Sentence(fr, en)
        return cls(sentence, [FieldError(loc, sentence, code)])


@dataclass(frozen=True, slots=True)
class Problem:
    """The body of an error answer (RFC 9457), before its sentence is put into one language."""

    status: HTTPStatus
    code: str
    sentence: Sentence
    fields: Sequence[FieldError] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def body(self, language: str, trace_id: str) -> dict[str, Any]:
        """Return the JSON object of `application/problem+json`."""
        content: dict[str, Any] = {
            "type": f"urn:filage:problem:{self.code}",
            "title": self.status.phrase,
            "status": int(self.status),
            "code": self.code,
            "detail": self.sentence.in_language(language),
            "trace_id": trace_id,
            **self.extra,
        }
        if self.fields:
            content["errors"] = [refused.body(language) for refused in self.fields]
        return content
