"""Pydantic's errors as sentences in both languages; what a client reads never shows a library's own words."""

from collections.abc import Mapping, Sequence
from typing import Any

from backend.core.errors import FieldError, Sentence

_SENTENCES: Mapping[str, tuple[str, str]] = {
    "missing": ("Cette valeur est obligatoire.", "This value is required."),
    "extra_forbidden": ("Ce champ n'existe pas : retirez-le.", "This field does not exist: remove it."),
    "json_invalid": (
        "Ce corps n'est pas du JSON valable : vérifiez guillemets, virgules et accolades.",
        "This body is not valid JSON: check quotes, commas and braces.",
    ),
    "string_type": ("Écrivez un texte entre guillemets.", "Write a text between quotes."),
    "string_too_short": ("Au moins {min_length} caractères.", "At least {min_length} characters."),
    "string_too_long": (
        "Trop long : {max_length} caractères au plus.",
        "Too long: {max_length} characters at most.",
    ),
    "string_pattern_mismatch": (
        "Cette forme n'est pas acceptée (attendu : {pattern}).",
        "This form is not accepted (expected: {pattern}).",
    ),
    "string_unicode": ("Ce texte n'est pas de l'UTF-8 valable.", "This text is not valid UTF-8."),
    "int_type": ("Écrivez un nombre entier.", "Write a whole number."),
    "int_parsing": ("Écrivez un nombre entier.", "Write a whole number."),
    "int_from_float": ("Écrivez un nombre entier.", "Write a whole number."),
    "int_parsing_size": ("Ce nombre est trop grand.", "This number is too large."),
    "float_type": ("Écrivez un nombre.", "Write a number."),
    "float_parsing": ("Écrivez un nombre.", "Write a number."),
    "finite_number": ("Écrivez un nombre fini.", "Write a finite number."),
    "bool_type": ("Écrivez true ou false.", "Write true or false."),
    "bool_parsing": ("Écrivez true ou false.", "Write true or false."),
    "greater_than_equal": ("Au moins {ge}.", "At least {ge}."),
    "less_than_equal": ("Au plus {le}.", "At most {le}."),
    "greater_than": ("Plus de {gt}.", "More than {gt}."),
    "less_than": ("Moins de {lt}.", "Less than {lt}."),
    "enum": ("Valeur inconnue ; attendu : {expected}.", "Unknown value; expected: {expected}."),
    "literal_error": ("Valeur inconnue ; attendu : {expected}.", "Unknown value; expected: {expected}."),
    "uuid_parsing": ("Cet identifiant n'est pas valable.", "This identifier is not valid."),
    "uuid_type": ("Cet identifiant n'est pas valable.", "This identifier is not valid."),
    "timezone_aware": (
        "Ajoutez le décalage horaire (exemple : 2026-11-16T10:00:00+01:00) : certaines heures existent deux fois.",
        "Add the offset (example: 2026-11-16T10:00:00+01:00): some wall times exist twice.",
    ),
    "datetime_parsing": (
        "Écrivez une date et une heure avec décalage (exemple : 2026-11-16T10:00:00+01:00).",
        "Write a date and a time with an offset (example: 2026-11-16T10:00:00+01:00).",
    ),
    "date_parsing": ("Écrivez une date (exemple : 2026-11-16).", "Write a date (example: 2026-11-16)."),
    "list_type": ("Écrivez une liste.", "Write a list."),
    "too_long": ("Trop d'éléments : {max_length} au plus.", "Too many items: {max_length} at most."),
    "too_short": ("Au moins {min_length} éléments.", "At least {min_length} items."),
    "model_attributes_type": ("Écrivez un objet JSON.", "Write a JSON object."),
    "dict_type": ("Écrivez un objet JSON.", "Write a JSON object."),
}
_ALIKE = {
    "datetime_from_date_parsing": "datetime_parsing",
    "datetime_type": "datetime_parsing",
    "datetime_object_invalid": "datetime_parsing",
    "date_from_datetime_parsing": "date_parsing",
    "date_from_datetime_inexact": "date_parsing",
    "date_type": "date_parsing",
    "model_type": "dict_type",
}
# Where one is enough, and where a form has a name, the sentence says what to write.
_AT_LEAST_ONE = {
    "string_too_short": ("Ce champ ne peut pas rester vide.", "This field cannot be empty."),
    "too_short": ("Au moins un élément.", "At least one item."),
}
PHONE = r"^\+?[0-9 ().\-/]+$"
CODE = r"^[a-z][a-z0-9_]*$"
_FORMS = {
    PHONE: (
        "Écrivez un numéro de téléphone avec des chiffres et des espaces (exemple : 06 39 98 12 34).",
        "Write a telephone number with digits and spaces (example: +33 6 39 98 12 34).",
    ),
    CODE: (
        "Écrivez un code en minuscules sans accents ni espaces (exemple : regisseur_lumiere).",
        "Write a code in small letters without accents or spaces (example: regisseur_lumiere).",
    ),
}
_OTHER = ("Cette valeur n'est pas valable.", "This value is not valid.")
SENT_WRONG = Sentence(
    "Certaines valeurs sont à corriger : voyez « errors ».", "Some values must be corrected: see `errors`."
)


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Return what pydantic found wrong, one sentence each; once, however many parts of a route read the body."""
    once = {(tuple(error["loc"]), str(error["type"])): error for error in errors}
    return [FieldError(error["loc"], _sentence(error), code) for (_, code), error in once.items()]


def summary(fields: Sequence[FieldError]) -> Sentence:
    """Return the answer's `detail`: the field and its sentence where only one is wrong."""
    if len(fields) != 1:
        return SENT_WRONG
    # Where the body is no JSON at all, pydantic gives the position of a character instead of a field's name.
    name = "" if fields[0].code == "json_invalid" else _field(fields[0].loc)
    sentence = fields[0].sentence
    return Sentence(f"{name} : {sentence.fr}", f"{name}: {sentence.en}") if name else sentence


def _field(loc: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in loc[1:]) if len(loc) > 1 else ""


def _sentence(error: Mapping[str, Any]) -> Sentence:
    context = error.get("ctx") or {}
    if "fr" in context and "en" in context:
        return Sentence(context["fr"], context["en"])
    kind = str(error["type"])
    fr, en = _found(_ALIKE.get(kind, kind), context)
    french = _Known(context | {"expected": str(context.get("expected", "?")).replace(" or ", " ou ")})
    return Sentence(fr.format_map(french), en.format_map(_Known(context)))


def _found(kind: str, context: Mapping[str, Any]) -> tuple[str, str]:
    if context.get("min_length") == 1 and kind in _AT_LEAST_ONE:
        return _AT_LEAST_ONE[kind]
    return _FORMS.get(context.get("pattern", ""), _SENTENCES.get(kind, _OTHER))


class _Known(dict[str, Any]):
    def __missing__(self, _key: str) -> str:
        return "?"
