"""Slugs and the names made from numbers: one form each, and no look-alike."""

import pytest

from backend.tenancy import names


@pytest.mark.parametrize("slug", ["abc", "lever", "a1-b2-c3", "a" * 40, "theatre-du-nord"])
def test_well_formed_slugs_are_accepted(slug: str) -> None:
    assert names.is_slug(names.normalise_slug(slug))


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "ab",
        "a" * 41,
        "1ab",
        "-ab",
        "ab-",
        "a--b",
        "Abc",
        "é" * 3,
        "tеatro",
        "abc\n",
        "abc\x00",
        "a b",
        "a_b",
        "a.b",
    ],
)
def test_everything_else_is_not(slug: str) -> None:
    assert not names.is_slug(slug)


def test_compatible_letters_fold_to_the_one_stored_form() -> None:
    assert names.normalise_slug(" ｌｅｖｅｒ ") == "lever"
    assert names.normalise_slug("ﬁlage") == "filage"
    assert names.is_reserved(names.normalise_slug("ｗｗｗ"))


@pytest.mark.parametrize("slug", ["www", "admin", "pg-temp", "xn--lever-abc", "t-000001", "shared", "public"])
def test_names_of_the_product_and_of_the_database_are_reserved(slug: str) -> None:
    assert names.is_reserved(slug)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Théâtre de l'Œuvre", "theatre-de-l-oeuvre"), ("Compagnie Ça & Là", "compagnie-ca-la"), ("3e Acte", "e-acte"),
        ("API", "compagnie-api"), ("!", "compagnie"), ("東京", "compagnie"), ("É" * 300, "e" * 40),
        ("www", "compagnie-www"),
        ("\x00\x00", "compagnie"), ("a" * 39 + " b", "a" * 39), ("XN--x", "xn-x"), ("ab", "compagnie-ab"),
    ],
)  # fmt: skip
def test_a_slug_is_suggested_from_any_name(name: str, slug: str) -> None:
    found = names.suggest_slug(name)
    assert found == slug
    assert names.is_slug(found)
    assert not names.is_reserved(found)


def test_schemas_and_roles_come_from_the_number_and_the_installation() -> None:
    assert names.schema_name(123) == "t_000123"
    assert names.schema_name(1_234_567) == "t_1234567"
    assert names.role_name("f0db2ae90", 123) == "f0db2ae90_t_000123"
    assert names.companies_role("f0db2ae90") == "f0db2ae90_companies"
    assert len(names.role_name(names.new_installation(), 10**12)) <= 63


def test_installations_differ_and_begin_with_a_letter() -> None:
    found = {names.new_installation() for _ in range(50)}
    assert len(found) == 50
    assert all(name[0].isalpha() and name.isalnum() and len(name) <= 12 for name in found)
