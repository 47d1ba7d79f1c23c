"""The number of a French establishment: its form and its check digits; nobody is asked whether it exists."""

import re

_SIRET = re.compile(r"[0-9]{14}")
_LA_POSTE = "356000000"
_TEN, _FIVE = 10, 5


def is_siret(text: str) -> bool:
    """Tell whether `text` is 14 digits that pass the Luhn check, without spaces.

    The offices of La Poste ran out of Luhn numbers: theirs pass when the sum of the digits is a multiple of five
    (INSEE, documentation of the Sirene base).
    """
    if _SIRET.fullmatch(text) is None:
        return False
    digits = [int(digit) for digit in text]
    if text.startswith(_LA_POSTE) and sum(digits) % _FIVE == 0:
        return True
    return _luhn(digits) % _TEN == 0


def _luhn(digits: list[int]) -> int:
    doubled = [digit * 2 for digit in digits[-2::-2]]
    return sum(digits[-1::-2]) + sum(digit - 9 if digit > 9 else digit for digit in doubled)  # noqa: PLR2004 - Luhn
