"""Settings from the environment (`FILAGE_*`); production refuses to start with a development value and names it."""

from functools import cached_property
from pathlib import Path
from typing import Literal, Self
from urllib.parse import unquote

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url

DEVELOPMENT_SECRET = "development-only-secret-change-me"  # noqa: S105 - refused in production, see below
MINIMUM_SECRET_LENGTH = 32


class UnsafeSettingError(ValueError):
    """Settings that must not reach production; the message names each and says what to do, never a value."""


class Settings(BaseSettings):
    """Every setting of the product; see README for the table."""

    model_config = SettingsConfigDict(
        env_prefix="FILAGE_",
        env_file=".env",
        env_ignore_empty=True,  # a deployment names what it leaves out: FILAGE_SMTP_USERNAME=
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    environment: Literal["development", "test", "production"] = "development"
    var_dir: Path = Path("var")

    database_url: str | None = Field(None, description="App login; empty: the embedded PostgreSQL under var_dir.")
    listen_database_url: str | None = Field(
        None, description="App login beside the pooler; empty: FILAGE_DATABASE_URL."
    )
    owner_database_url: str | None = Field(None, description="Owner login: sign-up and migrations (PostgreSQL only).")
    db_pool_size: int = Field(5, ge=1, le=200)
    db_pool_overflow: int = Field(5, ge=0, le=200)
    db_pool_timeout_seconds: float = Field(10, gt=0)
    db_pool_recycle_seconds: int = Field(1800, ge=30)
    db_pool_max_companies: int = Field(150, ge=1, description="Companies one connection visits before it is replaced.")
    db_pooler: Literal["none", "pgbouncer"] = Field("none", description="What stands before PostgreSQL.")
    spare_schemas: int = Field(3, ge=0, le=500, description="Schemas that a worker keeps ready for sign-ups.")
    statement_timeout_ms: int = Field(15_000, ge=100)
    lock_timeout_ms: int = Field(5_000, ge=50)

    base_domain: str = Field("filage.localhost", description="<slug>.<base_domain> selects a company.")
    public_url: str = Field("http://127.0.0.1:8000", description="Start of the links in mails and answers.")
    secret_key: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    access_token_days: int = Field(30, ge=1, le=365)
    invitation_days: int = Field(7, ge=1, le=60)
    password_threads: int = Field(2, ge=1, le=16)
    tenant_cache_seconds: float = Field(2, ge=0, le=60)

    smtp_host: str | None = None
    smtp_port: int = 587
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_tls: Literal["none", "starttls", "tls"] = "starttls"
    mail_from: str = "Filage <ne-pas-repondre@filage.localhost>"

    worker_in_process: bool = Field(default=False, description="Do the tasks inside the server itself.")
    worker_concurrency: int = Field(4, ge=1, le=64, description="Tasks at once in one worker.")
    worker_database_url: str | None = Field(None, description="App login past the pooler, which cannot pass on NOTIFY.")
    worker_retry_seconds: float = Field(15, gt=0, description="First pause after a failed try; tripled each time.")
    worker_stalled_seconds: float = Field(30, ge=1, description="Silence after which a worker's tasks are taken over.")

    limit_sign_ups_per_hour: int = Field(5, ge=1)
    limit_registers_per_hour: int = Field(20, ge=1, description="New accounts from one address.")
    limit_invitations_per_hour: int = Field(300, ge=1, description="Invitations that one company sends.")
    limit_failed_logins_per_10_minutes: int = Field(20, ge=1)
    limit_mails_per_hour: int = Field(5, ge=1, description="Verification and reset mails for one address.")
    limit_unavailable_answers_per_hour: int = Field(60, ge=1, description="'Not available' answers of one company.")
    limit_calendars_per_hour: int = Field(20, ge=1, description="Calendars that one account imports.")
    limit_body_bytes: int = Field(1_000_000, ge=1_000)
    limit_import_bytes: int = Field(5_000_000, ge=1_000)

    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(9464, ge=0, le=65535, description="First port tried, one per worker; 0: no metrics port.")
    metrics_pinned: str | None = Field(
        None, description="Schemas that always have series of their own, with commas between."
    )
    dashboards_url: str | None = Field(None, pattern=r"^https?://", description="Where /status leads to dashboards.")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    demo_mailbox: bool = Field(default=False, description="Show var/mail as a page; development only.")

    @property
    def mail_dir(self) -> Path:
        """Where mails are written as .eml files while no SMTP host is set."""
        return self.var_dir / "mail"

    @cached_property
    def app_url(self) -> URL | None:
        """The app login's URL, or None for the embedded server."""
        return make_url(self.database_url) if self.database_url else None

    @property
    def is_sqlite(self) -> bool:
        """Tell whether the quick-test engine is asked for."""
        return self.app_url is not None and self.app_url.get_backend_name() == "sqlite"

    @property
    def pinned_companies(self) -> list[str]:
        """Schemas of the companies that an operator always wants to see apart in the metrics."""
        return [name.strip() for name in (self.metrics_pinned or "").split(",") if name.strip()]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.app_url is not None and self.app_url.drivername not in {"postgresql+psycopg", "sqlite+aiosqlite"}:
            message = (
                "FILAGE_DATABASE_URL must begin with postgresql+psycopg:// or sqlite+aiosqlite:///, "
                f"not {self.app_url.drivername}://"
            )
            raise UnsafeSettingError(message)
        if self.app_url is not None and not self.is_sqlite and not self.owner_database_url:
            message = "FILAGE_OWNER_DATABASE_URL is missing: sign-up and migrations need the owner's login."
            raise UnsafeSettingError(message)
        if self.worker_in_process and self.db_pooler == "pgbouncer" and not self.worker_database_url:
            message = "FILAGE_WORKER_DATABASE_URL is missing: the worker needs a connection past the pooler."
            raise UnsafeSettingError(message)
        if self.environment == "production":
            problems = self._production_problems()
            if problems:
                raise UnsafeSettingError("\n".join(problems))
        return self

    def _production_problems(self) -> list[str]:
        problems = []
        secret = self.secret_key.get_secret_value()
        if secret == DEVELOPMENT_SECRET or len(secret) < MINIMUM_SECRET_LENGTH:
            problems.append(
                f"FILAGE_SECRET_KEY must be a secret of your own of at least {MINIMUM_SECRET_LENGTH} characters."
            )
        if self.app_url is None:
            problems.append("FILAGE_DATABASE_URL is empty: the embedded server is for development only.")
        elif self.is_sqlite:
            problems.append("FILAGE_DATABASE_URL names SQLite, which cannot isolate companies: use PostgreSQL.")
        if self.app_url is not None and self.owner_database_url:
            owner = make_url(self.owner_database_url)
            if owner.username == self.app_url.username:
                problems.append("FILAGE_DATABASE_URL and FILAGE_OWNER_DATABASE_URL must be two different logins.")
            if "postgres" in {unquote(owner.username or ""), unquote(self.app_url.username or "")}:
                problems.append("FILAGE_DATABASE_URL or FILAGE_OWNER_DATABASE_URL is a superuser login (postgres).")
        if self.demo_mailbox:
            problems.append("FILAGE_DEMO_MAILBOX shows everybody's mail: switch it off.")
        if not self.public_url.startswith("https://"):
            problems.append("FILAGE_PUBLIC_URL must begin with https://.")
        return problems
