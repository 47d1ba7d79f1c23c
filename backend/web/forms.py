"""Forms of pages: what was typed becomes a body of the services; refused, the page comes again, nothing is stored.

A page of a company tries its act by `trying`; a person's own page says by `otherwise` how it is shown again, since the
act's transaction is open before its route begins (`MyRoute`). Both answer by what `Refused` says.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from http import HTTPStatus
from typing import Any, TypeVar, get_args

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ValidationError

from backend.core import validation
from backend.core.errors import AppError, FieldError, InvalidError, Sentence
from backend.core.preconditions import stale
from backend.telemetry import record
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import AnswerRoute
from backend.web import errors as pages
from backend.web.speaking import Words

VERSION = "version"
Model = TypeVar("Model", bound=BaseModel)
# What no correction of the form would cure is a page of its own. What is gone is said on the form: it may be something
# that the form only refers to; where the page itself is gone, showing it again says so, with what was typed.
NOT_OF_THE_FORM = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED})


class RefusedPageError(Exception):
    """Carries the page that refuses; raised through the act's transaction, so that all of it is taken back.

    `code` is that of the refusal, for the log; none where nothing was refused, and only a trial is taken back.
    """

    def __init__(self, page: Response, code: str | None = None) -> None:
        super().__init__(code or "tried")
        self.page = page
        self.code = code


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a form was not taken: a sentence for the whole of it, and one for each field that is wrong."""

    status: HTTPStatus = HTTPStatus.OK
    sentence: Sentence | None = None
    fields: Mapping[str, Sentence] = field(default_factory=dict)
    code: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_stale(self) -> bool:
        """Tell whether somebody else changed the same thing meanwhile."""
        return self.status is HTTPStatus.PRECONDITION_FAILED

    def errors(self, language: str) -> dict[str, str]:
        """Return the sentences of the fields, by their names."""
        return {name: Words(language).say(sentence) for name, sentence in self.fields.items()}

    def text(self, language: str) -> str:
        """Return the sentence for the whole form, unless it only repeats one of a field."""
        if self.sentence is None or self.sentence in self.fields.values():
            return ""
        return Words(language).say(self.sentence)

    def whole(self, language: str) -> str:
        """Return the refusal in one sentence: for a page, or a row of a list, without room beside its fields."""
        return as_whole(self).text(language)


NOTHING_WRONG = Refused()
STALE = Sentence(
    "Quelqu'un a modifié cette fiche {at}. Vos changements sont conservés ci-dessous ; comparez puis enregistrez.",
    "Somebody changed this {at}. What you typed is kept below; compare, then save.",
)
MEANWHILE = Sentence("entre-temps", "meanwhile")
CHANGED = Sentence(STALE.fr.format(at=MEANWHILE.fr), STALE.en.format(at=MEANWHILE.en))
TO_CHOOSE: Mapping[str, Sentence] = {
    "job": Sentence("Choisissez un métier.", "Choose a job."),
    "department": Sentence("Choisissez un pôle.", "Choose a department."),
    "annexe": Sentence("Choisissez une annexe.", "Choose an annexe."),
    "kind": Sentence("Choisissez un type.", "Choose a kind."),
    "role": Sentence("Choisissez un rôle.", "Choose a role."),
    "rule": Sentence("Choisissez une règle.", "Choose a rule."),
    "production_id": Sentence("Choisissez un spectacle.", "Choose a production."),
    "venue_id": Sentence("Choisissez un lieu.", "Choose a venue."),
    "person_id": Sentence("Choisissez une personne.", "Choose a person."),
}


def add_handlers(app: FastAPI) -> None:
    """Let a refused page out, once the transaction around it has been taken back."""
    app.add_exception_handler(RefusedPageError, _refused_page)


async def _refused_page(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedPageError)  # noqa: S101 - Starlette dispatches by class
    if error.code is not None:
        record.current().fields["code"] = error.code
    if error.code == "person_not_available":
        request.app.state.metrics.availability_refusals.inc()
    return error.page


def sought(text: str) -> str | None:
    """Return what a list is searched for, without what no database stores; None where nothing was typed."""
    return "".join(c for c in text if c.isprintable()).strip() or None


def typed_in(request: Request, names: Iterable[str]) -> dict[str, str]:
    """Return what was typed into the named fields, empty where nothing was."""
    found = dict(request.state.typed)
    return {name: found.get(name, "") for name in names}


def all_typed(request: Request, name: str) -> list[str]:
    """Return every value that was ticked or chosen under one name."""
    return [value for key, value in request.state.typed if key == name and value]


def all_of_it(request: Request) -> dict[str, str]:
    """Return all that was typed, the last value of each field, without passwords and the form's own fields."""
    return {name: value.strip() for name, value in pages.typed(request)}


def expected_version(request: Request) -> int:
    """Return the version that the form was made from. Raises StaleError where it holds none."""
    return version_of(dict(request.state.typed).get(VERSION, ""))


def version_of(text: str) -> int:
    """Return the version of a row that a form holds. Raises StaleError where it is not readable."""
    if not text.isdecimal() or len(text) > 9:  # noqa: PLR2004 - as in an ETag
        raise stale()
    return int(text)


