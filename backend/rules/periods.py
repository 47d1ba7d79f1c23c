"""Files of dated values, of the law and of the counter: TOML that reads, and periods without a gap or an overlap."""

import tomllib
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from backend.core.errors import Sentence

Period = tuple[date, date | None]
"""The first and the last day, both included; None: until it is changed."""
_DAY = timedelta(days=1)


class ValuesError(ValueError):
    """Values that cannot be used, or a day on which none is in force; `sentence` says what to do."""

    def __init__(self, fr: str, en: str) -> None:
        super().__init__(en)
        self.sentence = Sentence(fr, en)


def read_toml(text: str) -> dict[str, Any]:
    """Return what a file of values holds. Raises ValuesError for what is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValuesError(
            f"Ce fichier de valeurs n'est pas du TOML valable ({error}) : corrigez cette ligne.",
            f"This file of values is not valid TOML ({error}): correct that line.",
        ) from None


def check_periods(name: str, periods: Sequence[Period]) -> None:
    """Refuse (ValuesError) periods, in order of their start, that are none, reversed, overlap or leave a gap."""
    if not periods:
        raise ValuesError(f"« {name} » n'a aucune période : ajoutez-en une.", f'"{name}" has no period: add one.')
    for first, last in periods:
        if last is not None and last < first:
            raise ValuesError(
                f"« {name} » : la période du {first:%d/%m/%Y} finit avant de commencer ; corrigez sa fin.",
                f'"{name}": the period of {first} ends before it begins; correct its end.',
            )
    for (_, last), (following, _) in pairwise(periods):
        _check_neighbours(name, last, following)


def _check_neighbours(name: str, last: date | None, following: date) -> None:
    if last is None or last >= following:
        raise ValuesError(
            f"« {name} » : deux périodes se recouvrent au {following:%d/%m/%Y} ; arrêtez la première la veille.",
            f'"{name}": two periods overlap on {following}; end the first one the day before.',
        )
    if last + _DAY < following:
        raise ValuesError(
            f"« {name} » : aucune valeur du {last + _DAY:%d/%m/%Y} au {following - _DAY:%d/%m/%Y} ; comblez ce trou.",
            f'"{name}": no value from {last + _DAY} to {following - _DAY}; fill this gap.',
        )
