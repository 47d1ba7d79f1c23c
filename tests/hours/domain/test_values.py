"""Values as dated files: each is in force on one day or refused in a sentence; the product's own files are whole."""

from datetime import date

import pytest

from backend.hours.domain.values import official, read_book
from backend.rules.periods import ValuesError

FIGURE = 'unit = "hour"\nfr = "Seuil"\nen = "Threshold"\n'
PERIOD = '[[threshold.period]]\nsource = "décret"\nconfidence = "page"\n'
POINT = '[p]\nfr = "?"\nen = "?"\n[p.options]\na = { fr = "a", en = "a" }\nb = { fr = "b", en = "b" }\n'


def figures(*periods: str) -> str:
    return "[threshold]\n" + FIGURE + "".join(PERIOD + period + "\n" for period in periods)


def test_each_day_has_the_value_in_force() -> None:
    text = figures("from = 2020-01-01\nuntil = 2020-12-31\nvalue = 507", "from = 2021-01-01\nvalue = 610")
    book = read_book(text, "")
    found = [book.figure("threshold", day) // 60 for day in (date(2020, 1, 1), date(2020, 12, 31), date(2021, 1, 1))]
    assert found == [507, 507, 610]


@pytest.mark.parametrize(
    ("periods", "words"),
    [
        (
            ["from = 2020-01-01\nuntil = 2020-12-30\nvalue = 1", "from = 2021-01-01\nvalue = 2"],
            "aucune valeur du 31/12/2020 au 31/12/2020",
        ),
        (
            ["from = 2020-01-01\nuntil = 2021-01-01\nvalue = 1", "from = 2021-01-01\nvalue = 2"],
            "se recouvrent au 01/01/2021",
        ),
        (["from = 2020-01-01\nvalue = 1", "from = 2021-01-01\nvalue = 2"], "se recouvrent au 01/01/2021"),
        (["from = 2020-01-01\nvalue = 1", "from = 2020-01-01\nvalue = 2"], "se recouvrent"),
        (["from = 2020-01-02\nuntil = 2020-01-01\nvalue = 1"], "finit avant de commencer"),
        (["from = 2020-01-01"], "il manque 'value'"),
        ([], "il manque 'period'"),
        (["from = 2020-13-01\nvalue = 1"], "TOML"),
    ],
)
def test_a_gap_an_overlap_or_a_hole_is_refused_in_a_sentence(periods: list[str], words: str) -> None:
    with pytest.raises(ValuesError) as refused:
        read_book(figures(*periods), "")
    assert words in refused.value.sentence.fr
    assert refused.value.sentence.en


def test_a_choice_that_is_no_option_is_refused() -> None:
    with pytest.raises(ValuesError) as refused:
        read_book("", POINT + '[[p.version]]\nnumber = 1\nfrom = 2020-01-01\nchoice = "c"\n')
    assert "« c » n'est pas une de ses options" in refused.value.sentence.fr


def test_versions_of_an_open_point_follow_one_another() -> None:
    first = '[[p.version]]\nnumber = 1\nfrom = 2020-01-01\nuntil = 2020-12-31\nchoice = "a"\n'
    second = '[[p.version]]\nnumber = 2\nfrom = 2021-01-01\nchoice = "b"\n'
    book = read_book("", POINT + first + second)
    assert [book.readings(date(year, 6, 1))["p"] for year in (2020, 2021)] == ["a", "b"]
    with pytest.raises(ValuesError, match="overlap"):
        read_book("", POINT + first.replace("until = 2020-12-31\n", "") + second)


@pytest.mark.parametrize("day", [date(1900, 1, 1), date(2016, 7, 31)])
def test_a_day_before_every_value_is_refused_in_a_sentence(day: date) -> None:
    with pytest.raises(ValuesError) as refused:
        official().figure("threshold", day)
    assert f"{day:%d/%m/%Y}" in refused.value.sentence.fr


def test_the_official_files_name_their_source_and_begin_with_the_cautious_option() -> None:
    book = official()
    assert book.first_day == date(2016, 8, 1)
    for figure in book.figures.values():
        for period in figure.series.periods:
            assert period.source
            assert period.confidence in {"page", "reported", "general"}
    for name, point in book.points.items():
        assert len(point.options) >= 2, name
        assert point.series.on(date(2026, 11, 22)).option == next(iter(point.options)), name
