"""One cell to one value; a cell that has none raises CellError with the sentence for the person who wrote it."""

import re
import unicodedata
from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import TypeVar

from backend.core.emails import normalise_email
from backend.core.errors import Sentence
from backend.core.instants import find_zone
from backend.core.siret import is_siret
from backend.imports.domain.guard import FORMULA_STARTS
from backend.imports.domain.problems import listed, shown
from backend.imports.domain.reading import CONTROL_CHARACTER
from backend.imports.domain.rows import Licence

T = TypeVar("T")
Parser = Callable[[str], T]

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 12, 31)
FIRST_YEAR, LAST_YEAR = 1970, 2200
LICENCE_CATEGORIES = frozenset({"1", "2", "3"})
LICENCE_NUMBER_LIMIT = 60
MAXIMUM_LICENCES = 20
LISTED_WORDS = 60
EMAIL_LIMIT, PHONE_LIMIT, ZONE_LIMIT = 320, 40, 64
_LONGEST_DECOMPOSED = 4
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_DEGREES = re.compile(r"[+-]?[0-9]{1,3}([.,][0-9]{1,15})?")
_IDCC = re.compile(r"[0-9]{1,4}")
_PHONE = re.compile(r"\+?[0-9 ().\-/]+")
MINIMUM_DIGITS = 3
PLACES = 6  # of a degree: a step in the street


class CellError(Exception):
    """This cell does not hold what its column asks for."""

    def __init__(self, sentence: Sentence, code: str) -> None:
        super().__init__(sentence.en)
        self.sentence = sentence
        self.code = code


def line(limit: int) -> Parser[str]:
    """Return the parser of a text on one line, of at most `limit` characters."""

    def parse(text: str) -> str:
        return _plain(text, limit)

    return parse


def paragraph(limit: int) -> Parser[str]:
    """Return the parser of a text that may run over several lines; tabs become spaces."""

    def parse(text: str) -> str:
        lines = text.replace("\r\n", "\n").replace("\t", " ").split("\n")
        return _within("\n".join(_plain(one, limit) for one in lines), limit)

    return parse


def one_of(words: Collection[str]) -> Parser[str]:
    """Return the parser of a word out of a short list, which the refusal shows."""
    allowed = listed(sorted(words)[:LISTED_WORDS])

    def parse(text: str) -> str:
        if text in words:
            return text
        raise CellError(
            Sentence(
                f"« {shown(text)} » n'est pas une valeur connue ici. Valeurs possibles : {allowed}.",
                f'"{shown(text)}" is not a known value here. Possible values: {allowed}.',
            ),
            "unknown_value",
        )

    return parse


def job_of(known: Collection[str]) -> Parser[str]:
    """Return the parser of a job code that the company has."""
    codes = sorted(known)
    more = "…" if len(codes) > LISTED_WORDS else ""
    allowed = listed(codes[:LISTED_WORDS]) + more
    known_codes = frozenset(codes)

    def parse(text: str) -> str:
        if text in known_codes:
            return text
        raise CellError(
            Sentence(
                f"Le métier « {shown(text)} » est inconnu : corrigez-le, ou ajoutez-le d'abord aux métiers. "
                f"Métiers connus : {allowed}.",
                f'The job "{shown(text)}" is unknown: correct it, or add it to the jobs first. Known jobs: {allowed}.',
            ),
            "unknown_job",
        )

    return parse


def whole_number(low: int, high: int) -> Parser[int]:
    """Return the parser of an integer from `low` to `high`, written in digits only."""

    def parse(text: str) -> int:
        if _NUMBER.fullmatch(text) and low <= int(text) <= high:
            return int(text)
        raise CellError(
            Sentence(
                f"« {shown(text)} » ne convient pas : il faut un nombre entier, de {low} à {high}.",
                f'"{shown(text)}" does not fit: this is a whole number, {low} or more, and {high} at most.',
            ),
            "not_a_number",
        )

    return parse


