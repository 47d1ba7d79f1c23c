"""Types of the API's fields: what enters is stripped, bounded, free of control characters, refused in sentences."""

import unicodedata
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from backend.core.emails import normalise_email
from backend.core.instants import find_zone
from backend.core.validation import CODE, PHONE

FIRST_YEAR, LAST_YEAR = 1970, 2200
FIRST_DAY_YEAR = 1900
NAME_LIMIT, TEXT_LIMIT = 200, 2000


def refuse(code: str, fr: str, en: str) -> PydanticCustomError:
    """Return the error of one field, with its sentence in both languages (`core.validation` puts it into one)."""
    return PydanticCustomError(code, "{en}", {"fr": fr, "en": en})


class Body(BaseModel):
    """What a client sends or receives: unknown fields are refused (422)."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# They turn round what follows them, on a page or in a mail as well: embeddings, overrides and isolates.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in _TURNING


def _one_line(text: str) -> str:
    if any(_is_control(c) for c in text):
        raise refuse(
            "control_character",
            "Ce texte contient un caractère invisible qui commande l'affichage : retapez-le au clavier.",
            "This text holds an invisible character that commands how it is shown: type it again.",
        )
    return unicodedata.normalize("NFC", text)


def _many_lines(text: str) -> str:
    return "\n".join(_one_line(line.replace("\t", " ")) for line in text.replace("\r\n", "\n").split("\n"))


def _not_a_formula(text: str) -> str:
    if text.startswith(("=", "+", "-", "@")):
        raise refuse(
            "formula",
            "Un nom ne commence pas par =, +, - ou @ : un tableur l'exécuterait. Retirez ce signe.",
            "A name does not begin with =, +, - or @: a spreadsheet would run it. Remove that sign.",
        )
    return text


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LIMIT), AfterValidator(_one_line)
]
Name = Annotated[Line, AfterValidator(_not_a_formula)]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_LIMIT), AfterValidator(_many_lines)
]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=40, pattern=PHONE)]
Ref = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60),
    AfterValidator(_not_a_formula),
    AfterValidator(_one_line),
]
Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=CODE)]


def _text_only(value: Any) -> Any:  # noqa: ANN401 - whatever the client sent
    if not isinstance(value, str | date):
        raise refuse("text_expected", "Écrivez cette valeur entre guillemets.", "Write this value between quotes.")
    return value


def _instant(value: datetime) -> datetime:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise refuse(
            "instant_range",
            f"Choisissez une date entre {FIRST_YEAR} et {LAST_YEAR}.",
            f"Choose a date between {FIRST_YEAR} and {LAST_YEAR}.",
        )
    return value


def _day(value: date) -> date:
    if not FIRST_DAY_YEAR <= value.year <= LAST_YEAR:
        raise refuse(
            "day_range",
            f"Choisissez une date entre {FIRST_DAY_YEAR} et {LAST_YEAR}.",
            f"Choose a date between {FIRST_DAY_YEAR} and {LAST_YEAR}.",
        )
    return value


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_text_only),
    AfterValidator(_instant),
    Field(description="ISO 8601 with an offset.", examples=["2026-11-16T10:00:00+01:00"]),
]
Day = Annotated[date, BeforeValidator(_text_only), AfterValidator(_day), Field(examples=["2026-11-16"])]


def _email(text: str) -> str:
    try:
        return normalise_email(text)
    except ValueError:
        raise refuse(
            "email",
            "Cette adresse e-mail n'est pas valable : vérifiez-la (exemple : prenom.nom@exemple.fr).",
            "This e-mail address is not valid: check it (example: first.last@example.org).",
        ) from None


Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=320), AfterValidator(_email)]


def _timezone(name: str) -> str:
    if find_zone(name) is None:
        raise refuse(
            "timezone",
            "Ce fuseau horaire n'existe pas : écrivez-le comme « Europe/Paris ».",
            'This time zone does not exist: write it like "Europe/Paris".',
        )
    return name


TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_timezone), Field(examples=["Europe/Paris"])]
Minutes = Annotated[int, Field(ge=0, le=100_000, strict=True)]
Version = Annotated[int, Field(ge=0, examples=[1], description="Grows at each change; the ETag of the resource.")]
UtcInstant = Annotated[
    datetime,
    PlainSerializer(lambda value: value.isoformat().replace("+00:00", "Z"), return_type=str, when_used="json"),
    Field(examples=["2026-11-16T09:00:00Z"]),
]
