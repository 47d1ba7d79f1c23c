"""Production refuses what is for development, and says which setting it is, without telling its value."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from backend.core.settings import DEVELOPMENT_SECRET, Settings

SECRET = "un-secret-a-nous-de-plus-de-trente-deux-caracteres"
SAFE: dict[str, Any] = {
    "environment": "production",
    "secret_key": SECRET,
    "database_url": "postgresql+psycopg://filage_app:mot-un@db.example/filage",
    "owner_database_url": "postgresql+psycopg://filage_owner:mot-deux@db.example/filage",
    "public_url": "https://filage.example",
}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings of these tests come from their arguments alone."""
    for name in ("FILAGE_DATABASE_URL", "FILAGE_OWNER_DATABASE_URL", "FILAGE_ENVIRONMENT", "FILAGE_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def refusal(**changes: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        Settings(**{**SAFE, **changes})
    return str(refused.value)


def test_production_starts_with_settings_of_its_own() -> None:
    settings = Settings(**SAFE)
    assert settings.environment == "production"
    assert not settings.is_sqlite


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"secret_key": DEVELOPMENT_SECRET}, "FILAGE_SECRET_KEY"), ({"secret_key": "court"}, "FILAGE_SECRET_KEY"),
        ({"database_url": "sqlite+aiosqlite:///filage.sqlite3"}, "FILAGE_DATABASE_URL"),
        ({"database_url": None}, "FILAGE_DATABASE_URL"), ({"database_url": ""}, "FILAGE_DATABASE_URL"),
        ({"database_url": "postgresql+psycopg://postgres@db/filage"}, "FILAGE_DATABASE_URL"),
        ({"owner_database_url": "postgresql+psycopg://postgres@db/filage"}, "FILAGE_OWNER_DATABASE_URL"),
        ({"owner_database_url": "postgresql+psycopg://post%67res@db/filage"}, "FILAGE_OWNER_DATABASE_URL"),
        ({"owner_database_url": None}, "FILAGE_OWNER_DATABASE_URL"),
        ({"owner_database_url": SAFE["database_url"]}, "FILAGE_OWNER_DATABASE_URL"),
        ({"demo_mailbox": True}, "FILAGE_DEMO_MAILBOX"), ({"public_url": "http://filage.example"}, "FILAGE_PUBLIC_URL"),
    ],
)  # fmt: skip
def test_production_refuses_a_development_value_and_names_the_setting(changes: dict[str, Any], setting: str) -> None:
    assert setting in refusal(**changes)


def test_all_that_is_wrong_is_said_at_once() -> None:
    said = refusal(secret_key=DEVELOPMENT_SECRET, demo_mailbox=True, public_url="http://x")
    for setting in ("FILAGE_SECRET_KEY", "FILAGE_DEMO_MAILBOX", "FILAGE_PUBLIC_URL"):
        assert setting in said


def test_a_refusal_shows_no_secret() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(environment="production", secret_key="mot-trois", database_url="postgresql://u:mot-un@db/f")
    for said in (str(refused.value), refusal(demo_mailbox=True), refusal(smtp_port="x", smtp_password="mot-trois")):
        for secret in (SECRET, "mot-un", "mot-deux", "mot-trois"):
            assert secret not in said


@pytest.mark.parametrize("url", ["postgresql://x/y", "mysql+pymysql://x/y", "postgresql+asyncpg://x/y", "sqlite:///x"])
def test_another_driver_is_refused_in_any_environment(url: str) -> None:
    with pytest.raises(ValidationError, match="FILAGE_DATABASE_URL must begin with"):
        Settings(environment="development", database_url=url)


def test_development_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings()
    assert settings.app_url is None
    assert settings.secret_key.get_secret_value() == DEVELOPMENT_SECRET
    monkeypatch.setenv("FILAGE_LIMIT_SIGN_UPS_PER_HOUR", "2")
    assert Settings().limit_sign_ups_per_hour == 2


def test_secrets_are_not_printed() -> None:
    assert SECRET not in repr(Settings(**SAFE))


@pytest.mark.parametrize("change", [{"db_pool_size": 0}, {"limit_sign_ups_per_hour": 0}, {"metrics_port": 70_000}])
def test_figures_out_of_range_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Settings(**change)  # type: ignore[arg-type]  # figures