def degrees(limit: int) -> Parser[float]:
    """Return the parser of a latitude or a longitude in degrees, with a point or a comma, of at most `limit`."""

    def parse(text: str) -> float:
        found = float(text.replace(",", ".")) if _DEGREES.fullmatch(text) else None
        if found is not None and abs(found) <= limit:
            return round(found, PLACES)
        raise CellError(
            Sentence(
                f"« {shown(text)} » ne convient pas : il faut des degrés, de -{limit} à {limit}, comme 47.2184.",
                f'"{shown(text)}" does not fit: these are degrees, from -{limit} to {limit}, like 47.2184.',
            ),
            "not_degrees",
        )

    return parse


def day(text: str) -> date:
    """Parse a date written YYYY-MM-DD, from 1900 to 2200."""
    found = _iso(date.fromisoformat, text) if _DAY.fullmatch(text) else None
    if found is not None and FIRST_DAY <= found <= LAST_DAY:
        return found
    raise CellError(
        Sentence(
            f"« {shown(text)} » n'est pas une date : écrivez-la année-mois-jour, comme 2026-11-16.",
            f'"{shown(text)}" is not a date: write it year-month-day, like 2026-11-16.',
        ),
        "not_a_date",
    )


def instant(text: str) -> datetime:
    """Parse an instant written in ISO 8601 with its offset, from 1970 to 2200; the offset is kept."""
    found = _iso(datetime.fromisoformat, text) if _INSTANT.fullmatch(text) else None
    if found is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise CellError(
            Sentence(
                f"« {shown(text)} » n'est pas une heure complète : écrivez-la comme 2026-11-16T10:00:00+01:00.",
                f'"{shown(text)}" is not a full time: write it like 2026-11-16T10:00:00+01:00.',
            ),
            "not_an_instant",
        )
    if found.utcoffset() is None:
        raise CellError(
            Sentence(
                f"Il manque le décalage horaire à « {shown(text)} » : ajoutez-le, comme 2026-11-16T10:00:00+01:00 "
                "(aux changements d'heure, certaines heures existent deux fois ou jamais).",
                f'"{shown(text)}" lacks its offset: add it, like 2026-11-16T10:00:00+01:00 '
                "(when the clocks change, some wall times exist twice or never).",
            ),
            "offset_required",
        )
    return found


def email(text: str) -> str:
    """Parse an e-mail address into its normal form."""
    try:
        return normalise_email(_within(text, EMAIL_LIMIT))
    except ValueError:
        raise CellError(
            Sentence(
                f"« {shown(text)} » n'est pas une adresse e-mail : écrivez-la comme prenom.nom@exemple.fr.",
                f'"{shown(text)}" is not an e-mail address: write it like first.last@example.org.',
            ),
            "invalid_email",
        ) from None


def phone(text: str) -> str:
    """Parse a telephone number: digits and their usual separators, perhaps a + first."""
    if _PHONE.fullmatch(_within(text, PHONE_LIMIT)) and sum(c.isdigit() for c in text) >= MINIMUM_DIGITS:
        return text
    raise CellError(
        Sentence(
            f"« {shown(text)} » n'est pas un numéro de téléphone : chiffres, espaces, points, tirets, parenthèses, "
            "et un + au début si besoin.",
            f'"{shown(text)}" is not a phone number: digits, spaces, points, hyphens, brackets, perhaps a + first.',
        ),
        "invalid_phone",
    )


def siret(text: str) -> str:
    """Parse a SIRET: 14 digits, spaces between them are taken out."""
    digits = text.replace(" ", "")
    if is_siret(digits):
        return digits
    raise CellError(
        Sentence(
            f"« {shown(text)} » n'est pas un SIRET : il a 14 chiffres, le dernier vérifiant les autres. Recopiez-le.",
            f'"{shown(text)}" is not a SIRET: it has 14 digits, of which the last checks the others. Copy it again.',
        ),
        "invalid_siret",
    )


def idcc(text: str) -> str:
    """Parse the number of a collective agreement: one to four digits."""
    if _IDCC.fullmatch(text):
        return text
    raise CellError(
        Sentence(
            f"« {shown(text)} » n'est pas un numéro de convention collective : 1 à 4 chiffres, comme 1285.",
            f'"{shown(text)}" is not the number of a collective agreement: 1 to 4 digits, like 1285.',
        ),
        "invalid_idcc",
    )