def read(model: type[Model], typed: Mapping[str, Any]) -> Model:
    """Return the body of a service made of what was typed; an empty field is none. Raises InvalidError."""
    return body_of(model, {name: _value(model, name, value) for name, value in typed.items()}, typed)


def body_of(model: type[Model], values: Mapping[str, Any], typed: Mapping[str, Any] | None = None) -> Model:
    """Return the body of a service made of values that are as it takes them. Raises InvalidError."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        fields = [_chosen(one, values if typed is None else typed) for one in validation.field_errors(error.errors())]
        raise InvalidError(fields[0].sentence if len(fields) == 1 else pages.TO_CORRECT, fields) from error


def _chosen(error: FieldError, typed: Mapping[str, Any]) -> FieldError:
    """Say of a list where nothing was chosen what to choose."""
    name = str(error.loc[0]) if error.loc else ""
    return replace(error, sentence=TO_CHOOSE[name]) if name in TO_CHOOSE and typed.get(name) == "" else error


def _value(model: type[BaseModel], name: str, value: object) -> object:
    kinds = get_args(model.model_fields[name].annotation)
    if value == "" and type(None) in kinds:
        return None
    return value


def number(text: str) -> object:
    """Return the number that was typed, or the text where there is none: the service says what it expects."""
    plain = text.replace("\u202f", "").replace("\u00a0", "").replace(" ", "").replace(",", ".")
    for kind in (int, float):
        try:
            return kind(plain)
        except ValueError:
            continue
    return text


def refused(error: AppError, known: Collection[str] = ()) -> Refused:
    """Return what a refusal says of a form; sentences about fields that it does not have go to the whole of it."""
    fields: dict[str, Sentence] = {}
    for one in error.fields if isinstance(error, InvalidError) else ():
        fields.setdefault(_named(one, known), one.sentence)
    if isinstance(error.extra.get("field"), str):
        fields[str(error.extra["field"])] = error.sentence
    elsewhere = [sentence for name, sentence in fields.items() if known and name not in known]
    shown = {name: sentence for name, sentence in fields.items() if not known or name in known}
    return Refused(error.status, elsewhere[0] if elsewhere else error.sentence, shown, error.code, error.extra)


def as_whole(refusal: Refused) -> Refused:
    """Return the refusal as one sentence: for a form in a row of a list, which has no room beside its field."""
    return replace(refusal, sentence=next(iter(refusal.fields.values()), refusal.sentence), fields={})


def _named(error: FieldError, known: Collection[str]) -> str:
    names = [part for part in error.loc if isinstance(part, str)]
    return next((name for name in names if name in known), names[-1] if names else "")


Again = Callable[[Refused], Awaitable[Response]]


@asynccontextmanager
async def trying(act: Act, again: Again, known: Collection[str] = ()) -> AsyncIterator[None]:
    """Do what the block does; refused, show the page `again` with the reasons, and store nothing of it."""
    try:
        async with act.session.begin_nested():
            yield
    except AppError as error:
        if _has_a_page(error):
            raise
        raise RefusedPageError(await again(refused(error, known)), error.code) from error


class MyRoute(AnswerRoute):
    """A route whose act, when it is refused, is taken back; the answer is its page again."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route: the handler says how its page is shown again, by `otherwise`."""
        original = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await original(request)
            except AppError as error:
                again: Again | None = getattr(request.state, "again", None)
                if again is None or _has_a_page(error):
                    raise
                # Raised, as the refusal is, through the act's transaction: that is what takes it back.
                raise RefusedPageError(await again(refused(error)), error.code) from error

        return handle


def otherwise(request: Request, again: Again) -> None:
    """Say what is shown where the rest of this request is refused."""
    request.state.again = again


def _has_a_page(error: AppError) -> bool:
    """Tell whether a refusal is a page of its own; where the law refuses, a form says what passes it."""
    return error.status in NOT_OF_THE_FORM and "findings" not in error.extra


def stored_values(row: BaseModel, names: Iterable[str]) -> dict[str, str]:
    """Return the fields of a stored thing as a form holds them."""
    return {name: _as_typed(getattr(row, name)) for name in names}


def _as_typed(value: object) -> str:
    if value is None:
        return ""
    return str(value.value if isinstance(value, Enum) else value)


def meanwhile(refusal: Refused, typed: Mapping[str, str], stored: Mapping[str, str], at: str = "") -> Refused:
    """Return the refusal of a stale form: when the thing was changed, and what it holds now beside each field."""
    when = Sentence(f"à {at}", f"at {at}") if at else MEANWHILE
    told = {
        name: Sentence(
            f"Enregistré entre-temps : {stored[name] or '–'}",
            f"Stored meanwhile: {stored[name] or '–'}",
        )
        for name, text in typed.items()
        if name in stored and stored[name] != text
    }
    sentence = Sentence(STALE.fr.format(at=when.fr), STALE.en.format(at=when.en))
    return replace(refusal, sentence=sentence, fields=told)
