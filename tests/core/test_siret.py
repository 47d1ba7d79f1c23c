"""The check digits of a SIRET."""

import pytest

from backend.core.siret import is_siret


@pytest.mark.parametrize("text", ["99999999800019", "99999998000017", "73282932000074", "35600000000048"])
def test_a_number_with_right_check_digits_passes(text: str) -> None:
    assert is_siret(text)


def test_an_office_of_la_poste_passes_by_its_sum_of_digits() -> None:
    assert is_siret("35600000009075")


@pytest.mark.parametrize("place", range(14))
def test_one_wrong_digit_anywhere_is_refused(place: int) -> None:
    right = "73282932000074"
    wrong = right[:place] + str((int(right[place]) + 1) % 10) + right[place + 1 :]
    assert not is_siret(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7328293200007",
        "732829320000740",
        "732 829 320 00074",
        "73282932000074\n",
        "7328293200007A",
        "٧٣٢٨٢٩٣٢٠٠٠٠٧٤",
    ],
)
def test_anything_but_fourteen_ascii_digits_is_refused(text: str) -> None:
    assert not is_siret(text)