def timezone(text: str) -> str:
    """Parse the IANA name of a time zone."""
    if len(text) <= ZONE_LIMIT and find_zone(text) is not None:
        return text
    raise CellError(
        Sentence(
            f"Le fuseau horaire « {shown(text)} » n'existe pas : écrivez-le comme Europe/Paris.",
            f'The time zone "{shown(text)}" does not exist: write it like Europe/Paris.',
        ),
        "unknown_timezone",
    )


def licences(text: str) -> tuple[Licence, ...]:
    """Parse licences written `category:number:last day`, separated by `|`."""
    parts = text.split("|")
    if len(parts) > MAXIMUM_LICENCES:
        raise _not_licences(text)
    return tuple(_licence(part.strip()) for part in parts)


def refuse_formula(text: str) -> None:
    """Refuse a text that a spreadsheet would run."""
    if text.startswith(FORMULA_STARTS):
        raise CellError(
            Sentence(
                f"« {shown(text)} » commence par « {text[0]} » : un tableur l'exécuterait. Un nom ne commence pas par "
                "=, +, - ou @ ; retirez ce signe.",
                f'"{shown(text)}" begins with "{text[0]}": a spreadsheet would run it. A name does not begin with '
                "=, +, - or @; remove that sign.",
            ),
            "formula",
        )


def refuse_unguarded(text: str) -> None:
    """Refuse a text that a spreadsheet would run and that no apostrophe keeps from it."""
    if text.startswith(FORMULA_STARTS):
        raise CellError(
            Sentence(
                f"« {shown(text)} » commence par « {text[0]} » : un tableur l'exécuterait. Retirez ce signe, "
                "ou mettez une apostrophe devant.",
                f'"{shown(text)}" begins with "{text[0]}": a spreadsheet would run it. Remove that sign, or put an '
                "apostrophe before it.",
            ),
            "formula",
        )


def _licence(text: str) -> Licence:
    category, _, rest = text.partition(":")
    number, _, last_day = rest.rpartition(":")
    if category.strip() not in LICENCE_CATEGORIES or not number.strip():
        raise _not_licences(text)
    return Licence(category.strip(), _plain(number.strip(), LICENCE_NUMBER_LIMIT), day(last_day.strip()))


def _not_licences(text: str) -> CellError:
    return CellError(
        Sentence(
            f"« {shown(text)} » n'est pas une licence : écrivez catégorie:numéro:date, "
            f"comme 2:PLATESV-2026-000001:2030-12-31 (catégorie 1, 2 ou 3), entre des |, {MAXIMUM_LICENCES} au plus.",
            f'"{shown(text)}" is not a licence: write category:number:date, like 2:PLATESV-2026-000001:2030-12-31 '
            f"(category 1, 2 or 3), separated by |, {MAXIMUM_LICENCES} at most.",
        ),
        "invalid_licence",
    )


def _plain(text: str, limit: int) -> str:
    # Composing a long run of combining marks takes quadratic time: what is far too long is refused before that.
    if len(text) > limit * _LONGEST_DECOMPOSED:
        raise _too_long(text, limit)
    if any(unicodedata.category(c) in _UNSEEN for c in text):
        raise CellError(CONTROL_CHARACTER, "control_character")
    return _within(unicodedata.normalize("NFC", text), limit)


def _within(text: str, limit: int) -> str:
    if len(text) > limit:
        raise _too_long(text, limit)
    return text


def _too_long(text: str, limit: int) -> CellError:
    return CellError(
        Sentence(
            f"Ce texte a {len(text)} caractères ; la limite est de {limit} : raccourcissez-le.",
            f"This text has {len(text)} characters; the limit is {limit}: shorten it.",
        ),
        "too_long",
    )


def _iso(parse: Callable[[str], T], text: str) -> T | None:
    try:
        return parse(text)
    except ValueError:
        return None
