"""One person, one written form of an address."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.emails import normalise_email


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("genevieve.roche@example.org", "genevieve.roche@example.org"),
        ("  Genevieve.ROCHE@Example.ORG ", "genevieve.roche@example.org"),
        ("anne+scene@example.org", "anne+scene@example.org"),
        ("anne@ｅｘａｍｐｌｅ.org", "anne@example.org"),
        ("Rene\u0301@example.org", "ren\u00e9@example.org"),
        ("anne@THÉÂTRE.example.org", "anne@théâtre.example.org"),
    ],
)
def test_an_address_has_one_form(text: str, stored: str) -> None:
    assert normalise_email(text) == stored


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anne",
        "genevieve.roche(at)example.org",
        "anne@",
        "@example.org",
        "anne@example",
        "anne@exa mple.org",
        "anne@example.org\x00",
        "anne\n@example.org",
        "Anne <anne@example.org>",
        f"anne@{'a' * 400}.org",
    ],
)
def test_a_malformed_address_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        normalise_email(text)


@settings(deadline=None)
@given(st.text(st.characters(categories=["L", "M", "N"]) | st.sampled_from(".+-_'"), min_size=1, max_size=20))
def test_any_text_has_a_stable_form_or_is_refused(text: str) -> None:
    address = f"{text}@example.org"
    try:
        once = normalise_email(address)
    except ValueError:
        return
    assert normalise_email(once) == once
